"""Which of the calls that are ready goes first where slots are scarce: the one with the longest path before it.

A call is as urgent as the time from its start to the end of the plan, if nothing had to wait: its own duration and the
longest path through what needs it. Serving the most urgent first is list scheduling by critical path (Graham 1969; Hu,
Operations Research 9(6), 1961): never more than 2 - 1/m times the optimum with m slots, and usually close to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Protocol, TypeAlias

from superscalar.plan.ir import Call, Each, Map, Task
from superscalar.plan.ir.within import is_entry
from superscalar.schedule.cells import Cell
from superscalar.schedule.state import Schedule
from superscalar.tools.toolset import Toolset
from superscalar.values import TaskId

PriorityKey: TypeAlias = tuple[float, ...]
"""Sorts the calls of a run that wait: the lower goes first."""

_WEIGHT = 0.25
_GROWTH = 4  # look again when a quarter of what was looked at has been added
_UNKNOWN = 1.0
_DRIFT = 2.0
_NEGLIGIBLE = 0.01


class Durations:
    """How many seconds a call of each tool takes: an exponentially weighted mean of those that succeeded.

    One for all runs of an agent, in several threads too: of two notes at the same instant one may be lost.
    """

    def __init__(self, known: Mapping[str, float] | None = None) -> None:
        self.means = dict(known or {})

    def note(self, tool: str, seconds: float) -> None:
        """A call of that tool succeeded after so many seconds. The latest call counts a quarter."""
        mean = self.means.get(tool)
        self.means[tool] = seconds if mean is None else mean + (seconds - mean) * _WEIGHT

    def of(self, tool: str) -> float:
        """What to expect of a tool: what was measured; of one that was never called, what the others take."""
        known = self.known()
        return known[tool] if tool in known else typical(known)

    def known(self) -> dict[str, float]:
        """The seconds per tool that was called."""
        return self.means.copy()


def typical(known: Mapping[str, float]) -> float:
    """The mean of what is known; a second if nothing is, which is as good as any: only the proportions matter."""
    return sum(known.values()) / len(known) if known else _UNKNOWN


class Priority(Protocol):
    """Sorts the calls of one run that wait for the same limits."""

    def key(self, cell: Cell) -> PriorityKey:
        """The place of a call among those that wait."""
        ...

    def ended(self, tool: str, seconds: float) -> None:
        """A call succeeded after so many seconds."""
        ...

    def renewed(self, schedule: Schedule) -> bool:
        """Look at the plan again if it is due; whether the keys have changed. Asked only in runs where a call waits."""
        ...


class LongestPath:
    """The longest remaining path first, then program order.

    The paths are those of the planned tasks: an item of a map has that of its task in the body, and goes on with what
    needs the map. Evaluation takes no time. Paths are measured again when the plan has grown by a quarter or is
    complete, and when durations turn out to have other proportions, after as many calls: O(tasks + edges) in all, and
    nothing in a run in which nobody waits.
    """

    def __init__(self, durations: Durations, tools: Toolset) -> None:
        self._durations = durations
        self._means = durations.means
        self._tools = tools
        self._remaining: dict[TaskId, float] = {}
        self._assumed: dict[str, float] = {}
        self._measured = 0
        self._ended = 0

    def key(self, cell: Cell) -> PriorityKey:
        """The longest first: less than nothing remains of any path."""
        task = cell.task
        return (-self._remaining.get(task.id, 0.0) if task is not None else 0.0, *cell.order)

    def ended(self, tool: str, seconds: float) -> None:
        """Learn from it."""
        self._ended += 1
        means = self._means  # `Durations.note`, written out: it is done for every call
        mean = means.get(tool)
        means[tool] = seconds if mean is None else mean + (seconds - mean) * _WEIGHT

    def renewed(self, schedule: Schedule) -> bool:
        """Measure the paths again if it is due."""
        planned, measured = schedule.planned, self._measured
        due = measured // _GROWTH
        if planned == measured or not (schedule.sealed or planned - measured > due):
            if self._ended <= due or not measured:
                return False
            self._ended = 0
            if not self._drifted():
                return False
        self._ended = 0
        self._measured = planned
        self._measure(schedule.plan())
        return True

    def _measure(self, tasks: Iterable[Task]) -> None:
        """Go through the plan from its end to its beginning: whoever needs a task comes after it."""
        known = self._durations.known()
        expected = typical(known)
        own: dict[str, float] = {}  # by the name that plans use
        remaining: dict[TaskId, float] = {}
        rest: dict[TaskId, float] = {}  # the longest path behind a task that was not reached yet
        self._assumed = {}

        def visit(task: Task, behind: float) -> float:
            behind = max(behind, rest.pop(task.id, 0.0))
            work = task.work
            here = behind
            if type(work) is Call and not work.enters:
                seconds = own.get(work.tool)
                if seconds is None:
                    tool = self._tools.get(work.tool)
                    name = work.tool if tool is None else tool.name
                    seconds = own[work.tool] = self._assumed[name] = known.get(name, expected)
                here = behind + seconds
            elif type(work) is Map:
                for inner in reversed(work.body):
                    here = max(here, visit(inner, behind))
            remaining[task.id] = here
            for used in _before(task):
                if rest.get(used, 0.0) < here:
                    rest[used] = here
            return here

        for task in tasks:
            work = task.work
            plain = type(work) is Call and not (task.guards or task.after or work.enters)
            seconds = own.get(work.tool) if plain and type(work) is Call else None
            if seconds is None:
                visit(task, 0.0)
                continue
            here = remaining[task.id] = rest.get(task.id, 0.0) + seconds  # `visit`, written out for the common case
            for need in task.needs:
                if rest.get(need.task, 0.0) < here:
                    rest[need.task] = here
        self._remaining = remaining

    def _drifted(self) -> bool:
        """Whether the proportions of what the tools take are others than when the paths were measured."""
        known = self._durations.known()
        expected = typical(known)
        assumed = self._assumed
        before, now = max(assumed.values(), default=0.0), max((known.get(t, expected) for t in assumed), default=0.0)
        for tool, seconds in assumed.items():
            one, other = _share(seconds, before), _share(known.get(tool, expected), now)
            if not one / _DRIFT <= other <= one * _DRIFT:
                return True
        return False


def _before(task: Task) -> Iterable[TaskId]:
    """What a task waits for: inputs, conditions, and the accesses that it comes after."""
    work = task.work
    collected = work.tasks if isinstance(work, Each) else ()
    conditions = [guard.condition for guard in task.guards]
    needed = () if is_entry(work) else (need.task for need in task.needs)  # it is no rule that is looked at here
    return chain(needed, conditions, task.after, collected)


def _share(seconds: float, longest: float) -> float:
    """Seconds as a part of the longest; what hardly takes any is all the same."""
    return max(seconds / longest, _NEGLIGIBLE) if longest > 0.0 else 1.0
