"""Parameters whose values are never shown: declared, or of a type that says so; or parts of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, Final, TypeAlias

from superscalar.errors import UsageError
from superscalar.plan.evaluate.narrow import EACH
from superscalar.tools.context import ArgumentError
from superscalar.tools.marks import Mark, Path, Place, is_mark
from superscalar.values import WITHHELD, OrderedSet, own_state, record_fields

Secrets: TypeAlias = "Mapping[str, tuple[Path, ...]]"
"""The secret parameters of a tool, and the ways to what is secret in each; an empty one is all of it."""
NONE: Final[Secrets] = {}


class Secret(Mark):
    """`Annotated[str, Secret]`: the values of this parameter, or of this field of a record, are never shown.

    Nor are they recorded: a journal has nothing of what a plan says for a parameter in which one stands.
    """


def secrets_of(tool: str, places: Mapping[str, Collection[Place]], declared: Iterable[str]) -> Secrets:
    """The secret parameters of a tool; `places`: what their annotations tell of, by parameter.

    Raises:
        UsageError: one is declared that it does not have.
    """
    given = tuple(declared)
    if others := [name for name in given if name not in places]:
        raise UsageError(
            f"@tool(secret={others[0]!r}) on {tool}: it has no such parameter; its parameters are {', '.join(places)}"
        )
    found = {name: ((),) if name in given else _secret_parts(parts) for name, parts in places.items()}
    return {name: paths for name, paths in found.items() if paths}


def _secret_parts(places: Iterable[Place]) -> tuple[Path, ...]:
    """What is marked, or of a type that gives its values on request only (pydantic's)."""
    return tuple(
        place.path
        for place in places
        if any(is_mark(mark, Secret) for mark in place.marks)
        or any(hasattr(kind, "get_secret_value") for kind in place.types)
    )


def refuse_lost(tool: str, arguments: Mapping[str, Any], secrets: Collection[str]) -> None:
    """See that nothing is given for a secret that stands for one, which a model may have copied.

    Raises:
        ArgumentError: it is.
    """
    for name in secrets:
        value = arguments.get(name)
        if value is WITHHELD or (isinstance(value, str) and repr(WITHHELD) in value):
            raise ArgumentError(lost(tool, name))


def lost(tool: str, name: str) -> str:
    """What is said where a secret is not there any more."""
    return (
        f"{tool}(): `{name}` is a secret that was withheld from the journal; "
        "let the tool take it from the context of the run"
    )


def hidden(arguments: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    """The arguments, what is secret withheld; a record with something secret in it is a mapping of its fields."""
    return {name: _hidden(value, secrets[name]) if name in secrets else value for name, value in arguments.items()}


def _hidden(value: Any, paths: Iterable[Path]) -> Any:
    inner = _inner(value, paths)
    if inner is None:
        return WITHHELD
    made = {key: _hidden(item, rest) if rest else item for key, (item, rest) in inner.items()}
    return list(made.values()) if _is_list(value) else made


def _told(value: Any, paths: Iterable[Path]) -> Iterator[Any]:
    """The secret parts of a value, or all of it."""
    inner = _inner(value, paths)
    if inner is None:
        yield value
    for item, rest in (inner or {}).values():
        if rest:
            yield from _told(item, rest)


def _inner(value: Any, paths: Iterable[Path]) -> dict[Any, tuple[Any, list[Path]]] | None:
    """The parts of a value, and the ways that go on in each; None if all of it is secret, or cannot be looked into.

    What a record holds beside its fields may have been made from those: it is secret if something in them is.
    """
    ways = list(paths)
    if value is not None and all(ways):
        if _is_list(value):
            rest = [path[1:] for path in ways if path[0].name == EACH]
            return {i: (item, rest) for i, item in enumerate(value)} if rest else None
        fields = value if isinstance(value, Mapping) else record_fields(value)
        if fields is not None:
            inner = {key: (item, [p[1:] for p in ways if key in p[0].keys]) for key, item in fields.items()}
            return {**inner, **{name: (part, [()]) for name, part in own_state(value).items()}}
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset | OrderedSet) and record_fields(value) is None


def told_in(arguments: Mapping[str, Any], secrets: Secrets) -> Iterator[Any]:
    """What is secret of the arguments of a call."""
    for name, paths in secrets.items():
        yield from _told(arguments.get(name), paths)


def without(text: str, arguments: Mapping[str, Any], secrets: Secrets) -> str:
    """Text of a tool, such as that of an exception, without the secret arguments that it was called with."""
    return reduce(_without, told_in(arguments, secrets), text)


def _without(text: str, value: Any) -> str:
    """A text without the texts in a value."""
    value = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    told = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not isinstance(told, str):
        fields = value if isinstance(value, Mapping) else record_fields(value) or {}
        return reduce(_without, value if _is_list(value) else fields.values(), text)
    return text if not told else text.replace(told, repr(WITHHELD)).replace(repr(told)[1:-1], repr(WITHHELD))
