"""When event loops look again at who may start by then: one timer for each, on one clock."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

from superscalar.schedule.gate import NANO

_MICROSECOND = 1_000


class Alarms:
    """The next timer of each event loop. Times are in nanoseconds.

    Weak on both sides: a handle holds its loop, and a loop that is gone must not be kept by its own timer.
    """

    __slots__ = ("_handles",)

    def __init__(self) -> None:
        self._handles: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, weakref.ReferenceType[asyncio.TimerHandle]
        ] = weakref.WeakKeyDictionary()

    def __bool__(self) -> bool:
        return bool(self._handles)

    def set(
        self, loop: asyncio.AbstractEventLoop, when: int, ring: Callable[[asyncio.AbstractEventLoop], None]
    ) -> None:
        """Have `ring(loop)` called on the running loop, which has no other alarm then.

        A microsecond late, so that rounding never wakes us just before the time.
        """
        self.clear(loop)
        self._handles[loop] = weakref.ref(loop.call_at(_at(when), ring, loop))

    def clear(self, loop: asyncio.AbstractEventLoop) -> None:
        """It has rung, or is not needed."""
        if (found := self._handles.pop(loop, None)) is not None and (handle := found()) is not None:
            handle.cancel()

    def rings_by(self, loop: asyncio.AbstractEventLoop, when: int) -> bool:
        """Whether a loop looks again by itself, and not too late for `when`."""
        found = self._handles.get(loop)
        handle = None if found is None else found()
        return handle is not None and not handle.cancelled() and handle.when() <= _at(when)


def _at(when: int) -> float:
    return (when + _MICROSECOND) / NANO
