"""What `--estimate` says of a plan, and which journal it is made from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superscalar.cli.terminal import safe

if TYPE_CHECKING:
    from superscalar.estimate import Estimate


def measured_in(journal: Path | None, *, wanted: bool, typed: bool) -> Path | None:
    """The journal that says how long calls take, where an estimate is wanted; one that is not there is made by nobody.

    Raises:
        CommandError: it was typed, and is not there.
    """
    if not wanted or journal is None:
        return None
    from superscalar.cli.journals import open_journal
    from superscalar.journal.database import is_there

    if not typed and not is_there(journal):
        return None
    return open_journal(journal).path


def estimate_text(estimate: Estimate) -> str:
    """An estimate for people."""
    return safe(f"what it would take:\n{estimate}")


def estimate_document(estimate: Estimate) -> dict[str, Any]:
    """An estimate as JSON data: each range has its `least` and `most`, which is null where nobody knows."""
    return {**asdict(estimate), "tokens": asdict(estimate.tokens)}
