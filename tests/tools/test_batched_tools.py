"""The batched form of a tool: how it is declared, and how its answer is taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Annotated, Any

import pytest

from superscalar import Tool, ToolContext, Toolset, UsageError, tool


def single(ticker: Annotated[str, "as the exchange writes it"], currency: str = "USD") -> float:
    return len(ticker + currency)


def pairs(form: Callable[..., Any], **options: Any) -> tuple[str, str]:
    price = tool(single)
    price.batch(**options)(form)
    assert price.batched is not None
    return price.batched.over, price.batched.into


def plural(tickers: list[str], currency: str) -> list[float]: ...  # type: ignore[empty-body]
def sequence(tickers: Sequence[str], currency: str, run: ToolContext[None]) -> list[float]: ...  # type: ignore[empty-body]
def untyped(tickers, currency): ...  # type: ignore[no-untyped-def]
def same_name(ticker: list[str], currency: str) -> list[float]: ...  # type: ignore[empty-body]
def same_untyped(ticker, currency): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize("form", [plural, sequence, untyped, tool(plural)])
def test_the_list_is_the_parameter_that_is_new(form: Callable[..., Any]) -> None:
    assert pairs(form) == ("ticker", "tickers")


def test_under_the_same_names_the_list_is_found_by_its_type_or_said() -> None:
    assert pairs(same_name) == ("ticker", "ticker")
    assert pairs(same_untyped, over="currency") == ("currency", "currency")


def lacks_one(tickers: list[str]) -> list[float]: ...  # type: ignore[empty-body]
def has_more(tickers: list[str], currency: str, day: str) -> list[float]: ...  # type: ignore[empty-body]
def no_list(tickers: str, currency: str) -> list[float]: ...  # type: ignore[empty-body]
def two_lists(ticker: list[str], currency: list[str]) -> list[float]: ...  # type: ignore[empty-body]


LACKS_ONE = (
    "its batched form lacks_one must have the same parameters, but for one that is a list; "
    "write `def lacks_one(ticker_list: list[str], currency)`"
)


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        (
            lacks_one,
            {},
            LACKS_ONE,
        ),
        (has_more, {}, "has_more must have the same parameters"),
        (same_untyped, {}, "same_untyped must have the same parameters, but for one that is a list"),
        (plural, {"over": "currency"}, "write `def plural(ticker, currency_list: list[str])`"),
        (plural, {"over": "day"}, "over='day', but its parameters are ticker, currency"),
        (no_list, {}, "`tickers` of its batched form no_list stands for many `ticker`; annotate it as a list"),
        (two_lists, {}, 'say which with over="..."'),
        (plural, {"max_batch": 0}, "max_batch=0): write a whole number from 1 on"),
        (lambda *tickers: tickers, {}, "cannot be described to a planner"),
    ],
)
def test_a_form_that_does_not_fit_is_refused_with_what_to_write(
    form: Callable[..., Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tool(single).batch(**options)(form)
    assert message in str(caught.value)


def test_writes_are_never_batched() -> None:
    """Neither the tool nor its batched form, and in either way of saying it."""

    @tool(effect="write")
    def send(to: str) -> None: ...

    with pytest.raises(UsageError, match="tool send is a write; writes are never batched"):
        send.batch(lambda tos: tos)
    with pytest.raises(UsageError, match="tool single is a write; writes are never batched"):
        tool(effect="write", batch="plural")(single)
    with pytest.raises(UsageError, match="its batched form plural is a write"):
        tool(single).batch(tool(effect="write")(plural))


def test_over_alone_says_nothing() -> None:
    with pytest.raises(UsageError, match=r'says nothing without batch="..."'):
        tool(over="ticker")(single)


# ---------------------------------------------------------------------------------------------------------- by its name


def test_a_form_is_named_as_a_function_of_the_module_or_a_tool_of_the_set() -> None:
    """It is looked for when the set is made, so it may stand below the tool."""
    price = tool(batch="plural", max_batch=7)(single)
    assert price.batched is None
    Toolset([price])
    assert price.batched is not None
    assert (price.batched.tool.name, price.batched.max_batch) == ("plural", 7)

    @tool
    def prices(tickers: list[str], currency: str) -> list[float]:
        return [0.0] * len(tickers)

    other: Tool[..., Any] = tool(batch="prices")(single)
    Toolset([other, prices])
    assert other.batched is not None
    assert other.batched.tool is prices


def test_a_name_that_is_nowhere_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="tool single names the batched form 'quotes', which is neither a function of"):
        Toolset([tool(batch="quotes")(single)])


def test_a_module_may_keep_its_batched_forms_to_itself() -> None:
    """A plain function is no tool, so planners never see it."""
    module = ModuleType("quotes")
    exec(
        "from superscalar import tool\n"
        "@tool(batch='prices')\n"
        "def price(ticker: str) -> float: ...\n"
        "def prices(tickers: list[str]) -> list[float]: ...\n",
        module.__dict__,
    )
    toolset = Toolset.from_module(module)
    assert [found.name for found in toolset] == ["price"]
    assert next(iter(toolset)).batched is not None


# ---------------------------------------------------------------------------------------------------------- its answer


def divided(answer: Any, items: list[Any]) -> list[Any]:
    price = tool(single)
    price.batch(plural)
    assert price.batched is not None
    found = price.batched.divided(answer, items)
    return [f"{type(f).__name__}: {f}" if isinstance(f, Exception) else f for f in found]


class Array:
    """What a numerical library returns: it can be counted and gone through, and is no `Sequence`."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Any:
        return iter([1.0, 2.0])

    def __contains__(self, item: object) -> bool:
        return False


class Broken(Array):
    def __iter__(self) -> Iterable[Any]:
        raise OSError("gone")


LENGTH = "ValueError: plural returned 1 results for 2 items; it must return one for each, in their order"
KIND = (
    "TypeError: plural returned a {}; "
    "it must return a list in the order of the items, or a mapping from items to results"
)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([1.0, 2.0], [1.0, 2.0]),
        ((None, None), [None, None]),
        (Array(), [1.0, 2.0]),
        ({"B": 2.0, "A": 1.0}, [1.0, 2.0]),
        ({"B": 2.0}, ["LookupError: plural returned nothing for 'A'", 2.0]),
        ([1.0, KeyError("B")], [1.0, "KeyError: 'B'"]),
        ([1.0], [LENGTH, LENGTH]),
        (Broken(), ["OSError: gone", "OSError: gone"]),
        *((wrong, [KIND.format(type(wrong).__name__)] * 2) for wrong in ("AB", {1, 2}, None, 7, iter([1, 2]))),
    ],
)
def test_an_answer_is_a_list_in_order_or_a_mapping(answer: Any, found: list[Any]) -> None:
    assert divided(answer, ["A", "B"]) == found


def test_an_item_that_is_no_key_is_not_in_a_mapping() -> None:
    assert divided({}, [["A"]]) == ["LookupError: plural returned nothing for ['A']"]
