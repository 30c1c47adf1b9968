"""The questions about countries can all be answered with the tools beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples.compare import facts

from superscalar import LLMCompiler
from superscalar.comparison import compare, read_questions
from superscalar.testing import ScriptedModel, run
from superscalar.tools import Toolset

FOLDER = Path(facts.__file__).parent
PLANS = {
    "people": "{'Norway': population('Norway'), 'Sweden': population('Sweden')}",
    "largest": "{c: area(c) for c in ['Peru', 'Chile', 'Bolivia']}",
    "chain": "founded(capital('Peru'))",
    "older": "{c: founded(capital(c)) for c in ['Peru', 'Chile']}",
    "together": "sum([population('Finland'), population('Denmark')])",
    "one": "capital('Finland')",
    "yes-or-no": "area('Chile') > area('Bolivia')",
    "fewest": "{c: population(c) for c in ['Portugal', 'Sweden', 'Denmark']}",
    "difference": "area('Norway') - area('Finland')",
    "last": "{c: founded(capital(c)) for c in ['Norway', 'Sweden', 'Denmark']}",
}
FOUND = {
    "people": {"Norway": 5.5, "Sweden": 10.5},
    "largest": {"Peru": 1285, "Chile": 756, "Bolivia": 1099},
    "chain": 1535,
    "older": {"Peru": 1535, "Chile": 1541},
    "together": 11.5,
    "one": "Helsinki",
    "yes-or-no": False,
    "fewest": {"Portugal": 10.4, "Sweden": 10.5, "Denmark": 5.9},
    "difference": 47,
    "last": {"Norway": 1048, "Sweden": 1252, "Denmark": 1167},
}


def test_plans_find_what_each_question_needs() -> None:
    agent = LLMCompiler(tools=Toolset.from_module(facts))
    asked = read_questions((FOLDER / "questions.jsonl").read_text(), name="questions.jsonl", folder=FOLDER)
    found = {one.id: run(agent.execute(f"join({PLANS[one.id]})")).joined for one in asked}
    assert found["together"] == pytest.approx(FOUND.pop("together"))
    assert {id: value for id, value in found.items() if id in FOUND} == FOUND


def test_a_chain_takes_two_seconds_and_three_calls_at_once_one() -> None:
    asked = read_questions((FOLDER / "questions.jsonl").read_text(), name="questions.jsonl", folder=FOLDER)
    by_id = {one.id: one for one in asked}
    replies = [reply for id in ("chain", "largest") for reply in (f"join({PLANS[id]})", "?")]
    agent = LLMCompiler(ScriptedModel(*replies), Toolset.from_module(facts))
    rows = run(compare({"plan": agent}, [by_id["chain"], by_id["largest"]])).rows
    assert [(row.seconds, row.tool_seconds, row.calls) for row in rows] == [(2.0, 2.0, 2), (1.0, 1.0, 3)]
