"""What a plan computed as JSON has it: what a tool from elsewhere is sent, and its schema is asked about."""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Mapping, Set
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from superscalar.values import record_fields

_WIDEST: Final = 14_000  # bits: of more than about 4,300 digits Python makes no text
_LARGEST: Final = 308  # digits before the point of a Decimal: of more there is no float


class NoJson(Exception):
    """A value that JSON has no form for; the message says which."""


def as_json(value: Any) -> Any:
    """The same where it is JSON already, else what it is in JSON: records are objects, dates text, sets lists.

    Raises:
        NoJson: there is no form for it, or for something in it.
    """
    try:
        return _as_json(value)
    except RecursionError:
        raise NoJson("it is nested too deep, or in itself") from None


def _as_json(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        if not value.isascii():
            _check_text(value)
        return value
    if kind is int:
        if value.bit_length() > _WIDEST:
            raise NoJson("a number has too many digits")
        return value
    if kind is bool or value is None:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise NoJson(f"{value!r} is no number in JSON")
        return value
    if kind is list:
        made = [_as_json(item) for item in value]
        return value if all(new is old for new, old in zip(made, value, strict=True)) else made
    if kind is dict:
        return _object(value)
    return _other(value)


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    made = {}
    same = type(value) is dict
    for key, item in value.items():
        if type(key) is not str:
            raise NoJson(f"the key {key!r:.80} is no text")
        _check_text(key)
        made[key] = _as_json(item)
        same = same and made[key] is item
    return value if same else made  # type: ignore[return-value]  # it is a dict then


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoJson(f"a text has half of a character at {error.start}, which cannot be sent") from None


def _number(value: Decimal) -> int | float:
    """What it is as a number in JSON: a whole one in all of its digits, another one as close as a float comes."""
    if not value.is_finite():
        raise NoJson(f"{value} is no number in JSON")
    if value.adjusted() >= _LARGEST:
        raise NoJson("a number has too many digits")
    return int(value) if value == value.to_integral_value() else float(value)


def _other(value: Any) -> Any:
    match value:
        case enum.Enum():
            return _as_json(value.value)
        case Decimal():
            return _number(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case UUID() | PurePath():
            return str(value)
        case Mapping():
            return _object(value)
        case _ if (fields := record_fields(value)) is not None:
            return _object(fields)
        case list() | tuple() | Set():
            return [_as_json(item) for item in value]
        case str() | int() | float():  # of a class of its own
            plain = next(base for base in (str, int, float) if isinstance(value, base))
            return _as_json(plain(value))
    raise NoJson(f"a {type(value).__name__} has no form in JSON")
