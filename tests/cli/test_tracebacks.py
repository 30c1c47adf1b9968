"""What the command line says of where a tool failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from superscalar.cli.app import app
from superscalar.compiler import equipment
from superscalar.testing import ScriptedModel

TOOLS = '''\
from superscalar import tool


def parse(report):
    return {}[report]


@tool(effect="pure")
def total(report: str) -> float:
    """The total of a report."""
    return parse(report)
'''


def executed(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    monkeypatch.chdir(folder)
    Path("reports.py").write_text(TOOLS)
    Path("brief.plan").write_text("a = total('may')\njoin(a)\n")
    return CliRunner().invoke(app, ["exec", "brief.plan", "-t", "reports.py", *options])


def test_a_failure_is_told_with_the_line_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = executed(tmp_path, monkeypatch)
    assert "failed: a  KeyError: 'may'\n    at reports.py:5, in parse: return {}[report]\n" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_whole_traceback_is_told_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = executed(tmp_path, monkeypatch, "--traceback", "--json")
    assert told.stderr.splitlines() == [
        "a:",
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/reports.py", line 11, in total',
        "    return parse(report)",
        f'  File "{tmp_path}/reports.py", line 5, in parse',
        "    return {}[report]",
        "KeyError: 'may'",
    ]
    assert json.loads(told.stdout)["failed"] is True


def test_a_run_that_has_no_answer_tells_where_it_failed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reports.py").write_text(TOOLS)
    model = ScriptedModel("a = total('may')\njoin(a)")
    monkeypatch.setattr(equipment, "resolve", lambda *_, **__: model)
    told = CliRunner().invoke(app, ["run", "How much?", "-t", "reports.py", "--no-joiner", "--traceback"])
    assert told.exit_code == 1
    assert "failed: a  KeyError: 'may'\n    at reports.py:5, in parse: return {}[report]\n" in told.stderr
    assert "Traceback (most recent call last):\n" in told.stderr
