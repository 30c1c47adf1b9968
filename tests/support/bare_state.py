"""A bare schedule: tools that are never called, and the facts to tell it."""

from __future__ import annotations

from typing import Any

from superscalar import tool
from superscalar.events import (
    Event,
    Expanded,
    Failed,
    Planned,
    Sealed,
    Skipped,
    Succeeded,
)
from superscalar.plan import compile_plan
from superscalar.plan.ir import (
    Guard,
    Join,
    Task,
    Work,
)
from superscalar.plan.ir.needs import needs_of
from superscalar.schedule.state import Schedule
from superscalar.tools import Toolset
from superscalar.values import Failure

down = Failure("error", "down")

doubtful = Failure("error", "no answer", in_doubt=True)


@tool(effect="pure")
def search(query: Any) -> Any:
    """Depends on nothing else."""


@tool(effect="pure")
def merge(one: Any, other: Any) -> Any:
    """Two inputs."""


@tool(effect="read", resource="store")
def get(key: Any = None) -> Any:
    """Reads the store."""


@tool(effect="write", resource="store")
def put(value: Any = None) -> Any:
    """Writes the store."""


SIGNATURES = Toolset([search, merge, get, put]).signatures


def plan(schedule: Schedule, *lines: str) -> list[Any]:
    """Plan a program; what it joins when it says nothing is left out."""
    tasks = compile_plan("\n".join(lines), SIGNATURES).tasks
    return add(schedule, *(t for t in tasks if not (isinstance(t.work, Join) and t.work.whole_plan)))


def add(schedule: Schedule, *tasks: Task) -> list[Any]:
    return [command for task in tasks for command in schedule.apply(Planned(0.0, task))]


def task(id: str, work: Work, *, guards: tuple[Guard, ...] = (), after: tuple[str, ...] = ()) -> Task:
    return Task(id, work, needs_of(work), guards, after)


def happen(schedule: Schedule, *events: Event) -> list[Any]:
    return [command for event in events for command in schedule.apply(event)]


def ok(id: str, value: Any = 1) -> Succeeded:
    return Succeeded(0.0, id, value)


def failed(id: str, failure: Failure = down) -> Failed:
    return Failed(0.0, id, failure)


def skipped(id: str, because: str, *, by_guard: bool = False) -> Skipped:
    return Skipped(0.0, id, because, by_guard)


def expanded(id: str, count: int) -> Expanded:
    return Expanded(0.0, id, count)


SEALED = Sealed(0.0)
