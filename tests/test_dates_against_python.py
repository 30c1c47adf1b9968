"""Programs that compute with dates come to what CPython makes of them."""

from __future__ import annotations

import warnings
from collections import Counter

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import LLMCompiler, Observation
from superscalar.testing import run
from support.alike import canonical
from support.dated_programs import DATED, IMPORT, DatedWriter
from support.depth import examples
from support.random_programs import TooLarge, asynchronous, python_result

_RAISED = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError, TooLarge)


@st.composite
def programs(draw: DrawFn) -> str:
    """A program of `dated_programs`."""
    return DatedWriter(lambda choices: draw(st.sampled_from(choices))).program()


@settings(max_examples=examples(100), deadline=None)
@given(programs())
def test_a_plan_with_dates_comes_to_what_python_makes_of_it(source: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, expected_calls = python_result(IMPORT + source, DATED)
    except _RAISED as error:
        event(f"Python raises {type(error).__name__}")
        assume(False)
    calls: Counter[str] = Counter()
    agent = LLMCompiler(tools=[asynchronous(function, calls) for function in DATED])
    joined = run(agent.execute(source))["join()"]
    assert isinstance(joined, Observation), joined
    assert canonical(joined.value) == canonical(expected)
    assert not calls - expected_calls
