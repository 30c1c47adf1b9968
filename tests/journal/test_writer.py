"""The thread that writes a journal: nobody waits for the disk but those whose record it is."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from superscalar import JournalError, LLMCompiler, RunStream, tool
from superscalar.events import Event, Failed, RunEnded, Started, Succeeded
from superscalar.journal import Journal
from superscalar.journal.database import Database
from superscalar.journal.writer import _File
from superscalar.testing import run

PATIENCE = 20.0  # seconds until a test that waits for what never comes gives up


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


class SlowDisk:
    """Every transaction is finished when somebody says so; `busy` once one waits for that."""

    def __init__(self) -> None:
        self.busy = threading.Event()
        self.done = threading.Event()
        self.done.set()
        self.waited = True

    def stop(self) -> None:
        self.done.clear()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk, commit = SlowDisk(), _File.commit

    def slowly(self: _File, jobs: list[Any]) -> None:
        if not disk.done.is_set():
            disk.busy.set()
            disk.waited = disk.done.wait(PATIENCE) and disk.waited
        commit(self, jobs)

    monkeypatch.setattr(_File, "commit", slowly)
    yield disk
    disk.done.set()


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each transaction was durable, in order."""
    found: list[bool] = []
    writing = Database.writing

    def noted(self: Database, *, durable: bool = False, **given: Any) -> Any:
        found.append(durable)
        return writing(self, durable=durable, **given)

    monkeypatch.setattr(Database, "writing", noted)
    return found


@tool(effect="write", resource=lambda n: f"row:{n}")
async def put(n: int) -> int:
    """Write a row of its own."""
    return n


def read(path: Path) -> list[Event]:
    return [record.event for record in Journal(path).read("run")]


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 -- it is a thread that makes it true
            await asyncio.sleep(0.001)


# ------------------------------------------------------------------------------------------------- who waits for whom


def test_an_agent_without_a_journal_does_not_wait_for_the_disk_of_another(path: Path, disk: SlowDisk) -> None:
    """The disk of the one is busy until a timer and the tool of the other have done their part."""

    @tool
    async def look() -> str:
        await eventually(disk.busy.is_set)
        await asyncio.sleep(0.01)
        disk.done.set()
        return "seen"

    async def main() -> list[Any]:
        disk.stop()
        slow, other = LLMCompiler(tools=[put], journal=path), LLMCompiler(tools=[look])
        ended = await asyncio.gather(slow.execute("join(put(1))\n"), other.execute("join(look())\n"))
        return [outcomes.joined for outcomes in ended]

    assert asyncio.run(main()) == [1, "seen"]
    assert disk.waited


def test_what_does_not_wait_for_its_record_goes_on_in_the_same_run(path: Path, disk: SlowDisk) -> None:
    """Reads are called and settle while a write waits for the disk."""

    @tool(effect="pure")
    async def look(n: int) -> int:
        if n == 0:
            disk.stop()
        elif n == 2:
            await eventually(disk.busy.is_set)
            disk.done.set()
        return n + 1

    agent = LLMCompiler(tools=[put, look], journal=path)
    outcomes = asyncio.run(agent.execute("a = look(0)\nb = put(a)\nc = look(look(a))\njoin(b, c)\n"))
    assert outcomes.joined == [1, 3]
    assert disk.waited


def test_a_neighbour_that_has_the_file_locked_delays_only_who_waits_for_the_record(path: Path) -> None:
    other = []

    @tool(effect="pure")
    async def lock() -> str:
        other.append(sqlite3.connect(path, isolation_level=None))
        other[0].execute("BEGIN IMMEDIATE")
        return "locked"

    @tool(effect="pure")
    async def unlock(locked: str) -> str:
        await asyncio.sleep(0.02)
        other[0].close()
        return "unlocked"

    agent = LLMCompiler(tools=[put, lock, unlock], journal=path)
    plan = "a = lock()\nb = put(1 if a else 0)\nc = unlock(a)\njoin(b, c)\n"
    assert asyncio.run(agent.execute(plan, run_id="run")).joined == [1, "unlocked"]
    assert isinstance(read(path)[-1], RunEnded)


def test_the_time_of_a_write_begins_when_it_is_made(path: Path, disk: SlowDisk) -> None:
    """Not while its start is on its way to the disk."""

    @tool(effect="write", timeout=0.2)
    async def quick() -> str:
        return "made"

    async def main() -> Any:
        agent = LLMCompiler(tools=[quick], journal=path)
        asyncio.get_running_loop().call_later(0.4, disk.done.set)
        async with agent.stream_plan("join(quick())\n") as running:
            async for event in running:
                if isinstance(event, Started):
                    disk.stop()
            return (await running.result()).answer

    assert asyncio.run(main()) == "made"


# ------------------------------------------------------------------------------------------------------ transactions


def test_the_starts_of_one_turn_are_one_transaction(path: Path, commits: list[bool]) -> None:
    """Fifty writes: the run begins, they start, it ends; what became of them needs no disk."""
    agent = LLMCompiler(tools=[put], journal=path, max_concurrency=50)
    plan = "".join(f"x{n} = put({n})\n" for n in range(50)) + "join()\n"
    run(agent.execute(plan))
    assert [commits[0], commits[-1], commits.count(True)] == [False, True, 2]
    assert len(commits) <= 4


def test_runs_that_begin_and_end_together_share_transactions(path: Path, disk: SlowDisk, commits: list[bool]) -> None:
    async def main() -> None:
        agent = LLMCompiler(tools=[put], journal=path)
        disk.stop()
        runs = asyncio.gather(*[agent.execute("join(put(1))\n") for _ in range(20)])
        await eventually(disk.busy.is_set)
        disk.done.set()
        await runs

    asyncio.run(main())
    assert commits.count(True) <= 10
    assert {summary.state for summary in Journal(path).runs()} == {"answered"}


def test_who_begins_wrongly_spoils_nothing_for_those_beside(path: Path, disk: SlowDisk) -> None:
    """Entries of one transaction fail alone."""

    async def main() -> list[Any]:
        journal = Journal(path)
        disk.stop()
        beginning = asyncio.gather(*[journal.abegin(id, {}) for id in ("a", "b", "a", "c")], return_exceptions=True)
        await eventually(disk.busy.is_set)
        disk.done.set()
        logs = await beginning
        for log in logs:
            if not isinstance(log, BaseException):
                await log.aclose()
        return [str(log) if isinstance(log, BaseException) else log.run for log in logs]

    a, b, twice, c = asyncio.run(main())
    assert (a, b, c) == ("a", "b", "c")
    assert "has a run 'a' already" in twice
    assert {summary.id: summary.state for summary in Journal(path).runs()} == dict.fromkeys("abc", "not begun")


def test_what_fills_the_disk_costs_nobody_else_his_record(path: Path, disk: SlowDisk) -> None:
    """Written together they do not fit; then each is tried by itself."""

    async def main() -> list[str]:
        journal = Journal(path)
        small, large = await journal.abegin("small", {}), await journal.abegin("large", {})
        written = journal._here().writer._file.database
        pages = written.rows("PRAGMA page_count")[0][0]
        written.rows(f"PRAGMA max_page_count = {pages}")
        disk.stop()
        large.append(Succeeded(0.0, "x", "x" * 100_000))
        first = asyncio.ensure_future(large.durable())
        await eventually(disk.busy.is_set)
        small.append(RunEnded(0.0))
        second = asyncio.ensure_future(small.durable())
        await asyncio.sleep(0)
        disk.done.set()
        await second
        with pytest.raises(JournalError, match="the disk is full"):
            await first
        await small.aclose()
        with pytest.raises(JournalError, match="the disk is full"):
            await large.aclose()
        return [run.state for run in journal.runs()]

    assert asyncio.run(main()) == ["not begun", "answered"]


# ------------------------------------------------------------------------------------------------------ cancellation


async def until_its_start_is_on_its_way(running: RunStream, disk: SlowDisk) -> None:
    """Until the disk is busy with the start of a write, with which it is done a moment later."""
    async for event in running:
        if isinstance(event, Started):
            disk.stop()
            break
    await eventually(disk.busy.is_set)
    asyncio.get_running_loop().call_later(0.02, disk.done.set)


def test_a_write_whose_start_is_on_its_way_is_not_made_when_the_run_is_cancelled(path: Path, disk: SlowDisk) -> None:
    """It certainly was not, and so it is not in doubt; the record says so."""
    made = []

    @tool(effect="write")
    async def note() -> None:
        made.append(1)

    async def main() -> None:
        agent = LLMCompiler(tools=[note], journal=path)
        async with agent.stream_plan("a = note()\njoin(a)\n", run_id="run") as running:
            await until_its_start_is_on_its_way(running, disk)

    asyncio.run(main())
    (failure,) = [event.failure for event in read(path) if isinstance(event, Failed) and event.id == "a"]
    assert (made, failure.kind, failure.in_doubt) == ([], "cancelled", False)
    assert Journal(path).summary("run").in_doubt == ()


def test_a_write_whose_start_is_on_its_way_when_the_run_is_suspended_is_made_by_whoever_goes_on(
    path: Path, disk: SlowDisk
) -> None:
    """Nobody is asked about it: it certainly was not made."""
    made = []

    @tool(effect="write")
    async def note() -> str:
        made.append(1)
        return "noted"

    async def main() -> str:
        agent = LLMCompiler(tools=[note], journal=path)
        with suppress(asyncio.CancelledError):
            async with agent.stream_plan("a = note()\njoin(a)\n", run_id="run") as running:
                await until_its_start_is_on_its_way(running, disk)
                running.suspend()
                await running.result()
        assert (made, Journal(path).summary("run").in_doubt) == ([], ())
        return str((await agent.resume("run")).answer)

    assert asyncio.run(main()) == "noted"
    assert made == [1]


def test_a_run_that_is_cancelled_before_it_is_begun_was_never_there(path: Path, disk: SlowDisk) -> None:
    async def main() -> None:
        journal = Journal(path)
        disk.stop()
        beginning = asyncio.ensure_future(LLMCompiler(tools=[put], journal=journal).execute("join(1)\n", run_id="run"))
        await eventually(disk.busy.is_set)
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        disk.done.set()
        await asyncio.to_thread(lambda: journal.keep_durations({}))
        await eventually(lambda: journal.runs() == [])
        await (await journal.abegin("run", {})).aclose()

    asyncio.run(main())


def test_who_gives_up_waiting_for_a_record_keeps_nobody_from_writing_another(path: Path, disk: SlowDisk) -> None:
    """The entry is written all the same, and so is what comes behind it."""

    async def main() -> dict[str, float]:
        journal = Journal(path)
        writer = journal._here().writer
        disk.stop()
        entry: Any = lambda connection: connection.execute("INSERT INTO durations VALUES ('given up', 1.0)")  # noqa: E731
        waiting = asyncio.get_running_loop().run_in_executor(writer, entry)
        await eventually(disk.busy.is_set)
        waiting.cancel()
        await asyncio.sleep(0)
        disk.done.set()
        await asyncio.wait_for(asyncio.wrap_future(writer.submit(lambda _: None)), PATIENCE)
        return journal.durations()

    assert asyncio.run(main()) == {"given up": 1.0}


def test_who_cancels_at_the_very_end_waits_for_the_end_to_be_written(path: Path, disk: SlowDisk) -> None:
    async def main() -> None:
        log = await Journal(path).abegin("run", {})
        log.append(RunEnded(0.0))
        disk.stop()
        closing = asyncio.ensure_future(log.aclose())
        await eventually(disk.busy.is_set)
        closing.cancel()
        await asyncio.sleep(0.01)
        assert not closing.done()
        disk.done.set()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(main())
    assert Journal(path).summary("run").state == "answered"


# --------------------------------------------------------------------------------------------------- order and clocks


def test_a_journal_changes_nothing_about_virtual_time(path: Path) -> None:
    """Neither when something happens nor in which order, however long the disk takes."""

    @tool(effect="write", resource=lambda n: f"row:{n}")
    async def slow(n: int) -> int:
        await asyncio.sleep(n)
        return n

    plan = "xs = [slow(n) for n in [3, 1, 2, 1]]\ny = put(xs[1])\njoin(xs, y)\n"

    def events(journal: Path | None) -> tuple[Event, ...]:
        async def main() -> tuple[Event, ...]:
            agent = LLMCompiler(tools=[put, slow], journal=journal, max_concurrency=2)
            async with agent.stream_plan(plan, run_id="run") as running:
                return (await running.result()).events

        return run(main(), seed=1)

    bare, kept = events(None), [events(path.with_name(f"{n}.db")) for n in range(3)]
    assert kept[0] == kept[1] == kept[2]
    assert [event for event in kept[0] if isinstance(event, Started)] == [e for e in bare if isinstance(e, Started)]


def test_records_are_in_the_order_in_which_they_were_handed_in(path: Path, disk: SlowDisk) -> None:
    async def main() -> list[Event]:
        journal = Journal(path)
        log = await journal.abegin("run", {})
        events: list[Event] = []
        waiting = []
        for n in range(60):
            events.append(Succeeded(float(n), "x", n))
            log.append(events[-1])
            match n % 4:
                case 0:
                    log.soon()
                case 1:
                    waiting.append(log.durable())
                case 2:
                    await asyncio.sleep(0)
        await log.aclose()
        return events

    assert asyncio.run(main()) == read(path)


# ------------------------------------------------------------------------------------------------ the end of a process


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_while_something_is_written_has_a_journal_of_its_own(path: Path) -> None:
    """Nothing that the thread of its parent had locked stays locked in it."""
    journal = Journal(path)
    log = journal.begin("parent", {})
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            log.append(RunEnded(0.0))
            log.flush(durable=True)

    writing = threading.Thread(target=write)
    writing.start()
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                journal.begin(f"child{number}", {}).close()
                os._exit(0)
            os._exit(1)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    stop.set()
    writing.join()
    log.close()
    assert codes == [0] * 8
    assert len(journal.runs()) == 9


def test_what_was_handed_in_is_written_before_the_interpreter_ends(path: Path) -> None:
    program = f"""
from superscalar.journal import Journal
journal = Journal({str(path)!r})
for n in range(200):
    journal._opened.writer.submit(lambda c, n=n: c.execute("INSERT INTO durations VALUES (?, ?)", (str(n), n)))
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert len(Journal(path).durations()) == 200
    assert not path.with_name("runs.db-wal").exists() or not path.with_name("runs.db-wal").stat().st_size


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_a_journal_that_nobody_has_any_more_is_closed(tmp_path: Path) -> None:
    """With its thread, its leases and what SQLite has open."""

    def ours() -> list[str]:
        links = list(Path("/proc/self/fd").iterdir())
        found = []
        for link in links:
            with suppress(OSError):
                found.append(str(link.readlink()))
        return [name for name in found if name.startswith(str(tmp_path))]

    before = set(threading.enumerate())
    for number in range(5):
        Journal(tmp_path / f"{number}.db").begin("run", {}).close()
    run(LLMCompiler(tools=[put], journal=tmp_path / "agent.db").execute("join(put(1))\n"))
    gc.collect()
    assert ours() == []
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before
