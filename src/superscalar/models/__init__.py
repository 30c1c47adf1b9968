"""Language models: the protocol that they are spoken to through, and the ones that come with it.

Importing this package imports none of the extras.
"""

from superscalar.models.base import ChatModel, Chunk, FinishReason, Message, Request, Role, Usage
from superscalar.models.local import LocalModel
from superscalar.models.openai import OpenAIModel
from superscalar.models.resolve import resolve

__all__ = [
    "ChatModel",
    "Chunk",
    "FinishReason",
    "LocalModel",
    "Message",
    "OpenAIModel",
    "Request",
    "Role",
    "Usage",
    "resolve",
]
