"""Assignments and bare expressions, as they stand in a program and in the body of a loop."""

from __future__ import annotations

import ast
from typing import Protocol

from superscalar.plan import ir
from superscalar.plan.body import Body, spelled
from superscalar.plan.instead import blocks, changes, forms
from superscalar.plan.lower import Lowering
from superscalar.plan.refusals import refusal_of
from superscalar.plan.vocabulary import FUNCTIONS
from superscalar.values import TaskId

_UNPACKING = "a, b = pair; for anything else take parts by position: x[0], x[1:]"


class Naming(Protocol):
    """Where the ids of tasks come from: the same ids when a statement is lowered again."""

    def id_of(self, name: str) -> TaskId:
        """The id of the task that a name stands for once it is assigned."""
        ...

    def fresh(self, base: str) -> TaskId:
        """The numbered id of what has no name."""
        ...


def lower_simple(tree: ast.stmt, lowering: Lowering, body: Body, naming: Naming, bound: dict[str, ir.Expr]) -> None:
    """Lower a statement without a block into `body`; `bound` gets what the names that it assigns stand for."""
    lowering.statement = tree
    match tree:
        case ast.Assign(targets=[ast.Name() as target], value=value):
            _assign(target, value, lowering, body, naming, bound)
        case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
            _assign(target, value, lowering, body, naming, bound)
        case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
            old = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            whole = ast.copy_location(ast.BinOp(old, op, value), tree)
            _assign(target, whole, lowering, body, naming, bound)
        case ast.Assign(targets=[ast.Tuple() | ast.List() as target], value=value):
            _unpack(target, value, lowering, body, naming, bound)
        case ast.Assign(targets=[_, _, *_]):
            help = forms.of_targets(tree) or "one assignment per line"
            lowering.problem("E201", "several targets in one assignment", tree, help=help)
        case ast.AnnAssign(target=ast.Name() as target, annotation=annotation, value=None):
            meant = isinstance(annotation, ast.Call | ast.List | ast.Constant | ast.BinOp)
            help = (forms.of_value(target, annotation) if meant else "") or f"write {target.id} = ..., or leave it out"
            lowering.problem("E201", f"`{target.id}` gets no value", tree, help=help)
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute() as place], value=value):
            _refuse_place(place, value, lowering, tree)
        case ast.AugAssign(target=ast.Subscript() | ast.Attribute() as place, op=op, value=value):
            _refuse_place(place, ast.BinOp(place, op, value), lowering, tree)
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
            lowering.problem("E201", "only names can be assigned", tree, help=changes.NO_CHANGE)
        case ast.Expr(value=ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()]) as compared) if not lowering.is_known(
            name, body
        ):
            lowering.meant = (name,)
            help = forms.of_comparison(compared) or f"write {name} = ..."
            lowering.problem("E201", "`==` compares, and assigns nothing", tree, help=help)
        case ast.Expr(
            value=ast.Compare(
                left=ast.Name(id=name) as left, ops=[ast.Lt()], comparators=[ast.UnaryOp(ast.USub(), value)]
            )
        ) if not lowering.is_known(name, body):
            lowering.meant = (name,)
            help = forms.of_value(left, value) or f"write {name} = ..."
            lowering.problem("E201", "`<-` compares, and assigns nothing", tree, help=help)
        case ast.Expr(value=ast.Call(func=ast.Name(id="join")) as call):
            help = "assign in the block what it finds, and write join(...) as the last line, at its beginning"
            lowering.problem("E206", "`join(...)` stands inside a block", call, help=help)
        case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as value) if name not in FUNCTIONS:
            lowering.value(value, body, naming.fresh(f"{name}()"))
        case ast.Expr(value=value):
            lowering.value(value, body, naming.fresh("do()"))
        case _:
            message, help = refusal_of(tree)
            lowering.problem("E201", message, tree, help=blocks.of_statement(tree) or help)


def _refuse_place(place: ast.expr, value: ast.expr, lowering: Lowering, tree: ast.stmt) -> None:
    help = changes.of_assignment(place, value, lowering.loops, tree, lowering.fields_of, lowering.type_of)
    lowering.problem("E201", "only names can be assigned: results do not change", tree, help=help)


def _assign(
    target: ast.Name, value: ast.expr, lowering: Lowering, body: Body, naming: Naming, bound: dict[str, ir.Expr]
) -> None:
    lowering.check_name(target.id, target)
    bound[target.id] = lowering.value(value, body, naming.id_of(target.id))


def _unpack(
    target: ast.Tuple | ast.List,
    value: ast.expr,
    lowering: Lowering,
    body: Body,
    naming: Naming,
    bound: dict[str, ir.Expr],
) -> None:
    """`a, b = x`: one task for the whole, one for each name; `a, b = x, y` needs no whole."""
    names = [item for item in target.elts if isinstance(item, ast.Name)]
    if len(names) != len(target.elts) or len({n.id for n in names}) != len(names):
        help = forms.of_unpacking(target, value) or _UNPACKING
        lowering.problem("E201", "only distinct plain names can be unpacked into", target, help=help)
        return
    for name in names:
        lowering.check_name(name.id, name)
    own = {name.id for name in names}
    if (
        isinstance(value, ast.Tuple | ast.List)
        and len(value.elts) == len(names)
        and not any(isinstance(n, ast.Name) and n.id in own for n in ast.walk(value))
    ):
        for name, item in zip(names, value.elts, strict=True):
            bound[name.id] = lowering.value(item, body, naming.id_of(name.id))
        return
    whole = lowering.value(value, body, naming.fresh(spelled(target)))
    for index, name in enumerate(names):
        work = ir.Compute(ir.Unpacked(whole, index, len(names)))
        bound[name.id] = lowering.emit(naming.id_of(name.id), work, body, name)
