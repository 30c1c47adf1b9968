"""Several models of one role: another one answers where one is down, refuses or says nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, ModelError, ModelSetupError, UsageError, tool
from superscalar.cli.compiling import models_of
from superscalar.cli.recorded import print_run
from superscalar.events import (
    Event,
    ModelAsked,
    ModelFailed,
    ModelUsed,
    ModelWaiting,
    PlanWritten,
    Progressed,
    Succeeded,
)
from superscalar.journal import Journal
from superscalar.models import Prices
from superscalar.models.base import Chunk
from superscalar.observe.account import Account
from superscalar.observe.view import RunView
from superscalar.testing import run
from superscalar.tools import Limit
from support.depth import examples
from support.speaking import Speaker, Step

FOR_EVER = 1e9
PLAN = "x = look(1)\njoin(x)\n"
DOWN = ModelError("no route to it", retryable=True)
OVERLOADED = ModelError("no room", retryable=True, status=429)


def refused(seconds: float) -> ModelError:
    return ModelError("too many", retryable=True, status=429, retry_after=seconds)


@tool(effect="read")
async def look(n: int) -> int:
    """Look."""
    return n


def seconds() -> float:
    return asyncio.get_running_loop().time()


def timed(making: Awaitable[Any]) -> tuple[Any, float]:
    """What it comes to, and when."""

    async def main() -> tuple[Any, float]:
        return await making, seconds()

    return run(main())


def told(result: Any, *kinds: type[Event]) -> list[Any]:
    return [event for event in result.events if isinstance(event, kinds)]


def asked_in_order(result: Any) -> list[tuple[str, str]]:
    return [(event.role, event.model) for event in told(result, ModelAsked)]


def agent(*models: Any, **options: Any) -> LLMCompiler:
    return LLMCompiler(list(models), [look], **{"joiner": None, **options})


# ----------------------------------------------------------------------------------------------- another one is asked


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(DOWN, id="down"),
        pytest.param(OVERLOADED, id="refused"),
        pytest.param(refused(30.0), id="refused for long"),
        pytest.param(refused(9_999.0), id="refused for longer than anybody waits"),
        pytest.param(ModelError("I cannot help with that"), id="does not want to"),
        pytest.param(ModelSetupError("the key is wrong", status=401), id="wrong key"),
    ],
)
def test_another_one_is_asked_at_once(fault: ModelError) -> None:
    first, second = Speaker([fault], name="first"), Speaker(PLAN, name="second")
    result, at = timed(agent(first, second).run("How many?"))
    assert (result.answer, at) == (1, 0.0)
    assert told(result, ModelAsked, ModelFailed) == [
        ModelAsked(0.0, "planner", 1, "first"),
        ModelFailed(0.0, "planner", "first", str(fault)),
        ModelAsked(0.0, "planner", 2, "second"),
    ]
    assert told(result, ModelWaiting) == []
    assert [event.usage.requests for event in told(result, ModelUsed)] == [0, 1]


def test_one_that_says_nothing_is_down_too() -> None:
    first, second = Speaker(FOR_EVER, name="first"), Speaker(PLAN, name="second")
    result, at = timed(agent(first, second, first_token_timeout=20).run("How many?"))
    assert (result.answer, at, first.closed) == (1, 20.0, 1)
    assert [event.why for event in told(result, ModelFailed)] == [
        "first said nothing within 20 s (first_token_timeout)"
    ]


@pytest.mark.parametrize("thought", [Chunk(thought="hm"), Chunk("hm", withdrawn=False)], ids=["thought", "text"])
def test_a_thought_is_no_part_of_a_reply(thought: Chunk) -> None:
    """What was thought aloud is taken back, and then another model is asked, too."""
    steps: list[Step] = [thought, Chunk(thought="hm", withdrawn=True), DOWN] if thought.text else [thought, DOWN]
    result, _ = timed(agent(Speaker(steps, name="first"), Speaker(PLAN, name="second"), max_repairs=0).run("How many?"))
    assert result.answer == 1
    assert asked_in_order(result) == [("planner", "first"), ("planner", "second")]


def test_the_rest_of_a_plan_comes_from_the_next_one() -> None:
    first = Speaker(["x = look(1)\ny = lo", DOWN], name="first")
    second = Speaker("y = look(2)\njoin(x, y)\n", name="second")
    result, _ = timed(agent(first, second).run("How many?"))
    assert result.answer == [1, 2]
    assert asked_in_order(result) == [("planner", "first"), ("planner", "second")]
    assert "".join(event.text for event in told(result, PlanWritten)).count("x = look(1)") == 1
    assert second.asked[0].messages[-2].text == "x = look(1)\n"


def test_the_answer_comes_from_the_next_one_where_the_first_broke_off() -> None:
    first, second = Speaker(["It is", DOWN], name="first"), Speaker("It is one.", name="second")
    result, _ = timed(LLMCompiler(Speaker(PLAN), [look], joiner=[first, second]).run("How many?"))
    assert (result.answer, result.complete) == ("It is one.", True)


def test_one_list_is_for_all_roles_and_each_may_have_its_own() -> None:
    down, one, two = (
        Speaker([DOWN], name="down"),
        Speaker(PLAN, "It is one.", name="one"),
        Speaker("It is 1.", name="two"),
    )
    result, _ = timed(agent(down, one, joiner="same").run("How many?"))
    assert (result.answer, asked_in_order(result)) == (
        "It is one.",
        [("planner", "down"), ("planner", "one"), ("joiner", "one")],
    )
    result, _ = timed(LLMCompiler(Speaker(PLAN), [look], joiner=(down, two)).run("How many?"))
    assert result.answer == "It is 1."


def test_a_value_is_read_by_the_next_one() -> None:
    first, second = Speaker([DOWN], name="first"), Speaker('{"value": 7}', name="second")
    outcomes, at = timed(
        LLMCompiler(extractor=[first, second]).execute('x = extract("seven", "int", "the number")\njoin(x)\n')
    )
    assert (outcomes.joined, at) == (7, 0.0)


def test_that_is_told_as_progress_of_the_call() -> None:
    first, second = Speaker([refused(30.0)], name="first"), Speaker([5.0, '{"value": 7}'], name="second")

    async def main() -> Any:
        plan = 'x = extract("seven", "int", "the number")\ny = extract(x, "int", "it")\njoin(x, y)\n'
        reading = LLMCompiler(extractor=[first, second])
        async with reading.stream_plan(plan) as running:
            return await running.result()

    result, at = timed(main())
    assert at == 10.0
    assert [event.message for event in told(result, Progressed)] == [
        "first does not answer, and another model is asked: too many"
    ]
    assert asked_in_order(result) == [("extract", "first"), ("extract", "second"), ("extract", "second")]


# ---------------------------------------------------------------------------------------------------- none of them


def test_where_all_refuse_the_one_that_is_free_first_is_waited_for() -> None:
    first = Speaker([refused(40.0)], PLAN, name="first")
    second = Speaker([refused(10.0)], PLAN, name="second")
    result, at = timed(agent(first, second).run("How many?"))
    assert (result.answer, len(first.asked), len(second.asked)) == (1, 1, 2)
    assert 10.0 <= at < 12.0
    assert [(event.model, event.why) for event in told(result, ModelWaiting)] == [("second", "too many")]


def test_where_all_are_down_each_is_tried_as_often_as_one_alone() -> None:
    first, second = Speaker([DOWN], name="first"), Speaker([ModelError("HTTP 500", retryable=True)], name="second")
    with pytest.raises(ModelError) as raised:
        timed(agent(first, second).run("How many?"))
    assert str(raised.value) == "none of 2 models answered:\n  no route to it\n  HTTP 500"
    assert raised.value.retryable
    assert (len(first.asked), len(second.asked)) == (3, 3)
    assert first.at != second.at[1:]


def test_where_none_can_be_used_that_is_what_is_said() -> None:
    models = [Speaker([ModelSetupError(f"no key of {name}")], name=name) for name in ("first", "second")]
    with pytest.raises(ModelSetupError) as raised:
        timed(agent(*models).run("How many?"))
    assert str(raised.value) == "none of 2 models can be used:\n  no key of first\n  no key of second"


# ------------------------------------------------------------------------------------------------- what is remembered


def test_one_that_was_down_is_asked_first_again_after_a_minute() -> None:
    first, second = Speaker([DOWN], PLAN, name="first"), Speaker(PLAN, name="second")

    async def main() -> list[str]:
        order = []
        for pause in (0.0, 59.0, 2.0):
            await asyncio.sleep(pause)
            order.append(asked_in_order(await agent(first, second).run("How many?"))[-1][1])
        return order

    assert run(main()) == ["second", "second", "first"]
    assert len(first.asked) == 2


def test_one_that_does_not_take_a_request_is_asked_first_the_next_time() -> None:
    first, second = Speaker([ModelError("it is too long")], PLAN, name="first"), Speaker(PLAN, name="second")

    async def main() -> list[list[tuple[str, str]]]:
        return [asked_in_order(await agent(first, second).run("How many?")) for _ in range(2)]

    assert run(main()) == [[("planner", "first"), ("planner", "second")], [("planner", "first")]]


def test_one_that_fell_silent_over_a_value_is_not_asked_for_it_again() -> None:
    first, second = Speaker(['{"value": ', FOR_EVER], name="first"), Speaker('{"value": 7}', name="second")
    outcomes, at = timed(
        LLMCompiler(extractor=[first, second]).execute('x = extract("seven", "int", "the number")\njoin(x)\n')
    )
    assert (outcomes.joined, at, len(first.asked)) == (7, 60.0, 1)


def test_one_that_was_refused_is_asked_first_again_when_it_said() -> None:
    first, second = Speaker([refused(100.0)], PLAN, name="first"), Speaker(PLAN, name="second")

    async def main() -> list[str]:
        order = []
        for pause in (0.0, 90.0, 11.0):
            await asyncio.sleep(pause)
            order.append(asked_in_order(await agent(first, second).run("How many?"))[-1][1])
        return order

    assert run(main()) == ["second", "second", "first"]


def test_many_runs_at_once_do_not_wait_for_the_one_that_refuses() -> None:
    first, second = Speaker([refused(100.0)], PLAN, name="first"), Speaker(PLAN, name="second")

    async def main() -> tuple[list[Any], float]:
        asking = agent(first, second)
        found = await asyncio.gather(*(asking.run("How many?") for _ in range(20)))
        return [result.answer for result in found], seconds()

    assert run(main()) == ([1] * 20, 0.0)


def test_a_call_that_waits_for_its_turn_does_not_wait_behind_a_refusal_of_another() -> None:
    first = Speaker([1.0, refused(100.0)], [5.0, PLAN], name="first")
    second = Speaker(PLAN, name="second")

    async def main() -> tuple[list[Any], float]:
        asking = agent(first, second, limits={"first": Limit(concurrency=1)})
        found = await asyncio.gather(*(asking.run("How many?") for _ in range(5)))
        return [result.answer for result in found], seconds()

    answers, at = run(main())
    assert answers == [1] * 5
    assert at <= 3.0
    assert (len(first.asked), len(second.asked)) == (1, 5)


def test_a_call_waits_for_its_turn_where_nobody_refuses() -> None:
    """A limit that the user declared is no reason to ask another model."""
    first, second = Speaker([5.0, PLAN], name="first"), Speaker(PLAN, name="second")

    async def main() -> tuple[list[Any], float]:
        asking = agent(first, second, limits={"first": Limit(concurrency=1)})
        found = await asyncio.gather(*(asking.run("How many?") for _ in range(5)))
        return [result.answer for result in found], seconds()

    assert run(main()) == ([1] * 5, 25.0)
    assert second.asked == []


def test_each_has_limits_of_its_own() -> None:
    second = Speaker([5.0, PLAN], name="second")

    async def main() -> list[Any]:
        asking = agent(Speaker([DOWN], name="first"), second, limits={"second": Limit(concurrency=1)})
        await asyncio.gather(*(asking.run("How many?") for _ in range(3)))
        return second.at

    assert run(main()) == [0.0, 5.0, 10.0]


# ------------------------------------------------------------------------------------------ what each of them is asked


JSON = '{"steps": [{"id": "x", "tool": "look", "arguments": {"n": 1}}], "join": {"$ref": "x"}}'


@pytest.mark.parametrize(
    ("first", "second", "plan", "grammars"),
    [
        pytest.param({"constrains": True}, {}, PLAN, (True, False), id="held, then not"),
        pytest.param({}, {"constrains": True}, PLAN, (False, True), id="not, then held"),
        pytest.param({"constrains": True, "writes": "json"}, {}, JSON, (True, False), id="JSON, then anything"),
        pytest.param({}, {"constrains": True, "writes": "json"}, PLAN, (False, False), id="Python, then JSON"),
        pytest.param(
            {"constrains": True, "writes": "json"}, {"constrains": True}, JSON, (True, False), id="JSON, then Python"
        ),
    ],
)
def test_all_write_in_the_syntax_of_the_first_and_who_cannot_be_held_to_that_is_not(
    first: Any, second: Any, plan: str, grammars: tuple[bool, bool]
) -> None:
    one, two = Speaker([DOWN], name="first", **first), Speaker(plan, name="second", **second)
    result, _ = timed(agent(one, two).run("How many?"))
    assert result.answer == 1
    assert tuple(model.asked[0].grammar is not None for model in (one, two)) == grammars
    assert one.asked[0].messages == two.asked[0].messages


SIGNED = Chunk(finish="stop", carry="a signature of first")


def test_what_a_model_wants_back_with_its_turn_goes_to_itself() -> None:
    first = Speaker(["x = lok(1)\njoin(x)\n", SIGNED], "x = look(1)\n", name="first")
    result, _ = timed(agent(first, Speaker(PLAN, name="second")).run("How many?"))
    assert result.answer == 1
    assert [turn.carry for turn in first.asked[1].messages if turn.role == "assistant"][-1] == "a signature of first"


def test_and_to_no_other() -> None:
    """It may hold what one provider said, and another one would refuse it."""
    first = Speaker(["x = lok(1)\njoin(x)\n", SIGNED], [DOWN], name="first")
    second = Speaker("x = look(1)\n", name="second")
    result, _ = timed(agent(first, second).run("How many?"))
    assert result.answer == 1
    (asked,) = second.asked
    assert [turn.text for turn in asked.messages] == [turn.text for turn in first.asked[1].messages]
    assert {turn.carry for turn in asked.messages} == {None}


def test_a_syntax_that_one_of_them_cannot_write_is_refused() -> None:
    with pytest.raises(UsageError, match="second is held to a grammar of plans in json"):
        agent(Speaker(name="first"), Speaker(name="second", constrains=True, writes="json"), syntax="python")


# ------------------------------------------------------------------------------------------------------- as it is said


def test_one_that_lacks_something_is_known_before_the_run_begins() -> None:
    """A fallback without a key would be found out on the day on which it is needed."""

    def lacks() -> None:
        raise ModelSetupError("no key of second")

    with pytest.raises(ModelSetupError, match="no key of second"):
        timed(agent(Speaker(PLAN), Speaker(PLAN, name="second", check_setup=lacks)).run("How many?"))


def test_names_are_resolved_and_those_of_a_server_are_at_it() -> None:
    made = LLMCompiler(["openai:a", "local"], base_url="http://localhost:1/v1")._equipment
    assert [model.name for model in made.planners] == ["openai:a", "local"]
    assert made.model_name == "openai:a, local"


def test_a_server_of_none_of_them_is_refused() -> None:
    with pytest.raises(UsageError, match="base_url"):
        LLMCompiler(["local", "local:/of/mine.gguf"], base_url="http://localhost:1/v1")


@pytest.mark.parametrize("models", [[], [1], [None], ["local", 1], {"local"}])
def test_what_is_no_list_of_models_is_refused(models: Any) -> None:
    with pytest.raises(UsageError, match="or a list of these"):
        LLMCompiler(models)


def test_a_budget_in_money_needs_the_prices_of_all() -> None:
    priced = Speaker(name="first", prices=Prices(1.0, 1.0))
    with pytest.raises(UsageError, match="cannot count what second costs"):
        agent(priced, Speaker(name="second", prices=None), max_cost=1.0)


def test_secrets_of_each_are_kept() -> None:
    first = Speaker([ModelError("no sk-first-key here", retryable=True)], name="first", secrets=("sk-first-key",))
    result, _ = timed(agent(first, Speaker(PLAN, name="second")).run("How many?"))
    assert "sk-first-key" not in str(result.events)


@pytest.mark.parametrize(
    ("typed", "models"),
    [
        ("local", "local"),
        ("openai:a,local", ["openai:a", "local"]),
        ("openai:a, openai:b ,local", ["openai:a", "openai:b", "local"]),
        ("local:/of,mine/a.gguf", "local:/of,mine/a.gguf"),
        ("local:/of,mine/a.gguf,openai:a", ["local:/of,mine/a.gguf", "openai:a"]),
    ],
)
def test_several_are_typed_with_commas_between(typed: str, models: Any) -> None:
    assert models_of(typed) == models


# ------------------------------------------------------------------------------------------------------- who answered


def test_whoever_stood_in_is_shown_and_told(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Speaker([DOWN], name="first"), Speaker(PLAN, "One.", name="second")
    with caplog.at_level(logging.WARNING, "superscalar.models"):
        result, _ = timed(agent(first, second, joiner="same").run("How many?"))
    view = RunView()
    lines = []
    for event in result.events:
        view.apply(event)
        lines += [line for line in Account(view).of(event) if isinstance(event, ModelFailed)]
    assert dict(view.stood_in) == {"planner": "second"}
    assert lines == [("planner", "first does not answer: no route to it")]
    assert result.usage_by_model["second"].requests == 2
    assert caplog.messages == [
        "the planner (first) does not answer: no route to it",
        "the planner (second) is asked, attempt 2",
    ]


def test_a_run_is_gone_on_with_by_whoever_answers(tmp_path: Path) -> None:
    """What survived are the events up to where the second of them had written a line."""
    first, second = Speaker([DOWN], name="first"), Speaker(["x = look(1)\n", 5.0, "join(x)\n"], name="second")
    whole, _ = timed(agent(first, second).run("How many?"))
    survived = whole.events[: whole.events.index(told(whole, Succeeded)[0]) + 1]

    async def begin() -> None:
        about: dict[str, Any] = {
            "kind": "answer",
            "question": "How many?",
            "history": [],
            "model": "first, second",
            "joiner": None,
        }
        log = Journal(tmp_path / "runs.db").begin("monday", about)
        for event in survived:
            log.append(event)
        log.close()

    run(begin())
    again = Speaker("join(x)\n", name="first")
    result = run(agent(again, second, journal=tmp_path / "runs.db").resume("monday"))
    assert result.answer == 1
    assert asked_in_order(result) == [("planner", "first"), ("planner", "second"), ("planner", "first")]


def test_show_names_the_one_that_stood_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(tmp_path / "runs.db")
    timed(agent(Speaker([DOWN], name="first"), Speaker(PLAN, name="second"), journal=journal).run("?", run_id="monday"))
    print_run(journal, "monday")
    assert "model     first, second\n" in (shown := capsys.readouterr().out)
    assert "planner   second, in the place of another\n" in shown


# --------------------------------------------------------------------------------------------------- whatever happens

FAULTS: list[list[Step]] = [
    [DOWN],
    [refused(3.0)],
    [refused(700.0)],
    [ModelError("no")],
    [Chunk(thought="hm"), DOWN],
    ["\n", DOWN],
    [FOR_EVER],
    ["x = look(1)\n", DOWN],
    ["x = look(1)\n", FOR_EVER],
    [Chunk("hm"), Chunk(thought="hm", withdrawn=True), DOWN],
]


def test_one_that_breaks_off_where_another_did_has_not_repeated_itself() -> None:
    """The third one goes on from there."""
    torn: list[Step] = ["x = look(1)\n", DOWN]
    models = [Speaker(torn, name="first"), Speaker(torn, name="second"), Speaker(PLAN, name="third")]
    result, _ = timed(agent(*models).run("How many?"))
    assert result.answer == 1


@given(st.lists(st.lists(st.sampled_from(FAULTS), max_size=2), min_size=1, max_size=3), st.integers(0, 3))
@settings(max_examples=examples(60))
def test_whatever_the_others_do_one_that_is_well_answers(scripts: list[list[list[Step]]], well: int) -> None:
    """Each call that is begun is accounted for, and no model is asked while its provider refuses."""
    models = [Speaker(*faults, PLAN, name=f"m{number}") for number, faults in enumerate(scripts)]
    models.insert(min(well, len(models)), Speaker(PLAN, name="well"))
    result, at = timed(agent(*models, max_repairs=9, first_token_timeout=20, stall_timeout=10).run("How many?"))
    assert result.answer == 1
    assert at <= 20.0 * 3
    assert [event.model for event in told(result, ModelUsed)] == [model for _, model in asked_in_order(result)]
    assert told(result, ModelWaiting) == []
