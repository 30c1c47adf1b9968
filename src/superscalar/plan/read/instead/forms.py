"""Forms of expressions that a plan has not, as ones that it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Sequence
from string import Formatter

from superscalar.plan.read.instead.code import (
    NoShortCode,
    bound_in,
    filled,
    fresh_name,
    mentioned_names,
    name,
    tried,
    write,
)
from superscalar.plan.read.instead.functions import format_hole
from superscalar.plan.read.spelling import joined_value

IsList = Callable[[ast.expr], bool]

_PERCENT = re.compile(r"%(?:(%)|([-0]?)(\d*)(\.\d+)?([sdifrxXeEgG]))")


@tried
def of_star_in_call(call: ast.Call) -> str:
    """`max(*xs)`, `zip(*rows)` without the star."""
    match call:
        case ast.Call(func=ast.Name(id="zip"), args=[ast.Starred(value=rows)], keywords=[]):
            if not isinstance(rows, ast.Name):
                raise NoShortCode
            return "write " + write("[[row[i] for row in XS] for i in range(len(XS[0]))]", XS=rows)
        case ast.Call(func=ast.Name(id="min" | "max"), args=[ast.Starred(value=items)]):
            return "write " + write("X", X=ast.Call(call.func, [items], call.keywords))
    raise NoShortCode


@tried
def of_format(call: ast.Call, template: ast.expr) -> str:
    """`"...".format(...)` as an f-string."""
    if not (isinstance(template, ast.Constant) and isinstance(template.value, str)):
        raise NoShortCode
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    parts: list[ast.expr] = []
    position = 0
    try:
        pieces = list(Formatter().parse(template.value))
    except ValueError as error:
        raise NoShortCode from error
    for literal, field, spec, conversion in pieces:
        if literal:
            parts.append(ast.Constant(literal))
        if field is None:
            continue
        if not field:
            field, position = str(position), position + 1
        parts.append(format_hole(_field(field, call.args, named), spec or "", conversion or ""))
    return "write " + write("X", X=ast.JoinedStr(parts))


def _field(field: str, given: Sequence[ast.expr], named: dict[str | None, ast.expr]) -> ast.expr:
    first = re.split(r"[.\[]", field, maxsplit=1)[0]
    if first.isdecimal() and int(first) < len(given):
        value = given[int(first)]
    elif first in named:
        value = named[first]
    else:
        raise NoShortCode
    if isinstance(value, ast.Starred) or len(field) > len(first):
        raise NoShortCode
    return value


@tried
def of_percent(node: ast.BinOp) -> str:
    """`"%s" % x` as an f-string."""
    template = node.left
    if not (isinstance(template, ast.Constant) and isinstance(template.value, str)):
        raise NoShortCode
    values = list(node.right.elts) if isinstance(node.right, ast.Tuple) else [node.right]
    parts: list[ast.expr] = []
    end = 0
    for found in _PERCENT.finditer(template.value):
        parts.append(ast.Constant(template.value[end : found.start()]))
        end = found.end()
        percent, flag, width, precision, kind = found.groups()
        if percent:
            parts.append(ast.Constant("%"))
            continue
        if not values:
            raise NoShortCode
        spec = f"{'<' if flag == '-' else flag}{width}{precision or ''}"
        letter = "" if kind in "sr" else "d" if kind == "i" else kind
        align = ">" if width and kind in "sr" and not flag else ""
        parts.append(format_hole(values.pop(0), f"{align}{spec}{letter}", "r" if kind == "r" else ""))
    parts.append(ast.Constant(template.value[end:]))
    if values or "%" in _PERCENT.sub("", template.value):
        raise NoShortCode
    merged = [part for part in parts if not (isinstance(part, ast.Constant) and part.value == "")]
    return "write " + write("X", X=ast.JoinedStr(merged))


@tried
def of_walrus(node: ast.NamedExpr, around: ast.AST | None) -> str:
    """`(n := x)` as a line of its own; in a comprehension, whose items it is made of, without a name."""
    if around is not None and mentioned_names(node.value) & bound_in(around):
        return f"write {write('X', X=node.value)} here, and again where {node.target.id} stands"
    return f"write {write('N = X', N=node.target, X=node.value)} on the line above, and {node.target.id} here"


@tried
def of_await(node: ast.Await) -> str:
    """`await f(x)` without the word."""
    return f"leave `await` out: {write('X', X=node.value)}"


@tried
def of_nameless(call: ast.Call, taken: Collection[str]) -> str:
    """A name for the one call of a tool, whose own name was written where its result was meant."""
    found = fresh_name("found", taken)
    return f"give its call a name: {write('X = Y', X=name(found), Y=call)}, and write `{found}` here"


@tried
def of_mixed_join(call: ast.Call) -> str:
    """`join(*xs, b=y)` with a name for what is spliced in."""
    taken = {keyword.arg or "" for keyword in call.keywords}
    if "" in taken:
        raise NoShortCode
    named = ast.keyword(fresh_name("answer", taken), ast.List(call.args, ast.Load()))
    return "write " + write("X", X=ast.Call(call.func, [], [named, *call.keywords]))


@tried
def of_join_inside(call: ast.Call, taken: Sequence[str]) -> str:
    """`join(x)` in a block as the assignment of what the last line joins."""
    value = joined_value(call)
    if value is None:
        raise NoShortCode
    own = ast.Name(fresh_name("answer", taken), ast.Load())
    here, last = write("A = X", A=own, X=value), write("join(A)", A=own)
    return f"write {here} in its place, and {last} as the last line, at its beginning"


@tried
def of_targets(tree: ast.Assign) -> str:
    """`a = b = x`, one assignment after the other."""
    first, *others = tree.targets
    if not all(isinstance(target, ast.Name) for target in tree.targets):
        raise NoShortCode
    lines = [write("A = X", A=first, X=tree.value)]
    lines += [write("B = A", B=other, A=ast.Name(first.id, ast.Load())) for other in others]  # type: ignore[attr-defined]
    return "write " + "; ".join(lines)


@tried
def of_unpacking(target: ast.Tuple | ast.List, value: ast.expr) -> str:
    """`a, *rest = xs` and `a, (b, c) = x`, part by part."""
    lines: list[str] = []
    whole = value
    if not isinstance(value, ast.Name):
        whole = ast.Name("whole", ast.Load())
        lines.append(write("W = X", W=whole, X=value))
    _unpacked(target, whole, lines)
    return "write " + "; ".join(lines)


def _unpacked(target: ast.Tuple | ast.List, whole: ast.expr, lines: list[str]) -> None:
    starred = next((i for i, part in enumerate(target.elts) if isinstance(part, ast.Starred)), None)
    for index, part in enumerate(target.elts):
        behind = starred is not None and index > starred
        place = ast.Constant(index - len(target.elts) if behind else index)
        match part:
            case ast.Name():
                lines.append(write("A = X[I]", A=part, X=whole, I=place))
            case ast.Starred(value=ast.Name() as rest):
                left = len(target.elts) - index - 1
                bounds = f"{index}:{-left if left else ''}" if index else f":{-left if left else ''}"
                lines.append(write(f"A = X[{bounds}]", A=rest, X=whole))
            case ast.Tuple() | ast.List():
                _unpacked(part, filled("X[I]", X=whole, I=place), lines)
            case _:
                raise NoShortCode


@tried
def of_comparison(tree: ast.Compare) -> str:
    """`x == value` as a statement, where `x = value` was meant."""
    return "write " + write("X = V", X=tree.left, V=tree.comparators[0])


@tried
def of_value(target: ast.Name, value: ast.expr) -> str:
    """`x: value`, where `x = value` was meant."""
    return "write " + write("X = V", X=target, V=value)
