"""A plan that changes collections in place comes to what CPython makes of it, or is refused: somebody would see it.

`SUPERSCALAR_DEPTH=10000 pytest tests/test_changes_against_python.py` compares so many.
"""

from __future__ import annotations

import warnings
from collections import Counter

from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import LLMCompiler, Observation
from superscalar.plan import check
from superscalar.testing import run
from superscalar.tools.toolset import Toolset
from support.alike import canonical
from support.depth import examples
from support.random_changes import ChangeWriter
from support.random_programs import FUNCTIONS, TooLarge, asynchronous, python_result

_RAISED = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError, TooLarge, MemoryError)
_NOT_SEEN = frozenset({"E201", "E204", "E207"})
"""The errors that say that somebody else would see a change."""

TOOLS = [asynchronous(function, Counter()) for function in FUNCTIONS]
SIGNATURES = Toolset(TOOLS).signatures


@st.composite
def programs(draw: DrawFn) -> str:
    """A program of `random_changes`."""
    return ChangeWriter(lambda choices: draw(st.sampled_from(choices))).program()


@settings(max_examples=examples(100), deadline=None)
@given(programs())
@example("d = {'a': 1}\nfor i in [1, 2, 1]:\n    d[i] = d.get(i, 0) + num(i)\njoin(d)\n")
@example("d = {}\nfor i in listing(3):\n    d.setdefault('a', []).append(i)\nd['a'] = 1\njoin(d)\n")
@example("xs = []\nxs.append(xs)\njoin(1)\n")
def test_a_change_in_place_is_what_python_does_or_is_refused(source: str) -> None:
    errors = [found for found in check(source, SIGNATURES, "python") if found.severity == "error"]
    if errors:
        event("refused")
        assert {error.code for error in errors} <= _NOT_SEEN, errors
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, _ = python_result(source)
    except _RAISED as error:
        event(f"Python raises {type(error).__name__}")
        assume(False)
    event("compared")
    joined = run(LLMCompiler(tools=TOOLS).execute(source))["join()"]
    assert isinstance(joined, Observation), joined
    assert canonical(joined.value) == canonical(expected)
