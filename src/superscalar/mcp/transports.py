"""How a server is reached, as the SDK's client takes it: a process, an address, or an object of the SDK's.

Only here, and in `process`, is the SDK imported.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import httpx2
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, Implementation, jsonrpc_message_adapter

from superscalar.mcp.config import ServerConfig
from superscalar.mcp.elicitation import ANSWER_WITHIN, Elicit, replied
from superscalar.version import __version__

CLOSED: Final = -32000
"""The code of an error that says that the connection has ended."""

LONGEST: Final = 64 << 20
"""Bytes of a message, however it comes."""

_CONNECTS: Final = 30.0  # seconds
_LONGEST_BODY: Final = 2_000  # characters of what is said of a failed request
_TELL_ADDRESSES: Final = ("httpx2", "httpcore2.http11", "httpcore2.http2", "mcp.client.streamable_http")  # loggers
_WHEN: Final = ("retry-after", "date")  # headers that say when to come back


def client_of(
    server: ServerConfig,
    *,
    ended: Callable[[], None],
    changed: Callable[[], None],
    elicit: Elicit | None = None,
    answer_within: float = ANSWER_WITHIN,
    auth: Any = None,
) -> Client:
    """Make a client for one connection. `ended` is called when that ends, `changed` when the list of tools has changed.

    `elicit` puts questions to the person; where there is nobody, the server is told so. `auth`: the authentication of
    an address, as httpx2 has it. Roots and sampling are declined, as the SDK does it.
    """

    async def elicited(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001
        reply = await replied(server.name, params, elicit, answer_within)
        return ElicitResult(action=reply.action, content=None if reply.content is None else dict(reply.content))

    async def heard(message: Any) -> None:
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            changed()

    return UncheckingClient(
        _reached(server, ended, auth),
        mode=server.protocol,
        message_handler=heard,
        elicitation_callback=None if elicit is None else elicited,
        client_info=Implementation(name="superscalar", version=__version__),
    )


class UncheckingClient(Client):
    """A client that leaves it to us to check results.

    The SDK would do so with Python's patterns, which a server can keep busy for ever, and ask for the list of tools
    before it does: a write that was made would fail as that request does, and be made again where it was refused.
    """

    async def __aenter__(self) -> Client:
        """Connect."""
        client = await super().__aenter__()
        client.session.validate_tool_result = _leave_it  # type: ignore[method-assign]
        return client


async def _leave_it(name: str, result: CallToolResult) -> None:
    """Check nothing."""


def _reached(server: ServerConfig, ended: Callable[[], None], auth: Any) -> Any:
    if server.server is not None:
        return server.server
    if server.url:
        return _watched(_address(server, auth), ended)
    from superscalar.mcp.process import process_streams

    return _watched(process_streams(server, LONGEST), ended)


@asynccontextmanager
async def _watched(transport: Any, ended: Callable[[], None]) -> AsyncIterator[tuple[Any, Any]]:
    async with transport as (told, sent):
        yield _Watched(told, ended), sent


class _Watched:
    """A stream of messages that says when it has ended, before anybody else can know."""

    def __init__(self, stream: Any, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._ended = ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> _Watched:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        self._ended()
        return await self._stream.__aexit__(*error)

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except BaseException:
            self._ended()
            raise


# ------------------------------------------------------------------------------------------------------- an address


@asynccontextmanager
async def _address(server: ServerConfig, auth: Any) -> AsyncIterator[tuple[Any, Any]]:
    timeout = httpx2.Timeout(_CONNECTS, read=None)  # how long a call may take, its tool says
    with logs_scrubbed(server):
        async with (
            StatusTold(headers=dict(server.headers), timeout=timeout, auth=auth or _auth(server)) as http,
            streamable_http_client(server.url, http_client=http, max_sse_event_size=LONGEST) as streams,
        ):
            yield streams[0], streams[1]


@contextmanager
def logs_scrubbed(server: ServerConfig) -> Iterator[None]:
    """Take what is secret out of what others log meanwhile: httpx2 and the SDK tell addresses with their keys."""

    def scrubbed(record: logging.LogRecord) -> bool:
        record.msg, record.args = server.scrub(record.getMessage()), None
        if record.exc_info:
            record.exc_text = server.scrub(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True

    loggers = [logging.getLogger(name) for name in _TELL_ADDRESSES]
    for logger in loggers:
        logger.addFilter(scrubbed)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(scrubbed)


class StatusTold(httpx2.AsyncClient):
    """A client of httpx2 that tells of every failed request which status it had.

    The SDK says "Server returned an error response" of all of them. So an answer with a status from 400 on that has no
    error of JSON-RPC in it gets one: with the status as its code, which no error of JSON-RPC has, and its headers.
    A request that did not come through is answered as one whose connection has ended; the SDK would end the session,
    or wait for ever where that was in the middle of an answer. An answer that is no message of the protocol, or is too
    long, is told as such: the SDK says of it that the request was wrong, as if nothing had been called.
    """

    async def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        """Send it, and see what comes."""
        call = _call(request)
        try:
            response = await super().send(request, **how)
            if call is None or 300 <= response.status_code < 400 or _streams(response):
                return response
            body = await _body(response)
        except httpx2.RequestError as error:
            if call is None:
                raise
            return _with_error(request, call, 503, *_failed(error), {})
        status = response.status_code
        if status >= 400:
            if body is not None and _is_error(body):
                return _answered(request, status, body, _plain(response))
            said = f"HTTP {status} {response.reason_phrase}".strip()
            return _with_error(request, call, status, status, said, _plain(response))
        if body is None or not _is_message(body):
            kind = response.headers.get("content-type", "") or "of no type"
            said = (
                f"longer than {LONGEST:,} bytes"
                if body is None
                else f"no message of the protocol: HTTP {status}, {kind}"
            )
            return _with_error(request, call, 502, NO_MESSAGE, f"its answer is {said}", {})
        return _answered(request, status, body, _plain(response))


NEVER_SENT: Final = -32098
"""The code of an error of ours: the request never came to its server."""

NO_MESSAGE: Final = -32097
"""The code of another: what came back says nothing of what became of the request."""


def _call(request: httpx2.Request) -> Any:
    """The id of the request of JSON-RPC in one of HTTP; None where it has none."""
    if request.method != "POST":
        return None
    try:
        message = json.loads(request.content)
    except (ValueError, httpx2.RequestNotRead):
        return None
    return message.get("id") if isinstance(message, dict) and "jsonrpc" in message else None


def _failed(error: httpx2.RequestError) -> tuple[int, str]:
    """The code of an error in the place of an answer, and what it says."""
    match error:
        case httpx2.ConnectError():
            return NEVER_SENT, f"it cannot be reached: {error}"
        case httpx2.DecodingError():
            return NO_MESSAGE, f"its answer cannot be read: {error}"
        case _:
            return CLOSED, f"the connection ended: {error}"


def _streams(response: httpx2.Response) -> bool:
    """Whether it is a stream of events, which the SDK reads."""
    kind = response.headers.get("content-type", "").lower()
    return response.status_code < 400 and kind.startswith("text/event-stream")


async def _body(response: httpx2.Response) -> bytes | None:
    """What is in it; None if that is too long."""
    body = bytearray()
    try:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > LONGEST:
                return None
    finally:
        await response.aclose()
    return bytes(body)


def _is_message(body: bytes) -> bool:
    try:
        jsonrpc_message_adapter.validate_json(body, by_name=False)
    except ValueError:
        return False
    return True


def _is_error(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body)["error"]["code"], int)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def _plain(response: httpx2.Response) -> dict[str, str]:
    """The headers of a response, but for those that say how its body was sent."""
    sent = ("content-", "transfer-", "connection")
    return {name.lower(): value for name, value in response.headers.items() if not name.lower().startswith(sent)}


def _with_error(
    request: httpx2.Request, call: Any, status: int, code: int, said: str, headers: Mapping[str, str]
) -> httpx2.Response:
    told = {name: value for name, value in headers.items() if name.startswith(_WHEN) or "ratelimit" in name}
    error = {"code": code, "message": said[:_LONGEST_BODY], "data": {"headers": told}}
    body = json.dumps({"jsonrpc": "2.0", "id": call, "error": error}).encode()
    return _answered(request, status, body, headers)


def _answered(request: httpx2.Request, status: int, body: bytes, headers: Mapping[str, str]) -> httpx2.Response:
    made = {**headers, "content-type": "application/json"}
    return httpx2.Response(status, headers=made, content=body, request=request)


def _auth(server: ServerConfig) -> Any:
    """The authentication that the configuration names: OAuth between machines. None: headers say all."""
    if not server.oauth:
        return None
    from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider

    return ClientCredentialsOAuthProvider(
        server_url=server.url,
        storage=Tokens(),
        client_id=server.oauth["client_id"],
        client_secret=server.oauth["client_secret"],
        issuer=server.oauth["issuer"],
        scope=server.oauth.get("scope"),
    )


class Tokens:
    """Where the SDK keeps what it was given: for as long as the client lives, and nowhere else."""

    def __init__(self) -> None:
        self._tokens: Any = None
        self._client: Any = None

    async def get_tokens(self) -> Any:
        """Return the tokens, or None."""
        return self._tokens

    async def set_tokens(self, tokens: Any) -> None:
        """Keep them."""
        self._tokens = tokens

    async def get_client_info(self) -> Any:
        """Return what it is registered as, or None."""
        return self._client

    async def set_client_info(self, client_info: Any) -> None:
        """Keep it."""
        self._client = client_info


__all__ = ["NEVER_SENT", "Client", "MCPError", "client_of"]
