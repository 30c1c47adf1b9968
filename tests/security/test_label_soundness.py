"""Noninterference (Goguen and Meseguer, Security Policies and Security Models, 1982): what is labelled trusted does not
depend on what is not.

A random program is run in two worlds, which differ in what its untrusted tools return, and whether they fail, and in
nothing else. Whatever has a trusted label in one is there in the other, with the same label, and came to the same. So
it is with readers: what everybody may read does not depend on what only some may.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from random_programs import FUNCTIONS, Writer, num
from superscalar import Label, LLMCompiler, Tool, tool
from superscalar.labels import NOTHING
from superscalar.observe.provenance import Provenance
from superscalar.schedule import labels as derived
from superscalar.testing import run
from superscalar.values import Outcome

PROGRAMS = int(os.environ.get("SUPERSCALAR_PROGRAMS", "400"))
FOREIGN = frozenset({"word", "listing", "flag", "page"})
OWN_READS = frozenset({"words"})

World = dict[str, tuple[Label, Outcome]]


def in_world(function: Callable[..., Any], salt: str) -> Tool[..., Any]:
    """A tool that is pure, a trusted read, or a foreign one: what that returns depends on the world."""
    name = function.__name__
    foreign = name in FOREIGN
    terms: dict[str, Any] = {"effect": "pure"}
    if foreign:
        terms = {"effect": "read", "readers": ("ann",)}
    elif name in OWN_READS:
        terms = {"effect": "read", "trust": "trusted"}

    @tool(name=name, **terms)
    async def called(x: Any, y: Any = 1) -> Any:
        await asyncio.sleep(len(repr((x, y, salt))) * 7 % 5)
        if name == "num":
            return function(x, y)
        if not foreign:
            return function(x)
        if num((x, salt)) % 6 == 0:
            raise LookupError(f"nothing known of {salt}")
        return function((x, salt))

    return called


def world(source: str, salt: str) -> World:
    """The label and the outcome of every task."""
    agent = LLMCompiler(tools=[in_world(function, salt) for function in FUNCTIONS], policy="off")

    async def main() -> World:
        async with agent.stream_plan(source) as running:
            result = await running.result()
        known = Provenance(result.events, result.declared)
        return {id: (known.label(id), outcome) for id, outcome in result.outcomes.items()}

    return run(main())


def leaks(one: World, other: World) -> list[str]:
    """The tasks that are said not to depend on the world, and do."""
    found = []
    for id, (label, outcome) in one.items():
        if label.trusted and label.readers is None:
            there = other.get(id)
            if there is None or there[0] != label or repr(there[1]) != repr(outcome):
                found.append(f"{id}: {outcome} {label} became {there}")
    return found


@st.composite
def programs(draw: st.DrawFn) -> str:
    return Writer(lambda choices: draw(st.sampled_from(list(choices)))).program(8)


@settings(max_examples=PROGRAMS, deadline=None)
@given(programs(), st.sampled_from(["b", "bb", "ccc"]))
@example("a = 1\nif flag(2):\n    a = 2\nb = num(a)\njoin(b)\n", "b")
@example("a = [num(i) for i in listing(3)]\nb = len(a)\njoin(b)\n", "b")
@example("a = default(word(1), 'x')\nb = ok([word(i) for i in [1, 2, 3]])\njoin(a, b)\n", "ccc")
@example("a = 0\nfor i in [1, 2, 3]:\n    if flag(i):\n        a += i\njoin(a)\n", "b")
@example("a = [1, 2] if flag(1) else [3, 4]\nb, c = a\njoin(b, c)\n", "b")
def test_what_is_trusted_does_not_depend_on_what_is_not(source: str, salt: str) -> None:
    here, there = world(source, ""), world(source, salt)
    assert leaks(here, there) == []
    assert leaks(there, here) == []


@pytest.mark.parametrize(
    ("forgotten", "source"),
    [
        ("_control", "".join(f"if flag({i}):\n    a{i} = {i}\n" for i in range(8)) + "join()\n"),
        ("_scope_control", "a = [num(3) for i in listing(3)]\njoin(a)\n"),
        ("_all", "a = {num(i): word(i) for i in [1, 2, 3, 4]}\njoin(a)\n"),
        ("_origin", "a = word(1)\njoin(a)\n"),
    ],
)
def test_forgetting_any_part_of_a_label_would_be_noticed(
    forgotten: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds = ["", "b", "bb", "ccc", "dddd", "eeeee"]
    assert not any(leaks(world(source, ""), world(source, salt)) for salt in worlds)
    place: Any = Provenance if forgotten == "_origin" else derived.Labels
    monkeypatch.setattr(place, forgotten, lambda *_: NOTHING)
    assert any(leaks(world(source, ""), world(source, salt)) for salt in worlds)
