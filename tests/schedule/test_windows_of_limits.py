"""How many calls may start in a window of time, as a limit says it."""

from __future__ import annotations

from math import ceil
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from superscalar import Limit
from superscalar.schedule.gate import NANO, Gate
from support.depth import examples

limits = st.builds(
    Limit,
    rate=st.integers(1, 12) | st.floats(0.2, 9.0),
    per=st.sampled_from([0.5, 1.0, 3.0, 60.0]),
    burst=st.integers(1, 6),
)


def starts(limit: Limit, pauses: list[float], refused: list[int]) -> list[int]:
    """When calls start that come as soon as they may, or so many windows later; some of them are refused at once."""
    gate, now, found = Gate("quotes", limit), 0, []
    for number, pause in enumerate(pauses):
        now = max(now + int(pause * limit.per * NANO), gate.opens)
        gate.take(now)
        found.append(now)
        gate.free += 1
        if number in refused:
            gate.refuse(now, now, None, Random(number))
    return found


def most_in_a_window(found: list[int], per: float) -> int:
    length = int(per * NANO)
    return max(sum(begin <= at < begin + length for at in found) for begin in found)


@settings(max_examples=examples(100, 3_000))
@given(limits, st.lists(st.just(0.0) | st.floats(0.0, 2.0), min_size=1, max_size=40), st.lists(st.integers(0, 39)))
@example(Limit(rate=5, burst=5), [0.0] * 12, [])
def test_no_window_sees_more_than_the_rate_and_a_burst_but_one(
    limit: Limit, pauses: list[float], refused: list[int]
) -> None:
    assert limit.rate is not None
    assert most_in_a_window(starts(limit, pauses, refused), limit.per) <= ceil(limit.rate + limit.burst - 1)


def test_that_many_it_may_see() -> None:
    assert most_in_a_window(starts(Limit(rate=5, burst=5), [0.0] * 12, []), 1.0) == 9
    assert most_in_a_window(starts(Limit(rate=2.5), [0.0] * 12, []), 1.0) == 3
    assert most_in_a_window(starts(Limit(rate=10, per=3.0), [0.0] * 30, []), 3.0) == 10
