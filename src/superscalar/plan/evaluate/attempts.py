"""What a `try` comes to: its value, or the constant that stands in for what fails in it (rule L34)."""

from __future__ import annotations

import builtins
from decimal import DecimalException, DivisionByZero, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Any, Final

from superscalar.plan import ir
from superscalar.plan.evaluate.bounds import Unavailable
from superscalar.plan.ir.forms import errors_of, refs_in
from superscalar.values import Failure, Observation, Outcome, Skipped, is_silent

if TYPE_CHECKING:
    from superscalar.plan.evaluate.itemwise import Frame

_NOT_CAUGHT: Final = frozenset({"denied", "cancelled", "deadline", "budget"})
_OF_DECIMALS: Final = {kind.__name__: kind for kind in (DecimalException, InvalidOperation, DivisionByZero, Overflow)}


def error_class(name: str) -> type[Exception] | None:
    """Return the class of errors of this name; None if Python has none."""
    known = getattr(builtins, name, None) or _OF_DECIMALS.get(name)
    return known if isinstance(known, type) and issubclass(known, Exception) else None


def attempted(expr: ir.Apply, frame: Frame) -> Any:
    """The value of what was tried, or the constant if a call or an evaluation in it failed.

    Raises:
        Unavailable: it has no value for another reason: what it refers to has none, it was not reached, or not allowed.
    """
    tried, fallback, before, within, *errors = expr.arguments
    caught = tuple(filter(None, (error_class(name) for name in errors_of(expr)))) if errors else (Exception,)
    assert isinstance(tried, ir.Ref)
    found = frame.outcome(tried.task)
    if type(found) is Observation:
        return found.value
    lacking = [
        (ref.task, known) for ref in refs_in(before) if type(known := frame.outcome(ref.task)) is not Observation
    ]
    if lacking:  # what lacks several has failed if one of them has
        raise Unavailable(*next((one for one in lacking if not is_silent(one[1])), lacking[0]))
    for ref in (tried, *refs_in(within)):
        known = frame.outcome(ref.task)
        if not _is_caught(known, caught):
            raise Unavailable(ref.task, known)
    if isinstance(found, Skipped) and (found.by_guard or found.unneeded):
        raise Unavailable(tried.task, found)
    return frame.value(fallback)


def _is_caught(outcome: Outcome, caught: tuple[type[Exception], ...]) -> bool:
    """Whether a failure is one that a `try` is about; what did not fail does not matter.

    Of an error whose class is a tool's own nobody knows whether a class that is named here is above it.
    """
    if not isinstance(outcome, Failure):
        return True
    if outcome.kind in _NOT_CAUGHT:
        return False
    if outcome.items is not None:
        return all(_is_caught(item, caught) for item in outcome.items)
    return Exception in caught or issubclass(error_class(outcome.error) or Exception, caught)
