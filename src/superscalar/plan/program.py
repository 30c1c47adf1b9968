"""A program being written: statements come in, in order or as repairs, and tasks and diagnostics come out.

All front ends end here. What is published is never changed; a broken statement holds back only what needs it.
"""

from __future__ import annotations

import ast
import re
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from superscalar.plan import ir
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.lower import Body, Lowering, Source, Waits
from superscalar.plan.names import Names, Place
from superscalar.plan.passes.order import OrderAccesses
from superscalar.plan.refusals import refusal_of
from superscalar.plan.signatures import Output, Signatures
from superscalar.plan.vocabulary import FUNCTIONS
from superscalar.values import TaskId

Step: TypeAlias = ir.Task | Diagnostic
"""What reading a program yields, in the order in which it was found."""

_LAST = 1 << 60
_TARGETS = re.compile(r"\s*([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(slots=True)
class Slot:
    """One statement of the program. `problems` is empty once it was lowered; `waits`: for a repair further up."""

    place: Place
    source: Source
    tree: ast.stmt | None
    targets: tuple[str, ...]
    versions: dict[str, int] = field(default_factory=dict)
    thought: str = ""
    problems: tuple[Diagnostic, ...] = ()
    waits: bool = False
    notes: tuple[str, ...] = ()
    nameless: TaskId = ""

    @property
    def is_join(self) -> bool:
        """Whether it is the `join(...)` of its round."""
        return _is_join(self.tree) or (self.tree is None and self.source.text.startswith("join"))


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
        self._order = OrderAccesses(signatures)
        self._open: list[Slot] = []
        self._count = 0
        self._inserted = 0
        self._repairing = False
        self._barred: set[str] = set()
        self._ids: dict[str, int] = {}
        self._top_level: dict[str, None] = {}

    # --------------------------------------------------------------------------------------------------- reading

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong and not repaired yet, in program order."""
        return tuple(problem for slot in self._open for problem in slot.problems)

    @property
    def complete(self) -> bool:
        """Whether this round may be sealed."""
        return self.joined and not self._open

    @property
    def broken(self) -> bool:
        """Whether something waits for a repair."""
        return bool(self._open)

    def in_order(self) -> tuple[ir.Task, ...]:
        """All tasks in program order: repairs in the places of what they repair."""
        return tuple(task for _, task in sorted(self.tasks, key=lambda pair: pair[0]))

    # --------------------------------------------------------------------------------------------------- writing

    def statement(
        self, tree: ast.stmt, source: Source, *, thought: str = "", notes: Sequence[str] = ()
    ) -> Iterator[Step]:
        """Take a statement that could be read."""
        if self.joined and not self._repairing:
            return
        slot = self._slot(tree, source, _targets_of(tree), thought)
        slot.notes = tuple(notes)
        yield from self._lower(slot)

    def unreadable(self, source: Source, problem: Diagnostic) -> Iterator[Step]:
        """Take the text of a statement that could not be read."""
        if self.joined and not self._repairing:
            return
        match = _TARGETS.match(source.text)
        targets = tuple(name.strip() for name in match.group(1).split(",")) if match else ()
        slot = self._slot(None, source, targets, "")
        slot.problems = (problem,)
        self._hold(slot)
        if not targets and not source.text.lstrip().startswith(("join", *(f"{s.alias}(" for s in self.signatures))):
            self._names.break_all(slot.place)
        yield problem

    def begin_repair(self) -> None:
        """What follows are corrections of what is broken."""
        self._repairing = True

    def end_repair(self) -> Iterator[Step]:
        """The corrections are in: lower what waited for them."""
        self._repairing = False
        yield from self._retry()

    def next_round(self) -> None:
        """A replan continues the program; what was never repaired in the last round is given up."""
        for slot in self._open:
            self._names.mend(slot.place)
        self._open.clear()
        self._barred.clear()
        self.joined = False

    def finish(self) -> Iterator[Step]:
        """The plan ended normally. Without a `join` it joins everything (rule L6)."""
        if self.joined or any(slot.is_join for slot in self._open):
            return
        source = Source("join()", self._count + 1)
        yield from self.statement(ast.parse("join()").body[0], source)

    # ----------------------------------------------------------------------------------------------------- slots

    def _slot(self, tree: ast.stmt | None, source: Source, targets: tuple[str, ...], thought: str) -> Slot:
        if self._repairing:
            return self._repair_slot(tree, source, targets, thought)
        self._count += 1
        slot = Slot((self._count,), source, tree, targets, thought=thought)
        for name in targets:
            self._reserve(slot, name)
        return slot

    def _reserve(self, slot: Slot, name: str) -> None:
        self._versions[name] = slot.versions[name] = self._versions.get(name, 0) + 1

    def _repair_slot(self, tree: ast.stmt | None, source: Source, targets: tuple[str, ...], thought: str) -> Slot:
        """Where a correction goes: to the first broken statement that assigns the same names, or is as nameless as it;
        else it is new and stands before the first broken one.
        """
        broken = [slot for slot in self._open if slot.problems]
        joins = _is_join(tree)
        for slot in broken:
            if (
                slot.targets == targets
                and slot.is_join == joins
                and (targets or joins or len(broken) == 1 or _alike(slot, tree))
            ):
                self._open.remove(slot)
                self._names.mend(slot.place)
                return Slot(slot.place, source, tree, targets, slot.versions, thought or slot.thought)
        if broken:
            before = broken[0].place
            self._inserted += 1
            place: Place = (before[0] - 1, _LAST, self._inserted) if len(before) == 1 else (*before[:-1], before[-1], 0)
        else:
            self._count += 1
            place = (self._count,)
        slot = Slot(place, source, tree, targets, thought=thought)
        for name in targets:
            self._reserve(slot, name)
        return slot

    def _hold(self, slot: Slot) -> None:
        """Publish nothing of the slot: the names that it assigns wait for it, and so do the resources it writes."""
        insort(self._open, slot, key=lambda held: held.place)
        for name in slot.targets:
            self._names.bind(name, slot.place, None)
        words = set(_WORD.findall(slot.source.text))
        self._barred.update(s.provider for s in self.signatures if s.effect == "write" and s.alias in words)

    def _retry(self) -> Iterator[Step]:
        waiting = [slot for slot in self._open if slot.waits]
        if any(slot.problems for slot in self._open):
            return
        self._open.clear()
        self._barred.clear()
        for slot in waiting:
            slot.waits = False
            yield from self._lower(slot)

    # -------------------------------------------------------------------------------------------------- lowering

    def _lower(self, slot: Slot) -> Iterator[Step]:
        tree = slot.tree
        if tree is None:
            return
        lowering = Lowering(slot.source, self._names, slot.place, self.signatures, self._outputs)
        body = Body("")
        bound: dict[str, ir.Expr] = {}
        try:
            self._dispatch(slot, tree, lowering, body, bound)
        except Waits:
            slot.waits = True
        except RecursionError:
            lowering.problem("E402", "this expression is nested too deeply", tree, help="give parts of it names")
        if lowering.problems:
            slot.problems, slot.waits = tuple(lowering.problems), False
            self._hold(slot)
            yield from lowering.problems
            return
        if not slot.waits and self._barred and self._barred & self._touched(body.tasks):
            slot.waits = True  # a broken statement may write what this one reads or writes
        if slot.waits:
            self._hold(slot)
            return
        yield from self._publish(slot, lowering, body, bound)

    def _publish(self, slot: Slot, lowering: Lowering, body: Body, bound: dict[str, ir.Expr]) -> Iterator[Step]:
        self._outputs.update(lowering.outputs)
        for name, meaning in bound.items():
            self._names.bind(name, slot.place, meaning)
        yield from lowering.warnings
        for number, task in enumerate(body.tasks):
            made = self._order(task)
            if number == len(body.tasks) - 1 and (slot.thought or slot.notes):
                made = replace(made, thought=slot.thought, notes=slot.notes)
            self.tasks.append(((*slot.place, number), made))
            yield made
        if slot.is_join:
            self.joined = True

    def _touched(self, tasks: list[ir.Task]) -> set[str]:
        calls = (task.work for task in ir.walk(tuple(tasks)))
        found = (
            self.signatures.get(work.tool) for work in calls if isinstance(work, ir.Call) and work.effect != "pure"
        )
        return {signature.provider for signature in found if signature is not None}

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
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                help = "results cannot be changed: give the new value a name"
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
        lowering.check_name(target)
        self._remember(target.id)
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
            lowering.problem("E201", "only distinct plain names can be unpacked into", target, help="a, b = pair")
            return
        for name in names:
            lowering.check_name(name)
            self._remember(name.id)
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

    def _remember(self, name: str) -> None:
        self._top_level.setdefault(name)

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
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="append")):
                help = f"write {owner} = {owner} + [...], or build it with a comprehension"
                lowering.problem("E204", "results cannot be changed: there is no `append`", value, help=help)
            case _:
                lowering.value(value, body, self._fresh(slot, "do()"))

    def _join(self, slot: Slot, call: ast.Call, lowering: Lowering, body: Body) -> None:
        items: list[tuple[str | None, TaskId]] = []
        id = self._fresh(slot, "join()")
        if call.args and call.keywords:
            lowering.problem("E305", "`join` takes values or named values, not both", call, help="join(total=total)")
        for index, argument in enumerate(call.args):
            if isinstance(argument, ast.Starred):
                lowering.problem("E202", "`*` in join", argument, help="write join(xs) for the list, or each value")
            else:
                label = str(index + 1)
                items.append((None, lowering.reference(argument, Body(id, tasks=body.tasks), label).task))
        for keyword in call.keywords:
            if keyword.arg is None:
                lowering.problem("E202", "`**` in join", keyword, help="write each value: join(total=total)")
            else:
                found = lowering.reference(keyword.value, Body(id, tasks=body.tasks), keyword.arg)
                items.append((keyword.arg, found.task))
        whole = not call.args and not call.keywords
        if whole:
            for name in self._top_level:
                try:
                    meaning = self._names.find(name, slot.place)
                except KeyError:
                    continue
                if meaning is None:
                    raise Waits(name)
                if isinstance(meaning, ir.Ref):
                    items.append((name, meaning.task))
            if self._open:
                raise Waits("everything")
        lowering.emit(id, ir.Join(tuple(items), whole), body, call)


def _targets_of(tree: ast.stmt) -> tuple[str, ...]:
    """The names that a statement assigns, those in blocks included."""
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    comprehended = {
        id(name)
        for inner in ast.walk(tree)
        if isinstance(inner, ast.comprehension | ast.NamedExpr)
        for name in ast.walk(inner.target)
    }
    return tuple(dict.fromkeys(n.id for n in found if id(n) not in comprehended))


def _is_join(tree: ast.stmt | None) -> bool:
    match tree:
        case ast.Expr(value=ast.Call(func=ast.Name(id="join"))):
            return True
    return False


def _alike(slot: Slot, tree: ast.stmt | None) -> bool:
    """Whether a nameless correction begins with the same word as what it may correct."""
    first = _WORD.match(slot.source.text.lstrip())
    return tree is not None and first is not None and ast.unparse(tree).startswith(first.group())
