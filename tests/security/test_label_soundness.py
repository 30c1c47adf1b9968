"""Noninterference (Goguen and Meseguer, Security Policies and Security Models, 1982): what is labelled trusted does not
depend on what is not.

A random program is run in two worlds, which differ in what its untrusted tools return, and whether they fail, and in
nothing else. Whatever has a trusted label in one is there in the other, with the same label, and came to the same. So
it is with readers: what everybody may read does not depend on what only some may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from superscalar import Failure, Label, LLMCompiler, Tool, tool
from superscalar.labels import NOTHING
from superscalar.observe.provenance import Provenance
from superscalar.schedule import lineage as derived
from superscalar.testing import run
from superscalar.values import Outcome
from support import structure
from support.depth import examples
from support.random_programs import FUNCTIONS, Kept, Page, Scope, Sub, Writer, num

FOREIGN = frozenset({"word", "listing", "flag", "page"})
OWN_READS = frozenset({"words"})
VOUCHED = {"page": ("n", "tags[]"), "pages": ("[].n", "[].tags[]"), "card": ("n",)}
"""Tools that vouch for parts of what they return, in the second of the two tests; titles are other people's text."""

Told = dict[str, tuple[Label, Outcome]]


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


def scattered(x: Any) -> int:
    """A small number that differs from one value to the next."""
    return crc32(repr(x).encode()) % 5


def record(x: Any, salt: str) -> Page:
    """A record of which the title depends on the world, which may be a number, and those tags that are no words."""
    tags = [["a", f"d {salt}", "b"][scattered((x, i)) % 3] for i in range(scattered((x, "tags")) % 3)]
    return Page(["", "a", "7", "12", "A,b"][scattered((x, salt))], scattered(x), tags)


def vouching(name: str, salt: str) -> Tool[..., Any]:
    """A tool that vouches for parts of what it returns."""
    if name == "page":

        @tool(trusted_fields=VOUCHED["page"], name="page")
        async def one(x: Any) -> Page:
            return record(x, salt)

        return one

    if name == "card":

        @tool(trusted_fields=VOUCHED["card"], name="card")
        async def keyed(x: Any) -> dict[str, Any]:
            found = record(x, salt)
            return {"n": found.n, **dict.fromkeys("t" + found.title, 1)}

        return keyed

    @tool(trusted_fields=VOUCHED["pages"], name="pages")
    async def several(x: Any) -> list[Page]:
        return [record((x, i), salt) for i in range(1 + scattered(x))]

    return several


class Structured(Writer):
    """Programs that put values together, and take them apart."""

    kinds = (*Writer.kinds, "pairs", "table")

    def statement(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        if self._pick([True, False, False]):
            return structure.statement(
                self._pick, lambda kind: self.expression(kind, 1, scope), self._new, scope, margin
            )
        return super().statement(scope, depth, kept, margin)

    def _more_forms(self, kind: str, sub: Sub, *, calls: bool) -> Iterable[Callable[[], str]]:
        yield from structure.forms(self._pick, sub, kind, calls=calls)


class Vouched(Structured):
    """Programs that look at such records."""

    kinds = (*Structured.kinds, "pages", "pages", "int")

    def _more_forms(self, kind: str, sub: Sub, *, calls: bool) -> Iterable[Callable[[], str]]:
        def one() -> str:
            return str(
                self._pick(
                    [
                        f"({sub('pages')} + pages(3))[0]",
                        f"max(pages(3), key=lambda q: q.{self._pick(['n', 'n', 'title'])})",
                        f"[q for q in {sub('pages')} if q.n != {sub('int')}][0]",
                        f"sorted({sub('pages')}, key=lambda q: q.n, reverse={sub('bool')})[-1]",
                        f"pages({sub('int')})[{sub('int')}]",
                    ]
                )
            )

        yield from super()._more_forms(kind, sub, calls=calls)
        if not calls:
            return
        if kind == "pages":
            yield lambda: f"pages({sub('int')})"
            yield lambda: f"[q for q in {sub('pages')} if q.{self._pick(['n', 'title'])}]"
            yield lambda: f"sorted({sub('pages')}, key=lambda q: q.{self._pick(['n', 'title'])})"
        elif kind == "int":
            yield lambda: f"{one()}.n"
            yield lambda: f"len({sub('pages')})"
            yield lambda: f"[(q.n, int(q.title)) for q in {sub('pages')}][0][0]"
        elif kind == "ints":
            yield lambda: f"[q.n for q in {sub('pages')}]"
            yield lambda: f"[num(q.n) for q in {sub('pages')} if flag(q.{self._pick(['n', 'title'])})]"
            yield lambda: f"list({{q.{self._pick(['n', 'title'])}: q.n for q in {sub('pages')}}}.values())"
            yield lambda: f"[q.n for q, w in zip({sub('pages')}, {sub('words')}) if w]"
        elif kind == "table":
            yield lambda: f"{{q.title: q.n for q in {sub('pages')}}}"
            yield lambda: f"{{q.tags[0]: {sub('int')} for q in {sub('pages')} if q.tags}}"
        elif kind == "pairs":
            yield lambda: f"[(q.n, q.{self._pick(['title', 'tags[0]'])}) for q in {sub('pages')} if q.tags]"
            yield lambda: f"[(i, q.title) for i, q in enumerate({sub('pages')}) if q.{self._pick(['n', 'title'])}]"
            yield lambda: f"list({{q.n: q.title for q in {sub('pages')}}}.items())"
        elif kind == "text":
            yield lambda: f"{one()}.title"
            yield lambda: f"{one()}.tags[0]"


@cache
def tools_in(salt: str, *, vouch: bool) -> list[Tool[..., Any]]:
    """Those of a world."""
    tools = [in_world(function, salt) for function in FUNCTIONS if not (vouch and function.__name__ in VOUCHED)]
    return tools + ([vouching(name, salt) for name in VOUCHED] if vouch else [])


def world(source: str, salt: str, *, vouch: bool = False) -> Told:
    """The label and the outcome of every task."""
    agent = LLMCompiler(tools=tools_in(salt, vouch=vouch), policy="off")

    async def main() -> Told:
        async with agent.stream_plan(source) as running:
            result = await running.result()
        known = Provenance(result.events, result.declared)
        return {id: (known.label(id), outcome) for id, outcome in result.outcomes.items()}

    return run(main())


def worlds(source: str, count: int, *, vouch: bool = True) -> list[Told]:
    """What a program comes to in several."""
    return [world(source, "s" * n, vouch=vouch) for n in range(count)]


def leaks(one: Told, other: Told) -> list[str]:
    """The tasks that are said not to depend on the world, and do.

    What fails takes others with it: where other calls failed, some values are not there, or not trusted any more. But
    there are never two that are trusted both, and differ.
    """
    others_failed = failed(one) != failed(other)
    found = []
    for id, (label, outcome) in one.items():
        if is_clean(label):
            there = other.get(id)
            if others_failed and (there is None or not is_clean(there[0])):
                continue
            if there is None or there[0] != label or repr(there[1]) != repr(outcome):
                found.append(f"{id}: {outcome} {label} became {there}")
    return found


def is_clean(label: Label) -> bool:
    return label.trusted and label.readers is None


def failed(one: Told) -> set[str]:
    return {id for id, (_, outcome) in one.items() if isinstance(outcome, Failure)}


@st.composite
def programs(draw: st.DrawFn) -> str:
    return Structured(lambda choices: draw(st.sampled_from(list(choices)))).program(5)


@settings(max_examples=examples(15, 400), deadline=None)
@given(programs(), st.sampled_from(["b", "bb", "ccc"]))
@example("a = 1\nif flag(2):\n    a = 2\nb = num(a)\njoin(b)\n", "b")
@example("a = [num(i) for i in listing(3)]\nb = len(a)\njoin(b)\n", "b")
@example("a = default(word(1), 'x')\nb = ok([word(i) for i in [1, 2, 3]])\njoin(a, b)\n", "ccc")
@example("a = 0\nfor i in [1, 2, 3]:\n    if flag(i):\n        a += i\njoin(a)\n", "b")
@example("a = [1 for w in [word(1), word(2), word(3)]]\nb = len([word(1), word(2), word(3)])\njoin(a, b)\n", "b")
@example("a = listing([])\nfor b in [1, len(a)]:\n    c = 1\njoin(c)\n", "ccc")
@example("a = [1, 2] if flag(1) else [3, 4]\nb, c = a\njoin(b, c)\n", "b")
def test_what_is_trusted_does_not_depend_on_what_is_not(source: str, salt: str) -> None:
    here, there = world(source, ""), world(source, salt)
    assert leaks(here, there) == []
    assert leaks(there, here) == []


@st.composite
def programs_with_records(draw: st.DrawFn) -> str:
    return Vouched(lambda choices: draw(st.sampled_from(list(choices)))).program(5)


@settings(max_examples=examples(15, 400), deadline=None)
@given(programs_with_records(), st.sampled_from(["b", "bb", "ccc"]))
def test_neither_do_the_parts_of_a_result_that_its_tool_vouches_for(source: str, salt: str) -> None:
    here, there = world(source, "", vouch=True), world(source, salt, vouch=True)
    assert leaks(here, there) == []
    assert leaks(there, here) == []


@pytest.mark.parametrize(
    "expression",
    [
        "pages(3)[0].title",
        "[q.title for q in pages(3)][0]",
        "[q for q in pages(3) if q.title][0].n",
        "len([q for q in pages(3) if q.title])",
        "max(pages(3), key=lambda q: q.title).n",
        "sorted(pages(3), key=lambda q: q.title)[0].n",
        "sorted(pages(3), key=lambda q: q.n, reverse=page(1).title > '8')[0].n",
        "pages(3)[len(page(1).title) % 2].n",
        "len(pages(3)[len(page(1).title):])",
        "[[q.n for k in p.title] for p in pages(3) for q in pages(4)][0]",
        "[w for w in [word(1), word(2), word(3)]]",
        "[num(q.n) for q in pages(3) if q.title]",
        "[num(k) for q in pages(3) for k in q.title]",
        "f'{page(1).n} {page(1).title}'",
        "page(len(page(1).title)).n",
        "[q for q in ps if q.title][0].n",
        "[q.n for q in ps if q.title > '8']",
        "[q.n for q in ps for k in q.title]",
        "max([q for q in ps if q.title], key=lambda q: q.n).n",
        "sorted(ps, key=lambda q: q.title)[0].n",
        "len([q for q in pages(3) if q.title][:5])",
        "[num(1) for k in card(3)]",
        "len([k for k in card(3)])",
        "[page(i).tags for i in range(9)]",
    ],
)
def test_what_looks_at_a_part_that_nobody_vouches_for_is_not_trusted(expression: str) -> None:
    outcomes = [one["a"] for one in worlds(f"ps = pages(3)\na = {expression}\njoin(a)\n", 20)]
    assert len({repr(outcome) for _, outcome in outcomes}) > 1
    assert not any(is_clean(label) for label, _ in outcomes)


@pytest.mark.parametrize(
    "expression",
    [
        "[(q.n, int(q.title)) for q in pages(3)[:1]][0][:1]",
        "default([(q.n, int(q.title)) for q in pages(3)[:1]][0][page(1).n - page(1).n], 99)",
        "default(len([page(1).n, int(page(1).title)]), 99)",
        "default(len({'n': page(1).n, 'title': int(page(1).title)}), 99)",
        "default(len({'n': page(1).n, 'title': page(int(page(1).title))}), 99)",
        "[default(len({'n': q.n, 'title': int(q.title)}), 99) for q in pages(3)][0]",
        "default([int(page(1).title), 1][0] and page(1).n, 99)",
        "default({int(page(1).title): 1, 'n': page(1).n}['n'], 99)",
        "[default(x, page(1).n) for x in [int(page(1).title)] if x][:1]",
        "default([1 for x in [1] if int(page(1).title) != 3][0], 99)",
        "99 if len(ok([page(int(page(1).title)), page(1)])) == 1 else page(1).n",
    ],
)
def test_who_can_make_something_fail_chooses_no_value_by_that(expression: str) -> None:
    found = worlds(f"a = {expression}\njoin(a)\n", 20)
    assert len({repr(one["a"][1]) for one in found}) > 1
    assert len({repr(one["a"][1]) for one in found if is_clean(one["a"][0])}) < 2
    assert [leak for one in found for other in found for leak in leaks(one, other)] == []


@pytest.mark.parametrize(
    "expression",
    [
        "[(q.n, int(q.title)) for q in pages(3)[:1]][0][0]",
        "[page(1).n, int(page(1).title)][0]",
        "{'n': page(1).n, 'title': int(page(1).title)}['n']",
        "{'n': page(1).n, 'title': page(int(page(1).title))}['n']",
        "[{'n': q.n, 'title': int(q.title)}['n'] for q in pages(3)][0]",
    ],
)
def test_what_fails_beside_an_item_does_not_decide_on_it(expression: str) -> None:
    found = worlds(f"a = {expression}\njoin(a)\n", 20)
    assert len({repr(one["a"][1]) for one in found}) == 1
    assert [leak for one in found for other in found for leak in leaks(one, other)] == []


@pytest.mark.parametrize(
    "expression",
    [
        "pages(3)[0].n",
        "page(1).n * 2 + num(page(1).n)",
        "f'{page(1).n}: {page(1).tags}'",
        "[q.n for q in pages(3)]",
        "[num(q.n) for q in pages(3)]",
        "[num(q.n) for q in pages(3) if q.n > 1]",
        "[q for q in pages(3) if q.n > 1][0].n",
        "max(pages(3), key=lambda q: q.n).n",
        "sorted(pages(3), key=lambda q: -q.n, reverse=True)[:2][0].n",
        "len(pages(3))",
        "[len(q.tags) for q in pages(3)]",
        "[[t for t in q.tags] for q in reversed(pages(3))][-1]",
        "[q.n for p in pages(3) for q in pages(p.n)]",
        "pages(page(1).n)[page(2).n % 1].n",
        "max([q.n for q in pages(3)])",
        "[q.n for q in ps if q.n > 1]",
        "max([q for q in ps if q.n > 1], key=lambda q: q.n).n",
        "card(3).n",
        "card(3)['n']",
    ],
)
def test_what_looks_only_at_what_its_tool_vouches_for_is_trusted(expression: str) -> None:
    outcomes = [one["a"] for one in worlds(f"ps = pages(3)\na = {expression}\njoin(a)\n", 5)]
    assert len({repr(outcome) for _, outcome in outcomes}) == 1
    assert all(label.trusted for label, _ in outcomes), outcomes[0]


@pytest.mark.parametrize(
    ("forgotten", "source"),
    [
        ("_control", "".join(f"if flag({i}):\n    a{i} = {i}\n" for i in range(3)) + "join()\n"),
        ("_scope_control", "a = [num(3) for i in listing(3)]\njoin(a)\n"),
        ("_all", "a = {word(i) for i in [1, 2, 3, 4]}\njoin(a)\n"),
        ("_called", "a = word(1)\njoin(a)\n"),
    ],
)
def test_forgetting_any_part_of_a_label_would_be_noticed(
    forgotten: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> bool:
        there = worlds(source, 12, vouch=False)
        return any(leaks(one, other) for one in there for other in there)

    assert not found()
    monkeypatch.setattr(derived.Labels, forgotten, lambda *_: NOTHING)
    assert found()
