"""What is wrong with one statement, collected while it is lowered."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from superscalar.plan import ir
from superscalar.plan.evaluate import dates, kinds
from superscalar.plan.evaluate.methods import TEXT
from superscalar.plan.evaluate.moments import why_apart
from superscalar.plan.evaluate.operators import ARITHMETIC, RELATIONS
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Output, Parameter, Signature
from superscalar.plan.read.instead import code
from superscalar.plan.read.lowering import hints
from superscalar.plan.read.lowering.body import key_twice, names_in
from superscalar.plan.read.lowering.outputs import SAMPLES, Outputs
from superscalar.plan.read.source import SourceText
from superscalar.short import cut

STAND_IN = ir.Var("?")
"""Stands where there is a problem; no constant, so that nothing is said of it a second time."""

_SCALARS = frozenset({"str", "int", "float", "bool", "bytes"})
_NUMBERS = frozenset({"int", "float", "bool"})
_DIFFERENCE = "a date and a date have a difference: x - y"
_AMOUNTS = "a Decimal is computed with whole numbers and other ones: write int(...) or Decimal(...) around the rest"
_LONGEST = 500  # characters of a message: names are as long as somebody makes them
_MOST = 20  # of one statement: who mends these will hear of the others


class Enough(Exception):
    """So much is wrong with a statement that no more of it is looked at."""


class Findings:
    """`problems` keep a statement from being published, `warnings` do not. The same is not said twice of one.

    `understood`: what means something else than is written. `outputs`: what is known of values.
    """

    def __init__(self, source: SourceText, outputs: Outputs) -> None:
        self.source = source
        self.outputs = outputs
        self.problems: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.understood: list[str] = []
        self._said: set[tuple[str, ...]] = set()

    def problem(self, code: str, message: str, node: ast.AST | None, *, label: str = "", help: str = "") -> ir.Expr:
        """Note what is wrong, and go on with a stand-in.

        Raises:
            Enough: it is the last problem that is noted.
        """
        noted = self.warnings if code.startswith("W") else self.problems
        if (code, message, help) not in self._said and len(noted) < _MOST:
            self._said |= {(code, message, help), (code, message)}
            noted.append(self.source.problem(code, cut(message, _LONGEST), help, self.source.span(node), label))
            if len(self.problems) >= _MOST:
                raise Enough
        return STAND_IN

    def has_said(self, code: str, message: str) -> bool:
        """Whether it was noted already: then it need not be worded again."""
        return (code, message) in self._said

    def too_deep(self, node: ast.AST) -> ir.Expr:
        """Note that a statement is nested too deeply (rule L25)."""
        return self.problem("E402", "this is nested too deeply", node, help="give parts of it names, on lines above")

    def check_name(self, name: str, node: ast.AST) -> None:
        """A name that is assigned must be a plain one (rule L5)."""
        if name.startswith("_") and name != "_":
            help = f"call it `{name.strip('_') or 'x'}`"
            self.problem("E101", f"`{name}`: names do not begin with an underscore", node, help=help)

    def refuse_async(self, generator: ast.comprehension) -> None:
        """Note an `async for`, which says nothing here."""
        if generator.is_async:
            message = "`async` is not needed: items run side by side anyway"
            self.problem("E202", message, generator.target, help="leave it out")

    def loop_target(self, node: ast.expr, variables: set[str]) -> Any:
        """The target of a comprehension without calls; its names are added to `variables`."""
        if isinstance(node, ast.Name):
            self.check_name(node.id, node)
            variables.add(node.id)
            return node.id
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self.loop_target(item, variables) for item in node.elts)
        self.problem("E202", "a loop assigns plain names only", node, help="for a, b in pairs")
        variables.update(names_in(node))
        return "unknown"

    def one_too_many(self, signature: Signature, most: int, argument: ast.expr) -> None:
        """Note a positional argument that the tool has no parameter for."""
        message = f"`{signature.alias}` takes {most} positional argument{'' if most == 1 else 's'} at most"
        self.problem("E305", message, argument, help=hints.form(signature))

    def no_argument(self, signature: Signature, keyword: ast.keyword, meant: str | None) -> None:
        """Note an argument whose name the tool does not have. `meant`: the one that it stands for, if that is clear."""
        name = keyword.arg or ""
        guess = f"did you mean `{meant}`? " if meant else hints.closest(name, (p.alias for p in signature.parameters))
        help = guess + hints.form(signature)
        self.problem("E302", f"`{signature.alias}` has no argument `{name}`", keyword, help=help)

    def check_field(self, known: Output, name: str, node: ast.AST) -> None:
        """Rule L32: a field that a tool's return type does not declare is a warning, or an error where it is closed."""
        attribute = isinstance(node, ast.Attribute)
        if attribute and known.annotated and (kind := kinds.BY_NAME.get(known.type)) and name not in kind.parts:
            called = f"write .{name}()" if name in kind.methods else ""
            help = called or hints.closest(name, kind.parts) + "parts: " + ", ".join(kind.parts)
            help = help if kind.parts or called else f"it is a number: leave `.{name}` out"
            self.problem("E307", f"a {kind.name} has no part `{name}`", node, help=help)
        if known.fields is None or name in known.fields or (attribute and name in known.aliases):
            return
        there = known.written() if attribute else list(known.fields)
        help = hints.closest(name, there) + "fields: " + ", ".join(there)
        self.problem("E307" if known.closed else "W501", f"{known.type} declares no field `{name}`", node, help=help)

    def check_method(self, known: Output, name: str, node: ast.Call) -> bool:
        """Whether what is called may be a method of a value; it is none where Python declares another type."""
        if not known.annotated:
            return True
        if (kind := kinds.BY_NAME.get(known.type)) is not None:
            there: Iterable[str] = kind.methods
            help = f"write .{name} without parentheses" if name in kind.parts else ""
        elif known.type == "str":
            there = TEXT
            dated = name in dates.KINDS[dt.datetime].methods
            help = f"write datetime.fromisoformat(...).{name}(...) if it is a date" if dated else ""
        else:
            return True
        if name in there:
            return True
        help = help or hints.closest(name, there) + "methods: " + ", ".join(sorted(there))
        self.problem("E307", f"a {known.type} has no method `{name}`", node, help=help)
        return False

    def check_operands(self, symbol: str, left: Output, right: Output, node: ast.expr) -> None:
        """Dates and decimals do not go together with everything; by their types alone that is known of many."""
        if left.type not in kinds.BY_NAME and right.type not in kinds.BY_NAME:
            return
        if not (left.annotated and right.annotated):
            return
        samples = tuple("" if known.type == "str" else SAMPLES.get(known.type) for known in (left, right))
        if None in samples or (symbol not in RELATIONS and symbol not in ARITHMETIC):
            return
        try:
            (RELATIONS.get(symbol) or ARITHMETIC[symbol])(*samples)
        except TypeError:
            message = f"`{symbol}` does not work on {left.type} and {right.type}"
            dated = left.type in dates.BY_NAME or right.type in dates.BY_NAME
            help = _of_float(node) if {left.type, right.type} == {"Decimal", "float"} else ""
            help = help or why_apart(*samples).removeprefix(": ") or (_DIFFERENCE if dated else _AMOUNTS)
            self.problem("E308", message, node, help=help)
        except (ArithmeticError, ValueError):
            return

    def pairs_of(self, node: ast.Dict) -> Iterable[tuple[ast.expr | None, ast.expr]]:
        """The keys and values of a dict. Of a key that is written twice the last one counts: hardly what was meant."""
        if (key := key_twice(node)) is not None:
            message = f"the key {key.value!r:.80} stands twice in this dict: the last one counts"
            self.problem("W507", message, key, help="write each key once")
        return zip(node.keys, node.values, strict=True)

    def check_constant(self, signature: Signature, parameter: Parameter, constant: Any, node: ast.expr) -> None:
        """A constant must be a value of its parameter's type (rule L32)."""
        if parameter.choices:
            if constant not in parameter.choices:
                message = f"`{parameter.alias}` of `{signature.alias}` is not {constant!r}"
                known = ", ".join(map(repr, parameter.choices))
                self.problem("E304", message, node, help=hints.closest(str(constant), parameter.choices) + known)
        elif (why := parameter.reject(constant)) is not None:
            message = f"`{parameter.alias}` of `{signature.alias}` is {parameter.type}: {why}"
            self.problem("E304", message, node, help=hints.form(signature))

    def check_computed(self, signature: Signature, parameter: Parameter, value: ir.Expr, node: ast.expr) -> None:
        """What is no constant may stand where it is computed, and not where the plan itself must say it."""
        if parameter.choices and value is not STAND_IN:
            message = f"`{parameter.alias}` of `{signature.alias}` is written in the plan, not computed"
            known = ", ".join(map(repr, parameter.choices))
            self.problem("E309", message, node, help=f"write one of these, as it is: {known}")
        output = self.outputs.of(value)
        self.check_record(signature, parameter, output, node)
        self._check_type(signature, parameter, output, node)

    def check_record(self, signature: Signature, parameter: Parameter, known: Output, node: ast.expr) -> None:
        """A record, all of whose fields are known, is no text and no number (rule L32)."""
        if not (known.fields and known.closed and parameter.type in _SCALARS):
            return
        written = ast.unparse(node)
        fields = ", ".join(f"{written}.{name}" for name in known.written())
        message = f"`{written}` is a {known.type}, and `{parameter.alias}` of `{signature.alias}` is {parameter.type}"
        self.problem("E308", message, node, help=f"write one of its fields: {fields}")

    def _check_type(self, signature: Signature, parameter: Parameter, known: Output, node: ast.expr) -> None:
        """What is computed, and cannot be what the parameter is, whatever its value (rule L32)."""
        if known.type == "Any":
            return
        sample = SAMPLES.get(known.type.partition("[")[0])
        wanted = {part.strip() for part in parameter.type.split("|")} - {"None"}
        if sample is None or not wanted or not wanted <= _SCALARS or parameter.reject(sample) is None:
            return
        number = isinstance(sample, int | float | Decimal)
        if number and wanted & _NUMBERS:
            return  # a whole number may come out of any
        written = code.shown_code(node)
        message = f"`{written}` is {known.type}, and `{parameter.alias}` of `{signature.alias}` is {parameter.type}"
        help = f"write str({written})" if number else "write one of its items, or call the tool for each of them"
        if known.type in dates.BY_NAME:
            value = f"({written})" if isinstance(node, ast.BinOp) else written
            help = f"write {value}.{'total_seconds' if known.type == 'timedelta' else 'isoformat'}()"
        sure = known.annotated and parameter.annotated
        self.problem("E304" if sure else "W504", message, node, help=help)

    def check_iterable(self, value: ir.Expr, node: ast.expr) -> None:
        """What a loop goes through is no number."""
        known = self.outputs.of(value)
        kind = known.type
        if not known.annotated or not (kind == "str" or kind in _NUMBERS):
            return
        written = code.shown_code(node)
        if kind == "str" and not isinstance(node, ast.Constant | ast.JoinedStr):
            help = f"write {written}.split() for its words, {written}.splitlines() for its lines"
            self.problem("W505", f"`{written}` is text: this goes through its characters", node, help=help)
        if kind not in _NUMBERS:
            return
        help = "go through a list, or through range(...) of a whole number"
        if kind == "int":
            help = f"write range({written}) to count up to it, or go through the list itself"
        self.problem("E308", f"`{written}` is {kind}, and a loop goes through a list", node, help=help)


def _of_float(node: ast.expr) -> str:
    """What to write where one side of an operation is a float that stands there, and the other a `Decimal`."""
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else ()
    written = [ast.unparse(side) for side in sides if isinstance(side, ast.Constant) and type(side.value) is float]
    return f'write Decimal("{written[0]}")' if written else "write Decimal(str(x)) around the float x, or float(...)"
