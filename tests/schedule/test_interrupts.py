"""Ctrl-C in the main thread, whatever runs the event loop: the run ends and has settled, and then it is raised."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process of its own")

WORLD = """
import asyncio, os, signal, threading
from superscalar import LLMCompiler, tool

log = []

@tool(effect="read", timeout=None)
async def look(x: int) -> int:
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        await asyncio.sleep(20)
    finally:
        log.append("ended")
    return x

agent = LLMCompiler(tools=[look], timeout=None)

def says(work):
    try:
        print("returned", work())
    except BaseException as error:
        print(type(error).__name__, *log, agent.limits.statistics()["look()"].running)
    log.clear()
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

def on_a_loop_of_ones_own(main):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()

async def answered():
    return await agent.execute("join(look(1))")

async def watched():
    events = []
    stream = agent.stream_plan("join(look(1))")
    try:
        async for event in stream:
            events.append(type(event).__name__)
    finally:
        log.append(events[-1])

async def synchronous():
    message = {"role": "assistant", "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}}]}
    return agent.execute_calls_sync(message)

says(lambda: asyncio.run(answered()))
says(lambda: on_a_loop_of_ones_own(answered))
says(lambda: on_a_loop_of_ones_own(watched))
says(lambda: on_a_loop_of_ones_own(synchronous))
says(lambda: asyncio.run(synchronous()))
"""


def test_ctrl_c_ends_the_run_whatever_runs_the_loop() -> None:
    """`asyncio.run`, a loop of one's own, and a synchronous call on a thread whose own loop stands still meanwhile."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WORLD],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "KeyboardInterrupt ended 0",
        "True",
        "KeyboardInterrupt ended 0",
        "True",
        "KeyboardInterrupt ended RunEnded 0",
        "True",
        "KeyboardInterrupt ended 0",
        "True",
        "KeyboardInterrupt ended 0",
        "True",
    ]
