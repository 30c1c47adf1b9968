"""How deep a test searches: minutes for everybody, hours for whoever looks for what nobody has seen yet.

A search is a test that looks at more examples the longer it may: property tests, campaigns of simulations, kills,
fuzzers. All of them run in `make test`, with few examples, and in `make search` with ten times as many.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

from hypothesis import settings

from superscalar.testing import seeds

T = TypeVar("T")

QUICK, SEARCH = 300, 3_000
"""Examples of a property that costs little, in `make test` and in `make search`; SUPERSCALAR_DEPTH says otherwise."""

SEARCH_SEED = "SUPERSCALAR_SEARCH_SEED"
"""The variable that hands the seed of a search on to processes that a test begins."""

_APART = 1_200_000  # more than any campaign goes through, and a multiple of how many of them share a plan


def said() -> int | None:
    """The number that the environment says."""
    depth = os.environ.get("SUPERSCALAR_DEPTH")
    return int(depth) if depth else None


def searching() -> bool:
    """Whether this is a search, and what takes long may."""
    return settings().max_examples > QUICK


def examples(quick: int, deep: int | None = None) -> int:
    """How many examples a search looks at: `quick` in `make test`, `deep` in `make search` (ten times as many)."""
    most = settings().max_examples
    if deep is None or not searching():
        return max(1, quick * most // QUICK)
    return max(1, deep * most // SEARCH)


def share(cases: Iterable[T], one_in: int) -> list[T]:
    """All cases in a search, one in so many of them in `make test`. `one_in` must not divide the width of a matrix."""
    return list(cases)[:: 1 if searching() else one_in]


def campaign(quick: int, deep: int | None = None) -> range:
    """The seeds of a campaign, as many as `examples`: from 0 in `make test`, else far from every other search's seeds.

    SUPERSCALAR_SEED and SUPERSCALAR_SIMULATIONS are honoured, as in `superscalar.testing.seeds`.
    """
    chosen = seeds(examples(quick, deep))
    if len(chosen) == 1:
        return range(chosen[0], chosen[0] + 1)
    first = _APART * int(os.environ.get(SEARCH_SEED, "0"))
    return range(first, first + len(chosen))
