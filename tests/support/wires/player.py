"""A server on the loopback address that plays turns in a provider's wire, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any, TypeVar

from support.fake_openai import Exchange, Script, serving
from support.wires.said import Answer, Asked, Turn, Wire

T = TypeVar("T")

_GRACE = 0.004  # real seconds in which something may still come in
_STEP = 1.0  # seconds of a jump: far less than any timeout, since a busy machine is late once, and not ten times
_SOON = 4.0  # real seconds for what takes milliseconds on a machine with nothing else to do
_LIMIT = 40.0  # real seconds that a test may take


@dataclass(frozen=True, slots=True)
class Played:
    """`url`: where the server is. `requests`: what came, in order, as it stood in the body."""

    url: str
    wire: Wire
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [exchange.body for exchange in self.exchanges]

    @property
    def asked(self) -> list[list[Asked]]:
        """The conversation of each request."""
        return [self.wire.asked(body) for body in self.requests]


@asynccontextmanager
async def playing(wire: Wire, *turns: Turn | Answer) -> AsyncIterator[Played]:
    """Answer each request with the next turn; the last one answers all others. An `Answer` is sent as it is."""
    async with serving(*(_script(wire, turn) for turn in turns)) as server:
        yield Played(server.url.removesuffix("/v1"), wire, server.exchanges)


async def hung_up(exchange: Exchange) -> None:
    """Wait until the client has closed the connection, for a moment only.

    Raises:
        TimeoutError: it has not.
    """
    async with asyncio.timeout(_SOON):
        with suppress(ConnectionError):
            await exchange.writer.wait_closed()


def _script(wire: Wire, turn: Turn | Answer) -> Script:
    async def script(exchange: Exchange) -> None:
        if exchange.target != wire.target:
            raise AssertionError(f"{wire} was asked for {exchange.target}, and has {wire.target}")
        await _send(exchange, turn if isinstance(turn, Answer) else wire.answer(turn, exchange.body))

    return script


async def _send(exchange: Exchange, answer: Answer) -> None:
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    exchange.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    for event in answer.events:
        if answer.pause:
            await asyncio.sleep(answer.pause)
        await exchange.raw(event)
    if answer.torn:
        await asyncio.sleep(0.05)  # what was sent must have been read: a reset takes it along
        exchange.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        exchange.writer.close()
    else:
        await exchange.over()


def _phrase(status: int) -> str:
    return "Overloaded" if status == 529 else HTTPStatus(status).phrase  # Anthropic's own


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop with sockets whose clock jumps towards the next timer when nothing comes in for a moment.

    Both ends of each connection must be of this loop: then what was sent is there at once, and nothing is missed.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        super().__init__(_Impatient(self._jump))

    def time(self) -> float:
        return super().time() + self._ahead

    def _jump(self, seconds: float) -> None:
        self._ahead += seconds


class _Impatient(selectors.DefaultSelector):
    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= _GRACE:
            return super().select(timeout)
        found = super().select(_GRACE)
        if not found:
            self._jump(min(timeout, _STEP) - _GRACE)
        return found


def run(test: Callable[[], Awaitable[T]], *, jumping: bool = False) -> T:
    """Run a test in real time, or with a clock that jumps."""

    async def limited() -> T:
        async with asyncio.timeout(None if jumping else _LIMIT):
            return await test()

    with asyncio.Runner(loop_factory=JumpingLoop if jumping else None) as runner:
        return runner.run(limited())
