"""Progress is for the eyes: the newest of a tick, cut, and in no journal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from superscalar import LLMCompiler, RunResult, ToolContext, tool
from superscalar.events import Charged, Progressed
from superscalar.journal import Journal
from superscalar.testing import VirtualLoop, run
from support.running import executed


@tool(effect="read")
async def chatty(run: ToolContext[None]) -> str:
    """Tell a lot, for 0.9 seconds."""
    for i in range(300):
        run.progress(f"{i} " + "x" * 1_000, i / 300)
        if i % 10 == 9:
            await asyncio.sleep(0.03)
    run.progress("y" * 1_000_000)
    await asyncio.sleep(0.2)
    run.charge(0.5)
    return "ok"


def progress(result: RunResult) -> list[Progressed]:
    return [event for event in result.events if isinstance(event, Progressed)]


def test_a_tool_may_tell_as_often_as_it_likes() -> None:
    told = progress(executed("a = chatty()\njoin(a)", [chatty]))
    assert [(round(event.at, 3), event.message.split()[0]) for event in told[:3]] == [
        (0.0, "9"),
        (0.1, "39"),
        (0.2, "69"),
    ]
    assert 10 <= len(told) <= 12
    assert told[-1].message == "y" * 469 + "… (1,000,000 characters in all)"


def test_no_message_has_more_than_500_characters() -> None:
    assert {len(event.message) <= 500 for event in progress(executed("a = chatty()\njoin(a)", [chatty]))} == {True}


def test_what_is_no_text_is_told_as_one() -> None:
    @tool(effect="read")
    async def odd(run: ToolContext[Any]) -> None:
        """Tell what is no text."""
        told: Any = ["x"] * 1_000_000
        run.progress(told)
        await asyncio.sleep(1)

    (event,) = progress(executed("odd()", [odd]))
    assert event.message.startswith("['x', 'x', ")
    assert len(event.message) == 500


def test_progress_of_two_calls_is_told_of_each() -> None:
    told = progress(executed("xs = [chatty() for i in range(2)]\njoin(xs)", [tool(dedupe=False)(chatty.function)]))
    assert [event.id for event in told[:2]] == ["xs[0]", "xs[1]"]


def test_a_journal_has_no_progress_and_is_replayed_without(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    run(LLMCompiler(tools=[chatty], journal=path).execute("a = chatty()\njoin(a)", run_id="one"))
    kinds = {type(record.event) for record in Journal(path).read("one")}
    assert Progressed not in kinds
    assert Charged in kinds


def test_no_timer_waits_to_tell_what_a_call_said_that_is_over() -> None:
    @tool(effect="read")
    async def brief(run: ToolContext[None]) -> None:
        """Tell twice within a tick."""
        for message in ("one", "two"):
            run.progress(message)
            await asyncio.sleep(0.01)

    async def main() -> list[asyncio.TimerHandle]:
        await LLMCompiler(tools=[brief]).execute("join(brief())")
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return loop.open_timers

    assert run(main()) == []
