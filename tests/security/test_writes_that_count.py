"""`max_writes` counts the calls that are made: one that a person refuses is none of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from superscalar import ApprovalPending, Failure, Journal, LLMCompiler, Policy, Question, tool
from superscalar.testing import run

GOT: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    GOT.clear()


@tool(effect="read", trust="trusted")
async def names() -> list[str]:
    """Names."""
    return ["a", "b", "c"]


@tool(effect="write", policy="ask", resource=lambda to: to)
async def send(to: str) -> str:
    """Send."""
    GOT.append(to)
    return "sent"


PLAN = "x = [send(t) for t in names()]\njoin(x)\n"
TOO_MANY = "1 of the run's calls that write were made, and max_writes=1"


def one_write(**options: Any) -> LLMCompiler:
    return LLMCompiler(tools=[names, send], policy=Policy(max_writes=1), **options)


def told(outcomes: Any) -> list[str]:
    return [outcome.message if isinstance(outcome := outcomes[f"x[{i}]"], Failure) else outcome.value for i in range(3)]


REFUSED = "it was not approved by approve"


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("nnn", [REFUSED] * 3),
        ("ynn", ["sent", REFUSED, REFUSED]),
        ("nny", [REFUSED, REFUSED, "sent"]),
        ("nyy", [REFUSED, "sent", TOO_MANY]),
        ("yyy", ["sent", TOO_MANY, TOO_MANY]),
    ],
)
def test_what_a_person_refuses_does_not_count(says: str, expected: Sequence[str]) -> None:
    # A plain function answers in threads, in any order; who is answered first is what these rows are about.
    async def approve(question: Question) -> bool:
        return says["abc".index(question.arguments["to"])] == "y"

    assert told(run(one_write(approve=approve).execute(PLAN))) == expected
    assert len(GOT) == min(1, says.count("y"))


def test_a_callback_that_is_broken_does_not_count_either() -> None:
    def approve(question: Question) -> Any:
        return True if question.arguments["to"] == "c" else None

    assert told(run(one_write(approve=approve).execute(PLAN)))[2] == "sent"


@tool(effect="write", policy="ask", resource="left")
async def left(to: str) -> str:
    """Send to the left."""
    GOT.append(to)
    return "sent"


@tool(effect="write", policy="ask", resource="right")
async def right(to: str) -> str:
    """Send to the right."""
    GOT.append(to)
    return "sent"


BOTH = "n = names()\nx = [left(t) for t in n[:1]]\ny = [right(t) for t in n[1:2]]\njoin(x, y)\n"


@pytest.mark.parametrize(("says", "made"), [("yy", 1), ("ny", 1), ("yn", 1), ("nn", 0)])
def test_of_two_that_are_asked_about_at_once_one_is_made(tmp_path: Path, says: str, made: int) -> None:
    path = tmp_path / "runs.db"
    agent = LLMCompiler(tools=[names, left, right], policy=Policy(max_writes=1), journal=path)
    with pytest.raises(ApprovalPending):
        run(agent.execute(BOTH, run_id="run"))
    journal = Journal(path)
    for question, yes in zip(journal.questions("run"), says, strict=True):
        journal.approve("run", question, approved=yes == "y", by="approve")
    outcomes = run(agent.resume("run")).outcomes
    assert len(GOT) == made
    said = sorted(getattr(outcomes[id], "message", "sent") for id in ("x[0]", "y[0]"))
    assert said == sorted({"yy": ["sent", TOO_MANY], "nn": [REFUSED, REFUSED]}.get(says, ["sent", REFUSED]))
