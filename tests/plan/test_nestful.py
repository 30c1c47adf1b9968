"""254 gold plans that nobody here wrote: each is lowered, printed and read back, or says what is wrong (L28, L32)."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from superscalar.plan import check
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.print.program import print_plan
from support.fronts import FrontReading, front
from support.nestful import plan_text, signatures
from support.programs_read import placeless
from support.shared_data import FOLDER, shared

GOLDEN = Path(__file__).parent.parent / "golden" / "nestful.txt"
PARTS = {"executable": 85, "glaive": 169}
ABSENT = pytest.mark.skipif(
    shared("nestful_glaive_data.json") is None, reason=f"there is no nestful_glaive_data.json in {FOLDER}"
)


def _plans(part: str) -> tuple[list[str], Signatures]:
    tools = signatures(shared(f"nestful_{part}_spec.json"))
    return [plan_text(case["output"]) for case in shared(f"nestful_{part}_data.json")], tools


def _same(reading: FrontReading, again: FrontReading) -> bool:
    tasks, others = ([repr(placeless(task)) for task in r.program.in_order()] for r in (reading, again))
    return tasks == others


@ABSENT
@pytest.mark.parametrize("part", PARTS)
def test_a_gold_plan_prints_as_python_and_reads_back_or_has_diagnostics(part: str) -> None:
    """The very same tasks; and in single characters too."""
    plans, tools = _plans(part)
    assert len(plans) == PARTS[part]
    for text in plans:
        reading = front("json", text, tools)
        streamed = FrontReading("json", tools)
        streamed.feed(*text)
        streamed.finish()
        assert (streamed.tasks, streamed.found) == (reading.tasks, reading.found)
        assert reading.program.complete is not bool(reading.problems)
        if reading.program.complete:
            printed = print_plan(reading.program.in_order())
            again = front("python", printed, tools)
            assert _same(reading, again), printed
            assert print_plan(again.program.in_order()) == printed


def _counts(part: str) -> list[str]:
    plans, tools = _plans(part)
    found: Counter[str] = Counter()
    having: Counter[str] = Counter()
    for text in plans:
        codes = [diagnostic.code for diagnostic in check(text, tools, "json") if diagnostic.code != "W502"]
        found.update(codes)
        having.update(dict.fromkeys(codes, 1))
        having["an error"] += any(code.startswith("E") for code in codes)
        having["any finding"] += bool(codes)
    lines = [f"{part}: {len(plans)} plans, {having['any finding']} with findings, {having['an error']} with errors"]
    return [*lines, *(f"  {code}: {found[code]} in {having[code]} plans" for code in sorted(found))]


@ABSENT
def test_the_static_check_finds_what_it_found() -> None:
    """By kind. Some gold plans are wrong against their own specification; what is in the file was looked at.

    `SUPERSCALAR_UPDATE_GOLDEN=1` writes what is found now.
    """
    text = "".join(f"{line}\n" for part in PARTS for line in _counts(part))
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text
