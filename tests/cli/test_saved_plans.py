"""`superscalar plans`, and `run --save`: saved plans on the command line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from superscalar.cli import approval, saving
from superscalar.cli.app import app
from support.folders import standing_in

TOOLS = '''
from superscalar import LLMCompiler, tool
from superscalar.testing import ScriptedModel

PLAN = """
prices = [price(ticker) for ticker in ["IBM", "AAPL"]]
join(prices=prices, top=sorted(prices)[-1:])
"""

@tool(effect="read", trust="trusted")
def price(ticker: str) -> float:
    """Latest price."""
    return float(len(ticker))

agent = LLMCompiler(model=ScriptedModel(PLAN, "Both are fine."), tools=[price], plans="plans")
'''


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"money.py": TOOLS}, COLUMNS="200") as place:
        yield place


def command(*arguments: str, text: str | None = None) -> Said:
    result = CliRunner().invoke(app, list(arguments), input=text, prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def plans(word: str, *more: str, text: str | None = None) -> Said:
    return command("plans", word, *more, "--agent", "money.py:agent", text=text)


def saved(name: str = "brief") -> str:
    """Save a plan by a run, and give the digest that approves it."""
    found = command("run", "How are IBM and AAPL?", "--agent", "money.py:agent", "--save", name, "--json").document
    return str(found["saved"]["digest"])


def test_a_good_run_is_saved_and_nobody_has_approved_it(place: Path) -> None:
    said = command("run", "How are IBM and AAPL?", "--agent", "money.py:agent", "--save", "brief", "-q")
    assert (said.code, said.out) == (0, "Both are fine.\n")
    assert said.err.splitlines() == [
        """constants of the question that stayed constants: --save-input 'tickers=["IBM", "AAPL"]'""",
        (
            f"saved: {place}/plans/brief.plan (not approved); look at it and approve it: "
            f"superscalar plans approve brief --plans {place}/plans ..."
        ),
    ]
    assert (place / "plans" / "brief.plan").read_text().split("\n\n") == [
        "\n".join(
            [
                "# superscalar plan 1",
                "# language 2",
                "# description: How are IBM and AAPL?",
                "# tool price 7dac1e1c3c209ec3f14995af8fc790ed",
                "#   is read, trusted",
                "#   takes ticker: str",
                "#   gives float",
            ]
        ),
        "prices = [price(ticker=ticker) for ticker in ['IBM', 'AAPL']]\njoin(prices=prices, top=sorted(prices)[-1:])\n",
    ]


def test_a_plan_waits_for_approval_and_then_does_not() -> None:
    digest = saved()
    assert (plans("check").code, plans("list").out) == (3, "brief  not approved  How are IBM and AAPL?\n")
    refused = plans("approve", "brief", "--by", "ann")
    assert (refused.code, f"--digest {digest}" in refused.err) == (2, True)
    assert plans("approve", "brief", "--by", "ann", "--digest", "0" * 64).err.startswith(
        f"error: {Path.cwd()}/plans/brief.plan is not the text that was looked at"
    )
    given = plans("approve", "brief", "--by", "ann", "--digest", digest)
    assert (given.code, re.sub(r"\d\d:\d\d:\d\d", "", given.err).split(", ")[0]) == (
        0,
        f"{Path.cwd()}/plans/brief.plan: approved by ann",
    )
    assert (plans("check").code, plans("list").out) == (0, "brief  approved      How are IBM and AAPL?\n")
    document = plans("show", "brief", "--json").document
    assert (document["state"], document["approved"]["by"], document["digest"]) == ("approved", "ann", digest)


def test_the_person_at_the_terminal_sees_the_plan_and_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    saved()
    monkeypatch.setattr(approval, "is_at_terminal", lambda: True)
    refused = plans("approve", "brief", "--by", "ann", text="maybe\nn\n")
    assert (refused.code, "is left as it was" in refused.err) == (2, True)
    assert refused.err.count("approve brief? [y]es, [n]o") == 2
    assert "prices = [price(ticker=ticker) for ticker in ['IBM', 'AAPL']]" in refused.err
    assert plans("approve", "brief", "--by", "ann", text="y\n").code == 0


def test_what_was_edited_is_not_approved_any_more_whatever_it_says_of_itself(place: Path) -> None:
    plans("approve", "brief", "--by", "ann", "--digest", saved())
    file = place / "plans" / "brief.plan"
    file.write_text(file.read_text().replace("'AAPL'", "'EVIL'"))
    found = plans("check")
    assert (found.code, "it is not the text any more that ann approved" in found.out) == (3, True)
    text = file.read_text()
    forged = plans("show", "brief", "--json").document["digest"]
    file.write_text(re.sub(r"sha256:\w+", f"sha256:{forged}", text))
    assert "it is not the text any more that ann approved" in plans("check").out
    (place / "plans" / "plans.lock").unlink()
    assert "its header says that ann approved it, and plans.lock does not" in plans("check").out


def test_a_plan_whose_tools_changed_is_refused_with_what_changed(place: Path) -> None:
    plans("approve", "brief", "--by", "ann", "--digest", saved())
    (place / "later.py").write_text(
        TOOLS.replace("ticker: str", "ticker: str, day: int = 0").replace("-> float", "-> int")
    )
    later = ("--agent", "later.py:agent")
    found = command("plans", "check", *later)
    assert found.code == 1
    assert [line.strip() for line in found.out.splitlines()[1:]][:2] == [
        "`price` now gives int; before: gives float",
        "`price` now takes day: int = 0",
    ]
    again = command("plans", "show", "brief", "--json", *later).document
    assert (again["state"], again["approved"]) == ("changed", None)
    assert command("plans", "approve", "brief", "--by", "bob", "--digest", again["digest"], *later).code == 0
    assert (command("plans", "check", *later).code, plans("check").code) == (0, 1)


def test_what_cannot_be_trusted_is_listed_as_that(place: Path) -> None:
    saved()
    (place / "plans" / "brief.plan").chmod(0o666)
    assert plans("list").out.startswith("brief  refused")
    found = plans("check")
    assert (found.code, "chmod go-w" in found.out) == (1, True)
    assert plans("approve", "brief", "--by", "ann", "--digest", "0" * 64).code == 2


def test_constants_of_the_question_become_inputs_as_the_person_says(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "is_at_terminal", lambda: True)
    said = command("run", "How are IBM and AAPL?", "--agent", "money.py:agent", "--save", "brief", "-q", text="y\n")
    assert '["IBM", "AAPL"]: an input? [y]es, as tickers, [n]o, or a name: ' in said.err
    assert (
        "# input tickers: list[str]\nprices = [price(ticker=ticker) for ticker in tickers]\n"
        in (place / "plans" / "brief.plan").read_text()
    )


def test_a_name_that_is_none_is_asked_for_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "is_at_terminal", lambda: True)
    given = ("--agent", "money.py:agent", "--save", "brief", "-q")
    said = command("run", "How are IBM and AAPL?", *given, text="two words\nfor\n_x\nprice\nticker\nheld\n")
    assert said.err.count("an input?") == 6
    assert "# input held: list[str]\n" in (place / "plans" / "brief.plan").read_text()


def test_where_there_is_no_terminal_options_say_which_constants_become_inputs(place: Path) -> None:
    given = ("--save", "brief", "--save-input", 'tickers=["IBM","AAPL"]', "-q")
    said = command("run", "How are IBM and AAPL?", "--agent", "money.py:agent", *given)
    assert said.err.startswith(f"saved: {Path.cwd()}/plans/brief.plan (not approved)")
    assert "# input tickers: list[str]\n" in (place / "plans" / "brief.plan").read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--save", "../x"], "is no name of a saved plan"),
        (["--save-input", "x=1"], "add --save NAME"),
        (["--save", "brief", "--save-input", "x"], "write NAME=CONSTANT"),
        (["--save", "brief", "--save-input", "for=1"], "is no name of an input"),
        (["--save", "brief", "--save-input", "_x=1"], "is no name of an input"),
        (["--save", "brief", "--save-input", "x=IBM", "--save-input", 'y="IBM"'], "that is what `x` stands for"),
        (["--save", "brief", "--save-input", "x=1", "--save-input", "x=2"], "each name once"),
    ],
)
def test_what_cannot_be_saved_is_said_before_anything_is_run(given: list[str], said: str, place: Path) -> None:
    refused = command("run", "How?", "--agent", "money.py:agent", *given)
    assert (refused.code, said in refused.err, (place / "plans").exists()) == (2, True, False)
    saved()
    again = command("run", "How?", "--agent", "money.py:agent", "--save", "brief")
    assert (again.code, "has a plan of that name" in again.err) == (2, True)


def test_a_constant_that_the_plan_does_not_have_is_told_with_those_that_it_has() -> None:
    given = ("--save", "brief", "--save-input", "ticker=MSFT", "--json")
    said = command("run", "How are IBM and AAPL?", "--agent", "money.py:agent", *given)
    assert said.code == 1
    assert said.document["answer"] == "Both are fine."
    assert "the plan has no such constant; it has ['IBM', 'AAPL'], -1" in said.document["saved"]["error"]


def test_a_constant_that_is_no_json_is_a_text_however_deep_it_goes() -> None:
    deep = command("run", "How?", "--agent", "money.py:agent", "--save", "brief", "--save-input", f"x={'[' * 9_999}")
    assert (deep.code, "the plan has no such constant" in deep.err) == (1, True)


def test_a_run_that_failed_is_not_saved(place: Path) -> None:
    text = TOOLS.replace("return float(len(ticker))", "raise ValueError(ticker)")
    (place / "money.py").write_text(text)
    said = command("run", "How are IBM and AAPL?", "--agent", "money.py:agent", "--save", "brief", "-q")
    assert (said.code, "cannot be saved: `prices" in said.err, (place / "plans").exists()) == (1, True, False)


def test_a_folder_has_to_be_named() -> None:
    said = command("plans", "list", "--tools", "money.py")
    assert (said.code, "--plans DIR" in said.err) == (2, True)
    assert (
        command("plans", "list", "--tools", "money.py", "--plans", "none").out
        == f"{Path('none').absolute()} has no saved plans yet\n"
    )


# ----------------------------------------------------------------------------------------------- without a model

INPUTS = ("--save-input", 'tickers=["IBM","AAPL"]')
GIVEN = ("--input", 'tickers=["IBM","A"]')


def saved_with_inputs(*, approved: bool) -> None:
    question = ("How are IBM and AAPL?", "--agent", "money.py:agent")
    document = command("run", *question, "--save", "brief", *INPUTS, "--json").document
    if approved:
        assert plans("approve", "brief", "--by", "ann", "--digest", document["saved"]["digest"]).code == 0


@pytest.mark.parametrize("words", [("plans", "run", "brief"), ("exec", "plans/brief.plan")])
def test_a_saved_plan_runs_day_by_day_without_a_model(words: tuple[str, ...]) -> None:
    saved_with_inputs(approved=True)
    said = command(*words, "--agent", "money.py:agent", *GIVEN, "-q")
    assert (said.code, json.loads(said.out)) == (0, {"prices": [3.0, 1.0], "top": [3.0]})
    missing = command(*words, "--agent", "money.py:agent")
    assert (missing.code, "`tickers` (list[str]) is missing" in missing.err) == (2, True)


@pytest.mark.parametrize("words", [("plans", "run", "brief"), ("exec", "plans/brief.plan")])
def test_what_nobody_approved_runs_only_where_that_is_said(words: tuple[str, ...]) -> None:
    saved_with_inputs(approved=False)
    refused = command(*words, "--agent", "money.py:agent", *GIVEN)
    assert (refused.code, "nobody has approved it; look at it and approve it" in refused.err) == (2, True)
    assert command(*words, "--agent", "money.py:agent", *GIVEN, "--unapproved").code == 0


@pytest.mark.parametrize("words", [("plans", "run", "brief"), ("exec", "plans/brief.plan")])
def test_what_was_edited_after_its_approval_does_not_run(words: tuple[str, ...], place: Path) -> None:
    saved_with_inputs(approved=True)
    file = place / "plans" / "brief.plan"
    file.write_text(file.read_text().replace("sorted(prices)", "sorted(prices + [9])"))
    refused = command(*words, "--agent", "money.py:agent", *GIVEN)
    assert (refused.code, "is not the text any more that ann approved" in refused.err) == (2, True)
    written = file.read_text()
    for edited in (written.partition("\n\n")[2], f"\n{written}", f"#{written}"):  # it is no saved plan, says its text
        file.write_text(edited)
        refused = command(*words, "--agent", "money.py:agent", *GIVEN)
        assert (refused.code, "this is no saved plan" in refused.err) == (2, True)
        (place / "today.txt").unlink(missing_ok=True)
        (place / "today.txt").symlink_to(file)
        assert command("exec", "today.txt", "--agent", "money.py:agent", *GIVEN).code == 2
    file.write_text(written)
    file.chmod(0o666)
    assert "chmod go-w" in command(*words, "--agent", "money.py:agent", *GIVEN, "--unapproved").err
    file.unlink()
    os.mkfifo(file)
    assert "brief.plan is no file" in command(*words, "--agent", "money.py:agent", *GIVEN).err


def test_the_text_of_a_saved_plan_from_elsewhere_is_approved_by_nobody(place: Path) -> None:
    saved_with_inputs(approved=True)
    text = (place / "plans" / "brief.plan").read_text()
    (place / "copy.txt").write_text(text)
    for file, given in (("copy.txt", None), ("-", text)):
        refused = command("exec", file, "--agent", "money.py:agent", *GIVEN, text=given)
        assert (refused.code, "approved where they are saved" in refused.err) == (2, True)
        assert command("exec", file, "--agent", "money.py:agent", *GIVEN, "--unapproved", text=given).code == 0


def test_a_plan_that_is_no_saved_one_runs_as_ever(place: Path) -> None:
    (place / "plan.txt").write_text("join(price('IBM'))")
    assert command("exec", "plan.txt", "--tools", "money.py", "-q").out == "3.0\n"
    refused = command("exec", "plan.txt", "--tools", "money.py", "--unapproved")
    assert (refused.code, "--unapproved is said of a saved plan" in refused.err) == (2, True)


def test_a_saved_plan_calls_another_one_of_its_folder_and_is_gone_on_with(place: Path) -> None:
    saved_with_inputs(approved=True)
    (place / "week.txt").write_text("join(brief(['IBM', 'A'])['top'])")
    given = ("--plans", "plans", "--tools", "money.py")
    waits = command("plans", "save", "week", "week.txt", *given, "--description", "A week.")
    assert (waits.code, waits.err.splitlines()[0]) == (0, f"{place}/plans/week.plan: not approved")
    digest = command("plans", "show", "week", *given, "--json").document["digest"]
    assert command("plans", "approve", "week", *given, "--by", "ann", "--digest", digest).code == 0
    said = command("exec", "plans/week.plan", "--tools", "money.py", "-q", "--journal", "runs.db")
    assert (said.code, json.loads(said.out)) == (0, [3.0])
    assert command("check", "week.txt", *given).code == 0
    assert command("exec", "week.txt", *given, "-q").out == said.out
    elsewhere = command("exec", "plans/week.plan", "--plans", "other", "--tools", "money.py")
    assert (elsewhere.code, "leave out --plans" in elsewhere.err) == (2, True)
    assert [tool["name"] for tool in command("tools", *given, "--json").document["tools"]] == ["price", "brief", "week"]
    failing = command("plans", "save", "other", "-", *given, text="x = brif()\njoin(x)")
    copied = command("plans", "save", "copied", "plans/week.plan", *given, "--json").document
    assert (copied["description"], copied["state"]) == ("A week.", "not approved")
    assert (place / "plans" / "copied.plan").read_text().split("\n\n")[
        1
    ] == "join(brief(tickers=['IBM', 'A'])['top'])\n"
    assert (failing.code, "<stdin>:1:5: E301 there is no tool `brif`" in failing.err) == (1, True)
