"""Changes of what stands in a collection: `d[k]["n"] += 1`, `d[k]["found"].append(x)` (rule L14).

What they change must be made by the plan where it is put in, or somebody else may see the change.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any, Final

from superscalar.plan.ir.changes import BEGUN, goes_inside
from superscalar.plan.read.lowering.body import is_tool_call
from superscalar.plan.read.lowering.changing import Change, change_of

_ANY: Final = object()  # a key that is not known


def entry_of(tree: ast.AST) -> Change | None:
    """`if k in d:` with changes of `d[k]`, and `else: d[k] = v`, as one change; None if it is something else."""
    match tree:
        case ast.If(
            test=ast.Compare(left=key, ops=[ast.In() | ast.NotIn() as sign], comparators=[ast.Name() as owner]),
            body=[_, *_] as one,
            orelse=[_, *_] as other,
        ):
            changes, begins = (one, other) if isinstance(sign, ast.In) else (other, one)
        case _:
            return None
    first = change_of(begins[0]) if len(begins) == 1 else None
    if first is None or not _is_by_key(first, owner.id, key) or first.operator != "[]=":
        return None
    parts: list[ast.expr] = []
    for each in changes:
        change = change_of(each)
        if change is None or not _is_by_key(change, owner.id, key):
            return None
        said = [ast.copy_location(ast.Constant(change.operator), each), *change.parts[1:]]
        parts.append(ast.copy_location(ast.Tuple(said, ast.Load()), each))
    return Change(owner, BEGUN, (key, first.parts[-1], *parts))


def _is_by_key(change: Change, owner: str, key: ast.expr) -> bool:
    """Whether it changes `owner[key]` and asks for nothing else of that, nor calls a tool."""
    if change.owner.id != owner or not change.operator.startswith(("[]", "get")):
        return False
    inside = [node for part in change.parts for node in ast.walk(part)]
    if any(is_tool_call(node) or (isinstance(node, ast.Name) and node.id == owner) for node in inside):
        return False
    return ast.dump(change.parts[0]) == ast.dump(key)


def why_shared(name: str, changes: Iterable[Change]) -> str:
    """Why what a loop puts into a collection, and changes there, may be seen elsewhere; empty if it cannot be."""
    said = [each for change in changes for each in _said_in(change)]
    if not any(goes_inside(operator) for operator, _ in said):
        return ""
    grown = {_value(parts[1]) for operator, parts in said if operator.startswith("[][].")}
    for operator, parts in said:
        match operator:
            case "[]=" | ".setdefault" | ".append":
                made = _is_made_here(parts[-1], grown)
            case "[][]=":
                made = not grown or _is_made_here(parts[-1], set())
            case ".update" | ".extend":
                made = _is_made_here(parts[-1], {_ANY}) and not grown
            case _:
                made = True
        if not made:
            return f"what is put into `{name}` is changed there, and may be seen elsewhere"
    return ""


def stored_of(change: Change) -> list[int]:
    """Which parts of a change stay in the collection, counted from its last: no keys, and nothing computed with."""
    if change.operator == BEGUN:
        return list(range(1, len(change.parts)))
    return [] if change.operator.endswith("=") and change.operator not in ("[]=", "[][]=") else [1]


def _said_in(change: Change) -> Iterator[tuple[str, tuple[ast.expr, ...]]]:
    """The single changes that one is made of, with what they are given."""
    if change.operator != BEGUN:
        yield change.operator, change.parts
        return
    key, begin, *more = change.parts
    yield "[]=", (key, begin)
    for each in more:
        assert isinstance(each, ast.Tuple)
        operator, *rest = each.elts
        yield str(_value(operator)), (key, *rest)


def _value(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else _ANY


def _is_made_here(node: ast.expr, inside: set[Any]) -> bool:
    """Whether an expression makes what it gives, and what stands at these places `inside` of that as well."""
    match node:
        case ast.Constant():
            return True
        case ast.List(elts=items):
            return not inside or all(_is_made_here(item, set()) for item in items)
        case ast.Dict(keys=keys, values=values):
            asked = [
                value
                for key, value in zip(keys, values, strict=True)
                if inside and (key is None or _ANY in inside or _value(key) is _ANY or _value(key) in inside)
            ]
            return all(_is_made_here(value, set()) for value in asked) and (not inside or None not in keys)
        case ast.ListComp(elt=item) | ast.DictComp(value=item):
            return not inside or _is_made_here(item, set())
        case ast.Call(func=ast.Name(id="list" | "dict" | "set"), args=given):
            return not inside or not (given or node.keywords)
        case ast.Set() | ast.SetComp():
            return True
    return False
