"""A program being written: statements come in, in order or as repairs, and tasks and diagnostics come out.

All front ends end here. What is published is never changed; a broken statement holds back only what needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from superscalar.plan import ir
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.read.adopt import Adopted, as_text, with_roots
from superscalar.plan.read.ground import Ground
from superscalar.plan.read.lowered import Lowered
from superscalar.plan.read.publishing import Publishing
from superscalar.plan.read.repairs.inside import problems_inside
from superscalar.plan.read.repairs.reply import RepairReply, answered, mended, says_anew
from superscalar.plan.read.slots import Arm, Branch, OpenBranch, Slot, names_given, targets_of_text
from superscalar.plan.read.source import SourceText
from superscalar.values import TaskId


@dataclass(frozen=True, slots=True)
class Retirement:
    """Tasks of this round that are no part of its plan any more, and why (rules L29, L30).

    `dropped`: the right writes among them, as they were written, that the new text does not make.
    """

    ids: tuple[TaskId, ...]
    why: str
    dropped: tuple[str, ...] = ()


ProgramStep: TypeAlias = ir.Task | Diagnostic | Retirement
"""What reading a program yields, in the order in which it was found."""

MAX_NESTED = 100
"""How many `if`s may stand in each other, an `elif` in the `if` before it (rule L25)."""


class Program:
    """Names, ids and order of everything planned so far, over all rounds.

    `statement` takes the next one; between `begin_repair` and `end_repair` it takes a reply that repairs the round.
    Then the final text of the round is lowered anew, and what of it is published already keeps id and result (rule
    L30). `next_round` continues after a replan: old names stay. `complete` says whether a round ended with `join` and
    nothing is broken. `begun`: its first statements, which are there as tasks. `inputs`: the names of what it is given.
    """

    def __init__(self, signatures: Signatures, begun: Adopted | None = None) -> None:
        self.signatures = signatures
        self.inputs = frozenset[str]() if begun is None else begun.inputs
        self._begun = begun is not None and begun.being_written  # by an earlier process, and not gone on with so far
        self._ground = Ground.empty(signatures) if begun is None else begun.ground
        self._publishing = Publishing(signatures, Ground.empty(signatures) if begun is None else begun.now)
        self._closing = False
        self._text: list[Slot] = []  # of this round, the arms of `if`s in their headers
        self._open: list[OpenBranch] = []
        self._reply: RepairReply | None = None
        self._ended = False  # as a text does that is all there
        self._ends_again = False  # the `join` that an earlier process had may not have been the end of the text
        self._printed = False  # the text of this round is not as it was written
        self._order: list[TaskId] = []  # in which the tasks of this round were published, once that matters
        if begun is not None:
            self._publishing.retired.update(begun.retired)
            self._publishing.joined = begun.joined
            self._open += begun.open

    # --------------------------------------------------------------------------------------------------- reading

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong and not repaired yet, in program order."""
        return tuple(problem for slot in self._publishing.held for problem in slot.problems)

    @property
    def complete(self) -> bool:
        """Whether this round may be sealed."""
        return self.joined and not self._publishing.held

    @property
    def broken(self) -> bool:
        """Whether something waits for a repair."""
        return bool(self._publishing.held)

    @property
    def repairing(self) -> bool:
        """Whether what comes is a reply that repairs the round."""
        return self._reply is not None

    @property
    def joined(self) -> bool:
        """Whether this round ended with a `join` that is right."""
        return self._publishing.joined

    def defines(self, name: str) -> bool:
        """Whether a statement assigns `name`, right or broken as it may be."""
        return name in self._publishing.now.top_level

    def in_order(self) -> tuple[ir.Task, ...]:
        """All tasks in program order."""
        return tuple(task for _, task in self._publishing.now.tasks)

    def of_round(self) -> tuple[ir.Task, ...]:
        """The tasks of this round in program order."""
        return tuple(task for _, task in self._publishing.now.tasks[len(self._ground.tasks) :])

    def moved(self) -> tuple[TaskId, ...]:
        """The tasks of this round in program order, where they were not published in that order; else nothing."""
        ids = tuple(task.id for task in self.of_round())
        numbers = {id: number for number, id in enumerate(self._order)}
        places = [numbers.get(id, len(numbers)) for id in ids]
        return ids if places != sorted(places) else ()

    # --------------------------------------------------------------------------------------------------- writing

    def statement(
        self,
        tree: ast.stmt,
        source: SourceText,
        *,
        thought: str = "",
        notes: Sequence[str] = (),
        thoughts: Mapping[int, str] | None = None,
        number: int = 0,
    ) -> Iterator[ProgramStep]:
        """Take a statement that could be read, but for an `if`. `thoughts`: the comments inside, by line. `number`: of
        its line, in a listing with numbers."""
        slot = Slot((), source, tree, names_given(tree, source.text), thought=thought, notes=tuple(notes))
        slot.number = number
        if thoughts:
            slot.thoughts = thoughts
        return self._say(slot)

    def unreadable(
        self, source: SourceText, problem: Diagnostic, tree: ast.stmt | None = None
    ) -> Iterator[ProgramStep]:
        """Take the text of a statement that could not be read. `tree`: what is known of it, at least what it calls."""
        return self._say(self._unread(source, problem, tree))

    def keep_place(self, source: SourceText, problem: Diagnostic, tree: ast.stmt | None = None) -> Slot:
        """Keep the place of a statement that is to be understood once the rest is there: `fill` and `filled` follow.

        `problem`: what is wrong with it if they do not.
        """
        slot = self._unread(source, problem, tree)
        for _ in self._say(slot):
            pass
        return slot

    def fill(
        self, slot: Slot, tree: ast.stmt, source: SourceText, *, thought: str = "", notes: Sequence[str] = ()
    ) -> None:
        """Say what stands in a place that was kept."""
        slot.tree, slot.source, slot.targets = tree, source, names_given(tree, source.text)
        slot.thought, slot.notes, slot.unread, slot.breaks = thought, tuple(notes), None, False

    def cannot_fill(self, slot: Slot, source: SourceText, problem: Diagnostic, tree: ast.stmt | None = None) -> None:
        """What stands in a place that was kept cannot be read."""
        slot.source, slot.tree, slot.unread = source, tree, problem

    def filled(self) -> Iterator[ProgramStep]:
        """Lower what waited for places that are filled now; in a reply that happens at its end."""
        if self._reply is None:
            said: set[ProgramStep] = set(self.problems)
            for slot in self._text:
                slot.restore(self.signatures)
            yield from (step for step in self._lower_anew(self._text, "") if step not in said)

    def _unread(self, source: SourceText, problem: Diagnostic, tree: ast.stmt | None) -> Slot:
        targets = targets_of_text(source.text)
        return Slot((), source, tree, targets or (), unread=problem, breaks=targets is None)

    def open_if(
        self, tree: ast.If | None, source: SourceText, problem: Diagnostic | None = None, *, thought: str = ""
    ) -> Iterator[ProgramStep]:
        """Take the condition of an `if`, or what is wrong with it: what follows, up to `close_if`, stands in it."""
        depth = len(self._open) if self._reply is None else self._reply.depth
        if depth == MAX_NESTED:
            message, help = f"more than {MAX_NESTED} `if`s stand in each other", "make it several plans, or a tool"
            problem = source.problem("E402", message, help)
        header = None if tree is None else ast.copy_location(ast.If(tree.test, [], []), tree.test)
        return self._open_if(Slot((), source, header, (), thought=thought, unread=problem, blocks=([], [])))

    def nothing_inside(self, source: SourceText, problem: Diagnostic) -> Iterator[ProgramStep]:
        """Nothing stands in the arm that is open: what follows may have been meant to, and waits for a repair."""
        return self._say(Slot((), SourceText("", source.line), None, (), unread=problem, breaks=True))

    def otherwise(self) -> None:
        """What follows, up to `close_if`, stands in the `else` of the last `if` that is open."""
        if self._reply is not None:
            self._reply.otherwise()
        else:
            last = self._open[-1]
            last.block = last.header.blocks[1]
            if last.arm is not None and not last.ignored:
                last.arm = Arm(last.arm.branch, expected=False)

    def close_if(self) -> Iterator[ProgramStep]:
        """The last `if` that is open has ended: names get the version that the arm taken left behind (rule L11)."""
        if self._reply is not None:
            self._reply.close_if()
            return
        last = self._open.pop()
        if last.arm is None or last.ignored or not last.arm.branch.targets:
            return
        branch, header = last.arm.branch, last.header
        end = Slot((), SourceText("", header.source.line), None, tuple(branch.targets), ends=branch)
        end.former = header.former and header.former.end
        header.end = end
        yield from self._enter(end)

    def _enter(self, slot: Slot) -> Iterator[ProgramStep]:
        slot.arm = self._arm
        return self._publishing.enter(slot)

    def _open_if(self, slot: Slot) -> Iterator[ProgramStep]:
        if self._reply is not None:
            self._reply.open_if(slot)
            return
        outer = self._open[-1] if self._open else None
        if self._closing or (outer is not None and outer.ignored):
            self._open.append(OpenBranch(slot, slot.blocks[0], None if outer is None else outer.arm, ignored=True))
            return
        too_deep = len(self._open) >= MAX_NESTED
        self._block.append(slot)
        self._publishing.now.ifs += 1
        slot.opens = Branch(self._publishing.now.ifs, None if too_deep else self._arm)
        slot.opens.header = slot
        steps = list(self._enter(slot))
        self._open.append(OpenBranch(slot, slot.blocks[0], Arm(slot.opens, expected=True), ignored=too_deep))
        yield from steps

    def _say(self, slot: Slot) -> Iterator[ProgramStep]:
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

    def prepare(self, tree: ast.stmt, source: SourceText) -> Lowered | None:
        """Lower what will be the next statement if its text ends here. Changes nothing: `commit` takes it in.

        For plain assignments only, and not where something is broken; else None.
        """
        if self._closing or self._reply is not None or self._publishing.held or self._open or self._publishing.taken:
            return None
        match tree:
            case ast.Assign(targets=[ast.Name(id=name)]) if names_given(tree, source.text) == (name,):
                versions = {name: self._publishing.now.versions.get(name, 0) + 1}
                return self._publishing.lower(Slot((self._publishing.now.count + 1,), source, tree, (name,), versions))
        return None

    def commit(self, lowered: Lowered, *, thought: str = "") -> Iterator[ProgramStep]:
        """Take in a prepared statement. Nothing may have been taken in since."""
        self._publishing.now.count += 1
        self._publishing.now.versions.update(lowered.slot.versions)
        self._publishing.now.top_level[lowered.slot.targets[0]] = None
        lowered.slot.thought = thought
        self._text.append(lowered.slot)
        return self._publishing.take(lowered)

    def finish(self) -> Iterator[ProgramStep]:
        """The plan ended normally. Without a `join` it joins everything (rule L6)."""
        if self._closing or self._reply is not None:
            return
        self._ended = True
        if not self._text:
            source = SourceText("", self._publishing.now.count + 1)
            help = "write name = tool(...) on a line, and join(...) at the end; if no tool is needed, only join()"
            yield from self.unreadable(
                source, Diagnostic("E004", "there is no statement here", source.span(None), help=help)
            )
            return
        yield from self._say(self._join_of_everything())

    def _join_of_everything(self) -> Slot:
        return Slot((), SourceText("join()", self._publishing.now.count + 1), ast.parse("join()").body[0], ())

    def cut(self) -> None:
        """The text was cut: what a repair does not correct is not left out on purpose."""
        if self._reply is not None:
            self._reply.cut = True

    # --------------------------------------------------------------------------------------------------- repairs

    def begin_repair(self) -> None:
        """What follows is a reply that repairs the round; nothing comes of it before its end.

        What an earlier process published is the text that it goes on with, as it is printed.
        """
        if self._begun:
            self._open.clear()
            self._publishing.earlier = {task.id: task for task in self.of_round()}
            self._text = [slot for slot in as_text(self.of_round()) if not (self._ends_again and slot.is_join)]
            self._begun, self._printed = False, True
        self._reply = RepairReply()

    def close(self) -> Iterator[ProgramStep]:
        """End the `if`s that were being written: behind them names have the version of the arm that is taken."""
        while self._open:
            yield from self.close_if()

    def end_again(self) -> None:
        """The `join` that is there may not have been the end of the text: the reply that follows says how it ends."""
        self._ends_again, self._publishing.joined = True, False

    def end_repair(self) -> Iterator[ProgramStep]:
        """The reply is there: what it makes of the round is lowered, and takes the place of what was published.

        The first one to go on with a text that was printed is the whole round if it needs nothing of that: what is
        printed is not set as it was written, so line by line a name could get the value of another line. What an
        earlier process left only reads (see `can_go_on`), so nothing is lost.
        """
        reply, self._reply = self._reply, None
        if reply is None:
            return
        rest = not self._ended and not self._closing and not self.problems
        for slot in self._text:
            slot.restore(self.signatures)
        for slot in self._publishing.held:
            slot.problems += problems_inside(slot, self._publishing.around)
        self._uncover(reply)
        may_begin_anew = self._printed and not any(_joins_everything(slot) for slot in reply.text)
        goes_on = rest and not may_begin_anew and not says_anew(self._text, reply)
        final = mended(self._text, reply, self.signatures, rest=goes_on)
        self._ended = ended = self._ended or (rest and not reply.cut)
        if ended and not any(slot.is_join or _says_nothing(slot) for slot in final.text):
            final.text.append(self._join_of_everything())
        yield from self._lower_anew(final.text, final.why, final.dropped)
        self._ended = ended
        self._printed = False

    def _uncover(self, reply: RepairReply) -> None:
        """Find out which statements that only waited are wrong themselves: a reply may have mended them unasked."""
        waiting = {slot for slot in self._publishing.held if not slot.problems and slot.ends is None}
        if not waiting:
            return
        probe = Program(self.signatures)
        probe._publishing.begin(self._ground)
        for slot in answered(self._text, reply, self.signatures):
            for _ in probe._again(slot):
                pass
        for slot in probe._publishing.held:
            if slot.former in waiting:
                slot.former.problems = slot.problems

    def _lower_anew(self, text: Sequence[Slot], why: str, dropped: tuple[str, ...] = ()) -> Iterator[ProgramStep]:
        """Lower the text of the round from where that begins. What comes out as it is published is kept."""
        before = dict.fromkeys((*self._publishing.earlier, *_published_in(self._text)))
        self._publishing.begin(self._ground, before)
        self._start_round()
        steps = [step for slot in text for step in self._again(slot)]
        kept = set(_published_in(self._text))
        _let_go(self._text)
        gone = tuple(id for id in before if id not in kept)
        self._publishing.retire(gone)
        fresh = [step.id for step in steps if isinstance(step, ir.Task)]
        self._order = [*(id for id in self._order or before if id in kept), *fresh]
        if gone:
            yield Retirement(gone, why, dropped)
        yield from steps

    def _again(self, slot: Slot) -> Iterator[ProgramStep]:
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
        self._text = []
        self._open = []
        self._closing = self._ended = False

    def retract(self, why: str) -> Iterator[ProgramStep]:
        """Take back all that was said in this round, as if it never had been: it was a draft, prose or a thought.

        The ids stay used, so that those of a run are unique.
        """
        begun = tuple(task.id for task in self.of_round()) if self._begun else ()
        said = bool(begun or self._text or self._publishing.earlier)
        ids = tuple(dict.fromkeys((*begun, *self._publishing.earlier, *_published_in(self._text))))
        self._publishing.retire((*ids, *with_roots(begun)))
        self._publishing.begin(self._ground)
        self._begun = False
        self._reply = None
        self._order = []
        self._start_round()
        if said:
            yield Retirement(ids, why)

    def next_round(self) -> None:
        """A replan continues the program; what was never repaired in the last round is given up."""
        self._publishing.give_up()
        self._begun = False
        self._reply = None
        self._order = []
        self._start_round()
        self._ground = self._publishing.now.copy()


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


def _joins_everything(slot: Slot) -> bool:
    return slot.is_join and slot.source.text.replace(" ", "").startswith("join()")


def _says_nothing(slot: Slot) -> bool:
    """Whether it says that there is no plan."""
    return slot.unread is not None and slot.unread.code == "E004"
