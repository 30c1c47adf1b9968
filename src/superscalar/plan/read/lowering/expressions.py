"""Expressions in which nothing is called: what each kind of them is lowered to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from superscalar.plan import ir
from superscalar.plan.evaluate.bounds import MAX_BITS
from superscalar.plan.evaluate.decimals import ROUNDINGS
from superscalar.plan.evaluate.formats import UnknownFormat, check_percent
from superscalar.plan.ir.forms import UTC
from superscalar.plan.read.instead import forms
from superscalar.plan.read.lowering.body import Body, has_star, is_text, without_double_stars, without_stars
from superscalar.plan.read.lowering.lower import Lowering
from superscalar.plan.read.lowering.outputs import of_member
from superscalar.plan.read.lowering.symbols import BINARY, COMPARE, DISPLAYS, UNARY


def _constant(node: ast.Constant, lowering: Lowering, _body: Body) -> ir.Expr:
    value = node.value
    if value is Ellipsis or isinstance(value, complex):
        message = f"`{ast.unparse(node)}` is no value of a plan"
        return lowering.problem("E202", message, node, help="write a number or text")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return lowering.problem("E401", f"integers have at most {MAX_BITS:,} bits", node, help="let a tool compute it")
    return ir.Literal(value)


def _joinedstr(node: ast.JoinedStr, lowering: Lowering, body: Body) -> ir.Expr:
    # The places of nodes inside an f-string are wrong before Python 3.12, so problems point at the whole of it.
    for inner in ast.walk(node):
        ast.copy_location(inner, node) if isinstance(inner, ast.expr | ast.keyword) else None
    return _text(node, lowering, body)


def _text(node: ast.JoinedStr, lowering: Lowering, body: Body) -> ir.Text:
    parts: list[str | ir.Hole] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            spec = _text(part.format_spec, lowering, body) if isinstance(part.format_spec, ast.JoinedStr) else None
            conversion: Any = "" if part.conversion == -1 else chr(part.conversion)
            parts.append(ir.Hole(lowering.expression(part.value, body), conversion, spec))
        elif isinstance(part, ast.Constant) and part.value != "":  # Python 3.12 ends a format with one
            parts.append(str(part.value))
    return ir.Text(tuple(parts))


def _unaryop(node: ast.UnaryOp, lowering: Lowering, body: Body) -> ir.Expr:
    operand = lowering.expression(node.operand, body)
    if isinstance(node.op, ast.USub) and isinstance(operand, ir.Literal) and type(operand.value) in (int, float):
        return ir.Literal(-operand.value)  # type: ignore[operator]  # its type was just looked at
    return ir.Unary(UNARY[type(node.op)], operand)


def _binop(node: ast.BinOp, lowering: Lowering, body: Body) -> ir.Expr:
    operator = BINARY.get(type(node.op))
    if operator is None:
        return lowering.problem("E202", "`@` is not part of the language", node, help="let a tool multiply matrices")
    if operator == "%" and isinstance(node.left, ast.Constant | ast.JoinedStr) and is_text(node.left):
        help = forms.of_percent(node) or 'write f"{value}"'
        if not isinstance(node.left, ast.Constant) or not isinstance(node.left.value, str):
            message = "only a format that stands in the plan can be filled in"
            return lowering.problem("E202", message, node, help=help)
        try:
            check_percent(node.left.value)
        except UnknownFormat as refused:
            return lowering.problem("E305", refused.message, node, help=help)
    left, right = lowering.expression(node.left, body), lowering.expression(node.right, body)
    lowering.check_operands(operator, lowering.outputs.of(left), lowering.outputs.of(right), node)
    return ir.Binary(operator, left, right)


def _boolop(node: ast.BoolOp, lowering: Lowering, body: Body) -> ir.Expr:
    operator: Any = "and" if isinstance(node.op, ast.And) else "or"
    operands = [lowering.expression(node.values[0], body)]
    open = operands[:]  # what decides whether the next operand is looked at: the last test, and what came since
    for later in node.values[1:]:
        where = body
        if lowering.finder.has_call(later):  # rule L12: it is called only if the operands before it leave that open
            sofar = open[0] if len(open) == 1 else ir.Logic(operator, tuple(open))
            test = lowering.test(sofar, body, later)
            where = lowering.under(test, operator == "and", body)
            open = [] if test is None else [ir.Ref(test)]
        operands.append(lowering.expression(later, where))
        open.append(operands[-1])
    return ir.Logic(operator, tuple(operands))


def _ifexp(node: ast.IfExp, lowering: Lowering, body: Body) -> ir.Expr:
    condition = lowering.expression(node.test, body)
    sides = (node.body, True), (node.orelse, False)
    test = (
        lowering.test(condition, body, node.test) if any(lowering.finder.has_call(side) for side, _ in sides) else None
    )
    then, otherwise = (
        lowering.expression(side, lowering.under(test, expected, body) if lowering.finder.has_call(side) else body)
        for side, expected in sides
    )
    return ir.Choice(condition, then, otherwise)


def _compare(node: ast.Compare, lowering: Lowering, body: Body) -> ir.Expr:
    first = lowering.expression(node.left, body)
    known = lowering.outputs.of(first)
    rest: list[tuple[Any, ir.Expr]] = []
    where, start, since = body, first, 0  # rule L12: a later operand is reached if the comparisons before it hold
    for sign, later in zip(node.ops, node.comparators, strict=True):
        if rest and lowering.finder.has_call(later):
            where = lowering.under(lowering.test(ir.Compare(start, tuple(rest[since:])), where, later), True, where)
            start, since = rest[-1][1], len(rest)
        rest.append((COMPARE[type(sign)], lowering.expression(later, where)))
        known, before = lowering.outputs.of(rest[-1][1]), known
        lowering.check_operands(rest[-1][0], before, known, node)
    return ir.Compare(first, tuple(rest))


def _subscript(node: ast.Subscript, lowering: Lowering, body: Body) -> ir.Expr:
    base = lowering.expression(node.value, body)
    if isinstance(node.slice, ast.Slice):
        parts = [
            lowering.expression(p, body) if p else None for p in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        return ir.Slice(base, parts[0], parts[1], parts[2])
    index = lowering.expression(node.slice, body)
    if isinstance(index, ir.Literal) and isinstance(index.value, str):
        lowering.check_field(lowering.outputs.of(base), index.value, node)
    return ir.Index(base, index)


def _attribute(node: ast.Attribute, lowering: Lowering, body: Body) -> ir.Expr:
    if node.attr.startswith("_"):
        return lowering.problem(
            "E101",
            f"`{node.attr}`: fields that begin with an underscore are not reachable",
            node,
            help="use another field, or leave it out",
        )
    if (listed := lowering.of_module(node, body)) == UTC or listed in ROUNDINGS:
        return ir.Literal(listed) if listed in ROUNDINGS else ir.Apply(UTC, ())
    base = lowering.expression(node.value, body)
    known = lowering.outputs.of(base)
    if known.members and node.attr in ("value", "name"):
        return of_member(known, node.attr, base)
    lowering.check_field(known, node.attr, node)
    return ir.Field(base, node.attr, known.aliases.get(node.attr))


def _list(node: ast.List | ast.Tuple | ast.Set, lowering: Lowering, body: Body) -> ir.Expr:
    if has_star(node):
        return lowering.expression(without_stars(node), body)
    return ir.Sequence(DISPLAYS[type(node)], lowering.items(node.elts, body))


def _dict(node: ast.Dict, lowering: Lowering, body: Body) -> ir.Expr:
    if None in node.keys:
        return lowering.expression(without_double_stars(node), body)
    pairs = lowering.pairs_of(node)
    return ir.Dict(
        tuple((lowering.expression(k, body), lowering.expression(v, body)) for k, v in pairs if k is not None)
    )


def _lambda(node: ast.Lambda, lowering: Lowering, _body: Body) -> ir.Expr:
    help = "write what it gives, where it is needed; for each item of a list: [x * 2 for x in xs]"
    return lowering.problem("E202", "a lambda stands only as key=", node, help=help)


EXPRESSIONS: Final[Mapping[type, Callable[[Any, Lowering, Body], ir.Expr]]] = {
    ast.Name: lambda node, lowering, body: lowering.meaning(node, body),
    ast.Constant: _constant,
    ast.JoinedStr: _joinedstr,
    ast.UnaryOp: _unaryop,
    ast.BinOp: _binop,
    ast.BoolOp: _boolop,
    ast.IfExp: _ifexp,
    ast.Compare: _compare,
    ast.Subscript: _subscript,
    ast.Attribute: _attribute,
    ast.List: _list,
    ast.Dict: _dict,
    ast.Lambda: _lambda,
    ast.Tuple: _list,
    ast.Set: _list,
}
"""By the kind of a node."""
