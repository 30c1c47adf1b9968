"""A quote provider on this machine that behaves like a real one: slow, and strict about how many calls come at once.

    GET /price/IBM                {"ticker": "IBM", "date": "2022-06-28", "price": 141.86}
    GET /prices?tickers=IBM,AAPL  {"prices": {"IBM": 141.86, "AAPL": 137.44}}, one call; unknown tickers are left out
    GET /history/IBM?months=3     {"ticker": "IBM", "closes": [{"date": ..., "price": ...}, ...]}, oldest first
    GET /stats                    {"served": 9, "refused": 0, "peak": 5, "hung_up": 0}

More than five at once are refused: 429 with Retry-After, at once. To start it by itself:

    python -m examples.portfolio.provider
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from examples.portfolio.prices import Prices, read_prices

SECONDS_PER_CALL = 2.0
AT_ONCE = 5


@dataclass
class Stats:
    """What the provider did so far. `peak`: most calls at once. `hung_up`: callers gone before their answer."""

    served: int = 0
    refused: int = 0
    peak: int = 0
    hung_up: int = 0


class Gate:
    """Lets so many in at once and keeps the books. Safe to use from many threads."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._inside = 0
        self._stats = Stats()
        self._lock = threading.Lock()

    @property
    def stats(self) -> Stats:
        """A copy of the books."""
        with self._lock:
            return Stats(**asdict(self._stats))

    def enter(self) -> bool:
        """Whether there was room. Who is let in must `leave`."""
        with self._lock:
            if self._inside >= self._at_once:
                self._stats.refused += 1
                return False
            self._inside += 1
            self._stats.peak = max(self._stats.peak, self._inside)
            return True

    def leave(self) -> None:
        """One that was let in is done, and will have its answer."""
        with self._lock:
            self._inside -= 1
            self._stats.served += 1

    def hung_up(self) -> None:
        """One that had been let in was gone before its answer came."""
        with self._lock:
            self._stats.hung_up += 1


class Provider:
    """The provider as a context manager: it serves on 127.0.0.1, on a free port, until the block is left.

    `delay` is called within every call that was let in; it takes two seconds by default. `retry_after`: what a refusal
    tells the caller to wait, in seconds.
    """

    def __init__(
        self,
        prices: Prices,
        *,
        at_once: int = AT_ONCE,
        delay: Callable[[], object] = lambda: time.sleep(SECONDS_PER_CALL),
        retry_after: int = 1,
        port: int = 0,
    ) -> None:
        self.prices = prices
        self.delay = delay
        self.retry_after = retry_after
        self.gate = Gate(at_once)
        self._server = _Server(self, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="provider", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def stats(self) -> Stats:
        """What it did so far."""
        return self.gate.stats

    def __enter__(self) -> Provider:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # callers come all at once and are to be refused by the gate, not by the kernel

    def __init__(self, provider: Provider, port: int) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer one call."""
        url = urlsplit(self.path)
        match [unquote(part) for part in url.path.strip("/").split("/")]:
            case ["stats"]:
                self._reply(200, asdict(self.server.provider.stats))
            case ["price", ticker]:
                self._serve(ticker, lambda closes: closes[-1]._asdict())
            case ["prices"]:
                asked = parse_qs(url.query).get("tickers", [""])[-1].split(",")
                prices = self.server.provider.prices
                self._admit({"prices": {ticker: prices[ticker][-1].price for ticker in asked if ticker in prices}})
            case ["history", ticker]:
                months = parse_qs(url.query).get("months", ["12"])[-1]
                if not months.isdecimal() or not int(months):
                    self._reply(400, {"error": f"months={months}: a whole number of months, at least 1"})
                else:
                    self._serve(ticker, lambda closes: {"closes": [c._asdict() for c in closes[-int(months) :]]})
            case _:
                self._reply(
                    404, {"error": f"no such address: {url.path}", "try": ["/price/IBM", "/history/IBM?months=3"]}
                )

    def _serve(self, ticker: str, answer: Callable[[Any], dict[str, Any]]) -> None:
        prices = self.server.provider.prices
        closes = prices.get(ticker)
        if closes is None:
            self._reply(404, {"error": f"unknown ticker {ticker!r}", "known": list(prices)})
        else:
            self._admit({"ticker": ticker, **answer(closes)})

    def _admit(self, content: dict[str, Any]) -> None:
        """Answer with this after a while, if there is room for one more call."""
        provider = self.server.provider
        if not provider.gate.enter():
            wait = {"Retry-After": str(provider.retry_after)}
            self._reply(429, {"error": "too many calls at once", "retry_after": provider.retry_after}, wait)
        else:
            try:
                provider.delay()
            finally:
                provider.gate.leave()  # before the answer goes out: whoever has it may call again at once
            if not self._reply(200, content):
                provider.gate.hung_up()

    def _reply(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> bool:
        """Whether the caller was still there to hear it."""
        body = json.dumps(content).encode()
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # it was cancelled or timed out, which is its right; the books say so
            return False
        return True

    def log_message(self, *_: Any) -> None:
        """Keep quiet: `/stats` has the numbers."""


def main() -> None:
    """Serve until Ctrl-C."""
    with Provider(read_prices()) as provider:
        print(f"export PORTFOLIO_URL={provider.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(provider.stats)


if __name__ == "__main__":
    main()
