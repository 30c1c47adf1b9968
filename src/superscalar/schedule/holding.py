"""What a run holds of values, by weight, and that it is never more than its bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from superscalar import events
from superscalar.attachments import Attachment
from superscalar.plan.ir import Compute, Join, PlanCall, Ref, Task, Work
from superscalar.schedule.cells import Cell
from superscalar.values import Failure, Observation, Outcome, copied
from superscalar.weight import (
    MUCH,
    PORTION,
    Portions,
    Scale,
    TooHeavy,
    Weighed,
    in_turn,
    is_light,
    sized,
    small_weight_of,
    weight_of,
)

NAME = "max_bytes"


_PARTED = frozenset({list, tuple, dict})


async def turn() -> None:
    """Let the event loop do what else there is."""
    await asyncio.sleep(0)


class Holding:
    """Weighs what settles, and what calls are made with, before anybody copies, prints or records it.

    It counts all that ever settled, since a run keeps its events to its end, and a journal keeps them longer: a value
    that is handed on under another name, or in a list, counts again. `full`: something did not fit in any more, of
    which `tell` was told once. What is joined must be within the bound of one value alone.
    """

    def __init__(self, most: int, tell: Callable[[int], None]) -> None:
        self.most = most
        self.held = 0
        self.full = False
        self._tell = tell
        self._known: Weighed = {}  # of what tasks came to, which is kept as long as this

    def take(self, value: Any) -> None:
        """Count a value.

        Raises:
            TooHeavy: it weighs more than a value may, or the run would hold too much with it.
        """
        known = self._known.get(id(value))
        self._count(weight_of(value) if known is None else known[0])

    def take_each(self, arguments: Mapping[str, Any]) -> None:
        """Count what a call is made with once more: each attempt is an event of its own, and a row of a journal.

        Raises:
            TooHeavy: as for `take`.
        """
        for value in arguments.values():
            if type(value) is not Attachment and not is_light(
                value
            ):  # of one, a call's row has no more than its digest
                self.take(value)

    def take_made(self, given: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
        """Count what a call is made with and the plan did not give: defaults, and what a class makes of little.

        Raises:
            TooHeavy: as for `take`.
        """
        self.take_each({name: value for name, value in arguments.items() if is_light(given.get(name))})

    def _count(self, weight: int) -> None:
        held = self.held + weight
        if held > self.most:
            raise self._overflow(weight)
        self.held = held

    async def kept(self, value: Any) -> Any:
        """A copy of a value that was weighed and counted. What is large has all of that in portions, with turns of the
        event loop between them.

        Raises:
            TooHeavy: as for `take`.
        """
        small = small_weight_of(value)
        if small is not None:
            self._count(small)
            return copied(value)
        scale = Scale()
        copy = await in_turn(self.copying(value, scale), turn)
        self._known.update(scale.copies)
        self._known[id(copy)] = *scale.known(value), copy
        return copy

    def is_long(self, value: Any) -> bool:
        """Whether a copy of a value may take more than a turn of the event loop should: told without looking at it."""
        if type(value) not in _PARTED:
            return False
        known = self._known.get(id(value))
        return len(value) > PORTION or (known is not None and known[0] > MUCH)

    def copying(self, value: Any, scale: Scale | None = None) -> Portions[Any]:
        """What `kept` does, in portions.

        Raises:
            TooHeavy: as for `take`.
        """
        scale = scale or Scale(known=self._known.copy())
        weight, _ = yield from scale.weighing(value)
        self._count(weight)
        return (yield from scale.copying(value))

    def note(self, event: events.Event) -> None:
        """Count what was recorded earlier."""
        match event:
            case events.Succeeded(value=value):
                self._add(value)
            case events.Failed(failure=Failure(items=tuple(items))) | events.Skipped(items=tuple(items)):
                self._add(items)
            case events.Started(arguments=arguments):
                for value in arguments.values():
                    self._add(value)
            case events.BudgetSpent(budget=budget, limit=limit) if budget == NAME:
                self.full = limit >= self.most

    def settled(self, task: Task | None, outcome: Outcome) -> Failure | None:
        """Count what a task that calls no tool comes to; why it cannot be that, where it weighs too much."""
        if isinstance(outcome, Observation):
            if is_light(outcome.value):
                return None
        elif outcome.items is None:
            return None
        try:
            value = outcome.value if type(outcome) is Observation else outcome
            weight = weight_of(value, known=self._known)
            if task is None or not _hands_on(task.work):
                self._count(weight)
        except TooHeavy as error:
            self._known.clear()  # nobody keeps what is in it of this value
            return Failure("bounds", f"the value is too large: {error}")
        return None

    def end_of(
        self, cell: Cell, value: Any, now: float, copy: Callable[[Any], Any] = lambda value: value
    ) -> events.Succeeded | events.Failed:
        """How a task ends that made no call of its own: with a copy of this value, unless it weighs too much."""
        why = self.settled(cell.task, Observation(value))
        if why is None:
            return events.Succeeded(now, cell.id, copy(value))
        return events.Failed(now, cell.id, replace(why, in_doubt=cell.is_write))

    @property
    def failure(self) -> Failure:
        """What becomes of a call that was not begun when the run held what it may."""
        return Failure("budget", f"the run's {NAME}={self.most:,} does not allow it: {sized(self.held)} are held")

    def _add(self, value: Any) -> None:
        try:
            self.held += weight_of(value)
        except TooHeavy:  # an older release recorded it
            self.full = True

    def _overflow(self, weight: int) -> TooHeavy:
        if not self.full:
            self.full = True
            self._tell(self.held)
        return TooHeavy(
            f"the run's {NAME}={self.most:,} has no room for {sized(weight)} beside the {sized(self.held)} it holds"
        )


def _hands_on(work: Work) -> bool:
    """Whether a task only shows what is there, or hands it to a plan that is called, or out of it."""
    match work:
        case Join() | PlanCall():
            return True
        case Compute(Ref(), given_for):
            return given_for is not None
    return False
