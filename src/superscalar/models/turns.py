"""Turns of a conversation as pydantic-ai has them, and what a model wants back with a turn of its own."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from superscalar.models.base import Message

_BOUND: Final = "rs_"  # so begin the names of thoughts that OpenAI's Responses API takes only before their own text


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply as it came, with thoughts and signatures, for the model that wrote it (`by`). `text`: what it said."""

    by: Hashable
    text: str
    response: Any


def turns(messages: Sequence[Message], by: Hashable, *, breaks: bool) -> list[Any]:
    """The messages as requests and responses. `by`: whose own replies are given back as they came.

    `breaks`: where the steady part of a turn ends, the provider is told that its cache may end there.
    """
    from pydantic_ai.messages import ModelRequest

    found: list[Any] = []
    parts: list[Any] = []
    for message in messages:
        if message.role == "assistant":
            if parts:
                found.append(ModelRequest(parts=parts))
                parts = []
            if message.text.strip():
                found.append(_said(message, by))
        else:
            parts += _asked(message, breaks=breaks)
    return [*found, ModelRequest(parts=parts)] if parts else found


def _asked(message: Message, *, breaks: bool) -> Iterator[Any]:
    from pydantic_ai.messages import BinaryContent, CachePoint, SystemPromptPart, UserPromptPart

    files = [BinaryContent(data=file.content, media_type=file.media_type) for file in message.attachments]
    if not message.text.strip():  # providers refuse an empty text
        return
    if message.role == "system":
        yield SystemPromptPart(content=message.text)
    elif breaks and 0 < message.steady <= len(message.text):
        steady, rest = message.text[: message.steady], message.text[message.steady :]
        yield UserPromptPart(content=[steady, CachePoint(), *([rest] if rest else []), *files])
    else:
        yield UserPromptPart(content=[message.text, *files] if files else message.text)


def _said(message: Message, by: Hashable) -> Any:
    from pydantic_ai.messages import ModelResponse, TextPart

    plain = TextPart(content=message.text)
    carry = message.carry
    if not isinstance(carry, KeptReply) or carry.by != by:
        return ModelResponse(parts=[plain])
    parts = [part for part in carry.response.parts if part.part_kind in ("text", "thinking")]
    whole = len(parts) == len(carry.response.parts) and carry.text == message.text
    if whole:
        kept = [part for part in parts if part.part_kind == "text" or _is_signed(part)]
        kept = [part for part in kept if part.part_kind == "thinking" or part.content]
    else:  # its text stands there in another form; what it thought comes first, as it did
        kept = [*(p for p in parts if _is_signed(p) and not str(p.id or "").startswith(_BOUND)), plain]
    return replace(carry.response, parts=kept)


def _is_signed(part: Any) -> bool:
    """Whether a part is a thought that its provider knows again: any other would be sent as text."""
    return part.part_kind == "thinking" and bool(part.signature or part.provider_details)


def steady_in(messages: Iterable[Message]) -> bool:
    """Whether a user's turn says how far it is the same whatever is asked."""
    return any(message.steady and message.role == "user" for message in messages)
