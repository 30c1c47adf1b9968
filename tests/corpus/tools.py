"""The tools of the corpus: small, always the same, and all that they did can be read afterwards.

`LOG` holds `start ...` and `end ...` of every call. Time is virtual, so `slow` takes as long as it is told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from superscalar import NotDone, RateLimited, Retry, tool

LOG: list[str] = []
STORE: dict[str, Any] = {}
PRICES: Mapping[str, float] = {"IBM": 231.25, "AAPL": 190.5, "MSFT": 410.0}


def reset() -> None:
    """As if nothing had been called yet."""
    LOG.clear()
    STORE.clear()
    STORE.update({"a": 1, "b": 2})


@dataclass
class News:
    """What `news` finds. Its fields are all there are."""

    title: str
    words: int


class Weather(TypedDict):
    """What `weather` knows; a service may add more."""

    city: str
    degrees: float


class Handle:
    """No data: it can be passed on and shown."""

    def __repr__(self) -> str:
        return "<handle 7>"


async def done(name: str, *arguments: Any, seconds: float = 0.0, failure: BaseException | None = None) -> None:
    """One call: note its start and its end, which is a failure if there is one."""
    call = f"{name}({', '.join(map(repr, arguments))})"
    LOG.append(f"start {call}")
    await asyncio.sleep(seconds)
    LOG.append(f"end {call}")
    if failure is not None:
        raise failure


# --------------------------------------------------------------------------------------------------------- functions


@tool(effect="pure")
async def double(x: Any) -> Any:
    """Twice as much."""
    await done("double", x)
    return x * 2


@tool(effect="pure")
async def add(a: Any, b: Any = 1) -> Any:
    """The sum of two."""
    await done("add", a, b)
    return a + b


@tool(effect="pure")
async def same(x: Any) -> Any:
    """What it was given."""
    await done("same", x)
    return x


@tool(effect="pure")
async def upto(n: int) -> list[int]:
    """The numbers from 1 to n."""
    await done("upto", n)
    return list(range(1, n + 1))


@tool(effect="pure")
async def odd(x: int) -> bool:
    """Whether a number is odd; of a negative one nobody knows."""
    await done("odd", x, failure=ValueError(f"{x} is negative") if x < 0 else None)
    return x % 2 == 1


@tool(effect="pure")
async def spoil(x: list[Any]) -> int:
    """Empty the list that it was given; how many items that had."""
    await done("spoil", list(x))
    count = len(x)
    x.clear()
    return count


# ------------------------------------------------------------------------------------------------------------- reads


@tool(effect="read")
async def price(ticker: str) -> float:
    """Price of a ticker; there are three."""
    await done("price", ticker, failure=None if ticker in PRICES else LookupError(f"no ticker {ticker}"))
    return PRICES[ticker]


@tool(effect="read")
async def news(ticker: str, limit: int = 2) -> list[News]:
    """What is written about a ticker."""
    await done("news", ticker, limit)
    return [News(f"{ticker} {number}", number * 100) for number in range(1, limit + 1)]


@tool(effect="read")
async def weather(city: str) -> Weather:
    """The weather in a city. The service says more than it declares."""
    await done("weather", city)
    return {"city": city, "degrees": 20.5, "wind": "weak"}  # type: ignore[typeddict-unknown-key]


@tool(effect="read")
async def record() -> dict[str, Any]:
    """A mapping with names of all kinds."""
    await done("record")
    return {"name": "Ada", "tags": ["x", "y"], "Exchange Rate": 1.25, "keys": "not a method", "1st": "one"}


@tool(effect="read")
async def slow(x: Any, seconds: float = 1.0) -> Any:
    """What it was given, after a while."""
    await done("slow", x, seconds=seconds)
    return x


@tool(effect="read")
async def fail(message: str = "down", seconds: float = 0.0) -> Any:
    """Always fail."""
    await done("fail", message, seconds=seconds, failure=RuntimeError(message))


@tool(effect="read")
async def handle() -> Any:
    """An opaque handle."""
    await done("handle")
    return Handle()


@tool(effect="pure")
async def describe(what: Any) -> str:
    """The class of what it was given."""
    await done("describe", what)
    return type(what).__name__


@tool
async def undeclared(x: int = 0) -> int:
    """Its effect is not declared."""
    await done("undeclared", x)
    return x


@tool(name="WeatherAPI.com", effect="read")
async def weather_api(from_: str, in_: str = "C") -> str:
    """A tool whose name is no identifier."""
    await done("WeatherAPI.com", from_, in_)
    return f"{from_} in {in_}"


# ------------------------------------------------------------------------------------------- accesses of a resource


@tool(effect="read", resource="store")
async def look(key: str, seconds: float = 0.0) -> Any:
    """What the store has under a key now."""
    await done("look", key, seconds=seconds)
    return STORE.get(key)


@tool(effect="write", resource="store")
async def put(key: str, value: Any, seconds: float = 0.0) -> Any:
    """Put something into the store; what was there before."""
    await done("put", key, value, seconds=seconds)
    before, STORE[key] = STORE.get(key), value
    return before


@tool(effect="write", resource="store", retry=Retry(attempts=1))
async def break_store(how: str) -> None:
    """Write into the store, which goes wrong: `refused`, `not done`, or `broken`."""
    failures: dict[str, Exception] = {"refused": RateLimited(), "not done": NotDone("the store is closed")}
    await done("break_store", how, failure=failures.get(how, RuntimeError("the connection broke")))


@tool(effect="write", resource="mail")
async def notify(who: str, text: Any = "") -> str:
    """Send a message."""
    await done("notify", who, text)
    return f"told {who}"


@tool(effect="read", resource=lambda key: f"shelf {key}")
async def look_at(key: str, seconds: float = 0.0) -> Any:
    """What the shelf of that name holds."""
    await done("look_at", key, seconds=seconds)
    return STORE.get(key)


@tool(effect="write", resource=lambda key: f"shelf {key}")
async def put_at(key: str, value: Any, seconds: float = 0.0) -> None:
    """Put something on the shelf of that name."""
    await done("put_at", key, value, seconds=seconds)
    STORE[key] = value


@tool(effect="read", dedupe=True, resource="rates")
async def rate(currency: str) -> float:
    """A rate, which stays the same while a plan runs."""
    await done("rate", currency)
    return 1.25


@tool(effect="read", dedupe=True, resource="store")
async def dedupe_look(key: str) -> Any:
    """What the store has under a key, asked once where nothing was written since."""
    await done("dedupe_look", key)
    return STORE.get(key)
