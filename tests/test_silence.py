"""For how long a model may say nothing, and how much it may say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from superscalar import JoinError, LLMCompiler, ModelError, tool
from superscalar.events import AnswerCut, ModelUsed, Repairing, Succeeded
from superscalar.models.base import Chunk, Preparation, Request
from superscalar.models.patience import Measure
from superscalar.testing import run
from superscalar.tools import Limit
from superscalar.values import Usage
from support.speaking import Speaker, Step, slowly

FOR_EVER = 1e9
PLAN = "x = look(1)\njoin(x)\n"
LOADING = Chunk(preparing=Preparation("loading the model", 0.5))
THOUGHT = Chunk(thought="hm ")


@tool(effect="read")
async def look(n: int) -> int:
    """Look."""
    return n


def timed(making: Awaitable[Any]) -> tuple[Any, float]:
    """What it comes to, or raises, and when."""

    async def main() -> tuple[Any, float]:
        try:
            found = await making
        except Exception as error:  # noqa: BLE001 -- to be compared
            found = error
        return found, asyncio.get_running_loop().time()

    return run(main())


def planned(*replies: Any, **options: Any) -> tuple[Any, float]:
    agent = LLMCompiler(Speaker(*replies), [look], joiner=None, **options)
    found, at = timed(agent.run("How many?"))
    return (found if isinstance(found, Exception) else found.answer), at


def extracted(*replies: Any, **options: Any) -> tuple[str, float]:
    agent = LLMCompiler(extractor=Speaker(*replies), **options)
    found, at = timed(agent.execute('x = extract("seven", "int", "the number")\njoin(x)\n'))
    return str(found["x"]), at


# --------------------------------------------------------------------------------------------------- slow is no fault


def test_a_model_that_writes_a_word_a_second_for_minutes_is_waited_for() -> None:
    long = "# " + "so " * 310 + "\n"
    answer = "It is one. " * 110
    planner, joiner = Speaker(slowly(long + PLAN, 1.0)), Speaker(slowly(answer, 1.0))
    result, at = timed(LLMCompiler(planner, [look], joiner=joiner).run("How many?"))
    assert result.answer.split() == answer.split()
    assert at > 600
    assert (len(planner.asked), len(joiner.asked)) == (1, 1)


def test_an_extractor_that_writes_a_word_a_second_for_minutes_is_waited_for() -> None:
    value, at = extracted(slowly(" " * 310 + '{"value": 7}', 1.0))
    assert value == "Observation(value=7)"
    assert at > 300


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([299.0], id="nothing yet"),
        pytest.param([LOADING, 299.0] * 5, id="getting ready"),
        pytest.param([299.0, *[THOUGHT, 59.0] * 20], id="thoughts"),
        pytest.param(["# let me see\n", 59.0] * 20, id="text"),
        pytest.param(["# let me see\n", 59.0, LOADING, 59.0], id="getting ready once more"),
    ],
)
def test_signs_of_life_begin_the_time_anew(before: list[Step]) -> None:
    assert planned([*before, PLAN])[0] == 1


# ------------------------------------------------------------------------------------------------------------ silence


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="nothing at all"),
        pytest.param([Chunk(), 100.0] * 10, id="pieces with nothing in them"),
        pytest.param([Chunk(usage=Usage(1, 0, 0, 1)), 100.0] * 10, id="counts alone"),
    ],
)
def test_a_model_that_never_says_its_first_word_is_given_up(before: list[Step]) -> None:
    error, at = planned([*before, FOR_EVER])
    assert isinstance(error, ModelError)
    assert (str(error), error.retryable) == ("speaker said nothing within 300 s (first_token_timeout)", True)
    assert at == 300.0


def test_the_same_of_a_joiner() -> None:
    error, at = timed(LLMCompiler(Speaker(PLAN), [look], joiner=Speaker(FOR_EVER)).run("How many?"))
    assert isinstance(error, ModelError)
    assert str(error) == "speaker said nothing within 300 s (first_token_timeout)"
    assert at == 300.0


def test_the_same_of_an_extractor() -> None:
    failure, at = extracted(FOR_EVER)
    assert failure == "TimeoutError: speaker said nothing within 300 s (first_token_timeout)"
    assert at == 300.0


def test_a_plan_goes_on_from_its_last_whole_statement_where_its_writer_fell_silent() -> None:
    planner = Speaker(["x = look(1)\ny = lo", FOR_EVER], "y = look(2)\njoin(x, y)\n")
    result, at = timed(LLMCompiler(planner, [look], joiner=None).run("How many?"))
    assert result.answer == [1, 2]
    assert at == 60.0
    assert [event.cut for event in result.events if isinstance(event, Repairing)] == [
        "speaker said nothing for 60 s in the middle of its reply (stall_timeout)"
    ]
    assert next(event.id for event in result.events if isinstance(event, Succeeded)) == "x"
    assert planner.closed == 2


def test_an_answer_is_asked_for_once_more_where_its_writer_fell_silent() -> None:
    joiner = Speaker(["It is", FOR_EVER], "It is one.")
    result, at = timed(LLMCompiler(Speaker(PLAN), [look], joiner=joiner).run("How many?"))
    assert (result.answer, at) == ("It is one.", 60.0)
    assert [event.why for event in result.events if isinstance(event, AnswerCut)] == [
        "speaker said nothing for 60 s in the middle of its reply (stall_timeout)"
    ]


def test_a_value_is_asked_for_once_more_where_its_reader_fell_silent() -> None:
    assert extracted(['{"value": ', FOR_EVER], '{"value": 7}') == ("Observation(value=7)", 60.0)


def test_a_model_that_stops_thinking_is_given_up() -> None:
    error, at = planned([THOUGHT, FOR_EVER])
    assert "speaker said nothing for 60 s in the middle of its reply (stall_timeout)" in str(error)
    assert at == 60.0


def test_the_bounds_are_options() -> None:
    assert planned(FOR_EVER, first_token_timeout=7.0)[1] == 7.0
    assert planned(["# hm\n", FOR_EVER], stall_timeout=7.0, max_repairs=0)[1] == 7.0
    assert planned([1e6, PLAN], first_token_timeout=None) == (1, 1e6)
    assert planned(["# hm\n", 1e6, PLAN], stall_timeout=None) == (1, 1e6)


def test_a_reply_that_has_said_its_end_is_whole_though_its_stream_stays_open() -> None:
    """No word follows, and nothing of it is missing."""
    planner = Speaker([PLAN + "# done", Chunk(finish="stop"), FOR_EVER])
    joiner = Speaker(["One.", Chunk(finish="stop"), FOR_EVER])
    result, at = timed(LLMCompiler(planner, [look], joiner=joiner).run("How many?"))
    assert (result.answer, at) == ("One.", 70.0)


def test_time_in_which_a_model_may_not_be_asked_is_none_of_its_own() -> None:
    """Others have its one slot for longer than it may be silent."""

    async def main() -> list[Any]:
        model = Speaker(slowly(PLAN, 100.0))
        agent = LLMCompiler(
            model,
            [look],
            joiner=None,
            limits={"speaker": Limit(concurrency=1)},
            first_token_timeout=150,
            stall_timeout=150,
        )
        return [result.answer for result in await asyncio.gather(*(agent.run("How many?") for _ in range(4)))]

    assert run(main()) == [1] * 4


def test_a_deadline_bounds_silence_too() -> None:
    result, at = timed(
        LLMCompiler(Speaker(FOR_EVER), [look], joiner=Speaker("Nothing.")).run("How many?", deadline=40.0)
    )
    assert (result.answer, at) == ("Nothing.", 40.0)


# ---------------------------------------------------------------------------------------------------- the whole of it


def test_a_whole_reply_is_bounded_only_where_somebody_says_so() -> None:
    forever = ["x = look(1)\n", *["# hm\n", 5.0] * 1_000]
    error, at = planned(forever, planner_timeout=30)
    assert str(error) == "the planner wrote no complete plan within 30 s (planner_timeout)"
    assert at == 30.0
    assert planned([*forever, PLAN.replace("x", "y")])[0] == 1


def test_the_whole_of_an_answer_likewise() -> None:
    joiner = Speaker(["hm ", 5.0] * 1_000)
    error, at = timed(LLMCompiler(Speaker(PLAN), [look], joiner=joiner, joiner_timeout=30).run("How many?"))
    assert isinstance(error, JoinError)
    assert "the joiner gave no answer within 30 s (joiner_timeout)" in str(error)
    assert at == 30.0


# ------------------------------------------------------------------------------------------------- without an end


def test_a_plan_without_an_end_is_cut() -> None:
    planner = Speaker(["x = look(1)\n", *["# and so on, and so on\n" * 100] * 1_000], "join(x)\n")
    result, _ = timed(LLMCompiler(planner, [look], joiner=None, max_plan_tokens=1_000).run("How many?"))
    assert result.answer == 1
    (cut,) = (event.cut for event in result.events if isinstance(event, Repairing))
    assert cut == 'it ended with the word "length": its length is bounded'
    first = next(event.usage for event in result.events if isinstance(event, ModelUsed))
    assert first.output_tokens == pytest.approx(16 * 1_024, rel=0.05)
    assert planner.closed == 2


def test_thoughts_without_an_end_are_cut() -> None:
    joiner = Speaker([Chunk(thought="and so on " * 1_000)] * 10_000, "It is one.")
    result, _ = timed(LLMCompiler(Speaker(PLAN), [look], joiner=joiner).run("How many?"))
    assert result.answer == "It is one."
    assert joiner.closed == 2


@pytest.mark.parametrize(
    ("chunks", "overruns"),
    [
        ([Chunk("x" * 65_536)], False),
        ([Chunk("x" * 65_536), Chunk("x")], True),
        ([Chunk("x" * 65_536), Chunk(thought="x" * 65_536, withdrawn=True), Chunk("x")], False),
        ([Chunk(thought="x" * 262_144), Chunk("x" * 65_536)], False),
        ([Chunk(thought="x" * 262_144), Chunk(thought="x")], True),
    ],
)
def test_text_and_thoughts_are_measured_apart(chunks: list[Chunk], overruns: bool) -> None:
    measure = Measure(Request((), max_tokens=1))
    for chunk in chunks:
        measure.take(chunk)
    assert measure.overruns is overruns
