"""Where the time went, and the least that it could have been."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from superscalar.events import (
    Event,
    Joined,
    JoinStarted,
    ModelUsed,
    PlanWritten,
    Replanned,
    Retrying,
    RoundStarted,
    RunEnded,
    RunStarted,
    Sealed,
    Started,
    Succeeded,
    Waiting,
)
from superscalar.observe.timing import Timing, lower_bound, span
from superscalar.values import Failure, Usage


def call(task: str, ready: float, start: float, end: float, tool: str = "t") -> list[Event]:
    return [Waiting(ready, task, ("t",)), Started(start, task, tool, {}), Succeeded(end, task, 1)]


def in_order(*calls: list[Event]) -> list[Event]:
    return sorted((event for events in calls for event in events), key=lambda event: event.at)


def test_the_parts_of_a_run_are_measured_where_they_overlap() -> None:
    events: list[Event] = [
        RunStarted(10.0, "r", "why"),
        RoundStarted(10.5, 0),
        PlanWritten(11.0, "a = t()\n"),
        Started(11.25, "a", "t", {}),
        Sealed(12.0),
        Started(12.0, "b", "t", {}),
        Succeeded(12.25, "a", 1),
        Succeeded(12.0 + 1.5, "b", 1),
        JoinStarted(13.5),
        Joined(15.0, "so"),
        RunEnded(15.0),
    ]
    assert Timing.of(events) == Timing(total=5.0, planning=1.5, tools=2.25, joining=1.5, calls=2, one_after_another=2.5)


def test_a_retried_call_is_one_call_whose_pause_is_not_counted() -> None:
    events: list[Event] = [
        Started(0.0, "a", "t", {}),
        Retrying(1.0, "a", 1, Failure("error", "no"), delay=5.0),
        Started(6.0, "a", "t", {}, attempt=2),
        Succeeded(8.0, "a", 1),
    ]
    timing = Timing.of(events)
    assert (timing.calls, timing.tools, timing.one_after_another) == (1, 8.0, 3.0)


def test_planning_and_joining_add_up_over_rounds_and_an_unsealed_plan_ends_with_the_planners_last_word() -> None:
    events: list[Event] = [
        RoundStarted(0.0, 0),
        Sealed(1.0),
        JoinStarted(2.0),
        Replanned(2.5, "more"),
        RoundStarted(2.5, 1),
        PlanWritten(3.0, "x"),
        ModelUsed(3.5, "planner", Usage()),
        RunEnded(9.0, "broken"),
    ]
    timing = Timing.of(events)
    assert (timing.planning, timing.joining, timing.total) == (2.0, 0.5, 9.0)


def test_a_run_that_is_still_going_is_timed_up_to_its_last_event() -> None:
    timing = Timing.of([RoundStarted(0.0, 0), Started(1.0, "a", "t", {}), Started(3.0, "b", "t", {})])
    assert (timing.total, timing.tools, timing.one_after_another, timing.planning) == (3.0, 2.0, 2.0, 3.0)


def test_the_span_of_calls_begins_when_the_first_is_ready() -> None:
    """Of these tools only; what the planner and other tools took before does not count."""
    events: list[Event] = [
        Started(1.0, "h", "holdings", {}),
        Succeeded(2.0, "h", 0),
        Waiting(3.0, "b", ("quotes",)),
        Started(4.0, "b", "price", {}),
        Succeeded(6.0, "b", 1),
        RunEnded(9.0),
    ]
    assert span(events, tools={"price"}) == 3.0
    assert span(events) == 5.0
    assert span([]) == 0.0


def test_no_events_took_no_time() -> None:
    assert Timing.of([]) == Timing()
    assert lower_bound([], 4) == 0.0


def test_equal_calls_that_are_ready_at_once_need_their_number_of_turns() -> None:
    events = in_order(*(call(f"a[{i}]", 5.0, 5.0 + i, 6.0 + i) for i in range(10)))
    assert lower_bound(events, 4) == 3.0
    assert lower_bound(events, 1) == 10.0
    assert lower_bound(events, 100) == 1.0


def test_equal_calls_with_different_ready_times_are_exact() -> None:
    events = in_order(*(call(f"a[{i}]", ready, ready, ready + 2.0) for i, ready in enumerate([0.0, 0.0, 1.0, 1.5])))
    assert lower_bound(events, 2) == 4.0


def test_only_the_named_tools_share_the_slots() -> None:
    events = in_order(call("a", 0.0, 0.0, 1.0, "x"), call("b", 1.0, 1.0, 4.0, "y"), call("c", 2.0, 4.0, 7.0, "y"))
    assert lower_bound(events, 1, tools={"y"}) == 6.0


def test_a_long_call_bounds_the_end() -> None:
    events = in_order(call("a", 0.0, 0.0, 1.0), call("b", 3.0, 3.0, 10.0))
    assert lower_bound(events, 8) == 10.0


def test_two_of_three_long_calls_share_one_of_two_slots() -> None:
    events = in_order(call("a", 0.0, 0.0, 4.0), call("b", 0.0, 0.0, 4.0), call("c", 0.0, 4.0, 8.5))
    assert lower_bound(events, 2) == 8.0


def test_a_retried_call_may_leave_its_slot_in_between() -> None:
    retried: list[Event] = [
        Started(0.0, "a", "t", {}),
        Retrying(1.0, "a", 1, Failure("error", "no"), delay=0.0),
        Started(1.0, "a", "t", {}, attempt=2),
        Succeeded(2.0, "a", 1),
    ]
    assert lower_bound(in_order(retried, call("b", 0.0, 1.0, 2.0)), 2) == 2.0


def best(jobs: list[tuple[float, float]], slots: int) -> float:
    """The optimum by trying every assignment; on one slot, ready order is optimal."""
    ends = []
    for choice in product(range(slots), repeat=len(jobs)):
        free = [0.0] * slots
        for slot, (ready, seconds) in zip(choice, jobs, strict=True):
            free[slot] = max(free[slot], ready) + seconds
        ends.append(max(free))
    return min(ends)


@pytest.mark.parametrize("seed", range(60))
def test_the_bound_is_never_above_the_optimum_and_equals_it_for_equal_calls(seed: int) -> None:
    random = Random(seed)
    slots, equal = random.randint(1, 3), seed % 2 == 0
    jobs = sorted(
        (0.0 if not n else random.randint(0, 6) / 2, 1.0 if equal else random.randint(0, 8) / 2) for n in range(6)
    )
    events = in_order(*(call(f"a[{i}]", ready, 50.0, 50.0 + seconds) for i, (ready, seconds) in enumerate(jobs)))
    bound = lower_bound(events, slots)
    assert bound == best(jobs, slots) if equal else bound <= best(jobs, slots)


def test_slots_are_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        lower_bound([], 0)
