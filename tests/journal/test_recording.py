"""Runs that are recorded: what is in the file when, what is kept out, and what happens when it cannot be written."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from superscalar import JournalError, LLMCompiler, Observation, RunResult, Secret, ToolContext, UsageError, tool
from superscalar.events import Event, Failed, Planned, RunEnded, Sealed, Started, Succeeded
from superscalar.journal import Journal, Recorded
from superscalar.journal.database import Database
from superscalar.testing import ScriptedModel, run
from superscalar.tools import ArgumentError
from superscalar.values import WITHHELD
from support.depth import examples
from support.running import executed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def in_file(path: Path, run: str = "run") -> list[Event]:
    """What a run would be found to have done if its process were killed now: from a copy of the files."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        for suffix in ("", "-wal"):
            if (there := path.with_name(path.name + suffix)).exists():
                shutil.copy(there, copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy)) as connection:
            number = connection.execute("SELECT number FROM runs WHERE id = ?", (run,)).fetchone()
            if number is None:
                return []
        return [record.event for record in Journal(copy).read(run)]


def recorded(source: str, tools: list[Any], journal: Path | Journal, **options: Any) -> RunResult:
    """Execute a plan in virtual time, recorded as the run `run`."""
    return executed(source, tools, journal=journal, **options)


def kept(path: Path) -> tuple[Event, ...]:
    return tuple(record.event for record in Journal(path).read("run"))


# ------------------------------------------------------------------------------------------------- what is in the file


@tool
async def price(ticker: str) -> float:
    """A price."""
    await asyncio.sleep(len(ticker))
    return float(len(ticker))


def test_everything_that_happened_is_recorded(path: Path) -> None:
    """The events of the result are those of the file, maps and failures included, and the lease is given back."""
    result = recorded("xs = [price(t) for t in ['a', 'bb']]\ny = price(xs[0])\njoin(ok(xs), y)\n", [price], path)
    assert kept(path) == result.events
    assert isinstance(result.events[-1], RunEnded)
    summary = Journal(path).summary("run")
    assert (summary.state, summary.failed, summary.about["kind"]) == ("answered", 1, "execute")
    assert summary.about["tools"] == ["price"]


def test_a_question_is_recorded_with_what_was_said(path: Path) -> None:
    """The models' names, the history and the texts of both models, but not what was given to the tools in secret."""
    replies = "x = price('a')\njoin(x)\n", "It is 1."
    model = ScriptedModel(*replies, *replies, chunk=3, delay=0.05)

    async def main() -> RunResult:
        agent = LLMCompiler(model, [price], journal=path)
        first = await agent.run("How much?", context={"token": "hunter2"}, run_id="first")
        return await agent.run("And now?", history=first.messages, run_id="run")

    result = run(main())
    assert kept(path) == result.events
    about = Journal(path).about("run")
    assert (about["question"], about["model"], about["joiner"]) == ("And now?", model.name, model.name)
    sources = [["plan", "", True, ""], ["tool", "price", False, "float"], ["user", "", True, ""]]
    assert about["history"] == [
        {"role": "user", "text": "How much?", "untrusted": False, "sources": [], "readers": None},
        {"role": "assistant", "text": "It is 1.", "untrusted": True, "sources": sources, "readers": None},
    ]  # `price` does not say that it may be trusted
    assert b"hunter2" not in path.read_bytes()


def test_what_happened_is_in_the_file_soon(path: Path) -> None:
    """A process that is killed after a hundredth of a second has lost nothing."""
    seen: list[list[Event]] = []

    @tool
    async def look(seconds: float) -> str:
        await asyncio.sleep(seconds)
        seen.append(in_file(path))
        return "seen"

    result = recorded("a = look(0.5)\nb = look(1.0)\njoin(a, b)\n", [look], path)
    for found, by in zip(seen, (0.5, 1.0), strict=True):
        assert found == list(result.events[: len(found)])
        assert [e for e in result.events if e.at < by] == found


def test_a_write_has_been_recorded_when_its_tool_is_called(path: Path) -> None:
    """Its start, with everything before it; and what came of it, when the next thing happens."""
    seen: list[list[Event]] = []

    @tool(effect="write")
    def put(value: int) -> str:
        seen.append(in_file(path))
        return "done"

    recorded("a = put(1)\nb = put(2)\njoin(a, b)\n", [put], path)
    first, second = seen
    assert isinstance(first[-1], Started)
    assert first[-1].id == "a"
    assert [type(event) for event in second[-2:]] == [Succeeded, Started]


def test_the_start_of_a_write_is_on_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only handed to the operating system: that commit, and the last one, are synchronous."""
    commits: list[bool] = []
    writing = Database.writing

    def noted(self: Database, *, durable: bool = False, **given: Any) -> Any:
        commits.append(durable)
        return writing(self, durable=durable, **given)

    monkeypatch.setattr(Database, "writing", noted)

    @tool(effect="write")
    async def put(value: int) -> None:
        commits.append(None)  # type: ignore[arg-type]  # the mark of the call

    recorded("a = put(1)\njoin(a)\n", [put], path)
    assert commits[commits.index(None) - 1] is True  # type: ignore[arg-type]
    assert commits[-1] is True


def test_a_plan_is_recorded_whole_or_not_at_all(path: Path) -> None:
    """However many tasks it has: resume must never take a part of a plan for the plan."""
    counts = set()
    plan = "".join(f"x{i} = price('a')\n" for i in range(300)) + "join(x0)\n"
    agent = LLMCompiler(tools=[price], journal=path)

    async def main() -> None:
        async with agent.stream_plan(plan, run_id="run") as running:
            while not running.events:
                await asyncio.sleep(0)
                found = in_file(path)
                counts.add((sum(isinstance(e, Planned) for e in found), Sealed(0.0) in found))
            await asyncio.sleep(0.02)
            found = in_file(path)
            counts.add((sum(isinstance(e, Planned) for e in found), any(isinstance(e, Sealed) for e in found)))
            await running.result()

    run(main())
    assert counts == {(0, False), (301, True)}


@settings(deadline=None, max_examples=examples(10, 250))
@given(st.lists(st.tuples(st.sampled_from(["price", "put", "fail"]), st.integers(0, 3)), max_size=6), st.data())
def test_whenever_it_is_killed_the_file_holds_a_beginning(calls: list[tuple[str, int]], data: st.DataObject) -> None:
    """A copy of the files at every moment reads as the first events of the run; with a write's start, once it ran."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        copies: list[tuple[int, list[Event]]] = []
        started: set[str] = set()

        @tool(effect="write")
        async def put(n: int, run: ToolContext[Any]) -> int:
            started.add(run.task_id)
            found = {event.id for event in in_file(path) if isinstance(event, Started)}
            assert started <= found
            await asyncio.sleep(n)
            return n

        @tool
        async def fail(n: int) -> int:
            await asyncio.sleep(n / 2)
            raise ValueError(str(n))

        @tool(name="price")
        async def asked(n: int) -> int:
            await asyncio.sleep(n)
            return n

        plan = "".join(f"x{i} = {name}({n})\n" for i, (name, n) in enumerate(calls)) + "join()\n"

        async def main() -> tuple[Event, ...]:
            agent = LLMCompiler(tools=[asked, put, fail], journal=path)
            async with agent.stream_plan(plan, run_id="run") as running:
                async for _ in running:
                    looks = data.draw(st.booleans())
                    copies.extend([(len(running.events), in_file(path))] if looks else [])
                return (await running.result()).events

        events = run(main())
        for happened, found in copies:
            assert found == list(events[: len(found)])
            assert len(found) <= happened
        assert in_file(path) == list(events)


@settings(deadline=None, max_examples=examples(10, 200))
@given(st.integers(2, 6))
def test_runs_side_by_side_are_kept_apart(count: int) -> None:
    """They share transactions and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        agent = LLMCompiler(tools=[price], journal=path)

        async def one(number: int) -> RunResult:
            async with agent.stream_plan(f"x = price('{'a' * number}')\njoin(x)\n", run_id=f"r{number}") as running:
                return await running.result()

        async def main() -> list[RunResult]:
            return await asyncio.gather(*[one(number) for number in range(count)])

        for result in run(main()):
            assert tuple(r.event for r in Journal(path).read(result.run_id)) == result.events
        assert [summary.state for summary in Journal(path).runs()] == ["answered"] * count


def test_threads_with_loops_of_their_own_share_a_journal(path: Path) -> None:
    """As an agent that is used from several threads does."""
    agent = LLMCompiler(tools=[price], journal=path)
    plan = agent.compile("xs = [price('') for i in range(50)]\njoin(xs)\n")

    async def main() -> list[Any]:
        return await asyncio.gather(
            *[asyncio.to_thread(asyncio.run, agent.execute(plan, run_id=f"r{number}")) for number in range(4)]
        )

    asyncio.run(main())
    assert [(summary.state, summary.done) for summary in Journal(path).runs()] == [("answered", 53)] * 4


def test_planning_alone_is_no_run(path: Path) -> None:
    """Nothing is called, so nothing could be lost."""
    run(LLMCompiler(ScriptedModel("join(1)\n"), journal=path).plan("?"))
    assert Journal(path).runs() == []


def test_an_id_that_is_taken_is_refused_before_anything_runs(path: Path) -> None:
    recorded("join(1)\n", [price], path)
    with pytest.raises(UsageError, match="has a run 'run' already"):
        recorded("join(1)\n", [price], path)


def test_a_cancelled_run_is_recorded_to_its_end(path: Path) -> None:
    async def main() -> None:
        agent = LLMCompiler(tools=[price], journal=path, timeout=None)
        async with agent.stream_plan("x = price('aaaaaaa')\njoin(x)\n", run_id="run"):
            await asyncio.sleep(1)

    run(main())
    assert kept(path)[-1] == RunEnded(kept(path)[-1].at, "cancelled")
    assert Journal(path).summary("run").state == "stopped"


# ---------------------------------------------------------------------------------------------------- what is no data


@dataclass
class Page:
    rows: list[Any] = field(default_factory=list)


@tool
async def query(n: int) -> Page:
    """A result with an open cursor in it."""
    return Page([n, {"cursor": len}])


HANDLE = (
    "Unwritable: the result of query cannot be kept in the journal: `value.rows[1]['cursor']` is a "
    "builtin_function_or_method, which is an opaque handle of this process. Return plain data (text, numbers, lists, "
    "dicts, records), or run without journal="
)


def test_a_result_that_is_no_data_fails_the_call_that_made_it(path: Path) -> None:
    """With the place where the handle stands; what needs it is skipped, the rest goes on."""
    result = recorded("a = query(1)\nb = price('a')\nc = a.rows\njoin(b, c)\n", [query, price], path)
    assert str(result.outcomes["a"]) == HANDLE
    assert result.outcomes["b"] == Observation(1.0)
    assert str(result.outcomes["c"]) == "not run: `a` failed"
    assert kept(path) == result.events


def test_in_a_map_too(path: Path) -> None:
    result = recorded("xs = [query(n) for n in range(2)]\njoin(ok(xs))\n", [query], path)
    assert [str(result.outcomes[f"xs[{n}]"]) for n in range(2)] == [HANDLE, HANDLE]
    assert (result.answer, kept(path)) == ([], result.events)


def test_a_write_that_was_done_says_so(path: Path) -> None:
    """It is not in doubt, and its failure must not make anybody do it again."""

    @tool(effect="write")
    async def put(n: int) -> Any:
        return open

    result = recorded("a = put(1)\njoin(a)\n", [put], path)
    failure = result.outcomes.failures["a"]
    assert "which is an opaque handle of this process; the write was done." in failure.message
    assert (failure.in_doubt, Journal(path).summary("run").in_doubt) == (False, ())


def test_without_a_journal_handles_are_passed_on() -> None:
    async def main() -> Any:
        return (await LLMCompiler(tools=[query]).execute("a = query(1)\njoin(a.rows[1])\n")).joined

    assert run(main()) == {"cursor": len}


def test_a_handle_among_the_arguments_is_no_failure(path: Path) -> None:
    """They are recorded for people; an answer that is none is too."""

    @tool
    async def measured(n: int, how: Any = len) -> Any:
        return how([n])

    result = recorded("a = measured(1)\njoin(a)\n", [measured], path)
    assert result.answer == 1
    assert not Journal(path).summary("run").failed


# ------------------------------------------------------------------------------------------------------------- secrets


class Login(BaseModel):
    user: str
    password: SecretStr


_SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=8, max_size=20).map(
    lambda text: f"s3cret {text}"
)


@settings(deadline=None, max_examples=examples(10, 300))
@given(_SECRETS, st.sampled_from(["plain", "marked", "typed"]), st.booleans())
def test_no_byte_of_a_secret_is_in_the_files(secret: str, how: str, fails: bool) -> None:
    """Given in the plan, by another call or by the context; in arguments, failures, results and retries."""
    received: list[str] = []

    def used(token: str) -> Login:
        received.append(token)
        if fails:
            raise ValueError(f"the token {token} is not good: {token!r}")
        return Login(user="ann", password=SecretStr(token))

    @tool(secret="token")
    async def plain(token: str) -> Login:
        return used(token)

    @tool
    async def marked(token: Annotated[str, Secret] = "") -> Login:
        return used(token)

    @tool(retry=2)
    async def typed(token: SecretStr) -> Login:
        return used(token.get_secret_value())

    @tool
    async def vault(run: ToolContext[str]) -> Login:
        return Login(user="bob", password=SecretStr(run.context))

    @tool(secret="number")
    async def wrong(number: int) -> int:
        return number

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        plan = f"a = {how}({secret!r})\nb = vault()\nc = [{how}(token={secret!r}) for i in range(2)]\n"
        plan += f"d = wrong({secret!r})\njoin(a, b, ok(c), d)\n" if how != "plain" else "join(a, b, ok(c))\n"
        agent = LLMCompiler(tools=[plain, marked, typed, vault, wrong], journal=path)
        found: list[bytes] = []

        def contents() -> list[bytes]:
            return [file.read_bytes() for file in Path(folder).iterdir()]

        async def main() -> None:
            try:
                compiled = agent.compile(plan)
            except Exception:  # noqa: BLE001 -- a constant of the wrong type is refused: it goes in another way
                compiled = agent.compile(plan.replace(f"wrong({secret!r})", f"wrong(vault() or {secret!r})"))
            async with agent.stream_plan(compiled, context=secret, run_id="run") as running:
                async for _ in running:
                    found.extend(contents())

        run(main())
        found.extend(contents())
        assert set(received) == {secret}
        escaped = repr(secret.encode("unicode_escape"))[2:-1].encode()
        for content in found:
            assert secret.encode() not in content
            assert escaped not in content
            assert secret[:12].encode() not in content


def test_a_secret_literal_of_the_plan_is_withheld_and_a_reference_stays(path: Path) -> None:
    @tool(secret="token")
    async def login(token: str, user: str) -> str:
        return token

    plan = "k = price('a')\na = login(f'{k}', 'ann')\nb = login('hunter2', user='bob')\n"
    plan += "c = login('x' + 'y', 'c')\njoin()\n"
    recorded(plan, [login, price], path)
    calls = {e.task.id: repr(e.task.work) for e in kept(path) if isinstance(e, Planned)}
    assert "Literal(value=**********)" not in calls["a"]
    assert "('token', Literal(value=**********))" in calls["b"]
    assert "('token', Literal(value=**********))" in calls["c"]
    assert all("'ann'" in call or "'bob'" in call or "'c'" in call for id, call in calls.items() if id in "abc")


def test_a_call_is_not_made_with_what_was_withheld() -> None:
    """As it would be in a run that is resumed, whatever type the parameter has."""

    @tool(secret="token")
    def login(token: Any, user: str) -> str:
        return user

    with pytest.raises(ArgumentError, match=r"login\(\): `token` is a secret that was withheld from the journal"):
        login.validate({"token": WITHHELD, "user": "ann"})


def test_a_secret_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(UsageError, match=r"@tool\(secret='tokn'\) on login: it has no such parameter; .* are token"):

        @tool(secret="tokn")
        async def login(token: str) -> str:
            return token


def test_secrets_are_not_shown_in_events_either() -> None:
    """Those of the arguments: a screen that follows the run is no better place for them than a file."""

    @tool(secret="token")
    async def login(token: str, user: str) -> str:
        return user

    async def main() -> list[Any]:
        async with LLMCompiler(tools=[login]).stream_plan("a = login('hunter2', 'ann')\njoin(a)\n") as running:
            return [event.arguments async for event in running if isinstance(event, Started)]

    (arguments,) = run(main())
    assert repr(arguments) == "{'token': **********, 'user': 'ann'}"


# ------------------------------------------------------------------------------------------ when it cannot be written


class FullDisk:
    """Lets a journal grow no further from a given moment on, as a full disk does."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def fill(self) -> None:
        written = self._journal._here().writer._file.database
        pages = written.rows("PRAGMA page_count")[0][0]
        written.rows(f"PRAGMA max_page_count = {pages}")


def _lost(path: Path, plan: str, tools: list[Any], **options: Any) -> JournalError:
    with pytest.raises(JournalError) as caught:
        recorded(plan, tools, path, **options)
    return caught.value


def test_a_full_disk_stops_the_run(path: Path) -> None:
    """Cancelled, as by its caller, and the error says what to do; nothing starts afterwards."""
    journal = Journal(path)
    disk = FullDisk(journal)
    called: list[int] = []

    @tool
    async def read(n: int) -> str:
        called.append(n)
        if n == 1:
            disk.fill()
        await asyncio.sleep(n)
        return "x" * 20_000

    with pytest.raises(JournalError, match=r"runs\.db: the disk is full; make room and resume the run"):
        recorded("a = read(1)\nb = read(100)\nc = [read(n) for n in [len(a), 2]]\njoin(b, c)\n", [read], journal)
    assert set(called) == {1, 100, 20_000, 2}
    assert Journal(path).summary("run").state == "interrupted"


def test_a_write_whose_start_cannot_be_recorded_is_not_made(path: Path) -> None:
    """The run ends with the error; the write is not in doubt, since it never began."""
    journal = Journal(path)
    disk = FullDisk(journal)
    called: list[int] = []

    @tool
    async def read(n: int) -> str:
        disk.fill()
        return "x"

    @tool(effect="write")
    async def put(value: str) -> None:
        called.append(1)

    agent = LLMCompiler(tools=[read, put], journal=journal)
    text = "y" * 60_000

    async def main() -> tuple[Event, ...]:
        async with agent.stream_plan(f"a = read(1)\nb = put(a + '{text}')\nc = put('c')\njoin(b, c)\n") as running:
            with pytest.raises(JournalError, match="the disk is full"):
                await running.result()
            return running.events

    events = run(main())
    assert called == []
    failed = {event.id: event.failure for event in events if isinstance(event, Failed)}
    assert failed["b"].message.startswith("it was not made, as it could not be recorded: ")
    assert not any(failure.in_doubt for failure in failed.values())
    (summary,) = Journal(path).runs()
    assert (summary.state, summary.in_doubt) == ("not begun", ())


@pytest.fixture
def held_for(path: Path) -> Iterator[Callable[[], None]]:
    """Another program that has the file locked from a moment on."""
    other: list[sqlite3.Connection] = []

    def hold() -> None:
        other.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        other[0].execute("BEGIN IMMEDIATE")

    yield hold
    for connection in other:
        connection.close()


def test_a_file_that_stays_locked_stops_the_run(
    path: Path, held_for: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, during which the event loop is not kept waiting."""
    monkeypatch.setattr("superscalar.journal.database.PATIENCE", 0.3)
    turns = 0

    @tool
    async def spin() -> None:
        nonlocal turns
        held_for()
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    async def main() -> None:
        await LLMCompiler(tools=[spin], journal=path, timeout=None).execute("a = spin()\njoin(a)\n", run_id="run")

    with pytest.raises(JournalError, match="another process has kept the journal locked for"):
        asyncio.run(main())
    assert turns > 50


def test_what_was_lost_of_one_run_is_not_written_for_it_later(path: Path) -> None:
    """Another run of the same event loop goes on, and by then a third process may have taken up the first one."""

    async def main() -> None:
        journal = Journal(path)
        first, second = journal.begin("first", {}), journal.begin("second", {})
        first.append(RunEnded(1.0))
        first.lose(JournalError("x", "gone"))
        with pytest.raises(JournalError, match="gone"):
            first.append(RunEnded(2.0))
        with pytest.raises(JournalError, match="gone"):
            first.close()
        journal.reopen("first").close()
        second.append(RunEnded(3.0))
        second.close()
        assert [len(journal.read(id)) for id in ("first", "second")] == [0, 1]

    run(main())


def test_a_file_that_is_locked_for_a_moment_is_waited_for(path: Path) -> None:
    """Nothing is lost by it."""

    @tool
    async def hold() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(0.1)
            other.execute("ROLLBACK")
        await asyncio.sleep(0.5)

    async def main() -> RunResult:
        agent = LLMCompiler(tools=[hold], journal=path)
        async with agent.stream_plan("a = hold()\njoin(a)\n", run_id="run") as running:
            return await running.result()

    result = asyncio.run(main())
    assert kept(path) == result.events


def test_cancelling_a_run_whose_journal_is_lost_meanwhile_is_a_cancellation(path: Path) -> None:
    """Whoever cancels gets what they asked for; the journal knows that the run has no end."""
    journal = Journal(path)
    disk = FullDisk(journal)

    @tool(effect="write")
    async def stubborn() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            disk.fill()
        return "x" * 60_000

    async def main() -> None:
        agent = LLMCompiler(tools=[stubborn], journal=journal, timeout=None)
        task = asyncio.ensure_future(agent.execute("a = stubborn()\njoin(a)\n"))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert [(run.state, run.in_doubt) for run in Journal(path).runs()] == [("interrupted", ("a",))]


def test_how_long_calls_take_is_known_to_the_next_agent(path: Path) -> None:
    """The longest path is known from the first call on then."""
    recorded("x = price('aaa')\njoin(x)\n", [price], path)
    agent = LLMCompiler(tools=[price], journal=path)
    assert agent._equipment.durations.known() == Journal(path).durations() == {"price": 3.0}


def test_records_are_what_they_say(path: Path) -> None:
    recorded("join(1)\n", [price], path)
    assert all(isinstance(record, Recorded) and record.at > 1e9 for record in Journal(path).read("run"))
