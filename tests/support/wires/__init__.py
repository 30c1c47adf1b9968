"""The wires of providers, written by hand from their documentation: what a model says, in each one's own words."""

from typing import Final

import pytest

from support.wires import chat
from support.wires.anthropic import ANTHROPIC
from support.wires.bedrock import BEDROCK
from support.wires.google import GOOGLE
from support.wires.mistral import MISTRAL

WIRES: Final = (
    ANTHROPIC,
    GOOGLE,
    chat.OPENAI,
    chat.CUSTOM_TOOL,
    chat.DEEPSEEK,
    chat.OPENROUTER,
    chat.OPENAI_CHAT,
    chat.DEEPSEEK_CHAT,
    chat.GROQ,
    MISTRAL,
    BEDROCK,
)


def each_wire(*, having: str = "") -> pytest.MarkDecorator:
    """Try a test with every wire, or with those alone that have words for something."""
    return pytest.mark.parametrize("wire", [wire for wire in WIRES if having not in wire.lacks], ids=repr)
