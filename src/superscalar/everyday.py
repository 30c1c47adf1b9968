"""Values of classes that the standard library and number libraries have, as the data that they are (rule L24).

No library is imported to recognise its values, and of a class that we do not know only is asked what its numbers are,
and what is in it if it says that it is a mapping, a sequence or a set.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import numbers
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from itertools import islice
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from uuid import UUID

Copy: TypeAlias = Callable[[Any], Any]

_VIEWS: Final[tuple[type, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
_SUBCLASSED: Final = (collections.OrderedDict, dict, list, set, tuple)


def as_data(value: Any, copy: Copy) -> Any:
    """What a value of another class than data has is as data, its parts copied; itself where it is an opaque handle.

    An enum is its value, a number of a library a number of Python's, and a text, number, mapping, sequence or set of
    any class what it derives from, or is like: nothing of its class is left. One that holds an opaque handle, though
    its class does not derive from Python's, is one itself. What is one stays so, whatever its class does.
    """
    kind = type(value)
    if issubclass(kind, enum.Enum):
        return copy(value._value_)
    if kind in (collections.defaultdict, collections.OrderedDict, collections.Counter, MappingProxyType):
        return {copy(key): copy(item) for key, item in value.items()}
    if kind is collections.deque or kind in _VIEWS:
        return [copy(item) for item in value]
    if _is_lazy(kind):
        return _taken(value, copy)
    if issubclass(kind, dt.date | dt.time | dt.timedelta):
        return _moment(value)
    if _is_of_numpy(kind):
        return _number(value, kind)
    for base, bare in BARE.items():
        if issubclass(kind, base):
            return bare(value)
    if issubclass(kind, numbers.Number):
        return _number(value, kind)
    return _collection(value, kind, copy)


BARE: Final[Mapping[type, Callable[[Any], Any]]] = {  # numbers and texts of any class without that
    int: int.__pos__,
    float: float.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: bytes,
    Decimal: Decimal,
    collections.UserString: lambda value: str.__str__(value.data),
}


def _collection(value: Any, kind: type, copy: Copy) -> Any:
    """A collection of any class as one of Python's; itself where it is none."""
    if issubclass(kind, dict):
        return {copy(key): copy(item) for key, item in dict.items(value)}
    base = next((base for base in (list, tuple, set, frozenset) if issubclass(kind, base)), None)
    if base is not None:
        items: Any = base.__iter__(value)
        return base(copy(item) for item in items)
    like = _like(kind)
    if like is None:
        return value
    try:  # its class is a tool's own code from here on
        items = list(islice(value.items() if like is dict else value, _MOST + 1))
        made: Any = [tuple(map(copy, item)) for item in items] if like is dict else list(map(copy, items))
        return value if len(items) > _MOST or any(map(_holds_handle, made)) else like(made)
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001 -- it may be handed on all the same
        return value


def _like(kind: type) -> Callable[[Any], Any] | None:
    """Which of Python's collections one of another class becomes; None of what is none."""
    if kind in _THEMSELVES:
        return None
    return next((base for abstract, base in _LIKE.items() if issubclass(kind, abstract)), None)


def contents(value: Any) -> list[Any] | None:
    """What is in a collection of any class, keys included and nothing copied; None of what is no collection, or too
    large to become one.

    What is checked when it is taken, and given once, is not looked into.
    """
    kind = type(value)
    if issubclass(kind, dict):
        return [*dict.keys(value), *dict.values(value)]
    base = next((base for base in _HOLDING if issubclass(kind, base)), None)
    if base is not None:
        held: Any = base
        return list(held.__iter__(value))
    like = _like(kind)
    if like is None:
        return None
    try:  # as above
        items = list(islice(value.items() if like is dict else value, _MOST + 1))
        if len(items) > _MOST:
            return None
        return [part for key, item in items for part in (key, item)] if like is dict else items
    except Exception:  # noqa: BLE001 -- as above
        return None


_HOLDING: Final = (list, tuple, set, frozenset, collections.deque, *_VIEWS)
_LIKE: Final[Mapping[type, Callable[[Any], Any]]] = {Mapping: dict, Set: set, Sequence: list}
_THEMSELVES: Final = (range, memoryview)
_MOST: Final = 100_000  # items that a collection of a tool's own class may have to be data (rule L25)


def _holds_handle(value: Any) -> bool:
    """Whether an opaque handle stands in what was made of collections: a part of no class that is data by itself."""
    kind = type(value)
    if kind is dict:
        return any(_holds_handle(key) or _holds_handle(item) for key, item in value.items())
    if kind in (list, tuple, set, frozenset):
        return any(map(_holds_handle, value))
    return not (issubclass(kind, _DATA) or hasattr(kind, "__pydantic_fields__") or dataclasses.is_dataclass(kind))


_DATA: Final = (
    *(type(None), int, float, str, bytes, dt.date, dt.time, dt.timedelta, dt.tzinfo),
    *(range, tuple, numbers.Number, enum.Enum, UUID, PurePath),
)
"""Classes whose objects are data, whatever they derive them to: their values cannot be changed from elsewhere."""


def twin(value: Any, copy: Copy) -> Any:
    """A copy of the same class, its parts copied; what there is no way to copy is itself.

    What pydantic made of an `Iterable`, and checks and gives only once, is a list of what it gives.
    """
    kind = type(value)
    if _is_lazy(kind):
        return _taken(value, copy)
    if kind is collections.defaultdict:
        return collections.defaultdict(value.default_factory, [(copy(key), copy(item)) for key, item in value.items()])
    if kind is collections.OrderedDict or kind is collections.Counter:
        return kind({copy(key): copy(item) for key, item in value.items()})
    if kind is collections.deque:
        return collections.deque([copy(item) for item in value], value.maxlen)
    if kind is MappingProxyType:
        return MappingProxyType({copy(key): copy(item) for key, item in value.items()})
    if kind is frozenset:
        return frozenset(map(copy, value))
    if kind is bytearray:
        return bytearray(value)
    base = next((base for base in _SUBCLASSED if issubclass(kind, base)), None)
    return value if base is None else _of_subclass(value, kind, base, copy)


def _is_lazy(kind: type) -> bool:
    """Whether it is pydantic's class of what was given for an `Iterable`, of which each item is checked when taken."""
    return kind.__name__ == "ValidatorIterator" and kind.__module__.partition(".")[0] == "pydantic_core"


def _taken(value: Any, copy: Copy) -> list[Any]:
    """All that it gives.

    Raises:
        ValueError: one does not fit (pydantic's `ValidationError`), or there are too many of them.
    """
    items = list(islice(value, _MOST + 1))
    if len(items) > _MOST:
        raise ValueError(f"an Iterable that gives more than {_MOST:,} items")
    return [copy(item) for item in items]


def _of_subclass(value: Any, kind: type, base: type, copy: Copy) -> Any:
    """A copy of a collection whose class derives from one of Python's, by the methods of that one alone."""
    held: Any = base
    fresh: Any = None
    try:
        if base is tuple:
            fresh = tuple.__new__(kind, [copy(item) for item in tuple.__iter__(value)])
        else:
            fresh = held.__new__(kind)
        if issubclass(base, dict):
            for key, item in held.items(value):
                held.__setitem__(fresh, copy(key), copy(item))
        elif base is not tuple:
            parts = [copy(item) for item in held.__iter__(value)]
            held.extend(fresh, parts) if base is list else held.update(fresh, parts)
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:  # it has slots only
        return fresh
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001 -- its class is a tool's own code, and it may be handed on all the same
        return value
    object.__getattribute__(fresh, "__dict__").update({name: copy(part) for name, part in own.items()})
    return fresh


def _is_of_numpy(kind: type) -> bool:
    """Whether it is a class of numpy's scalars: `int64`, `bool_`, `datetime64`."""
    return any(base.__name__ == "generic" and base.__module__ == "numpy" for base in kind.__mro__)


def _number(value: Any, kind: type) -> Any:
    """A number of a library as Python's own; itself where it is none of these, such as a complex one."""
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


def is_text_alone(kind: type) -> bool:
    """Whether it is a class of a library whose objects are all that their text says, and cannot be changed."""
    return kind.__module__.partition("._")[0] in _TEXTUAL


_TEXTUAL: Final = frozenset({"decimal", "uuid", "pathlib", "ipaddress", "fractions", "pydantic.networks"})


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


def record_fields(value: Any) -> dict[str, Any] | None:
    """The fields of a record (dataclass, named tuple, pydantic model) by name, or None if `value` is none.

    Those that a model has beside the declared ones are among them, and those that are not set yet are not.
    """
    kind = type(value)
    if hasattr(kind, "__record_fields__"):  # it was read back
        return dict(value.__record_fields__)
    if hasattr(kind, "__pydantic_fields__"):
        own = {name: part for name in kind.__pydantic_fields__ if (part := getattr(value, name, _UNSET)) is not _UNSET}
        more = getattr(value, "__pydantic_extra__", None)
        return {**own, **more} if more else own
    if dataclasses.is_dataclass(kind):
        named = [(field.name, getattr(value, field.name, _UNSET)) for field in dataclasses.fields(kind)]
        return {name: part for name, part in named if part is not _UNSET}
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return dict(zip(kind._fields, value, strict=True))
    return None


_UNSET: Final = object()
