"""A value as text that leaves nothing out, whatever its class says of itself: what a person decides on."""

from __future__ import annotations

import collections
import datetime as dt
import enum
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from superscalar.short import cut_off
from superscalar.values import OrderedSet, record_fields


def spelled(value: Any) -> str:
    """A value as Python writes it, records with all that they hold: a class may leave fields out of its own repr.

    What is none of Python's collections and no record is its repr, which may raise.
    """
    return _spelled(value, _WHOLE)


def spelled_within(value: Any, most: int, kept: Iterable[str] = ()) -> str:
    """The same, but texts in it are cut that have more than `most` characters: everything else is there, and whole.

    So are the fields that are `kept`, whatever they hold.
    """
    return _spelled(value, _Disclosure(most, frozenset(kept)))


class _Disclosure(NamedTuple):
    """How much is told of a text; None is all of it."""

    most: int | None
    kept: frozenset[str] = frozenset()

    def text(self, value: str | bytes) -> str:
        if self.most is None or len(value) <= self.most:
            return repr(value)
        return f"{value[: self.most]!r}{cut_off(len(value))}"

    def of(self, name: Any) -> _Disclosure:
        """How much is told of a field."""
        return _WHOLE if type(name) is str and name in self.kept else self


_WHOLE: Final = _Disclosure(None)


def _spelled(value: Any, telling: _Disclosure) -> str:
    kind = type(value)
    if kind in (str, bytes):
        return telling.text(value)
    if kind in (list, tuple):
        items = ", ".join(_spelled(item, telling) for item in value)
        return f"[{items}]" if kind is list else f"({items}{',' * (len(value) == 1)})"
    if kind in (set, frozenset, OrderedSet):
        spelled_items = [_spelled(item, telling) for item in value]
        items = ", ".join(spelled_items if kind is OrderedSet else sorted(spelled_items))
        braces = f"{{{items}}}" if value else ""
        return f"frozenset({braces})" if kind is frozenset else braces or "set()"
    if kind is dict:
        pairs = (f"{_spelled(key, telling)}: {_spelled(item, telling.of(key))}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if kind in _MAPPINGS:
        return f"{kind.__name__}({_spelled(dict(value), telling)})"
    if kind is collections.deque:
        return f"deque({_spelled(list(value), telling)})"
    if isinstance(value, enum.Enum):
        return f"<{kind.__name__}.{value._name_}: {_spelled(value._value_, telling)}>"
    if kind in (dt.datetime, dt.time):
        return _moment(value)
    parts = record_fields(value)
    if parts is None:
        base = next((base for base in _BASES if isinstance(value, base)), None)
        return repr(value) if base is None or base is kind else f"{kind.__name__}({base.__repr__(value)})"
    private = getattr(value, "__pydantic_private__", None) or {}
    named = getattr(value, "__record_type__", kind.__qualname__)
    return f"{named.rpartition('.')[2]}({', '.join(_fields(chain(parts.items(), private.items()), telling))})"


def _fields(parts: chain[tuple[str, Any]], telling: _Disclosure) -> Iterator[str]:
    """Fields with their values; a name that is none in Python, which somebody else may have chosen, as a text."""
    for name, value in parts:
        yield f"{name if name.isidentifier() else repr(name)}={_spelled(value, telling.of(name))}"


def _moment(value: Any) -> str:
    """A date or time; what a zone that is none of Python's says of itself is not shown, but what it comes to."""
    zone = value.tzinfo
    if zone is None or type(zone) is dt.timezone or _is_of_the_system(zone):
        return repr(value)
    plain = value.replace(tzinfo=None)
    return f"{repr(plain)[:-1]}, tzinfo=<{type(zone).__name__}: {value.utcoffset()!r}>)"


def _is_of_the_system(zone: Any) -> bool:
    try:
        return type(zone) is ZoneInfo and zone.key is not None and ZoneInfo(zone.key) is zone
    except Exception:  # noqa: BLE001 -- its key may be any text
        return False


_BASES: Final = (str, bytes, int, float, complex, dt.datetime, dt.date, dt.time, dt.timedelta)
_MAPPINGS: Final = (collections.OrderedDict, collections.defaultdict, collections.Counter)
