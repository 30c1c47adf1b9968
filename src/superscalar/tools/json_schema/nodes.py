"""The parts of a JSON Schema: which of its keywords hold schemas, and of what. The one place that knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

Subschema: TypeAlias = Any
"""A schema within a schema that was read: a mapping, or a truth value."""

Defs: TypeAlias = dict[str, Subschema]

ROOT: Final = "it"
"""The name of the schema itself among what it refers to."""

_ONE: Final = ("not", "if", "then", "else", "propertyNames", "contains", "items", "additionalItems", "unevaluatedItems")
_MORE: Final = ("additionalProperties", "unevaluatedProperties", "contentSchema")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_MAPPINGS: Final = ("properties", "patternProperties", "dependentSchemas", "dependencies")

ANY_KEY: Final = "*"
ANY_ITEM: Final = "[]"


def mapped(node: dict[str, Any], change: Callable[[Subschema], Any]) -> dict[str, Any]:
    """A schema with something else in the place of each schema in it; names, constants and texts stay."""
    made = dict(node)
    for key, part in node.items():
        if key in _LISTS and isinstance(part, list):
            made[key] = [change(one) for one in part]
        elif key in _MAPPINGS and isinstance(part, dict):
            made[key] = {name: one if isinstance(one, list) else change(one) for name, one in part.items()}
        elif (key in _ONE or key in _MORE) and isinstance(part, dict | bool):
            made[key] = change(part)
    return made


def referred(node: Subschema) -> str | None:
    """The name of what a schema refers to."""
    return node["$ref"].rpartition("/")[2] if isinstance(node, dict) and "$ref" in node else None


def in_place(node: Subschema, defs: Defs) -> Iterator[Subschema]:
    """The schemas that are asked of the very value that a schema is asked of."""
    if (name := referred(node)) is not None:
        yield defs[name]
    if isinstance(node, dict):
        for key in ("allOf", "anyOf", "oneOf"):
            yield from node.get(key, ())
        yield from (node[key] for key in ("not", "if", "then", "else") if key in node)
        for key in ("dependentSchemas", "dependencies"):
            yield from (one for one in node.get(key, {}).values() if not isinstance(one, list))


def below(node: Subschema) -> Iterator[tuple[str, Subschema]]:
    """The schemas that are asked of parts of a value, each with the key or place that it is asked of."""
    if not isinstance(node, dict):
        return
    for name, one in node.get("properties", {}).items():
        yield f".{name}", one
    for one in node.get("patternProperties", {}).values():
        yield ANY_KEY, one
    for key in ("additionalProperties", "unevaluatedProperties"):
        if key in node:
            yield ANY_KEY, node[key]
    lists = [node.get("prefixItems", []), node.get("items", [])]
    for part in lists:
        if isinstance(part, list):
            yield from ((f"[{index}]", one) for index, one in enumerate(part))
        else:
            yield ANY_ITEM, part
    for key in ("contains", "additionalItems", "unevaluatedItems"):
        if key in node:
            yield ANY_ITEM, node[key]
