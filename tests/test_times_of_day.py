"""Events as data, and the times of day of what an event loop's clock has counted."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from superscalar import Journal, LLMCompiler, codec, events, tool
from superscalar.observe.wall import dated
from superscalar.testing import run
from support.random_events import ONE_OF_EACH

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()


def clock(at: float) -> datetime:
    return datetime.fromtimestamp(NOON + at, UTC)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_an_event_is_data_and_back(event: events.Event) -> None:
    data = json.loads(json.dumps(event.to_json()))
    assert data == codec.to_json(event)
    assert events.from_json(data).to_json() == data


def test_events_are_dated_from_the_beginning_of_the_process_on() -> None:
    started, resumed = events.RunStarted(5.0, "r", "", NOON), events.Resumed(8.0, (), NOON + 3_600)
    happened: list[events.Event] = [started, events.Sealed(7.5), resumed, events.Sealed(9.0)]
    assert [when for when, _ in dated(happened)] == [clock(0.0), clock(2.5), clock(3_600.0), clock(3_601.0)]


def test_what_an_older_release_recorded_has_no_times_of_day() -> None:
    started = events.from_json({"v": 1, "event": "RunStarted", "at": 1.0, "run": "r"})
    assert list(dated([started])) == [(None, started)]


def test_the_time_of_day_is_no_part_of_what_events_are_compared_by() -> None:
    one, other = events.RunStarted(0.0, "r", "", NOON), events.RunStarted(0.0, "r")
    assert (one, hash(one), repr(one)) == (other, hash(other), repr(other))


@tool(effect="pure")
async def wait() -> int:
    """Wait."""
    await asyncio.sleep(60.0)
    return 1


def test_a_result_and_an_observer_know_when_things_happened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON)
    told: list[Any] = []
    agent = LLMCompiler(tools=[wait], observers=[lambda event, run: told.append((run.when(event), event))])

    async def main() -> Any:
        async with agent.stream_plan("a = wait()\njoin(a)") as running:
            return await running.result()

    result = run(main())
    assert result.dated == tuple(told)
    assert (result.dated[0][0], result.dated[-1][0]) == (clock(0.0), clock(60.0))


def test_a_journal_has_it(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    agent = LLMCompiler(tools=[wait], journal=tmp_path / "runs.db")
    asyncio.run(agent.execute("a = 1\njoin(a)", run_id="r"))
    recorded = [one.event for one in Journal(tmp_path / "runs.db").read("r")]
    times = [when for when, _ in dated(recorded) if when is not None]
    assert len(times) == len(recorded)
    assert before <= times[0] <= times[-1] <= datetime.now(UTC)
