"""`--examples`, and instructions for one model, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar.cli import compiling
from superscalar.cli.app import app
from support.folders import standing_in
from support.scripted_runs import ANSWERED, ScriptedCompiler, ScriptedStream, answered

TOOLS = '''
from superscalar import tool

@tool(effect="read")
def price(ticker: str) -> float:
    """Latest price."""
    return 1.0
'''
PAIRS = [["What is IBM at?", "now = price('IBM')\njoin(now)"], ["Thanks!", "join()"]]
LINES = "".join(json.dumps({"question": question, "plan": plan, "by": "me"}) + "\n" for question, plan in PAIRS)
FILES = {"money.py": TOOLS, "shown.jsonl": f"{LINES}\n", "more.jsonl": '{"question": "Why?", "plan": "join()"}\r\n'}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, FILES, COLUMNS="200") as place:
        yield place


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> ScriptedCompiler:
    scripted = ScriptedCompiler(ScriptedStream(ANSWERED, answered()))

    def opened(toolset: Any, **options: Any) -> ScriptedCompiler:
        scripted.options = options
        return scripted

    monkeypatch.setattr(compiling, "open_compiler", opened)
    return scripted


def command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), prog_name="superscalar")
    return result.exit_code, result.stderr


def test_files_of_examples_are_read_in_their_order(compiler: ScriptedCompiler) -> None:
    command("run", "why", "-t", "money.py", "--examples", "shown.jsonl", "--examples", "more.jsonl")
    assert compiler.options["examples"] == [*PAIRS, ["Why?", "join()"]]


def test_a_file_of_examples_may_begin_with_the_mark_that_editors_write(compiler: ScriptedCompiler, place: Path) -> None:
    (place / "shown.jsonl").write_text(LINES, encoding="utf-8-sig")
    command("run", "why", "-t", "money.py", "--examples", "shown.jsonl")
    assert compiler.options["examples"] == PAIRS


def test_instructions_for_one_model_are_handed_on(compiler: ScriptedCompiler) -> None:
    command("run", "why", "-t", "money.py", "--planner-instructions", "P", "--joiner-instructions", "J")
    assert [compiler.options[f"{role}_instructions"] for role in ("planner", "joiner")] == ["P", "J"]


@pytest.mark.parametrize("name", ["run", "plan"])
def test_an_example_that_does_not_check_ends_the_command_before_any_model_is_asked(name: str, place: Path) -> None:
    (place / "shown.jsonl").write_text(LINES.replace("price('IBM')", "prices('IBM')"))
    code, said = command(name, "why", "-t", "money.py", "-m", "openai:x", "--examples", "shown.jsonl")
    assert code == 2
    assert "examples[0]: the plan of 'What is IBM at?' cannot be an example" in said
    assert "plan:1:7: E301 there is no tool `prices`" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"question": "Why?"}', "shown.jsonl:1: write a JSON object a line"),
        ('\n{"question": "Why?", "plan": ["join()"]}', "shown.jsonl:2: write a JSON object a line"),
        ("[" * 100_000, "shown.jsonl:1: write a JSON object a line"),
        ("join()", "shown.jsonl:1: write a JSON object a line"),
        (None, "No such file"),
        (b"\xff\xfe", "shown.jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(text: Any, says: str, place: Path) -> None:
    (place / "shown.jsonl").unlink()
    if text is not None:
        (place / "shown.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
    code, said = command("plan", "why", "-t", "money.py", "-m", "openai:x", "--examples", "shown.jsonl")
    assert code == 2
    assert says in said
