"""What a gateway says of itself is short enough, and true: what a model learns from it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from superscalar import LLMCompiler, tool
from superscalar.errors import PlanError
from superscalar.gateway import texts
from superscalar.testing import run

SKILL: Final = Path(__file__).parents[2] / "skills" / "superscalar" / "SKILL.md"


class Read(NamedTuple):
    """What a file has."""

    content: str


@tool(effect="read", trust="trusted")
async def list_files(folder: str) -> list[str]:
    """The files of a folder."""
    return [f"{folder}/{name}" for name in ("a", "b")]


@tool(effect="read")
async def read_file(path: str) -> Read:
    """A file."""
    return Read(path * 200)


@tool(effect="read", trust="trusted")
async def stock(item: str) -> int:
    """How many there are."""
    return 3


@tool(effect="write", sink="item")
async def order(item: str, count: int) -> str:
    """Order some."""
    ORDERED.append((item, count))
    return "ordered"


ORDERED: Final[list[tuple[str, int]]] = []
AGENT: Final[LLMCompiler[Any, Any]] = LLMCompiler(tools=[list_files, read_file, stock, order])


def example(number: int) -> str:
    """One of the plans that the instructions show."""
    part = texts.INSTRUCTIONS.split("\nExample")[1 + number].split(":\n", 1)[1] + "\n"
    return part[: part.index("\n", part.index("join("))]


def test_instructions_are_as_long_as_clients_take_them() -> None:
    assert len(texts.INSTRUCTIONS.encode()) <= texts.MOST_INSTRUCTIONS == 2_048


def test_a_client_that_leaves_instructions_out_reads_them_with_the_tool() -> None:
    assert texts.RUN_PLAN.startswith(texts.INSTRUCTIONS)


def test_the_first_example_runs_and_joins_counts_and_parts() -> None:
    first = {"count": 2, "long": [(f"notes/{name}" * 200)[:80] for name in "ab"]}
    assert run(AGENT.execute(example(0))).joined == first


def test_the_second_example_writes_where_its_condition_holds() -> None:
    ORDERED.clear()
    assert run(AGENT.execute(example(1))).joined == 3
    assert ORDERED == [("bolt", 50)]


def test_all_that_is_named_of_the_language_runs() -> None:
    plan = """
xs = [3, 1, 2]
pairs = {k: len(k) for k in ["a", "bb"]}
out = []
for n in range(2):
    out.append(n * 2)
try:
    number = int("no")
except ValueError:
    number = 7
text = f"{sum(xs)} {min(xs)} {max(xs)} {sorted(xs)[0]} {round(1.26, 1)} {str(float('1'))}"
if number > 7:
    size = "large"
elif number == 7:
    size = "seven"
else:
    size = "small"
join(pairs=pairs, out=out, text=text, size=size, zipped=[a + b for a, b in zip(xs, xs)],
    counted=[i for i, x in enumerate(xs) if x > 1], parsed=parse_json('{"a": [5]}')["a"][0],
    first=first(2, [stock(item=x) for x in "abc"]), parts=xs[:2], upper="a".upper(), chosen=1 if xs else 0)
"""
    assert run(AGENT.execute(plan)).joined == {
        "pairs": {"a": 1, "bb": 2}, "out": [0, 2], "text": "6 1 3 1 1.3 1.0", "size": "seven", "zipped": [6, 2, 4],
        "counted": [0, 2], "parsed": 5, "first": [3, 3], "parts": [3, 1], "upper": "A", "chosen": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "plan",
    [
        "def f(x):\n    return x",
        "class A:\n    pass",
        "while True:\n    x = 1",
        "x = open('a')",
        "f = lambda x: x\ny = f(1)",
        "x = requests('a')",
    ],
)
def test_what_is_said_not_to_exist_is_a_mistake(plan: str) -> None:
    with pytest.raises(PlanError):
        AGENT.compile(f"{plan}\njoin(1)")


def test_a_failed_call_stands_in_join_and_the_words_for_it_work() -> None:
    plan = "bad = int('no')\njoin(bad=bad, mended=default(bad, 0), good=ok([stock(item='a'), bad]))"
    joined = run(AGENT.execute(plan)).joined
    assert (joined["mended"], joined["good"]) == (0, [3])
    assert "no" in str(joined["bad"])


def test_the_skill_says_what_the_gateway_says() -> None:
    head, body = SKILL.read_text(encoding="utf-8").removeprefix("---\n").split("\n---\n", 1)
    said = dict(line.split(": ", 1) for line in head.splitlines())
    assert said["name"] == SKILL.parent.name
    assert 0 < len(said["description"]) <= 1_024
    assert texts.INSTRUCTIONS in body
