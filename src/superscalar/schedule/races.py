"""What a `first` knows of its items, and when it lets go of the others (rule L16). Changed by `state` alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from superscalar.errors import IllegalEvent
from superscalar.plan.ir import First
from superscalar.schedule.cells import EXPANDED, ITEM, READY, Cell, attach
from superscalar.schedule.commands import Command, Release
from superscalar.schedule.items import elements_of
from superscalar.schedule.uses import Uses
from superscalar.values import Observation, Outcome


@dataclass(slots=True)
class Race:
    """What a `first` knows of its items, by position: which are open, and which succeeded, in the order of events.

    `over`: enough did, or enough no longer can.
    """

    wanted: int
    open: set[int]
    won: list[int] = field(default_factory=list)
    over: bool = False

    def note(self, position: int, outcome: Outcome) -> None:
        """An item settled."""
        self.open.discard(position)
        if isinstance(outcome, Observation):
            self.won.append(position)
        self.over = len(self.won) >= self.wanted or len(self.won) + len(self.open) < self.wanted

    @property
    def winners(self) -> tuple[int, ...]:
        """Those that were first, at most as many as are wanted, in input order."""
        return tuple(sorted(self.won[: self.wanted]))


class Races:
    """Has every `first` wait for enough of its items. `lower` tells a cell that it misses one thing less."""

    def __init__(self, uses: Uses, lower: Callable[[Cell], None], todo: deque[Cell | Command]) -> None:
        self._uses = uses
        self._lower = lower
        self._todo = todo
        self._races: dict[Cell, Race] = {}
        self._decided: list[Cell] = []  # every `first` that has settled and not let go yet

    def of(self, cell: Cell) -> Race:
        """What a `first` knows of its items."""
        return self._races[cell]

    def begin(self, cell: Cell, count: int) -> None:
        """A `first` was told how many it wants."""
        if cell.task is None or not isinstance(cell.task.work, First) or cell.status is not READY:
            raise IllegalEvent(f"`{cell.id}` was told how many it wants while {cell.status}")
        cell.status = EXPANDED
        cell.missing = 1
        cell.parts = elements_of(cell)
        self._uses.note(cell)
        race = self._races[cell] = Race(count, set(range(len(cell.parts))))
        race.over = race.wanted > len(cell.parts)
        for position, element in enumerate(cell.parts):
            outcome = element.outcome()
            if outcome is not None:
                race.note(position, outcome)
                continue
            for target in (element.cell, *element.keep):
                if target.outcome is None:
                    attach(target, cell, ITEM + position)
        if race.over:
            self._lower(cell)

    def item_settled(self, cell: Cell, position: int) -> None:
        """An item of a `first` settled, or a filter of it."""
        race = self._races.get(cell)
        outcome = cell.parts[position].outcome()
        if race is not None and not race.over and position in race.open and outcome is not None:
            race.note(position, outcome)
            if race.over:
                self._lower(cell)

    def check(self, cell: Cell, winners: tuple[int, ...]) -> None:
        """A `first` was won by these items.

        Raises:
            IllegalEvent: by others.
        """
        race = self._races.get(cell)
        if race is None or race.winners != winners:
            raise IllegalEvent(f"`{cell.id}` was won by the items {winners}, which is not what happened")

    def settled(self, cell: Cell, *, sealed: bool) -> None:
        """If that is a `first`, it lets go of what only it needed, once the plan is `sealed`."""
        if self._races.pop(cell, None) is not None:
            self._decided.append(cell)
            if sealed:
                self.release()

    def release(self) -> None:
        """Every `first` that has settled lets go of what only it needed. An incomplete plan may need that yet."""
        self._todo += [Release(cell.id) for cell in self._decided if not cell.retired]
        self._decided.clear()
