"""What JSON Schema can say of a call: what a planner is told of it, what is sent, and what is refused."""

# ruff: noqa: E501 -- most rows of the table are one line

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from superscalar import Tool
from superscalar.plan import grammar
from superscalar.plan.ir.signatures import Signatures
from superscalar.planner import tool_stub
from superscalar.tools.context import ArgumentError

OLD = "http://json-schema.org/draft-07/schema#"
POINT = {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}, "required": ["x"]}


@dataclass(frozen=True)
class Feature:
    """One parameter `a` of such a schema. `told`: how it is shown. `taken`: values that are sent. `refused`, and
    `unhashable`: values that are not, and what is said of each. `beside`: other keywords of the whole schema."""

    name: str
    schema: Any
    told: str
    taken: list[Any]
    refused: dict[Any, str] = field(default_factory=dict)
    unhashable: list[tuple[Any, str]] = field(default_factory=list)
    beside: dict[str, Any] = field(default_factory=dict)


FEATURES = [
    Feature("string", {"type": "string"}, "a: str", ["x", "3", ""], {3: '3 is not of type "string"'}),
    Feature("integer", {"type": "integer"}, "a: int", [3, 3.0, 10**30], {3.5: '3.5 is not of type "integer"'}),
    Feature("truth values are no numbers", {"type": "integer"}, "a: int", [1], {True: 'true is not of type "integer"'}),
    Feature("number", {"type": "number"}, "a: float", [3, 3.5], {"3": '"3" is not of type "number"'}),
    Feature("boolean", {"type": "boolean"}, "a: bool", [True, False], {1: '1 is not of type "boolean"'}),
    Feature("null", {"type": "null"}, "a: None", [None], {0: '0 is not of type "null"'}),
    Feature("types", {"type": ["string", "null"]}, "a: str | None", ["x", None], {1: '1 is not of types "null", "string"'}),
    Feature("anything", {}, "a: Any", [1, "x", None, [1, {"k": 2}]]),
    Feature("true", True, "a: Any", [1, None]),
    Feature("enum", {"enum": ["r", 2, None]}, "a: Literal['r', 2, None]", ["r", 2, None], {"x": '"x" is not one of "r", 2 or null'}),
    Feature(
        "an enum of many",
        {"enum": [f"c{i}" for i in range(40)]},
        "a: str\n    # a: one of " + ", ".join(f"'c{i}'" for i in range(20)) + ", ... (40 in all)",
        ["c39"],
        {"c40": '"c40" is not one of "c0", "c1" or 38 other candidates'},
    ),
    Feature("const", {"const": "only"}, "a: Literal['only']", ["only"], {"x": '"only" was expected'}),
    Feature("const null", {"const": None}, "a: Literal[None]", [None], {"x": "null was expected"}),
    Feature("bounds", {"type": "integer", "minimum": 1, "maximum": 9}, "a: int\n    # a: 1 to 9", [1, 9], {0: "0 is less than the minimum of 1"}),
    Feature(
        "exclusive bounds",
        {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5},
        "a: float\n    # a: above 0, a multiple of 0.5",
        [1.5],
        {0: "0 is less than or equal to the minimum of 0", 0.7: "0.7 is not a multiple of 0.5"},
    ),
    Feature("lengths", {"type": "string", "minLength": 2, "maxLength": 3}, "a: str\n    # a: 2 to 3 characters", ["ab", "äöü"], {"a": '"a" is shorter than 2 characters'}),
    Feature("pattern", {"type": "string", "pattern": "^[a-z]+$"}, "a: str\n    # a: matching ^[a-z]+$", ["ab"], {"A1": '"A1" does not match "^[a-z]+$"'}),
    Feature("format date", {"type": "string", "format": "date"}, "a: str\n    # a: format date", ["2026-02-28"], {"2026-02-30": '"2026-02-30" is not a "date"'}),
    Feature("format email", {"type": "string", "format": "email"}, "a: str\n    # a: format email", ["a@b.example"], {"a": '"a" is not a "email"'}),
    Feature("format uri", {"type": "string", "format": "uri"}, "a: str\n    # a: format uri", ["https://b.example/x"], {"a b": '"a b" is not a "uri"'}),
    Feature("a format that nobody knows", {"type": "string", "format": "colour"}, "a: str\n    # a: format colour", ["red"]),
    Feature("items", {"type": "array", "items": {"type": "integer"}}, "a: list[int]", [[], [1, 2]], unhashable=[([1, "x"], '"x" is not of type "integer", at [1]')]),
    Feature("how many", {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True}, "a: list\n    # a: 1 to 2 items, each once", [[1, 2]], unhashable=[([], "[] has less than 1 item"), ([1, 1], "[1,1] has non-unique elements")]),
    Feature(
        "prefixItems",
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        "a: list[str | int]\n    # a: in this order: str, int",
        [["x", 1], ["x"]],
        unhashable=[([1], '1 is not of type "string", at [0]'), (["x", 1, 2], "False schema does not allow 2, at [2]")],
    ),
    Feature(
        "items as draft-07 has them",
        {"type": "array", "items": [{"type": "string"}], "additionalItems": {"type": "integer"}},
        "a: list[str | int]\n    # a: in this order: str",
        [["x", 1]],
        unhashable=[(["x", "y"], '"y" is not of type "integer", at [1]')],
        beside={"$schema": OLD},
    ),
    Feature("items as draft-07 has them, unsaid", {"items": [{"type": "string"}]}, "a: list[str]\n    # a: in this order: str", [["x", 1]], unhashable=[([1], '1 is not of type "string", at [0]')]),
    Feature("contains", {"type": "array", "contains": {"const": 7}}, "a: list", [[1, 7]], unhashable=[([1], "None of [1] are valid under the given schema")]),
    Feature(
        "an object",
        POINT,
        "a: A\n    # A is a dict with the keys x: int, y: int (may be left out)",
        [{"x": 1}, {"x": 1, "z": 0}],
        unhashable=[({"y": 1}, '"x" is a required property'), ({"x": "1"}, '"1" is not of type "integer", at [\'x\']')],
    ),
    Feature(
        "an object with a title and other names",
        {"title": "a point", "type": "object", "properties": {"the x": {"type": "integer"}}, "additionalProperties": False},
        "a: APoint\n    # APoint is a dict with the keys 'the x': int (may be left out)",
        [{"the x": 1}],
        unhashable=[({"x": 1}, "Additional properties are not allowed ('x' was unexpected)")],
    ),
    Feature("a mapping", {"type": "object", "additionalProperties": {"type": "integer"}}, "a: dict[str, int]", [{"k": 1}], unhashable=[({"k": "1"}, '"1" is not of type "integer", at [\'k\']')]),
    Feature("a mapping of which a part says what it holds", {"type": "object", "allOf": [{"type": "object", "additionalProperties": {"type": "integer"}}]}, "a: dict[str, int]", [{"k": 1}], unhashable=[({"k": "1"}, '"1" is not of type "integer", at [\'k\']')]),
    Feature("keys by pattern", {"type": "object", "patternProperties": {"^n": {"type": "integer"}}}, "a: dict", [{"n": 1, "m": "x"}], unhashable=[({"n": "x"}, '"x" is not of type "integer", at [\'n\']')]),
    Feature("names of keys", {"type": "object", "propertyNames": {"maxLength": 2}}, "a: dict", [{"k": 1}], unhashable=[({"key": 1}, '"key" is longer than 2 characters')]),
    Feature("how many keys", {"type": "object", "minProperties": 1}, "a: dict", [{"k": 1}], unhashable=[({}, "{} has less than 1 property")]),
    Feature("dependentRequired", {"type": "object", "dependentRequired": {"p": ["q"]}}, "a: dict", [{"p": 1, "q": 1}], unhashable=[({"p": 1}, '"q" is a required property')]),
    Feature("unevaluatedProperties", {"allOf": [POINT], "unevaluatedProperties": False}, "a: A\n    # A is a dict with the keys x: int, y: int (may be left out)", [{"x": 1}], unhashable=[({"x": 1, "z": 1}, "Unevaluated properties are not allowed ('z' was unexpected)")]),
    Feature(
        "$ref",
        {"$ref": "#/$defs/Point"},
        "a: Point\n    # Point is a dict with the keys x: int, y: int (may be left out)",
        [{"x": 1}],
        {3: '3 is not of type "object"'},
        beside={"$defs": {"Point": POINT}},
    ),
    Feature("$ref into definitions, escaped", {"$ref": "#/definitions/a~1b%20c"}, "a: int", [1], {"x": '"x" is not of type "integer"'}, beside={"$schema": OLD, "definitions": {"a/b c": {"type": "integer"}}}),
    Feature("$ref by anchor", {"$ref": "#whole"}, "a: int", [1], {"x": '"x" is not of type "integer"'}, beside={"$defs": {"w": {"$anchor": "whole", "type": "integer"}}}),
    Feature("$ref by the schema's own $id", {"$ref": "https://a.example/s.json#/$defs/w"}, "a: int", [1], {"x": '"x" is not of type "integer"'}, beside={"$id": "https://a.example/s.json", "$defs": {"w": {"type": "integer"}}}),
    Feature("$ref to another parameter", {"$ref": "#/properties/b"}, "a: int", [1], {"x": '"x" is not of type "integer"'}, beside={"properties": {"b": {"type": "integer"}}}),
    Feature("what stands beside $ref", {"$ref": "#/$defs/w", "minimum": 5}, "a: int\n    # a: at least 5", [5], {4: "4 is less than the minimum of 5"}, beside={"$defs": {"w": {"type": "integer"}}}),
    Feature("what draft-07 does not look at beside $ref", {"$ref": "#/$defs/w", "minimum": 5}, "a: int", [4], {"x": '"x" is not of type "integer"'}, beside={"$schema": OLD, "$defs": {"w": {"type": "integer"}}}),
    Feature(
        "recursion",
        {"$ref": "#/$defs/Tree"},
        "a: Tree\n    # Tree is a dict with the keys label: str, below: list[Tree] (may be left out)",
        [{"label": "x", "below": [{"label": "y"}]}],
        unhashable=[({"label": "x", "below": [{}]}, '"label" is a required property, at [\'below\'][0]')],
        beside={
            "$defs": {
                "Tree": {
                    "type": "object",
                    "properties": {"label": {"type": "string"}, "below": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
                    "required": ["label"],
                }
            }
        },
    ),
    Feature("allOf", {"allOf": [{"type": "integer"}, {"minimum": 2}]}, "a: int\n    # a: at least 2", [2], {1: "1 is less than the minimum of 2"}),
    Feature(
        "allOf of objects",
        {"allOf": [POINT, {"type": "object", "properties": {"z": {"type": "string"}}, "required": ["z"]}]},
        "a: A\n    # A is a dict with the keys x: int, z: str, y: int (may be left out)",
        [{"x": 1, "z": ""}],
        unhashable=[({"x": 1}, '"z" is a required property')],
    ),
    Feature("anyOf", {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "a: str | int", ["x", 1], {1.5: '1.5 is not of type "string" or 1.5 is not of type "integer"'}),
    Feature("oneOf of constants", {"oneOf": [{"const": "a", "description": "x"}, {"enum": ["b"]}, {"type": "null"}]}, "a: Literal['a', 'b', None]", ["a", None], {"c": '"a" was expected or "c" is not one of "b" or "c" is not of type "null"'}),
    Feature("anyOf with null", {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 2}]}, "a: int | None\n    # a: at least 2", [2, None], {1: '1 is not of type "null" or 1 is less than the minimum of 2'}),
    Feature("oneOf", {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, "a: Any\n    # a: a multiple of 2 or a multiple of 3", [2, 3], {6: "6 is valid under more than one of the schemas listed in the 'oneOf' keyword"}),
    Feature(
        "oneOf of objects",
        {"oneOf": [{"title": "Cat", **POINT}, {"title": "Dog", "type": "object", "properties": {"bark": {"const": True}}, "required": ["bark"]}]},
        "a: Cat | Dog\n    # Cat is a dict with the keys x: int, y: int (may be left out)\n    # Dog is a dict with the keys bark: Literal[True]",
        [{"x": 1}, {"bark": True}],
        unhashable=[({"bark": 1}, '"x" is a required property or true was expected, at [\'bark\']')],
    ),
    Feature("not", {"type": "string", "not": {"const": "x"}}, "a: str", ["y"], {"x": '{"const":"x"} is not allowed for "x"'}),
    Feature("if, then, else", {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "null"}}, "a: Any", ["xy", None], {"x": '"x" is shorter than 2 characters'}),
    Feature("nullable", {"type": "string", "nullable": True}, "a: str | None", ["x", None], {1: '1 is not of type "string" or 1 is not of type "null"'}),
    Feature("nullable beside a reference", {"$ref": "#/$defs/w", "nullable": True}, "a: int | None", [1, None], {"x": '"x" is not of type "integer" or "x" is not of type "null"'}, beside={"$defs": {"w": {"type": "integer"}}}),
    Feature("no longer nullable", {"type": "string", "nullable": False}, "a: str", ["x"], {None: 'null is not of type "string"'}),
    Feature("description", {"type": "string", "description": "What\n it is."}, "a: str\n    # a: What it is.", ["x"]),
    Feature("unknown words", {"type": "string", "x-order": 3, "example": 1}, "a: str", ["x"]),
]  # fmt: skip


def tool_of(feature: Feature) -> Tool[..., Any]:
    beside = dict(feature.beside)
    properties = {"a": feature.schema, **beside.pop("properties", {})}
    schema = {"type": "object", "properties": properties, "required": ["a"], **beside}
    return Tool.from_schema("act", schema, lambda **arguments: arguments, effect="read")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_what_a_schema_can_say(feature: Feature) -> None:
    """It is told to the planner, sent as it is written, or refused with the reason: as a constant, and in a call."""
    act = tool_of(feature)
    (own,) = (parameter for parameter in act.signature.parameters if parameter.name == "a")
    stub = tool_stub(act.signature)
    assert stub.replace(", b: int = ...", "").replace(") -> Any", "").removeprefix("act(*, ") == feature.told.replace(
        "\n    # ", "  # ", 1
    )
    for value in feature.taken:
        sent = act.bind({"a": value})
        assert (sent, own.reject(value)) == ({"a": value}, None)
        assert type(sent["a"]) is type(value)
    for value, why in [*feature.refused.items(), *feature.unhashable]:
        assert own.reject(value) == why
        with pytest.raises(ArgumentError) as caught:
            act.bind({"a": value})
        assert str(caught.value) == f"act(): `a`: {why}"


def test_every_refusal_was_looked_at() -> None:
    """All but what anything fits have at least one."""
    free = [one.name for one in FEATURES if not one.refused and not one.unhashable]
    assert free == ["anything", "true", "a format that nobody knows", "description", "unknown words"]


def test_a_model_is_held_to_what_a_schema_says() -> None:
    """By each grammar; of all of them together, as far as their types say it."""
    tools = [replace(tool_of(one).signature, name=f"t{i}", alias=f"t{i}") for i, one in enumerate(FEATURES)]
    made = grammar(Signatures(tools))
    for text in (made.gbnf, made.lark, str(made.json_schema)):
        assert all(f"t{i}" in text for i in range(len(FEATURES)))
    assert r'-Tree ::= "{" (("\"label\": " value' in made.gbnf
    assert made.json_schema["$defs"]["record Cat"]["required"] == ["x"]
