"""The names that are public: a page with the signature of each, and the first paragraph of what it says of itself."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Final, ForwardRef

MODULES: Final = {
    "superscalar": "What most programs need.",
    "superscalar.models": "Language models: of servers, of a file, and your own. See [models](models.md).",
    "superscalar.journal": "The file of runs. See [runs that are recorded](durable.md).",
    "superscalar.mcp": "What MCP servers ask a person. See [MCP servers](mcp.md).",
    "superscalar.baselines": "What a plan is measured against. See [baselines](baselines.md).",
    "superscalar.comparison": "The same questions in several ways. See [baselines](baselines.md#your-own-questions).",
    "superscalar.thoughts": "Calls that ask a model one thing each. See [thoughts](thoughts.md).",
    "superscalar.patterns": "Plans that are made of thoughts. See [thoughts](thoughts.md#patterns).",
    "superscalar.testing": "Doubles and virtual time for tests of your own. See [testing](testing.md).",
}
"""The modules whose `__all__` is public."""

_GIVEN: Final = {"ObservedRun", "Outcomes", "RunLog", "RunStream"}
"""What is handed out, and made by nobody else."""
_AS_LLMCOMPILER: Final = ("NativeParallel", "NativeReAct", "ReAct", "ReWOO", "Sequential")
"""What has the methods of that."""
_OPTIONS: Final = {
    **{agent: f"{agent}(model=None, tools=(), **options)" for agent in ("LLMCompiler", *_AS_LLMCOMPILER)},
    "Options": "Options(**options)",
}
"""What takes all the [options](options.md)."""


def page() -> str:
    """`docs/api.md`."""
    lines = [
        "# Public names",
        "",
        "What is listed here, [events](events.md) and [options](options.md) are for you to use, and change with notice only. Everything else may change. `help(name)` says all",
        "of it.",
    ]
    for module, what_for in MODULES.items():
        lines += ["", f"## `{module}`", "", what_for]
        for name in names_of(module):
            made = getattr(importlib.import_module(module), name)
            lines += ["", f"### {name}", ""]
            if called := _signature(name, made):
                lines += ["```", called, "```", ""]
            lines += [first_line(made)]
            if inspect.isclass(made) and (own := list(_methods(made))) and made.__name__ not in _AS_LLMCOMPILER:
                lines += ["", "| | |", "|---|---|", *own]
    return "\n".join(lines) + "\n"


def names_of(module: str) -> list[str]:
    """The names of a module that no module above it has."""
    above = importlib.import_module("superscalar").__all__ if module != "superscalar" else []
    return sorted(set(importlib.import_module(module).__all__) - set(above), key=lambda name: (name.lower(), name))


def first_line(made: Any) -> str:
    """The first paragraph of its docstring, on a line, or what a type stands for."""
    if not _is_ours(made):
        return f"`{made.__name__ if inspect.isclass(made) else str(made).replace('typing.', '')}`"
    return _first_paragraph(made)


def _methods(made: type) -> Iterator[str]:
    """A row for each public method and property that a class has of its own, or inherits from one of ours."""
    for name in sorted(
        {name for kind in made.__mro__ if kind.__module__.startswith("superscalar") for name in vars(kind)}
    ):
        attribute = inspect.getattr_static(made, name)
        plain = getattr(attribute, "__func__", attribute)
        is_method = inspect.isfunction(plain)
        if name.startswith("_") or not (is_method or isinstance(attribute, property) or hasattr(attribute, "__get__")):
            continue
        said = _first_paragraph(plain)
        if not said or (inspect.isdatadescriptor(plain) and not isinstance(plain, property)):
            continue
        arguments = ", ".join(list(inspect.signature(plain).parameters)[1:]) if is_method else ""
        shown = f"{name}({arguments})" if is_method else name
        yield f"| `{shown}` | {said} |"


def _first_paragraph(made: Any) -> str:
    return " ".join(inspect.cleandoc(made.__doc__ or "").partition("\n\n")[0].split())


def _signature(name: str, made: Any) -> str:
    """How it is called; empty where it is no function and no class that is made by whoever uses it."""
    if not _is_ours(made) or getattr(made, "_is_protocol", False) or name in _GIVEN:
        return ""
    if inspect.isclass(made) and issubclass(made, BaseException):
        return ""
    if name in _OPTIONS:
        return _OPTIONS[name]
    if is_dataclass(made):
        given = [_field(field) for field in fields(made) if field.init and not field.name.startswith("_")]
    else:
        called = inspect.signature(made)
        given = [_parameter(parameter) for parameter in called.parameters.values()]
        if called.return_annotation not in (called.empty, None, "None"):
            return _laid_out(name, given) + f" -> {_annotation(called.return_annotation)}"
    return _laid_out(name, given)


def _is_ours(made: Any) -> bool:
    """Whether it is a class or function of ours, and no name for a type."""
    return (inspect.isclass(made) or inspect.isfunction(made)) and made.__module__.startswith("superscalar")


def _field(field: Field[Any]) -> str:
    told = f"{field.name}: {field.type}"
    if field.default_factory is not MISSING:
        return f"{told} = ..."
    return told if field.default is MISSING else f"{told} = {_default(field.default)}"


def _default(value: object) -> str:
    told = repr(value)
    return told if len(told) <= 30 and "<" not in told else "..."


def _laid_out(name: str, given: list[str]) -> str:
    line = f"{name}({', '.join(given)})"
    if len(line) <= 110:
        return line
    return f"{name}(\n" + "".join(f"    {one},\n" for one in given) + ")"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = "**" if parameter.kind is parameter.VAR_KEYWORD else "*" * (parameter.kind is parameter.VAR_POSITIONAL)
    told = f"{stars}{parameter.name}"
    if parameter.annotation is not parameter.empty:
        told += f": {_annotation(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        told += f" = {_default(parameter.default)}"
    return told


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
