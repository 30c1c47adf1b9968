"""A first program that a command writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from superscalar.cli.app import app
from superscalar.cli.starting import FILES
from support.folders import standing_in


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {}) as place:
        yield place


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="superscalar")


def test_its_tests_pass_and_its_tools_and_agent_are_those_of_a_command(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = command("init", "my quotes")
    assert (said.exit_code, said.stdout.splitlines()[0]) == (0, "cd 'my quotes'")
    monkeypatch.chdir(place / "my quotes")
    monkeypatch.syspath_prepend(str(place / "my quotes"))
    tests = import_module("test_agent")
    passed = [check() for name, check in vars(tests).items() if name.startswith("test_")]
    assert passed == [None, None]
    Path("brief.plan").write_text("join(max([price(t) for t in holdings()]))\n")
    for where in (("--agent", "agent.py:agent"), ("--tools", "tools.py")):
        assert command("exec", "brief.plan", *where, "-q").stdout == "223.0\n"


@pytest.mark.parametrize("name", list(FILES))
def test_what_is_there_is_left_alone_and_nothing_is_written_beside_it(place: Path, name: str) -> None:
    (place / name).write_text("mine")
    said = command("init")
    assert (said.exit_code, said.stderr) == (2, f"error: {name}: already there, and left alone; name another folder\n")
    assert [(path.name, path.read_text()) for path in place.iterdir()] == [(name, "mine")]


def test_a_folder_that_cannot_be_made_is_said(place: Path) -> None:
    (place / "file").write_text("")
    document = json.loads(command("init", "file/in it", "--json").stdout)
    assert document["error"]["message"] == "file/in it cannot be written: Not a directory"


def test_a_link_that_leads_nowhere_is_not_followed(place: Path) -> None:
    (place / "test_agent.py").symlink_to(place / "elsewhere")
    assert command("init").exit_code == 2
    assert [path.name for path in place.iterdir()] == ["test_agent.py"]
