"""A plan with the forms that models love comes to what CPython makes of it, failures that a `try` catches included.

`SUPERSCALAR_DEPTH=100000 pytest tests/test_new_forms_against_python.py` compares 10,000.
"""

from __future__ import annotations

from hypothesis import given, settings

from support.as_in_python import calls_beyond_python, written_by
from support.depth import examples
from support.new_forms import RISKY, NewFormsWriter


@settings(max_examples=examples(30), deadline=None)
@given(written_by(NewFormsWriter))
def test_a_plan_in_the_forms_that_models_love_comes_to_what_python_makes_of_it(source: str) -> None:
    beyond = calls_beyond_python(source, RISKY)
    assert not beyond or "try:" in source  # where Python goes no further, a map has made its other reads all the same
