"""What a date, a time or a duration is: its parts, its text, and with which others it goes together (rule L24)."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from superscalar.plan.evaluate.amounts import apart_from_amount
from superscalar.plan.evaluate.bounds import MAX_WIDTH, BoundError, EvaluationError

DATES: Final = (dt.date, dt.time, dt.timedelta)  # a datetime is a date
ZONES: Final = (dt.timezone, zoneinfo.ZoneInfo)

DAY: Final = ("year", "month", "day")
HOUR: Final = ("hour", "minute", "second", "microsecond")
_NUMBERS: Final = dict.fromkeys(DAY, "int")
_TIMES: Final = {**dict.fromkeys(HOUR, "int"), "tzinfo": "Any", "fold": "int"}
PARTS: Final[Mapping[type, Mapping[str, str]]] = {
    dt.datetime: {**_NUMBERS, **_TIMES},
    dt.date: _NUMBERS,
    dt.time: _TIMES,
    dt.timedelta: dict.fromkeys(("days", "seconds", "microseconds"), "int"),
}
"""What can be read of each kind, and of which type that is; the more special kind first."""


def parts_of(value: Any) -> Mapping[str, str]:
    """The parts of a date, time or duration; none of any other value."""
    return next((parts for kind, parts in PARTS.items() if isinstance(value, kind)), {})


def strftime(value: dt.date | dt.time, form: str) -> str:
    """`value.strftime(form)`, of a bounded length.

    Raises:
        EvaluationError: it asks for what depends on the machine, or is no format.
        BoundError: it is over a bound (rule L25).
    """
    if len(form) > MAX_WIDTH or any(len(digits) > 3 for digits in re.findall(r"\d+", form)):
        raise BoundError(f"a format of more than {MAX_WIDTH:,} characters")
    if re.search(r"(?<!%)(?:%%)*%[^a-zA-Z%]*s", form):
        raise EvaluationError("`%s` depends on the machine's time zone: write x.timestamp() of a date that has a zone")
    try:
        return value.strftime(form)
    except ValueError as error:
        raise EvaluationError(f"the format `{form}` does not apply to a date: {error}", "ValueError") from error


def why_apart(left: Any, right: Any) -> str:
    """Why two dates, times or numbers do not go together, and what to write, to follow what says so; else empty."""
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return apart_from_amount(left, right)
    for kind in (dt.datetime, dt.time):
        if isinstance(left, kind) and isinstance(right, kind) and (left.tzinfo is None) != (right.tzinfo is None):
            return ": one has a time zone, the other none; write x.replace(tzinfo=timezone.utc) if that one is UTC"
    if isinstance(left, dt.date) and isinstance(right, dt.date) and type(left) is not type(right):
        return ": one has a time of day, the other none; write x.date() of the one that has"
    if isinstance(left, dt.date | dt.time) and isinstance(right, str):
        return ": write datetime.fromisoformat(...) or date.fromisoformat(...) around the text"
    if isinstance(right, dt.date | dt.time) and isinstance(left, str):
        return why_apart(right, left)
    if isinstance(left, dt.date | dt.timedelta) and isinstance(right, int | float):
        return ": write timedelta(days=...) around the number"
    if isinstance(right, dt.date | dt.timedelta) and isinstance(left, int | float):
        return ": write timedelta(...) around the number; a sum of durations is sum(xs, timedelta())"
    return ""
