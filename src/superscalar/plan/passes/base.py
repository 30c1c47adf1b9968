"""What every pass has in common: it sees each new task once, in order, and never changes a published one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import ClassVar, Self, TypeAlias

from superscalar.plan.ir import Task
from superscalar.plan.ir.signatures import Signatures
from superscalar.values import TaskId

TakeBack: TypeAlias = Callable[[], None]
"""Makes it undone that tasks were seen."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass did to a task, or found out about it, and why."""

    task: TaskId
    text: str


class Pass(ABC):
    """One step of the compilation of tasks. `name` and `purpose` are shown by `--explain`.

    `notes` is None unless somebody asked: a pass looks at that before it puts anything into words.
    """

    name: ClassVar[str]
    purpose: ClassVar[str]

    def __init__(self, _signatures: Signatures) -> None:
        self.notes: list[Note] | None = None

    @abstractmethod
    def __call__(self, task: Task) -> Task:
        """The task as this pass leaves it, given that it has seen those before it."""

    def sealed(self, tasks: Sequence[Task]) -> None:  # noqa: B027 -- most passes have nothing to add
        """The plan is complete: note what can be said only now. `tasks` are all of it, as the passes left them."""


class ChangingPass(Pass):
    """A pass that changes tasks: every new task goes through it before it is published.

    What has state that it changes in place says itself how that is copied.
    """

    def copy(self) -> Self:
        """The same pass, which goes on for itself from here."""
        return copy(self)

    def tried(self, tasks: Sequence[Task]) -> tuple[Sequence[Task], TakeBack]:
        """Tasks as this pass leaves them, and what makes it undone that they were seen."""
        before = self.copy()
        return [self(task) for task in tasks], lambda: vars(self).update(vars(before))

    @staticmethod
    @abstractmethod
    def undo(task: Task) -> Task:
        """The task without what this pass has added to it."""
