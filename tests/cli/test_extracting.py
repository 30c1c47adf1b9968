"""Modules with SCHEMAS on the command line: `extract` is listed, checked, and run with a model of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar.cli.app import app
from superscalar.compiler import equipment
from superscalar.testing import ScriptedModel
from support.folders import standing_in

TOOLS = '''
from typing import Literal
from pydantic import BaseModel
from superscalar import tool

class Invoice(BaseModel):
    number: str
    kind: Literal["bill", "reminder"]

SCHEMAS = {"Invoice": Invoice, "Mood": Literal["good", "bad"]}

@tool(effect="read")
def mail(number: int) -> str:
    """The text of a mail."""
    return "hello"
'''


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"post.py": TOOLS}, COLUMNS="200") as place:
        yield place


def called(*arguments: str, given: str = "") -> Any:
    return CliRunner().invoke(app, [*arguments, "--tools", "post.py"], input=given)


def test_extract_is_listed_with_its_schemas() -> None:
    printed = called("tools").stdout
    assert "Invoice has the fields number: str, kind: Literal['bill', 'reminder']" in printed
    assert "Mood is Literal['good', 'bad']" in printed
    listed = json.loads(called("tools", "--json").stdout)["tools"]
    assert [tool["name"] for tool in listed] == ["mail", "extract"]
    assert listed[1]["schemas"]["Invoice"] == ["number", "kind"]
    assert listed[0]["schemas"] == {}


def test_a_plan_is_checked_against_the_schemas() -> None:
    found = called("check", "-", given='i = extract(mail(1), "Invoice", "it")\njoin(i.nummer)\n')
    assert found.exit_code == 1
    assert "E307 Invoice declares no field `nummer`" in found.stdout


def test_where_a_narrow_value_came_from_is_told_of_a_recorded_run(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = ['{"value": {"number": "7", "kind": "bill"}}']
    monkeypatch.setattr(equipment, "resolve", lambda model, **_: ScriptedModel(*replies))
    source = 'i = extract(mail(1), "Invoice", "it")\nk = i.kind\njoin(k)\n'
    made = called("exec", "-", "--extractor", "local", "--journal", "runs.db", "--quiet", given=source)
    assert (made.exit_code, json.loads(made.stdout)) == (0, "bill"), made.output
    run = json.loads(CliRunner().invoke(app, ["runs", "--json"]).stdout)["runs"][0]["id"]
    shown = CliRunner().invoke(app, ["show", run, "--provenance", "k"]).stdout
    assert shown.splitlines()[-1] == "from the plan; not trusted: `extract` (as enum), `mail` (as enum)"
