"""What the models of a run see of what its tools returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from superscalar import planner, results
from superscalar.attachments import Attachment
from superscalar.choices import ReplannerSees as ReplannerSees
from superscalar.compiler.in_part import in_part
from superscalar.labels import USER, Label, joined
from superscalar.options import Options
from superscalar.plan.evaluate.parts import whole
from superscalar.plan.ir import Task
from superscalar.plan.read.fronts.detect import Syntax
from superscalar.schedule.lineage import SHOWN, Labels, in_view_of
from superscalar.schedule.state import Schedule
from superscalar.tools.toolset import Toolset
from superscalar.values import Outcome, TaskId


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a planner that goes on is told, and the label of that."""

    text: str
    label: Label


class Sight:
    """Shows the results of one run, and knows which of them are trusted."""

    def __init__(self, schedule: Schedule, labels: Labels, options: Options, syntax: Syntax) -> None:
        self._schedule = schedule
        self._labels = labels
        self._most = options.max_result_tokens
        self._syntax = syntax
        self._show = results.show_joined if options.show == "joined" else results.show_results
        self._files = results.files_joined if options.show == "joined" else results.files_in_results

    def of_joiner(self, tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome]) -> str:
        """What the joiner is shown: what is joined, or everything where the agent says `show="all"`."""
        return self._show(tasks, outcomes, self._most)

    def files_of_joiner(
        self, tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome]
    ) -> Iterator[tuple[str, Attachment]]:
        """The files in what the joiner is shown. A planner is shown none of them, whatever their labels are."""
        return self._files(tasks, outcomes)

    def of_planner(
        self, tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome], reason: str, seen: Label, sees: ReplannerSees
    ) -> Briefing:
        """What the planner of the next round is told of this one, and of the joiner's `reason`.

        `seen`: what it was shown by now. What would make what it writes less trusted, or for fewer readers, it is shown
        where it `sees` text, and else a summary of; of what is for fewer readers not even that. The joiner saw all
        results and what was said before: so its reason is like all of that together.
        """
        everything = seen | self._labels.shown(task.id for task in tasks)
        trusted = everything.told
        if (trusted and everything.readers == seen.readers) or sees == "text":
            shown = results.show_results(tasks, outcomes, self._most)
            return Briefing(
                planner.replan_message(reason, shown, self._syntax, trusted=trusted), in_view_of(everything)
            )

        told = [seen]

        def may_see(label: Label) -> bool:
            if not label.told or (seen | label).readers != seen.readers:
                return False
            told.append(label)
            return True

        def harmless(id: TaskId) -> bool:
            cell = self._schedule.get(id)
            return cell is not None and may_see(whole(self._labels.of(cell)))

        def hidden(id: TaskId) -> bool:
            cell = self._schedule.get(id)
            return cell is None or (seen | whole(self._labels.of(cell))).readers != seen.readers

        def in_part_of(id: TaskId, value: Any, room: int) -> str | None:
            cell = self._schedule.get(id)
            return None if cell is None else in_part(value, self._labels.of(cell), may_see, room)

        shown = results.show_results(tasks, outcomes, self._most, harmless, in_part_of, hidden)
        return Briefing(planner.replan_message("", shown, self._syntax, trusted=False), in_view_of(joined(told)))

    def label(self, tasks: Sequence[Task], *, joined: bool, heard: Label) -> Label:
        """The label of the answer: a joiner's is made from all that it was shown, else it is that of `join(...)`."""
        if not joined:
            return self._labels.joined()
        return USER | heard | self._labels.shown(task.id for task in tasks)


def anything_of(tools: Toolset) -> Label:
    """The label of whatever these tools may return."""
    named = [frozenset[str]() if callable(tool.readers) else tool.readers for tool in tools]
    return joined([SHOWN, *(Label((), readers) for readers in named if readers is not None)])
