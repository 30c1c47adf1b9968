"""Parameters whose values are never shown: declared, or of a type that says so."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from superscalar.errors import UsageError
from superscalar.tools.types import annotation_of
from superscalar.values import WITHHELD


class Secret:
    """`Annotated[str, Secret]`: the values of this parameter are never shown nor recorded."""


def secrets_of(tool: str, parameters: Collection[inspect.Parameter], declared: Iterable[str]) -> frozenset[str]:
    """The names of a tool's secret parameters.

    Raises:
        UsageError: one is declared that it does not have.
    """
    names = [p.name for p in parameters]
    given = tuple(declared)
    if others := [name for name in given if name not in names]:
        raise UsageError(
            f"@tool(secret={others[0]!r}) on {tool}: it has no such parameter; its parameters are {', '.join(names)}"
        )
    return frozenset({*given, *(p.name for p in parameters if _is_secret(annotation_of(p)))})


def _is_secret(annotation: Any) -> bool:
    """Whether a type says that its values are secret: marked, or one that gives them on request only (pydantic's)."""
    if annotation is Secret or isinstance(annotation, Secret) or hasattr(annotation, "get_secret_value"):
        return True
    marks = getattr(annotation, "__metadata__", ())
    return any(_is_secret(part) for part in (*typing.get_args(annotation), *marks))


def hidden(arguments: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """The arguments, those of these names withheld."""
    return {name: WITHHELD if name in secrets else value for name, value in arguments.items()}


def without(text: str, arguments: Mapping[str, Any], secrets: Collection[str]) -> str:
    """Text of a tool, such as that of an exception, without the secret arguments that it was called with."""
    for name in secrets:
        value: Any = arguments.get(name)
        value = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        told = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if isinstance(told, str) and told:
            text = text.replace(told, repr(WITHHELD)).replace(repr(told)[1:-1], repr(WITHHELD))
    return text
