"""What leaves a journal, and what stays: `prune` and `rotate`, beside processes that are at work on it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar import LLMCompiler, UsageError, tool
from superscalar.cli.app import app
from superscalar.events import Event, PlanAsked, RunEnded, RunStarted, Succeeded
from superscalar.journal import Journal, Tidied
from superscalar.journal.copies import TURN
from superscalar.journal.lease import Leases
from superscalar.testing import run

DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def filled(path: Path) -> tuple[Journal, Any]:
    """Two runs that ended, one of them forty days ago; and, as old: one interrupted, one that waits, one going on."""
    journal = Journal(path)
    stories: dict[str, list[Event]] = {
        "new": [RunStarted(0.0, "new"), RunEnded(1.0)],
        "old": [RunStarted(0.0, "old"), Succeeded(0.5, "x", 1), RunEnded(1.0)],
        "interrupted": [RunStarted(0.0, "interrupted")],
        "waiting": [PlanAsked(0.0)],
    }
    for id, events in stories.items():
        log = journal.begin(id, {"kind": "answer", "question": id})
        for event in events:
            log.append(event)
        log.close()
    going_on = journal.begin("busy", {"kind": "answer"})
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(f"UPDATE runs SET began = began - {40 * DAY}, ended = ended - {40 * DAY} WHERE id != 'new'")
        other.execute(f"UPDATE runs SET since = since - {40 * DAY} WHERE id != 'new' AND id != 'busy'")
    return journal, going_on


def ids(path: Path) -> set[str]:
    return {summary.id for summary in Journal(path).runs()}


def events(path: Path) -> int:
    with closing(sqlite3.connect(path)) as other:
        return int(other.execute("SELECT count(*) FROM events").fetchone()[0])


def test_old_runs_are_deleted_with_their_events_and_those_that_never_ended_are_kept(path: Path) -> None:
    journal, log = filled(path)
    before = events(path)
    assert journal.prune(30 * DAY) == Tidied(("old",), ("interrupted", "waiting"), ())
    assert ids(path) == {"new", "interrupted", "waiting", "busy"}
    assert events(path) == before - 3
    assert journal.prune(30 * DAY).gone == ()
    log.close()


def test_those_that_never_ended_go_too_if_that_is_asked_for_but_never_what_is_in_use(path: Path) -> None:
    journal, log = filled(path)
    assert journal.prune(30 * DAY, of=("ended", "unfinished")).gone == ("old", "interrupted", "waiting")
    assert journal.prune(0.0, of=("ended", "unfinished")) == Tidied(("new",), (), ("busy",))
    log.append(RunEnded(1.0))
    log.close()
    assert Journal(path).summary("busy").state == "answered"


def test_runs_that_ended_move_to_another_file_and_the_others_go_on_in_this_one(path: Path) -> None:
    journal, log = filled(path)
    into = path.with_name("older.db")
    told = {id: [(r.seq, r.at, r.event) for r in journal.read(id)] for id in ("new", "old")}
    summaries = [journal.summary(id) for id in ("new", "old")]
    assert journal.rotate(into) == Tidied(("new", "old"), ("interrupted", "waiting"), ("busy",))
    moved = Journal(into)
    assert {id: [(r.seq, r.at, r.event) for r in moved.read(id)] for id in ("new", "old")} == told
    assert [moved.summary(id) for id in ("new", "old")] == summaries
    assert ids(path) == {"interrupted", "waiting", "busy"}
    log.append(RunEnded(1.0))
    log.close()
    assert journal.rotate(into).gone == ("busy",)
    assert ids(into) == {"new", "old", "busy"}
    with pytest.raises(UsageError, match=r"cannot be rotated into itself"):
        journal.rotate(path)


def test_an_agent_is_at_work_while_its_journal_is_rotated(path: Path) -> None:
    """Again and again; every run is in one of the files, and once."""

    @tool(effect="write", resource=lambda n: f"row:{n}")
    async def put(n: int) -> int:
        return n

    async def main() -> int:
        agent, tidying = LLMCompiler(tools=[put], journal=path), Journal(path)
        runs = asyncio.gather(
            *[agent.execute(f"a = put({n})\njoin(a, put(-1 - a))\n", run_id=str(n)) for n in range(30)]
        )
        while not runs.done():
            await asyncio.to_thread(tidying.rotate, path.with_name("older.db"))
        tidying.rotate(path.with_name("older.db"))
        return len(await runs)

    assert asyncio.run(main()) == 30
    assert ids(path) == set()
    older = Journal(path.with_name("older.db"))
    assert {summary.id: summary.state for summary in older.runs()} == {str(n): "answered" for n in range(30)}


def test_the_log_beside_the_file_is_bounded(path: Path) -> None:
    """It is emptied when it is long, and if somebody who reads keeps it from that, as soon as he is done."""

    async def main() -> list[int]:
        log = await Journal(path).abegin("run", {})
        sizes: list[int] = []

        async def write() -> None:
            log.append(Succeeded(0.0, "x", "x" * 1_000_000))
            await log.durable()
            sizes.append(path.with_name("runs.db-wal").stat().st_size)

        for _ in range(9):
            await write()
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM runs").fetchall()
            for _ in range(9):
                await write()
        for _ in range(9):
            await write()
        await log.aclose()
        return sizes

    sizes = run(main())
    assert max(sizes[:9]) < 2 * TURN
    assert max(sizes[9:18]) > 2 * TURN
    assert max(sizes[-4:]) < 2 * TURN


# ------------------------------------------------------------------------------------------------------- the commands


def command(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_the_commands_say_what_they_did(path: Path) -> None:
    _, log = filled(path)
    kept = command("prune", "--older-than", "30d", "--journal", str(path))
    assert (kept.exit_code, kept.stdout) == (0, "1 run deleted\n")
    assert kept.stderr == "2 runs kept that did not end\n"
    into = path.with_name("archive.db")
    moved = command("rotate", "--journal", str(path), "--into", str(into))
    assert (moved.exit_code, moved.stdout) == (0, f"1 run moved to {into}\n")
    assert ids(into) == {"new"}
    refused = command("prune", "--older-than", "0s", "--unfinished", "--journal", str(path), "--json")
    assert refused.exit_code == 1
    document = {"journal": str(path), "deleted": ["interrupted", "waiting"], "unfinished": [], "busy": ["busy"]}
    assert json.loads(refused.stdout) == document
    log.close()


def test_a_journal_is_rotated_to_a_file_beside_it_that_is_named_by_the_time(path: Path) -> None:
    _, log = filled(path)
    log.close()
    assert json.loads(command("rotate", "--journal", str(path), "--json").stdout)["moved"] == ["new", "old"]
    (made,) = path.parent.glob("runs-*.db")
    assert ids(made) == {"new", "old"}


@pytest.mark.parametrize("age", ["30", "d", "-1d", "30 days"])
def test_an_age_has_a_unit(path: Path, age: str) -> None:
    Journal(path)
    wrong = command("prune", "--older-than", age, "--journal", str(path))
    assert wrong.exit_code == 2
    assert f"{age!r} is no age" in wrong.output


def test_a_run_that_was_taken_up_since_it_was_looked_at_is_neither_moved_nor_copied(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could be gone on with in two files."""
    journal, going_on = filled(path)
    take = Leases.take

    def taken_up_before(self: Leases, run: int) -> bool:
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE runs SET ended = NULL WHERE id = 'old'")
        return take(self, run)

    monkeypatch.setattr(Leases, "take", taken_up_before)
    archive = path.with_name("archive.db")
    assert journal.rotate(archive).gone == ("new",)
    assert ids(archive) == {"new"}
    assert ids(path) == {"old", "interrupted", "waiting", "busy"}
    going_on.close()
