"""Real processes, killed with SIGKILL in the middle of runs, and the runs resumed until they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.depth import campaign, examples

pytestmark = [pytest.mark.search, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")]

KILLS = examples(20)
SEED = campaign(1)[0] + 2026


def test_nothing_is_done_twice_and_the_answer_is_the_same_however_often_processes_are_killed(tmp_path: Path) -> None:
    """60 tasks: chains, maps, an `if`, a race, shared calls, and writes of both kinds."""
    counts = killed(tmp_path, KILLS)
    assert counts["tasks"] >= 60
    assert counts["resumed"] >= KILLS // 4
    assert counts["asked"] > counts["found done"] > 0
    assert min(counts[f"killed {how}"] for how in ("time", "before a transaction", "after a transaction")) > 0


def test_nor_is_it_inside_of_a_plan_that_another_one_calls(tmp_path: Path) -> None:
    counts = killed(tmp_path, max(KILLS, 50), "called")
    assert counts["tasks"] >= 60
    assert counts["resumed"] >= 12
    assert counts["asked"] > 0


def killed(path: Path, kills: int, *how: str) -> dict[str, int]:
    """What was counted of so many deaths."""
    driver = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(driver), str(path), str(kills), str(SEED), *how]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    ended = subprocess.run(command, env=here, capture_output=True, text=True, timeout=60 + 3 * kills, check=False)
    sys.stdout.write(ended.stdout)
    assert ended.returncode == 0, ended.stderr
    counts: dict[str, int] = json.loads(ended.stdout)
    assert counts["kills"] >= kills
    return counts
