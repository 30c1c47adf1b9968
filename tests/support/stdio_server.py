"""A server of MCP on standard streams, in the revision with a handshake, of plain Python: it is there at once.

    python stdio_server.py [NAME ...]

Tools by name: `echo` gives its text back, `put` writes a text to a path, `die` ends the process in the middle of a
call, `wait` never answers, `child` begins a process of its own and tells its number, `env` tells a variable. Its
instructions are what the variable SAYS has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
PUT = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
    "required": ["path", "text"],
}
NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
TOOLS: dict[str, dict[str, Any]] = {
    "echo": {"inputSchema": TEXT, "description": "Give a text back.", "annotations": {"readOnlyHint": True}},
    "put": {"inputSchema": PUT, "description": "Write a text to a file."},
    "die": {"inputSchema": NOTHING},
    "wait": {"inputSchema": NOTHING},
    "child": {"inputSchema": NOTHING},
    "env": {"inputSchema": TEXT},
}


def call(name: str, given: dict[str, Any]) -> Any:
    """What a tool answers; None where it never does."""
    match name:
        case "echo":
            return given["text"]
        case "put":
            Path(given["path"]).write_text(given["text"])
            return "written"
        case "die":
            os._exit(3)
        case "wait":
            return None
        case "child":
            return str(subprocess.Popen(["sleep", "60"]).pid)
        case "env":
            return os.environ.get(given["text"], "(not set)")
    return f"there is no tool {name}"


def answer(method: str, params: dict[str, Any], names: list[str]) -> Any:
    """The result of a request; a number is the code of an error."""
    match method:
        case "initialize":
            server = {"name": "stdio", "version": "1"}
            about = {"serverInfo": server, "instructions": os.environ.get("SAYS", "")}
            return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, **about}
        case "tools/list":
            return {"tools": [{"name": name, **TOOLS[name]} for name in names]}
        case "tools/call":
            said = call(params["name"], params.get("arguments") or {})
            return None if said is None else {"content": [{"type": "text", "text": said}]}
    return -32601


def main(names: list[str]) -> None:
    """Answer requests until there are no more."""
    sys.stderr.write(f"ready, with the token {os.environ.get('TOKEN', '')}\n")
    sys.stderr.flush()
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        result = answer(request["method"], request.get("params") or {}, names)
        said = (
            {"error": {"code": result, "message": "no such method"}} if isinstance(result, int) else {"result": result}
        )
        if result is not None:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], **said}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:] or list(TOOLS))
