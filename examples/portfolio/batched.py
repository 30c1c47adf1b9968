"""The tools of the daily brief, with prices in one request: `make demo BATCH=1`. Plans stay as they are."""

from __future__ import annotations

from urllib.parse import quote

from examples.portfolio import tools
from examples.portfolio.tools import LIMITS, TIMEOUT, get, history, read_portfolio
from superscalar import tool

__all__ = ["LIMITS", "history", "price", "read_portfolio"]

price = tool(effect="read", limit="quotes", timeout=TIMEOUT)(tools.price.function)


@price.batch
def prices(tickers: list[str]) -> dict[str, float]:
    """Latest closing prices of many shares, by ticker; one that is left out fails alone."""
    found: dict[str, float] = get(f"/prices?tickers={quote(','.join(tickers), safe='')}")["prices"]
    return found
