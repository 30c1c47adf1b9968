"""What users' type checkers take for a model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, assert_type

from superscalar import LLMCompiler
from superscalar.models import ChatModel, PydanticAIModel, resolve


class Theirs:
    """As pydantic-ai's class `Model` is declared, as far as we look at it."""

    @property
    def model_name(self) -> str:
        return "claude-opus-5-5"

    @property
    def system(self) -> str:
        return "anthropic"

    @asynccontextmanager
    async def request_stream(self, messages: list[Any], settings: dict[str, Any] | None) -> AsyncIterator[object]:
        yield messages


def models(ours: ChatModel, theirs: Theirs) -> None:
    LLMCompiler("anthropic:claude-opus-5-5", joiner=theirs, extractor=ours)
    LLMCompiler(theirs, joiner=ours, extractor=theirs)
    LLMCompiler(PydanticAIModel("anthropic:claude-opus-5-5", thinking="low"))
    assert_type(resolve(theirs), ChatModel)
    LLMCompiler(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
