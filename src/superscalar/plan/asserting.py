"""`assert` at the top of a plan: it guards everything behind it but `join` (rule L5)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from superscalar.plan import ir
from superscalar.plan.body import Body
from superscalar.plan.functions import ASSERT
from superscalar.values import TaskId

if TYPE_CHECKING:
    from superscalar.plan.lower import Lowering


def lower_assert(tree: ast.Assert, lowering: Lowering, body: Body, id: TaskId) -> None:
    """Lower it to a task that fails with its text where the condition does not hold, and is true where it does."""
    inner = body.of(id)
    if tree.msg is not None and lowering.finder.has_call(tree.msg):
        lowering.problem(
            "E205", "a call of a tool in the text of an `assert`", tree.msg, help="call it on a line above"
        )
    condition = lowering.expression(tree.test, inner)
    said = f"it does not hold: {ast.unparse(tree.test)}"
    text = ir.Literal(said) if tree.msg is None else lowering.expression(tree.msg, inner)
    work = ir.Choice(condition, ir.Literal(True), ir.Apply(ASSERT, (text,)))
    lowering.emit(id, ir.Compute(work), body, tree)


def is_assert(work: ir.Work | None) -> bool:
    """Whether a task is an `assert`."""
    match work:
        case ir.Compute(ir.Choice(_, ir.Literal(True), ir.Apply(function))):
            return function == ASSERT
    return False
