"""Which calls are made, how often, and how their arguments are derived depends on the plan, not on what texts say."""

from __future__ import annotations

from equivariant import Equivariant
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from two_worlds import World, back, inert, moved, story

from superscalar.errors import PlanError
from superscalar.events import Started
from superscalar.plan.fronts.detect import Syntax

SEEDS = st.integers(0, 2**32)
CHUNKS = st.lists(st.integers(1, 40), max_size=8)


@st.composite
def programs(draw: DrawFn) -> str:
    """A plan that hands texts on without looking at their characters."""
    return Equivariant(lambda choices: draw(st.sampled_from(choices))).program()


def check_one_story(plan: str, seed: int, chunks: list[int], syntax: Syntax = "python") -> None:
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
    check_one_story(plan, seed, chunks)
