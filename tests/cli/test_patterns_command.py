"""`superscalar patterns`: the plans of thoughts on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar import patterns
from superscalar.cli.app import app
from superscalar.cli.codes import USAGE
from support.folders import standing_in

THINKING = """
from superscalar import LLMCompiler
from superscalar.testing import ScriptedModel
from superscalar.thoughts import thoughts

agent = LLMCompiler(ScriptedModel("Oslo", "Bergen", "oslo"), [thoughts()], plans="plans")
"""


def test_every_pattern_is_listed_with_what_it_does() -> None:
    said = CliRunner().invoke(app, ["patterns", "list"], env={"COLUMNS": "200"})
    assert [line.split("  ", 1)[0] for line in said.stdout.splitlines()] == patterns.names()
    listed = json.loads(CliRunner().invoke(app, ["patterns", "list", "--json"]).stdout)["patterns"]
    assert [(one["name"], one["description"]) for one in listed] == [
        (name, patterns.describe(name)) for name in patterns.names()
    ]


@pytest.mark.parametrize("name", patterns.names())
def test_a_pattern_is_printed_as_it_is(name: str) -> None:
    said = CliRunner().invoke(app, ["patterns", "show", name], env={"COLUMNS": "40"})
    assert (said.exit_code, said.stdout) == (0, patterns.get(name))


def test_what_is_printed_runs_with_an_agent_that_thinks_and_may_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CliRunner().invoke(app, ["patterns", "show", "voting"]).stdout
    given = ["--agent", "thinking.py", "--input", "question=Where?", "--input", "votes=3", "--quiet"]
    with standing_in(tmp_path, monkeypatch, {"thinking.py": THINKING}):
        ran = CliRunner().invoke(app, ["exec", "-", *given], input=text)
        assert (ran.exit_code, json.loads(ran.stdout)) == (0, "Oslo"), ran.stderr
        kept = CliRunner().invoke(app, ["plans", "save", "asked", "-", "--agent", "thinking.py"], input=text)
        assert kept.exit_code == 0, kept.stderr
        assert (tmp_path / "plans" / "asked.plan").exists()


def test_a_name_that_is_none_is_wrong_usage() -> None:
    said = CliRunner().invoke(app, ["patterns", "show", "votin"])
    assert (said.exit_code, said.stdout) == (USAGE, "")
    assert "did you mean 'voting'?" in said.stderr
