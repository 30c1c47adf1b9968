"""A run that belongs to a gateway: it goes on whoever listens, and may be listened to again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from superscalar import events as ev
from superscalar.compiler.result import RunResult
from superscalar.compiler.stream import RunStream
from superscalar.events import Event
from superscalar.gateway.replies import CallsMade, OnCalls

_PACE: Final = 0.2
"""Seconds between two reports of one run to one client, at the least."""
_MOST_TOLD: Final = 3


class AttendedRun:
    """A run, with who listens to it.

    `over` is called once it has ended, is suspended or failed, in the event loop.
    """

    def __init__(self, id: str, principal: str, stream: RunStream[Any], over: Callable[[AttendedRun], None]) -> None:
        self.id = id
        self.principal = principal
        self.listeners = 0
        self._stream = stream
        self._changed = asyncio.Event()
        self._calls: dict[str, str] = {}  # by id: the tool of those under way, or ""
        self._ended = 0
        self._waits: Counter[str] = Counter()
        self._held: dict[str, str] = {}
        self._task = asyncio.get_running_loop().create_task(self._main(), name=f"gateway run {id}")
        self._task.add_done_callback(lambda _: over(self))

    @property
    def done(self) -> bool:
        """Whether it has come to anything."""
        return self._task.done()

    @property
    def error(self) -> BaseException | None:
        """What it raised; a run that was cancelled raised that."""
        if not self._task.done():
            return None
        return asyncio.CancelledError() if self._task.cancelled() else self._task.exception()

    @property
    def result(self) -> RunResult[Any]:
        """What it came to."""
        return self._task.result()

    async def listen(self, within: float | None, told: OnCalls | None) -> bool:
        """Wait until it is over, `within` so many seconds at the most; say whether it is."""
        loop = asyncio.get_running_loop()
        until = None if within is None else loop.time() + within
        self.listeners += 1
        try:
            while not self._task.done():
                left = None if until is None else until - loop.time()
                if left is not None and left <= 0:
                    return False
                if told is None:
                    await asyncio.wait([self._task], timeout=left)
                    continue
                changed = loop.create_task(self._changed.wait())
                try:
                    await asyncio.wait([self._task, changed], timeout=left, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
                if self._changed.is_set() and not self._task.done():
                    self._changed.clear()
                    told(self.made)
                    await asyncio.wait([self._task], timeout=_PACE if left is None else min(_PACE, left))
            return True
        finally:
            self.listeners -= 1

    async def cancel(self) -> None:
        """Stop it; nothing of it is left running then."""
        await self._stream.cancel()
        await asyncio.wait([self._task])

    async def leave(self) -> None:
        """Leave it to the gateway that is started next."""
        if not self._task.done():
            self._stream.suspend()
            await asyncio.wait([self._task])

    @property
    def made(self) -> CallsMade:
        """How far it is."""
        running = Counter(tool for tool in self._calls.values() if tool)
        said = [f"{tool} x{count}" if count > 1 else tool for tool, count in running.most_common(_MOST_TOLD)]
        if len(running) > _MOST_TOLD:
            said.append(f"{len(running) - _MOST_TOLD} more tools")
        parts = [f"running {', '.join(said)}"] if said else []
        waiting = Counter(self._held.values())
        parts += [f"{count} wait for {why}" for why, count in waiting.most_common(_MOST_TOLD)]
        return CallsMade(self._ended, max(len(self._calls), self._ended), "; ".join(parts) or "no call is running")

    async def _main(self) -> RunResult[Any]:
        async with self._stream as running:
            async for event in running:
                self._note(event)
            return await running.result()

    def _note(self, event: Event) -> None:
        match event:
            case ev.Started(id=id, tool=tool):
                self._calls[id] = tool
                self._held.pop(id, None)
            case ev.Succeeded(id=id) | ev.Failed(id=id) | ev.Skipped(id=id) | ev.Cancelled(id=id):
                self._held.pop(id, None)
                if not self._calls.get(id):
                    return
                self._calls[id] = ""
                self._ended += 1
            case ev.Waiting(id=id, limits=limits):
                self._held[id] = f"the limit {limits[0]}" if limits else "a limit"
            case ev.Decided(id=id, decision="ask"):
                self._held[id] = "a person"
            case ev.Approved(id=id):
                self._held.pop(id, None)
            case _:
                return
        self._changed.set()
