"""What is read off an error: whether a provider refused, when to come back, and whether anything was done."""

from __future__ import annotations

import asyncio
import email.message
import http.server
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import pairwise
from threading import Thread
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
import pytest

from superscalar import Failure, Limit, LLMCompiler, NotDone, RateLimited, Retry, tool
from superscalar.errors import ModelError
from superscalar.events import Retrying, Started, Throttled
from superscalar.schedule.refusal import Refusal, refusal_of, wait_of
from support.running import executed

NOW = 1_800_000_000.0
"""The time of day in these tests: a moment in 2027."""


def wall() -> float:
    return NOW


def read(error: BaseException) -> Refusal | None:
    return refusal_of(error, wall)


# ------------------------------------------------------------------------------------------------------ real libraries


def responded(status: int, headers: Mapping[str, str]) -> httpx2.Response:
    return httpx2.Response(status, headers=dict(headers), request=httpx2.Request("GET", "https://quotes.example"))


def of_httpx(status: int, headers: Mapping[str, str]) -> Exception:
    with pytest.raises(httpx2.HTTPStatusError) as caught:
        responded(status, headers).raise_for_status()
    return caught.value


def of_openai(status: int, headers: Mapping[str, str]) -> Exception:
    kind = openai.RateLimitError if status == 429 else openai.InternalServerError
    return kind("no", response=responded(status, headers), body=None)


def of_urllib(status: int, headers: Mapping[str, str]) -> Exception:
    message = email.message.Message()
    for name, value in headers.items():
        message[name] = value
    return urllib.error.HTTPError("https://quotes.example", status, "no", message, None)


class Answered(Exception):
    """A client library's error, of any shape."""

    def __init__(self, **known: Any) -> None:
        super().__init__("no")
        self.__dict__.update(known)


def of_requests(status: int, headers: Mapping[str, str]) -> Exception:
    return Answered(response=SimpleNamespace(status_code=status, headers=headers), request=None)


def of_aiohttp(status: int, headers: Mapping[str, str]) -> Exception:
    return Answered(status=status, headers=headers, message="Too Many Requests")


def of_botocore(status: int, headers: Mapping[str, str]) -> Exception:
    lower = {name.lower(): value for name, value in headers.items()}
    return Answered(response={"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": lower}})


LIBRARIES = [of_httpx, of_openai, of_urllib, of_requests, of_aiohttp, of_botocore]


@pytest.mark.parametrize("library", LIBRARIES)
def test_status_429_is_a_refusal_that_did_nothing(library: Any) -> None:
    assert read(library(429, {"Retry-After": "7"})) == Refusal(7.0, nothing_done=True)
    assert read(library(429, {})) == Refusal(None, nothing_done=True)


@pytest.mark.parametrize("library", LIBRARIES)
def test_status_503_is_one_only_where_it_says_when_to_come_back(library: Any) -> None:
    """A server that fails may have done something."""
    assert read(library(503, {"Retry-After": "7"})) == Refusal(7.0, nothing_done=False)
    assert read(library(503, {})) is None


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_other_status_is_a_refusal(library: Any) -> None:
    assert read(library(500, {"Retry-After": "7"})) is None


def test_an_error_with_a_status_alone_is_understood() -> None:
    """That of pydantic-ai, and ours of a model that a tool asked."""
    assert read(Answered(status_code=429, model_name="m", body=None)) == Refusal(None, nothing_done=True)
    assert read(Answered(status_code=429, retry_after=3)) == Refusal(3.0, nothing_done=True)
    assert read(ModelError("no", status=429, retry_after=2.0)) == Refusal(2.0, nothing_done=True)


def test_ours_needs_no_status() -> None:
    assert read(RateLimited(retry_after=2)) == Refusal(2.0, nothing_done=True)
    assert read(NotDone("no")) is None


# ------------------------------------------------------------------------------------------------------------ wrapped


def chain(*errors: Exception) -> Exception:
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


def test_what_an_error_was_raised_from_is_looked_at() -> None:
    assert read(chain(ValueError("no"), KeyError("x"), of_httpx(429, {"Retry-After": "1"}))) is not None
    assert read(chain(*(ValueError() for _ in range(20)), of_httpx(429, {}))) is None  # not for ever
    assert read(chain(NotDone("no"), of_httpx(429, {}))) is None  # the tool knows better


def test_an_error_that_was_only_being_handled_is_not_looked_at() -> None:
    error = ValueError("no")
    error.__context__ = of_httpx(429, {})
    assert read(error) is None


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    first, second = ValueError(), ValueError()
    assert read(chain(first, second, first)) is None


class Broken(Exception):
    @property
    def response(self) -> Any:
        raise RuntimeError("the request was never sent")

    status = "429"


def test_an_error_that_cannot_be_read_is_no_refusal() -> None:
    assert read(Broken()) is None
    assert read(Answered(status_code=True, code=["429"], response=7)) is None
    assert read(Answered(status_code=429, headers=[("Retry-After", "1")], retry_after=object())) == Refusal(None, True)
    stop = SystemExit(429)
    assert read(stop) is None


# ------------------------------------------------------------------------------------------------------------ headers


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "Fri, 15 Jan 2027 08:00:10 GMT"}, 20.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "99999999999999999999"}, 1e8),
        ({"retry-after": "Mon, 15 Jan 2091 08:00:30 GMT"}, 1e8),
        ({"x-ratelimit-reset": "99999999999999"}, 1e8),
        ({"retry-after": "Fri, 99 Jan 2027 08:00:30 GMT"}, None),
        ({"retry-after-ms": "120", "retry-after": "1"}, 0.12),
        ({"retry-after-ms": "200000000"}, 200_000.0),
        ({"retry-after-ms": "inf", "retry-after": "1"}, 1.0),
        ({"retry-after": "2", "x-ratelimit-reset": "9"}, 2.0),
        ({"x-ratelimit-reset": "9"}, 9.0),
        ({"x-ratelimit-reset": f"{NOW + 12:.0f}"}, 12.0),
        ({"x-ratelimit-reset": f"{(NOW + 12) * 1000:.0f}"}, 12.0),
        ({"x-ratelimit-reset-requests": "1m30s"}, 90.0),
        ({"x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-reset-requests": "1h0m0.5s"}, 3_600.5),
        ({"x-ratelimit-reset-requests": "1x"}, None),
        ({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "6m0s"}, 0.02),
        (
            {
                "x-ratelimit-reset-requests": "20ms",
                "x-ratelimit-remaining-requests": "10",
                "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-tokens": "0",
            },
            360.0,
        ),
        ({"anthropic-ratelimit-requests-reset": "2027-01-15T08:00:30Z"}, 30.0),
        ({"ratelimit-reset": "5"}, 5.0),
        ({"ratelimit": "limit=100, remaining=0, reset=5"}, 5.0),
        ({"ratelimit": '"default";r=0;t=30'}, 30.0),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_found_in_whatever_header_has_it(headers: dict[str, str], seconds: float | None) -> None:
    found = wait_of(headers, wall)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-3))


# ------------------------------------------------------------------------------------------------------- in a run


def refusing(error: Exception, **terms: Any) -> Any:
    asked: list[float] = []

    @tool(**terms)
    async def ask() -> int:
        asked.append(asyncio.get_running_loop().time())
        if len(asked) == 1:
            raise error
        return len(asked)

    return ask


WRITE: dict[str, Any] = {"effect": "write"}


def test_a_refused_call_is_made_again_when_its_provider_said() -> None:
    result = executed("a = ask()\njoin(a)", [refusing(of_openai(429, {"retry-after-ms": "2000"}))])
    assert result.answer == 2
    (throttled,) = [e for e in result.events if isinstance(e, Throttled)]
    (retrying,) = [e for e in result.events if isinstance(e, Retrying)]
    assert (throttled.at, throttled.limit) == (0.0, "ask()")
    assert 2.0 <= throttled.delay <= 2.2
    assert retrying.delay >= throttled.delay


@pytest.mark.parametrize("seconds", [1e9, 1e300])
def test_a_wait_that_no_clock_can_hold_is_one_that_nobody_waits_for(seconds: float) -> None:
    failed = executed("a = ask()", [refusing(RateLimited(retry_after=seconds))]).outcomes["a"]
    assert str(failed) == "RateLimited: rate limited"


def test_a_write_that_was_refused_with_429_did_nothing_and_is_made_again() -> None:
    assert executed("a = ask()\njoin(a)", [refusing(of_httpx(429, {}), **WRITE)]).answer == 2
    failed = executed("a = ask()", [refusing(of_httpx(429, {}), retry=1, **WRITE)]).outcomes["a"]
    assert isinstance(failed, Failure)
    assert not failed.in_doubt


def test_a_write_that_met_503_is_in_doubt_and_is_made_again_only_if_that_is_harmless() -> None:
    down = of_httpx(503, {"Retry-After": "1"})
    failed = executed("a = ask()", [refusing(down, **WRITE)]).outcomes["a"]
    assert isinstance(failed, Failure)
    assert failed.in_doubt
    assert executed("a = ask()\njoin(a)", [refusing(down, idempotent=True, **WRITE)]).answer == 2
    assert executed("a = ask()\njoin(a)", [refusing(down)]).answer == 2


def test_a_tool_that_wants_no_retry_after_refusals_gets_none() -> None:
    ask = refusing(of_httpx(429, {}), retry=Retry(on=(ConnectionError,)))
    assert isinstance(executed("a = ask()", [ask]).outcomes["a"], Failure)


class _Busy(http.server.BaseHTTPRequestHandler):
    """Refuses every other request."""

    count = 0

    def do_GET(self) -> None:
        kind = type(self)
        kind.count += 1
        self.send_response(429 if kind.count % 2 else 200)
        if kind.count % 2:
            self.send_header("retry-after-ms", "20")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def busy_server() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Busy)
    _Busy.count = 0
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_a_real_server_and_two_real_clients_need_no_code_of_the_user(busy_server: str) -> None:
    @tool(effect="read", limit="server")
    async def by_httpx(number: int) -> str:
        async with httpx2.AsyncClient(trust_env=False) as client:
            response = await client.get(busy_server)
            return response.raise_for_status().text

    @tool(effect="read", limit="server")
    def by_urllib(after: str) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(busy_server) as response:
                return str(response.read(), "ascii")
        except urllib.error.HTTPError as error:
            error.close()
            raise RuntimeError("my own error") from error

    agent = LLMCompiler(tools=[by_httpx, by_urllib], limits={"server": Limit(concurrency=1)})

    async def main() -> Any:
        async with agent.stream_plan("a = by_httpx(1)\nb = by_urllib(a)\njoin(a, b)") as running:
            return await running.result()

    result = asyncio.run(asyncio.wait_for(main(), 30))
    assert result.answer == ["ok", "ok"]
    assert sorted((e.id, e.attempt) for e in result.events if isinstance(e, Started)) == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]
