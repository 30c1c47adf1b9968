"""A process that dies in the middle of a run, at any event: what another makes of it is true and complete."""

from __future__ import annotations

from collections import Counter

import pytest

from simulation.campaign import watched
from simulation.crashes import WatchedResumed, crashed
from superscalar import CallAgain
from superscalar.compiler import resume
from superscalar.testing import seeds

BLOCK = 500


@pytest.fixture(autouse=True)
def _watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "ResumedUnit", WatchedResumed)


def test_a_run_goes_on_after_its_process_died_at_any_event() -> None:
    found: Counter[str] = Counter()
    with watched():
        for seed in seeds(2_000):
            found[crashed(seed)] += 1
    if found.total() >= 2_000:
        assert found["resumed"] >= 300, found
        assert found["asked"] >= 30, found


def test_an_answer_that_is_not_true_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone who says of every write that it did not happen has some of them made twice."""
    monkeypatch.setattr("simulation.crashes.Done", lambda _value: CallAgain())
    found = r"called again though it had happened|happened 2 x"
    with watched(), pytest.raises(AssertionError, match=found):  # noqa: PT012 -- at which seed is not known
        for seed in range(5_000):
            crashed(seed)
