"""How tools are found by words, whatever these look like."""

from __future__ import annotations

import pytest

from superscalar.plan.ir.signatures import Parameter, Signature
from superscalar.tools.search import ToolIndex, stem, words_of_text


@pytest.mark.parametrize(
    "words",
    [
        "price prices priced pricing",
        "book books booked booking bookings",
        "translate translated translating translation translations",
        "ship ships shipped shipping shipment shipments",
        "city cities",
        "deliver delivered delivers",
        "mention mentions mentioned",
        "remind reminds reminder reminders",
        "box boxes",
        "create creates creating created",
        "process processes processing",
        "pay pays paying payment",
    ],
)
def test_forms_of_a_word_are_one(words: str) -> None:
    assert len(set(map(stem, words.split()))) == 1


@pytest.mark.parametrize(
    "words", ["new news-item", "bus bu", "status statu", "string str", "red r", "order ord", "is i"]
)
def test_other_words_are_not(words: str) -> None:
    one, other = words.split()
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("getUserByID2", ["get", "user", "by", "id", "2"]),
        ("XMLFile http-status_code", ["xml", "fil", "http", "status", "cod"]),
        ("Réservation Straße", ["reservat", "straße"]),
        ("天気予報 ok", ["天気", "気予", "予報", "ok"]),
        ("水", ["水"]),
        ("", []),
    ],
)
def test_a_text_is_taken_apart_at_case_underscores_and_where_there_are_no_spaces(text: str, words: list[str]) -> None:
    assert list(words_of_text(text)) == words


def signature(name: str, description: str = "", *parameters: Parameter, server: str = "") -> Signature:
    return Signature(name, name, parameters, description=description, server=server)


def found(query: str, *signatures: Signature) -> list[str]:
    return [one.name for one in ToolIndex(signatures).ranked(query)]


def test_a_word_counts_most_in_a_name_then_in_a_description_a_parameter_and_what_is_said_of_it() -> None:
    tools = [
        signature("a", "Other.", Parameter("x", "x", description="The city.")),
        signature("b", "Other.", Parameter("city", "city")),
        signature("c", "City."),
        signature("city", "Other."),
    ]
    assert found("cities", *tools) == ["city", "c", "b", "a"]


def test_the_name_of_a_server_counts_as_a_name() -> None:
    assert found("github issues", signature("list_issues"), signature("issues", server="github")) == [
        "issues",
        "list_issues",
    ]


def test_words_that_stand_everywhere_count_only_where_there_are_no_others() -> None:
    tools = [signature("what_is_it", "What is the and of."), signature("price", "Costs.")]
    assert found("What is the price of it?", *tools) == ["price"]
    assert found("what is it", *tools) == ["what_is_it"]


def test_what_is_asked_in_characters_without_spaces_finds_what_is_described_so() -> None:
    tools = [signature("a", "天気予報を返す"), signature("b", "翻訳する")]
    assert found("東京の天気は?", *tools) == ["a"]


def test_without_tools_or_words_nothing_is_found() -> None:
    assert found("price") == []
    assert found("", signature("price")) == []
    assert found("?!", signature("price")) == []
