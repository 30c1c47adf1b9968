"""Limits that threads share while the event loop of one of them is blocked, or looks at another time than it should."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from threading import Event, Thread
from typing import Any

from superscalar import Limit, LLMCompiler, tool
from superscalar.schedule.limits import Grants, Limits, Ticket

BLOCKED = 1.0
"""Seconds; the real clock is what threads share."""


class User:
    """A run as the limits see it."""

    def still_taken(self) -> tuple[Ticket, ...]:
        return ()


class Call(Ticket):
    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__("run", (name,), loop)
        self.come = asyncio.Event()

    def granted(self) -> None:
        self.come.set()


def side_by_side(*mains: Callable[[], Coroutine[Any, Any, None]]) -> None:
    threads = [Thread(target=lambda main=main: asyncio.run(main())) for main in mains]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


class Shop:
    """Two tools under one rate, one of which blocks its event loop once. `starts`: when their calls began."""

    def __init__(self) -> None:
        self.begun = Event()
        self.starts: dict[str, list[float]] = {"stuck": [], "free": []}
        self.over = 0.0

    def agent(self) -> LLMCompiler:
        @tool(effect="read", limit="api", timeout=None)
        async def stuck(x: int) -> int:
            self.starts["stuck"].append(time.monotonic())
            if x == 0:
                self.begun.set()
                time.sleep(BLOCKED)  # noqa: ASYNC251 -- which is the point
                self.over = time.monotonic()
            return x

        @tool(effect="read", limit="api", timeout=None)
        async def free(x: int) -> int:
            self.starts["free"].append(time.monotonic())
            return x

        return LLMCompiler(tools=[stuck, free], limits={"api": Limit(rate=40)})

    def run(self, first: LLMCompiler, second: LLMCompiler) -> None:
        async def stuck() -> None:
            await first.execute("xs = [stuck(i) for i in range(12)]")

        async def free() -> None:
            await asyncio.to_thread(self.begun.wait, 10)
            await second.execute("xs = [free(i) for i in range(4)]")

        side_by_side(stuck, free)


def test_a_blocked_loop_holds_up_nobody_who_waits_behind_it() -> None:
    """The two runs are in one queue, and it is the blocked one's turn."""
    shop = Shop()
    agent = shop.agent()
    shop.run(agent, agent)
    assert len(shop.starts["free"]) == 4
    assert shop.starts["free"][-1] < shop.over


def test_what_a_blocked_loop_was_given_meanwhile_is_not_used_at_once() -> None:
    shop = Shop()
    shop.run(shop.agent(), shop.agent())
    after = sorted(at for at in shop.starts["stuck"] if at >= shop.over)
    assert len(after) == 11
    assert after[8] - after[0] > 0.15  # they are a fortieth of a second apart


def test_a_loop_that_sleeps_for_one_limit_is_woken_for_another_that_opens_sooner() -> None:
    """Another thread looks between its asking and its own look: it must not rely on the timer that is set already."""
    limits = Limits({"slow": Limit(rate=1, per=60.0), "fast": Limit(rate=1, per=0.1)})
    asked, looked = Event(), Event()
    user, seconds = User(), []

    def used_up(grants: Grants, name: str, loop: asyncio.AbstractEventLoop) -> None:
        call = Call(name, loop)
        assert grants.ask(call, (0,))
        grants.give_back(call)

    async def sleeper() -> None:
        loop = asyncio.get_running_loop()
        grants = limits.on(loop, user)
        used_up(grants, "slow", loop)
        used_up(grants, "fast", loop)
        slow, fast = Call("slow", loop), Call("fast", loop)
        assert not grants.ask(slow, (0,))
        grants.dispatch(loop)
        assert not grants.ask(fast, (1,))
        asked.set()
        looked.wait(10)
        grants.dispatch(loop)
        began = loop.time()
        await asyncio.wait_for(fast.come.wait(), 10)
        seconds.append(loop.time() - began)
        grants.withdraw(slow)

    async def other() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(asked.wait, 10)
        limits.on(loop).dispatch(loop)
        looked.set()

    side_by_side(sleeper, other)
    assert len(seconds) == 1
    assert seconds[0] < 5
