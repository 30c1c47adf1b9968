"""What the state machine tells its shell to do."""

from __future__ import annotations

from typing import TypeAlias

from superscalar.values import TaskId, fact


@fact
class Issue:
    """Do the task's work: its inputs are in, its guards said yes, its ordering edges are open.

    A map is issued twice: to be expanded, and to be gathered when its items have settled.
    """

    id: TaskId


@fact
class Skip:
    """Settle the task without running it."""

    id: TaskId
    because: TaskId
    by_guard: bool = False


@fact
class Repeat:
    """Settle a task as task `of` has settled, whose call it shares (rule L21)."""

    id: TaskId
    of: TaskId


Command: TypeAlias = Issue | Skip | Repeat
