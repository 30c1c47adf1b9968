"""What each pass does and says of it: each file of `golden/passes/` is a command, a plan, `---` and what it prints.

`SUPERSCALAR_UPDATE_GOLDEN=1 pytest tests/plan/test_passes.py` writes what it prints now; the difference is to be read.
"""

from __future__ import annotations

import os
from pathlib import Path

import pass_tools
import pytest

from superscalar.plan import compile_plan
from superscalar.plan.ir import Plan
from superscalar.plan.passes.pipeline import explain
from superscalar.plan.print.listing import explanation
from superscalar.tools.toolset import Toolset

COMMAND = "$ superscalar check plan.py --tools pass_tools.py --explain\n"
FILES = sorted((Path(__file__).parent / "golden" / "passes").glob("*.txt"))
TOOLS = Toolset.from_module(pass_tools).signatures


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_pass_does_what_it_did(path: Path) -> None:
    """The whole explanation is compared."""
    command, _, rest = path.read_text(encoding="utf-8").partition("\n")
    assert f"{command}\n" == COMMAND
    plan, separator, expected = rest.partition("---\n")
    assert separator
    printed = explanation(explain(compile_plan(plan, TOOLS), TOOLS))
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        path.write_text(f"{COMMAND}{plan}---\n{printed}", encoding="utf-8")
    else:
        assert printed == expected


def test_every_pass_has_a_golden_file() -> None:
    """One in which it has something to do, named for it."""
    stages = explain(Plan(()), TOOLS)
    assert {stage.name for stage in stages[1:]} == {path.stem.partition("-")[0] for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_explanation_ends_with_the_plan_that_runs(path: Path) -> None:
    """Explaining is doing it again, with words."""
    plan = compile_plan(path.read_text(encoding="utf-8").partition("\n")[2].partition("---\n")[0], TOOLS)
    assert explain(plan, TOOLS)[-1].tasks == plan.tasks
