"""What has one outcome per item: a display whose items are tasks, and `first`, which looks at some of them."""

from __future__ import annotations

import ast

from superscalar.plan import ir
from superscalar.plan.read.lowering.body import Body, has_star
from superscalar.plan.read.lowering.lower import Lowering
from superscalar.plan.read.lowering.outputs import ITEMS
from superscalar.plan.read.lowering.symbols import DISPLAYS
from superscalar.values import TaskId


def display(node: ast.List | ast.Tuple | ast.Set, lowering: Lowering, inner: Body, id: TaskId) -> ir.Ref:
    """A list, tuple or set whose items are tasks, with one outcome each (rule L15)."""
    items = tuple(lowering.value(item, inner, f"{id}[{i}]").task for i, item in enumerate(node.elts))
    if not isinstance(node, ast.Set):  # equal items of a set are one, so it has no items to go through yet
        lowering.outputs.own[id] = ITEMS
    return lowering.emit(id, ir.Display(DISPLAYS[type(node)], items), inner, node)


def first_task(node: ast.Call, lowering: Lowering, inner: Body, id: TaskId) -> ir.Ref:
    """`first(k, xs)` as a task of its own: it looks at the items of `xs` while they come in (rule L16)."""
    count = lowering.expression(node.args[0], inner)
    items = node.args[1]
    if isinstance(items, ast.List | ast.Tuple) and items.elts and not has_star(items):
        place = inner.lifted("items")
        source = display(items, lowering, inner.of(place), place)
    else:
        source = lowering.reference(items, inner, "items")
    if source.task in lowering.writes:
        message = "a write under `first`, which wants only some of its items"
        lowering.problem("E205", message, items, help="to make all of them and take some results, write ok(xs)[:k]")
    return lowering.emit(id, ir.First(count, source.task), inner, node)
