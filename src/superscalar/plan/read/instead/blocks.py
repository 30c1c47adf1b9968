"""Statements that a plan has not, as ones that it has."""

from __future__ import annotations

import ast

from superscalar.plan.read.instead import changes
from superscalar.plan.read.instead.code import NoShortCode, filled, tried, write, written


def of_statement(tree: ast.stmt) -> str:
    """What to write for it; empty if there is nothing to say of its parts."""
    match tree:
        case ast.Try():
            return of_try(tree)
        case ast.While():
            return of_while(tree)
        case ast.Delete(targets=[target]):
            return changes.of_deletion(target)
        case ast.Return(value=ast.expr() as value):
            return of_return(value)
        case ast.Assert(test=test):
            return of_assert(test)
    return ""


@tried
def of_return(value: ast.expr) -> str:
    """`return x` as the end of the plan."""
    if isinstance(value, ast.Tuple):
        return "write " + write("X", X=ast.Call(ast.Name("join", ast.Load()), value.elts, []))
    return "write " + write("join(X)", X=value)


@tried
def of_assert(test: ast.expr) -> str:
    """`assert c` as the condition of what stands behind it."""
    head = written(ast.If(test, [], []))
    return f"write {head} and what may run only then below it, four spaces further in"


@tried
def of_try(tree: ast.Try) -> str:
    """`try` around one assignment, whose handler gives the name a constant."""
    match tree:
        case ast.Try(
            body=[ast.Assign(targets=[ast.Name() as target], value=value)],
            handlers=[ast.ExceptHandler(body=[ast.Assign(targets=[ast.Name(id=id)], value=fallback)])],
            orelse=[],
            finalbody=[],
        ) if id == target.id:
            return "write " + write("X = default(V, F)", X=target, V=value, F=fallback)
        case ast.Try(
            body=[ast.Assign(targets=[ast.Name() as target], value=value)],
            handlers=[ast.ExceptHandler(body=[ast.Pass()])],
            orelse=[],
            finalbody=[],
        ):
            return "write " + write("X = default(V, None)", X=target, V=value)
        case ast.Try(body=[ast.Assign(targets=[ast.Name() as target], value=value), _, *_], handlers=[_]):
            if any(isinstance(node, ast.Name) and node.id == target.id for node in ast.walk(value)):
                raise NoShortCode
            tried_alone = write("X = default(V, None)", X=target, V=value)
            rest = written(ast.If(filled("X is not None", X=target), [], []))
            return f"write default(x, fallback) or ok(xs): {tried_alone}, and what is to be done with it under {rest}"
    raise NoShortCode


@tried
def of_while(tree: ast.While) -> str:
    """A `while` that counts, as a `for`."""
    match tree.test:
        case ast.Compare(left=ast.Name() as counter, ops=[ast.Lt() | ast.LtE() as sign], comparators=[bound]):
            for statement in tree.body:
                match statement:
                    case ast.AugAssign(target=ast.Name(id=id), op=ast.Add(), value=ast.Constant(value=1)) if (
                        id == counter.id
                    ):
                        most = bound if isinstance(sign, ast.Lt) else filled("B + 1", B=bound)
                        head = write("range(I, B)", I=counter, B=most)
                        return f"write for {id} in {head}: and leave {id} += 1 out"
    raise NoShortCode
