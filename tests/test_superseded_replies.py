"""Replies that turn out to be a thought or a draft once another one goes on from them: nothing of them is written."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from superscalar import LLMCompiler, tool
from superscalar.models.base import Chunk, Request
from superscalar.testing import run

SENT: list[int] = []
names = (f"superseded-{number}" for number in itertools.count())  # a model is remembered by its name
THINKS_ALOUD = "send(9)\n</think>\njoin(1)\n"


@tool(effect="write")
def send(n: int) -> int:
    """Send."""
    SENT.append(n)
    return n


@tool(effect="read", trust="trusted")
def look(n: int) -> int:
    """Look."""
    return n


class Dictated:
    """A model that says its replies in pieces of a size; `...` behind a reply says that it is cut there."""

    constrains = False

    def __init__(self, name: str, size: int, *replies: str) -> None:
        self.name = name
        self.size = size
        self.replies = list(replies)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        reply = self.replies.pop(0)
        text = reply.removesuffix("...")
        for begin in range(0, len(text), self.size):
            yield Chunk(text[begin : begin + self.size])
        yield Chunk(finish="stop" if text == reply else "length")


def sent(*replies: str, name: str = "") -> list[int]:
    """What is written, which is the same however the replies are cut into pieces."""
    outcomes = []
    for size in (1, 7, 1000):
        SENT.clear()
        model = Dictated(name or next(names), size, *replies)
        run(LLMCompiler(model, tools=[send, look], joiner=None).run("?"))
        assert model.replies == []
        outcomes.append(list(SENT))
    assert outcomes == outcomes[:1] * 3
    return outcomes[0]


BROKEN = "x = look(1)\nsendd(5)\njoin(x)\n"


@pytest.mark.parametrize(
    "replies",
    [
        ("send(99)\n...", "</think>\nsend(1)\njoin(1)\n"),
        ("send(99)\n...", "no, better:</think>\nsend(1)\njoin(1)\n"),
        ("send(99)\n...", "send(98)\n...", "</think>\nsend(1)\njoin(1)\n"),
        ("send(99)\n...", "</think>\n", "send(1)\njoin(1)\n"),
        (BROKEN, "send(99)\n...", "</think>\nx = look(1)\nsend(1)\njoin(x)\n"),
    ],
)
def test_a_closing_tag_takes_back_the_reply_that_it_goes_on_from(replies: tuple[str, ...]) -> None:
    assert sent(*replies) == [1]


@pytest.mark.parametrize(
    "replies",
    [
        ("send(99)\n...", "send(1)\njoin(1)\n"),
        ("send(99)\njoin()\n...", "send(1)\njoin(1)\n"),
        ("send(99)\njoin()\nHmm, better not...", "send(1)\njoin(1)\n"),
        (BROKEN, "send(99)\n...", "send(1)\n"),
        ("send(99)\n</think>\nsend(1)\nx...", "join(1)\n"),
        ("send(99)\n</think>\nsend(1)\njoin(1)\nSo it...",),
    ],
)
def test_what_a_model_that_thinks_aloud_said_before_it_was_cut_is_a_thought(replies: tuple[str, ...]) -> None:
    name = next(names)
    sent(THINKS_ALOUD, name=name)
    assert sent(*replies, name=name) == [1]


def test_other_models_go_on_from_what_was_cut() -> None:
    assert sent("send(5)\n...", "send(1)\njoin(1)\n") == [5, 1]


@pytest.mark.parametrize("first", ["send(99)\n", "send(99)\njoin(x)\n"])
@pytest.mark.parametrize("rest", ["", "\n", "\n# so", "\nsend(1 "])
def test_a_correction_that_is_cut_in_a_second_program_corrects_nothing(first: str, rest: str) -> None:
    assert sent(BROKEN, f"```\n{first}```\nNo, wait:\n```{rest}...", "send(1)\n") == [1]


def test_a_plan_without_a_join_that_is_cut_in_a_second_program_is_not_gone_on_from() -> None:
    assert sent("```\nsend(99)\n```\nNo, wait:\n```\nsend(1...", "send(1)\njoin(1)\n") == [1]


def test_a_continuation_in_bullets_says_the_same_lines_again() -> None:
    cut = "send(5)\nsend(6)\nx = ..."
    assert sent(cut, "- send(5)\n- send(6)\n- x = look(1)\n- join(x)\n") == [5, 6]
    assert sent("if 1 > 0:\n    - send(5)\nx = look(1) \\\n - look(2)\nsend(x)\njoin(x)\n") == [5, -1]
