"""Tools for a question that needs two steps, and one that fails. Their facts are made up.

superscalar run "How warm is it in the city where IBM has its headquarters?" --tools examples/offices.py
superscalar run "What is the share price of IBM, and where are its headquarters?" --tools examples/offices.py
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from superscalar import Limit, tool

LIMITS = {"weather": Limit(concurrency=2, rate=5, per=1.0)}

_HEADQUARTERS = {"IBM": ("Armonk", "United States"), "Nestle": ("Vevey", "Switzerland"), "Sony": ("Tokyo", "Japan")}
_DEGREES = {"Armonk": 21.5, "Vevey": 18.0, "Tokyo": 27.25}


@dataclass(frozen=True)
class Place:
    """A city in a country."""

    city: str
    country: str


@tool(effect="read")
async def headquarters(company: str) -> Place:
    """Where a company has its headquarters."""
    await asyncio.sleep(0.5)
    if company not in _HEADQUARTERS:
        raise LookupError(f"no company {company!r}; known: {', '.join(_HEADQUARTERS)}")
    return Place(*_HEADQUARTERS[company])


@tool(effect="read", limit="weather")
async def temperature(city: str) -> float:
    """How warm it is in a city now, in degrees Celsius."""
    await asyncio.sleep(0.5)
    if city not in _DEGREES:
        raise LookupError(f"no weather station in {city!r}")
    return _DEGREES[city]


@tool(effect="read", timeout=5)
async def share_price(company: str) -> float:
    """Price of one share of a company, in USD."""
    await asyncio.sleep(0.5)
    raise ConnectionError(f"the stock exchange is closed for maintenance, so there is no price of {company}")
