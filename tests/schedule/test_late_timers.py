"""A timer that fires late did not wait for the tool but for us: the process was stopped, or something kept the loop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, ModelError, Observation, tool
from superscalar.models.patience import FOR_EVER, Patience
from superscalar.testing import VirtualLoop, run
from superscalar.values import Outcome
from support.running import Paced

SOURCE = Path(__file__).parents[2] / "src"


def keep_the_loop(seconds: float) -> None:
    """Nothing else happens for so long."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.advance(seconds)


def under_way(takes: float, *, kept: list[tuple[float, float]], **options: Any) -> tuple[Outcome, float]:
    """What a call comes to, and when, that takes so long where the loop is kept at these times, for so long."""

    @tool(**{"effect": "read", "timeout": 10, **options})
    async def work() -> str:
        try:
            await asyncio.sleep(takes)
        except asyncio.CancelledError:
            await asyncio.sleep(0.25)
            raise
        return "done"

    async def main() -> tuple[Outcome, float]:
        loop = asyncio.get_running_loop()
        for when, seconds in kept:
            loop.call_at(when, keep_the_loop, seconds)
        outcomes = await LLMCompiler(tools=[work], grace=1.0).execute("a = work()")
        return outcomes["a"], loop.time()

    return run(main())


@pytest.mark.parametrize(
    ("takes", "kept", "ends"),
    [
        (9.0, [(5.0, 30.0)], 35.0),  # it had come long before anybody looked
        (12.0, [(5.0, 8.0)], 13.0),
        (15.0, [(5.0, 8.0)], 15.0),  # three seconds late, so three more
        (19.0, [(9.0, 3_600.0)], 3_609.0),
    ],
)
def test_what_arrives_while_nobody_looks_has_arrived(takes: float, kept: list[Any], ends: float) -> None:
    assert under_way(takes, kept=kept) == (Observation("done"), ends)


@pytest.mark.parametrize(
    ("kept", "ends"),
    [
        ([], 10.25),
        ([(5.0, 8.0)], 16.25),  # as long again as it was late
        ([(5.0, 3_600.0)], 3_615.25),  # and never more than the whole
        ([(5.0, 8.0), (14.0, 20.0)], 34.25),  # once
    ],
)
def test_what_never_comes_times_out_after_that_lateness_again(kept: list[Any], ends: float) -> None:
    outcome, at = under_way(1e6, kept=kept)
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.abandoned, at) == ("timeout", False, ends)


def test_a_call_that_ends_in_its_grace_period_is_not_abandoned_since_nobody_looked() -> None:
    """It was told to end, and the process slept."""
    outcome, _ = under_way(1e6, kept=[(10.1, 60.0)], effect="write")
    assert isinstance(outcome, Failure)
    assert not outcome.abandoned


def test_the_end_of_a_run_is_patient_too() -> None:
    """A write has its grace period before it is told to end, and half of it then."""

    @tool(effect="write", timeout=None)
    async def work() -> str:
        await asyncio.sleep(5.75)
        return "done"

    async def main() -> Outcome:
        asyncio.get_running_loop().call_at(5.1, keep_the_loop, 60.0)
        return (await LLMCompiler(tools=[work], grace=1.0).execute("a = work()", deadline=5.0))["a"]

    assert run(main()) == Observation("done")


def planned_by(*steps: Any, kept: float, at: float) -> Any:
    async def main() -> Any:
        asyncio.get_running_loop().call_at(at, keep_the_loop, kept)
        agent = LLMCompiler(Paced(*steps), tools=[], joiner=None, planner_timeout=10.0)
        return (await agent.run("why")).answer, asyncio.get_running_loop().time()

    return run(main())


def test_a_models_time_is_given_again_too() -> None:
    assert planned_by(9.0, "join(1)\n", kept=30.0, at=5.0) == (1, 35.0)
    assert planned_by(12.0, "join(1)\n", kept=6.0, at=5.0) == (1, 12.0)
    with pytest.raises(ModelError, match="no complete plan within 10 s"):
        planned_by(13.0, "join(1)\n", kept=6.0, at=5.0)


@pytest.mark.parametrize(("latest", "ends"), [(None, 16.0), (14.0, 14.0), (12.0, 13.0)])
def test_the_latest_time_is_kept_all_the_same(latest: float | None, ends: float) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_at(5.0, keep_the_loop, 8.0)
        with Patience(FOR_EVER, whole=10.0, until=latest) as time:
            time.begin("paced")
            with pytest.raises(TimeoutError):
                await time.wait(asyncio.sleep(1e6))
        return loop.time()

    assert run(main()) == ends


STOPPED = """
import asyncio
from superscalar import LLMCompiler, tool

@tool(effect="read", timeout=0.8)
async def work() -> str:
    answer = asyncio.create_task(asyncio.sleep(0.5))
    await asyncio.sleep(0)
    print("begun", flush=True)
    await answer
    return "done"

outcomes = asyncio.run(LLMCompiler(tools=[work]).execute("join(work())"))
print(outcomes.joined)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP")
def test_a_process_that_was_stopped_goes_on_with_what_it_was_waiting_for() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1.2)
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=20)[0] == "done\n"
