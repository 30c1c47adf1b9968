"""Amazon's Bedrock, `converse-stream`: events of a binary form
(https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html) with documents of JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final
from zlib import crc32

from support.wires.events import dumped, refused, streamed
from support.wires.said import Answer, Asked, Called, Counted, Piece, Refused, Said, Text, Thought, Turn, Wire

NAME: Final = "anthropic.claude-sonnet-4-5-20250929-v1:0"
_STREAMED: Final = {"Content-Type": "application/vnd.amazon.eventstream"}
_STRING: Final = 7  # the type of a header's value
_ENDS: Final = {"whole": "end_turn", "length": "max_tokens", "filter": "content_filtered"}
_REFUSALS: Final = {
    "busy": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "overloaded": (503, "ServiceUnavailableException", "The service is unavailable."),
    "bad request": (400, "ValidationException", "The text field in the ContentBlock object is blank."),
    # Its key is never sent, so nobody there can repeat it.
    "wrong key": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "broken": (502, "", ""),
}


def _client(url: str) -> Any:
    import boto3
    from botocore.config import Config
    from pydantic_ai.models.bedrock import BedrockConverseModel
    from pydantic_ai.providers.bedrock import BedrockProvider

    client = boto3.client(
        "bedrock-runtime",
        aws_access_key_id="id-of-tests",
        aws_secret_access_key="key-of-tests",
        region_name="eu-west-1",
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1}),  # it is the user's, and we leave it as it is
    )
    return BedrockConverseModel(NAME, provider=BedrockProvider(bedrock_client=client))


def _answer(turn: Turn, body: Mapping[str, Any]) -> Answer:
    if isinstance(turn, Refused):
        status, kind, message = _REFUSALS[turn.why]
        return refused(turn, status, {"message": message}, **{"x-amzn-ErrorType": kind})
    return streamed(turn, [_event(name, document) for name, document in _documents(turn)], _STREAMED)


def _event(name: str, document: Mapping[str, Any]) -> bytes:
    failure = name.endswith("Exception")
    told = {":exception-type" if failure else ":event-type": name, ":content-type": "application/json"}
    told[":message-type"] = "exception" if failure else "event"
    head = b"".join(_header(key, value) for key, value in told.items())
    body = dumped(document)
    prelude = struct.pack("!II", len(head) + len(body) + 16, len(head))
    message = prelude + struct.pack("!I", crc32(prelude)) + head + body
    return message + struct.pack("!I", crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(value)) + value.encode()


def _documents(said: Said) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    index, before = -1, None
    for piece in said.pieces:
        if not (isinstance(piece, Text) and isinstance(before, Text)):
            if before is not None:
                yield "contentBlockStop", {"contentBlockIndex": index}
            index += 1
            if isinstance(piece, Called):
                start = {"toolUse": {"toolUseId": "tooluse_1", "name": piece.tool}}
                yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
        for delta in _deltas(piece):
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        before = piece
    if said.fails:
        yield "serviceUnavailableException", {"message": "The service is unavailable."}
        return
    if said.ends is None:
        return
    yield "contentBlockStop", {"contentBlockIndex": index}
    called = said.ends == "whole" and any(isinstance(piece, Called) for piece in said.pieces)
    yield "messageStop", {"stopReason": "tool_use" if called else _ENDS[said.ends]}
    if said.counted is not None:
        yield "metadata", {"usage": _usage(said.counted), "metrics": {"latencyMs": 700}}


def _deltas(piece: Piece) -> Iterator[dict[str, Any]]:
    match piece:
        case Text(text):
            yield {"text": text}
        case Thought(text, signature):
            yield {"reasoningContent": {"text": text}}
            if signature:
                yield {"reasoningContent": {"signature": signature}}
        case Called(_, arguments):
            yield {"toolUse": {"input": json.dumps(arguments)}}


def _usage(counted: Counted) -> dict[str, Any]:
    """Those of the cache stand beside `inputTokens`."""
    return {
        "inputTokens": counted.read - counted.cached - counted.stored,
        "outputTokens": counted.written,
        "totalTokens": counted.read + counted.written,
        "cacheReadInputTokens": counted.cached,
        "cacheWriteInputTokens": counted.stored,
    }


def _asked(body: Mapping[str, Any]) -> list[Asked]:
    system = "".join(block.get("text", "") for block in body.get("system", ()))
    turns = [Asked("system", system)] if system else []
    for message in body["messages"]:
        thoughts = [b["reasoningContent"]["reasoningText"] for b in message["content"] if "reasoningContent" in b]
        text = "".join(block.get("text", "") for block in message["content"])
        turns.append(Asked(message["role"], text, tuple(thought["signature"] for thought in thoughts)))
    return turns


BEDROCK: Final = Wire(
    "bedrock",
    ("pydantic_ai", "boto3"),
    "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
    _client,
    _answer,
    _asked,
    frozenset({"refusal", "counted thoughts", "jumps"}),  # botocore reads in a thread, where no clock jumps
    f"bedrock:{NAME}",
    {
        "AWS_ACCESS_KEY_ID": "id-of-tests",
        "AWS_SECRET_ACCESS_KEY": "key-of-tests",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "{url}",
    },
)
