"""What only a real process shows: signals, descriptors, the terminal, the time that --help takes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src"

TOOLS = '''
import os
from superscalar.tools import tool

print("python prints")
os.write(1, b"native prints\\n")

@tool
def look() -> int:
    """Look."""
    return 1
'''
HANGING = """
import sys
sys.path.insert(0, {tests!r})
from support.scripted_runs import WRITING, ScriptedCompiler, ScriptedStream
from superscalar import events as ev
from superscalar.cli import compiling, main
from superscalar.plan.ir import Call, Task
from superscalar.values import Failure

events = [
    *WRITING,
    ev.Planned(1.25, Task("sent", Call("send", effect="write"))),
    ev.Planned(1.25, Task("paid", Call("pay", effect="write"))),
    ev.Started(1.25, "sent", "send", {{"who": "me"}}),
    ev.Succeeded(1.5, "sent", None),
    ev.Started(1.5, "paid", "pay", {{"amount": 5}}),
]
settling = [
    ev.Failed(1.75, "prices[0]", Failure("cancelled", "cancelled")),
    ev.Failed(1.75, "paid", Failure("cancelled", "cancelled", in_doubt=True)),
]
stream = ScriptedStream(events, hangs=True, settling=settling)
{patch}
compiling.open_compiler = lambda *a, **k: ScriptedCompiler(stream)
main()
"""
STUBBORN = """
async def never(*_):
    import asyncio
    print("settling", file=sys.stderr, flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
ScriptedStream.__aexit__ = never
"""


def started(place: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    (place / "money.py").write_text(TOOLS)
    (place / "main.py").write_text(code)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "main.py", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    raise AssertionError(f"{word!r} was never printed")


posix = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process of its own")


@posix
def test_ctrl_c_cancels_the_run_and_says_what_had_been_done(tmp_path: Path) -> None:
    code = HANGING.format(tests=str(TESTS), patch="")
    with started(tmp_path, code, "run", "why", "-t", "money.py", "-v") as process:
        read_until(process, "started   paid")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-4:] == [
        "  1.75 s  failed    paid  0.25 s  cancelled (it may have happened all the same)",
        "Stopped. 4 calls: 2 done, 2 cancelled.",
        "  done      sent: send('me')",
        "  in doubt  paid: pay(5) may have happened; check before you run it again",
    ]


@posix
def test_ctrl_c_is_a_document_where_json_was_asked_for(tmp_path: Path) -> None:
    patch = """
class Watched(ScriptedStream):
    async def __aiter__(self):
        async for event in super().__aiter__():
            yield event
            if getattr(event, "id", "") == "paid":
                print("now", file=sys.stderr, flush=True)
stream.__class__ = Watched
"""
    code = HANGING.format(tests=str(TESTS), patch=patch)
    with started(tmp_path, code, "run", "why", "-t", "money.py", "--json") as process:
        read_until(process, "now")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    error = json.loads(out)["error"]
    assert error["type"] == "Interrupted"
    assert error["message"].startswith("Stopped. 4 calls: 2 done, 2 cancelled.\n")
    assert (error["run_id"], error["calls"]) == ("r1", {"done": 2, "failed": 0, "cancelled": 2})


@posix
def test_a_second_ctrl_c_kills_at_once(tmp_path: Path) -> None:
    code = HANGING.format(tests=str(TESTS), patch=STUBBORN)
    with started(tmp_path, code, "run", "why", "-t", "money.py", "-v") as process:
        read_until(process, "started   paid")
        process.send_signal(signal.SIGINT)
        read_until(process, "settling")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT


def test_standard_output_holds_the_result_and_nothing_that_tools_print(tmp_path: Path) -> None:
    code = "from superscalar.cli import main\nmain()\n"
    with started(tmp_path, code, "tools", "-t", "money.py", "--json") as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert [tool["name"] for tool in json.loads(out)["tools"]] == ["look"]
    assert sorted(err.splitlines()) == ["native prints", "python prints"]


def test_help_loads_neither_the_compiler_nor_the_models(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom superscalar.cli import main\n"
        "try:\n    main()\nfinally:\n    print({m.removeprefix('superscalar.').split('.')[0] for m in sys.modules})\n"
    )
    with started(tmp_path, code, "--help") as process:
        out, _ = process.communicate(timeout=20)
    heavy = {"asyncio", "pydantic", "codec", "compiler", "journal", "models", "observe", "plan", "tools"}
    assert heavy & set(literal_eval(out.splitlines()[-1])) == set()


def test_a_terminal_that_lacks_a_character_gets_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    code = HANGING.format(tests=str(TESTS), patch=_ends("'çа'"))
    with started(tmp_path, code, "run", "why", "-t", "money.py", "-q") as process:
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "\\xe7\\u0430\n")


@posix
def test_a_terminal_gets_a_picture_that_is_gone_at_the_end(tmp_path: Path) -> None:
    import pty

    (tmp_path / "money.py").write_text(TOOLS)
    patch = _ends("'the answer [b]x[/b]\\x1b[2J'") + "print('before', file=sys.stderr)\n"
    (tmp_path / "main.py").write_text(HANGING.format(tests=str(TESTS), patch=patch))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    command: list[Any] = [sys.executable, "main.py", "run", "why [b]so[/b]", "-t", "money.py"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65536):
                written += chunk
        except OSError:  # Linux says so at the end of a pseudoterminal
            pass
        os.close(ours)
    text = written.decode()
    assert process.returncode == 0
    assert "why [b]so[/b]" in text
    assert "\x1b[?25l" in text
    after = text.rpartition("\x1b[?25h")[2]
    assert "the answer [b]x[/b]\\x1b[2J\r\n" in after
    assert "── plan" not in after
    assert "\x1b[2J" not in text


def _ends(answer: str) -> str:
    return f"""
from support.scripted_runs import ANSWERED, ScriptedResult
stream = ScriptedStream(ANSWERED, ScriptedResult({answer}))
"""
