"""Which calls are made, how often, and how their arguments are derived depends on the plan, not on what texts say."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from equivariant import Equivariant
from front_plans import Step, steps, written
from hypothesis import Phase, event, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import DrawFn
from two_worlds import World, back, inert, moved, story

from superscalar.errors import PlanError
from superscalar.events import Started
from superscalar.plan.fronts.detect import Syntax
from superscalar.schedule import unit
from superscalar.schedule.cells import Cell
from superscalar.schedule.unit import TaskFetchingUnit
from superscalar.values import Observation

SEEDS = st.integers(0, 2**32)
CHUNKS = st.lists(st.integers(1, 40), max_size=8)
SYNTAXES: list[Syntax] = ["python", "numbered", "rewoo", "json"]


@st.composite
def programs(draw: DrawFn) -> str:
    """A plan that hands texts on without looking at their characters."""
    return Equivariant(lambda choices: draw(st.sampled_from(choices))).program()


def check_that_texts_change_nothing(plan: str, seed: int, chunks: list[int], syntax: Syntax = "python") -> None:
    """Both worlds tell one story: the same events of the same tasks at the same times, with texts that are moved."""
    hostile, harmless = (story(world, plan, chunks, syntax) for world in (World(seed), World(seed, inert)))
    if isinstance(hostile, PlanError) or isinstance(harmless, PlanError):
        event("no plan")
        assert str(hostile) == str(harmless)
        return
    made = [one for one in hostile if isinstance(one, Started)]
    event(f"{min(len(made), 10)} calls")
    assert moved(harmless, back) == hostile
    assert not [one for one in made if one.tool == "send"]


@given(programs(), SEEDS, CHUNKS)
def test_a_run_is_the_same_whatever_the_texts_say(plan: str, seed: int, chunks: list[int]) -> None:
    check_that_texts_change_nothing(plan, seed, chunks)


@pytest.mark.parametrize("syntax", SYNTAXES)
@given(plan=steps(), seed=SEEDS, chunks=CHUNKS)
def test_a_run_is_the_same_whatever_the_texts_say_in_every_syntax(
    plan: list[Step], seed: int, chunks: list[int], syntax: Syntax
) -> None:
    check_that_texts_change_nothing(written(plan, syntax), seed, chunks, syntax)


@given(steps(), SEEDS)
def test_every_syntax_makes_the_same_calls_of_one_plan_whatever_the_texts_say(plan: list[Step], seed: int) -> None:
    def calls(syntax: Syntax) -> list[tuple[str, Any]]:
        told = story(World(seed), written(plan, syntax), (), syntax)
        assert not isinstance(told, PlanError), f"{written(plan, syntax)}\n{told}"
        return sorted((one.tool, repr(dict(one.arguments))) for one in told if isinstance(one, Started))

    first, *others = [calls(syntax) for syntax in SYNTAXES]
    assert others == [first] * len(others)
