"""What the parts of a unit share: its event loop, whom they tell what happened, and who waits for that."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Coroutine
from typing import Any

from superscalar import events


class Course:
    """The course of a run on its event loop.

    What comes of calls and of questions is told with `happened`; `pump` does what follows from it. `now` is the loop's
    clock, called directly where it is asyncio's own. `variables` are those of whoever started the run. `plain`: an
    `asyncio.Task` is what `create_task` makes, which takes a microsecond more. `bug`: the first one of ours.
    """

    def __init__(self, happened: Callable[[events.Event], None], pump: Callable[[], None]) -> None:
        self.happened = happened
        self.pump = pump
        self.loop = asyncio.get_running_loop()
        own = type(self.loop).time is asyncio.BaseEventLoop.time
        self.now: Callable[[], float] = time.monotonic if own else self.loop.time
        self.variables = contextvars.copy_context()
        self.plain = self.loop.get_task_factory() is None
        self._wakeup: asyncio.Future[None] | None = None
        self.bug: BaseException | None = None

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """An asyncio task; it sees the variables of whoever started the run."""
        return self.loop.create_task(work, name=name, context=self.variables.copy())

    async def woken(self) -> None:
        """Wait for the next `wake`."""
        self._wakeup = self.loop.create_future()
        await self._wakeup

    def wake(self) -> None:
        """Have whoever waits look again."""
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)

    def fail(self, bug: BaseException) -> None:
        """Keep a bug of ours, which must not vanish in an asyncio task or a callback: `settle` raises it."""
        self.bug = self.bug or bug
        self.wake()
