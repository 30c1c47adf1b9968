"""What a schema says of the parts of a parameter: what they are called, and what their values can be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from superscalar.plan.narrow import EACH
from superscalar.tools.json_schema.nodes import Defs, Node, below, referred
from superscalar.tools.json_schema.records import items_of, record_of
from superscalar.tools.json_schema.telling import constants_of
from superscalar.tools.marks import Path, Place, Step
from superscalar.tools.secret import Secret

_TYPES: Final[Mapping[str, Any]] = {
    "string": str, "integer": int, "number": float, "boolean": bool, "null": type(None), "array": list, "object": dict
}  # fmt: skip
_MOMENTS: Final = {"date": dt.date, "date-time": dt.datetime, "time": dt.time, "duration": dt.timedelta}
_DEEPEST: Final = 8  # records inside each other that are looked into one by one
_MOST: Final = 300  # places of a parameter: more than these are told together


@dataclass(frozen=True, slots=True)
class Formatted:
    """The form of a text, as JSON Schema names it."""

    json_schema_extra: Mapping[str, str]


def places_of(name: str, alias: str, node: Node, defs: Defs) -> list[Place]:
    """A parameter, and the parts of it that its schema tells of, the outer ones first."""
    walk = _Walk(defs)
    walk.into(node, (), {name, alias}, ())
    return list(walk.found.values())


class _Walk:
    """Goes through one schema. `found`: the places, by the way to each."""

    def __init__(self, defs: Defs) -> None:
        self._defs = defs
        self.found: dict[Path, Place] = {}

    def into(self, node: Node, path: Path, names: set[str], within: tuple[str, ...]) -> None:
        """Note what a schema says of the place that a path leads to, and of what is below."""
        place = self.found.setdefault(path, Place(path, set(), [], []))
        place.names |= names
        if not isinstance(node, dict):
            place.types.append(Any)
            return
        if len(within) > _DEEPEST or len(self.found) > _MOST:
            self._whole(node, place)
            return
        before = len(place.types)
        if (name := referred(node)) is not None:
            if name in within:  # it holds itself: what is in it is so at every depth
                self._whole(self._defs[name], place)
            else:
                self.into(self._defs[name], path, names, (*within, name))
        for key in ("allOf", "anyOf", "oneOf"):
            for one in node.get(key, ()):
                self.into(one, path, names, within)
        own = _types_in(node, place)
        if "array" in own or node.keys() & {"items", "prefixItems"}:
            first, others = items_of(node, self._defs)
            for one in (*first, *([] if others is False else [others])):
                self.into(one, (*path, Step(EACH)), names, within)
        if "object" in own or node.keys() & {"properties", "additionalProperties", "patternProperties"}:
            self._object(node, path, within)
        if len(place.types) == before:
            place.types.append(Any)

    def _object(self, node: dict[str, Any], path: Path, within: tuple[str, ...]) -> None:
        record = record_of(node, self._defs)
        if record is None:
            return
        known = frozenset(record.fields)
        for name, field in record.fields.items():
            self.into(field.node, (*path, Step(name, frozenset({name}), known)), {name}, within)
        for step, one in below(node):
            if step == "*" and one is not False:  # keys that are not named are told with the whole
                self._whole(one, self.found[path])

    def _whole(self, node: Node, place: Place) -> None:
        """What a schema says, wherever in it, as if it were said of the place itself."""
        waiting, seen = [node], set[str]()
        while waiting:
            one = waiting.pop()
            if not isinstance(one, dict):
                place.types.append(Any)
                continue
            if (name := referred(one)) is not None and name not in seen:
                seen.add(name)
                waiting.append(self._defs[name])
            if not _types_in(one, place) and not one.keys() & {"$ref", "allOf", "anyOf", "oneOf"}:
                place.types.append(Any)
            for key in ("allOf", "anyOf", "oneOf"):
                waiting += one.get(key, ())
            for step, part in below(one):
                if step.startswith("."):
                    place.names.add(step[1:])
                waiting.append(part)


def _types_in(node: dict[str, Any], place: Place) -> list[str]:
    """The types that a schema itself names; they, its form and its constants are noted."""
    form = node.get("format")
    if isinstance(form, str):
        place.marks.append(Formatted({"format": form}))
        if form == "password":
            place.marks.append(Secret())
    if (constants := constants_of(node)) is not None:
        plain = constants and all(one is None or type(one) in (str, int, bool) for one in constants)
        place.types.append(Literal[tuple(constants)] if plain else Any)
        return ["constant"]
    said = node.get("type", [])
    kinds = [said] if isinstance(said, str) else list(said)
    for kind in kinds:
        if kind != "array":  # of a list its items are told
            place.types.append(_MOMENTS.get(str(form), str) if kind == "string" else _TYPES[kind])
    return kinds
