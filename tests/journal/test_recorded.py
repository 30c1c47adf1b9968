"""Journals that earlier releases wrote: they are read, and come to what they came to then."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from random_values import anatomy
from superscalar.journal import Journal
from superscalar.observe.view import RunView
from superscalar.schedule.state import Schedule

RECORDED = Path(__file__).parent / "recorded"
BY_HAND = {"each"}  # one event of every kind: no story that could be folded


def told(journal: Journal) -> dict[str, Any]:
    """What the runs of a journal come to, as JSON data: their outcomes, types included, and what is said of them."""
    found: dict[str, Any] = {"durations": journal.durations()}
    for summary in journal.runs():
        schedule, view = Schedule(), RunView()
        for record in journal.read(summary.id):
            view.apply(record.event)
            if summary.id not in BY_HAND:
                schedule.apply(record.event)
        if summary.id not in BY_HAND:
            schedule.check()
        found[summary.id] = {
            "state": summary.state,
            "counts": [summary.tasks, summary.done, summary.failed],
            "in_doubt": list(summary.in_doubt),
            "outcomes": {id: repr(anatomy(outcome)) for id, outcome in schedule.outcomes().items()},
            "rows": [f"{row.id} {row.state} {row.value}" for row in view.rows()],
            "events": [repr(anatomy(record.event)) for record in journal.read(summary.id)],
        }
    return found


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.sql")), ids=lambda path: path.stem)
def test_what_was_recorded_comes_to_what_it_came_to(path: Path, tmp_path: Path) -> None:
    """Every event and value comes back as it was, and the schedule that is folded from them is the same."""
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.executescript(path.read_text())
    found, expected = told(Journal(tmp_path / "runs.db")), json.loads(path.with_suffix(".json").read_text())
    assert found.keys() == expected.keys()
    for run in found:
        assert found[run] == expected[run], run
