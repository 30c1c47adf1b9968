"""Schemas that are wrong, endless, or made to take for ever: each is refused at once, and the message says why."""

# ruff: noqa: E501 -- most rows of the table are one line

from __future__ import annotations

from typing import Any

import pytest

from superscalar import Tool, UsageError
from superscalar.tools.context import ArgumentError, ResultError
from superscalar.tools.json_schema import cost, reading


def act(parameters: Any, **terms: Any) -> Tool[..., Any]:
    return Tool.from_schema("act", parameters, lambda **arguments: arguments, **terms)


def of(a: Any, **beside: Any) -> dict[str, Any]:
    """A tool's schema with one parameter."""
    return {"type": "object", "properties": {"a": a}, **beside}


def doubled(levels: int, link: str = "in place") -> dict[str, Any]:
    """Definitions each of which refers twice to the next one: of the same value, or of the same part of it."""
    made: dict[str, Any] = {f"d{levels}": {"type": "string"}}
    for level in range(levels):
        next_one = {"$ref": f"#/$defs/d{level + 1}"}
        made[f"d{level}"] = {"allOf": [next_one if link == "in place" else {"properties": {"x": next_one}}] * 2}
    return made


def nested(depth: int) -> Any:
    made: Any = {"type": "string"}
    for _ in range(depth):
        made = {"type": "array", "items": made}
    return made


ITSELF: dict[str, Any] = {"type": "object"}
ITSELF["properties"] = {"a": ITSELF}

FIRST = {"$ref": "#/$defs/d0"}
HOSTILE = {
    "truth": (True, "is True, and no schema"),
    "nothing": (None, "is None, and no schema"),
    "text": ("{}", "is '{}', and no schema"),
    "a list": ([of({})], "and no schema"),
    "says nothing": ({}, "is of no object"),
    "a text": ({"type": "string"}, "is of no object"),
    "an array": ({"type": "array"}, "is of no object"),
    "one of two kinds": ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "is of no object"),
    "a reference to a text": ({"$ref": "#/$defs/w", "$defs": {"w": {"type": "string"}}}, "is of no object"),
    "another type": (of({"type": "dict"}), "there is no type 'dict'; types are array, boolean"),
    "a type that is no text": (of({"type": 5}), "there is no type 5"),
    "properties that are a list": ({"type": "object", "properties": [1]}, r'\[1\] is not of type "object", at properties'),
    "a property that is a number": (of(3), r'3 is not of types "boolean", "object", at properties/a'),
    "required that is a text": ({"type": "object", "required": "a"}, '"a" is not of type "array", at required'),
    "a length below zero": (of({"minLength": -1}), "-1 is less than the minimum of 0, at properties/a/minLength"),
    "allOf of numbers": (of({"allOf": [3]}), "at properties/a/allOf/0"),
    "what is never valid is required": ({**of(False), "required": ["a"]}, "requires 'a', and allows no value for it"),
    "what is closed is required": ({**of({}), "required": ["b"], "additionalProperties": False}, "requires 'b', and allows"),
    "draft-04": ({**of({}), "$schema": "http://json-schema.org/draft-04/schema#"}, "write it as 2020-12"),
    "a bound that is a text, in draft-07": ({**of({"minimum": "3"}), "$schema": "http://json-schema.org/draft-07/schema#"}, '"3" is not of type "number", at properties/a/minimum'),
    "a list of no items": (of({"items": []}), "at properties/a/items"),
    "a dialect of its own": ({**of({}), "$schema": "https://evil.example/s"}, "write it as 2020-12"),
    "a URL": (of({"$ref": "http://127.0.0.1:1/s.json"}), "leads out of it, and nothing is fetched"),
    "a file": (of({"$ref": "file:///etc/passwd"}), "leads out of it, and nothing is fetched"),
    "a file beside it": (of({"$ref": "other.json#/x"}), "leads out of it, and nothing is fetched"),
    "a URL that begins as its own": (of({"$ref": "https://a.example/s.evil"}, **{"$id": "https://a.example/s"}), "leads out"),
    "a reference to nothing": (of({"$ref": "#/$defs/none"}), "leads to nothing in it"),
    "an anchor that is not there": (of({"$ref": "#none"}), "leads to nothing in it"),
    "a reference to a text in it": (of({"$ref": "#/title"}, title="x"), "leads to 'x', which is no schema"),
    "a reference that is no text": (of({"$ref": 7}), "leads out of it"),
    "a dynamic reference": (of({"$dynamicRef": "#a"}), r"\$dynamicRef is not read; write \$ref"),
    "a schema with a name of its own within": (of({"$id": "https://a.example/", "type": "string"}), "that has an \\$id"),
    "itself": ({"$ref": "#"}, "refers to itself and says nothing"),
    "itself among others": ({"type": "object", "allOf": [{"$ref": "#"}]}, "refers to itself and says nothing"),
    "two that refer to each other": (
        of(FIRST, **{"$defs": {"d0": {"$ref": "#/$defs/d1"}, "d1": {"not": FIRST}}}),
        "refers to itself and says nothing",
    ),
    "a long chain": (
        of(FIRST, **{"$defs": {**{f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(400)}, "d400": {}}}),
        "by way of too many others",
    ),
    "a billion of the same": (of(FIRST, **{"$defs": doubled(60)}), "comes to more than 100,000 schemas"),
    "a billion of the same, level by level": (of(FIRST, **{"$defs": doubled(60, "below")}), "comes to more than 100,000"),
    "deep": (of(nested(200)), "nested more than 100 deep"),
    "in itself": (ITSELF, "nested more than 100 deep"),
    "wide": ({"type": "object", "properties": {f"p{i}": True for i in range(reading.MOST_PARTS)}}, "larger than 50,000 values"),
    "long": (of({"description": "x" * (reading.MOST_TEXT + 1)}), "or 1,000,000 characters"),
    "an enum of thousands": (of({"enum": list(range(reading.MOST_CONSTANTS + 1))}), "an enum of 5,001 constants"),
    "a long pattern": (of({"pattern": "a" * 1_001}), "has 1,001 characters; 1,000 are the most"),
    "many patterns": ({"type": "object", "properties": {f"p{i}": {"pattern": "b" * 999} for i in range(21)}}, "20,000 for all"),
    "a pattern that grows": (of({"pattern": "((a{200}){200}){200}"}), "or is too large; write another"),
    "a pattern that looks ahead": (of({"pattern": "^(?=.*a)b$"}), "looks ahead or back, refers to a group"),
    "a pattern that refers to a group": (of({"pattern": "(a)\\1"}), "looks ahead or back, refers to a group"),
    "a pattern that is none": (of({"pattern": "("}), r"the pattern '\(' at properties/a/pattern cannot be used"),
    "a pattern of keys": (of({"patternProperties": {"(?!x)": {}}}), r'"\(\?!x\)" is not a "regex"'),
    "no number": (of({"default": float("nan")}), "nan is no JSON"),
    "an object of Python": (of({"default": object()}), "is no JSON"),
    "a key that is no text": ({"type": "object", "properties": {1: {}}}, "the key 1 is no text"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_schema_that_cannot_be_used_is_refused(name: str) -> None:
    """When the tool is made, for what it takes and for what it returns alike; nothing is fetched, and nothing hangs."""
    parameters, why = HOSTILE[name]
    with pytest.raises(UsageError, match=why):
        act(parameters)


@pytest.mark.parametrize("name", ["truth", "a URL", "itself", "deep", "a billion of the same", "a long pattern"])
def test_so_is_that_of_a_result(name: str) -> None:
    returns, why = HOSTILE[name]
    with pytest.raises(UsageError, match=f"^tool act: the schema of what it returns.*{why}"):
        act(of({}), returns=returns)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(x+x+)+y", r"^(\w+\s?)*$", "(.{0,90}x){0,90}y"])
def test_patterns_are_matched_in_time_that_grows_with_the_text(pattern: str) -> None:
    """What makes others look for ever is one look at each character here."""
    one = act(of({"type": "string", "pattern": pattern}))
    with pytest.raises(ArgumentError, match="does not match"):
        one.bind({"a": "!" + "a" * 50_000 + "!"})


EXPRESSION = {
    "anyOf": [
        {"type": "number"},
        *(
            {
                "type": "object",
                "properties": {"of": {"type": "string"}, "l": {"$ref": "#/$defs/E"}, "r": {"$ref": "#/$defs/E"}},
                "required": ["l", "r"],
            }
            for _ in range(4)
        ),
    ]
}


def of_depth(depth: int, leaf: Any) -> Any:
    made = leaf
    for _ in range(depth):
        made = {"l": made, "r": 1}
    return made


def test_a_value_that_multiplies_level_by_level_is_bounded() -> None:
    """Four alternatives that hold themselves: what is a little deep is checked, and what is very deep refused unseen."""
    one = act(of({"$ref": "#/$defs/E"}, **{"$defs": {"E": EXPRESSION}}))
    assert one.bind({"a": of_depth(5, 1)}) == {"a": of_depth(5, 1)}
    for depth, why in [
        (2, 'is not of type "number"'),
        (6, "it does not fit its schema"),
        (60, "nested more than 8 deep"),
    ]:
        with pytest.raises(ArgumentError, match=why):
            one.bind({"a": of_depth(depth, "x")})


def test_a_value_that_does_not_multiply_may_be_deep() -> None:
    """A list of lists, and so on; only what nobody can check at all is refused."""
    one = act(of({"$ref": "#/$defs/L"}, **{"$defs": {"L": {"type": "array", "items": {"$ref": "#/$defs/L"}}}}))
    deep: Any = []
    for _ in range(150):
        deep = [deep]
    assert one.bind({"a": deep}) == {"a": deep}
    for _ in range(3_000):
        deep = [deep]
    with pytest.raises(ArgumentError, match="it is nested too deep, or in itself"):
        one.bind({"a": deep})


def test_a_long_value_of_which_much_is_asked_is_bounded() -> None:
    """A thousand questions about each of a few items are asked, and about each of a great many they are not."""
    many = {"allOf": [{"minLength": i} for i in range(1_000)]}
    one = act(of({"type": "array", "items": many}))
    assert one.bind({"a": ["x" * 1_000] * 10}) == {"a": ["x" * 1_000] * 10}
    with pytest.raises(ArgumentError, match="it is too large for a schema that asks 1,001 things of each part"):
        one.bind({"a": ["x" * 1_000] * 60_000})


def test_what_a_server_returns_is_bounded_alike() -> None:
    """Also what holds itself, as no JSON does."""
    one = act(of({}), returns={"$ref": "#/$defs/E", "$defs": {"E": EXPRESSION}})
    itself: list[Any] = []
    itself.append(itself)
    assert one.described.checked is not None
    for value in (of_depth(60, 1), itself):
        with pytest.raises(ResultError, match=r"act\(\) returned what"):
            one.described.checked(value)


def test_what_is_told_of_a_schema_is_bounded() -> None:
    """A planner gets a signature, and not a book: what is left out is checked all the same."""
    wide = {
        f"key{i}": {"type": "object", "properties": {f"k{j}": {"enum": ["v" * 99]} for j in range(9)}}
        for i in range(50)
    }
    one = act(of({"type": "object", "properties": wide, "description": "d" * 9_999}, title="t" * 9_999))
    told = one.signature
    assert len(told.forms) <= 20
    assert max(len(p.type) for form in told.forms for p in form.keys) <= 300
    assert len(told.parameters[0].description) == 1_000


@pytest.mark.parametrize("form", ["items", "properties"])
def test_what_refers_to_itself_in_ever_new_ways_is_told_roughly_and_soon(form: str) -> None:
    """Each of thirty holds each of the others: there is no end of ways through them."""
    names = [f"d{i}" for i in range(30)]
    refs = [{"$ref": f"#/$defs/{name}"} for name in names]
    parts: Any = {"items": {"anyOf": refs}} if form == "items" else {"properties": dict(zip(names, refs, strict=True))}
    one = act(of({**FIRST}, **{"$defs": {name: {"title": name, **parts} for name in names}}), returns=None)
    assert len(one.signature.forms) <= 20
    assert one.bind({"a": {}}) == {"a": {}}


def test_the_bounds_are_those_that_the_documentation_names() -> None:
    assert (reading.DEEPEST, reading.MOST_PARTS, reading.MOST_TEXT, reading.MOST_CONSTANTS) == (
        100,
        50_000,
        1_000_000,
        5_000,
    )
    assert (reading.LONGEST_PATTERN, reading.MOST_PATTERNS, cost.MOST_VISITS) == (1_000, 20_000, 100_000)
