"""Native tool calls: a turn of a chat model is run as a plan, and answered in the shape in which it came."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage
from openai.types.responses import Response

from superscalar import CallResults, Failure, Limit, LLMCompiler, Observation, Skipped, Toolset, UsageError, tool
from superscalar.events import Started
from superscalar.testing import run
from support.depth import examples
from support.running import Gauge


@tool(effect="read", limit="quotes", name="Price API")
async def price(ticker: str, days: int = 1) -> dict[str, Any]:
    """Latest price."""
    await asyncio.sleep(2)
    if ticker == "XXX":
        raise LookupError("no such ticker")
    return {"ticker": ticker, "price": days + 0.5}


@tool(effect="pure")
async def echo(value: Any) -> Any:
    """The value itself."""
    return value


def agent(*more: Any, **options: Any) -> LLMCompiler:
    return LLMCompiler(tools=[price, echo, *more], limits={"quotes": Limit(concurrency=2)}, **options)


def answered(message: object, *more: Any, **options: Any) -> CallResults:
    return run(agent(*more).execute_calls(message, run_id="run", **options))


# A turn of three calls in each shape: two prices and one that fails.
THREE: list[tuple[str, dict[str, Any]]] = [
    ("c1", {"ticker": "IBM"}),
    ("c2", {"ticker": "XXX"}),
    ("c3", {"ticker": "A", "days": 2}),
]

CHAT: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "Price_API", "arguments": json.dumps(given)}}
        for id, given in THREE
    ],
}
RESPONSES: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "r", "summary": []},
    *(
        {"type": "function_call", "id": f"f{id}", "call_id": id, "name": "Price_API", "arguments": json.dumps(given)}
        for id, given in THREE
    ),
]
ANTHROPIC: dict[str, Any] = {
    "role": "assistant",
    "content": [
        {"type": "text", "text": "Let me look."},
        *({"type": "tool_use", "id": id, "name": "Price_API", "input": given} for id, given in THREE),
    ],
}
IBM, A = '{"ticker": "IBM", "price": 1.5}', '{"ticker": "A", "price": 2.5}'
XXX = "Error: LookupError: no such ticker"
CHAT_REPLY = [
    {"role": "tool", "tool_call_id": "c1", "content": IBM},
    {"role": "tool", "tool_call_id": "c2", "content": XXX},
    {"role": "tool", "tool_call_id": "c3", "content": A},
]
RESPONSES_REPLY = [
    {"type": "function_call_output", "call_id": "c1", "output": IBM},
    {"type": "function_call_output", "call_id": "c2", "output": XXX},
    {"type": "function_call_output", "call_id": "c3", "output": A},
]
ANTHROPIC_REPLY = [
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": IBM},
            {"type": "tool_result", "tool_use_id": "c2", "content": XXX, "is_error": True},
            {"type": "tool_result", "tool_use_id": "c3", "content": A},
        ],
    }
]


def as_object(data: Any) -> Any:
    """As the objects of an SDK; the input of a call stays a dict."""
    match data:
        case dict():
            return SimpleNamespace(**{k: v if k == "input" else as_object(v) for k, v in data.items()})
        case list():
            return [as_object(item) for item in data]
    return data


SDK_RESPONSE = Response.model_construct(output=RESPONSES)


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (CHAT, CHAT_REPLY),
        (CHAT["tool_calls"], CHAT_REPLY),
        (as_object(CHAT), CHAT_REPLY),
        (ChatCompletionMessage.model_validate(CHAT), CHAT_REPLY),
        (RESPONSES, RESPONSES_REPLY),
        (as_object(RESPONSES), RESPONSES_REPLY),
        ({"output": RESPONSES}, RESPONSES_REPLY),
        (SDK_RESPONSE, RESPONSES_REPLY),
        (ANTHROPIC, ANTHROPIC_REPLY),
        (as_object(ANTHROPIC), ANTHROPIC_REPLY),
        (ANTHROPIC["content"], ANTHROPIC_REPLY),
    ],
)
def test_a_turn_is_answered_in_its_own_shape_and_order(message: object, reply: list[dict[str, Any]]) -> None:
    """As a dict, as an object, as a list of calls; what failed is told, and the others have their results."""
    results = answered(message)
    assert results.messages == reply
    assert [(r.id, r.name) for r in results] == [("c1", "Price_API"), ("c2", "Price_API"), ("c3", "Price_API")]
    assert results[0].outcome == Observation({"ticker": "IBM", "price": 1.5})
    assert results[1].outcome == Failure("error", "no such ticker", "LookupError")
    assert [r.text for r in results[1:]] == [XXX, A]


def test_limits_hold_and_calls_run_side_by_side() -> None:
    """Three of two seconds through two slots."""
    results = answered(CHAT)
    assert results.run.timing.tools == 4.0
    assert results.run.timing.calls == 3
    assert repr(results).splitlines()[1] == "Price_API (c2): LookupError: no such ticker"


@pytest.mark.parametrize(
    "message",
    [[], {"role": "assistant", "content": "Hello!"}, {"role": "assistant", "content": None, "tool_calls": None}],
)
def test_a_turn_without_calls_has_no_answer(message: object) -> None:
    results = answered(message)
    assert (list(results), results.messages) == ([], [])
    assert answered({"role": "assistant", "content": [{"type": "text", "text": "Hello!"}]}).messages == []


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("price('IBM')", "no message of a chat model: str; hand over an assistant message"),
        (None, "no message of a chat model: NoneType"),
        (SimpleNamespace(choices=[]), "response.choices\\[0\\].message of OpenAI's chat completions"),
        ([*CHAT["tool_calls"], *ANTHROPIC["content"]], "of several APIs"),
    ],
)
def test_what_is_no_turn_is_the_callers_mistake(message: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        answered(message)


# ------------------------------------------------------------------------------------------------------ what is written


def chat(*calls: tuple[str, Any]) -> list[dict[str, Any]]:
    return [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": given}}
        for n, (name, given) in enumerate(calls, 1)
    ]


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("Price_API", '{"ticker": "IBM"', "the arguments of Price_API are not JSON: Expecting ',' delimiter"),
        ("Price_API", "IBM", 'write one JSON object, such as {"ticker": "..."}'),
        ("Price_API", '["IBM"]', "the arguments of Price_API are a list; write one JSON object"),
        ("Price_API", "[" * 100_000, "the arguments of Price_API are not JSON: "),
        ("Price_API", "{}", "Price API() needs `ticker`"),
        ("Price_API", "", "Price API() needs `ticker`"),
        ("Price_API", None, "Price API() needs `ticker`"),
        ("Price_API", '{"ticker": "IBM", "day": 1}', "Price API() has no parameter `day`"),
        ("Price_API", '{"ticker": "IBM", "days": "many"}', "Price API(): `days`: Input should be a valid integer"),
        ("Price_API", {"ticker": {1, 2}}, "the argument `ticker` of Price_API holds a set, which is no JSON"),
        ("prices", "{}", "there is no tool `prices`; the tools are: Price_API, echo"),
        (None, "{}", "there is no tool ``"),
    ],
)
def test_a_call_that_cannot_be_made_fails_alone_with_what_is_wrong(name: Any, given: Any, text: str) -> None:
    """In words by which the model can mend it."""
    results = answered(chat(("echo", '{"value": 1}'), (name, given), ("echo", '{"value": 2}')))
    wrong = results[1]
    assert isinstance(wrong.outcome, Failure)
    assert wrong.outcome.kind == "arguments"
    assert text in wrong.text
    assert [results[n].outcome for n in (0, 2)] == [Observation(1), Observation(2)]
    assert results.messages[1] == {"role": "tool", "tool_call_id": "c2", "content": wrong.text}


def test_arguments_are_never_read_as_text_of_a_plan() -> None:
    """Names of tasks, references, braces and calls in them are text."""
    evil = ["{x}", "$1", "echo('x')", "echo()", "\n", {"echo()": ["${1}", None, True, 1.5]}]
    results = answered(chat(*(("echo", json.dumps({"value": value})) for value in evil)))
    assert [r.outcome for r in results] == [Observation(value) for value in evil]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=examples(100, 3_000), deadline=None)
@given(st.lists(_JSON, max_size=4))
def test_any_json_reaches_the_tool_as_it_was_written(values: list[Any]) -> None:
    results = answered(chat(*(("echo", json.dumps({"value": value})) for value in values)))
    assert [repr(r.outcome) for r in results] == [repr(Observation(value)) for value in values]


def test_a_tool_is_known_by_its_name_and_by_its_alias() -> None:
    results = answered(chat(("Price API", {"ticker": "A"}), ("Price_API", {"ticker": "B"})))
    assert [r.name for r in results] == ["Price API", "Price_API"]
    assert all(isinstance(r.outcome, Observation) for r in results)


def test_a_parameter_is_known_by_its_name_and_by_its_alias() -> None:
    """But not by both at once."""

    @tool(effect="pure")
    async def cut(_from: int) -> int:
        return _from

    given = ['{"_from": 1}', '{"from_": 2}', '{"_from": 1, "from_": 2}']
    results = answered(chat(*(("cut", arguments) for arguments in given)), cut)
    assert [r.text for r in results] == ["1", "2", "Error: cut is given `from_` twice"]


def test_ids_that_are_missing_or_the_same_do_not_lose_a_result() -> None:
    calls = chat(("echo", '{"value": 1}'), ("echo", '{"value": 2}'), ("echo", '{"value": 3}'))
    calls[1]["id"] = "c1"
    del calls[2]["id"]
    assert answered(calls).messages == [
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
        {"role": "tool", "tool_call_id": "", "content": "3"},
    ]


def test_a_server_that_leaves_out_the_type_or_writes_custom_calls_is_answered() -> None:
    calls = chat(("echo", '{"value": "1"}'))
    del calls[0]["type"]
    calls.append({"id": "c2", "type": "custom", "custom": {"name": "echo", "input": "2"}})
    first, second = answered(calls)
    assert first.text == "1"
    assert "echo() needs `value`" in second.text
    custom = [{"type": "custom_tool_call", "call_id": "c1", "name": "shell", "input": "ls"}]
    (message,) = answered(custom).messages
    assert (message["type"], message["call_id"]) == ("custom_tool_call_output", "c1")


# -------------------------------------------------------------------------------------------------------------- effects


def bank() -> tuple[list[Any], dict[str, int]]:
    """A balance that is read and written, with what happens when it is read wrong."""
    money = {"a": 100}

    @tool(effect="read", resource="account")
    async def balance() -> int:
        seen = money["a"]
        await asyncio.sleep(1)
        return seen

    @tool(effect="write", resource="account")
    async def withdraw(amount: int) -> int:
        await asyncio.sleep(0.5)
        if amount > money["a"]:
            raise ValueError("too little money")
        money["a"] -= amount
        return money["a"]

    return [balance, withdraw], money


def test_reads_and_writes_of_a_turn_keep_their_order() -> None:
    """As if the calls were made one after the other."""
    tools, money = bank()
    calls = chat(("balance", "{}"), ("withdraw", '{"amount": 30}'), ("balance", "{}"), ("withdraw", '{"amount": 70}'))
    results = answered(calls, *tools)
    assert [r.outcome for r in results] == [Observation(100), Observation(70), Observation(70), Observation(0)]
    assert money == {"a": 0}


def test_what_comes_after_a_write_in_doubt_is_not_run_and_says_why() -> None:
    tools, money = bank()
    results = answered(chat(("withdraw", '{"amount": 300}'), ("balance", "{}"), ("echo", '{"value": 1}')), *tools)
    assert results[0].text == "Error: ValueError: too little money (it may have happened all the same)"
    assert isinstance(results[1].outcome, Skipped)
    assert results[1].text == "Not run: withdraw (c1) failed, which comes before it."
    assert results[2].outcome == Observation(1)
    assert money == {"a": 100}


def test_calls_of_a_batched_tool_are_one_request() -> None:
    asked: list[list[int]] = []

    @tool(effect="read")
    async def square(n: int) -> int:
        return n * n

    @square.batch
    async def squares(ns: list[int]) -> list[int]:
        asked.append(ns)
        return [n * n for n in ns]

    results = answered(chat(*(("square", f'{{"n": {n}}}') for n in range(4))), square)
    assert [r.outcome for r in results] == [Observation(n * n) for n in range(4)]
    assert asked == [[0, 1, 2, 3]]
    assert {e.batch for e in results.run.events if isinstance(e, Started)} == {1}


# ------------------------------------------------------------------------------------------------------- the rest of it


def test_a_deadline_and_a_cancellation_are_those_of_any_run() -> None:
    results = answered(CHAT, deadline=3.0)
    assert [isinstance(r.outcome, Failure) and r.outcome.kind for r in results] == [False, "error", "deadline"]
    gauge = Gauge()

    @tool(effect="read")
    async def slow() -> None:
        with gauge:
            await asyncio.sleep(100)

    async def main() -> None:
        running = asyncio.ensure_future(agent(slow).execute_calls(chat(("slow", "{}"))))
        await asyncio.sleep(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run(main())
    assert (gauge.entered, gauge.now) == (1, 0)


def test_code_that_is_not_async_can_do_it_too() -> None:
    def ask() -> Any:
        return agent().execute_calls_sync(chat(("echo", '{"value": [1, {"a": "ü"}]}')))[0].text

    assert ask() == '[1, {"a": "ü"}]'


def test_schemas_are_what_each_api_wants() -> None:
    parameters = {
        "type": "object",
        "properties": {"ticker": {"type": "string"}, "days": {"type": "integer", "default": 1}},
        "required": ["ticker"],
        "additionalProperties": False,
    }
    tools = Toolset([price])
    about = {"name": "Price_API", "description": "Latest price."}
    assert tools.schemas("openai") == [{"type": "function", "function": {**about, "parameters": parameters}}]
    assert tools.schemas("responses") == [{"type": "function", **about, "parameters": parameters, "strict": False}]
    assert tools.schemas("anthropic") == [{**about, "input_schema": parameters}]
    with pytest.raises(UsageError, match='write "openai", "responses" or "anthropic"'):
        tools.schemas("mistral")  # type: ignore[arg-type]
