"""The servers of the Model Context Protocol that npm has, where `make mcp` has installed them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[2] / "build" / "mcp" / "node_modules" / "@modelcontextprotocol"
NAMES: Final = ("everything", "filesystem", "memory")


def missing() -> str:
    """Why they cannot be run; empty if they can."""
    if shutil.which("node") is None:
        return "Node.js is not installed, which the servers of npm need"
    if gone := [name for name in NAMES if not (FOLDER / f"server-{name}" / "dist" / "index.js").exists()]:
        return f"the servers of npm are not installed ({', '.join(gone)}): `make mcp` does that"
    return ""


def configured(root: Path, **more: dict[str, Any]) -> dict[str, Any]:
    """What a configuration says of them; `root` is the folder that they may write to. `more`: by server, what else."""
    said: dict[str, dict[str, Any]] = {
        "everything": {"args": [_program("everything")]},
        "filesystem": {"args": [_program("filesystem"), str(root)]},
        "memory": {"args": [_program("memory")], "env": {"MEMORY_FILE_PATH": str(root / "memory.jsonl")}},
    }
    servers = {name: {"command": "node", **one, **more.get(name, {})} for name, one in said.items()}
    return {"mcpServers": servers}


def _program(name: str) -> str:
    return str(FOLDER / f"server-{name}" / "dist" / "index.js")
