"""A server on the loopback address that speaks streamed chat completions as each test scripts them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

_TURNS = 5


@dataclass
class Exchange:
    """One request, and the means to answer it."""

    body: dict[str, Any]
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    target: str = ""

    async def status(self, status: int, error: dict[str, Any], **headers: str) -> None:
        content = json.dumps({"error": error}).encode()
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(content)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await self.writer.drain()

    async def start(self) -> None:
        self.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await self.writer.drain()

    async def raw(self, content: bytes) -> None:
        self.writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        await self.writer.drain()

    async def events(self, *events: dict[str, Any], size: int = 1 << 16) -> None:
        """Send events, cut into pieces of `size` bytes wherever that falls."""
        content = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
        for place in range(0, len(content), size):
            await self.raw(content[place : place + size])

    async def done(self) -> None:
        await self.raw(b"data: [DONE]\n\n")
        await self.over()

    async def over(self) -> None:
        """End the response as HTTP wants it, and say nothing of the reply's end."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()


Script: TypeAlias = Callable[[Exchange], Awaitable[None]]


@dataclass
class FakeServer:
    url: str
    exchanges: list[Exchange] = field(default_factory=list)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)


def delta(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


def usage(prompt: int, cached: int, completion: int) -> dict[str, Any]:
    counted = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    details = {"prompt_tokens_details": {"cached_tokens": cached}}
    return {**delta(), "choices": [], "usage": {**counted, **details}}


def replying(pieces: Iterable[str], finish: str = "stop", size: int = 1 << 16) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(*map(delta, pieces), delta(finish=finish), usage(20, 16, 4), size=size)
        await exchange.done()

    return script


@asynccontextmanager
async def serving(*scripts: Script) -> AsyncIterator[FakeServer]:
    """Answer the first request with the first script, and so on; the last one answers all others."""
    left = list(scripts)
    failures: list[BaseException] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fake.connections.add(writer)
        try:
            while head := await _head(reader):
                headers = dict(line.split(": ", 1) for line in head.lower().splitlines()[1:] if line)
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                exchange = Exchange(body, headers, reader, writer, head.split(" ", 2)[1])
                fake.exchanges.append(exchange)
                script = left.pop(0) if len(left) > 1 else left[0]
                await script(exchange)
                if writer.is_closing():
                    break
        except ConnectionError:
            pass
        except Exception as error:  # noqa: BLE001 - shown when the test ends
            failures.append(error)
        finally:
            fake.connections.discard(writer)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    fake = FakeServer(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    try:
        yield fake
    finally:
        server.close()
        for writer in list(fake.connections):
            writer.close()
        await server.wait_closed()
        for _ in range(_TURNS):  # what waited for a next request ends; a script that waits for something else does not
            await asyncio.sleep(0)
        assert failures == [], failures


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""
