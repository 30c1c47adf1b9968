"""OpenAI's own models are held to a grammar where it is taken, and plan without where it is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from superscalar import LLMCompiler, Tool, tool
from superscalar.errors import ModelError
from superscalar.models import Chunk, Message, OpenAIModel, Request
from superscalar.models.base import Preparation
from superscalar.models.constraint import Constraints
from superscalar.models.dialect import Rejection
from superscalar.plan import Grammar
from support.fake_openai import Exchange, Script, delta, replying, serving

PLAN = Grammar('root ::= "x"', 'start: "x"', {"type": "object", "properties": {}, "required": []})
OTHER = replace(PLAN, lark='start: "y"')
DOCUMENT = Grammar(json_schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False})
REQUEST = Request((Message("user", "Plan."),), grammar=PLAN)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


def official(url: str, name: str = "gpt-5-mini") -> OpenAIModel:
    """A model that takes the server for OpenAI's own host."""
    model = OpenAIModel(name, api_key="k")
    model._base_url = url
    return model


def refusing(message: str, status: int = 400, **said: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.status(status, {"message": message, **said})

    return script


async def reply(model: OpenAIModel, request: Request) -> list[Chunk]:
    return [chunk async for chunk in model.stream(request)]


def told(body: dict[str, Any]) -> str:
    """How a request was constrained."""
    if "tools" in body:
        return str(body["tools"][0]["custom"]["format"]["grammar"]["definition"])
    return str(body.get("response_format", {}).get("type", ""))


@pytest.mark.parametrize(
    ("name", "base_url", "held"),
    [
        ("gpt-5", None, True),
        ("gpt-5.2-pro", None, True),
        ("gpt-6-nano", "https://eu.api.openai.com/v1", True),
        ("gpt-10", None, True),
        ("gpt-5-chat-latest", None, False),
        ("gpt-4.1", None, False),
        ("o4-mini", None, False),
        ("gpt-5", "http://127.0.0.1:1/v1", False),
        ("gpt-5", "https://api.openai.com.example/v1", False),
    ],
)
def test_only_models_that_are_known_to_take_a_grammar_are_given_one(
    name: str, base_url: str | None, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    model = OpenAIModel(name, base_url=base_url, api_key="k")
    assert (model.constrains, model.unaided, model.writes) == (held, True, "python")
    assert not OpenAIModel(name, base_url=base_url, api_key="k", grammar=None).constrains


def test_plans_follow_the_grammar_and_documents_their_schema() -> None:
    async def test() -> None:
        async with serving(replying(["x"])) as server:
            model = official(server.url)
            for grammar in (PLAN, DOCUMENT, None):
                await reply(model, replace(REQUEST, grammar=grammar))
        assert [told(exchange.body) for exchange in server.exchanges] == ['start: "x"', "json_schema", ""]

    run(test)


def test_a_grammar_that_is_too_large_is_left_out_from_then_on_and_another_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The run goes on, and says why it goes without."""
    too_large = refusing("Invalid grammar: too large for sk-12345678901234", param="tools[0].custom.format")

    async def test() -> None:
        async with serving(too_large, replying(["x"])) as server:
            model = official(server.url)
            first = await reply(model, REQUEST)
            assert [chunk.preparing for chunk in first if chunk.preparing] == [
                Preparation("told less of the grammar, which was refused: Invalid grammar: too large for ***", 1.0)
            ]
            assert "".join(chunk.text for chunk in first) == "x"
            assert not any(chunk.preparing for chunk in await reply(model, REQUEST))
            await reply(model, replace(REQUEST, grammar=OTHER))
            assert model.constrains
        assert [told(exchange.body) for exchange in server.exchanges] == ['start: "x"', "", "", 'start: "y"']

    with caplog.at_level(logging.WARNING, "superscalar"):
        run(test)
    ours = [record for record in caplog.records if record.name.startswith("superscalar")]
    assert [record.getMessage().partition(" refused ")[2] for record in ours] == [
        "the grammar and is told less of it: Invalid grammar: too large for ***"
    ]


def test_a_model_that_knows_no_grammars_is_given_none() -> None:
    async def test() -> None:
        async with serving(refusing("Custom tools are not supported with this model."), replying(["x"])) as server:
            model = official(server.url)
            await reply(model, REQUEST)
            await reply(model, replace(REQUEST, grammar=OTHER))
            assert not model.constrains
        assert [told(exchange.body) for exchange in server.exchanges] == ['start: "x"', "", ""]

    run(test)


def test_two_requests_that_are_refused_at_once_are_both_asked_again() -> None:
    """What the first one learned is no reason for the second one to fail."""
    constraints = Constraints("lark", optional=True)
    sent = constraints.parameters(PLAN)
    refusal = Rejection(400, "tools", "", {"message": "invalid grammar"})
    assert [constraints.without(refusal, sent) for _ in range(2)] == [True, True]
    assert (constraints.parameters(PLAN), constraints.form) == ({}, "lark")


def test_a_server_that_refuses_one_grammar_after_the_other_is_given_none() -> None:
    constraints = Constraints("lark", optional=True)
    refusal = Rejection(400, "tools", "", {"message": "invalid grammar"})
    for number in range(8):
        assert constraints.form == "lark"
        constraints.without(refusal, constraints.parameters(replace(PLAN, lark=f"start: /{number}/")))
    assert constraints.form is None


@pytest.mark.parametrize(
    "refusal",
    [
        Rejection(401, "", "", {"message": "no key for tools"}),
        Rejection(429, "", "", {"message": "too many tools"}),
        Rejection(500, "", "", {"message": "tools"}),
        Rejection(400, "messages", "", {"message": "too long"}),
    ],
    ids=lambda refusal: f"{refusal.status} {refusal.said['message']}",
)
def test_what_is_said_of_something_else_is_no_refusal_of_a_grammar(refusal: Rejection) -> None:
    constraints = Constraints("lark", optional=True)
    assert not constraints.without(refusal, constraints.parameters(PLAN))


def test_nothing_is_asked_again_that_was_not_constrained() -> None:
    constraints = Constraints("lark", optional=True)
    assert not constraints.without(Rejection(400, "tools", "", {"message": "grammar"}), {"temperature": 0})


def test_a_grammar_that_a_user_asked_for_is_not_left_out() -> None:
    """Who writes `grammar="lark"` counts on it."""

    async def test() -> None:
        async with serving(refusing("Invalid grammar", param="tools"), replying(["x"])) as server:
            model = OpenAIModel("m", base_url=server.url, grammar="lark")
            with pytest.raises(ModelError, match="HTTP 400: Invalid grammar"):
                await reply(model, REQUEST)
            assert not model.unaided

    run(test)


@tool(effect="read")
def price(ticker: str) -> float:
    """The price of a share."""
    return 2.5


def test_a_planner_that_needs_no_grammar_is_told_what_all_large_ones_are() -> None:
    """It learns of blocks, and may write another syntax, in which it is not held to the grammar."""

    async def test() -> None:
        async with serving(replying(['x = price("IBM")\njoin(x)'])) as server:
            told_so: tuple[dict[str, Any], ...] = ({}, {"grammar": False}, {"syntax": "numbered"})
            agents = [LLMCompiler(official(server.url), [price], joiner=None, **options) for options in told_so]
            for agent in agents:  # whose models live until their loop ends, and close their connections then
                await agent.run("What is the price?")
        held, free, numbered = (exchange.body for exchange in server.exchanges)
        assert held["messages"] == free["messages"]
        assert [bool(told(body)) for body in (held, free, numbered)] == [True, False, False]

    run(test)


def test_of_several_planners_those_are_held_that_can_be() -> None:
    """One that takes a grammar may stand in for one that is not held to any, and the other way round."""

    async def test() -> None:
        down = refusing("Overloaded", status=400)
        async with serving(replying(['x = price("IBM")\njoin(x)'])) as well, serving(down) as ill:
            other = OpenAIModel("m", base_url=ill.url, api_key="k")
            agent = LLMCompiler([other, official(well.url)], [price], joiner=None)
            assert (await agent.run("What is the price?")).answer == 2.5
            back = LLMCompiler([official(ill.url), OpenAIModel("m", base_url=well.url)], [price], joiner=None)
            assert (await back.run("What is the price?")).answer == 2.5
        assert [bool(told(exchange.body)) for exchange in (*ill.exchanges, *well.exchanges)] == [
            False,
            True,
            True,
            False,
        ]
        assert len({str(exchange.body["messages"]) for exchange in (*ill.exchanges, *well.exchanges)}) == 1

    run(test)


def part(number: int) -> Tool[..., float]:
    def look(serial: str) -> float:
        return 1.5

    look.__doc__ = f"Looks up what is known of machine part {number}."
    return tool(name=f"part_{number}", effect="read")(look)


def test_a_planner_that_needs_no_grammar_may_call_tools_that_it_was_not_told_of() -> None:
    async def test() -> None:
        async with serving(replying(['x = part_39("7")\njoin(x)'])) as server:
            tools = [price, *map(part, range(40))]
            agent = LLMCompiler(official(server.url), tools, joiner=None, max_prompt_tokens=300)
            result = await agent.run("What is the price?")
        assert [told(exchange.body) for exchange in server.exchanges] == [""]
        assert "part_39(" not in server.exchanges[0].body["messages"][-1]["content"]
        assert result.answer == 1.5

    run(test)


def test_two_plans_that_are_handed_to_the_tool_are_not_written_on_one_line() -> None:
    """A server that knows nothing of `parallel_tool_calls` may let a model call it twice."""

    def piece(index: int, text: str) -> dict[str, Any]:
        call = {"index": index, "type": "custom", "custom": {"input": text}}
        return {**delta(), "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(piece(0, "a = f"), piece(0, "(1)"), piece(1, "b = f(2)"), delta(finish="tool_calls"))
        await exchange.done()

    async def test() -> None:
        async with serving(script) as server:
            chunks = await reply(official(server.url), REQUEST)
        assert "".join(chunk.text for chunk in chunks) == "a = f(1)\nb = f(2)"

    run(test)


BINDING = replace(
    PLAN, binding_schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False}
)


@pytest.mark.parametrize(("official", "sent"), [(True, BINDING.binding_schema), (False, BINDING.json_schema)])
def test_openai_alone_is_sent_the_schema_that_binds_it(official: bool, sent: dict[str, Any]) -> None:
    """Others take a schema in which arguments are left out, which is less to write."""
    made = Constraints("json_schema", official=official).parameters(BINDING)["response_format"]["json_schema"]
    assert (made["schema"], made["strict"]) == (sent, official)


def test_a_schema_that_a_server_will_not_be_bound_by_is_sent_as_one_that_does_not_bind() -> None:
    async def test() -> None:
        invalid = refusing("Invalid schema for response_format 'plan'", param="response_format")
        async with serving(invalid, replying(["{}"])) as server:
            model = OpenAIModel("gpt-5", api_key="k", grammar="json_schema")
            model._base_url = server.url
            said = [await reply(model, replace(REQUEST, grammar=BINDING)) for _ in range(2)]
            assert [any(chunk.preparing for chunk in chunks) for chunks in said] == [True, False]
            assert (model.constrains, model.unaided, model.writes) == (True, False, "json")
        told = [exchange.body["response_format"]["json_schema"] for exchange in server.exchanges]
        assert [(one["strict"], one["schema"]) for one in told] == [
            (True, BINDING.binding_schema),
            (False, BINDING.json_schema),
            (False, BINDING.json_schema),
        ]

    run(test)
