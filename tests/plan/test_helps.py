"""Helps that lead to a right plan: each mistake is one error, and what its help writes checks and runs as in Python.

What a help writes is put where it says, without a person or a model in between.
"""

from __future__ import annotations

import ast
import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superscalar import tool
from superscalar.plan import check
from superscalar.plan.evaluate import table
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.instead import functions, methods
from superscalar.tools import Tool
from superscalar.tools.toolset import Toolset
from support.running import executed


@tool(effect="pure")
def find(query: str, most: int = 5) -> list[dict[str, Any]]:
    """What there is about something."""
    return [{"name": "a", "n": 3}, {"name": "b", "n": 1}, {"name": "a", "n": 2}][:most]


@tool(effect="pure")
def cost(item: str) -> float:
    """What an item costs."""
    return 2.5 + len(item)


@tool(effect="pure")
def report(city: str, unit: Literal["C", "F"] = "C") -> dict[str, Any]:
    """The weather."""
    return {"temp": 20.25, "sky": "sun"}


@tool(effect="pure")
def words(text: str) -> str:
    """The text in capitals."""
    return text.upper()


@tool(effect="write")
def mail(to: str, body: str) -> str:
    """Send a mail."""
    return f"{to}: {body}"


TOOLS: list[Tool[..., Any]] = [find, cost, report, words, mail]
SIGNATURES = Toolset(TOOLS).signatures


class Joined(Exception):
    """What a plan joins."""


def python(plan: str) -> Any:
    """What CPython joins of a plan."""

    def join(*values: Any) -> None:
        raise Joined(values[0] if len(values) == 1 else list(values))

    def default(value: Any, _fallback: Any) -> Any:
        return value

    space: dict[str, Any] = {t.name: t.function for t in TOOLS} | {"join": join, "default": default}
    space["parse_json"] = json.loads
    try:
        exec(compile(plan, "plan", "exec"), space)
    except Joined as joined:
        return plain(joined.args[0])
    raise AssertionError("nothing is joined")


def plain(value: Any) -> Any:
    """Tuples as lists: in a plan both are sequences."""
    match value:
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
    return value


def only_error(plan: str) -> Diagnostic:
    errors = [diagnostic for diagnostic in check(plan, SIGNATURES) if diagnostic.severity == "error"]
    assert len(errors) == 1, "\n".join(map(str, errors))
    assert "did you mean" not in errors[0].help
    return errors[0]


def holds(plan: str, mistake: str) -> None:
    """A plan checks, and joins what CPython joins of it, and of the mistake if that is Python at all."""
    assert [str(d) for d in check(plan, SIGNATURES) if d.severity == "error"] == [], plan
    joined = plain(executed(plan, TOOLS).outcomes.joined)
    assert joined == python(plan)
    try:
        meant = python(mistake)
    except (AttributeError, NameError, SyntaxError, TypeError):
        return
    assert joined == meant


STATEMENTS = {
    # changes in place, outside of a loop
    "xs = [1]\nkept = xs\nxs.append(cost('a'))\njoin(xs)": "xs = xs + [cost('a')]",
    "xs = [1]\nkept = xs\nxs.extend([2])\njoin(xs)": "xs = xs + [2]",
    "xs = [1]\nkept = xs\nxs.extend((2, 3))\njoin(xs)": "xs = xs + list((2, 3))",
    "xs = [1]\nkept = xs\nxs.extend(n for n in [2])\njoin(xs)": "xs = xs + [n for n in [2]]",
    "xs = find('a')\nxs.extend(find('b'))\njoin(xs)": "xs = xs + find('b')",
    "xs = [1]\nxs.insert(0, 5)\njoin(xs)": "xs = [5] + xs",
    "xs = [1, 2]\nxs.insert(1, 5)\njoin(xs)": "xs = xs[:1] + [5] + xs[1:]",
    "xs = [1, 2]\nxs.remove(1)\njoin(xs)": "xs = [x for x in xs if x != 1]",
    "x = [1, 2]\nx.remove(1)\njoin(x)": "x = [x2 for x2 in x if x2 != 1]",
    "xs = [2, 1]\nkept = xs\nxs.sort()\njoin(xs)": "xs = sorted(xs)",
    "xs = [2, 1]\ne = xs\nxs.sort(key=lambda x: -x, reverse=True)\njoin(xs)": "xs = sorted(xs, key=lambda x: -x, reverse=True)",  # noqa: E501
    "xs = [2, 1]\nxs.reverse()\njoin(xs)": "xs = xs[::-1]",
    "xs = [2, 1]\nxs.pop()\njoin(xs)": "xs = xs[:-1]",
    "xs = [2, 1]\nxs.pop(0)\njoin(xs)": "xs = xs[1:]",
    "xs = [2, 1]\nxs.clear()\njoin(xs)": "xs = []",
    "d = {'a': 1}\nd.pop('a')\njoin(d)": "d = {k: v for k, v in d.items() if k != 'a'}",
    "s = {1}\nkept = s\ns.add(2)\njoin(sorted(s))": "s = s | {2}",
    "s = {1, 2}\ns.discard(2)\njoin(sorted(s))": "s = s - {2}",
    "d = {}\nkept = d\nd.update({'a': 1})\njoin(d)": "d = d | {'a': 1}",
    "d = {}\nkept = d\nd.update(a=cost('a'))\njoin(d)": "d = d | {'a': cost('a')}",
    "d = {}\nkept = d\nd.update([('a', 1)])\njoin(d)": "d = d | dict([('a', 1)])",
    "d = {}\nkept = d\nd.setdefault('a', 1)\njoin(d)": "d = {'a': 1} | d",
    "d = {}\nkept = d\nd['a'] = cost('a')\njoin(d)": "d = d | {'a': cost('a')}",
    "d = {'a': 1}\nkept = d\nd['a'] += 2\njoin(d)": "d = d | {'a': d['a'] + 2}",
    "d = {'a': {}}\ne = d\nd['a']['b'] = 2\njoin(d)": "d = d | {'a': d['a'] | {'b': 2}}",
    "d = {'a': [1]}\ne = d\nd['a'].append(2)\njoin(d)": "d = d | {'a': d['a'] + [2]}",
    "d = {}\nkept = d\nd.setdefault('a', []).append(2)\njoin(d)": "d = d | {'a': d.get('a', []) + [2]}",
    "xs = [1, 2]\nkept = xs\nxs[1] = 3\njoin(xs)": "xs = xs[:1] + [3] + xs[2:]",
    "xs = [1, 2, 3]\nxs[1:] = [4]\njoin(xs)": "xs = xs[:1] + [4]",
    "d = {'a': 1}\ndel d['a']\njoin(d)": "d = {k: v for k, v in d.items() if k != 'a'}",
    "xs = [1, 2]\ndel xs[0]\njoin(xs)": "xs = xs[1:]",
    # in a loop
    "s = set()\nkept = s\nfor t in ['A', 'B']:\n    s.add(t)\njoin(sorted(s))": "s = s | {t for t in ['A', 'B']}",
    "d = {}\nkept = d\nfor t in ['A', 'B']:\n    d[t] = cost(t)\njoin(d)": "d = d | {t: cost(t) for t in ['A', 'B']}",
    "d = {}\ne = d\nfor t in ['A', 'B']:\n    c = cost(t)\n    d[t] = c\njoin(d)": "d = d | {t: cost(t) for t in ['A', 'B']}",  # noqa: E501
    "d = {}\nkept = d\nfor t in ['A', 'B']:\n    c = cost(t)\n    d[t] = [c, c]\njoin(d)": (
        "d = d | {t: [c, c] for t in ['A', 'B'] for c in [cost(t)]}"
    ),
    "d = {}\nkept = d\nfor t in ['A', 'BB']:\n    if len(t) > 1:\n        d[t] = cost(t)\njoin(d)": (
        "d = d | {t: cost(t) for t in ['A', 'BB'] if len(t) > 1}"
    ),
    "d = {}\nkept = d\nfor t in ['A', 'BB']:\n    for u in [1, 2]:\n        d[t, u] = u\njoin(len(d))": (
        "d = d | {(t, u): u for t in ['A', 'BB'] for u in [1, 2]}"
    ),
    "d = {}\ne = d\nfor t in ['A', 'B']:\n    d.update({t: cost(t)})\njoin(d)": "d = d | {t: cost(t) for t in ['A', 'B']}",  # noqa: E501
    "d = {}\nkept = d\nfor t in ['A', 'B', 'A']:\n    d[t] = d.get(t, 0) + 1\njoin(d)": (
        "entries = [(t, 1) for t in ['A', 'B', 'A']]; "
        "d = d | {key: sum([v for k, v in entries if k == key], d.get(key, 0)) for key in {k for k, v in entries}}"
    ),
    "d = {'A': 1, 'B': 5}\nkept = d\nfor t in ['A', 'B', 'A']:\n    d[t] += cost(t)\njoin(d)": (
        "entries = [(t, cost(t)) for t in ['A', 'B', 'A']]; "
        "d = d | {key: sum([v for k, v in entries if k == key], d[key]) for key in {k for k, v in entries}}"
    ),
    "d = {}\nkept = d\nfor r in find('a'):\n    d.setdefault(r['name'], []).append(r['n'])\njoin(d)": (
        "entries = [(r['name'], r['n']) for r in find('a')]; "
        "d = d | {key: d.get(key, []) + [v for k, v in entries if k == key] for key in {k for k, v in entries}}"
    ),
    "best = None\nfor t in ['A', 'BB']:\n    p = cost(t)\n    if best is None or p > best:\n        best = p\njoin(best)": (  # noqa: E501
        "best = max([p for t in ['A', 'BB'] for p in [cost(t)]], default=None)"
    ),
    "best = 4\nfor r in find('a'):\n    if r['n'] < best:\n        best = r['n']\njoin(best)": (
        "best = min([best] + [r['n'] for r in find('a')])"
    ),
    "best = None\nfor r in find('a'):\n    if best is None or r['n'] > best['n']:\n        best = r\njoin(best)": (
        "best = max([r for r in find('a')], key=lambda x: x['n'], default=None)"
    ),
    "best = 0\nwho = ''\nfor t in ['A', 'BB']:\n    p = cost(t)\n    if p > best:\n        best = p\n        who = t\njoin(best, who)": (  # noqa: E501
        "best, who = max([(best, who)] + [(p, t) for t in ['A', 'BB'] for p in [cost(t)]], key=lambda x: x[0])"
    ),
    # other statements
    "try:\n    x = cost('a')\nexcept Exception:\n    pass\njoin(x)": "x = default(cost('a'), None)",
    "x == cost('a')\njoin(x)": "x = cost('a')",
    "x: cost('a')\njoin(x)": "x = cost('a')",
    "let x = cost('a');\njoin(x)": "x = cost('a')",
    "x := cost('a')\njoin(x)": "x = cost('a')",
    "x <- cost('a')\njoin(x)": "x = cost('a')",
    "cost('a') -> x\njoin(x)": "x = cost('a')",
    "x = cost 'a'\njoin(x)": "x = cost('a')",
    "x = new cost('a')\njoin(x)": "x = cost('a')",
    "x = cost('a')\njoin x": "join(x)",
    "i = 1\ni++\njoin(i)": "i += 1",
}  # fmt: skip
"""A mistake, and the lines that are to be written in the place of its statement."""


@pytest.mark.parametrize(("mistake", "code"), STATEMENTS.items(), ids=list(STATEMENTS))
def test_a_help_writes_the_statement_that_was_meant(mistake: str, code: str) -> None:
    error = only_error(mistake)
    assert error.help.startswith(f"write {code}")
    holds(_with_statement(mistake, error, code), mistake)


def _with_statement(mistake: str, error: Diagnostic, code: str) -> str:
    """The plan with `code` in the place of the statement at its left margin in which the error is."""
    lines = mistake.split("\n")
    starts = [i for i, line in enumerate(lines) if not line.startswith((" ", "except"))] + [len(lines)]
    first = max(start for start in starts if start <= error.span.line - 1)
    end = min(start for start in starts if start > first)
    return "\n".join([*lines[:first], code, *lines[end:]])


EXPRESSIONS = {
    # functions that are not there
    "join(list(map(lambda r: cost(r), ['a', 'b'])))": "[cost(r) for r in ['a', 'b']]",
    "join(list(map(cost, ['a', 'b'])))": "[cost(x) for x in ['a', 'b']]",
    "join(list(map(lambda a, b: a + b, [1, 2], [3, 4])))": "[a + b for a, b in zip([1, 2], [3, 4])]",
    "join(list(filter(lambda r: cost(r) > 1, ['a', 'b'])))": "[r for r in ['a', 'b'] if cost(r) > 1]",
    "join(repr('a'))": "f\"{'a'!r}\"",
    "join(hex(255))": "f'{255:#x}'",
    "r = report('P')\njoin(hasattr(r, 'append'), 1)": "'append' in r",
    "join(frozenset([1]) == {1})": "set([1])",
    "join(math.sqrt(16))": "16 ** 0.5",
    "join(math.ceil(cost('a')))": "-int(-cost('a') // 1)",
    "join(math.floor(2.5))": "int(2.5 // 1)",
    "join(np.sum([1, 2]))": "sum([1, 2])",
    "join(statistics.mean([1, 2]))": "sum([1, 2]) / len([1, 2])",
    "join(mean([1, 2]))": "sum([1, 2]) / len([1, 2])",
    "join(json.loads(words('[1]')))": "parse_json(words('[1]'))",
    "join(Counter(['a', 'b', 'a']))": "{k: len([x for x in ['a', 'b', 'a'] if x == k]) for k in ['a', 'b', 'a']}",
    "d = defaultdict(list)\njoin(d)": "{}",
    "join(str.upper('a'))": "'a'.upper()",
    "join(functions.cost('a'))": "cost('a')",
    "join(default_api.cost(item='a'))": "cost(item='a')",
    "join(cost.run('a'))": "cost('a')",
    "join(cost.invoke({'item': 'a'}))": "cost(item='a')",
    "join(call_tool('cost', item='a'))": "cost(item='a')",
    "join(use('cost', {'item': 'a'}))": "cost(item='a')",
    # listed ones, called another way
    "join(sorted(find('a'), lambda r: r['n']))": "sorted(find('a'), key=lambda r: r['n'])",
    "join(sorted(['bb', 'a'], len))": "sorted(['bb', 'a'], key=lambda x: len(x))",
    "join(sorted([1, 2], True))": "sorted([1, 2], reverse=True)",
    "join(sorted([1, 2], descending=True))": "sorted([1, 2], reverse=True)",
    "join(sorted([1, 2], order='desc'))": "sorted([1, 2], reverse=True)",
    "join(max(find('a'), lambda r: r['n']))": "max(find('a'), key=lambda r: r['n'])",
    "join(sum(find('a'), key=lambda r: r['n']))": "sum([r['n'] for r in find('a')])",
    "join(sum(lambda r: r['n'], find('a')))": "sum([r['n'] for r in find('a')])",
    "join(any(find('a'), key=lambda r: r['n'] > 2))": "any([r['n'] > 2 for r in find('a')])",
    "join(sum(1, 2, 3))": "sum([1, 2, 3])",
    "join(list(1, 2))": "[1, 2]",
    "join(round(2.55, digits=1))": "round(2.55, 1)",
    # methods that are not there
    "join(cost('a').result())": "cost('a')",
    "join(report('P').json())": "report('P')",
    "join(range(3).sum())": "sum(range(3))",
    "join(cost('a').round(1))": "round(cost('a'), 1)",
    "join([1, 2].length())": "len([1, 2])",
    "join('a b'.contains('a'))": "'a' in 'a b'",
    "join(' a '.trim())": "' a '.strip()",
    "join([1, 2].map(lambda n: n * 2))": "[n * 2 for n in [1, 2]]",
    "join([1, 2].filter(lambda n: n > 1))": "[n for n in [1, 2] if n > 1]",
    "join([1, 2].first())": "[1, 2][0]",
    "join([1].concat([2]))": "[1] + [2]",
    "join(cost('a').toFixed(2))": "f\"{cost('a'):.2f}\"",
    "xs = [1, 2]\nlast = xs.pop()\njoin(last)": "xs[-1]",
    "d = {'a': 1}\nkept = d\nn = d.setdefault('a', 2)\njoin(n)": "d.get('a', 2)",
    # displays, keys, words of Python
}  # fmt: skip
"""A mistake, and the expression that is to be written in the place of the one that is wrong."""


@pytest.mark.parametrize(
    ("mistake", "code"),
    [(m, c) for m, c in EXPRESSIONS.items() if c is not None],
    ids=[m for m, c in EXPRESSIONS.items() if c],
)
def test_a_help_writes_the_expression_that_was_meant(mistake: str, code: str) -> None:
    error = only_error(mistake)
    assert code in error.help
    holds(_with_expression(mistake, error, code), mistake)


def _with_expression(mistake: str, error: Diagnostic, code: str) -> str:
    """The plan with `code` in the place of the call, or other expression, that the error is at."""
    span = error.span
    line = mistake.split("\n")[span.line - 1]
    found = [
        node
        for node in ast.walk(ast.parse(line))
        if isinstance(node, ast.expr)
        and node.col_offset == span.column
        and (
            node.end_col_offset == span.end_column
            or (isinstance(node, ast.Call) and node.func.end_col_offset == span.end_column)
        )
    ]
    node = max(found, key=lambda node: node.end_col_offset or 0)
    changed = f"{line[: node.col_offset]}({code}){line[node.end_col_offset :]}"
    return mistake.replace(line, changed)


HELPED = {
    # what there is no code for, or only a part of it
    "xs = []\nfor t in ['A']:\n    xs.append(t)\n    n = len(xs)\njoin(n)": ("below the loop", "E207"),
    "n = 0\nfor t in ['A']:\n    n += 1\n    w = words(f'{n}{t}')\njoin(w)": (
        "for n, t in enumerate(['A']): and leave n += 1 out",
        "E207",
    ),
    "d = {}\nkept = d\nfor t in ['A', 'B']:\n    m = mail('me', t)\n    d[t] = m\n    n = mail('you', t)\njoin(d)": (
        "d_entries = [] above the loop, d_entries.append((t, m)) here, and d = d | dict(d_entries) below the loop",
        "E201",
    ),
    "x = ord('a')\njoin(x)": ("tools: find", "E301"),
    "x = cost(a)\njoin(x)": ("or write 'a' if it is text", "E102"),
    "x = datetime.now()\njoin(x)": ("a plan has no clock", "E301"),
    "x = datetime.datetime.now()\njoin(x)": ("a plan has no clock", "E301"),
    "x = random.choice([1])\njoin(x)": ("a plan does the same each time", "E301"),
    "x = re.findall('a', 'b')\njoin(x)": ("methods of text", "E301"),
    "x = open('a').read()\njoin(x)": ("only through its tools", "E301"),
    "x = requests.get('http://a')\njoin(x)": ("only through its tools", "E301"),
    "x = math.pi\njoin(x)": ("there are no modules here", "E102"),
    "x = null\njoin(x)": ("write None", "E102"),
    "x = 1\njoin[x]": ("write join(...)", "E102"),
    "x = cost('a') if True && 1 else 2\njoin(x)": ("write `and` for &&", "E001"),
    "x = 1 === 1\njoin(x)": ("write == for ===", "E001"),
    "x = [1].map(n => n * 2)\njoin(x)": ("write a comprehension", "E001"),
    "x = cost(item: 'a')\njoin(x)": ("tool(name=value)", "E001"),
    "x = {'a' = 1}\njoin(x)": ("{'key': value}", "E001"),
    "x = [1 2]\njoin(x)": ("a comma", "E001"),
    "x = 1\nwhile x < 3:\n    x += 1\njoin(x)": ("for x in range(x, 3): and leave x += 1 out", "E201"),
    "x = 1\nif x:\n    assert x > 0, 'no'\njoin(x)": ("write if x > 0:", "E201"),
    "for i in len([1]):\n    w = words('a')\njoin(w)": ("range(len([1]))", "E308"),
    "xs = [i for i in len([1])]\njoin(xs)": ("range(len([1]))", "E308"),
    "xs = [words('a') for i in len([1])]\njoin(xs)": ("range(len([1]))", "E308"),
    "x = words(cost('a'))\njoin(x)": ("str(cost('a'))", "E304"),
    "n = len([1])\nx = words(n)\njoin(x)": ("str(n)", "E304"),
    "xs = find('a')\nx = words(xs)\njoin(x)": ("one of its items", "E304"),
    "if (n := cost('a')) > 1:\n    x = words('b')\njoin(n)": (
        "write n = cost('a') on the line above, and n here",
        "E202",
    ),
    "a = {'to': 'me', 'body': 'hi'}\nm = mail(**a)\njoin(m)": ("mail(to=a['to'], body=a['body'])", "E202"),
    "xs = find('a')\nbest = sorted(xs, key=lambda r: cost(r['name']))\njoin(best)": (
        "[pair[1] for pair in sorted([(cost(r['name']), r) for r in xs], key=lambda pair: pair[0])]",
        "E205",
    ),
    "x = max(find('a'), key='n')\njoin(x)": ("key=lambda x: x['n']", "E202"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("mistake", "help", "code"),
    [(m, *h) for m, h in HELPED.items()],
    ids=list(HELPED),
)
def test_a_mistake_is_one_error_whose_help_fits(mistake: str, help: str, code: str) -> None:
    error = only_error(mistake)
    assert help in error.help
    assert error.code == code


ARGUMENTS = {
    "x = cost(ticker='a')\njoin(x)": ["did you mean `item`? "],
    "x = cost(itm='a')\njoin(x)": ["did you mean `item`? "],
    "x = find(text='a', max=1)\njoin(x)": ["find(query: str, most: int = 5)"] * 2,
    "x = mail(recipient='a', body='b')\njoin(x)": ["did you mean `to`? "],
    "x = report(city_name='a')\njoin(x)": ["did you mean `city`? "],
    "x = report('a', units='C')\njoin(x)": ["did you mean `unit`? "],
    "x = report('a', days=3)\njoin(x)": ["report(city: str"],
}


@pytest.mark.parametrize(("mistake", "helps"), ARGUMENTS.items(), ids=list(ARGUMENTS))
def test_the_name_of_an_argument_is_corrected_where_it_is_clear_which_is_meant(mistake: str, helps: list[str]) -> None:
    """A parameter that is missing is not an error of its own where another name was given for it."""
    errors = [diagnostic for diagnostic in check(mistake, SIGNATURES) if diagnostic.code != "E303"]
    assert [error.help[: len(help)] for error, help in zip(errors, helps, strict=True)] == helps


@pytest.mark.parametrize(
    "name", ["ord", "chr", "hash", "id", "defaultdict", "index", "result", "encode", "sleep", "sqrt"]
)
def test_nothing_is_suggested_that_only_looks_alike(name: str) -> None:
    assert "did you mean" not in only_error(f"x = {name}('a')\njoin(x)").help


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Cost", "cost"),
        ("reprot", "report"),
        ("get_report", "report"),
        ("word", "words"),
        ("repor", "report"),
        ("fnd", "find"),
    ],
)
def test_a_tool_is_suggested_that_can_be_meant(name: str, meant: str) -> None:
    [error] = check(f"x = {name}('a')\njoin(x)", SIGNATURES)
    assert f"did you mean `{meant}`?" in error.help


def test_a_help_never_writes_what_is_too_long_to_be_read() -> None:
    items = ", ".join(map(str, range(1000)))
    error = only_error(f"xs = [1]\nys = xs\nxs.extend([{items}])\njoin(xs)")
    assert len(error.help) < 200


OWNERS = [
    "xs",
    "d['k']",
    "cost('a')",
    "math",
    "cost",
    "[1]",
    "d.setdefault('a', [])",
    "'{} %s'",
    "(lambda x: x)",
    "self",
]
GIVEN = [
    "1",
    "'a'",
    "xs",
    "lambda a: a",
    "lambda: 1",
    "lambda a, b: a",
    "*xs",
    "**d",
    "k=1",
    "{'item': 'a'}",
    "cost('a')",
]
GIVEN += ["x for x in xs", "str.lower", "{**d}", "f'{xs}'", "(a := 1)", "key=len", "xs[1:]", "None", "()"]
PLACES = ["{}", "x = {}", "x == {}", "x: {}", "del {}", "x['a'] = {}", "a, *b = {}", "x = [*{}, 1]", "x = '%s' % {}"]
PLACES += [
    "for i in {}:\n    xs.append(i)",
    "for i in xs:\n    {}",
    "for i in xs:\n    d[i] = {}",
    "assert {}",
    "return {}",
]
PLACES += ["for i in xs:\n    if i > best:\n        best = {}", "for i in xs:\n    y = {}\n    d[i] += y", "xs[0] = {}"]
PLACES += [
    "for i in xs:\n    for j in i:\n        d.setdefault(i, []).append({})",
    "x = sorted(xs, key={})",
    "x = await {}",
]
METHODS = sorted({name for name, _ in methods._FORMS} | {name for name, _ in methods._SPECS} | table.MUTATING)
NAMES = sorted({name for name, _ in functions._FORMS} | {*functions._F_STRINGS, *functions.SAID, *table.FUNCTIONS})


@given(st.data())
def test_every_wrong_call_is_a_diagnostic_and_no_exception(data: st.DataObject) -> None:
    """Wherever it stands, and whatever it is given (L30)."""

    def one(choices: list[str]) -> str:
        return data.draw(st.sampled_from(choices))

    called = one(NAMES) if data.draw(st.booleans()) else f"{one(OWNERS)}.{one(METHODS)}"
    call = f"{called}({', '.join(data.draw(st.lists(st.sampled_from(GIVEN), max_size=3)))})"
    place = one(PLACES).replace("{}", call)
    for diagnostic in check(f"xs = [1]\nd = {{}}\nbest = 0\n{place}\njoin(xs)\n", SIGNATURES):
        assert diagnostic.message
