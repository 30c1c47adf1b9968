"""A constrained model can write a record only with the keys that it has, and an enum only as one of its values."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from random import Random
from typing import Literal

import pytest
from grammar_matcher import follows
from grammar_samples import Sampler, SchemaSampler
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import tool
from superscalar.plan import check, grammar
from superscalar.plan.grammars.language import plan_rules
from superscalar.plan.grammars.rules import read
from superscalar.tools.toolset import Toolset
from support.depth import examples


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Tree:
    name: str
    colour: Colour = Colour.RED
    children: list[Tree] = field(default_factory=list)


@dataclass
class Options:
    deep: bool = False
    most: int = 3


@tool(effect="read")
def plant(tree: Tree, options: Options | None = None) -> str:
    """Plant a tree."""
    return tree.name


TOOLS = Toolset([plant])
GRAMMAR = grammar(TOOLS)


@pytest.mark.parametrize(
    "call",
    [
        'plant({"name": "oak"})',
        'plant({"name": "oak", "colour": "blue"})',
        'plant({"name": x.name, "children": [{"name": "elm", "children": []}]})',
        'plant(x, {"most": 4})',
        'plant(x, {"deep": True, "most": 4})',
        "plant(x, options={})",
        "plant(x, None)",
        "plant(f(x), y.z)".replace("f(x)", "x[0]"),
    ],
)
def test_a_record_is_written_with_the_keys_that_it_has(call: str) -> None:
    assert follows(f"x = {call}", read(GRAMMAR.gbnf))


@pytest.mark.parametrize(
    "call",
    [
        "plant({})",
        'plant({"colour": "red"})',
        'plant({"name": 3})',
        'plant({"name": "oak", "color": "red"})',
        'plant({"name": "oak", "colour": "green"})',
        'plant({"name": "oak", "children": [{"colour": "red"}]})',
        'plant(x, {"most": "all"})',
        'plant("oak")',
    ],
)
def test_a_record_is_not_written_with_others(call: str) -> None:
    assert not follows(f"x = {call}", read(GRAMMAR.gbnf))


@settings(max_examples=examples(35, 1_000))
@given(st.integers(0, 2**32), st.integers(4, 12))
def test_what_it_accepts_can_be_read(seed: int, depth: int) -> None:
    plan = Sampler(plan_rules(TOOLS.signatures), Random(seed), depth=depth).text()
    found = {problem.code for problem in check(plan, TOOLS.signatures)}
    assert not found & {"E001", "E002", "E003", "E302", "E303"}, plan


@settings(max_examples=examples(35, 1_000))
@given(st.integers(0, 2**32))
def test_what_the_schema_of_plans_in_json_accepts_can_be_read(seed: int) -> None:
    plan = SchemaSampler(GRAMMAR.json_schema, Random(seed)).value()
    found = check(json.dumps(plan), TOOLS.signatures, "json")
    assert {problem.code for problem in found} <= {"E102", "E307", "W503", "E304"}, plan


def test_a_constant_that_json_does_not_have_is_left_to_references() -> None:
    @tool(effect="read")
    def send(mark: Literal[b"a"], marks: list[Literal[b"a", "b"]]) -> None: ...

    schema = json.dumps(grammar(Toolset([send])).json_schema)
    anything = {"$ref": "#/$defs/value"}
    assert json.dumps({"mark": anything, "marks": anything}) in schema
