"""Statements as models write them come to what CPython makes of the same text (rules L1, L3, L5, L14, L34)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from superscalar import Skipped, tool
from superscalar.plan import check, compile_plan
from superscalar.plan.print.program import print_plan
from superscalar.tools.toolset import Toolset
from support.alike import canonical
from support.reading import read
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


CHANGES = [
    "xs = []\nxs.append(1)\nxs.append(get(2))\njoin(xs)",
    "xs = [1]\nxs.extend(get((2, 3)))\nxs += (4,)\nxs += 'ab'\nxs += [get(5)]\njoin(xs)",
    "xs = list(get((3, 1)))\nxs.sort()\nys = sorted(xs, reverse=True)\nys.sort(key=lambda x: -x)\njoin(xs, ys)",
    "xs = get([2, 1])[:]\nxs.sort(reverse=True)\nxs[0] = 9\nxs[-1] += 1\njoin(xs)",
    "d = {'k': 1}\nd['k'] += 1\nd[get('z')] = 5\nd.update({'a': 2})\nd.update(b=3)\nd.update([('c', 4)])\njoin(d)",
    "d = dict(get({'k': 'a'}))\nd['k'] += 'b'\nd['k'] *= 2\nd.setdefault('k', 1)\nd.setdefault('n', 1)\njoin(d)",
    "d = {}\nd.setdefault('a', []).append(1)\nd.setdefault('a', []).extend((2, 3))\njoin(d)",
    "d = {}\nd.setdefault('a', set()).add(1)\nd.setdefault('a', set()).add(1)\njoin(d)",
    "s = set()\ns.add(1)\ns.add(get(1))\ns.update([2, 3])\njoin(s)",
    "d = {'a': 1}\nd['a'] = d.get('a', 0) + get(1)\nd['b'] = d.get('b', 0) + 1\nd['a'] = d['a'] - 5\njoin(d)",
    "xs = [1]\nif get(True):\n    xs.append(2)\nelse:\n    xs.append(3)\nxs.append(4)\njoin(xs)",
    "xs = [1]\nys = list(xs)\nxs.append(2)\nys.append(3)\njoin(xs, ys)",
    "d = {'a': 1}\nfor k, v in d.items():\n    x = v\nd['b'] = 2\njoin(d, x)",
    "d = {}\nfor n in get([1, 2, 3]):\n    d[n % 2] = n\njoin(d)",
    "d = {'x': 0}\nfor n in get([1, 2]):\n    d['x'] += get(n)\njoin(d)",
    "d = dict.fromkeys(get(['a', 'b']), 0)\nfor k in ['a', 'b', 'a']:\n    d[k] += 1\njoin(d)",
    "d = {}\nfor k in get(['a', 'b', 'a']):\n    d[k] = d.get(k, 0) + 1\njoin(d)",
    "d = {}\nfor k in get(['a', 'b', 'a']):\n    d[k] = d.get(k, []) + [get(k)]\njoin(d)",
    "d = {}\nfor x in get([1, 2, 1]):\n    d[str(x)] = d.get(str(x), 0) + 1\njoin(d)",
    "d = {}\nfor t in get(['a', ' A', 'b']):\n    d[t.strip().lower()] = d.get(t.strip().lower(), []) + [t]\njoin(d)",
    "d = {}\nfor k, v in get([('a', 1), ('b', 2), ('a', 3)]):\n    if v != 2:\n        d.setdefault(k, []).append(get(v))\njoin(d)",  # noqa: E501
    "s = set()\nfor x in get([1, 2, 1]):\n    s.add(x)\njoin(s)",
    "d = {}\nfor x in get([1, 2]):\n    d.update({x: get(x)})\njoin(d)",
    "xs = []\nfor x in get([1, 2]):\n    xs += (x, -x)\njoin(xs)",
    "xs = [0]\nfor x in get([1, 2]):\n    xs.extend([x, get(-x)])\njoin(xs)",
    "xs = []\nfor x in get([1, 2]):\n    for y in get([3, 4]):\n        xs.append(x * y)\njoin(xs)",
    "d = {}\nfor x in get([1, 2]):\n    for y in get([1, 2]):\n        d[x + y] = d.get(x + y, 0) + 1\njoin(d)",
    "out = []\nfor x in get([1, 2]):\n    row = []\n    row.append(x)\n    row.append(get(x))\n    row.sort(reverse=True)\n    out.append(row)\njoin(out)",  # noqa: E501
    "out = []\nfor x in get([1, 2]):\n    d = {'x': x}\n    d['y'] = get(x)\n    for k in ['z', 'y']:\n        d[k] = d.get(k, 0) + 1\n    out.append(d)\njoin(out)",  # noqa: E501
    "xs = [1]\nxs.extend(xs)\nxs += xs\njoin(xs)",
    "d = {'a': 1, 'b': 2}\nfor k in d:\n    d[k] *= 2\njoin(d)",
    "ks = dict(get({'b': 1, 'a': 2}))\nks['c'] = 0\nfirst = next(iter(ks))\njoin(ks, first)",
]


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


@pytest.mark.parametrize("source", STARS + CHANGES)
def test_a_plan_comes_to_what_python_makes_of_it(source: str) -> None:
    assert canonical(executed(source, [get, put, fail]).answer) == canonical(python(source))


@pytest.mark.parametrize("source", STARS + CHANGES)
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


HELD = [
    ("xs = []\nys = xs\nxs.append(1)", "ys"),
    ("xs = ys = []\nxs.append(1)", "ys"),
    ("xs = ys = []\nys.append(1)", "xs"),
    ("xs = []\nys = [xs]\nxs.append(1)", "ys"),
    ("xs = []\nys = {'a': xs}\nxs += [1]", "ys"),
    ("xs = []\nys = (1, xs)\nxs.sort()", "ys"),
    ("xs = []\nys = xs if get(1) else [2]\nxs.append(1)", "ys"),
    ("xs = []\nys = [2]\nzs = xs or ys\nys.append(1)", "zs"),
    ("xs = []\nys = default(xs, [])\nxs.append(1)", "ys"),
    ("xs = [1]\nys = max(xs, [0])\nxs.append(1)", "ys"),
    ("xs = [1]\nys = next((x for x in [xs]), None)\nxs.append(1)", "ys"),
    ("xs = [1]\nys = [xs][0]\nxs.append(1)", "ys"),
    ("xs = [1]\n(ys, z) = (xs, 1)\nxs.append(1)", "ys"),
    ("xs = [1]\nys = [0]\nys.append(xs)\nxs.append(1)", "ys"),
    ("xs = [1]\nd = {}\nd['a'] = xs\nxs.append(1)", "d"),
    ("xs = [1]\nd = {}\nfor k in ['a']:\n    d[k] = xs\nxs.append(1)", "d"),
    ("xs = [1]\nif get(1):\n    ys = xs\nxs.append(1)", "ys"),
    ("xs = [1]\nif get(1):\n    xs.append(2)\nelse:\n    ys = xs\nxs.append(1)", "ys"),
    ("xs = [1]\nys = reversed(xs)\nxs.append(1)", "ys"),
    ("xs = {'a': 1}\nys = xs.keys()\nxs['b'] = 1", "ys"),
    ("xs = [1]\nys = (x for x in [1] for y in xs)\nxs.append(1)", "ys"),
    ("xs = [1]\nys = [[0]]\nfor y in ys:\n    y.append(1)", "ys"),
    ("rows = get([[0]])\nfor r in rows:\n    r.append(1)", "rows"),
    ("rows = get([{}])\nfor r in rows:\n    r['a'] = 1", "rows"),
    ("rows = get([[0]])\nr = rows[0]\nr += [1]", "rows"),
    ("d = {'a': []}\ne = dict(d)\ne.setdefault('a', []).append(1)", "d"),
    ("d = {'a': []}\ne = d['a']\nd.setdefault('a', []).append(1)", "e"),
    ("d = dict.fromkeys(['a', 'b'], [])\nd['a'] += [1]", "other places"),
    ("rows = get([[0]])\nd = {'a': rows[0]}\nd['a'] += get([1])", "rows"),
    ("xs = get([1])\nxs.append(2)", "not sure that this plan made it"),
    ("xs = get({'a': 1})\nxs['b'] = 2", "not sure that this plan made it"),
    ("xs = [1]\nfor x in xs:\n    xs.append(x)", "goes through"),
    ("xs = [1]\nxs.append(xs)", "into itself"),
    ("d = {}\nd['a'] = (1, d)", "into itself"),
    ("xs = {1}\nxs.append(1)", "is a set"),
    ("xs = [1]\nxs.add(1)", "is a list"),
]


@pytest.mark.parametrize(("source", "holder"), HELD)
def test_what_somebody_else_sees_is_not_changed_in_place(source: str, holder: str) -> None:
    errors = [d for d in check(f"{source}\njoin(1)", TOOLS) if d.severity == "error"]
    assert len(errors) == 1, source
    assert holder in errors[0].message
    assert errors[0].help


def test_a_change_of_a_name_that_the_loop_reads_is_refused() -> None:
    source = "d = {}\nfor k in ['a']:\n    if k not in d:\n        d[k] = get(1)\njoin(d)"
    assert [d.code for d in check(source, TOOLS) if d.severity == "error"] == ["E207"]


def test_a_change_in_an_arm_waits_for_its_condition_and_a_failure_in_it_stays_there() -> None:
    result = executed("xs = [1]\nys = [2]\nif get(0):\n    xs.append(9)\nys.append(fail())\njoin(xs)", [get, fail])
    assert result.answer == [1]
    assert isinstance(result.outcomes["ys.2"], Skipped)


TRIES = [
    "try:\n    x = get(1)\nexcept Exception:\n    x = 0\njoin(x)",
    "s = get('a')\ntry:\n    x = int(s) + 1\nexcept:\n    x = -1\njoin(x)",
    "xs = get([])\ntry:\n    x = get(get(xs[0]))\nexcept Exception as error:\n    print(error)\n    x = None\njoin(x)",
    (
        "out = []\nfor s in get(['1', 'a', '3']):\n    try:\n        n = int(get(s))\n    except Exception:\n        n = 0\n"  # noqa: E501
        "    out.append(n)\njoin(out)"
    ),
    "if get(True):\n    try:\n        x = 1 / get(0)\n    except Exception:\n        x = {'a': []}\nelse:\n    x = 2\njoin(x)",  # noqa: E501
    "try:\n    x = [10 // get(n) for n in get([1, 0])]\nexcept Exception:\n    x = []\njoin(x)",
]


@pytest.mark.parametrize("source", TRIES)
def test_a_try_of_one_assignment_is_what_python_makes_of_it(source: str) -> None:
    assert canonical(executed(source, [get]).answer) == canonical(python(source))
    plan = compile_plan(f"{source}\n", TOOLS, "python")
    again = compile_plan(print_plan(plan.tasks), TOOLS, "python").tasks
    assert [(task.id, task.work) for task in again] == [(task.id, task.work) for task in plan.tasks]


def test_a_try_does_not_stand_in_for_what_failed_before_it_or_was_not_reached() -> None:
    source = (
        "a = fail()\ntry:\n    x = get(a)\nexcept Exception:\n    x = 0\n"
        "if get(False):\n    b = 1\ntry:\n    y = get(b)\nexcept Exception:\n    y = 0\njoin(x, y)"
    )
    result = executed(source, [get, fail])
    assert result.outcomes["x"] == Skipped("a")
    assert isinstance(result.outcomes["y"], Skipped)
    assert result.outcomes["y"].by_guard


def test_a_try_stands_in_for_a_call_that_failed_and_for_what_that_skipped() -> None:
    result = executed("try:\n    x = get(fail())\nexcept Exception:\n    x = 'none'\njoin(x)", [get, fail])
    assert result.answer == "none"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("try:\n    x = put(1)\nexcept Exception:\n    x = 0", "E205"),
        ("try:\n    x = get(put(1))\nexcept Exception:\n    x = 0", "E205"),
        ("try:\n    x = get(1)\nexcept httpx.HTTPError:\n    x = 0", "E201"),
        ("try:\n    x = get(1)\nexcept Exception:\n    x = get(2)", "E201"),
        ("try:\n    x = get(1)\nexcept Exception:\n    y = 0", "E201"),
        ("try:\n    x = get(1)\n    y = get(2)\nexcept Exception:\n    x = 0", "E201"),
        ("try:\n    x = get(1)\nexcept Exception:\n    x = 0\nfinally:\n    y = 1", "E201"),
        ("try:\n    get(1)\nexcept Exception:\n    pass", "E201"),
    ],
)
def test_every_other_try_is_refused(source: str, code: str) -> None:
    errors = [d for d in check(f"{source}\njoin(1)", TOOLS) if d.severity == "error"]
    assert [error.code for error in errors] == [code]
    assert errors[0].help


def test_an_assert_guards_what_is_behind_it_but_not_the_join() -> None:
    source = (
        "x = get(1)\nassert x > 1, f'only {x}'\ny = put(2)\nif get(True):\n    z = put(3)\n"
        "for i in [1]:\n    put(i)\njoin(x, y, z)"
    )
    WROTE.clear()
    result = executed(source, [get, put])
    assert WROTE == []
    assert str(result.outcomes["assert"]) == "AssertionError: only 1"
    assert result.outcomes["y"] == Skipped("assert")
    assert result.outcomes["z"] == Skipped("assert")
    assert result.outcomes["x"].value == 1  # type: ignore[union-attr]  # it has one


def test_an_assert_that_holds_changes_nothing() -> None:
    source = "x = get(1)\nassert x, 'none'\nassert x == 1\ny = put(2)\nif y:\n    y += 1\njoin(x, y)"
    assert executed(source, [get, put]).answer == [1, 3]


@pytest.mark.parametrize("x", ["x = fail()\n", "if get(0):\n    x = 1\n", "x = [][0]\n", "for x in []:\n    pass\n"])
@pytest.mark.parametrize("condition", ["x", "x > 1", "not x", "[x, 1] == [1]", "get(x) > 1 or get(2)"])
def test_an_assert_whose_condition_has_no_value_does_not_hold(x: str, condition: str) -> None:
    WROTE.clear()
    result = executed(f"{x}assert {condition}, 'none'\ny = put(2)\njoin(y)", [fail, get, put])
    assert WROTE == []
    assert str(result.outcomes["assert"]) == "AssertionError: none"
    assert result.outcomes["y"] == Skipped("assert")


def test_an_assert_whose_text_has_no_value_says_what_does_not_hold() -> None:
    result = executed("if get(0):\n    x = 1\nassert get(1) > 1, f'only {x}'\njoin(get(1))", [get])
    assert str(result.outcomes["assert"]) == "AssertionError: it does not hold: get(1) > 1"


def test_an_assert_is_printed_and_read_back() -> None:
    source = "x = get(1)\nassert x > 1, f'only {x}'\ny = get(2)\nif y:\n    z = get(x)\njoin(x, y)\n"
    plan = compile_plan(source, TOOLS, "python")
    assert print_plan(plan.tasks).splitlines()[1] == "assert x > 1, f'only {x}'"
    assert compile_plan(print_plan(plan.tasks), TOOLS, "python").tasks == plan.tasks


@pytest.mark.parametrize(
    "source", ["if get(1):\n    assert get(2), 'no'\n    x = 1", "for x in [1]:\n    assert x\n    put(x)"]
)
def test_an_assert_in_a_block_is_refused_and_the_help_writes_an_if(source: str) -> None:
    errors = [d for d in check(f"{source}\njoin(1)", TOOLS) if d.severity == "error"]
    assert [error.code for error in errors] == ["E201"]
    assert errors[0].help.startswith("write if ")


def test_nothing_behind_an_assert_that_cannot_be_read_runs_before_it_is_mended() -> None:
    program = read("x = f(1)\nassert nope > 1\nb = g(x)\njoin(b)\n")
    assert [task.id for task in program.tasks] == ["x"]
    program.repair("assert x > 1\n")
    assert program.problems == []
    assert [(task.id, [guard.condition for guard in task.guards]) for task in program.tasks] == [
        ("x", []),
        ("assert", []),
        ("b", ["assert"]),
        ("join()", []),
    ]
