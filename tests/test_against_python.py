"""A plan over pure tools that never fail comes to what CPython makes of the same program.

`SUPERSCALAR_DEPTH=10000 pytest tests/test_against_python.py` compares so many. What the calls came
to decides the value, so a call that Python needs cannot be missing; that none is made too often is looked at.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import LLMCompiler, Observation
from superscalar.testing import run
from support.alike import canonical
from support.depth import examples
from support.random_programs import FUNCTIONS, TooLarge, Writer, asynchronous, python_result

_RAISED = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError, TooLarge)


@st.composite
def programs(draw: DrawFn) -> str:
    """A program of `random_programs`."""
    return Writer(lambda choices: draw(st.sampled_from(choices))).program()


def our_result(source: str) -> tuple[Any, Counter[str]]:
    """What our run gives to `join`, and the calls of tools that it makes."""
    calls: Counter[str] = Counter()
    agent = LLMCompiler(tools=[asynchronous(function, calls) for function in FUNCTIONS])
    joined = run(agent.execute(source))["join()"]
    assert isinstance(joined, Observation), joined
    return joined.value, calls


@settings(max_examples=examples(300), deadline=None)
@given(programs())
@example("a = [num(t) for t in listing(5) if flag(t) and t < num(t) < 9]\njoin(a, word(a))\n")
@example("a = 0\nb = 0\nfor i in listing(2):\n    if True:\n        a += i\n    if True:\n        b += i\njoin(a)\n")
@example("a = 1\nfor i in []:\n    a = num(i)\njoin(a)\n")
def test_a_plan_comes_to_what_python_makes_of_it(source: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, expected_calls = python_result(source)
    except _RAISED as error:
        event(f"Python raises {type(error).__name__}")
        assume(False)
    value, calls = our_result(source)
    assert canonical(value) == canonical(expected)
    assert not calls - expected_calls
