"""Journals that are moved, deleted, replaced or taken over while they are in use: nothing goes on unrecorded."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar import JournalError, LLMCompiler, UsageError, tool
from superscalar.cli.app import app
from superscalar.events import Event, Failed, RunEnded, RunStarted
from superscalar.journal import Journal
from superscalar.testing import run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@tool(effect="write")
async def note(n: int) -> int:
    """Write something."""
    return n


def rename(path: Path) -> None:
    path.rename(path.with_name("older.db"))


def rotate(path: Path) -> None:
    """As somebody else's script does: all of it is moved, and there is a new one."""
    for name in [*path.parent.iterdir()]:
        name.rename(path.parent / f"older-{name.name}")
    with closing(Journal(path).begin("another", {})):
        pass


def replace(path: Path) -> None:
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copy.replace(path)


def beside(name: str) -> Callable[[Path], None]:
    return lambda path: path.with_name(f"runs.db-{name}").unlink()


WAYS = {
    "moved": (rename, "runs.db is not there any more"),
    "deleted": (Path.unlink, "runs.db is not there any more"),
    "rotated": (rotate, "runs.db is another file by now"),
    "replaced": (replace, "runs.db is another file by now"),
    "leases deleted": (beside("leases"), "runs.db-leases is not there any more"),
    "wal deleted": (beside("wal"), "runs.db-wal is not there any more"),
}


@pytest.mark.parametrize(("lose", "said"), WAYS.values(), ids=WAYS)
def test_a_write_is_not_made_that_would_not_be_recorded(path: Path, lose: Callable[[Path], None], said: str) -> None:
    """However the file went while the run was going on; the write is not in doubt."""
    made: list[int] = []

    @tool(effect="pure")
    async def gone() -> int:
        lose(path)
        return 1

    @tool(effect="write")
    async def put(n: int) -> None:
        made.append(n)

    async def main() -> tuple[Event, ...]:
        agent = LLMCompiler(tools=[gone, put], journal=path)
        async with agent.stream_plan("a = gone()\nb = put(a)\njoin(b)\n") as running:
            with pytest.raises(JournalError, match=f"{said}: it was moved, deleted or replaced while this process"):
                await running.result()
            return running.events

    failed = [event.failure for event in run(main()) if isinstance(event, Failed) and event.id == "b"]
    assert (made, [failure.in_doubt for failure in failed]) == ([], [False])


@pytest.mark.parametrize(("lose", "said"), WAYS.values(), ids=WAYS)
def test_a_run_does_not_begin_in_a_file_that_is_gone(path: Path, lose: Callable[[Path], None], said: str) -> None:
    """Nor does a long-lived agent go on with a new file by itself, once and again."""
    agent = LLMCompiler(tools=[note], journal=path)
    run(agent.execute("join(note(1))\n"))
    lose(path)
    for _ in range(2):
        with pytest.raises(JournalError, match=said):
            run(agent.execute("join(note(2))\n"))


@pytest.mark.parametrize("lose", [rename, Path.unlink, rotate, replace, beside("leases")])
def test_an_agent_goes_on_with_a_new_file_if_it_is_told_to(path: Path, lose: Callable[[Path], None]) -> None:
    journal = Journal(path, when_moved="new")
    agent = LLMCompiler(tools=[note], journal=journal)
    run(agent.execute("join(note(1))\n", run_id="before"))
    lose(path)
    run(agent.execute("join(note(2))\n", run_id="after"))
    found = {summary.id: summary.state for summary in Journal(path).runs()}
    assert found["after"] == "answered"
    assert {summary.id: summary.state for summary in journal.runs()} == found


def test_runs_that_go_on_in_the_old_file_fail_though_new_ones_may_begin(path: Path) -> None:
    async def main() -> list[Any]:
        agent = LLMCompiler(tools=[note, wait], journal=Journal(path, when_moved="new"))
        old = asyncio.ensure_future(agent.execute("join(note(wait()))\n"))
        await asyncio.sleep(1)
        rename(path)
        new = await agent.execute("join(note(2))\n")
        return [new.joined, *await asyncio.gather(old, return_exceptions=True)]

    @tool(effect="pure")
    async def wait() -> int:
        await asyncio.sleep(5)
        return 1

    new, old = run(main())
    assert new == 2
    assert "runs.db is another file by now" in str(old)


def test_what_was_moved_without_its_log_is_whole_all_the_same(path: Path) -> None:
    """An agent that goes on with a new file puts what is in the log of the old one into that."""
    agent = LLMCompiler(tools=[note], journal=Journal(path, when_moved="new"))
    run(agent.execute("join(note(1))\n", run_id="before"))
    assert path.with_name("runs.db-wal").stat().st_size
    rename(path)
    run(agent.execute("join(note(2))\n", run_id="after"))
    assert [summary.state for summary in Journal(path.with_name("older.db")).runs()] == ["answered"]


def test_no_journal_is_made_beside_a_log_that_is_left_of_another(path: Path) -> None:
    """SQLite would delete that."""
    journal = Journal(path)
    journal.begin("run", {}).close()
    rename(path)
    with pytest.raises(JournalError, match=r"runs\.db-wal is left of one that was moved without it: it holds"):
        Journal(path)
    assert path.with_name("runs.db-wal").stat().st_size


def test_a_wrong_choice_is_a_mistake(path: Path) -> None:
    with pytest.raises(UsageError, match=r'when_moved=.begin.: write "fail" or "new"'):
        Journal(path, when_moved="begin")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------- leases


def test_the_file_of_the_leases_says_what_it_is(path: Path) -> None:
    Journal(path)
    said = path.with_name("runs.db-leases").read_text()
    assert "Which runs of the journal runs.db are being worked on" in said
    assert "do not delete, move or replace it" in said


_TAKES_OVER = """
import os, sys
from superscalar.journal import Journal
os.unlink(sys.argv[1] + "-leases")
journal = Journal(sys.argv[1])
print(os.getpid(), flush=True)
log = journal.reopen("run")
"""


def test_a_lease_that_was_lost_is_said_in_words(path: Path) -> None:
    """By another process, which took over the run since it did not see the lease."""
    log = Journal(path).begin("run", {})
    log.append(RunEnded(1.0))
    done = subprocess.run([sys.executable, "-c", _TAKES_OVER, str(path)], capture_output=True, text=True, check=True)
    del log._commits.opened.place._files[path.with_name("runs.db-leases")]  # as where locks are not what they should be
    with pytest.raises(JournalError, match=rf"another process took over run run \(process {done.stdout.strip()} on "):
        log.flush()


def test_nothing_of_a_run_is_written_that_another_has_taken_over(path: Path) -> None:
    """Of the runs beside it everything is; what is in the file of it is what the other one writes."""

    async def main() -> tuple[str, list[int]]:
        journal = Journal(path)
        mine, beside = await journal.abegin("run", {}), await journal.abegin("beside", {})
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE runs SET pid = 4711, since = since + 1 WHERE id = 'run'")
        mine.append(RunEnded(1.0))
        beside.append(RunEnded(1.0))
        lost: list[JournalError] = []
        mine.on_loss = lost.append
        await beside.durable()
        with pytest.raises(JournalError, match=r"another process took over run run \(process 4711 on "):
            await mine.aclose()
        await beside.aclose()
        assert len(lost) == 1
        return str(lost[0]), [len(journal.read(id)) for id in ("run", "beside")]

    said, counts = asyncio.run(main())
    assert "UNIQUE" not in said
    assert counts == [0, 1]


def test_a_run_that_was_deleted_while_it_went_on_says_so(path: Path) -> None:
    log = Journal(path).begin("run", {})
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM runs")
    log.append(RunEnded(1.0))
    with pytest.raises(JournalError, match="run run was deleted from the journal while it was going on"):
        log.close()


def test_nothing_is_left_open_by_journals_that_come_and_go(tmp_path: Path) -> None:
    """Their leases neither; one that is used again meanwhile keeps those that it has."""
    kept = Journal(tmp_path / "kept.db")
    log = kept.begin("run", {})
    for other in "abc":
        Journal(tmp_path / "kept.db").begin(other, {}).close()
    program = f"from superscalar.journal import Journal; Journal({str(tmp_path / 'kept.db')!r}).reopen('run')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "RunBusy: run 'run' is being worked on by process" in done.stderr
    log.close()


# --------------------------------------------------------------------------------------------------------- not begun


def test_a_run_that_was_killed_before_its_plan_was_recorded_says_so_and_advises_nothing_in_vain(path: Path) -> None:
    """Nothing of it ran. One that answers a question is planned anew when it is resumed."""
    journal = Journal(path)
    for id, kind in ("plan", "execute"), ("question", "answer"):
        log = journal.begin(id, {"kind": kind, "question": "?"})
        log.append(RunStarted(0.0, id, ""))
        log.flush()
        assert journal.summary(id).state == "running"
        log.close()
    assert {summary.id: summary.state for summary in journal.runs()} == {"plan": "not begun", "question": "interrupted"}
    agent = LLMCompiler(tools=[note], journal=journal)
    with pytest.raises(UsageError, match="before its plan was recorded as a whole, and so before anything of it"):
        run(agent.resume("plan"))
    assert journal.summary("plan").state == "not begun"
    show = CliRunner().invoke(app, ["show", "plan", "--journal", str(path)])
    listed = CliRunner().invoke(app, ["runs", "--journal", str(path), "--json"])
    assert "run the plan again" in show.output
    assert "resume" not in show.output
    assert {run["id"]: run["state"] for run in json.loads(listed.stdout)["runs"]}["plan"] == "not begun"
