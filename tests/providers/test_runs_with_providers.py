"""Whole runs whose planner and joiner answer in the wire of each provider: plan, tools, answer, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from superscalar import LLMCompiler, Observation, RunResult, tool
from superscalar.errors import ModelError
from superscalar.events import ModelAsked, ModelUsed, Repairing, Started
from superscalar.models import OpenAIModel
from superscalar.testing import ScriptedModel
from support.wires import WIRES, each_wire
from support.wires.chat import CUSTOM_TOOL
from support.wires.player import Played, playing, run
from support.wires.said import Asked, Called, Counted, Refused, Said, Thought, Turn, Wire, told

pytest.importorskip("anthropic", reason="needs the SDKs of providers: `make models` has them")

PLAN = 'a = weather("Lisbon")\nb = weather("Porto")\njoin(a, b)\n'
ANSWER = "Lisbon: sunny. Porto: rain."
SKIES = {"Lisbon": "sunny", "Porto": "rain"}
SIGNATURE, SECOND_SIGNATURE = "Zmlyc3Q=", "c2Vjb25k"


@tool(effect="read", trust="trusted")
async def weather(city: str) -> str:
    """The weather in a city, in one word."""
    return SKIES[city]


@tool(effect="read")
async def mail() -> str:
    """The newest message."""
    return "Pay 41.50 by Friday."


class Invoice(BaseModel):
    """What is to be paid."""

    total: float


def played(wire: Wire, *turns: Turn, **options: Any) -> tuple[RunResult, Played]:
    """A run whose model says these turns, and what its provider was asked. The clock jumps where it can."""

    async def test() -> tuple[RunResult, Played]:
        async with playing(wire, *turns) as server:
            result = await LLMCompiler(wire.model(server.url), [weather], **options).run("How is it there?")
            return result, server

    return run(test, jumping="jumps" not in wire.lacks)


def said(text: str, **more: Any) -> Said:
    return Said(told(text), **more)


def found(result: RunResult) -> list[Any]:
    """What its calls came to, each of which was made once."""
    assert len([event for event in result.events if isinstance(event, Started)]) == 2
    tasks = [outcome for task, outcome in result.outcomes.items() if not task.startswith("join")]
    return sorted(outcome.value for outcome in tasks if isinstance(outcome, Observation))


def assistants(asked: list[Asked]) -> list[Asked]:
    return [turn for turn in asked if turn.role == "assistant"]


@each_wire()
def test_a_plan_its_tools_and_an_answer(wire: Wire) -> None:
    """Two requests; what both used is counted, under the model's name."""
    result, server = played(wire, said(PLAN), said(ANSWER, counted=Counted(read=300, cached=0, written=10)))
    assert result.answer == ANSWER
    assert found(result) == ["rain", "sunny"]
    assert (result.usage.requests, result.usage.input_tokens, result.usage.output_tokens) == (2, 1500, 100)
    assert list(result.usage_by_model) == [next(e.model for e in result.events if isinstance(e, ModelAsked))]
    assert "sunny" in server.asked[1][-1].text
    assert "sunny" not in "".join(turn.text for turn in server.asked[0])


@each_wire(having="thoughts")
def test_thoughts_are_no_part_of_a_plan_or_of_an_answer(wire: Wire) -> None:
    """Not even where a thought is a plan, or looks like an answer."""
    astray = Thought('weather("Atlantis")\njoin("Nowhere.")\n', SIGNATURE)
    result, _ = played(wire, Said((astray, *told(PLAN))), Said((Thought("Nowhere.", SIGNATURE), *told(ANSWER))))
    assert result.answer == ANSWER
    assert found(result) == ["rain", "sunny"]


@each_wire()
def test_a_repair_is_asked_for_with_the_thoughts_of_the_plan(wire: Wire) -> None:
    """What the planner thought goes back with its plan as its provider knows it, to the planner, and to nobody else."""
    broken = PLAN.replace("weather", "wether", 1)
    thought = () if "thoughts" in wire.lacks else (Thought("Two cities.", SIGNATURE),)
    again = () if "thoughts" in wire.lacks else (Thought("The name!", SECOND_SIGNATURE),)
    result, server = played(
        wire, Said((*thought, *told(broken))), Said((*again, *told('a = weather("Lisbon")\n'))), said(ANSWER)
    )
    assert result.answer == ANSWER
    assert len([event for event in result.events if isinstance(event, Repairing)]) == 1
    first, repair, join = server.asked
    (written,) = assistants(repair)[len(assistants(first)) :]
    assert written.text.strip() == broken.strip()
    assert written.signatures == (() if "signatures" in wire.lacks else (SIGNATURE,))
    assert "wether" in repair[-1].text
    assert [turn.signatures for turn in assistants(join)] == [()] * len(assistants(join))
    assert "Two cities." not in repr(join)


@each_wire()
def test_a_busy_provider_is_asked_again_when_it_said(wire: Wire) -> None:
    """The plan is asked for once more after the time that the provider told, and the run has its answer."""
    result, server = played(wire, Refused("busy", after=2), said(PLAN), said(ANSWER))
    assert result.answer == ANSWER
    assert len(server.requests) == 3
    asked = [event.at for event in result.events if isinstance(event, ModelAsked) and event.role == "planner"]
    assert asked[1] - asked[0] >= 2


@each_wire()
@pytest.mark.parametrize("why", ["overloaded", "broken"])
def test_a_provider_that_is_down_is_asked_again(wire: Wire, why: Any) -> None:
    """Without a time to come back it is tried again soon."""
    result, server = played(wire, Refused(why), said(PLAN), Refused(why), said(ANSWER))
    assert (result.answer, len(server.requests)) == (ANSWER, 4)


@each_wire()
@pytest.mark.parametrize(
    "how", [{"ends": "length"}, {"ends": None}, {"ends": None, "torn": True}], ids=["length", "no end", "torn"]
)
def test_a_plan_that_was_cut_goes_on(wire: Wire, how: Mapping[str, Any]) -> None:
    """The rest is asked for, and what was whole is kept: each call is made once."""
    first, rest = PLAN.split("\n", 1)
    beginning = f'{first}\nb = weather("Po'
    result, server = played(wire, said(beginning, **how), said(rest), said(ANSWER))
    assert result.answer == ANSWER
    assert found(result) == ["rain", "sunny"]
    assert len(server.requests) == 3
    assert first in assistants(server.asked[1])[-1].text


@each_wire(having="errors in a stream")
def test_an_error_inside_the_plan_is_asked_again(wire: Wire) -> None:
    """The provider breaks off with an error of its own behind the first line."""
    first, rest = PLAN.split("\n", 1)
    result, _ = played(wire, said(f"{first}\n", fails=True), said(rest), said(ANSWER))
    assert result.answer == ANSWER
    assert found(result) == ["rain", "sunny"]


@each_wire()
def test_calls_that_nobody_asked_for_are_a_plan(wire: Wire) -> None:
    """A model that calls its tools natively, instead of writing a plan, has them called."""
    calls = (Called("weather", {"city": "Lisbon"}), Called("weather", {"city": "Porto"}))
    result, _ = played(wire, Said(calls), said(ANSWER))
    assert result.answer == ANSWER
    assert found(result) == ["rain", "sunny"]


@each_wire(having="refusal")
def test_a_refusal_ends_the_run(wire: Wire) -> None:
    """In the model's words, without asking again."""
    with pytest.raises(ModelError, match="refused"):
        played(wire, Said((), ends="refusal"), said(PLAN), said(ANSWER))


@each_wire()
def test_a_wrong_key_ends_the_run_and_stands_in_no_event(wire: Wire) -> None:
    """The error asks to check the key."""
    with pytest.raises(ModelError) as raised:
        played(wire, Refused("wrong key"), said(PLAN), said(ANSWER))
    assert "key-of-tests" not in str(raised.value)


@each_wire(having="uncounted")
def test_what_nobody_counted_is_estimated(wire: Wire) -> None:
    """A provider that leaves usage out costs something all the same, and the estimate says that it is one."""
    result, _ = played(wire, said(PLAN, counted=None), said(ANSWER, counted=None))
    assert result.answer == ANSWER
    assert (result.usage.requests, result.usage.estimated) == (2, True)
    assert result.usage.output_tokens > 0


@each_wire(having="jumps")
def test_a_slow_model_has_five_minutes(wire: Wire) -> None:
    """A token a second: nothing ends a reply that goes on, and tools are called while it is being written."""
    slow = PLAN + "# " + "x" * (300 - len(PLAN) - 2)
    result, _ = played(wire, Said(told(slow, size=1), pause=1.0), Said(told(ANSWER, size=1), pause=1.0))
    assert result.answer == ANSWER
    assert len([event for event in result.events if isinstance(event, ModelUsed)]) == 2


@each_wire()
def test_an_extractor_reads_and_what_it_thinks_is_no_value(wire: Wire) -> None:
    """The value is checked as ever; the data went to the extractor alone, fenced off from what it is asked for."""
    thought = () if "thoughts" in wire.lacks else (Thought('{"value": {"total": 7}}', SIGNATURE),)
    reply = Said((*thought, *told('{"value": {"total": 41.5}}')))

    async def test() -> tuple[RunResult, Played]:
        async with playing(wire, reply) as server:
            planner = ScriptedModel('i = extract(mail(), "Invoice", "what is to be paid")\njoin(i.total)\n', ANSWER)
            agent = LLMCompiler(
                planner, [mail], extractor=wire.model(server.url), schemas={"Invoice": Invoice}, joiner=None
            )
            return await agent.run("How much?"), server

    result, server = run(test, jumping="jumps" not in wire.lacks)
    assert result.answer == 41.5
    (asked,) = server.asked
    assert "Pay 41.50 by Friday." in asked[-1].text
    assert result.usage.input_tokens >= Counted().read


def test_a_custom_tool_takes_the_plan_and_no_answer() -> None:
    """The grammar goes along with what must be a plan, and the joiner is asked in the usual way."""
    result, server = played(CUSTOM_TOOL, said(PLAN), said(ANSWER))
    assert result.answer == ANSWER
    plan, answer = server.requests
    (given,) = plan["tools"]
    assert (given["type"], given["custom"]["format"]["type"]) == ("custom", "grammar")
    assert given["custom"]["format"]["grammar"]["syntax"] == "lark"
    assert "weather" in given["custom"]["format"]["grammar"]["definition"]
    assert "tools" not in answer


def test_a_joiner_of_another_provider_sees_no_signature() -> None:
    """One model plans, another answers: what the first one's provider signed goes to that provider alone."""
    planner, joiner = WIRES[0], next(wire for wire in WIRES if wire.name == "openai")

    async def test() -> tuple[RunResult, Played, Played]:
        plan = Said((Thought("Two cities.", SIGNATURE), *told(PLAN)))
        async with playing(planner, plan) as first, playing(joiner, said(ANSWER)) as second:
            agent = LLMCompiler(planner.model(first.url), [weather], joiner=joiner.model(second.url))
            return await agent.run("How is it there?"), first, second

    result, first, second = run(test)
    assert result.answer == ANSWER
    assert (len(first.requests), len(second.requests)) == (1, 1)
    assert SIGNATURE not in repr(second.requests)
    assert "Two cities." not in repr(second.requests)
    assert isinstance(joiner.model(second.url), OpenAIModel)
