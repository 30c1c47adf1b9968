"""Which values are known before anything runs, for passes that ask what a call touches."""

from __future__ import annotations

from typing import Any

from superscalar.plan.evaluate.bounds import EvaluationError, WorkLeft
from superscalar.plan.evaluate.expression import evaluate
from superscalar.plan.ir import Compute, Expr, PlanCall, Task
from superscalar.plan.ir.needs import references
from superscalar.plan.ir.within import is_entry
from superscalar.values import Observation, Outcome, TaskId

_STEPS = 1_000  # of an evaluation: names are short, and what takes longer need not be known this early


class Constants:
    """The values of tasks that compute something from nothing but constants. In a map's body `outer` are those outside.

    A guard makes no difference: where it says no, who refers to the value is skipped too. Nor does it that a rule may
    say no to entering a plan that is called.
    """

    def __init__(self, outer: Constants | None = None) -> None:
        self._outer = outer
        self._outcomes: dict[TaskId, Outcome] = {}

    def copy(self) -> Constants:
        """The same values, to which each of the two adds its own."""
        made = Constants(self._outer)
        made._outcomes = self._outcomes.copy()
        return made

    def note(self, task: Task) -> None:
        """Look at the next task of the program."""
        if isinstance(task.work, Compute) and (found := self.of(task.work.value)) is not None:
            self._outcomes[task.id] = found
        elif is_entry(task.work):
            self._outcomes[task.id] = Observation(True)
        elif isinstance(task.work, PlanCall) and (known := self.find(task.work.result)) is not None:
            self._outcomes[task.id] = known

    def know(self, task: TaskId, outcome: Outcome) -> None:
        """Take it that a task came to that, such as the item of a body."""
        self._outcomes[task] = outcome

    def of(self, expr: Expr) -> Observation | None:
        """What an expression comes to, or None if that is not known, or nothing."""
        if any(self.find(task) is None for task in references(expr)):
            return None
        try:
            value: Any = evaluate(expr, self._outcome, budget=WorkLeft(_STEPS))
        except EvaluationError:  # the task itself will say so
            return None
        return Observation(value)

    def find(self, task: TaskId) -> Outcome | None:
        """What a task comes to, or None if that is not known."""
        found = self._outcomes.get(task)
        return self._outer.find(task) if found is None and self._outer is not None else found

    def _outcome(self, task: TaskId) -> Outcome:
        found = self.find(task)
        assert found is not None  # `of` has looked
        return found
