"""The tools of the daily brief. `PORTFOLIO_URL` says where the provider listens."""

from __future__ import annotations

import http.client
import json
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from superscalar import Limit, RateLimited, tool

LIMITS = {"quotes": Limit(concurrency=5)}

TIMEOUT = 10.0


@dataclass(frozen=True)
class Close:
    """The closing price of one day, in USD."""

    date: str
    price: float


@tool(effect="read")
def read_portfolio() -> dict[str, int]:
    """How many shares the portfolio holds, by ticker."""
    held: dict[str, int] = json.loads(Path(__file__).with_name("holdings.json").read_text())
    return held


@tool(effect="read", limit="quotes", timeout=TIMEOUT)
def price(ticker: str) -> float:
    """Latest closing price of one share, in USD."""
    found: float = get(f"/price/{quote(ticker, safe='')}")["price"]
    return found


@tool(effect="read", limit="quotes", timeout=TIMEOUT)
def history(ticker: str, months: int = 12) -> list[Close]:
    """Closing prices of a ticker over the last months, oldest first, one a month, in USD."""
    found = get(f"/history/{quote(ticker, safe='')}?months={months}")["closes"]
    return [Close(close["date"], close["price"]) for close in found]


def get(path: str) -> dict[str, Any]:
    """What the provider answers.

    Raises:
        RateLimited: it has too many calls; it says when to come back.
        LookupError: it has no such ticker; the message names those that it has.
        RuntimeError: anything else that is not an answer.
    """
    url = os.environ.get("PORTFOLIO_URL")
    if not url:
        raise RuntimeError("PORTFOLIO_URL is not set: start a provider with `python -m examples.portfolio.provider`")
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT)
    with closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        content: dict[str, Any] = json.loads(response.read())
    match response.status:
        case 200:
            return content
        case 429:
            wait = response.getheader("Retry-After")
            raise RateLimited(content["error"], retry_after=None if wait is None else float(wait))
        case 404:
            raise LookupError(f"{content['error']}; known: {', '.join(content.get('known', []))}")
        case status:
            raise RuntimeError(f"the provider said {status}: {content.get('error', content)}")
