"""What a task was written as, where no expression says it: an `assert`, a `try`, a target with a star."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from superscalar.plan.ir import Apply, Choice, Compute, Expr, Literal, Ref, Sequence, Task, Work
from superscalar.values import TaskId

ASSERT: Final = "assert"
"""The function that an `assert` applies to its text where it does not hold: no text of a plan calls it."""
EXCEPT: Final = "except"
"""The function that a `try` applies, of what is tried, the constant, what it refers to, and the tasks in it: no text of
a plan calls it.
"""
REST: Final = "*"
"""The function that a target with a star applies: no text of a plan calls it."""
UTC: Final = "timezone.utc"
"""The function that a constant of plans applies."""
BY_OUTCOME: Final = frozenset({"ok", "default", "first", EXCEPT})
"""The functions that look at outcomes, not at values (rules L15, L16)."""


def is_assert(work: Work | None) -> bool:
    """Whether a task is an `assert`."""
    match work:
        case Compute(Choice(_, Literal(True), Apply(function))):
            return function == ASSERT
    return False


def assert_parts(work: Work | None) -> tuple[Expr, Expr] | None:
    """The condition and the text of an `assert`, as they are written; None if a task is none."""
    match work:
        case Compute(Choice(condition, _, Apply(arguments=(said,)))) if is_assert(work):
            return _written(condition), _written(said)
    return None


def _written(expr: Expr) -> Expr:
    return expr.arguments[0] if isinstance(expr, Apply) else expr


def steps_of(task: Task) -> tuple[TaskId, ...] | None:
    """The tasks of a `try` beside what it tries; None if it is none."""
    match task.work:
        case Compute(Apply("except", (_, _, _, within, *_))):
            return tuple(ref.task for ref in refs_in(within))
    return None


def errors_of(expr: Apply) -> tuple[str, ...]:
    """The classes of errors that a `try` names; none where it is about every one."""
    match expr.arguments:
        case (_, _, _, _, Sequence(items=named)):
            return tuple(str(each.value) for each in named if isinstance(each, Literal))
    return ()


def refs_in(several: Expr) -> Iterator[Ref]:
    """Give the references that a tuple of them holds."""
    assert isinstance(several, Sequence)
    yield from (item for item in several.items if isinstance(item, Ref))
