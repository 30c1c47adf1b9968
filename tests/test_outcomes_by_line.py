"""A plan whose calls fail, and whose names may lack a value, comes to what going from line to line comes to.

What each name stands for is compared, item by item, and what is written, in its order. `SUPERSCALAR_DEPTH=100000 pytest
tests/test_outcomes_by_line.py` compares 10,000 programs.
"""

from __future__ import annotations

import ast
import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import LLMCompiler, Observation, Skipped, Tool, tool
from superscalar.plan import check
from superscalar.testing import run
from superscalar.tools.toolset import Toolset
from superscalar.values import Outcome
from support.alike import canonical
from support.depth import examples
from support.lacking_programs import LackingWriter, with_results
from support.missing_items import Shape, shape
from support.new_forms import RISKY
from support.outcomes_by_line import Interpreter
from support.random_programs import asynchronous


def tools(written: list[Any]) -> list[Tool[..., Any]]:
    """The functions of the programs, and `put`, which writes."""

    @tool(effect="write")
    async def put(x: object) -> object:
        await asyncio.sleep(len(repr(x)) % 3)
        written.append(canonical(x))
        return x

    return [*(asynchronous(function, Counter()) for function in RISKY), put]


SIGNATURES = Toolset(tools([])).signatures


@st.composite
def programs(draw: DrawFn) -> str:
    """A program of `lacking_programs`, in which a name stands for each thing that it joins."""
    return with_results(LackingWriter(lambda choices: draw(st.sampled_from(choices))).program())


def by_line(source: str) -> tuple[list[Shape], list[Any]]:
    """What the interpreter joins and writes."""
    written: list[Any] = []

    def put(x: Any) -> Any:
        written.append(canonical(x))
        return x

    interpreter = Interpreter({**{function.__name__: function for function in RISKY}, "put": put})
    interpreter.run(source)
    return [exact(found) for found in interpreter.joined], written


def ours(source: str) -> tuple[list[Shape], list[Any]]:
    """What our run makes of it."""
    written: list[Any] = []
    outcomes = run(LLMCompiler(tools=tools(written)).execute(source))
    joined = ast.parse(source).body[-1]
    assert isinstance(joined, ast.Expr)
    assert isinstance(joined.value, ast.Call)
    found = [outcomes[ast.unparse(name)] for name in joined.value.args]
    return [exact(shape(outcome)) if _lacks(outcome) else _why(outcome) for outcome in found], written


def _lacks(outcome: Outcome) -> bool:
    """Whether something is missing in what has items; under a key it may have been replaced."""
    items = None if isinstance(outcome, Observation) else outcome.items
    return items is None or any(not isinstance(item, Observation) for item in items)


def _why(outcome: Outcome) -> Shape:
    return "guard" if isinstance(outcome, Skipped) and outcome.by_guard else "cause"


def exact(found: Shape) -> Shape:
    """A shape whose values have their types."""
    match found:
        case ("items", items):
            return ("items", [exact(item) for item in items])
        case ("value", value):
            return ("value", canonical(value))
    return found


@settings(max_examples=examples(30), deadline=None)
@given(programs())
def test_a_plan_comes_to_what_going_from_line_to_line_comes_to(source: str) -> None:
    errors = [found for found in check(source, SIGNATURES, "python") if found.severity == "error"]
    if errors:
        event("refused")
        assert {error.code for error in errors} == {"E207"}, errors
        return
    joined, written = by_line(source)
    event(f"something is missing: {any(found[0] != 'value' for found in joined)}")
    assert ours(source) == (joined, written)


BAD = "risky(0)"  # it fails


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (f"r = [1]\nr.append({BAD})\n", ("items", [("value", 1), "cause"])),
        (f"xs = [1]\nif flag(0):\n    xs.append(2)\nxs.append({BAD})\nr = xs[1]\n", ("value", 2)),
        (f"d = {{}}\nfor i in [1, 2]:\n    d[i] = {BAD} if i == 1 else i\nr = d[2]\n", ("value", 2)),
        (f"r = {{}}\nfor i in [1, 2]:\n    r[i] = {BAD} if i == 1 else i\n", ("items", ["cause", ("value", 2)])),
        (f"d = {{'a': {BAD}}}\nd['b'] = 1\nd['b'] += 1\nr = d['b']\n", ("value", 2)),
        (f"d = {{'a': {BAD}}}\nd['a'] = 1\nr = d\n", ("value", {"a": 1})),
        (f"d = {{'a': {BAD}}}\nd.update({{'a': 1}})\nr = d\n", ("value", {"a": 1})),
        (f"d = {{'a': 1, True: {BAD}}}\nd.update({{'b': 2, 1: 3}})\nr = d\n", ("value", {"a": 1, True: 3, "b": 2})),
        (f"d = {{'a': 1}}\nd.update({{'a': {BAD}}})\nr = d\n", ("items", ["cause"])),
        (f"d = {{'a': 1}}\nd['a'] += {BAD}\nd['a'] += 1\nr = d\n", ("items", ["cause"])),
        (f"d = {{'a': 1}}\nd[{BAD}] = 1\nr = ok(d)\n", "cause"),
        (f"d = {{'a': 1}}\nd.update({{'b': {BAD}}})\nr = ok(d)\n", ("value", {"a": 1})),
        (f"d = {{}}\nfor i in [1, 2]:\n    if i == 2 or {BAD}:\n        d[i] = i\nr = ok(d)\n", "cause"),
        (
            f"d = {{}}\nfor i in [1, 2]:\n    d.setdefault('a', []).append({BAD} if i == 1 else i)\nr = d['a'][1]\n",
            ("value", 2),
        ),
        (
            f"d = {{}}\nfor i in [1, 2]:\n    d[str(i)] = d.get(str(i), 0) + ({BAD} if i == 1 else i)\nr = d\n",
            ("items", ["cause", ("value", 2)]),
        ),
        (f"s = {{1}}\ns.add({BAD})\nr = sorted(ok(s))\n", ("value", [1])),
        (f"xs = [1, {BAD}]\nr = (xs if flag(0) else [])[0]\n", ("value", 1)),
        (f"xs = [1, {BAD}]\nr = [default(x, 0) for x in (flag(0) and xs)]\n", ("value", [1, 0])),
        (f"xs = [1, {BAD}]\nr = ok([] or xs)\n", ("value", [1])),
        (f"xs = [1, {BAD}]\nr = xs or []\n", "cause"),
        (f"if flag(1):\n    a = 1\nb = {BAD}\ntry:\n    r = a + b + 1\nexcept:\n    r = 0\n", "cause"),
        (f"if flag(1):\n    r = []\nr = r[:]\nfor i in [1]:\n    r.append({BAD})\n", "cause"),
        (f"if flag(1):\n    r = []\nr = r[:]\nr.append({BAD})\n", "cause"),
    ],
)
def test_what_a_collection_is_given_may_lack_a_value_and_keeps_its_place(source: str, wanted: Shape) -> None:
    assert ours(with_results(f"{source}join(r)\n"))[0] == [exact(wanted)]
