"""`assert` at the top of a plan: it guards everything behind it but `join` (rule L5)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from superscalar.plan import ir
from superscalar.plan.ir.forms import ASSERT
from superscalar.plan.read.lowering.body import Body
from superscalar.values import TaskId

if TYPE_CHECKING:
    from superscalar.plan.read.lowering.lower import Lowering


def lower_assert(tree: ast.Assert, lowering: Lowering, body: Body, id: TaskId) -> None:
    """Lower it to a task that is true where the condition holds, and fails with its text where that is false or has no
    value, for whatever reason.
    """
    inner = body.of(id)
    if tree.msg is not None and lowering.finder.has_call(tree.msg):
        lowering.problem(
            "E205", "a call of a tool in the text of an `assert`", tree.msg, help="call it on a line above"
        )
    condition = _or(lowering.expression(tree.test, inner), ir.Literal(False))
    said: ir.Expr = ir.Literal(f"it does not hold: {ast.unparse(tree.test)}")
    if tree.msg is not None:
        said = _or(lowering.expression(tree.msg, inner), said)
    lowering.emit(id, ir.Compute(ir.Choice(condition, ir.Literal(True), ir.Apply(ASSERT, (said,)))), body, tree)


def _or(expr: ir.Expr, otherwise: ir.Expr) -> ir.Expr:
    return expr if isinstance(expr, ir.Literal) else ir.Apply("default", (expr, otherwise))
