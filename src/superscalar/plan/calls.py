"""Calls: of tools, which become tasks, and of the listed functions and methods, which do not (rules L3, L10)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from superscalar.plan import hints, ir
from superscalar.plan.body import Body
from superscalar.plan.bounds import EvaluationError
from superscalar.plan.findings import constant_of, returned
from superscalar.plan.functions import FUNCTIONS as LISTED
from superscalar.plan.signatures import Parameter, Signature
from superscalar.plan.vocabulary import FUNCTIONS, MAPPING_METHODS, METHODS, MUTATING, SPECIAL, TEXT_METHODS
from superscalar.values import TaskId

if TYPE_CHECKING:
    from superscalar.plan.lower import Lowering


class Calls:
    """The calls of one statement, in the lowering that they are part of."""

    def __init__(self, lowering: Lowering) -> None:
        self._in = lowering

    def expression(self, node: ast.Call, body: Body) -> ir.Expr:
        """Lower a call; one of a tool becomes a task of `body`, and the expression a reference to it."""
        match node.func:
            case ast.Name(id=name) if name in SPECIAL:
                return self._special(node, name, body)
            case ast.Name(id=name) if name in FUNCTIONS:
                return self._function(node, name, body)
            case ast.Name(id=name):
                return self.of_tool(node, name, body, body.lifted(name))
            case ast.Attribute():
                return self._method(node, node.func, body)
        return self._in.problem(
            "E202", "only a tool or a listed function can be called", node, help=hints.tool_names(self._in.signatures)
        )

    def _plain_arguments(self, node: ast.Call, body: Body, *, key: bool = False) -> tuple[Any, Any]:
        """The arguments of a function or method, which takes no stars."""
        arguments = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                help = f"write each argument, or the list itself: {ast.unparse(node.func)}(xs)"
                self._in.problem("E202", "`*` in a call", argument, help=help)
            else:
                arguments.append(self._in.expression(argument, body))
        keywords = []
        for keyword in node.keywords:
            if keyword.arg is None:
                self._in.problem("E202", "`**` in a call", keyword, help="write each argument by name")
            elif keyword.arg == "key" and key:
                keywords.append(("key", self._in.key_function(keyword.value, body)))
            else:
                keywords.append((keyword.arg, self._in.expression(keyword.value, body)))
        return tuple(arguments), tuple(keywords)

    def _function(self, node: ast.Call, name: str, body: Body) -> ir.Expr:
        applied = ir.Apply(name, *self._plain_arguments(node, body, key=name in ("sorted", "min", "max")))
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            return applied
        try:
            LISTED[name].check(name, len(applied.arguments), tuple(keyword for keyword, _ in applied.keywords))
        except EvaluationError as error:
            return self._in.problem("E305", error.message, node)
        return applied

    def _special(self, node: ast.Call, name: str, body: Body) -> ir.Expr:
        expected = {"ok": 1, "default": 2, "first": 2}[name]
        if node.keywords or len(node.args) != expected:
            form = {"ok": "ok(xs)", "default": "default(x, fallback)", "first": "first(k, xs)"}[name]
            return self._in.problem(
                "E305", f"`{name}` takes {expected} argument{'s' * (expected > 1)}", node, help=f"write {form}"
            )
        looked_at = node.args[0]
        if self._in.variables:
            return ir.Apply(name, self._in.items(node.args, body))
        if name == "first":
            return self._in.value(node, body, body.lifted(name))
        apart = self._in.finder.is_list_of_calls(looked_at)
        operand = self._in.reference(looked_at, body, "items") if apart else self._in.expression(looked_at, body)
        if name == "default" and self._in.finder.has_call(node.args[1]):  # rule L15: it is called only then
            body = self._in.under(self._in.test(ir.Missing(operand), body, node), True, body)
        return ir.Apply(name, (operand, *self._in.items(node.args[1:], body)))

    def _method(self, node: ast.Call, function: ast.Attribute, body: Body) -> ir.Expr:
        name = function.attr
        if name == "format":
            return self._in.problem("E202", "`str.format` is not part of the language", node, help='write f"{value}"')
        if name not in METHODS:
            return self._no_method(node, function, body)
        base = self._in.expression(function.value, body)
        if name in MAPPING_METHODS and isinstance(base, ir.Literal | ir.Text):
            help = "methods of text: " + ", ".join(sorted(TEXT_METHODS))
            return self._in.problem("E204", f"text has no method `{name}`", node, help=help)
        return ir.Method(base, name, *self._plain_arguments(node, body))

    def _no_method(self, node: ast.Call, function: ast.Attribute, body: Body) -> ir.Expr:
        name = function.attr
        owner = function.value.id if isinstance(function.value, ast.Name) else "xs"
        if isinstance(function.value, ast.Name) and not self._in.is_known(owner, body):
            known = self._in.names_before()
            help = hints.for_tool(f"{owner}.{name}", known, self._in.signatures)
            return self._in.problem("E301", f"there is no tool `{owner}.{name}`", node.func, help=help)
        if name in MUTATING:
            message = f"results cannot be changed: there is no `{name}`"
            return self._in.problem("E204", message, node, help=hints.for_change(name, owner))
        if name in self._in.signatures:
            help = f"`{name}` is a tool: write {name}(...)"
        else:
            help = hints.closest(name, METHODS) + "methods: " + ", ".join(sorted(METHODS))
        return self._in.problem("E204", f"there is no method `{name}`", node, help=help)

    def of_tool(self, node: ast.Call, name: str, body: Body, id: TaskId) -> ir.Ref:
        """Lower the call of a tool to a task `id`."""
        known = self._in.signatures.get(name)
        if known is None:
            self._unknown_tool(node, name)
        signature = known or Signature(name, name)
        arguments: list[tuple[str, ir.Expr]] = []
        given: set[str] = set()
        positional = [p for p in signature.parameters if not p.keyword_only]
        by_alias = {p.alias: p for p in signature.parameters}
        inner = body.of(id)
        unpacked = False
        for index, argument in enumerate(node.args):
            if isinstance(argument, ast.Starred):
                unpacked = True
                help = f"write each argument: {hints.form(signature)}"
                self._in.problem("E202", "`*` in a call", argument, help=help)
            elif index < len(positional):
                arguments.append(self._argument(signature, positional[index], argument, inner))
                given.add(positional[index].alias)
            else:
                if known:
                    self._in.one_too_many(signature, len(positional), argument)
                if not (isinstance(argument, ast.Name) and self._in.is_callable(argument.id)):
                    self._in.expression(argument, inner)
        for keyword in node.keywords:
            if keyword.arg is None:
                unpacked = True
                help = f"write each argument by name: {hints.form(signature)}"
                self._in.problem("E202", "`**` in a call", keyword, help=help)
            elif (parameter := by_alias.get(keyword.arg)) is None:
                if known:
                    self._in.no_argument(signature, keyword)
                self._in.expression(keyword.value, inner)
            elif keyword.arg in given:
                message = f"`{keyword.arg}` of `{name}` is given twice"
                self._in.problem("E306", message, keyword, help=hints.form(signature))
            else:
                arguments.append(self._argument(signature, parameter, keyword.value, inner))
                given.add(parameter.alias)
        missing = [p.alias for p in signature.parameters if p.required and p.alias not in given]
        if missing and not unpacked:
            which = ", ".join(f"`{m}`" for m in missing)
            self._in.problem("E303", f"`{name}` needs {which}", node, help=hints.form(signature))
        self._in.outputs[id] = returned(signature, arguments)
        return self._in.emit(id, ir.Call(name, tuple(arguments), signature.effect), body, node)

    def _argument(self, signature: Signature, parameter: Parameter, node: ast.expr, body: Body) -> tuple[str, ir.Expr]:
        value = self._in.expression(node, body)
        try:
            constant = constant_of(value)
        except ValueError:
            self._in.check_computed(signature, parameter, value, node)
        else:
            self._in.check_constant(signature, parameter, constant, node)
        return parameter.alias, value

    def _unknown_tool(self, node: ast.Call, name: str) -> None:
        if name == "join":
            message = "`join(...)` is the last line of a plan, not a part of another"
            self._in.problem("E206", message, node, help="give its values here, and write join(...) at the end")
            return
        known = self._in.names_before()
        help = hints.for_tool(name, known, self._in.signatures)
        self._in.problem("E301", f"there is no tool `{name}`", node.func, help=help)
