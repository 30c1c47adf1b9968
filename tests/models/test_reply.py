"""One reply, document by document: texts, thoughts, calls of tools, counts; and whatever else servers send."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar.models import Chunk, Prices, Usage
from superscalar.models.ending import Ends
from superscalar.models.reply import ComplaintError, RefusedError, Reply
from support.depth import examples

STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
END = Chunk(finish="stop")


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def call(index: Any = None, name: Any = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    place = {} if index is None else {"index": index}
    return {**place, "function": {"name": name, "arguments": arguments}, **more}


def read(*documents: Any, stops: Sequence[str] = (), prices: Prices | None = None) -> list[Chunk]:
    reply = Reply(Ends({}), stops, prices)
    found = [chunk for document in documents for chunk in reply.take(document)]
    return [*found, *reply.finish()]


def said(*documents: Any) -> str:
    return "".join(chunk.text for chunk in read(*documents, STOP))


THOUGHTS: list[dict[str, Any]] = [
    {"reasoning_content": "hm"},
    {"reasoning": "hm"},
    {"thinking": "hm"},
    {"reasoning_content": "hm", "reasoning": "hm"},
    {"reasoning_content": "", "reasoning": "hm", "content": None},
    {"content": [{"type": "thinking", "thinking": "hm"}]},
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]}]},
    {"content": [{"type": "reasoning", "text": "hm"}]},
    {"content": [{"type": "some_new_kind", "text": "hm"}]},
]


@pytest.mark.parametrize("fields", THOUGHTS)
def test_a_thought_is_no_part_of_the_reply(fields: dict[str, Any]) -> None:
    assert read(delta(**fields), delta(content="a"), STOP) == [Chunk(thought="hm"), Chunk("a"), END]


def test_a_thought_and_a_text_in_one_piece() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]
    assert read(delta(content=parts), STOP) == [Chunk(thought="hm"), Chunk("a"), END]


def test_halves_of_characters_are_joined_in_texts_thoughts_and_calls() -> None:
    documents = [
        delta(content="a\ud83d", reasoning="b\ud83d"),
        delta(content="\ude00", reasoning="\ude00"),
        delta(tool_calls=[call(0, "f", '{"x": "\ud83d')]),
        delta(tool_calls=[call(0, None, '\ude00"}')]),
    ]
    chunks = read(*documents, STOP)
    assert "".join(chunk.text for chunk in chunks) == 'a😀\n{"name": "f", "arguments": {"x": "😀"}}\n'
    assert "".join(chunk.thought for chunk in chunks) == "b😀"


F = '{"name": "f", "arguments": {"x": 1}}\n'
G = '{"name": "g", "arguments": {}}\n'
CALLS: list[tuple[list[Any], str]] = [
    ([[call(0, "f", '{"x"')], [call(0, None, ": 1}")]], F),
    ([[call(0, "f", ""), call(1, "g", "")], [call(0, None, '{"x": 1}')], [call(1, None, "{}")]], F + G),
    ([[call(None, "f", '{"x": 1}', id="a")], [call(None, "g", None, id="b")]], F + G),
    ([[call(None, "f", '{"x": ')], [call(None, None, "1}")], [call(None, "g", "{}")]], F + G),
    ([[call(0, "f", {"x": 1})]], F),
    ([[call(0, "f", '{"x": 1}', type="function", id=None)], None, [], [None, 7, {"function": None}]], F),
    ([[call(0, "f", "x = 1")]], '{"name": "f", "arguments": "x = 1"}\n'),
]


@pytest.mark.parametrize(("turns", "expected"), CALLS)
def test_calls_of_tools_are_a_line_each_once_the_reply_is_over(turns: list[Any], expected: str) -> None:
    chunks = read(*(delta(tool_calls=turn) for turn in turns), STOP)
    assert chunks == [Chunk(expected), END]


def test_a_call_in_the_old_form() -> None:
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"x": 1}'}]
    assert said(*(delta(function_call=piece) for piece in pieces)) == F


def test_a_text_before_calls_keeps_its_line() -> None:
    assert said(delta(content="Look:"), delta(tool_calls=[call(0, "g", "")])) == "Look:\n" + G
    assert said(delta(content="Look:\n"), delta(tool_calls=[call(0, "g", "")])) == "Look:\n" + G


def test_a_call_that_was_cut_is_none() -> None:
    pieces = [delta(tool_calls=[call(0, "g", "{}")]), delta(tool_calls=[call(1, "f", '{"x": ')])]
    cut = {"choices": [{"delta": {}, "finish_reason": "length"}]}
    assert read(*pieces, cut) == [Chunk(G), Chunk(finish="length")]


def test_what_is_handed_to_a_custom_tool_is_text() -> None:
    pieces = [{"index": 0, "custom": {"name": "plan", "input": text}} for text in ("a = f", "()\n", None)]
    assert said(*(delta(tool_calls=[piece]) for piece in pieces)) == "a = f()\n"


def test_a_stop_text_ends_the_reply_and_what_comes_with_it() -> None:
    assert read(delta(content="aEN"), delta(content="Db"), STOP, stops=("END",)) == [Chunk("a"), END]


def test_other_choices_are_none() -> None:
    both = {"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}
    assert read(both, {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]}, STOP) == [Chunk("a"), END]


USAGES: list[tuple[Any, Usage | None]] = [
    ({"usage": {"prompt_tokens": 5, "completion_tokens": 2}}, Usage(5, 0, 2, 1)),
    ({"usage": {"prompt_tokens": 5.0, "completion_tokens": 2.0, "prompt_tokens_details": None}}, Usage(5, 0, 2, 1)),
    (
        {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}},
        Usage(5, 4, 2, 1),
    ),
    ({"usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_cache_hit_tokens": 9}}, Usage(5, 5, 2, 1)),
    (
        {"usage": {"prompt_tokens": 5, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 7}}},
        Usage(5, 0, 9, 1, reasoning_tokens=7),
    ),
    (
        {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 7}}},
        Usage(5, 0, 2, 1, reasoning_tokens=2),
    ),
    ({"usage": {"prompt_tokens": 5, "completion_tokens": 2, "completion_tokens_details": []}}, Usage(5, 0, 2, 1)),
    ({"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}}, Usage(5, 0, 2, 1)),
    ({"choices": [{"usage": {"prompt_tokens": 5, "completion_tokens": 2}}]}, Usage(5, 0, 2, 1)),
    ({"usage": {}}, None),
    ({"usage": None}, None),
    ({"usage": {"prompt_tokens": 5}}, None),
    ({"usage": {"prompt_tokens": -5, "completion_tokens": 2}}, None),
    ({"usage": {"prompt_tokens": True, "completion_tokens": 2}}, None),
    ({"usage": {"prompt_tokens": 1e300, "completion_tokens": 2}}, None),
]


@pytest.mark.parametrize(("document", "usage"), USAGES)
def test_what_was_used_is_counted_where_the_provider_says_it(document: Any, usage: Usage | None) -> None:
    assert read(STOP, document)[-1] == Chunk(finish="stop", usage=usage)


def test_what_was_used_has_its_price() -> None:
    chunk = read(STOP, USAGES[0][0], prices=Prices(input=1.0, output=10.0))[-1]
    assert chunk.usage == Usage(5, 0, 2, 1, 25e-6)


def test_a_usage_counts_even_where_the_reply_was_cut() -> None:
    assert read(delta(content="a"), USAGES[0][0])[-1] == Chunk(usage=Usage(5, 0, 2, 1))


COMPLAINTS: list[tuple[Any, Any]] = [
    ({"error": "no"}, "no"),
    ({"error": {"message": "no"}}, {"message": "no"}),
    ({"error": {"message": "no"}, "choices": [{"delta": {"content": "a"}}]}, {"message": "no"}),
    ({"choices": [{"error": {"code": 502}}]}, {"code": 502}),
    ({"detail": "no"}, {"detail": "no"}),
    ({"object": "error", "message": "no"}, {"object": "error", "message": "no"}),
]


@pytest.mark.parametrize(("document", "complaint"), COMPLAINTS)
def test_an_error_is_raised_as_it_stands_there(document: Any, complaint: Any) -> None:
    with pytest.raises(ComplaintError) as raised:
        read(document)
    assert raised.value.said == complaint


@pytest.mark.parametrize("none", [None, "", {}, [], False, 0])
def test_an_error_that_says_nothing_is_none(none: Any) -> None:
    assert read({**delta(content="a"), "error": none, "detail": none}, STOP) == [Chunk("a"), END]


def test_a_refusal_is_told_whole() -> None:
    with pytest.raises(RefusedError, match=r"^I won't say\.$"):
        read(delta(refusal="I won't "), delta(refusal="say."), STOP)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
NAMES = "index delta message finish_reason content reasoning refusal tool_calls function_call usage text type".split()
NAMES += "function name arguments custom input id prompt_tokens completion_tokens prompt_tokens_details".split()
ODD = st.recursive(
    JSON | st.sampled_from(["stop", "length", "null", "\ud83d", "\ude00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(100, 3_000))
@given(st.lists(st.fixed_dictionaries({"choices": st.lists(ODD, max_size=2) | ODD, "usage": ODD}) | ODD, max_size=5))
def test_whatever_a_server_sends_is_read_or_refused_in_words_of_ours(documents: list[Any]) -> None:
    try:
        chunks = read(*documents)
    except (ComplaintError, RefusedError):
        return
    for chunk in chunks:
        (chunk.text + chunk.thought).encode()  # no lone halves
        assert chunk.usage is None or chunk.usage.tokens >= 0
    json.dumps([chunk.finish for chunk in chunks])
