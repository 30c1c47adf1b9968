"""Plans and answers that are cut: what ran is kept, nothing is written twice, and part of an answer is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, Retry, Tool, tool
from superscalar.errors import JoinError, ModelError, PlanError
from superscalar.events import AnswerCut, ModelUsed, Repairing
from superscalar.journal import Journal
from superscalar.models import Chunk, Prices, Request, Usage
from superscalar.testing import ScriptedModel, run
from support.depth import share

Part = str | Chunk | Exception
Reply = list[Part] | Callable[[Request], list[Part]]


class Dictated:
    """A model whose replies are written down piece by piece: text, a whole chunk, or what breaks."""

    constrains = False
    name = "dictated"

    def __init__(self, *replies: Reply, prices: Prices | None = None, retry: Retry | None = None) -> None:
        self.replies = list(replies)
        self.retry = retry
        self.requests: list[Request] = []
        self.prices = prices

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        self.requests.append(request)
        reply = self.replies[len(self.requests) - 1]
        for part in reply(request) if callable(reply) else reply:
            if isinstance(part, Exception):
                raise part
            yield part if isinstance(part, Chunk) else Chunk(part)


STOP = Chunk(finish="stop")
TORN = ModelError("the connection broke", retryable=True)


def tools(log: list[tuple[str, Any]]) -> list[Tool[..., Any]]:
    @tool(effect="read", trust="trusted")
    def look(n: Any) -> int:
        """Look."""
        log.append(("look", n))
        return len(str(n))

    @tool(effect="write")
    def put(n: Any, text: str = "") -> str:
        """Put."""
        log.append(("put", n))
        return f"put {n}"

    return [look, put]


PLANS = {
    "lines": 'a = look("IBM")\nb = put(a, "x # y")\nc = put(7)\njoin(a, b, c)\n',
    "several lines": 'a = look(\n    "IBM",\n)\nb = put(\n    a,\n    "one\\ntwo",\n)\njoin(\n    a,\n    b,\n)\n',
    "a condition": 'a = look("IBM")\nif a > 2:\n    b = put(1)\n    put(2)\nelse:\n    b = put(3)\nput(4)\njoin(b)\n',
    "a condition that does not hold": 'a = look("I")\nif a > 2:\n    b = put(1)\n    put(2)\nput(4)\njoin(a)\n',
    "conditions in conditions": (
        'a = look("IBM")\nif a > 2:\n    if a > 5:\n        put(1)\n    put(2)\nelif a > 1:\n    put(3)\njoin(a)\n'
    ),
    "a condition in a condition that does not hold": (
        'a = look("I")\nif a > 2:\n    if a > 0:\n        put(1)\n    put(2)\nelse:\n    put(3)\njoin(a)\n'
    ),
    "a loop": "a = [1, 2]\nfor x in a:\n    y = look(x)\n    put(y + x)\nb = put(9)\njoin(b)\n",
    "a fence": '```python\na = look("IBM")\nput(a)\njoin(a)\n```\n',
    "comments": '# first\na = look("IBM")  # then\n\n# last\nput(a)\njoin(a)\n',
    "names again": 'a = look("IBM")\na = look(a)\nput(a)\na = look(a + 1)\nput([a])\njoin(a)\n',
}


def outcome(*replies: Reply, repairs: int = 1) -> tuple[list[Any], Any]:
    log: list[tuple[str, Any]] = []
    result = run(LLMCompiler(Dictated(*replies), tools(log), joiner=None, max_repairs=repairs).run("?"))
    return [n for name, n in log if name == "put"], result.answer


def shown(request: Request) -> str:
    """What the planner was shown of what it had written."""
    return request.messages[-2].text if "interrupted" in request.messages[-1].text else ""


@pytest.mark.search
@pytest.mark.parametrize("name", PLANS)
def test_wherever_a_plan_is_cut_the_rest_of_it_makes_it_whole(name: str) -> None:
    """Each write once, in the plan's order, whether the planner goes on or writes all of it again."""
    plan = PLANS[name]
    expected = outcome([plan, STOP])
    for place in share(range(1, len(plan)), 9):
        cut: list[Part] = [plan[:place], Chunk(finish="length")]
        torn: list[Part] = [plan[:place], TORN]
        assert outcome(cut, [plan, STOP]) == expected, plan[:place]
        assert outcome(torn, lambda request: [plan[len(shown(request)) :], STOP]) == expected, plan[:place]


@pytest.mark.search
@pytest.mark.parametrize("name", PLANS)
def test_what_is_shown_of_a_cut_plan_is_its_beginning_and_holds_no_part_of_a_block(name: str) -> None:
    """A planner that went on in the middle of a block would write lines without their condition."""
    plan = PLANS[name]
    for place in share(range(1, len(plan)), 9):
        seen: list[str] = []

        def rest(request: Request, seen: list[str] = seen) -> list[Part]:
            seen.append(shown(request))
            return [plan, STOP]

        outcome([plan[:place], Chunk(finish="load")], rest)
        for text in seen:
            assert plan.startswith(text)
            assert not plan[len(text) :].lstrip("\n").startswith((" ", "else", "elif", ")"))


def test_reads_that_ran_are_not_made_again() -> None:
    log: list[tuple[str, Any]] = []
    plan = 'a = look("IBM")\nb = look("AAPL")\njoin(a, b)\n'
    model = Dictated([plan[:33], TORN], [plan, STOP])
    run(LLMCompiler(model, tools(log), joiner=None).run("?"))
    assert sorted(log) == [("look", "AAPL"), ("look", "IBM")]  # two threads: either may be first


def test_a_cut_is_told_in_the_event() -> None:
    model = Dictated(["a = look(1)\n", Chunk(finish="SAFETY")], ["join(a)\n", STOP])
    events = run(LLMCompiler(model, tools([]), joiner=None).run("?")).events
    assert ['"SAFETY"' in e.cut for e in events if isinstance(e, Repairing)] == [True]


def test_what_breaks_for_good_is_not_asked_again() -> None:
    model = Dictated(["a = look(1)\n", ModelError("you are banned")])
    with pytest.raises(ModelError, match="you are banned"):
        run(LLMCompiler(model, tools([]), joiner=None).run("?"))


def test_a_connection_that_always_breaks_ends_in_its_own_error() -> None:
    lines = [f"a{i} = look({i})\n" for i in range(9)]
    replies: list[Reply] = [[line, TORN] for line in lines]
    model = Dictated(*replies)
    with pytest.raises(ModelError, match="the connection broke"):
        run(LLMCompiler(model, tools([]), joiner=None, max_repairs=2).run("?"))
    assert len(model.requests) == 3


def test_a_plan_that_is_cut_again_and_again_says_where_and_why() -> None:
    replies: list[Reply] = [[f"a{i} = look({i})\n", Chunk(finish="load")] for i in range(9)]
    model = Dictated(*replies)
    with pytest.raises(PlanError, match=r"E003 the plan was cut off here") as raised:
        run(LLMCompiler(model, tools([]), joiner=None, max_repairs=1).run("?"))
    assert 'ends={"load"}' in str(raised.value)


def test_a_run_that_died_after_a_cut_shows_its_planner_the_same_turns(tmp_path: Path) -> None:
    """What is asked for once it is resumed stands behind the same conversation."""
    plan = 'a = look("IBM")\nput(1)\nput(2)\njoin(a)\n'
    path = tmp_path / "runs.db"
    whole = Dictated([plan[:18], TORN], [plan, STOP])
    agent = LLMCompiler(whole, tools([]), joiner=None, journal=path)
    events = run(agent.run("?", run_id="run")).events
    asked = next(i for i, event in enumerate(events) if isinstance(event, Repairing))
    again = Journal(tmp_path / "again.db")
    log = again.begin("run", Journal(path).about("run"))
    for event in events[: asked + 1]:
        log.append(event)
    log.flush()
    log.close()
    model = Dictated([plan, STOP])
    assert run(LLMCompiler(model, tools([]), joiner=None, journal=again).resume("run")).answer == 3
    before = whole.requests[1].messages
    assert model.requests[0].messages[: len(before)] == before


# ------------------------------------------------------------------------------------------------------------- answers

PLAN = "a = look(1)\njoin(a)\n"


def answered(*replies: Reply, **options: Any) -> tuple[Any, Dictated]:
    model = Dictated(*replies)
    agent = LLMCompiler(ScriptedModel(PLAN), tools([]), joiner=model, **options)
    return run(agent.run("?")), model


def test_a_cut_answer_is_written_again_as_a_whole() -> None:
    result, model = answered(["It is ", Chunk("1", finish="load")], ["It is 12.", STOP])
    assert (result.answer, result.partial, result.complete, result.cut) == ("It is 12.", "", True, "")
    assert [len(e.why) > 0 for e in result.events if isinstance(e, AnswerCut)] == [True]
    assert [message.role for message in model.requests[1].messages[-2:]] == ["assistant", "user"]


def test_an_answer_that_was_too_long_is_asked_for_in_fewer_words() -> None:
    _, model = answered(["It is", Chunk(finish="length")], ["1.", STOP])
    assert "in fewer words" in model.requests[1].messages[-1].text
    _, model = answered(["It is", TORN], ["1.", STOP])
    assert "in fewer words" not in model.requests[1].messages[-1].text


def test_the_longer_part_of_two_is_kept() -> None:
    result, _ = answered(["It is a lo", TORN], ["It", TORN])
    assert (result.answer, result.partial, result.complete) == (None, "It is a lo", False)
    assert result.cut == "the connection broke"
    assert result.messages[-1].text == "It is a lo"


def test_nothing_of_an_answer_is_an_answer_that_was_cut_too() -> None:
    result, model = answered([Chunk(finish="error")], [Chunk(finish="error")])
    assert (result.answer, result.partial, result.complete) == (None, "", False)
    assert model.requests[0] == model.requests[1]


def test_no_value_is_read_from_an_answer_that_was_cut() -> None:
    """A document may be complete to look at, and another one than was meant."""
    result, _ = answered(["12", Chunk(finish="length")], ["12", Chunk(finish="length")], output_type=int)
    assert (result.answer, result.partial) == (None, "12")
    result, _ = answered(["12", Chunk(finish="length")], ["129", STOP], output_type=int)
    assert result.answer == 129


def test_a_budget_that_is_spent_asks_no_second_time() -> None:
    result, model = answered(["It is", Chunk(finish="load", usage=Usage(10**6, 0, 1, 1))], max_tokens=10_000)
    assert (result.answer, result.partial) == (None, "It is")
    assert len(model.requests) == 1


def test_a_joiner_that_breaks_for_good_is_an_error() -> None:
    with pytest.raises(ModelError, match="banned"):
        answered(["It is", ModelError("banned")])
    with pytest.raises(JoinError, match="no usable answer"):
        answered(["", STOP], ["", STOP], ["", STOP])


# ----------------------------------------------------------------------------------------------------------- extracting


def extracted(*replies: Reply) -> tuple[str, list[Usage]]:
    plan = 'x = extract("the price is 129", "int", "the price")\njoin(x)\n'
    agent = LLMCompiler(ScriptedModel(plan), tools([]), joiner=None, extractor=Dictated(*replies))
    try:
        result = run(agent.run("?"))
    except JoinError as error:
        return str(error.outcomes["x"]), []
    used = [e.usage for e in result.events if isinstance(e, ModelUsed) and e.role == "extract"]
    return str(result.outcomes["x"]), used


def test_no_value_is_extracted_from_a_reply_that_was_cut() -> None:
    value = '{"value": 12}'
    cut: list[Part] = [value, Chunk(finish="load")]
    assert extracted(cut, [value, STOP])[0] == "Observation(value=12)"
    for part in (Chunk(finish="length"), Chunk(finish="load"), Chunk()):
        reply: Reply = [value, part]
        said, _ = extracted(reply, reply, reply)
        assert said.startswith("NoValue: the model gave no int in 3 tries; the last time: its reply was cut: ")


def test_a_connection_that_breaks_while_extracting_is_tried_again() -> None:
    assert extracted(['{"value": 1', TORN], ['{"value": 129}', STOP])[0] == "Observation(value=129)"


def test_what_an_extractor_used_that_nobody_counted_is_estimated() -> None:
    _, used = extracted(['{"value": 12}', STOP])
    assert [(u.output_tokens, u.requests, u.estimated) for u in used] == [(3, 1, True)]


# ---------------------------------------------------------------------------------------------------------------- usage


def test_what_nobody_counted_is_estimated_with_the_price() -> None:
    model = Dictated([PLAN, STOP], prices=Prices(input=1.0, output=100.0))
    result = run(LLMCompiler(model, tools([]), joiner=None).run("?"))
    read = sum(len(message.text) for message in model.requests[0].messages) // 4
    written = len(PLAN) // 4
    assert result.usage == Usage(read, 0, written, 1, (read + 100 * written) / 1e6, estimated=True)
    assert result.cost == result.usage.cost


def test_a_thought_is_paid_for() -> None:
    model = Dictated([Chunk(thought="h" * 400), PLAN, STOP])
    result = run(LLMCompiler(model, tools([]), joiner=None).run("?"))
    assert result.usage.output_tokens == (400 + len(PLAN)) // 4


def test_a_refusal_for_longer_than_the_model_is_waited_for_is_not_waited_out() -> None:
    refused = ModelError("come back tomorrow", retryable=True, retry_after=86_400.0)
    for longest, tries in ((300.0, 1), (100_000.0, 2)):
        model = Dictated([refused], [PLAN, STOP], retry=Retry(longest=longest))
        agent = LLMCompiler(model, tools([]), joiner=None)
        if tries == 1:
            with pytest.raises(ModelError, match="come back tomorrow"):
                run(agent.run("?"))
        else:
            run(agent.run("?"))
        assert len(model.requests) == tries


def test_a_line_whose_name_has_got_another_value_since_is_another_call() -> None:
    cut: list[Part] = ["a = look(1)\nput(a)\na = look(2)\n", Chunk(finish="length")]
    whole: list[Part] = ["a = look(1)\nput(a)\na = look(2)\nput(a)\njoin(a)\n", STOP]
    expected = outcome(whole)
    assert len(expected[0]) == 2
    assert outcome(cut, ["put(a)\njoin(a)\n", STOP]) == expected
    assert outcome(cut, whole) == expected
