"""The time that a model has, which is given again as far as it passed while this process did not look."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Within:
    """`asyncio.timeout_at`, but for a timer that fires late: then it was not the model that was waited for, but us.

    The process was stopped, the machine slept, or something kept the event loop busy. So that much is given again, once
    and never more than the whole; what has arrived meanwhile is taken in first. `latest` is kept all the same.

        async with Within(loop.time() + 30.0) as clock:
            ...
    """

    def __init__(self, when: float | None, *, latest: float | None = None) -> None:
        self._when = when
        self._latest = latest
        self._loop = asyncio.get_running_loop()
        self._scope = asyncio.timeout_at(None)
        self._timer: asyncio.TimerHandle | None = None
        self._given = False

    async def __aenter__(self) -> Within:
        await self._scope.__aenter__()
        self.reschedule(self._when)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._scope.__aexit__(kind, error, traceback)

    def reschedule(self, when: float | None) -> None:
        """Have it end at another time; None is never."""
        if self._timer is not None:
            self._timer.cancel()
        self._given = False
        whole = 0.0 if when is None else when - self._loop.time()
        self._timer = None if when is None else self._loop.call_at(when, self._look, when, whole)

    def _look(self, when: float, whole: float) -> None:
        now = self._loop.time()
        again = now + min(now - when, whole)
        if self._latest is not None:
            again = min(again, self._latest)
        if again > now and not self._given:
            self._given = True
            self._timer = self._loop.call_at(again, self._look, again, whole)
        else:
            self._scope.reschedule(now)  # in the next turn


def within(seconds: float | None) -> Within:
    """The same from now on."""
    return Within(None if seconds is None else asyncio.get_running_loop().time() + seconds)
