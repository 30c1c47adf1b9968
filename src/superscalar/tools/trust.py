"""What a tool says of its data: whose text it returns, who may read it, and which parameters choose a destination."""

from __future__ import annotations

import difflib
import inspect
import re
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final, NamedTuple, TypeAlias
from typing import Literal as OneOf

from superscalar.errors import UsageError
from superscalar.plan.ir import Call, Literal
from superscalar.plan.labels import Shape, Vouched
from superscalar.plan.signatures import Output
from superscalar.tools.context import ArgumentError
from superscalar.tools.types import annotation_of

Trust: TypeAlias = OneOf["trusted", "untrusted"]
Readers: TypeAlias = "str | Iterable[str] | Callable[..., str | Iterable[str]]"
"""Names of who may read something, or a function of a call's arguments that gives them."""

Named: TypeAlias = "frozenset[str] | Callable[[Mapping[str, Any]], frozenset[str]]"


class Results(NamedTuple):
    """What is sure of results that a tool validates: `shapes`, by what the plan says for `parameter` (its alias).

    `vouched`: of a tool that vouches for parts of its results, which these are.
    """

    parameter: str = ""
    shapes: Mapping[str, Shape] = {}
    vouched: Vouched | None = None

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


def remembered(said: Mapping[str, Sequence[Any]]) -> dict[str, Declared]:
    """What the tools of a recorded run said of their results, by alias."""
    return {
        alias: Declared(name, trust, None if readers is None else frozenset(readers), *map(_results, others))
        for alias, (name, trust, readers, *others) in said.items()
    }


def _results(said: Sequence[Any]) -> Results:
    parameter, shapes, *vouched = said
    return Results(parameter, {name: _shape(shape) for name, shape in shapes.items()}, *vouched)


def _shape(said: Any) -> Shape:
    if isinstance(said, dict):
        return {name: _shape(shape) for name, shape in said.items()}
    return None if said is None else tuple(said)


class Sink:
    r"""`Annotated[str, Sink]`: this parameter chooses where something goes: a recipient, URL, account or path.

    What is not trusted may not choose that. `Annotated[str, Sink(narrow="enum")]` lets it choose as far as it was
    narrowed to such a type: one of a fixed set of constants ("enum"), or a "bool", "int", "float", "date". An attacker
    picks which one, so name a type only where each of its values may be picked: a number of an account is an int.

    `Sink(among=...)` lets it choose these destinations: texts, or a function that says whether a text is one
    (`re.compile(r"[\w.-]+@home\.example").fullmatch`). Of a list each item must be one. An attacker picks which.
    """

    def __init__(self, *, narrow: str | Iterable[str] = (), among: Iterable[str] | Callable[[str], Any] = ()) -> None:
        self.narrow = frozenset((narrow,) if isinstance(narrow, str) else narrow)
        if others := self.narrow - NARROW:
            raise UsageError(f"Sink(narrow={min(others)!r}): one of {', '.join(sorted(map(repr, NARROW)))}")
        self._among = among if callable(among) else frozenset((among,) if isinstance(among, str) else among)

    def has(self, destination: str) -> bool:
        """Whether it is one that may be chosen by what is not trusted."""
        return bool(self._among(destination)) if callable(self._among) else destination in self._among


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


def open_sinks(parameters: Collection[inspect.Parameter]) -> dict[str, tuple[Sink, ...]]:
    """What is said of the sinks that what is not trusted may choose in part, by parameter."""
    return {p.name: marks for p in parameters if (marks := tuple(_marks(annotation_of(p))))}


def _marks(annotation: Any) -> Iterator[Sink]:
    if isinstance(annotation, Sink):
        yield annotation
    for part in (*typing.get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _marks(part)


def _is_address(kind: type) -> bool:
    return kind is PurePath or kind.__name__ in _SINK_TYPES


_PATH: Final = re.compile(r"\.|(?:\.?[^.\[\]]+|\.?\[\])(?:\.[^.\[\]]+|\.?\[\])*")
_STEP: Final = re.compile(r"\[\]|[^.\[\]]+")


def vouched_by(tool: str, trust: Trust | None, paths: Iterable[str], returns: Output) -> Results | None:
    """What a tool vouches for that returns other people's text beside it, from paths such as `[].id`.

    Raises:
        UsageError: a path that cannot be read, that leads to no field, or that leads through another; or there is
            nothing to vouch for, as all of it is trusted, or all of it is as trusted as the arguments.
    """
    given = tuple(paths)
    if not given:
        return None
    wrong = f"@tool(trusted_fields={given!r}) on {tool}"
    if trust != "untrusted":
        raise UsageError(f"{wrong}: of a tool that is {trust or 'pure'} no field is less trusted than that")
    made: dict[str, Any] = {}
    ends: list[dict[str, Any]] = []
    for path in given:
        if _PATH.fullmatch(path) is None:
            raise UsageError(f"{wrong}: {path!r} is no path; write `id`, `[].id`, `messages[].sender`, `[]` or `.`")
        at: dict[str, Any] = made
        known: Output | None = returns
        for step in _STEP.findall(path):
            known = _step(f"{wrong}: {path!r}", step, known)
            at = at.setdefault(step, {})
        ends.append(at)
    if any(ends):
        raise UsageError(f"{wrong}: one path leads through another; each names a number, a word or a date")
    if any("[]" in at and len(at) > 1 for at in _within(made)):
        raise UsageError(f"{wrong}: what has items has no fields")
    return Results(vouched=made)


def _step(wrong: str, step: str, known: Output | None) -> Output | None:
    """What is known of a part of a result; None if nothing is."""
    if known is None or (known.fields is None and known.items is None):
        return None
    if known.items is not None:
        if step == "[]":
            return known.items
        raise UsageError(f"{wrong}: {known.type} has items; write `[].{step}` for a field of each")
    fields = known.fields or {}
    if step in fields:
        return fields[step]
    close = difflib.get_close_matches(step, fields, n=3) or list(fields)[:10]
    raise UsageError(f"{wrong}: {known.type} has no {step}; it has {', '.join(close)}")


def _within(parts: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield parts
    for part in parts.values():
        yield from _within(part)


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
