"""The arguments of a call as rules see them: the parts that choose a destination, and whom these name."""

from __future__ import annotations

import datetime as dt
import enum
from collections import deque
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from superscalar.labels import NOTHING, Label, joined, narrowed_to
from superscalar.plan.narrow import EACH, Shape, shaped
from superscalar.plan.parts import Labelled, Parts, whole
from superscalar.policy.calls import Argument
from superscalar.tools.context import ArgumentError
from superscalar.tools.marks import Path, Step
from superscalar.tools.tool import Tool
from superscalar.tools.trust import Destination, Sink
from superscalar.values import OrderedSet, record_fields


def labelled(tool: Tool[..., Any], arguments: Mapping[str, Any], labels: Mapping[str, Labelled]) -> dict[str, Argument]:
    """The arguments of a call, with the labels of what the plan says for them; both by the function's own names.

    What the plan does not say has no source.

    Raises:
        ArgumentError: a function that says which destinations may be chosen raised.
    """
    made: dict[str, Argument] = {}
    for name, value in arguments.items():
        found, shape = labels.get(name, NOTHING), tool.shapes.get(name)
        argument = Argument(value, whole(shaped(whole(found), value, shape)))
        parts: dict[str, Argument] = {}
        for one in tool.destinations:
            if one.parameter == name and (values := list(reached(value, found, shape, one.path))):
                place = _place(tool, one, values)
                argument, parts = (place, parts) if not one.path else (argument, {**parts, str(one): place})
        made[name] = replace(argument, parts=parts) if parts else argument
    return made


def _place(tool: Tool[..., Any], destination: Destination, found: list[tuple[Any, Label]]) -> Argument:
    """A destination as rules see it. One that its tool lists is one of a fixed set, whoever chose it."""
    several = any(step.name == EACH for step in destination.path)
    value = [one for one, _ in found] if several else found[0][0]
    label = joined(label for _, label in found)
    narrow = frozenset[str]().union(*(mark.narrow for mark in destination.marks))
    if not label.trusted and any(_is_listed(tool, destination, mark, value) for mark in destination.marks):
        label = narrowed_to(label, "enum")
        narrow |= {source.type for source in label.untrusted}
    control = any(mark.control for mark in destination.marks)
    return Argument(value, label, destination.declared, narrow, likely=not destination.declared, control=control)


def _is_listed(tool: Tool[..., Any], destination: Destination, mark: Sink, value: Any) -> bool:
    """Whether all that a value names is among what may be chosen by anybody."""
    named = list(whom(value))
    try:
        return bool(named) and all(type(one) is str and mark.has(one) for one in named)
    except Exception as error:
        raise ArgumentError(f"{tool.name}(): Sink(among=...) of `{destination}` raised {error!r}") from error


# ----------------------------------------------------------------------------------------------------- parts of a value


def reached(value: Any, labels: Labelled, shape: Shape, path: Path) -> Iterator[tuple[Any, Label]]:
    """The parts of a value that a path leads to, each with its label; what cannot be followed is one as a whole."""
    if not path:
        yield value, whole(shaped(whole(labels), value, shape))
        return
    step, rest = path[0], path[1:]
    inner = shape.get(step.name) if isinstance(shape, Mapping) else None
    if value is None:
        return
    if step.name == EACH:
        if not isinstance(value, _SEQUENCES):
            yield value, whole(labels)
            return
        for i, item in enumerate(value):
            yield from reached(item, _item(labels, value, i), inner, rest)
        return
    fields = value if isinstance(value, Mapping) else record_fields(value)
    if fields is None:
        yield value, whole(labels)
    for key in step.keys.intersection(fields or ()):
        yield from reached(fields[key], _field(labels, step), inner, rest)  # type: ignore[index]  # it has this key


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
