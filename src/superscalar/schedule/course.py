"""A run on its event loop: its clock, asyncio tasks that see its variables, and what wakes whoever waits for it."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Coroutine
from typing import Any


class Course:
    """What the parts of a unit share of the event loop.

    `now` is the loop's clock, called directly where it is asyncio's own. `variables` are those of whoever started the
    run. `plain`: nobody has a say in how asyncio tasks are made.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        own = type(self.loop).time is asyncio.BaseEventLoop.time
        self.now: Callable[[], float] = time.monotonic if own else self.loop.time
        self.variables = contextvars.copy_context()
        self.plain = self.loop.get_task_factory() is None
        self._wakeup: asyncio.Future[None] | None = None
        self._bug: BaseException | None = None

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """An asyncio task; it sees the variables of whoever started the run."""
        variables = self.variables.copy()
        if self.plain:  # what `create_task` comes to then, without the way there: a microsecond per call
            return asyncio.Task(work, loop=self.loop, name=name, context=variables)
        return self.loop.create_task(work, name=name, context=variables)

    def soon(self, work: Callable[..., None], *given: Any) -> asyncio.Handle:
        """Have this done in the next turn of the event loop; it sees the same variables."""
        return self.loop.call_soon(work, *given, context=self.variables)

    async def woken(self) -> None:
        """Wait for the next `wake`."""
        self._wakeup = self.loop.create_future()
        await self._wakeup

    def wake(self) -> None:
        """Have whoever waits look again."""
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def fail(self, bug: BaseException) -> None:
        """Keep a bug of ours for `raise_bug`: it must not vanish in an asyncio task or a callback of the loop."""
        self._bug = self._bug or bug
        self.wake()

    def raise_bug(self) -> None:
        """Raise the first bug that there was, if there was any."""
        if self._bug is not None:
            raise self._bug
