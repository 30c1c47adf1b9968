"""The daily brief: its prices, its provider, its tools, and the whole of it with a model whose replies are written."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from examples.portfolio import batched, tools
from examples.portfolio.demo import check, states, timing, worth
from examples.portfolio.prices import Close, Prices, parse, read_prices
from examples.portfolio.provider import Gate, Provider, Stats

from superscalar import Failure, LLMCompiler, Observation, RateLimited, RunResult, Toolset
from superscalar.testing import ScriptedModel

LINES = """\
# Data source: somewhere
Date,IBM,^GSPC
2022-04-01,1.5,
2022-05-01,2.5,7
2022-05-09,,
2022-06-01,3.0,8
2022-06-28,3.5,
"""
PRICES: Prices = {
    "IBM": (Close("2022-04-01", 1.5), Close("2022-05-01", 2.5), Close("2022-06-28", 3.5)),
    "^GSPC": (Close("2022-05-01", 7.0), Close("2022-06-01", 8.0)),
}


class Held:
    """A delay that lasts until it is let go, so that a test decides how many calls there are at once."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.release = threading.Event()

    def __call__(self) -> None:
        self.inside.release()
        assert self.release.wait(10), "nobody let the calls go"

    def wait_for(self, calls: int) -> None:
        """Until so many calls are inside."""
        for _ in range(calls):
            assert self.inside.acquire(timeout=10), "too few calls came"


def no_delay() -> None:
    """Answer at once."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Provider]]:
    """Starts providers that the tools then use, and stops them at the end."""
    running: list[Provider] = []

    def start(prices: Prices = PRICES, delay: Callable[[], None] = no_delay, **options: Any) -> Provider:
        provider = Provider(prices, delay=delay, **options).__enter__()
        running.append(provider)
        monkeypatch.setenv("PORTFOLIO_URL", provider.url)
        return provider

    yield start
    for provider in running:
        provider.__exit__(None, None, None)


def get(provider: Provider, path: str) -> tuple[int, http.client.HTTPMessage, Any]:
    connection = http.client.HTTPConnection(urlsplit(provider.url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers, json.loads(response.read())
    finally:
        connection.close()


# --------------------------------------------------------------------------------------------------------------- prices


def test_prices_are_one_a_month_and_the_last_one_known() -> None:
    """Rows without a price are not prices, and a later day of a month replaces an earlier one."""
    assert parse(LINES.splitlines(keepends=True)) == PRICES


def test_the_real_prices_are_those_of_the_file() -> None:
    """Ten columns, of which the portfolio holds nine; the last price of IBM, in cents."""
    prices = read_prices()
    assert prices["IBM"][-1] == Close("2022-06-28", 141.86)
    assert len(prices["IBM"]) == (2022 - 1990) * 12 + 6
    held = tools.read_portfolio()
    assert len(held) == 9
    assert held.keys() < prices.keys()


# ------------------------------------------------------------------------------------------------------------- provider


def test_the_provider_takes_five_at_once_and_refuses_the_sixth(serve: Callable[..., Provider]) -> None:
    """At once and with Retry-After; the five that were let in are served, and then there is room again."""
    held = Held()
    provider = serve(delay=held, retry_after=3)
    with ThreadPoolExecutor(5) as callers:
        calls = [callers.submit(get, provider, "/price/IBM") for _ in range(5)]
        held.wait_for(5)
        status, headers, content = get(provider, "/price/IBM")
        assert (status, headers["Retry-After"]) == (429, "3")
        assert content == {"error": "too many calls at once", "retry_after": 3}
        held.release.set()
        answers = [call.result() for call in calls]
    expected = {"ticker": "IBM", "date": "2022-06-28", "price": 3.5}
    assert [(status, content) for status, _, content in answers] == [(200, expected)] * 5
    assert get(provider, "/price/IBM")[0] == 200
    assert get(provider, "/stats")[2] == {"served": 6, "refused": 1, "peak": 5, "hung_up": 0}


def test_the_gate_has_room_again_before_the_answer_is_out() -> None:
    """A caller that keeps to the limit is never refused, however fast it calls again."""
    gate = Gate(1)
    assert gate.enter()
    assert not gate.enter()
    gate.leave()
    assert gate.enter()
    assert gate.stats == Stats(served=1, refused=1, peak=1)


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [
        ("/price/%5EGSPC", 200, {"ticker": "^GSPC", "date": "2022-06-01", "price": 8.0}),
        (
            "/history/IBM?months=2",
            200,
            {
                "ticker": "IBM",
                "closes": [{"date": "2022-05-01", "price": 2.5}, {"date": "2022-06-28", "price": 3.5}],
            },
        ),
        ("/price/TSLA", 404, {"error": "unknown ticker 'TSLA'", "known": ["IBM", "^GSPC"]}),
        ("/history/IBM?months=0", 400, {"error": "months=0: a whole number of months, at least 1"}),
        ("/prices?tickers=IBM,TSLA,%5EGSPC", 200, {"prices": {"IBM": 3.5, "^GSPC": 8.0}}),
        (
            "/quote",
            404,
            {"error": "no such address: /quote", "try": ["/price/IBM", "/history/IBM?months=3"]},
        ),
    ],
)
def test_the_provider_answers_or_says_what_is_wrong(
    serve: Callable[..., Provider], path: str, status: int, content: dict[str, Any]
) -> None:
    """In JSON, whatever was asked; what it refuses to look up takes no slot."""
    found = get(serve(at_once=1), path)
    assert (found[0], found[2]) == (status, content)


def test_the_provider_stops_when_its_block_is_left() -> None:
    """Nobody listens any more."""
    with Provider(PRICES, delay=no_delay) as provider:
        assert get(provider, "/stats")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(provider, "/stats")


# ---------------------------------------------------------------------------------------------------------------- tools


def test_a_price_is_that_of_the_file(serve: Callable[..., Provider]) -> None:
    """For every position, the index with its odd name included."""
    prices = read_prices()
    serve(prices)
    assert {ticker: tools.price(ticker) for ticker in tools.read_portfolio()} == {
        ticker: prices[ticker][-1].price for ticker in tools.read_portfolio()
    }


def test_history_gives_the_last_months_oldest_first(serve: Callable[..., Provider]) -> None:
    """As many as there are, if more are asked for."""
    serve()
    assert tools.history("IBM", 2) == [tools.Close("2022-05-01", 2.5), tools.Close("2022-06-28", 3.5)]
    assert len(tools.history("IBM")) == 3


def test_a_refusal_is_a_rate_limit_with_its_pause(serve: Callable[..., Provider]) -> None:
    """So that the run waits and tries again instead of failing."""
    held = Held()
    serve(delay=held, at_once=1, retry_after=7)
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(tools.price, "IBM")
        held.wait_for(1)
        with pytest.raises(RateLimited, match="too many calls at once") as caught:
            tools.price("IBM")
        held.release.set()
        assert first.result() == 3.5
    assert caught.value.retry_after == 7.0


def test_an_unknown_ticker_is_named_with_those_that_are_known(serve: Callable[..., Provider]) -> None:
    """A model can then ask for the right one."""
    serve()
    with pytest.raises(LookupError, match=r"unknown ticker 'TSLA'; known: IBM, \^GSPC"):
        tools.price("TSLA")


def test_without_an_address_the_tools_say_how_to_start_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that goes wrong for whoever tries them alone."""
    monkeypatch.delenv("PORTFOLIO_URL", raising=False)
    with pytest.raises(RuntimeError, match="PORTFOLIO_URL is not set: start a provider with"):
        tools.price("IBM")


# ------------------------------------------------------------------------------------------------------------ the whole

PLAN = """\
held = read_portfolio()
prices = {t: price(t) for t in held}
worth = {t: prices[t] * held[t] for t in held}
total = sum(worth.values())
join(total=total, worth=worth)
"""


def _run(answer: str, module: ModuleType = tools) -> RunResult:
    agent = LLMCompiler(ScriptedModel(PLAN, answer), [Toolset.from_module(module)])
    return asyncio.run(agent.run("What is it worth?"))


@pytest.mark.parametrize(("change", "code", "word"), [(0.0, 0, "ok"), (1.0, 1, "WRONG")])
def test_the_demo_checks_its_answer(
    serve: Callable[..., Provider], capsys: pytest.CaptureFixture[str], change: float, code: int, word: str
) -> None:
    """Nine calls, none refused, and an answer that is a dollar off is found out."""
    prices = read_prices()
    provider = serve(prices)
    total = worth(tools.read_portfolio(), prices)
    result = _run(f"In total {total + change:,.2f} USD.")
    assert (provider.stats.served, provider.stats.refused) == (9, 0)
    assert result.outcomes.joined["total"] == pytest.approx(total, abs=1e-6)
    assert check(result, total) == code
    assert "served 9, refused 0" in "\n".join(timing(result, provider.stats))
    assert f"{word}: the prices file says {total:,.2f} USD in total" in capsys.readouterr().out


def test_a_ticker_that_fails_leaves_the_others_their_prices(serve: Callable[..., Provider]) -> None:
    """The provider knows two of the nine."""
    serve()
    result = _run("I do not know.")
    assert {id for id, failure in result.outcomes.failures.items() if failure.error == "LookupError"} == {
        f"prices[{index}]" for index in range(1, 8)
    }
    assert isinstance(result.outcomes["prices"], Failure)
    assert result.outcomes["prices[0]"] == Observation(3.5)


def test_the_brief_needs_one_request_where_prices_can_be_asked_for_together(serve: Callable[..., Provider]) -> None:
    """By the same plan, with the same answer; the index with its odd name is among them."""
    prices = read_prices()
    provider = serve(prices, at_once=1)
    result = _run("I do not care.", batched)
    assert provider.stats == Stats(served=1, peak=1)
    assert result.outcomes.joined["total"] == pytest.approx(worth(tools.read_portfolio(), prices), abs=1e-6)
    assert result.timing.calls == 10


def test_a_ticker_that_is_left_out_of_a_batch_fails_alone(serve: Callable[..., Provider]) -> None:
    """As it does when it is asked for by itself."""
    provider = serve()
    result = _run("I do not know.", batched)
    assert provider.stats.served == 1
    assert result.outcomes["prices[0]"] == Observation(3.5)
    assert result.outcomes["prices[1]"] == Failure("error", "prices returned nothing for 'AAPL'", "LookupError")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("The total is $12,345.68.", True),
        ("about 12345.7", True),
        ("12,346 dollars", True),
        ("IBM: 5,674.40; total 12,345.6789", True),
        ("12,345.60", False),
        ("12,345", False),
        ("1,234,567.8", False),
        ("nothing", False),
    ],
)
def test_an_amount_is_found_in_an_answer(answer: str, right: bool) -> None:
    """Rounded as it may be, but not to something else."""
    assert states(answer, 12_345.6789) is right
