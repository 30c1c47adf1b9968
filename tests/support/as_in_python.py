"""Random programs, each run by CPython and run as a plan."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

from hypothesis import assume, event
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from superscalar import LLMCompiler, Observation
from superscalar.testing import run
from support.alike import canonical
from support.random_programs import FUNCTIONS, Pick, TooLarge, asynchronous, python_result

_RAISED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    TypeError,
    ValueError,
    TooLarge,
)


class Writes(Protocol):
    """Writes one program."""

    def program(self) -> str:
        """The text of it."""
        ...


def written_by(writer: Callable[[Pick], Writes]) -> SearchStrategy[str]:
    """Programs of that writer."""

    @st.composite
    def programs(draw: DrawFn) -> str:
        return writer(lambda choices: draw(st.sampled_from(choices))).program()

    return programs()


@cache
def _agent_over(functions: tuple[Callable[..., Any], ...]) -> tuple[LLMCompiler, Counter[str]]:
    """An agent for all programs that call these functions, and what counts its calls."""
    calls: Counter[str] = Counter()
    return LLMCompiler(tools=[asynchronous(function, calls) for function in functions]), calls


def calls_beyond_python(
    source: str, functions: Sequence[Callable[..., Any]] = FUNCTIONS, *, above: str = ""
) -> Counter[str]:
    """The calls that a plan made and Python did not; both came to the same value.

    A program at which Python raises is no example. `above`: what Python needs above the program, and a plan does not.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, expected_calls = python_result(above + source, functions)
    except _RAISED as error:
        event(f"Python raises {type(error).__name__}")
        assume(False)
    event("compared")
    agent, calls = _agent_over(tuple(functions))
    calls.clear()
    joined = run(agent.execute(source))["join()"]
    assert isinstance(joined, Observation), joined
    assert canonical(joined.value) == canonical(expected)
    return calls - expected_calls
