"""A server that takes a second for what it is asked: `python slow_server.py`."""

from __future__ import annotations

import asyncio

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

SECONDS = 1.0


async def look_up(word: str) -> str:
    """Look a word up, which takes a second."""
    await asyncio.sleep(SECONDS)
    return f"about {word}"


def main() -> None:
    """Serve on standard streams."""
    server = MCPServer("slow", log_level="ERROR")
    server.tool(annotations=ToolAnnotations(read_only_hint=True))(look_up)
    server.run("stdio")


if __name__ == "__main__":
    main()
