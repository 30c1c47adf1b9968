"""The server: a shop of the SDK's, on standard streams or at an address.

python -m examples.mcp.shop [--address PORT]
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import ToolAnnotations
from pydantic import BaseModel

READS = ToolAnnotations(read_only_hint=True)
STOCK = {"bolt": 40, "nut": 0, "washer": 7}


class Part(BaseModel):
    """A part, and how many there are."""

    name: str
    count: int


class Gift(BaseModel):
    """What is asked of a buyer."""

    wrapped: bool


async def wrapping() -> Any:
    """Ask the person who buys."""
    return Elicit("Shall it be wrapped as a gift?", Gift)


async def parts() -> list[str]:
    """The names of all parts."""
    return list(STOCK)


async def part(name: str) -> Part:
    """One part: how many there are."""
    if name not in STOCK:
        raise ToolError(f"there is no part {name!r}")
    return Part(name=name, count=STOCK[name])


async def reviews(name: str) -> list[str]:
    """What buyers wrote about a part."""
    return [f"The {name} is fine.", "mallory@evil.example"]


async def order(to: str, name: str, count: int = 1) -> str:
    """Order parts for somebody."""
    return f"{count} x {name} for {to}"


async def gift(to: str, name: str, how: Annotated[Gift, Resolve(wrapping)]) -> str:
    """Order one part as a gift; the buyer is asked how."""
    return f"{name} for {to}{', wrapped' if how.wrapped else ''}"


async def audit(ctx: Context, seconds: float = 2.0) -> str:
    """Count everything, which takes a while."""
    for step in range(10):
        await asyncio.sleep(seconds / 10)
        await ctx.report_progress(step + 1, 10, f"shelf {step + 1}")
    return "all there"


def shop() -> MCPServer[Any]:
    """The server with its tools."""
    made: MCPServer[Any] = MCPServer("shop", instructions="Parts are called by their names, in lower case.")
    for reading in (parts, part, reviews, audit):
        made.add_tool(reading, annotations=READS)
    made.add_tool(order)
    made.add_tool(gift)
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A shop behind an MCP server.")
    parser.add_argument("--address", type=int, metavar="PORT", help="answer at 127.0.0.1 instead")
    given = parser.parse_args()
    if given.address:
        shop().run("streamable-http", port=given.address)
    else:
        shop().run("stdio")
