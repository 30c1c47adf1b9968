"""Runs whose plan was written under another version of the plan language: finished as it was meant, or refused."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, RunResult, Tool, UsageError, tool
from superscalar import events as ev
from superscalar.journal import Journal
from superscalar.plan import LANGUAGE
from superscalar.testing import ScriptedModel, run
from support.running import answering

PLAN = "a = look('a')\nb = look(a)\njoin(a, b)\n"
ITEMS = "xs = [look(t) for t in ['a', 'b']]\njoin(xs)\n"
ANSWER: dict[str, Any] = {"kind": "answer", "question": "why?", "history": [], "joiner": None}
EXECUTE: dict[str, Any] = {"kind": "execute"}


@tool(effect="read")
async def look(what: str) -> str:
    await asyncio.sleep(1)
    return what.upper()


TOOLS: list[Tool[..., Any]] = [look]


def answered(plan: str) -> tuple[ev.Event, ...]:
    """The events of an undisturbed run that answers with a plan."""
    return answering(LLMCompiler(ScriptedModel(plan), TOOLS, joiner=None)).events


def up_to(events: Sequence[ev.Event], kind: type[ev.Event], id: str = "") -> Sequence[ev.Event]:
    """The events up to the first of a kind."""
    place = next(i for i, e in enumerate(events) if isinstance(e, kind) and (not id or getattr(e, "id", "") == id))
    return events[: place + 1]


def began(path: Path, events: Sequence[ev.Event], about: dict[str, Any], language: object) -> None:
    """A journal with a run of which these events survived, as a release with that version of the language wrote it."""

    async def main() -> None:
        log = Journal(path).begin("run", {**about, "language": language})
        for event in events:
            log.append(event)
        log.close()

    run(main())


def went_on(path: Path, *replies: str) -> RunResult:
    return run(LLMCompiler(ScriptedModel(*replies), TOOLS, joiner=None, journal=path).resume("run"))


def test_a_run_remembers_the_version_of_the_language(tmp_path: Path) -> None:
    run(LLMCompiler(tools=TOOLS, journal=tmp_path / "j").execute(PLAN, run_id="run"))
    assert Journal(tmp_path / "j").about("run")["language"] == LANGUAGE == 2


def test_a_run_without_a_version_is_one_of_the_first(tmp_path: Path) -> None:
    began(tmp_path / "j", answered(PLAN)[:6], ANSWER, LANGUAGE)
    with closing(sqlite3.connect(tmp_path / "j")) as connection:
        connection.execute("UPDATE runs SET about = json_remove(about, '$.language')")
        connection.commit()
    with pytest.raises(UsageError, match="its plan is of version 1 of the plan language and was not whole"):
        went_on(tmp_path / "j", PLAN)


@pytest.mark.parametrize("about", [ANSWER, EXECUTE], ids=["answer", "execute"])
def test_a_whole_plan_of_an_older_version_is_finished(tmp_path: Path, about: dict[str, Any]) -> None:
    """What is recorded is what its text came to then."""
    events = up_to(answered(PLAN), ev.Succeeded, "a")
    assert any(isinstance(event, ev.Sealed) for event in events)
    began(tmp_path / "j", events, about, 1)
    assert went_on(tmp_path / "j").answer == ["A", "A"]


def test_a_plan_of_an_older_version_that_is_not_whole_is_not_read_on(tmp_path: Path) -> None:
    began(tmp_path / "j", up_to(answered(PLAN), ev.Planned), ANSWER, 1)
    with pytest.raises(UsageError) as refused:
        went_on(tmp_path / "j", PLAN)
    assert str(refused.value) == (
        "run run cannot go on: its plan is of version 1 of the plan language and was not whole: what is missing would "
        "be read as version 2, under other rules. Nothing of that plan has changed anything; ask the question anew. "
        f"`superscalar show run --journal {tmp_path / 'j'}` prints what it came to so far"
    )
    assert Journal(tmp_path / "j").summary("run").state == "interrupted"


def test_a_round_of_which_nothing_was_written_is_planned_under_the_new_version(tmp_path: Path) -> None:
    began(tmp_path / "j", up_to(answered(PLAN), ev.RoundStarted), ANSWER, 1)
    assert went_on(tmp_path / "j", PLAN).answer == ["A", "A"]


def test_what_looks_at_items_is_refused_as_long_as_one_may_be_missing(tmp_path: Path) -> None:
    """Which of them have a place is not the same in both versions (L33)."""
    events = answered(ITEMS)
    began(tmp_path / "j", up_to(events, ev.Succeeded, "xs[0]"), ANSWER, 1)
    with pytest.raises(UsageError, match="looks at the items of `xs`: under version 1 of the plan language"):
        went_on(tmp_path / "j")


MADE_OF = {
    "a list": "xs = [a + 'x', 'y']\n",
    "a comprehension": "xs = [t + a for t in ['x', 'y']]\n",
    "an argument": "xs = look(str([a, 'y']))\n",
}


@pytest.mark.parametrize("line", MADE_OF.values(), ids=MADE_OF)
def test_what_is_made_of_what_may_fail_yet_is_refused(tmp_path: Path, line: str) -> None:
    """It was all or nothing under the first version."""
    events = answered(f"a = look('a')\n{line}join(xs)\n")
    began(tmp_path / "j", up_to(events, ev.Sealed), ANSWER, 1)
    with pytest.raises(UsageError, match="`xs` may have to do without `a`: version 1 of the plan language"):
        went_on(tmp_path / "j")


def test_what_is_computed_beside_what_may_be_unassigned_is_refused(tmp_path: Path) -> None:
    events = answered("a = look('a')\nif look('b') == 'x':\n    c = look('c')\nd = c + a[2]\njoin(d)\n")
    began(tmp_path / "j", up_to(events, ev.Sealed), ANSWER, 1)
    with pytest.raises(UsageError, match=r"`d` may have to do without `c\.2`"):
        went_on(tmp_path / "j")


@pytest.mark.parametrize("line", ["b = a + 'x'", "b = [1, 2]", "b = look(a)"])
def test_what_means_the_same_in_both_versions_is_finished(tmp_path: Path, line: str) -> None:
    events = answered(f"a = look('a')\n{line}\njoin(a, b)\n")
    whole = went_on_from(tmp_path / "whole", events, LANGUAGE)
    assert went_on_from(tmp_path / "older", events, 1) == whole


def went_on_from(path: Path, events: Sequence[ev.Event], language: int) -> Any:
    began(path, up_to(events, ev.Sealed), ANSWER, language)
    return went_on(path).answer


def test_items_that_all_have_a_value_mean_the_same(tmp_path: Path) -> None:
    events = up_to(answered(ITEMS), ev.Succeeded, "xs")
    began(tmp_path / "j", events, ANSWER, 1)
    assert went_on(tmp_path / "j").answer == ["A", "B"]


@pytest.mark.parametrize("language", [LANGUAGE + 1, "two", None, True, 0])
def test_a_version_that_nobody_knows_is_refused(tmp_path: Path, language: object) -> None:
    began(tmp_path / "j", up_to(answered(PLAN), ev.Succeeded, "a"), ANSWER, language)
    with pytest.raises(UsageError, match="go on with the release that began it, or a newer one"):
        went_on(tmp_path / "j")


def test_a_run_of_this_version_is_read_on(tmp_path: Path) -> None:
    began(tmp_path / "j", up_to(answered(PLAN), ev.Planned), ANSWER, LANGUAGE)
    assert went_on(tmp_path / "j", PLAN).answer == ["A", "A"]


@pytest.mark.parametrize("language", [1, LANGUAGE + 1])
def test_a_run_of_another_version_can_be_looked_at(tmp_path: Path, language: int) -> None:
    events = answered(PLAN)
    began(tmp_path / "j", events, ANSWER, language)
    assert [recorded.event for recorded in Journal(tmp_path / "j").read("run")] == list(events)
    assert Journal(tmp_path / "j").summary("run").state == "answered"
