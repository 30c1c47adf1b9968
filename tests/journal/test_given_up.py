"""A run that is given up while it is being written down was never there, and is in nobody's way."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from superscalar.journal import Journal


def given_up(journal: Journal, run: str) -> None:
    """Begin a run on a disk that is busy; cancel that, and close the loop before it is written."""

    async def main() -> None:
        beginning = asyncio.create_task(journal.abegin(run, {}))
        await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.wait([beginning])
        assert beginning.cancelled()

    asyncio.run(main())


def test_a_run_that_is_given_up_by_a_loop_that_is_closed_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "runs.db")
    journal.begin("a", {}).close()
    with closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None, check_same_thread=False)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        given_up(journal, "b")
        busy.execute("ROLLBACK")
    journal.begin("c", {}).close()
    assert [summary.id for summary in journal.runs()] == ["c", "a"]


def test_a_number_that_comes_again_while_its_lease_is_held_is_passed_over(tmp_path: Path) -> None:
    """The last run was deleted, and whoever was at work on it has not noticed yet."""
    journal = Journal(tmp_path / "runs.db")
    held = journal.begin("a", {})
    with closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None)) as other:
        other.execute("DELETE FROM runs")
    journal.begin("b", {}).close()
    journal.begin("c", {}).close()
    assert sorted(summary.id for summary in journal.runs()) == ["b", "c"]
    assert held.claim.number != 0
