"""A plan that changes collections in place comes to what CPython makes of it, or is refused: somebody would see it.

`SUPERSCALAR_DEPTH=10000 pytest tests/test_changes_against_python.py` compares so many.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import event, example, given, settings

from superscalar.plan import check
from superscalar.tools.toolset import Toolset
from support.as_in_python import calls_beyond_python, written_by
from support.depth import examples
from support.random_changes import ChangeWriter
from support.random_programs import FUNCTIONS, asynchronous

_NOT_SEEN = frozenset({"E201", "E204", "E207"})
"""The errors that say that somebody else would see a change."""

SIGNATURES = Toolset([asynchronous(function, Counter()) for function in FUNCTIONS]).signatures


@settings(max_examples=examples(60, 1_000), deadline=None)
@given(written_by(ChangeWriter))
@example("d = {'a': 1}\nfor i in [1, 2, 1]:\n    d[i] = d.get(i, 0) + num(i)\njoin(d)\n")
@example("d = {}\nfor i in listing(3):\n    d.setdefault('a', []).append(i)\nd['a'] = 1\njoin(d)\n")
@example("xs = []\nxs.append(xs)\njoin(1)\n")
def test_a_change_in_place_is_what_python_does_or_is_refused(source: str) -> None:
    errors = [found for found in check(source, SIGNATURES, "python") if found.severity == "error"]
    if errors:
        event("refused")
        assert {error.code for error in errors} <= _NOT_SEEN, errors
        return
    calls_beyond_python(source)
