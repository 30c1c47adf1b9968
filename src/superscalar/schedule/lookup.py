"""What the expressions of a task instance refer to: what became of that, and which instance it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from superscalar.errors import IllegalEvent
from superscalar.plan.evaluate.bounds import Unavailable
from superscalar.schedule.cells import Cell
from superscalar.schedule.items import partial
from superscalar.values import Outcome, Skipped, TaskId

Lookup: TypeAlias = Callable[[TaskId], Outcome]
"""What became of the task that a reference names."""


def outcomes_for(cell: Cell) -> Lookup:
    """How the expressions of `cell` look up what they refer to."""

    def outcome(task: TaskId) -> Outcome:
        found = cell.scope.find(task)
        if found is None:
            raise IllegalEvent(f"`{cell.id}` refers to `{task}`, which does not exist")
        if found.outcome is not None:
            return found.outcome
        if found.elements is not None:  # an item is wanted while others are still open
            return partial(found)
        raise IllegalEvent(f"`{cell.id}` was issued before `{found.id}` settled")

    return outcome


def instance(cell: Cell, task: TaskId, outcome: Outcome) -> TaskId:
    """The id of the instance that `cell` means by `task`, or by `task[i]` for an item, which has that outcome.

    Of a list whose items have no ids of their own it is the list's.
    """
    found = cell.scope.find(task)
    if found is not None:
        return found.id
    found = cell.scope.find(task.rpartition("[")[0])
    if found is None:
        return task
    return next((e.cell.id for e in found.elements or () if e.cell.outcome is outcome), found.id)


def cause(cell: Cell, missing: Unavailable) -> tuple[TaskId, bool]:
    """Why a task cannot be evaluated; the root cause is named."""
    match missing.outcome:
        case Skipped(because, by_guard):
            return because, by_guard
        case _:
            return instance(cell, missing.task, missing.outcome), False
