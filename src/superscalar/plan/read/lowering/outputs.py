"""What is known of values before there are any: of what tasks give, and of what expressions come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from superscalar.plan import ir
from superscalar.plan.evaluate import kinds
from superscalar.plan.evaluate.table import APPLIED
from superscalar.plan.ir.signatures import Output, Signature
from superscalar.values import TaskId

ITEMS = Output("items")
"""What is known of a map or display: it has one outcome per item (rule L15)."""
EMPTY_LIST = Output("empty list")

_REAL = ("int", "float")
_PARTS = (ir.Var, ir.Index, ir.Field, ir.Slice, ir.Apply)
SAMPLES: Mapping[str, Any] = {
    "int": 1, "float": 1.5, "bool": True, "list": [], "dict": {}, "tuple": (), "set": set(),
    "date": dt.date(2026, 1, 1), "datetime": dt.datetime(2026, 1, 1), "time": dt.time(), "timedelta": dt.timedelta(1),
    "Decimal": Decimal(1),
}  # fmt: skip
_UNKNOWN = Output()


class Outputs:
    """What is known where one statement stands. `own`: of its tasks; `known`: of those before it.

    `bound`: of the variables of the comprehension that is being lowered.
    """

    def __init__(self, known: Mapping[TaskId, Output]) -> None:
        self.own: dict[TaskId, Output] = {}
        self.bound: dict[str, Output] = {}
        self._known = known
        self._seen: dict[int, tuple[ir.Expr, Output]] = {}  # by `id`, which nobody else has while it is here

    def of_task(self, task: TaskId) -> Output:
        """What is known of a task's value."""
        return self.own.get(task) or self._known.get(task, _UNKNOWN)

    def of(self, expr: ir.Expr) -> Output:
        """What is known of an expression."""
        if isinstance(expr, ir.Ref):
            return self.of_task(expr.task)
        if isinstance(expr, ir.Literal):
            return _OF_KIND.get(type(expr.value).__name__, _UNKNOWN)
        match expr:
            case ir.Apply("ok", (kept,)) if (whole := self._kept_of(kept)) is not None:
                return Output(ok_of=whole)
        seen = self._seen.get(id(expr))
        if seen is None:  # a long sum is looked at once, and not once more for each operand
            seen = self._seen[id(expr)] = expr, self._look_at(expr)
        return seen[1]

    def _kept_of(self, expr: ir.Expr) -> TaskId | None:
        """The task with one outcome per item that `ok` looks at; None if it looks at something else."""
        known = self.of(expr)
        return expr.task if isinstance(expr, ir.Ref) and known is ITEMS else known.ok_of

    def _look_at(self, expr: ir.Expr) -> Output:
        if isinstance(expr, _PARTS):
            found = self._output_of_part(expr)
            if found is not None:
                return found
        kind = _KINDS.get(type(expr))
        if kind is None:
            return _UNKNOWN
        return _OF_KIND.get(kind(expr, self), _UNKNOWN)

    def _output_of_part(self, expr: ir.Expr) -> Output | None:
        """What is known of a variable, or of what is taken out of something; None if its kind may tell."""
        match expr:
            case ir.Var(name):
                return self.bound.get(name, _UNKNOWN)
            case ir.Index(base, ir.Literal(int())):
                return self.of(base).items or _UNKNOWN
            case ir.Slice(base) | ir.Apply(_, (base,)) if isinstance(expr, ir.Slice) or _gives_items(expr.function):
                if (items := self.of(base).items) is not None:
                    return Output("list", items=items, annotated=True)
            case ir.Field(base, name, key):
                known = self.of(base)
                if known.annotated and known.type in kinds.BY_NAME:
                    return Output(kinds.BY_NAME[known.type].parts.get(name, "Any"), annotated=True)
                return (known.fields or {}).get(key or name, _UNKNOWN)
            case ir.Index(base, ir.Literal(str(name))):
                return (self.of(base).fields or {}).get(name, _UNKNOWN)
        return None

    def is_plain(self, expr: ir.Expr) -> bool:
        """Whether an expression is declared to give a number or a text."""
        known = self.of(expr)
        return known.annotated and known.type in ("int", "float", "str", "bool", "Decimal")

    def kind_of_sum(self, expr: ir.Binary) -> str:
        """The type of an operation on numbers or text; empty where it is not sure."""
        if expr.operator not in "+-*/":
            return ""
        left, right = self.of(expr.left).type, self.of(expr.right).type
        if left in _REAL and right in _REAL:
            return "float" if expr.operator == "/" or "float" in (left, right) else "int"
        if left == right == "str" and expr.operator == "+":
            return "str"
        return kinds.of_operator(expr.operator, left, right)

    def kind_of_method(self, expr: ir.Method) -> str:
        """The type of what a method of a date, time or duration gives; empty of any other."""
        known = self.of(expr.base)
        kind = kinds.BY_NAME.get(known.type) if known.annotated else None
        row = kind.methods.get(expr.name) if kind is not None else None
        return row.gives if row is not None else ""


def _gives(function: str) -> str:
    """What the row of a function says that it gives; empty of one that only another version has, which wrote a task."""
    return APPLIED[function].gives if function in APPLIED else ""


def _gives_items(function: str) -> bool:
    """Whether what comes out is a list of the items that were given, if those were in a list."""
    return function == "ok" or _gives(function) == "list[item]"


_KINDS: Mapping[type, Callable[[Any, Outputs], str]] = {
    ir.Text: lambda _expr, _: "str",
    ir.Compare: lambda _expr, _: "bool",
    ir.Sequence: lambda expr, _: expr.kind,
    ir.Comprehension: lambda expr, _: expr.kind,
    ir.Dict: lambda _expr, _: "dict",
    ir.Apply: lambda expr, _: _gives(expr.function).partition("[")[0],
    ir.Method: lambda expr, outputs: outputs.kind_of_method(expr),
    ir.Binary: lambda expr, outputs: outputs.kind_of_sum(expr),
}
"""The type of what is computed, where its form says it; else empty."""
_OF_KIND: Mapping[str, Output] = {kind: Output(kind, annotated=True) for kind in (*SAMPLES, "str")}


def of_member(known: Output, part: str, base: ir.Expr) -> ir.Expr:
    """The `value` or `name` of an enum's member, which is its value: found among the members that are declared."""
    made = [
        (ir.Literal(value), ir.Literal(value if part == "value" else name)) for name, value in known.members.items()
    ]
    return ir.Index(ir.Dict(tuple(made)), base)


def returned(signature: Signature, arguments: Iterable[tuple[str, ir.Expr]]) -> Output:
    """What is known of the result of a call, where one of its arguments may decide on that."""
    if signature.chooses:
        for name, value in arguments:
            if name == signature.chooses and isinstance(value, ir.Literal) and isinstance(value.value, str):
                return signature.outputs.get(value.value, signature.output)
    return signature.output


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
