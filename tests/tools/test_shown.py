"""Which tools there is room for in a prompt, and which of the others are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from superscalar import Tool, Toolset
from superscalar.planner import ToolListing
from superscalar.tools.json_schema.described import described_tool
from superscalar.tools.shown import ToolChoice, tools_for
from superscalar.tools.terms import Terms


async def _call(**_: Any) -> None:
    raise AssertionError("nothing is called here")


def made(name: str, description: str, server: str = "") -> Tool[..., Any]:
    described = described_tool(name, {"type": "object", "properties": {}}, _call, None, description)
    return Tool(replace(described, server=server), Terms.of({"effect": "read"}), _call)


def alike(name: str, description: str, server: str = "", count: int = 30) -> list[Tool[..., Any]]:
    return [made(f"{name}_{number}", description, server) for number in range(count)]


INVOICES = alike("invoice", "Unpaid bills of customers.")
PARCELS = alike("parcel", "Where it is.")


def kinds(signatures: Iterable[Any]) -> list[str]:
    """What kinds of tools there are among some, in order."""
    return list(dict.fromkeys(one.name.partition("_")[0] for one in signatures))


def chosen(question: str, before: Iterable[str] = (), room: int = 150) -> ToolChoice:
    return tools_for(Toolset([*INVOICES, *PARCELS]), question, before, room)


def test_each_sentence_of_a_question_gets_tools_where_one_has_most_of_its_words() -> None:
    assert kinds(chosen("Which customers have unpaid invoice bills, and a parcel?").shown) == ["invoice"]
    question = "Which customers have unpaid invoice bills? And where is the parcel now?"
    assert kinds(chosen(question).shown) == ["invoice", "parcel"]


def test_what_was_said_before_counts_less_than_the_question() -> None:
    assert kinds(chosen("The bills", ["Where is the parcel?"]).shown) == ["invoice"]
    assert kinds(chosen("The parcel", ["Which bills?"]).shown) == ["parcel"]
    assert kinds(chosen("And now?", ["Where is the parcel?"]).shown) == ["parcel"]


def test_what_is_pinned_is_shown_once_where_the_question_is_about_it_too() -> None:
    tools = Toolset([*INVOICES, *PARCELS], pinned="parcel_3")
    found = tools_for(tools, "parcel 3", (), 150)
    assert [one.name for one in found.shown].count("parcel_3") == 1
    assert "parcel_3" not in {one.name for one in found.named}


def test_where_no_word_fits_some_of_each_server_are_named() -> None:
    tools = Toolset([*alike("read", "", "files", 40), *alike("say", "", "mail", 40)])
    assert kinds(tools_for(tools, "Qué hay?", (), 100).named) == ["read", "say"]


def test_what_a_server_says_of_itself_takes_room_once() -> None:
    said = "Paths are absolute. " * 20
    tools = Toolset(alike("read", "Read what is there.", "files", 60), says={"files": said})
    listing = ToolListing(tools, "read", max_tokens=250)
    text = listing.begun(constrained=True)
    assert 750 - 60 < len(said) + sum(tools.sizes[: len(listing.shown)]) <= 750
    assert text.count(said.strip()) == 1
