"""Which calls went out together as one request: whoever makes it fail decides on all of them."""

from __future__ import annotations

from superscalar.schedule.cells import Cell


class Requests:
    """The requests of one run that stand for several calls, as its events tell of them.

    `failed`: the calls that failed after they had been in one with others, in the order in which they did.
    """

    __slots__ = ("_joined", "_members", "failed")

    def __init__(self) -> None:
        self._members: dict[int, list[Cell]] = {}
        self._joined: dict[Cell, list[int]] = {}
        self.failed: list[Cell] = []

    def begin(self, number: int, cell: Cell) -> None:
        """An attempt of a call goes out with the batch of that number."""
        self._members.setdefault(number, []).append(cell)
        self._joined.setdefault(cell, []).append(number)

    def fail(self, cell: Cell, *, alone: bool) -> None:
        """A call failed for good: `alone`, if its last request was answered and others may have got results."""
        joined = self._joined.get(cell)
        if joined is None:
            return
        if alone:
            joined.pop()
        if any(len(self._members[number]) > 1 for number in joined):
            self.failed.append(cell)

    def others(self, cell: Cell) -> list[Cell]:
        """The calls in whose company a call failed, in any of its attempts; all of them, if one is not sure."""
        found = dict.fromkeys(one for number in self._joined.get(cell, ()) for one in self._members[number])
        found.pop(cell, None)
        return list(found)
