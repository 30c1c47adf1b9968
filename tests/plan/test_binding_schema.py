"""A schema that OpenAI binds a model to leaves nothing out: null stands for what a plan would leave out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import pytest
from grammar_samples import SchemaSampler
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, Tool, Toolset, tool
from superscalar.plan import check, grammar
from superscalar.plan.grammars.schema import is_strict
from superscalar.testing import run
from support.depth import examples
from support.ten_toolsets import SAMPLED


@tool(effect="read")
def news(ticker: str, limit: int = 3, *, kind: Literal["all", "new"] = "all", since: str | None = None) -> str:
    """What is new."""
    return f"{ticker} {limit} {kind} {since}"


TOOLS = Toolset([news])
BINDING = grammar(TOOLS).binding_schema


def test_it_wants_every_argument_and_takes_null_for_those_that_may_be_left_out() -> None:
    step = BINDING["properties"]["steps"]["items"]["anyOf"][0]
    arguments = step["properties"]["arguments"]
    assert list(step["properties"]) == step["required"] == ["tool", "id", "arguments"]
    assert arguments["required"] == ["ticker", "limit", "kind", "since"]
    null = {"type": "null"}
    assert [null in arguments["properties"][name]["anyOf"] for name in arguments["required"]] == [
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"limit": None, "kind": None, "since": None}, "IBM 3 all None"),
        ({"limit": 7, "kind": "new", "since": "May"}, "IBM 7 new May"),
        ({}, "IBM 3 all None"),
    ],
)
def test_null_leaves_an_argument_out_that_is_never_null(given: dict[str, Any], taken: str) -> None:
    step = {"tool": "news", "id": "n", "arguments": {"ticker": "IBM", **given}}
    plan = json.dumps({"steps": [step], "join": {"$ref": "n", "path": None}})
    agent = LLMCompiler(tools=TOOLS, joiner=None)
    assert run(agent.execute(agent.compile(plan, syntax="json"))).value("n") == taken


def test_null_is_no_value_of_an_argument_that_is_wanted() -> None:
    plan = json.dumps({"steps": [{"tool": "news", "id": "n", "arguments": {"ticker": None}}], "join": {"$ref": "n"}})
    assert [problem.code for problem in check(plan, TOOLS.signatures, "json")] == ["E304"]


def test_null_is_null_where_it_is_a_value() -> None:
    """`None` is not what this tool does without it."""

    @tool(effect="read")
    def pages(most: int | None = 10) -> str:
        return f"{most}"

    agent = LLMCompiler(tools=[pages], joiner=None)
    plan = json.dumps({"steps": [{"tool": "pages", "id": "n", "arguments": {"most": None}}], "join": {"$ref": "n"}})
    assert run(agent.execute(agent.compile(plan, syntax="json"))).value("n") == "None"
    assert grammar(Toolset([pages])).binding_schema == {}


@dataclass
class Options:
    """A record."""

    deep: bool = False


def test_there_is_none_where_something_cannot_be_wanted() -> None:
    """A record with a key that may be left out, a dict with any keys, and what a schema lets be absent or null."""

    @tool(effect="read")
    def deep(options: Options) -> None: ...

    @tool(effect="read")
    def keyed(values: dict[str, int]) -> None: ...

    def call(**arguments: Any) -> None: ...

    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    absent = Tool.from_schema("absent", schema, call, effect="read")
    assert [grammar(Toolset([one])).binding_schema for one in (deep, keyed, absent)] == [{}, {}, {}]


@pytest.mark.parametrize("sampled", SAMPLED, ids=lambda sampled: sampled.name)
def test_it_binds_or_there_is_none(sampled: Any) -> None:
    binding = sampled.grammar.binding_schema
    assert not binding or is_strict(binding)


@settings(max_examples=examples(35, 1_000))
@given(st.integers(0, 2**32))
def test_what_it_accepts_can_be_read(seed: int) -> None:
    plan = SchemaSampler(BINDING, Random(seed)).value()
    found = {problem.code for problem in check(json.dumps(plan), TOOLS.signatures, "json")}
    assert found <= {"E102", "E307", "E304", "W503"}, plan
