"""What a run makes of what models wrap their replies in: thoughts, drafts, words instead of a plan or an answer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from functools import partial

import pytest
from pydantic import BaseModel

from superscalar import JoinError, LLMCompiler, PlanError, RunResult, tool
from superscalar import events as ev
from superscalar.joiner import AnswerReader, Finish, NextStep, Replan
from superscalar.models.base import Chunk, Request
from superscalar.observe.view import RunView
from superscalar.testing import ScriptedModel, run
from superscalar.values import Observation

PLAN = 'a = price("IBM")\ns = send("ann", f"{a}")\njoin(a, s)\n'
CALLS: list[tuple[str, ...]] = []
names = (f"replies-{number}" for number in itertools.count())  # a model is remembered by its name


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> float:
    """Price of a share."""
    CALLS.append(("price", ticker))
    await asyncio.sleep(1)
    return {"IBM": 129.4, "AAPL": 223.0}[ticker]


@tool(effect="write")
async def send(to: str, text: str) -> str:
    """Send a message."""
    CALLS.append(("send", to, text))
    return "sent"


def made() -> list[tuple[str, ...]]:
    """The calls that were made, in their order."""
    return list(CALLS)


def in_two(cut: int, text: str) -> tuple[str, str]:
    return text[:cut], text[cut:]


def planned(*replies: str, chunk: int | None = None, delay: float = 0.0, name: str = "") -> RunResult:
    """What comes of a question whose planner says this."""
    model = ScriptedModel(*replies, chunk=chunk, delay=delay, name=name or next(names))
    return run(LLMCompiler(model, [price, send], joiner=None).run("What is IBM at? Tell ann."))


DONE = ([129.4, "sent"], [("price", "IBM"), ("send", "ann", "129.4")])


@pytest.mark.parametrize("chunk", [None, 1, 7])
@pytest.mark.parametrize(
    "reply",
    [
        f'<think>\ns = send("eve", "x")\n</think>\n{PLAN}',
        f'<think>I could\nsend("eve", "x")\njoin()\n</think>\n{PLAN}',
        f"<|channel|>analysis<|message|>send it<|end|><|start|>assistant<|channel|>final<|message|>{PLAN}",
        f"{PLAN.rstrip()}<|im_end|>",
        f'```python\nsend("eve", "x")\njoin()\n```\nNo:\n```python\n{PLAN}```\n',
        '```\nsend("eve", "x")\njoin()\n```\n- No:\n  ```\n  ' + PLAN.strip().replace("\n", "\n  ") + "\n  ```\n",
    ],
)
def test_only_what_is_said_is_run(reply: str, chunk: int | None) -> None:
    result = planned(reply, chunk=chunk)
    assert (result.answer, CALLS) == DONE


@pytest.mark.parametrize(
    "reply",
    [
        f'<think>s = send("eve", "x")\n</think>{PLAN.rstrip()}</s>',
        f'send("eve", "x")\njoin()\n</think>{PLAN}',
        f'```\nsend("eve", "x")\njoin()\n```\n```\n{PLAN}```',
        '<tool_call>{"name": "price", "arguments": {"ticker": "IBM"}}</tool_call>',
    ],
)
def test_where_a_reply_is_cut_into_chunks_does_not_matter(reply: str) -> None:
    outcomes = set()
    for cut in range(1, len(reply)):
        CALLS.clear()
        model = ScriptedModel(reply, chunk=partial(in_two, cut), name=next(names))
        result = run(LLMCompiler(model, [price, send], joiner=None).run("What is IBM at?"))
        outcomes.add((str(result.answer), tuple(CALLS), len(model.requests)))
    assert len(outcomes) == 1
    assert all(call[1] != "eve" for call in CALLS)


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_a_thought_that_nothing_opened_is_taken_back_with_its_reads(chunk: int | None) -> None:
    """Nothing of it is written, joined, shown or counted as a result."""
    thought = 'b = price("AAPL")\ns = send("eve", f"{b}")\njoin(b, s)\n'
    result = planned(f"{thought}</think>\n{PLAN}", chunk=chunk)
    assert result.answer == [129.4, "sent"]
    assert ("send", "ann", "129.4") in CALLS
    assert [call for call in CALLS if call[1] == "eve"] == []
    assert "b" not in result.outcomes
    assert [task.id for task in result.plan.tasks if "b" in task.id] == []
    view = RunView()
    for event in result.events:
        view.apply(event)
    assert view.plan_text.strip() == PLAN.strip()
    assert "".join(e.text for e in result.events if isinstance(e, ev.Thought)) == thought


def test_reads_of_a_model_that_thinks_aloud_wait_until_its_thought_has_ended() -> None:
    """It did so once: from then on what may be a thought starts nothing; that is remembered by its name."""
    name = next(names)
    reply = f'b = price("AAPL")\n{"# hm" * 20}\n</think>\n{PLAN}'
    planned(reply, chunk=5, delay=0.5, name=name)
    assert ("price", "AAPL") in CALLS
    CALLS.clear()
    assert planned(reply, chunk=5, delay=0.5, name=name).answer == [129.4, "sent"]
    assert made() == DONE[1]
    CALLS.clear()
    long = f'send("eve", "x")\njoin()\n{"And then I think of it. " * 40}\n</think>\n{PLAN}'
    assert planned(long, chunk=5, name=name).answer == [129.4, "sent"]
    assert made() == DONE[1]
    CALLS.clear()
    assert planned(PLAN, chunk=5, delay=0.5, name=name).answer == [129.4, "sent"]


def test_a_thought_in_a_repair_takes_back_no_more_than_itself() -> None:
    """The lines that were right stay."""
    wrong = PLAN.replace("129", "1").replace("send(", "sned(")
    result = planned(wrong, 'send("eve", "x")\n</think>\ns = send("ann", f"{a}")\n')
    assert (result.answer, CALLS) == DONE


def test_programs_in_a_thought_of_a_repair_are_no_part_of_it() -> None:
    thought = '```\nb = price("IBM")\n```\n```\na = price(b)\njoin(a)\n```\n'
    result = planned(PLAN.replace("price(", "prize("), f'{thought}</think>\na = price("IBM")\n')
    assert (result.answer, CALLS) == DONE


def test_words_instead_of_a_plan_are_in_the_error() -> None:
    refusal = "I am sorry, I cannot do that. " * 10
    with pytest.raises(PlanError, match=r"I am sorry, I cannot do that\.") as raised:
        planned(refusal, refusal)
    assert raised.value.reply == refusal[:200]
    assert CALLS == []


def test_a_thought_alone_is_no_plan() -> None:
    assert planned(f"<think>{PLAN}", PLAN).answer == [129.4, "sent"]
    assert made() == DONE[1]


def test_a_second_program_that_needs_names_of_the_first_starts_nothing() -> None:
    draft = '```\nb = price("AAPL")\n```\n```\na = price("IBM")\njoin(a, b)\n```\n'
    model = ScriptedModel(draft, name=next(names))
    with pytest.raises(PlanError, match="`b` is assigned by an earlier program only") as raised:
        run(LLMCompiler(model, [price, send], max_repairs=0).run("What is IBM at?"))
    assert len(raised.value.diagnostics) == 1
    assert ("price", "IBM") not in CALLS


class Torn(ScriptedModel):
    """Its connection breaks behind its text."""

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        from superscalar import ModelError

        async for chunk in super().stream(request):
            if chunk.finish is None:
                yield chunk
        raise ModelError("the connection broke")


def test_a_connection_that_breaks_behind_a_complete_join_does_not_matter() -> None:
    model = Torn(PLAN + "This plan", name=next(names))
    result = run(LLMCompiler(model, [price, send], joiner=None).run("What is IBM at?"))
    assert (result.answer, CALLS) == DONE


@pytest.mark.parametrize("finish", ["length", "filter", None])
def test_a_cut_in_a_second_program_seals_nothing(finish: str | None) -> None:
    """What is there of it stays, and the rest is asked for."""
    first = f'```python\nsend("eve", "x")\njoin()\n```\nNo:\n```python\n{PLAN.splitlines()[0]}\ns = send("a'
    model = ScriptedModel(first, PLAN, finish=finish, name=next(names))
    result = run(LLMCompiler(model, [price, send], joiner=None).run("What is IBM at?"))
    assert (result.answer, [call for call in CALLS if call[0] == "send"]) == ([129.4, "sent"], DONE[1][1:])


# -------------------------------------------------------------------------------------------------------- answers


def read_answer(*chunks: str) -> tuple[str, NextStep]:
    reader = AnswerReader()
    return "".join(map(reader.feed, chunks)), reader.finish()


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("REPLAN: the price", Replan("the price")),
        ("**REPLAN:** the price", Replan("the price")),
        ("**REPLAN: the price**", Replan("the price")),
        ("## REPLAN: the price\nof AAPL", Replan("the price\nof AAPL")),
        ("I have no AAPL.\n\nREPLAN: the price", Replan("the price")),
        ("It is 12.\nREPLAN is not needed.", Finish("It is 12.\nREPLAN is not needed.")),
        ("It says REPLAN: no.", Finish("It says REPLAN: no.")),
        ("\n It is *12*.\n", Finish("It is *12*.")),
        ("> REPLAN: no", Finish("> REPLAN: no")),
        ("", Finish("")),
        ("REPL", Finish("REPL")),
    ],
)
def test_a_line_that_begins_with_replan_asks_for_one(text: str, decision: NextStep) -> None:
    for cut in range(len(text) + 1):
        shown, decided = read_answer(text[:cut], text[cut:])
        assert decided == decision
        assert "REPLAN:" not in shown or isinstance(decision, Finish)
    assert read_answer(*text)[1] == decision


class Brief(BaseModel):
    ticker: str
    price: float


READ = 'a = price("IBM")\njoin(a)\n'


def answered(*replies: str, typed: bool = False) -> tuple[RunResult, ScriptedModel]:
    model = ScriptedModel(READ, *replies, chunk=5, name=next(names))
    agent = LLMCompiler(model, [price, send], output_type=Brief if typed else None)
    return run(agent.run("What is IBM at?")), model


@pytest.mark.parametrize(
    "reply",
    [
        "<think>It says 129.4, so</think>\n\nIt is 129.4.",
        "It says 129.4, so</think>It is 129.4.",
        "It is 129.4.<|eot_id|>",
    ],
)
def test_a_thought_is_no_part_of_the_answer(reply: str) -> None:
    result, model = answered(reply)
    assert (result.answer, len(model.requests)) == ("It is 129.4.", 2)
    view = RunView()
    for event in result.events:
        view.apply(event)
    assert view.answer_text.strip() == "It is 129.4."


def test_an_answer_that_is_nothing_but_a_thought_is_asked_for_again() -> None:
    result, model = answered("<think>It is 129.4.</think>", "It is 129.4.")
    assert (result.answer, len(model.requests)) == ("It is 129.4.", 3)


def test_a_typed_answer_is_not_read_in_a_thought() -> None:
    said = '<think>{"ticker": "X", "price": 1}</think>{"ticker": "IBM", "price": 129.4}</s>'
    assert answered(said, typed=True)[0].answer == Brief(ticker="IBM", price=129.4)


def test_what_a_joiner_said_is_in_the_error() -> None:
    with pytest.raises(JoinError, match="no JSON at all") as raised:
        answered("no JSON at all", "no JSON at all", "no JSON at all", typed=True)
    assert raised.value.reply == "no JSON at all"


@pytest.mark.parametrize(
    "reply", ['<think>{x}</think>{"value": 12.5}', '{x}</think>{"value": 12.5}', '{"value": 12.5}<|im_end|>']
)
def test_an_extractor_may_think(reply: str) -> None:
    @tool(effect="read")
    def mail() -> str:
        """A mail."""
        return "total 12.50"

    model = ScriptedModel(reply, chunk=3, name=next(names))
    outcomes = run(
        LLMCompiler(tools=[mail], extractor=model).execute('i = extract(mail(), "float", "total")\njoin(i)\n')
    )
    assert (outcomes["i"], len(model.requests)) == (Observation(12.5), 1)
