"""`exec`, `run`, `resume` and `show` print one document: whoever reads a run tells the same of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from superscalar import Failure, Observation, Skipped
from superscalar import events as ev
from superscalar.cli.app import app
from superscalar.cli.recorded import Folded
from superscalar.compiler.result import Outcomes, result_document
from superscalar.journal import Journal
from superscalar.values import UNNEEDED, TaskId
from support.depth import examples
from support.folders import standing_in
from support.random_plans import Settings, World, plans
from support.running import executed

SHOP = '''
from superscalar import tool

@tool(effect="read", cost=0.5)
def price(ticker: str) -> float:
    """A price."""
    if ticker == "XXX":
        raise LookupError("no such ticker")
    return len(ticker) * 10.5

@tool(effect="read", cost=0.5)
def owner(ticker: str) -> str:
    """Whose it is."""
    return f"the owner of {ticker}"

@tool(effect="write", sink="to", cost=2)
def send(to: str, text: str) -> str:
    return f"sent to {to}"
'''
PLANS = {
    "everything is needed": 'a = price("IBM")\njoin(a)\n',
    "one is not needed": 'a = price("IBM")\nb = price("AAPL")\njoin(a)\n',
    "some fail": 'prices = [price(t) for t in ["IBM", "XXX"]]\njoin(prices, default(prices[1], 0))\n',
    "a condition is false": 'a = price("IBM")\nif a > 100:\n    b = send("me", "dear")\njoin(a, b)\n',
}


STATES = {Observation: "done", Failure: "failed", Skipped: "skipped"}


def unneeded(outcomes: Outcomes) -> list[TaskId]:
    """What nothing needed: it did not settle, so nothing was made."""
    return [id for id, outcome in outcomes.items() if outcome == UNNEEDED]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"shop.py": SHOP}) as place:
        yield place


def printed(*arguments: str) -> dict[str, Any]:
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_show_says_what_exec_said(plan: str) -> None:
    Path("plan.txt").write_text(plan)
    said = printed("exec", "plan.txt", "--tools", "shop.py", "--journal", "runs.db")
    said.pop("syntax")
    assert {name: value for name, value in printed("show", said["run_id"]).items() if name in said} == said


def test_resume_and_show_have_all_that_exec_has_and_count_what_was_spent_before() -> None:
    Path("plan.txt").write_text('a = owner("IBM")\nb = send(a, "sell")\njoin(b)\n')
    waits = printed("exec", "plan.txt", "--tools", "shop.py", "--journal", "runs.db", "--policy", "ask")
    id, (question,) = waits["error"]["run_id"], waits["error"]["questions"]
    assert CliRunner().invoke(app, ["approve", id, question["answered_by"], "--journal", "runs.db"]).exit_code == 0
    resumed = printed("resume", id, "--tools", "shop.py", "--journal", "runs.db")
    assert (resumed["value"], resumed["cost"], resumed["rounds"]) == ("sent to the owner of IBM", 2.5, 1)
    del resumed["timing"]  # the record has the time until the process before it stopped, and not what it took to start
    assert {name: value for name, value in printed("show", id).items() if name in resumed} == resumed


@settings(max_examples=examples(8, 200), deadline=None)
@given(plans(joins="some"), st.integers(0, 2**32))
@example(("x0 = work(1, 1)", "join(x0)"), 9)  # a tool that cancels itself
def test_a_journal_tells_what_the_run_told(plan: tuple[str, ...], seed: int) -> None:
    chosen = Settings(results=seed, times=seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        result = executed("\n".join(plan), World(chosen).tools, limits=chosen.limits, journal=path)
        read = Folded(Journal(path), "run")
        assert result_document(read.result, answers=False) == result_document(result, answers=False)
        outcomes = result.outcomes
        counted = [sum(isinstance(outcome, kind) for outcome in outcomes.values()) for kind in (Observation, Failure)]
        assert [read.summary.done, read.summary.failed] == counted
        assert {id: result.provenance(id).outcome for id in outcomes} == {
            **outcomes,
            **dict.fromkeys(unneeded(outcomes)),
        }
        assert {id: read.view.row(id).state for id in outcomes} == {id: STATES[type(outcomes[id])] for id in outcomes}


def test_a_record_that_contradicts_itself_is_told_as_that() -> None:
    journal = Journal("runs.db")
    log = journal.begin("odd", {"kind": "execute"})
    log.append(ev.RunStarted(0.0, "odd", ""))
    log.append(ev.Succeeded(1.0, "x", 3))
    log.close()
    shown = CliRunner().invoke(app, ["show", "odd"])
    assert shown.exit_code == 1
    assert "runs.db: what is recorded of run odd contradicts itself: there is no task `x`\n" in shown.stderr
