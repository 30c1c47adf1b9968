"""Several models, one after the other, each in the wire of its own provider; and one that falls silent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from superscalar import LLMCompiler, RunResult, tool
from superscalar.events import ModelAsked, ModelFailed
from support.wires import WIRES, each_wire
from support.wires.player import Played, playing, run
from support.wires.said import Refused, Said, Thought, Turn, Wire, told

pytest.importorskip("anthropic", reason="needs the SDKs of providers: `make models` has them")

PLAN = 'a = weather("Lisbon")\nb = weather("Porto")\njoin(a, b)\n'
ANSWER = "Lisbon: sunny. Porto: rain."
SKIES = {"Lisbon": "sunny", "Porto": "rain"}
SIGNATURE = "Zmlyc3Q="

each_pair = pytest.mark.parametrize(("first", "second"), [*pairwise(WIRES), (WIRES[-1], WIRES[0])], ids=repr)


@tool(effect="read", trust="trusted")
async def weather(city: str) -> str:
    """The weather in a city, in one word."""
    return SKIES[city]


def in_turn(first: Wire, second: Wire, says: list[Turn], then: list[Turn]) -> tuple[RunResult, Played, Played]:
    """A run with two models, of which the first says these turns, and the second those."""

    async def test() -> tuple[RunResult, Played, Played]:
        async with playing(first, *says) as one, playing(second, *then) as other:
            models = [first.model(one.url), second.model(other.url)]
            return await LLMCompiler(models, [weather]).run("How is it there?"), one, other

    return run(test, jumping="jumps" not in first.lacks | second.lacks)


def failures(result: RunResult) -> list[str]:
    return [event.why for event in result.events if isinstance(event, ModelFailed)]


@each_pair
@pytest.mark.parametrize("why", ["busy", "overloaded", "broken"])
def test_another_provider_plans_where_one_does_not(first: Wire, second: Wire, why: Any) -> None:
    """A refusal is not waited for while another answers, and the event has the provider's words."""
    result, one, other = in_turn(first, second, [Refused(why, after=30)], [Said(told(PLAN)), Said(told(ANSWER))])
    assert result.answer == ANSWER
    assert (len(one.requests), len(other.requests)) == (1, 2)
    assert len(failures(result)) == 1
    asked = [event.model for event in result.events if isinstance(event, ModelAsked)]
    assert [name == asked[0] for name in asked] == [True, False, False]
    assert result.events[-1].at - result.events[0].at < 20


@each_pair
def test_the_rest_of_a_plan_has_no_signature_of_another_provider(first: Wire, second: Wire) -> None:
    """The first one breaks off in the middle; whoever writes the rest sees the plan, and nothing that was thought."""
    line, rest = PLAN.split("\n", 1)
    thought = () if "thoughts" in first.lacks else (Thought("Two cities.", SIGNATURE),)
    torn = Said((*thought, *told(f"{line}\nb = weather(")), ends=None, torn=True)
    result, _, other = in_turn(first, second, [torn, Refused("overloaded")], [Said(told(rest)), Said(told(ANSWER))])
    assert result.answer == ANSWER
    assert SIGNATURE not in repr(other.requests)
    assert "Two cities." not in repr(other.requests)
    assert any(line in turn.text for turn in other.asked[0] if turn.role == "assistant")


@each_wire(having="jumps")
def test_a_provider_that_falls_silent_is_given_up(wire: Wire) -> None:
    """More than a minute between two words is a reply that was cut, and the plan is asked for once more."""

    async def test() -> tuple[RunResult, Played]:
        silent = Said(told(PLAN, size=30), pause=70.0)
        async with playing(wire, silent, Said(told(PLAN)), Said(told(ANSWER))) as server:
            return await LLMCompiler(wire.model(server.url), [weather]).run("How is it there?"), server

    result, server = run(test, jumping=True)
    assert (result.answer, len(server.requests)) == (ANSWER, 3)
