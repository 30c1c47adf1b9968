"""Copies are copies: a mapping, sequence or set of any class becomes a plain one, or is a handle (rule L24)."""

from __future__ import annotations

import array
import collections
import functools
import types
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from superscalar.values import copied


class Text(str):
    """A text whose class shows another."""

    __slots__ = ("seen",)

    def __str__(self) -> str:
        return "another"


class Count(int):
    """A number with something beside it."""


class Mild(dict[str, Any]):
    """A mapping that gives what is somewhere else."""

    def __init__(self, behind: dict[str, Any]) -> None:
        super().__init__(behind)
        self.behind = behind

    def __getitem__(self, key: str) -> Any:
        return self.behind[key]


class Pairs(tuple[Any, ...]):
    """A tuple of a class of its own."""


class Own(Mapping[str, Any]):
    """A mapping that derives from none of Python's."""

    def __init__(self, **held: Any) -> None:
        self.held = held

    def __getitem__(self, key: str) -> Any:
        return self.held[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


class Row(Sequence[Any]):
    """A sequence that derives from none of Python's."""

    def __init__(self, *held: Any) -> None:
        self.held = list(held)

    def __getitem__(self, index: Any) -> Any:
        return self.held[index]

    def __len__(self) -> int:
        return len(self.held)


class Bag(Set[Any]):
    """A set that derives from none of Python's."""

    def __init__(self, *held: Any) -> None:
        self.held = list(held)

    def __contains__(self, item: object) -> bool:
        return item in self.held

    def __iter__(self) -> Iterator[Any]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


class Endless(Row):
    """A sequence without an end."""

    def __getitem__(self, index: Any) -> Any:
        return index


PLAIN: list[tuple[Callable[[], Any], Any]] = [
    (lambda: Text("a"), "a"),
    (lambda: Count(3), 3),
    (lambda: bytearray(b"ab"), b"ab"),
    (lambda: Mild({"to": "ann"}), {"to": "ann"}),
    (lambda: Pairs(([1], 2)), ([1], 2)),
    (lambda: Own(to="ann", more=[1]), {"to": "ann", "more": [1]}),
    (lambda: Row([1], "a"), [[1], "a"]),
    (lambda: Bag(1, 2), {1, 2}),
    (lambda: collections.UserDict(to=["ann"]), {"to": ["ann"]}),
    (lambda: collections.UserList([[1]]), [[1]]),
    (lambda: collections.UserString("a"), "a"),
    (lambda: collections.ChainMap({"a": [1]}, {"b": 2}), {"b": 2, "a": [1]}),
    (lambda: array.array("i", [1, 2]), [1, 2]),
    (lambda: types.MappingProxyType({"a": Own(b=[1])}), {"a": {"b": [1]}}),
    (lambda: Own(a=Own(b=Row(Text("x")))), {"a": {"b": ["x"]}}),
    (lambda: [Mild({"a": collections.UserList([1])})], [{"a": [1]}]),
]


@pytest.mark.parametrize(("make", "plain"), PLAIN)
def test_a_copy_is_plain_and_shares_nothing(make: Callable[[], Any], plain: Any) -> None:
    found = copied(make())
    assert (type(found), found) == (type(plain), plain)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Own(a=object()),
        lambda: Row(1, [object()]),
        lambda: Own(a=types.SimpleNamespace(to="ann")),
        lambda: Bag([1]),  # no set can hold it
        lambda: Endless(),
        lambda: memoryview(b"ab"),
        lambda: types.SimpleNamespace(to="ann"),
    ],
)
def test_what_holds_a_handle_or_cannot_be_read_is_a_handle(make: Callable[[], Any]) -> None:
    value = make()
    assert copied(value) is value


@dataclass
class Letter:
    """A record with collections of other classes in it."""

    tags: Any = field(default_factory=list)
    to: str = "ann"


@pydantic_dataclass
class Checked:
    """A record that pydantic checks."""

    tags: Any


class Model(BaseModel):
    """The same of pydantic, with more fields than it declares."""

    model_config = ConfigDict(extra="allow")
    tags: Any
    _own: list[int] = []


KEPT: list[Callable[[], Any]] = [
    lambda: [1],
    lambda: Mild({"to": "ann"}),
    lambda: Pairs(([1],)),
    lambda: bytearray(b"ab"),
    lambda: collections.deque([1], 3),
    lambda: collections.OrderedDict(a=[1]),
    lambda: types.MappingProxyType({"a": [1]}),
]


@pytest.mark.parametrize("make", KEPT)
@pytest.mark.parametrize("record", [Letter, Checked, lambda tags: Model(tags=tags)])
def test_a_record_keeps_the_classes_of_its_fields_and_shares_none_of_them(
    make: Callable[[], Any], record: Callable[[Any], Any]
) -> None:
    given = record(make())
    found = copied(given)
    assert (type(found), type(found.tags)) == (type(given), type(given.tags))
    assert found == given
    assert found.tags is not given.tags


def test_the_state_of_a_collection_in_a_record_is_its_own() -> None:
    behind = {"to": "ann"}
    found = copied(Letter(Mild(behind)))
    behind["to"] = "eve"
    assert found.tags["to"] == "ann"


def test_what_a_model_has_beside_its_fields_is_copied_too() -> None:
    given = Model.model_validate({"tags": 1, "bcc": ["ann"]})
    given._own.append(1)
    found = copied(given)
    given.bcc.append("eve")  # type: ignore[attr-defined]  # it is no declared field
    given._own.append(2)
    assert (found.bcc, found._own) == (["ann"], [1])


def test_what_a_model_has_computed_is_computed_anew() -> None:
    class Bill(BaseModel):
        amount: int

        @functools.cached_property
        def total(self) -> int:
            return self.amount * 2

    given = Bill(amount=1)
    given.__dict__["total"] = 1_000
    assert copied(given).total == 2
