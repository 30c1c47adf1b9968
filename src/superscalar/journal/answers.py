"""Which question of a run an answer is to: that which was read, and no other that has taken its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from superscalar.errors import UsageError
from superscalar.policy import Question
from superscalar.values import TaskId

_LEAST = 6  # characters of a digest that tell one question from the next


def questions_meant(
    run: str, tasks: Iterable[TaskId | Question], known: Mapping[TaskId, Question], listed: Mapping[TaskId, Question]
) -> dict[TaskId, Question]:
    """The questions that are meant, by task. `known`: those that are open; `listed`: those that were shown last.

    Raises:
        UsageError: one is not open, or another one is by now.
    """
    meant = [_meant(task, listed) for task in tasks]
    if unknown := [task for task, _ in meant if task not in known]:
        names = ", ".join(task or "the plan" for task in known)
        raise UsageError(
            f"run {run} does not ask about {', '.join(task or 'a plan' for task in unknown)}; "
            f"{f'it asks about {names}' if known else 'no question of it is open'}"
        )
    for task, digest in meant:
        if digest is not None and not _is(known[task].digest, digest):
            raise UsageError(
                f"run {run} asks something else about {task or 'the plan'} by now than what was read; "
                f"look at it again: superscalar approve {run}"
            )
    return {task: known[task] for task, _ in meant}


def _meant(task: TaskId | Question, listed: Mapping[TaskId, Question]) -> tuple[TaskId, str | None]:
    """A task, and the digest of what was read of it, or how that begins; None if nobody can tell what was read."""
    if isinstance(task, Question):
        return task.task_id, task.digest
    id, at, digest = task.partition("@")
    if at:
        return id, digest
    return id, listed[id].digest if id in listed else None


def _is(digest: str, given: str) -> bool:
    return digest == given or (len(given) >= _LEAST and digest.startswith(given))
