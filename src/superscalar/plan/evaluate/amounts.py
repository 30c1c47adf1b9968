"""What a `Decimal` is: how large it may be, its text, and with which other numbers it goes together (rules L24, L25).

Everything is computed in a context of our own, which is the one that Python begins with: what a program has set for
itself, or for one of its threads, changes no plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Any, Final, TypeVar

from superscalar.plan.evaluate.bounds import MAX_BITS, BoundError, EvaluationError

MAX_DIGITS: Final = MAX_BITS * 3 // 10 + 5
"""As many as a whole number within the bounds has: a `Decimal` has no more before or behind its point."""

CONTEXT: Final = Context(
    prec=28,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_LONG: Final = Decimal("1" * MAX_DIGITS).__sizeof__()
_LEAVES: Final = frozenset({type(None), bool, int, float, str, bytes})
T = TypeVar("T")


def refuse_long(value: Decimal) -> None:
    """Refuse one that is too long, or of which text or a whole number would be: nothing is computed with it.

    Raises:
        BoundError: it has too many digits, or would have, written out.
    """
    if not value.is_finite():
        if value.__sizeof__() > _LONG:  # what a NaN says of itself
            raise BoundError(f"a Decimal of more than {MAX_DIGITS:,} digits")
    elif not -MAX_DIGITS <= value.adjusted() <= MAX_DIGITS:
        raise BoundError(f"a Decimal with a power of ten beyond {MAX_DIGITS:,}")
    elif value.__sizeof__() > _LONG:
        raise BoundError(f"a Decimal of more than {MAX_DIGITS:,} digits")


@contextmanager
def computing(what: str, why: str = "") -> Iterator[None]:
    """Our context, and what is raised in it as what a plan's writer is told: `why`, or what Python says.

    Raises:
        EvaluationError: there is no result.
    """
    try:
        with localcontext(CONTEXT):
            yield
    except DecimalException as error:
        divided = isinstance(error, ZeroDivisionError)
        name = "ZeroDivisionError" if divided else type(error).__name__
        raise EvaluationError(f"{what}: {why or _why(error)}", name) from error
    except (ArithmeticError, ValueError) as error:
        raise EvaluationError(f"{what}: {error}", type(error).__name__) from error


def _why(error: DecimalException) -> str:
    """What is wrong, in words: Python says it with the names of classes."""
    said = str(error)
    if isinstance(error, ZeroDivisionError) or "DivisionUndefined" in said:
        return "division by zero"
    if isinstance(error, Overflow):
        return "the result is too large"
    if "ConversionSyntax" in said:
        return "this is no number"
    if "DivisionImpossible" in said:
        return "the whole part of the quotient has more digits than are computed with, 28"
    return f"the result would be no number, or have more than {CONTEXT.prec} digits"


def text_of_amount(value: Decimal) -> str:
    """`str(value)`."""
    refuse_long(value)
    return CONTEXT.to_sci_string(value)


def told_amount(value: Decimal) -> str:
    """A few words that say what it is, for messages."""
    try:
        return f"the Decimal {text_of_amount(value)}"
    except BoundError:
        return "a Decimal beyond the bounds"


def repr_of_amount(value: Decimal) -> str:
    """`repr(value)`."""
    return f"Decimal('{text_of_amount(value)}')"


def formatted_amount(value: Decimal, spec: str) -> str:
    """`format(value, spec)`, where the width and precision are within the bounds.

    Raises:
        ValueError: the format is none of a number.
    """
    refuse_long(value)
    with localcontext(CONTEXT):
        return format(value, spec)


def holds_amount(value: Any) -> bool:
    """Whether it is a `Decimal`, or one stands in a collection. What is in a record is its class's affair."""
    kind = type(value)
    if kind in _LEAVES:
        return False
    if kind is Decimal:
        return True
    if isinstance(value, Mapping):
        return _among(value.keys()) or _among(value.values())
    return isinstance(value, list | tuple | Set) and _among(value)


def _among(parts: Any) -> bool:
    return not _LEAVES.issuperset(map(type, parts)) and any(map(holds_amount, parts))


def compared(relation: Callable[[], T], symbol: str, *sides: Any) -> T:
    """What a comparison of these comes to, of which one is, or holds, a `Decimal`.

    Raises:
        EvaluationError: one of them is NaN, which has no order.
        BoundError: a number is so large that comparing could take for ever.
    """
    for side in sides:
        _all_bounded(side)
    with computing(f"`{symbol}` with a Decimal that is NaN", "it has no order"):
        return relation()


def _all_bounded(value: Any) -> None:
    if type(value) is Decimal:
        refuse_long(value)
    elif type(value) is int:
        if value.bit_length() > MAX_BITS:
            raise BoundError(f"an integer of more than {MAX_BITS:,} bits, compared with a Decimal")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _all_bounded(key)
            _all_bounded(item)
    elif isinstance(value, list | tuple | Set):
        for item in value:
            _all_bounded(item)


def apart_from_amount(left: Any, right: Any) -> str:
    """Why a `Decimal` and another value do not go together, and what to write, to follow what says so; else empty."""
    other = right if isinstance(left, Decimal) else left if isinstance(right, Decimal) else None
    if isinstance(other, float):
        return f': a Decimal goes with a whole number or a Decimal: write Decimal("{other!r}") or float(...)'
    if isinstance(other, str):
        return ": write Decimal(...) around the text if it is a number, or str(...) around the Decimal"
    return ""
