"""The tools of the golden plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from superscalar.tools.tool import tool


@dataclass
class Page:
    """What `search` finds. Its fields are all there are."""

    title: str
    url: str


class Weather(TypedDict):
    """What `weather` knows; a service may add more."""

    temperature: float
    summary: str


@tool(effect="read")
def price(ticker: str, day: int = 0) -> float:
    """Closing price of a ticker, so many days ago."""
    raise NotImplementedError


@tool(effect="read")
def search(query: str, limit: int = 5) -> list[Page]:
    """Pages about something."""
    raise NotImplementedError


@tool(effect="read")
def weather(city: str, *, units: Literal["C", "F"] = "C") -> Weather:
    """The weather in a city."""
    raise NotImplementedError


@tool(effect="pure")
def mean(numbers: list[float], weights: dict[str, float] | None = None) -> float:
    """The mean of numbers."""
    raise NotImplementedError


@tool(effect="write")
def send(to: str, body: str) -> None:
    """Send a message."""
    raise NotImplementedError


@tool(name="archive.move", effect="write")
def move(from_: str, to: str) -> None:
    """Move a document."""
    raise NotImplementedError


@tool
def lookup(key: Any) -> Any:
    """Look something up. Its effect is not declared."""
    raise NotImplementedError
