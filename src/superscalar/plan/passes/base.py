"""What every pass has in common: it sees each new task once, in order, and never changes a published one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import ClassVar, Self

from superscalar.plan.ir import Task
from superscalar.values import TaskId


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

    def __init__(self) -> None:
        self.notes: list[Note] | None = None

    def copy(self) -> Self:
        """The same pass, which goes on for itself from here."""
        return copy(self)

    @abstractmethod
    def __call__(self, task: Task) -> Task:
        """The task as this pass leaves it, given that it has seen those before it."""

    def sealed(self, tasks: Sequence[Task]) -> None:  # noqa: B027 -- most passes have nothing to add
        """The plan is complete: note what can be said only now. `tasks` are all of it, as the passes left them."""
