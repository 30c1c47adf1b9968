"""Google's Gemini API, `streamGenerateContent?alt=sse` (https://ai.google.dev/api/generate-content)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from support.wires.events import data, refused, streamed
from support.wires.said import Answer, Asked, Called, Counted, Piece, Refused, Said, Text, Thought, Turn, Wire

NAME: Final = "gemini-3.8-flash"
_ENDS: Final = {"whole": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}
_REFUSALS: Final = {
    "busy": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "bad request": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "wrong key": (401, "UNAUTHENTICATED", "API key not valid: key-of-tests. Please pass a valid API key."),
    "broken": (502, "", ""),
}


def _client(url: str) -> Any:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    return GoogleModel(NAME, provider=GoogleProvider(api_key="key-of-tests", base_url=url))


def _answer(turn: Turn, body: Mapping[str, Any]) -> Answer:
    if isinstance(turn, Refused):
        status, word, message = _REFUSALS[turn.why]
        error: dict[str, Any] = {"code": status, "message": message, "status": word}
        if turn.after is not None:  # Google says so in the body, and has no header for it
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            error["details"] = [{"@type": kind, "retryDelay": f"{turn.after}s"}]
        return refused(Refused(turn.why), status, {"error": error})
    return streamed(turn, [data(document) for document in _documents(turn)])


def _documents(said: Said) -> Iterator[dict[str, Any]]:
    told = {"modelVersion": NAME, "responseId": "resp01"}
    if said.ends == "refusal":  # the prompt is blocked: there are no candidates
        yield {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **_usage(said.counted, 0), **told}
        return
    for piece in said.pieces:
        candidate = {"content": {"role": "model", "parts": _parts(piece)}, "index": 0}
        yield {"candidates": [candidate], **_usage(said.counted, 1), **told}
    if said.fails:
        yield {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
        return
    if said.ends is None:
        return
    last = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": _ENDS[said.ends], "index": 0}
    yield {"candidates": [last], **_usage(said.counted, None), **told}


def _parts(piece: Piece) -> list[dict[str, Any]]:
    match piece:
        case Text(text):
            return [{"text": text}]
        case Thought(text, signature):
            return [{"text": text, "thought": True, **({"thoughtSignature": signature} if signature else {})}]
        case Called(tool, arguments):
            return [{"functionCall": {"name": tool, "args": dict(arguments)}}]


def _usage(counted: Counted | None, written: int | None) -> dict[str, Any]:
    """What was used so far: thoughts are counted beside the reply."""
    if counted is None:
        return {}
    reply = counted.written - counted.thought if written is None else written
    usage = {"promptTokenCount": counted.read, "candidatesTokenCount": reply}
    if counted.cached:
        usage["cachedContentTokenCount"] = counted.cached
    if counted.thought and written is None:
        usage["thoughtsTokenCount"] = counted.thought
    return {"usageMetadata": {**usage, "totalTokenCount": counted.read + reply + usage.get("thoughtsTokenCount", 0)}}


def _asked(body: Mapping[str, Any]) -> list[Asked]:
    system = "".join(part["text"] for part in (body.get("systemInstruction") or {}).get("parts", ()))
    turns = [Asked("system", system)] if system else []
    for content in body["contents"]:
        parts = content["parts"]
        text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
        signatures = tuple(part["thoughtSignature"] for part in parts if "thoughtSignature" in part)
        turns.append(Asked("assistant" if content["role"] == "model" else "user", text, signatures))
    return turns


GOOGLE: Final = Wire(
    "google",
    ("pydantic_ai", "google.genai"),
    f"/v1beta/models/{NAME}:streamGenerateContent?alt=sse",
    _client,
    _answer,
    _asked,
    frozenset({"stored"}),
    f"google:{NAME}",
    {"GOOGLE_API_KEY": "key-of-tests", "GOOGLE_GEMINI_BASE_URL": "{url}"},
)
