"""Values in a few characters."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from superscalar.short import short, short_arguments
from superscalar.values import Failure, Observation, OrderedSet, Skipped


@dataclass
class Page:
    title: str
    links: list[str]


Point = namedtuple("Point", "x y")


class Loud:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Tall:
    def __repr__(self) -> str:
        return "<tall\n  thing>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (1.5, "1.5"),
        ("it's\n\x1b[2J", '"it\'s\\n\\x1b[2J"'),
        ([1, [2], (3,), ()], "[1, [2], (3,), ()]"),
        ({"a": {1, 2}, 2: set()}, "{'a': {1, 2}, 2: set()}"),
        (OrderedSet([2, 1]), "{2, 1}"),
        (Page("t", ["u"]), "Page(title='t', links=['u'])"),
        (Point(1, 2), "Point(x=1, y=2)"),
        ([Observation(1), Failure("error", "no"), Skipped("a")], "[1, <failed: no>, <not run: `a` failed>]"),
        (Tall(), "<tall thing>"),
        (Loud(), "<Loud: showing it raised RuntimeError>"),
        ([10**5000], "[<an integer of 16,610 bits>]"),
        ([[[[[[[1]]]]]]], "[[[[[[…]]]]]]"),
    ],
)
def test_a_value_is_shown_on_one_line(value: Any, text: str) -> None:
    assert short(value) == text


def test_a_long_value_is_cut_with_an_ellipsis() -> None:
    assert short(list(range(100)), 10) == "[0, 1, 2,…"
    assert short("x" * 50, 10) == "'xxxxxxxx…"


def test_no_more_of_a_value_is_looked_at_than_is_shown() -> None:
    looked: list[int] = []

    class Item:
        def __init__(self, number: int) -> None:
            self.number = number

        def __repr__(self) -> str:
            looked.append(self.number)
            return "item"

    assert short([Item(n) for n in range(1_000)], 20) == "[item, item, item, …"
    assert len(looked) == 4


def test_text_of_ten_megabytes_is_not_escaped_whole() -> None:
    class Watched(str):
        def __getitem__(self, key: Any) -> str:
            assert isinstance(key, slice)
            return "cut"

    assert short(Watched("x" * 10)) == "'cut'"


def test_a_cyclic_value_is_cut_where_it_gets_deep() -> None:
    value: list[Any] = [1]
    value.append(value)
    assert short(value, 40) == "[1, [1, [1, [1, [1, [1, …]]]]]]"


def test_an_endless_mapping_ends() -> None:
    class Endless(dict[int, int]):
        def items(self) -> Any:
            def pairs() -> Iterator[tuple[int, int]]:
                number = 0
                while True:
                    yield number, number
                    number += 1

            return pairs()

    assert short(Endless(), 12) == "{0: 0, 1: 1…"


def test_a_single_argument_is_bare_and_several_have_names() -> None:
    assert short_arguments({}) == ""
    assert short_arguments({"ticker": "IBM"}) == "'IBM'"
    assert short_arguments({"base": "USD", "quote": Loud()}, 60) == (
        "base='USD', quote=<Loud: showing it raised RuntimeError>"
    )
