"""The connection to one server on one event loop: opened by one task, used by many calls, made anew when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final

from superscalar.errors import NotDone, ToolsetError
from superscalar.mcp.answers import NoResult, failure_of_call
from superscalar.mcp.config import ServerConfig
from superscalar.mcp.transports import NEVER_SENT, Client, MCPError, client_of

OPENS: Final = 60.0
"""Seconds that a server has to be there, as `npx` may have to fetch it first, and to list its tools."""

LONGEST_PAUSE: Final = 30.0
"""Seconds between two attempts to reach a server that is not there, at the most; the first pause is half of one."""

_SHORTEST_PAUSE: Final = 0.5
_MOST_PAGES: Final = 1_000
_MOST_TOOLS: Final = 10_000
_GONE: Final = frozenset({404, NEVER_SENT})
"""Codes of errors after which a new client is needed: the session is unknown, or its server cannot be reached."""

_LOG: Final = logging.getLogger("superscalar.mcp")

OpenClient = Callable[..., Client]


class Unreachable(NotDone):
    """A server was not there when it was to be called, so that nothing was sent to it."""


class Link:
    """One client from its beginning to its end, entered and left by one task. `lost`: it serves no more.

    `tells`: its server says when its tools change. `changes`: how often they may have, and `listed`, at which of these
    they were listed.
    """

    def __init__(self, server: ServerConfig, open_client: OpenClient) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[Client] = loop.create_future()
        self.lost = False
        self.tells = False
        self.changes = 0
        self.listed = -1
        self.under_way = 0
        self.answered = False
        self._server = server
        self._woken = asyncio.Event()
        self._closing = False
        self.task = asyncio.create_task(self._kept(open_client), name=f"superscalar session of {server.name}")

    def end(self) -> None:
        """It serves no more: it is left when its calls have ended."""
        self.lost = True
        self._woken.set()

    def close(self) -> None:
        """Leave it, with whatever is under way."""
        self._closing = True
        self.end()
        if not self.ready.done():
            self.task.cancel()

    def changed(self) -> None:
        """Note that the tools are other ones now."""
        self.changes += 1

    def call_ended(self) -> None:
        """One call less is under way."""
        self.under_way -= 1
        self._woken.set()

    async def _kept(self, open_client: OpenClient) -> None:
        try:
            async with AsyncExitStack() as stack:
                opened = open_client(self._server, ended=self.end, changed=self.changed)
                try:
                    async with asyncio.timeout(OPENS):
                        client = await stack.enter_async_context(opened)
                except TimeoutError:
                    raise TimeoutError(f"it was not ready within {OPENS:g} s") from None
                listening = await self._listening(client)
                self.ready.set_result(client)
                try:
                    while not (self._closing or (self.lost and not self.under_way)):
                        self._woken.clear()
                        await self._woken.wait()
                finally:
                    if listening is not None:
                        listening.cancel()
                        await asyncio.gather(listening, return_exceptions=True)
        except BaseException as error:  # the SDK may raise anything, also in groups
            if not self.ready.done():
                self.ready.set_exception(error if isinstance(error, Exception) else ConnectionError("it was left"))
                self.ready.exception()  # seen, also where nobody waits for it any more
            elif not isinstance(error, asyncio.CancelledError):
                _LOG.debug("%s was not left well: %s", self._server.name, self._server.told(error))
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            self.lost = True

    async def _listening(self, client: Client) -> asyncio.Task[None] | None:
        """Hear of changes of the list: by the messages of a handshake's session, or by listening."""
        tools = client.server_capabilities.tools
        if tools is None or not tools.list_changed:
            return None
        if client.session.initialize_result is not None:
            self.tells = True
            return None
        return asyncio.create_task(self._listen(client), name=f"what {self._server.name} says of its tools")

    async def _listen(self, client: Client) -> None:
        try:
            async with client.listen(tools_list_changed=True) as heard:
                self.tells = True
                self.changed()
                async for _ in heard:
                    self.changed()
        except Exception as error:  # noqa: BLE001 -- nothing depends on it: the list is asked for again instead
            _LOG.debug("%s does not tell of its tools: %s", self._server.name, self._server.told(error))
        finally:
            self.tells = False


class Connection:
    """One server, through whatever clients it takes. After a failure a new one is made, not sooner than after a pause.

    `open_client` makes a client that is to be entered once.
    """

    def __init__(self, server: ServerConfig, open_client: OpenClient = client_of) -> None:
        self.server = server
        self._open_client = open_client
        self._link: Link | None = None
        self._links: set[Link] = set()
        self._failures = 0
        self._not_before = 0.0
        self._listed: list[Any] | None = None
        self.instructions = ""

    async def client(self) -> tuple[Link, Client]:
        """Return a client that is connected; one that is not there yet is made.

        Raises:
            Unreachable: it cannot be connected, or not yet again.
        """
        link = self._link
        if link is None or link.lost:
            link = self._new(link)
        try:
            client = await asyncio.shield(link.ready)
        except Exception as error:  # noqa: BLE001 -- as above
            self._failed(link)
            raise Unreachable(f"{self.server.name} cannot be reached: {self.server.told(_inner(error))}") from None
        if link.lost:
            self._failed(link)
            raise Unreachable(f"{self.server.name} ended as soon as it was there")
        return link, client

    def _new(self, before: Link | None) -> Link:
        now = asyncio.get_running_loop().time()
        if before is not None:
            self._failed(before)
        if (left := self._not_before - now) > 0:
            raise Unreachable(f"{self.server.name} cannot be reached; it is tried again in {left:.1f} s")
        self._link = link = Link(self.server, self._open_client)
        self._links.add(link)
        link.task.add_done_callback(lambda _: self._links.discard(link))
        return link

    def _failed(self, link: Link) -> None:
        """Note once that a client has ended; one that served begins the pauses anew."""
        if link is not self._link:
            return
        self._link = None
        self._failures = 0 if link.answered else self._failures + 1
        if self._failures:
            pause = min(_SHORTEST_PAUSE * 2.0 ** min(self._failures - 1, 30), LONGEST_PAUSE)
            self._not_before = asyncio.get_running_loop().time() + pause

    async def call(self, tool: str, arguments: dict[str, Any], progress: Any, refused: str | None) -> Any:
        """Return what the server answers to a call: a result of the SDK's.

        Raises:
            Unreachable: it was never sent, or to a session that is gone.
            NoResult: what came back is none.
            Exception: what `failure_of_call` makes of an error.
        """
        link, client = await self.client()
        link.under_way += 1
        try:
            result = await client.call_tool(tool, arguments, progress_callback=progress)
        except MCPError as error:
            said = self.server.scrub(error.message)
            if error.code in _GONE:
                link.end()
                raise Unreachable(f"{self.server.name}: {said}") from None
            raise failure_of_call(error.code, said, error.data, self.server.name, refused=refused) from None
        except Exception as error:  # noqa: BLE001 -- the SDK, of an answer that it cannot read; it quotes that
            raise NoResult(f"what came back is no result: {self.server.told(error)}") from None
        finally:
            link.call_ended()
        link.answered = True
        return result

    async def tools(self) -> list[Any]:
        """Return what the server lists now, all pages; the same list as before as long as nothing has changed.

        Where its server has died since, it is what was listed last: its calls say themselves what is wrong.

        Raises:
            ToolsetError: it cannot be reached, and never listed anything; or its list cannot be read.
        """
        try:
            link, client = await self.client()
            if self._listed is not None and link.tells and link.listed == link.changes:
                return self._listed
            changes = link.changes
            try:
                async with asyncio.timeout(OPENS):
                    found = await self._pages(client)
            except TimeoutError:
                raise TimeoutError(f"its list of tools did not come within {OPENS:g} s") from None
            link.listed = changes
            link.answered = True
            self.instructions = client.instructions or ""
        except ToolsetError:
            raise
        except Exception as error:  # noqa: BLE001 -- the SDK may raise anything, of a list that is none too
            why = str(error) if isinstance(error, Unreachable) else f"{self.server.name}: {self.server.told(error)}"
            if self._listed is not None:
                _LOG.warning("%s lists nothing now, so its tools are those of before: %s", self.server.name, why)
                return self._listed
            raise ToolsetError(f"{why} (mcpServers.{self.server.name})") from None
        if self._listed != found:
            self._listed = found
        return self._listed

    async def _pages(self, client: Client) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="refresh")
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return found
            if cursor in seen or len(found) > _MOST_TOOLS:
                break
            seen.add(cursor)
        raise ToolsetError(f"the list of tools of {self.server.name} has no end: {len(found):,} of them so far")

    async def aclose(self) -> None:
        """Leave every client, whatever it is at."""
        links = list(self._links)
        for link in links:
            link.close()
        await asyncio.gather(*(link.task for link in links), return_exceptions=True)


def _inner(error: Exception) -> Exception:
    """What a group of errors is about, if that is one."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
