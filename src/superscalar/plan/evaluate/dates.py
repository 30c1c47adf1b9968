"""Dates, times and durations (rules L3, L24): what makes them, their parts, and their methods.

A plan has no clock and no place: nothing here depends on when or where it is evaluated. What Python answers by the
machine's own time zone is refused, with what to write instead.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from superscalar.plan.evaluate.bounds import MAX_WIDTH, BoundError, Budget, EvaluationError
from superscalar.plan.evaluate.elements import datum, described, error_text, within
from superscalar.plan.evaluate.listed import Kind, Listed
from superscalar.plan.evaluate.moments import DAY, HOUR, PARTS, strftime


class IsoCalendarDate(NamedTuple):
    """What `isocalendar` gives."""

    year: int
    week: int
    weekday: int


def _made(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    """`make`, on arguments that are data, with what it raises as what a plan's writer is told."""

    def run(budget: Budget, *arguments: Any, **keywords: Any) -> Any:
        given = [_simple(name, argument, budget) for argument in arguments]
        named = {keyword: _simple(name, argument, budget) for keyword, argument in keywords.items()}
        try:
            return make(*given, **named)
        except (EvaluationError, RecursionError, MemoryError):
            raise
        except Exception as error:  # a zone of a tool's own class may raise anything
            raise EvaluationError(f"`{name}`: {error_text(error)}", type(error).__name__) from error

    return run


def _simple(name: str, value: Any, budget: Budget) -> Any:
    value = datum(value)
    if value is None or isinstance(value, float | dt.date | dt.time | dt.timedelta | dt.tzinfo):
        return value
    if isinstance(value, int):
        within(value, budget)
        return value
    if isinstance(value, str):
        if len(value) > MAX_WIDTH:
            raise BoundError(f"`{name}` of a text of {len(value):,} characters; the bound is {MAX_WIDTH:,}")
        budget.spend(1 + len(value) // 8)
        return value
    raise EvaluationError(f"`{name}` does not take {described(value)}")


# ------------------------------------------------------------------------------------------------ what makes them


def _fromtimestamp(seconds: Any, tz: Any = None) -> dt.datetime:
    if tz is None:
        raise EvaluationError("a plan has no time zone: write datetime.fromtimestamp(seconds, timezone.utc)")
    return dt.datetime.fromtimestamp(seconds, tz)


def _strptime(text: Any, form: Any) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, form)
    except re.error as error:
        raise ValueError(f"the format {form!r} says one thing twice") from error


def _timezone(offset: Any, name: Any = None) -> dt.timezone:
    return dt.timezone(offset) if name is None else dt.timezone(offset, name)


_SPAN: Final = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")

FUNCTIONS: Final[dict[str, Listed]] = {
    name: Listed(_made(name, make), fewest, most, frozenset(keywords))
    for name, make, fewest, most, keywords in (
        ("date", dt.date, 0, 3, DAY),
        ("datetime", dt.datetime, 0, 8, (*DAY, *HOUR, "tzinfo", "fold")),
        ("time", dt.time, 0, 5, (*HOUR, "tzinfo", "fold")),
        ("timedelta", dt.timedelta, 0, 7, _SPAN),
        ("timezone", _timezone, 1, 2, ()),
        ("timezone.utc", lambda: dt.UTC, 0, 0, ()),
        ("date.fromisoformat", dt.date.fromisoformat, 1, 1, ()),
        ("date.fromisocalendar", dt.date.fromisocalendar, 3, 3, ()),
        ("date.fromordinal", dt.date.fromordinal, 1, 1, ()),
        ("time.fromisoformat", dt.time.fromisoformat, 1, 1, ()),
        ("datetime.fromisoformat", dt.datetime.fromisoformat, 1, 1, ()),
        ("datetime.strptime", _strptime, 2, 2, ()),
        ("datetime.combine", dt.datetime.combine, 2, 3, ("tzinfo",)),
        ("datetime.fromtimestamp", _fromtimestamp, 1, 2, ("tz",)),
    )
}


def why_not(name: str, given: int, keywords: tuple[str, ...]) -> str:
    """Why a function cannot be called with so few arguments, where how many there must be is not all; else empty."""
    if name == "datetime.fromtimestamp" and given < 2 and "tz" not in keywords:
        return "a plan has no time zone: `datetime.fromtimestamp` needs one"
    return ""


def of_operator(operator: str, left: str, right: str) -> str:
    """The type of what `+` or `-` makes of two types, of which one is of dates or durations; empty where it is open."""
    if right == "timedelta" and left in ("date", "datetime", "timedelta") and operator in "+-":
        return left
    if left == "timedelta" and right in ("date", "datetime") and operator == "+":
        return right
    return "timedelta" if operator == "-" and left == right and left in ("date", "datetime") else ""


GIVES: Final[Mapping[str, str]] = {name: name.partition(".")[0] for name in FUNCTIONS}
"""The type of what each gives."""

# --------------------------------------------------------------------------------------------------------- methods


def _aware(name: str, value: Any) -> None:
    if value.utcoffset() is None:
        raise EvaluationError(
            f"`{name}` of a datetime without a time zone: write x.replace(tzinfo=timezone.utc) if it is UTC",
            "ValueError",
        )


def _timestamp(value: dt.datetime) -> float:
    _aware("timestamp", value)
    return value.timestamp()


def _astimezone(value: dt.datetime, tz: Any = None) -> dt.datetime:
    if tz is None:
        raise EvaluationError("a plan has no time zone: write x.astimezone(timezone.utc)")
    _aware("astimezone", value)
    return value.astimezone(tz)


def _isocalendar(value: dt.date) -> IsoCalendarDate:
    return IsoCalendarDate(*value.isocalendar())


def _methods(
    kind: type, plain: Mapping[str, tuple[int, tuple[str, ...]]], **own: tuple[Callable[..., Any], int, int]
) -> dict[str, Listed]:
    """The methods of a class: those that are Python's own, by what they take, and those that are ours."""
    made = {
        name: Listed(_made(name, getattr(kind, name)), 0, most, frozenset(keywords))
        for name, (most, keywords) in plain.items()
    }
    return made | {
        name: Listed(_made(name, run), fewest, most, _KEYWORDS.get(name, frozenset()))
        for name, (run, fewest, most) in own.items()
    }


_KEYWORDS: Final = {"strftime": frozenset({"format"}), "astimezone": frozenset({"tz"})}


def _formatted(value: Any, format: Any) -> str:
    if not isinstance(format, str):
        raise EvaluationError(f'`strftime` takes a format, like "%Y-%m-%d", not {described(format)}')
    return strftime(value, format)


_OF_A_DAY: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = dict.fromkeys(
    ("weekday", "isoweekday", "toordinal", "ctime"), (0, ())
)
_OF_A_ZONE: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = dict.fromkeys(("utcoffset", "tzname", "dst"), (0, ()))
_WHOLE: Final = {
    "weekday": "int",
    "isoweekday": "int",
    "toordinal": "int",
    "ctime": "str",
    "isoformat": "str",
    "strftime": "str",
}

KINDS: Final[Mapping[type, Kind]] = {
    dt.datetime: Kind(
        "datetime",
        PARTS[dt.datetime],
        _methods(
            dt.datetime,
            {**_OF_A_DAY, **_OF_A_ZONE, "isoformat": (2, ("sep", "timespec")), "date": (0, ()), "time": (0, ()),
             "timetz": (0, ()), "replace": (8, (*DAY, *HOUR, "tzinfo", "fold"))},
            strftime=(_formatted, 1, 1), isocalendar=(_isocalendar, 0, 0),
            timestamp=(_timestamp, 0, 0), astimezone=(_astimezone, 0, 1),
        ),
        {**_WHOLE, "date": "date", "time": "time", "timetz": "time", "replace": "datetime", "astimezone": "datetime",
         "timestamp": "float"},
    ),
    dt.date: Kind(
        "date",
        PARTS[dt.date],
        _methods(
            dt.date, {**_OF_A_DAY, "isoformat": (0, ()), "replace": (3, DAY)},
            strftime=(_formatted, 1, 1), isocalendar=(_isocalendar, 0, 0),
        ),
        {**_WHOLE, "replace": "date"},
    ),
    dt.time: Kind(
        "time",
        PARTS[dt.time],
        _methods(
            dt.time, {**_OF_A_ZONE, "isoformat": (1, ("timespec",)), "replace": (5, (*HOUR, "tzinfo", "fold"))},
            strftime=(_formatted, 1, 1),
        ),
        {"isoformat": "str", "strftime": "str", "replace": "time"},
    ),
    dt.timedelta: Kind(
        "timedelta",
        PARTS[dt.timedelta],
        _methods(dt.timedelta, {"total_seconds": (0, ())}),
        {"total_seconds": "float"},
    ),
}  # fmt: skip
PART_NAMES: Final = frozenset(name for parts in PARTS.values() for name in parts)
BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in KINDS.values()}
