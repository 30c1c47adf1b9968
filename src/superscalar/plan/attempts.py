"""`try` around one assignment: its constant stands in for what fails there, and for nothing else (rule L34)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from superscalar.plan import ir
from superscalar.plan.body import Body
from superscalar.plan.bounds import Unavailable
from superscalar.plan.instead import blocks
from superscalar.plan.refusals import refusal_of
from superscalar.values import Failure, Observation, Outcome, Skipped, TaskId

if TYPE_CHECKING:
    from superscalar.plan.itemwise import Frame
    from superscalar.plan.lower import Lowering

EXCEPT: Final = "except"
"""The function that a `try` applies, of what is tried, the constant, what it refers to, and the tasks in it: no text of
a plan calls it.
"""

_NOT_CAUGHT: Final = frozenset({"denied", "cancelled", "deadline", "budget"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """`try: name = value`, `except: name = fallback`."""

    name: ast.Name
    value: ast.expr
    fallback: ast.expr


def attempt_of(tree: ast.Try) -> Attempt | None:
    """The one form of `try` that there is; None if it is another."""
    match tree:
        case ast.Try(
            body=[ast.Assign(targets=[ast.Name() as name], value=value)],
            handlers=[ast.ExceptHandler(type=None | ast.Name(id="Exception"), body=body)],
            orelse=[],
            finalbody=[],
        ):
            match [each for each in body if not isinstance(each, ast.Pass)]:
                case [ast.Assign(targets=[ast.Name(id=again)], value=fallback)] if again == name.id:
                    return Attempt(name, value, fallback) if _is_constant(fallback) else None
    return None


def _is_constant(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def lower_attempt(attempt: Attempt, tree: ast.Try, lowering: Lowering, body: Body, id: TaskId) -> ir.Ref:
    """Lower what is tried to tasks of their own, and the name to what stands in for it."""
    inner = body.of(id)
    first = len(body.tasks)
    tried = lowering.value(attempt.value, inner, inner.lifted("try"))
    if tried.task in lowering.writes:
        message = "a write in a `try`, which may have happened although it failed"
        help = f"write {attempt.name.id} = ... without `try`: what needs it is skipped if it fails, all else goes on"
        lowering.problem("E205", message, tree, help=help)
    made = body.tasks[first:]
    inside = {task.id for task in ir.walk(tuple(made))} | {t.work.item for t in made if isinstance(t.work, ir.Map)}
    refers = dict.fromkeys(need.task for task in ir.walk(tuple(made)) for need in task.needs)
    before = tuple(ir.Ref(task) for task in refers if task not in inside and not _is_item(task, made))
    within = tuple(ir.Ref(task.id) for task in made if task.id != tried.task)
    fallback = lowering.expression(attempt.fallback, inner)
    work = ir.Apply(EXCEPT, (tried, fallback, ir.Sequence("tuple", before), ir.Sequence("tuple", within)))
    return lowering.emit(id, ir.Compute(work), body, attempt.name)


def _is_item(task: TaskId, made: list[ir.Task]) -> bool:
    """Whether it is the variable of a map among these."""
    return any(isinstance(each.work, ir.Map) and each.work.item == task for each in ir.walk(tuple(made)))


def refuse(tree: ast.Try, lowering: Lowering) -> None:
    """Note a `try` of another form."""
    message, help = refusal_of(tree)
    lowering.problem("E201", message, tree, help=blocks.of_try(tree) or help)


# -------------------------------------------------------------------------------------------------------- values


def attempted(expr: ir.Apply, frame: Frame) -> Any:
    """The value of what was tried, or the constant if a call or an evaluation in it failed.

    Raises:
        Unavailable: it has no value for another reason: what it refers to has none, it was not reached, or not allowed.
    """
    tried, fallback, before, within = expr.arguments
    assert isinstance(tried, ir.Ref)
    found = frame.outcome(tried.task)
    if type(found) is Observation:
        return found.value
    for ref in _refs(before):
        known = frame.outcome(ref.task)
        if type(known) is not Observation:
            raise Unavailable(ref.task, known)
    for ref in (tried, *_refs(within)):
        known = frame.outcome(ref.task)
        if not _is_caught(known):
            raise Unavailable(ref.task, known)
    if isinstance(found, Skipped) and (found.by_guard or found.unneeded):
        raise Unavailable(tried.task, found)
    return frame.value(fallback)


def _refs(several: ir.Expr) -> Iterator[ir.Ref]:
    assert isinstance(several, ir.Sequence)
    yield from (item for item in several.items if isinstance(item, ir.Ref))


def _is_caught(outcome: Outcome) -> bool:
    """Whether a failure is one that a `try` is about; what did not fail does not matter."""
    if not isinstance(outcome, Failure):
        return True
    return outcome.kind not in _NOT_CAUGHT and all(map(_is_caught, outcome.items or ()))
