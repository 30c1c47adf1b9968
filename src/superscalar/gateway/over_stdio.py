"""A gateway for the one host that started it: over the pipes of its process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, Self

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from superscalar.gateway.gateway import Gateway
from superscalar.gateway.serving import GatewayServer


async def serve_stdio(gateway: Gateway, secret: bytes) -> None:
    """Serve a gateway that is open until its host closes the pipe; what runs then is left, and not stopped."""
    server = GatewayServer(gateway, secret).server
    leaving = asyncio.create_task(_leave_on_signals(gateway))
    try:
        await _served(server, gateway)
    finally:
        leaving.cancel()


async def _served(server: Server[Any], gateway: Gateway) -> None:
    async with stdio_server() as (incoming, outgoing):
        # What tools print is no message; a text that is in a buffer now would be written when the pipe is given back.
        with redirect_stdout(sys.stderr):
            watched: Any = _WatchedStream(incoming, gateway.close)
            await server.run(watched, outgoing, server.create_initialization_options())


async def _leave_on_signals(gateway: Gateway) -> None:
    """End the process when it is told to: what runs is left to the gateway that is started next.

    It waits for no line of its host, which a thread reads that nothing can call back.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[int] = loop.create_future()

    def tell(number: int) -> None:
        if not told.done():
            told.set_result(number)

    for one in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(one, tell, one)
        except (NotImplementedError, ValueError, RuntimeError):  # no such thing here, or not in this thread
            return
    number = await told
    gateway.close()
    await gateway.leave()
    os._exit(128 + number)


class _WatchedStream:
    """What a host says, and a call once it says no more: before what is under way for it is cancelled."""

    def __init__(self, stream: Any, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._ended = ended

    @property
    def last_context(self) -> Any:
        return self._stream.last_context

    async def receive(self) -> Any:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._ended()
            raise

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._stream.__aexit__(*error)
