"""What a schema says of the parts of a parameter: what they are called, and what their values can be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from superscalar.errors import UsageError
from superscalar.plan.evaluate.narrow import EACH
from superscalar.tools.json_schema.nodes import ANY_KEY, Defs, Subschema, below, referred
from superscalar.tools.json_schema.records import item_schemas, record_of
from superscalar.tools.json_schema.telling import constants_of
from superscalar.tools.marks import Path, Place, Step
from superscalar.tools.secret import Secret

_TYPES: Final[Mapping[str, Any]] = {
    "string": str, "integer": int, "number": float, "boolean": bool, "null": type(None), "array": list, "object": dict
}  # fmt: skip
_MOMENTS: Final = {"date": dt.date, "date-time": dt.datetime, "time": dt.time, "duration": dt.timedelta}
_SECRET: Final = Secret()
_DEEPEST: Final = 8  # records inside each other that are looked into one by one
_MOST: Final = 300  # places of a parameter: more than these are told together
_MOST_LOOKED_AT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Formatted:
    """The form of a text, as JSON Schema names it."""

    json_schema_extra: Mapping[str, str]


def schema_places(name: str, alias: str, node: Subschema, defs: Defs, wrong: str) -> list[Place]:
    """A parameter, and the parts of it that its schema tells of, the outer ones first.

    Raises:
        UsageError: there are too many to look at all of them; `wrong` begins what is said then.
    """
    walk = _SchemaWalk(defs, wrong)
    walk.into(node, (), {name, alias}, ())
    return list(walk.found.values())


class _OwnPlaces(NamedTuple):
    """What one schema says by itself, of all of it together, and the names of what it refers to."""

    place: Place
    refs: set[str]
    node: Subschema  # so that no other has its id meanwhile


class _SchemaWalk:
    """Goes through one schema. `found`: the places, by the way to each."""

    def __init__(self, defs: Defs, wrong: str) -> None:
        self._defs = defs
        self._wrong = wrong
        self.found: dict[Path, Place] = {}
        self._left = _MOST_LOOKED_AT
        self._owns: dict[int, _OwnPlaces] = {}
        self._named: dict[str, Place] = {}
        self._seen: set[tuple[Path, str]] = set()

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise UsageError(f"{self._wrong}: it has too many parts to see which of them say where something goes")

    def into(self, node: Subschema, path: Path, names: set[str], within: tuple[str, ...]) -> None:
        """Note what a schema says of the place that a path leads to, and of what is below."""
        place = self.found.setdefault(path, Place(path, set(), [], []))
        place.names |= names
        if not isinstance(node, dict):
            place.types.append(Any)
            return
        self._count()
        if len(within) > _DEEPEST or len(self.found) > _MOST:
            self._whole(node, place)
            return
        before = len(place.types)
        if (name := referred(node)) is not None:
            if name in within:  # it holds itself: what is in it is so at every depth
                self._whole(self._defs[name], place)
            elif (path, name) not in self._seen:
                self._seen.add((path, name))
                self.into(self._defs[name], path, names, (*within, name))
        for key in ("allOf", "anyOf", "oneOf"):
            for one in node.get(key, ()):
                self.into(one, path, names, within)
        own = _types_in(node, place)
        if "array" in own or node.keys() & {"items", "prefixItems"}:
            first, others = item_schemas(node, self._defs)
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
            if step == ANY_KEY and one is not False:  # keys that are not named are told with the whole
                self._whole(one, self.found[path])

    def _whole(self, node: Subschema, place: Place) -> None:
        """What a schema says, wherever in it, as if it were said of the place itself."""
        own = self._own(node)
        for told in (own.place, *(self._of_name(name) for name in own.refs)):
            place.names |= told.names
            place.marks += (mark for mark in told.marks if mark not in place.marks)
            place.types += (kind for kind in told.types if kind not in place.types)

    def _of_name(self, name: str) -> Place:
        """What a definition says, with all that it leads to."""
        if name not in self._named:
            made = self._named[name] = Place((), set(), [], [])
            reached, waiting = {name}, [name]
            while waiting:
                own = self._own(self._defs[waiting.pop()])
                made.names |= own.place.names
                made.marks += (mark for mark in own.place.marks if mark not in made.marks)
                made.types += (kind for kind in own.place.types if kind not in made.types)
                waiting += own.refs - reached
                reached |= own.refs
        return self._named[name]

    def _own(self, node: Subschema) -> _OwnPlaces:
        """What a schema itself says, and the names of what it refers to."""
        if id(node) not in self._owns:
            made = self._owns[id(node)] = _OwnPlaces(Place((), set(), [], []), set(), node)
            waiting = [node]
            while waiting:
                one = waiting.pop()
                self._count()
                if not isinstance(one, dict):
                    made.place.types.append(Any)
                    continue
                if (name := referred(one)) is not None:
                    made.refs.add(name)
                if not _types_in(one, made.place) and not one.keys() & {"$ref", "allOf", "anyOf", "oneOf"}:
                    made.place.types.append(Any)
                for key in ("allOf", "anyOf", "oneOf"):
                    waiting += one.get(key, ())
                for step, part in below(one):
                    if step.startswith("."):
                        made.place.names.add(step[1:])
                    waiting.append(part)
        return self._owns[id(node)]


def _types_in(node: dict[str, Any], place: Place) -> list[str]:
    """The types that a schema itself names; they, its form and its constants are noted."""
    form = node.get("format")
    if isinstance(form, str):
        place.marks.append(Formatted({"format": form}))
        if form == "password":
            place.marks.append(_SECRET)
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
