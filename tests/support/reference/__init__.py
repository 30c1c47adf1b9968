"""Pages that are made from the source: each is what its maker says now, and lacks nothing that the source has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from support.reference import api, commands, diagnostics, events, failures

DOCS: Final = Path(__file__).parents[3] / "docs"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "api.md": api.page,
    "cli.md": commands.page,
    "diagnostics.md": diagnostics.page,
    "events.md": events.page,
    "failures.md": failures.page,
}
"""Who makes each page of `docs/`."""
