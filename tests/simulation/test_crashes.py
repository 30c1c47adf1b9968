"""A process that dies in the middle of a run, at any event: what another makes of it is true and complete."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from simulation.campaign import watched
from simulation.crashes import WatchedRest, crashed
from superscalar import CallAgain
from superscalar.compiler import wiring
from support.depth import campaign, searching


@pytest.fixture(autouse=True)
def _watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(wiring, "Rest", WatchedRest)
    gc.disable()
    yield
    gc.enable()


def crashes(among: Iterable[int]) -> Iterator[str]:
    """What each of these runs comes to. Nothing of a dead process is collected while another one is at work."""
    for seed in among:
        yield crashed(seed)
        if seed % 50 == 0:
            gc.collect()


@pytest.mark.search
def test_a_run_goes_on_after_its_process_died_at_any_event() -> None:
    found: Counter[str] = Counter()
    with watched():
        found.update(crashes(campaign(40, 1_000)))
    if found.total() >= 2_000:
        assert found["resumed"] >= 300, found
        assert found["asked"] >= 30, found


@pytest.mark.search
@pytest.mark.skipif(not searching(), reason="it takes seconds; make search does it")
def test_an_answer_that_is_not_true_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone who says of every write that it did not happen has some of them made twice."""
    monkeypatch.setattr("simulation.crashes.Done", lambda _value: CallAgain())
    found = r"called again though it had happened|happened 2 x"
    with watched(), pytest.raises(AssertionError, match=found):
        for _ in crashes(range(5_000)):
            pass
