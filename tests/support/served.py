"""Servers of the SDK in this process, which speak both revisions, and the tools that we make of them."""

from __future__ import annotations

import asyncio
import base64
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import CallToolResult, ImageContent, ResourceLink, SamplingMessage, TextContent, ToolAnnotations
from pydantic import BaseModel

from superscalar import Toolset
from superscalar.tools.toolset import ServerTools

READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
IMAGE = ImageContent(data=base64.b64encode(b"PNG").decode(), mime_type="image/png")


class Part(BaseModel):
    """What is known of a part."""

    name: str
    count: int


class Visitor(BaseModel):
    """Who asks."""

    name: str


class Key(BaseModel):
    """What nobody should be asked for."""

    api_key: str


async def _who() -> Any:
    return Elicit("Who are you?", Visitor)


async def _key() -> Any:
    return Elicit("We need it.", Key)


class Shop:
    """A shop, and what has become of it. `sold`: the writes that were made."""

    def __init__(self, name: str = "shop") -> None:
        before = logging.getLogger().handlers[:]
        self.server = MCPServer(name, instructions="Parts have names.\u202e")
        logging.getLogger().handlers[:] = before  # the SDK sets up a log of its own
        self.sold: list[str] = []
        self.cancelled = 0
        tools: list[tuple[Any, dict[str, Any]]] = [
            (self.part, {"annotations": READS}),
            (self.sell, {}),
            (self.refuse, {}),
            (self.text, {"annotations": READS, "structured_output": False}),
            (self.picture, {"annotations": READS, "structured_output": False}),
            (self.slow, {"annotations": READS}),
            (self.think, {}),
            (self.restock, {}),
            (self.greet, {}),
            (self.unlock, {}),
        ]
        for function, terms in tools:
            self.server.add_tool(function, **terms)

    async def part(self, name: str) -> Part:
        """What is known of a part."""
        return Part(name=name, count=len(name))

    async def sell(self, to: str, name: str) -> str:
        """Sell a part to somebody."""
        self.sold.append(f"{name} to {to}")
        return "sold"

    async def refuse(self, why: str) -> str:
        """Say no."""
        raise ToolError(why)

    async def text(self, of: str) -> CallToolResult:
        """A text."""
        return CallToolResult(content=[TextContent(text=of)])

    async def picture(self) -> CallToolResult:
        """A text, an image and a link."""
        link = ResourceLink(uri="shop://bolt", name="bolt")
        return CallToolResult(content=[TextContent(text="a bolt"), IMAGE, link])

    async def slow(self, ctx: Context, seconds: float) -> str:
        """Take a while."""
        try:
            for step in range(4):
                await asyncio.sleep(seconds / 4)
                await ctx.report_progress(step + 1, 4, f"step {step + 1}")
        except BaseException:
            self.cancelled += 1
            raise
        return "done"

    async def think(self, ctx: Context, how: str) -> str:
        """Ask the client's model, or what its folders are."""
        session = ctx.request_context.session
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that both are deprecated
            if how == "roots":
                return str(await session.list_roots())
            turn = SamplingMessage(role="user", content=TextContent(text="Say yes."))
            return str(await session.create_message(messages=[turn], max_tokens=10))

    async def restock(self, ctx: Context) -> str:
        """Offer `bolts` in the place of `text`, and tell so."""

        async def bolts() -> int:
            """How many bolts there are."""
            return 7

        self.server.add_tool(bolts)
        self.server.remove_tool("text")
        await ctx.notify_tools_changed()
        return "restocked"

    async def greet(self, visitor: Annotated[Visitor, Resolve(_who)]) -> str:
        """Greet who asks."""
        return f"hello {visitor.name}"

    async def unlock(self, key: Annotated[Key, Resolve(_key)]) -> str:
        """Unlock what is locked."""
        return key.api_key


def served(
    lock: Path | None = None, *, tell: Any = None, elicit: Any = None, **servers: Mapping[str, Any]
) -> ServerTools:
    """The tools of some servers, by name: what the configuration says of each, with a `server` to be reached at."""
    config = {"mcpServers": {name: dict(one) for name, one in servers.items()}}
    return Toolset.from_mcp(config, lock=lock, tell=tell or (lambda _: None), elicit=elicit)
