"""What a schema says of an object: its fields, wherever they stand, and whether there may be others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from superscalar.tools.json_schema.nodes import Defs, Subschema, referred


class RecordField(NamedTuple):
    """One field. `sure`: whatever the object is, this is what it says of it; else it is so of some of its forms."""

    node: Subschema
    required: bool = False
    sure: bool = True


@dataclass(slots=True)
class ObjectShape:
    """An object. `needed`: the fields that it must have. `closed`: it has no others; `others`: what those are."""

    fields: dict[str, RecordField] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    closed: bool = False
    others: Subschema = True
    told: bool = False

    def and_of(self, other: ObjectShape) -> None:
        """Take in what is said of the same object beside this."""
        for name, one in other.fields.items():
            known = self.fields.get(name)
            node = one.node if known is None or known.node == one.node else {"allOf": [known.node, one.node]}
            self.fields[name] = RecordField(node, sure=one.sure or (known is not None and known.sure))
        self.needed |= other.needed
        self.closed = self.closed or other.closed
        self.others = other.others if self.others is True else self.others
        self.told = self.told or other.told


def record_of(node: Subschema, defs: Defs, within: frozenset[str] = frozenset()) -> ObjectShape | None:
    """What a schema says of objects; None where values are none, or it says nothing."""
    if not isinstance(node, dict):
        return None
    kinds = node.get("type", "object" if node.keys() & {"properties", "required"} else ())
    if kinds and "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        return None
    made = ObjectShape(told=bool(kinds))
    made.needed = frozenset(node.get("required", ()))
    for name, one in node.get("properties", {}).items():
        if one is not False:
            made.fields[name] = RecordField(one)
    made.closed = node.get("additionalProperties") is False or node.get("unevaluatedProperties") is False
    made.others = node.get("additionalProperties", True)
    if (name := referred(node)) is not None and name not in within:
        _and(made, record_of(defs[name], defs, within | {name}))
    for one in node.get("allOf", ()):
        _and(made, record_of(one, defs, within))
    for key in ("anyOf", "oneOf"):
        _and(made, _either([record_of(one, defs, within) for one in node.get(key, ())]))
    conditions = [node[key] for key in ("then", "else") if key in node]
    conditions += [one for one in node.get("dependentSchemas", {}).values() if isinstance(one, dict)]
    if found := [record for one in conditions if (record := record_of(one, defs, within)) is not None]:
        _and(made, _either([*found, ObjectShape()]))
    for name in made.needed & made.fields.keys():
        made.fields[name] = made.fields[name]._replace(required=True)
    return made if made.told or made.fields else None


def _and(made: ObjectShape, other: ObjectShape | None) -> None:
    if other is not None:
        made.and_of(other)


def _either(forms: Iterable[ObjectShape | None]) -> ObjectShape | None:
    """What is said of an object that is of one of some forms."""
    objects = [one for one in forms if one is not None]
    if not objects:
        return None
    needed = frozenset.intersection(*(one.needed for one in objects))
    made = ObjectShape(needed=needed, closed=all(one.closed for one in objects), told=all(one.told for one in objects))
    for name in dict.fromkeys(name for one in objects for name in one.fields):
        having = [one.fields[name] for one in objects if name in one.fields]
        made.fields[name] = RecordField(
            either_schema(one.node for one in having),
            name in needed,
            all(name in one.fields or one.closed for one in objects) and all(one.sure for one in having),
        )
    return made


def either_schema(nodes: Iterable[Subschema]) -> Subschema:
    """A schema for what one of some is for."""
    distinct: list[Any] = []
    for one in nodes:
        if one not in distinct:
            distinct.append(one)
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def default_in(node: Subschema, defs: Defs, within: frozenset[str] = frozenset()) -> tuple[Any, ...]:
    """The default that a schema declares, alone in a tuple; an empty one where it declares none."""
    if not isinstance(node, dict):
        return ()
    if "default" in node:
        return (node["default"],)
    name = referred(node)
    others = [defs[name]] if name is not None and name not in within else []
    inside = within | {name} if name is not None else within
    found = (default_in(one, defs, inside) for one in (*others, *node.get("allOf", ())))
    return next((one for one in found if one), ())


def item_schemas(
    node: Subschema, defs: Defs, within: frozenset[str] = frozenset()
) -> tuple[list[Subschema], Subschema]:
    """What a schema says of the items of a list: of the first ones one by one, and of all others."""
    if not isinstance(node, dict):
        return [], True
    first = node.get("prefixItems", [])
    others = node.get("items", True)
    if isinstance(others, list):  # as draft-07 says it
        first, others = others, node.get("additionalItems", True)
    name = referred(node)
    beside = [defs[name]] if name is not None and name not in within else []
    inside = within | {name} if name is not None else within
    variants = [one for key in ("anyOf", "oneOf") for one in node.get(key, ()) if not _is_null(one)]
    for one in (*beside, *node.get("allOf", ()), *(variants if len(variants) == 1 else ())):
        if not first and others is True:
            first, others = item_schemas(one, defs, inside)
    return first, others


def _is_null(node: Subschema) -> bool:
    return isinstance(node, dict) and node.get("type") == "null"
