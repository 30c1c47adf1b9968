"""The benchmark of thoughts with a scripted model: it counts errors as it says, and goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import thoughts
from benchmarks.thoughts import SHAPES, WAYS, main, rows_of


def test_every_way_does_every_task_and_what_is_done_is_not_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rows.jsonl"
    main(["--count", "1", "--out", str(out)])
    rows = rows_of(out)
    assert {(row["task"], row["way"]) for row in rows} == {(task, way) for task in SHAPES for way in WAYS}
    assert not any(row["failed"] for row in rows)
    printed = capsys.readouterr().out
    main(["--count", "1", "--out", str(out)])
    assert rows_of(out) == rows
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("task", "given", "found", "errors"),
    [
        ("sorting 32", [2, 1, 3], [1, 2, 3], 0),
        ("sorting 32", [2, 1, 3], [2, 1], 2),
        ("set intersection", [[1, 2, 3], [2, 3, 4]], [2, 5], 2),
        ("keyword counting", ["They went from Peru to Peru."], ["Peru"], 1),
        ("document merging", ["Clause 1: a. Clause 2: b."], "Clause 1: a. Clause 1: a.", 2),
        ("game of 24", [8, 3, 1, 1], "8 * 3 * 1 * 1 = 24", 0),
        ("game of 24", [8, 3, 1, 1], "8 * 3 * 1", 1),
        ("game of 24", [8, 3, 1, 1], "(8, 3, 1, 1)", 1),
    ],
)
def test_errors_are_those_of_the_paper(task: str, given: object, found: object, errors: float) -> None:
    assert SHAPES[task].errors(given, found) == errors


def test_nothing_is_begun_when_the_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--minutes", "-1"])
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert thoughts.rows_of(Path("no such file")) == []
