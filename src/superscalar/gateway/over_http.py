"""A gateway for several clients of this machine: over HTTP on the loopback interface, each with its token."""

from __future__ import annotations

import asyncio
import hmac
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from superscalar.gateway.gateway import Gateway
from superscalar.gateway.serving import GatewayServer

HOST: Final = "127.0.0.1"
PATH: Final = "/mcp"
ENDING: Final = (signal.SIGINT, signal.SIGTERM)
_MOST_BYTES: Final = 2 * 1024 * 1024
"""Bytes of a request."""
_IDLE: Final = 1800.0  # seconds after which a session of a client of before 2026 is closed
_MOST_SESSIONS: Final = 1_000


class _ClientTokens:
    """Tells who a token belongs to; it takes as long for any, however much of it is right."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = {name: token.encode() for name, token in tokens.items()}

    async def verify_token(self, token: str) -> AccessToken | None:
        given = token.encode("utf-8", "surrogateescape")
        found = [name for name, known in self._tokens.items() if hmac.compare_digest(known, given)]
        return AccessToken(token=token, client_id=found[0], scopes=[]) if found else None


async def serve_http(
    gateway: Gateway, secret: bytes, tokens: Mapping[str, str], port: int, listening: Callable[[str], object]
) -> None:
    """Serve a gateway that is open until the process is told to end.

    `tokens`: that of each principal, by its name. `port`: 0 for one that is free. `listening` is told the address.
    Requests are taken for this machine's own names alone (`Host`, `Origin`), and up to two megabytes.
    """
    app = GatewayServer(gateway, secret).server.streamable_http_app(
        streamable_http_path=PATH,
        host=HOST,
        max_request_body_size=_MOST_BYTES,
        session_idle_timeout=_IDLE,
        max_sessions=_MOST_SESSIONS,
        auth=AuthSettings(issuer_url=AnyHttpUrl(f"http://{HOST}"), resource_server_url=None),
        token_verifier=_ClientTokens(tokens),
    )
    config = uvicorn.Config(app, host=HOST, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    server = _ToldServer(config, listening, gateway.close)
    await server.serve()


class _ToldServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listening: Callable[[str], object], closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening
        self._closing = closing

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order when told to, and not once more by that signal afterwards."""
        loop = asyncio.get_running_loop()
        try:
            for one in ENDING:
                loop.add_signal_handler(one, self.handle_exit, one, None)
        except (NotImplementedError, ValueError, RuntimeError):  # no such thing here, or not in this thread
            with super().capture_signals():
                yield
            return
        try:
            yield
        finally:
            for one in ENDING:
                loop.remove_signal_handler(one)

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            self._listening(f"http://{HOST}:{port}{PATH}")

    async def shutdown(self, sockets: Any = None) -> None:
        self._closing()  # first: what is under way for clients is left, and not stopped
        await super().shutdown(sockets)
