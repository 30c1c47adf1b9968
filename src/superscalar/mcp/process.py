"""A server that runs as a process of ours: its messages over its standard streams, and its end with all its children.

The SDK's own transport lets children of the server live that outlast it, and nobody know its process; so this one
starts it as the leader of a group, ends that group as a whole, and logs what it writes to standard error.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio
from mcp.client.stdio import StdioServerParameters, get_default_environment, stdio_client
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from superscalar.forks import in_child
from superscalar.mcp.config import ServerConfig
from superscalar.short import cut
from superscalar.unseen import revealed

GRACE: Final = 1.0
"""Seconds that a server has to end when its input does, and again when it is told to."""

_LINE: Final = 1_000  # characters of a line of standard error that are logged
_DRAINS: Final = 0.2  # seconds for what is left of a process that has ended: in its pipe, and of its group
_STEP: Final = 0.02  # seconds between two looks at whether a group is gone
_LOG: Final = logging.getLogger("superscalar.mcp")

_alive: set[int] = set()
"""The groups that are to be ended before this process is. None of them is a forked child's."""

in_child(_alive.clear)


@asynccontextmanager
async def process_streams(server: ServerConfig, longest: int) -> AsyncIterator[tuple[Any, Any]]:
    """Run the server, with the streams of its messages, as a transport of the SDK. `longest`: bytes of one of them.

    Raises:
        OSError: it cannot be run.
    """
    environment = {**get_default_environment(), **server.env}
    if sys.platform == "win32":  # no groups of processes: the SDK has a job there instead
        given = StdioServerParameters(
            command=server.command, args=list(server.args), env=dict(server.env), cwd=server.cwd
        )
        async with stdio_client(given) as streams:
            yield streams
        return
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: ProcessWatch(limit=longest, loop=loop),
        server.command,
        *server.args,
        env=environment,
        cwd=server.cwd,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    process = Process(transport, protocol, loop)
    _alive.add(process.pid)
    to_session, told = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_server, sent = anyio.create_memory_object_stream[SessionMessage](0)
    reading = asyncio.create_task(_read(server, process, to_session), name=f"what {server.name} writes")
    work = [
        reading,
        asyncio.create_task(_notice(protocol, reading), name=f"the end of {server.name}"),
        asyncio.create_task(_write(process, sent, to_session), name=f"what {server.name} is told"),
        asyncio.create_task(_log(server, process), name=f"the log of {server.name}"),
    ]
    try:
        yield told, to_server
    finally:
        to_server.close()
        told.close()
        await _end(process, protocol)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for stream in (to_session, sent):
            stream.close()
        with suppress(TimeoutError):  # a process that left the group may hold the pipes open
            await asyncio.wait_for(process.wait(), GRACE)
        transport.close()


class ProcessWatch(SubprocessStreamProtocol):
    """What asyncio tells of a process. `exited`: it has; its children may hold its pipes open all the same."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        """Note it."""
        super().process_exited()
        self.exited.set()


async def _notice(protocol: ProcessWatch, reading: asyncio.Task[None]) -> None:
    """End the reading when the process has ended, once what it had written by then was read."""
    await protocol.exited.wait()
    await asyncio.wait([reading], timeout=_DRAINS)
    reading.cancel()


async def _read(server: ServerConfig, process: Process, to_session: Any) -> None:
    """Hand on each line of standard output; the stream to the session is closed where that ends."""
    assert process.stdout is not None
    async with to_session:
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                _LOG.warning("%s wrote a message that is too long, and is left", server.name)
                return
            if not line:
                return
            if not line.strip():
                continue
            try:
                message: SessionMessage | Exception = SessionMessage(
                    jsonrpc_message_adapter.validate_json(line, by_name=False)
                )
            except ValueError:
                _LOG.info("%s wrote a line that is no message: %s", server.name, _told(server, line))
                continue
            try:
                await to_session.send(message)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                return


async def _write(process: Process, sent: Any, to_session: Any) -> None:
    """Tell the server each message; where it does not listen any more the session learns that its stream ended."""
    assert process.stdin is not None
    try:
        async with sent:
            async for message in sent:
                process.stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await process.stdin.drain()
    except OSError:
        await to_session.aclose()


async def _log(server: ServerConfig, process: Process) -> None:
    assert process.stderr is not None
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:  # a line without end: what there is of it is dropped
            continue
        if not line:
            return
        if text := _told(server, line):
            _LOG.info("%s: %s", server.name, text)


def _told(server: ServerConfig, line: bytes) -> str:
    return cut(revealed(server.scrub(line.decode("utf-8", "replace").rstrip())), _LINE)


async def _end(process: Process, protocol: ProcessWatch) -> None:
    """End the process and its group: first by the end of its input, then by signals. Being cancelled hurries it.

    What outlives a process that has ended by itself was forgotten by it, and has less time.
    """
    group = process.pid
    try:
        assert process.stdin is not None
        process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(protocol.exited.wait(), GRACE)
        grace = _DRAINS if protocol.exited.is_set() else GRACE
        _signal(group, signal.SIGTERM)
        for _ in range(int(grace / _STEP)):
            if not _signal(group, 0):
                break
            await asyncio.sleep(_STEP)
    finally:
        _signal(group, signal.SIGKILL)
        _alive.discard(group)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a group; whether there was somebody to get it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return False
    return True


@atexit.register
def _end_all() -> None:
    for group in list(_alive):
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
