"""Virtual time for asyncio: a run that sleeps for hours takes milliseconds, and its order is always the same."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import heapq
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from math import inf
from random import Random
from time import sleep
from typing import Any, TypeVar, TypeVarTuple, Unpack

from superscalar.compiler.sync import run_in
from superscalar.executors.local import busy_threads, threads_to_begin

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MOMENT = 0.01
_INSTANT = 0.0001
_NANO = 1_000_000_000
_FEW = 1_000


class Deadlock(RuntimeError):
    """Everything waits, and nothing is left that could wake anything."""


class Endless(RuntimeError):
    """A run goes on and on: it has taken more turns of the event loop than it was allowed."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is to be done. It waits for no I/O.

    Timers that are due in the same nanosecond fire in the order in which they were set; with a `seed`, in an order
    drawn from it, as completions that come in together do from a network: other seeds try other orders, and one seed
    always the same. Sync tools run in real threads; the clock stands still while one is at work, unless
    `wait_for_threads` is false. When a thread ends is up to the machine: with threads at work nothing is promised about
    the order.

    It has no selector and no file descriptors: making one takes microseconds. `turns_left`: how often
    it may go round before it says `Endless`.

    Raises (from `run_until_complete`):
        Deadlock: everything waits and no timer is set.
        Endless: there were more than `turns_left` turns.
    """

    _ready: deque[asyncio.Handle]
    _stopping: bool

    def __init__(self, *, seed: int | None = None, wait_for_threads: bool = True, turns_left: int = 1 << 62) -> None:
        super().__init__()
        self._virtual = 0.0
        self._random = None if seed is None else Random(seed)
        self._wait_for_threads = wait_for_threads
        self._timers: list[tuple[int, float, int, asyncio.TimerHandle]] = []
        self._timers_set = 0
        self._many = _FEW  # with so many timers, those that were cancelled are thrown out
        self._handed_over = threading.Event()
        self._in_executors = 0
        self._promised: list[tuple[concurrent.futures.Future[Any], asyncio.Future[Any]]] = []
        self.turns_left = turns_left

    def time(self) -> float:
        """Return the seconds since the loop was made, by its own clock."""
        return self._virtual

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self._virtual += seconds

    @property
    def open_timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers that are set and have neither fired nor been cancelled, earliest first."""
        return [timer for *_, timer in sorted(self._timers) if not timer.cancelled()]

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back at that time of this clock."""
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if when == inf:  # never: it must not keep a deadlock from being seen
            return timer
        if len(self._timers) >= self._many:
            self._timers = [entry for entry in self._timers if not entry[3].cancelled()]
            heapq.heapify(self._timers)
            self._many = 2 * len(self._timers) + _FEW
        self._timers_set += 1
        among_equals = self._random.random() if self._random is not None else 0.0
        heapq.heappush(self._timers, (round(when * _NANO), among_equals, self._timers_set, timer))
        return timer

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Ts]], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Call a function in a thread, as `asyncio.to_thread` does; the clock stands still meanwhile.

        An executor that says that it is `prompt` is waited for before the next turn, so that nothing depends on how
        long that takes.
        """
        if executor is not None and getattr(executor, "prompt", False):
            promised = executor.submit(func, *args), self.create_future()
            self._promised.append(promised)
            return promised[1]
        future = super().run_in_executor(executor, func, *args)
        self._in_executors += 1
        future.add_done_callback(self._back_from_executor)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 -- asyncio's
        """Wait for the threads of `run_in_executor` to end."""
        self._in_executors += 1  # a thread does it
        try:
            await super().shutdown_default_executor()
        finally:
            self._in_executors -= 1

    def _back_from_executor(self, _future: asyncio.Future[Any]) -> None:
        self._in_executors -= 1

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def _write_to_self(self) -> None:
        """Called after a callback was handed over by `call_soon_threadsafe`."""
        self._handed_over.set()

    def _run_once(self) -> None:
        """One turn: what is ready now, and the timers that are due."""
        ready = self._ready
        if self._promised:
            self._keep_promises()
        if not ready and not self._stopping:
            self._wait()
        self._fire()
        self.turns_left -= 1
        if self.turns_left < 0:
            raise Endless(f"it still goes on after {self._virtual:g} s of virtual time: something repeats for ever")
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 -- what the loop's own turn does; there is no public way

    def _keep_promises(self) -> None:
        promised, self._promised = self._promised, []
        for done, future in promised:
            error = done.exception()
            if future.cancelled():
                continue
            if error is None:
                future.set_result(done.result())
            else:
                future.set_exception(error)

    def _wait(self) -> None:
        """Nothing is ready: wait for threads, or move on to the next timer.

        A moment at a time, as a thread counts as busy a moment longer than its callback takes.
        """
        while threads_to_begin() > 0 and not self._ready:  # as in real time, where a call takes longer than to begin it
            sleep(_INSTANT)
        while self._wait_for_threads and (self._in_executors > 0 or busy_threads() > 0):
            self._handed_over.wait(_MOMENT)
            self._handed_over.clear()
            if self._ready:
                return
        if self._ready:  # handed over just before the thread ended
            return
        timers = self._timers
        while timers and timers[0][3].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise Deadlock("everything waits, and no timer is set that could wake anything")
        self._virtual = max(self._virtual, timers[0][3].when())

    def _fire(self) -> None:
        timers = self._timers
        now = round(self._virtual * _NANO)
        while timers and timers[0][0] <= now:
            timer = heapq.heappop(timers)[3]
            if not timer.cancelled():
                self._virtual = max(self._virtual, timer.when())
                self._ready.append(timer)


def run(main: Coroutine[Any, Any, T], *, wait_for_threads: bool = True, seed: int | None = None) -> T:
    """Run a coroutine as `asyncio.run` does, in virtual time.

        def test_a_timeout() -> None:
            result = virtual.run(agent.execute(plan))     # minutes of sleeping tools, no waiting

    `seed`: the order of what happens at the same instant; see `VirtualLoop`.

    Raises:
        Deadlock: everything waits and no timer is set. What waits is in the traceback of the pending tasks.
    """

    def make() -> VirtualLoop:
        return VirtualLoop(seed=seed, wait_for_threads=wait_for_threads)

    with asyncio.Runner(loop_factory=make) as runner:
        return run_in(runner, main)
