"""A provider on 127.0.0.1 that does what providers do on a bad day, and two small clients for it.

`python benchmarks/faulty_provider.py` prints the port that it listens on, and ends when its input does: it never
outlives whoever started it. It answers numbers and texts, late, cut short, too slowly or not at all; what it answers is
always right. `/statistics` says how often it did what.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import struct
import subprocess
import sys
from collections import Counter, OrderedDict
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Any

from superscalar import RateLimited

FAULTS = {
    "none": 70.0,
    "late": 12.0,  # after up to 200 ms
    "slow body": 3.0,  # in pieces, over a quarter of a second
    "big body": 1.0,  # half a megabyte of blanks before it
    "too many": 4.0,  # 429, with Retry-After
    "unavailable": 3.0,  # 503
    "error": 3.0,  # 500
    "reset": 2.0,  # the connection, before a word was said
    "cut": 2.0,  # the connection, in the middle of the body
    "hang": 1.0,  # no answer, ever
}
"""What happens to a request, with weights."""

_KEPT = 10_000
_TEXT = 20_000
_PATIENCE = 30.0


class Refused(ConnectionError):
    """The provider said that it did nothing (503)."""


class Broken(ConnectionError):
    """The provider failed in the middle (500, or an answer that was cut); nobody knows what it did."""


# ------------------------------------------------------------------------------------------------------- the server


class Provider:
    """Answers requests, one per connection."""

    def __init__(self, random: Random) -> None:
        self.done: Counter[str] = Counter()
        self._random = random
        self._stored: OrderedDict[str, int] = OrderedDict()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Whoever leaves early is no error."""
        with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(head.split(b" ", 2)[1].decode(), reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if path == "/statistics":
            await _send(writer, 200, json.dumps(self.done).encode())
            return
        fault = self._random.choices(list(FAULTS), list(FAULTS.values()))[0]
        self.done[fault] += 1
        await asyncio.sleep(self._random.uniform(0.001, 0.2 if fault == "late" else 0.015))
        match fault:
            case "too many":
                wait = self._random.choice(["0.05", "0.1", "0.3"])
                await _send(writer, 429, b"too many", f"Retry-After: {wait}\r\n")
            case "unavailable":
                await _send(writer, 503, b"come again")
            case "error":
                await _send(writer, 500, b"oh no")
            case "reset":
                _reset(writer)
            case "hang":
                await reader.read()
            case _:
                body = json.dumps(self._value(path)).encode()
                await _send(writer, 200, body, cut=fault == "cut", slow=fault == "slow body", big=fault == "big body")

    def _value(self, path: str) -> Any:
        match path[1:].split("/"):
            case ["number", x]:
                return number(int(x))
            case ["numbers", xs]:
                return [number(int(x)) for x in xs.split(",")]
            case ["items", count]:
                return list(range(int(count)))
            case ["text", x]:
                return f"{x} " * (_TEXT // (len(x) + 1))
            case ["store", key, value]:
                self._stored[key] = int(value)
                while len(self._stored) > _KEPT:
                    self._stored.popitem(last=False)
                return int(value)
            case ["recall", key]:
                return self._stored.get(key)
        raise ValueError(f"nothing is known of {path}")


def number(x: int) -> int:
    """What the provider answers to a number."""
    return 3 * x + 1


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    headers: str = "",
    *,
    cut: bool = False,
    slow: bool = False,
    big: bool = False,
) -> None:
    if big:
        body = b" " * 500_000 + body
    writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n".encode())
    if cut:
        writer.write(body[: len(body) // 2])
        await writer.drain()
        await asyncio.sleep(0.005)
        _reset(writer)
        return
    size = max(len(body) // 8, 1) if slow else len(body)
    for place in range(0, len(body), size):
        writer.write(body[place : place + size])
        await writer.drain()
        if slow:
            await asyncio.sleep(0.03)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset and no orderly end (TCP RST: linger for 0 seconds)."""
    if not writer.transport.is_closing():  # else the other side was faster
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def _until_input_ends(seed: int) -> None:
    server = await asyncio.start_server(Provider(Random(seed)).serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


# ------------------------------------------------------------------------------------------------------ the clients


class RunningProvider:
    """The provider in a process of its own, from `with` to the end of the block. `port`: where it listens."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.port = 0

    def __enter__(self) -> RunningProvider:
        command = [sys.executable, __file__, "--seed", str(self._seed)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the provider did not start: it ended with {self._process.wait()}")
        self.port = int(line)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()  # closes its input

    def statistics(self) -> dict[str, int]:
        """How often it did what."""
        found: dict[str, int] = get_blocking(self.port, "/statistics", timeout=_PATIENCE)
        return found


async def get(port: int, path: str) -> Any:
    """Ask without blocking the event loop. See `get_blocking` for the errors."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_request(path))
        return _read(await reader.read())
    finally:
        writer.close()


def get_blocking(port: int, path: str, timeout: float = 1.0) -> Any:
    """Ask, and wait for the answer, `timeout` seconds for each part of it.

    Raises:
        RateLimited: 429.
        Refused: 503.
        ConnectionError: 500, or the connection was reset, or the answer cut.
        TimeoutError: no answer came.
    """
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(_request(path))
        pieces = []
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return _read(b"".join(pieces))


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def _read(answer: bytes) -> Any:
    """What was answered, up to the end of the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    if len(body) != int(headers.get("content-length", -1)):
        raise Broken("the answer was cut")
    match status.split()[1]:
        case "200":
            return json.loads(body)
        case "429":
            raise RateLimited("429", retry_after=float(headers["retry-after"]))
        case "503":
            raise Refused("503")
        case other:
            raise Broken(other)


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for whoever started this, and who closes its input then
    asyncio.run(_until_input_ends(options.seed))


if __name__ == "__main__":
    main()
