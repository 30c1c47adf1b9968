"""Journals that earlier releases wrote: they are read, and come to what they came to then."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from superscalar import LLMCompiler
from superscalar.journal import Journal
from superscalar.journal.database import Connect, Database
from superscalar.testing import run
from support.recorded_runs import told

RECORDED = Path(__file__).parent / "recorded"


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.sql")), ids=lambda path: path.stem)
def test_what_was_recorded_comes_to_what_it_came_to(path: Path, tmp_path: Path) -> None:
    """Every event and value comes back as it was, and the schedule that is folded from them is the same."""
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.executescript(path.read_text())
    found, expected = told(Journal(tmp_path / "runs.db")), json.loads(path.with_suffix(".json").read_text())
    assert found.keys() == expected.keys()
    for name in found:
        assert found[name] == expected[name], name


def test_a_journal_that_was_made_anew_of_its_text_can_be_written(tmp_path: Path) -> None:
    """As `sqlite3 FILE .recover` gives it: without the log beside it that every journal has that we made."""
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.executescript((RECORDED / "v1.sql").read_text())
    agent = LLMCompiler(journal=tmp_path / "runs.db")
    assert run(agent.execute("join(1)", run_id="new")).joined == 1
    assert "new" in {summary.id for summary in Journal(tmp_path / "runs.db").runs()}


@pytest.mark.parametrize("how", ["immutable=1", "mode=ro"])
def test_such_a_journal_is_read_where_nothing_can_be_written(tmp_path: Path, how: str) -> None:
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((RECORDED / "v1.sql").read_text())

    def reach(path: Path, connected: Connect) -> sqlite3.Connection:
        return connected(f"{path.absolute().as_uri()}?{how}")

    with Database(path, reach).alone() as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone()[0] == 5
