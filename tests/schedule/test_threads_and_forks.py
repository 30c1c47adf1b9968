"""Threads that cannot be had, jobs that are given up, and processes that fork in the middle of something."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, Outcomes, Retry, tool
from superscalar.executors import local
from superscalar.executors.local import DaemonThreads

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> DaemonThreads:
    """The system has no thread left, and there are none of ours; what was begun all the same is in `wrote`."""
    threads = DaemonThreads()
    monkeypatch.setattr(local, "_THREADS", threads)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("superscalar-tool"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return threads


# ------------------------------------------------------------------------------------------------------ jobs given up


def writing(wrote: list[int], **options: Any) -> LLMCompiler:
    @tool(effect="write", **options)
    def write(x: int) -> int:
        wrote.append(x)
        return x

    return LLMCompiler(tools=[write])


def failure_in(outcomes: Outcomes) -> Failure:
    found = outcomes["w"]
    assert isinstance(found, Failure)
    return found


def test_a_write_for_which_there_is_no_thread_certainly_was_not_done(no_threads: DaemonThreads) -> None:
    wrote: list[int] = []
    agent = writing(wrote)
    failure = failure_in(asyncio.run(agent.execute("w = write(1)")))
    assert (failure.kind, failure.in_doubt, failure.error) == ("error", False, "NotBegun")
    assert "can't start new thread" in failure.message
    assert no_threads.busy == 0


def test_and_it_is_not_made_when_there_are_threads_again(
    no_threads: DaemonThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote: list[int] = []
    agent = writing(wrote)
    asyncio.run(agent.execute("w = write(1)"))
    monkeypatch.undo()
    monkeypatch.setattr(local, "_THREADS", no_threads)
    assert asyncio.run(agent.execute("w = write(2)"))["w"].value == 2  # type: ignore[union-attr]
    assert asyncio.run(agent.execute("w = write(3)"))["w"].value == 3  # type: ignore[union-attr]
    assert wrote == [2, 3]


def test_a_call_that_never_began_may_be_tried_again(no_threads: DaemonThreads) -> None:
    """Also a write that is not idempotent, if its tool wants that."""
    wrote: list[int] = []
    tries = 0
    submit = no_threads.submit

    def once(work: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            return submit(work)
        work()
        return local.Job(work)

    no_threads.submit = once  # type: ignore[method-assign]
    agent = writing(wrote, retry=Retry(attempts=2, initial=0.0))
    assert asyncio.run(agent.execute("w = write(1)"))["w"].value == 1  # type: ignore[union-attr]
    assert wrote == [1]


@pytest.mark.parametrize("ends", ["timeout", "deadline"])
def test_a_job_that_was_given_up_before_it_began_never_begins(ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread is there, and has not come to it: it looks for jobs only when the run is over."""
    threads = DaemonThreads()
    monkeypatch.setattr(local, "_THREADS", threads)
    over = threading.Event()
    serve = threads._serve

    def late(job: Any) -> None:
        over.wait(20)
        serve(job)

    monkeypatch.setattr(threads, "_serve", late)
    wrote: list[int] = []
    agent = writing(wrote, timeout=0.05 if ends == "timeout" else None)
    outcomes = asyncio.run(agent.execute("w = write(1)", deadline=0.05 if ends == "deadline" else None))
    failure = failure_in(outcomes)
    over.set()
    assert asyncio.run(agent_of_three(wrote).execute("w = write3(3)"))["w"].value == 3  # type: ignore[union-attr]
    assert (failure.kind, failure.in_doubt, failure.abandoned) == (ends, False, False)
    assert wrote == [3]


def agent_of_three(wrote: list[int]) -> LLMCompiler:
    @tool(effect="write")
    def write3(x: int) -> int:
        wrote.append(x)
        return x

    return LLMCompiler(tools=[write3])


# --------------------------------------------------------------------------------------------------------------- forks

WORLD = """
import asyncio, os, sys, threading, time
from superscalar import Limit, LLMCompiler, tool
from superscalar.executors import local
from superscalar.schedule import limits

def in_a_child(work):
    \"\"\"What a forked child prints; it has ten seconds.\"\"\"
    sys.stdout.flush()
    child = os.fork()
    if not child:
        threading.Timer(10, lambda: os._exit(3)).start()
        try:
            print(work(), flush=True)
        except BaseException as error:
            print("raised", repr(error), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)

@tool(effect="read", limit="api")
def look(x: int) -> int:
    return x

def seen():
    agent = LLMCompiler(tools=[look], limits={"api": Limit(concurrency=1)})
    return asyncio.run(agent.execute("xs = [look(i) for i in range(3)]\\njoin(xs)")).joined

def still_busy():
    for _ in range(500):  # a thread has handed over what it came to, and is about to say that it is idle
        if not local.busy_threads():
            break
        time.sleep(0.01)
    return local.busy_threads()
"""


def forked(code: str) -> list[str]:
    """What a process and its children print."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORLD + code],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


@needs_fork
def test_a_child_has_threads_and_gates_and_jobs_of_its_own() -> None:
    """Idle threads, a slot that is held, every lock and what was to be begun are its parent's."""
    assert forked(
        """
terms = {"api": Limit(concurrency=1)}
agent = LLMCompiler(tools=[look], limits=terms)
asyncio.run(agent.execute("look(1)"))  # leaves a thread that is idle

@tool(effect="read", limit="api")
async def forking(x: int) -> int:
    with limits._PROCESS.lock, local._THREADS._lock:
        return in_a_child(lambda: (seen(), still_busy()))

print(asyncio.run(LLMCompiler(tools=[forking], limits=terms).execute("join(forking(1))")).joined)
print(seen())

wrote = []
local._THREADS.forget()
local._THREADS._idle = 1  # somebody is about to take it
job = local._THREADS.submit(lambda: wrote.append(os.getpid()))
print(in_a_child(lambda: (seen(), time.sleep(0.1), wrote)))
print(local._THREADS.give_up(job), wrote)
"""
    ) == ["([0, 1, 2], 0)", "0", "[0, 1, 2]", "([0, 1, 2], None, [])", "0", "True []"]


@needs_fork
def test_a_fork_waits_for_a_validator_that_is_being_made() -> None:
    """Another thread is in the middle of its first call, and of importing what validates it."""
    assert forked(
        """
half, go = threading.Event(), threading.Event()

class Slow:
    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        from pydantic_core import core_schema
        half.set()
        go.wait(10)
        return core_schema.any_schema()

@tool(effect="read")
def takes(x: Slow) -> int:
    return 1

threading.Thread(target=lambda: takes.bind, daemon=True).start()
half.wait(10)
threading.Timer(0.2, go.set).start()
print(in_a_child(lambda: (takes.bind({"x": 5}), seen())))
"""
    ) == ["({'x': 5}, [0, 1, 2])", "0"]


@needs_fork
def test_a_fork_waits_for_a_lazy_import() -> None:
    assert forked(
        """
import importlib.abc
import superscalar
half, go = threading.Event(), threading.Event()

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "superscalar.journal.database":
            half.set()
            go.wait(10)

sys.meta_path.insert(0, Finder())
threading.Thread(target=lambda: superscalar.Journal, daemon=True).start()
half.wait(10)
threading.Timer(0.2, go.set).start()
print(in_a_child(lambda: superscalar.Journal.__name__))
"""
    ) == ["Journal", "0"]


@needs_fork
def test_a_fork_does_not_wait_for_ever() -> None:
    """What is being made may wait for who forks."""
    assert forked(
        """
from superscalar import forks
forks._PATIENCE = 0.05
taken = threading.Event()

def keep():
    with forks.MAKING:
        taken.set()
        time.sleep(30)

threading.Thread(target=keep, daemon=True).start()
taken.wait(10)
print(in_a_child(seen))
"""
    ) == ["[0, 1, 2]", "0"]
