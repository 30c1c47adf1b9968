"""What the page says that can be made in one evaluation can be made, and not much more."""

from __future__ import annotations

import pytest

from superscalar import Failure, LLMCompiler, Observation, tool
from superscalar.testing import run
from superscalar.values import Outcome


@tool(effect="read")
async def numbers() -> list[int]:
    return list(range(100_000))


def outcome(expression: str) -> Outcome:
    return run(LLMCompiler(tools=[numbers]).execute(f"given = numbers()\nx = {expression}\njoin(x)\n"))["x"]


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("list(range(100000))", 100_000),
        ("[1] * 100000", 100_000),
        ("[i for i in range(43000)]", 43_000),
        ("[str(i) for i in range(23000)]", 23_000),
        ("[i for i in given]", 100_000),
    ],
)
def test_so_many_items_can_be_made(expression: str, count: int) -> None:
    assert outcome(f"len({expression})") == Observation(count)


@pytest.mark.parametrize(
    "expression", ["list(range(100001))", "[1] * 100001", "[i for i in range(44000)]", "[str(i) for i in range(24000)]"]
)
def test_more_cannot(expression: str) -> None:
    found = outcome(expression)
    assert isinstance(found, Failure)
    assert found.kind == "bounds"
