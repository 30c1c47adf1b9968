"""The file: what is in it, what it refuses, and what it says then."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from superscalar import events
from superscalar.codec import Unwritable
from superscalar.errors import JournalError, RunBusy, UnknownRun, UsageError
from superscalar.events import Event
from superscalar.journal import Journal
from superscalar.plan import LANGUAGE
from superscalar.plan.ir import Call, Compute, Literal, Task
from superscalar.values import Failure
from support.depth import examples
from support.random_events import random_events
from support.random_values import anatomy

ABOUT = {"kind": "answer", "question": "How much is it?"}
REMEMBERED = {"language": LANGUAGE, **ABOUT}
PUT = Task("put()", Call("put", effect="write"))
STORY: tuple[Event, ...] = (
    events.RunStarted(0.0, "r1", "How much is it?"),
    events.Planned(0.5, Task("x", Compute(Literal(1)))),
    events.Succeeded(0.5, "x", 1),
    events.RunEnded(1.0),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def recorded(path: Path, run: str, *story: Event, close: bool = True) -> Any:
    """A run with these events in a journal; the log, and the journal that must not go before it."""
    journal = Journal(path)
    log = journal.begin(run, ABOUT)
    for event in story:
        log.append(event)
    log.flush()
    if close:
        log.close()
    return log, journal


def test_what_was_appended_is_read_in_order(path: Path) -> None:
    recorded(path, "r1", *STORY)
    found = Journal(path).read("r1")
    assert tuple(record.event for record in found) == STORY
    assert [record.seq for record in found] == [0, 1, 2, 3]
    assert [record.at for record in found] == sorted(record.at for record in found)


def _had_many_members() -> set[int]:
    """7 and 8, in this order; in a new set they come in the other one."""
    made = set(range(100))
    made.difference_update(range(7), range(9, 100))
    return made


@settings(deadline=None, max_examples=examples(25, 600))
@example([(events.Succeeded(0.0, "x", _had_many_members()), True)])
@given(st.lists(st.tuples(random_events(), st.booleans()), max_size=8))
def test_any_events_come_back_from_the_file(story: list[tuple[Event, bool]]) -> None:
    """Of every kind, in any groups, values of all types in them; what is no data is refused and leaves no gap."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "runs.db")
        log = journal.begin("r1", {})
        written = []
        for event, flushed in story:
            log.append(event)
            with pytest.raises(Unwritable):
                log.append(events.Succeeded(0.0, "x", [object()]))
            written.append(_fields(event))
            if flushed:
                log.flush()
        log.close()
        assert [_fields(record.event) for record in Journal(Path(folder) / "runs.db").read("r1")] == written


def _fields(event: Event) -> tuple[type[Event], list[Any]]:
    """An event, types included. A plain set has no order: what goes through one puts it in one of its own."""
    return type(event), [anatomy(getattr(event, field.name)) for field in dataclasses.fields(event)]


def test_a_run_goes_on_where_it_was_left(path: Path) -> None:
    """Its log knows what had happened and what the run was begun with, and goes on counting."""
    recorded(path, "r1", *STORY[:2])
    journal = Journal(path)
    log = journal.reopen("r1")
    assert (log.recorded, dict(log.about)) == (STORY[:2], REMEMBERED)
    for event in STORY[2:]:
        log.append(event)
    log.close()
    assert tuple(record.event for record in journal.read("r1")) == STORY
    assert journal.summary("r1").state == "answered"


def test_a_summary_says_how_each_run_stands(path: Path) -> None:
    """Newest first: one that runs, one whose process is gone, and four that ended."""
    doubt = Failure("timeout", "no answer", in_doubt=True)
    planned = events.Planned(0.0, PUT)
    started = events.Started(0.0, "put()", "put", {})
    recorded(path, "good", *STORY)
    recorded(path, "bad", *STORY[:3], events.RunEnded(1.0, "ModelError: down"))
    recorded(path, "stopped", *STORY[:1], events.RunEnded(1.0, "cancelled"))
    recorded(path, "doubtful", planned, started, events.Failed(1.0, "put()", doubt), events.RunEnded(1.0))
    recorded(path, "left", planned, started)
    log, journal = recorded(path, "busy", *STORY[:3], close=False)
    found = journal.runs()
    assert {run.id: run.state for run in found} == {
        "busy": "running",
        "left": "interrupted",
        "doubtful": "in doubt",
        "stopped": "stopped",
        "bad": "failed",
        "good": "answered",
    }
    assert [run.id for run in found] == ["busy", "left", "doubtful", "stopped", "bad", "good"]
    assert [(run.tasks, run.done, run.failed, run.in_doubt) for run in found[:3]] == [
        (1, 1, 0, ()),
        (1, 0, 0, ("put()",)),
        (1, 0, 1, ("put()",)),
    ]
    assert (found[0].question, found[0].about, found[4].error) == ("How much is it?", REMEMBERED, "ModelError: down")
    log.close()
    assert journal.summary("busy").state == "interrupted"


def test_a_write_that_was_tried_again_and_done_is_in_no_doubt(path: Path) -> None:
    """Nor is one inside a map that settled; one that still waits to be tried again is, if its attempt was."""
    again = events.Retrying(0.2, "put()", 1, Failure("error", "hm", in_doubt=True), 1.0)
    begin = (events.Planned(0.0, PUT), events.Started(0.1, "put()", "put", {}), again)
    recorded(path, "waits", *begin)
    recorded(path, "done", *begin, events.Started(1.2, "put()", "put", {}, 2), events.Succeeded(1.3, "put()", None))
    journal = Journal(path)
    assert journal.summary("waits").in_doubt == ("put()",)
    assert journal.summary("done").in_doubt == ()


def test_ids_are_given_once(path: Path) -> None:
    _, journal = recorded(path, "r1", *STORY)
    with pytest.raises(
        UsageError, match=r"has a run 'r1' already; leave out run_id=, or go on .* agent\.resume\('r1'\)"
    ):
        journal.begin("r1", {})
    assert [run.id for run in journal.runs()] == ["r1"]


def test_what_is_remembered_is_json_data(path: Path) -> None:
    with pytest.raises(UsageError, match="about= of a run must be JSON data"):
        Journal(path).begin("r1", {"model": len})
    assert Journal(path).runs() == []


def test_an_unknown_run_names_those_that_are_near(path: Path) -> None:
    journal = Journal(path)
    with pytest.raises(UnknownRun, match=r"has no run 'x'; it is empty"):
        journal.read("x")
    recorded(path, "c0ffee12", *STORY)
    with pytest.raises(UnknownRun, match=r"has no run 'c0ffee21'; did you mean c0ffee12"):
        journal.reopen("c0ffee21")
    with pytest.raises(UnknownRun, match="has no run 'zz'; the newest are c0ffee12"):
        journal.about("zz")


def test_what_every_run_of_a_journal_is_remembered_with_is_added(path: Path) -> None:
    journal = Journal(path, about={"cli": ["money.py"]})
    journal.begin("r1", ABOUT).close()
    assert journal.about("r1") == {"cli": ["money.py"], **REMEMBERED}


def test_durations_are_kept(path: Path) -> None:
    journal = Journal(path)
    assert journal.durations() == {}
    journal.keep_durations({"price": 0.5, "news": 2.0})
    journal.keep_durations({"price": 0.75})
    assert Journal(path).durations() == {"price": 0.75, "news": 2.0}


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("name", ["", ":memory:", "file:x.db"])
def test_a_journal_is_a_file(name: str) -> None:
    with pytest.raises(UsageError, match=r'is no path of a file; write journal="runs\.db"'):
        Journal(name)


def test_another_file_is_not_taken_for_a_journal(path: Path) -> None:
    """Nor is it changed."""
    path.write_text("What shall we do with the drunken sailor, early in the morning?\n" * 20)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"runs\.db: this file is no journal \(no database of SQLite at all\)"):
        Journal(path)
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(
        JournalError, match=r"runs\.db: this is the database of another program; give the journal a file"
    ):
        Journal(path)
    assert path.read_bytes() == before


def test_a_journal_of_a_newer_release_is_refused(path: Path) -> None:
    recorded(path, "r1", *STORY)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(
        JournalError, match=r"runs\.db: this journal has format 2 and this release .* knows up to 1; use"
    ):
        Journal(path)


def test_a_damaged_journal_says_what_to_do(path: Path) -> None:
    """All of it overwritten but for its first page, which says what it is."""
    recorded(path, "r1", *STORY)
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with pytest.raises(JournalError, match=r"runs\.db: the journal is damaged .* `sqlite3 .* \.recover` saves"):
        Journal(path).read("r1")


def test_a_damaged_event_is_named(path: Path) -> None:
    recorded(path, "r1", *STORY)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE events SET event = substr(event, 1, 9) WHERE seq = 2")
    with pytest.raises(JournalError, match=r"event 2 of run 'r1' cannot be read: not an event"):
        Journal(path).read("r1")
    with connection:
        connection.execute("DELETE FROM events WHERE seq = 2")
    connection.close()
    with pytest.raises(JournalError, match=r"the journal is damaged .run 'r1' lacks event 2."):
        Journal(path).read("r1")


@lru_cache
def _whole() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        recorded(Path(folder) / "runs.db", "r1", *STORY, *[events.PlanWritten(0.0, "x" * 900)] * 9)
        recorded(Path(folder) / "runs.db", "r2", *STORY[:3])
        return (Path(folder) / "runs.db").read_bytes()


@settings(deadline=None, max_examples=examples(40, 1_000))
@given(st.data())
def test_damage_is_never_worse_than_a_clear_error(data: st.DataObject) -> None:
    """Any bytes of the file overwritten: it is read, or refused with the error that names it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        content = bytearray(_whole())
        for _ in range(data.draw(st.integers(1, 5))):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
        path.write_bytes(content)
        try:
            journal = Journal(path)
            for run in journal.runs():
                journal.read(run.id)
            journal.durations()
        except (JournalError, UnknownRun) as error:  # the latter where the index of ids is what was damaged
            said = str(error)
        else:
            said = str(path)
        assert str(path) in said


def test_runs_whose_numbers_are_lost_are_damage(path: Path) -> None:
    """SQLite keeps the definition of a table in the file as text, and believes it."""
    recorded(path, "r1", *STORY[:3])
    path.write_bytes(path.read_bytes().replace(b"number INTEGER PRIMARY KEY", b"number INTEGER PRIMARY_KEY"))
    journal = Journal(path)
    for look in (journal.runs, lambda: journal.summary("r1"), lambda: journal.read("r1"), lambda: journal.reopen("r1")):
        with pytest.raises(JournalError, match=r"runs\.db.*of run 'r1': its number is None"):
            look()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(JournalError, match="cannot be opened for writing"):
        Journal(tmp_path / "locked" / "runs.db")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"nowhere/runs\.db: the journal cannot be opened"):
        Journal(tmp_path / "nowhere" / "runs.db")


# -------------------------------------------------------------------------------------------------------------- leases

_HOLDS = """
import os, sys
from superscalar.journal import Journal
journal = Journal(sys.argv[1])
log = journal.begin("theirs", {"kind": "answer", "question": "?"})
print(os.getpid(), flush=True)
sys.stdin.read()
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    """Another process that is at work on the run `theirs`."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_two_processes_are_not_at_work_on_one_run(path: Path) -> None:
    """The second one is told who is; when that is killed, the run is free at once."""
    journal = Journal(path)
    process = _holder(path)
    try:
        with pytest.raises(RunBusy, match=rf"run 'theirs' is being worked on by process {process.pid} on .*, since 20"):
            journal.reopen("theirs")
        assert journal.summary("theirs").state == "running"
    finally:
        _end(process)
    assert journal.summary("theirs").state == "interrupted"
    log = journal.reopen("theirs")
    assert journal.summary("theirs").state == "running"
    log.close()


def test_one_process_is_not_at_work_on_a_run_twice(tmp_path: Path, path: Path) -> None:
    """By whatever name it opens the journal, and whatever else it opens and closes of the same files."""
    log, _ = recorded(path, "r1", *STORY[:2], close=False)
    (tmp_path / "link.db").symlink_to(path)
    other = Journal(tmp_path / "link.db")
    with pytest.raises(RunBusy, match="run 'r1' is being worked on by this process, since 20"):
        other.reopen("r1")
    program = f"from superscalar.journal import Journal; Journal({str(path)!r}).reopen('r1')"
    process = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RunBusy: run 'r1' is being worked on by process" in process.stderr
    log.close()
    other.reopen("r1").close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_holds_nothing_and_writes_nothing_of_its_parent(path: Path) -> None:
    """It may read, and is told that a run of its parent is going on there; its end gives nothing back."""
    log, journal = recorded(path, "r1", *STORY[:2], close=False)
    child = os.fork()
    if child == 0:
        try:
            assert journal.summary("r1").state == "running"
            with pytest.raises(RunBusy, match=rf"by process {os.getppid()} on "):
                journal.reopen("r1")
            log.append(STORY[2])
            with pytest.raises(
                JournalError, match=rf"run r1 was going on in process {os.getppid()}, which alone records"
            ):
                log.flush()
            journal.begin("mine", ABOUT).close()
        except BaseException as error:  # noqa: BLE001 -- it must not go on as a second pytest
            os.write(2, repr(error).encode())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert journal.summary("r1").state == "running"
    assert journal.summary("mine").state == "interrupted"
    for event in STORY[2:]:
        log.append(event)
    log.close()
    assert tuple(record.event for record in journal.read("r1")) == STORY


def test_leases_that_cannot_be_opened_are_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "runs.db-leases").mkdir()
    with pytest.raises(JournalError, match=r"the file of its leases cannot be opened \(.*Is a directory"):
        Journal(tmp_path / "runs.db").begin("one", {})


def test_a_name_that_is_too_long_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="the journal cannot be opened"):
        Journal(tmp_path / ("x" * 300))
