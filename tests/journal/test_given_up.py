"""A run that is given up while it is being written down was never there, and is in nobody's way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from superscalar import JournalError
from superscalar.journal import Journal, RunLog
from superscalar.journal.lease import Leases


def given_up(begin: Callable[[], Coroutine[Any, Any, RunLog]]) -> None:
    """Begin a run, or go on with one, on a disk that is busy; cancel that, and close the loop before it is written."""

    async def main() -> None:
        beginning = asyncio.create_task(begin())
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
        given_up(lambda: journal.abegin("b", {}))
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


def test_a_run_that_is_given_up_when_it_is_gone_on_with_can_be_gone_on_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "runs.db")
    journal.begin("a", {}).close()
    with closing(sqlite3.connect(tmp_path / "runs.db", isolation_level=None, check_same_thread=False)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        given_up(lambda: journal.areopen("a"))
        assert journal.summary("a").state == "running"  # until it is written
        busy.execute("ROLLBACK")
    journal.keep_durations({})
    journal.reopen("a").close()


def test_the_lease_of_a_run_that_cannot_be_gone_on_with_is_given_back_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes it meanwhile, in the same process, keeps it."""
    journal = Journal(tmp_path / "runs.db")
    journal.begin("a", {}).close()
    given_back: list[int] = []
    give_back = Leases.give_back

    def noted(self: Leases, run: int) -> None:
        given_back.append(run)
        give_back(self, run)

    monkeypatch.setattr(Leases, "give_back", noted)
    (tmp_path / "runs.db").rename(tmp_path / "older.db")
    with pytest.raises(JournalError, match="moved, deleted or replaced"):
        asyncio.run(journal.areopen("a"))
    assert given_back == [1]
