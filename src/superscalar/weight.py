"""What a value weighs: before it is copied, printed or recorded, how much memory or disk that would take at most.

A part that occurs a thousand times is looked at once and counts a thousand times, since a copy, a print and a row of a
journal have it a thousand times. So three lines that share their parts cannot ask for more than there is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Generator
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring_ascii as quoted
from pathlib import PurePath
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from superscalar.attachments import Attachment
from superscalar.everyday import BARE, contents
from superscalar.values import IMMUTABLE, Failure, Handle, Observation, Skipped, copied, own_state, record_fields

MAX_WEIGHT: Final = 256_000_000
"""Bytes that one value may weigh."""

MAX_DEPTH: Final = 200
"""Levels of collections and records within one another: deeper, nothing evaluates or records it."""


class TooHeavy(Exception):
    """A value weighs more than it may, or is nested too deeply, or in itself. The message says which."""


T = TypeVar("T")
Portions: TypeAlias = Generator[None, None, T]
"""Work that comes to a `T`, in portions of about a thousand items."""

PORTION: Final = 1_000
MUCH: Final = 2_000_000
"""Bytes: of what weighs more, a copy takes many portions."""

Weighed: TypeAlias = dict[int, tuple[int, int, Any]]
"""What was weighed, by address: its weight, how deep it is, and itself, so that it lives on where it is."""


def weight_of(value: Any, most: int = MAX_WEIGHT, known: Weighed | None = None) -> int:
    """How many bytes a value takes at most: as a copy, as JSON, or as a row of a journal.

    It is an estimate from above, in time that grows with what is really there. None of the methods of a class that is
    not Python's own is called, but for what iterates a mapping, sequence or set. `known` is looked at and added to:
    what is large is not gone through again. Nobody may change it.

    Raises:
        TooHeavy: it is more than `most`, or nested more than 200 deep.
    """
    found = _leaf(value)
    if found is None:
        found, _ = at_once(Scale(most, known).weighing(value))
    if found > most:
        raise TooHeavy(too_heavy(most))
    return found


def at_once(work: Portions[T]) -> T:
    """What work comes to, with nothing between its portions."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # what a generator returns comes so


async def in_turn(work: Portions[T], turn: Callable[[], Awaitable[None]]) -> T:
    """What work comes to, with a turn of the event loop between its portions."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # as above
        await turn()


def is_light(value: Any) -> bool:
    """Whether it is a constant, a number or a short text: in all the tasks of a run these come to little."""
    kind = type(value)
    if kind is int:
        return bool(-_WIDE < value < _WIDE)
    if kind is Decimal:
        return bool(_decimal(value) <= _SHORT)
    return kind in _CONSTANTS or ((kind is str or kind is bytes) and len(value) <= _SHORT)


_SHORT: Final = 1_000


def small_weight_of(value: Any) -> int | None:
    """What a value weighs that is no more than a portion of work; None of what may be more."""
    if type(value) in _COUNTED and len(value) > PORTION:
        return None
    try:
        return weight_of(value, PORTION * _NUMBER)
    except TooHeavy:
        return None


_COUNTED: Final = frozenset({list, tuple, dict, set, frozenset})


def too_heavy(most: int) -> str:
    """What to say of a value that weighs more than it may."""
    return f"it would take more than {sized(most)} where it is copied, printed or recorded"


def sized(count: int) -> str:
    """A number of bytes for people: `256 MB`."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return f"{count:,} bytes"


_POINTER: Final = 8
_CONSTANT: Final = 8  # with the pointer to it; `false,`
_NUMBER: Final = 40  # an int or float with the pointer to it; JSON of a float has 24 characters
_WIDE: Final = 2**53
_MOMENT: Final = 256
_OPAQUE: Final = 4_096  # a handle is passed on as it is; where it is shown, it is by its repr, cut
_COLLECTION: Final = 144  # and a byte for each item: what Python keeps free in a list
_ENTRY: Final = 100  # of a set or dict, beside what it holds
_HASHED: Final = 256
_RECORD: Final = 512


def _leaf(value: Any) -> int | None:
    """The weight of what has no parts; None of what may have some."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is int:
        return _NUMBER if -_WIDE < value < _WIDE else 64 + value.bit_length() // 2
    if kind is float:
        return _NUMBER
    if value is None or kind is bool:
        return _CONSTANT
    weigh = _LEAVES.get(kind)
    return None if weigh is None else weigh(value)


_SLICE: Final = 65_536
_BRIEF: Final = 30  # printable ASCII so short is more as it is held, even if each character is quoted with another


def _text(value: str) -> int:
    """As it is held, or as it is quoted, whatever is more."""
    size = str.__sizeof__(value)
    if len(value) <= _BRIEF and value.isascii() and value.isprintable():
        return _POINTER + size
    if len(value) <= _SLICE:
        return _POINTER + max(size, len(quoted(value)) + 8)
    written = sum(len(quoted(value[at : at + _SLICE])) for at in range(0, len(value), _SLICE))
    return _POINTER + max(size, written + 8)


def _bytes(value: bytes) -> int:
    return 64 + len(value) * 4 // 3


def _decimal(value: Decimal) -> int:
    return 64 + 3 * Decimal.__sizeof__(value)


def _moment(_: Any) -> int:
    return _MOMENT


_LEAVES: Final[dict[type, Callable[[Any], int]]] = {
    bytes: _bytes,
    bytearray: _bytes,
    dt.date: _moment,
    dt.datetime: _moment,
    dt.time: _moment,
    dt.timedelta: _moment,
    UUID: _moment,
    Decimal: _decimal,
    Handle: lambda value: 64 + _text(value.text),
    Attachment: lambda value: _MOMENT + _bytes(value.content) + _text(value.uri) + _text(value.name),
}

_LARGE: Final = 10_000  # bytes: what weighs more is remembered, if anything is
_MANY: Final = 32


def _alike(parts: Collection[Any]) -> int | None:
    """The weight of many numbers or texts of one kind, in a few passes; None where each is to be looked at."""
    kinds = set(map(type, parts))
    if kinds == {int}:
        return _NUMBER * len(parts) if min(parts) > -_WIDE and max(parts) < _WIDE else None
    if kinds == {str}:
        return 64 * len(parts) + sum(map(len, map(quoted, parts))) if all(map(str.isascii, parts)) else None
    return _NUMBER * len(parts) if kinds <= _CONSTANTS else None


_CONSTANTS: Final = frozenset({float, bool, type(None)})
_WeighedParts: TypeAlias = tuple[int, Collection[Any]]
"""What something weighs without its parts, and these."""


def _as_it_was(kind: type, parts: list[Any]) -> Any:
    return kind(parts)


class Scale:
    """Weighs values, and copies them, in portions between which others may have their turn.

    `copies`: of the copies it made, the large ones, as they would be known if they were weighed.
    """

    def __init__(self, most: int = MAX_WEIGHT, known: Weighed | None = None) -> None:
        self._most = most
        self.copies: Weighed = {}
        self._known: Weighed = {} if known is None else known
        self._seen: Weighed = {}
        self._looked_at = 0

    def weighing(self, value: Any, depth: int = MAX_DEPTH) -> Portions[tuple[int, int]]:
        """The weight of a value, and how deep it is.

        Raises:
            TooHeavy: as for `weight_of`.
        """
        known = self._seen.get(id(value)) or self._known.get(id(value))
        if known is not None:
            weight, height, _ = known
        else:
            if depth <= 0:
                raise _too_deep()
            weight, height = yield from self._summing(value, depth)
            kept = self._known if weight > _LARGE else self._seen
            kept[id(value)] = weight, height, value
        if height > depth:
            raise _too_deep()
        return weight, height

    def _summing(self, value: Any, depth: int) -> Portions[tuple[int, int]]:
        weight, inside = _parts(value)
        self._looked_at += len(inside)
        if len(inside) > _MANY and (alike := _alike(inside)) is not None:
            yield from self._portion()
            return weight + alike, 0
        height, most = 0, self._most
        for place, part in enumerate(inside, 1):
            own = _leaf(part)
            if own is None:
                own, below = yield from self.weighing(part, depth - 1)
                if below >= height:
                    height = below + 1
            weight += own
            if weight > most:
                raise TooHeavy(too_heavy(most))
            if not place % PORTION:
                yield
        yield from self._portion()
        return weight, height

    def _portion(self) -> Portions[None]:
        if self._looked_at >= PORTION:
            self._looked_at = 0
            yield

    def known(self, value: Any) -> tuple[int, int]:
        """What something weighs, and how deep it is, that was weighed or is among what was known."""
        weight, height, _ = self._seen.get(id(value)) or self._known[id(value)]
        return weight, height

    def is_large(self, value: Any) -> bool:
        """Whether something that was weighed is more than a portion."""
        known = self._seen.get(id(value)) or self._known.get(id(value))
        return known is not None and known[0] > _LARGE

    def copying(
        self, value: Any, copy: Callable[[Any], Any] = copied, whole: Callable[[type, list[Any]], Any] = _as_it_was
    ) -> Portions[Any]:
        """What `copy` makes of what was weighed: of a list or tuple that is `whole(its class, copies of its parts)`,
        and of a dict that of pairs.
        """
        return (yield from self._copying_each((value,), copy, whole))[0]

    def _copying_each(
        self, parts: Collection[Any], copy: Callable[[Any], Any], whole: Callable[[type, list[Any]], Any]
    ) -> Portions[list[Any]]:
        made = []
        for part in parts:
            kind = type(part)
            if kind in IMMUTABLE:
                made.append(copy(part))
                self._looked_at += 1
            elif kind in _SPLIT and self.is_large(part):
                made.append((yield from self._copying_parts(part, copy, whole)))
            else:
                known = self._seen.get(id(part)) or self._known.get(id(part))
                made.append(copy(part))
                self._looked_at += PORTION // 10 if known is None else known[0] // _NUMBER
            if self._looked_at >= PORTION:
                self._looked_at = 0
                yield
        return made

    def _copying_parts(
        self, value: Any, copy: Callable[[Any], Any], whole: Callable[[type, list[Any]], Any]
    ) -> Portions[Any]:
        kind = type(value)
        if kind is dict:
            keys = yield from self._copying_each([*value], copy, whole)
            items = yield from self._copying_each([*value.values()], copy, whole)
            made = whole(kind, list(zip(keys, items, strict=True)))
        else:
            made = whole(kind, (yield from self._copying_each([*value], copy, whole)))
        self.copies[id(made)] = *self.known(value), made
        return made


_SPLIT: Final = frozenset({list, tuple, dict})


def _too_deep() -> TooHeavy:
    return TooHeavy(f"it is nested more than {MAX_DEPTH} deep, or holds itself")


def _parts(value: Any) -> _WeighedParts:
    kind = type(value)
    if kind is list or kind is tuple:
        return _COLLECTION + len(value), value if len(value) <= PORTION else tuple(
            value
        )  # it may change between portions
    if kind is dict:
        return _HASHED + _ENTRY * len(value), [*value.keys(), *value.values()]
    if kind is Observation:
        return _COLLECTION, (value.value,)
    if kind is Failure or kind is Skipped:
        texts = (value.message, value.error) if kind is Failure else (value.because,)
        return _RECORD, (*texts, *(value.items or ()), *value.holder.keys)
    if issubclass(kind, Enum):
        return _POINTER, (value._value_,)
    if hasattr(kind, "get_secret_value"):
        return _MOMENT, ()
    fields = record_fields(value)
    if fields is not None:
        fields = {**fields, **own_state(value)}
        return _RECORD + 8 * len(fields) * _POINTER, [kind.__qualname__, kind.__module__, *fields, *fields.values()]
    return _foreign(value, kind)


def _foreign(value: Any, kind: type) -> _WeighedParts:
    """Of a class that is not Python's own, as far as what it derives from, or is like, can tell."""
    for base in (int, float, str, bytes, bytearray):
        if issubclass(kind, base):
            return _COLLECTION, (BARE[base](value),)
    if issubclass(kind, dt.date | dt.time | dt.timedelta | dt.tzinfo | UUID):
        return _MOMENT, ()
    if issubclass(kind, PurePath):
        try:
            return _MOMENT, (str(PurePath.__str__(value)),)
        except Exception:  # noqa: BLE001 -- its class may be a tool's own code
            return _OPAQUE, ()
    found = contents(value)
    if found is None:
        return _OPAQUE, ()
    return _HASHED + _ENTRY * len(found), found
