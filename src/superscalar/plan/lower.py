"""From Python's syntax tree to tasks: calls are lifted (L10), names become references (L9), types are checked.

One `Lowering` handles one statement. It collects problems instead of stopping at the first, and publishes nothing:
`Program` takes its tasks only if there are no problems.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from superscalar.plan import ir
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.names import Names, Place
from superscalar.plan.needs import needs_of
from superscalar.plan.refusals import refusal_of
from superscalar.plan.signatures import Output, Parameter, Signature, Signatures
from superscalar.plan.vocabulary import FUNCTIONS, MAPPING_METHODS, METHODS, SPECIAL
from superscalar.values import TaskId

_BINARY: Mapping[type[ast.operator], Any] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip
_UNARY: Mapping[type[ast.unaryop], Any] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
_COMPARE: Mapping[type[ast.cmpop], Any] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip
_NOTHING = ir.Literal(None)
_UNKNOWN = Output()
_MAX_BITS = 4096
_MOST_KNOWN = 50


class Waits(Exception):
    """The statement refers to a name whose assignment is broken: it is lowered after the repair."""


@dataclass(slots=True)
class Source:
    """The text of a statement and where it stands, to say where a problem is."""

    text: str
    line: int = 1
    column: int = 0

    def span(self, node: ast.AST | None) -> ir.Span:
        """The place of a node in the whole source."""
        first = self.line
        if not isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.arg):
            lines = self.text.split("\n")
            return ir.Span(first, self.column, first + len(lines) - 1, self.column + len(lines[0].rstrip()))
        line, end = node.lineno, node.end_lineno or node.lineno
        start = self._characters(line, node.col_offset)
        stop = self._characters(end, node.end_col_offset or node.col_offset + 1)
        return ir.Span(first + line - 1, start, first + end - 1, stop)

    def _characters(self, line: int, offset: int) -> int:
        """Columns count characters, the syntax tree counts UTF-8 bytes."""
        if not self.text.isascii():
            offset = len(self.text.split("\n")[line - 1].encode()[:offset].decode(errors="ignore"))
        return offset + (self.column if line == 1 else 0)

    def line_text(self, span: ir.Span) -> str:
        """The line on which a span begins, as it was written."""
        lines = self.text.split("\n")
        index = min(max(span.line - self.line, 0), len(lines) - 1)
        return (" " * self.column if index == 0 else "") + lines[index]


@dataclass(slots=True)
class Body:
    """Where lowered tasks go: the statement itself, or the body of a map."""

    prefix: str
    names: Mapping[str, ir.Expr] = field(default_factory=dict)
    tasks: list[ir.Task] = field(default_factory=list)
    guards: tuple[ir.Guard, ...] = ()
    used: dict[str, int] = field(default_factory=dict)

    def lifted(self, label: str) -> TaskId:
        """A fresh id inside this body (rule L31)."""
        number = self.used.get(label, 0) + 1
        self.used[label] = number
        return f"{self.prefix}.{label}" if number == 1 else f"{self.prefix}.{label}.{number}"


class Lowering:
    """Lowers one statement. `problems` is what is wrong with it, `tasks` what it comes to."""

    def __init__(
        self, source: Source, names: Names, place: Place, signatures: Signatures, outputs: dict[TaskId, Output]
    ):
        self.source = source
        self.problems: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.outputs: dict[TaskId, Output] = {}
        self._names = names
        self._place = place
        self._signatures = signatures
        self._known_outputs = outputs
        self._variables: list[set[str]] = []
        self._thought = ""

    # ------------------------------------------------------------------------------------------------- problems

    def problem(self, code: str, message: str, node: ast.AST | None, *, label: str = "", help: str = "") -> ir.Expr:
        """Note what is wrong, and go on with a stand-in."""
        span = self.source.span(node)
        found = Diagnostic(code, message, span, self.source.line_text(span), label, help)
        (self.warnings if found.severity == "warning" else self.problems).append(found)
        return _NOTHING

    # ---------------------------------------------------------------------------------------------------- tasks

    def emit(self, id: TaskId, work: ir.Work, body: Body, node: ast.AST | None) -> ir.Ref:
        """Add a task to a body."""
        body.tasks.append(ir.Task(id, work, needs_of(work), body.guards, span=self.source.span(node)))
        return ir.Ref(id)

    def value(self, node: ast.expr, body: Body, id: TaskId) -> ir.Ref:
        """Lower an expression to a task of that id, whose outcome it is, item by item if it is a map or display."""
        inner = changed_prefix(body, id)
        match node:
            case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
                return self._call(node, name, inner, id)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() if self._is_map(node):
                return self._map(node, inner, id)
            case ast.List() | ast.Tuple() | ast.Set() if self._has_call(node):
                items = tuple(self.value(item, inner, f"{id}[{i}]").task for i, item in enumerate(node.elts))
                return self.emit(id, ir.Display(_kind(node), items), inner, node)
            case ast.Dict() if self._has_call(node) and None not in node.keys:
                keys = tuple(self.expression(key, inner) for key in node.keys if key is not None)
                items = tuple(self.value(item, inner, f"{id}[{i}]").task for i, item in enumerate(node.values))
                return self.emit(id, ir.Display("dict", items, keys), inner, node)
            case _:
                return self.emit(id, ir.Compute(self.expression(node, inner)), inner, node)

    def reference(self, node: ast.expr, body: Body, label: str) -> ir.Ref:
        """A task that has this expression's outcome: the one that a name stands for, or a new one."""
        if isinstance(node, ast.Name) and node.id not in self._hidden():
            meaning = self._meaning(node, body)
            if isinstance(meaning, ir.Ref):
                return meaning
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in FUNCTIONS:
            return self._call(node, node.func.id, body, body.lifted(node.func.id))
        return self.value(node, body, body.lifted(label))

    # ---------------------------------------------------------------------------------------------- expressions

    def expression(self, node: ast.expr, body: Body) -> ir.Expr:
        """Lower an expression; the calls in it become tasks of `body`."""
        method: Callable[[Any, Body], ir.Expr] | None = getattr(self, f"_on_{type(node).__name__.lower()}", None)
        if method is not None:
            return method(node, body)
        message, help = refusal_of(node)
        return self.problem("E202", message, node, help=help)

    def _on_constant(self, node: ast.Constant, _body: Body) -> ir.Expr:
        value = node.value
        if value is Ellipsis or isinstance(value, complex):
            return self.problem("E202", f"`{node.value!r}` is no value of a plan", node, help="write a number or text")
        if isinstance(value, int) and value.bit_length() > _MAX_BITS:
            return self.problem("E401", f"integers have at most {_MAX_BITS:,} bits", node)
        return ir.Literal(value)

    def _on_name(self, node: ast.Name, body: Body) -> ir.Expr:
        if node.id in self._hidden():
            return ir.Var(node.id)
        return self._meaning(node, body)

    def _hidden(self) -> set[str]:
        return self._variables[-1] if self._variables else set()

    def _meaning(self, node: ast.Name, body: Body) -> ir.Expr:
        name = node.id
        if name in body.names:
            return body.names[name]
        try:
            meaning = self._names.find(name, self._place)
        except KeyError:
            return self._undefined(node, body)
        if meaning is None:
            raise Waits(name)
        return meaning

    def _undefined(self, node: ast.Name, body: Body) -> ir.Expr:
        name = node.id
        known = [*self._names.defined_before(self._place, _MOST_KNOWN), *body.names]
        close = difflib.get_close_matches(name, known, 1, 0.6)
        label = "defined so far: " + (", ".join(known[-8:]) or "nothing")
        if name in self._signatures:
            help = f"`{name}` is a tool: call it, `{name}(...)`"
        elif name in FUNCTIONS:
            help = f"`{name}` is a function: call it, `{name}(...)`"
        else:
            help = "assign it above this line" + (f", or did you mean `{close[0]}`?" if close else "")
        return self.problem("E102", f"`{name}` is not defined yet", node, label=label, help=help)

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
            elif isinstance(part, ast.Constant):
                parts.append(str(part.value))
        return ir.Text(tuple(parts))

    def _on_unaryop(self, node: ast.UnaryOp, body: Body) -> ir.Expr:
        operand = self.expression(node.operand, body)
        if isinstance(node.op, ast.USub) and isinstance(operand, ir.Literal) and type(operand.value) in (int, float):
            return ir.Literal(-operand.value)  # type: ignore[operator]  # its type was just looked at
        return ir.Unary(_UNARY[type(node.op)], operand)

    def _on_binop(self, node: ast.BinOp, body: Body) -> ir.Expr:
        operator = _BINARY.get(type(node.op))
        if operator is None:
            return self.problem("E202", "matrix multiplication is not part of the language", node)
        if operator == "%" and isinstance(node.left, ast.Constant | ast.JoinedStr) and _is_text(node.left):
            return self.problem("E202", "%-formatting is not part of the language", node, help='write f"{value}"')
        return ir.Binary(operator, self.expression(node.left, body), self.expression(node.right, body))

    def _on_boolop(self, node: ast.BoolOp, body: Body) -> ir.Expr:
        operator: Any = "and" if isinstance(node.op, ast.And) else "or"
        operands = [self.expression(node.values[0], body)]
        for later in node.values[1:]:
            if self._has_call(later):  # rule L12: it is called only if the operands before it leave that open
                sofar = operands[0] if len(operands) == 1 else ir.Logic(operator, tuple(operands))
                body_of_later = self._guarded(sofar, operator == "and", body, later)
                operands.append(self.expression(later, body_of_later))
            else:
                operands.append(self.expression(later, body))
        return ir.Logic(operator, tuple(operands))

    def _on_ifexp(self, node: ast.IfExp, body: Body) -> ir.Expr:
        condition = self.expression(node.test, body)
        sides = []
        for side, expected in ((node.body, True), (node.orelse, False)):
            where = self._guarded(condition, expected, body, node.test) if self._has_call(side) else body
            sides.append(self.expression(side, where))
        return ir.Choice(condition, sides[0], sides[1])

    def _guarded(self, condition: ir.Expr, expected: bool, body: Body, node: ast.expr) -> Body:
        """The same body for calls that are made only if `condition` comes out as `expected`."""
        if self._variables:
            return body  # inside a comprehension without calls nothing is lifted
        test = ir.Unary("not", ir.Unary("not", condition))
        made = (
            next((t.id for t in body.tasks if t.work == ir.Compute(test) and t.guards == body.guards), None)
            or self.emit(body.lifted("if"), ir.Compute(test), body, node).task
        )
        return Body(body.prefix, body.names, body.tasks, (*body.guards, ir.Guard(made, expected)), body.used)

    def _on_compare(self, node: ast.Compare, body: Body) -> ir.Expr:
        if any(self._has_call(later) for later in node.comparators[1:]):
            return self.problem(
                "E205", "a call in a later part of a chained comparison", node, help="give it a line of its own above"
            )
        rest = tuple(
            (_COMPARE[type(op)], self.expression(operand, body))
            for op, operand in zip(node.ops, node.comparators, strict=True)
        )
        return ir.Compare(self.expression(node.left, body), rest)

    def _on_subscript(self, node: ast.Subscript, body: Body) -> ir.Expr:
        base = self.expression(node.value, body)
        if isinstance(node.slice, ast.Slice):
            parts = [
                self.expression(p, body) if p else None for p in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return ir.Slice(base, parts[0], parts[1], parts[2])
        index = self.expression(node.slice, body)
        if isinstance(index, ir.Literal) and isinstance(index.value, str):
            self._check_field(base, index.value, node)
        return ir.Index(base, index)

    def _on_attribute(self, node: ast.Attribute, body: Body) -> ir.Expr:
        if node.attr.startswith("_"):
            return self.problem("E101", f"`{node.attr}`: names that begin with an underscore are not reachable", node)
        base = self.expression(node.value, body)
        self._check_field(base, node.attr, node)
        return ir.Field(base, node.attr)

    def _on_list(self, node: ast.List, body: Body) -> ir.Expr:
        return ir.Sequence("list", self._items(node.elts, body))

    def _on_tuple(self, node: ast.Tuple, body: Body) -> ir.Expr:
        return ir.Sequence("tuple", self._items(node.elts, body))

    def _on_set(self, node: ast.Set, body: Body) -> ir.Expr:
        return ir.Sequence("set", self._items(node.elts, body))

    def _items(self, nodes: Iterable[ast.expr], body: Body) -> tuple[ir.Expr, ...]:
        return tuple(self.expression(item, body) for item in nodes)

    def _on_dict(self, node: ast.Dict, body: Body) -> ir.Expr:
        if None in node.keys:
            return self.problem("E202", "`**` in a display", node, help="write each key: {'a': x.a, 'b': 2}")
        pairs = zip(node.keys, node.values, strict=True)
        return ir.Dict(tuple((self.expression(k, body), self.expression(v, body)) for k, v in pairs if k is not None))

    def _on_lambda(self, node: ast.Lambda, _body: Body) -> ir.Expr:
        return self.problem("E202", "a lambda stands only as key=", node, help="sorted(xs, key=lambda x: x.name)")

    def _key_function(self, node: ast.expr, body: Body) -> ir.Expr:
        if not isinstance(node, ast.Lambda):
            return self.problem("E202", "`key=` takes a lambda", node, help="key=lambda x: x.name")
        arguments = node.args
        if arguments.posonlyargs or arguments.vararg or arguments.kwonlyargs or arguments.kwarg or arguments.defaults:
            return self.problem("E202", "a lambda takes plain parameters only", node, help="key=lambda x: x.name")
        names = tuple(a.arg for a in arguments.args)
        with_names = self._hidden() | set(names)
        return ir.Lambda(names, self._inside(node.body, body, with_names))

    def _inside(self, node: ast.expr, body: Body, variables: set[str]) -> ir.Expr:
        if self._has_call(node):
            return self.problem("E205", "a call of a tool inside a lambda", node, help="call it on a line above")
        self._variables.append(variables)
        try:
            return self.expression(node, body)
        finally:
            self._variables.pop()

    # ---------------------------------------------------------------------------------------------- comprehensions

    def _on_listcomp(self, node: ast.ListComp, body: Body) -> ir.Expr:
        return self._comprehension(node, body)

    _on_setcomp = _on_dictcomp = _on_generatorexp = _on_listcomp

    def _comprehension(self, node: Any, body: Body) -> ir.Expr:
        if not self._variables and self._is_map(node):
            return self._map(node, body, body.lifted("map"))
        kind: Any = {"SetComp": "set", "DictComp": "dict"}.get(type(node).__name__, "list")
        variables = set(self._hidden())
        clauses: list[ir.Clause] = []
        for generator in node.generators:
            iterable = (
                self._inside(generator.iter, body, set(variables)) if clauses else self.expression(generator.iter, body)
            )
            target = self._target(generator.target, variables)
            tests = tuple(self._inside(test, body, set(variables)) for test in generator.ifs)
            clauses.append(ir.Clause(target, iterable, tests))
        if kind == "dict":
            key = self._inside(node.key, body, variables)
            return ir.Comprehension(kind, self._inside(node.value, body, variables), tuple(clauses), key)
        return ir.Comprehension(kind, self._inside(node.elt, body, variables), tuple(clauses))

    def _target(self, node: ast.expr, variables: set[str]) -> Any:
        if isinstance(node, ast.Name):
            self.check_name(node)
            variables.add(node.id)
            return node.id
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self._target(item, variables) for item in node.elts)
        self.problem("E202", "a loop assigns plain names only", node, help="for a, b in pairs")
        return "unknown"

    def _is_map(self, node: Any) -> bool:
        """A comprehension is a map if it calls tools, or goes through the items of a map or display (rule L15)."""
        if self._has_call(node):
            return True
        source = node.generators[0].iter
        if not isinstance(source, ast.Name) or self._variables:
            return False
        try:
            meaning = self._names.find(source.id, self._place)
        except KeyError:
            return False
        return isinstance(meaning, ir.Ref) and self._known_outputs.get(meaning.task, _UNKNOWN).type == "items"

    def _map(self, node: Any, body: Body, id: TaskId, generators: list[ast.comprehension] | None = None) -> ir.Ref:
        first, *further = generators if generators is not None else node.generators
        if first.is_async:
            self.problem("E202", "`async for` is not needed: items run side by side anyway", node)
        inner = Body(f"{id}[]", dict(body.names))
        source = self.reference(first.iter, changed_prefix(body, id), "over")
        item = f"{id}[]:{ast.unparse(first.target)}"
        inner.names = {**body.names, **self._bound(first.target, ir.Ref(item))}
        keep: list[TaskId] = []
        for test in first.ifs:
            found = self.value(test, inner, inner.lifted("if"))
            keep.append(found.task)
            inner.guards = (*inner.guards, ir.Guard(found.task, True))
        key: TaskId | None = None
        kind: Any = {ast.SetComp: "set", ast.DictComp: "dict"}.get(type(node), "list")
        if further:
            if kind == "dict":
                self.problem(
                    "E205", "a dict comprehension over two loops that calls tools", node, help="build a list first"
                )
            result = self._map(node, inner, inner.lifted("for"), further)
        elif kind == "dict":
            key = self.value(node.key, inner, inner.lifted("key")).task
            result = self.value(node.value, inner, inner.prefix)
        elif isinstance(node.elt, ast.Name) and inner.names.get(node.elt.id) == ir.Ref(item):
            result = ir.Ref(item)
        else:
            result = self.value(node.elt, inner, inner.prefix)
        inner_kind: Any = "list" if generators is not None else kind
        work = ir.Map(source.task, item, tuple(inner.tasks), result.task, inner_kind, key, tuple(keep), bool(further))
        self.outputs[id] = Output("items")
        return self.emit(id, work, body, node)

    def _bound(self, target: ast.expr, item: ir.Expr) -> dict[str, ir.Expr]:
        """What the names of a loop target stand for, given the item."""
        if isinstance(target, ast.Name):
            self.check_name(target)
            return {target.id: item}
        if isinstance(target, ast.Tuple | ast.List):
            bound: dict[str, ir.Expr] = {}
            for index, part in enumerate(target.elts):
                bound |= self._bound(part, ir.Unpacked(item, index, len(target.elts)))
            return bound
        self.problem("E202", "a loop assigns plain names only", target, help="for a, b in pairs")
        return {}

    def check_name(self, node: ast.Name) -> None:
        """A name that is assigned must be a plain one (rule L5)."""
        if node.id.startswith("_"):
            self.problem(
                "E101",
                f"`{node.id}`: names do not begin with an underscore",
                node,
                help=f"`{node.id.strip('_') or 'x'}`",
            )

    # ----------------------------------------------------------------------------------------------------- calls

    def _on_call(self, node: ast.Call, body: Body) -> ir.Expr:
        match node.func:
            case ast.Name(id="join"):
                return self.problem("E206", "`join(...)` is the last line of a plan, not a part of another", node)
            case ast.Name(id=name) if name in SPECIAL:
                return self._special(node, name, body)
            case ast.Name(id=name) if name in FUNCTIONS:
                return self._function(node, name, body)
            case ast.Name(id=name):
                return self._call(node, name, body, body.lifted(name))
            case ast.Attribute():
                return self._method(node, node.func, body)
        return self.problem("E202", "only a tool or a listed function can be called", node, help=self._callable_names())

    def _callable_names(self) -> str:
        return "tools: " + (", ".join(s.alias for s in self._signatures) or "none")

    def _plain_arguments(self, node: ast.Call, body: Body, *, key: bool = False) -> tuple[Any, Any]:
        """The arguments of a function or method, which takes no stars."""
        arguments = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                self.problem("E202", "`*` in a call", argument, help="write each argument")
            else:
                arguments.append(self.expression(argument, body))
        keywords = []
        for keyword in node.keywords:
            if keyword.arg is None:
                self.problem("E202", "`**` in a call", keyword, help="write each argument by name")
            elif keyword.arg == "key" and key:
                keywords.append(("key", self._key_function(keyword.value, body)))
            else:
                keywords.append((keyword.arg, self.expression(keyword.value, body)))
        return tuple(arguments), tuple(keywords)

    def _function(self, node: ast.Call, name: str, body: Body) -> ir.Expr:
        return ir.Apply(name, *self._plain_arguments(node, body, key=name in ("sorted", "min", "max")))

    def _special(self, node: ast.Call, name: str, body: Body) -> ir.Expr:
        expected = {"ok": 1, "default": 2, "first": 2}[name]
        if node.keywords or len(node.args) != expected:
            form = {"ok": "ok(xs)", "default": "default(x, fallback)", "first": "first(k, xs)"}[name]
            return self.problem(
                "E305", f"`{name}` takes {expected} argument{'s' * (expected > 1)}", node, help=f"write {form}"
            )
        if name == "first":
            return self.problem("E205", "`first` is not supported yet", node, help="write ok(xs)[:k]")
        looked_at = node.args[0]
        if self._variables:
            return ir.Apply(name, self._items(node.args, body))
        if name == "default" and self._has_call(node.args[1]):
            return self.problem(
                "E205", "a call in the fallback of `default`", node.args[1], help="give it a line of its own above"
            )
        simple = isinstance(looked_at, ast.Name | ast.Call) or not self._has_call(looked_at)
        operand = self.expression(looked_at, body) if simple else self.reference(looked_at, body, "items")
        return ir.Apply(name, (operand, *self._items(node.args[1:], body)))

    def _method(self, node: ast.Call, function: ast.Attribute, body: Body) -> ir.Expr:
        name = function.attr
        if name == "format":
            return self.problem("E202", "`str.format` is not part of the language", node, help='write f"{value}"')
        if name not in METHODS:
            if name in self._signatures:
                help = f"`{name}` is a tool: write {name}(...)"
            else:
                close = difflib.get_close_matches(name, [*METHODS, *(s.alias for s in self._signatures)], 1)
                help = (f"did you mean `{close[0]}`? " if close else "") + "methods: " + ", ".join(sorted(METHODS))
            return self.problem("E204", f"there is no method `{name}`", node, help=help)
        base = self.expression(function.value, body)
        if name == "append" or (name in MAPPING_METHODS and isinstance(base, ir.Literal | ir.Text)):
            return self.problem("E204", f"text has no method `{name}`", node)
        return ir.Method(base, name, *self._plain_arguments(node, body))

    def _call(self, node: ast.Call, name: str, body: Body, id: TaskId) -> ir.Ref:
        signature = self._signatures.get(name)
        if signature is None:
            return self._unknown_tool(node, name, id)
        arguments: list[tuple[str, ir.Expr]] = []
        given: set[str] = set()
        positional = [p for p in signature.parameters if not p.keyword_only]
        inner = changed_prefix(body, id)
        for index, argument in enumerate(node.args):
            if isinstance(argument, ast.Starred):
                self.problem("E202", "`*` in a call", argument, help="write each argument, or a comprehension of calls")
            elif index >= len(positional):
                self.problem(
                    "E305", f"`{name}` takes {len(positional)} arguments at most", argument, help=_form(signature)
                )
            else:
                arguments.append(self._argument(signature, positional[index], argument, inner))
                given.add(positional[index].alias)
        by_alias = {p.alias: p for p in signature.parameters}
        for keyword in node.keywords:
            if keyword.arg is None:
                self.problem("E202", "`**` in a call", keyword, help="write each argument by name")
            elif (parameter := by_alias.get(keyword.arg)) is None:
                close = difflib.get_close_matches(keyword.arg, list(by_alias), 1)
                suggestion = f"did you mean `{close[0]}`? " if close else ""
                self.problem(
                    "E302", f"`{name}` has no argument `{keyword.arg}`", keyword, help=suggestion + _form(signature)
                )
            elif keyword.arg in given:
                self.problem("E306", f"`{keyword.arg}` is given twice", keyword, help=_form(signature))
            else:
                arguments.append(self._argument(signature, parameter, keyword.value, inner))
                given.add(parameter.alias)
        missing = [p.alias for p in signature.parameters if p.required and p.alias not in given]
        if missing:
            which = ", ".join(f"`{m}`" for m in missing)
            self.problem("E303", f"`{name}` needs {which}", node, help=_form(signature))
        self.outputs[id] = signature.output
        return self.emit(id, ir.Call(name, tuple(arguments), signature.effect), body, node)

    def _argument(self, signature: Signature, parameter: Parameter, node: ast.expr, body: Body) -> tuple[str, ir.Expr]:
        value = self.expression(node, body)
        try:
            constant = constant_of(value)
        except ValueError:
            return parameter.alias, value
        if (why := parameter.reject(constant)) is not None:
            self.problem(
                "E304",
                f"`{parameter.alias}` of `{signature.alias}` is {parameter.type}: {why}",
                node,
                help=_form(signature),
            )
        return parameter.alias, value

    def _unknown_tool(self, node: ast.Call, name: str, id: TaskId) -> ir.Ref:
        close = difflib.get_close_matches(name, [*(s.alias for s in self._signatures), *FUNCTIONS], 1)
        suggestion = f"did you mean `{close[0]}`? " if close else ""
        self.problem("E301", f"there is no tool `{name}`", node.func, help=suggestion + self._callable_names())
        return ir.Ref(id)

    def _check_field(self, base: ir.Expr, name: str, node: ast.AST) -> None:
        """Rule L32: a field that a tool's return type does not declare is a warning, or an error if none can be added."""
        known = self._output_of(base)
        if known.fields is None or name in known.fields:
            return
        close = difflib.get_close_matches(name, list(known.fields), 1)
        help = (f"did you mean `{close[0]}`? " if close else "") + "fields: " + ", ".join(known.fields)
        self.problem("E307" if known.closed else "W501", f"{known.type} declares no field `{name}`", node, help=help)

    def _output_of(self, expr: ir.Expr) -> Output:
        match expr:
            case ir.Ref(task):
                return self.outputs.get(task) or self._known_outputs.get(task, _UNKNOWN)
            case ir.Index(base, ir.Literal(int())):
                return self._output_of(base).items or _UNKNOWN
            case ir.Field(base, name) | ir.Index(base, ir.Literal(str(name))):
                return (self._output_of(base).fields or {}).get(name, _UNKNOWN)
        return _UNKNOWN

    def _has_call(self, node: ast.AST) -> bool:
        """Whether a tool is called anywhere in it. A function that nobody knows counts as one."""
        return any(
            isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id not in FUNCTIONS
            for inner in ast.walk(node)
        )


def changed_prefix(body: Body, id: TaskId) -> Body:
    """The same body while the task `id` is lowered: what is lifted out of it is called after it."""
    if body.prefix == id:
        return body
    return Body(id, body.names, body.tasks, body.guards)


def constant_of(expr: ir.Expr) -> Any:
    """The value of an expression that is one whatever happens.

    Raises:
        ValueError: it depends on something.
    """
    match expr:
        case ir.Literal(value):
            return value
        case ir.Sequence("list", items):
            return [constant_of(item) for item in items]
        case ir.Sequence("tuple", items):
            return tuple(constant_of(item) for item in items)
        case ir.Dict(items):
            return {constant_of(key): constant_of(value) for key, value in items}
    raise ValueError("not a constant")


def _form(signature: Signature) -> str:
    """How a tool is called, for help."""
    parts = [f"{p.alias}: {p.type}" + ("" if p.required else f" = {p.default}") for p in signature.parameters]
    return f"{signature.alias}({', '.join(parts)})"


def _kind(node: ast.List | ast.Tuple | ast.Set) -> Any:
    return type(node).__name__.lower()


def _is_text(node: ast.Constant | ast.JoinedStr) -> bool:
    return isinstance(node, ast.JoinedStr) or isinstance(node.value, str | bytes)
