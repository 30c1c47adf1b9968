"""What the functions, methods and formats of Python give here (rules L3, L25), and what is refused of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from superscalar import Failure, tool
from superscalar.plan import check, compile_plan
from superscalar.plan.print.program import print_plan
from superscalar.tools.toolset import Toolset
from support.alike import canonical
from support.running import executed


@tool(effect="read", trust="trusted")
def get(x: Any) -> Any:
    """The argument."""
    return x


@tool(effect="write", trust="trusted")
def put(x: Any) -> Any:
    """The argument, which is kept."""
    return x


TOOLS = Toolset([get, put]).signatures

SAME = [
    "next(x for x in get([3, 4]) if x > 3)",
    "next((x for x in get([3, 4]) if x > 9), None)",
    "next(iter(get({'a': 1})))",
    "next(reversed(get([1, 2])), 0)",
    "any(get(x) > 1 for x in [1, 2])",
    "pow(2, get(5))",
    "pow(get(3), 20, 7)",
    "pow(3, -1, 7)",
    "pow(2, 3, mod=5)",
    "divmod(get(-7), 3)",
    "divmod(7.5, 2)",
    "dict.fromkeys(get(['b', 'a', 'b']))",
    "list(dict.fromkeys(x % 3 for x in get([5, 2, 3])))",
    "dict.fromkeys('ab', 0)",
    "get('a-b-c').partition('-')",
    "'ab'.partition('x')",
    "'pre-x'.removeprefix('pre-') + 'x.txt'.removesuffix('.txt')",
    "['12'.isdigit(), ''.isdigit(), '1.5'.isdigit(), '²'.isdigit()]",
    "['éCOLE'.capitalize(), 'Straße'.casefold()]",
    "['5'.zfill(3), '-5'.zfill(4), 'ab'.ljust(4, '.'), 'ab'.rjust(1), 'ab'.center(5, '*')]",
    "['abc'.index('c'), get([1, 2, 1]).index(1, 1), (1, 2).index(2)]",
    "[get([1, True, 1.0, 'a']).count(1), ('a', 'b').count('a')]",
    "[get([1]).copy(), get({'a': 1}).copy()]",
    "sorted({1, 2}.union([3], {4}))",
    "sorted(set(get([1, 2])).intersection([2, 3]))",
    "sorted({1, 2}.difference({2}, [5]))",
    "[{1}.issubset([1, 2]), {3}.issubset({1})]",
    "sorted(get(['ccc', 'a', 'bb']), key=len)",
    "sorted(get(['b', 'A', 'c']), key=str.lower, reverse=True)",
    "max({'a': 1, 'b': 3}, key={'a': 1, 'b': 3}.get)",
    "min([-3, 2], key=abs)",
    "sorted(['b', 'a'], key=['a', 'b'].index)",
    "sorted([3, 1], key=None)",
    "[_ for _ in range(2)]",
    "'{} {}'.format(1, get('x'))",
    "'{0}{n}{0!r:>6}|{n:{w}.{p}f}'.format('a', n=1.5, w=8, p=2)",
    "'{{{}}} {:,}'.format(1, 12345)",
    "'{0[a]} {0[b][1]}'.format(get({'a': 1, 'b': [1, 2]}))",
    "'%s is %.1f, 100%%' % ('a', get(2))",
    "'%5d|%-5s|%05.1f|%+d|%x|%X|%o|%e|%g' % (7, 'a', 2.25, 3, 255, 255, 8, 12345.678, 0.1)",
    "'%(a)s-%(b)03d' % get({'a': 'x', 'b': 5})",
    "'%*d|%-*d|%.*f' % (5, 1, 5, 2, 2, 3.14159)",
    "'%r %s %a %c%c' % ('é', [1, None], 'é', 'x', 65)",
    "'%s' % {'a': 1}",
    "'%d' % 3.99",
]


@pytest.mark.parametrize("expression", SAME)
def test_an_expression_is_what_python_makes_of_it(expression: str) -> None:
    expected = eval(expression, {"get": lambda x: x})
    value = executed(f"x = {expression}\njoin(x)", [get]).answer
    assert repr(canonical(value)) == repr(canonical(expected))


@pytest.mark.parametrize("expression", SAME)
def test_a_plan_with_it_is_printed_and_read_back(expression: str) -> None:
    text = f"x = {expression}\njoin(x)\n"
    plan = compile_plan(text, TOOLS, "python")
    assert compile_plan(print_plan(plan.tasks), TOOLS, "python").tasks == tuple(
        replace(task, notes=()) for task in plan.tasks
    )


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("next(x for x in get([]))", "`next` of nothing"),
        ("pow(2, get(10000))", "4,096"),
        ("'x'.ljust(get(5000))", "the bound is 1,000"),
        ("'x'.zfill(get(5000))", "the bound is 1,000"),
        ("'%*d' % (get(5000), 1)", "wider than the bound"),
        ("'%.*f' % (get(5000), 1.0)", "wider than the bound"),
        ("'{:{}}'.format(1, get(5000))", "wider than the bound"),
        ("'{0[__class__]}'.format(get('x'))", "indexed by a number"),
        ("'%d' % get('x')", "`%d` takes a number"),
        ("'%s %s' % get((1,))", "more values than are given"),
        ("'%s' % get((1, 2))", "more values are given"),
        ("'abc'.index(get('x'))", "is not in"),
        ("get([1]).index(2)", "is not in"),
        ("get([1]).upper()", "a list has: count, index, copy"),
        ("get('{.x}').count(1)", "takes text"),
    ],
)
def test_what_has_no_value_says_why(expression: str, says: str) -> None:
    failed = executed(f"x = {expression}\njoin(x)", [get]).outcomes["x"]
    assert isinstance(failed, Failure)
    assert says in failed.message


@pytest.mark.parametrize(
    ("line", "code", "help"),
    [
        ("x = next(get([1]))", "E305", "get([1])"),
        ("g = (x for x in [1])\ny = next(g)", "E305", "[0]"),
        ("x = next((put(y) for y in [1]), None)", "E205", "[put(...) for ...]"),
        ("x = any(put(y) for y in [1])", "E205", "[put(...) for ...]"),
        ("x = all(get(put(y)) for y in [1])", "E205", "[put(...) for ...]"),
        ("t = get('{}')\nx = t.format(1)", "E202", 'f"{value}"'),
        ("x = '{.__class__}'.format(1)", "E305", 'f"'),
        ("x = '{0.a.__b}'.format(1)", "E305", 'f"'),
        ("x = '{:{:{}}}'.format(1, 2, 3)", "E305", 'f"'),
        ("x = '{} {}'.format(1)", "E305", 'f"'),
        ("x = '{'.format(1)", "E305", 'f"'),
        ("x = '%y' % 1", "E305", 'f"'),
        ("x = sorted([1], key=get)", "E202", ""),
        ("x = 'a'.union('b')", "E204", "methods of text"),
    ],
)
def test_what_is_refused_says_what_to_write(line: str, code: str, help: str) -> None:
    found = [d for d in check(f"{line}\njoin(1)", TOOLS) if d.severity == "error"]
    assert [d.code for d in found] == [code]
    assert help in found[0].help


def test_a_list_of_writes_under_any_is_made_whole_as_in_python() -> None:
    assert executed("x = any([put(y) for y in [0, 1, 2]])\njoin(x)", [put]).answer is True


def test_reads_in_a_generator_are_all_made_and_a_note_says_so() -> None:
    result = executed("x = any(get(y) for y in [1, 2])\njoin(x)", [get])
    assert result.answer is True
    assert [task.notes for task in result.plan if task.id == "x"] == [
        ("every call in the generator is made, not only those up to the item that decides",)
    ]
