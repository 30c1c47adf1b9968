"""A program being written: statements come in, in order or as repairs, and tasks and diagnostics come out.

All front ends end here. What is published is never changed; a broken statement holds back only what needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from superscalar.plan import ir
from superscalar.plan.body import Body
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.held import Held
from superscalar.plan.lower import Lowering
from superscalar.plan.names import Names, Place
from superscalar.plan.passes.order import OrderAccesses
from superscalar.plan.refusals import refusal_of
from superscalar.plan.repair import Repair, Said
from superscalar.plan.signatures import Output, Signatures
from superscalar.plan.slots import Slot, targets_of, targets_of_text
from superscalar.plan.source import Source
from superscalar.plan.vocabulary import FUNCTIONS
from superscalar.values import TaskId

Step: TypeAlias = ir.Task | Diagnostic
"""What reading a program yields, in the order in which it was found."""

_LAST = 1 << 60
_UNPACKING = "a, b = pair; for anything else take parts by position: x[0], x[1:]"


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
        self._writing: set[TaskId] = set()
        self._order = OrderAccesses(signatures)
        self._held = Held(signatures)
        self._said: list[Said] = []
        self._count = 0
        self._inserted = 0
        self._repair: Repair | None = None
        self._closing = False
        self._ids: dict[str, int] = {}
        self._top_level: dict[str, None] = {}

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

    def in_order(self) -> tuple[ir.Task, ...]:
        """All tasks in program order: repairs in the places of what they repair."""
        return tuple(task for _, task in sorted(self.tasks, key=lambda pair: pair[0]))

    # --------------------------------------------------------------------------------------------------- writing

    def statement(
        self, tree: ast.stmt, source: Source, *, thought: str = "", notes: Sequence[str] = ()
    ) -> Iterator[Step]:
        """Take a statement that could be read."""
        slot = self._slot(tree, source, targets_of(tree, source.text), thought)
        if slot is not None:
            slot.notes = tuple(notes)
            yield from self._take(self._lowered(slot))

    def prepare(self, tree: ast.stmt, source: Source) -> Lowered | None:
        """Lower what will be the next statement if its text ends here. Changes nothing: `commit` takes it in.

        For plain assignments only, and not where something is broken; else None.
        """
        if self._closing or self._repair is not None or self._held:
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

    def unreadable(self, source: Source, problem: Diagnostic) -> Iterator[Step]:
        """Take the text of a statement that could not be read."""
        targets = targets_of_text(source.text)
        slot = self._slot(None, source, targets or (), "")
        if slot is None:
            return
        slot.problems = (problem,)
        self._hold(slot)
        if targets is None:
            self._names.break_all(slot.place)
        yield problem

    def begin_repair(self) -> None:
        """What follows are corrections of what is broken."""
        self._repair = Repair(self._held.slots, self._said)

    def cut(self) -> None:
        """The text was cut: what a repair does not correct is not left out on purpose."""
        if self._repair is not None:
            self._repair.cut = True

    def end_repair(self) -> Iterator[Step]:
        """The corrections are in: lower what waited for them."""
        repair, self._repair = self._repair, None
        for slot in repair.left_out() if repair is not None else ():
            self._release(slot)
            for name in set(slot.targets) - (repair.given(slot) if repair is not None else set()):
                self._names.lose(name, slot.place)
        for slot in self._held.take():
            if slot.problems:
                self._hold(slot)
            else:
                yield from self._take(self._lowered(slot))

    def next_round(self) -> None:
        """A replan continues the program; what was never repaired in the last round is given up."""
        for slot in self._held.take():
            self._names.mend(slot.place)
            for name in slot.targets:
                self._names.lose(name, slot.place)
        self._repair = None
        self._said.clear()
        self.joined = self._closing = False

    def finish(self) -> Iterator[Step]:
        """The plan ended normally. Without a `join` it joins everything (rule L6)."""
        if self._closing or self._repair is not None:
            return
        source = Source("join()", self._count + 1)
        yield from self.statement(ast.parse("join()").body[0], source)

    # ----------------------------------------------------------------------------------------------------- slots

    def _slot(self, tree: ast.stmt | None, source: Source, targets: tuple[str, ...], thought: str) -> Slot | None:
        """A place for the next statement; None if there is nothing to do for it."""
        if self._repair is not None:
            return self._correction(self._repair, Slot((), source, tree, targets, thought=thought))
        if self._closing:
            return None  # what follows the join
        self._count += 1
        slot = Slot((self._count,), source, tree, targets, thought=thought)
        self._closing = slot.is_join
        return self._reserved(slot)

    def _reserved(self, slot: Slot) -> Slot:
        for name in slot.targets:
            self._top_level[name] = None
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
        if old is None:
            self._count += 1
            slot.place = (self._count,)
        elif match.how == "after":
            slot.place = (*old.place, _LAST, self._inserted)
        elif match.how == "before":
            slot.place = (*old.place[:-1], old.place[-1] - 1, _LAST, self._inserted)
            if isinstance(old, Slot) and old.problems:
                slot.versions = {name: old.versions.pop(name) for name in slot.targets if name in old.versions}
        elif isinstance(old, Slot):
            self._release(old)
            slot.place, slot.nameless, slot.versions = old.place, old.nameless, old.versions
            slot.thought = slot.thought or old.thought
        return self._reserved(slot)

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
            self._names.bind(name, slot.place, None)

    # -------------------------------------------------------------------------------------------------- lowering

    def _lowered(self, slot: Slot) -> Lowered:
        lowering = Lowering(slot.source, self._names, slot.place, self.signatures, self._outputs, self._writing)
        body = Body("")
        bound: dict[str, ir.Expr] = {}
        if slot.tree is not None:
            try:
                self._dispatch(slot, slot.tree, lowering, body, bound)
            except RecursionError:
                lowering.too_deep(slot.tree)
        return Lowered(slot, lowering, body.tasks, bound)

    def _take(self, lowered: Lowered) -> Iterator[Step]:
        """Publish a statement, or hold it back."""
        slot = lowered.slot
        slot.problems = tuple(lowered.lowering.problems)
        slot.waits = not slot.problems and (lowered.lowering.waits or self._held.holds_back(lowered.tasks))
        if slot.problems or slot.waits:
            self._hold(slot)
            yield from slot.problems
            return
        self._outputs.update(lowered.lowering.outputs)
        self._writing |= lowered.lowering.writing
        for name, meaning in lowered.bound.items():
            self._names.bind(name, slot.place, meaning)
        self._said.append(Said(slot.place, slot.targets, slot.is_join, _own_text(slot)))
        yield from lowered.lowering.warnings
        last = len(lowered.tasks) - 1
        for number, task in enumerate(lowered.tasks):
            made = self._order(task)
            if number == last and (slot.thought or slot.notes):
                made = replace(made, thought=slot.thought, notes=slot.notes)
            self.tasks.append(((*slot.place, number), made))
            yield made
        if slot.is_join:
            self.joined = True

    def _dispatch(self, slot: Slot, tree: ast.stmt, lowering: Lowering, body: Body, bound: dict[str, ir.Expr]) -> None:
        match tree:
            case ast.Assign(targets=[ast.Name() as target], value=value):
                self._assign(slot, target, value, lowering, body, bound)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self._assign(slot, target, value, lowering, body, bound)
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                old = ast.copy_location(ast.Name(target.id, ast.Load()), target)
                whole = ast.copy_location(ast.BinOp(old, op, value), tree)
                self._assign(slot, target, whole, lowering, body, bound)
            case ast.Assign(targets=[ast.Tuple() | ast.List() as target], value=value):
                self._unpack(slot, target, value, lowering, body, bound)
            case ast.Assign(targets=[_, _, *_]):
                lowering.problem("E201", "several targets in one assignment", tree, help="one assignment per line")
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                lowering.problem("E201", f"`{name}` gets no value", tree, help=f"write {name} = ..., or leave it out")
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                help = "results cannot be changed: make the new value at once, such as {'key': value}, and name it"
                lowering.problem("E201", "only names can be assigned", tree, help=help)
            case ast.Expr(value=ast.Call(func=ast.Name(id="join")) as call):
                self._join(slot, call, lowering, body)
            case ast.Expr(value=value):
                self._bare(slot, value, lowering, body)
            case _:
                message, help = refusal_of(tree)
                lowering.problem("E201", message, tree, help=help)

    def _id_of(self, slot: Slot, name: str) -> TaskId:
        version = slot.versions[name]
        return name if version == 1 else f"{name}.{version}"

    def _assign(
        self,
        slot: Slot,
        target: ast.Name,
        value: ast.expr,
        lowering: Lowering,
        body: Body,
        bound: dict[str, ir.Expr],
    ) -> None:
        lowering.check_name(target.id, target)
        bound[target.id] = lowering.value(value, body, self._id_of(slot, target.id))

    def _unpack(
        self,
        slot: Slot,
        target: ast.Tuple | ast.List,
        value: ast.expr,
        lowering: Lowering,
        body: Body,
        bound: dict[str, ir.Expr],
    ) -> None:
        """`a, b = x`: one task for the whole, one for each name; `a, b = x, y` needs no whole."""
        names = [item for item in target.elts if isinstance(item, ast.Name)]
        if len(names) != len(target.elts) or len({n.id for n in names}) != len(names):
            lowering.problem("E201", "only distinct plain names can be unpacked into", target, help=_UNPACKING)
            return
        for name in names:
            lowering.check_name(name.id, name)
        own = {name.id for name in names}
        if (
            isinstance(value, ast.Tuple | ast.List)
            and len(value.elts) == len(names)
            and not any(isinstance(n, ast.Name) and n.id in own for n in ast.walk(value))
        ):
            for name, item in zip(names, value.elts, strict=True):
                bound[name.id] = lowering.value(item, body, self._id_of(slot, name.id))
            return
        whole = lowering.value(value, body, self._fresh(slot, f"({', '.join(n.id for n in names)})"))
        for index, name in enumerate(names):
            work = ir.Compute(ir.Unpacked(whole, index, len(names)))
            bound[name.id] = lowering.emit(self._id_of(slot, name.id), work, body, name)

    def _fresh(self, slot: Slot, base: str) -> TaskId:
        """The numbered id of what has no name; the same when a statement is lowered again."""
        if not slot.nameless.startswith(base):
            number = self._ids[base] = self._ids.get(base, 0) + 1
            slot.nameless = base if number == 1 else f"{base}.{number}"
        return slot.nameless

    def _bare(self, slot: Slot, value: ast.expr, lowering: Lowering, body: Body) -> None:
        """An expression on its own line is there for the calls in it."""
        match value:
            case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
                lowering.value(value, body, self._fresh(slot, f"{name}()"))
            case _:
                lowering.value(value, body, self._fresh(slot, "do()"))

    def _join(self, slot: Slot, call: ast.Call, lowering: Lowering, body: Body) -> None:
        items: list[tuple[str | None, TaskId]] = []
        id = self._fresh(slot, "join()")
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


def _own_text(slot: Slot) -> str:
    """The text of a statement alone, where others stand on its line."""
    text = slot.source.text
    return slot.source.of(slot.tree) if slot.tree is not None and ";" in text else text
