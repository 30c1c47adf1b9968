"""A run that is going on: its events as they happen, and its result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import Any, Final, Generic

from superscalar.compiler.interrupts import Interrupted, interruptible
from superscalar.compiler.result import AnswerT, RunResult
from superscalar.compiler.telling import Telling
from superscalar.errors import UsageError
from superscalar.events import Event
from superscalar.kept import ROWS, KeptEvents
from superscalar.observe.log import run_logger

LOADING: Final = ContextVar("LOADING", default=False)
"""Whether a file is being loaded for what it defines: no run begins then."""


class RunWhileLoading(UsageError):
    """A file runs an agent at its top level, and was loaded for its tools or its agent."""


class Log:
    """The events of one run, in order, and whoever waits for the next.

    `tell` takes out of each event what is secret. `keep` hears of it first: what raises there has not happened.
    `observe` and `logger` hear of it last. `leave`: the run is to be left to another process.
    """

    def __init__(self) -> None:
        self.events = KeptEvents()
        self.closed = False
        self.tell: Telling | None = None
        self.keep: Callable[[Event], None] | None = None
        self.observe: Callable[[Event], None] | None = None
        self.logger = run_logger(self.events)
        self.leave: Callable[[], None] = _stay
        self._waiting: list[asyncio.Future[None]] = []

    def record(self, event: Event) -> Event:
        """Append a fact, and return it as everybody is told it."""
        if self.tell is not None:
            event = self.tell(event)
        leaving: Iterable[Event] = ()
        logger = self.logger
        if self.keep is not None or self.observe is not None or (logger is not None and type(event) in logger.wanted):
            leaving = (event,) if self.tell is None else tuple(self.tell.leaving(event))
        if self.keep is not None:
            for told in leaving:
                self.keep(told)
        values = self.events.values  # `KeptEvents.append`, written out: it is done for every fact
        values += ROWS[type(event)](event)
        if self._waiting:
            self._wake()
        if self.observe is not None:
            for told in leaving:
                self.observe(told)
        if logger is not None:
            for told in leaving:
                if type(told) in logger.wanted:
                    logger(told)
        return event

    def recorder(self) -> Callable[[Event], Event]:
        """What a run records facts with that no journal has: `record`, or where nobody hears of one, a shorter way.

        Ask once it is known who hears of them.
        """
        if self.tell is not None or self.observe is not None or self.logger is not None:
            return self.record
        values, rows = self.events.values, ROWS

        def append(event: Event) -> Event:
            values.extend(rows[type(event)](event))
            if self._waiting:
                self._wake()
            return event

        return append

    def over(self) -> None:
        """The run is over: it is not held any more, and cannot be left."""
        self.leave = _stay

    def close(self) -> None:
        """Nothing more will happen."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def follow(self) -> AsyncIterator[Event]:
        """Every event from the first on, then those to come, until the log is closed."""
        position = 0
        while True:
            while position < len(self.events):
                yield self.events[position]
                position += 1
            if self.closed:
                return
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future


def _stay() -> None:
    """What leaving a run comes to that is not under way."""


class RunStream(Generic[AnswerT]):
    """Iterate over it for events; ask `result()` for the end.

    Leaving the `async with` block cancels what still runs and waits for it to end.

        async with agent.stream("Which is dearest?") as run:
            async for event in run:
                print(event)
            result = await run.result()

    Every iteration sees all events from the beginning, and raises then what the run raised, as `result()` does; where
    the run was cancelled it just ends. The run starts with the first of these calls. Without the block, a run ends too
    when nobody is left who follows it: when the last iteration is left early (`break`) and nobody awaits `result()`, or
    when the stream is forgotten.
    """

    def __init__(self, main: Callable[[Log], Coroutine[Any, Any, RunResult[AnswerT]]]) -> None:
        self._main = main
        self._log = Log()
        self._task: asyncio.Task[RunResult[AnswerT]] | None = None
        self._followers = 0  # blocks, iterations and calls of `result` that are open
        self._left = False
        self._suspended = False

    def __repr__(self) -> str:
        state = "not begun" if self._task is None else "over" if self._task.done() else "under way"
        return f"<{type(self).__name__}: {state}, {len(self._log.events):,} events>"

    @property
    def events(self) -> tuple[Event, ...]:
        """Return what has happened so far."""
        return tuple(self._log.events)

    def _started(self) -> asyncio.Task[RunResult[AnswerT]]:
        if self._task is None:
            if LOADING.get():
                raise RunWhileLoading("put what runs an agent under `if __name__ == '__main__':`")
            log = self._log
            self._task = asyncio.get_running_loop().create_task(
                interruptible(partial(self._main, log)), name="superscalar run"
            )
            self._task.add_done_callback(lambda _: log.close())  # even if it is cancelled before it begins
        return self._task

    async def result(self) -> RunResult[AnswerT]:
        """Wait for the result. Cancelling this does not cancel the run; leaving the block does.

        Raises:
            PlanError: the plan has errors that the planner did not repair.
            ModelError: a model failed.
            JoinError: the joiner gave no usable answer.
            NotApproved, ApprovalPending: as for `LLMCompiler.run`.
            UsageError: the run was ended since everybody had left it.
        """
        task = self._started()
        self._followers += 1
        try:
            return await asyncio.shield(task)
        except Interrupted:
            raise KeyboardInterrupt from None
        except asyncio.CancelledError:
            if self._left and task.cancelled():
                raise UsageError(
                    "the run was ended when its events were left early and nobody waited for its result; to do both, "
                    "write async with agent.stream(...) as run: ..."
                ) from None
            raise
        finally:
            self._followers -= 1

    def suspend(self) -> None:
        """Begin to leave a run that is recorded to another process; leaving the block waits until that is done.

        Nothing more starts, and what is being read is dropped. A write that is under way has the grace period to end;
        of one that has not, nobody knows whether it happened. The run has not ended then: `resume` goes on with it. A
        run that is not recorded is cancelled.
        """
        task = self._started()
        if not self._suspended:
            self._suspended = True
            self._log.leave()
            task.cancel()

    async def cancel(self) -> None:
        """Stop the run and wait until nothing of it is left running (for at most the grace period)."""
        task = self._started()
        task.cancel()
        await asyncio.wait([task])

    def __aiter__(self) -> AsyncIterator[Event]:
        self._task = self._started()
        return self._followed()

    async def _followed(self) -> AsyncIterator[Event]:
        self._followers += 1
        try:
            async for event in self._log.follow():
                yield event
            self._raise_what_failed()
        finally:
            self._followers -= 1
            await self._end_unless_followed()

    async def _end_unless_followed(self) -> None:
        task = self._started()
        if self._followers or task.done():
            return
        self._left = True
        task.cancel()
        await asyncio.wait([task])

    async def __aenter__(self) -> RunStream[AnswerT]:
        self._task = self._started()
        self._followers += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._followers -= 1
        task = self._started()
        if not task.done():
            if not self._suspended:  # else it ends already, and once more would be a hurry
                task.cancel()
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError:  # a second cancellation: hurry, but never leave anything running
                    task.cancel()
        if not task.cancelled():
            task.exception()  # seen: whoever wanted it has asked `result`
        if error is None:
            self._raise_interrupt()

    def _raise_what_failed(self) -> None:
        self._raise_interrupt()
        if (error := self._error) is not None:
            raise error

    def _raise_interrupt(self) -> None:
        if isinstance(self._error, Interrupted):
            raise KeyboardInterrupt

    @property
    def _error(self) -> BaseException | None:
        """What the run raised, if it is over and was not cancelled."""
        task = self._task
        return None if task is None or not task.done() or task.cancelled() else task.exception()

    def __del__(self) -> None:
        """Nobody can follow it any more: it ends."""
        task = getattr(self, "_task", None)
        if task is not None and not task.done():
            with suppress(RuntimeError):  # its event loop was closed
                task.get_loop().call_soon_threadsafe(task.cancel)
