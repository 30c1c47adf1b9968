"""The accesses of one provider that are not over, in program order: does any of them stand in the way of a later one?

As the queue of loads and stores of a processor, in which a store whose address is not known yet is in everybody's way.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from superscalar.schedule.cells import Cell

_LaneOrder: TypeAlias = tuple[int, ...]


class Touch(NamedTuple):
    """A resource, or all of the provider (None), and whether it is written."""

    resource: str | None
    writing: bool


@dataclass(slots=True)
class _OpenAccesses:
    """Where the open accesses of one resource stand, in program order."""

    writes: list[_LaneOrder] = field(default_factory=list)
    reads: list[_LaneOrder] = field(default_factory=list)

    def of(self, touch: Touch) -> list[_LaneOrder]:
        return self.writes if touch.writing else self.reads

    def before(self, order: _LaneOrder, *, writing: bool) -> _LaneOrder | None:
        """The last one before a place that an access there must wait for."""
        for places in (self.writes, self.reads) if writing else (self.writes,):
            if at := bisect_left(places, order):
                return places[at - 1]
        return None


class Lane:
    """Finds for an access with a name one that it must wait for: each waits for one at a time, and then looks again.

    That is the last one before it, since those of one resource end in program order. O(log n) a look.
    """

    def __init__(self) -> None:
        self._touched: dict[_LaneOrder, set[Touch]] = {}
        self._open: dict[str | None, _OpenAccesses] = {None: _OpenAccesses()}
        self._waiting: dict[_LaneOrder, list[Cell]] = {}

    def enter(self, order: _LaneOrder, touch: Touch) -> None:
        """An access takes its place; what is inside of a map has the place of the map until it is expanded."""
        touched = self._touched.setdefault(order, set())
        if touch not in touched:
            touched.add(touch)
            insort(self._open.setdefault(touch.resource, _OpenAccesses()).of(touch), order)

    def leave(self, order: _LaneOrder) -> list[Cell]:
        """An access is over, or touches something else than was thought; returns who waited for it."""
        for touch in self._touched.pop(order, ()):
            found = self._open[touch.resource]
            places = found.of(touch)
            del places[bisect_left(places, order)]
            if touch.resource is not None and not found.writes and not found.reads:
                del self._open[touch.resource]
        return self._waiting.pop(order, [])

    def waits(self, cell: Cell, touch: Touch) -> bool:
        """Whether an access with a name must wait; then `leave` returns it in time."""
        for found in (self._open.get(touch.resource), self._open[None]):
            before = None if found is None else found.before(cell.order, writing=touch.writing)
            if before is not None:
                self._waiting.setdefault(before, []).append(cell)
                return True
        return False
