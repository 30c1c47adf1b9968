"""What a model is shown of a value: JSON of a bounded length, for bounded work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar.excerpt import excerpt
from superscalar.values import plain
from support.depth import examples

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@dataclass(frozen=True)
class Quote:
    ticker: str
    price: float


@pytest.mark.parametrize(
    ("value", "room", "shown"),
    [
        (Quote("IBM", 0.1 + 0.2), 80, '{"ticker": "IBM", "price": 0.3}'),
        ([Quote("IBM", 1.5)] * 900, 60, '[{"ticker": "IBM", … 1 more of 2 keys}, … 899 more of 900 items]'),
        ("x" * 300, 40, f'"{"x" * 39}…"'),
        ("x" * 300, 200, f'"{"x" * 175}… (300 characters in all)"'),
        ({f"k{i}": i for i in range(50)}, 40, '{"k0": 0, "k1": 1, "k2": 2, "k3": 3, … 46 more of 50 keys}'),
        (({1: float("nan")}, {"a", "b"} - {"b"}), 80, '[{"1": "nan"}, ["a"]]'),
    ],
)
def test_a_value_is_json_and_what_is_left_out_is_said(value: Any, room: int, shown: str) -> None:
    assert excerpt(value, room) == shown


@settings(max_examples=examples(50))
@given(DATA)
def test_what_has_room_is_whole(value: Any) -> None:
    assert json.loads(excerpt(value, 1_000_000)) == plain(value)


def test_no_more_of_a_value_is_looked_at_than_is_shown() -> None:
    looked_at = 0

    class Opaque:
        def __repr__(self) -> str:
            nonlocal looked_at
            looked_at += 1
            return "an object"

    assert excerpt([[Opaque()] * 1_000] * 1_000, 100).endswith("more of 1,000 items]")
    assert looked_at < 100
