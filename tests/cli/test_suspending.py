"""SIGTERM and SIGHUP: a run that is recorded is left to whoever resumes it, in a real process."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from superscalar import Journal
from superscalar.events import Failed, RunEnded, Started, Succeeded

SOURCE = Path(__file__).parents[2] / "src"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals to a process of its own")

TOOLS = '''
import asyncio, os, threading
from superscalar import tool

def note(word):
    with open("log.txt", "a") as log:
        log.write(word + "\\n")

@tool(effect="pure", timeout=None)
async def look(x: int) -> int:
    """Look, for as long as there is no file that says go."""
    note("look")
    while not os.path.exists("go"):
        await asyncio.sleep(0.01)
    return x

@tool(effect="write", timeout=None, resource=lambda x: "put")
async def put(x: int) -> int:
    """End when the process has been told to, and its event loop has heard it."""
    note("put")
    while not os.path.exists("told"):  # made behind the signal, which has arrived if this is there
        await asyncio.sleep(0.01)
    for _ in range(10):
        await asyncio.sleep(0)
    note("was put")
    return x

@tool(effect="write", timeout=None, resource=lambda x: "stuck")
async def stuck(x: int) -> int:
    """Takes for ever."""
    note("stuck")
    await asyncio.Event().wait()
    return x

@tool(effect="pure", timeout=None)
async def hold(x: int) -> int:
    """Leave a thread behind that does not end, and be looking."""
    threading.Thread(target=threading.Event().wait).start()
    return await look.function(x)

@tool(effect="write", resource=lambda x: "next")
async def next_one(x: int) -> int:
    """Must not start any more."""
    note("next")
    return x
'''


def begun(place: Path, plan: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """`superscalar exec`, in the middle of every call that it can begin."""
    (place / "mine.py").write_text(TOOLS)
    (place / "plan.txt").write_text(plan)
    process = subprocess.Popen(
        [sys.executable, "-m", "superscalar", "exec", "plan.txt", "-t", "mine.py", *arguments],
        cwd=place,
        text=True,
        **{
            "env": {**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1"},
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        },
    )
    wanted = {word for word in ("look", "stuck", "put") if f"{word}(" in plan}
    wait_for_words(place / "log.txt", wanted, process)
    return process


def wait_for_words(log: Path, wanted: set[str], process: subprocess.Popen[str]) -> None:
    """Until the tools have noted all of them."""
    for _ in range(3_000):
        if log.exists() and wanted <= set(log.read_text().split()):
            return
        time.sleep(0.01)
    process.kill()
    raise AssertionError(process.communicate())


def kinds(place: Path) -> list[tuple[str, str]]:
    """What is recorded of calls, and of the end of the run."""
    journal = Journal(place / "runs.db")
    (run,) = journal.runs()
    wanted = (Started, Succeeded, Failed, RunEnded)
    told = (recorded.event for recorded in journal.read(run.id))
    return [(type(event).__name__, getattr(event, "id", "")) for event in told if isinstance(event, wanted)]


def test_a_recorded_run_is_suspended_and_can_be_resumed(tmp_path: Path) -> None:
    """A write that is under way ends in its grace; nothing else starts; what was read is read again."""
    plan = "a = look(3)\np = put(1)\nq = next_one(p)\njoin(p, q, a)\n"
    with begun(tmp_path, plan, "--journal", "runs.db") as process:
        process.send_signal(signal.SIGTERM)
        (tmp_path / "told").touch()
        out, err = process.communicate(timeout=20)
    (run,) = Journal(tmp_path / "runs.db").runs()
    assert (process.returncode, out, run.state) == (143, "", "interrupted")
    assert err.splitlines()[-2:] == [
        "Suspended. 1 call had succeeded; nothing that was done is done again.",
        f"  superscalar resume {run.id}    goes on with it",
    ]
    assert sorted(kinds(tmp_path)) == [("Started", "a"), ("Started", "p"), ("Succeeded", "p")]
    (tmp_path / "go").touch()
    done = subprocess.run(
        [sys.executable, "-m", "superscalar", "resume", run.id, "--journal", "runs.db", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["value"] == [1, 1, 3]
    assert sorted((tmp_path / "log.txt").read_text().splitlines()) == ["look", "look", "next", "put", "was put"]


def test_a_write_that_does_not_end_in_its_grace_is_in_doubt(tmp_path: Path) -> None:
    """Nothing is recorded of its end, so that whoever resumes the run is asked."""
    with begun(tmp_path, "s = stuck(1)\njoin(s)\n", "--journal", "runs.db", "--json") as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=20)
    error = json.loads(out)["error"]
    assert (process.returncode, error["type"]) == (143, "Suspended")
    assert "in doubt  s: stuck(1) was under way and may have happened" in error["message"]
    assert kinds(tmp_path) == [("Started", "s")]


def test_what_a_tool_left_running_does_not_keep_a_process_that_was_told_to_end(tmp_path: Path) -> None:
    with begun(tmp_path, "a = hold(1)\njoin(a, look(2))\n", "--journal", "runs.db") as process:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 143
    assert Journal(tmp_path / "runs.db").runs()[0].state == "interrupted"


def test_without_a_journal_it_is_ctrl_c(tmp_path: Path) -> None:
    with begun(tmp_path, "a = look(1)\njoin(a)\n") as process:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Stopped. 1 call: 1 cancelled." in err.splitlines()


def test_a_terminal_that_hangs_up_suspends_the_run(tmp_path: Path) -> None:
    """With the live picture on it, of which nothing can be taken away any more."""
    master, slave = pty.openpty()
    with begun(
        tmp_path,
        "a = look(1)\njoin(a)\n",
        "--journal",
        "runs.db",
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    ) as process:
        os.close(slave)
        os.close(master)
        process.wait(timeout=20)
    assert process.returncode == 143
    assert kinds(tmp_path) == [("Started", "a")]


def test_the_line_to_type_works_as_it_stands(tmp_path: Path) -> None:
    """Its words are quoted, it names a journal that is not the environment's, and what the run was resumed with."""
    journal = "ann's runs.db"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1", "SUPERSCALAR_JOURNAL": "other.db"}
    with begun(tmp_path, "a = look(3)\njoin(a)\n", "--journal", journal, env=environment) as process:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    (run,) = Journal(tmp_path / journal).runs()
    words = ["superscalar", "resume", run.id, "--journal", journal]
    assert shlex.split(err.splitlines()[-1].partition("    goes")[0]) == words

    (tmp_path / "log.txt").unlink()
    words = [*words, "--tools", "mine.py", "--policy", "enforce"]
    resuming = [sys.executable, "-m", *words]
    with subprocess.Popen(resuming, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        wait_for_words(tmp_path / "log.txt", {"look"}, process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert shlex.split(err.splitlines()[-1].partition("    goes")[0]) == words
