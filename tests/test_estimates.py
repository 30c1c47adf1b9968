"""What an agent says that a plan would take, beside what it takes when it runs, in virtual time."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import bank
from corpus import tools as corpus_tools
from corpus.cases import CASES, Case
from superscalar import (
    ApprovalPending,
    Estimate,
    Journal,
    Limit,
    LLMCompiler,
    Plan,
    PlanError,
    Prices,
    Question,
    RunResult,
    Tool,
    Toolset,
    UsageError,
    tool,
)
from superscalar.estimate import Between
from superscalar.events import Failed, Started
from superscalar.testing import Provider, ScriptedModel, constant, run
from superscalar.values import Failure, Outcome, Skipped, is_silent
from support.depth import examples
from support.random_plans import RATE, plans
from support.running import executed

ROUNDING = 1e-3  # seconds: a pace is kept in whole steps of the clock


@tool
async def search(query: str) -> list[str]:
    """Pages."""
    await asyncio.sleep(0.5)
    return ["a", "b"]


@tool(cost=0.02)
async def fetch(page: str) -> str:
    """A page."""
    await asyncio.sleep(1.0)
    return page


@tool(effect="write")
async def send(to: str) -> None:
    """Send."""
    await asyncio.sleep(0.25)


MEASURED = {"search": 0.5, "fetch": 1.0, "send": 0.25}


def agent_with(path: Path, measured: Mapping[str, float] = MEASURED, **options: Any) -> LLMCompiler:
    """An agent whose journal has measured that."""
    Journal(path / "runs.db").keep_durations(measured)
    return LLMCompiler(**{"tools": [search, fetch, send], **options}, journal=path / "runs.db")


# -------------------------------------------------------------------------------------------------- what it says


@pytest.mark.parametrize(
    ("source", "calls", "writes", "seconds"),
    [
        ("join(fetch('a'))", (1, 1), (0, 0), (1.0, 1.0)),
        ("a = search('a')\njoin(fetch(a[0]))", (2, 2), (0, 0), (1.5, 1.5)),
        ("join([fetch(x) for x in ['a', 'b', 'c']])", (3, 3), (0, 0), (1.0, 1.0)),
        ("rs = search('a')\njoin([fetch(r) for r in rs])", (1, 1_001), (0, 0), (0.5, 32.71875)),
        ("rs = search('a')\njoin([fetch(r) for r in rs[:3]])", (1, 4), (0, 0), (0.5, 1.5)),
        ("if search('a'):\n    x = fetch('b')\nelse:\n    x = search('c')\njoin(x)", (2, 2), (0, 0), (0.5, 1.5)),
        ("x = default(fetch('a'), fetch('b'))\njoin(x)", (1, 2), (0, 0), (1.0, 2.0)),
        ("if 1 < 2:\n    send('a')\nelse:\n    send('b')\njoin()", (1, 1), (1, 1), (0.25, 0.25)),
        ("if search('a'):\n    send('b')\njoin()", (1, 2), (0, 1), (0.5, 0.75)),
        ("for x in ['a', 'b']:\n    send(x)\njoin()", (2, 2), (2, 2), (0.5, 0.5)),
        ("join(first(1, [fetch('a'), fetch('b')]))", (0, 2), (0, 0), (1.0, 1.0)),
        (
            "p = []\nfor x in ['a', 'b']:\n    if x > 'a':\n        p.append(x)\njoin([fetch(x) for x in p])",
            (1, 1),
            (0, 0),
            (1.0, 1.0),
        ),
        ("x = [send(i) for i in ['a', 'b', 'c'] if i != 'b']\njoin(x)", (2, 2), (2, 2), (0.5, 0.5)),
        ("if search('a'):\n    a = fetch('b')\njoin(fetch(a))", (1, 3), (0, 0), (0.5, 2.5)),
        ("a = fetch('a')\nb = search('b')\njoin(b)", (1, 1), (0, 0), (0.5, 0.5)),
    ],
)
def test_numbers_are_ranges_from_what_is_certain_to_what_can_be(
    tmp_path: Path, source: str, calls: tuple[int, int], writes: tuple[int, int], seconds: tuple[float, float]
) -> None:
    found = agent_with(tmp_path).estimate(source)
    assert (found.calls, found.writes, found.seconds) == (Between(*calls), Between(*writes), Between(*seconds))


def test_a_list_of_unknown_length_is_named_and_what_nobody_measured_is_a_question_mark(tmp_path: Path) -> None:
    source = "rs = search('a')\npages = [fetch(r) for r in rs]\nsend('b')\njoin(pages)"
    assert str(agent_with(tmp_path, {"search": 0.5}).estimate(source)) == (
        "2 to 1,002 calls, of which 1 write\n"
        "  search: 1, 0.50 s each\n"
        "  fetch: 0 to 1,000, for each item of `rs`, cost 0.02 each\n"
        "  send: 1, writes\n"
        "time: 0.50 s + ? in tools (not measured yet: fetch, send)\n"
        "cost: 0 to 20"
    )


def test_maps_in_maps_of_unknown_length_have_no_upper_bound(tmp_path: Path) -> None:
    source = "rs = search('a')\njoin([[fetch(p) for p in search(r)] for r in rs])"
    found = agent_with(tmp_path).estimate(source)
    assert (found.calls, found.writes, found.seconds) == (Between(1, None), Between(0, 0), Between(0.5, None))


def test_limits_lengthen_the_time(tmp_path: Path) -> None:
    @tool(limit="slow")
    async def look(x: int) -> int:
        """Look."""
        return x

    agent = agent_with(tmp_path, {"look": 1.0}, tools=[look], limits={"slow": Limit(concurrency=2)})
    found = agent.estimate("join([look(x) for x in range(6)])")
    assert found.seconds == Between(3.0, 3.5)


def test_the_answer_counts_with_a_question_and_extract_always(tmp_path: Path) -> None:
    class Priced(ScriptedModel):
        prices = Prices(input=1.0, output=10.0)

    agent = agent_with(tmp_path, model=Priced("x"), max_answer_tokens=100, max_result_tokens=1_000, schemas={"N": int})
    source = "p = fetch('a')\njoin(extract(p, 'N', 'the number'))"
    bare, found = agent.estimate(source), agent.estimate(source, question="How many?")
    assert [model.role for model in bare.models] == ["extractor"]
    assert [model.role for model in found.models] == ["extractor", "joiner"]
    answer = found.models[1]
    read = answer.input_tokens.least
    assert answer.input_tokens == Between(read, read + 1_000)
    assert answer.output_tokens == Between(1, 100)
    assert answer.cost == Between((read + 10) / 1e6, (read + 1_000 + 1_000) / 1e6)
    assert found.cost == Between(0.02, 0.02) + found.models[0].cost + answer.cost
    assert found.tokens == bare.tokens + answer.input_tokens + answer.output_tokens


def test_a_price_that_nobody_knows_is_a_question_mark(tmp_path: Path) -> None:
    class Unpriced(ScriptedModel):
        prices = None

    found = agent_with(tmp_path, model=Unpriced("x")).estimate("join(fetch('a'))", question="What?")
    assert found.cost == Between(0.02, None)
    assert str(found).endswith("cost: 0.02 + ? (prices not known: scripted)")


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf"), "1.25", True])
@pytest.mark.parametrize("of", ["input", "output", "cached", "kept"])
def test_what_is_no_price_is_refused_where_it_is_given(price: Any, of: str) -> None:
    told = re.escape(f"Prices({of}={price!r}): write a number from 0 on (what a million tokens cost)")
    with pytest.raises(UsageError, match=told):
        Prices(**{"input": 0.0, "output": 0.0, of: price})


def test_nothing_is_called_and_what_is_no_plan_is_refused(tmp_path: Path) -> None:
    agent = agent_with(tmp_path)
    with pytest.raises(PlanError):
        agent.estimate("join(lookup('a'))")
    with pytest.raises(UsageError):
        agent.estimate(7)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ beside real runs


def fails(outcomes: Iterable[Outcome]) -> bool:
    """Whether something failed; what a condition left out has not."""
    return any(
        isinstance(one, Failure) or (isinstance(one, Skipped) and bool(one.because) and not is_silent(one))
        for one in outcomes
    )


def compare(estimate: Estimate, result: RunResult, names: Mapping[str, str]) -> None:
    """A run is within its estimate; below what is certain it may be only if something failed."""
    first = {event.id: event.tool for event in result.events if isinstance(event, Started)}
    made = Counter(first.values())
    took = result.events[-1].at - result.events[0].at
    failed = fails(result.outcomes.values()) or any(isinstance(event, Failed) for event in result.events)
    found = {"calls": (estimate.calls, len(first)), "seconds": (estimate.seconds, took)}
    found |= {one.tool: (one.calls, made[names.get(one.tool, one.tool)]) for one in estimate.tools}
    wrong = {
        name: (str(between), real)
        for name, (between, real) in found.items()
        if (between.most is not None and real > between.most + ROUNDING)
        or (not failed and real < between.least - ROUNDING)
    }
    assert wrong == {}
    assert made.keys() <= {names.get(one.tool, one.tool) for one in estimate.tools}


TIMED = frozenset({"slow", "look", "put", "put_at", "look_at"})  # they take as long as their arguments say
RUN = [
    c
    for c in CASES
    if not (c.is_session or c.wrong or c.fails) and c.rules[0] in ("L10", "L11", "L12", "L13", "L14", "L15")
]


@pytest.fixture(autouse=True)
def _as_if_new() -> None:
    corpus_tools.reset()


@pytest.mark.parametrize("case", RUN, ids=lambda case: case.place)
def test_a_plan_of_the_corpus_takes_what_was_estimated(case: Case) -> None:
    tools, measured = slowed()
    agent = LLMCompiler(tools=tools, timeout=None, max_tasks=500)
    plan = agent.compile(case.plan, syntax=case.syntax)
    estimate = estimated(agent, plan, measured)
    compare(estimate, executed(plan, tools, timeout=None), {one.alias: one.name for one in tools})


@cache
def slowed() -> tuple[list[Tool[..., Any]], dict[str, float]]:
    """The tools of the corpus, each of which takes its time, and how long, where that is always the same."""
    seconds: dict[str, float] = {}
    tools: list[Tool[..., Any]] = []
    for one in (*Toolset.from_module(corpus_tools), *Toolset.from_module(bank)):
        seconds[one.name] = 0.1 + sum(map(ord, one.name)) % 17 / 10
        tools.append(Provider(one.name, Random(1), latency=constant(seconds[one.name])).wrap(one))
    return tools, {name: took for name, took in seconds.items() if name not in TIMED}


def estimated(agent: LLMCompiler, plan: Plan | str, measured: Mapping[str, float]) -> Estimate:
    """What an agent says once it has measured that."""
    for name, took in measured.items():
        agent._equipment.durations.note(name, took)
    return agent.estimate(plan)


NAMES = ("work", "named", "rated", "both", "look", "post")


def timed_tools(seconds: Mapping[str, float], seed: int) -> list[Tool[..., Any]]:
    """The tools of the random plans, each of which takes the same time always."""

    def timed(name: str, **terms: Any) -> Tool[..., Any]:
        async def work(site: int, value: object) -> int:
            await asyncio.sleep(seconds[name])
            return Random(f"{seed} {name} {site} {value!r}").randrange(4)

        return tool(name=name, **terms)(work)

    limits = {"named": "named", "rated": "rated", "both": ["named", "rated"]}
    reads = [timed(name, effect="read", resource="other", limit=limits.get(name, ())) for name in NAMES[:4]]
    return [*reads, timed("look", effect="read", resource="store"), timed("post", effect="write", resource="store")]


@settings(max_examples=examples(25), deadline=None)
@given(
    lines=plans(most=7),
    times=st.tuples(*[st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0])] * len(NAMES)),
    seed=st.integers(0, 3),
    cap=st.sampled_from([1, 2, 4, 32]),
    width=st.sampled_from([1, 2, 5]),
)
def test_a_random_plan_takes_what_was_estimated(
    lines: tuple[str, ...], times: tuple[float, ...], seed: int, cap: int, width: int
) -> None:
    seconds = dict(zip(NAMES, times, strict=True))
    tools = timed_tools(seconds, seed)
    told: dict[str, Any] = {
        "limits": {"named": Limit(concurrency=width), "rated": Limit(rate=RATE)},
        "max_concurrency": cap,
    }
    agent = LLMCompiler(tools=tools, **told)
    plan = agent.compile("\n".join(lines))
    compare(estimated(agent, plan, seconds), executed(plan, tools, **told), {})


# ------------------------------------------------------------------------------------------------------ approval


def test_who_approves_of_a_plan_is_told_what_it_would_take() -> None:
    asked: list[Question] = []

    def approve(question: Question) -> bool:
        asked.append(question)
        return True

    executed("send('b')\njoin(fetch('a'))", [fetch, send], approve=approve, approve_plan=True)
    assert str(asked[0]) == (
        "the plan as a whole, with 1 write\n"
        "  send(): send(to='b')\n"
        "what it would take:\n"
        "  2 calls, of which 1 write\n"
        "    send: 1, writes\n"
        "    fetch: 1, cost 0.02 each\n"
        "  time: ? in tools (not measured yet: send, fetch)\n"
        "  cost: 0.02"
    )


def test_so_is_who_approves_of_it_later(tmp_path: Path) -> None:
    agent = agent_with(tmp_path, approve_plan=True)
    with pytest.raises(ApprovalPending) as waits:
        run(agent.execute("join(fetch('a'))", run_id="r"))
    (question,) = Journal(tmp_path / "runs.db").questions("r")
    assert question.estimate == "1 call\n  fetch: 1, 1.00 s each, cost 0.02 each\ntime: 1.00 s in tools\ncost: 0.02"
    assert question == waits.value.questions[0]
