"""What is outside the language, and what to write instead (rule L5)."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

_REFUSED: Final[Mapping[type[ast.AST], tuple[str, str]]] = {
    ast.NamedExpr: ("`:=` is not part of the language", "assign the name on a line of its own"),
    ast.Await: ("`await` is not needed: calls run as soon as they can", "leave `await` out"),
    ast.Yield: ("`yield` is not part of the language", "assign the value to a name"),
    ast.YieldFrom: ("`yield from` is not part of the language", "assign the value to a name"),
    ast.Slice: ("a slice stands alone between [ and ]", "write x[1:2]"),
    ast.Starred: ("`*` is not part of the language", "write each item, or use a comprehension"),
    ast.Import: ("`import` is not part of the language", "everything that can be called is there already"),
    ast.ImportFrom: ("`import` is not part of the language", "everything that can be called is there already"),
    ast.FunctionDef: ("functions cannot be defined", "write the calls themselves; use a comprehension to repeat one"),
    ast.AsyncFunctionDef: ("functions cannot be defined", "write the calls themselves; leave `async` out"),
    ast.ClassDef: ("classes cannot be defined", "use a dict: {'name': value}"),
    ast.While: ("`while` is not part of the language", "go through a list: [tool(x) for x in xs]"),
    ast.Try: (
        "only one assignment can be tried: a failure stays in its branch anyway",
        "write default(x, fallback) or ok(xs)",
    ),
    ast.With: ("`with` is not part of the language", "call the tool and assign its result"),
    ast.AsyncWith: ("`async with` is not part of the language", "call the tool and assign its result"),
    ast.AsyncFor: ("`async for` is not needed: items run side by side anyway", "write [tool(x) for x in xs]"),
    ast.Delete: ("`del` is not part of the language", "leave it out"),
    ast.Global: ("`global` is not part of the language", "leave it out"),
    ast.Nonlocal: ("`nonlocal` is not part of the language", "leave it out"),
    ast.Raise: ("`raise` is not part of the language", "leave it out; a tool that fails is reported"),
    ast.Assert: (
        "`assert` stands at the top of a plan only",
        "write `if` and its condition around what may run only then",
    ),
    ast.Return: ("`return` is not part of the language", "end the plan with join(...)"),
    ast.Pass: ("`pass` does nothing", "leave it out"),
    ast.Break: ("`break` is not part of the language", "filter the list: [x for x in xs if ...]"),
    ast.Continue: ("`continue` is not part of the language", "write the lines behind it under an `if`"),
    ast.Match: ("`match` is not part of the language", "write x if condition else y"),
}


def refused_construct(node: ast.AST) -> tuple[str, str]:
    """What to say of a construct that is not in the language: the message, and what to write instead."""
    unknown = f"`{type(node).__name__}` is not part of the language", "write it with calls, names and expressions"
    return _REFUSED.get(type(node), unknown)
