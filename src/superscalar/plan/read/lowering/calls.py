"""Calls: of tools, which become tasks, and of the listed functions and methods, which do not (rules L3, L10)."""

from __future__ import annotations

import ast
from typing import Any

from superscalar.plan import ir
from superscalar.plan.evaluate import dates, kinds
from superscalar.plan.evaluate.bounds import EvaluationError
from superscalar.plan.evaluate.formats import UnknownFormat, fields_of
from superscalar.plan.evaluate.json_text import as_constant, constant_in, looks_like_json
from superscalar.plan.evaluate.methods import TEXT
from superscalar.plan.evaluate.table import FUNCTIONS, METHODS, MUTATING, NOT_OF_TEXT
from superscalar.plan.ir.forms import BY_OUTCOME
from superscalar.plan.ir.signatures import Parameter, Signature
from superscalar.plan.ir.within import MOST_IN_ALL, Within, placed
from superscalar.plan.read.instead import changes, code, forms, functions, methods, wrapped
from superscalar.plan.read.lowering import hints
from superscalar.plan.read.lowering.body import Body
from superscalar.plan.read.lowering.findings import STAND_IN
from superscalar.plan.read.lowering.keyed import key_function
from superscalar.plan.read.lowering.lower import Lowering
from superscalar.plan.read.lowering.outputs import constant_of, returned
from superscalar.values import TaskId


class StatementCalls:
    """The calls of one statement, in the lowering that they are part of. It does not hold them: no cycles."""

    def __init__(self, lowering: Lowering) -> None:
        self._in = lowering

    def expression(self, node: ast.Call, body: Body) -> ir.Expr:
        """Lower a call; one of a tool becomes a task of `body`, and the expression a reference to it."""
        match node.func:
            case ast.Name(id=name) if name in BY_OUTCOME:
                return self._special(node, name, body)
            case ast.Name(id=name) if name in FUNCTIONS:
                return self._function(node, name, body)
            case ast.Name(id=name):
                return self.of_tool(node, name, body, body.lifted(name))
            case ast.Attribute():
                if (listed := self._in.of_module(node.func, body)) in FUNCTIONS:
                    return self._function(node, listed, body)
                return self._method(node, node.func, body)
        help = hints.tool_names(self._in.signatures)
        return self._in.problem("E202", "only a tool or a listed function can be called", node, help=help)

    def _plain_arguments(self, node: ast.Call, body: Body, *, key: bool = False) -> tuple[Any, Any]:
        """The arguments of a function or method, which takes no stars."""
        arguments = []
        for argument in node.args:
            if isinstance(argument, ast.Call) and _is_iter(argument) and not self._in.is_callable("iter"):
                argument = argument.args[0]
            if isinstance(argument, ast.Starred):
                shown = code.shown_code(node.func)
                help = forms.of_star_in_call(node) or f"write each argument, or the list itself: {shown}(xs)"
                self._in.problem("E202", "`*` in a call", argument, help=help)
            else:
                arguments.append(self._in.expression(argument, body))
        keywords = []
        for keyword in node.keywords:
            if keyword.arg is None:
                self._in.problem("E202", "`**` in a call", keyword, help="write each argument by name")
            elif keyword.arg == "key" and key:
                keywords.append(("key", key_function(keyword.value, node, self._in, body)))
            else:
                keywords.append((keyword.arg, self._in.expression(keyword.value, body)))
        return tuple(arguments), tuple(keywords)

    def _function(self, node: ast.Call, name: str, body: Body) -> ir.Expr:
        row = FUNCTIONS[name]
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            return ir.Apply(name, *self._plain_arguments(node, body, key=row.takes_key))
        keywords = tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None)
        error: str | None = None
        if name == "next" and not _is_iterator(node):
            self._look_into(node, body)
            help = functions.of_call(node, name)
            message = "`next` takes what is gone through once: a generator, or iter(xs)"
            return self._in.problem("E305", message, node, help=help)
        if row.stops and (write := self._write_in_generator(node)) is not None:
            message = f"a write in the generator of `{name}`, which stops at the first item that decides"
            help = f"to make all of them first, write done = [{write}(...) for ...] above this line"
            self._look_into(node, body)
            return self._in.problem("E205", message, node.args[0], help=help)
        try:
            error = dates.why_too_few(name, len(node.args), keywords) or None
            row.check(name, len(node.args), keywords)
        except EvaluationError as refused:
            error = refused.message
        if error is None and any(isinstance(argument, ast.Lambda) for argument in node.args):
            error = f"`{name}` takes a lambda as `key=` only" if row.takes_key else f"`{name}` takes no lambda"
        if error is not None:
            self._look_into(node, body)
            return self._in.problem("E305", error, node, help=functions.of_listed(node, name))
        made = ir.Apply(name, *self._plain_arguments(node, body, key=row.takes_key))
        match made:
            case ir.Apply("Decimal", (ir.Literal(float(number)),)):
                message = f"`Decimal({number!r})` is all the digits of a float, which is rarely {number!r} itself"
                self._in.problem("W508", message, node, help=f'write Decimal("{number!r}")')
        return made

    def _write_in_generator(self, node: ast.Call) -> str | None:
        """The tool that a lone generator would call and that writes; None if there is none. Reads are all made."""
        match node.args[:1]:
            case [ast.GeneratorExp() as generator] if self._in.finder.has_call(generator):
                called = {
                    inner.func.id
                    for inner in ast.walk(generator)
                    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name)
                }
                known = [signature for name in sorted(called) if (signature := self._in.signatures.get(name))]
                writing = next((signature.alias for signature in known if signature.effect == "write"), None)
                if writing is None and known:
                    self._in.understood.append(
                        "every call in the generator is made, not only those up to the item that decides"
                    )
                return writing
        return None

    def _look_into(self, node: ast.Call, body: Body) -> None:
        """Find what else is wrong inside of a call that is wrong itself, but for what came with it."""
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            match argument:
                case ast.Call(func=ast.Name(id="iter")) if not self._in.is_callable("iter"):
                    self._look_into(argument, body)
                    continue
            if not isinstance(argument, ast.Lambda | ast.Starred) and not self._is_function(argument, body):
                self._in.expression(argument, body)

    def _is_function(self, argument: ast.expr, body: Body) -> bool:
        """Whether something that stands as a value is the name of what can be called, or `str.lower`, or of nothing."""
        match argument:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name)):
                return self._in.is_callable(name) and not self._in.is_known(name, body)
        return False

    def _special(self, node: ast.Call, name: str, body: Body) -> ir.Expr:
        row = FUNCTIONS[name]
        if node.keywords or not row.accepts(len(node.args)):
            message = f"`{name}` takes {row.takes} argument{'s' * (row.fewest > 1)}"
            return self._in.problem("E305", message, node, help=f"write {row.form}")
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
            return self._format(node, function, body)
        if code.shown_code(function) == "dict.fromkeys" and not self._in.is_known("dict", body):
            return self._function(node, "dict.fromkeys", body)
        match function.value:
            case ast.Name(id=owner) if self._is_foreign(owner, name):
                if not self._in.is_known(owner, body):
                    return self._not_there(node, owner, name, body)
            case ast.Attribute(value=ast.Name(id=owner)) if name not in METHODS and not self._in.is_known(owner, body):
                return self._not_there(node, function.value.attr, name, body)
        if name not in METHODS:
            return self._no_method(node, function, body)
        base = self._in.expression(function.value, body)
        if name in NOT_OF_TEXT and isinstance(base, ir.Literal | ir.Text):
            help = "methods of text: " + ", ".join(sorted(TEXT))
            return self._in.problem("E204", f"text has no method `{name}`", node, help=help)
        if not self._in.check_method(self._in.outputs.of(base), name, node):
            return STAND_IN
        return ir.Method(base, name, *self._plain_arguments(node, body))

    def _format(self, node: ast.Call, function: ast.Attribute, body: Body) -> ir.Expr:
        """`"{:.2f}".format(x)`, whose format stands in the plan."""
        template = function.value
        if not isinstance(template, ast.Constant) or not isinstance(template.value, str):
            self._in.expression(template, body)
            help = forms.of_format(node, template) or 'write f"{value}"'
            return self._in.problem("E202", "only a format that stands in the plan can be filled in", node, help=help)
        try:
            asked = fields_of(template.value)
        except UnknownFormat as refused:
            self._look_into(node, body)
            return self._in.problem("E305", refused.message, node, help='write f"{value:.2f}"')
        arguments, keywords = self._plain_arguments(node, body)
        named = {keyword.arg for keyword in node.keywords}
        starred = None in named or len(arguments) < len(node.args)
        if not starred and any(at not in named if isinstance(at, str) else at >= len(arguments) for at in asked):
            message = f"the format asks for values that are not given: {code.shown_code(template)}"
            return self._in.problem("E305", message, node, help='write f"{value:.2f}"')
        return ir.Method(ir.Literal(template.value), "format", arguments, keywords)

    def _is_foreign(self, owner: str, name: str) -> bool:
        """Whether `owner.name` can only be what something else than a value has, unless `owner` is one."""
        is_module = functions.is_module(owner) or owner in kinds.CLASSES_OF
        return is_module or name not in METHODS or self._in.is_callable(owner)

    def _not_there(self, node: ast.Call, owner: str, name: str, body: Body) -> ir.Expr:
        """Note a call of `owner.name`, where `owner` stands for no value: a module, a tool, what tools stand in."""
        tools = self._in.signatures
        assert isinstance(node.func, ast.Attribute)
        whole = code.shown_code(node.func)
        self._look_into(node, body)
        if name in tools.aliases():
            help = wrapped.of_tool(node, tools.aliases()[name])
        elif owner in tools:
            help = wrapped.of_tool(node, owner)
        else:
            help = functions.of_module(node, owner, name)
        help = help or hints.for_tool(whole, self._in.names_before(), tools)
        return self._in.problem("E301", f"there is no tool `{whole}`", node.func, help=help)

    def _no_method(self, node: ast.Call, function: ast.Attribute, body: Body) -> ir.Expr:
        name = function.attr
        match function.value:
            case ast.Call(func=ast.Attribute(attr="setdefault")) as owner if name in MUTATING:
                self._look_into(owner, body)  # `d.setdefault(k, []).append(x)` is one change
            case owner:
                before = len(self._in.problems)
                known = self._in.outputs.of(self._in.expression(owner, body))
                own = known.type in kinds.BY_NAME
                if len(self._in.problems) > before or (own and not self._in.check_method(known, name, node)):
                    return STAND_IN
        if name in MUTATING:
            message = f"results cannot be changed: there is no `{name}`"
            help = changes.instead_of_change(node, self._in.loops, self._in.statement, self._in.is_list)
            return self._in.problem("E204", message, node, help=help)
        if name in self._in.signatures:
            help = wrapped.of_chain(node, name) or f"`{name}` is a tool: write {name}(...)"
        elif name in dates.PART_NAMES:
            help = f"write .{name} without parentheses"
        else:
            help = methods.instead_of_method(node, function)
        if not help:
            help = hints.closest(name, METHODS) + "methods: " + ", ".join(sorted(METHODS))
        return self._in.problem("E204", f"there is no method `{name}`", node, help=help)

    def of_tool(self, node: ast.Call, name: str, body: Body, id: TaskId) -> ir.Ref:
        """Lower the call of a tool to a task `id`."""
        signature = self._in.signatures.get(name)
        inner = body.of(id)
        if signature is None:
            self._look_into(node, inner)
            self._unknown_tool(node, name)
            return self._in.emit(id, ir.Call(name, (), "read"), body, node)
        if (named := wrapped.in_one_dict(node, signature)) is not None:
            node = ast.copy_location(ast.Call(node.func, [], named), node)
            self._in.notes.setdefault(id, []).append(f"`{name}({{...}})` for `{name}(...)` with what the dict names")
        arguments: list[tuple[str, ir.Expr]] = []
        given: set[str] = set()
        positional = [p for p in signature.parameters if not p.keyword_only]
        by_alias = {p.alias: p for p in signature.parameters} if node.keywords else {}
        meant = {} if {keyword.arg for keyword in node.keywords} <= by_alias.keys() else _meant(node, signature)
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
                self._in.one_too_many(signature, len(positional), argument)
                if not (isinstance(argument, ast.Name) and self._in.is_callable(argument.id)):
                    self._in.expression(argument, inner)
        for keyword in node.keywords:
            if keyword.arg is None:
                unpacked = True
                help = (
                    wrapped.of_double_star(node, signature) or f"write each argument by name: {hints.form(signature)}"
                )
                self._in.problem("E202", "`**` in a call", keyword, help=help)
            elif (parameter := by_alias.get(keyword.arg)) is None:
                self._in.no_argument(signature, keyword, meant.get(keyword.arg))
                self._in.expression(keyword.value, inner)
                given |= {meant[keyword.arg]} if keyword.arg in meant else set()
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
        self._in.outputs.own[id] = returned(signature, arguments)
        if signature.within is not None:
            return self._of_plan(signature.within, name, tuple(arguments), body, id, node)
        return self._in.emit(id, ir.Call(name, tuple(arguments), signature.effect), body, node)

    def _of_plan(
        self,
        plan: Within,
        name: str,
        arguments: tuple[tuple[str, ir.Expr], ...],
        body: Body,
        id: TaskId,
        node: ast.Call,
    ) -> ir.Ref:
        """The tasks of a plan that is called stand in the place of the call."""
        self._in.room -= plan.size
        if self._in.room < 0:
            message = f"the plans that are called here have more than {MOST_IN_ALL:,} tasks together"
            return ir.Ref(id) if self._in.has_said("E402", message) else self._too_large(id, message, node)
        for task in placed(plan, name, id, arguments, body.guards, self._in.source.span(node)):
            self._in.take(task, body)
        self._in.sharing.note(id, body.tasks[-1].work)
        return ir.Ref(id)

    def _too_large(self, id: TaskId, message: str, node: ast.Call) -> ir.Ref:
        self._in.problem("E402", message, node, help="make it several plans, or call them for the items of a list")
        return ir.Ref(id)

    def _argument(self, signature: Signature, parameter: Parameter, node: ast.expr, body: Body) -> tuple[str, ir.Expr]:
        if isinstance(node, ast.Name):
            self._in.given = (node, parameter)
        value = self._in.expression(node, body)
        if (read := self._from_json(parameter, value)) is not None:
            note = f"`{parameter.alias}` of `{signature.alias}` was JSON text, and is what that says"
            self._in.notes.setdefault(body.prefix, []).append(note)
            return parameter.alias, read
        try:
            constant = constant_of(value)
        except ValueError:
            self._in.check_computed(signature, parameter, value, node)
        else:
            self._in.check_constant(signature, parameter, constant, node)
        return parameter.alias, value

    @staticmethod
    def _from_json(parameter: Parameter, value: ir.Expr) -> ir.Expr | None:
        """What a constant JSON text says, where the tool takes that and no text. No result is ever read so (L9)."""
        if not (isinstance(value, ir.Literal) and looks_like_json(value.value)) or parameter.choices:
            return None
        assert isinstance(value.value, str)
        try:
            meant = constant_in(value.value)
        except EvaluationError:
            return None
        if parameter.reject(value.value) is None or parameter.reject(meant) is not None:
            return None
        return as_constant(meant)

    def _unknown_tool(self, node: ast.Call, name: str) -> None:
        if name == "join":
            message = "`join(...)` is the last line of a plan, not a part of another"
            self._in.problem("E206", message, node, help="give its values here, and write join(...) at the end")
            return
        tools = self._in.signatures
        help = wrapped.of_caller(node, tools) or functions.of_call(node, name)
        help = help or hints.for_tool(name, self._in.names_before(), tools)
        self._in.problem("E301", f"there is no tool `{name}`", node.func, help=help)


def _is_iterator(node: ast.Call) -> bool:
    """Whether the first argument of `next` is one in Python too, and nobody else goes on with it."""
    match node.args[:1]:
        case [ast.GeneratorExp()]:
            return True
        case [ast.Call(func=ast.Name(id=name))] if name in FUNCTIONS and FUNCTIONS[name].holds == "views":
            return True
        case [ast.Call() as inner]:
            return _is_iter(inner)
    return not node.args


def _is_iter(node: ast.Call) -> bool:
    """Whether it is `iter(xs)`, which is `xs` where that is gone through once."""
    match node:
        case ast.Call(func=ast.Name(id="iter"), args=[only], keywords=[]):
            return not isinstance(only, ast.Starred)
    return False


def _meant(node: ast.Call, signature: Signature) -> dict[str, str]:
    """Of the arguments whose names the tool has not those that it is clear which they stand for."""
    parameters = {p.alias: p for p in signature.parameters}
    positional = [p.alias for p in signature.parameters if not p.keyword_only][: len(node.args)]
    given = {keyword.arg for keyword in node.keywords} | set(positional)
    free = [alias for alias in parameters if alias not in given]
    meant: dict[str, str] = {}
    unknown = [k.arg for k in node.keywords if k.arg is not None and k.arg not in parameters]
    for name in unknown:
        if (alias := hints.nearest(name, free)) is not None:
            meant[name] = alias
            free.remove(alias)
    left = [name for name in unknown if name not in meant]
    needed = [alias for alias in free if parameters[alias].required]
    if len(left) == 1 and len(needed) == 1:
        meant[left[0]] = needed[0]
    return meant
