"""`--input`: what a plan is given on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from superscalar import Journal
from superscalar.cli.app import app

TOOLS = '''
from superscalar import tool

@tool(effect="read", trust="trusted")
def look(x: str) -> str:
    """Look."""
    return x.upper()
'''
PLAN = """\
# input names: list[str]
# input limit: int = 5
# input note: str = 'none'
# input more: dict[str, int] | None = None
join([look(n) for n in names], limit, note, more)
"""
SECRETIVE = "# secret input token: str\n# input n: int = 1\nok = look(token)\njoin(len(ok), n)\n"
SECRET = "s3cret-of-mine"


def called(folder: Path, *inputs: str, plan: str = PLAN, command: str = "exec", **more: Any) -> Result:
    (folder / "kit.py").write_text(TOOLS)
    (folder / "plan.txt").write_text(plan)
    typed = [part for one in inputs for part in ("--input", one)]
    place = more.pop("file", str(folder / "plan.txt"))
    options = [command, place, "--tools", str(folder / "kit.py"), *typed, *more.pop("options", [])]
    return CliRunner().invoke(app, options, **more)


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_input_is_json_or_a_plain_word(tmp_path: Path) -> None:
    given = ['names=["a", "b"]', "limit=7", "note=so long = 5", 'more={"k": 1}']
    assert answer(called(tmp_path, *given)) == [["A", "B"], 7, "so long = 5", {"k": 1}]
    assert answer(called(tmp_path, 'names=["a"]', "note=5", "more=null")) == [["A"], 5, "5", None]
    assert answer(called(tmp_path, "names=[]", 'note="quoted"')) == [[], 5, "quoted", None]
    assert answer(called(tmp_path, "names=[]", "note=@@home")) == [[], 5, "@home", None]


def test_an_input_comes_from_a_file_standard_input_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "n.json").write_text('["a"]\n')
    (tmp_path / "note.txt").write_text('"not json\n')
    monkeypatch.setenv("MORE", '{"k": 2}')
    given = [f"names=@{tmp_path / 'n.json'}", f"note=@{tmp_path / 'note.txt'}", "limit=@-", "more=@env:MORE"]
    assert answer(called(tmp_path, *given, input="9\n")) == [["A"], 9, '"not json\n', {"k": 2}]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    result = called(tmp_path, "names=a", "limit=many", "zz=1")
    assert result.exit_code == 2
    assert "`names`: Input should be a valid list, not 'a'; `limit`: Input should be a valid integer" in result.stderr
    assert "the plan has no input 'zz'; there are names, limit, note, more" in result.stderr
    assert "--input NAME=@FILE" in result.stderr


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ([], "`names` (list[str]) is missing"),
        (["names"], "--input names: write NAME=VALUE"),
        (["names=[]", "names=[]"], "`names` is given twice"),
        (["names=@none.json"], "`names`: none.json cannot be read: No such file or directory"),
        (["names=@env:NOT_THERE"], "`names`: the environment has no variable NOT_THERE"),
        (["names=@-", "note=@-"], "`note`: standard input is read for `names` already"),
        (['names=["a"', "limit=1"], "`names`: Input should be a valid list"),
        (["names=[]", 'more={"k": 1, "k": 2}'], "`more`: Input should be a valid dictionary"),
        (["names=[]", "limit=NaN"], "`limit`: Input should be a valid integer"),
    ],
)
def test_what_is_no_input_is_refused(tmp_path: Path, inputs: list[str], why: str) -> None:
    result = called(tmp_path, *inputs, input="[]")
    assert result.exit_code == 2
    assert why in result.stderr


def test_standard_input_has_the_plan_or_an_input(tmp_path: Path) -> None:
    result = called(tmp_path, "names=@-", file="-", input=PLAN)
    assert "`names`: standard input is read for the plan already" in result.stderr
    assert answer(called(tmp_path, "names=[]", file="-", input=PLAN)) == [[], 5, "none", None]


def test_a_secret_is_not_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = called(tmp_path, f"token={SECRET}", plan=SECRETIVE)
    assert result.exit_code == 2
    assert "`token` is secret, and what is typed here others see: write token=@env:VARIABLE or token=@FILE" in (
        result.stderr
    )
    assert "`token` is secret" in called(tmp_path, f"token=@@{SECRET}", plan=SECRETIVE).stderr
    monkeypatch.setenv("TOKEN", SECRET)
    assert answer(called(tmp_path, "token=@env:TOKEN", plan=SECRETIVE)) == [len(SECRET), 1]
    (tmp_path / "token").write_text(f"{SECRET}\n")
    found = called(tmp_path, f"token=@{tmp_path / 'token'}", plan=SECRETIVE, options=["--json"])
    assert answer(found)["value"] == [len(SECRET), 1]
    assert SECRET not in found.output


def test_a_secret_is_the_text_that_is_there_and_no_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", '"in-quotes"')
    plan = "# secret input token: str | None\njoin(len(token))\n"
    assert answer(called(tmp_path, "token=@env:TOKEN", plan=plan)) == len('"in-quotes"')


def test_a_run_that_goes_on_is_given_its_secret_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    journal = ["--journal", str(tmp_path / "whole.db")]
    called(tmp_path, "token=@env:TOKEN", plan=SECRETIVE, options=journal)
    whole = Journal(tmp_path / "whole.db")
    id = whole.runs()[0].id
    half = Journal(tmp_path / "half.db")
    log = half.begin(id, whole.about(id))
    for one in whole.read(id):
        log.append(one.event)
        if type(one.event).__name__ == "Sealed":
            break
    log.close()
    result = CliRunner().invoke(
        app, ["resume", id, "--journal", str(tmp_path / "half.db"), "--input", "token=@env:TOKEN"]
    )
    assert json.loads(result.stdout) == [len(SECRET), 1]


def test_inputs_are_known_to_check_and_to_estimates(tmp_path: Path) -> None:
    result = called(tmp_path, 'names=["a", "b"]', command="check", options=["--estimate"])
    assert (result.exit_code, result.stdout.splitlines()[:2]) == (0, ["what it would take:", "2 calls"])
    result = called(tmp_path, command="check", plan="# input x: integer\njoin(1)\n")
    assert result.exit_code == 1
    assert "plan.txt:1:9: E104 `x`: 'integer' is no type of an input" in result.stdout


def test_check_looks_at_what_it_is_given(tmp_path: Path) -> None:
    given = ['names=["a"]', "limit=many"]
    result = called(tmp_path, *given, command="check")
    assert (result.exit_code, "`limit`: Input should be a valid integer" in result.stderr) == (2, True)
    result = called(tmp_path, *given, command="check", options=["--json"])
    assert (result.exit_code, json.loads(result.stdout)["error"]["type"]) == (2, "UsageError")
    assert called(tmp_path, *given[:1], command="check").exit_code == 0
    broken = called(tmp_path, *given, command="check", plan=PLAN.replace("look(n)", "nope(n)"))
    assert (broken.exit_code, "no tool" in broken.stdout) == (1, True)
