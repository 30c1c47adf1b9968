"""Observers: told every event of every run of an agent, in order, after the journal; and no run depends on them."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from superscalar import (
    JoinError,
    Journal,
    LLMCompiler,
    ModelError,
    ObservedRun,
    RateLimited,
    ToolContext,
    events,
    tool,
)
from superscalar.compiler import observers
from superscalar.events import Event
from superscalar.testing import ScriptedModel, run

PLAN = "a = price('IBM')\nb = price('SAP')\njoin(a + b)"


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> float:
    """Latest price."""
    await asyncio.sleep(1.0)
    return 7.0


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.runs: list[ObservedRun] = []

    def __call__(self, event: Event, run: ObservedRun) -> None:
        self.events.append(event)
        self.runs.append(run)


class ToldAsync(Told):
    """One that is async, and in no hurry."""

    async def __call__(self, event: Event, run: ObservedRun) -> None:  # type: ignore[override]
        await asyncio.sleep(0.001)
        super().__call__(event, run)


def test_each_observer_is_told_every_event_of_every_run_in_order() -> None:
    told = [Told(), ToldAsync()]
    agent = LLMCompiler(ScriptedModel(PLAN, "14.", PLAN, "14."), [price], observers=told)

    async def main() -> list[Event]:
        results = [await agent.run("How much?"), await agent.run("And now?")]
        return [event for result in results for event in result.events]

    happened = run(main())
    assert [observer.events for observer in told] == [happened, happened]


def test_an_observer_knows_the_run_its_question_and_the_calls_of_its_tasks() -> None:
    seconds: dict[str, Any] = {}

    def timed(event: Event, run: ObservedRun) -> None:
        if isinstance(event, events.Succeeded) and (call := run.calls.get(event.id)) is not None:
            seconds[event.id] = run.id, run.question, call.tool, call.arguments, event.at - call.at

    agent = LLMCompiler(ScriptedModel(PLAN, "14."), [price], observers=[timed])
    run(agent.run("How much?", run_id="monday"))
    assert seconds == {
        "a": ("monday", "How much?", "price", {"ticker": "IBM"}, 1.0),
        "b": ("monday", "How much?", "price", {"ticker": "SAP"}, 1.0),
    }


def test_an_observer_is_told_what_the_journal_has(tmp_path: Path) -> None:
    journal, told = Journal(tmp_path / "runs.db"), Told()
    run(LLMCompiler(tools=[price], journal=journal, observers=[told]).execute(PLAN, run_id="r"))
    assert told.events == [each.event for each in journal.read("r")]


def test_of_what_cannot_be_recorded_no_observer_is_told(tmp_path: Path) -> None:
    @tool(effect="read", trust="trusted")
    async def handle() -> Any:
        return [len]

    told = Told()
    agent = LLMCompiler(tools=[handle], journal=tmp_path / "runs.db", observers=[told])
    run(agent.execute("x = handle()"))
    assert not any(isinstance(event, events.Succeeded) and event.id == "x" for event in told.events)
    assert any(isinstance(event, events.Failed) and event.id == "x" for event in told.events)


SECRET = "k-5f2d91c07ab34e66"


def test_observers_see_no_secret_in_texts_pieces_plans_or_values() -> None:
    @tool(effect="read", trust="trusted")
    async def login(key: str, context: ToolContext[dict[str, Any]]) -> str:
        raise ValueError(f"{context.context['key'].get_secret_value()} is wrong")

    @tool(effect="read", trust="trusted", secret="key")
    async def echo(key: str) -> str:
        return f"echo {key}"

    from pydantic import SecretStr

    told = Told()
    pieces = ScriptedModel(f"a = echo('{SECRET}')\nb = login('x')\njoin(a, b)", f"It is {SECRET}.", chunk=3)
    agent = LLMCompiler(pieces, [login, echo], observers=[told])
    run(agent.run("?", context={"key": SecretStr(SECRET)}))
    assert SECRET not in repr(told.events) + "".join(e.text for e in told.events if isinstance(e, events.PlanWritten))
    assert any(isinstance(event, events.Succeeded) for event in told.events)


def raises(event: Event, run: ObservedRun) -> None:
    raise RuntimeError("no disk")


async def raises_async(event: Event, run: ObservedRun) -> None:
    raise asyncio.CancelledError


def exits(event: Event, run: ObservedRun) -> None:
    raise SystemExit(3)


class Exotic(BaseException):
    pass


async def raises_exotic(event: Event, run: ObservedRun) -> None:
    raise Exotic


async def exits_async(event: Event, run: ObservedRun) -> None:
    raise SystemExit(3)


def forgets(event: Event, run: ObservedRun) -> Any:
    return raises_async(event, run)


@pytest.mark.parametrize("wrong", [raises, raises_async, exits, raises_exotic, exits_async, forgets])
def test_one_that_raises_is_reported_once_and_ends_nothing(wrong: Any, caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    agent = LLMCompiler(tools=[price], observers=[wrong, told])
    with caplog.at_level(logging.WARNING, "superscalar"):
        assert run(agent.execute(PLAN)).joined == 14.0
    assert isinstance(told.events[-1], events.RunEnded)
    assert [record.getMessage() for record in caplog.records] == [f"the observer {wrong.__name__} raised an error"]


def test_one_that_answers_no_question_is_told_all_the_same() -> None:
    class Silent(Told):
        def __getattribute__(self, name: str) -> Any:
            if name == "__qualname__":
                raise RuntimeError("none of your business")
            return super().__getattribute__(name)

    told = Silent()
    assert run(LLMCompiler(tools=[price], observers=[told]).execute(PLAN)).joined == 14.0
    assert isinstance(told.events[-1], events.RunEnded)


def test_a_plain_function_around_an_async_one_is_waited_for() -> None:
    told = ToldAsync()
    result = run(LLMCompiler(ScriptedModel(PLAN, "14."), [price], observers=[lambda e, r: told(e, r)]).run("How much?"))
    assert tuple(told.events) == result.events


def test_what_an_observer_changes_in_a_value_shows_nowhere_else() -> None:
    @tool(effect="read", trust="trusted")
    async def prices() -> list[float]:
        return [7.0]

    @tool(effect="read", trust="trusted")
    async def given(prices: list[float]) -> list[float]:
        return prices

    def changes(event: Event, run: ObservedRun) -> None:
        match event:
            case events.Succeeded(value=list(value)):
                value.append(1e6)
            case events.Started(arguments=arguments):
                arguments.get("prices", []).append(1e9)

    async def changes_async(event: Event, run: ObservedRun) -> None:
        changes(event, run)

    told = Told()
    agent = LLMCompiler(tools=[prices, given], observers=[changes, changes_async, told])
    assert run(agent.execute("x = prices()\ny = given(x)\njoin(x, y)")).joined == [[7.0], [7.0]]
    assert [event.value for event in told.events if isinstance(event, events.Succeeded)] == [
        [7.0],
        [7.0],
        [[7.0], [7.0]],
    ]


def test_one_that_hangs_is_reported_once_and_the_run_ends_without_it(caplog: pytest.LogCaptureFixture) -> None:
    async def hangs(event: Event, run: ObservedRun) -> None:
        await asyncio.sleep(1e6)

    @tool(effect="read", trust="trusted")
    async def slow() -> int:
        await asyncio.sleep(20.0)
        return 1

    told = Told()

    async def main() -> float:
        begun = asyncio.get_running_loop().time()
        assert (await LLMCompiler(tools=[slow], observers=[hangs, told]).execute("join(slow())")).joined == 1
        assert len(asyncio.all_tasks()) == 1
        return asyncio.get_running_loop().time() - begun

    with caplog.at_level(logging.WARNING, "superscalar"):
        assert run(main()) == 20.0
    name = hangs.__qualname__
    first, second = [record.getMessage() for record in caplog.records]
    assert first == f"the observer {name} has not returned for 5 seconds"
    assert second.startswith(f"the observer {name} was not told ")
    assert isinstance(told.events[-1], events.RunEnded)


def test_the_end_of_a_run_waits_two_seconds_at_most(caplog: pytest.LogCaptureFixture) -> None:
    async def slow(event: Event, run: ObservedRun) -> None:
        await asyncio.sleep(1.5)

    async def main() -> float:
        begun = asyncio.get_running_loop().time()
        await LLMCompiler(tools=[price], observers=[slow]).execute("join(1)")
        return asyncio.get_running_loop().time() - begun

    with caplog.at_level(logging.WARNING, "superscalar"):
        assert run(main()) == observers.DRAINS
    assert "was not told" in caplog.records[0].getMessage()


def test_a_plain_function_that_hangs_holds_up_neither_the_run_nor_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In real time, and bounded by what the end of a run waits."""
    monkeypatch.setattr(observers, "DRAINS", 0.05)
    release = threading.Event()
    returned: list[bool] = []

    def hangs(event: Event, run: ObservedRun) -> None:
        returned.append(release.wait(30.0))

    try:
        assert asyncio.run(LLMCompiler(tools=[], observers=[hangs]).execute("join(1)")).joined == 1
        assert returned == []
    finally:
        release.set()


def test_beyond_what_may_wait_events_are_dropped_and_the_drop_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "MOST", 5)
    told: list[Event] = []
    dropped: list[int] = []

    async def slow(event: Event, run: ObservedRun) -> None:
        await asyncio.sleep(0.1)
        told.append(event)
        dropped.append(run.dropped)

    agent = LLMCompiler(tools=[price], observers=[slow])

    async def main() -> list[Event]:
        async with agent.stream_plan("\n".join(f"x{i} = {i}" for i in range(30)) + "\njoin(x1)", run_id="r") as running:
            return list((await running.result()).events)

    with caplog.at_level(logging.WARNING, "superscalar"):
        happened = run(main())
    assert len(told) + dropped[-1] == len(happened)
    assert dropped[-1] > 0
    assert told == [event for event in happened if event in told]  # in order
    assert isinstance(told[-1], events.RunEnded)
    name = slow.__qualname__
    assert [record.getMessage() for record in caplog.records] == [
        f"the observer {name} is too slow: of run r events are dropped"
    ]


def test_observers_are_told_of_runs_that_fail_are_cancelled_or_only_planned() -> None:
    told = Told()
    agent = LLMCompiler(
        ScriptedModel("join(1)", "no", "no", "no", "join(1)"), [price], observers=[told], output_type=int
    )

    async def main() -> None:
        with pytest.raises(JoinError):
            await agent.run("?")
        cancelled = asyncio.create_task(agent.execute(PLAN))
        await asyncio.sleep(0.5)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await agent.plan("?")

    run(main())
    ends = [event.error.partition(":")[0] for event in told.events if isinstance(event, events.RunEnded)]
    assert ends == ["JoinError", "cancelled", ""]


def test_of_a_run_that_is_resumed_observers_are_told_what_happens_from_then_on(tmp_path: Path) -> None:
    told = Told()

    async def main() -> None:
        agent = LLMCompiler(tools=[price], journal=tmp_path / "runs.db")
        async with agent.stream_plan(PLAN, run_id="r") as running:
            async for event in running:
                if isinstance(event, events.Started):
                    running.suspend()
        await LLMCompiler(tools=[price], journal=tmp_path / "runs.db", observers=[told]).resume("r")

    run(main())
    assert isinstance(told.events[0], events.Resumed)
    assert isinstance(told.events[-1], events.RunEnded)
    assert {each.id for each in told.runs} == {"r"}
    assert {"a", "b"} <= set(told.runs[-1].calls)


def test_a_model_call_has_a_beginning_and_an_end() -> None:
    busy = ModelError("busy", retryable=True, retry_after=1.0)
    told = Told()
    agent = LLMCompiler(ScriptedModel(busy, "join(1)", "One."), observers=[told])
    run(agent.run("?"))
    calls = [event for event in told.events if isinstance(event, events.ModelAsked | events.ModelUsed)]
    assert [(type(e).__name__, e.role, getattr(e, "attempt", None)) for e in calls] == [
        ("ModelAsked", "planner", 1),
        ("ModelUsed", "planner", None),
        ("ModelAsked", "planner", 2),
        ("ModelUsed", "planner", None),
        ("ModelAsked", "joiner", 1),
        ("ModelUsed", "joiner", None),
    ]
    assert isinstance(calls[0], events.ModelAsked)
    assert calls[0].model == "scripted"
    with pytest.raises(ModelError):
        run(LLMCompiler(ScriptedModel(ModelError("no")), observers=[told]).run("?"))
    assert [type(e).__name__ for e in told.events[-4:]] == ["RoundStarted", "ModelAsked", "ModelUsed", "RunEnded"]


def test_a_tool_that_asks_a_model_tells_that_it_does() -> None:
    told = Told()
    model = ScriptedModel('{"value": 42}')
    agent = LLMCompiler(tools=[price], extractor=model, observers=[told])
    run(agent.execute("join(extract('It is 42.', 'int', 'the number'))"))
    calls = [event for event in told.events if isinstance(event, events.ModelAsked | events.ModelUsed)]
    assert [(type(e).__name__, e.role) for e in calls] == [("ModelAsked", "extract"), ("ModelUsed", "extract")]


def test_a_refused_tool_call_is_told_in_order_too() -> None:
    @tool(effect="read", trust="trusted", retry=2)
    async def refused() -> int:
        raise RateLimited("too many")

    told = Told()
    agent = LLMCompiler(tools=[refused], observers=[told])

    async def main() -> list[Event]:
        async with agent.stream_plan("x = refused()") as running:
            return list((await running.result()).events)

    assert run(main()) == told.events
