"""A program being written: statements come in, in order or as repairs, and tasks and diagnostics come out.

All front ends end here. What is published is never changed; a broken statement holds back only what needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from superscalar.plan import ir
from superscalar.plan.body import Body, names_in
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.findings import Enough
from superscalar.plan.held import Held
from superscalar.plan.loops import lower_loop
from superscalar.plan.lower import Lowering
from superscalar.plan.names import Names, Place
from superscalar.plan.passes.pipeline import Pipeline
from superscalar.plan.repair import Repair, Said
from superscalar.plan.signatures import Output, Signatures
from superscalar.plan.slots import Arm, Branch, Slot, guards_of, path_of, targets_of, targets_of_text
from superscalar.plan.source import Source
from superscalar.plan.statements import lower_simple
from superscalar.values import TaskId

Step: TypeAlias = ir.Task | Diagnostic
"""What reading a program yields, in the order in which it was found."""

MAX_NESTED = 100
"""How many `if`s may stand in each other, an `elif` in the `if` before it (rule L25)."""

_LAST = 1 << 60


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a statement comes to, before anything of it is published."""

    slot: Slot
    lowering: Lowering
    tasks: list[ir.Task]
    bound: dict[str, ir.Expr]


class Program:
    """Names, ids and order of everything planned so far, over all rounds.

    `statement` takes the next one; between `begin_repair` and `end_repair` it takes corrections. `next_round` continues
    after a replan: old names stay. `complete` says whether a round ended with `join` and nothing is broken.
    """

    def __init__(self, signatures: Signatures) -> None:
        self.signatures = signatures
        self.tasks: list[tuple[Place, ir.Task]] = []
        self.joined = False
        self._names = Names()
        self._versions: dict[str, int] = {}
        self._outputs: dict[TaskId, Output] = {}
        self._writes: set[TaskId] = set()
        self._passes = Pipeline(signatures)
        self._held = Held(signatures)
        self._said: list[Said] = []
        self._count = 0
        self._inserted = 0
        self._repair: Repair | None = None
        self._closing = False
        self._nameless: dict[str, int] = {}
        self._top_level: dict[str, None] = {}
        self._branches: list[Branch] = []
        self._ifs = 0
        self._arms: list[Arm] = []

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
        """Whether what comes are corrections."""
        return self._repair is not None

    def defines(self, name: str) -> bool:
        """Whether a statement assigns `name`, right or broken as it may be."""
        return name in self._top_level

    def in_order(self) -> tuple[ir.Task, ...]:
        """All tasks in program order: repairs in the places of what they repair."""
        return tuple(task for _, task in sorted(self.tasks, key=lambda pair: pair[0]))

    # --------------------------------------------------------------------------------------------------- writing

    def statement(
        self,
        tree: ast.stmt,
        source: Source,
        *,
        thought: str = "",
        notes: Sequence[str] = (),
        thoughts: Mapping[int, str] | None = None,
    ) -> Iterator[Step]:
        """Take a statement that could be read, but for an `if`. `thoughts`: the comments inside, by line."""
        slot = self._slot(Slot((), source, tree, targets_of(tree, source.text), thought=thought))
        if slot is not None:
            slot.notes = tuple(notes)
            slot.thoughts = thoughts or {}
            yield from self._take(self._lowered(slot))

    def open_if(
        self, tree: ast.If | None, source: Source, problem: Diagnostic | None = None, *, thought: str = ""
    ) -> Iterator[Step]:
        """Take the condition of an `if`, or what is wrong with it: what follows, up to `close_if`, stands in it."""
        if len(self._arms) > MAX_NESTED:  # said already
            self._arms.append(self._arms[-1])
            return
        too_deep = len(self._arms) == MAX_NESTED
        if too_deep:
            span = source.span(None)
            message, help = f"more than {MAX_NESTED} `if`s stand in each other", "make it several plans, or a tool"
            problem = Diagnostic("E402", message, span, source.line_text(span), help=help)
        header = None if tree is None else ast.copy_location(ast.If(tree.test, [], []), tree.test)
        slot = Slot((), source, header, (), thought=thought)
        if problem is not None:
            slot.problems = (problem,)
        known = self._repair.match_if(slot, self._arm) if self._repair is not None else None
        if known is None:
            self._ifs += 1
        branch = known or Branch(self._ifs, None if too_deep else self._arm)
        taken = self._reopened(slot, known) if known is not None else self._slot(slot)
        if taken is not None:
            taken.opens = branch
            branch.header = taken
            if known is None:
                self._branches.append(branch)
        self._arms.append(Arm(branch, expected=True))
        if taken is not None and problem is not None:
            self._hold(taken)
            yield problem
        elif taken is not None:
            yield from self._take(self._lowered(taken))

    def nothing_inside(self, source: Source, problem: Diagnostic) -> Iterator[Step]:
        """Nothing stands in the arm that is open: what follows may have been meant to, and waits for a repair."""
        if self._closing and self._repair is None:
            return
        self._inserted += 1
        branch = self._arms[-1].branch
        slot = Slot(self._end_of(self._arm), Source("", source.line), None, (), arm=self._arm)
        slot.opens = branch
        slot.problems = (problem,)
        branch.empty = slot
        self._hold(slot)
        self._names.break_all(slot.place)
        yield problem

    def otherwise(self) -> None:
        """What follows, up to `close_if`, stands in the `else` of the last `if` that is open."""
        self._arms.append(Arm(self._arms.pop().branch, expected=False))

    def close_if(self) -> Iterator[Step]:
        """The last `if` that is open has ended: names get the version that the arm taken left behind (rule L11)."""
        branch = self._arms.pop().branch
        known = () if branch.end is None else branch.end.targets
        targets = tuple(name for name in branch.targets if name not in known)
        if branch.header is None or (branch.end is not None and not targets):
            return
        if self._repair is None:
            self._count += 1
            place: Place = (self._count,)
        else:
            self._inserted += 1
            before = branch.header if branch.end is None else branch.end
            place = (*before.place, _LAST, self._inserted)
        end = Slot(place, Source("", branch.header.source.line), None, targets, arm=self._arm, ends=branch)
        branch.end = branch.end or end
        yield from self._take(self._lowered(self._reserved(end)))

    @property
    def _arm(self) -> Arm | None:
        return self._arms[-1] if self._arms else None

    def prepare(self, tree: ast.stmt, source: Source) -> Lowered | None:
        """Lower what will be the next statement if its text ends here. Changes nothing: `commit` takes it in.

        For plain assignments only, and not where something is broken; else None.
        """
        if self._closing or self._repair is not None or self._held or self._arms:
            return None
        match tree:
            case ast.Assign(targets=[ast.Name(id=name)]) if targets_of(tree, source.text) == (name,):
                versions = {name: self._versions.get(name, 0) + 1}
                return self._lowered(Slot((self._count + 1,), source, tree, (name,), versions))
        return None

    def commit(self, lowered: Lowered, *, thought: str = "") -> Iterator[Step]:
        """Take in a prepared statement. Nothing may have been taken in since."""
        self._count += 1
        self._versions.update(lowered.slot.versions)
        self._top_level[lowered.slot.targets[0]] = None
        lowered.slot.thought = thought
        return self._take(lowered)

    def unreadable(self, source: Source, problem: Diagnostic, tree: ast.stmt | None = None) -> Iterator[Step]:
        """Take the text of a statement that could not be read. `tree`: what is known of it, at least what it calls."""
        targets = targets_of_text(source.text)
        slot = self._slot(Slot((), source, tree, targets or ()))
        if slot is None:
            return
        slot.problems = (problem,)
        self._hold(slot)
        if targets is None:
            self._names.break_all(slot.place)
        yield problem

    def begin_repair(self) -> None:
        """What follows are corrections of what is broken."""
        self._repair = Repair(self._held.slots, self._said, self._branches)

    def cut(self) -> None:
        """The text was cut: what a repair does not correct is not left out on purpose."""
        if self._repair is not None:
            self._repair.cut = True

    def end_repair(self) -> Iterator[Step]:
        """The corrections are in: lower what waited for them."""
        repair, self._repair = self._repair, None
        left_out = repair.left_out() if repair is not None else []
        for slot in left_out:
            if slot.opens is not None:
                slot.opens.given_up = True
        for slot in left_out:
            self._give_up(slot, slot.arm, repair.given(slot) if repair is not None else set())
        for slot in self._held.slots:
            if (branch := _given_up(slot)) is not None:
                if slot.opens is not None:
                    slot.opens.given_up = True
                self._give_up(slot, branch.outer, set() if slot.ends is None else set(slot.targets))
        for slot in self._held.take():
            if slot.problems:
                self._hold(slot)
            else:
                yield from self._take(self._lowered(slot))

    def _give_up(self, slot: Slot, arm: Arm | None, given: set[str]) -> None:
        """A held statement is no part of the plan any more, nor are its names, but for those given elsewhere."""
        self._release(slot)
        for name in set(slot.targets) - given:
            self._names.lose(name, slot.place, path_of(arm))

    def next_round(self) -> None:
        """A replan continues the program; what was never repaired in the last round is given up."""
        for slot in self._held.take():
            self._names.mend(slot.place)
            for name in slot.targets:
                self._names.lose(name, slot.place, path_of(slot.arm))
        self._repair = None
        self._said.clear()
        self._branches.clear()
        self._arms.clear()
        self.joined = self._closing = False

    def finish(self) -> Iterator[Step]:
        """The plan ended normally. Without a `join` it joins everything (rule L6)."""
        if self._closing or self._repair is not None:
            return
        if not self._said and not self._held:
            source = Source("", self._count + 1)
            help = "write name = tool(...) on a line, and join(...) at the end; if no tool is needed, only join()"
            yield from self.unreadable(
                source, Diagnostic("E004", "there is no statement here", source.span(None), help=help)
            )
            return
        source = Source("join()", self._count + 1)
        yield from self.statement(ast.parse("join()").body[0], source)

    # ----------------------------------------------------------------------------------------------------- slots

    def _slot(self, slot: Slot) -> Slot | None:
        """A place for the next statement; None if there is nothing to do for it."""
        slot.arm = self._arm
        if self._repair is not None:
            return self._correction(self._repair, slot)
        if self._closing:
            return None  # what follows the join
        self._count += 1
        slot.place = (self._count,)
        self._closing = slot.is_join
        return self._reserved(slot)

    def _reserved(self, slot: Slot) -> Slot:
        passing = names_in(slot.tree.target) if isinstance(slot.tree, ast.For) else ()  # not worth being joined
        for name in slot.targets:
            if name not in passing:
                self._top_level[name] = None
            if slot.arm is not None:
                slot.arm.branch.targets[name] = None
            if name not in slot.versions:
                self._versions[name] = slot.versions[name] = self._versions.get(name, 0) + 1
        return slot

    def _correction(self, repair: Repair, slot: Slot) -> Slot | None:
        """The place of a correction: that of what it corrects, or where its names are known to what needs them."""
        match = repair.match(slot)
        old = match.slot
        self._inserted += 1
        self._closing = self._closing or slot.is_join
        if match.how == "repeats":
            return None
        if match.how == "in place of" and isinstance(old, Slot):
            self._release(old)
            slot.place, slot.nameless, slot.versions = old.place, old.nameless, old.versions
            slot.thought = slot.thought or old.thought
            if slot.arm is None and old.arm is not None:
                self._rewritten(repair, slot, old.arm)
            elif slot.arm != old.arm:
                slot.place = self._end_of(slot.arm)
        elif slot.arm is not None:
            slot.place = self._end_of(slot.arm)
        elif old is None:
            self._count += 1
            slot.place = (self._count,)
        elif match.how == "after":
            slot.place, slot.arm = (*old.place, _LAST, self._inserted), old.arm
        else:
            slot.place, slot.arm = (*old.place[:-1], old.place[-1] - 1, _LAST, self._inserted), old.arm
            if isinstance(old, Slot) and old.problems:
                slot.versions = {name: old.versions.pop(name) for name in slot.targets if name in old.versions}
        return self._reserved(slot)

    def _rewritten(self, repair: Repair, slot: Slot, arm: Arm) -> None:
        """A statement of an arm was written again without its `if`. Unless that is broken, it still stands there."""
        if arm.guards is None:
            repair.rewrote(arm)
            slot.arm = arm.branch.outer
        else:
            slot.arm = arm

    def _end_of(self, arm: Arm | None) -> Place:
        """The place behind what stands in an arm so far, while it is being corrected."""
        if arm is None or arm.branch.header is None:
            self._count += 1
            return (self._count,)
        end = arm.branch.end
        if end is None:
            return (*arm.branch.header.place, _LAST, self._inserted)
        return (*end.place[:-1], end.place[-1] - 1, _LAST, self._inserted)

    def _reopened(self, slot: Slot, branch: Branch) -> Slot | None:
        """The condition of an `if` that is there already: None if it is as it was, else its correction."""
        old = branch.header
        if branch.empty is not None:
            self._release(branch.empty)
            branch.empty = None
        if old is None or not old.problems:
            return None
        self._release(old)
        slot.place, slot.nameless, slot.arm = old.place, old.nameless, old.arm
        return slot

    def _release(self, slot: Slot) -> None:
        """A held statement goes: nothing waits for it any more."""
        self._held.remove(slot)
        self._names.mend(slot.place)
        for name in slot.targets:
            self._names.forget(name, slot.place)

    def _hold(self, slot: Slot) -> None:
        """Publish nothing of the slot: the names that it assigns wait for it, and so does what it may write."""
        self._held.add(slot)
        for name in slot.targets:
            self._names.bind(name, slot.place, None, path_of(slot.arm))

    # -------------------------------------------------------------------------------------------------- lowering

    def _lowered(self, slot: Slot) -> Lowered:
        path = path_of(slot.arm)
        lowering = Lowering(slot.source, self._names, slot.place, self.signatures, self._outputs, path, self._writes)
        guards = guards_of(slot.arm)
        lowering.waits = guards is None
        body = Body("", guards=guards or ())
        bound: dict[str, ir.Expr] = {}
        try:
            if slot.ends is not None:
                self._select(slot, slot.ends, lowering, body, bound)
            elif slot.tree is not None:
                self._dispatch(slot, slot.tree, lowering, body, bound)
        except Enough:
            pass  # its problems are noted, and it is not published
        except RecursionError:
            with suppress(Enough):
                lowering.too_deep(slot.tree or ast.Pass())
        return Lowered(slot, lowering, body.tasks, bound)

    def _take(self, lowered: Lowered) -> Iterator[Step]:
        """Publish a statement, or hold it back."""
        slot = lowered.slot
        slot.problems = tuple(lowered.lowering.problems)
        slot.waits = not slot.problems and (lowered.lowering.waits or self._held.holds_back(lowered.tasks))
        if slot.problems or slot.waits:
            slot.targets = (*slot.targets, *lowered.lowering.meant)
            self._hold(slot)
            yield from slot.problems
            return
        slot.published = True
        self._outputs.update(lowered.lowering.outputs)
        self._writes |= lowered.lowering.writes.own
        for name, meaning in lowered.bound.items():
            self._names.bind(name, slot.place, meaning, path_of(slot.arm))
        if slot.ends is not None:  # a name that is the same on both paths waits for nothing any more
            for name in slot.targets:
                if name not in lowered.bound:
                    self._names.forget(name, slot.place)
        elif slot.opens is None:
            self._said.append(Said(slot.place, slot.targets, slot.is_join, _own_text(slot), slot.arm))
        yield from lowered.lowering.warnings
        main = lowered.lowering.main or (lowered.tasks[-1].id if lowered.tasks else "")
        for number, task in enumerate(lowered.tasks):
            made = self._passes(task)
            if made.id == main and (slot.thought or slot.notes):
                made = replace(made, thought=slot.thought, notes=(*slot.notes, *made.notes))
            self.tasks.append(((*slot.place, number), made))
            yield made
        if slot.is_join:
            self.joined = True

    def _dispatch(self, slot: Slot, tree: ast.stmt, lowering: Lowering, body: Body, bound: dict[str, ir.Expr]) -> None:
        ids = _Ids(slot, self._nameless)
        match tree:
            case ast.If(test=test):
                lowering.condition(test, body, ids.fresh("if"))
            case ast.For():
                id = ids.fresh("for")
                lower_loop(tree, lowering, body, id, ids, bound, slot.thoughts)
                lowering.main = id
            case ast.Expr(value=ast.Call(func=ast.Name(id="join")) as call) if slot.arm is None:
                self._join(slot, call, lowering, body)
            case ast.Pass() if slot.arm is not None:
                pass
            case _:
                lower_simple(tree, lowering, body, ids, bound)

    def _select(self, slot: Slot, branch: Branch, lowering: Lowering, body: Body, bound: dict[str, ir.Expr]) -> None:
        """What names stand for behind an `if` that assigns them (rule L11)."""
        header = branch.header
        if header is None or not header.published:
            lowering.waits = True
            return
        for name in slot.targets:
            then, otherwise = (self._version(name, slot, Arm(branch, side), lowering) for side in (True, False))
            if then != otherwise:
                id = _Ids(slot, self._nameless).id_of(name)
                bound[name] = lowering.emit(id, ir.Select(header.nameless, then, otherwise), body, None)

    def _version(self, name: str, slot: Slot, arm: Arm, lowering: Lowering) -> TaskId | None:
        """The task that a name stands for at the end of an arm; None if it has no value there."""
        try:
            meaning = self._names.find(name, slot.place, arm.path)
        except KeyError:
            return None
        lowering.waits = lowering.waits or meaning is None
        return meaning.task if isinstance(meaning, ir.Ref) else None

    def _join(self, slot: Slot, call: ast.Call, lowering: Lowering, body: Body) -> None:
        items: list[tuple[str | None, TaskId]] = []
        id = _Ids(slot, self._nameless).fresh("join()")
        inner = body.of(id)
        if call.args and call.keywords:
            lowering.problem("E305", "`join` takes values or named values, not both", call, help="join(total=total)")
        for index, argument in enumerate(call.args):
            if isinstance(argument, ast.Starred):
                lowering.problem("E202", "`*` in join", argument, help="write join(xs) for the list, or each value")
            else:
                items.append((None, lowering.reference(argument, inner, "", f"{id}[{index}]").task))
        for keyword in call.keywords:
            if keyword.arg is None:
                lowering.problem("E202", "`**` in join", keyword, help="write each value: join(total=total)")
            else:
                found = lowering.reference(keyword.value, inner, keyword.arg)
                items.append((keyword.arg, found.task))
        whole = not call.args and not call.keywords
        if whole:
            lowering.waits = lowering.waits or bool(self._held)
            items += self._everything(slot)
        lowering.emit(id, ir.Join(tuple(items), whole), body, call)

    def _everything(self, slot: Slot) -> Iterator[tuple[str, TaskId]]:
        """What every name stands for before a slot; one that was given up stands for nothing."""
        for name in self._top_level:
            with suppress(KeyError):
                meaning = self._names.find(name, slot.place)
                if isinstance(meaning, ir.Ref):
                    yield name, meaning.task


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of one statement's tasks. `used`: how often each was, of what has no name."""

    slot: Slot
    used: dict[str, int]

    def id_of(self, name: str) -> TaskId:
        """The id of the task that a name stands for once the statement assigned it."""
        version = self.slot.versions[name]
        return name if version == 1 else f"{name}.{version}"

    def fresh(self, base: str) -> TaskId:
        """The numbered id of what has no name; the same when a statement is lowered again."""
        if not self.slot.nameless.startswith(base):
            number = self.used[base] = self.used.get(base, 0) + 1
            self.slot.nameless = base if number == 1 else f"{base}.{number}"
        return self.slot.nameless


def _given_up(slot: Slot) -> Branch | None:
    """The `if` that a repair gave up, and with it a statement that stands in it or ends it."""
    found = slot.ends if slot.ends is not None and slot.ends.given_up else None
    arm = slot.arm
    while arm is not None:
        found = arm.branch if arm.branch.given_up else found
        arm = arm.branch.outer
    return found


def _own_text(slot: Slot) -> str:
    """The text of a statement alone, where others stand on its line."""
    text = slot.source.text
    shared = slot.tree is not None and (";" in text or slot.tree.col_offset > 0 or slot.tree.lineno > 1)
    return slot.source.of(slot.tree) if slot.tree is not None and shared else text
