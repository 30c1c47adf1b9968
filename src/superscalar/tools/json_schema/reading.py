"""A JSON Schema as it is read: bounded, whole in itself, and in one form whatever it was written in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from superscalar.errors import UsageError
from superscalar.tools.json_schema.cost import Cost, TooCostly, cost_of
from superscalar.tools.json_schema.nodes import ROOT, Defs, Subschema, mapped
from superscalar.tools.json_schema.rust import compiled

MOST_PARTS: Final = 50_000
MOST_TEXT: Final = 1_000_000
DEEPEST: Final = 100
MOST_CONSTANTS: Final = 5_000
LONGEST_PATTERN: Final = 1_000
MOST_PATTERNS: Final = 20_000
"""What one schema may have: values, characters, levels within one another, constants of one `enum`, characters of one
pattern and of all of them."""

_NEW: Final = "https://json-schema.org/draft/2020-12/schema"
_OLD: Final = "http://json-schema.org/draft-07/schema"
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_DYNAMIC: Final = ("$dynamicRef", "$recursiveRef")
_NOT_READ: Final = frozenset({"$schema", "$id", "$anchor", "$dynamicAnchor", "$defs", "definitions", "nullable"})

Json: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema in the form that it is read in. `given`: as it came.

    `defs`: itself under ROOT, and what it refers to, each by a name; nothing else is referred to, and there are no
    other ways to say that something may be null. `dialect`: what `$schema` says. `cost`: what checking takes.
    """

    given: Json
    dialect: str
    defs: Defs
    cost: Cost

    @property
    def root(self) -> Subschema:
        """What it says itself."""
        return self.defs[ROOT]

    def document(self, node: Subschema) -> dict[str, Any]:
        """One of its parts as a schema of its own."""
        needed: Defs = {}
        _gather(node, self.defs, needed)
        return {"$schema": self.dialect, "$defs": needed, "allOf": [node]}


def _gather(node: Subschema, defs: Defs, needed: Defs) -> None:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if (name := one.get("$ref")) is not None and (key := name.rpartition("/")[2]) not in needed:
                needed[key] = defs[key]
                waiting.append(defs[key])
            mapped(one, waiting.append)


def read(given: Json, wrong: str) -> Schema:
    """A schema as it is read; `wrong` begins what is said of one that cannot be used.

    Raises:
        UsageError: it is no JSON Schema, is larger than it may be, or refers to what is not in it.
    """
    own = _bounded(given, wrong)
    if not isinstance(own, dict):
        raise UsageError(f"{wrong} is {own!r:.80}, and no schema; write {{'type': 'object', 'properties': {{...}}}}")
    reader = _SchemaReader(own, wrong)
    defs = reader.defs()
    document = {"$schema": reader.dialect, "$defs": defs, "allOf": [{"$ref": f"#/$defs/{ROOT}"}]}
    if reader.dialect.startswith(_OLD):  # which knows them by this name alone, and asks nothing of others
        document["definitions"] = defs
    compiled(document, wrong)
    try:
        return Schema(own, reader.dialect, defs, cost_of(defs))
    except TooCostly as error:
        raise UsageError(f"{wrong}: {error}") from None


def _bounded(given: Json, wrong: str) -> Json:
    """A copy of plain JSON that is no larger than a schema may be."""
    parts = text = 0

    def copy(value: Any, depth: int) -> Any:
        nonlocal parts, text
        parts += 1
        text += len(value) if isinstance(value, str) else 0
        if parts > MOST_PARTS or text > MOST_TEXT:
            raise UsageError(f"{wrong} is larger than {MOST_PARTS:,} values, or {MOST_TEXT:,} characters")
        if depth > DEEPEST:
            raise UsageError(f"{wrong} is nested more than {DEEPEST} deep; name parts of it in $defs")
        if isinstance(value, str):
            return str(value)
        if value is None or type(value) in (bool, int) or (type(value) is float and math.isfinite(value)):
            return value
        if isinstance(value, Mapping):
            made = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    raise UsageError(f"{wrong}: the key {key!r:.80} is no text")
                text += len(key)
                made[str(key)] = copy(item, depth + 1)
            return made
        if isinstance(value, list | tuple):
            return [copy(item, depth + 1) for item in value]
        raise UsageError(f"{wrong}: {value!r:.80} is no JSON")

    return copy(given, 0)


class _SchemaReader:
    """Reads one schema: what it refers to is read once, under a name of its own."""

    def __init__(self, given: dict[str, Any], wrong: str) -> None:
        self._given = given
        self._wrong = wrong
        self.dialect = self._dialect()
        self._anchors = dict(self._named_places(given, "#"))
        self._names: dict[str, str] = {"#": ROOT}  # of what is referred to, by pointer
        self._patterns = 0

    def defs(self) -> Defs:
        """All of it."""
        made: Defs = {}
        while left := [pointer for pointer, name in self._names.items() if name not in made]:
            for pointer in left:
                made[self._names[pointer]] = self._read(self._at(pointer))
        return made

    def _dialect(self) -> str:
        said = self._given.get("$schema")
        if said is None:
            return _OLD if _has_old_items(self._given) else _NEW
        plain = str(said).rstrip("#").replace("http://json-schema.org/draft/", "https://json-schema.org/draft/")
        plain = plain.replace("https://json-schema.org/draft-07", "http://json-schema.org/draft-07")
        if plain not in (_NEW, _OLD):
            raise self._refused(f"$schema is {said!r:.80}; write it as 2020-12 ({_NEW}) or draft-07 ({_OLD}#)")
        return plain

    def _refused(self, why: str) -> UsageError:
        return UsageError(f"{self._wrong}: {why}")

    def _named_places(self, node: Json, pointer: str) -> Iterator[tuple[str, str]]:
        """What is named for references, wherever it stands."""
        if isinstance(node, dict):
            for key in ("$anchor", "$dynamicAnchor", "$id"):
                name = node.get(key)
                if isinstance(name, str) and (key != "$id" or name.startswith("#")):
                    yield name.removeprefix("#"), pointer
            for key, part in node.items():
                if key not in ("enum", "const", "default", "examples"):
                    escaped = key.replace("~", "~0").replace("/", "~1")
                    yield from self._named_places(part, f"{pointer}/{escaped}")
        elif isinstance(node, list):
            for index, part in enumerate(node):
                yield from self._named_places(part, f"{pointer}/{index}")

    def _name(self, ref: Json) -> str:
        """The name under which what is referred to is read."""
        own = self._given.get("$id")
        text = ref.removeprefix(own.rstrip("#")) if isinstance(ref, str) and isinstance(own, str) else ref
        if not isinstance(text, str) or (text and not text.startswith("#")):
            raise self._refused(f"$ref {ref!r:.200} leads out of it, and nothing is fetched; copy that into $defs")
        pointer = unquote(text) or "#"
        if not pointer.startswith("#/") and pointer != "#":
            pointer = self._anchors.get(pointer[1:], pointer)
        self._at(pointer)
        if pointer not in self._names:
            stem = re.sub(r"\W", "_", pointer.rpartition("/")[2]).strip("_")[:60] or "part"
            name, number = stem, 1
            while name in self._names.values():
                number += 1
                name = f"{stem}_{number}"
            self._names[pointer] = name
        return self._names[pointer]

    def _at(self, pointer: str) -> Json:
        here: Json = self._given
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and key in here:
                here = here[key]
            elif isinstance(here, list) and key.isdecimal() and int(key) < len(here):
                here = here[int(key)]
            else:
                raise self._refused(f"$ref {pointer!r:.200} leads to nothing in it")
        if not pointer.startswith("#/") and pointer != "#":
            raise self._refused(f"$ref {pointer!r:.200} leads to nothing in it")
        if not isinstance(here, dict | bool):
            raise self._refused(f"$ref {pointer!r:.200} leads to {here!r:.80}, which is no schema")
        return here

    def _read(self, node: Json) -> Subschema:
        if not isinstance(node, dict):
            return node  # a truth value; of anything else the validator says that it is none
        self._check(node)
        read: dict[str, Any] = mapped({key: part for key, part in node.items() if key not in _NOT_READ}, self._read)
        if "$ref" in node:
            read["$ref"] = f"#/$defs/{self._name(node['$ref'])}"
            if self.dialect == _OLD:  # which does not look at what stands beside it
                read = {key: part for key, part in read.items() if key in ("$ref", *_ABOUT)}
        if node.get("nullable") is True:
            about = {key: part for key, part in read.items() if key in _ABOUT}
            rest = {key: part for key, part in read.items() if key not in _ABOUT}
            read = {**about, "anyOf": [rest, {"type": "null"}]}
        return read

    def _check(self, node: dict[str, Any]) -> None:
        if (other := next((key for key in _DYNAMIC if key in node), None)) is not None:
            raise self._refused(f"{other} is not read; write $ref")
        if node is not self._given and not str(node.get("$id", "#")).startswith("#"):
            raise self._refused(f"it has a schema within it that has an $id ({node['$id']!r:.80}); write it into $defs")
        kinds = node.get("type", [])
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if not isinstance(kind, str) or kind not in _TYPES:
                raise self._refused(f"there is no type {kind!r:.80}; types are {', '.join(sorted(_TYPES))}")
        if isinstance(constants := node.get("enum"), list) and len(constants) > MOST_CONSTANTS:
            raise self._refused(f"an enum of {len(constants):,} constants; {MOST_CONSTANTS:,} are the most")
        patterned = node.get("patternProperties")
        patterns = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
        for pattern in [*patterns, *(patterned if isinstance(patterned, dict) else ())]:
            self._patterns += len(pattern)
            if len(pattern) > LONGEST_PATTERN or self._patterns > MOST_PATTERNS:
                raise self._refused(
                    f"the pattern {pattern!r:.60} has {len(pattern):,} characters; {LONGEST_PATTERN:,} are the most, "
                    f"and {MOST_PATTERNS:,} for all of them"
                )


_ABOUT: Final = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment")
"""Keywords that say nothing of which values are valid."""


def without_notes(node: Subschema) -> Subschema:
    """A schema without what says nothing of which values are valid."""
    if not isinstance(node, dict):
        return node
    kept = {key: part for key, part in node.items() if key not in _ABOUT or key == "default"}
    return mapped(kept, without_notes)


_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords that hold schemas by name, whatever these names are."""


def _has_old_items(node: Json) -> bool:
    """Whether lists are described as draft-07 does it, and later ones do not."""
    if isinstance(node, dict):
        named = [one for key in _NAMED if isinstance(part := node.get(key), dict) for one in part.values()]
        others = [part for key, part in node.items() if key not in ("enum", "const", "default", "examples", *_NAMED)]
        return isinstance(node.get("items"), list) or any(map(_has_old_items, (*named, *others)))
    return isinstance(node, list) and any(map(_has_old_items, node))
