"""What must be open while tools are called: entered by the first who needs it, left after the last."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from superscalar.errors import ToolsetError
from superscalar.secrets import without_queries

_LOG = logging.getLogger("superscalar.tools")


class Sessions:
    """The sessions of a toolset, one on each event loop that has somebody who needs it.

    Each is entered and left in one asyncio task of its own, since what is cancelled as a group (anyio's task groups)
    allows nothing else. `what` it is that is opened, for messages.
    """

    def __init__(self, session: Callable[[], AbstractAsyncContextManager[object]], what: str) -> None:
        self._session = session
        self._what = what
        self._open: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Session] = weakref.WeakKeyDictionary()

    async def enter(self) -> None:
        """Need it: it is open when this returns. Where it cannot be opened, or this is cancelled, nothing is left open.

        Raises:
            ToolsetError: it could not be opened.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            self._open[loop] = _Session(self._session, self._what)
        await self._open[loop].enter()

    async def leave(self) -> None:
        """Need it no longer: when nobody does, it is closed when this returns."""
        await self._open[asyncio.get_running_loop()].leave()


class _Session:
    """The session of one event loop, opened again when it is needed again."""

    def __init__(self, session: Callable[[], AbstractAsyncContextManager[object]], what: str) -> None:
        self._session = session
        self._what = what
        self._users = 0
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None]
        self._unneeded: asyncio.Event

    async def enter(self) -> None:
        self._users += 1
        try:
            while self._task is not None and not self._task.done() and self._unneeded.is_set():
                await asyncio.wait([self._task])  # it is just being left
            if self._task is None or self._task.done():  # the first time, again, or since it died
                self._ready = asyncio.get_running_loop().create_future()
                self._unneeded = asyncio.Event()
                kept = self._kept(self._ready, self._unneeded)
                self._task = asyncio.create_task(kept, name=f"superscalar session of {self._what}")
            await asyncio.shield(self._ready)
        except BaseException:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Being cancelled meanwhile hurries it, and is raised afterwards."""
        self._users -= 1
        if self._users or self._task is None:
            return
        task, cancelled = self._task, False
        self._unneeded.set()
        if not self._ready.done():
            task.cancel()
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                cancelled = True
                task.cancel()
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
        except Exception as error:  # noqa: BLE001 -- whoever wrote the toolset may raise anything
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
