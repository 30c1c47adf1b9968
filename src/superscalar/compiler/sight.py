"""What the models of a run see of what its tools returned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from superscalar import joiner, planner
from superscalar.compiler.in_part import in_part
from superscalar.events import Event, Started
from superscalar.labels import NOTHING, USER, Label, Source
from superscalar.models.base import Message
from superscalar.plan.fronts.detect import Syntax
from superscalar.plan.ir import Task
from superscalar.plan.parts import whole
from superscalar.schedule.labels import Labels
from superscalar.schedule.state import Schedule
from superscalar.tools.toolset import Toolset
from superscalar.values import Outcome, TaskId

ReplannerSees: TypeAlias = Literal["summaries", "text"]
"""What a planner that goes on is shown of results that are not trusted."""
SEES: Final = ("summaries", "text")

EARLIER: Final = Label([Source("model", "an earlier answer", trusted=False)])
"""The label of what was said before, where that was made from what is not trusted."""


def heard(history: Iterable[Message]) -> Label:
    """The label of what was said before the question."""
    return EARLIER if any(message.untrusted for message in history) else NOTHING


def ran_untrusted(happened: Iterable[Event], tools: Toolset) -> bool:
    """Whether a tool was called whose results are not trusted."""
    names = {tool.name for tool in tools if tool.trust == "untrusted"}
    return any(isinstance(event, Started) and event.tool in names for event in happened)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a planner that goes on is told; `untrusted`: text that is not trusted is in it."""

    text: str
    untrusted: bool


class Sight:
    """Shows the results of one run, and knows which of them are trusted. `most`: tokens of results."""

    def __init__(self, schedule: Schedule, labels: Labels, most: int, syntax: Syntax) -> None:
        self._schedule = schedule
        self._labels = labels
        self._most = most
        self._syntax = syntax

    def of_joiner(self, tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome]) -> str:
        """What the joiner is shown: everything."""
        return joiner.show_results(tasks, outcomes, self._most)

    def of_planner(
        self, tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome], reason: str, heard: Label, sees: ReplannerSees
    ) -> Turn:
        """What the planner of the next round is told of this one, and of the joiner's `reason`.

        The joiner saw all results and what was said before (`heard`), so its reason is trusted only if they all are.
        """
        trusted = (heard | self._labels.shown()).told
        if trusted or sees == "text":
            shown = joiner.show_results(tasks, outcomes, self._most)
            message = planner.replan_message(reason, shown, self._syntax, trusted=trusted)
            return Turn(message, untrusted=not trusted)
        shown = joiner.show_results(tasks, outcomes, self._most, self._told, self._in_part)
        return Turn(planner.replan_message("", shown, self._syntax, trusted=False), untrusted=False)

    def label(self, *, joined: bool, heard: Label) -> Label:
        """The label of the answer: a joiner's is made from all that it was shown, else it is that of `join(...)`."""
        return USER | heard | self._labels.shown() if joined else self._labels.joined()

    def _told(self, id: TaskId) -> bool:
        cell = self._schedule.get(id)
        return cell is not None and _may_see(whole(self._labels.of(cell)))

    def _in_part(self, id: TaskId, value: Any, room: int) -> str | None:
        cell = self._schedule.get(id)
        return None if cell is None else in_part(value, self._labels.of(cell), _may_see, room)


def _may_see(label: Label) -> bool:
    return label.told
