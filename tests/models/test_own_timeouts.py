"""A model that gives up waiting for something of its own has failed, whatever time it is given here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from superscalar import LLMCompiler, ModelError, RunResult
from superscalar.events import AnswerCut
from superscalar.models.base import Chunk, Request
from superscalar.testing import run

PLAN = "join(1)\n"
SAID = "socket gave up waiting: no byte came"


class Socket:
    """Says one reply after another; of one that is empty, or has no end (`...`), nothing more ever comes."""

    constrains = False
    name = "socket"

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        reply = self.replies.pop(0)
        text = reply.removesuffix("...")
        if text:
            yield Chunk(text)
        if text != reply or not text:
            raise TimeoutError("no byte came")
        yield Chunk(finish="stop")


def asked(*replies: str, seconds: float | None, **options: Any) -> RunResult:
    agent = LLMCompiler(Socket(*replies), planner_timeout=seconds, joiner_timeout=seconds, **options)
    return run(agent.run("Why?"))


@pytest.mark.parametrize("seconds", [None, 120.0])
@pytest.mark.parametrize("before", [(), (PLAN,)])
def test_it_is_asked_again_where_nothing_has_come(before: tuple[str, ...], seconds: float | None) -> None:
    left = (PLAN, "It is 1.")[len(before) :]
    assert asked(*before, "", "", *left, seconds=seconds).answer == "It is 1."


@pytest.mark.parametrize("seconds", [None, 120.0])
@pytest.mark.parametrize("before", [(), (PLAN,)])
def test_in_the_end_the_error_says_what_it_says(before: tuple[str, ...], seconds: float | None) -> None:
    with pytest.raises(ModelError) as failed:
        asked(*before, "", "", "", seconds=seconds)
    assert str(failed.value) == SAID


@pytest.mark.parametrize("seconds", [None, 120.0])
def test_an_answer_that_had_begun_is_cut_there(seconds: float | None) -> None:
    result = asked(PLAN, "It is...", "It is 1.", seconds=seconds)
    assert result.answer == "It is 1."
    assert [event.why for event in result.events if isinstance(event, AnswerCut)] == [SAID]


def test_a_text_that_it_was_to_read_is_given_to_it_again() -> None:
    agent = LLMCompiler(extractor=Socket("", '{"value": 7}'), extractor_timeout=None)
    found = run(agent.execute('x = extract("seven", "int", "the number")\njoin(x)\n'))
    assert found.joined == 7
