"""`--mcp`, `--trust` and `superscalar mcp accept`, over a server that is a process."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar import LLMCompiler, Toolset, ToolsetError
from superscalar.cli.app import app
from superscalar.cli.compiling import OpenedCompiler
from superscalar.cli.screens import NoScreen
from superscalar.cli.servers import eliciting
from superscalar.mcp import AskedField, Elicitation
from superscalar.testing import run
from support.folders import standing_in

SERVER = Path(__file__).parent.parent / "support" / "stdio_server.py"
OWN = {
    "command": sys.executable,
    "args": ["-S", "-E", str(SERVER), "echo", "put"],
    "env": {"SAYS": "Texts are short."},
}
CONFIG = json.dumps({"mcpServers": {"own": OWN}})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    files = {"mcp.json": CONFIG, "good": "join(echo(text='hi'))", "bad": "join(ecko(text='hi'))"}
    with standing_in(tmp_path, monkeypatch, files) as place:
        yield place


def typed(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_a_plan_is_checked_and_run_over_a_server_once_somebody_accepted_it(place: Path) -> None:
    refused = typed("exec", "good", "--mcp", "mcp.json", "-q")
    assert (refused.exit_code, "superscalar mcp accept" in refused.output) == (1, True)
    accepted = typed("mcp", "accept", "mcp.json")
    assert accepted.exit_code == 0
    assert accepted.stdout.splitlines()[0] == "own: (instructions), echo, put are new"
    assert "own says of itself: Texts are short." in accepted.stdout
    assert "echo(*, text: str) -> str" in accepted.stdout
    assert json.loads((place / "mcp.lock").read_text())["servers"]["own"].keys() == {"(instructions)", "echo", "put"}
    assert typed("mcp", "accept", "mcp.json").stdout == "nothing has changed since it was accepted\n"
    done = typed("exec", "good", "--mcp", "mcp.json", "--trust", "own", "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (0, '"hi"\n', "")
    told = typed("exec", "good", "--mcp", "mcp.json")
    assert "own: 2 of its 2 tools count as writes and run one after the other" in told.stderr
    wrong = typed("check", "bad", "--mcp", "mcp.json")
    assert (wrong.exit_code, "did you mean `echo`?" in wrong.stdout) == (1, True)
    assert typed("check", "good", "--mcp", "mcp.json").stdout == (
        "good:1:1: W502 no effect is declared for `echo`: taken as writes\n"
        '    help: declare it where the server is configured: "tools": {"NAME": {"effect": "read"}}\n'
    )


def test_a_run_that_waits_is_gone_on_with_over_the_same_servers(place: Path) -> None:
    (place / "write").write_text("a = put(path='out.txt', text='hi')\nb = echo(text='b')\njoin(a)")
    assert typed("mcp", "accept", "mcp.json").exit_code == 0
    mine = ("--mcp", "mcp.json", "--trust", "own", "--journal", "runs.db")
    waits = typed("exec", "write", *mine, "--approve-plan", "--json")
    waiting = json.loads(waits.stdout)["error"]["run_id"]
    assert not (place / "out.txt").exists()
    assert typed("approve", waiting, "--journal", "runs.db", "--all").exit_code == 0
    done = typed("resume", waiting, "--journal", "runs.db")
    assert (done.exit_code, done.stdout, (place / "out.txt").read_text()) == (0, '"written"\n', "hi")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("tools", "--mcp", "none.json"), "none.json cannot be read"),
        (("tools", "--mcp", "mcp.json", "--trust", "onw"), "there is no server 'onw' to trust; did you mean 'own'?"),
        (("tools", "--trust", "own", "--tools", "x.py"), "--trust is said of a server of --mcp"),
        (("tools",), "say where the tools are: --tools FILE.py, --mcp FILE.json, or --agent"),
        (("tools", "--mcp", "mcp.json", "--agent", "x.py"), "leave out --mcp, or add them to the agent"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(place: Path, words: tuple[str, ...], why: str) -> None:
    said = typed(*words)
    assert (said.exit_code, why in said.stderr) == (2, True)


def test_two_files_are_named_and_a_server_of_one_of_them_is_believed(place: Path) -> None:
    (place / "more.json").write_text(CONFIG.replace('"own"', '"other"'))
    clash = typed("tools", "--mcp", "mcp.json", "--mcp", "more.json")
    assert (clash.exit_code, 'say "prefix" where its server is configured' in clash.stderr) == (2, True)
    (place / "more.json").write_text(CONFIG.replace('"own": {', '"other": {"prefix": "other", '))
    listed = typed("tools", "--mcp", "mcp.json", "--mcp", "more.json", "--trust", "other", "--json")
    effects = {one["name"]: one["effect"] for one in json.loads(listed.stdout)["tools"]}
    assert effects == {"echo": "write", "put": "write", "other_echo": "read", "other_put": "write"}


class Slow(Toolset):
    """Tools that are there after three seconds."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        await asyncio.sleep(3)
        yield


def test_a_deadline_counts_from_before_the_servers_are_there() -> None:
    opened = OpenedCompiler(LLMCompiler(tools=Slow(), policy="off"), journal=None, context=None)
    left: list[float | None] = []

    def stream(*, deadline: float | None) -> Any:
        left.append(deadline)
        return opened.compiler.stream_plan("join(1)", deadline=deadline)

    async def came_of(deadline: float | None) -> Any:
        async with opened.streamed(stream, deadline) as running:
            return (await running.result()).outcomes.joined

    assert [run(came_of(deadline)) for deadline in (None, 5.0)] == [1, 1]
    with pytest.raises(ToolsetError, match=r"the tools were not open within deadline=2\.0"):
        run(came_of(2.0))
    assert left == [None, 2.0]


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["a", "Ada", "12", "y"], {"name": "Ada", "age": 12, "sure": True}),
        (["answer", "Ada", "twelve", "12", ""], {"name": "Ada", "age": 12}),
        (["d"], None),
        (["a", ""], None),
        ([""], None),
    ],
)
def test_the_person_at_the_terminal_answers_a_server_field_by_field_or_declines(
    lines: list[str], answer: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed_lines = iter(lines)

    async def line() -> str:
        return f"{next(typed_lines)}\n"

    monkeypatch.setattr("superscalar.cli.approval.typed_line", line)
    monkeypatch.setattr("superscalar.cli.approval.is_at_terminal", lambda: True)
    fields = (AskedField("name", "string", required=True), AskedField("age", "integer"), AskedField("sure", "boolean"))
    elicit = eliciting(NoScreen())
    assert elicit is not None

    async def answered() -> Any:
        return await elicit(Elicitation("shop", "Who are you?", fields))

    assert asyncio.run(answered()) == answer
    assert "the server shop asks you, in its own words:\n  | Who are you?" in capsys.readouterr().err
    assert list(typed_lines) == []
