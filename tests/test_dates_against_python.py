"""Programs that compute with dates come to what CPython makes of them."""

from __future__ import annotations

from hypothesis import given, settings

from support.as_in_python import calls_beyond_python, written_by
from support.dated_programs import DATED, IMPORT, DatedWriter
from support.depth import examples


@settings(max_examples=examples(50, 1_000), deadline=None)
@given(written_by(DatedWriter))
def test_a_plan_with_dates_comes_to_what_python_makes_of_it(source: str) -> None:
    assert not calls_beyond_python(source, DATED, above=IMPORT)
