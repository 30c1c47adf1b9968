"""The tools of the plans that show what passes do."""

from __future__ import annotations

from typing import Any

from superscalar.tools.tool import tool


@tool(effect="pure")
def convert(amount: float, to: str) -> float:
    """Depends on its arguments only."""
    raise NotImplementedError


@tool(effect="read", resource="rates", dedupe=True)
def rate(currency: str) -> float:
    """Identical calls are one."""
    raise NotImplementedError


@tool(effect="read", resource="rates")
def history(currency: str) -> list[float]:
    """Identical calls are not one."""
    raise NotImplementedError


@tool(effect="write", resource="rates")
def fix(currency: str, value: float) -> None:
    """Writes what `rate` reads."""
    raise NotImplementedError


@tool(effect="read", resource=lambda path: f"file:{path}")
def load(path: str) -> str:
    """Reads one file."""
    raise NotImplementedError


@tool(effect="write", resource=lambda path: f"file:{path}")
def save(path: str, text: Any) -> None:
    """Writes one file."""
    raise NotImplementedError


@tool(effect="read")
def files() -> list[str]:
    """Reads everything that the module has."""
    raise NotImplementedError
