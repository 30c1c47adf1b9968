"""How tools end that do random things: with an error, late, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, NoReturn

from superscalar import NotDone, RateLimited

ENDS: Final = ("error", "refused", "not done", "hangs", "deaf", "cancels itself")


async def spend(seconds: float, end: str) -> None:
    """Let that time pass; one that is "deaf" goes on until it is told to stop, and does not stop for that."""
    if end == "deaf":
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(1_000)
    elif seconds:
        await asyncio.sleep(seconds)


async def fail(end: str, retry_after: float | None) -> NoReturn:
    """End so. `retry_after`: what one that is refused is told, in seconds."""
    match end:
        case "error":
            raise ValueError("made up")
        case "refused":
            raise RateLimited(retry_after=retry_after)
        case "not done":
            raise NotDone("made up")
        case "cancels itself":
            raise asyncio.CancelledError
        case _:
            await asyncio.sleep(1_000)
            raise AssertionError("nobody waits that long")
