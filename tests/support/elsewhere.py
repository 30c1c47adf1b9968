"""An executor in another process: calls are sent there and values back, pickled, and both sides have one virtual time.

The other side does what it can do now, says what came of it and when it wants to go on, and waits. A call costs no time
that way, and what happens in which order is always the same.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from time import sleep
from typing import Any

from superscalar import NotDone, RateLimited, Tool, ToolContext, tool
from superscalar.errors import NotBegun
from superscalar.executors import (
    LOCAL,
    Channel,
    Invocation,
    Runner,
    address_of,
    check_sendable,
    function_at,
    raised_elsewhere,
    told_of,
)
from superscalar.executors.local import busy_threads, threads_to_begin
from superscalar.testing import VirtualLoop
from superscalar.values import Usage

PATIENCE = 30.0
"""Seconds of this world in which the other process has to say something."""

Order = tuple[str, int, Any]  # what is to be done, to which call, and with what
Said = tuple[int, str, Any]  # of which call, what it is, and itself

# ------------------------------------------------------------------------------------------------------ on this side


class Elsewhere:
    """Runs calls in another process, which imports what they call."""

    def __init__(self) -> None:
        self._worker: _Worker | None = None
        self.addresses: dict[str, str] = {}

    def runner(self, tool: Tool[..., Any]) -> Runner:
        """Sends the calls of a tool; it must be there, and take what can be sent."""
        check_sendable(tool)
        return self._sending(address_of(tool), tool)

    def _sending(self, where: Any, tool: Tool[..., Any]) -> Runner:
        async def run(call: Invocation, channel: Channel) -> Any:
            return await self.worker().run(where, call, channel, tool.retry.classes)

        return run

    def worker(self) -> _Worker:
        """The process that runs the calls of this loop."""
        loop = asyncio.get_running_loop()
        if self._worker is None:
            self._worker = _Worker(*self._begun())
        self._worker.follow(loop)
        return self._worker

    def _begun(self) -> tuple[Connection, Callable[[], None]]:
        ours, theirs = multiprocessing.Pipe()
        program = (
            f"import sys; sys.path[:] = {sys.path!r}; from support.elsewhere import serve; serve({theirs.fileno()})"
        )
        process = subprocess.Popen([sys.executable, "-c", program], pass_fds=[theirs.fileno()])
        theirs.close()

        def end() -> None:
            process.kill()
            process.wait()

        return ours, end

    def end(self) -> None:
        """End the process; the next call begins another one."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None


class Inherited(Elsewhere):
    """The same in a process that is forked where a run makes its first call: whatever that calls is there already.

    What the functions of a test write into their variables is brought back, so that a test can look at it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tools: list[Tool[..., Any]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def runner(self, tool: Tool[..., Any]) -> Runner:
        self._tools.append(tool)
        return self._sending(len(self._tools) - 1, tool)

    def worker(self) -> _Worker:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self.end()
            self._loop = loop
        worker = super().worker()
        worker.remember = self._remember
        return worker

    def _begun(self) -> tuple[Connection, Callable[[], None]]:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=_forked, args=(ours, theirs, self._tools))
        process.daemon = True
        process.start()
        theirs.close()

        def end() -> None:
            process.kill()
            process.join()

        return ours, end

    def _remember(self, memory: Mapping[tuple[int, int], Any]) -> None:
        for (number, at), new in memory.items():
            cell = _cells(self._tools[number])[at]
            cell.cell_contents = _brought(cell.cell_contents, new)


@dataclass(slots=True)
class _Worker:
    """The other process, as it is seen from here."""

    connection: Connection
    kill: Callable[[], None]
    loop: asyncio.AbstractEventLoop | None = None
    timer: asyncio.TimerHandle | None = None
    remember: Callable[[Any], None] = lambda _: None
    calls: dict[int, tuple[asyncio.Future[tuple[str, Any]], Channel]] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=count)

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on in this loop, whose time begins at 0; what an earlier one left undone is forgotten."""
        if loop is not self.loop:
            first, self.loop, self.timer = self.loop is None, loop, None
            self.calls.clear()
            if not first:
                self.connection.send((0.0, ("forget", 0, None)))
            self._listen()

    async def run(self, where: Any, call: Invocation, channel: Channel, known: Collection[type[BaseException]]) -> Any:
        assert self.loop is not None
        try:
            sent = pickle.dumps((where, call, channel.context))
        except Exception as error:
            raise NotBegun(f"what it is called with cannot be sent: {error}") from error
        number, done = next(self.numbers), self.loop.create_future()
        self.calls[number] = done, channel
        self.say(("call", number, sent))
        told = False
        try:
            while True:
                try:
                    kind, said = await asyncio.shield(done)
                except asyncio.CancelledError:
                    self.say(("cancel", number, None))
                    if told:
                        raise
                    told = True
                else:
                    if kind == "value":
                        return pickle.loads(said)
                    raise raised_elsewhere(said, known)
        finally:
            self.calls.pop(number, None)
            done.cancel()

    def say(self, order: Order | None) -> None:
        """Tell it what to do, or None, that time has passed; and hear what comes of that."""
        assert self.loop is not None
        try:
            self.connection.send((self.loop.time(), order))
        except OSError:
            self._gone()
            return
        self._listen()

    def _listen(self) -> None:
        assert self.loop is not None
        try:
            if not self.connection.poll(PATIENCE):
                self.kill()
            said, memory, wake = self.connection.recv()
        except (EOFError, OSError):
            self._gone()
            return
        self.remember(memory)
        for number, kind, what in said:
            if number in self.calls:
                self._heard(*self.calls[number], kind, what)
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None if wake is None else self.loop.call_at(wake, self.say, None)

    def _heard(self, done: asyncio.Future[tuple[str, Any]], channel: Channel, kind: str, what: Any) -> None:
        match kind:
            case "progress":
                channel.progress(*what)
            case "charge":
                channel.charge(*what)
            case "used":
                channel.used(what)
            case "asked":
                channel.asked(what)
            case _:
                done.get_loop().call_soon(_settle, done, (kind, what))  # nothing arrives before it was sent

    def _gone(self) -> None:
        for done, _ in self.calls.values():
            _settle(done, ("raised", {"type": "WorkerGone", "text": "the process that ran it has ended"}))

    def end(self) -> None:
        self.connection.close()
        self.kill()


def _settle(done: asyncio.Future[tuple[str, Any]], what: tuple[str, Any]) -> None:
    if not done.done():
        done.set_result(what)


# ---------------------------------------------------------------------------------------------------- on the other side


class _Follower(VirtualLoop):
    """A loop whose time is told: where nothing is left to do it says what came of all, and hears how it goes on."""

    def __init__(self, connection: Connection, tools: list[Tool[..., Any]] | None) -> None:
        super().__init__()
        self._connection = connection
        self._tools = tools
        self._found: dict[str, Tool[..., Any]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.said: list[Said] = []

    def _wait(self) -> None:
        while threads_to_begin() > 0 and not self._ready:
            sleep(0.0001)
        while (self._in_executors > 0 or busy_threads() > 0) and not self._ready:
            self._handed_over.wait(0.01)
            self._handed_over.clear()
        if self._ready:
            return
        timers = self.open_timers
        said, self.said = self.said, []
        self._connection.send((said, self._memory(), timers[0].when() if timers else None))
        self._virtual, order = self._connection.recv()
        match order:
            case ("call", number, sent):
                self._tasks[number] = self.create_task(self._call(number, sent))
            case ("cancel", number, _) if number in self._tasks:
                self._tasks[number].cancel()
            case ("forget", _, _):
                self.stop()
            case _:  # time has passed; or a call has ended meanwhile
                pass

    async def _call(self, number: int, sent: bytes) -> None:
        try:
            where, call, context = pickle.loads(sent)
            made = self._tools[where] if self._tools is not None else self._at(where)
            value = pickle.dumps(await LOCAL.runner(made)(call, _Sending(self, number, context)))
        except BaseException as error:  # noqa: BLE001 -- a tool may raise anything
            self.said.append((number, "raised", told_of(error)))
        else:
            self.said.append((number, "value", value))
        self._tasks.pop(number, None)

    def _at(self, address: str) -> Tool[..., Any]:
        if address not in self._found:
            self._found[address] = tool(function_at(address))
        return self._found[address]

    def _memory(self) -> dict[tuple[int, int], Any]:
        found: dict[tuple[int, int], Any] = {}
        for number, one in enumerate(self._tools or ()):
            for at, cell in enumerate(_cells(one)):
                if (written := _written(cell)) is not None:
                    found[number, at] = written
        return found


def _cells(tool: Tool[..., Any]) -> tuple[Any, ...]:
    own = tool.batched.tool.function if tool.batched is not None else None
    return (getattr(tool.function, "__closure__", None) or ()) + (getattr(own, "__closure__", None) or ())


class _Parts(dict[str, Any]):
    """What stands in a test's own object, by attribute."""


def _written(cell: Any) -> Any:
    """What a test can look at in a variable of a tool's function; None of what cannot be sent."""
    try:
        value = cell.cell_contents
        if type(value).__module__.startswith(("test_", "support.")):
            names = getattr(type(value), "__slots__", None) or vars(value)
            parts = {name: getattr(value, name) for name in names}
            return _Parts({name: part for name, part in parts.items() if _plain(part)})
        return value if _plain(value) else None
    except ValueError:  # there is nothing in it
        return None


def _plain(value: Any) -> bool:
    try:
        return isinstance(value, list | dict | set | int | float | str) and bool(pickle.dumps(value))
    except Exception:  # noqa: BLE001 -- then nobody looks at it from outside
        return False


def _brought(old: Any, new: Any) -> Any:
    """The same variable with what was written into it elsewhere."""
    if isinstance(new, _Parts):
        for name, part in new.items():
            setattr(old, name, _brought(getattr(old, name), part))
    elif isinstance(old, list):
        old[:] = new
    elif isinstance(old, dict | set):
        old.clear()
        old.update(new)
    else:
        return new
    return old


@dataclass(frozen=True, slots=True)
class _Sending:
    """The channel of a call, on the other side."""

    loop: _Follower
    number: int
    context: Any
    seconds_left: float | None = None

    def progress(self, message: str, fraction: float | None = None) -> None:
        self._say("progress", (message, fraction))

    def charge(self, cost: float, tokens: int) -> None:
        self._say("charge", (cost, tokens))

    def asked(self, model: str) -> None:
        self._say("asked", model)

    def used(self, usage: Usage) -> None:
        self._say("used", usage)

    def _say(self, kind: str, what: Any) -> None:
        self.loop.said.append((self.number, kind, what))


def serve(descriptor: int) -> None:
    """Do what is said over this pipe, with functions that are imported."""
    _serve(Connection(descriptor), None)


def _forked(theirs: Connection, connection: Connection, tools: list[Tool[..., Any]]) -> None:
    theirs.close()
    _serve(connection, tools)


def _serve(connection: Connection, tools: list[Tool[..., Any]] | None) -> None:
    try:
        while True:
            loop = _Follower(connection, tools)
            asyncio.set_event_loop(loop)
            loop.run_forever()
    except (EOFError, OSError):  # whoever asked has ended
        os._exit(0)


# ----------------------------------------------------------------------------------------------- tools to be found here


@tool(effect="read")
async def double(number: int) -> int:
    """Twice the number."""
    return number * 2


@tool(effect="read")
def slowly(text: str, run: ToolContext[Any]) -> str:
    """Says how far it is, what it costs, and where it is run."""
    run.progress("half", 0.5)
    run.charge(0.25, tokens=3)
    run.used(Usage(input_tokens=5, requests=1))
    return f"{text} {run.context} {run.idempotency_key} {run.attempt} {os.getpid()}"


@tool(effect="write", retry=4)
async def sends(what: Any, wait: float = 0.0) -> str:
    """A write that takes its time."""
    await asyncio.sleep(wait)
    if what == "die":
        os._exit(1)
    return f"sent {what}"


class Odd(Exception):
    """Known here alone."""


@tool(effect="write")
def raises(name: str, text: str) -> None:
    """Raises one of these."""
    kinds = {"Odd": Odd, "NotDone": NotDone, "RateLimited": RateLimited, "ConnectionError": ConnectionError}
    raise kinds[name](text)
