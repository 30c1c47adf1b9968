"""Texts that are cut short: one notation, in one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from superscalar.short import brief, cut, more

SOURCE = Path(__file__).parent.parent / "src" / "superscalar"
CUT = re.compile(r"\[: ?\w+(?: - \d+)?\]\}?(?:!r\})?(?:\.\.\.|…)|characters in all")


@pytest.mark.parametrize(
    ("length", "most", "shown"),
    [
        (40, 40, "x" * 40),
        (41, 40, "x" * 39 + "…"),
        (200, 200, "x" * 200),
        (1_234, 200, "x" * 173 + "… (1,234 characters in all)"),
    ],
)
def test_a_cut_text_has_the_length_that_was_asked_for(length: int, most: int, shown: str) -> None:
    assert (cut("x" * length, most), len(shown)) == (shown, min(length, most))


def test_a_name_in_a_message_stands_on_one_line() -> None:
    assert brief("two\nlines" + "x" * 99) == "two\\nlines" + "x" * 30 + "…"


def test_items_that_are_left_out_are_counted() -> None:
    assert more(997, 1_000, "items") == "… 997 more of 1,000 items"


def test_no_other_place_has_a_notation_of_its_own() -> None:
    """But for the text of an opaque handle, which plans compute with: it is what it was."""
    found = {path.name for path in SOURCE.rglob("*.py") if CUT.search(path.read_text(encoding="utf-8"))}
    assert found == {"short.py", "elements.py"}
