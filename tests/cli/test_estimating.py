"""`--estimate`: what a plan would take, printed before it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from superscalar import Journal
from superscalar.cli.app import app

TOOLS = '''
from superscalar import tool

@tool(effect="read", cost=0.5)
def look(x: int) -> int:
    """Look."""
    raise AssertionError("nothing is called")
'''


def called(folder: Path, *arguments: str) -> Result:
    (folder / "kit.py").write_text(TOOLS)
    (folder / "plan.txt").write_text("a = look(1)\nb = look(a)\njoin(b)\n")
    return CliRunner().invoke(app, ["check", str(folder / "plan.txt"), "--tools", str(folder / "kit.py"), *arguments])


def test_it_stands_behind_what_is_found(tmp_path: Path) -> None:
    Journal(tmp_path / "runs.db").keep_durations({"look": 1.5})
    result = called(tmp_path, "--estimate", "--journal", str(tmp_path / "runs.db"))
    assert (result.exit_code, result.stdout) == (
        0,
        "what it would take:\n2 calls\n  look: 2, 1.50 s each, cost 0.5 each\ntime: 3.00 s in tools\ncost: 1\n",
    )


def test_it_is_data_with_json(tmp_path: Path) -> None:
    found = json.loads(called(tmp_path, "--estimate", "--json").stdout)["estimate"]
    assert (found["calls"], found["seconds"], found["tokens"]) == (
        {"least": 2, "most": 2},
        {"least": 0.0, "most": None},
        {"least": 0, "most": 0},
    )


def test_a_journal_that_is_not_there_is_made_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "none.db"
    assert "there is no journal" in called(tmp_path, "--estimate", "--journal", str(missing)).stderr
    monkeypatch.setenv("SUPERSCALAR_JOURNAL", str(missing))
    assert called(tmp_path, "--estimate").exit_code == 0
    assert not missing.exists()
