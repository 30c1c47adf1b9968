"""Facts of a few countries, each a second away: round figures, to compare ways of asking with, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Final

from superscalar import Limit, tool

_FACTS: Final = {  # capital, million people, thousand square kilometres
    "Norway": ("Oslo", 5.5, 385),
    "Sweden": ("Stockholm", 10.5, 450),
    "Finland": ("Helsinki", 5.6, 338),
    "Denmark": ("Copenhagen", 5.9, 43),
    "Portugal": ("Lisbon", 10.4, 92),
    "Peru": ("Lima", 34.0, 1285),
    "Chile": ("Santiago", 19.6, 756),
    "Bolivia": ("Sucre", 12.4, 1099),
}
_FOUNDED: Final = {
    "Oslo": 1048,
    "Stockholm": 1252,
    "Helsinki": 1550,
    "Copenhagen": 1167,
    "Lima": 1535,
    "Santiago": 1541,
}

LIMITS = {"facts": Limit(concurrency=5)}


async def _looked_up() -> None:
    await asyncio.sleep(1.0)


@tool(effect="read", limit="facts", trust="trusted")
async def capital(country: str) -> str:
    """Capital of a country."""
    await _looked_up()
    return _FACTS[country][0]


@tool(effect="read", limit="facts", trust="trusted")
async def population(country: str) -> float:
    """People of a country, in millions."""
    await _looked_up()
    return _FACTS[country][1]


@tool(effect="read", limit="facts", trust="trusted")
async def area(country: str) -> int:
    """Area of a country, in thousand square kilometres."""
    await _looked_up()
    return _FACTS[country][2]


@tool(effect="read", limit="facts", trust="trusted")
async def founded(city: str) -> int:
    """Year in which a city was founded."""
    await _looked_up()
    return _FOUNDED[city]
