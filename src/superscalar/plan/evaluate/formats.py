"""Formats that stand in a plan as constants: `"{:.2f}".format(x)` and `"%.2f" % x` (rules L3, L25).

Python reads such a format with its own reader, which reaches attributes and takes any width. This one reaches fields
and items as an expression does, and hands on to Python what makes one number or one text of a bounded width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from string import Formatter
from typing import Any, Final

from superscalar.plan.evaluate.bounds import MAX_WIDTH, BoundError, EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import (
    datum,
    described,
    field_of,
    formatted,
    item_of,
    refuse_beyond_bounds,
    shown,
    text_of,
)
from superscalar.short import brief

_NESTED: Final = 2
_FIELD: Final = re.compile(r"\.([^.\[\]]+)|\[([^\[\]]+)\]")
_CONVERTED: Final = re.compile(
    r"%(?:\((?P<key>[^()]*)\))?(?P<flags>[-+ #0]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d*))?[hlL]?(?P<type>.?)",
    re.DOTALL,
)


class UnknownFormat(EvaluationError):
    """The format itself is none, whatever it is applied to."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "ValueError")


def fields_of(text: str) -> list[str | int]:
    """What `text.format(...)` asks for: positions and names of arguments, in order.

    Raises:
        UnknownFormat: it is no format, or reaches what a plan does not.
    """
    return list(_asked(text, _Counter(), _NESTED))


def format_text(text: str, positional: Sequence[Any], named: Mapping[str, Any], budget: WorkLeft) -> str:
    """`text.format(*positional, **named)`."""
    return _filled(text, positional, named, budget, _Counter(), _NESTED)


class _Counter:
    """The next position of a field that has no number of its own."""

    def __init__(self) -> None:
        self._next = 0
        self._numbered: bool | None = None

    def position(self, first: str) -> int | str:
        """The argument that the first part of a field's name stands for."""
        numbered = first.isdecimal()
        if first and not numbered:
            return first
        if self._numbered not in (None, numbered):
            raise UnknownFormat("a format numbers all of its fields, or none")
        self._numbered = numbered
        if numbered:
            return int(first) if len(first) <= 4 else MAX_WIDTH  # beyond any argument
        self._next += 1
        return self._next - 1


def _parsed(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(text))
    except ValueError as error:
        raise UnknownFormat(f"the format `{brief(text)}` cannot be read: {error}") from error


def _path(field: str) -> tuple[str, list[tuple[str, str]]]:
    """A field's name as its argument, and the fields and items of that."""
    first = re.split(r"[.\[]", field, maxsplit=1)[0]
    steps, at = [], len(first)
    while at < len(field):
        step = _FIELD.match(field, at)
        if step is None or (step[1] or "").startswith("_"):
            raise UnknownFormat(f"the field `{brief(field)}` of a format is not reachable")
        steps.append((step[1] or "", step[2] or ""))
        at = step.end()
    return first, steps


def _asked(text: str, counter: _Counter, depth: int) -> Iterator[str | int]:
    if depth == 0:
        raise UnknownFormat("a format stands in the fields of a format, and no deeper")
    for _, field, spec, conversion in _parsed(text):
        if field is None:
            continue
        first, _steps = _path(field)
        if conversion not in (None, "s", "r", "a"):
            raise UnknownFormat(f"a format has no conversion `!{brief(conversion or '')}`")
        yield counter.position(first)
        yield from _asked(spec or "", counter, depth - 1) if spec and "{" in spec else ()


def _filled(
    text: str, positional: Sequence[Any], named: Mapping[str, Any], budget: WorkLeft, counter: _Counter, depth: int
) -> str:
    if depth == 0:
        raise UnknownFormat("a format stands in the fields of a format, and no deeper")
    parts, length = [], 0
    for literal, field, spec, conversion in _parsed(text):
        made = literal
        if field is not None:
            value = _found(field, positional, named, budget, counter)
            inner = _filled(spec, positional, named, budget, counter, depth - 1) if spec and "{" in spec else spec or ""
            made += formatted(converted(value, conversion or "", budget), inner, budget)
        length += len(made)
        budget.text(length)
        parts.append(made)
    return "".join(parts)


def _found(field: str, positional: Sequence[Any], named: Mapping[str, Any], budget: WorkLeft, counter: _Counter) -> Any:
    first, steps = _path(field)
    wanted = counter.position(first)
    if isinstance(wanted, int):
        if wanted >= len(positional):
            raise EvaluationError(
                f"the format asks for {wanted + 1} values, and {len(positional)} are given", "IndexError"
            )
        value = positional[wanted]
    elif wanted in named:
        value = named[wanted]
    else:
        raise EvaluationError(f"the format asks for `{brief(wanted)}`, which is not given", "KeyError")
    for name, item in steps:
        if name:
            value = field_of(value, name, budget)
        else:
            value = item_of(value, int(item) if item.isdecimal() and len(item) < 10 else item, budget)
    return value


def converted(value: Any, conversion: str, budget: WorkLeft) -> Any:
    """What `!s`, `!r` and `!a` make of a value; without one of them it is as it was."""
    if conversion == "s":
        return text_of(value, budget)
    if not conversion:
        return value
    text = shown(value, budget)
    if conversion == "r" or text.isascii():
        return text
    budget.text(10 * len(text))
    return text.encode("ascii", "backslashreplace").decode("ascii")


# ------------------------------------------------------------------------------------------------------ `%`

_WHOLE: Final = frozenset("diouxX")
_BROKEN: Final = frozenset("eEfFgG")


def check_percent(text: str) -> None:
    """Look at the format before anything is put into it.

    Raises:
        UnknownFormat: it is none.
    """
    for match in _CONVERTED.finditer(text):
        if match["type"] not in {*_WHOLE, *_BROKEN, *"crsa%"} or not match["type"]:
            raise UnknownFormat(f"`{brief(match[0])}` is no format of a value")


def percent(text: str, values: Any, budget: WorkLeft) -> str:
    """`text % values`."""
    check_percent(text)
    given = list(values) if isinstance(values, tuple) else [values]
    taken = 0
    by_key = False

    def next_value() -> Any:
        nonlocal taken
        taken += 1
        if taken > len(given):
            raise EvaluationError("the format asks for more values than are given")
        return given[taken - 1]

    parts, length, end = [], 0, 0
    for match in _CONVERTED.finditer(text):
        made = text[end : match.start()]
        end = match.end()
        if match["type"] == "%":
            made += "%"
        else:
            if match["key"] is not None:
                by_key = True
                if not isinstance(values, Mapping):
                    raise EvaluationError(f"the format asks for keys, and is given {described(values)}")
            width = _star(match["width"], next_value)
            precision = _star(match["precision"], next_value)
            value = next_value() if match["key"] is None else item_of(values, match["key"], budget)
            made += _one(match["flags"], width, precision, match["type"], value, budget)
        length += len(made)
        budget.text(length)
        parts.append(made)
    if taken < len(given) and not by_key and not (not taken and isinstance(values, Mapping)):
        raise EvaluationError("more values are given than the format asks for")
    parts.append(text[end:])
    budget.text(length + len(parts[-1]))
    return "".join(parts)


def _star(written: str | None, next_value: Any) -> str | None:
    """A width or a precision: as it is written, or the next value where that is a star."""
    if written == "*":
        value = datum(next_value())
        if not isinstance(value, int):
            raise EvaluationError(f"the width `*` of a format is a whole number, not {described(value)}")
        written = str(value) if abs(value) <= MAX_WIDTH else str(MAX_WIDTH + 1)
    if written and int(written.lstrip("-")[:5] or 0) > MAX_WIDTH:
        raise BoundError(f"a format is wider than the bound, {MAX_WIDTH:,}")
    return written


def _one(flags: str, width: str | None, precision: str | None, kind: str, value: Any, budget: WorkLeft) -> str:
    """One value, as Python formats a plain number or text."""
    if width and width.startswith("-"):
        flags, width = flags + "-", width[1:]
    if precision and precision.startswith("-"):
        precision = "0"
    form = f"%{flags}{width or ''}{'' if precision is None else '.' + precision}"
    if kind in "rsa":
        text = converted(value, kind, budget)
        budget.text(len(text) + MAX_WIDTH)
        shown_text: str = f"{form}s" % text
        return shown_text
    value = datum(value)
    number = isinstance(value, int | float | Decimal)
    if kind == "c":
        if not (isinstance(value, str) and len(value) == 1) and not (isinstance(value, int) and 0 <= value < 0x110000):
            raise EvaluationError(f"`%c` takes one character, not {described(value)}")
    elif not number or (kind in "oxX" and isinstance(value, float | Decimal)):
        raise EvaluationError(f"`%{kind}` takes a number, not {described(value)}")
    if number:
        refuse_beyond_bounds(value, budget)
    budget.text(2 * MAX_WIDTH)
    try:
        made: str = f"{form}{kind}" % value
    except (OverflowError, ValueError) as error:
        raise EvaluationError(f"`%{kind}` of {described(value)}: {error}", type(error).__name__) from error
    return made
