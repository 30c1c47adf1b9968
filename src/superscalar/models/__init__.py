"""Language models: one small protocol and its adapters, imported only when used.

`resolve` gives a model by its name. Importing this package imports neither an adapter nor an extra.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from superscalar.forks import MAKING
from superscalar.models.base import ChatModel, Chunk, FinishReason, Message, Prices, Request, Role, Usage
from superscalar.models.resolve import resolve

if TYPE_CHECKING:
    from superscalar.models.local import LocalModel
    from superscalar.models.openai import OpenAIModel
    from superscalar.models.pydantic import PydanticAIModel

__all__ = [
    "ChatModel",
    "Chunk",
    "FinishReason",
    "LocalModel",
    "Message",
    "OpenAIModel",
    "Prices",
    "PydanticAIModel",
    "Request",
    "Role",
    "Usage",
    "resolve",
]

_ADAPTERS = {
    "LocalModel": "superscalar.models.local",
    "OpenAIModel": "superscalar.models.openai",
    "PydanticAIModel": "superscalar.models.pydantic",
}


def __getattr__(name: str) -> object:
    if name in _ADAPTERS:
        with MAKING:
            return getattr(importlib.import_module(_ADAPTERS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
