"""FastMCP's CodeMode in front of servers: `python fastmcp_server.py CONFIG each|connected`, in its own environment.

`each`: the configuration as a whole, as its documentation does it: a session for each call, which on standard
streams is a process of each server. `connected`: a client for each server that is connected is handed in.
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
        if how == "each":
            server.mount(create_proxy(config, mode="legacy"))
        else:
            for name, one in config["mcpServers"].items():
                alone: Any = {"mcpServers": {name: one}}
                server.mount(create_proxy(await opened.enter_async_context(Client(alone, mode="legacy"))))
        await server.run_async("stdio", show_banner=False, log_level="ERROR")


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]))
