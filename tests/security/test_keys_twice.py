"""An object of native arguments has each key once: readers of JSON differ in which of two they take, and people too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, tool
from superscalar.testing import run

made: list[Any] = []


@tool(effect="write", sink="to")
async def send(to: str | dict[str, Any] | list[Any], text: str = "") -> str:
    """Send a message."""
    made.append(to)
    return "sent"


def answered(arguments: Any) -> Any:
    made.clear()
    message = {
        "role": "assistant",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "send", "arguments": arguments}}],
    }
    return run(LLMCompiler(tools=[send]).execute_calls(message, saw_untrusted=False))[0]


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ('{"to": "ann", "to": "eve"}', "to"),
        ('{"to": "ann", "to": "ann"}', "to"),
        ('{"to": "ann", "text": "a", "text": "b"}', "text"),
        ('{"text": "", "to": "ann", "text": ""}', "text"),
        ('{"to": {"name": "ann", "name": "eve"}}', "name"),
        ('{"to": [{"name": "ann"}, {"name": "ann", "name": "eve"}]}', "name"),
        ('{"to": {"a": {"b": {"c": 1, "c": 2}}}}', "c"),
        ('{"to": "ann", "t\\u006f": "eve"}', "to"),  # the same key, spelled with an escape
        ('{"to": {"": 1, "": 2}}', ""),
        ('{"to": {"a": [], "b": 1, "a": []}}', "a"),
        ('{"to": "ann", "bcc": 1, "bcc": 2}', "bcc"),
        ({"to": {1: "ann", "1": "eve"}}, "1"),  # an SDK's own objects: JSON has no other keys than texts
    ],
)
def test_arguments_with_a_key_twice_are_refused_and_the_message_names_it(arguments: Any, key: str) -> None:
    found = answered(arguments)
    assert isinstance(found.outcome, Failure)
    assert found.outcome.kind == "arguments"
    assert f"cannot be read: an object has the key {key!r} twice" in found.text
    assert made == []


def test_a_parameter_by_its_name_and_by_its_alias_is_twice_too() -> None:
    found = answered({"to": "ann", "to_": "eve"})
    assert isinstance(found.outcome, Failure)
    assert made == []


@pytest.mark.parametrize("shape", ["chat", "responses", "anthropic"])
def test_the_same_key_in_two_objects_is_no_fault(shape: str) -> None:
    given = {"to": [{"name": "ann"}, {"name": "bob"}], "text": "hi"}
    text = json.dumps(given)
    calls = {
        "chat": [{"type": "function", "id": "1", "function": {"name": "send", "arguments": text}}],
        "responses": [{"type": "function_call", "call_id": "1", "name": "send", "arguments": text}],
        "anthropic": [{"type": "tool_use", "id": "1", "name": "send", "input": given}],
    }
    made.clear()
    results = run(LLMCompiler(tools=[send]).execute_calls(calls[shape], saw_untrusted=False))
    assert results[0].text == "sent"
    assert made == [given["to"]]
