"""What the tools of an office did, in order."""

from __future__ import annotations

from typing import Any

MADE: list[tuple[str, dict[str, Any]]] = []


def made(name: str, **arguments: Any) -> None:
    """Keep a write."""
    MADE.append((name, arguments))
