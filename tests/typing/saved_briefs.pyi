"""Written by `superscalar stubs`: do not edit it, write it anew."""

from datetime import date
from typing import Any, Literal

async def daily(
    tickers: list[str],
    least: float = 2.5,
    by: Literal["name", "price"] = ...,
    day: date | None = None,
    since: date = ...,
) -> list[Any]:
    """The daily brief.

    It says \"how\\it\" stands.

    tickers: which shares
    """

async def one(ticker: str, limit: int = 5) -> list[Any]: ...
async def still() -> Any: ...
