"""Saved plans as the functions of a Python module: its text, and the types that type checkers read beside it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from superscalar.plan.ir import Input
from superscalar.saved.examining import SavedPlan
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset

_FROM: Final = {
    "Any": "typing",
    "Literal": "typing",
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "Decimal": "decimal",
    "UUID": "uuid",
}
_BUILT_IN: Final = frozenset({"None", "bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple"})
_OF_ANY: Final = {"dict": "dict[str, Any]", "list": "list[Any]", "set": "set[Any]", "tuple": "tuple[Any, ...]"}
_QUOTED: Final = re.compile(r"'([^'\"\\]*)'")  # as formatters write it
_LONGEST: Final = 88  # characters of a line

HEAD: Final = '"""Written by `superscalar stubs`: do not edit it, write it anew."""\n'
"""What a stub begins with."""

MODULE: Final = '''"""Saved plans as functions, read when they are asked for. Written by `superscalar stubs`."""

from typing import Any

from {module} import {agent} as _agent


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in _agent.plans.names():
        raise AttributeError(f"there is no saved plan {{name!r}}")
    return _agent.plans.function(name)
'''
"""The module that a stub is for: plans are read when they are asked for."""


def parameters_first(inputs: Sequence[Input]) -> list[Input]:
    """Inputs as the parameters of a function can stand: those with a default last."""
    return sorted(inputs, key=lambda one: not one.required)


def stub_of(plans: Iterable[SavedPlan], tools: Toolset) -> str:
    """The text of a stub (PEP 484) of a module with a function for each of these plans, which fit these tools."""
    functions = [_function(one, tools) for one in plans]
    used = {node.id for text in functions for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    modules: dict[str, list[str]] = {}
    for name in sorted(used & _FROM.keys()):
        modules.setdefault(_FROM[name], []).append(name)
    imports = [f"from {module} import {', '.join(names)}\n" for module, names in sorted(modules.items())]
    return "\n".join([HEAD, *(["".join(imports)] if imports else []), "".join(functions)]).rstrip("\n") + "\n"


def _function(saved: SavedPlan, tools: Toolset) -> str:
    plan_tool = Tool.from_plan(saved.draft, name=saved.name, tools=tools)
    returns = type_hint(plan_tool.signature.output.type)
    given = parameters_first(saved.draft.inputs)
    parameters = [_parameter(one) for one in given]
    line = f"async def {saved.name}({', '.join(parameters)}) -> {returns}:"
    if len(line) > _LONGEST:
        line = "".join([f"async def {saved.name}(\n", *(f"    {one},\n" for one in parameters), f") -> {returns}:"])
    about = [one for one in (saved.description, _arguments(given)) if one]
    if not about:
        return f"{line} ...\n"
    text = "\n\n".join(about).replace("\\", "\\\\").replace('"', '\\"')
    lines = text.split("\n")
    body = "\n".join([f'    """{lines[0]}', *(f"    {each}".rstrip() for each in lines[1:])])
    return f'{line}\n{body}"""\n\n' if len(lines) == 1 else f'{line}\n{body}\n    """\n\n'


def _arguments(given: Iterable[Input]) -> str:
    return "\n".join(f"{one.name}: {one.description}" for one in given if one.description)


def _parameter(given: Input) -> str:
    said = f"{given.name}: {type_hint(given.type)}"
    if given.required:
        return said
    return f"{said} = {given.default!r}" if _is_shown(given) else f"{said} = ..."


def _is_shown(given: Input) -> bool:
    """Whether a default is of its type as it is written; a date is written as a text."""
    return given.default is None or type(given.default).__name__ == given.type


def type_hint(type: Any) -> str:
    """A type as a stub can say it: what is no class of Python's is Any."""
    try:
        tree = ast.parse(str(type), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "Any"
    return _QUOTED.sub(r'"\1"', ast.unparse(_Importable().visit(tree)))


class _Importable(ast.NodeTransformer):
    """Puts Any in the place of classes that a stub cannot import."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in _OF_ANY:
            return ast.parse(_OF_ANY[node.id], mode="eval").body
        return node if node.id in _BUILT_IN or node.id in _FROM else ast.Name("Any")

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        match node.value:
            case ast.Name("Literal"):
                return node
            case ast.Name(name) if name in _BUILT_IN:
                return ast.Subscript(node.value, self.visit(node.slice))
        return ast.Name("Any")

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:  # noqa: ARG002
        return ast.Name("Any")

    def visit_Call(self, node: ast.Call) -> ast.expr:  # noqa: ARG002
        return ast.Name("Any")
