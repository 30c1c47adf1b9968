"""`benchmarks/soak.py`: that it sees what it looks for. The soak itself takes ten minutes and is no test."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

import pytest
from benchmarks import faulty_provider
from benchmarks.faulty_provider import Broken, Provider, Refused, RunningProvider, get, get_blocking, number
from benchmarks.soak import Complaints, Load, Soak, soak
from benchmarks.soak_report import MEMORY, Report, Sample, growth, inspection, table
from benchmarks.soak_runs import SHAPES, Gauge, broken, counted, limits, tools

from superscalar import Failure, LLMCompiler, Outcomes, RateLimited, tool
from superscalar.events import Event, Failed, Planned, RunEnded, RunStarted, Started, Succeeded, Unneeded
from superscalar.executors import local
from superscalar.plan.ir import Call, Task
from support.running import executed

BEGINNING = Sample(at=0.0, runs=0, rss_kb=50_000, threads=1, sockets=2, files=9, blocks=1_000, objects=500, tasks=1)
PLAN = "a = fetch(1)\nb = store('k', 5)\nc = recall('k')\njoin(a, b, c)\n"


@tool(effect="read", resource="kept")
async def recall(key: str) -> int:
    """What is kept."""
    return 5


@tool(effect="write", resource="kept")
async def store(key: str, value: int) -> int:
    """Keep."""
    return value


@tool(effect="read")
async def fetch(x: int) -> int:
    """As the provider answers."""
    return number(x)


# ------------------------------------------------------------------------------------------------------ the provider


def answered(fault: str, path: str, monkeypatch: pytest.MonkeyPatch, *, blocking: bool = False) -> object:
    """What a provider answers to whom this always happens."""
    monkeypatch.setattr(faulty_provider, "FAULTS", {fault: 1.0})

    async def main() -> object:
        provider = Provider(Random(1))
        server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with asyncio.timeout(0.3 if fault == "hang" else 10):
                return await (asyncio.to_thread(get_blocking, port, path) if blocking else get(port, path))
        finally:
            server.close()
            if serving := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(serving)
            assert provider.done == {fault: 1}

    return asyncio.run(main())


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("fault", ["none", "late", "slow body", "big body"])
def test_a_late_or_long_answer_is_right(fault: str, blocking: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered(fault, "/numbers/1,2", monkeypatch, blocking=blocking) == [number(1), number(2)]


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("too many", RateLimited),
        ("unavailable", Refused),
        ("error", Broken),
        ("reset", ConnectionError),
        ("cut", ConnectionError),
    ],
)
def test_a_fault_is_what_a_client_would_see(
    fault: str, error: type[Exception], blocking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(error) as raised:
        answered(fault, "/number/1", monkeypatch, blocking=blocking)
    assert not isinstance(raised.value, RateLimited) or raised.value.retry_after in (0.05, 0.1, 0.3)


def test_a_request_that_hangs_is_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TimeoutError):
        answered("hang", "/number/1", monkeypatch)


# ------------------------------------------------------------------------------------------------- what must hold


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_a_plan(shape: str) -> None:
    agent = LLMCompiler(tools=tools(0, Gauge()), limits=limits(1_000.0))
    for seed in range(20):
        agent.compile(SHAPES[shape](Random(seed)))


def happened(plan: str = PLAN) -> tuple[Event, ...]:
    """The events of a good run."""
    return executed(plan, [fetch, store, recall]).events


def test_nothing_is_wrong_with_a_good_run() -> None:
    result = executed(PLAN, [fetch, store, recall])
    assert broken(result.events, result.outcomes) == []
    assert counted(result.events) == Counter(calls=3, succeeded=4)
    assert broken((), None) == []  # it was cancelled before it began


def test_a_task_that_never_settles_is_noticed() -> None:
    lost = tuple(event for event in happened() if not (isinstance(event, Succeeded) and event.id == "a"))
    assert broken(lost, None) == ["a never settles"]
    assert broken((*lost[:-1], Unneeded(lost[-1].at, ("a",)), lost[-1]), None) == []


def test_a_task_that_settles_twice_or_starts_again_is_noticed() -> None:
    events = happened()
    end = events[-1]
    again = [event for event in events if isinstance(event, Started | Succeeded) and event.id == "a"]
    found = broken((*events[:-1], *(replace(event, at=end.at) for event in again), end), None)
    assert [line.partition(":")[0].partition(" Succeeded")[0] for line in found] == [
        "a starts after",
        "a settles twice",
    ]


def test_a_run_without_its_end_and_time_that_runs_backwards_are_noticed() -> None:
    events = happened()
    (unended,) = broken(events[:-1], None)
    assert unended.startswith("the events are from RunStarted")
    assert broken((replace(events[0], at=9.0), *events[1:]), None) == ["time runs backwards"]


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("a", "a: fetch({'x': 1}) is 99, not 4"),
        ("b", "b: store({'key': 'k', 'value': 5}) is 99, not 5"),
        ("c", "c: recall({'key': 'k'}) is 99, not 5"),
    ],
)
def test_a_wrong_value_is_noticed(id: str, said: str) -> None:
    events = tuple(
        replace(event, value=99) if isinstance(event, Succeeded) and event.id == id else event for event in happened()
    )
    assert broken(events, None) == [said]


def test_outcomes_that_differ_from_the_events_are_noticed() -> None:
    result = executed(PLAN, [fetch, store, recall])
    outcomes = dict(result.outcomes)
    del outcomes["a"]
    outcomes["b"] = Failure("error", "no")
    assert [line[:20] for line in broken(result.events, Outcomes(outcomes))] == [
        "a has no outcome",
        "b: its outcome is no",
    ]


def test_how_tasks_ended_is_counted() -> None:
    down = Failure("error", "down", in_doubt=True)
    task = Task("a", Call("store", ()))
    events = (RunStarted(0.0, "run"), Planned(0.0, task), Failed(1.0, "a", down), RunEnded(1.0))
    assert counted(events) == Counter({"failed: error": 1, "in doubt": 1})
    assert counted((Failed(1.0, "a", replace(down, abandoned=True)),))["failed: abandoned"] == 1


# --------------------------------------------------------------------------------------------------------- samples


def test_growth_is_that_of_the_second_half() -> None:
    rests = [
        replace(BEGINNING, at=60.0 * i, runs=500 * i, rss_kb=1_000 * max(i, 10), objects=500) for i in range(1, 21)
    ]
    found = growth(rests)
    assert found is not None
    assert found["rss_kb"] == {
        "mean": pytest.approx(15_500.0),
        "per_minute": pytest.approx(1_000.0),
        "per_1000_runs": pytest.approx(2_000.0),
        "share": pytest.approx(9_000 / 15_500),
    }
    assert found["objects"]["share"] == 0.0
    assert growth(rests[:8]) is None
    assert growth([replace(rest, at=rest.at / 10) for rest in rests]) is None
    assert growth([]) is None


def test_an_inspection_counts_tasks_and_timers() -> None:
    async def main() -> tuple[Sample, Sample]:
        loop = asyncio.get_running_loop()
        before = inspection(0.0, 0)
        timer = loop.call_later(1_000, print)
        other = asyncio.create_task(asyncio.sleep(0))
        during = inspection(0.0, 0)
        timer.cancel()
        await other
        return before, during

    before, during = asyncio.run(main())
    assert during.tasks == before.tasks + 1
    assert during.timers == before.timers + 1
    assert before.objects > 1_000
    assert before.rss_kb > 1_000


def report(**changes: object) -> Report:
    """One with which nothing is wrong."""
    flat = {name: {"mean": 1.0, "per_minute": 0.0, "per_1000_runs": 0.0, "share": 0.0} for name in MEMORY}
    good = Report(60.0, {"runs": 1}, {"none": 1}, {"rss_kb": 1}, BEGINNING, BEGINNING, (), flat, ())
    return replace(good, **changes)  # type: ignore[arg-type]  # by name


def test_what_is_left_behind_or_grows_misses_a_goal() -> None:
    grows = {"mean": 1.0, "per_minute": 1.0, "per_1000_runs": 1.0, "share": 0.006}
    flat = report().growth
    assert flat is not None
    assert report().missed() == []
    assert report(growth=None).missed() == []
    assert report(end=replace(BEGINNING, threads=3, sockets=1)).missed() == [
        "threads: 1 at the beginning, 3 at the end"
    ]
    assert report(growth={**flat, "objects": grows, "rss_kb": grows}).missed() == [
        "objects grew by 0.60% over the second half"
    ]
    assert report(tally={"wrong": 2}, wrong=("this", "that")).missed() == ["2 things were wrong"]
    assert "goals missed: 2 things were wrong" in table(report(tally={"wrong": 2}, wrong=("this", "that")))


def test_a_short_soak_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_IDLE_SECONDS", 0.2)
    said: list[str] = []
    with RunningProvider(seed=3) as provider:
        load = Load(seconds=0.8, every=0.1, workers=4, threads=1, rate=1_000.0, seed=3)
        found = asyncio.run(soak(provider, tmp_path / "runs.db", load, threading.Event(), said.append))
    assert found.wrong == ()
    assert found.missed() == []
    assert found.tally["runs"] > 10
    assert len(found.rests) >= 1
    assert len(said) > 3
    json.dumps(asdict(found))


def test_what_asyncio_complains_of_is_noticed(tmp_path: Path) -> None:
    soaking = Soak(0, tmp_path / "runs.db", 100.0, 0)

    async def main() -> None:
        asyncio.get_running_loop().create_future().set_exception(OSError("nobody asks"))
        gc.collect()

    with Complaints(soaking):
        asyncio.run(main())
    asyncio.run(main())  # no longer listened to
    (line,) = soaking.wrong
    assert line.startswith("asyncio: Future exception was never retrieved")
