"""Some cases of the fuzzer, always the same ones; and what it does with a finding."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

import fuzz.plans
from fuzz.examine import Finding, examine
from fuzz.plans import case, minimised
from fuzz.sources import SOURCES
from superscalar.plan.read.lines import Lines, Statement
from support.depth import campaign

CASES = campaign(50)


@pytest.mark.search
def test_nothing_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts, kept, number = fuzz.plans.fuzz("ci", CASES, tmp_path, lambda: False)
    assert kept == [], capsys.readouterr().out
    assert counts.total() == number == len(CASES)
    assert {name.split()[1] for name in counts} == {"refused", "ran"}
    assert {name.split()[3] for name in counts} == {"python", "numbered", "rewoo", "json"}


def test_a_case_is_the_same_text_again() -> None:
    assert case("a", 5)[:2] == case("a", 5)[:2] != case("a", 6)[:2]
    assert {case("a", number)[0] for number in range(100)} == set(SOURCES)


def test_a_finding_is_made_smaller_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a reader for which empty chunks are lines."""
    feed = Lines.feed

    def wrong(self: Lines, text: str) -> list[Statement]:
        found = [*feed(self, text)]
        if not text:
            self._pieces.append("")
        return found

    monkeypatch.setattr(Lines, "feed", wrong)
    _, kept, _ = fuzz.plans.fuzz("ci", range(330, 1_000), tmp_path, lambda: any(tmp_path.glob("*.json")))
    assert kept
    monkeypatch.undo()
    assert minimised("a\nbb\nb1\n", lambda text: "1" in text) == "1"


def test_a_handle_that_is_looked_into_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here by whatever shows it."""
    monkeypatch.setattr("superscalar.plan.evaluate.elements.handle_text", lambda value: str(value.anything))
    with pytest.raises(Finding, match="a handle is looked into"):
        examine("a = canary()\nb = f'{a}'\njoin(default(b, 1))\n", Random(1))
