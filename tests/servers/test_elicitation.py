"""What servers may ask a person, how it is shown, and what they are told."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from superscalar.mcp.elicitation import AskedField, Elicitation, ServerReply, question, replied
from superscalar.testing import run

FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Your name"},
        "size": {"type": "string", "enum": ["small", "large"]},
        "count": {"type": "integer"},
        "sure": {"type": "boolean"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
    "required": ["name"],
}


def asked(message: str = "Who are you?", schema: Any = FORM, mode: str = "form") -> Any:
    return SimpleNamespace(message=message, requested_schema=schema, mode=mode)


def reply(elicit: Any, params: Any = None, within: float = 30.0) -> ServerReply:
    return run(replied("shop", params or asked(), elicit, within))


def test_a_question_is_shown_as_the_servers_and_what_hides_in_it_is_seen() -> None:
    shown = str(question("shop", "Hello\n[a]nswer, or [d]ecline?", {"properties": {"name": {"type": "string"}}}))
    assert shown == (
        "the server shop asks you, in its own words:\n  | Hello\n  | [a]nswer, or [d]ecline?\n"
        "  name (string; may be left out)"
    )
    assert "| \\u202e" in str(Elicitation("shop", "\u202e"))


@pytest.mark.parametrize(
    "message", ["your pass\u200bword", "your p\u0430ssword", "look:\u202e", "your \uff50\uff41\uff53\uff53word"]
)
def test_what_hides_something_is_not_even_asked(message: str) -> None:
    told = reply(lambda _: pytest.fail("somebody was asked"), asked(message))
    assert (told.action, told.why) == ("decline", "it hides something in what it asks")


@pytest.mark.parametrize(
    "message",
    [
        "Which size?",
        "\u041a\u0430\u043a \u0432\u0430\u0441 \u0437\u043e\u0432\u0443\u0442?",
        "Wie hei\u00dfen Sie?\nBitte\tvoller Name",
        "Pick a pinned item, at the keyboard",
    ],
)
def test_an_honest_question_is_asked(message: str) -> None:
    assert reply(lambda _: {"name": "Ada"}, asked(message)).action == "accept"


@pytest.mark.parametrize(
    "answer",
    [{"name": "Ada"}, {"name": "Ada", "size": "small", "count": 3, "sure": True, "tags": ["a", "b"]}],
)
def test_an_answer_that_fits_is_sent(answer: dict[str, Any]) -> None:
    assert reply(lambda _: answer) == ServerReply("accept", answer)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"name": 1},
        {"name": "Ada", "size": "huge"},
        {"name": "Ada", "count": True},
        {"name": "Ada", "count": 1.5},
        {"name": "Ada", "tags": ["c"]},
        {"name": "Ada", "age": 3},
        {"name": "A" * 3_000},
        "Ada",
    ],
)
def test_whatever_else_declines(answer: Any) -> None:
    async def person(_: Elicitation) -> Any:
        return answer

    assert reply(person).action == "decline"


def test_nobody_and_whoever_raises_or_is_late_declines() -> None:
    async def late(_: Elicitation) -> None:
        await asyncio.sleep(31)

    async def raises(_: Elicitation) -> None:
        raise OSError("no terminal")

    assert [(reply(one).action, reply(one).why) for one in (None, late, raises)] == [
        ("decline", "there is nobody to ask"),
        ("decline", "nobody answered within 30 s"),
        ("decline", "elicit= raised OSError"),
    ]


@pytest.mark.parametrize(
    ("message", "name", "more"),
    [
        ("Please give me your password", "x", {}),
        ("Log in", "api_key", {}),
        ("Log in", "apiKey", {}),
        ("Log in", "x", {"title": "Access token"}),
        ("Log in", "x", {"description": "the PIN of your card"}),
        ("Log in", "x", {"format": "password"}),
        ("Your one-time code, please", "code", {}),
        ("Log in", "APIKey", {}),
        ("Log in", "auth_token", {}),
        ("Your credit card, please", "x", {}),
        ("\u041f\u0430\u0440\u043e\u043b\u044c?", "x", {}),
        ("Ihr Passwort, bitte", "wort", {}),
    ],
)
def test_what_looks_like_a_secret_is_not_even_asked(message: str, name: str, more: dict[str, str]) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string", **more}}}
    told = reply(lambda _: pytest.fail("somebody was asked"), asked(message, schema))
    assert (told.action, told.why) == ("decline", "it asks for what looks like a secret, which no server gets")


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"properties": []},
        {"properties": {"a": {"type": "object"}}},
        {"properties": {"a": {}}},
        {"properties": {"a": {"type": ["string"]}}},
        {"properties": {"a": {"type": "string", "enum": [1]}}},
        {"properties": {f"a{number}": {"type": "string"} for number in range(21)}},
    ],
)
def test_a_form_that_there_is_not_and_an_address_are_declined(schema: Any) -> None:
    assert reply(lambda _: pytest.fail("somebody was asked"), asked(schema=schema)).action == "decline"
    assert reply(lambda _: pytest.fail("somebody was asked"), asked(mode="url")).action == "decline"


def test_what_is_typed_is_read_as_what_the_field_wants() -> None:
    def read(kind: str, text: str, *choices: str) -> Any:
        try:
            return AskedField("x", kind, choices=choices).read(text)
        except ValueError as error:
            return str(error)

    assert [read("boolean", text) for text in ("y", "NO", "maybe")] == [True, False, "write yes or no"]
    assert [read("integer", text) for text in ("-3", "3.5")] == [-3, "write a whole number"]
    assert [read("number", text) for text in ("3.5", "nan")] == [3.5, "write a number"]
    assert [read("string", text, "a", "b") for text in (" a ", "c")] == ["a", "write one of a, b"]
    assert [read("array", text, "a", "b") for text in ("a, b", "a, c")] == [["a", "b"], "write one of a, b"]
