"""From Python's syntax tree to tasks: calls are lifted (L10), names become references (L9), types are checked.

One `Lowering` handles one statement. It collects problems instead of stopping at the first, and publishes nothing:
`Program` takes its tasks only if there are no problems.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from typing import Any

from superscalar.plan import ir
from superscalar.plan.evaluate.bounds import MAX_BITS
from superscalar.plan.evaluate.formats import UnknownFormat, check_percent
from superscalar.plan.ir.needs import needs_of
from superscalar.plan.ir.signatures import Output, Parameter, Signatures
from superscalar.plan.ir.vocabulary import CLASSES_OF, FUNCTIONS, OF_MODULES, ROUNDINGS
from superscalar.plan.read.instead import folds, forms
from superscalar.plan.read.lowering import hints
from superscalar.plan.read.lowering.body import (
    Body,
    CallFinder,
    Carried,
    Writes,
    as_pairs,
    as_test,
    dotted,
    has_star,
    is_text,
    names_in,
    names_in_list,
    without_double_stars,
    without_stars,
)
from superscalar.plan.read.lowering.calls import Calls
from superscalar.plan.read.lowering.comprehensions import Comprehensions, is_map
from superscalar.plan.read.lowering.findings import EMPTY_LIST, ITEMS, STAND_IN, Findings, of_member
from superscalar.plan.read.lowering.refusals import refusal_of
from superscalar.plan.read.lowering.scope import Names, Path, Place
from superscalar.plan.read.lowering.sharing import Sharing
from superscalar.plan.read.lowering.symbols import BINARY, COMPARE, DISPLAYS, UNARY
from superscalar.plan.read.source import Source
from superscalar.values import TaskId

_MAX_DEPTH = 100
_MAX_KNOWN = 100
_METHODS: dict[type, str] = {}  # that lower what a node is


class Lowering(Findings):
    """Lowers one statement. `problems` is what is wrong with it.

    `waits`: it refers to a name whose assignment is broken, so that it is lowered again after the repair. `main`: the
    task that stands for the whole statement, if that is not its last. `path`: the arms of `if`s in which it stands.
    `writes`: its tasks that write, or hold a write. `sharing`: whose values are one object in Python. `loops`: those
    around what is being lowered, and
    `statement`: the one that it stands in. `meant`: names that it does not assign, but was meant to. `given`: the
    last name that was given as an argument, and for which parameter.
    """

    def __init__(
        self,
        source: Source,
        names: Names,
        place: Place,
        signatures: Signatures,
        outputs: dict[TaskId, Output],
        path: Path = (),
        writes: Set[TaskId] = frozenset(),
        sharing: Sharing | None = None,
    ) -> None:
        super().__init__(source, outputs)
        self.writes = Writes(writes)
        self.sharing = Sharing(sharing, self.is_plain)
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
        self._depth = 0

    # ---------------------------------------------------------------------------------------------------- tasks

    def emit(self, id: TaskId, work: ir.Work, body: Body, node: ast.AST | None) -> ir.Ref:
        """Add a task to a body."""
        needs = needs_of(work)
        self.writes.note(id, work, needs)
        self.sharing.note(id, work)
        notes = tuple(self.notes.pop(id, ()))
        body.tasks.append(ir.Task(id, work, needs, body.guards, notes=notes, span=self.source.span(node)))
        return ir.Ref(id)

    def value(self, node: ast.expr, body: Body, id: TaskId) -> ir.Ref:
        """Lower an expression to a task of that id, whose outcome it is, item by item if it is a map or display."""
        if self._depth >= _MAX_DEPTH:
            self.too_deep(node)
            return ir.Ref(id)
        self._depth += 1
        try:
            return self._value(node, body.of(id), id)
        finally:
            self._depth -= 1

    def _value(self, node: ast.expr, inner: Body, id: TaskId) -> ir.Ref:
        match node:
            case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
                return Calls(self).of_tool(node, name, inner, id)
            case ast.Call(func=ast.Name(id="first"), args=[_, _], keywords=[]) if not self.variables:
                return self.first(node, inner, id)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() if is_map(node, inner, self):
                if isinstance(node, ast.DictComp) and len(node.generators) > 1:
                    return self.emit(id, ir.Compute(self.expression(as_pairs(node), inner)), inner, node)
                made = Comprehensions(self).map(node, inner, id)
                self._note_generator(node, inner, id)
                return made
            case ast.List(elts=[]):
                self.outputs[id] = EMPTY_LIST
                return self.emit(id, ir.Compute(ir.Sequence("list", ())), inner, node)
            case ast.List() | ast.Tuple() | ast.Set() if not has_star(node) and (
                names_in_list(node) or self.finder.has_call(node)
            ):
                return self._display(node, inner, id)
            case ast.Dict() if self.finder.has_call(node) and None not in node.keys:
                keys: list[ir.Expr] = []
                entries: list[TaskId] = []
                for i, (key, item) in enumerate(self.pairs_of(node)):
                    if key is not None:  # key, value, key, value: the order in which they are evaluated
                        keys.append(self.expression(key, inner))
                        entries.append(self.value(item, inner, f"{id}[{i}]").task)
                return self.emit(id, ir.Display("dict", tuple(entries), tuple(keys)), inner, node)
            case _:
                value = self.expression(node, inner)
                self.outputs[id] = self.output_of(value)
                made = self.emit(id, ir.Compute(value), inner, node)
                self._note_generator(node, inner, id)
                return made

    def _note_generator(self, node: ast.expr, body: Body, id: TaskId) -> None:
        """In Python a generator under a name is gone through later: it would see what changes until then."""
        for inner in ast.walk(node) if isinstance(node, ast.GeneratorExp) else ():
            if isinstance(inner, ast.Name) and isinstance(meaning := self.known(inner.id, body), ir.Ref):
                self.sharing.note_live(id, meaning.task)

    def _display(self, node: ast.List | ast.Tuple | ast.Set, inner: Body, id: TaskId) -> ir.Ref:
        """A list, tuple or set whose items are tasks, with one outcome each (rule L15)."""
        items = tuple(self.value(item, inner, f"{id}[{i}]").task for i, item in enumerate(node.elts))
        if not isinstance(node, ast.Set):  # equal items of a set are one, so it has no items to go through yet
            self.outputs[id] = ITEMS
        return self.emit(id, ir.Display(DISPLAYS[type(node)], items), inner, node)

    def first(self, node: ast.Call, inner: Body, id: TaskId) -> ir.Ref:
        """`first(k, xs)` as a task of its own: it looks at the items of `xs` while they come in (rule L16)."""
        count = self.expression(node.args[0], inner)
        items = node.args[1]
        if isinstance(items, ast.List | ast.Tuple) and items.elts and not has_star(items):
            place = inner.lifted("items")
            source = self._display(items, inner.of(place), place)
        else:
            source = self.reference(items, inner, "items")
        if source.task in self.writes:
            message = "a write under `first`, which wants only some of its items"
            self.problem("E205", message, items, help="to make all of them and take some results, write ok(xs)[:k]")
        return self.emit(id, ir.First(count, source.task), inner, node)

    def reference(self, node: ast.expr, body: Body, label: str, id: TaskId | None = None) -> ir.Ref:
        """A task that has this expression's outcome: the one that a name stands for, or a new one, called `id` or by
        its `label`.
        """
        if isinstance(node, ast.Name) and node.id not in self.hidden():
            meaning = self._meaning(node, body)
            if isinstance(meaning, ir.Ref):
                return meaning
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in FUNCTIONS:
            return Calls(self).of_tool(node, node.func.id, body, body.lifted(node.func.id))
        return self.value(node, body, id or body.lifted(label))

    # ---------------------------------------------------------------------------------------------- expressions

    def expression(self, node: ast.expr, body: Body) -> ir.Expr:
        """Lower an expression; the calls in it become tasks of `body`."""
        name = _METHODS.get(type(node))
        if name is None:
            _METHODS[type(node)] = name = f"_on_{type(node).__name__.lower()}"
        method: Callable[[Any, Body], ir.Expr] | None = getattr(self, name, None)
        if method is None:
            message, help = refusal_of(node)
            return self.problem("E202", message, node, help=self._instead(node) or help)
        if self._depth >= _MAX_DEPTH:
            return self.too_deep(node)
        self._depth += 1
        try:
            return method(node, body)
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
                    return Output() if meaning is None else self.output_of(meaning)
        return Output()

    def _on_constant(self, node: ast.Constant, _body: Body) -> ir.Expr:
        value = node.value
        if value is Ellipsis or isinstance(value, complex):
            message = f"`{ast.unparse(node)}` is no value of a plan"
            return self.problem("E202", message, node, help="write a number or text")
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            return self.problem("E401", f"integers have at most {MAX_BITS:,} bits", node, help="let a tool compute it")
        return ir.Literal(value)

    def _on_name(self, node: ast.Name, body: Body) -> ir.Expr:
        if node.id in self.hidden():
            return ir.Var(node.id)
        return self._meaning(node, body)

    def hidden(self) -> set[str]:
        """The variables that hide names here."""
        return self.variables[-1] if self.variables else set()

    def _meaning(self, node: ast.Name, body: Body) -> ir.Expr:
        name = node.id
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
            return self.problem("E102", message, node, help=f"call it: {node.id}(...)")
        help = hints.for_name(node.id, known)
        if self.given is not None and self.given[0] is node and hints.may_be_text(node.id, self.given[1]):
            help += f", or write {node.id!r} if it is text"
        return self.problem("E102", message, node, label=label, help=help)

    def _on_call(self, node: ast.Call, body: Body) -> ir.Expr:
        return Calls(self).expression(node, body)

    def _on_joinedstr(self, node: ast.JoinedStr, body: Body) -> ir.Expr:
        # The places of nodes inside an f-string are wrong before Python 3.12, so problems point at the whole of it.
        for inner in ast.walk(node):
            ast.copy_location(inner, node) if isinstance(inner, ast.expr | ast.keyword) else None
        return self._text(node, body)

    def _text(self, node: ast.JoinedStr, body: Body) -> ir.Text:
        parts: list[str | ir.Hole] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = self._text(part.format_spec, body) if isinstance(part.format_spec, ast.JoinedStr) else None
                conversion: Any = "" if part.conversion == -1 else chr(part.conversion)
                parts.append(ir.Hole(self.expression(part.value, body), conversion, spec))
            elif isinstance(part, ast.Constant) and part.value != "":  # Python 3.12 ends a format with one
                parts.append(str(part.value))
        return ir.Text(tuple(parts))

    def _on_unaryop(self, node: ast.UnaryOp, body: Body) -> ir.Expr:
        operand = self.expression(node.operand, body)
        if isinstance(node.op, ast.USub) and isinstance(operand, ir.Literal) and type(operand.value) in (int, float):
            return ir.Literal(-operand.value)  # type: ignore[operator]  # its type was just looked at
        return ir.Unary(UNARY[type(node.op)], operand)

    def _on_binop(self, node: ast.BinOp, body: Body) -> ir.Expr:
        operator = BINARY.get(type(node.op))
        if operator is None:
            return self.problem("E202", "`@` is not part of the language", node, help="let a tool multiply matrices")
        if operator == "%" and isinstance(node.left, ast.Constant | ast.JoinedStr) and is_text(node.left):
            help = forms.of_percent(node) or 'write f"{value}"'
            if not isinstance(node.left, ast.Constant) or not isinstance(node.left.value, str):
                message = "only a format that stands in the plan can be filled in"
                return self.problem("E202", message, node, help=help)
            try:
                check_percent(node.left.value)
            except UnknownFormat as refused:
                return self.problem("E305", refused.message, node, help=help)
        left, right = self.expression(node.left, body), self.expression(node.right, body)
        self.check_operands(operator, self.output_of(left), self.output_of(right), node)
        return ir.Binary(operator, left, right)

    def _on_boolop(self, node: ast.BoolOp, body: Body) -> ir.Expr:
        operator: Any = "and" if isinstance(node.op, ast.And) else "or"
        operands = [self.expression(node.values[0], body)]
        open = operands[:]  # what decides whether the next operand is looked at: the last test, and what came since
        for later in node.values[1:]:
            where = body
            if self.finder.has_call(later):  # rule L12: it is called only if the operands before it leave that open
                sofar = open[0] if len(open) == 1 else ir.Logic(operator, tuple(open))
                test = self.test(sofar, body, later)
                where = self.under(test, operator == "and", body)
                open = [] if test is None else [ir.Ref(test)]
            operands.append(self.expression(later, where))
            open.append(operands[-1])
        return ir.Logic(operator, tuple(operands))

    def _on_ifexp(self, node: ast.IfExp, body: Body) -> ir.Expr:
        condition = self.expression(node.test, body)
        sides = (node.body, True), (node.orelse, False)
        test = self.test(condition, body, node.test) if any(self.finder.has_call(side) for side, _ in sides) else None
        then, otherwise = (
            self.expression(side, self.under(test, expected, body) if self.finder.has_call(side) else body)
            for side, expected in sides
        )
        return ir.Choice(condition, then, otherwise)

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

    def _on_compare(self, node: ast.Compare, body: Body) -> ir.Expr:
        first = self.expression(node.left, body)
        known = self.output_of(first)
        rest: list[tuple[Any, ir.Expr]] = []
        where, start, since = body, first, 0  # rule L12: a later operand is reached if the comparisons before it hold
        for sign, later in zip(node.ops, node.comparators, strict=True):
            if rest and self.finder.has_call(later):
                where = self.under(self.test(ir.Compare(start, tuple(rest[since:])), where, later), True, where)
                start, since = rest[-1][1], len(rest)
            rest.append((COMPARE[type(sign)], self.expression(later, where)))
            known, before = self.output_of(rest[-1][1]), known
            self.check_operands(rest[-1][0], before, known, node)
        return ir.Compare(first, tuple(rest))

    def _on_subscript(self, node: ast.Subscript, body: Body) -> ir.Expr:
        base = self.expression(node.value, body)
        if isinstance(node.slice, ast.Slice):
            parts = [
                self.expression(p, body) if p else None for p in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return ir.Slice(base, parts[0], parts[1], parts[2])
        index = self.expression(node.slice, body)
        if isinstance(index, ir.Literal) and isinstance(index.value, str):
            self.check_field(self.output_of(base), index.value, node)
        return ir.Index(base, index)

    def _on_attribute(self, node: ast.Attribute, body: Body) -> ir.Expr:
        if node.attr.startswith("_"):
            return self.problem(
                "E101",
                f"`{node.attr}`: fields that begin with an underscore are not reachable",
                node,
                help="use another field, or leave it out",
            )
        if (listed := self.of_module(node, body)) == "timezone.utc" or listed in ROUNDINGS:
            return ir.Literal(listed) if listed in ROUNDINGS else ir.Apply("timezone.utc", ())
        base = self.expression(node.value, body)
        known = self.output_of(base)
        if known.members and node.attr in ("value", "name"):
            return of_member(known, node.attr, base)
        self.check_field(known, node.attr, node)
        return ir.Field(base, node.attr, known.aliases.get(node.attr))

    def _on_list(self, node: ast.List | ast.Tuple | ast.Set, body: Body) -> ir.Expr:
        if has_star(node):
            return self.expression(without_stars(node), body)
        return ir.Sequence(DISPLAYS[type(node)], self.items(node.elts, body))

    _on_tuple = _on_set = _on_list

    def items(self, nodes: Iterable[ast.expr], body: Body) -> tuple[ir.Expr, ...]:
        """Lower several expressions."""
        return tuple(self.expression(item, body) for item in nodes)

    def _on_dict(self, node: ast.Dict, body: Body) -> ir.Expr:
        if None in node.keys:
            return self.expression(without_double_stars(node), body)
        pairs = self.pairs_of(node)
        return ir.Dict(tuple((self.expression(k, body), self.expression(v, body)) for k, v in pairs if k is not None))

    def _on_lambda(self, node: ast.Lambda, _body: Body) -> ir.Expr:
        help = "write what it gives, where it is needed; for each item of a list: [x * 2 for x in xs]"
        return self.problem("E202", "a lambda stands only as key=", node, help=help)

    def inside(self, node: ast.expr, body: Body, variables: set[str]) -> ir.Expr:
        """Lower an expression in which these variables stand, and no tool is called."""
        if self.finder.has_call(node):
            return self.problem("E205", "a call of a tool inside a lambda", node, help="call it on a line above")
        self.variables.append(variables)
        try:
            return self.expression(node, body)
        finally:
            self.variables.pop()

    # ---------------------------------------------------------------------------------------------- comprehensions

    def _on_listcomp(self, node: ast.ListComp, body: Body) -> ir.Expr:
        return Comprehensions(self).expression(node, body)

    _on_setcomp = _on_dictcomp = _on_generatorexp = _on_listcomp

    def note_items(self, source: ir.Ref, item: TaskId) -> None:
        """What is known of each item of a list is known of the item of a map over it."""
        if (each := self.output(source.task).items) is not None:
            self.outputs[item] = each

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
