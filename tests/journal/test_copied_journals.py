"""Copies of a journal: one without its log says so, and no run is gone on with in two files."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar import JournalError
from superscalar.cli.app import app
from superscalar.events import Event, RunEnded, RunStarted, Succeeded
from superscalar.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def begun(path: Path, run: str = "run") -> Journal:
    """A run that was interrupted, in a journal that is open."""
    journal = Journal(path)
    log = journal.begin(run, {"kind": "answer", "question": "?"})
    log.append(RunStarted(0.0, run))
    log.close()
    return journal


def copied(path: Path, *beside: str) -> Path:
    copy = path.with_name("copy.db")
    for suffix in ("", *beside):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    return copy


def test_a_copy_of_a_journal_in_use_that_lacks_the_log_goes_on_with_no_run(path: Path) -> None:
    """Nor after new runs were recorded in it, and it was opened again: what happened last is still missing."""
    journal = begun(path)
    begun(path, "later")
    copy = copied(path)
    for new in ("new", "newer"):
        there = Journal(copy)
        with pytest.raises(JournalError, match=r"this is a copy that was made without its log \(copy\.db-wal\)"):
            there.reopen("run")
        there.begin(new, {}).close()
        del there
    assert journal.reopen("run").recorded == (RunStarted(0.0, "run"),)


def test_the_commands_say_that_a_copy_lacks_its_log(path: Path) -> None:
    journal = begun(path)
    copy = copied(path)
    listed = CliRunner().invoke(app, ["runs", "--journal", str(copy)])
    assert "copy.db is a copy that was made without its log: what happened last is missing" in " ".join(
        listed.stderr.split()
    )
    whole = CliRunner().invoke(app, ["runs", "--journal", str(path)])
    assert "copy" not in whole.stderr
    del journal


def test_a_copy_is_not_gone_on_with_beside_its_original(path: Path) -> None:
    """It may be read, and be a journal of its own; once the original is gone, what cannot be seen is said, once."""
    journal = begun(path)
    copy = copied(path, "-wal")
    there = Journal(copy)
    assert there.summary("run").state == "interrupted"
    there.begin("another", {}).close()
    with pytest.raises(JournalError, match=r"a copy of .*runs\.db, which is still there\. Go on with run run there"):
        there.reopen("run")
    assert there.summary("run").state == "interrupted"
    journal.reopen("run").close()
    path.unlink()
    with pytest.warns(UserWarning, match=r"is a copy of .*runs\.db, or was moved from there, which cannot be seen"):
        there.reopen("run").close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        there.reopen("run").close()


def test_a_copy_on_another_machine_is_told_that_its_original_cannot_be_seen(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begun(path)
    copy = copied(path, "-wal")
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    with pytest.warns(UserWarning, match=r"is a copy of .*runs\.db on .*, or was moved from there"):
        Journal(copy).reopen("run").close()
    del journal


def test_a_journal_that_was_moved_or_closed_is_no_copy(path: Path) -> None:
    """Whole files are whole: closed by its last user, made by SQLite's backup, or moved while nobody had it."""
    begun(path)
    assert not path.with_name("runs.db-wal").exists()
    moved = path.with_name("moved.db")
    path.rename(moved)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Journal(moved).reopen("run").close()
        journal = begun(moved, "more")
        backup = path.with_name("backup.db")
        with closing(sqlite3.connect(moved)) as one, closing(sqlite3.connect(backup)) as other:
            one.backup(other)
    assert Journal(backup).summary("more").state == "interrupted"
    with pytest.raises(JournalError, match="which is still there"):
        Journal(backup).reopen("more")
    del journal


def test_what_is_written_into_the_file_meanwhile_leaves_the_mark(path: Path) -> None:
    """A log is turned when it is long; a copy without the next one lacks that all the same."""
    journal = begun(path)
    log = journal.begin("long", {"kind": "answer"})
    events: list[Event] = [Succeeded(float(n), "x", "x" * 1_000_000) for n in range(12)]
    for event in events:
        log.append(event)
        log.flush()
    assert path.with_name("runs.db-wal").stat().st_size < 8_000_000
    with pytest.raises(JournalError, match="this is a copy that was made without its log"):
        Journal(copied(path)).reopen("run")
    log.append(RunEnded(1.0))
    log.close()
    assert [record.event for record in journal.read("long")] == [*events, RunEnded(1.0)]


def test_a_process_that_died_between_the_marks_leaves_no_copy_behind(path: Path) -> None:
    """The file says that its log is beside it, and that is: whoever closes it next takes that back."""
    journal = begun(path)
    with journal._here().writer._file.database.alone() as connection:
        connection.execute("INSERT OR REPLACE INTO marks VALUES ('log', 'beside')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    dead = copied(path, "-wal")
    for suffix in ("", "-wal"):
        Path(f"{dead}{suffix}").replace(path.with_name(f"dead.db{suffix}"))
    dead = path.with_name("dead.db")
    Journal(dead).runs()
    assert not path.with_name("dead.db-wal").exists()
    with pytest.raises(JournalError, match="which is still there"):
        Journal(dead).reopen("run")


def test_what_is_in_the_log_of_a_journal_is_read_where_nothing_can_be_written(path: Path) -> None:
    """Neither shared memory nor leases can be made there. Nothing is changed, and nothing written elsewhere."""
    journal = begun(path)
    begun(path, "later")
    copy = copied(path, "-wal")
    for beside in ("shm", "leases"):
        path.with_name(f"copy.db-{beside}").mkdir()
    before = [copy.read_bytes(), path.with_name("copy.db-wal").read_bytes()]
    there = Journal(copy)
    assert {summary.id for summary in there.runs()} == {"run", "later"}
    with pytest.raises(JournalError, match="cannot be opened"):
        there.begin("new", {})
    shutil.rmtree(path.with_name("copy.db-leases"))
    with pytest.raises(JournalError, match="cannot be opened"):
        there.begin("new", {})
    assert [copy.read_bytes(), path.with_name("copy.db-wal").read_bytes()] == before
    del journal
