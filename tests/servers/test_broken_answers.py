"""Answers that are none: pages instead of messages, bodies that break off, lists and results in no known form."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from superscalar import Failure, LLMCompiler, NotDone, ToolsetError
from superscalar.errors import ToolError
from superscalar.mcp import transports
from superscalar.mcp.answers import NoResult
from superscalar.mcp.config import read_servers
from superscalar.mcp.connection import Connection, Unreachable
from superscalar.mcp.transports import CLOSED, NO_MESSAGE, StatusTold, client_of, logs_scrubbed
from superscalar.testing import run
from superscalar.tools.context import ResultError
from support.served import Shop, served

SECRET = "tok-0123456789"
SERVER = read_servers(
    {"mcpServers": {"shop": {"command": "shop", "env": {"TOKEN": "${TOKEN}"}}}}, environment={"TOKEN": SECRET}
).servers[0]
RESULT = {"jsonrpc": "2.0", "id": 7, "result": {"content": []}}


class Breaks(httpx2.AsyncByteStream):
    """A body whose connection breaks in the middle."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"jsonrpc"'
        raise httpx2.ReadError("gone")


def answer_to_a_call(response: httpx2.Response) -> httpx2.Response:
    async def main() -> httpx2.Response:
        async with StatusTold(transport=httpx2.MockTransport(lambda _: response)) as http:
            return await http.post("http://shop.example/mcp", json={"jsonrpc": "2.0", "id": 7, "method": "tools/call"})

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (httpx2.Response(200, html="<p>Log in, please.</p>"), NO_MESSAGE),
        (httpx2.Response(200, text="{", headers={"content-type": "application/json"}), NO_MESSAGE),
        (httpx2.Response(200, json=[RESULT] * 40), NO_MESSAGE),
        (httpx2.Response(200, json={**RESULT, "result": {"text": "x" * 2_000}}), NO_MESSAGE),
        (httpx2.Response(202), NO_MESSAGE),
        (httpx2.Response(200, headers={"content-type": "application/json"}, stream=Breaks()), CLOSED),
        (httpx2.Response(503, text="x" * 2_000), 503),
        (httpx2.Response(400, json={"jsonrpc": "2.0", "id": 7, "error": {"code": -32602, "message": "no"}}), -32602),
    ],
    ids=["page", "rubbish", "list", "too-long", "accepted", "broken", "long-page", "error"],
)
def test_what_is_no_message_says_nothing_of_what_became_of_a_call(
    monkeypatch: pytest.MonkeyPatch, response: httpx2.Response, code: int
) -> None:
    monkeypatch.setattr(transports, "LONGEST", 1_000)
    told = answer_to_a_call(response).json()
    assert (told["id"], told["error"]["code"]) == (7, code)


def test_messages_and_streams_and_redirects_are_handed_on() -> None:
    session = {"mcp-session-id": "1"}
    message = answer_to_a_call(httpx2.Response(200, json=RESULT, headers=session))
    assert (message.json(), message.headers["mcp-session-id"]) == (RESULT, "1")
    for response in (
        httpx2.Response(200, text="data: {}\n\n", headers={"content-type": "text/event-stream"}),
        httpx2.Response(307, headers={"location": "http://other.example/"}),
    ):
        assert answer_to_a_call(response) is response


def test_what_others_log_of_an_address_has_no_secret_in_it(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("httpx2")
    with logs_scrubbed(SERVER):
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.warning("POST %s %d", f"https://shop.example/mcp?key={SECRET}", 200, exc_info=True)
    log.warning("%s", "as it is")
    assert SECRET not in caplog.text
    assert [one.getMessage() for one in caplog.records] == [
        "POST https://shop.example/mcp?key=********** 200",
        "as it is",
    ]


# --------------------------------------------------------------------------------------------- what the SDK makes of it


class Oddly:
    """A client whose calls and lists end in an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.server_capabilities = SimpleNamespace(tools=None)

    async def call_tool(self, *_: Any, **__: Any) -> Any:
        raise self.error

    list_tools = call_tool


def raised(error: Exception, *, by_list: bool = False) -> Exception:
    @asynccontextmanager
    async def opened(*_: Any, **__: Any) -> AsyncIterator[Any]:
        yield Oddly(error)

    async def main() -> Exception:
        connection = Connection(SERVER, opened)  # type: ignore[arg-type]
        with pytest.raises(Exception, match=r"shop|came") as found:
            await (connection.tools() if by_list else connection.call("sell", {}, None, None))
        await connection.aclose()
        return found.value

    return run(main())


@pytest.mark.parametrize(
    ("error", "kind", "not_done"),
    [
        (MCPError(-32700, "Failed to parse SSE message"), ToolError, False),
        (MCPError(NO_MESSAGE, "no message"), ToolError, False),
        (MCPError(404, "no such session"), Unreachable, True),
        (MCPError(-32602, "no such parameter"), NotDone, True),
        (RuntimeError(f"got {SECRET}"), NoResult, False),
    ],
)
def test_a_call_was_not_made_only_where_that_is_certain(error: Exception, kind: type, not_done: bool) -> None:
    found = raised(error)
    assert (type(found), isinstance(found, NotDone)) == (kind, not_done)
    assert SECRET not in str(found)


def test_a_list_that_is_none_is_told_by_its_server_and_without_secrets() -> None:
    found = raised(ValueError(f"tools.0: got {SECRET}"), by_list=True)
    assert isinstance(found, ToolsetError)
    assert str(found) == "shop: ValueError: tools.0: got ********** (mcpServers.shop)"


# --------------------------------------------------------------------------------------------------- who checks results


def test_a_call_by_a_new_client_asks_for_nothing_else() -> None:
    """A list that fails behind a write that was made would be told as that of the write, which would be made again."""
    shop = Shop()
    shop.server.list_tools = None  # type: ignore[assignment,method-assign]
    server = read_servers({"mcpServers": {"shop": {"server": shop.server}}}).servers[0]

    async def main() -> Any:
        async with client_of(server, ended=lambda: None, changed=lambda: None) as client:
            return await client.call_tool("sell", {"to": "Ann", "name": "bolt"})

    assert asyncio.run(main()).structured_content == {"result": "sold"}


def test_a_pattern_of_a_server_keeps_nobody_busy_and_what_it_quotes_is_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Shop()
    (tool,) = [one for one in asyncio.run(shop.server.list_tools()) if one.name == "text"]
    tool.output_schema = {"type": "object", "properties": {"n": {"type": "string", "pattern": "^(a+)+$"}}}

    async def listed() -> Any:
        return [tool]

    async def called(*_: Any, **__: Any) -> Any:
        return CallToolResult(content=[TextContent(text="")], structured_content={"n": "a" * 60 + SECRET})

    monkeypatch.setattr(shop.server, "list_tools", listed)
    monkeypatch.setattr(shop.server, "call_tool", called)
    monkeypatch.setattr(transports, "_reached", lambda *_: shop.server)
    monkeypatch.setenv("TOKEN", SECRET)
    tools = served(shop={"command": "shop", "env": {"TOKEN": "${TOKEN}"}, "tools": {"text": {"effect": "read"}}})
    outcome = asyncio.run(LLMCompiler(tools=tools, policy="off").execute("x = text(of='a')\njoin(x)"))["x"]
    assert isinstance(outcome, Failure)
    assert outcome.error == ResultError.__name__
    assert outcome.message == (
        f'text() returned what its schema does not allow: "{"a" * 60}**********" does not match "^(a+)+$", at [\'n\']'
    )
