"""Python's own parser as a reader of expressions: what printed text must mean, said independently of our front end."""

from __future__ import annotations

import ast
from collections.abc import Set
from typing import Any, Literal, cast

from superscalar.plan.ir import (
    Apply,
    Binary,
    Choice,
    Clause,
    Compare,
    Comprehension,
    Dict,
    Expr,
    Field,
    Hole,
    Index,
    Lambda,
    Logic,
    Method,
    Ref,
    Sequence,
    Slice,
    Target,
    Text,
    Unary,
    Var,
)
from superscalar.plan.ir import Literal as Constant

_SYMBOLS: dict[type[ast.AST], str] = {
    ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not", ast.Add: "+", ast.Sub: "-", ast.Mult: "*",
    ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.LShift: "<<", ast.RShift: ">>",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=",
    ast.Gt: ">", ast.GtE: ">=", ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip


def read(text: str) -> Expr:
    """The expression that a text means; free names are references to tasks."""
    return _expr(ast.parse(text, mode="eval").body, frozenset())


def _symbol(operator: ast.AST) -> Any:
    return _SYMBOLS[type(operator)]


def _expr(node: ast.expr, bound: Set[str]) -> Expr:
    def go(child: ast.expr) -> Expr:
        return _expr(child, bound)

    def every(children: list[ast.expr]) -> tuple[Expr, ...]:
        return tuple(map(go, children))

    def named(keywords: list[ast.keyword]) -> tuple[tuple[str, Expr], ...]:
        return tuple((cast("str", keyword.arg), go(keyword.value)) for keyword in keywords)

    match node:
        case ast.Constant(value=value):
            return Constant(cast("Any", value))
        case ast.Name(id=name):
            return Var(name) if name in bound else Ref(name)
        case ast.JoinedStr():
            return _text(node, bound)
        case ast.UnaryOp(op=op, operand=operand):
            return Unary(_symbol(op), go(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return Binary(_symbol(op), go(left), go(right))
        case ast.Compare(left=left, ops=ops, comparators=others):
            return Compare(go(left), tuple(zip(map(_symbol, ops), every(others), strict=True)))
        case ast.BoolOp(op=op, values=values):
            return Logic(_symbol(op), every(values))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return Choice(go(test), go(body), go(orelse))
        case ast.Subscript(value=base, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            parts = [None if part is None else go(part) for part in (lower, upper, step)]
            return Slice(go(base), *parts)
        case ast.Subscript(value=base, slice=index):
            return Index(go(base), go(index))
        case ast.Attribute(value=base, attr=name):
            return Field(go(base), name)
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return Sequence("set", ())
        case ast.Call(func=ast.Name(id=function), args=args, keywords=keywords):
            return Apply(function, every(args), named(keywords))
        case ast.Call(func=ast.Attribute(value=base, attr=name), args=args, keywords=keywords):
            return Method(go(base), name, every(args), named(keywords))
        case ast.List(elts=items):
            return Sequence("list", every(items))
        case ast.Tuple(elts=items):
            return Sequence("tuple", every(items))
        case ast.Set(elts=items):
            return Sequence("set", every(items))
        case ast.Dict(keys=keys, values=values):
            return Dict(tuple(zip(every(cast("list[ast.expr]", keys)), every(values), strict=True)))
        case ast.ListComp(elt=element, generators=generators):
            return _comprehension("list", element, generators, bound)
        case ast.SetComp(elt=element, generators=generators):
            return _comprehension("set", element, generators, bound)
        case ast.DictComp(key=key, value=element, generators=generators):
            return _comprehension("dict", element, generators, bound, key)
        case ast.Lambda(args=arguments, body=body):
            names = tuple(argument.arg for argument in arguments.args)
            return Lambda(names, _expr(body, bound | {*names}))
        case _:
            raise AssertionError(ast.dump(node))


def _text(node: ast.JoinedStr, bound: Set[str]) -> Text:
    parts: list[str | Hole] = []
    for part in node.values:
        match part:
            case ast.Constant(value=str(text)):
                parts += [text] if text else []  # Python 3.12 ends a format with an empty one
            case ast.FormattedValue(value=value, conversion=conversion, format_spec=spec):
                letter = cast("Literal['', 's', 'r', 'a']", "" if conversion == -1 else chr(conversion))
                shown = None if spec is None else _text(cast("ast.JoinedStr", spec), bound)
                parts.append(Hole(_expr(value, bound), letter, shown))
            case _:
                raise AssertionError(ast.dump(part))
    return Text(tuple(parts))


def _target(node: ast.expr) -> Target:
    if isinstance(node, ast.Tuple):
        return tuple(_target(part) for part in node.elts)
    assert isinstance(node, ast.Name)
    return node.id


def _names(target: Target) -> set[str]:
    return {target} if isinstance(target, str) else {name for part in target for name in _names(part)}


def _comprehension(
    kind: Literal["list", "set", "dict"],
    element: ast.expr,
    generators: list[ast.comprehension],
    bound: Set[str],
    key: ast.expr | None = None,
) -> Comprehension:
    clauses = []
    for generator in generators:
        target = _target(generator.target)
        iterable = _expr(generator.iter, bound)
        bound = bound | _names(target)
        clauses.append(Clause(target, iterable, tuple(_expr(condition, bound) for condition in generator.ifs)))
    return Comprehension(kind, _expr(element, bound), tuple(clauses), None if key is None else _expr(key, bound))
