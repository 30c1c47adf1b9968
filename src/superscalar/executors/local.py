"""Calls run in this process: async tools on the event loop, the others in daemon threads of our own."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Final

from superscalar.errors import NotBegun
from superscalar.forks import in_child
from superscalar.tools.context import ToolContext
from superscalar.tools.execution import Channel, Direct, Invocation, Runner, in_threads
from superscalar.tools.tool import Tool

_IDLE_SECONDS = 5.0


class Local:
    """The executor of whoever names none.

    Cancelling a call cancels an async tool as asyncio does. A thread cannot be stopped: its `ToolContext.cancelled`
    becomes true, and the awaiting goes on until the function has returned, or until it is cancelled a second time.
    """

    def runner(self, tool: Tool[..., Any]) -> Runner:
        """What calls the tool's function."""
        function, parameter, is_async = tool.function, tool.context_parameter, tool.is_async

        def with_context(call: Invocation, channel: Channel) -> Awaitable[Any]:
            context: ToolContext[Any] = ToolContext(call, channel)
            arguments = {**call.arguments, parameter or "": context}
            return function(**arguments) if is_async else _in_thread(function, arguments, context)

        def in_a_thread(call: Invocation, _: Channel) -> Awaitable[Any]:
            return _in_thread(function, call.arguments, None)

        if is_async:
            return Direct(function) if parameter is None else with_context
        return in_threads(in_a_thread if parameter is None else with_context)


LOCAL: Final = Local()


async def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the user's returns: an async one runs on the event loop, any other in a thread, as tools do.

    Cancelling it is as for a tool (`Local`).
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
            future.set_exception(_RaisedInThread(error))

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

    try:
        job = _THREADS.submit(work)
    except (RuntimeError, MemoryError) as error:  # there are as many threads as the system allows
        raise NotBegun(f"it was not begun, as there is no thread for it: {error}") from error
    cancelled = False
    failed: BaseException
    while True:
        try:
            value = await asyncio.shield(future)
        except _RaisedInThread as raised:
            failed = raised.error
            break
        except asyncio.CancelledError:
            if _THREADS.give_up(job):
                raise NotBegun("it was given up before it had begun") from None
            if cancelled:
                future.cancel()  # nobody asks any more: what the function still comes to is not to be missed by asyncio
                raise
            cancelled = True
            if context is not None:
                context.cancelled = True
        else:
            return await value if inspect.isawaitable(value) else value
    try:
        raise failed  # out here: its causes are its own, and not this wrapper
    finally:
        del failed


class _RaisedInThread(Exception):
    """What a function in a thread raised. In a wrapper, since a future takes no StopIteration and no CancelledError."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class Job:
    """A function that is to be called in a thread, or was; `given_up` before that, it never is."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work

    def taken(self) -> Callable[[], None] | None:
        """The function, once: for whoever calls it, or keeps it from being called."""
        work, self._work = self._work, None
        return work


class DaemonThreads:
    """Threads that are made when needed, reused, and never keep the interpreter from ending.

    How many there are is bounded by who submits: calls of tools take part in a limit on them (`in_threads`). An idle
    one ends after five seconds. (The standard library's executor joins its threads at exit, and so hangs with a tool.)
    A forked child has none, and begins nothing that its parent wanted done.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin with no thread and no job."""
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._lock = Lock()
        self._idle = 0
        self.busy = 0
        self.to_begin = 0

    def submit(self, work: Callable[[], None]) -> Job:
        """Call `work`, which must not raise, in an idle thread or in a new one.

        Raises:
            RuntimeError, MemoryError: no thread can be had; it is not called, then or later.
        """
        job = Job(work)
        with self._lock:
            self.busy += 1
            self.to_begin += 1
            if self._idle > 0:
                self._idle -= 1
                self._jobs.put(job)
                return job
        try:
            Thread(target=self._serve, args=(job,), name="superscalar-tool", daemon=True).start()
        except BaseException:
            self.give_up(job)
            raise
        return job

    def give_up(self, job: Job) -> bool:
        """Keep a job from being begun; False if it was."""
        with self._lock:
            if job.taken() is None:
                return False
            self.busy -= 1
            self.to_begin -= 1
            return True

    def _serve(self, job: Job | None) -> None:
        while True:
            if job is None:
                try:
                    job = self._jobs.get(timeout=_IDLE_SECONDS)
                except Empty:
                    with self._lock:
                        if self._idle > 0:  # nobody counts on this thread
                            self._idle -= 1
                            return
                    continue
            with self._lock:
                work = job.taken()
                self.to_begin -= work is not None
            if work is not None:
                work()
            begun, job, work = work is not None, None, None  # what it refers to must not live as long as an idle thread
            with self._lock:
                self.busy -= begun
                self._idle += 1


_THREADS = DaemonThreads()
in_child(_THREADS.forget)


def busy_threads() -> int:
    """How many functions are being run in threads now, by all runs of the process."""
    return _THREADS.busy


def threads_to_begin() -> int:
    """How many functions are to be run in threads that have not come to them yet."""
    return _THREADS.to_begin
