"""Thousands of runs of the real shell, each in another random world; and the proof that they can fail."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from simulation.campaign import SEEDS_PER_PLAN, simulate_many, simulated, watched
from superscalar import Retry
from superscalar.events import Event, Expanded, Failed
from superscalar.schedule import attempt, calls, deadlines, ends, hazards, limits, order, state, unit
from superscalar.values import Failure
from support.depth import campaign, searching

BLOCK = 50 * SEEDS_PER_PLAN


@pytest.mark.search
def test_every_simulated_run_keeps_every_promise() -> None:
    """SUPERSCALAR_SIMULATIONS says how many, SUPERSCALAR_SEED which one alone."""
    chosen = campaign(120, 6_000)
    firsts = chosen[::BLOCK]
    counts = [min(BLOCK, chosen[-1] + 1 - first) for first in firsts]
    wrong: list[str] = []
    done = 0
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        each = pool.map if len(firsts) > 1 else map  # to begin a process takes a second
        made = each(simulate_many, firsts, counts)
        for count, (_, found) in zip(counts, made, strict=True):
            done += count
            wrong += [what for _, what in found]
            print(f"{done:,} of {len(chosen):,} simulations, {len(wrong)} wrong", flush=True)  # noqa: T201
            if len(wrong) > 20:
                pool.shutdown(cancel_futures=True)
                break
    assert not wrong, "\n\n".join(wrong[:5])


@pytest.mark.search
@pytest.mark.skipif(not searching(), reason="it takes seconds; make search does it")
def test_the_simulations_are_not_trivial() -> None:
    """Many retry, wait for limits, are stopped, go on for a second round, drop what is not needed, and revive it."""
    found: Counter[str] = Counter()
    with watched():
        for seed in range(0, 4_800, 12):
            for run in simulated(seed).runs:
                found.update({type(e).__name__ for e in run.events})
                found["abandoned"] += any(failure.abandoned for failure in _failures(run.events))
                found["in doubt"] += any(failure.in_doubt for failure in _failures(run.events))
                found[type(run.result).__name__] += 1
    often = {
        "Started",
        "Expanded",
        "Failed",
        "Skipped",
        "Waiting",
        "Retrying",
        "Wanted",
        "Won",
        "Unneeded",
        "RoundStarted",
    }
    assert all(found[name] >= 25 for name in (*often, "in doubt", "DeadlinePassed", "CancelledError")), found
    rarely = {"Cancelled", "Shared", "Resolved", "Replanned", "Revived", "abandoned", "ModelError", "PlanError"}
    assert all(found[name] >= 3 for name in rarely), found


def _failures(events: list[Event]) -> list[Failure]:
    return [e.failure for e in events if isinstance(e, Failed)]


# ------------------------------------------------------------------------------- the campaign notices what is broken

Break = Callable[[pytest.MonkeyPatch], None]
BREAKS: dict[str, tuple[Break, str]] = {}


def breaks(found: str) -> Callable[[Break], Break]:
    """A way to break the scheduler, and what the campaign says of it."""

    def add(make: Break) -> Break:
        BREAKS[make.__name__.replace("_", " ")] = make, found
        return make

    return add


@breaks("not given back|everything waits")
def a_slot_is_not_given_back_after_a_retry(patch: pytest.MonkeyPatch) -> None:
    given_back, end = limits.Grants.give_back, calls.Calls.end

    def forgetful(self: calls.Calls, call: attempt.Attempt) -> None:
        patch.setattr(limits.Grants, "give_back", given_back if call.number == 1 else lambda *_: None)
        end(self, call)
        patch.setattr(limits.Grants, "give_back", given_back)

    patch.setattr(calls.Calls, "end", forgetful)


@breaks("started before")
def an_ordering_edge_is_open_from_the_start(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(order.Ordering, "follow", lambda *_: None)


@breaks("failed without doubt, but happened")
def a_write_that_timed_out_is_not_in_doubt(patch: pytest.MonkeyPatch) -> None:
    failure_of = ends.failure_of

    def certain(call: attempt.Attempt, error: BaseException, *verdict: Any) -> Failure:
        failure = failure_of(call, error, *verdict)
        return replace(failure, in_doubt=False) if failure.kind == "timeout" else failure

    patch.setattr(ends, "failure_of", certain)


@breaks("was called again though it had happened")
def a_write_that_may_have_happened_is_made_again(patch: pytest.MonkeyPatch) -> None:
    def eager(call: attempt.Attempt, error: BaseException, *_verdict: Any) -> Retry | None:
        return ends.rule_among(call.tool.retries, call.number, error, None)

    patch.setattr(ends, "rule_after", eager)


@breaks("happened after its end")
def a_cancelled_run_does_not_wait_for_its_calls(patch: pytest.MonkeyPatch) -> None:
    async def cancel(self: unit.TaskFetchingUnit, kind: Any = "cancelled") -> None:
        self.stop(kind)

    patch.setattr(unit.TaskFetchingUnit, "cancel", cancel)


@breaks("timers are set")
def the_alarm_stays_set(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deadlines.Deadlines, "clear", lambda _: None)


@breaks("writes before the seal")
def writes_do_not_wait_for_the_seal(patch: pytest.MonkeyPatch) -> None:
    add = state.Schedule._add

    def hasty(self: state.Schedule, *given: Any) -> Any:
        sealed, self.sealed = self.sealed, True
        cell = add(self, *given)
        self.sealed = sealed
        return cell

    patch.setattr(state.Schedule, "_add", hasty)


@breaks("is in doubt")
def doubt_stands_in_nobodys_way(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hazards.Hazards, "cause", lambda *_: None)


@breaks("settled twice")
def an_end_is_heard_twice(patch: pytest.MonkeyPatch) -> None:
    happened = unit.TaskFetchingUnit.happened

    def twice(self: unit.TaskFetchingUnit, event: Event) -> None:
        happened(self, event)
        if isinstance(event, Failed) and event.failure.kind == "timeout":
            self._record(event)

    patch.setattr(unit.TaskFetchingUnit, "happened", twice)


@breaks("there is no task")
def a_fact_is_not_recorded(patch: pytest.MonkeyPatch) -> None:
    happened = unit.TaskFetchingUnit.happened

    def silent(self: unit.TaskFetchingUnit, event: Event) -> None:
        if isinstance(event, Expanded):
            self.schedule.note(event)
        else:
            happened(self, event)

    patch.setattr(unit.TaskFetchingUnit, "happened", silent)


@pytest.mark.parametrize("broken", sorted(BREAKS))
def test_the_campaign_finds_a_scheduler_in_which(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, found = BREAKS[broken]
    make(monkeypatch)
    with watched(), pytest.raises(Exception, match=found) as caught:  # noqa: PT012 -- at which seed is not known
        for seed in range(1_500):
            simulated(seed)
    assert any("To replay it" in note for note in caught.value.__notes__)
