"""What clients of the load call: a read that takes a moment, and a write that asks."""

from __future__ import annotations

import asyncio

from superscalar import tool


@tool(effect="read")
async def look_up(word: str) -> str:
    """Look a word up."""
    await asyncio.sleep(0.05)
    return f"about {word}"


@tool(effect="write")
async def send(to: str, text: str) -> str:
    """Send a text to somebody."""
    return f"sent to {to}: {text}"
