"""A JSON Schema as a planner is told of it: short Python types, records with their keys, bounds in words."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from superscalar.plan.evaluate.narrow import EACH, Shape
from superscalar.plan.ir.naming import field_aliases
from superscalar.plan.ir.signatures import Form, Output, Parameter
from superscalar.short import cut
from superscalar.tools.inputs import UNSHOWN, default_text, limits_text
from superscalar.tools.json_schema.nodes import Defs, Subschema, referred
from superscalar.tools.json_schema.reading import without_notes
from superscalar.tools.json_schema.records import ObjectShape, default_in, item_schemas, record_of

_LONGEST_TYPE: Final = 300
_MOST_CONSTANTS: Final = 20
_MOST_FORMS: Final = 20
_LONGEST_TEXT: Final = 1_000
_LONGEST_DEFAULT: Final = 200
_LONGEST_PATTERN: Final = 100
_MOST_LOOKED_AT: Final = 10_000
"""What one parameter may take in a prompt: characters of its type, constants, records of a tool, characters of a
description, of a default, of a pattern; and how many parts of schemas are looked at for all that. What is longer is
told more roughly, and checked all the same."""

_NAMES: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_RESERVED: Final = frozenset({"Any", "None", "Literal", "list", "dict", *_NAMES.values()})


class Teller:
    """Tells of the parts of one schema. `forms`: the records that were named on the way, each once.

    `names`: of records that are told already, by another teller of the same tool, too.
    """

    def __init__(self, defs: Defs, names: dict[str, str]) -> None:
        self._defs = defs
        self._names = names
        self.forms: dict[str, Form] = {}
        # Both with the schema: no other has its id meanwhile.
        self._records: dict[int, tuple[Subschema, ObjectShape | None]] = {}
        self._keys: dict[int, tuple[Subschema, str]] = {}
        self._left = _MOST_LOOKED_AT

    def _is_tired(self) -> bool:
        """Whether so much was looked at that there is no more to tell: what refers to itself can be told for ever."""
        self._left -= 1
        return self._left < 0

    def _record(self, node: Subschema) -> ObjectShape | None:
        if id(node) not in self._records:
            self._records[id(node)] = node, record_of(node, self._defs)
        return self._records[id(node)][1]

    # ------------------------------------------------------------------------------------------------------- types

    def type_of(self, node: Subschema, hint: str, within: tuple[str, ...] = ()) -> str:
        """The type of what a schema allows; `hint` names a record that has no name of its own."""
        text = self._type(node, hint, within)
        return text if len(text) <= _LONGEST_TYPE else "Any"

    def _type(self, node: Subschema, hint: str, within: tuple[str, ...]) -> str:
        if not isinstance(node, dict) or self._is_tired():
            return "Any"
        if (constants := constants_of(node)) is not None:
            return _literal(constants)
        if (name := referred(node)) is not None:
            known = self._named(name) if name in within else self._type(self._defs[name], name, (*within, name))
            return known if known != "Any" else self._type(_without(node, "$ref"), hint, within)
        variants = [one for key in ("anyOf", "oneOf") for one in node.get(key, ())]
        if variants and not node.keys() & {"properties", "items", "prefixItems"}:
            each = [[None] if one == {"type": "null"} else constants_of(one) for one in variants]
            if all(each):
                return _literal([constant for constants in each for constant in constants or ()])
            texts = [self.type_of(one, hint, within) for one in variants]
            if "Any" not in texts:
                return _either(texts)
        kinds = node.get("type")
        if isinstance(kinds, list) and len(kinds) > 1:
            return _either(self.type_of({**node, "type": kind}, hint, within) for kind in kinds)
        kind = kinds[0] if isinstance(kinds, list) else kinds
        if kind in _NAMES:
            return _NAMES[kind]
        if kind == "array" or (kind is None and node.keys() & {"items", "prefixItems"}):
            return self._list(node, hint, within)
        record = self._record(node)
        parts = node.get("allOf", ())
        if kind is None and "properties" not in node and (len(parts) == 1 or record is None or not record.fields):
            told = {text: None for one in parts if (text := self.type_of(one, hint, within)) != "Any"}
            if len(told) == 1 or (told and told.keys() <= set(_NAMES.values())):
                return list(told)[-1]
        if record is None:
            return "Any"
        if record.fields:
            return self._form(node, record, hint, within)
        others = self.type_of(record.others, hint, within)
        return "dict" if others == "Any" else f"dict[str, {others}]"

    def _named(self, name: str) -> str:
        """What holds itself, where it does so: its name if it is a record."""
        known = self._names.get(self._key(self._defs[name]))
        return known if known in self.forms else "Any"

    def _list(self, node: Subschema, hint: str, within: tuple[str, ...]) -> str:
        first, others = item_schemas(node, self._defs)
        parts = [*first, *([] if others is False or (first and others is True) else [others])]
        item = _either(self.type_of(one, _singular(hint), within) for one in parts) if parts else "Any"
        return "list" if item == "Any" else f"list[{item}]"

    def _form(self, node: Subschema, record: ObjectShape, hint: str, within: tuple[str, ...]) -> str:
        key = self._key(node)
        known = self._names.get(key)
        if known is None:
            if len(self._names) >= _MOST_FORMS:
                return "dict"
            known = self._names[key] = self._free(str(node.get("title") or hint))
        if known not in self.forms:
            self.forms[known] = Form(known, ())  # its place, and what it refers to if it holds itself
            keys = sorted(record.fields.items(), key=lambda item: not item[1].required)
            told = [self.parameter(name, _key_text(name), one.node, one.required, within) for name, one in keys]
            self.forms[known] = Form(known, tuple(told))
        return known

    def _key(self, node: Subschema) -> str:
        """What tells a record from another one."""
        if id(node) not in self._keys:
            self._keys[id(node)] = node, json.dumps(without_notes(node), sort_keys=True)
        return self._keys[id(node)][1]

    def _free(self, wanted: str) -> str:
        words = re.findall(r"[^\W_]+", wanted)[:8]
        name = stem = "".join(word[:1].upper() + word[1:] for word in words)[:60].lstrip("0123456789") or "Record"
        number = 1
        while name in self._names.values() or name in _RESERVED or keyword.iskeyword(name):
            number += 1
            name = f"{stem}{number}"
        return name

    # -------------------------------------------------------------------------------------------------- parameters

    def parameter(
        self, name: str, alias: str, node: Subschema, required: bool, within: tuple[str, ...] = ()
    ) -> Parameter:
        """A field as it is told: its type, what it is without a value, and what is asked of it."""
        found = default_in(node, self._defs)
        default = default_text(found[0]) if found else ""
        return Parameter(
            name=name,
            alias=alias,
            type=self.type_of(node, name, within),
            required=required and not found,
            default="" if required and not found else default if len(default) <= _LONGEST_DEFAULT else UNSHOWN,
            description=self.description(node),
            bounds=self.bounds(node),
        )

    def description(self, node: Subschema) -> str:
        """What a schema says in words, in one line."""
        text = " ".join(str(self._flat(node).get("description", "")).split())
        return cut(text, _LONGEST_TEXT)

    def bounds(self, node: Subschema, depth: int = 4) -> str:
        """What it asks of values beyond their type."""
        if not isinstance(node, dict) or depth == 0 or self._is_tired():
            return ""
        told = self._flat(node)
        if (constants := constants_of(told)) is not None:
            return "" if _literal(constants).startswith("Literal") else f"one of {_some(constants)}"
        text = [_limits(told)]
        if isinstance(form := told.get("format"), str):
            text.append(" ".join(f"format {form}"[:60].split()))
        if told.get("uniqueItems") is True:
            text.append("each once")
        if told.keys() & {"items", "prefixItems"}:
            first, others = item_schemas(told, self._defs)
            if first:
                text.append("in this order: " + ", ".join(self.type_of(one, "item") for one in first[:10]))
            elif each := self.bounds(others, depth - 1):
                text.append(f"each {each}")
        variants = [one for key in ("anyOf", "oneOf") for one in told.get(key, ())][:10]
        text.append(" or ".join(dict.fromkeys(filter(None, (self.bounds(one, depth - 1) for one in variants)))))
        return ", ".join(part for part in text if part)[:_LONGEST_TEXT]

    def _flat(self, node: Subschema, within: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The keywords of a schema, and of those that it is made of."""
        if not isinstance(node, dict):
            return {}
        name = referred(node)
        others = [self._defs[name]] if name is not None and name not in within else []
        inside = within | {name} if name is not None else within
        made: dict[str, Any] = {}
        for one in (*others, *node.get("allOf", ())):
            made |= self._flat(one, inside)
        return made | node

    # ----------------------------------------------------------------------------------------------------- results

    def output(self, node: Subschema, hint: str = "Result", depth: int = 4) -> Output:
        """What is known of a result: its type, and the fields that can be reached in it."""
        text = self.type_of(node, hint)
        if depth and self._left > 0 and text in self.forms and (record := self._record(node)) is not None:
            fields = {name: self.output(one.node, name, depth - 1) for name, one in record.fields.items()}
            return Output(text, fields, closed=record.closed, aliases=field_aliases(fields))
        if depth and text.startswith("list[") and "|" not in text:
            first, others = item_schemas(node, self._defs)
            return Output(text, items=None if first else self.output(others, _singular(hint), depth - 1))
        return Output(text)

    def shape(self, node: Subschema, depth: int = 4) -> Shape:
        """The constants that values are by a schema, wherever in them."""
        if not isinstance(node, dict) or depth == 0 or self._is_tired():
            return None
        told = self._flat(node)
        if (constants := constants_of(told)) is not None:
            return tuple(constants) if all(one is None or type(one) in (str, int, bool) for one in constants) else None
        variants = [one for key in ("anyOf", "oneOf") for one in told.get(key, ())]
        shapes = [self.shape(one, depth) for one in variants]
        if any(isinstance(one, tuple) for one in shapes):
            return tuple(constant for one in shapes if isinstance(one, tuple) for constant in one)
        if told.get("type") == "null":
            return (None,)
        first, others = item_schemas(node, self._defs)
        if not first and (each := self.shape(others, depth - 1)) is not None:
            return {EACH: each}
        record = self._record(node)
        fields = {} if record is None else record.fields
        self._left -= len(fields)
        return {name: self.shape(one.node, depth - 1) for name, one in fields.items()} or None


_BOUNDS: Final[Mapping[str, str]] = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
}


def _limits(told: Mapping[str, Any]) -> str:
    """What is asked of a number, of the characters of a text, or of how many items there are, in words."""
    found = {ours: told[theirs] for theirs, ours in _BOUNDS.items() if theirs in told}
    counted = {"min_length": told.get("minItems"), "max_length": told.get("maxItems")}
    is_list = any(count is not None for count in counted.values())
    if not found and not is_list:
        return ""
    if "pattern" in found:
        found["pattern"] = cut(str(found["pattern"]), _LONGEST_PATTERN)
    return limits_text(found | counted, "item") if is_list else limits_text(found, "character")


def constants_of(node: Subschema) -> list[Any] | None:
    """The constants that a schema lists."""
    if not isinstance(node, dict):
        return None
    if "const" in node:
        return [node["const"]]
    constants = node.get("enum")
    return constants if isinstance(constants, list) else None


def _literal(constants: list[Any]) -> str:
    """Constants as a type, if they are few and a plan writes them; else the type that all of them have."""
    kinds = {type(one) for one in constants}
    if constants and kinds <= {str, int, bool, type(None)} and len(constants) <= _MOST_CONSTANTS:
        text = f"Literal[{', '.join(map(repr, constants))}]"
        if len(text) <= _LONGEST_TYPE:
            return text
    return kinds.pop().__name__ if len(kinds) == 1 and kinds <= {str, int, float, bool} else "Any"


def _some(constants: list[Any]) -> str:
    """The first ones of many constants."""
    texts = [text for one in constants[:_MOST_CONSTANTS] if len(text := default_text(one)) <= _LONGEST_PATTERN]
    while len(", ".join(texts)) > _LONGEST_TYPE:
        texts.pop()
    return ", ".join(texts) + (f", ... ({len(constants):,} in all)" if len(texts) < len(constants) else "")


def _either(texts: Iterable[str]) -> str:
    """The type of what is of one of some types."""
    distinct = list(dict.fromkeys(part for text in texts for part in ([text] if "[" in text else text.split(" | "))))
    if "Any" in distinct:
        return "Any"
    others = [text for text in distinct if text != "None"]
    return " | ".join(others + ["None"] * ("None" in distinct)) or "Any"


def _without(node: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: part for name, part in node.items() if name != key}


def _key_text(name: str) -> str:
    return name if name.isidentifier() else repr(name)


def _singular(name: str) -> str:
    return name.removesuffix("s") if len(name) > 3 and not name.endswith("ss") else name
