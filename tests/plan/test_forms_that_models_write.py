"""Entries of entries, a `join` in each arm, `:=`, `break` and iterators come to what CPython makes of the same text."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, PlanError, tool
from superscalar.plan import check, compile_plan
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.fronts.python import PythonReader
from superscalar.plan.read.program import Program
from superscalar.testing import ScriptedModel
from superscalar.tools.toolset import Toolset
from support.depth import examples
from support.get_and_put import GetAndPut
from support.running import executed


@tool(effect="read", trust="trusted")
def get(n: int) -> int:
    """Twice the number."""
    return 2 * n


BOTH = GetAndPut(get)
TOOLS, WROTE, python, ours = BOTH.signatures, BOTH.wrote, BOTH.python, BOTH.ours


def errors(source: str) -> list[str]:
    """The codes of what is refused."""
    return [found.code for found in check(f"{source}\n", TOOLS) if found.severity == "error"]


ENTRIES = [
    "d = {}\nfor n in [1, 2, 3]:\n    k = n % 2\n    if k in d:\n        d[k]['n'] += 1\n        d[k]['sum'] += n\n    else:\n        d[k] = {'n': 1, 'sum': n}\njoin(d)",  # noqa: E501
    "d = {}\nfor n in [1, 2, 3]:\n    if n % 2 not in d:\n        d[n % 2] = {'n': 0, 'xs': []}\n    d[n % 2]['n'] += 1\n    d[n % 2]['xs'].append(get(n))\njoin(d)",  # noqa: E501
    "d = {k: {'a': 0, 'xs': []} for k in [0, 1]}\nfor n in [1, 2, 3]:\n    if n > 2:\n        d[n % 2]['a'] += n\n    else:\n        d[n % 2]['xs'].append(n)\njoin(d)",  # noqa: E501
    "d = {k: [] for k in [0, 1]}\nfor n in [1, 2, 3]:\n    d[n % 2].append(n)\njoin(d)",
    "d = {}\nfor n in [1, 2]:\n    for m in [1, 2, 3]:\n        if n not in d:\n            d[n] = {}\n        d[n][m] = n * m\n    d[n]['all'] = n\njoin(d)",  # noqa: E501
    "m = [[0 for _ in range(2)] for _ in range(2)]\nfor a, b in [(0, 1), (1, 1), (0, 1)]:\n    m[a][b] += 1\njoin(m)",
    "d = {}\nfor n in [1, 2, 3]:\n    d.setdefault(n % 2, {'n': 0})['n'] += n\njoin(d)",
    "d = {1: {'a': 2, 'b': 4}}\nfor k in d:\n    d[k]['c'] = d[k]['a'] / d[k]['b']\njoin(d)",
    "d = {'x': {'n': 1}}\nd['x']['n'] += 1\nd['x']['xs'] = [1]\nd['x']['xs'].append(2)\njoin(d)",
    "xs = []\nfor n in [1, 2]:\n    if n > 1:\n        xs.append(n)\n    else:\n        xs.extend([n, n])\njoin(xs)",
    "d = {}\nfor n in [1, 2, 3]:\n    if n % 2 in d:\n        d[n % 2] += n\n    else:\n        d[n % 2] = 10\njoin(d)",
    "d = {'a': 1, 'b': 2}\nfor k, v in d.items():\n    d[k] = v * 2\njoin(d)",
    "xs = [1, 2]\nfor i, x in enumerate(xs):\n    xs[i] = x * 2\njoin(xs)",
    "xs = [[]]\nfor n in [1, 2, 3]:\n    if n == 2:\n        xs.append([])\n    xs[-1].append(n)\njoin(xs)",
]
ARMS = [
    "x = get(2)\nif x > 3:\n    join(x)\nelse:\n    join('no')",
    "x = get(2)\nif x > 5: join(x, 1)\nelif x > 3: join(a=x, b=put(3))\nelse: join('no')",
    "x = get(2)\nif x > 5:\n    if x:\n        join(1)\n    else:\n        y = get(x)\n        join(y)\nelif x > 3:\n    answer = put(x)\n    join(answer, answer)\nelse:\n    join('no')",  # noqa: E501
    "answer = get(2)\nif answer > 5:\n    join(put(1))\nelse:\n    join(answer)",
]
OTHERS = [
    "x = get(2)\nif x > 3:\n    if x > 1:\n        pass\n    else:\n        pass\n    y = 1\nelse:\n    y = 2\njoin(y)",
    "xs = [y + 1 for x in [1, 2, 4] if x > 1 if (y := get(x)) > 4 and y < 100]\njoin(xs)",
    "xs = {x: y for x in [1, 2, 4] if (y := x * 2) > 2}\njoin(xs, any(z > 3 for x in [1, 2] if (z := x + 1)))",
    "for n in [1, 2]:\n    xs = [y for x in [1, 2, 4] if (y := x * 2) > n]\n    put(xs)\ny = 2\njoin(xs, y)",
    "t = None\nfor e in [1, 2, 4, 5]:\n    if e > 2:\n        t = e * 10\n        break\njoin(t)",
    "xs = []\nfor n in [1, 2, 3]:\n    best = 0\n    for a, b in [(1, 2), (2, 3)]:\n        if a >= n:\n            best = b\n            break\n    xs.append(best)\njoin(xs, best)",  # noqa: E501
    "g = filter(lambda x: x > 1, [1, 2, 3])\nn = list(map(lambda x: x + 1, g))\njoin(n)",
    "g = map(str, [1, 2, 3])\nh = filter(None, g)\nfor x in h:\n    put(x)\njoin(x)",
]


@pytest.mark.parametrize("source", [*ENTRIES, *ARMS, *OTHERS])
def test_a_form_does_what_python_does_as_it_is_written_and_as_it_is_printed(source: str) -> None:
    expected = python(source)
    assert ours(source) == expected
    printed = print_plan(compile_plan(f"{source}\n", TOOLS, "python").tasks)
    assert ours(printed) == expected
    assert print_plan(compile_plan(printed, TOOLS, "python").tasks) == printed


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("row = {'n': 0}\nd = {}\nfor n in [1]:\n    d[n] = row\n    d[n]['n'] += 1\njoin(d)", ["E201"]),
        ("d = {'x': {'n': 1}}\ne = d['x']\nd['x']['n'] += 1\njoin(d, e)", ["E201"]),
        ("s = [0]\nd = {'a': s, 'b': 1}\nfor n in [1]:\n    d['b'] += 1\n    d['a'] += [n]\njoin(s, d)", ["E201"]),
        ("xs = [1]\nd = {}\nfor n in [1]:\n    if n not in d:\n        d[n] = {'x': xs}\n    d[n]['x'].append(n)\njoin(d, xs)", ["E204"]),  # noqa: E501
        ("d = dict.fromkeys([1, 2], [])\nfor n in [1]:\n    d[n].append(n)\njoin(d)", ["E204"]),
        ("d = {}\nfor n in [1]:\n    if n in d:\n        d[n] += get(n)\n    else:\n        d[n] = 1\njoin(d)", ["E207"]),  # noqa: E501
        ("d = {'a': [1], 'b': [2]}\nd['a'] = d['b']\nd['a'] += [3]\njoin(d)", ["E201"]),
        ("d = [x for x in [[1]] for _ in [0, 1]]\nd[0] += [2]\njoin(d)", ["E201"]),
        ("rows = [1, 2]\nfor n in rows:\n    rows[1] = 7\n    put(n)\njoin(rows)", ["E201"]),
        ("xs = [1, 2]\nfor i, x in enumerate(xs, 1):\n    xs[i] = x\njoin(xs)", ["E201"]),
        ("xs = [1]\nxs += [xs]\njoin(xs)", ["E204"]),
        ("x = 1\nif x > 5:\n    join(1)\njoin(x)", ["E206"]),
        ("x = 1\nif x > 5:\n    join(1)\nelif x:\n    join(2)", ["E206", "E206"]),
        ("x = 1\nif x > 5:\n    join(1)\nelse:\n    join(2)\nput(x)", ["E206", "E206"]),
        ("x = 1\nif x > 5:\n    join(1)\n    put(x)\nelse:\n    join(2)", ["E206", "E206"]),
        ("y = 1\nxs = [y for x in [1, 2] if (y := x * 2) > 2]\njoin(xs, y)", ["E202"]),
        ("xs = [y for x in [1, 2] if (y := x * 2) > 2]\njoin(xs, y)", ["E102"]),
        ("for n in [1]:\n    y = n\n    xs = [y for x in [1] if (y := x)]\n    put(y)\njoin(xs)", ["E202"]),
        ("e = 7\nt = 0\nfor e in [1, 2]:\n    if e > 1:\n        t = e\n        break\njoin(t, e)", ["E201"]),
        ("t = 0\nfor e in [1, 2]:\n    if get(e) > 2:\n        t = e\n        break\njoin(t)", ["E201"]),
        ("g = map(str, [1])\na = list(g)\nb = list(g)\njoin(a, b)", ["E202"]),
        ("g = map(str, [1])\njoin(list(g) + list(g))", ["E202"]),
        ("g = map(str, [1])\njoin(len(g))", ["E202"]),
        ("k = 1\ng = filter(lambda x: x > k, [1, 2])\nk = 2\njoin(list(g))", ["E202"]),
        ("g = (put(x) for x in [1])\njoin(1)", ["E205"]),
        ("join(get({'n': 1, 'n': 2}))", ["E304"]),
    ],
)  # fmt: skip
def test_what_is_not_sure_to_be_the_same_is_refused_with_what_to_write(source: str, codes: list[str]) -> None:
    assert errors(source) == codes
    assert all(found.help for found in check(f"{source}\n", TOOLS))


def test_a_list_that_others_may_see_is_not_added_to_in_an_entry() -> None:
    source = (
        "d = {}\nfor n in [{'k': 1, 'v': [1]}, {'k': 1, 'v': [2]}]:\n    if n['k'] in d:\n        d[n['k']] += n['v']\n"
        "    else:\n        d[n['k']] = n['v']\njoin(d)"
    )
    assert "others may see" in str(executed(source, BOTH.tools).outcomes["d.2"])


def test_arguments_in_one_dict_are_what_they_are_called() -> None:
    @tool(effect="write")
    def note(name: str, size: int = 1) -> str:
        """Note it."""
        return f"{name} {size}"

    plan = compile_plan("join(note({'name': 'a', 'size': 2}))\n", Toolset([note]).signatures, "python")
    assert print_plan(plan.tasks) == "join(note(name='a', size=2))\n"
    assert executed("join(note({'name': 'a', 'size': 2}))", [note]).answer == "a 2"


def test_a_value_beside_named_ones_is_named_like_itself_or_answer() -> None:
    assert executed("a = 1\njoin(a, {'b': 2}, a=3, c=4)", [get]).answer == {"a2": 1, "answer": {"b": 2}, "a": 3, "c": 4}


LAST_ARMS = "x = get(2)\nif x > 3:\n    join(put(x))\nelse:\n    join('no')\n"


def test_a_plan_that_is_cut_behind_the_join_of_its_last_arm_is_not_complete() -> None:
    program = Program(TOOLS)
    reader = PythonReader(program)
    reader.feed(LAST_ARMS)
    assert not program.complete
    reader.finish("cut")
    assert not program.complete


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_the_joins_of_arms_are_the_same_however_the_text_comes(size: int) -> None:
    program = Program(TOOLS)
    reader = PythonReader(program)
    for at in range(0, len(LAST_ARMS), size):
        reader.feed(LAST_ARMS[at : at + size])
    reader.finish()
    assert program.complete
    assert program.in_order() == compile_plan(LAST_ARMS, TOOLS, "python").tasks


@pytest.mark.parametrize(
    "replies",
    [
        [LAST_ARMS],
        [f"```python\n{LAST_ARMS}```\nThat says it all.\n", f"```python\n{LAST_ARMS}```\n"],
        ["x = get(2)\nif x > 3:\n    join(put(x))\njoin('no')\n", LAST_ARMS],
        [LAST_ARMS.replace("'no'", "'no' +"), LAST_ARMS],
        [f"y = 1 +\n{LAST_ARMS.replace('no', 'none')}", "y = 1\n"],
        ["x = get(2)\nif x > 3:\n    join(put(x))\njoin('no')\n", "answer = 'no'\nif x > 3:\n    answer = put(x)\njoin(answer)\n"],  # noqa: E501
    ],
)  # fmt: skip
def test_the_joins_of_arms_are_read_in_replies_too(replies: list[str]) -> None:
    WROTE.clear()
    agent = LLMCompiler(ScriptedModel(*replies), tools=BOTH.tools, joiner=None, max_repairs=len(replies) - 1)
    assert (agent.run_sync("?").answer, WROTE) == (4, [4])


def test_arms_of_which_one_does_not_join_are_sent_back() -> None:
    agent = LLMCompiler(ScriptedModel("x = 1\nif x:\n    join(x)\n"), tools=[get], joiner=None, max_repairs=0)
    with pytest.raises(PlanError, match="write answer = x in its place"):
        agent.run_sync("?")


def _loop(random: Random) -> str:
    """A loop that changes a dict of dicts in several ways, what stands in it before being one of a few."""
    start = random.choice(["{}", "{0: {'a': 1, 'xs': []}}", "{k: {'a': k, 'xs': []} for k in [0, 1, 2]}"])
    begin = random.choice(["{'a': 0, 'xs': []}", "{'a': n, 'xs': [n]}", "{'a': n, 'xs': []}"])
    key = random.choice(["n % 2", "n", "n % 3"])
    steps = [
        f"d[{key}]['a'] += {random.randint(0, 3)}",
        f"d[{key}]['a'] -= n",
        f"d[{key}]['xs'].append(n)",
        f"d[{key}]['xs'].extend([n, {random.randint(0, 3)}])",
        f"d[{key}]['b'] = n",
        f"d[{key}]['xs'] = [n]",
        f"d[{key}] = {begin}",
    ]

    def lines(margin: str, depth: int) -> list[str]:
        found: list[str] = []
        for _ in range(random.randint(1, 3)):
            kind = random.random()
            if kind < 0.2 and depth < 2:
                found += [f"{margin}if n > {random.randint(0, 4)}:", *lines(f"{margin}    ", depth + 1)]
            elif kind < 0.4:
                one = [f"{margin}    {random.choice(steps[:5])}" for _ in range(random.randint(1, 2))]
                found += [f"{margin}if {key} in d:", *one, f"{margin}else:", f"{margin}    d[{key}] = {begin}"]
            elif kind < 0.6:
                found += [f"{margin}if {key} not in d:", f"{margin}    d[{key}] = {begin}"]
            elif kind < 0.7 and depth < 2:
                found += [f"{margin}for m in [0, 1]:", *lines(f"{margin}    ", depth + 1)]
            else:
                found.append(margin + random.choice(steps))
        return found

    first = [f"    if {key} not in d:", f"        d[{key}] = {begin}"] if random.random() < 0.8 else []
    after = random.choice(["", "d[0]['a'] = 9\n", "for k in d:\n    d[k]['c'] = d[k]['a'] + 1\n"])
    return f"d = {start}\nfor n in [1, 2, 4, 0]:\n" + "\n".join([*first, *lines("    ", 0)]) + f"\n{after}join(d)\n"


@hypothesis_settings(max_examples=examples(30, 1_000))
@given(st.integers(0, 2**32))
def test_entries_of_entries_are_what_python_makes_of_them_or_are_refused(seed: int) -> None:
    source = _loop(Random(seed))
    if errors(source):
        return
    try:
        expected = python(source)
    except (KeyError, TypeError):
        assert ours(source)[0][0] in ("Failure", "Skipped")
        return
    assert ours(source) == expected
    printed = print_plan(compile_plan(source, TOOLS, "python").tasks)
    assert ours(printed) == expected
