"""Tools whose names, arguments and fields are no identifiers."""

from __future__ import annotations

from typing import Any, TypedDict

from superscalar import tool

Quote = TypedDict("Quote", {"Exchange Rate": float, "from": str, "fine": int})

Pair = TypedDict("Pair", {"2d": Quote, "odd name": int, "odd-name": int})


@tool(name="Rates.com", effect="read")
async def rates(from_: str) -> Quote:
    """A rate."""
    return {"Exchange Rate": 1.25, "from": from_, "fine": 3}


@tool(effect="read")
async def pair(name: str) -> Pair:
    """Two of them."""
    return {"2d": {"Exchange Rate": 2.5, "from": name, "fine": 1}, "odd name": 1, "odd-name": 2}


@tool(effect="read")
async def anything(count: int) -> Any:
    """A list of records that nobody declared."""
    return [{"Exchange Rate": number, "_x": 1} for number in range(count)]


@tool(effect="read")
async def several(count: int) -> list[Quote]:
    """Some rates."""
    return [{"Exchange Rate": number / 2, "from": "EUR", "fine": 0} for number in range(count)]


TOOLS: list[Any] = [rates, pair, anything, several]
