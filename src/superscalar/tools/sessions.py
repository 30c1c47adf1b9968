"""What must be open while tools are called: entered by the first who needs it, left after the last."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from superscalar.errors import ToolsetError, UsageError
from superscalar.secrets import without_queries

CLOSES: Final = 10.0
"""Seconds that what was opened has to close; then it is cancelled."""

CANCELLED: Final = 2.0
"""Seconds that it has to end when it is cancelled; then it is left alone."""

_LOG = logging.getLogger("superscalar.tools")


class Sessions:
    """The sessions of a toolset, one on each event loop that has somebody who needs it.

    Each is entered and left in one asyncio task of its own, since what is cancelled as a group (anyio's task groups)
    allows nothing else. `what` it is that is opened, for messages. `bounded`: it has so many seconds to close; what
    only opens and closes others has as long as they have.
    """

    def __init__(self, session: Callable[[], AbstractAsyncContextManager[object]], what: str, bounded: bool) -> None:
        self._session = session
        self._what = what
        self._bounded = bounded
        self._open: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Session] = weakref.WeakKeyDictionary()

    async def enter(self) -> None:
        """Need it: it is open when this returns. Where it cannot be opened, or this is cancelled, nothing is left open.

        Raises:
            ToolsetError: it could not be opened.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            self._open[loop] = _Session(self._session, self._what, self._bounded)
        session = self._open[loop]
        try:
            await session.enter()
        except BaseException:
            self._forget(loop, session)
            raise

    async def leave(self) -> None:
        """Need it no longer: when nobody does, it is closed when this returns, or left alone.

        Raises:
            UsageError: nobody needs it on this event loop.
        """
        loop = asyncio.get_running_loop()
        if (session := self._open.get(loop)) is None:
            raise UsageError(f"{self._what} is not open on this event loop: enter and leave it on one")
        try:
            await session.leave()
        finally:
            self._forget(loop, session)

    def _forget(self, loop: asyncio.AbstractEventLoop, session: _Session) -> None:
        """Its task knows the event loop: kept here, it would keep that for as long as there is the toolset."""
        if not session.users and self._open.get(loop) is session:
            del self._open[loop]


class _Session:
    """The session of one event loop, opened again when it is needed again. `users`: how many need it."""

    def __init__(self, session: Callable[[], AbstractAsyncContextManager[object]], what: str, bounded: bool) -> None:
        self._session = session
        self._what = what
        self._bounded = bounded
        self.users = 0
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None]
        self._unneeded: asyncio.Event
        self._over: asyncio.Event  # it has ended, or is left alone

    async def enter(self) -> None:
        self.users += 1
        try:
            while self._task is not None and not self._task.done() and self._unneeded.is_set():
                await self._over.wait()  # it is just being left
            if self._task is None or self._task.done():  # the first time, again, or since it died
                self._ready = asyncio.get_running_loop().create_future()
                self._unneeded = asyncio.Event()
                self._over = over = asyncio.Event()
                kept = self._kept(self._ready, self._unneeded)
                self._task = asyncio.create_task(kept, name=f"superscalar session of {self._what}")
                self._task.add_done_callback(lambda _: over.set())
            await asyncio.shield(self._ready)
        except BaseException:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Being cancelled meanwhile hurries it, and is raised afterwards. What does not end is left alone."""
        self.users -= 1
        if self.users or self._task is None:
            return
        task, cancelled = self._task, False
        self._unneeded.set()
        hurried = not self._ready.done()
        while not task.done():
            if hurried:
                task.cancel()
            within = (CANCELLED if hurried else CLOSES) if self._bounded else None
            try:
                await asyncio.wait([task], timeout=within)
            except asyncio.CancelledError:
                cancelled = hurried = True
                continue
            if not task.done():
                if hurried:
                    _LOG.warning("%s does not close, and is left as it is", self._what)
                    self._task = None
                    self._over.set()
                    break
                _LOG.warning("%s has not closed for %g seconds, and is cancelled", self._what, CLOSES)
                hurried = True
        if cancelled:
            raise asyncio.CancelledError

    async def _kept(self, ready: asyncio.Future[None], unneeded: asyncio.Event) -> None:
        try:
            async with self._session():
                ready.set_result(None)
                await unneeded.wait()
        except asyncio.CancelledError:
            if not unneeded.is_set():
                self._failed(ready, ToolsetError(f"{self._what} was cancelled by what it had opened"))
        except ToolsetError as error:  # of one of several sets, and it says of which
            self._failed(ready, error)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 -- whoever wrote the toolset may raise anything
            why = without_queries(f"{type(error).__name__}: {error}")
            failed = ToolsetError(f"{self._what} could not be opened: {why}")
            failed.__cause__ = error
            self._failed(ready, failed)
        finally:
            ready.cancel()  # unless it is done

    def _failed(self, ready: asyncio.Future[None], error: ToolsetError) -> None:
        if ready.done():  # no run ends for that: its calls say themselves what is wrong
            _LOG.warning("%s did not stay open, or was not closed well", self._what, exc_info=error.__cause__ or error)
        else:
            ready.set_exception(error)
            ready.exception()  # seen, also where nobody is left who waits for it
