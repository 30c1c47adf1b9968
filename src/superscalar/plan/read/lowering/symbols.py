"""The operators and displays of Python's syntax tree as the signs of the IR."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

BINARY: Mapping[type[ast.operator], Any] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip
UNARY: Mapping[type[ast.unaryop], Any] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
COMPARE: Mapping[type[ast.cmpop], Any] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip
DISPLAYS: Mapping[type[ast.expr], Any] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}
