"""`mcp.lock`, beside the configuration: digests of what servers said of their tools when somebody accepted it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from superscalar.errors import UsageError

NAME: Final = "mcp.lock"
_VERSION: Final = 1


def lock_beside(path: Path) -> Path:
    """Return where the lock of a configuration is."""
    return path.absolute().parent / NAME


def read_lock(path: Path) -> dict[str, dict[str, str]] | None:
    """Read the digests of tools, by server and tool; None where nothing was ever accepted.

    Raises:
        UsageError: there is a file, and it is none of ours, or damaged.
    """
    try:
        said = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    servers = said.get("servers") if isinstance(said, dict) and said.get("version") == _VERSION else None
    if not isinstance(servers, dict) or not all(_are_digests(tools) for tools in servers.values()):
        raise UsageError(
            f"{path} is no lock that this release can read; look at what the servers say with "
            "`superscalar mcp accept`, once it is out of the way"
        )
    return servers


def write_lock(path: Path, servers: Mapping[str, Mapping[str, str]]) -> None:
    """Write the digests in the place of those that were there, all of them or none.

    Raises:
        UsageError: it cannot be written.
    """
    ordered = {name: dict(sorted(tools.items())) for name, tools in sorted(servers.items())}
    text = json.dumps({"version": _VERSION, "servers": ordered}, indent=2) + "\n"
    made = ""
    try:
        with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8") as file:
            made = file.name
            file.write(text)
        Path(made).chmod(0o644)
        Path(made).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(made).unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error


def _are_digests(tools: object) -> bool:
    return isinstance(tools, dict) and all(isinstance(one, str) for one in (*tools, *tools.values()))
