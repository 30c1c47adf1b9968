"""Real processes that write into a folder of saved plans, killed with SIGKILL at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from superscalar.saved.folder import PlanFolder
from support.depth import campaign, examples

pytestmark = [pytest.mark.search, pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")]

WRITER = """
import itertools, pathlib, sys
from superscalar.saved.folder import PlanFolder
folder = PlanFolder(pathlib.Path(sys.argv[1]))
for number in itertools.count():
    with folder.writing():
        folder.write_file("brief.plan", f"{number % 10}" * 200_000)
"""


def test_what_stands_there_is_whole_whenever_writers_are_killed(tmp_path: Path) -> None:
    """Two write, and each is killed in its turn: the file is one that was written, and the next one can write."""
    folder, chance = PlanFolder(tmp_path / "plans"), Random(campaign(1)[0])
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}

    def begun() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WRITER, str(folder.path)], env=here)

    writers = [begun(), begun()]
    try:
        until = time.monotonic() + 30
        while not folder.file("brief").exists():
            assert time.monotonic() < until, "nobody writes"
            time.sleep(0.01)
        for _ in range(examples(2)):
            time.sleep(chance.uniform(0.0, 0.02))
            writers[0].kill()
            writers[0].wait()
            text = folder.read("brief") or ""
            assert (len(text), len(set(text))) == (200_000, 1)
            writers = [writers[1], begun()]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    with folder.writing():
        folder.write_file("brief.plan", "join(1)\n")
    assert [*folder.path.iterdir()] == [folder.file("brief")]
