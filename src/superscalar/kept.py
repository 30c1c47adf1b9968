"""The events of a run as they are kept: the values of their fields in one list, and events when somebody reads them.

Python's garbage collector walks every object that holds others, again and again while a run goes on. A call makes three
or four events, so that walking them cost as much as calling the tool; numbers and texts in a list are not walked.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, TypeVar, get_args, overload

from superscalar.events import Event
from superscalar.forks import MAKING

T = TypeVar("T")


def _row_of(kind: Any) -> Callable[[Event], tuple[Any, ...]]:
    values = ", ".join(f"event.{field.name}" for field in fields(kind))
    names: dict[str, Any] = {"kind": kind}
    exec(f"def row(event): return (kind, {values})", names)  # noqa: S102 -- our own field names; half of `attrgetter`
    row: Callable[[Event], tuple[Any, ...]] = names["row"]
    return row


ROWS: Final[Mapping[type, Callable[[Event], tuple[Any, ...]]]] = {kind: _row_of(kind) for kind in get_args(Event)}
"""What takes an event apart: its class, and the values of its fields in order."""

_WIDTHS: Final[Mapping[type, int]] = {kind: 1 + len(fields(kind)) for kind in get_args(Event)}


class KeptEvents(Sequence[Event]):
    """Events in the order in which they happened; `append` adds one.

    Each is made again whenever it is read: equal to the one that was appended, with the very values that it held, but
    another object. `values`: the rows, end to end.
    """

    __slots__ = ("_begins", "_found", "values")

    def __init__(self, happened: Iterable[Event] = ()) -> None:
        self.values: list[Any] = []
        self._begins = array("Q")  # of rows among the values, as far as somebody has looked
        self._found = 0  # the values up to which they were looked for
        self.extend(happened)

    def append(self, event: Event) -> None:
        """Keep what an event says."""
        self.values += ROWS[type(event)](event)

    def extend(self, happened: Iterable[Event]) -> None:
        """Keep what each of these says."""
        for event in happened:
            self.append(event)

    def so_far(self) -> KeptEvents:
        """Those that have happened by now, whatever is appended later."""
        taken = KeptEvents()
        taken.values = self.values[:]
        return taken

    def _rows(self) -> Sequence[int]:
        """Where each row begins."""
        if self._found < len(self.values):
            with MAKING:  # whoever has a result may read it in several threads
                self._find_rows()
        return self._begins

    def _find_rows(self) -> None:
        values, at = self.values, self._found
        while at < len(values):
            self._begins.append(at)
            at += _WIDTHS[values[at]]
        self._found = at

    def beginning_at(self, begin: int) -> Any:
        """Make the event whose row begins at that place among the values."""
        values = self.values
        kind = values[begin]
        return kind(*values[begin + 1 : begin + _WIDTHS[kind]])

    def __len__(self) -> int:
        return len(self._rows())

    def __iter__(self) -> Iterator[Event]:
        at = 0
        while at < len(self.values):
            yield self.beginning_at(at)
            at += _WIDTHS[self.values[at]]

    @overload
    def __getitem__(self, at: int) -> Event: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, at: int | slice) -> Event | tuple[Event, ...]:
        """The event at that place, or those between two."""
        begins = self._rows()
        if isinstance(at, slice):
            return tuple(map(self.beginning_at, begins[at]))
        event: Event = self.beginning_at(begins[at])
        return event

    def __repr__(self) -> str:
        return f"<{len(self):,} events>"


class _MadeWhenRead:
    """A field whose kept events are made into a tuple when it is first read; any other value it gives as it is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        fields = vars(instance)
        held = fields[self._name]
        if type(held) is KeptEvents:
            held = fields[self._name] = tuple(held)
        return held

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self._name] = value


def made_when_read(name: str) -> Callable[[type[T]], type[T]]:
    """A dataclass without slots, whose field of that name may be given `KeptEvents`: to whoever reads it, a tuple."""

    def decorate(cls: type[T]) -> type[T]:
        setattr(cls, name, _MadeWhenRead(name))
        return cls

    return decorate
