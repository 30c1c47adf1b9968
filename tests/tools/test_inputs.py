"""What a planner is told of what goes into a tool, and what the tool then gets."""

from __future__ import annotations

import enum
import functools
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Optional

import pytest
import typing_extensions
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints

from superscalar import LLMCompiler, PlanError, ToolContext, Toolset, UsageError, tool
from superscalar.plan import grammar
from superscalar.planner import tool_stub
from superscalar.testing import ScriptedModel


class Colour(str, enum.Enum):  # noqa: UP042 -- the old way to write it must be known too
    DARK_RED = "dark-red"
    GREEN = "g"


class Urgency(enum.IntEnum):
    LOW = 1
    HIGH = 3


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Tree(BaseModel):
    """A tree.

    Attributes:
        name: what it is called
    """

    name: str
    age: int = Field(alias="ageInYears", ge=0)
    children: list[Tree] = []


class Both(BaseModel):
    model_config = ConfigDict(validate_by_name=True)
    first: str = Field(alias="1st")


class Old(typing.TypedDict, total=False):
    a: typing.Required[int]
    b: Annotated[str, "the second"]


class Outer(typing.TypedDict):
    inner: list[Old]


class New(typing_extensions.TypedDict):
    a: int
    b: typing_extensions.NotRequired[float]


@dataclass
class Line:
    sku: str
    count: Annotated[int, Field(ge=1)] = 1
    tags: list[str] = field(default_factory=list)
    total: float = field(default=0.0, init=False)


@dataclass
class Order:
    lines: list[Line]
    day: date = date(2026, 1, 2)
    note: str | None = field(default=None, metadata={"description": "for the driver"})


class Pair(NamedTuple):
    left: int
    right: str = "z"


@dataclass
class Holder:
    row: Old


def stub(function: Callable[..., Any]) -> list[str]:
    """What the planner is shown of a tool, line by line."""
    shown = tool_stub(next(iter(Toolset([tool(effect="read")(function)]).signatures)))
    return [line.removeprefix("    # ") for line in shown.splitlines()]


def joined(plan: str, *tools: Any) -> Any:
    """What a plan joins, whose tools are these."""
    agent = LLMCompiler(ScriptedModel(plan), tools=tools, joiner=None, max_repairs=0)
    return agent.run_sync("?").answer


# ------------------------------------------------------------------------------------------------- enums and defaults


def test_enums_are_shown_as_their_values_and_named_where_these_do_not_say_it() -> None:
    def paint(colour: Colour, urgency: Urgency = Urgency.HIGH, rights: Rights = Rights.READ) -> Colour:
        return colour

    assert stub(paint) == [
        (
            "paint(colour: Literal['dark-red', 'g'], urgency: Literal[1, 3] = 3, rights: Rights = 1) -> "
            "Literal['dark-red', 'g']  # colour: 'dark-red' is DARK_RED, 'g' is GREEN"
        ),
        "urgency: 1 is LOW, 3 is HIGH",
    ]


def test_a_default_is_shown_as_a_plan_writes_it_or_not_at_all() -> None:
    def put(
        day: date = date(2026, 1, 1),
        price: Decimal = Decimal("1.50"),
        wait: timedelta = timedelta(minutes=1),
        at: Pair = Pair(1),  # noqa: B008 -- as in tools of other people
        tree: Tree = Tree(name="oak", ageInYears=3),  # noqa: B008
        sizes: tuple[int, ...] = (1,),
        colours: list[Colour] = [Colour.GREEN],  # noqa: B006 -- nobody changes it
        handle: Any = object(),  # noqa: B008
    ) -> None: ...

    assert stub(put)[0].startswith(
        "put(day: date = '2026-01-01', price: Decimal = 1.50, wait: timedelta = 60, "
        "at: Pair = {'left': 1, 'right': 'z'}, tree: Tree = {'name': 'oak', 'ageInYears': 3, 'children': []}, "
        "sizes: tuple[int, ...] = (1,), colours: list[Literal['dark-red', 'g']] = ['g'], handle: Any = ...)"
    )


def test_a_grammar_holds_an_enum_to_its_values() -> None:
    def paint(colour: Colour) -> None: ...

    assert '"\\"dark-red\\"" | "\\"g\\""' in grammar(Toolset([tool(effect="read")(paint)])).gbnf


# ------------------------------------------------------------------------------------------------------------- bounds


def test_bounds_are_told_in_words_beside_what_is_said_of_a_parameter() -> None:
    def pick(
        n: Annotated[int, Field(ge=0, le=10, description="how many")],
        k: PositiveInt = 1,
        m: Annotated[int, Field(lt=9, multiple_of=3)] = 3,
        code: Annotated[str, StringConstraints(min_length=1, max_length=3, pattern="^a")] = "a",
        few: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=1)] = [],  # noqa: B006 -- as above
        share: Optional[Annotated[float, Field(gt=0, le=1)]] = None,  # noqa: UP045 -- the old way to write it
    ) -> None: ...

    assert stub(pick)[0].partition("  # ")[2] == "n: how many (0 to 10)"
    assert stub(pick)[1:] == [
        "k: above 0",
        "m: below 9, a multiple of 3",
        "code: 1 to 3 characters, matching ^a",
        "few: at most 1 item, each at least 1",
        "share: above 0, at most 1",
    ]


# ------------------------------------------------------------------------------------------------------------ records


def test_records_that_a_tool_takes_are_told_once_with_all_their_fields() -> None:
    def put(order: Order, more: dict[str, list[Order]], tree: Tree | None, pair: Pair, both: Both) -> None: ...

    assert stub(put) == [
        (
            "put(order: Order, more: dict[str, list[Order]], tree: Tree | None, pair: Pair, both: Both) -> None"
            "  # Order is a dict with the keys lines: list[Line], day: date = '2026-01-02', "
            "note: str | None = None (for the driver)"
        ),
        (
            "Tree is a dict with the keys name: str (what it is called), ageInYears: int (at least 0), "
            "children: list[Tree] = []"
        ),
        "Pair is a dict with the keys left: int, right: str = 'z'",
        "Both is a dict with the keys first: str",
        "Line is a dict with the keys sku: str, count: int = 1 (at least 1), tags: list[str] = []",
    ]


def test_a_record_that_a_tool_takes_and_returns_is_told_once() -> None:
    def send(pair: Pair) -> list[Pair]:
        return [pair]

    assert stub(send)[0].partition("  # ")[2] == "Pair is a dict with the keys left: int, right: str = 'z'"
    assert len(stub(send)) == 1


def test_two_tools_that_take_a_record_tell_it_once() -> None:
    def one(pair: Pair) -> None: ...
    def two(pair: Pair) -> None: ...

    model = ScriptedModel("join()\n")
    LLMCompiler(model, tools=[one, two], joiner=None).run_sync("?")
    assert "\n".join(m.text for m in model.requests[0].messages).count("Pair is a dict with") == 1


def test_typed_dictionaries_are_told_and_taken_whichever_module_they_are_of() -> None:
    def put(outer: Outer, new: New | None = None) -> list[Any]:
        return [outer, new]

    assert stub(put)[0].partition("  # ")[2] == "Outer is a dict with the keys inner: list[Old]"
    assert stub(put)[1:] == [
        "New is a dict with the keys a: int, b: float (may be left out)",
        "Old is a dict with the keys a: int, b: str (the second; may be left out)",
    ]
    plan = 'x = put({"inner": [{"a": 1}]}, {"a": 2, "b": 0.5})\njoin(x)\n'
    assert joined(plan, put) == [{"inner": [{"a": 1}]}, {"a": 2, "b": 0.5}]
    with pytest.raises(PlanError, match="Field required"):
        joined('x = put({"inner": [{"b": "x"}]})\njoin(x)\n', put)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes any TypedDict there")
def test_a_typed_dictionary_that_cannot_be_taken_is_refused_where_the_tool_is_made() -> None:
    def put(holder: Holder) -> None: ...

    with pytest.raises(UsageError, match="from typing_extensions import TypedDict"):
        tool(put)


# ------------------------------------------------------------------------------------------------- pydantic's `Field`


def test_a_field_as_a_default_is_the_default_that_it_names_with_its_bounds() -> None:
    async def find(
        most: int = Field(3, ge=1, le=10, description="how many"),
        words: list[str] = Field(default_factory=list),  # noqa: B008
        token: Annotated[int, Field(7)] = Field(gt=2),
    ) -> list[Any]:
        return [most, words, token]

    assert stub(find) == [
        "find(most: int = 3, words: list[str] = [], token: int = 7) -> list[Any]  # most: how many (1 to 10)",
        "token: above 2",
    ]
    assert joined("join(find(), find(4, ['a'], 9))\n", find) == [[3, [], 7], [4, ["a"], 9]]
    with pytest.raises(PlanError, match="less than or equal to 10"):
        joined("join(find(11))\n", find)


def test_a_field_without_a_default_is_needed() -> None:
    def find(most: int = Field(ge=1)) -> int:
        return most

    assert stub(find) == ["find(most: int) -> int  # most: at least 1"]
    with pytest.raises(PlanError, match="needs `most`"):
        joined("join(find())\n", find)


def test_a_default_is_made_anew_for_every_call() -> None:
    def grow(words: list[str] = Field(default_factory=list)) -> int:  # noqa: B008
        words.append("x")
        return len(words)

    assert joined("join(grow(), grow())\n", grow) == [1, 1]


def test_the_alias_of_a_field_is_what_plans_call_the_parameter() -> None:
    @tool(effect="write", resource=lambda origin: f"box:{origin}")
    def send(origin: Annotated[str, Field(alias="from")], to: str = Field("me", alias="origin")) -> str:
        return f"{origin} to {to}"

    assert tool_stub(send.signature).startswith("send(from_: str, to: str = 'me') -> str")
    assert joined('x = send(from_="ann", to="ben")\ny = send("cid")\njoin(x, y)\n', send) == ["ann to ben", "cid to me"]
    assert list(send.schema["properties"]) == ["origin", "to"]


# --------------------------------------------------------------------------------------------- methods and partials


class Shop:
    def __init__(self, name: str) -> None:
        self.name = name

    @tool(effect="read", timeout=7)
    def stock(self, item: str, most: int = Field(2, le=5)) -> str:
        """What is in stock."""
        return f"{self.name}: {most} {item}"

    @tool(effect="read")
    async def price(self, item: str, run: ToolContext[None]) -> str:
        return f"{self.name} {item} {run.attempt}"

    @price.batch
    async def prices(self, items: list[str]) -> list[str]:
        return [f"{self.name} {item} of {len(items)}" for item in items]

    @classmethod
    @tool(effect="read")
    def open(cls, day: str) -> bool:
        """Whether shops are open."""
        return day != "Sunday" and cls is Shop

    @staticmethod
    @tool(effect="read")
    def tax(amount: float) -> float:
        return amount / 5


def test_a_decorated_method_is_a_tool_of_its_object_on_the_same_terms() -> None:
    one, other = Shop("Bolt"), Shop("Nut")
    assert tool_stub(one.stock.signature) == (
        "stock(item: str, most: int = 2) -> str  # What is in stock.\n    # most: at most 5"
    )
    assert (one.stock.timeout, one.stock.signature.provider) == (7, __name__)
    assert one.stock.function == one.stock.function != other.stock.function, "what agents share goes by the function"
    assert joined("join(stock('nails'))\n", other.stock) == "Nut: 2 nails"
    assert joined("join(open('Monday'), tax(5))\n", one.open, Shop.tax) == [True, 1.0]


def test_a_method_keeps_its_batched_form() -> None:
    plan = "join({x: price(x) for x in ['a', 'b']}, 1)\n"
    assert joined(plan, Shop("Bolt").price) == [{"a": "Bolt a of 2", "b": "Bolt b of 2"}, 1]


def test_a_tool_that_is_no_method_is_what_it_is_in_any_class() -> None:
    @tool
    def alone(item: str) -> str:
        return item

    class Agent:
        used = alone

    assert Agent().used is alone


def test_a_partial_has_the_name_and_the_text_of_what_it_wraps() -> None:
    async def power(base: int, exponent: int) -> int:
        """A power."""
        return int(base**exponent)

    square = functools.partial(functools.partial(power), exponent=2)
    assert stub(square) == ["power(base: int, *, exponent: int = 2) -> int  # A power."]
    assert tool(square).signature.provider == __name__
    assert joined("join(power(3))\n", square) == 9


# ---------------------------------------------------------------------------------------------------------- docstrings


def test_what_a_docstring_says_of_parameters_is_shown_once_in_the_style_of_google() -> None:
    def put(order: str, colour: Annotated[str, "as in the catalogue"], most: int, run: ToolContext[None]) -> None:
        """Put an order.

        Args:
            order (str, optional): which one
                it is: its number
            colour: red
            most: how many
            run: of no use to a planner
            **rest: whatever else

        Raises:
            ValueError: never
        """

    assert stub(put) == [
        "put(order: str, colour: str, most: int) -> None  # Put an order.",
        "Args:",
        "    **rest: whatever else",
        "Raises:",
        "    ValueError: never",
        "order: which one it is: its number",
        "colour: as in the catalogue",
        "most: how many",
    ]


def test_what_a_docstring_says_of_parameters_is_shown_once_in_the_style_of_numpy() -> None:
    def put(order: str, x: int, y: int) -> None:
        """Put an order.

        Parameters
        ----------
        order : str
            which one
        x, y : int, default 3
            where it goes

        Returns
        -------
        None
        """

    assert stub(put) == [
        "put(order: str, x: int, y: int) -> None  # Put an order.",
        "Returns",
        "-------",
        "None",
        "order: which one",
        "x: where it goes",
        "y: where it goes",
    ]


def test_what_a_docstring_says_of_parameters_is_shown_once_in_the_style_of_sphinx() -> None:
    def put(order: str, most: int) -> None:
        """Put an order.

        :param str order: which one
            it is
        :type order: str
        :param most: how many
        :returns: nothing
        """

    assert stub(put) == [
        "put(order: str, most: int) -> None  # Put an order.",
        ":returns: nothing",
        "order: which one it is",
        "most: how many",
    ]


@pytest.mark.parametrize(
    "text", ["Args: are what it takes.", "Parameters", "Put it.\n\nArgs:\n", "Args:\n    see the manual\n    of it"]
)
def test_a_docstring_that_only_looks_as_if_it_spoke_of_parameters_stays_as_it_is(text: str) -> None:
    def put(order: str) -> None: ...

    put.__doc__ = text
    assert tool(put).signature.description.split() in (text.split(), text.replace("Args:\n", "").split())


def test_a_union_shows_each_of_its_members() -> None:
    class Cat(BaseModel):
        kind: Literal["cat"]
        lives: int = 9

    class Dog(BaseModel):
        kind: Literal["dog"]
        breed: str

    def pet(animal: Any) -> str:
        return str(animal.kind)

    pet.__annotations__["animal"] = Annotated[Cat | Dog, Field(discriminator="kind")]
    assert stub(pet) == [
        "pet(animal: Cat | Dog) -> str  # Cat is a dict with the keys kind: Literal['cat'], lives: int = 9",
        "Dog is a dict with the keys kind: Literal['dog'], breed: str",
    ]
    assert joined('join(pet({"kind": "dog", "breed": "x"}))\n', pet) == "dog"
