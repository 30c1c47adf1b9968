"""Statements as models write them come to what CPython makes of the same text (rules L1, L3, L5, L14, L34)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from superscalar import Skipped, tool
from superscalar.plan import check, compile_plan
from superscalar.plan.printer import print_plan
from superscalar.tools.toolset import Toolset
from support.alike import canonical
from support.running import executed


@tool(effect="read", trust="trusted")
def get(x: Any) -> Any:
    """The argument."""
    return x


@tool(effect="read", trust="trusted")
def fail() -> Any:
    """Always fails."""
    raise RuntimeError("out of order")


WROTE: list[Any] = []


@tool(effect="write", trust="trusted")
def put(x: Any) -> Any:
    """The argument, which is kept."""
    WROTE.append(x)
    return x


TOOLS = Toolset([get, put, fail]).signatures


def python(source: str) -> Any:
    """What CPython joins."""
    joined: list[Any] = []

    def join(*values: Any, **named: Any) -> None:
        joined.append(named or (values[0] if len(values) == 1 else list(values)))

    exec(compile(source, "plan", "exec"), {"get": lambda x: x, "put": lambda x: x, "join": join})
    return joined[-1]


STARS = [
    "xs = get([1, 2])\njoin([*xs, 3])",
    "join([*get([1]), get(2), *get((3, 4)), 5], 0)",
    "join((*get([1]), 2), {*get([3]), 4}, [*'ab'])",
    "join({**get({'a': 1, 'b': 2}), 'b': 3, **get({'c': 4})})",
    "d = get({'a': 1})\njoin({**d}, {'z': get(0), **d, 'a': 9})",
    "xs = get([1, 2])\njoin(*xs)",
    "xs = get([1, 2])\njoin(0, *xs)",
    "join(**{'a': get(1), 'b': 2})",
    "d = get({'a': 1})\njoin(b=2, **d)",
    "x = y = get(5)\njoin(x, y)",
    "a, b = c = get([1, 2])\njoin(a, b, c)",
    "c = (a, b) = get((1, 2))\njoin(a, b, c)",
    "first, *rest = get([1, 2, 3])\njoin(first, rest)",
    "*most, last = get('abc')\njoin(most, last)",
    "a, *b, c = get((1, 2))\njoin(a, b, c)",
    "a, (b, *c), d = get([1, [2, 3, 4], 5])\njoin(a, b, c, d)",
    "(a, b), c = get([1, 2]), get(3)\njoin(a, b, c)",
    "_, x, _ = get([1, 2, 3])\njoin(x, _)",
    "[a, b] = get([1, 2])\na, b = b, a\njoin(a, b)",
    "out = []\nfor a in get([[1, 2, 3]]):\n    x, *y = a\n    out.append([x, y])\njoin(out)",
]


@pytest.mark.parametrize("source", STARS)
def test_a_plan_comes_to_what_python_makes_of_it(source: str) -> None:
    assert canonical(executed(source, [get, put, fail]).answer) == canonical(python(source))


@pytest.mark.parametrize("source", STARS)
def test_it_is_printed_and_read_back(source: str) -> None:
    plan = compile_plan(f"{source}\n", TOOLS, "python")
    assert compile_plan(print_plan(plan.tasks), TOOLS, "python").tasks == tuple(
        replace(task, notes=()) for task in plan.tasks
    )


def test_too_few_values_for_a_target_with_a_star_assign_none_of_its_names() -> None:
    result = executed("a, b, *rest = get([1])\ny = put(rest)\njoin(a, y)", [get, put, fail])
    assert isinstance(result.outcomes["y"], Skipped)
    assert isinstance(result.outcomes["a"], Skipped)
    assert "at least 2 names are assigned, but there are 1 item" in str(result.outcomes["(a, b, *rest)"])


@pytest.mark.parametrize(
    "line", ["a, *b, *c = [1, 2]", "a, b.c = [1, 2]", "x = y[0] = 1", "{**1}", "() = []", "*a, *b = c = [1]"]
)
def test_what_is_no_target_is_one_error(line: str) -> None:
    errors = [d for d in check(f"y = [1]\nb = 1\n{line}\njoin(1)", TOOLS) if d.severity == "error"]
    assert len(errors) <= 1


@pytest.mark.parametrize(
    ("source", "means"),
    [
        ("x = await get(1)\njoin(x)", "x = get(1)\njoin(x)"),
        ("xs = [await get(n) for n in [1, 2]]\njoin(xs)", "xs = [get(n) for n in [1, 2]]\njoin(xs)"),
        (
            "import asyncio\nxs = await asyncio.gather(*[get(n) for n in [1, 2]])\njoin(xs)",
            "xs = [get(n) for n in [1, 2]]\njoin(xs)",
        ),
        ("xs = await gather(*(get(n) for n in [1]))\njoin(xs)", "xs = [get(n) for n in [1]]\njoin(xs)"),
        ("a, b = await asyncio.gather(get(1), get(2))\njoin(a, b)", "a, b = [get(1), get(2)]\njoin(a, b)"),
        ("from math import sqrt\nx = get(1)\npass\nprint(x)\njoin(x)", "x = get(1)\njoin(x)"),
        ("x = get(1)\nprint(f'{x} {put(x)}', get(2), x)\njoin(x)", "x = get(1)\nf'{x} {put(x)}'; get(2)\njoin(x)"),
        ("print(put(1), file=2)\njoin(1)", "put(1)\njoin(1)"),
        ("x = 1\nprint(join(x))", "x = 1\njoin(x)"),
        ("if await get(1):\n    print(1)\n    x = 2\njoin(x)", "if get(1):\n    x = 2\njoin(x)"),
        ("for x in [1]:\n    print(x)\n    print(put(x))\njoin(x)", "for x in [1]:\n    put(x)\njoin(x)"),
        ("if get(1): print(2)\njoin(1)", "if get(1): pass\njoin(1)"),
    ],
)
def test_what_says_nothing_here_is_left_out_and_the_calls_stay(source: str, means: str) -> None:
    plan, meant = (compile_plan(f"{text}\n", TOOLS, "python").tasks for text in (source, means))
    assert [(task.id, task.work, task.guards) for task in plan] == [(task.id, task.work, task.guards) for task in meant]


def test_what_was_left_out_is_noted_at_what_comes_next() -> None:
    plan = compile_plan("import os\nprint(1)\nx = await get(1)\njoin(x)\n", TOOLS, "python")
    assert plan.tasks[0].notes == (
        "`import` left out: everything that can be called is there already",
        "`print(...)` left out: join(...) shows the results",
        "`await` left out: calls run as soon as they can",
    )


def test_a_tool_of_such_a_name_is_that_tool() -> None:
    @tool(effect="write", name="print")
    async def shown(x: Any) -> str:
        return f"<{x}>"

    @tool(effect="read", name="gather")
    async def gathered(x: Any) -> str:
        return f"({x})"

    result = executed("print(1)\ny = await gather(2)\nx = print(y)\njoin(x, y)", [shown, gathered])
    assert result.answer == ["<(2)>", "(2)"]
    assert len(result.plan.calls) == 3
