"""A person decides: the call waits, what refers to it too, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from superscalar import (
    Ask,
    Deny,
    Failure,
    LabelledCall,
    LLMCompiler,
    Observation,
    Policy,
    Question,
    RunResult,
    Skipped,
    tool,
)
from superscalar import events as ev
from superscalar.policy import Decision
from superscalar.testing import run
from superscalar.values import WITHHELD
from support.running import ends, starts

made: list[str] = []
Approve = Callable[[Question], bool | Awaitable[bool]]


@pytest.fixture(autouse=True)
def _forget() -> None:
    made.clear()


@tool(effect="read", resource="web")
async def page(url: str, seconds: float = 1.0) -> str:
    """A page of the web."""
    made.append(f"page {url}")
    await asyncio.sleep(seconds)
    return f"text of {url}"


@tool(effect="write", resource="post", sink="to", trust="trusted", timeout=5, secret="key")
async def send(to: str, text: str = "", key: str = "k") -> str:
    """Send a message."""
    made.append(f"send {to} {text}".strip())
    await asyncio.sleep(1)
    return f"sent to {to}"


@tool(effect="read", resource="post", trust="trusted")
async def outbox(number: int) -> str:
    """What was sent."""
    made.append(f"outbox {number}")
    return "; ".join(made)


@tool(effect="pure")
async def upper(text: str) -> str:
    """The same in capitals."""
    return text.upper()


TOOLS: list[Any] = [page, send, outbox, upper]


def ran(plan: str, approve: Approve | None, *, deadline: float | None = None, **options: Any) -> RunResult:
    async def main() -> RunResult:
        agent = LLMCompiler(tools=TOOLS, policy=options.pop("policy", "ask"), approve=approve, **options)
        async with agent.stream_plan(plan, run_id="run", deadline=deadline) as running:
            result = await running.result()
        left = [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]
        assert left == []
        return result

    return run(main())


def answering(answer: object, seconds: float = 5.0, asked: list[Question] | None = None) -> Any:
    async def ann(question: Question) -> Any:
        if asked is not None:
            asked.append(question)
        await asyncio.sleep(seconds)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return ann


def told(result: RunResult, *kinds: type[ev.Event]) -> list[tuple[str, str, float]]:
    return [(type(e).__name__, getattr(e, "id", ""), e.at) for e in result.events if isinstance(e, kinds)]


PLAN = 'p = page("u")\nx = send(p, "hi")\ny = upper(x)\nb = page("v", seconds=3)\nc = upper(b)\njoin(y, c)\n'


def test_only_the_call_that_is_asked_about_waits_and_what_refers_to_it() -> None:
    result = ran(PLAN, answering(True))
    assert result.answer == ["SENT TO TEXT OF U", "TEXT OF V"]
    assert starts(result.events)["x"] == 6.0
    assert ends(result.events) == {"p": 1.0, "b": 3.0, "c": 3.0, "x": 7.0, "y": 7.0, "join()": 7.0}
    assert told(result, ev.Decided, ev.Approved, ev.Started, ev.Succeeded)[2:9] == [
        ("Succeeded", "p", 1.0),
        ("Decided", "x", 1.0),
        ("Succeeded", "b", 3.0),
        ("Started", "c", 3.0),
        ("Succeeded", "c", 3.0),
        ("Approved", "x", 6.0),
        ("Started", "x", 6.0),
    ]
    (answer,) = [e for e in result.events if isinstance(e, ev.Approved)]
    (asked,) = [e for e in result.events if isinstance(e, ev.Decided)]
    assert answer == ev.Approved(6.0, "x", True, "ann", asked.digest)
    assert asked.arguments == {"to": "text of u", "text": "hi", "key": WITHHELD}


def test_a_refused_call_certainly_did_not_happen_and_skips_only_what_refers_to_it() -> None:
    result = ran(PLAN, answering(False))
    assert result.outcomes["x"] == Failure("denied", "it was not approved by ann")
    assert result.outcomes["y"] == Skipped("x")
    assert result.outcomes["c"] == Observation("TEXT OF V")
    assert result.outcomes.in_doubt == ()
    assert not any("send" in line for line in made)


def test_the_question_shows_the_call_its_arguments_and_where_each_came_from() -> None:
    asked: list[Question] = []
    ran('p = page("u")\nx = send(p.split()[-1], upper(p), key="k-77")\njoin(x)\n', answering(True, asked=asked))
    (question,) = asked
    assert question == Question(
        "run",
        "x",
        "send",
        {"to": "u", "text": "TEXT OF U", "key": WITHHELD},
        {
            "to": "`p` = page(url='u'), which is not trusted, as `p.split()[-1]`",
            "text": "`p` = page(url='u'), which is not trusted",
            "key": "the plan",
        },
        "`to` of send chooses where it goes, and comes from `page`, which is not trusted; "
        'write it in the question, or take it from a tool declared trust="trusted" or one of its trusted_fields',
    )
    assert str(question).splitlines()[2:4] == [
        "    to = 'u'",
        "      from `p` = page(url='u'), which is not trusted, as `p.split()[-1]`",
    ]


def test_what_is_done_to_the_arguments_of_a_question_does_not_change_the_call() -> None:
    @tool(effect="write", trust="trusted")
    async def keep(items: list[str]) -> int:
        made.extend(items)
        return len(items)

    def changes(question: Question) -> bool:
        question.arguments["items"].append("more")
        return True

    def rule(call: LabelledCall) -> Decision | None:
        return Ask("sure?") if call.tool == "keep" else None

    async def main() -> Any:
        agent = LLMCompiler(tools=[keep], policy=Policy(rules=[rule]), approve=changes)
        return await agent.execute('x = keep(["one"])\njoin(x)\n')

    assert run(main()).joined == 1
    assert made == ["one"]


def test_a_plain_function_is_asked_in_a_thread() -> None:
    from threading import current_thread, main_thread

    seen: list[bool] = []

    def ann(question: Question) -> bool:
        seen.append(current_thread() is main_thread())
        return question.task_id == "x"

    assert ran(PLAN, ann).answer[0] == "SENT TO TEXT OF U"
    assert seen == [False]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (ValueError("no idea"), "approve= raised ValueError: no idea"),
        (KeyboardInterrupt(), "approve= raised KeyboardInterrupt: "),
        (asyncio.CancelledError(), "approve= raised CancelledError: "),
        ("yes", "approve= returned 'yes'; return True or False"),
        (None, "approve= returned None; return True or False"),
        (1, "approve= returned 1; return True or False"),
    ],
)
def test_what_is_no_answer_denies_the_call(answer: object, message: str) -> None:
    result = ran(PLAN, answering(answer))
    assert result.outcomes["x"] == Failure("denied", message)
    assert result.outcomes["c"] == Observation("TEXT OF V")
    assert told(result, ev.Approved) == []


def test_without_anybody_to_ask_and_without_a_journal_the_call_is_denied() -> None:
    result = ran(PLAN, None)
    found = result.outcomes["x"]
    assert isinstance(found, Failure)
    assert (found.kind, found.in_doubt) == ("denied", False)
    assert found.message.startswith("nobody was there to ask (give the agent approve=, or a journal): `to` of send")


def test_several_questions_are_open_at_once_and_each_item_has_its_own() -> None:
    asked: list[str] = []

    async def ann(question: Question) -> bool:
        asked.append(question.task_id)
        await asyncio.sleep(3 - int(question.task_id[2]))
        return question.task_id != "x[1]"

    plan = 'x = [page(w) for w in ["slow a", "slow b", "slow c"]]\njoin(ok(x))\n'
    result = ran(plan, ann, policy=Policy(rules=[ask_about_reads]))
    assert asked == ["x[0]", "x[1]", "x[2]"]
    assert result.answer == ["text of slow a", "text of slow c"]
    assert told(result, ev.Approved) == [
        ("Approved", "x[2]", 1.0),
        ("Approved", "x[1]", 2.0),
        ("Approved", "x[0]", 3.0),
    ]


def test_a_write_that_waits_keeps_its_place_among_the_accesses() -> None:
    result = ran('a = outbox(1)\nx = send(page("u"))\nb = outbox(2)\njoin(a, x, b)\n', answering(True))
    assert starts(result.events)["b"] == 7.0
    assert made == ["outbox 1", "page u", "send text of u", "outbox 2"]


def test_a_refused_write_stands_in_the_way_of_what_may_meet_it() -> None:
    """As one that failed does (rule L19): what comes after it was planned for a world in which it had happened."""
    result = ran('x = send(page("u"))\nb = outbox(2)\njoin(b)\n', answering(False))
    assert result.outcomes["b"] == Skipped("x")
    assert made == ["page u"]


def test_the_time_in_which_somebody_thinks_is_not_that_of_the_tool() -> None:
    result = ran(PLAN, answering(True, seconds=1_000.0))
    assert result.outcomes["x"] == Observation("sent to text of u")


def test_an_approved_call_takes_its_place_under_limits() -> None:
    result = ran('x = send(page("u"))\nb = page("v", seconds=9)\njoin(x, b)\n', answering(True), max_concurrency=1)
    assert starts(result.events) == {"x.page": 0.0, "b": 1.0, "x": 10.0}
    assert result.answer == ["sent to text of u", "text of v"]


def test_a_deadline_withdraws_the_question() -> None:
    ended: list[float] = []

    async def slow(question: Question) -> bool:
        try:
            await asyncio.sleep(1_000)
        finally:
            ended.append(asyncio.get_running_loop().time())
        return True

    result = ran(PLAN, slow, deadline=4.0)
    assert result.outcomes["x"] == Failure("deadline", "the run's deadline passed before it started")
    assert ended == [4.0]
    assert result.outcomes["c"] == Observation("TEXT OF V")


@pytest.mark.parametrize("stubborn", [False, True])
def test_cancelling_the_run_withdraws_the_question(stubborn: bool) -> None:
    async def slow(question: Question) -> bool:
        try:
            await asyncio.sleep(1_000)
        except asyncio.CancelledError:
            if stubborn:
                await asyncio.sleep(1_000)
            raise
        return True

    async def main() -> tuple[ev.Event, ...]:
        agent = LLMCompiler(tools=TOOLS, policy="ask", approve=slow)
        async with agent.stream_plan(PLAN) as running:
            await asyncio.sleep(4)
            await running.cancel()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return running.events

    happened = run(main())
    assert [e for e in happened if isinstance(e, ev.Failed) and e.id == "x"] == [
        ev.Failed(4.0, "x", Failure("cancelled", "the run was cancelled before it started"))
    ]
    assert isinstance(happened[-1], ev.RunEnded)
    assert happened[-1].at <= 5.0


def test_a_function_in_a_thread_that_never_answers_does_not_keep_a_run_from_ending() -> None:
    from threading import Event

    never = Event()

    async def main() -> RunResult:
        agent = LLMCompiler(tools=TOOLS, policy="ask", approve=lambda _: never.wait())
        async with agent.stream_plan(PLAN, deadline=4.0) as running:
            return await running.result()

    try:
        result = run(main(), wait_for_threads=False)
    finally:
        never.set()
    assert result.outcomes["x"] == Failure("deadline", "the run's deadline passed before it started")


def ask_about_reads(call: LabelledCall) -> Decision | None:
    return Ask("look?") if call.tool == "page" and call.arguments["url"].value.startswith("slow") else None


def test_what_loses_a_race_while_somebody_thinks_about_it_is_withdrawn() -> None:
    withdrawn: list[float] = []

    async def slow(question: Question) -> bool:
        try:
            await asyncio.sleep(1_000)
        except asyncio.CancelledError:
            withdrawn.append(asyncio.get_running_loop().time())
            raise
        return True

    plan = 'f = first(1, [page("slow"), page("fast")])\njoin(f)\n'
    result = ran(plan, slow, policy=Policy(rules=[ask_about_reads]))
    assert result.answer == ["text of fast"]
    assert withdrawn == [1.0]
    assert result.events[-1].at == 1.0


def test_dead_code_is_not_asked_about_once_the_plan_is_complete() -> None:
    asked: list[Question] = []
    plan = 'd = page("slow")\nb = page("fast")\njoin(b)\n'
    result = ran(plan, answering(True, asked=asked), policy=Policy(rules=[ask_about_reads]))
    assert result.answer == "text of fast"
    assert asked == []


def test_the_strictest_rule_wins_over_a_question() -> None:
    def never(call: LabelledCall) -> Decision | None:
        return Deny("never") if call.tool == "send" else None

    asked: list[Question] = []
    result = ran(PLAN, answering(True, asked=asked), policy=Policy("ask", rules=[never]))
    assert result.outcomes["x"] == Failure("denied", "never")
    assert asked == []


def test_what_is_approved_is_bound_to_the_same_arguments() -> None:
    result = ran(PLAN, answering(True))
    (started,) = [e for e in result.events if isinstance(e, ev.Started) and e.id == "x"]
    assert started.arguments["to"] == "text of u"
    assert made.count("page u") == 1
