"""Real monthly closing prices, 1990 to 2022: the sample data that comes with matplotlib."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias


class Close(NamedTuple):
    """The closing price of one day, in USD; `date` is ISO 8601."""

    date: str
    price: float


Prices: TypeAlias = Mapping[str, tuple[Close, ...]]
"""By ticker, oldest first, one a month: the last one known of that month."""


def read_prices() -> Prices:
    """All prices. matplotlib is looked up, not imported.

    Raises:
        FileNotFoundError: matplotlib, or its sample data, is not installed.
    """
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        raise FileNotFoundError("the prices come with matplotlib, which is not installed: pip install matplotlib")
    with Path(found.origin).with_name("mpl-data").joinpath("sample_data", "Stocks.csv").open(newline="") as file:
        return parse(file)


def parse(lines: Iterable[str]) -> Prices:
    """Prices from lines of CSV: a column `Date`, then one per ticker; empty where there is no price.

    The file has single-precision noise (141.86000061035156); prices are in cents.
    """
    months: dict[str, dict[str, Close]] = {}
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        date = row.pop("Date")
        for ticker, price in row.items():
            if price:
                months.setdefault(ticker, {})[date[:7]] = Close(date, round(float(price), 2))
    return {ticker: tuple(closes.values()) for ticker, closes in months.items()}
