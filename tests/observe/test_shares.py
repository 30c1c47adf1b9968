"""What models used, divided up by model and by round."""

from __future__ import annotations

from superscalar.events import Event, ModelAsked, ModelUsed, RoundStarted
from superscalar.observe.shares import by_model, by_round
from superscalar.values import Usage

ONE, TWO, THREE = Usage(1, output_tokens=10), Usage(2, reasoning_tokens=20), Usage(3, kept_tokens=30)


def test_each_model_has_what_it_used() -> None:
    happened: list[Event] = [
        ModelUsed(0.0, "planner", ONE, "a"),
        ModelUsed(1.0, "joiner", TWO, "b"),
        ModelUsed(2.0, "planner", THREE, "a"),
    ]

    assert by_model(happened) == {"a": ONE + THREE, "b": TWO}


def test_an_older_journal_names_the_model_where_it_is_asked_or_not_at_all() -> None:
    happened: list[Event] = [
        ModelAsked(0.0, "planner", 1, "a"),
        ModelUsed(1.0, "joiner", TWO),
        ModelUsed(2.0, "planner", ONE),
    ]

    assert by_model(happened) == {"": TWO, "a": ONE}


def test_each_round_has_what_was_used_until_the_next_plan_is_asked_for() -> None:
    happened: list[Event] = [
        RoundStarted(0.0, 0),
        ModelUsed(1.0, "planner", ONE, "a"),
        ModelUsed(2.0, "joiner", TWO, "b"),
        RoundStarted(3.0, 1),
        ModelUsed(4.0, "planner", THREE, "a"),
    ]

    assert by_round(happened) == (ONE + TWO, THREE)


def test_a_plan_that_was_there_already_has_one_round() -> None:
    assert by_round([]) == (Usage(),)
    assert by_round([ModelUsed(1.0, "extract", ONE, "a")]) == (ONE,)


def test_usage_adds_up_what_was_thought_and_kept() -> None:
    assert Usage(6, output_tokens=10, reasoning_tokens=20, kept_tokens=30) == ONE + TWO + THREE
