"""What comes behind a plan that is not in Python: prose is nothing, another program leaves open which is meant."""

from __future__ import annotations

import pytest

from superscalar import LLMCompiler, Toolset, tool
from superscalar.models.base import Chunk, Request
from superscalar.plan.read.fronts.detect import Syntax, reader_of
from superscalar.plan.read.fronts.reader import MAX_PROSE
from superscalar.plan.read.program import Program
from superscalar.testing import run

SENT: list[int] = []


@tool(effect="write")
def send(n: int) -> int:
    """Send."""
    SENT.append(n)
    return n


class Written:
    """A model that says its replies in pieces of a size, in one syntax; `...` behind a reply says that it is cut."""

    constrains = True

    def __init__(self, writes: Syntax, size: int, replies: list[str]) -> None:
        self.name = f"{writes} {size} {replies}"
        self.writes = writes
        self.size = size
        self.replies = replies.copy()

    async def stream(self, request: Request):  # type: ignore[no-untyped-def]
        reply = self.replies.pop(0)
        text = reply.removesuffix("...")
        for begin in range(0, len(text), self.size):
            yield Chunk(text[begin : begin + self.size])
        yield Chunk(finish="stop" if text == reply else "length")


def plan(syntax: Syntax, n: int, name: str = "send") -> str:
    return {
        "numbered": f"1. {name}({n})\n2. join($1)\n",
        "rewoo": f"#E1 = {name}[{n}]\n#E2 = join[#E1]\n",
        "json": f'{{"steps": [{{"id": "a", "tool": "{name}", "arguments": {{"n": {n}}}}}], "join": {{"$ref": "a"}}}}\n',
    }[syntax]


def sent(syntax: Syntax, *replies: str) -> list[int]:
    """What is written, which is the same however the replies are cut into pieces."""
    outcomes = []
    for size in (1, 7, 1000):
        SENT.clear()
        model = Written(syntax, size, list(replies))
        run(LLMCompiler(model, tools=[send], joiner=None).run("?"))
        assert model.replies == []
        outcomes.append(list(SENT))
    assert outcomes == outcomes[:1] * 3
    return outcomes[0]


@pytest.mark.parametrize("syntax", ["numbered", "rewoo", "json"])
def test_of_two_programs_none_is_run_and_the_planner_is_asked_again(syntax: Syntax) -> None:
    draft, right, wrong = plan(syntax, 9), plan(syntax, 5), plan(syntax, 5, "sendd")
    fenced = f"```\n{draft}```\nNo, better:\n```\n{right}```\n"
    assert sent(syntax, fenced, right) == [5]
    assert sent(syntax, f"{draft}No, better:\n```\n{right}", right) == [5]
    assert sent(syntax, f"```\n{draft}```\nNo, better:\n```\n{right[:9]}...", right) == [5]
    assert sent(syntax, wrong, fenced, right) == [5]


@pytest.mark.parametrize("syntax", ["numbered", "rewoo", "json"])
def test_a_closing_tag_behind_a_plan_makes_it_a_thought(syntax: Syntax) -> None:
    draft, right, wrong = plan(syntax, 9), plan(syntax, 5), plan(syntax, 5, "sendd")
    assert sent(syntax, f"{draft}hm\n</think>\n{right}") == [5]
    assert sent(syntax, wrong, f"{draft}hm\n</think>\n{right}") == [5]
    assert sent(syntax, f"{draft[: len(draft) // 2]}...", f"hm</think>\n{right}") == [5]


@pytest.mark.parametrize("syntax", ["numbered", "rewoo", "json"])
def test_prose_behind_a_plan_is_nothing(syntax: Syntax) -> None:
    right = plan(syntax, 5)
    for text in (f"{right}This sends.\n", f"```\n{right}```\nThis sends.\n", f"{right}This...", right + "words " * 200):
        assert sent(syntax, text) == [5]


@pytest.mark.parametrize("syntax", ["numbered", "rewoo", "json"])
def test_behind_a_correction_no_more_is_read_than_behind_a_plan(syntax: Syntax) -> None:
    program = Program(Toolset([send]).signatures)
    for corrects in (False, True):
        if corrects:
            program.begin_repair()
        reader = reader_of(syntax, program)
        reader.feed(plan(syntax, 5, "sendd"))
        assert (reader.tail, reader.ended) == ("prose", False)
        reader.feed("w" * (MAX_PROSE + 1))
        assert reader.ended
        reader.finish()


def test_another_plan_in_json_needs_no_fence() -> None:
    assert sent("json", plan("json", 9) + "No:\n" + plan("json", 5), plan("json", 5)) == [5]
