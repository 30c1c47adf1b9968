"""Other spellings of `join(...)`, where no tool has that name (rule L5)."""

from __future__ import annotations

import ast
import re
from collections.abc import Container
from typing import Final

from superscalar.plan.read.instead.code import fresh_name

_SPELLED: Final = re.compile(r"join|Join|finish|return|[^\x00-\x7f]")  # Python takes some other signs for letters
_MEANT: Final = re.compile(r"(?<![.\w])([jJ]oin|finish)\s*\(")


def may_join(text: str) -> bool:
    """Whether a text may be a `join(...)`, however it is spelled; said of most texts sooner than by `join_of`."""
    return _SPELLED.search(text) is not None


def join_of(tree: ast.stmt, tools: Container[str]) -> ast.stmt | None:
    """The `join(...)` that a statement is, or is another spelling of; None if it is neither."""
    match tree:
        case ast.Expr(value=ast.Call(func=ast.Name(id="join"))):
            return tree
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[value], keywords=[])) if "print" not in tools:
            pass
        case ast.Expr(value=value) | ast.Assign(targets=[ast.Name()], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(), value=ast.expr() as value) | ast.Return(value=ast.expr() as value):
            pass
        case _:
            return None
    match value:
        case ast.Call(ast.Name(id="join" | "Join" | "finish" as name), values, keywords) if (
            name == "join" or name not in tools
        ):
            pass
        case ast.Tuple(elts=values) if isinstance(tree, ast.Return):
            keywords = []
        case _ if isinstance(tree, ast.Return):
            values, keywords = [value], []
        case _:
            return None
    call = ast.Call(ast.copy_location(ast.Name("join", ast.Load()), tree), values, keywords)
    return ast.copy_location(ast.Expr(ast.copy_location(call, tree)), tree)


def plain_join(call: ast.Call) -> ast.Call:
    """A `join(...)` without stars, of values or of named values: what is spliced in is put together before (L3, L6).

    A value that stands beside named ones is named like itself, or else `answer`: `join(a, b=1)` is `join(a=a, b=1)`.
    """
    if call.args and call.keywords:
        return call if (named := _all_named(call)) is None else named
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    spliced = any(keyword.arg is None for keyword in call.keywords)
    if not (starred or spliced):
        return call
    match call.args:
        case [ast.Starred(value=only)]:
            return _joining(only, call)
        case [_, *_] as values:
            return _joining(ast.List(values, ast.Load()), call)
    keys = [None if keyword.arg is None else ast.Constant(keyword.arg) for keyword in call.keywords]
    return _joining(ast.Dict(keys, [keyword.value for keyword in call.keywords]), call)  # type: ignore[arg-type]


def _all_named(call: ast.Call) -> ast.Call | None:
    """A `join(...)` whose values all have names; None where something is spliced in."""
    taken = {keyword.arg or "" for keyword in call.keywords}
    if "" in taken or any(isinstance(value, ast.Starred) for value in call.args):
        return None
    named: list[ast.keyword] = []
    for value in call.args:
        match value:
            case ast.Name(id=base) | ast.Attribute(attr=base):
                pass
            case _:
                base = "answer"
        taken.add(own := fresh_name(base, taken))
        named.append(ast.copy_location(ast.keyword(own, value), value))
    return ast.copy_location(ast.Call(call.func, [], [*named, *call.keywords]), call)


def joined_value(call: ast.Call) -> ast.expr | None:
    """The value that a `join(...)` is one of (rule L6); None if it joins every name."""
    match plain_join(call):
        case ast.Call(args=[ast.expr() as value], keywords=[]):
            return value
        case ast.Call(args=[_, _, *_] as values, keywords=[]):
            made: ast.expr = ast.List(values, ast.Load())
        case ast.Call(args=[], keywords=[_, *_] as named):
            made = ast.Dict([ast.copy_location(ast.Constant(k.arg), k.value) for k in named], [k.value for k in named])
        case _:
            return None
    return ast.copy_location(made, call)


def _joining(value: ast.expr, call: ast.Call) -> ast.Call:
    for part in ast.walk(value):
        if isinstance(part, ast.expr) and not hasattr(part, "lineno"):
            ast.copy_location(part, call)
    return ast.copy_location(ast.Call(call.func, [value], []), call)


def join_spelled(tree: ast.stmt) -> str:
    """How a `join` was written."""
    match tree:
        case ast.Return():
            return "return ..."
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))):
            return f"{name}(...)"
    return "name = join(...)"


def is_meant_to_join(text: str, tools: Container[str]) -> bool:
    """Whether a text that cannot be read has what may be the call of a `join(...)`."""
    return any(name == "join" or name not in tools for name in _MEANT.findall(text))
