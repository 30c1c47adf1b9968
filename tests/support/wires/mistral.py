"""Mistral's chat completions, streamed (https://docs.mistral.ai/api): thoughts are parts of the content."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from support.wires.chat import asked
from support.wires.events import data, refused, streamed
from support.wires.said import Answer, Called, Counted, Piece, Refused, Said, Text, Thought, Turn, Wire

NAME: Final = "magistral-medium-2509"
_ENDS: Final = {"whole": "stop", "length": "length", "filter": "error"}
_REFUSALS: Final = {
    "busy": (429, "rate_limited", "1300", "Rate limit exceeded"),
    "overloaded": (503, "service_unavailable", "3505", "Service unavailable."),
    "bad request": (400, "invalid_request_message_order", "3230", "Expected last role User or Tool."),
    "wrong key": (401, "invalid_request_error", "1000", "Unauthorized: key-of-tests"),
    "broken": (502, "", "", ""),
}


def _client(url: str) -> Any:
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.providers.mistral import MistralProvider

    return MistralModel(NAME, provider=MistralProvider(api_key="key-of-tests", base_url=url))


def _answer(turn: Turn, body: Mapping[str, Any]) -> Answer:
    if isinstance(turn, Refused):
        status, kind, code, message = _REFUSALS[turn.why]
        error = {"object": "error", "message": message, "type": kind, "param": None, "code": code}
        return refused(turn, status, error)
    events = [data(document) for document in _documents(turn)]
    return streamed(turn, events if turn.ends is None else [*events, b"data: [DONE]\n\n"])


def _documents(said: Said) -> Iterator[dict[str, Any]]:
    yield _chunk({"role": "assistant", "content": ""})
    for number, piece in enumerate(said.pieces):
        yield _chunk(_delta(piece, number))
    if said.ends is None:
        return
    called = said.ends == "whole" and any(isinstance(piece, Called) for piece in said.pieces)
    last = _chunk({"content": ""}, "tool_calls" if called else _ENDS[said.ends])
    yield last if said.counted is None else {**last, "usage": _usage(said.counted)}


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    told = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": NAME}
    return {**told, "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}]}


def _delta(piece: Piece, number: int) -> dict[str, Any]:
    match piece:
        case Text(text):
            return {"content": text}
        case Thought(text):
            return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}
        case Called(tool, arguments):
            function = {"name": tool, "arguments": json.dumps(arguments)}
            return {"tool_calls": [{"id": f"VvvODy9m{number}", "function": function, "index": number}]}


def _usage(counted: Counted) -> dict[str, Any]:
    usage: dict[str, Any] = {"prompt_tokens": counted.read, "completion_tokens": counted.written}
    usage["total_tokens"] = counted.read + counted.written
    return {**usage, "prompt_tokens_details": {"cached_tokens": counted.cached}}


MISTRAL: Final = Wire(
    "mistral",
    ("pydantic_ai", "mistralai"),
    "/v1/chat/completions",
    _client,
    _answer,
    asked,
    frozenset({"stored", "signatures", "refusal", "counted thoughts", "errors in a stream"}),
)
