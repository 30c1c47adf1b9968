"""OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat-streaming), and who speaks them too.

The dialects differ in the field for thoughts, and in where usage stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from superscalar.models import OpenAIModel
from support.wires.events import data, refused, streamed
from support.wires.said import Answer, Asked, Called, Counted, Piece, Refused, Said, Text, Thought, Turn, Wire

_BEGUN: Final = {"role": "assistant", "content": ""}
_CUSTOM: Final = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "plan", "input": ""}}
_ENDS: Final = {"whole": "stop", "length": "length", "filter": "content_filter", "refusal": "stop"}
_REFUSALS: Final = {
    "busy": (429, "rate_limit_exceeded", "Rate limit reached for requests per min (RPM): Limit 3, Used 3."),
    "overloaded": (503, "server_error", "The engine is currently overloaded, please try again later."),
    "bad request": (400, "invalid_value", "Invalid value for 'messages[0].content'."),
    "wrong key": (401, "invalid_api_key", "Incorrect API key provided: key-of-tests."),
    "broken": (502, "", ""),
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """`thoughts`: the field of a delta for them. `usage`: what the last chunk has of what was used."""

    model: str
    thoughts: str = ""
    usage: Callable[[dict[str, Any]], dict[str, Any]] = lambda usage: {"choices": [], "usage": usage}

    def answer(self, turn: Turn, body: Mapping[str, Any]) -> Answer:
        if isinstance(turn, Refused):
            status, code, message = _REFUSALS[turn.why]
            kind = "requests" if turn.why == "busy" else "invalid_request_error"
            return refused(turn, status, {"error": {"message": message, "type": kind, "param": None, "code": code}})
        events = [data(document) for document in self._documents(turn, body)]
        return streamed(turn, events if turn.ends is None or turn.fails else [*events, b"data: [DONE]\n\n"])

    def _documents(self, said: Said, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        custom = any(tool["type"] == "custom" for tool in body.get("tools", ()))
        yield self._chunk({"role": "assistant", "content": None, "tool_calls": [_CUSTOM]} if custom else _BEGUN)
        if said.ends == "refusal":
            yield self._chunk({"refusal": "I cannot help with that."})
        for number, piece in enumerate(said.pieces):
            for delta in self._deltas(piece, number, custom):
                yield self._chunk(delta)
        if said.fails:
            yield {"error": {"message": "The server is overloaded.", "type": "server_error", "code": "server_error"}}
            return
        if said.ends is None:
            return
        called = said.ends == "whole" and any(isinstance(piece, Called) for piece in said.pieces)
        yield self._chunk({}, "tool_calls" if called else _ENDS[said.ends])
        if said.counted is not None and body.get("stream_options", {}).get("include_usage", self.usage is _of_groq):
            yield {**self._chunk({}), **self.usage(_usage(said.counted))}

    def _chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
        told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": self.model}
        return {**told, "choices": [choice]}

    def _deltas(self, piece: Piece, number: int, custom: bool) -> Iterator[dict[str, Any]]:
        match piece:
            case Text(text) if custom:
                yield {"tool_calls": [{"index": 0, "custom": {"input": text}}]}
            case Text(text):
                yield {"content": text}
            case Thought(text):
                if self.thoughts:
                    yield {self.thoughts: text}
            case Called(tool, arguments):
                call = {"index": number, "id": f"call_{number}", "type": "function"}
                yield {"tool_calls": [{**call, "function": {"name": tool, "arguments": ""}}]}
                written = json.dumps(arguments)
                yield {"tool_calls": [{"index": number, "function": {"arguments": written[:5]}}]}
                yield {"tool_calls": [{"index": number, "function": {"arguments": written[5:]}}]}


def _usage(counted: Counted) -> dict[str, Any]:
    usage: dict[str, Any] = {"prompt_tokens": counted.read, "completion_tokens": counted.written}
    usage["total_tokens"] = counted.read + counted.written
    usage["prompt_tokens_details"] = {"cached_tokens": counted.cached, "audio_tokens": 0}
    usage["completion_tokens_details"] = {"reasoning_tokens": counted.thought, "audio_tokens": 0}
    return usage


def asked(body: Mapping[str, Any]) -> list[Asked]:
    turns: list[Asked] = []
    for message in body["messages"]:
        content = message["content"]
        text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        turns.append(Asked("system" if message["role"] == "developer" else message["role"], text))
    return turns


def _ours(name: str, **options: Any) -> Callable[[str], OpenAIModel]:
    return lambda url: OpenAIModel(name, base_url=f"{url}/v1", api_key="key-of-tests", **options)


def _theirs(name: str) -> Callable[[str], Any]:
    def client(url: str) -> Any:
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        provider = OpenAIProvider(api_key="key-of-tests", base_url=f"{url}/v1")
        return OpenAIChatModel(name, provider=provider)

    return client


def _groq(url: str) -> Any:
    from pydantic_ai.models.groq import GroqModel
    from pydantic_ai.providers.groq import GroqProvider

    return GroqModel("openai/gpt-oss-120b", provider=GroqProvider(api_key="key-of-tests", base_url=url))


def _of_groq(usage: dict[str, Any]) -> dict[str, Any]:
    return {"x_groq": {"id": "req_01", "usage": usage}}


_COUNTS: Final = frozenset({"stored"})
_BARE: Final = _COUNTS | {"thoughts", "signatures"}

OPENAI: Final = Wire(
    "openai", ("openai",), "/v1/chat/completions", _ours("gpt-4.1"), Dialect("gpt-4.1").answer, asked, _BARE
)
CUSTOM_TOOL: Final = Wire(
    "openai, custom tool",
    ("openai",),
    "/v1/chat/completions",
    _ours("gpt-5", grammar="lark"),
    Dialect("gpt-5").answer,
    asked,
    _BARE | {"calls"},
)
DEEPSEEK: Final = Wire(
    "openai, reasoning_content",
    ("openai",),
    "/v1/chat/completions",
    _ours("deepseek-reasoner"),
    Dialect("deepseek-reasoner", "reasoning_content").answer,
    asked,
    _COUNTS | {"signatures"},
)
OPENROUTER: Final = Wire(
    "openai, reasoning",
    ("openai",),
    "/v1/chat/completions",
    _ours("z-ai/glm-5"),
    Dialect("z-ai/glm-5", "reasoning").answer,
    asked,
    _COUNTS | {"signatures"},
)
OPENAI_CHAT: Final = Wire(
    "openai-chat",
    ("pydantic_ai", "openai"),
    "/v1/chat/completions",
    _theirs("gpt-4.1"),
    Dialect("gpt-4.1").answer,
    asked,
    _BARE,
    "openai-chat:gpt-4.1",
    {"OPENAI_API_KEY": "key-of-tests", "OPENAI_BASE_URL": "{url}/v1"},
)
DEEPSEEK_CHAT: Final = Wire(
    "openai-chat, reasoning_content",
    ("pydantic_ai", "openai"),
    "/v1/chat/completions",
    _theirs("deepseek-reasoner"),
    Dialect("deepseek-reasoner", "reasoning_content").answer,
    asked,
    _COUNTS | {"signatures"},
)
GROQ: Final = Wire(
    "groq",
    ("pydantic_ai", "groq"),
    "/openai/v1/chat/completions",
    _groq,
    Dialect("openai/gpt-oss-120b", "reasoning", usage=_of_groq).answer,
    asked,
    _COUNTS | {"signatures", "refusal"},
    "groq:openai/gpt-oss-120b",
    {"GROQ_API_KEY": "key-of-tests", "GROQ_BASE_URL": "{url}"},
)
