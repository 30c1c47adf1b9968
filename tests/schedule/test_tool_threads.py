"""Tools that are not async run in threads, and a thread is a limit like another."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import wraps
from threading import Barrier, Event, Lock
from typing import Annotated, Any

import pytest

from superscalar import Limit, LLMCompiler, RateLimited, Secret, Tool, tool
from superscalar.events import Started, Waiting
from superscalar.executors import LOCAL, Channel, Invocation, Runner
from superscalar.schedule import limits
from superscalar.schedule.threads import THREADS
from superscalar.testing import run
from support.running import executed


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "THREAD_LIMIT", Limit(concurrency=1))


class Most:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._now = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


@tool(effect="read")
def look(x: int) -> int:
    """In a thread."""
    return x


def test_thirty_two_calls_are_in_threads_at_once_whatever_the_cap_is_and_the_others_say_what_they_wait_for() -> None:
    together, inside = Barrier(32), Most()

    @tool(effect="read")
    def meet(x: int) -> int:
        with inside:
            together.wait(30)
        return x

    result = executed("xs = [meet(i) for i in range(64)]\njoin(len(xs))", [meet], max_concurrency=500)
    assert (result.outcomes.joined, inside.most) == (64, 32)
    assert Counter(event.limits for event in result.events if isinstance(event, Waiting)) == {(THREADS,): 32}


@pytest.mark.usefixtures("one_thread")
def test_no_slot_is_held_while_a_call_waits_for_a_thread() -> None:
    """The call that frees the thread needs the slot that the waiting one would have, and the last one of the cap."""
    free = Event()

    @tool(effect="read")
    def busy() -> bool:
        return free.wait(30)

    @tool(effect="read", limit="one")
    def later(x: int) -> int:
        return x

    @tool(effect="read", limit="one")
    async def frees(x: int) -> int:
        await asyncio.sleep(0)
        free.set()
        return x

    plan = "a = busy()\nb = later(1)\nc = frees(2)\njoin(a, b, c)"
    terms = {"one": Limit(concurrency=1)}
    result = executed(plan, [busy, later, frees], limits=terms, max_concurrency=2, wait_for_threads=False)
    assert result.outcomes.joined == [True, 1, 2]
    assert [event.id for event in result.events if isinstance(event, Started)] == ["a", "c", "b"]


@pytest.mark.usefixtures("one_thread")
def test_agents_share_the_threads_as_they_do_other_limits() -> None:
    inside = Most()

    def agent() -> LLMCompiler:
        @tool(effect="read")
        def work(x: int) -> int:
            with inside:
                return x

        return LLMCompiler(tools=[work])

    async def main() -> list[Any]:
        plan = "xs = [work(i) for i in range(9)]\njoin(len(xs))"
        return [found.joined for found in await asyncio.gather(*(agent().execute(plan) for _ in range(3)))]

    assert run(main()) == [9, 9, 9]
    assert inside.most == 1


@pytest.mark.usefixtures("one_thread")
def test_a_run_inside_a_call_in_a_thread_goes_on_with_the_thread_of_that_call() -> None:
    innermost = LLMCompiler(tools=[look])

    @tool(effect="read")
    def middle(x: int) -> Any:
        return asyncio.run(innermost.execute(f"xs = [look({x} + i) for i in range(3)]\njoin(xs)")).joined

    inner = LLMCompiler(tools=[middle])

    @tool(effect="read")
    def outer(x: int) -> Any:
        return asyncio.run(inner.execute(f"xs = [middle({x} + 10 * i) for i in range(2)]\njoin(xs)")).joined

    agent = LLMCompiler(tools=[outer])
    found = asyncio.run(agent.execute("xs = [outer(100 * i) for i in range(2)]\njoin(xs)"))
    assert found.joined == [[[0, 1, 2], [10, 11, 12]], [[100, 101, 102], [110, 111, 112]]]


@pytest.mark.usefixtures("one_thread")
def test_threads_of_calls_that_wait_inside_themselves_are_not_waited_for_for_ever() -> None:
    """One call holds the thread and waits for a limit, whose only slot the other holds, which wants a thread."""
    terms = {"l": Limit(concurrency=1)}
    agents: dict[str, LLMCompiler] = {}

    @tool(effect="read", limit="l", timeout=None)
    async def quick() -> str:
        return "quick"

    @tool(effect="read", timeout=None)
    def holds_the_thread() -> Any:
        return asyncio.run(agents["inner"].execute("a = quick()\njoin(a)")).joined

    @tool(effect="read", limit="l", timeout=None)
    async def holds_the_slot() -> Any:
        while not agents["inner"].limits.statistics()["l"].waiting:  # noqa: ASYNC110 -- on another loop
            await asyncio.sleep(0.001)
        return (await agents["inner"].execute("a = look(1)\njoin(a)")).joined

    agents["inner"] = LLMCompiler(tools=[quick, look], limits=terms)
    agents["outer"] = LLMCompiler(tools=[holds_the_thread, holds_the_slot], limits=terms)

    async def main() -> tuple[Any, Any]:
        found = await agents["outer"].execute("b = holds_the_slot()\na = holds_the_thread()\njoin(a, b)")
        return found.joined, agents["outer"].limits.statistics()[THREADS].running

    assert asyncio.run(main()) == (["quick", 1], 0)


class Around:
    """Runs calls as another executor does."""

    def __init__(self, *, as_before: bool) -> None:
        self._as_before = as_before

    def runner(self, tool: Tool[..., Any]) -> Runner:
        inner = LOCAL.runner(tool)

        async def around(call: Invocation, channel: Channel) -> Any:
            return await inner(call, channel)

        return wraps(inner)(around) if self._as_before else around


@pytest.mark.parametrize(("as_before", "limited"), [(True, True), (False, False)])
def test_calls_take_a_thread_where_what_runs_them_says_so(as_before: bool, limited: bool) -> None:
    async def main() -> bool:
        agent = LLMCompiler(tools=[look], executor=Around(as_before=as_before))
        assert (await agent.execute("a = look(1)\njoin(a)")).joined == 1
        return THREADS in agent.limits.statistics()

    assert run(main()) is limited


def test_a_batch_takes_one_thread_and_an_async_tool_none() -> None:
    @tool(effect="read")
    async def price(x: int) -> int:
        return x

    @price.batch
    def prices(xs: list[int]) -> list[int]:
        return xs

    @tool(effect="read")
    async def free(x: int) -> int:
        return x

    async def main() -> tuple[Any, int]:
        agent = LLMCompiler(tools=[price, free])
        found = await agent.execute("a = [price(i) for i in range(5)]\nb = [free(i) for i in range(5)]\njoin(a, b)")
        return found.joined, agent.limits.statistics()[THREADS].granted

    assert run(main()) == ([[0, 1, 2, 3, 4]] * 2, 1)


def test_a_provider_that_refuses_a_call_says_nothing_of_threads() -> None:
    refused: list[int] = []

    @tool(effect="read")
    def ask(x: int) -> int:
        if not refused:
            refused.append(x)
            raise RateLimited(retry_after=1)
        return x

    async def main() -> tuple[Any, int | None]:
        agent = LLMCompiler(tools=[ask])
        found = await agent.execute("a = ask(7)\njoin(a)")
        return found.joined, agent.limits.statistics()[THREADS].concurrency

    assert run(main()) == (7, 32)


def test_a_tool_that_is_given_secrets_takes_one_too() -> None:
    @tool(effect="read")
    def ask(key: Annotated[str, Secret]) -> int:
        return len(key)

    async def main() -> tuple[Any, int]:
        agent = LLMCompiler(tools=[ask])
        found = await agent.execute('a = ask("a key of ours")\njoin(a)')
        return found.joined, agent.limits.statistics()[THREADS].granted

    assert run(main()) == (13, 1)
