"""What `key=` may be given besides a lambda (rule L3)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from superscalar.plan.body import Body
from superscalar.plan.functions import FUNCTIONS as LISTED
from superscalar.plan.functions import accepts
from superscalar.plan.members import LIST, SET
from superscalar.plan.methods import MAPPING, TEXT

if TYPE_CHECKING:
    from superscalar.plan.lower import Lowering


def is_function_of_one(node: ast.expr, lowering: Lowering, body: Body) -> bool:
    """Whether a `key=` is a listed function, a method of text, or a method of a value (rule L3)."""
    match node:
        case ast.Name(id=name):
            listed = LISTED.get(name)
            return listed is not None and accepts(listed, 1) and not lowering.is_known(name, body)
        case ast.Attribute(value=ast.Name(id="str"), attr=method) if not lowering.is_known("str", body):
            return method in TEXT and accepts(TEXT[method], 0)
        case ast.Attribute(value=owner, attr=method) if not lowering.finder.has_call(owner):
            tables = (TEXT, MAPPING, LIST, SET)
            return any(method in table and accepts(table[method], 1) for table in tables)
    return False
