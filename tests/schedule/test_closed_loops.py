"""Event loops that end in the middle: what was held on them comes back, and twice nothing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pytest

from superscalar import Limit, LLMCompiler, UsageError, tool
from superscalar.schedule import limits
from superscalar.testing import ScriptedModel, run
from support.running import Gauge

pytestmark = pytest.mark.filterwarnings(  # what Python says of coroutines whose loop ended in the middle
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)

TERMS = {"api": Limit(concurrency=2)}


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Nothing of it ends in the middle of another test."""
    yield
    gc.collect()


def hanging(**options: Any) -> tuple[LLMCompiler, Event]:
    """An agent whose calls never end, and whether one has begun."""
    begun = Event()

    @tool(effect="read", limit="api", timeout=None)
    async def hang(x: int) -> int:
        begun.set()
        await asyncio.Event().wait()
        return x

    return LLMCompiler(tools=[hang], limits=TERMS, **options), begun


def quick() -> LLMCompiler:
    @tool(effect="read", limit="api")
    async def look(x: int) -> int:
        return x

    return LLMCompiler(tools=[look], limits=TERMS)


def abandoned(agent: LLMCompiler, begun: Event, calls: int = 9) -> asyncio.AbstractEventLoop:
    """A loop that stands still in the middle of a run."""
    loop = asyncio.new_event_loop()
    left = loop.create_task(agent.execute(f"xs = [hang(i) for i in range({calls})]"))

    async def until_begun() -> None:
        while not begun.is_set() or agent.limits.statistics()["api"].running < 2:  # noqa: ASYNC110 -- a thread's event
            await asyncio.sleep(0)

    loop.run_until_complete(until_begun())
    left._log_destroy_pending = False  # type: ignore[attr-defined]
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    return loop


async def all_of(agent: LLMCompiler) -> Any:
    async with asyncio.timeout(20):
        return (await agent.execute("xs = [look(i) for i in range(4)]\njoin(xs)")).joined


def test_a_loop_that_was_closed_holds_nothing() -> None:
    agent, begun = hanging()
    abandoned(agent, begun).close()
    assert asyncio.run(all_of(quick())) == [0, 1, 2, 3]
    seen = agent.limits.statistics()["api"]
    assert (seen.running, seen.waiting) == (0, 0)


def test_a_run_that_cannot_begin_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins next asks it what it held, while the error still keeps it."""

    def broken(*_: Any, **__: Any) -> None:
        raise OverflowError("no such limit")

    with monkeypatch.context() as patched:
        patched.setattr(limits, "Gate", broken)
        with pytest.raises(OverflowError) as kept:
            asyncio.run(quick().execute("join(look(1))"))
    assert asyncio.run(quick().execute("join(look(1))")).joined == 1
    assert kept.value is not None


def test_a_loop_that_is_gone_holds_nothing() -> None:
    agent, begun = hanging()
    abandoned(agent, begun, calls=2)
    gc.collect()
    assert asyncio.run(all_of(quick())) == [0, 1, 2, 3]


def test_what_came_back_with_a_loop_does_not_come_back_again() -> None:
    """Its calls are collected later, and end then."""
    agent, begun = hanging()
    abandoned(agent, begun).close()
    other = quick()
    asyncio.run(all_of(other))
    gc.collect()
    asyncio.run(all_of(other))
    seen = other.limits.statistics()["api"]
    assert (seen.running, seen.concurrency) == (0, 2)


def test_who_waits_in_another_thread_gets_what_a_closed_loop_held() -> None:
    agent, begun = hanging()
    loop = abandoned(agent, begun)
    found: list[Any] = []
    waits = quick()
    thread = Thread(target=lambda: found.append(asyncio.run(all_of(waits))), daemon=True)
    thread.start()
    while not waits.limits.statistics()["api"].waiting:
        pass
    loop.close()
    thread.join(timeout=20)
    assert found == [[0, 1, 2, 3]]


# ------------------------------------------------------------------------------------------------------- left streams


def slow(gauge: Gauge) -> LLMCompiler:
    @tool(effect="read", limit="api", timeout=None)
    async def look(x: int) -> int:
        with gauge:
            await asyncio.sleep(60)
        return x

    return LLMCompiler(tools=[look], limits=TERMS)


async def by_break(stream: Any) -> None:
    async for _ in stream:
        break


async def by_closing(stream: Any) -> None:
    events = aiter(stream)
    await anext(events)
    await events.aclose()


async def by_an_error(stream: Any) -> None:
    async def follow() -> None:
        async for event in stream:
            raise ValueError(event)

    with pytest.raises(ValueError, match="RunStarted"):
        await follow()


@pytest.mark.parametrize("leave", [by_break, by_closing, by_an_error], ids=lambda leave: leave.__name__)
def test_a_stream_that_is_left_early_ends_its_run(leave: Callable[[Any], Any]) -> None:
    gauge = Gauge()

    async def main() -> tuple[float, int, bool]:
        agent = slow(gauge)
        await leave(agent.stream_plan("xs = [look(i) for i in range(9)]"))
        await asyncio.sleep(1)
        seen = agent.limits.statistics()["api"]
        names = {task.get_name() for task in asyncio.all_tasks()}
        return asyncio.get_running_loop().time(), seen.running + seen.waiting, "superscalar run" in names

    assert run(main()) == (1.0, 0, False)


def test_a_stream_that_is_forgotten_ends_its_run() -> None:
    gauge = Gauge()

    async def main() -> int:
        agent = slow(gauge)
        stream = agent.stream_plan("xs = [look(i) for i in range(9)]")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.result(), 1)
        before = agent.limits.statistics()["api"].running
        assert before == 2  # cancelling `result` does not end it
        del stream
        gc.collect()
        await asyncio.sleep(1)
        return agent.limits.statistics()["api"].running

    assert run(main()) == 0


def test_leaving_the_events_ends_nothing_while_somebody_wants_the_result() -> None:
    async def main() -> list[Any]:
        agent = slow(Gauge())
        plan = "join(look(1))"
        stream = agent.stream_plan(plan)
        async for _ in stream:
            break
        answers = [(await stream.result()).answer]
        async with agent.stream_plan(plan) as running:
            async for _ in running:
                break
            await asyncio.sleep(1)
            answers.append((await running.result()).answer)
        other = agent.stream_plan(plan)
        await anext(whole := aiter(other))
        async for _ in other:
            break
        await asyncio.sleep(1)
        answers.append([type(event).__name__ async for event in whole][-1])
        return answers

    assert run(main()) == [1, 1, "RunEnded"]


def test_who_asks_for_the_result_of_a_run_that_was_left_is_told_why_there_is_none() -> None:
    async def main() -> None:
        stream = slow(Gauge()).stream_plan("join(look(1))")
        await by_break(stream)
        await asyncio.sleep(1)
        await stream.result()

    with pytest.raises(UsageError, match="left early"):
        run(main())


@pytest.mark.parametrize("loop_is", ["closed", "gone"])
def test_nor_does_the_call_of_a_model(loop_is: str) -> None:
    limits = {"scripted": Limit(concurrency=1)}
    agent = LLMCompiler(ScriptedModel("join(1)", delay=1_000.0), limits=limits, joiner=None)
    loop = asyncio.new_event_loop()
    left = loop.create_task(agent.run("?"))

    async def until_begun() -> None:
        while not agent.limits.statistics()["scripted"].running:  # noqa: ASYNC110 -- nothing says so
            await asyncio.sleep(0)

    loop.run_until_complete(until_begun())
    left._log_destroy_pending = False  # type: ignore[attr-defined]
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    if loop_is == "closed":
        loop.close()
    else:
        del left, task, loop
        gc.collect()
    assert agent.limits.statistics()["scripted"].running == 0
