"""An object of native arguments has each key once: readers of JSON differ in which of two they take, and people too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, PlanError, tool
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


@tool(effect="read")
async def page() -> str:
    """A page of a stranger."""
    return '{"to": "ann", "to": "eve"}'


@tool(effect="write")
async def put(it: dict[str, Any]) -> str:
    """Put it away."""
    made.append(it)
    return "put"


def refused(plan: str) -> str:
    """What is said of a plan, nothing of which is done."""
    made.clear()
    try:
        outcomes: Any = run(LLMCompiler(tools=[page, put]).execute(plan))
        said = str(outcomes["x"])
    except PlanError as error:
        said = str(error)
    assert made == []
    return said


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("x = put(parse_json(page()))\njoin(x)\n", "`parse_json`: an object has the key 'to' twice"),
        ('t = \'{"a": [{"b": 1, "b": 1}]}\'\nx = put(parse_json(t))\njoin(x)\n', "the key 'b' twice"),
        ('x = put(\'{"to": "ann", "to": "eve"}\')\njoin(x)\n', "E304"),
        ('x = put(\'{"a": {"to": 1, "t\\\\u006f": 2}}\')\njoin(x)\n', "E304"),
        ('1. put({"to": "ann", "to": "eve"})\n2. join($1)<END_OF_PLAN>', "E306 `to` comes twice"),
        ('1. put({"a": {"to": "ann", "to": "ann"}})\n2. join($1)<END_OF_PLAN>', "E306 `to` comes twice"),
        ('1. put(it={"a": [{"to": 1, "b": 2, "to": 3}]})\n2. join($1)<END_OF_PLAN>', "E306 `to` comes twice"),
        ('Plan: put it.\n#E1 = put[{"to": "ann", "to": "eve"}]', "E306 `to` comes twice"),
    ],
)
def test_what_is_no_python_has_each_key_once_in_a_plan_too(plan: str, says: str) -> None:
    assert says in refused(plan)


@pytest.mark.parametrize(
    ("display", "key"),
    [
        ('{"to": "ann", "to": "eve"}', "'to'"),
        ('{"a": {"b": 1, "c": 2, "b": 1}}', "'b'"),
        ('{"to": page(), "b": 1, "to": page()}', "'to'"),
        ("{1: 'a', True: 'b'}", "True"),
    ],
)
def test_a_dict_of_python_is_what_it_is_there_and_the_planner_is_warned(display: str, key: str) -> None:
    found = LLMCompiler(tools=[page, put]).check(f"x = {display}\njoin(x)\n")
    assert [problem.message for problem in found if problem.code == "W507"] == [
        f"the key {key} stands twice in this dict: the last one counts"
    ]
