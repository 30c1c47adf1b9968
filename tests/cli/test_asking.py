"""Approval from the command line: asked at a terminal, or later with `superscalar approve`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar import Journal
from superscalar.cli.app import app
from support.folders import standing_in

SOURCE = Path(__file__).parents[2] / "src"
TOOLS = '''
import asyncio
from pathlib import Path
from superscalar.tools import tool

WORLD = Path(__file__).with_name("world")


def said(line):
    with WORLD.open("a") as file:
        file.write(line + "\\n")


@tool(effect="read", resource="web")
async def page(url: str) -> str:
    """A page of the web."""
    said(f"page {url}")
    return f"text of {url}\\x1b[2J\\u202e"


@tool(effect="write", resource="post", sink="to", trust="trusted")
async def send(to: str, text: str = "") -> str:
    """Send a message."""
    said(f"send {to.split()[-1]!r}")
    return "sent"
'''
PLAN = 'p = page("u")\nx = send(p.split()[0], p)\ny = send("ann", "hi")\nb = page("v")\njoin(x, y, len(b))\n'

posix = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal, SIGKILL")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    files = {"mail.py": TOOLS, "plan.txt": PLAN, "world": ""}
    with standing_in(tmp_path, monkeypatch, files, COLUMNS="200", LOGNAME="ann") as place:
        yield place


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1", "TERM": "xterm", "LOGNAME": "ann"}


def done(*arguments: str) -> tuple[int, str, str]:
    """A command in this process, at no terminal."""
    result = CliRunner().invoke(app, list(arguments), prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def world(place: Path) -> list[str]:
    return (place / "world").read_text().splitlines()


EXEC = ("exec", "plan.txt", "-t", "mail.py", "--policy", "ask")


def test_a_run_without_a_terminal_waits_in_its_journal_is_answered_and_goes_on(place: Path) -> None:
    code, out, err = done(*EXEC, "--journal", "mine.db")
    (run,) = (summary.id for summary in Journal(place / "mine.db").runs())
    assert (code, out) == (3, "")
    assert f"run {run} waits for an answer:\nx: send(to, text)\n" in err
    assert "    text = 'text of u\\x1b[2J\\u202e'\n      from `p` = page(url='u'), which is not trusted\n" in err
    (asked,) = Journal(place / "mine.db").questions(run)
    typed = asked.answered_by
    assert (
        f"  superscalar approve {run} {typed} --journal mine.db\n  superscalar resume {run} --journal mine.db\n" in err
    )
    assert "\x1b" not in err
    before = world(place)
    assert sorted(before) == ["page u", "page v"]

    where = ("--journal", "mine.db")
    code, out, err = done("runs", *where)
    assert (code, " waiting " in out, "1 asked" in out) == (0, True, True)
    assert err == f"see what one that waits asks: superscalar approve {run} --journal mine.db\n"
    code, out, err = done("show", run, *where)
    assert (code, f"answer: superscalar approve {run} {typed} --journal mine.db" in out) == (0, True)
    assert "x          asked      send(to=p.split()[0], text=p)  waits for approval: `to` of send" in out

    code, out, err = done("approve", run[:6], *where)
    assert (code, out.splitlines()[0]) == (0, "x: send(to, text)")
    assert err == f"answer: superscalar approve {run} {typed} --journal mine.db\n"
    document = json.loads(done("approve", run, *where, "--json")[1])
    (question,) = document["questions"]
    assert (question["task"], question["tool"], question["arguments"]["to"]) == ("x", "send", "text")
    assert question["answered_by"] == typed

    code, _, err = done("approve", run, "y", "x", *where)
    assert (code, err) == (2, f"error: run {run} does not ask about y; it asks about x\n")

    code, _, err = done("approve", run, "x@00000000", *where)
    assert (code, "asks something else about x by now than what was read" in err) == (2, True)

    code, out, err = done("approve", run, typed, "--by", "bob", *where)
    assert (code, out) == (0, "approved: x\n")
    assert err == f"go on with it: superscalar resume {run} --journal mine.db\n"
    assert world(place) == before

    code, out, err = done("resume", run, *where)
    assert (code, json.loads(out)) == (0, ["sent", "sent", 14])
    assert world(place) == [*before, "send 'text'", "send 'ann'"]
    told = done("show", run, *where, "--events")[1]
    assert re.search(r"Approved +x +approved=True +by='bob'", told)


def test_answers_are_given_for_all_and_denied_and_as_json(place: Path) -> None:
    code, out, _ = done(*EXEC, "--journal", "runs.db", "--json")
    error = json.loads(out)["error"]
    assert (code, error["type"], error["questions"][0]["task"]) == (3, "ApprovalPending", "x")
    run = error["run_id"]
    assert done("approve", run, "--deny")[0] == 2
    assert done("approve", run, "x", "--all")[0] == 2
    code, out, _ = done("approve", run, "--all", "--deny", "--json")
    assert (code, json.loads(out)) == (0, {"run_id": run, "answered": ["x"], "approved": False, "open": []})
    assert done("approve", run)[1] == f"run {run} asks nothing\n"
    assert done("approve", run, "--all")[0] == 2
    code, out, _ = done("resume", run, "--json")
    outcome = json.loads(out)["outcomes"]["x"]
    assert (code, outcome["kind"], outcome["message"]) == (1, "denied", "it was not approved by ann")


def test_without_a_terminal_and_a_journal_the_call_is_denied(place: Path) -> None:
    code, out, _ = done(*EXEC)
    assert code == 1
    assert json.loads(out)[0]["error"].startswith("nobody was there to ask")


def test_a_plan_waits_in_the_journal(place: Path) -> None:
    code, _, err = done(*EXEC, "--approve-plan")
    assert (code, "--approve-plan: this is no terminal where somebody could be asked" in err) == (2, True)
    code, _, err = done("exec", "plan.txt", "-t", "mail.py", "--approve-plan", "--journal", "runs.db")
    assert code == 3
    (run,) = (summary.id for summary in Journal(place / "runs.db").runs())
    assert "the plan as a whole, with 2 writes\n  x: send(to=p.split()[0], text=p)\n" in err
    assert world(place) == []
    assert done("resume", run)[0] == 3
    assert done("approve", run)[1].startswith("    p = page(url='u')\n")
    assert done("approve", run, "--plan")[1] == "approved: the plan\n"
    assert done("resume", run, "--policy", "off")[0] == 2
    assert done("resume", run, "--policy", "ask", "--rules-changed")[0] == 3
    assert world(place)[:2] == ["page u", "page v"]


# ---------------------------------------------------------------------------------------------------- at a terminal


class Terminal:
    """A command at a pseudo-terminal."""

    def __init__(self, place: Path, *arguments: str) -> None:
        import pty

        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "superscalar", *arguments],
            cwd=place,
            env=environment(),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
        )
        self._patience = threading.Timer(60, self.process.kill)
        self._patience.start()
        os.close(theirs)
        self.shown = ""

    def until(self, seen: Callable[[str], bool]) -> None:
        """Read what is shown until that is there; the process ends by itself if it never is."""
        while not seen(self.shown):
            try:
                more = os.read(self._ours, 4096)
            except OSError:  # the other end is closed
                more = b""
            assert more, f"it ended after {self.shown!r}"
            self.shown += more.decode()

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> tuple[int, str]:
        """Its exit code and its standard output; the rest that it shows is kept."""
        out, _ = self.process.communicate(timeout=60)
        self._patience.cancel()
        try:
            while more := os.read(self._ours, 4096):
                self.shown += more.decode()
        except OSError:
            pass
        os.close(self._ours)
        return self.process.returncode, out


def asked(shown: str) -> bool:
    return shown.count("[s]how all of it and the plan?") > 0


@posix
@pytest.mark.parametrize(("typed", "value"), [("what?\ny\n", "sent"), ("n\n", {"error": "it was not approved by ann"})])
def test_who_sits_at_a_terminal_is_asked_while_the_rest_goes_on(place: Path, typed: str, value: object) -> None:
    terminal = Terminal(place, *EXEC)
    terminal.until(asked)
    assert "\x1b[2J" not in terminal.shown
    while "page v" not in world(place):  # a sibling goes on while nobody answers
        assert terminal.process.poll() is None
    terminal.type("s\n")
    terminal.until(lambda shown: shown.count("[s]how all of it") == 2)
    assert "x = send(to=p.split()[0], text=p)" in terminal.shown
    terminal.type(typed)
    code, out = terminal.end()
    assert json.loads(out)[0] == value
    assert code == (0 if value == "sent" else 1)


@posix
def test_a_plan_is_shown_and_asked_about_before_anything_happens(place: Path) -> None:
    terminal = Terminal(place, "exec", "plan.txt", "-t", "mail.py", "--approve-plan")
    terminal.until(asked)
    assert "x: send(to=p.split()[0], text=p)" in terminal.shown
    assert world(place) == []
    terminal.type("n\n")
    code, out = terminal.end()
    assert (code, out) == (1, "")
    assert "the plan was not approved, and nothing of it was begun: ann said no" in terminal.shown
    assert world(place) == []


@posix
def test_no_input_any_more_is_a_no(place: Path) -> None:
    terminal = Terminal(place, *EXEC, "--quiet")
    terminal.until(asked)
    terminal.type("\x04")
    code, out = terminal.end()
    assert (code, json.loads(out)[0]) == (1, {"error": "it was not approved by ann"})


@posix
def test_a_process_that_is_killed_while_it_asks_leaves_its_question_behind(place: Path) -> None:
    terminal = Terminal(place, *EXEC, "--journal", "runs.db")
    terminal.until(asked)
    while "page v" not in world(place):
        assert terminal.process.poll() is None
    (run,) = (summary.id for summary in Journal(place / "runs.db").runs())
    assert done("approve", run, "x")[0] == 1  # it is being worked on
    while not Journal(place / "runs.db").summary(run).asked:  # it is in the file a hundredth of a second later
        assert terminal.process.poll() is None
    terminal.process.send_signal(signal.SIGKILL)
    terminal.end()
    assert Journal(place / "runs.db").summary(run).state == "waiting"
    assert done("approve", run, "x")[0] == 0
    code, out, _ = done("resume", run)
    assert (code, json.loads(out)) == (0, ["sent", "sent", 14])
    assert sorted(world(place)) == ["page u", "page v", "send 'ann'", "send 'text'"]
