"""Tools of another provider, whose accesses are not ordered against those of `tools`. They name no resource."""

from __future__ import annotations

from corpus.tools import STORE, done
from superscalar import tool


@tool(effect="read")
async def balance() -> int:
    """How much there is."""
    await done("balance")
    return int(STORE.get("money", 0))


@tool(effect="write")
async def pay(amount: int) -> None:
    """Pay something in; nothing below 0."""
    await done("pay", amount, failure=ValueError("less than nothing") if amount < 0 else None)
    STORE["money"] = STORE.get("money", 0) + amount
