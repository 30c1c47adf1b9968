"""The benchmark beside peers: its own parts, with the bare loop and ours. No peer is installed for this."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.peers import __main__ as command
from benchmarks.peers.driver import Peer, timed
from benchmarks.peers.measure import Settings, everything
from benchmarks.peers.peers import CONTENDERS, FLOOR, OURS, ROOT, Contender
from benchmarks.peers.process import Driver, Failed
from benchmarks.peers.report import BEGIN, END, behind, in_terminal, into_page, together
from benchmarks.peers.shapes import SHAPES, Timed, chain, expected, fast_bound, layered, random_layers, verify, wide

from support.depth import searching


def row(peer: str, run: float, **more: Any) -> dict[str, Any]:
    return {
        "group": 0, "section": "cost", "shape": "wide", "size": 100, "peer": peer, "run": run, "total": run + 1.0
    } | more  # fmt: skip


FOUND = {
    "peers": {OURS: {"versions": {"superscalar": "1"}, "configuration": "all on"}},
    "rows": [
        row(FLOOR, 1.0),
        row(OURS, 3.0),
        row("fast", 1.5),
        row("slow", 7.0),
        row("late", 0.0, note="more than 60 s"),
    ],
}


def test_the_shapes_are_what_they_say() -> None:
    assert wide(3) == ((), (), ())
    assert chain(3) == ((), (0,), (1,))
    assert expected(chain(3)) == [1, 2, 3]
    graph = layered(250)
    assert [len(needed) for needed in graph] == [0] * 100 + [2] * 150
    assert {j // 100 for needed in graph[200:] for j in needed} == {1}


@pytest.mark.parametrize("found", [[1, 2], [1, 2, 4], [1, 2, 3, 4]])
def test_a_result_that_is_missing_or_wrong_is_no_measurement(found: list[int]) -> None:
    with pytest.raises(AssertionError, match="the first wrong one is task"):
        verify(chain(3), found)


def test_no_schedule_beats_the_bound() -> None:
    assert Timed(chain(3), (1.0, 2.0, 3.0), ("pause",) * 3, cap=8).bound == 6.0
    assert Timed(wide(4), (1.0,) * 4, ("pause",) * 4, cap=2).bound == 2.0
    assert random_layers(3) == random_layers(3)
    assert fast_bound() == pytest.approx(0.04)


@pytest.mark.search
@pytest.mark.skipif(not searching(), reason="it takes seconds; make search does it")
def test_the_bare_loop_and_ours_are_measured_beside_each_other(tmp_path: Path) -> None:
    settings = Settings([FLOOR, OURS, "superscalar from text"], [100], 1, tmp_path, seeds=(1,))
    found = everything(settings, ["cost", "makespan", "memory", "journal"])
    notes = {(r["section"], r["peer"]): r["note"] for r in found["rows"] if "note" in r}
    assert notes == {("journal", FLOOR): "unsupported: nothing is kept on disk"}
    assert {(r["section"], r["shape"]) for r in found["rows"] if "shape" in r} == {
        (section, shape) for section in ("cost", "journal") for shape in SHAPES
    }
    assert all(r["run"] > 0.0 for r in found["rows"] if r["section"] in ("cost", "journal") and "note" not in r)
    assert all(r["over_bound"] > 1.0 for r in found["rows"] if r["section"] == "makespan")
    assert "Cost per task: layered" in in_terminal(found)


class Pretending(Peer):
    """Notes times without running anything."""

    def __init__(self, *times: tuple[float, float]) -> None:
        self._times = times

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        def run() -> None:
            starts[:], ends[:] = zip(*self._times, strict=True)

        return run


@pytest.mark.parametrize(
    ("times", "wrong"),
    [
        ([(0.0, 0.0), (1.0, 2.0)], "task 0 did not sleep"),
        ([(0.0, 1.0), (0.5, 1.5)], "task 1 started before its inputs were there"),
    ],
)
def test_a_peer_that_only_pretends_is_no_measurement(times: list[tuple[float, float]], wrong: str) -> None:
    with pytest.raises(AssertionError, match=wrong):
        timed(Pretending(*times), Timed(chain(2), (1.0, 1.0), ("pause",) * 2, cap=1))


def test_more_calls_at_once_than_the_cap_are_no_measurement() -> None:
    with pytest.raises(AssertionError, match="2 calls at once under a cap of 1"):
        timed(Pretending((0.0, 1.0), (0.5, 1.5)), Timed(wide(2), (1.0, 1.0), ("pause",) * 2, cap=1))


def test_a_driver_says_what_went_wrong_and_goes_on() -> None:
    driver = Driver(CONTENDERS[FLOOR], Path(sys.executable))
    try:
        with pytest.raises(Failed, match="KeyError: 'star'"):
            driver.ask(30.0, do="cost", shape="star", size=1)
        assert driver.ask(30.0, do="cost", shape="wide", size=1).keys() == {"build", "run"}
    finally:
        driver.close()
    assert not driver.alive


def test_a_driver_that_does_not_start_says_why() -> None:
    with pytest.raises(Failed, match="No module named"):
        Driver(Contender("nobody", "nobody"), Path(sys.executable))


def test_tables_show_ratios_and_where_a_peer_is_ahead() -> None:
    assert in_terminal(FOUND) == (
        "Cost per task: wide\n"
        "over superscalar  100: run  100: total  100: x bare\n"
        "bare loop             0.33        0.50         1.00\n"
        "superscalar           1.00        1.00         2.00\n"
        "fast                  0.50        0.62         1.25\n"
        "slow                  2.33        2.00         4.00\n"
        "late                > 60 s\n\n"
        "behind: cost wide 100, run: fast takes 0.50 x of ours\n"
        "        cost wide 100, total: fast takes 0.62 x of ours"
    )
    assert behind([row(OURS, 1.0), row("slow", 2.0)]) == []


def test_a_row_is_compared_with_ours_of_its_own_group() -> None:
    other = {"peers": {}, "rows": [row(OURS, 30.0), row("heavy", 15.0)]}
    found = together([FOUND, other])
    assert [r["group"] for r in found["rows"]] == [0, 0, 0, 0, 0, 1, 1]
    assert "heavy                 0.50" in in_terminal(found)
    assert behind(found["rows"])[2] == "cost wide 100, run: heavy takes 0.50 x of ours"


def test_the_page_keeps_what_stands_around_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    into_page(page, FOUND)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| slow | 2.33 | 2.00 | 4.00 |" in text
    page.write_text("no marks")
    with pytest.raises(ValueError, match="no marks to write between"):
        into_page(page, FOUND)


def test_the_page_of_this_project_has_its_marks_and_every_peer_its_pins() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    assert BEGIN in text
    assert END in text
    for contender in CONTENDERS.values():
        if contender.environment:
            pins = (ROOT / "benchmarks" / "peers" / "requirements" / f"{contender.environment}.txt").read_text()
            assert all("==" in line for line in pins.split())
            assert (ROOT / "benchmarks" / "peers" / "drivers" / f"{contender.driver}.py").exists()


def test_check_fails_where_a_peer_is_ahead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(FOUND))
    monkeypatch.setattr(sys, "argv", ["peers", "--rows", str(rows), "--check"])
    assert command.main() == 1
    assert "fast takes 0.50 x of ours" in capsys.readouterr().out
