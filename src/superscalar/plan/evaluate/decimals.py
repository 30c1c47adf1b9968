"""`Decimal` (rules L3, L24): what makes one, what it is computed with, and its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from superscalar.plan.evaluate.amounts import CONTEXT, computing, refuse_long
from superscalar.plan.evaluate.bounds import MAX_NUMERAL, BoundError, EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import datum, described, refuse_beyond_bounds
from superscalar.plan.evaluate.listed import Function, Kind, Listed

ROUNDINGS: Final = frozenset(
    "ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP ROUND_05UP".split()
)
"""The names of Python's ways to round a `Decimal`: each is the text that says the same."""


def _decimal(budget: WorkLeft, value: Any = "0") -> Decimal:
    value = datum(value)
    if isinstance(value, str):
        if len(value) > MAX_NUMERAL:
            raise BoundError(f"a number of {len(value):,} characters; the bound is {MAX_NUMERAL:,}")
        budget.spend(1 + len(value) // 8)
    elif not isinstance(value, int | float | Decimal):
        raise EvaluationError(f"`Decimal` makes no number of {described(value)}")
    refuse_beyond_bounds(value, budget)
    with computing(f"`Decimal` of {described(value)}"):
        made = Decimal(value, CONTEXT)
    refuse_long(made)
    return made


def _checked(value: Any) -> Any:
    if type(value) is Decimal:
        refuse_long(value)
    return value


FUNCTIONS: Final[Mapping[str, Function]] = {
    "Decimal": Function(_decimal, 0, 1, gives="Decimal", grammar="amount", form='Decimal("1.50")')
}


def combined(symbol: str, operation: Callable[[Any, Any], Any], left: Any, right: Any, budget: WorkLeft) -> Any:
    """`left symbol right` of which one is a `Decimal`.

    Raises:
        TypeError: the other goes with none.
    """
    refuse_beyond_bounds(left, budget)
    refuse_beyond_bounds(right, budget)
    if not (isinstance(left, int | Decimal) and isinstance(right, int | Decimal)):
        raise TypeError
    with computing(f"`{symbol}` of {described(left)} and {described(right)}"):
        return _checked(operation(left, right))


def alone(what: str, operation: Callable[[Any], Any], value: Decimal, budget: WorkLeft) -> Any:
    """What an operation of one `Decimal` comes to; a whole number of it is within the bounds, too."""
    refuse_long(value)
    with computing(f"`{what}` of {described(value)}"):
        made = _checked(operation(value))
    refuse_beyond_bounds(made, budget)
    return made


# --------------------------------------------------------------------------------------------------------- methods


def _own(name: str, gives: str) -> dict[str, Listed]:
    """A method that takes nothing else."""
    run: Callable[..., Any] = getattr(Decimal, name)
    return {name: Listed(lambda budget, value: alone(name, run, value, budget), 0, 0, gives=gives)}


def _rounding(name: str, rounding: Any) -> str | None:
    given = datum(rounding)
    if given is None or (isinstance(given, str) and given in ROUNDINGS):
        return given
    raise EvaluationError(
        f"the `rounding=` of `{name}` is one of {', '.join(sorted(ROUNDINGS))}, not {described(given)}",
        "TypeError",
    )


def _quantize(budget: WorkLeft, value: Decimal, exp: Any, rounding: Any = None) -> Any:
    places, way = datum(exp), _rounding("quantize", rounding)
    refuse_beyond_bounds(places, budget)
    if isinstance(places, int):
        places = Decimal(places)
    if type(places) is not Decimal:
        raise EvaluationError(f'`quantize` takes a Decimal, like Decimal("0.01"), not {described(places)}')
    return alone("quantize", lambda amount: amount.quantize(places, way), value, budget)


def _to_integral_value(budget: WorkLeft, value: Decimal, rounding: Any = None) -> Any:
    way = _rounding("to_integral_value", rounding)
    return alone("to_integral_value", lambda amount: amount.to_integral_value(way), value, budget)


DECIMAL: Final = Kind(
    "Decimal",
    {},
    {
        "quantize": Listed(_quantize, 0, 2, frozenset({"exp", "rounding"}), gives="Decimal"),
        "to_integral_value": Listed(_to_integral_value, 0, 1, frozenset({"rounding"}), gives="Decimal"),
        **_own("normalize", "Decimal"),
        **_own("sqrt", "Decimal"),
        **_own("adjusted", "int"),
        **_own("is_nan", "bool"),
        **_own("is_finite", "bool"),
        **_own("is_infinite", "bool"),
        **_own("is_zero", "bool"),
        **_own("is_signed", "bool"),
    },
)


_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "//", "%", "**"})


def of_operator(operator: str, left: str, right: str) -> str:
    """The type of what an operator makes of two types, of which one is `Decimal`; empty where it is open."""
    numbers = "Decimal" in (left, right) and {left, right} <= {"Decimal", "int", "bool"}
    return "Decimal" if numbers and operator in _ARITHMETIC else ""
