"""Anthropic's Messages, streamed (https://platform.claude.com/docs/en/build-with-claude/streaming)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from support.wires.events import dumped, refused, streamed
from support.wires.said import Answer, Asked, Called, Counted, Piece, Refused, Said, Text, Thought, Turn, Wire

NAME: Final = "claude-sonnet-5-5"
_ENDS: Final = {"whole": "end_turn", "length": "max_tokens", "refusal": "refusal", "filter": "refusal"}
_REFUSALS: Final = {
    "busy": (
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 50 requests a minute",
    ),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "bad request": (400, "invalid_request_error", "messages: text content blocks must be non-empty"),
    "wrong key": (401, "authentication_error", "invalid x-api-key: key-of-tests"),
    "broken": (502, "api_error", ""),
}


def _client(url: str) -> Any:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    return AnthropicModel(NAME, provider=AnthropicProvider(api_key="key-of-tests", base_url=url))


def _answer(turn: Turn, body: Mapping[str, Any]) -> Answer:
    if isinstance(turn, Refused):
        status, kind, message = _REFUSALS[turn.why]
        body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011"}
        return refused(turn, status, body, **{"request-id": "req_011"})
    return streamed(turn, [_event(document) for document in _documents(turn)])


def _event(document: Mapping[str, Any]) -> bytes:
    return f"event: {document['type']}\ndata: ".encode() + dumped(document) + b"\n\n"


def _documents(said: Said) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {"id": "msg_01", "type": "message", "role": "assistant", "model": NAME, "content": []}
    message |= {"stop_reason": None, "stop_sequence": None}
    if said.counted is not None:
        message["usage"] = {**_read(said.counted), "output_tokens": 1}
    yield {"type": "message_start", "message": message}
    yield {"type": "ping"}
    for index, run in enumerate(_runs(said.pieces)):
        yield {"type": "content_block_start", "index": index, "content_block": _begun(run[0])}
        for delta in (delta for piece in run for delta in _deltas(piece)):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        if said.ends is not None and not said.fails:
            yield {"type": "content_block_stop", "index": index}
    if said.fails:
        yield {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return
    if said.ends is None:
        return
    called = any(isinstance(piece, Called) for piece in said.pieces) and said.ends == "whole"
    ended: dict[str, Any] = {"stop_reason": "tool_use" if called else _ENDS[said.ends], "stop_sequence": None}
    if said.ends == "refusal":
        ended["stop_details"] = {"type": "refusal", "category": "cyber", "explanation": "I cannot help with that."}
    last: dict[str, Any] = {"type": "message_delta", "delta": ended}
    if said.counted is not None:
        last["usage"] = {**_read(said.counted), "output_tokens": said.counted.written}
        if said.counted.thought:
            last["usage"]["output_tokens_details"] = {"thinking_tokens": said.counted.thought}
    yield last
    yield {"type": "message_stop"}


def _read(counted: Counted) -> dict[str, Any]:
    """The prompt's tokens, of which `input_tokens` are those that no cache had to do with."""
    return {
        "input_tokens": counted.read - counted.cached - counted.stored,
        "cache_creation_input_tokens": counted.stored,
        "cache_read_input_tokens": counted.cached,
    }


def _runs(pieces: tuple[Piece, ...]) -> Iterator[list[Piece]]:
    """The pieces of each block: texts that follow each other are one."""
    run: list[Piece] = []
    for piece in pieces:
        if run and not (isinstance(piece, Text) and isinstance(run[-1], Text)):
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _begun(piece: Piece) -> dict[str, Any]:
    match piece:
        case Text():
            return {"type": "text", "text": ""}
        case Thought():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Called(tool):
            return {"type": "tool_use", "id": "toolu_01", "name": tool, "input": {}}


def _deltas(piece: Piece) -> Iterator[dict[str, Any]]:
    match piece:
        case Text(text):
            yield {"type": "text_delta", "text": text}
        case Thought(text, signature):
            yield {"type": "thinking_delta", "thinking": text}
            if signature:
                yield {"type": "signature_delta", "signature": signature}
        case Called(_, arguments):
            yield {"type": "input_json_delta", "partial_json": ""}
            yield {"type": "input_json_delta", "partial_json": json.dumps(arguments)}


def _asked(body: Mapping[str, Any]) -> list[Asked]:
    system = body.get("system") or []
    told = system if isinstance(system, str) else "".join(block["text"] for block in system)
    turns = [Asked("system", told)] if told else []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        turns.append(Asked(message["role"], text, tuple(b["signature"] for b in blocks if b["type"] == "thinking")))
    return turns


ANTHROPIC: Final = Wire(
    "anthropic",
    ("pydantic_ai", "anthropic"),
    "/v1/messages",
    _client,
    _answer,
    _asked,
    frozenset({"uncounted"}),
    f"anthropic:{NAME}",
    {"ANTHROPIC_API_KEY": "key-of-tests", "ANTHROPIC_BASE_URL": "{url}"},
)
