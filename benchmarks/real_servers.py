"""Servers on 127.0.0.1 that refuse by the rules that real providers have, and a client whose requests arrive unevenly.

`python benchmarks/real_servers.py sliding --rate 50` prints the port that it listens on, and ends when its input does:
it never outlives whoever started it. What it refuses gets status 429, or 503 where too many are there at once, and
whole seconds in Retry-After, as real ones say them.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil, floor
from random import Random
from types import TracebackType
from typing import Protocol

SERVERS = ("fixed", "sliding", "bucket", "at once", "random")
FASTEST, SLOWEST = 0.14, 0.16
"""Seconds that a server takes to answer what it does not refuse."""

JITTER = 0.04
"""Seconds that a request is on its way at the most, and again its answer."""

_PATIENCE = 30.0
_REFUSED_AT_RANDOM = 0.01


class HttpError(Exception):
    """What a client library raises for an answer that is not 200: its status and headers can be read off."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP status {status}")
        self.status_code = status
        self.headers = dict(headers)


# -------------------------------------------------------------------------------------------------------- the rules


class Rule(Protocol):
    """What a server allows."""

    @property
    def status(self) -> int:
        """What it answers where it refuses."""

    def admit(self, now: float, busy: int) -> float | None:
        """Let a request in that comes while so many are there, and return None; or the seconds until there is room."""


@dataclass(slots=True)
class FixedWindow:
    """So many in each window of time. `begins`: when one of these does, whatever anybody asks."""

    rate: float
    per: float = 1.0
    begins: float = 0.0
    status: int = 429
    _window: int = -1
    _count: int = 0

    def admit(self, now: float, busy: int) -> float | None:
        """See `Rule`."""
        window = floor((now - self.begins) / self.per)
        if window != self._window:
            self._window, self._count = window, 0
        if self._count >= self.rate:
            return (window + 1) * self.per + self.begins - now
        self._count += 1
        return None


@dataclass(slots=True)
class SlidingWindow:
    """So many in any window of time."""

    rate: float
    per: float = 1.0
    status: int = 429
    _starts: deque[float] = field(default_factory=deque)

    def admit(self, now: float, busy: int) -> float | None:
        """See `Rule`."""
        while self._starts and self._starts[0] <= now - self.per:
            self._starts.popleft()
        if len(self._starts) >= self.rate:
            return self._starts[0] + self.per - now
        self._starts.append(now)
        return None


@dataclass(slots=True)
class TokenBucket:
    """One for each token, of which so many come in a second, and so many are kept."""

    rate: float
    size: float
    status: int = 429
    _tokens: float = float("inf")
    _at: float = 0.0

    def admit(self, now: float, busy: int) -> float | None:
        """See `Rule`."""
        self._tokens = min(self.size, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self.rate
        self._tokens -= 1.0
        return None


@dataclass(slots=True)
class AtOnce:
    """So many at the same time."""

    most: int
    status: int = 503

    def admit(self, now: float, busy: int) -> float | None:
        """See `Rule`."""
        return 1.0 if busy >= self.most else None


@dataclass(slots=True)
class AtRandom:
    """Any, but now and then one is refused that nobody asked too soon."""

    random: Random
    share: float = _REFUSED_AT_RANDOM
    status: int = 429

    def admit(self, now: float, busy: int) -> float | None:
        """See `Rule`."""
        return 1.0 if self.random.random() < self.share else None


def rule(server: str, rate: float, size: int, random: Random) -> Rule:
    """The rule of one of the `SERVERS`. `size`: of the bucket, or how many at once."""
    match server:
        case "fixed":
            return FixedWindow(rate, begins=random.random())
        case "sliding":
            return SlidingWindow(rate)
        case "bucket":
            return TokenBucket(rate, size)
        case "at once":
            return AtOnce(size)
        case "random":
            return AtRandom(random)
    raise ValueError(server)


# ------------------------------------------------------------------------------------------------------- the server


class Server:
    """Answers requests by a rule, one per connection."""

    def __init__(self, allows: Rule, random: Random) -> None:
        self._rule = allows
        self._random = random
        self._busy = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Whoever leaves early is no error, nor is the end of this process."""
        with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET /ready "):
                    await _send(writer, 200, b"ok")
                else:
                    await self._answer(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        wait = self._rule.admit(asyncio.get_running_loop().time(), self._busy)
        if wait is not None:
            await _send(writer, self._rule.status, b"too many", f"Retry-After: {max(1, ceil(wait))}\r\n")
            return
        self._busy += 1
        try:
            await asyncio.sleep(self._random.uniform(FASTEST, SLOWEST))
            await _send(writer, 200, b"ok")
        finally:
            self._busy -= 1


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes, headers: str = "") -> None:
    writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n".encode())
    writer.write(body)
    await writer.drain()


class RunningServer:
    """A server in a process of its own, to the end of a `with` block. `port`: where it listens, from its begin on."""

    def __init__(self, server: str, rate: float, size: int, seed: int) -> None:
        command = [sys.executable, __file__, server, "--rate", str(rate), "--size", str(size), "--seed", str(seed)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = 0

    def __enter__(self) -> RunningServer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server did not start: it ended with {self._process.wait()}")
        self.port = int(line)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()  # closes its input


# ------------------------------------------------------------------------------------------------------- the client


async def get(port: int, random: Random, path: str = "/", jitter: float = JITTER) -> str:
    """Ask over the wire, as unevenly as networks deliver. `/ready` is always answered, at once, and counts nowhere.

    Raises:
        HttpError: the answer is not 200.
    """
    await asyncio.sleep(random.uniform(0.0, jitter))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    await asyncio.sleep(random.uniform(0.0, jitter))
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    if status.split()[1] != "200":
        raise HttpError(int(status.split()[1]), dict(line.split(": ", 1) for line in lines))
    return body


async def _until_input_ends(server: Server) -> None:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=512)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    listening.close()


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("--rate", type=float, default=50.0, help="in a second")
    parser.add_argument("--size", type=int, default=25, help="of the bucket, or how many at once")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for whoever started this, and who closes its input then
    random = Random(options.seed)
    asyncio.run(_until_input_ends(Server(rule(options.server, options.rate, options.size, random), random)))


if __name__ == "__main__":
    main()
