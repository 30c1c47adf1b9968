"""A program being written: statements come in, in order or as repairs, and tasks and diagnostics come out.

All front ends end here. What is published is never changed; a broken statement holds back only what needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from superscalar.plan import ir
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.forms import is_assert
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.passes.pipeline import bare
from superscalar.plan.read.ground import Ground
from superscalar.plan.read.held import Held
from superscalar.plan.read.lowered import Lowered, Surroundings, lower_statement, version_id, version_parts
from superscalar.plan.read.lowering.body import names_in
from superscalar.plan.read.repairs.inside import problems_inside
from superscalar.plan.read.repairs.reply import RepairReply, answered, mended, says_anew
from superscalar.plan.read.slots import Arm, Branch, Slot, path_of, placed, targets_of, targets_of_text
from superscalar.plan.read.source import Source
from superscalar.values import TaskId


@dataclass(frozen=True, slots=True)
class Retirement:
    """Tasks of this round that are no part of its plan any more, and why (rules L29, L30).

    `dropped`: the right writes among them, as they were written, that the new text does not make.
    """

    ids: tuple[TaskId, ...]
    why: str
    dropped: tuple[str, ...] = ()


Step: TypeAlias = ir.Task | Diagnostic | Retirement
"""What reading a program yields, in the order in which it was found."""

MAX_NESTED = 100
"""How many `if`s may stand in each other, an `elif` in the `if` before it (rule L25)."""


@dataclass(slots=True)
class Open:
    """An `if` that is open, and the block and the arm of it to which the next statement belongs.

    `ignored`: nothing comes of what stands in it: it is too deep, or behind the join.
    """

    header: Slot
    block: list[Slot]
    arm: Arm | None
    ignored: bool = False


class Program:
    """Names, ids and order of everything planned so far, over all rounds.

    `statement` takes the next one; between `begin_repair` and `end_repair` it takes a reply that repairs the round.
    Then the final text of the round is lowered anew, and what of it is published already keeps id and result (rule
    L30). `next_round` continues after a replan: old names stay. `complete` says whether a round ended with `join` and
    nothing is broken.
    """

    def __init__(self, signatures: Signatures) -> None:
        self.signatures = signatures
        self.joined = False
        self._now = Ground.empty(signatures)
        self._ground = Ground.empty(signatures)
        self._held = Held(signatures)
        self._closing = False
        self._text: list[Slot] = []  # of this round, the arms of `if`s in their headers
        self._open: list[Open] = []
        self._reply: RepairReply | None = None
        self._retired: set[TaskId] = set()
        self._taken: set[TaskId] = set()  # ids that a new task must not have, while a text is lowered anew
        self._there: set[TaskId] = set()  # what there is, while a text is lowered anew
        self._avoid: set[TaskId] = self._taken
        self._published: dict[TaskId, ir.Task] = {}  # by an earlier process, in this round
        self._ended = False  # as a text does that is all there
        self._order: list[TaskId] = []  # in which the tasks of this round were published, once that matters

    # --------------------------------------------------------------------------------------------------- reading

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong and not repaired yet, in program order."""
        return tuple(problem for slot in self._held for problem in slot.problems)

    @property
    def complete(self) -> bool:
        """Whether this round may be sealed."""
        return self.joined and not self._held

    @property
    def broken(self) -> bool:
        """Whether something waits for a repair."""
        return bool(self._held)

    @property
    def repairing(self) -> bool:
        """Whether what comes is a reply that repairs the round."""
        return self._reply is not None

    def defines(self, name: str) -> bool:
        """Whether a statement assigns `name`, right or broken as it may be."""
        return name in self._now.top_level

    def in_order(self) -> tuple[ir.Task, ...]:
        """All tasks in program order."""
        return tuple(task for _, task in self._now.tasks)

    def moved(self) -> tuple[TaskId, ...]:
        """The tasks of this round in program order, where they were not published in that order; else nothing."""
        ids = tuple(task.id for _, task in self._now.tasks[len(self._ground.tasks) :])
        numbers = {id: number for number, id in enumerate(self._order)}
        places = [numbers.get(id, len(numbers)) for id in ids]
        return ids if places != sorted(places) else ()

    # --------------------------------------------------------------------------------------------------- writing

    def statement(
        self,
        tree: ast.stmt,
        source: Source,
        *,
        thought: str = "",
        notes: Sequence[str] = (),
        thoughts: Mapping[int, str] | None = None,
        number: int = 0,
    ) -> Iterator[Step]:
        """Take a statement that could be read, but for an `if`. `thoughts`: the comments inside, by line. `number`: of
        its line, in a listing with numbers."""
        slot = Slot((), source, tree, targets_of(tree, source.text), thought=thought, notes=tuple(notes))
        slot.number = number
        if thoughts:
            slot.thoughts = thoughts
        return self._say(slot)

    def unreadable(self, source: Source, problem: Diagnostic, tree: ast.stmt | None = None) -> Iterator[Step]:
        """Take the text of a statement that could not be read. `tree`: what is known of it, at least what it calls."""
        return self._say(self._unread(source, problem, tree))

    def keep_place(self, source: Source, problem: Diagnostic, tree: ast.stmt | None = None) -> Slot:
        """Keep the place of a statement that is to be understood once the rest is there: `fill` and `filled` follow.

        `problem`: what is wrong with it if they do not.
        """
        slot = self._unread(source, problem, tree)
        for _ in self._say(slot):
            pass
        return slot

    def fill(self, slot: Slot, tree: ast.stmt, source: Source, *, thought: str = "", notes: Sequence[str] = ()) -> None:
        """Say what stands in a place that was kept."""
        slot.tree, slot.source, slot.targets = tree, source, targets_of(tree, source.text)
        slot.thought, slot.notes, slot.unread, slot.breaks = thought, tuple(notes), None, False

    def cannot_fill(self, slot: Slot, source: Source, problem: Diagnostic, tree: ast.stmt | None = None) -> None:
        """What stands in a place that was kept cannot be read."""
        slot.source, slot.tree, slot.unread = source, tree, problem

    def filled(self) -> Iterator[Step]:
        """Lower what waited for places that are filled now; in a reply that happens at its end."""
        if self._reply is None:
            said: set[Step] = set(self.problems)
            for slot in self._text:
                slot.restore(self.signatures)
            yield from (step for step in self._lower_anew(self._text, "") if step not in said)

    def _unread(self, source: Source, problem: Diagnostic, tree: ast.stmt | None) -> Slot:
        targets = targets_of_text(source.text)
        return Slot((), source, tree, targets or (), unread=problem, breaks=targets is None)

    def open_if(
        self, tree: ast.If | None, source: Source, problem: Diagnostic | None = None, *, thought: str = ""
    ) -> Iterator[Step]:
        """Take the condition of an `if`, or what is wrong with it: what follows, up to `close_if`, stands in it."""
        depth = len(self._open) if self._reply is None else self._reply.depth
        if depth == MAX_NESTED:
            message, help = f"more than {MAX_NESTED} `if`s stand in each other", "make it several plans, or a tool"
            problem = source.problem("E402", message, help)
        header = None if tree is None else ast.copy_location(ast.If(tree.test, [], []), tree.test)
        return self._open_if(Slot((), source, header, (), thought=thought, unread=problem, blocks=([], [])))

    def nothing_inside(self, source: Source, problem: Diagnostic) -> Iterator[Step]:
        """Nothing stands in the arm that is open: what follows may have been meant to, and waits for a repair."""
        return self._say(Slot((), Source("", source.line), None, (), unread=problem, breaks=True))

    def otherwise(self) -> None:
        """What follows, up to `close_if`, stands in the `else` of the last `if` that is open."""
        if self._reply is not None:
            self._reply.otherwise()
        else:
            last = self._open[-1]
            last.block = last.header.blocks[1]
            if last.arm is not None and not last.ignored:
                last.arm = Arm(last.arm.branch, expected=False)

    def close_if(self) -> Iterator[Step]:
        """The last `if` that is open has ended: names get the version that the arm taken left behind (rule L11)."""
        if self._reply is not None:
            self._reply.close_if()
            return
        last = self._open.pop()
        if last.arm is None or last.ignored or not last.arm.branch.targets:
            return
        branch, header = last.arm.branch, last.header
        end = Slot((), Source("", header.source.line), None, tuple(branch.targets), ends=branch)
        end.former = header.former and header.former.end
        header.end = end
        yield from self._enter(end)

    def _open_if(self, slot: Slot) -> Iterator[Step]:
        if self._reply is not None:
            self._reply.open_if(slot)
            return
        outer = self._open[-1] if self._open else None
        if self._closing or (outer is not None and outer.ignored):
            self._open.append(Open(slot, slot.blocks[0], None if outer is None else outer.arm, ignored=True))
            return
        too_deep = len(self._open) >= MAX_NESTED
        self._block.append(slot)
        self._now.ifs += 1
        slot.opens = Branch(self._now.ifs, None if too_deep else self._arm)
        slot.opens.header = slot
        steps = list(self._enter(slot))
        self._open.append(Open(slot, slot.blocks[0], Arm(slot.opens, expected=True), ignored=too_deep))
        yield from steps

    def _say(self, slot: Slot) -> Iterator[Step]:
        """Take the next statement, in the block that is open."""
        if self._reply is not None:
            self._reply.say(slot)
        elif not self._closing:  # else it follows the join
            self._closing = slot.is_join
            self._block.append(slot)
            yield from self._enter(slot)

    @property
    def _arm(self) -> Arm | None:
        return self._open[-1].arm if self._open else None

    @property
    def _block(self) -> list[Slot]:
        return self._open[-1].block if self._open else self._text

    def prepare(self, tree: ast.stmt, source: Source) -> Lowered | None:
        """Lower what will be the next statement if its text ends here. Changes nothing: `commit` takes it in.

        For plain assignments only, and not where something is broken; else None.
        """
        if self._closing or self._reply is not None or self._held or self._open or self._taken:
            return None
        match tree:
            case ast.Assign(targets=[ast.Name(id=name)]) if targets_of(tree, source.text) == (name,):
                versions = {name: self._now.versions.get(name, 0) + 1}
                return self._lower(Slot((self._now.count + 1,), source, tree, (name,), versions))
        return None

    def commit(self, lowered: Lowered, *, thought: str = "") -> Iterator[Step]:
        """Take in a prepared statement. Nothing may have been taken in since."""
        self._now.count += 1
        self._now.versions.update(lowered.slot.versions)
        self._now.top_level[lowered.slot.targets[0]] = None
        lowered.slot.thought = thought
        self._text.append(lowered.slot)
        return self._take(lowered)

    def finish(self) -> Iterator[Step]:
        """The plan ended normally. Without a `join` it joins everything (rule L6)."""
        if self._closing or self._reply is not None:
            return
        self._ended = True
        if not self._text:
            source = Source("", self._now.count + 1)
            help = "write name = tool(...) on a line, and join(...) at the end; if no tool is needed, only join()"
            yield from self.unreadable(
                source, Diagnostic("E004", "there is no statement here", source.span(None), help=help)
            )
            return
        yield from self._say(self._join_of_everything())

    def _join_of_everything(self) -> Slot:
        return Slot((), Source("join()", self._now.count + 1), ast.parse("join()").body[0], ())

    def cut(self) -> None:
        """The text was cut: what a repair does not correct is not left out on purpose."""
        if self._reply is not None:
            self._reply.cut = True

    # --------------------------------------------------------------------------------------------------- repairs

    def begin_repair(self) -> None:
        """What follows is a reply that repairs the round; nothing comes of it before its end."""
        self._reply = RepairReply()

    def end_repair(self) -> Iterator[Step]:
        """The reply is there: what it makes of the round is lowered, and takes the place of what was published."""
        reply, self._reply = self._reply, None
        if reply is None:
            return
        rest = not self._ended and not self._closing and not self.problems
        for slot in self._text:
            slot.restore(self.signatures)
        for slot in self._held:
            slot.problems += problems_inside(slot, self._around)
        self._uncover(reply)
        goes_on = rest and not self._may_begin_anew(reply) and not says_anew(self._text, reply)
        final = mended(self._text, reply, self.signatures, rest=goes_on)
        self._ended = ended = self._ended or (rest and not reply.cut)
        if ended and not any(slot.is_join or _says_nothing(slot) for slot in final.text):
            final.text.append(self._join_of_everything())
        yield from self._lower_anew(final.text, final.why, final.dropped)
        self._ended = ended

    def _may_begin_anew(self, _reply: RepairReply) -> bool:
        """Whether a reply that was to go on may be the whole round all the same, if it can stand alone."""
        return False

    def _uncover(self, reply: RepairReply) -> None:
        """Find out which statements that only waited are wrong themselves: a reply may have mended them unasked."""
        waiting = {slot for slot in self._held if not slot.problems and slot.ends is None}
        if not waiting:
            return
        probe = Program(self.signatures)
        probe._now = self._ground.copy()
        for slot in answered(self._text, reply, self.signatures):
            for _ in probe._again(slot):
                pass
        for slot in probe._held:
            if slot.former in waiting:
                slot.former.problems = slot.problems

    def _lower_anew(self, text: Sequence[Slot], why: str, dropped: tuple[str, ...] = ()) -> Iterator[Step]:
        """Lower the text of the round from where that begins. What comes out as it is published is kept."""
        before = dict.fromkeys((*self._published, *_published_in(self._text)))
        self._taken = {*before, *self._retired}
        self._now = self._ground.copy()
        self._there = {task.id for _, task in self._now.tasks}
        self._start_round()
        steps = [step for slot in text for step in self._again(slot)]
        kept = set(_published_in(self._text))
        _let_go(self._text)
        self._published = {}
        gone = tuple(id for id in before if id not in kept)
        self._retired.update(gone)
        self._taken = self._retired
        fresh = [step.id for step in steps if isinstance(step, ir.Task)]
        self._order = [*(id for id in self._order or before if id in kept), *fresh]
        if gone:
            yield Retirement(gone, why, dropped)
        yield from steps

    def _again(self, slot: Slot) -> Iterator[Step]:
        made = slot.again()
        if not slot.blocks:
            yield from self._say(made)
            return
        then, otherwise = slot.blocks
        yield from self._open_if(made)
        for inner in then:
            yield from self._again(inner)
        if otherwise:
            self.otherwise()
        for inner in otherwise:
            yield from self._again(inner)
        yield from self.close_if()

    def _start_round(self) -> None:
        self._held = Held(self.signatures)
        self._text = []
        self._open = []
        self.joined = self._closing = self._ended = False

    def retract(self, why: str) -> Iterator[Step]:
        """Take back all that was said in this round, as if it never had been: it was a draft, prose or a thought.

        The ids stay used, so that those of a run are unique.
        """
        said = bool(self._text or self._published)
        ids = tuple(dict.fromkeys((*self._published, *_published_in(self._text))))
        self._retired.update(ids)
        self._published = {}
        self._taken = self._retired
        self._now = self._ground.copy()
        self._reply = None
        self._order = []
        self._start_round()
        if said:
            yield Retirement(ids, why)

    def next_round(self) -> None:
        """A replan continues the program; what was never repaired in the last round is given up."""
        for slot in self._held.take():
            self._now.names.mend(slot.place)
            for name in slot.targets:
                self._now.names.lose(name, slot.place, path_of(slot.arm))
        self._reply = None
        self._order = []
        self._published = {}
        self._start_round()
        self._now.asserts, self._now.open_assert = [], False
        self._ground = self._now.copy()

    # ----------------------------------------------------------------------------------------------------- slots

    def _enter(self, slot: Slot) -> Iterator[Step]:
        """Give a statement its place, and lower it."""
        self._now.count += 1
        slot.place = (self._now.count,)
        slot.arm = self._arm
        former = slot.former if slot.former is not None and slot.former.made else None
        if former is not None:
            slot.versions, slot.nameless = former.versions.copy(), former.nameless
        tried = bool(self._published) and former is None  # it may be what an earlier process published
        self._avoid = self._retired if tried else self._taken
        again = tried or former is not None
        counted = {name: self._now.versions.get(name, 0) for name in slot.targets} if again else {}
        self._reserve(slot)
        if slot.unread is not None:
            slot.problems = (placed(slot.unread, slot),)
            self._hold(slot)
            if slot.breaks:
                self._now.names.break_all(slot.place)
            yield from slot.problems
            return
        lowered = self._lower(slot)
        if again and (tasks := self._as_before(lowered)) is not None:
            self._count_nameless(slot.nameless)
            self._publish(lowered, tasks)
            return
        self._avoid = self._taken
        if again and not self._is_held_back(lowered):
            if tried:
                self._count_nameless(slot.nameless, back=1)
            self._now.versions.update(counted)
            slot.versions, slot.nameless = {}, ""  # it is not what was published under these ids
            self._reserve(slot)
            lowered = self._lower(slot)
        yield from self._take(lowered)

    def _reserve(self, slot: Slot) -> None:
        """Note what a statement assigns, and give each name its next version."""
        versions = self._now.versions
        passing = names_in(slot.tree.target) if isinstance(slot.tree, ast.For) else ()  # not worth being joined
        for name in slot.targets:
            if name not in passing:
                self._now.top_level[name] = None
            if slot.arm is not None:
                slot.arm.branch.targets[name] = None
            if name not in slot.versions:
                number = versions.get(name, 0) + 1
                while version_id(name, number) in self._avoid:
                    number += 1
                slot.versions[name] = number
            versions[name] = max(versions.get(name, 0), slot.versions[name])

    def _count_nameless(self, id: TaskId, back: int = 0) -> None:
        """The last of its kind has this id, or one that is so many further `back`."""
        base, number = version_parts(id)
        if base:
            now = self._now.nameless
            now[base] = number - back if back else max(now.get(base, 0), number)

    def _as_before(self, lowered: Lowered) -> tuple[ir.Task, ...] | None:
        """The tasks that are published for a statement, if it comes to the same ones still."""
        former = lowered.slot.former
        if former is not None and former.made:
            published = former.made
        elif self._published:
            published = tuple(self._published[task.id] for task in lowered.tasks if task.id in self._published)
        else:
            return None
        if not published or self._is_held_back(lowered):
            return None
        if [_plain(bare(task)) for task in published] != [_plain(task) for task in lowered.tasks]:
            return None
        made, undo = self._now.passes.tried(lowered.tasks)
        if all(_plain(one) == _plain(other) for one, other in zip(made, published, strict=True)):
            return published
        undo()
        return None

    def _is_held_back(self, lowered: Lowered) -> bool:
        lowering = lowered.lowering
        return bool(lowering.problems) or lowering.waits or self._held.holds_back(lowered.tasks)

    def _hold(self, slot: Slot) -> None:
        """Publish nothing of the slot: the names that it assigns wait for it, and so does what it may write.

        What was published for it before is neither kept nor given up until it can be lowered again.
        """
        self._now.open_assert = self._now.open_assert or isinstance(slot.tree, ast.Assert)
        self._held.add(slot)
        for name in slot.targets:
            self._now.names.bind(name, slot.place, None, path_of(slot.arm))
        if slot.former is not None and slot.former.made and self._stands(slot.former.made):
            self._note_tasks(slot, slot.former.made)
            self._count_nameless(slot.former.nameless)
            slot.made, slot.versions, slot.nameless = slot.former.made, slot.former.versions, slot.former.nameless

    # -------------------------------------------------------------------------------------------------- lowering

    def _lower(self, slot: Slot) -> Lowered:
        return lower_statement(slot, self._around)

    @property
    def _around(self) -> Surroundings:
        return Surroundings(self.signatures, self._now, self._avoid, bool(self._held))

    def _take(self, lowered: Lowered) -> Iterator[Step]:
        """Publish a statement, or hold it back."""
        slot, lowering = lowered.slot, lowered.lowering
        slot.problems = tuple([placed(problem, slot) for problem in lowering.problems])
        if self._is_held_back(lowered):
            slot.targets = tuple(dict.fromkeys((*slot.targets, *lowering.meant)))
            self._hold(slot)
            yield from slot.problems
            return
        yield from lowering.warnings
        notes = (*slot.notes, *lowering.understood)
        main = lowering.main or (lowered.tasks[-1].id if lowered.tasks else "")
        tasks: list[ir.Task] = []
        for task in lowered.tasks:
            made = self._now.passes(task)
            if made.id == main and (slot.thought or notes):
                made = replace(made, thought=slot.thought, notes=(*notes, *made.notes))
            tasks.append(made)
        self._publish(lowered, tuple(tasks))
        yield from tasks

    def _publish(self, lowered: Lowered, tasks: tuple[ir.Task, ...]) -> None:
        """From here on a statement is these tasks."""
        slot, now = lowered.slot, self._now
        slot.published, slot.made = True, tasks
        now.outputs.update(lowered.lowering.outputs)
        now.writes.update(lowered.lowering.writes.own)
        now.generators.update(lowered.generators)
        now.sharing.take(lowered.lowering.sharing)
        if isinstance(slot.tree, ast.Assert):
            now.asserts += [ir.Guard(task.id, expected=True) for task in tasks if is_assert(task.work)]
        for name, meaning in lowered.bound.items():
            now.names.bind(name, slot.place, meaning, path_of(slot.arm))
        self._note_tasks(slot, tasks)
        self.joined = self.joined or slot.is_join
        slot.let_go()

    def _note_tasks(self, slot: Slot, tasks: tuple[ir.Task, ...]) -> None:
        for number, task in enumerate(tasks):
            self._now.tasks.append(((*slot.place, number), task))
        if self._taken:
            self._there.update(task.id for task in tasks)

    def _stands(self, tasks: tuple[ir.Task, ...]) -> bool:
        """Whether all that published tasks depend on is part of the text still."""
        needed = {
            id
            for task in tasks
            for id in (*(need.task for need in task.needs), *(g.condition for g in task.guards), *task.after)
        }
        return needed - {task.id for task in tasks} <= self._there


def _published_in(text: Sequence[Slot]) -> Iterator[TaskId]:
    """The ids of all tasks that are published for a text."""
    for slot in text:
        yield from (task.id for task in slot.made)
        for block in slot.blocks:
            yield from _published_in(block)
        if slot.end is not None:
            yield from (task.id for task in slot.end.made)


def _let_go(text: Sequence[Slot]) -> None:
    """What was there before is not asked for any more."""
    for slot in text:
        slot.former = None
        if slot.end is not None:
            slot.end.former = None
        for block in slot.blocks:
            _let_go(block)


def _says_nothing(slot: Slot) -> bool:
    """Whether it says that there is no plan."""
    return slot.unread is not None and slot.unread.code == "E004"


def _plain(task: ir.Task) -> ir.Task:
    """A task without what a person said or a reader noted about it."""
    return replace(task, thought="", notes=()) if task.thought or task.notes else task
