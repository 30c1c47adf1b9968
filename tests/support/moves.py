"""Watches the status of task instances."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from superscalar.schedule.cells import MOVES, Cell


@contextmanager
def watched() -> Iterator[set[tuple[str, str]]]:
    """Note every move; one that is not in the table fails where it is made."""
    seen: set[tuple[str, str]] = set()
    slot: Any = Cell.__dict__["status"]

    def moved(cell: Cell, status: str) -> None:
        try:
            before = slot.__get__(cell)
        except AttributeError:
            before = status  # it was made just now
        slot.__set__(cell, status)
        if before != status:
            seen.add((before, status))
            assert (before, status) in MOVES, f"{cell.id}: {before} -> {status}"

    setattr(Cell, "status", property(slot.__get__, moved))  # noqa: B010 -- no type checker allows it otherwise
    try:
        yield seen
    finally:
        setattr(Cell, "status", slot)  # noqa: B010
