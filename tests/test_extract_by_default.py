"""`extract` without being asked for: where there is a model that plans, and a tool whose results are prose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from superscalar import LLMCompiler, Options, Toolset, UsageError, tool
from superscalar.baselines import NativeParallel, ReAct, ReWOO, Sequential
from superscalar.testing import ScriptedModel, run
from support.running import calls


@tool(effect="read")
def article(title: str) -> str:
    """What an encyclopedia says."""
    return f"{title} was born in Prague."


@tool(effect="read")
def maybe(title: str) -> str | None:
    return None


@tool(effect="read")
def people(town: str) -> int:
    return 5


@tool(effect="write")
def send(text: str) -> str:
    return text


@tool(effect="pure")
def upper(text: str) -> str:
    return text.upper()


@tool(effect="read", name="extract")
def own(text: str) -> str:
    return text


TWO_STEPS = """\
kafka = article("Kafka")
town = extract(kafka, "str", "the town where he was born")
join(people(town))
"""


def names(agent: LLMCompiler[Any]) -> list[str]:
    return [one.name for one in agent.tools]


def test_a_plan_takes_a_name_out_of_a_text_with_nothing_said_of_it() -> None:
    model = ScriptedModel(TWO_STEPS, '{"value": "Prague"}', "Five.")
    result = run(LLMCompiler(model, [article, people]).run("How many people live where Kafka was born?"))
    assert (result.answer, result.outcomes.value("town")) == ("Five.", "Prague")
    assert "extract(source: Any, schema: Literal[" in model.requests[0].messages[-1].text


def test_what_it_says_is_trusted_as_little_as_the_text() -> None:
    model = ScriptedModel(TWO_STEPS, '{"value": "Prague"}', "Five.")
    result = run(LLMCompiler(model, [article, people]).run("How many?"))
    assert {source.name for source in result.provenance("town").label.untrusted} == {"article", "extract"}


def test_a_small_model_is_told_of_it_where_it_is_there_and_nowhere_else() -> None:
    """One that has no such tool writes names that begin like it."""

    def told(tools: list[Any], **options: Any) -> str:
        model = ScriptedModel("join()")
        model.constrains = True
        run(LLMCompiler(model, tools, joiner=None, **options).run("Thanks!"))
        return "\n".join(turn.text for turn in model.requests[0].messages)

    assert "with extract" in told([article])
    for tools, options in (([people], {}), ([article], {"extract": False}), ([article, own], {"syntax": None})):
        assert "= extract(" not in told(tools, **options)
        assert "with extract" not in told(tools, **options)


@pytest.mark.parametrize("tools", [[article], [maybe], [people, article], Toolset([article])])
def test_it_is_there_where_a_tool_that_reads_returns_a_text(tools: Any) -> None:
    assert "extract" in names(LLMCompiler(ScriptedModel(), tools))


@pytest.mark.parametrize(
    ("make", "tools"),
    [
        (lambda tools: LLMCompiler(ScriptedModel(), tools), [people]),  # nothing to read
        (lambda tools: LLMCompiler(ScriptedModel(), tools), [send, upper]),  # what is returned is known
        (lambda tools: LLMCompiler(ScriptedModel(), tools), []),
        (lambda tools: LLMCompiler(tools=tools), [article]),  # nobody to read
        (lambda tools: LLMCompiler(tools=tools, joiner=ScriptedModel()), [article]),
        (lambda tools: LLMCompiler(ScriptedModel(), tools, extract=False), [article]),
        (lambda tools: ReAct(ScriptedModel(), tools), [article]),  # it reads what it gets
        (lambda tools: NativeParallel(ScriptedModel(), tools), [article]),
    ],
)
def test_it_is_not_there(make: Callable[[Any], LLMCompiler[Any]], tools: Any) -> None:
    assert names(make(tools)) == [one.name for one in tools]


@pytest.mark.parametrize("way", [ReWOO, Sequential])
def test_other_ways_to_run_a_plan_have_it_too(way: Callable[..., LLMCompiler[Any]]) -> None:
    assert "extract" in names(way(ScriptedModel(), [article]))


def test_a_tool_of_ones_own_of_that_name_stays_what_it_is() -> None:
    agent = LLMCompiler(ScriptedModel(), [article, own])
    assert names(agent) == ["article", "extract"]
    result = asyncio.run(
        LLMCompiler(ScriptedModel('x = extract("a text")\njoin(x)\n', "It is."), [article, own]).run("?")
    )
    assert calls(result.events) == [("extract", {"text": "a text"})]


@pytest.mark.parametrize("given", [{"extractor": "same"}, {"schemas": {}}])
def test_whoever_asks_for_it_cannot_refuse_it_at_once(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"extract=False: plans read no texts then, and {next(iter(given))}= is"):
        LLMCompiler(ScriptedModel(), [article], extract=False, **given)


def test_schemas_of_a_toolset_are_left_where_plans_read_nothing() -> None:
    with_schemas = Toolset([article], schemas={"Age": int})
    assert "extract" in names(LLMCompiler(ScriptedModel(), with_schemas))
    assert names(LLMCompiler(ScriptedModel(), with_schemas, extract=False)) == ["article"]
    assert Options().extract
