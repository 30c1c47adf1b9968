"""What `key=` may be given besides a lambda (rule L3)."""

from __future__ import annotations

import ast

from superscalar.plan import ir
from superscalar.plan.evaluate.members import LIST, SET
from superscalar.plan.evaluate.methods import MAPPING, TEXT
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir.forms import BY_OUTCOME
from superscalar.plan.read.instead import functions
from superscalar.plan.read.lowering.body import Body, CallFinder
from superscalar.plan.read.lowering.lower import Lowering


def key_function(node: ast.expr, call: ast.Call, lowering: Lowering, body: Body) -> ir.Expr:
    """Lower what `key=` of a call is given."""
    if isinstance(node, ast.Constant) and node.value is None:
        return ir.Literal(None)
    if is_function_of_one(node, lowering, body):
        made = functions.as_key(node)
        for part in ast.walk(made):
            if not hasattr(part, "lineno"):
                ast.copy_location(part, node)
        return key_function(made, call, lowering, body)
    if not isinstance(node, ast.Lambda):
        help = functions.of_key(node, call, CallFinder("(").has_call) or "write a lambda: key=lambda x: x[0]"
        return lowering.problem("E202", "`key=` takes a lambda, a listed function or a method", node, help=help)
    arguments = node.args
    if arguments.posonlyargs or arguments.vararg or arguments.kwonlyargs or arguments.kwarg or arguments.defaults:
        return lowering.problem("E202", "a lambda takes plain parameters only", node, help="key=lambda x: x.name")
    for a in arguments.args:
        lowering.check_name(a.arg, a)
    if lowering.finder.has_call(node.body):
        help = functions.of_key_that_calls(node, call) or "call it on a line above"
        return lowering.problem("E205", "a call of a tool inside a lambda", node.body, help=help)
    names = tuple(a.arg for a in arguments.args)
    with_names = lowering.hidden() | set(names)
    outer, lowering.outputs.bound = (
        lowering.outputs.bound,
        {name: known for name, known in lowering.outputs.bound.items() if name not in names},
    )
    inside = lowering.inside(node.body, body, with_names)
    lowering.outputs.bound = outer
    return ir.Lambda(names, inside)


def is_function_of_one(node: ast.expr, lowering: Lowering, body: Body) -> bool:
    """Whether a `key=` is a listed function, a method of text, or a method of a value (rule L3)."""
    match node:
        case ast.Name(id=name):
            listed = FUNCTIONS.get(name)
            looks = name in BY_OUTCOME
            return listed is not None and not looks and listed.accepts(1) and not lowering.is_known(name, body)
        case ast.Attribute(value=ast.Name(id="str"), attr=method) if not lowering.is_known("str", body):
            return method in TEXT and TEXT[method].accepts(0)
        case ast.Attribute(value=owner, attr=method) if not lowering.finder.has_call(owner):
            tables = (TEXT, MAPPING, LIST, SET)
            return any(method in table and table[method].accepts(1) for table in tables)
    return False
