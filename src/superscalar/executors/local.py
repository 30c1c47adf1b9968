"""Calls run in this process: async tools on the event loop, the others in daemon threads of our own."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from superscalar.tools.context import ToolContext
from superscalar.tools.tool import Tool

_IDLE_SECONDS = 5.0


def invoke(tool: Tool[..., Any], arguments: dict[str, Any], context: ToolContext[Any] | None) -> Awaitable[Any]:
    """The running of one call, to be awaited.

    Cancelling it cancels an async tool as asyncio does. A thread cannot be stopped: its `ToolContext.cancelled` becomes
    true, and the awaiting goes on until the function has returned, or until it is cancelled a second time.
    """
    if tool.is_async:
        result: Awaitable[Any] = tool.function(**arguments)
        return result
    return _in_thread(tool.function, arguments, context)


async def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the user's returns: an async one runs on the event loop, any other in a thread, as tools do.

    Cancelling it is as for `invoke`.
    """
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        return await function(*arguments)
    return await _in_thread(partial(function, *arguments), {}, None)


async def _in_thread(function: Callable[..., Any], arguments: dict[str, Any], context: ToolContext[Any] | None) -> Any:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    variables = contextvars.copy_context()

    def deliver(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(_Raised(error))

    def work() -> None:
        value, error = None, None
        try:
            value = variables.run(function, **arguments)
        except BaseException as raised:  # noqa: BLE001 -- whatever it is, it belongs to the task, not to this thread
            error = raised
        try:
            loop.call_soon_threadsafe(deliver, value, error)
        except RuntimeError:  # the loop closed: the run ended without this call, which was named abandoned there
            return

    _THREADS.submit(work)
    cancelled = False
    while True:
        try:
            value = await asyncio.shield(future)
        except _Raised as raised:
            raise raised.error from raised.error.__cause__  # its own, and not this wrapper
        except asyncio.CancelledError:
            if cancelled:
                future.cancel()  # nobody asks any more: what the function still comes to is not to be missed by asyncio
                raise
            cancelled = True
            if context is not None:
                context.cancelled = True
        else:
            return await value if inspect.isawaitable(value) else value


class _Raised(Exception):
    """What a function in a thread raised. In a wrapper, since a future takes no StopIteration and no CancelledError."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class DaemonThreads:
    """Threads that are made when needed, reused, and never keep the interpreter from ending.

    How many there are is bounded by who submits: a run never has more calls than its `max_concurrency`. An idle one
    ends after five seconds. (The standard library's executor joins its threads at exit, and so hangs with a tool.)
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = Lock()
        self._idle = 0
        self.busy = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job`, which must not raise, in an idle thread or in a new one."""
        with self._lock:
            self.busy += 1
            fresh = self._idle == 0
            if not fresh:
                self._idle -= 1
        self._jobs.put(job)
        if fresh:
            Thread(target=self._serve, name="superscalar-tool", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._idle > 0:  # nobody counts on this thread
                        self._idle -= 1
                        return
                continue
            job()
            del job  # what it refers to must not live as long as an idle thread
            with self._lock:
                self.busy -= 1
                self._idle += 1


_THREADS = DaemonThreads()


def busy_threads() -> int:
    """How many functions are being run in threads now, by all runs of the process."""
    return _THREADS.busy
