"""Ctrl-C where nobody else has seen to it: it ends the runs of the main thread, and then it is a `KeyboardInterrupt`.

`asyncio.run` does that by itself. A loop of one's own stops in the middle of whatever it was doing, and what was going
on there goes on, or is never heard of again.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class Interrupted(BaseException):
    """A run was ended by Ctrl-C. Whoever follows it raises `KeyboardInterrupt`; that, raised by an asyncio task, would
    stop the event loop before anybody could clean up."""


class _Heard:
    """One run that may be interrupted. It does not keep an event loop that nobody has any more."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = weakref.ref(task)
        self.interrupted = False

    def goes_on(self) -> bool:
        """Whether it can be told."""
        task = self._task()
        return task is not None and task.get_loop().is_running() and not self.interrupted

    def interrupt(self) -> None:
        """Cancel it."""
        self.interrupted = True
        if (task := self._task()) is not None:
            task.get_loop().call_soon_threadsafe(task.cancel)


_RUNS: dict[_Heard, None] = {}


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The first Ctrl-C cancels every run that goes on; one more, or one that finds none, is raised where it comes."""
    heard = [run for run in _RUNS if run.goes_on()]
    if not heard:
        signal.default_int_handler(number, frame)
    for run in heard:
        run.interrupt()


async def interruptible(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """A run to its end, in an asyncio task of its own.

    Raises:
        Interrupted: Ctrl-C has ended it, and it has settled as a cancelled run does.
    """
    task = asyncio.current_task()
    assert task is not None
    if threading.current_thread() is not threading.main_thread() or not _listen():
        return await run()
    heard = _Heard(task)
    _RUNS[heard] = None
    try:
        return await run()
    except asyncio.CancelledError:
        if heard.interrupted and not task.uncancel():
            raise Interrupted from None
        raise
    finally:
        del _RUNS[heard]
        if not _RUNS:
            with suppress(ValueError):  # it is finalized in another thread
                if signal.getsignal(signal.SIGINT) is _interrupt:
                    signal.signal(signal.SIGINT, signal.default_int_handler)


def _listen() -> bool:
    """Whether Ctrl-C comes here: not where somebody else wants it."""
    now = signal.getsignal(signal.SIGINT)
    if now is signal.default_int_handler:
        with suppress(ValueError):  # a main thread that is not the main interpreter's
            signal.signal(signal.SIGINT, _interrupt)
            return True
    return now is _interrupt


@contextmanager
def calling_on_interrupt(stop: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """While the main thread waits for a run in another one: have Ctrl-C call `stop`, and then do what it did before.

    Gives what says whether it came. Elsewhere than in the main thread nothing is done.
    """
    came = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: came
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        stop()
        if callable(before):
            before(number, frame)

    if not callable(before):  # it is ignored, or not Python's
        yield lambda: came
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
