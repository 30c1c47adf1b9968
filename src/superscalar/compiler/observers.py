"""Observers: who is told every event of the runs of an agent, without a say in them."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from superscalar import events
from superscalar.events import Event
from superscalar.executors import local
from superscalar.observe.observed import ObservedRun, Observer
from superscalar.values import twin_of

if TYPE_CHECKING:
    from superscalar.compiler.result import RunResult
    from superscalar.compiler.stream import Log

MOST: Final = 10_000
"""Events that wait for one observer, at most."""

HANGS: Final = 5.0
"""Seconds after which an observer that has not returned is said to hang."""

DRAINS: Final = 2.0
"""Seconds that the end of a run waits for its observers, at most."""

_LOG = logging.getLogger("superscalar.observers")


class Observers:
    """The observers of one run. Calling it with an event has each of them told, in order, whenever it has time.

    `past`: what had happened of a run that is resumed.
    """

    def __init__(self, observers: Iterable[Observer], past: Sequence[Event]) -> None:
        self._past = past
        self._feeds = [_Feed(observer) for observer in observers]
        self._begun = False

    def __call__(self, event: Event) -> None:
        """Have it told; this never waits, and never raises."""
        if not self._begun:
            self._begun = True
            for feed in self._feeds:
                for before in self._past:
                    feed.run.note(_own(before))
        for feed in self._feeds:
            feed.put(event)

    async def aclose(self) -> None:
        """Nothing more happens: wait for the observers to be told all, 2 seconds at most."""
        await asyncio.gather(*(feed.aclose() for feed in self._feeds))


class _Feed:
    """What waits for one observer, and the asyncio task that tells it."""

    def __init__(self, observer: Observer) -> None:
        self.run = ObservedRun()
        self._observer = observer
        self._name = _name_of(observer)
        called = type(observer).__call__  # an object whose __call__ is async is async
        self._is_async = inspect.iscoroutinefunction(observer) or inspect.iscoroutinefunction(called)
        self._waiting: deque[Event] = deque()
        self._told = 0
        self._said: set[str] = set()
        self._closed = False
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def put(self, event: Event) -> None:
        """One more; the end of a run has room always."""
        if len(self._waiting) >= MOST and not isinstance(event, events.RunEnded):
            self.run.dropped += 1
            self._report("drops", "the observer %s is too slow: of run %s events are dropped", self.run.id)
            return
        self._waiting.append(event)
        self._more.set()
        if self._task is None:
            self._task = asyncio.create_task(self._tell(), name=f"superscalar observer {self._name}")

    async def aclose(self) -> None:
        self._closed = True
        self._more.set()
        if self._task is None:
            return
        try:
            await asyncio.wait([self._task], timeout=0.0 if "hangs" in self._said else DRAINS)
        finally:
            if not self._task.done():
                left = len(self._waiting)
                self._waiting.clear()  # what is told in a thread ends with the present call
                self._task.cancel()
                self.run.dropped += left
                self._report("late", "the observer %s was not told %d events of run %s", left, self.run.id)

    async def _tell(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            if self._waiting:
                told = self._tell_async() if self._is_async else self._tell_plain()
                await self._watched(asyncio.ensure_future(told))
            if self._closed and not self._waiting:
                return

    async def _watched(self, telling: asyncio.Future[None]) -> None:
        """Wait until all is told, and say if that takes too long."""
        try:
            while not telling.done():
                before = self._told
                await asyncio.wait([telling], timeout=HANGS)
                if not telling.done() and self._told == before:
                    self._report("hangs", "the observer %s has not returned for %g seconds", HANGS)
            telling.result()
        except Exception as error:  # noqa: BLE001 -- there is no thread for it
            self._raised(error)
        except asyncio.CancelledError:
            for _ in range(2):  # the second time a function in a thread is not waited for
                telling.cancel()
                await asyncio.sleep(0)
            raise

    async def _tell_plain(self) -> None:
        """Tell a plain function; what it leaves to be waited for, as one around an async function does, is."""
        while left := await local.called(self._tell_all):
            for answer in left:
                await self._awaited(answer)

    def _tell_all(self) -> list[Awaitable[Any]]:
        """Tell a plain function, in a thread, all that waits and what comes meanwhile, until it leaves something."""
        while self._waiting:
            with suppress(IndexError):  # given up just now
                event = self._waiting.popleft()
                answer = None
                try:
                    answer = self._told_of(event)
                except BaseException as error:  # noqa: BLE001 -- whatever it raises, no run ends for that
                    self._raised(error)
                self._told += 1
                if inspect.isawaitable(answer):
                    return [answer]
        return []

    async def _tell_async(self) -> None:
        while self._waiting:
            await self._awaited(self._async_told_of(self._waiting.popleft()))
            self._told += 1

    async def _async_told_of(self, event: Event) -> None:
        if (answer := self._told_of(event)) is not None:
            await answer

    async def _awaited(self, answer: Awaitable[Any]) -> None:
        try:
            await answer
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if (own := asyncio.current_task()) is not None and own.cancelling():
                raise
            self._raised(error)

    def _told_of(self, event: Event) -> Any:
        """Call it with an event, whose values are copies: what it changes there shows nowhere else."""
        own = _own(event)
        self.run.note(own)
        return self._observer(own, self.run)

    def _raised(self, error: BaseException) -> None:
        self._report("raises", "the observer %s raised an error", error=error)

    def _report(self, what: str, message: str, *more: object, error: BaseException | None = None) -> None:
        """Say once what is wrong with it."""
        if what not in self._said:
            self._said.add(what)
            _LOG.warning(message, self._name, *more, exc_info=error)


def observed(
    main: Callable[[Log], Coroutine[Any, Any, RunResult]], observers: Sequence[Observer]
) -> Callable[[Log], Coroutine[Any, Any, RunResult]]:
    """A run whose observers are told of it, and which ends once they were."""
    if not observers:
        return main

    async def told(log: Log) -> RunResult:
        told_of = log.observe = Observers(observers, log.events)
        try:
            return await main(log)
        finally:
            await told_of.aclose()

    return told


def _own(event: Event) -> Event:
    """The event with copies of what is in it that can be changed."""
    match event:
        case events.Succeeded(value=value):
            return replace(event, value=twin_of(value))
        case events.Started(arguments=arguments):
            return replace(event, arguments=twin_of(dict(arguments)))
        case events.Decided(arguments=arguments) if arguments:
            return replace(event, arguments=twin_of(dict(arguments)))
        case events.Planned() | events.Waiting():  # facts that are frozen for type checkers only
            return replace(event)
        case events.Joined(answer=answer):
            return replace(event, answer=twin_of(answer))
        case _:
            return event


def _name_of(observer: Observer) -> str:
    """What it is called, whatever its class makes of being asked."""
    try:
        name = observer.__qualname__
    except Exception:  # noqa: BLE001 -- as any attribute of an object of any class
        name = None
    return name if isinstance(name, str) else type(observer).__name__
