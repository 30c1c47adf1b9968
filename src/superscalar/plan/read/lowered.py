"""What one statement of a program comes to, before anything of it is published."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from superscalar.plan import ir
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.read.ground import Ground
from superscalar.plan.read.instead import forms
from superscalar.plan.read.lowering.asserting import lower_assert
from superscalar.plan.read.lowering.assigned_inside import with_clauses
from superscalar.plan.read.lowering.body import Body
from superscalar.plan.read.lowering.findings import Enough
from superscalar.plan.read.lowering.iterators import Once, generator_of, gone_through, once_of, refuse_writes
from superscalar.plan.read.lowering.loops import first_found, lower_loop
from superscalar.plan.read.lowering.lower import Lowering
from superscalar.plan.read.lowering.rules import RULES
from superscalar.plan.read.lowering.statements import lower_simple
from superscalar.plan.read.slots import Arm, Branch, Slot, guards_of, path_of
from superscalar.plan.read.spelling import plain_join
from superscalar.values import TaskId


class Lowered(NamedTuple):
    """The tasks of a statement, and what the names that it assigns stand for."""

    slot: Slot
    lowering: Lowering
    tasks: list[ir.Task]
    bound: dict[str, ir.Expr]
    generators: dict[TaskId, Once]


class StatementContext(NamedTuple):
    """What a statement is lowered in: what the program has come to, and the ids that no task may have.

    `open`: something before it waits for a repair.
    """

    signatures: Signatures
    now: Ground
    taken: Set[TaskId]
    open: bool


def lower_statement(slot: Slot, around: StatementContext) -> Lowered:
    """Lower a statement. Of `around` only the numbers of what has no name are changed."""
    now = around.now
    lowering = Lowering(
        slot.source,
        now.names,
        slot.place,
        around.signatures,
        now.outputs,
        path_of(slot.arm),
        now.writes,
        now.sharing,
        rules=RULES,
    )
    lowering.room -= len(now.tasks)
    guards = guards_of(slot.arm)
    lowering.waits = guards is None or now.open_assert
    made = _BeingLowered(slot, around, lowering, Body("", guards=(*now.asserts, *(guards or ()))))
    try:
        if slot.ends is not None:
            made.select(slot.ends)
        elif slot.tree is not None:
            made.dispatch(slot.tree)
    except Enough:
        pass  # its problems are noted, and it is not published
    except RecursionError:
        with suppress(Enough):
            lowering.too_deep(slot.tree or ast.Pass())
    lowering.sharing.end()
    return Lowered(slot, lowering, made.body.tasks, made.bound, made.generators)


@dataclass(slots=True)
class _BeingLowered:
    """A statement that is being lowered."""

    slot: Slot
    around: StatementContext
    lowering: Lowering
    body: Body
    bound: dict[str, ir.Expr] = field(default_factory=dict)
    generators: dict[TaskId, Once] = field(default_factory=dict)

    def dispatch(self, tree: ast.stmt) -> None:
        """By what kind of statement it is."""
        slot, lowering, body = self.slot, self.lowering, self.body
        ids = _Ids(slot, self.around.now.nameless, self.around.taken)
        if ":=" in slot.source.text:
            tree = with_clauses(tree, lambda name: lowering.is_known(name, body))
        if isinstance(tree, ast.For):
            tree = first_found(tree, lowering, body) or tree
        if self.around.now.generators:
            for task, once in gone_through(tree, self.around.now.generators, lowering, body):
                self.generators[task] = once
        match tree:
            case ast.If(test=test):
                lowering.condition(test, body, ids.fresh("if"))
            case ast.For():
                id = ids.fresh("for")
                lower_loop(tree, lowering, body, id, ids, self.bound, slot.thoughts)
                lowering.main = id
            case ast.Expr(value=ast.Call(func=ast.Name(id="join")) as call) if slot.arm is None:
                self._join(call, ids.fresh("join()"))
            case ast.Assert() if slot.arm is None:
                lower_assert(tree, lowering, body, ids.fresh("assert"))
            case ast.Pass():
                pass
            case _:
                made = generator_of(tree)
                before = None if made is None else once_of(made[1], lowering, body)
                lower_simple(tree, lowering, body, ids, self.bound)
                if made is not None and before is not None:
                    self.generators[ids.id_of(made[0])] = before
                    refuse_writes(*made, before, lowering, body)

    def select(self, branch: Branch) -> None:
        """What names stand for behind an `if` that assigns them (rule L11)."""
        header = branch.header
        if header is None or not header.published:
            self.lowering.waits = True
            return
        for name in self.slot.targets:
            then, otherwise = (self._version(name, Arm(branch, side)) for side in (True, False))
            if then != otherwise:
                id = version_id(name, self.slot.versions[name])
                work = ir.Select(header.nameless, then, otherwise)
                self.bound[name] = self.lowering.emit(id, work, self.body, None)

    def _version(self, name: str, arm: Arm) -> TaskId | None:
        """The task that a name stands for at the end of an arm; None if it has no value there."""
        try:
            meaning = self.around.now.names.find(name, self.slot.place, arm.path)
        except KeyError:
            return None
        self.lowering.waits = self.lowering.waits or meaning is None
        return meaning.task if isinstance(meaning, ir.Ref) else None

    def _join(self, call: ast.Call, id: TaskId) -> None:
        lowering, inner = self.lowering, self.body.of(id)
        if (named := plain_join(call)) is not call and call.keywords and named.keywords:
            lowering.understood.append("a value beside named ones in `join(...)` is named like itself, or `answer`")
        call = named
        items: list[tuple[str | None, TaskId]] = []
        if call.args and call.keywords:
            help = forms.of_mixed_join(call) or "join(total=total)"
            lowering.problem("E305", "`join` takes values or named values, not both", call, help=help)
            plain = [value for value in call.args if not isinstance(value, ast.Starred)]
            call = ast.copy_location(ast.Call(call.func, plain, call.keywords), call)
        for index, argument in enumerate(call.args):
            items.append((None, lowering.reference(argument, inner, "", f"{id}[{index}]").task))
        items += [(k.arg, lowering.reference(k.value, inner, k.arg or "").task) for k in call.keywords]
        whole = not call.args and not call.keywords
        if whole:
            lowering.waits = lowering.waits or self.around.open
            items += self._everything()
        shown = Body("", tasks=self.body.tasks)  # it shows what there is, whatever is asserted
        lowering.emit(id, ir.Join(tuple(items), whole), shown, call)

    def _everything(self) -> Iterator[tuple[str, TaskId]]:
        """What every name stands for here; one that was given up stands for nothing."""
        for name in self.around.now.top_level:
            with suppress(KeyError):
                meaning = self.around.now.names.find(name, self.slot.place)
                if isinstance(meaning, ir.Ref):
                    yield name, meaning.task


@dataclass(slots=True)
class _Ids:
    """The ids of one statement's tasks. `used`: the last number of each kind of what has no name."""

    slot: Slot
    used: dict[str, int]
    taken: Set[TaskId]

    def id_of(self, name: str) -> TaskId:
        """The id of the task that a name stands for once the statement assigned it."""
        return version_id(name, self.slot.versions[name])

    def fresh(self, base: str) -> TaskId:
        """The numbered id of what has no name; the same when a statement is lowered again."""
        if not self.slot.nameless.startswith(base):
            number = self.used.get(base, 0) + 1
            while version_id(base, number) in self.taken:
                number += 1
            self.used[base] = number
            self.slot.nameless = version_id(base, number)
        return self.slot.nameless


def version_id(base: str, number: int) -> TaskId:
    """The id of the version of that number (rule L31)."""
    return base if number == 1 else f"{base}.{number}"


def version_parts(id: TaskId) -> tuple[str, int]:
    """What the id of a statement without a name is made of."""
    base, _, number = id.rpartition(".")
    return (base, int(number)) if base and number.isdigit() else (id, 1)
