"""What else decides whether calls are made, besides conditions, lists and filters: what they share with other calls.

A call that is not made after all, or that is made once instead of twice, or that fails for another one, says something
of what decided on that. Where somebody is told who may not know, the engine does without: it makes a call twice, sends
two requests, and finishes what nobody waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from superscalar.labels import NOTHING, joined
from superscalar.plan.evaluate.parts import whole
from superscalar.plan.ir import Call
from superscalar.policy import Policy
from superscalar.schedule.cells import Cell
from superscalar.schedule.hazards import may_change
from superscalar.schedule.lineage import Labels
from superscalar.schedule.state import Schedule
from superscalar.tools.toolset import Toolset
from superscalar.values import TaskId


class Whether:
    """Keeps apart, for the calls of one run, what would tell somebody by a call that is made or is not.

    It has a say only where a policy forbids that such things are told.
    """

    def __init__(self, schedule: Schedule, labels: Labels, tools: Toolset, policy: Policy) -> None:
        self._schedule = schedule
        self._labels = labels
        enforced = policy.mode in ("ask", "enforce")
        self._hides = enforced and policy.confidential_control == "deny"
        self._has_readers = any(tool.readers is not None for tool in tools)
        self._controls = enforced and (policy.control == "sinks" or any(tool.controlled for tool in tools))

    @property
    def _hiding(self) -> bool:
        return self._hides and (self._has_readers or self._labels.confidential)

    def apart(self, cell: Cell) -> Hashable:
        """Equal for two identical calls that may be one (rule L21): as many writes came before, and they may fail
        together.
        """
        return self._writes_before(cell), self.company(cell)

    def _writes_before(self, cell: Cell) -> int:
        """How many writes an access may have met; what confidential data decides on counts, written or not."""
        happened = self._schedule.writes_before(cell)
        access = cell.access
        if access is None or not self._hiding:
            return happened
        around = set(_around(cell))
        possible = (
            one
            for one in self._schedule.writing()
            if one.order < cell.order and one not in around and one.task is not None and may_change(one.task, access)
        )
        return happened + sum(whole(self._labels.of(one)).readers is not None for one in possible)

    def company(self, cell: Cell) -> Hashable:
        """Equal for two calls that may go out as one request, by which each learns whether the other one failed."""
        readers, trusted = None, True
        task = cell.task
        if self._hiding:
            readers = whole(self._labels.of(cell)).readers
        if self._controls and task is not None and isinstance(task.work, Call):
            given = joined(whole(found) for _, found in self._labels.argument(cell, task.work))
            trusted = (given | self._labels.control(cell)).trusted
        return readers, trusted

    def stays(self, first: TaskId) -> Callable[[Cell], bool]:
        """Which tasks go on though a `first` has its answers: those that somebody may know of who may not know why.

        What is as confidential as that itself is let go; nobody else sees it, nor is told what became of it.
        """
        decided = whole(self._labels.of(self._schedule.cell(first))) if self._hiding else NOTHING

        def stays(cell: Cell) -> bool:
            own = whole(self._labels.of(cell))
            return (own | decided).readers != own.readers

        return (lambda _: False) if decided.readers is None else stays


def _around(cell: Cell) -> list[Cell]:
    """The maps in whose bodies a task stands."""
    found: list[Cell] = []
    while (owner := cell.scope.owner) is not None:
        found.append(owner)
        cell = owner
    return found
