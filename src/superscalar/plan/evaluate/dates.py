"""Dates, times and durations (rules L3, L24): what makes them, their parts, and their methods.

A plan has no clock and no place: nothing here depends on when or where it is evaluated. What Python answers by the
machine's own time zone is refused, with what to write instead.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from superscalar.plan.evaluate.bounds import MAX_WIDTH, BoundError, EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import datum, described, error_text, refuse_beyond_bounds
from superscalar.plan.evaluate.listed import Function, Kind, Listed
from superscalar.plan.evaluate.moments import DAY, HOUR, PARTS, strftime
from superscalar.plan.ir.forms import UTC


class IsoCalendarDate(NamedTuple):
    """What `isocalendar` gives."""

    year: int
    week: int
    weekday: int


def _made(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    """`make`, on arguments that are data, with what it raises as what a plan's writer is told."""

    def run(budget: WorkLeft, *arguments: Any, **keywords: Any) -> Any:
        given = [_simple(name, argument, budget) for argument in arguments]
        named = {keyword: _simple(name, argument, budget) for keyword, argument in keywords.items()}
        try:
            return make(*given, **named)
        except (EvaluationError, RecursionError, MemoryError):
            raise
        except Exception as error:  # a zone of a tool's own class may raise anything
            raise EvaluationError(f"`{name}`: {error_text(error)}", type(error).__name__) from error

    return run


def _simple(name: str, value: Any, budget: WorkLeft) -> Any:
    value = datum(value)
    if value is None or isinstance(value, float | dt.date | dt.time | dt.timedelta | dt.tzinfo):
        return value
    if isinstance(value, int):
        refuse_beyond_bounds(value, budget)
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


def _function(
    make: Callable[..., Any], fewest: int, most: int, keywords: tuple[str, ...], form: str, grammar: str = ""
) -> Function:
    name, _, _ = form.partition("(")
    of, _, _ = name.partition(".")
    return Function(_made(name, make), fewest, most, frozenset(keywords), gives=of, form=form, grammar=grammar)


_SPAN: Final = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")

FUNCTIONS: Final[Mapping[str, Function]] = {
    row.form.partition("(")[0]: row
    for row in (
        _function(dt.date, 0, 3, DAY, "date(2026, 1, 31)", "three"),
        _function(dt.datetime, 0, 8, (*DAY, *HOUR, "tzinfo", "fold"), "datetime(2026, 1, 31, 9, 30)", "three to six"),
        _function(dt.time, 0, 5, (*HOUR, "tzinfo", "fold"), "time(9, 30)", "one to three"),
        _function(dt.timedelta, 0, 7, _SPAN, "timedelta(days=1, hours=2)", "span"),
        _function(_timezone, 1, 2, (), "timezone(timedelta(hours=2))"),
        _function(dt.date.fromisoformat, 1, 1, (), 'date.fromisoformat("2026-01-31")', "text"),
        _function(dt.date.fromisocalendar, 3, 3, (), "date.fromisocalendar(year, week, day)"),
        _function(dt.date.fromordinal, 1, 1, (), "date.fromordinal(days)"),
        _function(dt.time.fromisoformat, 1, 1, (), 'time.fromisoformat("09:30")'),
        _function(dt.datetime.fromisoformat, 1, 1, (), 'datetime.fromisoformat("2026-01-31T09:30")', "text"),
        _function(_strptime, 2, 2, (), 'datetime.strptime(text, "%Y-%m-%d")', "two"),
        _function(dt.datetime.combine, 2, 3, ("tzinfo",), "datetime.combine(day, time(9, 30))", "two"),
        _function(_fromtimestamp, 1, 2, ("tz",), "datetime.fromtimestamp(seconds, timezone.utc)"),
    )
}
UNCALLED: Final[Mapping[str, Function]] = {UTC: _function(lambda: dt.UTC, 0, 0, (), UTC)}

CLASSES: Final = frozenset({"date", "datetime", "time", "timedelta", "timezone"})
MODULES: Final = frozenset({"datetime", "dt"})
"""What the module of these classes is called in other people's code: `datetime.date(...)` is `date(...)`."""


def why_too_few(name: str, given: int, keywords: tuple[str, ...]) -> str:
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


def _formatted(value: Any, format: Any) -> str:
    if not isinstance(format, str):
        raise EvaluationError(f'`strftime` takes a format, like "%Y-%m-%d", not {described(format)}')
    return strftime(value, format)


def _own(kind: type, name: str, gives: str, most: int = 0, keywords: tuple[str, ...] = ()) -> dict[str, Listed]:
    """A method that is Python's own."""
    return {name: Listed(_made(name, getattr(kind, name)), 0, most, frozenset(keywords), gives=gives)}


_STRFTIME: Final = {"strftime": Listed(_made("strftime", _formatted), 1, 1, frozenset({"format"}), gives="str")}
_ISOCALENDAR: Final = {"isocalendar": Listed(_made("isocalendar", _isocalendar), 0, 0)}


def _of_a_day(kind: type) -> dict[str, Listed]:
    numbers = {**_own(kind, "weekday", "int"), **_own(kind, "isoweekday", "int"), **_own(kind, "toordinal", "int")}
    return {**numbers, **_own(kind, "ctime", "str")}


def _of_a_zone(kind: type) -> dict[str, Listed]:
    return {**_own(kind, "utcoffset", ""), **_own(kind, "tzname", ""), **_own(kind, "dst", "")}


KINDS: Final[Mapping[type, Kind]] = {
    dt.datetime: Kind(
        "datetime",
        PARTS[dt.datetime],
        {
            **_of_a_day(dt.datetime),
            **_of_a_zone(dt.datetime),
            **_own(dt.datetime, "isoformat", "str", 2, ("sep", "timespec")),
            **_own(dt.datetime, "date", "date"),
            **_own(dt.datetime, "time", "time"),
            **_own(dt.datetime, "timetz", "time"),
            **_own(dt.datetime, "replace", "datetime", 8, (*DAY, *HOUR, "tzinfo", "fold")),
            **_STRFTIME,
            **_ISOCALENDAR,
            "timestamp": Listed(_made("timestamp", _timestamp), 0, 0, gives="float"),
            "astimezone": Listed(_made("astimezone", _astimezone), 0, 1, frozenset({"tz"}), gives="datetime"),
        },
    ),
    dt.date: Kind(
        "date",
        PARTS[dt.date],
        {
            **_of_a_day(dt.date),
            **_own(dt.date, "isoformat", "str"),
            **_own(dt.date, "replace", "date", 3, DAY),
            **_STRFTIME,
            **_ISOCALENDAR,
        },
    ),
    dt.time: Kind(
        "time",
        PARTS[dt.time],
        {
            **_of_a_zone(dt.time),
            **_own(dt.time, "isoformat", "str", 1, ("timespec",)),
            **_own(dt.time, "replace", "time", 5, (*HOUR, "tzinfo", "fold")),
            **_STRFTIME,
        },
    ),
    dt.timedelta: Kind("timedelta", PARTS[dt.timedelta], _own(dt.timedelta, "total_seconds", "float")),
}
PART_NAMES: Final = frozenset(name for parts in PARTS.values() for name in parts)
BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in KINDS.values()}
