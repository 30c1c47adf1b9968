"""Statements that change a collection in place (rule L14): which change one is, and of what."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir.changes import BEGUN, KEYED, NESTED, WHOLE, goes_inside
from superscalar.plan.read.lowering.body import is_tool_call
from superscalar.plan.read.lowering.symbols import BINARY


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that changes what `owner` stands for. `parts`: what it is given, the key first if it has one."""

    owner: ast.Name
    operator: str
    parts: tuple[ast.expr, ...]


def change_of(tree: ast.AST) -> Change | None:
    """The change that a statement is; None if it is none, or one that has no meaning here."""
    if isinstance(tree, ast.Assign) and isinstance(tree.targets[0], ast.Name):
        return None
    match tree:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr=name), args=args, keywords=[])):
            if any(isinstance(argument, ast.Starred) for argument in args):
                return None
            if f".{name}" in WHOLE and len(args) == 1:
                return Change(owner, f".{name}", tuple(args))
            return Change(owner, ".setdefault", tuple(args)) if name == "setdefault" and len(args) == 2 else None
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name() as owner, attr="update"), args=[], keywords=[_, *_] as named
            )
        ) if all(keyword.arg for keyword in named):
            keys: list[ast.expr | None] = [ast.copy_location(ast.Constant(k.arg), k.value) for k in named]
            made = ast.copy_location(ast.Dict(keys, [k.value for k in named]), owner)
            return Change(owner, ".update", (made,))
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Name() as owner, attr="setdefault"), args=[key, empty], keywords=[]
                    ),
                    attr=name,
                ),
                args=[value],
                keywords=[],
            )
        ) if f"setdefault.{name}" in KEYED and _is_empty(empty, "set" if name == "add" else "list"):
            return None if isinstance(value, ast.Starred) else Change(owner, f"setdefault.{name}", (key, value))
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Subscript() as place, attr=name), args=[value], keywords=[])
        ) if f"[].{name}" in NESTED and not isinstance(value, ast.Starred):
            return _nested(place, f".{name}", value)
        case ast.Assign(targets=[ast.Subscript(value=ast.Subscript()) as place], value=value):
            return _nested(place, "=", value)
        case ast.AugAssign(target=ast.Subscript(value=ast.Subscript()) as place, op=op, value=value):
            return _nested(place, f"{BINARY[type(op)]}=", value) if type(op) in BINARY else None
        case ast.Assign(targets=[ast.Subscript(value=ast.Name() as owner, slice=key)], value=value):
            return None if isinstance(key, ast.Slice) else _assigned(owner, key, value)
        case ast.AugAssign(target=ast.Subscript(value=ast.Name() as owner, slice=key), op=op, value=value):
            known = type(op) in BINARY and not isinstance(key, ast.Slice)
            return Change(owner, f"[]{BINARY[type(op)]}=", (key, value)) if known else None
    return None


def _nested(place: ast.Subscript, sign: str, value: ast.expr) -> Change | None:
    """A change of what stands in `d[k]` or `d[k][m]`."""
    match place:
        case ast.Subscript(value=ast.Name() as owner, slice=key):
            operator, keys = f"[]{sign}", [key]
        case ast.Subscript(value=ast.Subscript(value=ast.Name() as owner, slice=key), slice=inner):
            operator, keys = f"[][]{sign}", [key, inner]
        case _:
            return None
    return None if any(isinstance(each, ast.Slice) for each in keys) else Change(owner, operator, (*keys, value))


def _assigned(owner: ast.Name, key: ast.expr, value: ast.expr) -> Change:
    """`d[k] = v`, where `v` may be made of what is there: `d.get(k, c) + e`, `d[k] + e`."""
    plain = not any(map(is_tool_call, ast.walk(key)))  # such a key would be two calls
    match value:
        case ast.BinOp(
            left=ast.Call(func=ast.Attribute(value=ast.Name(id=id), attr="get"), args=[same, start], keywords=[]),
            op=op,
            right=part,
        ) if plain and id == owner.id and ast.dump(same) == ast.dump(key) and type(op) in BINARY:
            return Change(owner, f"get{BINARY[type(op)]}", (key, start, part))
        case ast.BinOp(left=ast.Subscript(value=ast.Name(id=id), slice=same), op=op, right=part) if (
            plain and id == owner.id and ast.dump(same) == ast.dump(key) and type(op) in BINARY
        ):
            return Change(owner, f"[]{BINARY[type(op)]}=", (key, part))
    return Change(owner, "[]=", (key, value))


def _is_empty(node: ast.expr, kind: str) -> bool:
    match node:
        case ast.List(elts=[]):
            return kind == "list"
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]):
            return name == kind
    return False


def changes_an_item(change: Change) -> bool:
    """Whether it may change, in place, what stands under a key, and not only which value stands there."""
    sign = change.operator.removeprefix("[]").removesuffix("=")
    if goes_inside(change.operator) or change.operator == BEGUN:
        return True
    return (
        change.operator.startswith("[]") and sign in ("+", "-", "*", "|", "&", "^") and not _is_plain(change.parts[-1])
    )


def _is_plain(node: ast.expr) -> bool:
    """Whether a value is sure to be a number or a text."""
    match node:
        case ast.Constant() | ast.JoinedStr():
            return True
        case ast.UnaryOp(operand=operand):
            return _is_plain(operand)
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            return FUNCTIONS[name].gives in ("int", "float", "str", "bool", "number")
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult(), right=right):
            return _is_plain(left) and _is_plain(right)
        case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Pow()):
            return True
    return False
