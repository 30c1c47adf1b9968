"""What the page says that can be made in one evaluation can be made, and not much more."""

from __future__ import annotations

from pathlib import Path

import pytest

from superscalar import Failure, LLMCompiler, Observation, Options, tool
from superscalar.plan.evaluate import bounds
from superscalar.plan.read.fronts.python import MAX_MISTAKES
from superscalar.testing import run
from superscalar.values import Outcome
from superscalar.weight import MAX_WEIGHT

PAGE = Path(__file__).parent.parent.parent / "docs" / "language.md"


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


@pytest.mark.parametrize(
    "said",
    [
        f"at most {bounds.MAX_BITS:,} bits",
        f"text {bounds.MAX_TEXT // 10**6} MB",
        f"collections {bounds.MAX_ITEMS:,} items",
        f"at most {bounds.MAX_WIDTH:,} wide",
        f"at most {bounds.MAX_SOURCE // 1024} KB",
        f"{bounds.STEPS:,} steps, and {bounds.STEPS_PER_INPUT} more for everything in its inputs",
        f"make {bounds.MAX_ROOM // 10**6} MB",
        f"not read past {MAX_MISTAKES} errors",
        f"`max_fan_out` items ({Options().max_fan_out:,}), a run `max_tasks` tasks ({Options().max_tasks:,})",
        f"more than {MAX_WEIGHT // 10**6} MB or is nested more than {bounds.MAX_DEPTH} deep",
    ],
)
def test_the_bounds_are_those_that_the_page_names(said: str) -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Bounds")[2].partition("\n## ")[0]
    assert said in " ".join(section.split())
