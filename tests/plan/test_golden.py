"""Diagnostics, word for word: each file of `golden/` is a command, a plan, `---` and what the command prints.

Where they quote what Python itself says of a text, what a later Python says follows behind `--- since Python 3.12`.

`SUPERSCALAR_UPDATE_GOLDEN=1 pytest tests/plan/test_golden.py` writes what it prints now; the difference is to be read.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import superscalar.plan
from superscalar.compiler.given_inputs import checked_plan
from superscalar.extractor import extraction
from superscalar.plan.ir.signatures import Signatures
from superscalar.tools.toolset import Toolset
from support import golden_tools

_SINCE = "--- since Python "
COMMAND = "$ superscalar check plan.py --tools tools.py\n"
FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))
TOOLS = Toolset.from_module(golden_tools).signatures
ELSEWHERE = Signatures(
    replace(
        signature,
        parameters=tuple(replace(parameter, annotated=False) for parameter in signature.parameters),
        output=replace(signature.output, annotated=False),
    )
    for signature in TOOLS
)
"""The same tools, as a schema from elsewhere would tell of them."""
EXTRACTING = extraction((), {"Page": golden_tools.Page}, Toolset.from_module(golden_tools)).signatures


def _split(path: Path) -> tuple[str, str]:
    """Plan and expected text of a golden file, line ends as they are."""
    with path.open(encoding="utf-8", newline="") as file:
        command, _, rest = file.read().partition("\n")
    assert f"{command}\n" == COMMAND, f"{path.name} begins with another command"
    plan, separator, expected = rest.partition("---\n")
    assert separator, f"{path.name} has no line ---"
    for version, text in reversed(_later(expected)):
        if sys.version_info >= version:
            return plan, text
    return plan, expected[: expected.find(_SINCE)] if _SINCE in expected else expected


def _later(expected: str) -> list[tuple[tuple[int, ...], str]]:
    """What later versions of Python say instead, the oldest first."""
    parts = (part.partition("\n") for part in expected.split(_SINCE)[1:])
    return [(tuple(map(int, version.split("."))), text) for version, _, text in parts]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_diagnostic_reads_as_it_did(path: Path) -> None:
    """The whole output is compared: messages are for models, and every word of them counts (L32)."""
    plan, expected = _split(path)
    found = (
        replace(diagnostic, file="plan.py")
        for diagnostic in checked_plan(
            plan, {"extract": EXTRACTING, "elsewhere": ELSEWHERE}.get(path.stem.partition("-")[0], TOOLS)
        )
    )
    printed = "\n".join(f"{diagnostic}\n" for diagnostic in found)
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        assert _SINCE not in path.read_text(encoding="utf-8"), "what each version says is written by hand"
        path.write_bytes(f"{COMMAND}{plan}---\n{printed}".encode())
    else:
        assert printed == expected


def test_every_refused_construct_has_its_own_words() -> None:
    """None of the golden files shows the words for constructs that nobody thought of (L5)."""
    for path in FILES:
        assert "write it with calls, names and expressions" not in _split(path)[1], path.name


def test_every_code_has_a_golden_file() -> None:
    """But for the plans that are too long to be kept in one, which `test_reading` writes."""
    room = Path(superscalar.plan.__file__).parent
    codes = {code for file in room.rglob("*.py") for code in re.findall(r'"([EW]\d{3})"', file.read_text())}
    shown = {code for path in FILES for code in re.findall(r"\b[EW]\d{3}\b", _split(path)[1])}
    assert codes - shown == {"E403", "E404"}
