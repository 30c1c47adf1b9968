"""The benchmark of a provider's limits, small: its goals hold, and it says the same each time."""

from __future__ import annotations

import pytest
from benchmarks.provider import CASES, measure, missed


@pytest.mark.parametrize("case", CASES)
def test_a_small_provider_meets_the_goals(case: str) -> None:
    row = measure(case, seed=1, calls=1_000, runs=10)
    assert missed([row]) == []
    assert row.ratio >= 0.97  # nobody beats the bound but by what the first window and burst allow
    if case != "oracle":
        assert row.ratio <= 1.25
        assert row.refused <= 0.05
        assert row.spread <= 1.2
        assert row.most <= 10


def test_the_same_seed_measures_the_same() -> None:
    first, second = (measure("unknown", seed=3, calls=300, runs=5) for _ in range(2))
    assert first == second
