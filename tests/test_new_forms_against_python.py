"""A plan with the forms that models love comes to what CPython makes of it, failures that a `try` catches included.

`SUPERSCALAR_DEPTH=100000 pytest tests/test_new_forms_against_python.py` compares 10,000.
"""

from __future__ import annotations

import warnings
from collections import Counter

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import LLMCompiler, Observation
from superscalar.testing import run
from support.alike import canonical
from support.depth import examples
from support.new_forms import RISKY, NewFormsWriter
from support.random_programs import TooLarge, asynchronous, python_result

_RAISED = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError, TooLarge)


@st.composite
def programs(draw: DrawFn) -> str:
    """A program of `new_forms`."""
    return NewFormsWriter(lambda choices: draw(st.sampled_from(choices))).program()


@settings(max_examples=examples(30), deadline=None)
@given(programs())
def test_a_plan_in_the_forms_that_models_love_comes_to_what_python_makes_of_it(source: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, expected_calls = python_result(source, RISKY)
    except _RAISED as error:
        event(f"Python raises {type(error).__name__}")
        assume(False)
    calls: Counter[str] = Counter()
    agent = LLMCompiler(tools=[asynchronous(function, calls) for function in RISKY])
    joined = run(agent.execute(source))["join()"]
    assert isinstance(joined, Observation), joined
    assert canonical(joined.value) == canonical(expected)
    if "try:" not in source:  # where Python goes no further, a map has made its other reads all the same
        assert not calls - expected_calls
