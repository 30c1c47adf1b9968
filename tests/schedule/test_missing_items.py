"""What is missing keeps its place (L33): every kind of missing item, in whatever holds it, under every use.

However it is written, and whichever call is the faster one.
"""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, Observation, Outcomes, Skipped, tool
from superscalar import events as ev
from superscalar.codec import dumps, loads
from superscalar.observe.documents import outcome_document
from superscalar.results import show_results
from superscalar.testing import run
from superscalar.values import Holder
from support.depth import examples, share
from support.missing_items import KINDS, SETUP, Way, holders, shape, spellings, tools, uses_of

Delays = tuple[float, float, float]
DELAYS = ((0.0, 0.0, 0.0), (5.0, 1.0, 1.0), (1.0, 5.0, 0.0), (1.0, 0.0, 5.0))
WAYS = [holder.name for holder in holders("a", "guard")]


def ran(text: str, delays: Delays = DELAYS[0]) -> tuple[Outcomes, list[Any]]:
    """What became of a plan's tasks, and what it wrote."""
    written: list[Any] = []
    return run(LLMCompiler(tools=tools(delays, written)).execute(SETUP + text)), written


def plan_of(holder: Way, *, named: bool) -> str:
    """A line for every use, and a write of what that came to."""
    lines = [holder.setup + (f"xs = {holder.text}\n" if named else "")]
    for number, use in enumerate(uses_of(holder)):
        lines.append(f"r{number} = {use.format('xs' if named else holder.text)}\nw{number} = w({number}, r{number})\n")
    return "".join(lines) + "join()\n"


@pytest.mark.search
@pytest.mark.parametrize(("kind", "way"), share(product(KINDS, WAYS), 3))
def test_a_missing_item_is_found_at_its_place_or_makes_the_whole_missing(kind: str, way: str) -> None:
    item, lack = KINDS[kind]
    holder = next(holder for holder in holders(item, lack) if holder.name == way)
    uses = uses_of(holder)
    wanted = {use: oracle(holder) for use, oracle in uses.items()}
    worlds = [(named, delays) for named in (True, False) for delays in DELAYS]
    for named, delays in Random(f"{kind} {way}").sample(worlds, min(len(worlds), examples(1))):
        outcomes, written = ran(plan_of(holder, named=named), delays)
        found = {use: shape(outcomes[f"r{number}"]) for number, use in enumerate(uses)}
        assert {use: made for use, made in found.items() if made != wanted[use]} == {}, (named, delays)
        values = [(n, w[1]) for n, w in enumerate(wanted.values()) if isinstance(w, tuple) and w[0] == "value"]
        assert sorted(written, key=lambda made: int(made[0])) == values


@settings(max_examples=examples(50, 3_000))
@given(spellings(), st.sampled_from(DELAYS), st.sampled_from(DELAYS))
def test_what_comes_out_depends_neither_on_spelling_nor_on_time(
    texts: tuple[str, str, str], one: Delays, other: Delays
) -> None:
    """Written in one expression, with a name for each part, and with a call that gives back each item."""
    found = [shape(ran(text, delays)[0]["r"]) for text, delays in zip(texts, (one, other, one), strict=True)]
    assert found == [found[0]] * 3, texts


LEFT_OUT = [
    ("acc = []\nfor i in [0, 1, 2, 3]:\n    if i != 1:\n        acc.append(f(i))\nr = acc[1]\n", ("value", 2)),
    ("xs = [f(x) for x in [1, 2, 3] if x != 2]\nr = [xs[1], len(xs)]\n", ("value", [3, 2])),
    ("for i in [1, 2, 3]:\n    if i < 3:\n        r = f(i)\n", ("value", 2)),
    ("r = 0\nfor i in [1, 2, 3]:\n    for j in [1]:\n        if i == 2:\n            r = i\n", ("value", 2)),
    (
        "for i in [1, 2, 3]:\n    if i < 3:\n        r = i\n    for j in [1]:\n        if i < 2:\n            r = 7\n",
        ("value", 2),
    ),
    (
        "for i in [1, 2, 3]:\n    if i > 1:\n        if i == 2:\n            r = f(i)\n    elif i:\n        r = 9\n",
        ("value", 2),
    ),
]
NOT_THERE = [
    ("r = 0\nfor i in [1, 2]:\n    r += i * a\n", "guard"),
    ("r = 0\nfor i in [1, 2]:\n    r += i * (a if i == 1 else b)\n", "cause"),
    ("r = 0\nfor i in [1, 2]:\n    r = i + a\n", "guard"),
    ("r = 0\nfor i in [1, 2]:\n    if i == a:\n        r = i\n", "guard"),
    ("for i in [1, 2]:\n    if i == 2:\n        r = a\n", "guard"),
    ("r = 5\nfor i in [1, 2]:\n    for j in a:\n        r = j\n", "guard"),
    ("for i in [1, 2]:\n    r = i if i == 1 else a\n", "guard"),
    ("for r in [1, a]:\n    f(r)\n", "guard"),
    ("for i in [1, 2]:\n    if i == 1:\n        r = f(i)\n    else:\n        r = boom(i)\n", "cause"),
    ("t = ''\nfor i in [1, 2]:\n    t += f'{i}{a}'\nr = t\n", "guard"),
    ("s = {1, f(a)}\nr = len(s)\n", "guard"),
    ("s = {1, a}\np, q = s\nr = p\n", "guard"),
    ("d = {a: 1, 'p': 2}\nr = d['p']\n", "guard"),
    ("d = {f(a): f(1), 'p': 2}\nr = ok(d)\n", "guard"),
    ("d = {f(a): boom(1), 'p': 2}\nr = d['p']\n", "cause"),
    ("d = {str(i): i for i in [1, 2] if i < a}\nr = d['1']\n", "guard"),
    ("d = {str(i): f(i) for i in [1, 2] if i < a}\nr = [k for k in d]\n", "guard"),
    ("xs = [x for ys in [[1], a] for x in ys]\nr = xs[1]\n", "guard"),
    ("xs = [a, 2]\nr = {'p': len(xs)}['p']\n", "guard"),
    ("xs = [f(1), b]\nys = [sum(xs), 2]\nr = ys[0]\n", "cause"),
    ("xs = [f(1), a]\nys = [f(xs), xs + [1]]\nr = ys[1][0]\n", "guard"),
    ("xs = [f(x) for ys in [[1], a] for x in ys]\nr = len(xs)\n", "guard"),
]
LOOKED_AT = [
    ("d = {str(i): f(i) for i in [1, 2] if i != 2 or i < a}\nr = ok(d)\n", ("value", {"1": 1})),
    ("s = {1, a, f(1)}\nr = sorted(ok(s))\n", ("value", [1])),
    ("xs = [x for ys in [[1], a, [3]] for x in ys]\nr = ok(xs)\n", ("value", [1, 3])),
    ("xs = [[1, a], [f(3)]]\nr = xs[0][0]\n", ("value", 1)),
    ("xs = [[1, f(a)], [f(3)]]\nr = ok(xs)\n", ("value", [[3]])),
    ("r = [default(y, 0) for ys in [[1, a], [3]] for y in ys]\n", ("value", [1, 0, 3])),
    ("p, q = [a, 2]\nr = q\n", ("value", 2)),
    ("xs = [f(1), a]\np, q = xs\nr = p\n", ("value", 1)),
    ("r = [default(x + y, 0) for x, y in [(1, 2), (3, a), a]]\n", ("value", [3, 0, 0])),
    ("r = 0\nfor x in [f(1), a, 3]:\n    r += default(x, 10)\n", ("value", 14)),
]


@pytest.mark.parametrize("delays", DELAYS)
@pytest.mark.parametrize(("text", "wanted"), [*LEFT_OUT, *NOT_THERE, *LOOKED_AT])
def test_only_a_decision_of_its_own_leaves_an_item_out(text: str, wanted: Any, delays: Delays) -> None:
    found = {id: shape(outcome) for id, outcome in ran(text + "join()\n", delays)[0].items()}
    assert [made for id, made in found.items() if id in ("r", "r.2", "r.3")][-1] == wanted


@pytest.mark.parametrize("delays", DELAYS)
def test_nothing_is_written_because_of_what_is_not_there(delays: Delays) -> None:
    text = "big = [o for o in [f(1), f(9)] if o < a]\nif not big:\n    w(1, 'nothing')\n"
    assert ran(f"{text}w(2, sum(o + a for o in [f(1), 2]))\njoin(0)\n", delays)[1] == []


def test_what_is_not_assigned_is_no_failure() -> None:
    outcomes, _ = ran("xs = [f(1), a]\nd = {'p': f(1), 'q': a}\nys = [f(x) for x in xs]\njoin()\n")
    assert list(outcomes.failures) == ["b"]
    assert str(outcomes["xs"]) == "not complete: 1 of 2 items not needed"


def test_keys_and_values_are_evaluated_in_turns() -> None:
    text = "d = {w(1, 'p'): w(2, 2), w(3, 'q'): w(4, 4)}\ne = {w(5, k): w(6, k) for k in ['x', 'y']}\njoin(d, e)\n"
    assert [made[0] for made in ran(text)[1]] == [1, 2, 3, 4, 5, 6, 5, 6]


@pytest.mark.parametrize("start", ["''", "[]", "()"])
def test_a_fold_over_texts_and_lists_takes_time_in_proportion_to_them(start: str) -> None:
    item = {"''": "f('x' * 1000)", "[]": "[f(i)] * 1000", "()": "(f(i),) * 1000"}[start]
    text = f"t = {start}\nfor i in range(90):\n    t += {item}\nr = len(t)\njoin(r)\n"
    assert shape(ran(text)[0]["r"]) == ("value", 90_000)


def test_a_call_that_is_given_a_part_of_what_is_not_complete_keeps_its_place_behind_a_write_in_doubt() -> None:
    written: list[Any] = []

    @tool(effect="write", resource="place")
    async def put(x: object) -> object:
        written.append(x)
        if x == 1:
            raise ValueError("in doubt")
        return x

    text = "d = {'p': f(2), 'q': a}\nput(1)\nr = put(d['p'])\ns = put(d['q'])\nt = put(a)\njoin(r, s, t)\n"
    outcomes = run(LLMCompiler(tools=[*tools(DELAYS[0], []), put]).execute(SETUP + text))
    assert [shape(outcomes[name]) for name in "rst"] == ["cause", "guard", "guard"]
    assert written == [1]


def test_the_joiner_is_shown_each_item_at_its_place() -> None:
    text = "xs = [f(1), a]\nd = {'p': 1, 'q': a}\nn = len(xs)\njoin(xs, d, n)\n"
    agent = LLMCompiler(tools=tools(DELAYS[0], []))
    outcomes, tasks = ran(text)[0], agent.compile(SETUP + text).tasks
    shown = [line for line in show_results(tasks, outcomes).splitlines() if line[:3] in ("xs:", "d: ", "n: ")]
    assert shown == ['xs: ["f(x=1)": 1, "a": not needed]', 'd: {"p": 1, "q": not needed}', "n: not needed"]


def test_what_is_not_trusted_is_withheld_also_where_an_item_is_missing() -> None:
    text = "xs = [f('secret'), a]\njoin(xs)\n"
    agent = LLMCompiler(tools=tools(DELAYS[0], []))
    shown = show_results(agent.compile(SETUP + text).tasks, ran(text)[0], trusted=lambda _: False).splitlines()
    assert [line for line in shown if "xs" in line] == ["xs: withheld (not complete: 1 of 2 items not needed)"]


MISSING = Skipped("if", by_guard=True)


@pytest.mark.parametrize(
    ("outcome", "document"),
    [
        (
            Skipped("if", by_guard=True, items=(Observation(1), MISSING)),
            {"items": [{"state": "done", "value": 1}, {"state": "skipped", "because": "if", "by_guard": True}]},
        ),
        (
            Skipped("if", by_guard=True, items=(MISSING,), holder=Holder("dict", (("p", 1),))),
            {"items": [{"state": "skipped", "because": "if", "by_guard": True}], "keys": [["p", 1]]},
        ),
        (
            Skipped("if", by_guard=True, items=(MISSING,), holder=Holder("list", (), (0,))),
            {"items": [{"state": "skipped", "because": "if", "by_guard": True}], "adrift": [0]},
        ),
    ],
)
def test_a_list_with_a_missing_item_is_recorded_and_told_as_it_is(outcome: Skipped, document: dict[str, Any]) -> None:
    event = ev.Skipped(1.0, "xs", outcome.because, outcome.by_guard, outcome.items, outcome.holder)
    again = loads(dumps(event))
    assert isinstance(again, ev.Skipped)
    assert again.outcome == outcome
    assert outcome_document(outcome) == {"state": "skipped", "because": "if", "by_guard": True, **document}


@pytest.mark.parametrize(
    ("before", "more", "expected"),
    [
        ('{"a": gone(), "b": 1}', '{"a": 2}', {"a": 2, "b": 1}),
        ('{"a": gone(), "b": gone()}', '{"c": 3, "b": 2, "a": 1}', {"a": 1, "b": 2, "c": 3}),
        ('{"a": 1}', '{"a": gone()}', None),
    ],
)
def test_what_was_under_a_key_that_an_update_replaces_need_not_be_there(
    before: str, more: str, expected: dict[str, int] | None
) -> None:
    @tool(effect="read")
    def gone() -> int:
        raise LookupError("gone")

    text = f"d = {before}\nm = {more}\nd.update(m)\nx = list(d.items())\njoin(x)\n"
    found = run(LLMCompiler(tools=[gone]).execute(text))["x"]
    assert (list(found.value) if isinstance(found, Observation) else None) == (expected and list(expected.items()))
