"""What a ledger knows of a call that has begun and not ended: what counts of it, and what may have happened."""

from __future__ import annotations

import pytest

from superscalar import events as ev
from superscalar.plan import compile_plan
from superscalar.schedule.ledger import Ledger
from superscalar.values import Failure
from support.bare_state import SIGNATURES

REFUSED = Failure("error", "refused")
CUT = Failure("error", "cut", in_doubt=True)


def under_way(line: str, *happened: ev.Event) -> tuple[int, bool, bool]:
    """Of the only call of a plan: how many attempts do not count, whether one may have happened, and the last."""
    planned = [ev.Planned(0.0, task) for task in compile_plan(line, SIGNATURES).tasks[:1]]
    ledger = Ledger.of([*planned, ev.Sealed(0.0), *happened], {})
    (under,) = ledger.under_way.values()
    return under.spared, under.in_doubt, under.unknown


def started(attempt: int) -> ev.Started:
    return ev.Started(0.0, "a", "tool", {}, attempt)


def retrying(failure: Failure) -> ev.Retrying:
    return ev.Retrying(0.0, "a", 1, failure, 1.0)


AGAIN = ev.Judged(0.0, "a", 1, "again")

READ = "a = get('x')"
WRITE = "a = put('x')"


@pytest.mark.parametrize(
    ("line", "happened", "known"),
    [
        (READ, [started(1)], (0, False, True)),
        (READ, [started(1), started(2)], (1, False, True)),
        (READ, [started(1), started(2), started(3)], (2, False, True)),
        (READ, [started(1), retrying(REFUSED)], (0, False, False)),
        (READ, [started(1), retrying(REFUSED), started(2)], (0, False, True)),
        (WRITE, [started(1), started(2)], (1, True, True)),
        (WRITE, [started(1), AGAIN], (0, False, False)),
        (WRITE, [started(1), AGAIN, started(2)], (1, False, True)),
        (WRITE, [started(1), retrying(CUT), started(2)], (0, True, True)),
        (WRITE, [started(1), retrying(REFUSED)], (0, False, False)),
    ],
)
def test_an_attempt_that_was_cut_off_does_not_count_and_a_write_may_have_happened_unless_somebody_says_no(
    line: str, happened: list[ev.Event], known: tuple[int, bool, bool]
) -> None:
    assert under_way(line, *happened) == known
