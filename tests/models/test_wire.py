"""Bodies of responses, however their bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superscalar.models.surrogates import Surrogates
from superscalar.models.wire import DONE, GarbledError, ReplyBody

EVENT = {"choices": [{"delta": {"content": "größe 😀"}}]}
DATA = json.dumps(EVENT, ensure_ascii=False)


def read(*pieces: bytes) -> list[Any]:
    """The documents of a body that comes in these pieces; last what else it says, if it is none of the protocol."""
    body = ReplyBody()
    found: list[Any] = []
    try:
        for piece in pieces:
            found += body.feed(piece)
        found += body.finish()
    except GarbledError as garbled:
        found.append((garbled.text, garbled.cut))
    return found


def cuts(content: bytes) -> list[list[bytes]]:
    """All at once, every byte alone, and once cut at each place."""
    return [
        [content],
        [bytes([byte]) for byte in content],
        *([content[:place], content[place:]] for place in range(1, len(content))),
    ]


BODIES: dict[str, tuple[str, list[Any]]] = {
    "events": (f"data: {DATA}\n\ndata: [DONE]\n\n", [EVENT, DONE]),
    "lines that end as in Windows": (f"data: {DATA}\r\n\r\ndata: [DONE]\r\n\r\n", [EVENT, DONE]),
    "lines that end as in an old Mac": (f"data: {DATA}\r\rdata: [DONE]\r\r", [EVENT, DONE]),
    "no space behind the colon": (f"data:{DATA}\n\ndata:[DONE]\n\n", [EVENT, DONE]),
    "comments, fields of other kinds": (f": hi\n\nid: 7\nretry: 3\nevent: x\ndata: {DATA}\n\n", [EVENT]),
    "an event over several lines": ('data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
    "no blank line between events": (f"data: {DATA}\ndata: {DATA}\ndata: [DONE]", [EVENT, EVENT, DONE]),
    "no blank line at the end": (f"data: {DATA}", [EVENT]),
    "empty data": (f"data:\n\ndata: \n\ndata\n\ndata: {DATA}\n\n", [EVENT]),
    "null": (f"data: null\n\ndata: {DATA}\n\n", [None, EVENT]),
    "a byte order mark, and blank lines": (f"\ufeff\n\ndata: {DATA}\n\n", [EVENT]),
    "an error event with words": ("event: error\ndata: overloaded\n\n", [{"error": "overloaded"}]),
    "an error event with a document": ('event: error\ndata: {"x": 1}\n\n', [{"error": {"x": 1}}]),
    "an error event with an error": ('event: error\ndata: {"error": {"x": 1}}\n\n', [{"error": {"x": 1}}]),
    "a document": (f"\n {DATA}\n", [EVENT]),
    "a document over lines": (json.dumps(EVENT, indent=1, ensure_ascii=False), [EVENT]),
    "documents line by line": (f"{DATA}\n{DATA}\n", [EVENT, EVENT]),
    "nothing": ("", []),
    "nothing but blanks": (" \r\n\n", []),
    "a page": ("<html><b>Größe</b></html>", [("<html><b>Größe</b></html>", False)]),
    "a word": ("no", [("no", False)]),
    "a sentence": ("no such page here", [("no such page here", False)]),
    "a list": ("[1]", [("[1]", False)]),
    "a document that is cut": ('{"choices": [', [('{"choices": [', True)]),
    "an event that is cut": (f'data: {DATA}\n\ndata: {{"id": "x", "choi', [EVENT, ('{"id": "x", "choi', True)]),
    "an event that is a sentence": ("data: sorry\n\n", [("sorry", True)]),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_read_however_it_is_cut(name: str) -> None:
    text, expected = BODIES[name]
    content = text.encode()
    assert [read(*pieces) for pieces in cuts(content)] == [expected] * (len(content) + 1 if content else 2)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Whatever comes, and however it is cut, it is the same: nothing escapes but that it is garbled."""
    whole = read(content)
    assert read(*(bytes([byte]) for byte in content)) == whole


@given(
    st.lists(st.sampled_from(["data: ", "data:", "\n", "\r", "{", "}", '"a"', ":", "1", "event: error", "é", "[DONE]"]))
)
def test_what_looks_like_events_is_read_the_same_however_it_is_cut(parts: list[str]) -> None:
    content = ("data: 1\n\n" + "".join(parts)).encode()
    whole = read(content)
    assert read(*(bytes([byte]) for byte in content)) == whole


@given(st.text(), st.lists(st.integers(0, 3)))
def test_characters_that_a_server_cut_in_two_are_joined(text: str, sizes: list[int]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    halves = [units[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, len(units), 2)]
    surrogates = Surrogates()
    found: list[str] = []
    for size in [*sizes, *[1] * len(halves)]:
        found.append(surrogates.feed("".join(halves[:size])))
        del halves[:size]
    assert "".join([*found, surrogates.flush()]) == text


@pytest.mark.parametrize("pieces", [["\ud83d"], ["a\ud83d", "b"], ["\ude00", "\ud83d"]])
def test_a_half_that_stays_alone_is_replaced(pieces: list[str]) -> None:
    surrogates = Surrogates()
    text = "".join([*map(surrogates.feed, pieces), surrogates.flush()])
    assert text == "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
