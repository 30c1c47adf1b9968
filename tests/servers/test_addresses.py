"""Servers at an address: both revisions, what they want to see in headers, what statuses say, and their return."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from superscalar import Failure, LLMCompiler, Observation, ToolsetError
from superscalar.mcp import connection
from support.served import Shop, served

TOKEN = "tok-0123456789"


class Door:
    """What stands before a server: it wants a token, and says `statuses` to the calls of tools, one after the other."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.statuses: list[int] = []
        self.asked = 0

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body = await receive()
        status = 0
        if headers.get(b"authorization") != f"Bearer {TOKEN}".encode():
            status = 401
        elif b'"tools/call"' in body.get("body", b""):
            self.asked += 1
            status = self.statuses.pop(0) if self.statuses else 0
        if status:
            told = [(b"content-type", b"text/plain"), (b"retry-after", b"0.1")]
            await send({"type": "http.response.start", "status": status, "headers": told})
            await send({"type": "http.response.body", "body": b"no"})
            return
        given = [body]

        async def received() -> Any:
            return given.pop() if given else await receive()

        await self.app(scope, received, send)


@asynccontextmanager
async def listening(app: Any, port: int = 0) -> AsyncIterator[int]:
    """The port at which an application answers."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=0)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        while not server.started:  # noqa: ASYNC110 -- it has no event for that
            await asyncio.sleep(0.01)
        try:
            yield taken.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
def test_a_server_at_an_address_is_called_with_its_headers_and_its_statuses_are_understood(protocol: str) -> None:
    shop = Shop()

    async def main() -> tuple[Any, Any, str]:
        door = Door(shop.server.streamable_http_app())
        async with listening(door) as port:
            url = f"http://127.0.0.1:{port}/mcp"
            tools = served(
                shop={
                    "url": url,
                    "headers": {"Authorization": f"Bearer {TOKEN}"},
                    "protocol": protocol,
                    "trust_annotations": True,
                }
            )
            agent = LLMCompiler(tools=tools, policy="off")
            async with agent.opened():
                assert (await agent.execute("join(len(text(of='abc' * 500_000)))")).joined == 1_500_000
                outcomes = await agent.execute("join([part(name=n).count for n in ['a', 'bb', 'ccc']])")
                door.statuses = [429, 500]
                sold = await agent.execute("a = sell(to='x', name='y')\nb = part(name='z')\njoin(a, b)")
            try:
                async with served(shop={"url": url, "protocol": protocol}):
                    told = ""
            except ToolsetError as error:
                told = str(error)
            return outcomes.joined, sold, told

    joined, sold, told = asyncio.run(main())
    assert joined == [1, 2, 3]
    failure = sold["a"]
    assert isinstance(failure, Failure)
    assert (failure.in_doubt, "HTTP 500" in failure.message) == (True, True)  # the refusal before it was tried again
    assert shop.sold == []
    assert "HTTP 401" in told
    assert TOKEN not in told


def test_a_server_that_was_away_is_called_again_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SHORTEST_PAUSE", 0.0)
    shop = Shop()

    async def main() -> list[Any]:
        found = []
        async with listening(Door(shop.server.streamable_http_app())) as port:
            url, headers = f"http://127.0.0.1:{port}/mcp", {"Authorization": f"Bearer {TOKEN}"}
            agent = LLMCompiler(tools=served(shop={"url": url, "headers": headers}), policy="off")
            opened = agent.opened()
            await opened.__aenter__()
            found.append(await agent.execute("a = sell(to='x', name='1')\njoin(a)"))
        found.append(await agent.execute("a = sell(to='x', name='2')\njoin(a)"))
        shop.server = Shop().server
        async with listening(Door(shop.server.streamable_http_app()), port):
            found.append(await agent.execute("a = sell(to='x', name='3')\njoin(a)"))
            await opened.__aexit__(None, None, None)
        return [one["a"] for one in found]

    first, away, back = asyncio.run(main())
    assert (first, back) == (Observation({"result": "sold"}), Observation({"result": "sold"}))
    assert isinstance(away, Failure)
    assert (away.in_doubt, shop.sold) == (False, ["1 to x"])


class OAuthDoor(Door):
    """The same, and the authorization server where a machine gets that token for its secret."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.address = ""
        self.secrets: list[str] = []

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        path = scope.get("path", "")
        if path.startswith("/.well-known/oauth-protected-resource"):
            said = {"resource": f"{self.address}/mcp", "authorization_servers": [self.address]}
        elif path.startswith("/.well-known/"):
            ends = {name: f"{self.address}/{name[:5]}" for name in ("authorization_endpoint", "token_endpoint")}
            said = {"issuer": self.address, **ends, "response_types_supported": ["code"]}
        elif path == "/token":
            given = dict(scope["headers"])[b"authorization"].decode().removeprefix("Basic ")
            self.secrets.append(base64.b64decode(given).decode())
            said = {"access_token": TOKEN, "token_type": "Bearer"}
        else:
            await super().__call__(scope, receive, send)
            return
        told = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": told})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})


def test_a_machine_gets_its_token_by_oauth() -> None:
    shop = Shop()

    async def main() -> tuple[Any, list[str]]:
        door = OAuthDoor(shop.server.streamable_http_app())
        async with listening(door) as port:
            door.address = f"http://127.0.0.1:{port}"
            oauth = {"client_id": "me", "client_secret": "sesame-0123", "issuer": door.address}
            tools = served(shop={"url": f"{door.address}/mcp", "oauth": oauth, "protocol": "2026-07-28"})
            outcomes = await LLMCompiler(tools=tools, policy="off").execute("join(part(name='bolt').count)")
            return outcomes.joined, door.secrets

    assert asyncio.run(main()) == (4, ["me:sesame-0123"])
