"""Whatever a value holds, the repr of what holds it is short, and texts of failures are cut, which they say."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, Observation, Tool, ToolContext, Toolset, events, tool
from superscalar.compiler import CallResult, RunResult
from superscalar.compiler.result import Outcomes
from superscalar.joiner import Finish
from superscalar.journal.runs import Recorded
from superscalar.labels import NOTHING
from superscalar.models.base import Chunk, Message, Request
from superscalar.observe.provenance import Made
from superscalar.plan.ir import Call, Plan, Task
from superscalar.policy import Question
from superscalar.schedule.doubts import Done
from superscalar.testing import ScriptedModel
from superscalar.values import Holder, Skipped, Usage
from support.running import executed

MUCH: Any = {"rows": [["x" * 100] * 100] * 100}
LONG = "x" * 1_000_000
ITEMS = tuple(Observation(MUCH) for _ in range(1_000))


HOLDING: dict[str, Any] = {
    "an observation": Observation(MUCH),
    "a failure": Failure("items", LONG, items=ITEMS),
    "failures in failures": Failure("items", "", items=(Failure("items", "", items=ITEMS),) * 1_000),
    "what was skipped": Skipped("a", items=ITEMS, holder=Holder("dict", keys=(LONG,) * 1_000)),
    "Started": events.Started(0.0, "a", "f", MUCH),
    "Succeeded": events.Succeeded(0.0, "a", MUCH),
    "Failed": events.Failed(0.0, "a", Failure("items", LONG, items=ITEMS)),
    "Decided": events.Decided(0.0, "a", "ask", "rule", LONG, arguments=MUCH),
    "Joined": events.Joined(0.0, MUCH),
    "AnswerWritten": events.AnswerWritten(0.0, LONG),
    "Recorded": Recorded(1, 0.0, events.Succeeded(0.0, "a", MUCH)),
    "a result of a call": CallResult("1", "f", Observation(MUCH), LONG),
    "what was done": Done(MUCH),
    "a question": Question("run", "a", "f", MUCH, {}, LONG),
    "an answer": Finish(LONG),
    "a message": Message("user", LONG),
    "a request": Request((Message("user", LONG),) * 100),
    "a chunk": Chunk(LONG),
    "how it was made": Made(id="a", text=LONG, outcome=Observation(MUCH), label=NOTHING),
    "a result": RunResult(
        answer=MUCH,
        plan=Plan(()),
        outcomes=Outcomes({}),
        usage=Usage(),
        cost=0.0,
        rounds=1,
        run_id="run",
        messages=(),
        events=(),
    ),
}


@pytest.mark.parametrize("holding", HOLDING.values(), ids=HOLDING)
def test_the_repr_of_what_holds_much_is_short(holding: Any) -> None:
    assert len(repr(holding)) <= 4_000


def test_agents_toolsets_tools_and_plans_say_what_they_are() -> None:
    agent = LLMCompiler(ScriptedModel(name="a model"), tools=[much])
    assert repr(agent) == "<LLMCompiler of a model, with much>"
    assert repr(LLMCompiler()) == "<LLMCompiler of no model, with no tools>"
    assert [repr(agent.tools), repr(Toolset())] == ["<Toolset: much>", "<Toolset: no tools>"]
    assert repr(much) == "<tool much()>"
    assert repr(agent.stream("?")) == "<RunStream: not begun, 0 events>"


def test_the_repr_of_what_has_many_tools_is_short() -> None:
    many = LLMCompiler(tools=[Tool.from_schema(f"tool{n}", {"type": "object"}, lambda: 1) for n in range(1_000)])
    wide = {"type": "object", "properties": {f"parameter{n}": {} for n in range(1_000)}}
    held = [many, many.tools, Tool.from_schema("wide", wide, lambda **given: 1)]
    held.append(Plan(tuple(Task(f"a{n}", Call(f"tool{n}", ())) for n in range(1_000))))
    assert [len(repr(one)) for one in held] == [4_000] * 4


def test_the_repr_of_many_outcomes_is_short() -> None:
    assert len(repr(Outcomes({f"x[{i}]": Observation(MUCH) for i in range(1_000)}))) <= 20_100


def test_the_repr_of_what_holds_little_is_that_of_a_dataclass() -> None:
    happened = events.Failed(1.0, "a", Failure("items", "two", items=(Observation({"k": [1, (2,)]}), Skipped("b"))))
    assert repr(happened) == (
        "Failed(at=1.0, id='a', failure=Failure(kind='items', message='two', error='', in_doubt=False, "
        "abandoned=False, items=(Observation(value={'k': [1, (2,)]}), Skipped(because='b', by_guard=False, items=None, "
        "holder=Holder(kind='list', keys=(), adrift=()))), holder=Holder(kind='list', keys=(), adrift=())), "
        "alone=False)"
    )


def test_a_value_whose_repr_raises_is_no_harm() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise OSError("no repr")

    assert repr(Observation(Broken())) == "<Observation: showing it raised OSError>"


def test_a_message_of_a_failure_that_is_cut_says_how_long_it_was() -> None:
    cut = Failure("error", LONG, LONG)
    assert [len(cut.message), len(cut.error)] == [2_000, 2_000]
    assert cut.message.endswith("xxx… (1,000,000 characters in all)")
    assert Failure("error", cut.message) == Failure("error", cut.message, "")


def test_many_errors_in_one_argument_are_told_in_2000_characters() -> None:
    @tool(effect="read")
    async def take(x: list[int]) -> str:
        """Take numbers."""
        return "ok"

    @tool(effect="read")
    async def give() -> Any:
        """Give texts."""
        return ["no number"] * 900

    failure = executed("x = give()\na = take(x)\njoin(a)", [give, take]).outcomes["a"]
    assert isinstance(failure, Failure)
    assert len(failure.message) == 2_000
    assert re.search(r"\([\d,]+ characters in all\)$", failure.message)


def test_asyncio_takes_no_long_repr_of_what_a_run_returns() -> None:
    async def main() -> str:
        task = asyncio.ensure_future(LLMCompiler(tools=[much]).execute("a = much()\njoin(a)"))
        await task
        return repr(task)

    assert len(asyncio.run(main())) < 1_000


@tool(effect="read")
async def much(run: ToolContext[None]) -> Any:
    """Give much."""
    return MUCH
