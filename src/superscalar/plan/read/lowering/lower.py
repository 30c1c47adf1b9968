"""From Python's syntax tree to tasks: calls are lifted (L10), names become references (L9), types are checked.

One `Lowering` handles one statement. It collects problems instead of stopping at the first, and publishes nothing:
`Program` takes its tasks only if there are no problems.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from superscalar.plan import ir
from superscalar.plan.evaluate.decimals import ROUNDINGS
from superscalar.plan.evaluate.kinds import CLASSES_OF, OF_MODULES
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir.needs import needs_of
from superscalar.plan.ir.signatures import Output, Parameter, Signatures
from superscalar.plan.ir.within import MOST_IN_ALL
from superscalar.plan.read.instead import folds, forms
from superscalar.plan.read.lowering import hints
from superscalar.plan.read.lowering.body import (
    Body,
    CallFinder,
    Carried,
    Writes,
    as_test,
    dotted,
    names_in,
)
from superscalar.plan.read.lowering.findings import STAND_IN, Findings
from superscalar.plan.read.lowering.outputs import EMPTY_LIST, ITEMS, Outputs
from superscalar.plan.read.lowering.refusals import refused_construct
from superscalar.plan.read.lowering.scope import Names, ScopePath, ScopePlace
from superscalar.plan.read.lowering.sharing import Sharing
from superscalar.plan.read.source import SourceText
from superscalar.values import TaskId

_MAX_DEPTH = 100
_MAX_KNOWN = 100


class LoweringRules(NamedTuple):
    """What lowers an expression by its kind, what makes a task of one, and what makes one of a call of a tool."""

    expressions: Mapping[type, Callable[[Any, Lowering, Body], ir.Expr]]
    value: Callable[[ast.expr, Lowering, Body, TaskId], ir.Ref]
    of_tool: Callable[[ast.Call, Lowering, Body, TaskId], ir.Ref]


class Lowering(Findings):
    """Lowers one statement. `problems` is what is wrong with it.

    `waits`: it refers to a name whose assignment is broken, so that it is lowered again after the repair. `main`: the
    task that stands for the whole statement, if that is not its last. `path`: the arms of `if`s in which it stands.
    `writes`: its tasks that write, or hold a write. `sharing`: whose values are one object in Python. `loops`: those
    around what is being lowered, and
    `statement`: the one that it stands in. `meant`: names that it does not assign, but was meant to. `given`: the
    last name that was given as an argument, and for which parameter. `room`: how many tasks the plans may have that it
    calls.
    """

    def __init__(
        self,
        source: SourceText,
        names: Names,
        place: ScopePlace,
        signatures: Signatures,
        outputs: dict[TaskId, Output],
        path: ScopePath = (),
        writes: Set[TaskId] = frozenset(),
        sharing: Sharing | None = None,
        *,
        rules: LoweringRules,
    ) -> None:
        super().__init__(source, Outputs(outputs))
        self.writes = Writes(writes)
        self.sharing = Sharing(sharing, self.outputs.is_plain)
        self._rules = rules
        self._names = names
        self._place = place
        self._path = path
        self.main: TaskId | None = None
        self.meant: tuple[str, ...] = ()
        self.signatures = signatures
        self.waits = False
        self.variables: list[set[str]] = []
        self.notes: dict[TaskId, list[str]] = {}  # what was tolerated in the tasks to come
        self.finder = CallFinder(source.text)
        self.loops: list[ast.For] = []
        self.statement: ast.stmt | None = None
        self.given: tuple[ast.Name, Parameter] | None = None
        self.room = MOST_IN_ALL
        self._depth = 0

    # ---------------------------------------------------------------------------------------------------- tasks

    def emit(self, id: TaskId, work: ir.Work, body: Body, node: ast.AST | None) -> ir.Ref:
        """Add a task to a body."""
        self.sharing.note(id, work)
        self.take(ir.Task(id, work, needs_of(work), body.guards, span=self.source.span(node)), body)
        return ir.Ref(id)

    def take(self, task: ir.Task, body: Body) -> None:
        """Add a task to a body that is made already; of one inside a called plan nobody here has the value in hand."""
        self.writes.note(task.id, task.work, task.needs)
        if (notes := self.notes.pop(task.id, None)) is not None:
            task = replace(task, notes=tuple(notes))
        body.tasks.append(task)

    def value(self, node: ast.expr, body: Body, id: TaskId) -> ir.Ref:
        """Lower an expression to a task of that id, whose outcome it is, item by item if it is a map or display."""
        if self._depth >= _MAX_DEPTH:
            self.too_deep(node)
            return ir.Ref(id)
        self._depth += 1
        try:
            return self._rules.value(node, self, body.of(id), id)
        finally:
            self._depth -= 1

    def reference(self, node: ast.expr, body: Body, label: str, id: TaskId | None = None) -> ir.Ref:
        """A task that has this expression's outcome: the one that a name stands for, or a new one, called `id` or by
        its `label`.
        """
        if isinstance(node, ast.Name) and node.id not in self.hidden():
            meaning = self.meaning(node, body)
            if isinstance(meaning, ir.Ref):
                return meaning
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in FUNCTIONS:
            return self._rules.of_tool(node, self, body, body.lifted(node.func.id))
        return self.value(node, body, id or body.lifted(label))

    # ---------------------------------------------------------------------------------------------- expressions

    def expression(self, node: ast.expr, body: Body) -> ir.Expr:
        """Lower an expression; the calls in it become tasks of `body`."""
        rule = self._rules.expressions.get(type(node))
        if rule is None:
            message, help = refused_construct(node)
            return self.problem("E202", message, node, help=self._instead(node) or help)
        if self._depth >= _MAX_DEPTH:
            return self.too_deep(node)
        self._depth += 1
        try:
            return rule(node, self, body)
        finally:
            self._depth -= 1

    def _instead(self, node: ast.expr) -> str:
        match node:
            case ast.NamedExpr(target=target):
                self.meant = (*self.meant, target.id)
                if self.variables:
                    self.variables[-1].add(target.id)  # one mistake is one error
                return forms.of_walrus(node, self.statement)
            case ast.Await():
                return forms.of_await(node)
        return ""

    def is_list(self, node: ast.expr) -> bool:
        """Whether an expression is sure to give a list, by what is known of a tool or a name."""
        return self.type_of(node) == "list"

    def type_of(self, node: ast.expr) -> str:
        """The type of what a tool returns or a name stands for; empty where it is not known."""
        known = self._known_of(node)
        return "list" if known in (ITEMS, EMPTY_LIST) else known.type.partition("[")[0].replace("Any", "")

    def fields_of(self, node: ast.expr) -> list[str]:
        """The fields of a record that a name stands for, where they are known."""
        return self._known_of(node).written()

    def _known_of(self, node: ast.expr) -> Output:
        match node:
            case ast.Call(func=ast.Name(id=name)) if (signature := self.signatures.get(name)) is not None:
                return signature.output
            case ast.Name(id=name) if name not in self.hidden():
                with suppress(KeyError):
                    meaning = self._names.find(name, self._place, self._path)
                    return Output() if meaning is None else self.outputs.of(meaning)
        return Output()

    def hidden(self) -> set[str]:
        """The variables that hide names here."""
        return self.variables[-1] if self.variables else set()

    def meaning(self, node: ast.Name, body: Body) -> ir.Expr:
        """What a name stands for where it is read."""
        name = node.id
        if name in self.hidden():
            return ir.Var(name)
        if (own := body.names.get(name)) is not None:
            return self._carried(own, node) if isinstance(own, Carried) else own
        try:
            meaning = self._names.find(name, self._place, self._path)
        except KeyError:
            return self._undefined(node, body)
        if meaning is None:
            self.waits = True
            return STAND_IN
        return meaning

    def known(self, name: str, body: Body) -> ir.Expr | Carried | None:
        """What a name stands for; None if for nothing."""
        if (own := body.names.get(name)) is not None:
            return own
        try:
            meaning = self._names.find(name, self._place, self._path)
        except KeyError:
            return None
        self.waits = self.waits or meaning is None
        return meaning

    def of_module(self, node: ast.Attribute, body: Body) -> str:
        """What stands for a listed class, or something that it has, without its module; empty where nothing does."""
        path = dotted(node)
        if len(path) < 2 or self.is_known(path[0], body):
            return ""
        if path[1] in CLASSES_OF.get(path[0], ()):
            path = path[1:]
        return ".".join(path) if path[0] in OF_MODULES else ""

    def is_callable(self, name: str) -> bool:
        """Whether a name can be called: a tool's, or a listed function's."""
        return name in self.signatures or name in FUNCTIONS

    def is_known(self, name: str, body: Body) -> bool:
        """Whether a name stands for a value, or may once something is repaired."""
        return self.is_known_before(name) or name in self.hidden() or name in body.names

    def is_known_before(self, name: str) -> bool:
        """Whether a name stands for a value before this statement, or may once something is repaired."""
        try:
            self._names.find(name, self._place, self._path)
        except KeyError:
            return False
        return True

    def names_before(self) -> list[str]:
        """The names that were first assigned last before this statement."""
        return self._names.latest_before(self._place, _MAX_KNOWN)

    def _carried(self, name: Carried, node: ast.Name) -> ir.Expr:
        """Refuse a value of the iteration before (rule L14)."""
        if name.collected:
            message = f"`{name.name}` is not complete before the loop ends"
            return self.problem("E207", message, node, help=self._counted(name.name) or "read it below the loop")
        message = f"`{name.name}` would be the value of the iteration before"
        help = folds.best_of(name.name, self.loops[-1]) if self.loops else ""
        otherwise = f"assign it above this line, on every path through the loop; `{name.name} += ...` alone adds up"
        return self.problem("E207", message, node, help=help or otherwise)

    def _counted(self, name: str) -> str:
        """What to write where a loop reads what it only counts."""
        return folds.of_counter(name, self.loops[-1]) if self.loops else ""

    def _undefined(self, node: ast.Name, body: Body) -> ir.Expr:
        if node.id in ROUNDINGS:
            return ir.Literal(node.id)
        message = f"`{node.id}` is not defined yet"
        if self.has_said("E102", message):
            return STAND_IN
        known = [*self.names_before(), *body.names]
        label = "defined so far: " + (", ".join(known[-8:]) or "nothing")
        if self.is_callable(node.id):
            what = "tool" if node.id in self.signatures else "function"
            message = f"`{node.id}` is a {what}, and stands here as a value"
            made = self._names.only_nameless(node.id, self._place, self._path)
            taken = {*self.signatures.aliases().values(), *known, *self.hidden()}
            help = "" if made is None else forms.of_nameless(made, taken)
            return self.problem("E102", message, node, help=help or f"call it: {node.id}(...)")
        help = hints.for_name(node.id, known)
        if self.given is not None and self.given[0] is node and hints.may_be_text(node.id, self.given[1]):
            help += f", or write {node.id!r} if it is text"
        return self.problem("E102", message, node, label=label, help=help)

    def test(self, condition: ir.Expr, body: Body, node: ast.expr) -> TaskId | None:
        """The task that says whether `condition` holds; None inside an expression that lifts nothing."""
        if self.variables:
            return None
        key = (repr(condition), body.guards)  # not the condition itself: 1 equals True, and they differ as text
        known = body.tests.get(key)
        if known is None:
            made = self.emit(body.lifted("if"), ir.Compute(as_test(condition)), body, node)
            known = body.tests[key] = made.task
        return known

    def condition(self, node: ast.expr, body: Body, id: TaskId) -> TaskId:
        """The task that says whether the arm of an `if` is taken."""
        condition = self.expression(node, body.of(id))
        return self.emit(id, ir.Compute(as_test(condition)), body, node).task

    def under(self, test: TaskId | None, expected: bool, body: Body) -> Body:
        """The body for what runs only if `test` says so; the same one where there is no test."""
        return body if test is None else body.under(ir.Guard(test, expected))

    def items(self, nodes: Iterable[ast.expr], body: Body) -> tuple[ir.Expr, ...]:
        """Lower several expressions."""
        return tuple(self.expression(item, body) for item in nodes)

    def inside(self, node: ast.expr, body: Body, variables: set[str]) -> ir.Expr:
        """Lower an expression in which these variables stand, and no tool is called."""
        if self.finder.has_call(node):
            return self.problem("E205", "a call of a tool inside a lambda", node, help="call it on a line above")
        self.variables.append(variables)
        try:
            return self.expression(node, body)
        finally:
            self.variables.pop()

    def note_items(self, source: ir.Ref, item: TaskId) -> None:
        """What is known of each item of a list is known of the item of a map over it."""
        if (each := self.outputs.of_task(source.task).items) is not None:
            self.outputs.own[item] = each

    def targets(self, target: ast.expr, item: ir.Expr) -> dict[str, ir.Expr]:
        """What the names of a loop target stand for, given the item."""
        if isinstance(target, ast.Name):
            self.check_name(target.id, target)
            return {target.id: item}
        if isinstance(target, ast.Tuple | ast.List):
            bound: dict[str, ir.Expr] = {}
            for index, part in enumerate(target.elts):
                bound |= self.targets(part, ir.Unpacked(item, index, len(target.elts)))
            return bound
        self.problem("E202", "a loop assigns plain names only", target, help="for a, b in pairs")
        return dict.fromkeys(names_in(target), STAND_IN)
