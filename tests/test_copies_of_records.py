"""A copy of a record is in the state that its class made, and calls nothing of that class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr, RootModel
from pydantic.dataclasses import dataclass as checked_dataclass

from superscalar import LLMCompiler, Observation, tool
from superscalar.testing import run
from superscalar.values import copied, own_state, record_fields, twin_of


class Patch(BaseModel):
    name: str | None = None
    phone: str | None = None
    tags: list[str] = []


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)
    name: str
    _seen: list[str] = PrivateAttr(default_factory=lambda: ["a"])


class Validating(BaseModel):
    model_config = ConfigDict(validate_assignment=True, extra="allow")
    name: str = "a"


class Root(RootModel[list[int]]):
    """A model of one value."""


@dataclass
class Post:
    to: str

    def __post_init__(self) -> None:
        self._norm = [self.to.lower()]


@dataclass
class Init:
    to: str
    tag: InitVar[str] = ""

    def __post_init__(self, tag: str) -> None:
        self._tag = tag


@dataclass
class Lazy:
    to: str
    conn: Any = field(init=False, repr=False)


@dataclass(slots=True)
class Slotted:
    to: str
    later: str = field(init=False, repr=False)


@dataclass
class HalfSlotted(Slotted):
    cc: str = ""


@checked_dataclass
class Checked:
    to: str

    def __post_init__(self) -> None:
        self._norm = self.to.lower()


@dataclass
class Counting:
    to: str
    made: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.made += 1


@dataclass
class Named(dict[str, str]):
    """A mapping that is a record too."""

    to: str = "ann"


def half() -> HalfSlotted:
    made = HalfSlotted("Ann", "Bob")
    made.extra = "x"  # type: ignore[attr-defined]
    return made


STATES: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (lambda: Patch(name="Ann"), lambda p: p.model_dump(exclude_unset=True)),
    (lambda: Patch(), lambda p: p.model_fields_set),
    (lambda: Patch(name=None, tags=["a"]), lambda p: p.model_dump(exclude_unset=True)),
    (lambda: Patch.model_construct(name="Ann"), lambda p: (p.model_fields_set, p.name)),
    (lambda: Frozen(name="a"), lambda p: (p._seen, p.model_fields_set)),
    (lambda: Validating(other="b"), lambda p: (p.other, p.model_extra, p.model_fields_set)),  # type: ignore[call-arg]
    (lambda: Root([1]), lambda p: (p.root, p.model_fields_set)),
    (lambda: Post("ANN"), lambda p: p._norm),
    (lambda: Init("ann", "t"), lambda p: p._tag),
    (lambda: Lazy("ann"), lambda p: vars(p)),
    (lambda: Slotted("ann"), lambda p: (p.to, hasattr(p, "later"))),
    (half, lambda p: (p.to, p.cc, p.extra)),
    (lambda: Checked("ANN"), lambda p: p._norm),
    (lambda: Counting("ann"), lambda p: p.made),
]


@pytest.mark.parametrize("copy", [copied, twin_of])
@pytest.mark.parametrize(("make", "state"), STATES)
def test_a_copy_is_in_the_same_state(
    make: Callable[[], Any], state: Callable[[Any], Any], copy: Callable[[Any], Any]
) -> None:
    value = make()
    fresh = copy([value])[0]
    assert (type(fresh), state(fresh)) == (type(value), state(make()))
    assert fresh is not value


@pytest.mark.parametrize(("make", "state"), STATES)
def test_what_its_class_made_reaches_the_tool(make: Callable[[], Any], state: Callable[[Any], Any]) -> None:
    got: list[Any] = []

    @tool(effect="read", trust="trusted")
    async def draft() -> Any:
        """A draft."""
        return make()

    @tool(effect="write", name="call")
    async def send(m: Any) -> str:
        """Send."""
        got.append(state(m))
        return "sent"

    outcomes = run(LLMCompiler(tools=[draft, send]).execute("x = call(draft())\njoin(x)\n"))
    assert (outcomes["x"], got) == (Observation("sent"), [state(make())])


def test_what_its_class_made_is_shared_by_no_two_copies() -> None:
    one = Post("ANN")
    two = copied(one)
    two._norm.append("eve")
    assert one._norm == ["ann"]
    frozen = Frozen(name="a")
    copied(frozen)._seen.append("eve")
    assert frozen._seen == ["a"]
    fields = Patch(name="a")
    copied(fields).model_fields_set.add("phone")
    assert fields.model_fields_set == {"name"}


def test_a_record_that_is_a_collection_too_is_copied_as_that() -> None:
    made = Named(to="bob")
    made["a"] = "b"
    fresh = twin_of(made)
    assert (fresh.to, dict(fresh), fresh is made) == ("bob", {"a": "b"}, False)


class Computing(BaseModel):
    name: str
    _bcc: str = "eve"

    @cached_property
    def loud(self) -> str:
        return self.name.upper()


def test_its_own_state_is_what_it_holds_beside_its_fields_and_computes_from_nothing() -> None:
    computing = Computing(name="a")
    assert computing.loud == "A"
    assert own_state(computing) == {"_bcc": "eve"}
    assert own_state(Init("ann", "t")) == {"_tag": "t"}
    assert own_state(half()) == {"extra": "x"}
    assert own_state(Slotted("ann")) == {}
    assert record_fields(Lazy("ann")) == {"to": "ann"}
    assert record_fields(Patch.model_construct(phone="1")) == {"name": None, "phone": "1", "tags": []}
