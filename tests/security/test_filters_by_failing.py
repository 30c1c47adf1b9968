"""A call whose argument has no value is not made: nobody decides on one by an argument that fails who may not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from superscalar import LLMCompiler, Observation, Policy, Sink, Tool, tool
from superscalar.testing import run

ORDERS = [1, 2]


def tools(said: dict[int, str]) -> list[Tool[..., Any]]:
    """Our orders, what a carrier says of each, and ways to cancel one."""

    @tool(effect="read", trust="trusted")
    async def orders() -> list[int]:
        """Our orders."""
        return ORDERS

    @tool(effect="read")
    async def carrier(order: int) -> str:
        """What a carrier says of an order."""
        return said[order]

    @tool(effect="read")
    async def anything(order: int) -> Any:
        """What a carrier says of an order, whatever that is."""
        return said[order] if said[order] == "lost" else 5

    @tool(effect="pure")
    async def clean(text: str) -> str:
        """Clean a text, if it can be."""
        if text != "lost":
            raise ValueError("it is not clean")
        return text

    @tool(effect="write")
    async def cancel(order: Annotated[int, Sink(control=True)], why: str = "") -> str:
        """Cancel an order."""
        return f"cancelled {order}"

    @tool(effect="write")
    async def close(order: Annotated[int, Sink(control=True)], state: Literal["lost"] = "lost") -> str:
        """Close an order that was lost."""
        return f"closed {order}"

    @tool(effect="write", sink="order")
    async def note(order: int, why: Any = "") -> str:
        """Write something down of an order."""
        return f"noted {order}"

    @tool(trusted_fields=("[].id",))
    async def files() -> list[dict[str, Any]]:
        """Files of our drive, with names that others gave them."""
        return [{"id": 7, "name": said[1]}, {"id": 8, "name": said[2]}]

    return [orders, carrier, anything, clean, cancel, close, note, files]


FAILING = {
    "a key": '{"lost": "it is"}[carrier(o)]',
    "a position": '["it is"][carrier(o).count("e")]',
    "a letter": '"lost"[len(carrier(o)) - 1]',
    "a search": 'carrier(o).index("lost")',
    "a number": "int(carrier(o).replace('lost', '1'))",
    "a quotient": '1 / carrier(o).count("lost")',
    "inside a text": "f\"it is { {'lost': 1}[carrier(o)] }\"",
    "beside something else": '[1, {"lost": 1}[carrier(o)]]',
    "a side of a choice": 'o if carrier(o) == "lost" else [][0]',
    "an operand": 'carrier(o) == "lost" or [][0]',
    "what nobody vouches for": '{"lost": 1}[files()[o - 1].name]',
    "a list": '[{"lost": 1}[c] for c in [carrier(o)]]',
    "a tool of ours": "clean(carrier(o))",
    "after a tool of ours": 'f"{clean(carrier(o))}!"',
    "a fallback that fails": 'default([][0], {"lost": 1}[carrier(o)])',
}
"""Arguments that are there for the one order that the carrier says something of."""


def made(plan: str, said: dict[int, str], **options: Any) -> list[Any]:
    found = run(LLMCompiler(tools=tools(said), **options).execute(plan))
    return [one.value for name in ("x[0]", "x[1]") if isinstance(one := found.get(name), Observation)]


WORLDS = ({1: "there", 2: "lost"}, {1: "lost", 2: "there"})


@pytest.mark.parametrize("argument", FAILING.values(), ids=FAILING)
def test_an_argument_that_fails_is_a_filter_like_any_other(argument: str) -> None:
    plan = f"x = [note(o, {argument}) for o in orders()]\njoin(x)\n"
    assert [made(plan, said) for said in WORLDS] == [["noted 2"], ["noted 1"]]
    assert [made(plan, said, policy=Policy(control="sinks")) for said in WORLDS] == [[], []]


NAMED = {
    "under a name": 'for o in orders():\n    w = {"lost": 1}[carrier(o)]\n    note(o, w)\n',
    "in a loop that collects": (
        'ws = []\nfor o in orders():\n    ws.append({"lost": 1}[carrier(o)])\n'
        "x = [note(o, ws[o - 1]) for o in orders()]\n"
    ),
    "through another call": 'for o in orders():\n    w = note(o, {"lost": 1}[carrier(o)])\n    note(o, w)\n',
}


@pytest.mark.parametrize("plan", NAMED.values(), ids=NAMED)
def test_so_it_is_under_another_name(plan: str) -> None:
    found = run(LLMCompiler(tools=tools(WORLDS[0]), policy=Policy(control="sinks")).execute(f"{plan}join()\n"))
    assert not [one for one in found.values() if one == Observation("noted 2")]


@pytest.mark.parametrize(
    ("call", "name"),
    [("close(o, carrier(o))", "closed"), ("cancel(o, anything(o))", "cancelled"), ("cancel(o, clean(carrier(o)))", "")],
)
def test_what_a_parameter_does_not_take_is_a_filter_too(call: str, name: str) -> None:
    plan = f"x = [{call} for o in orders()]\njoin(x)\n"
    assert [made(plan, said) for said in WORLDS] == [[], []]
    if name:
        assert made(plan, WORLDS[0], policy="off") == [f"{name} 2"]


THERE = {
    "what is handed on": "carrier(o)",
    "what is put beside others": '[carrier(o), {"said": carrier(o)}]',
    "a text that is made of it": 'f"it says {carrier(o)}"',
    "whether it is something": 'carrier(o) == "lost"',
    "a choice between two that are there": '"yes" if carrier(o) == "lost" else "no"',
    "a fallback": 'default({"lost": "it is lost"}[carrier(o)], "no")',
    "a fallback of ours": 'default(clean(carrier(o)), "no")',
    "what ours is": "{1: 5, 2: 6}[o]",
    "what a tool vouches for": "files()[1].id",
    "nothing": '"lost"',
}


@pytest.mark.parametrize("argument", THERE.values(), ids=THERE)
def test_what_is_there_in_any_case_is_none(argument: str) -> None:
    plan = f"x = [note(o, {argument}) for o in orders()]\njoin(x)\n"
    for said in WORLDS:
        assert made(plan, said, policy=Policy(control="sinks")) == ["noted 1", "noted 2"]


@pytest.mark.parametrize(
    "argument", ["carrier(o)", 'default(carrier(o)[0], "")', 'f"{anything(o)}"', "str(anything(o))"]
)
def test_a_text_fits_a_parameter_that_takes_texts(argument: str) -> None:
    plan = f"x = [cancel(o, {argument}) for o in orders()]\njoin(x)\n"
    assert made(plan, WORLDS[0]) == (["cancelled 1", "cancelled 2"] if "[0]" not in argument else [])
