"""The arguments of a call as rules see them: the parts that choose a destination, and whom these name."""

from __future__ import annotations

import datetime as dt
import enum
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from superscalar.labels import NOTHING, Label, gathered, joined, narrowed_to
from superscalar.plan.evaluate.narrow import EACH, Shape, shaped
from superscalar.plan.evaluate.parts import Labelled, Parts, whole
from superscalar.policy.calls import Argument
from superscalar.tools.context import ArgumentError
from superscalar.tools.making import UNKNOWN, default_of
from superscalar.tools.marks import Path, Step
from superscalar.tools.tool import Tool
from superscalar.tools.trust import Destination, Sink
from superscalar.values import OrderedSet, record_fields

Given: TypeAlias = Callable[[], Mapping[str, Any]]
"""Finds what a plan gives for the parameters of a call, before it is validated; nothing where that is lost."""


def labelled_call(
    tool: Tool[..., Any], arguments: Mapping[str, Any], labels: Mapping[str, Labelled], given: Given = dict
) -> dict[str, Argument]:
    """The arguments of a call, with the labels of what the plan says for them; both by the function's own names.

    What the plan does not say has no source. What code of the tool has made of it is looked for in all that it saw.

    Raises:
        ArgumentError: a function that says which destinations may be chosen raised.
    """
    made: dict[str, Argument] = {}
    for name, value in arguments.items():
        found, shape = labels.get(name, NOTHING), tool.shapes.get(name)
        argument = Argument(value, whole(shaped(whole(found), value, shape)))
        parts: dict[str, Argument] = {}
        for one in tool.destinations:
            if one.parameter != name:
                continue
            source = given().get(name, UNKNOWN) if name in labels and one.made_of != "part" else UNKNOWN
            if values := list(reached(value, found, shape, one.path, source)):
                if name in labels and one.made_of != "part" and not all(_is_as_given(part) for part in values):
                    saw = [found] if one.made_of == "argument" else labels.values()
                    label = gathered(map(whole, saw))
                    values = [part._replace(label=label) for part in values]
                place = _place(tool, one, values)
                argument, parts = (place, parts) if not one.path else (argument, {**parts, str(one): place})
        made[name] = replace(argument, parts=parts) if parts else argument
    return made


def chooses(tool: Tool[..., Any]) -> frozenset[str]:
    """The parameters whose labels those of the destinations of a tool are made of."""
    if any(one.made_of == "call" for one in tool.destinations):
        return frozenset(tool.aliases)
    return frozenset(one.parameter for one in tool.destinations)


def _place(tool: Tool[..., Any], destination: Destination, found: list[LabelledPart]) -> Argument:
    """A destination as rules see it. One that its tool lists is one of a fixed set, whoever chose it."""
    several = any(step.name == EACH for step in destination.path)
    value = [part.value for part in found] if several else found[0].value
    label = gathered(part.label for part in found)
    narrow = frozenset[str]().union(*(mark.narrow for mark in destination.marks))
    if not label.trusted and any(_is_listed(tool, destination, mark, value) for mark in destination.marks):
        label = narrowed_to(label, "enum")
        narrow |= {source.type for source in label.untrusted}
    control = any(mark.control for mark in destination.marks)
    return Argument(value, label, destination.declared, narrow, likely=not destination.declared, control=control)


def _is_listed(tool: Tool[..., Any], destination: Destination, mark: Sink, value: Any) -> bool:
    """Whether all that a value names is among what may be chosen by anybody; so it is where it has nobody in it."""
    named = list(whom(value))
    try:
        return mark.lists and all(type(one) is str and mark.has(one) for one in named)
    except Exception as error:
        raise ArgumentError(f"{tool.name}(): Sink(among=...) of `{destination}` raised {error!r}") from error


# ----------------------------------------------------------------------------------------------------- parts of a value


class LabelledPart(NamedTuple):
    """A part of a value, its label, and what the plan gives for it, `UNKNOWN` where nobody can tell."""

    value: Any
    label: Label
    given: Any = UNKNOWN


def reached(value: Any, labels: Labelled, shape: Shape, path: Path, given: Any = UNKNOWN) -> Iterator[LabelledPart]:
    """The parts of a value that a path leads to, each with its label; what cannot be followed is one as a whole."""
    if not path:
        yield LabelledPart(value, whole(shaped(whole(labels), value, shape)), given)
        return
    step, rest = path[0], path[1:]
    inner = shape.get(step.name) if isinstance(shape, Mapping) else None
    if value is None:
        return
    if step.name == EACH:
        if not isinstance(value, _SEQUENCES):
            yield LabelledPart(value, whole(labels))
            return
        sources: Sequence[Any] = given if isinstance(given, list | tuple) and len(given) == len(value) else ()
        for i, item in enumerate(value):
            yield from reached(item, _item(labels, value, i), inner, rest, sources[i] if sources else UNKNOWN)
        return
    fields = value if isinstance(value, Mapping) else record_fields(value)
    if fields is None:
        yield LabelledPart(value, whole(labels))
    for key in step.keys.intersection(fields or ()):
        yield from reached(fields[key], _field(labels, step), inner, rest, _given(given, step, value))  # type: ignore[index]  # it has this key


def _given(given: Any, step: Step, value: Any) -> Any:
    """What is given for a field of a record, or the default that its class has for it."""
    fields = given if isinstance(given, Mapping) else record_fields(given)
    if fields is None:
        return UNKNOWN
    said = [fields[key] for key in step.keys if key in fields]
    return default_of(type(value), step.name) if not said else said[0] if len(said) == 1 else UNKNOWN


def _is_as_given(part: LabelledPart) -> bool:
    """Whether a part of a value names whoever is named by what the plan gives for it, and nobody else."""
    if part.given is UNKNOWN:
        return False
    named, said = list(whom(part.value)), list(whom(part.given))
    if isinstance(part.value, Set):
        named, said = sorted(named, key=repr), sorted(said, key=repr)
    return named == said


_SEQUENCES: Final = (list, tuple, set, frozenset, deque, OrderedSet)


def _item(labels: Labelled, value: Any, place: int) -> Labelled:
    """The labels of an item, if it has the place still that it has in the plan."""
    if not isinstance(labels, Parts) or labels.count is None or isinstance(value, Set):
        return whole(labels)
    return labels[place] if not labels.items or labels.count == len(value) else whole(labels)


def _field(labels: Labelled, step: Step) -> Labelled:
    """The labels of a field, by what the plan says for it; one that it does not mention has the tool's default."""
    if not isinstance(labels, Parts) or labels.count is not None:
        return whole(labels)
    if said := [key for key in step.keys if key in labels.items]:
        return labels[said[0]] if len(said) == 1 else joined(whole(labels[key]) for key in said)
    return labels.shape if labels.each is None and labels.items.keys() <= step.known else whole(labels)


# -------------------------------------------------------------------------------------------------- whom a value names


class Unread(str):
    """Stands for whoever a value names that nobody can read: it equals no reader, and nothing that is listed."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


_SAID: Final = (str, int, float, Decimal, dt.date, dt.time, dt.timedelta, UUID, PurePath)
_SAID_ELSEWHERE: Final = frozenset({"ipaddress", "pydantic.networks", "pydantic_core._pydantic_core"})


def whom(value: Any) -> Iterator[str | None]:
    """Whom a value names: each text in it, also keys of mappings and fields of records.

    None where nobody is named, `Unread` where that cannot be told.
    """
    kind = type(value)
    if value is None:
        yield None
    elif isinstance(value, enum.Enum):
        yield from whom(value._value_)
    elif isinstance(value, str):
        yield str.__str__(value) or None
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from whom(key)
            yield from whom(item)
    elif (fields := record_fields(value)) is not None and not _says_itself(kind):
        for item in fields.values():
            yield from whom(item)
        yield from whom(getattr(value, "__pydantic_extra__", None) or {})
    elif isinstance(value, _SEQUENCES):
        for item in value:
            yield from whom(item)
    elif isinstance(value, _SAID) or _says_itself(kind):
        yield _said(value)
    else:
        yield Unread(f"whoever this {kind.__name__} names")


def _said(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- of a number with thousands of digits there is no text, and a class may be broken
        return Unread(f"whoever this {type(value).__name__} names")


def _says_itself(kind: type) -> bool:
    """Whether it is a class of addresses, of which there is one text."""
    return any(base.__module__ in _SAID_ELSEWHERE for base in kind.__mro__)


def audience(tool: Tool[..., Any], arguments: Mapping[str, Argument]) -> frozenset[str]:
    """Who gets to read what a call is given: those declared, else whoever its sinks name, else the tool itself."""
    if tool.reads is not None:
        given = {name: argument.value for name, argument in arguments.items()}
        return tool.reads(given) if callable(tool.reads) else tool.reads
    named: set[str] = set()
    for one in tool.destinations if tool.sinks else ():
        argument = arguments.get(one.parameter)
        place = argument if argument is None or not one.path else argument.parts.get(str(one))
        if place is not None and one.reads:
            named.update(name for name in whom(place.value) if name is not None)
    return frozenset(named or {tool.name})
