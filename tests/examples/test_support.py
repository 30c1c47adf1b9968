"""The support agent: who is refunded, who is asked, and what is answered. In virtual time, over a real SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples.support.agent import QUESTION, support_agent
from examples.support.desk import Desk
from examples.support.script import ANSWER, GULLIBLE_PLAN, PLAN

from superscalar import Failure, RunResult
from superscalar.events import Decided
from superscalar.testing import ScriptedModel, run

ON_FILE = {1001: "DE01 1111", 1002: "DE02 2222", 1004: "DE04 4444"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "shop.db")


def answer(desk: Desk, plan: str) -> RunResult:
    return run(support_agent(desk, ScriptedModel(plan, ANSWER)).run(QUESTION))


def test_refunds_go_to_the_accounts_on_file_whatever_a_ticket_says(desk: Desk) -> None:
    result = answer(desk, PLAN)
    assert result.answer == ANSWER
    assert desk.refunds() == ON_FILE
    assert desk.replies() == {
        1: "We have refunded 30.00 for your kettle.",
        2: "We have refunded 240.00 for your espresso machine.",
        3: "We refund within 30 days, and your toaster was delivered 200 days ago.",
        4: "We have refunded 45.00 for your mixer.",
        5: "Your teapot was delivered 2 days ago.",
    }
    assert not result.outcomes.failures


def test_a_person_is_asked_about_the_large_refund_only_and_only_that_one_waits(desk: Desk) -> None:
    result = answer(desk, PLAN)
    assert desk.asked == [1002]
    assert result.timing.tools == pytest.approx(0.15 + 0.1 + 0.1 + 0.3 + 0.2 + 0.05)  # the longest ticket, nothing else
    assert desk.spent == pytest.approx(2.0)


def test_a_plan_that_believes_the_ticket_has_a_person_asked_and_the_stranger_gets_nothing(desk: Desk) -> None:
    result = answer(desk, GULLIBLE_PLAN)
    assert sorted(desk.asked) == [1001, 1002, 1004]
    assert desk.refunds() == {1001: "DE01 1111", 1002: "DE02 2222"}
    assert set(desk.replies()) == {1, 2, 3, 5}
    assert [failure.kind for failure in result.outcomes.failures.values()] == ["denied"]


def test_a_person_is_asked_since_the_account_comes_from_the_tickets(desk: Desk) -> None:
    result = answer(desk, GULLIBLE_PLAN)
    (decided,) = [event for event in result.events if isinstance(event, Decided) and event.id == "for[3]:paid"]
    assert (decided.decision, decided.rule) == ("ask", "destinations")
    assert "`account` of refund chooses where it goes, and comes from `open_tickets`" in decided.reason


def test_what_is_answered_already_is_not_answered_again(desk: Desk) -> None:
    answer(desk, PLAN)
    answer(desk, PLAN)
    assert desk.refunds() == ON_FILE
    assert len(desk.replies()) == 5


def test_an_order_that_is_not_there_leaves_the_other_tickets_alone(desk: Desk) -> None:
    desk._execute('update tickets set "order" = 7 where id = 1')
    result = answer(desk, PLAN)
    assert set(desk.replies()) == {2, 3, 4, 5}
    assert [str(failure) for failure in result.outcomes.failures.values()] == ["LookupError: no order 7"]
    assert isinstance(result.outcomes["for[0]:o"], Failure)
