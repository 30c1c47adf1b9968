"""The same questions in several ways: in turns, on a virtual clock, with figures that say what they are of."""

from __future__ import annotations

from dataclasses import replace

from superscalar.comparison import Comparison, ComparisonRow, compare
from superscalar.testing import run
from support.compared import ASKED, two_ways


def rows_of(found: Comparison) -> list[tuple[str, str, int]]:
    return [row.key for row in found.rows]


def test_ways_are_asked_in_turns_and_who_begins_changes() -> None:
    found = run(compare(two_ways(times=2), ASKED, repeat=2))
    assert rows_of(found) == [
        ("dearest", "plan", 1),
        ("dearest", "react", 1),
        ("ibm", "react", 1),
        ("ibm", "plan", 1),
        ("dearest", "react", 2),
        ("dearest", "plan", 2),
        ("ibm", "plan", 2),
        ("ibm", "react", 2),
    ]


def test_a_row_says_what_came_of_a_question_and_what_it_took() -> None:
    plan, react = run(compare(two_ways(), ASKED[:1])).rows
    assert replace(plan, setup="", input_tokens=0, output_tokens=0) == ComparisonRow(
        id="dearest",
        way="plan",
        repeat=1,
        question="Which of IBM and MSFT is dearer?",
        answer="MSFT.",
        expected=("MSFT",),
        exact=True,
        f1=1.0,
        judged=None,
        seconds=4.0,
        model_seconds=2.0,
        tool_seconds=2.0,
        input_tokens=0,
        cached_tokens=0,
        output_tokens=0,
        calls=2,
        rounds=1,
        cost=0.0,
        error="",
        setup="",
    )
    assert (react.answer, react.exact, react.f1) == ("It is MSFT", False, 0.5)
    assert (react.seconds, react.model_seconds, react.tool_seconds, react.calls, react.rounds) == (7.0, 3.0, 4.0, 2, 3)
