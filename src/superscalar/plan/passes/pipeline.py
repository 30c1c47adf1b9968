"""The passes that a task goes through between lowering and the run, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from superscalar.plan.ir import Plan, Task
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.passes.base import ChangingPass, Note, Pass, TakeBack
from superscalar.plan.passes.dead import LeaveOutDeadCode
from superscalar.plan.passes.hoist import HoistCalls
from superscalar.plan.passes.order import OrderAccesses
from superscalar.plan.passes.share import ShareCalls

PASSES: Final[tuple[type[Pass], ...]] = (OrderAccesses, HoistCalls, ShareCalls, LeaveOutDeadCode)
"""Each once, in order."""

_CHANGING: Final = tuple(each for each in PASSES if issubclass(each, ChangingPass))


class Pipeline:
    """Every pass that changes tasks, one after the other, for each new task of a program. `signatures`: its tools."""

    def __init__(self, signatures: Signatures) -> None:
        self.signatures = signatures
        self._passes: tuple[ChangingPass, ...] = tuple(make(signatures) for make in _CHANGING)

    def tried(self, tasks: Sequence[Task]) -> tuple[Sequence[Task], TakeBack]:
        """Tasks as they would be published, and what makes it undone that they were seen."""
        undone: list[TakeBack] = []
        for step in self._passes:
            tasks, take_back = step.tried(tasks)
            undone.insert(0, take_back)

        def take_all_back() -> None:
            for one in undone:
                one()

        return tasks, take_all_back

    def copy(self) -> Pipeline:
        """The same passes, which go on for themselves."""
        made = Pipeline(self.signatures)
        made._passes = tuple(step.copy() for step in self._passes)
        return made

    def __call__(self, task: Task) -> Task:
        """The task as it is published."""
        for step in self._passes:
            task = step(task)
        return task


@dataclass(frozen=True, slots=True)
class Stage:
    """A plan after one pass, and what that did to it. The first stage is the plan as it was lowered."""

    name: str
    purpose: str
    tasks: tuple[Task, ...]
    notes: tuple[Note, ...]


def explain(plan: Plan, signatures: Signatures) -> tuple[Stage, ...]:
    """How a compiled plan came to be: its tasks as they were lowered, and after each pass.

    The passes are run again on the tasks without what they had added, those included that only note what the run will
    do.
    """
    tasks = tuple(map(bare, plan.tasks))
    tolerated = tuple(Note(task.id, note) for task in tasks for note in task.notes)
    purpose = "statements are tasks: calls are taken out of expressions, names are references"
    stages = [Stage("lower", purpose, tasks, tolerated)]
    for make in PASSES:
        step = make(signatures)
        step.notes = []
        tasks = tuple(map(step, tasks))
        step.sealed(tasks)
        stages.append(Stage(step.name, step.purpose, tasks, tuple(step.notes)))
    return tuple(stages)


def bare(task: Task) -> Task:
    """A task as it was before any pass."""
    for each in reversed(_CHANGING):
        task = each.undo(task)
    return task
