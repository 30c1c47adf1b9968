"""Whether a collection may be changed in place: only where nobody else can see it (rule L14)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from superscalar.plan import ir
from superscalar.plan.ir.changes import kinds_of
from superscalar.plan.read.instead import changes, folds
from superscalar.plan.read.lowering.body import Body
from superscalar.plan.read.lowering.changing import Change, changes_an_item
from superscalar.plan.read.lowering.sharing import ANY
from superscalar.values import TaskId

if TYPE_CHECKING:
    from superscalar.plan.read.lowering.lower import Lowering


def version_changed(change: Change, tree: ast.stmt, lowering: Lowering, body: Body) -> TaskId | None:
    """The version of a name that a statement changes; None if it may not, which is noted."""
    version = version_to_change(change.owner, kinds_of(change.operator), tree, lowering, body)
    if version is not None and changes_an_item(change):
        holder = lowering.sharing.other_of_items(version)
        if holder is not None:
            name = change.owner.id
            which = "other places of it" if holder == name else f"`{holder}`"
            refuse_change(f"what `{name}` holds may be seen through {which} as well", tree, lowering)
            return None
    return version


def version_to_change(
    owner: ast.Name, kinds: tuple[str, ...], tree: ast.stmt, lowering: Lowering, body: Body
) -> TaskId | None:
    """The version of a name whose collection nobody else has in hand; None if it is none, which is noted."""
    meaning = lowering.known(owner.id, body)
    if not isinstance(meaning, ir.Ref):
        before = len(lowering.problems)
        lowering.expression(owner, body)
        if len(lowering.problems) == before and not lowering.waits:
            refuse_change(f"`{owner.id}` is a part of another value, which would change as well", tree, lowering)
        return None
    holder = lowering.sharing.other(meaning.task)
    kind = lowering.sharing.kind(meaning.task)
    if holder is not None:
        refuse_change(
            f"`{owner.id}` cannot be changed in place: `{holder}` is, or holds, the same value", tree, lowering
        )
    elif not kind:
        refuse_change(f"`{owner.id}` cannot be changed in place: it is not sure that this plan made it", tree, lowering)
    elif kind not in (ANY, *kinds):
        refuse_change(f"`{owner.id}` is a {kind}, which cannot be changed like this", tree, lowering)
    else:
        return meaning.task
    return None


def check_augmented(owner: ast.Name, value: ast.expr, tree: ast.stmt, lowering: Lowering, body: Body) -> bool:
    """Whether `xs += [1]` changes what nobody else has in hand; if not, that is noted. Numbers never change."""
    holder = _other_holder(owner, value, lowering, body)
    if holder is not None:
        refuse_change(
            f"`{owner.id}` cannot be changed in place: `{holder}` is, or holds, the same value", tree, lowering
        )
    elif isinstance(value, ast.List) and any(_hands_on(item, owner.id) for item in value.elts):
        refuse_change(f"`{owner.id}` would be put into itself", tree, lowering)
        return False
    return holder is None


def _hands_on(node: ast.expr, name: str) -> bool:
    """Whether what a name stands for is, or stands in, the value of an expression as it is written."""
    match node:
        case ast.Name(id=id):
            return id == name
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.IfExp() | ast.BoolOp():
            return any(isinstance(part, ast.expr) and _hands_on(part, name) for part in ast.iter_child_nodes(node))
        case ast.ListComp() | ast.SetComp() | ast.DictComp():
            return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
    return False


def check_written_out(owner: ast.Name, value: ast.expr, tree: ast.stmt, lowering: Lowering, body: Body) -> bool:
    """Whether `xs = xs + [1]` in a loop comes to `xs += [1]`, as nobody else has it in hand; if not, that is noted."""
    holder = _other_holder(owner, value, lowering, body)
    if holder is not None:
        message = f"`{owner.id}` would be the value of the iteration before, and `{holder}` is, or holds, the first one"
        lowering.problem("E207", message, tree, help=folds.apart(owner, value))
    return holder is None


def _other_holder(owner: ast.Name, value: ast.expr, lowering: Lowering, body: Body) -> str | None:
    """Who else has in hand what `owner += value` would change; None if nobody, or if it is no collection."""
    meaning = lowering.known(owner.id, body)
    if not isinstance(meaning, ir.Ref):
        return None
    is_collection = lowering.sharing.kind(meaning.task) not in ("", ANY) or isinstance(
        value, ast.List | ast.ListComp | ast.Set | ast.SetComp | ast.Dict | ast.DictComp
    )
    return lowering.sharing.other(meaning.task) if is_collection else None


def refuse_change(message: str, tree: ast.stmt, lowering: Lowering) -> None:
    """Note that a statement changes what it may not, with what to write instead."""
    match tree:
        case ast.Expr(value=ast.Call() as call):
            help = changes.instead_of_change(call, lowering.loops, lowering.statement, lowering.is_list)
            lowering.problem("E204", message, tree, help=help)
        case ast.Assign(targets=[ast.Subscript() as place], value=value):
            _refuse_place(message, place, value, tree, lowering)
        case ast.AugAssign(target=ast.Subscript() as place, op=op, value=value):
            _refuse_place(message, place, ast.BinOp(place, op, value), tree, lowering)
        case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
            shown = ast.unparse(ast.BinOp(ast.Name(name), op, value))
            lowering.problem("E204", message, tree, help=f"write {name} = {shown}")
        case _:
            lowering.problem("E204", message, tree, help=changes.NO_CHANGE)


def _refuse_place(message: str, place: ast.expr, value: ast.expr, tree: ast.stmt, lowering: Lowering) -> None:
    help = changes.of_assignment(place, value, lowering.loops, tree, lowering.fields_of, lowering.type_of)
    lowering.problem("E201", message, tree, help=help)
