"""An answer as it is written: which pieces are of which attempt, and which attempt is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from superscalar import Failure, JoinError, Journal, LLMCompiler, RunResult, tool
from superscalar.events import AnswerRejected, AnswerWritten, Event, Joined
from superscalar.observe.account import Account
from superscalar.observe.view import RunView
from superscalar.testing import ScriptedModel, run

PLAN = "a = look(1)\nb = look(0)\njoin(a, b)\n"


class Total(BaseModel):
    """A typed answer."""

    total: int


@tool(effect="read")
async def look(number: int) -> int:
    """Look it up."""
    if not number:
        raise LookupError("there is none")
    return number


def answered(*says: str, **options: Any) -> RunResult:
    return run(LLMCompiler(ScriptedModel(PLAN, *says), [look], **options).run("Well?"))


def of_answer(events: tuple[Event, ...]) -> list[Event]:
    return [event for event in events if isinstance(event, AnswerWritten | AnswerRejected | Joined)]


def told(event: Event) -> tuple[Any, ...]:
    match event:
        case AnswerWritten(text=text, attempt=attempt):
            return "written", attempt, text
        case AnswerRejected(attempt=attempt, why=why):
            return "rejected", attempt, why.splitlines()[0]
        case Joined(answer=answer):
            return "joined", answer
    return ()


def test_an_answer_that_does_not_fit_is_told_apart_from_the_one_that_does() -> None:
    happened = of_answer(answered("none", '{"total": 2}', output_type=Total).events)
    words = [told(event) for event in happened]
    assert [word[:2] for word in words if word[0] != "joined"] == [
        *[("written", 1)] * sum(word[:2] == ("written", 1) for word in words),
        ("rejected", 1),
        *[("written", 2)] * sum(word[:2] == ("written", 2) for word in words),
    ]
    assert "".join(text for kind, attempt, text in words[:-1] if (kind, attempt) == ("written", 2)) == '{"total": 2}'
    assert words[-1] == ("joined", Total(total=2))


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (" ", "it is empty"),
        ("REPLAN: more", "it asks for another round, and there is none"),
    ],
)
def test_an_answer_that_is_none_is_rejected_with_the_reason(says: str, why: str) -> None:
    happened = of_answer(answered(says, "So.", max_replans=0).events)
    assert [told(event) for event in happened if isinstance(event, AnswerRejected)] == [("rejected", 1, why)]
    assert told(happened[-1]) == ("joined", "So.")


def test_the_last_attempt_is_rejected_too() -> None:
    model = ScriptedModel(PLAN, "", "", "")
    stream = LLMCompiler(model, [look]).stream("Well?")

    async def follow() -> list[Event]:
        with pytest.raises(JoinError):
            await stream.result()
        return list(stream.events)

    rejected = [event.attempt for event in run(follow()) if isinstance(event, AnswerRejected)]
    assert rejected == [1, 2, 3]


def test_views_begin_anew_with_the_next_attempt() -> None:
    view, told_so_far = RunView(), list[str]()
    account = Account(view)
    lines: list[tuple[str, str]] = []
    for event in answered("none", '{"total": 2}', output_type=Total).events:
        view.apply(event)
        lines += account.of(event)
        if isinstance(event, AnswerWritten):
            told_so_far.append(view.answer_text)
    assert "none" in told_so_far
    assert told_so_far[-1] == '{"total": 2}'
    assert [word for word, _ in lines].count("rejected") == 1


def test_without_a_joiner_what_is_joined_is_an_event() -> None:
    result = answered(joiner=None)
    (joined,) = of_answer(result.events)
    assert isinstance(joined, Joined)
    assert joined.answer == result.answer == [1, Failure("error", "there is none", "LookupError")]
    assert result.timing.joining == 0.0


def test_a_run_that_died_behind_that_event_comes_to_the_same(tmp_path: Path) -> None:
    whole = answered(joiner=None, journal=tmp_path / "runs.db")
    about = Journal(tmp_path / "runs.db").about(whole.run_id)
    assert isinstance(whole.events[-2], Joined)

    async def die() -> None:
        log = Journal(tmp_path / "died.db").begin("died", about)
        for event in whole.events[:-1]:
            log.append(event)
        log.close()

    run(die())
    agent = LLMCompiler(ScriptedModel(), [look], joiner=None, journal=tmp_path / "died.db")
    assert run(agent.resume("died")).answer == whole.answer
