"""Grammars: whatever they accept can be read, what is written by hand is accepted, and nothing else can be said."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

import pytest
from grammar_matcher import follows
from grammar_samples import Sampler, SchemaSampler
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar.plan import check, grammar
from superscalar.plan.grammars.gbnf import to_gbnf
from superscalar.plan.grammars.language import plan_rules
from superscalar.plan.grammars.rules import read
from superscalar.plan.ir.signatures import Parameter, Signature, Signatures
from superscalar.plan.read.fronts import FRONTS
from superscalar.tools.toolset import Toolset
from support import golden_tools
from support.depth import examples
from support.shown_plans import shown, toolset_of

TOOLS = Toolset.from_module(golden_tools)
BEYOND = {"E102", "E307", "E308", "W501", "W502", "W503", "W505", "W507"}
"""Which names and fields there are, what is in them, and whether they are needed: no context-free grammar tells."""
WRITE_UNDER_FIRST = "a write under `first`, which wants only some of its items"
"""Which may be a name's, too (rule L16)."""

OF_ANOTHER_TYPE = re.compile(r" is \w+(?:\[.*\])?, and `\w+` of `\w+` is ")
"""Nor what type a computed argument has (rule L32)."""

RIGHT = [
    "join()",
    "join(1)\n",
    "send('me', 'hello')",
    "price('IBM')",
    'x = price("IBM")\njoin(x)',
    'x = price("IBM", 3)\ny = price(ticker="IBM", day=x)\njoin(x, y)',
    (
        '# which moved most\nprices = {t: price(t) for t in ["IBM", "AAPL"]}\n'
        "best = max(prices, key=lambda t: prices[t])\n# done\njoin(prices=prices, best=best)"
    ),
    'w = weather("Rome", units="F").temperature * 9 / 5 + 32\njoin(f"at {w:.1f}, {round(w, 2)}: {w!r}")',
    'pages = [p.title for p in search("a", limit=5) if p.url.startswith("http") and not p.title == ""]\njoin(pages)',
    "m = mean([1, 2.5, -3], weights={\"a\": 1})\nn = mean([price(t) for t in ['A']], None)\njoin(m, n)",
    'a, b = lookup([1, {"x": (2, None)}, True])\nc = a if b > 1 and a is not None else -b\nc += 1\njoin(c)',
    (
        'total = 0\nfound = []\nfor t in ["A", "B"]:\n    now = price(t)\n    total += now\n    if now > 1:\n'
        "        found.append(now)\njoin(total, found)"
    ),
    (
        'if price("A") > 3:\n    send("me", "it\'s \\"up\\"")\nelif price("B") > 3:\n    # a thought\n    x = 1\n'
        "else:\n    x = 2\njoin(x)"
    ),
    "x = default(price(\"A\"), 0)\ny = ok([price(t) for t in ['A']])[0:2]\njoin(len(y), ', '.join(str(i) for i in y))",
    'x = first(1, [price("A"), price("B")])\njoin(x)',
    'archive_move(from_="a", to="b")\nz = sorted(lookup(1).values(), reverse=True)[-1]["k"] // 2 ** 3 % 4\njoin(z)',
]
WRONG = [
    "",
    "Sure, here is the plan:",
    'x = pric("IBM")',
    'x = price("IBM", days=3)',
    'x = price("IBM", day=3, day=3)',
    'x = price("IBM", 3, 4)',
    "x = price()",
    "x = price(day=3)",
    "x = price(5)",
    'x = price("IBM", "3")',
    'x = price("IBM", day=1.5)',
    'x = weather("Rome", "F")',
    'x = weather("Rome", units="K")',
    'x = mean(["a"])',
    "x = mean(3)",
    'x = send("me")',
    "x = None(1)",
    "for = 1",
    "_x = 1",
    "x._y",
    "import os",
    "def f():\n    x = 1",
    "x = print(1)",
    "x = lambda y: y",
    "x = [*y]",
    'x = "%d" % 3',
    'x = "a".format(1)',
    "x = max(1, key=lambda y: price(y))",
    "x = 1\njoin(x)\ny = 2",
    "x = (1",
    "x = 01",
    "if x:\njoin(x)",
]


@cache
def gbnf() -> dict[str, Any]:
    return read(grammar(TOOLS).gbnf)


@cache
def lark() -> Callable[[str], bool]:
    package = pytest.importorskip("lark", reason="needs the extra dev")
    parser = package.Lark(grammar(TOOLS).lark, parser="earley", lexer="dynamic")

    def accepts(text: str) -> bool:
        try:
            parser.parse(text)
        except package.exceptions.LarkError:
            return False
        return True

    return accepts


@settings(max_examples=examples(35, 1_000))
@given(st.integers(0, 2**32), st.integers(4, 12))
def test_what_a_grammar_accepts_can_be_read(seed: int, depth: int) -> None:
    """No bad syntax, no construct outside the language, no tool or argument that is not there (rules L3 to L7, L32)."""
    text = Sampler(plan_rules(TOOLS.signatures), Random(seed), depth=depth).text()
    found = [d for d in check(text, TOOLS.signatures) if d.code not in BEYOND]
    assert [d for d in found if d.message != WRITE_UNDER_FIRST and not OF_ANOTHER_TYPE.search(d.message)] == [], text


@settings(max_examples=examples(35, 1_000))
@given(st.integers(0, 2**32))
def test_what_the_json_schema_accepts_can_be_read(seed: int) -> None:
    """Rule L28: the same holds of plans in JSON."""
    plan = SchemaSampler(grammar(TOOLS).json_schema, Random(seed)).value()
    found = [d for d in check(json.dumps(plan), TOOLS.signatures, "json") if d.code not in BEYOND]
    assert [d for d in found if not OF_ANOTHER_TYPE.search(d.message)] == [], plan


@settings(max_examples=examples(12))  # Lark's parser takes its time
@given(st.integers(0, 2**32))
def test_both_notations_accept_what_the_rules_make(seed: int) -> None:
    text = Sampler(plan_rules(TOOLS.signatures), Random(seed), depth=6).text()
    assert follows(text, gbnf())
    assert lark()(text)


@pytest.mark.parametrize("plan", RIGHT)
def test_plans_as_people_write_them_are_accepted(plan: str) -> None:
    assert [d for d in check(plan, TOOLS.signatures) if d.severity == "error"] == []
    assert follows(plan, gbnf())
    assert lark()(plan)


@pytest.mark.parametrize("plan", WRONG)
def test_what_is_no_plan_cannot_be_said(plan: str) -> None:
    assert not follows(plan, gbnf())
    assert not lark()(plan)


def test_every_beginning_of_a_name_that_is_a_keyword_is_a_name() -> None:
    rules = gbnf()
    assert [word for word in ("for", "in", "None", "as") if follows(f"{word} = 1", rules)] == []
    assert all(follows(f"{word} = 1", rules) for word in ("fo", "form", "i", "int", "N", "Nones", "print", "asset"))


def test_the_examples_of_the_prompt_follow_the_grammar_of_their_tools() -> None:
    """A model that is shown what it cannot write is led astray."""
    for tools, plan in shown(FRONTS[0].prompt.examples):
        assert follows(plan, read(grammar(toolset_of(tools)).gbnf)), plan


def test_what_is_written_is_what_the_rules_say() -> None:
    rules = plan_rules(TOOLS.signatures)
    assert read(to_gbnf(rules)) == dict(rules.rules)


def test_an_agent_without_tools_can_still_compute() -> None:
    rules = read(grammar(Signatures()).gbnf)
    assert follows("x = sum([1, 2])\njoin(x)", rules)
    assert not follows('x = price("IBM")', rules)


@pytest.mark.parametrize(
    ("type", "right", "wrong"),
    [
        (str, ['"a"', "'a'", 'f"a"', "x", "x.y + 1", '"a" + x'], ["1", "None", "[1]", "True", "(1)", "(1, 2)"]),
        (int, ["1", "-1", "x", "len(x)", "(1 + 2)"], ["1.5", '"1"', "None"]),
        (int | None, ["1", "None"], ["1.5", '"1"']),
        (float, ["1", "1.5", "-2e3", "x * 2"], ['"1"', "None", "True"]),
        (bool, ["True", "not x", "x > 1"], ['"yes"', "None"]),
        (list[str], ['["a"]', "[]", "[x for x in y]", "x"], ['"a"', "[1]", "{}"]),
        (list[list[int]], ["[[1], [2, 3]]"], ["[1]", '[["a"]]']),
        (dict[str, int], ['{"a": 1}', "{}", "x"], ['{"a": "b"}', "{1}", "[1]"]),
        (Literal["a b", 'it"s', 3], ['"a b"', '"it\\"s"', "3", "x"], ['"a"', "4"]),
        (Annotated[str, "text"], ['"a"'], ["1"]),
        (Any, ["1", '"a"', "None", "[1]", "(1, 2)"], ["_x", "import"]),
        (bytes, ["1", '"a"'], []),  # nothing is known of what pydantic takes for it: the checker says
    ],
    ids=str,
)
def test_literals_are_of_the_right_type(type: Any, right: list[str], wrong: list[str]) -> None:
    """Rule L32, where it is cheap; what is no literal is never refused for its type."""

    def use(value: Any) -> None: ...

    use.__annotations__["value"] = type
    rules = read(grammar(Toolset([use])).gbnf)
    assert [value for value in right if not follows(f"x = use({value})", rules)] == []
    assert [value for value in wrong if follows(f"x = use({value})", rules)] == []


def test_a_tool_costs_less_than_a_kilobyte() -> None:
    """The size is linear: an engine reads the grammar for every reply."""

    def sized(count: int) -> int:
        parameters = tuple(Parameter(f"argument_{i}", f"argument_{i}", "str", required=i < 2) for i in range(6))
        return len(grammar(Signatures(Signature(f"tool_{i}", f"tool_{i}", parameters) for i in range(count))).gbnf)

    assert sized(100) - sized(50) < 50 * 1_024


@pytest.mark.parametrize("notation", ["gbnf", "lark", "json_schema"])
def test_the_grammar_of_a_small_toolset(notation: str) -> None:
    """`SUPERSCALAR_UPDATE_GOLDEN=1` writes what it is now; the difference is to be read."""
    made = getattr(grammar(Toolset([golden_tools.price, golden_tools.weather, golden_tools.mean])), notation)
    text = made if isinstance(made, str) else json.dumps(made, indent=1) + "\n"
    path = Path(__file__).parent / "golden_grammars" / f"{notation.replace('json_schema', 'schema')}.txt"
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text
