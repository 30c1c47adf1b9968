"""What the state machine tells its shell to do."""

from __future__ import annotations

from typing import TypeAlias

from superscalar.facts import fact
from superscalar.values import Failure, TaskId


@fact
class Issue:
    """Do the task's work: its inputs are in, its guards said yes, its ordering edges are open.

    A map is issued twice: to be expanded, and to be gathered when its items have settled. So is a `first`: to learn
    how many it wants, and when as many have succeeded.
    """

    id: TaskId


@fact
class Name:
    """The task waits, and what the name of its resource is made of is in: tell what it touches (rule L17)."""

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


@fact
class Release:
    """This `first` has its answers: let go of what only it needed (rule L16)."""

    id: TaskId


@fact
class Revive:
    """These tasks, which nothing needed, are needed now (rules L21, L22)."""

    ids: tuple[TaskId, ...]


@fact
class Refuse:
    """Settle the task with a failure: it cannot be run any more."""

    id: TaskId
    failure: Failure


Command: TypeAlias = Issue | Name | Skip | Repeat | Release | Revive | Refuse
