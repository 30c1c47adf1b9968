"""What every kind of expression is lowered to, and by whom: the one table of them."""

from __future__ import annotations

import ast
from typing import Any, Final

from superscalar.plan import ir
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.read.lowering.body import Body, as_pairs, has_star, names_in_list
from superscalar.plan.read.lowering.calls import StatementCalls
from superscalar.plan.read.lowering.comprehensions import Comprehensions, is_map
from superscalar.plan.read.lowering.expressions import EXPRESSIONS
from superscalar.plan.read.lowering.items import display, first_task
from superscalar.plan.read.lowering.lower import Lowering, LoweringRules
from superscalar.plan.read.lowering.outputs import EMPTY_LIST
from superscalar.values import TaskId


def _value(node: ast.expr, lowering: Lowering, inner: Body, id: TaskId) -> ir.Ref:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
            return StatementCalls(lowering).of_tool(node, name, inner, id)
        case ast.Call(func=ast.Name(id="first"), args=[_, _], keywords=[]) if not lowering.variables:
            return first_task(node, lowering, inner, id)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() if is_map(node, inner, lowering):
            if isinstance(node, ast.DictComp) and len(node.generators) > 1:
                return lowering.emit(id, ir.Compute(lowering.expression(as_pairs(node), inner)), inner, node)
            made = Comprehensions(lowering).map(node, inner, id)
            _note_generator(node, lowering, inner, id)
            return made
        case ast.List(elts=[]):
            lowering.outputs.own[id] = EMPTY_LIST
            return lowering.emit(id, ir.Compute(ir.Sequence("list", ())), inner, node)
        case ast.List() | ast.Tuple() | ast.Set() if not has_star(node) and (
            names_in_list(node) or lowering.finder.has_call(node)
        ):
            return display(node, lowering, inner, id)
        case ast.Dict() if lowering.finder.has_call(node) and None not in node.keys:
            keys: list[ir.Expr] = []
            entries: list[TaskId] = []
            for i, (key, item) in enumerate(lowering.pairs_of(node)):
                if key is not None:  # key, value, key, value: the order in which they are evaluated
                    keys.append(lowering.expression(key, inner))
                    entries.append(lowering.value(item, inner, f"{id}[{i}]").task)
            return lowering.emit(id, ir.Display("dict", tuple(entries), tuple(keys)), inner, node)
        case _:
            value = lowering.expression(node, inner)
            lowering.outputs.own[id] = lowering.outputs.of(value)
            made = lowering.emit(id, ir.Compute(value), inner, node)
            _note_generator(node, lowering, inner, id)
            return made


def _note_generator(node: ast.expr, lowering: Lowering, body: Body, id: TaskId) -> None:
    """In Python a generator under a name is gone through later: it would see what changes until then."""
    for inner in ast.walk(node) if isinstance(node, ast.GeneratorExp) else ():
        if isinstance(inner, ast.Name) and isinstance(meaning := lowering.known(inner.id, body), ir.Ref):
            lowering.sharing.note_live(id, meaning.task)


def _of_tool(node: ast.Call, lowering: Lowering, body: Body, id: TaskId) -> ir.Ref:
    assert isinstance(node.func, ast.Name)
    return StatementCalls(lowering).of_tool(node, node.func.id, body, id)


def _call(node: ast.Call, lowering: Lowering, body: Body) -> ir.Expr:
    return StatementCalls(lowering).expression(node, body)


def _comprehension(node: Any, lowering: Lowering, body: Body) -> ir.Expr:
    return Comprehensions(lowering).expression(node, body)


RULES: Final = LoweringRules(
    {
        **EXPRESSIONS,
        ast.Call: _call,
        **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _comprehension),
    },
    _value,
    _of_tool,
)
