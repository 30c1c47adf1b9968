"""A plan over pure tools that never fail comes to what CPython makes of the same program.

`SUPERSCALAR_DEPTH=10000 pytest tests/test_against_python.py` compares so many. What the calls came
to decides the value, so a call that Python needs cannot be missing; that none is made too often is looked at.
"""

from __future__ import annotations

from hypothesis import example, given, settings

from support.as_in_python import calls_beyond_python, written_by
from support.depth import examples
from support.random_programs import Writer


@settings(max_examples=examples(100, 3_000), deadline=None)
@given(written_by(Writer))
@example("a = [num(t) for t in listing(5) if flag(t) and t < num(t) < 9]\njoin(a, word(a))\n")
@example("a = 0\nb = 0\nfor i in listing(2):\n    if True:\n        a += i\n    if True:\n        b += i\njoin(a)\n")
@example("a = 1\nfor i in []:\n    a = num(i)\njoin(a)\n")
def test_a_plan_comes_to_what_python_makes_of_it(source: str) -> None:
    assert not calls_beyond_python(source)
