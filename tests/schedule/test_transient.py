"""Errors that pass by themselves: which are, whatever library raised them, and who is called again after one."""

from __future__ import annotations

import asyncio
import errno
import http.client
import logging
import socket
import ssl
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
import pytest

from superscalar import Failure, NotDone, Observation, RateLimited, Retry, UsageError, is_transient, tool
from superscalar.errors import ModelError, NotBegun
from superscalar.events import Retrying, Started
from superscalar.executors.elsewhere import raised_elsewhere, told_of
from superscalar.transient import may_pass
from support.running import executed

# --------------------------------------------------------------------------------------------------- what an error says


def called(name: str, *bases: type, package: str = "library", **known: Any) -> Exception:
    """An error of a class of that name, as a library would have it that nobody has installed here."""
    made: Any = type(name, bases or (Exception,), {"__module__": f"{package}.exceptions"})("no")
    made.__dict__.update(known)
    return made  # type: ignore[no-any-return]


def raised(error: Exception, *from_: Exception) -> Exception:
    """Each raised from the next."""
    for outer, inner in zip((error, *from_), from_, strict=False):
        outer.__cause__ = inner
    return error


def request() -> httpx2.Request:
    return httpx2.Request("GET", "https://quotes.example")


def answered(status: object) -> Exception:
    return called("HTTPError", response=SimpleNamespace(status_code=status))


class Reset(OSError):
    def __init__(self, number: int) -> None:
        super().__init__(number, "no way there")


class Rpc:
    """What gRPC raises has a method for its status."""

    @staticmethod
    def of(name: str) -> Exception:
        base = type(called("RpcError", package="grpc"))
        return called("AioRpcError", base, package="grpc", code=lambda: SimpleNamespace(name=name, value=(14, "no")))


CONNECTION = type(called("ConnectionError", OSError, package="requests"))
TIMEOUT = type(called("TimeoutError", package="urllib3"))

PASSING: dict[str, Exception] = {
    "a reset connection": ConnectionResetError("no"),
    "a server that hung up": http.client.RemoteDisconnected("no"),
    "a name that is not found now": socket.gaierror(socket.EAI_AGAIN, "no"),
    "a network that is away": Reset(errno.ENETUNREACH),
    "a timeout of the library": TimeoutError("no"),
    "a body that broke off": http.client.IncompleteRead(b"", 3),
    "a stream that broke off": asyncio.IncompleteReadError(b"", 3),
    "TLS that broke off": ssl.SSLEOFError("no"),
    "urllib": urllib.error.URLError(ConnectionRefusedError("no")),
    "urllib, by status": urllib.error.HTTPError("https://quotes.example", 503, "no", Message(), None),
    "httpx": httpx2.ConnectError("no", request=request()),
    "httpx, out of time": httpx2.ReadTimeout("no", request=request()),
    "httpx, broken off": httpx2.RemoteProtocolError("no", request=request()),
    "openai": openai.APIConnectionError(request=request()),
    "openai, out of time": openai.APITimeoutError(request=request()),
    "openai, by status": openai.InternalServerError("no", response=httpx2.Response(500, request=request()), body=None),
    "anthropic, by status": called("OverloadedError", status_code=529),
    "requests": called("ConnectTimeout", CONNECTION, package="requests"),
    "requests, broken off": called("ChunkedEncodingError", package="requests"),
    "urllib3": called("ProtocolError", package="urllib3"),
    "urllib3, tried often": called("MaxRetryError", package="urllib3", reason=called("NewConnectionError")),
    "urllib3, out of time": called("ReadTimeoutError", TIMEOUT, package="urllib3"),
    "aiohttp": called("ClientConnectorDNSError", type(called("ClientConnectionError"))),
    "aiohttp, by status": called("ClientResponseError", status=502, message="Bad Gateway"),
    "aiohttp, broken off": called("ClientPayloadError"),
    "grpc": Rpc.of("UNAVAILABLE"),
    "google.api_core": called("ServiceUnavailable", code=503),
    "googleapiclient": called("HttpError", resp=type("Response", (dict,), {"status": 500})()),
    "botocore": called("EndpointConnectionError", package="botocore"),
    "botocore, by status": called("ClientError", response={"ResponseMetadata": {"HTTPStatusCode": 500}}),
    "redis": called("ConnectionError", package="redis"),
    "psycopg": called("AdminShutdown", sqlstate="57P01"),
    "asyncpg": called("ConnectionDoesNotExistError", sqlstate="08003"),
    "a model that a tool asked": ModelError("no", retryable=True),
    "what was raised from one": raised(ValueError("no price"), KeyError("x"), ConnectionResetError("no")),
    "all of several": ExceptionGroup("no", [TimeoutError("no"), ExceptionGroup("no", [answered(504)])]),
}


@pytest.mark.parametrize("library", PASSING)
def test_a_broken_connection_a_timeout_and_a_server_that_is_away_are_transient(library: str) -> None:
    assert is_transient(PASSING[library])


def test_of_the_statuses_those_are_that_the_same_request_may_not_meet_again() -> None:
    passing = [408, 425, 500, 502, 503, 504, *range(520, 530)]
    assert [status for status in range(300, 600) if is_transient(answered(status))] == passing
    assert [status for status in range(300, 600) if may_pass(status)] == passing


class Broken(Exception):
    """An error of which nothing can be read."""

    def _raises(self) -> Any:
        raise RuntimeError("no")

    status_code = status = code = response = resp = reason = sqlstate = property(_raises)


class Circle(Exception):
    @property
    def reason(self) -> Exception:
        return self


LASTING: dict[str, BaseException] = {
    "a bug": KeyError("x"),
    "a file that is not there": FileNotFoundError("no"),
    "an end": EOFError("no"),
    "a cancellation": asyncio.CancelledError(),
    "the end of the program": KeyboardInterrupt(),
    "a refusal": RateLimited(),
    "a refusal by status": answered(429),
    "what surely did not happen": raised(NotDone("no"), ConnectionResetError("no")),
    "what had not begun": NotBegun("no"),
    "a certificate": ssl.SSLCertVerificationError("no"),
    "a certificate, of httpx": raised(httpx2.ConnectError("no", request=request()), ssl.SSLCertVerificationError("no")),
    "a certificate, of urllib": urllib.error.URLError(ssl.SSLCertVerificationError("no")),
    "a certificate, of requests": called("SSLError", CONNECTION, package="requests"),
    "a certificate, of aiohttp": called("ClientConnectorCertificateError", type(called("ClientConnectionError"))),
    "a wrong password": called("AuthenticationError", type(called("ConnectionError")), package="redis"),
    "a request that no server takes": httpx2.LocalProtocolError("no", request=request()),
    "a URL that is none": httpx2.UnsupportedProtocol("no", request=request()),
    "a URL without a host": urllib.error.URLError("no host given"),
    "another protocol": called("ProtocolError", package="xmlrpc"),
    "grpc, an argument": Rpc.of("INVALID_ARGUMENT"),
    "sql, a constraint": called("UniqueViolation", sqlstate="23505"),
    "a model that will not": ModelError("no", status=503),
    "a model that refuses": ModelError("no", retryable=True, status=429),
    "a status that is a text": answered("503"),
    "a status that is a truth": answered(True),
    "a status that is a number of another kind": answered(503.0),
    "a code that is no method": called("RpcError", code="UNAVAILABLE"),
    "attributes that raise": Broken(),
    "an endless chain": Circle(),
    "one of several": ExceptionGroup("no", [TimeoutError("no"), ValueError("no")]),
    "several that end the program": BaseExceptionGroup("no", [TimeoutError("no"), KeyboardInterrupt()]),
    "an answer that was raised from a broken line": raised(answered(404), ConnectionResetError("no")),
}


@pytest.mark.parametrize("kind", LASTING)
def test_what_the_same_call_meets_again_is_not_and_neither_is_what_nobody_understands(kind: str) -> None:
    assert not is_transient(LASTING[kind])


@pytest.mark.parametrize("error", [*PASSING.values(), LASTING["a certificate, of httpx"], answered("503")])
def test_what_an_error_says_is_told_by_another_process_too(error: Exception) -> None:
    assert is_transient(raised_elsewhere(told_of(error))) is is_transient(error)


def test_a_process_that_tells_no_more_than_a_name_is_understood_by_that() -> None:
    assert is_transient(raised_elsewhere({"type": "ConnectTimeout"}))
    assert not is_transient(raised_elsewhere({"type": "ValueError", "transient": "yes"}))


# ------------------------------------------------------------------------------------------------- who is called again


def ends(error: Exception, times: int = 2, **terms: Any) -> tuple[int, Any, list[float]]:
    """How often a call is made that fails so many times, what becomes of it, and how long it waited in between."""
    made: list[None] = []

    @tool(**terms)
    async def call() -> int:
        made.append(None)
        if len(made) <= times:
            raise error
        return len(made)

    result = executed("a = call()\njoin(default(a, 0))\n", [call])
    waits = [event.delay for event in result.events if isinstance(event, Retrying)]
    assert [event.attempt for event in result.events if isinstance(event, Started)] == list(range(1, len(made) + 1))
    return len(made), result.outcomes["a"], waits


@pytest.mark.parametrize("terms", [{"effect": "read"}, {"effect": "pure"}, {}, {"effect": "write", "idempotent": True}])
def test_what_is_harmless_twice_is_called_three_times_by_itself(terms: dict[str, Any]) -> None:
    made, outcome, waits = ends(answered(503), **terms)
    assert (made, outcome) == (3, Observation(3))
    assert 0.0 <= waits[0] <= 0.5
    assert 0.0 <= waits[1] <= 1.0
    assert ends(answered(503), times=3, **terms)[0] == 3


def test_a_write_is_not_called_again() -> None:
    made, outcome, _ = ends(ConnectionResetError("no"), effect="write")
    assert (made, outcome) == (1, Failure("error", "no", "ConnectionResetError", in_doubt=True))


@pytest.mark.parametrize("error", [ValueError("no"), answered(404), answered("503"), Broken()])
def test_neither_is_what_is_not_transient(error: Exception) -> None:
    assert ends(error)[0] == 1


@pytest.mark.parametrize("retry", [1, Retry(attempts=1), Retry(on=(KeyError,)), Retry(on=())])
def test_what_a_tool_says_itself_holds(retry: Any) -> None:
    assert ends(ConnectionResetError("no"), retry=retry)[0] == 1


def test_a_tool_may_want_more_of_it() -> None:
    assert ends(answered(503), times=4, retry=Retry(attempts=5, on=is_transient))[0] == 5
    assert ends(answered(429), times=1, retry=Retry(on=(is_transient, RateLimited)))[0] == 2


def test_time_that_ran_out_is_not_waited_for_again() -> None:
    """Whoever set the bound waited for all of it; one of the tool's own is another error."""
    made: list[None] = []

    @tool(timeout=5)
    async def slow() -> None:
        made.append(None)
        try:
            await asyncio.sleep(60)
        finally:
            raise ConnectionResetError("closed")

    outcome = executed("a = slow()\n", [slow]).outcomes["a"]
    assert (len(made), outcome) == (1, Failure("timeout", "slow gave no answer within 5 s", "TimeoutError"))
    assert ends(TimeoutError("no"))[0] == 3


def test_calls_of_a_batch_are_tried_again_together() -> None:
    requests: list[list[int]] = []

    @tool
    async def price(n: int) -> int:
        raise AssertionError

    @price.batch
    async def prices(n: list[int]) -> list[Any]:
        requests.append(n)
        return [answered(503) if len(requests) == 1 and one != 2 else one for one in n]

    assert executed("xs = [price(n) for n in [1, 2, 3]]\njoin(xs)\n", [price]).answer == [1, 2, 3]
    assert requests == [[1, 2, 3], [1, 3]]


def test_attempts_count_in_the_bounds_of_the_run() -> None:
    made: list[None] = []

    @tool(cost=1.0)
    async def call() -> None:
        made.append(None)
        raise ConnectionResetError("no")

    outcome = executed("a = call()\n", [call], max_cost=2.0).outcomes["a"]
    assert isinstance(outcome, Failure)
    assert (outcome.kind, len(made)) == ("budget", 2)
    late = executed("a = call()\n", [call], deadline=0.0001).outcomes["a"]
    assert isinstance(late, Failure)
    assert late.kind == "deadline"


# ---------------------------------------------------------------------------------------------------------- a predicate


def test_a_function_may_say_what_is_tried_again() -> None:
    def odd(error: Exception) -> bool:
        return "odd" in str(error)

    assert ends(ValueError("odd"), retry=Retry(on=odd))[0] == 3
    assert ends(ValueError("even"), retry=Retry(on=odd))[0] == 1
    assert ends(KeyError("even"), retry=Retry(on=(odd, KeyError)))[0] == 3
    assert ends(ValueError("odd"), effect="write", retry=Retry(on=odd))[0] == 1


@dataclass
class Answering:
    """A function of errors with settings of its own, which therefore has no hash."""

    answer: Any

    def __call__(self, _: Exception) -> Any:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda _: 1 / 0, "raised ZeroDivisionError"),
        (lambda _: "yes", "gave 'yes', which is"),
        (Answering(1), "gave 1, which is"),
    ],
)
def test_one_that_raises_or_gives_no_truth_says_no_and_that_is_told_once(
    answer: Callable[[Exception], bool], what: str, caplog: pytest.LogCaptureFixture
) -> None:
    retry = Retry(on=answer)
    with caplog.at_level(logging.WARNING, "superscalar.tools"):
        assert [ends(ValueError("no"), retry=retry)[0] for _ in range(2)] == [1, 1]
    said = [record.getMessage() for record in caplog.records if record.name == "superscalar.tools"]
    assert len(said) == 1
    assert what in said[0]


async def later(_error: Exception) -> bool:
    return True


@pytest.mark.parametrize("on", [later, (later,), "ConnectionError", (ValueError, 3), int, (int,)])
def test_nothing_else_may_say_so(on: Any) -> None:
    with pytest.raises(UsageError, match="write classes of errors"):
        Retry(on=on)
