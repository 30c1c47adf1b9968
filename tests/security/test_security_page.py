"""The page says what is stopped, and which test proves it: each of these is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [line for line in PAGE.split("| attack |", 1)[1].split("\n## ")[0].splitlines() if line.startswith("| ")]

KNOWN = """
instructions in what a tool returns; $1; plan syntax in an observation; an error message; description; name of a file
joiner; repair; destination; history; reason; journal; URL; progress messages; extract; batch; native tool calls
exhausts; attributes; objects
""".strip().replace("\n", ";")


@pytest.mark.parametrize(("file", "test"), NAMED, ids=lambda part: part)
def test_every_test_that_the_page_names_is_there(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_attack_of_the_table_has_a_proof() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if not re.search(r"`tests/[\w/]+\.py::\w+`", row.rsplit(" | ", 1)[1])] == []


@pytest.mark.parametrize("attack", [attack.strip() for attack in KNOWN.split(";")])
def test_the_attacks_that_are_known_are_in_the_table(attack: str) -> None:
    assert any(attack in row.split(" | ")[0] for row in ROWS), attack
