"""`superscalar resume`: a killed command goes on in another process, and writes in doubt are asked about."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar import CallAgain, Done, Doubt, Journal, StillUnknown
from superscalar.cli.app import app
from superscalar.cli.failures import CommandError
from superscalar.cli.resume import _ask
from support.folders import standing_in

SOURCE = Path(__file__).parents[2] / "src"
TOOLS = '''
import asyncio
import os
from pathlib import Path
from superscalar.tools import tool

WORLD = Path(__file__).with_name("world")


def said(line):
    with WORLD.open("a") as file:
        file.write(line + "\\n")


@tool(effect="read", resource="web")
async def look(what: str) -> str:
    """Look something up."""
    said(f"look {what}")
    return what.upper()


@tool(effect="write", resource="ledger")
async def pay(amount: int, what: str) -> str:
    """Pay for it."""
    said(f"pay {amount}")
    if not WORLD.with_name("open").exists():
        await asyncio.Event().wait()
    return f"paid {amount}"
'''
PLAN = "a = look('a')\np = pay(3, a)\nb = look(p)\njoin(a, p, b)\n"

posix = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL to a process of its own")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {}) as place:
        yield place


def command(place: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "superscalar", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(*arguments: str) -> tuple[int, str, str]:
    """What a command comes to here, which is another process than the one that was killed."""
    result = CliRunner().invoke(app, list(arguments), prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def killed_in_the_payment(place: Path) -> tuple[str, tuple[int, str, str]]:
    """The id of a run whose process was killed, and what another process was told meanwhile that wanted it."""
    place.mkdir(exist_ok=True)
    (place / "shop.py").write_text(TOOLS)
    (place / "plan.txt").write_text(PLAN)
    with command(place, "exec", "plan.txt", "-t", "shop.py", "--journal", "runs.db", "-v") as process:
        assert process.stderr is not None
        assert any("started   p " in line for line in process.stderr)
        while "pay" not in (place / "world").read_text():
            assert process.poll() is None
        (run,) = (summary.id for summary in Journal(place / "runs.db").runs())
        busy = done("resume", run, "--journal", str(place / "runs.db"))
        process.send_signal(signal.SIGKILL)
    (place / "open").touch()
    return run, busy


@posix
def test_a_killed_command_goes_on_where_it_was(place: Path) -> None:
    run, busy = killed_in_the_payment(place)
    assert busy[0] == 1
    assert "is being worked on by process" in busy[2]

    code, out, err = done("runs")
    assert (code, "interrupted" in out) == (0, True)
    assert err == f"go on with one that was interrupted: superscalar resume {run}\n"

    before = Journal(place / "runs.db").read(run)
    code, out, err = done("resume", run[:6])
    assert (code, out) == (1, "")
    assert f"run {run} was in the middle of a write when its process died" in err
    assert f"p: pay(amount=3, what='A'), attempt 1, key {run}:p" in err
    assert f"superscalar resume {run} --in-doubt again    it did not: call it again" in err
    assert Journal(place / "runs.db").read(run) == before

    with command(place, "resume", run[:6], "--in-doubt", "again") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)) == (0, ["A", "paid 3", "PAID 3"])
    assert "resumed   another process goes on from here" in err
    assert (place / "world").read_text().splitlines() == ["look a", "pay 3", "pay 3", "look paid 3"]

    code, out, err = done("resume", run, "--json")
    assert code == 2
    assert "has ended: there is nothing to resume" in json.loads(out)["error"]["message"]


@posix
def test_a_run_is_resumed_from_another_folder_and_as_json(place: Path) -> None:
    run, _ = killed_in_the_payment(place / "shop")
    arguments = ("resume", run, "--journal", "shop/runs.db", "--in-doubt", "unknown", "--json")
    code, out, err = done(*arguments)
    document = json.loads(out)
    assert (code, err) == (1, "")
    assert (document["run_id"], document["failed"]) == (run, True)
    assert document["value"][0] == "A"
    assert document["outcomes"]["p"]["in_doubt"]


def test_a_run_that_no_command_began_needs_its_tools_named(place: Path) -> None:
    journal = Journal(place / "runs.db")
    journal.begin("mine", {"kind": "execute"}).close()
    code, _, err = done("resume", "mine")
    assert code == 2
    assert "say where they are, with --tools" in err


DOUBT = Doubt("run", "p", "pay", {"amount": 3}, 1, "run:p")


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [
        ("d\n\n", Done(None)),
        ('?\nd\nnope\nd\n{"id": 7}\n', Done({"id": 7})),
        ("n\n", CallAgain()),
        ("Unknown\n", StillUnknown()),
        ("no idea\ndon't know\nunknown\n", StillUnknown()),  # neither the letter nor the word
        ("not done\n", CallAgain()),
    ],
)
def test_who_sits_at_a_terminal_is_asked(
    typed: str, verdict: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert _ask(DOUBT) == verdict
    assert "p: pay(amount=3), attempt 1, key run:p\n  was under way" in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["q\n", ""])
def test_who_does_not_know_yet_may_leave(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(CommandError, match="nothing has changed") as caught:
        _ask(DOUBT)
    assert caught.value.code == 1
