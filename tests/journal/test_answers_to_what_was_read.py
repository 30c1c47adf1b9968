"""An answer is to the question that was read: one that has taken its place meanwhile is not answered by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from superscalar import ApprovalPending, Journal, LLMCompiler, Question, UsageError, tool
from superscalar.testing import run

GOT: list[Any] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    GOT.clear()


def with_default(bcc: str) -> Callable[..., Any]:
    async def send(to: str, bcc: str = bcc) -> str:
        """Send."""
        GOT.append((to, bcc))
        return "sent"

    return send


def agent(path: Path, bcc: str, **options: Any) -> LLMCompiler:
    return LLMCompiler(
        tools=[tool(effect="write", policy="ask", resource=lambda to: to)(with_default(bcc))], journal=path, **options
    )


def begun(path: Path, **options: Any) -> None:
    with pytest.raises(ApprovalPending):
        run(agent(path, "home", **options).execute('x = send("ann")\ny = send("bob")\njoin(x, y)\n', run_id="run"))


def asked_something_else(path: Path) -> None:
    with pytest.raises(ApprovalPending):
        run(agent(path, "eve").resume("run"))


@pytest.mark.parametrize(
    "answer",
    [
        lambda question: question,
        lambda question: question.answered_by,
        lambda question: f"{question.task_id}@{question.digest}",
        lambda question: f"{question.task_id}@{question.digest[:6]}",
        lambda question: question.task_id,
    ],
)
@pytest.mark.parametrize("approved", [True, False])
def test_another_question_is_not_answered(tmp_path: Path, answer: Callable[[Question], Any], approved: bool) -> None:
    path = tmp_path / "runs.db"
    begun(path)
    journal = Journal(path)
    read, other = journal.questions("run")
    asked_something_else(path)
    with pytest.raises(UsageError, match="asks something else about x by now than what was read; look at it again"):
        journal.approve("run", answer(read), approved=approved)
    with pytest.raises(UsageError, match="asks something else"):  # all are answered, or none
        journal.approve("run", f"y@{Journal(path).questions('run')[1].digest}", answer(read))
    assert len(Journal(path).questions("run")) == 2
    again, other = journal.questions("run")
    journal.approve("run", answer(again), other)
    run(agent(path, "eve").resume("run"))
    assert sorted(GOT) == [("ann", "eve"), ("bob", "eve")]


@pytest.mark.parametrize("answer", ["x@", "x@0", "x@00000000", "x@" + "0" * 32])
def test_what_is_the_beginning_of_no_digest_answers_nothing(tmp_path: Path, answer: str) -> None:
    path = tmp_path / "runs.db"
    begun(path)
    with pytest.raises(UsageError, match="asks something else about x by now"):
        Journal(path).approve("run", answer)
    first = Journal(path).questions("run")[0].digest[:5]  # too short to tell it from others
    with pytest.raises(UsageError, match="asks something else about x by now"):
        Journal(path).approve("run", f"x@{first}")


def test_a_bare_id_answers_what_is_open_where_nothing_was_listed(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    begun(path)
    asked_something_else(path)
    Journal(path).approve("run", "x", "y")
    run(agent(path, "eve").resume("run"))
    assert sorted(GOT) == [("ann", "eve"), ("bob", "eve")]


def test_a_plan_as_a_whole_is_answered_by_what_was_read_of_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    begun(path, approve_plan=True)
    journal = Journal(path)
    (question,) = journal.questions("run")
    with pytest.raises(UsageError, match="asks something else about the plan by now"):
        journal.approve("run", "@00000000")
    journal.approve("run", question.answered_by)
    assert journal.questions("run") == ()
