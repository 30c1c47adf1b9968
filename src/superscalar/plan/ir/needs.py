"""What a task waits for, derived from its work alone (rules L8, L12, L15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from superscalar.plan import ir
from superscalar.plan.ir.changes import BY_ITEM
from superscalar.plan.ir.forms import BY_OUTCOME
from superscalar.values import TaskId

_TAKEN_OUT = (ir.Index, ir.Unpacked)
_HOLDERS = (ir.Sequence, ir.Dict)  # what may have items that are there, although others are not


def needs_of(work: ir.Work) -> tuple[ir.Need, ...]:
    """What a task with this work waits for, each once, in order of first appearance.

    `value` is asked only of a task whose value is used whatever the others are, since a task whose `value` need fails
    is skipped without evaluating anything, unless what failed has items that may be looked at. What may not be looked
    at (the later operands of `and`, an arm of a choice, the body of a comprehension) is an `outcome`: the evaluation
    finds out whether it mattered. A map waits for its source only; the tasks of its body have needs of their own.
    """
    match work:
        case ir.Call(arguments=arguments, enters=True):
            return _merged([ir.Need(task, "named") for _, expr in arguments for task in references(expr)])
        case ir.Call(arguments=arguments):
            of_call = [need for _, expr in arguments if type(expr) is not ir.Literal for need in _needs(expr)]
            return _merged(of_call) if of_call else ()
        case ir.Compute(ir.Ref(task)):
            return (ir.Need(task, "outcome"),)
        case ir.Compute(value):
            by_item = isinstance(value, _HOLDERS) or (isinstance(value, ir.Fold) and value.operator in BY_ITEM)
            return _merged(list(_needs(value, certain=not by_item)))
        case ir.Map(source=source, ok_of=str(whole)):
            return (ir.Need(whole, "shape"), ir.Need(source, "named"))
        case ir.Map(source=source):
            return (ir.Need(source, "shape"),)
        case ir.Display(items=items, keys=keys):
            return _merged(
                [*(ir.Need(item, "outcome") for item in items), *(need for key in keys for need in _needs(key))]
            )
        case ir.First(count, source):
            return _merged([*_needs(count), ir.Need(source, "shape")])
        case ir.Select(condition, then, otherwise):
            return _merged([ir.Need(task, "outcome") for task in (condition, then, otherwise) if task is not None])
        case ir.Each(loop, otherwise=otherwise):
            return (ir.Need(loop, "shape"), *([] if otherwise is None else [ir.Need(otherwise, "outcome")]))
        case ir.Supplied():
            return ()
        case ir.PlanCall(entry, result):
            return (ir.Need(entry, "value"), ir.Need(result, "outcome"), ir.Need(result, "shape"))
        case ir.Join(items=named):
            return _merged([ir.Need(task, "outcome") for _, task in named])
        case _:
            assert_never(work)


def references(expr: ir.Expr) -> Iterator[TaskId]:
    """Every task that `expr` refers to, in order, as often as it does."""
    pending = [expr]
    while pending:
        expr = pending.pop()
        if type(expr) is ir.Ref:
            yield expr.task
        else:
            pending.extend(reversed([*children(expr)]))


def children(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The expressions right inside `expr`, in order of evaluation."""
    return (child for child, _ in _children(expr, certain=True))


def constant_index(expr: ir.Expr) -> int | None:
    """The position that a constant subscript names (rule L15), or None if `expr` is none."""
    if type(expr) is ir.Literal:
        return expr.value if type(expr.value) is int else None
    if type(expr) is ir.Unary and expr.operator == "-" and type(expr.operand) is ir.Literal:
        value = expr.operand.value
        return -value if type(value) is int else None
    return None


def _merged(needs: list[ir.Need]) -> tuple[ir.Need, ...]:
    """One need per task, or one per item: a task needed whole settles its items, one needed by value its outcome."""
    if len(needs) < 2:
        return tuple(needs)
    whole: dict[TaskId, ir.Need] = {}
    for need in needs:
        if need.mode == "value" or (need.mode == "outcome" and need.task not in whole):
            whole[need.task] = need
    return tuple(dict.fromkeys(whole.get(need.task, need) for need in needs))


def _needs(expr: ir.Expr, *, certain: bool = True) -> Iterator[ir.Need]:
    pending: list[tuple[ir.Expr, bool]] = [(expr, certain)]  # no recursion: a plan's nesting is its writer's
    while pending:
        expr, certain = pending.pop()
        if type(expr) is ir.Ref:
            yield ir.Need(expr.task, "value" if certain else "outcome")
            continue
        if isinstance(expr, _TAKEN_OUT) and type(expr.base) is ir.Ref:
            position = constant_index(expr.index) if isinstance(expr, ir.Index) else -1
            if position is not None:
                yield ir.Need(expr.base.task, "outcome") if position < 0 else ir.Need(expr.base.task, "item", position)
                continue
        if inside := _children(expr, certain):
            pending.extend(reversed(inside))


def _children(expr: ir.Expr, certain: bool) -> list[tuple[ir.Expr, bool]]:
    """The expressions right inside `expr` in order of evaluation, and whether it has no value unless they have one."""
    match expr:
        case ir.Literal() | ir.Ref() | ir.Var():
            return []
        case ir.Binary(left=left, right=right):
            return [(left, certain), (right, certain)]
        case ir.Index(base, index):
            return [(base, certain and not isinstance(base, _HOLDERS)), (index, certain)]
        case ir.Text(parts):
            holes = [part for part in parts if not isinstance(part, str)]
            return [(inside, certain) for hole in holes for inside in (hole.value, hole.spec) if inside is not None]
        case ir.Unary(operand=operand):
            return [(operand, certain)]
        case ir.Compare(first, rest):
            keyed = {
                i for i, (sign, operand) in enumerate(rest) if sign in ("in", "not in") and type(operand) is ir.Dict
            }
            later = enumerate(operand for _, operand in rest)
            return [(first, certain), *((operand, certain and not i and i not in keyed) for i, operand in later)]
        case ir.Logic(operands=operands):
            return [(operand, certain and not i) for i, operand in enumerate(operands)]
        case ir.Choice(condition, then, otherwise):
            return [(condition, certain), (then, False), (otherwise, False)]
        case ir.Unpacked(base=base) | ir.Field(base=base):
            return [(base, certain and not isinstance(base, _HOLDERS))]
        case ir.Slice(base, start, stop, step):
            return [(base, certain), *((part, certain) for part in (start, stop, step) if part is not None)]
        case ir.Sequence(items=items):
            return [(item, certain) for item in items]
        case ir.Dict(items=pairs):
            return [(inside, certain) for pair in pairs for inside in pair]
        case ir.Comprehension():
            return _in_comprehension(expr, certain)
        case ir.Apply(function, arguments, keywords):
            looks = function in BY_OUTCOME
            both = [*arguments, *(value for _, value in keywords)]
            return [(a, certain and not (looks and (i or function != "first"))) for i, a in enumerate(both)]
        case ir.Method(base=base, arguments=arguments, keywords=keywords):
            inside = certain and not isinstance(base, _HOLDERS)
            return [(base, inside), *((a, certain) for a in arguments), *((value, certain) for _, value in keywords)]
        case ir.Fold(initial=initial, items=items):
            return [(initial, certain), (items, certain)]
        case ir.Missing(operand):
            return [(operand, False)]
        case ir.Lambda(body=body):
            return [(body, False)]
        case _:
            assert_never(expr)


def _in_comprehension(expr: ir.Comprehension, certain: bool) -> list[tuple[ir.Expr, bool]]:
    """Only the first iterable is certain, and not even that if it is a display, whose items are looked at."""
    first = expr.clauses[0].iterable
    return [(first, certain and not isinstance(first, _HOLDERS)), *((inside, False) for inside in _body(expr))]


def _body(expr: ir.Comprehension) -> list[ir.Expr]:
    """Everything in a comprehension but its first iterable, in the order in which it is evaluated first."""
    first, *rest = expr.clauses
    body = [*first.conditions]
    for clause in rest:
        body += [clause.iterable, *clause.conditions]
    return body + [inside for inside in (expr.key, expr.element) if inside is not None]
