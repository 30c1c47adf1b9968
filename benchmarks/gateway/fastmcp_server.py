"""FastMCP's CodeMode in front of servers: `python fastmcp_server.py CONFIG each|connected`, in its own environment.

`each`: a session for each call, which is what a proxy does unless it is told otherwise; on standard streams that is a
process. `connected`: clients that are connected are handed in, so that a server is started once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from fastmcp import Client, FastMCP
from fastmcp.experimental.transforms.code_mode import CodeMode
from fastmcp.server import create_proxy


async def main(config: dict[str, Any], how: str) -> None:
    """Serve on standard streams."""
    server = FastMCP("code", transforms=[CodeMode()])
    async with AsyncExitStack() as opened:
        for name, one in config["mcpServers"].items():
            alone = {"mcpServers": {name: one}}
            target: Any = alone
            if how == "connected":
                target = await opened.enter_async_context(Client(alone, mode="legacy"))
            server.mount(create_proxy(target) if how == "connected" else create_proxy(target, mode="legacy"))
        await server.run_async("stdio", show_banner=False, log_level="ERROR")


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]))
