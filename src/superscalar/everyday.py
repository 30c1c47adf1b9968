"""Values of classes that the standard library and number libraries have, as the data that they are (rule L24).

No library is imported to recognise its values, and of a class that we do not know only what its numbers are is asked.
"""

from __future__ import annotations

import collections
import datetime as dt
import enum
import numbers
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Copy: TypeAlias = Callable[[Any], Any]

_VIEWS: Final[tuple[type, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
_SUBCLASSED: Final = (collections.OrderedDict, dict, list, set)


def as_data(value: Any, copy: Copy) -> Any:
    """What a value of another class than data has is as data, its parts copied; itself where it is an opaque handle.

    An enum is its value, a number of a library a number of Python's, `defaultdict`, `Counter`, `OrderedDict` and
    `deque` are what they derive from. What is an opaque handle stays one, whatever its class does: it never raises.
    """
    kind = type(value)
    if issubclass(kind, enum.Enum):
        return copy(value._value_)
    if kind in (collections.defaultdict, collections.OrderedDict, collections.Counter, MappingProxyType):
        return {copy(key): copy(item) for key, item in value.items()}
    if kind is collections.deque or kind in _VIEWS:
        return [copy(item) for item in value]
    if issubclass(kind, dt.date | dt.time | dt.timedelta):
        return _moment(value)
    if _is_of_numpy(kind):
        return _number(value, kind)
    if issubclass(kind, int | float | str | bytes):
        return value
    if issubclass(kind, numbers.Number):
        return _number(value, kind)
    return twin(value, copy)


def twin(value: Any, copy: Copy) -> Any:
    """A copy of the same class, its parts copied; what there is no way to copy is itself."""
    kind = type(value)
    if kind is collections.defaultdict:
        return collections.defaultdict(value.default_factory, [(copy(key), copy(item)) for key, item in value.items()])
    if kind is collections.OrderedDict or kind is collections.Counter:
        return kind({copy(key): copy(item) for key, item in value.items()})
    if kind is collections.deque:
        return collections.deque([copy(item) for item in value], value.maxlen)
    if kind is frozenset:
        return frozenset(map(copy, value))
    base = next((base for base in _SUBCLASSED if issubclass(kind, base)), None)
    return value if base is None else _of_subclass(value, kind, base, copy)


def _of_subclass(value: Any, kind: type, base: type, copy: Copy) -> Any:
    """A copy of a collection whose class derives from one of Python's, by the methods of that one alone."""
    held: Any = base
    fresh: Any = None
    try:
        fresh = held.__new__(kind)
        if issubclass(base, dict):
            for key, item in held.items(value):
                held.__setitem__(fresh, copy(key), copy(item))
        else:
            parts = [copy(item) for item in held.__iter__(value)]
            held.extend(fresh, parts) if base is list else held.update(fresh, parts)
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:  # it has slots only
        return fresh
    except Exception:  # noqa: BLE001 -- its class is a tool's own code, and it may be handed on all the same
        return value
    object.__getattribute__(fresh, "__dict__").update(own)
    return fresh


def _is_of_numpy(kind: type) -> bool:
    """Whether it is a class of numpy's scalars: `int64`, `bool_`, `datetime64`."""
    return any(base.__name__ == "generic" and base.__module__ == "numpy" for base in kind.__mro__)


def _number(value: Any, kind: type) -> Any:
    """A number of a library as Python's own; itself where it is none of these, such as a `Decimal` or a complex one."""
    try:
        if _is_of_numpy(kind):
            found = value.item()
        elif issubclass(kind, numbers.Integral):
            found = int(value)
        elif issubclass(kind, numbers.Real) and not issubclass(kind, numbers.Rational):
            found = float(value)
        else:
            return value
        if type(found) in (bool, int, float, str, bytes, dt.date, dt.datetime, dt.timedelta, type(None)):
            return found
        return float(value) if issubclass(kind, numbers.Real) else value
    except Exception:  # noqa: BLE001 -- as above
        return value


def _moment(value: Any) -> Any:
    """A date, time or duration of a class derived from Python's as Python's own; itself where it is not a real one."""
    try:
        for base, parts in _MOMENTS.items():
            if isinstance(value, base):
                made = {name: getattr(base, name).__get__(value) for name in parts}
                return base(**made)
    except Exception:  # noqa: BLE001 -- as above: some libraries have a date that is no date
        return value
    return value


_DAY: Final = ("year", "month", "day")
_HOUR: Final = ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
_MOMENTS: Final[Mapping[type, tuple[str, ...]]] = {
    dt.datetime: (*_DAY, *_HOUR),
    dt.date: _DAY,
    dt.time: _HOUR,
    dt.timedelta: ("days", "seconds", "microseconds"),
}


def holds_none_else(value: Any, plain: frozenset[type]) -> bool:
    """Whether there is nothing to convert in a field of a record: it is of these classes, or lists or dicts of them."""
    kind = type(value)
    if kind in plain:
        return True
    if kind is list or kind is tuple:
        return all([holds_none_else(item, plain) for item in value])  # noqa: C419 -- a generator takes twice as long
    if kind is dict:
        return all([holds_none_else(k, plain) and holds_none_else(v, plain) for k, v in value.items()])  # noqa: C419
    return False
