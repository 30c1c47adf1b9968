"""The labels of a value at hand: what its type leaves no room for, what was declared of it, what its tool vouches for.

What the value really is counts, and never what was declared of it alone.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from superscalar.labels import PLAN, Label, narrowed_to
from superscalar.plan.evaluate.parts import Labelled, Parts
from superscalar.plan.evaluate.patterns import fits_pattern
from superscalar.unseen import hides
from superscalar.values import record_fields

_NARROW: Final[Mapping[type, str]] = {
    bool: "bool",
    float: "float",
    dt.date: "date",
    dt.datetime: "date",
    dt.time: "date",
    dt.timedelta: "date",
}
_WIDEST: Final = 1 << 63  # a larger whole number could spell a text


def narrowed(label: Label, value: Any) -> Label:
    """The label of a value whose type leaves no room for text, if it has such a type; else as it is."""
    if label.trusted or type(value) is str:
        return label
    name = _narrow_type(value)
    return label if name is None else narrowed_to(label, name)


def _narrow_type(value: Any) -> str | None:
    """The name of the type through which no text can be smuggled, if a value has one."""
    kind = type(value)
    if kind is int:
        return "int" if -_WIDEST <= value < _WIDEST else None
    if kind is Decimal:
        return "float" if _is_short(value) else None
    name = _NARROW.get(kind)
    return None if name == "date" and not _says_no_more(value) else name


_DIGITS: Final = 18
_SHORTEST: Final = Decimal(0).__sizeof__()  # with room for more digits, but they need not be counted in what is longer


def _is_short(value: Decimal) -> bool:
    """Whether a number says no more than one of Python's own: of many digits, or those behind a NaN, a text is made."""
    if value.__sizeof__() > _SHORTEST or not value.is_finite():
        return False
    _, digits, exponent = value.as_tuple()
    return len(digits) <= _DIGITS and -_DIGITS <= exponent <= _DIGITS  # type: ignore[operator]  # it is finite


_OFFSET: Final = re.compile(r"(?:UTC|GMT|Z)?(?:[+-]\d\d(?::\d\d){0,2}(?:\.\d{1,6})?)?", re.ASCII)


def _says_no_more(moment: Any) -> bool:
    """Whether the zone of a date or time has no name that somebody else chose: a text formatted from it would have."""
    zone = getattr(moment, "tzinfo", None)
    if zone is None:
        return True
    try:
        if type(zone) is ZoneInfo:  # of the system's own zones there is one object each
            return zone.key is not None and ZoneInfo(zone.key) is zone
        name = zone.tzname(moment if type(moment) is dt.datetime else None)
        return isinstance(name, str) and _OFFSET.fullmatch(name) is not None
    except Exception:  # noqa: BLE001 -- a zone may be of a tool's own class
        return False


# ----------------------------------------------------------------------------------------------------- what is declared

Shape: TypeAlias = "tuple[Any, ...] | Mapping[str, Shape] | None"
"""What is declared of a value: one of these constants, a record of these fields, a list (its items), or nothing."""

EACH: Final = "[]"
"""Stands for the items of a list where the fields of a record are named."""


def shaped(label: Label, value: Any, shape: Shape) -> Labelled:
    """The labels of a value of which something is declared: one of a fixed set of constants carries no text."""
    if label.trusted or shape is None:
        return narrowed(label, value)
    if isinstance(shape, tuple):
        return narrowed_to(label, "enum") if _is_one_of(value, shape) else narrowed(label, value)
    if (each := shape.get(EACH)) is not None:
        if type(value) not in (list, tuple):
            return narrowed(label, value)
        which = narrowed_to(label, "enum")  # one after the other, each is one of what was declared of them
        return Parts(which, {i: shaped(label, item, each) for i, item in enumerate(value)}, len(value))
    fields = value if type(value) is dict else record_fields(value)
    if not fields or getattr(value, "__pydantic_extra__", None) or not fields.keys() <= shape.keys():
        return narrowed(label, value)
    which = PLAN if fields.keys() == shape.keys() else narrowed_to(label, "bool")  # an optional one may be left out
    return Parts(which, {name: shaped(label, item, shape[name]) for name, item in fields.items()}, None)


def _is_one_of(value: Any, constants: tuple[Any, ...]) -> bool:
    plain = value._value_ if isinstance(value, enum.Enum) else value
    return any(type(one) is type(plain) and one == plain for one in constants)


# -------------------------------------------------------------------------------------------------- what is vouched for

Vouched: TypeAlias = "Mapping[str, Vouched] | str"
"""The parts of a result that its tool vouches for: by field, by "[]" for each item of a list.

A text stands for the value itself: the pattern that it has if it is a text, empty where none was declared.
"""

LONGEST_WORD: Final = 64
LONGEST: Final = 320
"""Characters of a text that fits a declared pattern: an address of mail has no more (RFC 3696, section 3)."""

_WORD: Final = re.compile(rf"[A-Za-z0-9_.@:/+-]{{0,{LONGEST_WORD}}}")
_UNCHOSEN: Final = re.compile(
    r"[+-]?\d{1,18}(?:\.\d{1,18})?"  # a number
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"  # a date, in ISO 8601
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64})",  # a digest
    re.ASCII,
)


def vouched(label: Label, value: Any, parts: Vouched, own: Label, word: Label, shape: Shape = None) -> Labelled:
    """The labels of a result of which a tool vouches for some parts: those have its `own` label, all others `label`.

    A text among them has the label `word`, unless nobody chose it. Also its own: how many items a list has that it
    vouches for parts of, and in which order they come.
    """
    if isinstance(parts, str) or not parts:
        return _leaf(label, value, parts or "", own, word, shape)
    shapes = shape if isinstance(shape, Mapping) else {}
    if (each := parts.get(EACH)) is not None:
        if type(value) not in (list, tuple):
            return shaped(label, value, shape)
        inner = shapes.get(EACH)
        return Parts(own, {i: vouched(label, item, each, own, word, inner) for i, item in enumerate(value)}, len(value))
    fields = value if type(value) is dict else record_fields(value)
    if not fields:
        return narrowed(label, value)
    labels = {
        name: vouched(label, item, parts[name], own, word, shapes.get(name))
        if name in parts
        else shaped(label, item, shapes.get(name))
        for name, item in fields.items()
    }
    return Parts(own, {**labels}, None)


def _leaf(label: Label, value: Any, pattern: Any, own: Label, word: Label, shape: Shape) -> Labelled:
    if type(value) is str and pattern:
        return own if len(value) <= LONGEST and not hides(value) and fits_pattern(pattern, value) else label
    if is_unchosen(value) or (isinstance(shape, tuple) and _is_one_of(value, shape)):
        return own
    return word if is_word(value) else shaped(label, value, shape)


def is_unchosen(value: Any) -> bool:
    """Whether a value is one that nobody puts words into: a number, a date, a UUID, a digest; also as text."""
    kind = type(value)
    if kind is str:
        return _UNCHOSEN.fullmatch(value) is not None
    return value is None or kind is UUID or _narrow_type(value) is not None


def is_word(value: Any) -> bool:
    """Whether a value is a text that may be a name or an address, and no sentence: a word of plain ASCII."""
    return type(value) is str and _WORD.fullmatch(value) is not None
