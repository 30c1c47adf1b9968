"""What a tool says of its data: whose text it returns, who may read it, and which parameters choose a destination."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import PurePath
from typing import Any, Final, NamedTuple, TypeAlias
from typing import Literal as OneOf

from superscalar.errors import UsageError
from superscalar.plan.ir import Call, Literal
from superscalar.plan.labels import Shape
from superscalar.tools.context import ArgumentError
from superscalar.tools.types import annotation_of

Trust: TypeAlias = OneOf["trusted", "untrusted"]
Readers: TypeAlias = "str | Iterable[str] | Callable[..., str | Iterable[str]]"
"""Names of who may read something, or a function of a call's arguments that gives them."""

Named: TypeAlias = "frozenset[str] | Callable[[Mapping[str, Any]], frozenset[str]]"


class Results(NamedTuple):
    """What is sure of results that a tool validates: `shapes`, by what the plan says for `parameter` (its alias)."""

    parameter: str
    shapes: Mapping[str, Shape]

    def of(self, call: Call) -> Shape:
        """What is sure of the result of a call; None if nothing is."""
        for name, value in call.arguments:
            if name == self.parameter and isinstance(value, Literal) and isinstance(value.value, str):
                return self.shapes.get(value.value)
        return None


class Declared(NamedTuple):
    """What a tool says of its results, as data: its name, whether they are trusted, and who may read them.

    `readers`: None is everybody; nobody is named where that depends on the arguments of a call. `results`: what is sure
    of them, where they are validated.
    """

    name: str
    trust: Trust | None
    readers: frozenset[str] | None = None
    results: Results | None = None


class Sink:
    """`Annotated[str, Sink]`: this parameter chooses where something goes: a recipient, URL, account or path.

    What is not trusted may not choose that. `Annotated[str, Sink(narrow="enum")]` lets it choose as far as it was
    narrowed to such a type: one of a fixed set of constants ("enum"), or a "bool", "int", "float", "date". An attacker
    picks which one, so name a type only where each of its values may be picked: a number of an account is an int.
    """

    def __init__(self, *, narrow: str | Iterable[str] = ()) -> None:
        self.narrow = frozenset((narrow,) if isinstance(narrow, str) else narrow)
        if others := self.narrow - NARROW:
            raise UsageError(f"Sink(narrow={min(others)!r}): one of {', '.join(sorted(map(repr, NARROW)))}")


NARROW: Final = frozenset({"bool", "int", "float", "date", "enum"})
"""The types through which no text can be smuggled, as labels name them."""

_SINK_TYPES = frozenset({"EmailStr", "NameEmail", "AnyUrl", "AnyHttpUrl", "HttpUrl", "AnyWebsocketUrl", "WebsocketUrl"})
"""Pydantic's types of addresses, by name: `pydantic` is not imported to look at a signature."""


def sinks_of(
    tool: str, parameters: Collection[inspect.Parameter], declared: Iterable[str], *, writes: bool
) -> frozenset[str]:
    """The names of the parameters that choose a destination: declared, marked, or, of a write, of a type that is one.

    Raises:
        UsageError: one is declared that the tool does not have.
    """
    names = [p.name for p in parameters]
    given = tuple(declared)
    if others := [name for name in given if name not in names]:
        raise UsageError(
            f"@tool(sink={others[0]!r}) on {tool}: it has no such parameter; its parameters are {', '.join(names)}"
        )
    return frozenset({*given, *(p.name for p in parameters if _is_sink(annotation_of(p), writes=writes))})


def _is_sink(annotation: Any, *, writes: bool) -> bool:
    if annotation is Sink or isinstance(annotation, Sink):
        return True
    if writes and inspect.isclass(annotation) and any(_is_address(base) for base in annotation.__mro__):
        return True
    marks = getattr(annotation, "__metadata__", ())
    return any(_is_sink(part, writes=writes) for part in (*typing.get_args(annotation), *marks))


def narrow_sinks(parameters: Collection[inspect.Parameter]) -> dict[str, frozenset[str]]:
    """The types that what is not trusted must have been narrowed to in order to choose a sink, by parameter."""
    return {p.name: types for p in parameters if (types := _accepted(annotation_of(p)))}


def _accepted(annotation: Any) -> frozenset[str]:
    if isinstance(annotation, Sink):
        return annotation.narrow
    marks = getattr(annotation, "__metadata__", ())
    return frozenset().union(*map(_accepted, (*typing.get_args(annotation), *marks)))


def _is_address(kind: type) -> bool:
    return kind is PurePath or kind.__name__ in _SINK_TYPES


def readers_of(
    tool: str, term: str, declared: Readers | None, parameters: Collection[inspect.Parameter]
) -> Named | None:
    """The names that were declared, or a function from a call's arguments (by the function's own names) to them.

    Raises:
        UsageError: a function takes what is no parameter of the tool.
    """
    if declared is None:
        return None
    if not callable(declared):
        return _names(tool, term, declared)
    by_name = {p.name: p for p in parameters}
    wanted = list(inspect.signature(declared).parameters)
    if others := [name for name in wanted if name not in by_name]:
        raise UsageError(
            f"@tool({term}=...) on {tool} takes {', '.join(others)}, but its parameters are {', '.join(by_name)}"
        )

    def named(arguments: Mapping[str, Any]) -> frozenset[str]:
        given = {name: arguments.get(name, by_name[name].default) for name in wanted}
        try:
            return _names(tool, term, declared(**given))
        except Exception as error:
            raise ArgumentError(f"{tool}(): {term}= raised {error!r}") from error

    return named


def _names(tool: str, term: str, given: Any) -> frozenset[str]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) for name in names):
        raise UsageError(f'@tool({term}={given!r}) on {tool}: names, such as {term}=("finance", "legal")')
    return frozenset(names)
