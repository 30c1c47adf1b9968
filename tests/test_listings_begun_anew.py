"""A cut plan whose lines have numbers or ids: what the rest says again takes the place of what was said (L26, L30)."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar import LLMCompiler, Tool, tool
from superscalar.plan.read.fronts.detect import Syntax
from superscalar.testing import ScriptedModel, run
from support.fronts import FrontReading


def written(first: str, rest: str) -> list[object]:
    """What is written where a plan is cut and gone on with."""
    found: list[object] = []

    @tool(effect="write", resource="store")
    async def w(x: object) -> object:
        found.append(x)
        return x

    tools: list[Tool[..., Any]] = [w]
    model = ScriptedModel(first, rest, chunk=5, delay=0.01, finish=None)
    run(LLMCompiler(model, tools=tools, joiner=None).run("?"))
    return found


_FIRST = "1. a = w(1)\n2. b = w(2)\n3. c = w("


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        pytest.param("1. a = w(10)\n2. b = w(20)\n3. c = w(30)\n4. join(a, b, c)\n", [10, 20, 30], id="all anew"),
        pytest.param("1. a = w(1)\n2. b = w(20)\n3. c = w(30)\n4. join(a, b, c)\n", [1, 20, 30], id="the second anew"),
        pytest.param("2. b = w(20)\n3. c = w(30)\n4. join(a, b, c)\n", [1, 20, 30], id="from the second on"),
        pytest.param("1. a = w(1)\n2. b = w(2)\n3. c = w(30)\n4. join(a, b, c)\n", [1, 2, 30], id="repeated"),
        pytest.param("3. c = w(30)\n4. join(a, b, c)\n", [1, 2, 30], id="gone on with"),
        pytest.param("1. c = w(30)\n2. join(a, b, c)\n", [1, 2, 30], id="gone on with, and counted from one"),
        pytest.param("1. c = w(30)\n2. join(c)\n", [1, 2, 30], id="counted from one, and what was there not joined"),
        pytest.param("2. b = w(2)\n3. c = w(30)\n4. join(c)\n", [1, 2, 30], id="the line before is repeated"),
        pytest.param("4. b = w(30)\n5. join(a, b)\n", [1, 2, 30], id="a name assigned again further down"),
    ],
)
def test_a_numbered_listing_that_begins_anew(rest: str, expected: list[object]) -> None:
    """One that goes on keeps what was there."""
    assert written(_FIRST, rest) == expected


def test_without_numbers_who_goes_on_assigns_a_name_again() -> None:
    """Nothing tells that from a plan that begins anew."""
    assert written("a = w(1)\nb = w(", "a = w(2)\njoin(a)\n") == [1, 2]


_STEP = '{{"id": "{}", "tool": "send", "arguments": {{"to": "{}"}}}}'


@pytest.mark.parametrize(
    ("syntax", "first", "anew", "more"),
    [
        (
            "numbered",
            "1. send('ann')\n2. send('eve')\n3. send(",
            "1. send('bob')\n2. send('eve')\n3. join($1)\n",
            "3. send('cy')\n4. join($3)\n",
        ),
        (
            "rewoo",
            "#E1 = send[ann]\n#E2 = send[eve]\n#E3 = send[",
            "#E1 = send[bob]\n#E2 = send[eve]\njoin(#E1)\n",
            "#E3 = send[cy]\njoin(#E3)\n",
        ),
        (
            "json",
            f'{{"steps": [{_STEP.format("s1", "ann")}, {_STEP.format("s2", "eve")}, {{"id": "s3',
            f'{{"steps": [{_STEP.format("s1", "bob")}, {_STEP.format("s2", "eve")}], "join": {{"$ref": "s1"}}}}',
            f'{{"steps": [{_STEP.format("s3", "cy")}], "join": {{"$ref": "s3"}}}}',
        ),
    ],
    ids=["numbered", "rewoo", "json"],
)
def test_a_step_whose_id_is_said_again_takes_the_place_of_the_first(
    syntax: Syntax, first: str, anew: str, more: str
) -> None:
    """In all syntaxes that have ids."""
    for reply, people in ((anew, ["bob", "eve"]), (more, ["ann", "eve", "cy"])):
        reading = FrontReading(syntax)
        reading.feed(first)
        reading.finish("cut")
        reading.repair(reply)
        assert reading.problems == []
        assert [line.split("'")[1] for line in reading.shown if "send(" in line] == people
