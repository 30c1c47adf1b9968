"""Expressions of the IR from Python text and back, so that tests can say what they mean in one line."""

from __future__ import annotations

import ast
from typing import Any

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
    Fold,
    Hole,
    Index,
    Lambda,
    Literal,
    Logic,
    Method,
    Missing,
    Ref,
    Sequence,
    Slice,
    Target,
    Text,
    Unary,
    Unpacked,
    Var,
)

_SYMBOLS: dict[type[ast.AST], Any] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not", ast.And: "and", ast.Or: "or",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip


def read(text: str) -> Expr:
    """`text` as an expression; a name that it does not bind itself refers to a task."""
    return _read(ast.parse(text, mode="eval").body, frozenset())


def _read(node: ast.AST, bound: frozenset[str]) -> Expr:
    def go(inner: ast.AST) -> Expr:
        return _read(inner, bound)

    def maybe(inner: ast.AST | None) -> Expr | None:
        return None if inner is None else _read(inner, bound)

    match node:
        case ast.Constant(value=value):
            assert value is None or isinstance(value, bool | int | float | str | bytes)
            return Literal(value)
        case ast.Name(id=name):
            return Var(name) if name in bound else Ref(name)
        case ast.JoinedStr():
            return _text(node, bound)
        case ast.UnaryOp(op=op, operand=operand):
            return Unary(_SYMBOLS[type(op)], go(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return Binary(_SYMBOLS[type(op)], go(left), go(right))
        case ast.BoolOp(op=op, values=values):
            return Logic(_SYMBOLS[type(op)], tuple(map(go, values)))
        case ast.Compare(left=left, ops=ops, comparators=operands):
            rest = zip(ops, operands, strict=True)
            return Compare(go(left), tuple((_SYMBOLS[type(op)], go(operand)) for op, operand in rest))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return Choice(go(test), go(body), go(orelse))
        case ast.Subscript(value=base, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            return Slice(go(base), maybe(lower), maybe(upper), maybe(step))
        case ast.Subscript(value=base, slice=index):
            return Index(go(base), go(index))
        case ast.Attribute(value=base, attr=name):
            return Field(go(base), name)
        case ast.List(elts=items):
            return Sequence("list", tuple(map(go, items)))
        case ast.Tuple(elts=items):
            return Sequence("tuple", tuple(map(go, items)))
        case ast.Set(elts=items):
            return Sequence("set", tuple(map(go, items)))
        case ast.Dict(keys=keys, values=values):
            return Dict(tuple((go(k), go(v)) for k, v in zip(keys, values, strict=True) if k is not None))
        case ast.ListComp(elt=element, generators=clauses) | ast.GeneratorExp(elt=element, generators=clauses):
            return _comprehension("list", None, element, clauses, bound)
        case ast.SetComp(elt=element, generators=clauses):
            return _comprehension("set", None, element, clauses, bound)
        case ast.DictComp(key=key, value=element, generators=clauses):
            return _comprehension("dict", key, element, clauses, bound)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            return Apply(name, tuple(map(go, arguments)), tuple((str(k.arg), go(k.value)) for k in keywords))
        case ast.Call(func=ast.Attribute(value=base, attr=name), args=arguments, keywords=keywords):
            named = tuple((str(k.arg), go(k.value)) for k in keywords)
            return Method(go(base), name, tuple(map(go, arguments)), named)
        case ast.Lambda(args=arguments, body=body):
            names = tuple(argument.arg for argument in arguments.args)
            return Lambda(names, _read(body, bound | set(names)))
        case _:
            raise AssertionError(ast.dump(node))


def _text(node: ast.JoinedStr, bound: frozenset[str]) -> Text:
    parts: list[str | Hole] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            assert isinstance(part, ast.FormattedValue)
            conversion: Any = "" if part.conversion == -1 else chr(part.conversion)
            spec = _text(part.format_spec, bound) if isinstance(part.format_spec, ast.JoinedStr) else None
            parts.append(Hole(_read(part.value, bound), conversion, spec))
    return Text(tuple(parts))


def _comprehension(
    kind: Any, key: ast.expr | None, element: ast.expr, clauses: list[ast.comprehension], bound: frozenset[str]
) -> Comprehension:
    inner = bound | {n.id for clause in clauses for n in ast.walk(clause.target) if isinstance(n, ast.Name)}
    made = []
    for position, clause in enumerate(clauses):
        iterable = _read(clause.iter, inner if position else bound)  # only the first is outside the scope
        made.append(Clause(_target(clause.target), iterable, tuple(_read(c, inner) for c in clause.ifs)))
    return Comprehension(kind, _read(element, inner), tuple(made), None if key is None else _read(key, inner))


def _target(node: ast.expr) -> Target:
    if isinstance(node, ast.Tuple):
        return tuple(map(_target, node.elts))
    assert isinstance(node, ast.Name)
    return node.id


def show(expr: Expr) -> str:
    """`expr` as Python text, with all the parentheses there can be."""
    match expr:
        case Literal(value):
            return f"({value!r})"
        case Ref(name) | Var(name):
            return name
        case Text(parts):
            return "f" + repr("".join(map(_part, parts)))
        case Unary(operator, operand):
            return f"({operator} {show(operand)})"
        case Binary(operator, left, right):
            return f"({show(left)} {operator} {show(right)})"
        case Compare(head, rest):
            return f"({show(head)}{''.join(f' {symbol} {show(operand)}' for symbol, operand in rest)})"
        case Logic(operator, operands):
            return "(" + f" {operator} ".join(map(show, operands)) + ")"
        case Choice(condition, then, otherwise):
            return f"({show(then)} if {show(condition)} else {show(otherwise)})"
        case Index(base, index):
            return f"{show(base)}[{show(index)}]"
        case Slice(base, start, stop, step):
            return f"{show(base)}[{':'.join('' if end is None else show(end) for end in (start, stop, step))}]"
        case Sequence(kind, items):
            inside = ", ".join(map(show, items))
            if kind == "set":
                return f"{{{inside}}}" if items else "set()"
            return f"[{inside}]" if kind == "list" else f"({inside}{',' if len(items) == 1 else ''})"
        case Dict(pairs):
            return "{" + ", ".join(f"{show(key)}: {show(held)}" for key, held in pairs) + "}"
        case Comprehension(kind, element, clauses, key):
            inside = show(element) if key is None else f"{show(key)}: {show(element)}"
            return ("[{} {}]" if kind == "list" else "{{{} {}}}").format(inside, " ".join(map(_clause, clauses)))
        case Apply(function, arguments, keywords):
            return f"{function}({_arguments(arguments, keywords)})"
        case Method(base, name, arguments, keywords):
            return f"{show(base)}.{name}({_arguments(arguments, keywords)})"
        case Lambda(parameters, body):
            return f"lambda {', '.join(parameters)}: {show(body)}"
        case Field() | Unpacked() | Fold() | Missing():
            raise AssertionError("Python has no such expression")


def _part(part: str | Hole) -> str:
    if isinstance(part, str):
        return part.replace("{", "{{").replace("}", "}}")
    spec = "" if part.spec is None else ":" + "".join(_part(inside) for inside in part.spec.parts)
    assert not isinstance(part.value, Text)
    return f"{{{show(part.value)}{'!' if part.conversion else ''}{part.conversion}{spec}}}"


def _clause(clause: Clause) -> str:
    conditions = "".join(f" if {show(condition)}" for condition in clause.conditions)
    return f"for {_names(clause.target)} in {show(clause.iterable)}{conditions}"


def _names(target: Target) -> str:
    return target if isinstance(target, str) else f"({', '.join(map(_names, target))},)"


def _arguments(arguments: tuple[Expr, ...], keywords: tuple[tuple[str, Expr], ...]) -> str:
    return ", ".join([*map(show, arguments), *(f"{name}={show(value)}" for name, value in keywords)])
