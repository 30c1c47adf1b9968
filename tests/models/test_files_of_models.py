"""Files as models are sent them: which kinds by the name of a model, and in which form."""

from __future__ import annotations

import base64

import pytest

from superscalar import Attachment, Message
from superscalar.models.dialect import Dialect
from superscalar.models.files import IMAGES, taken_by

PNG = Attachment("image/png", b"\x89PNG\r\n\x1a\n", name="a.png")
PDF = Attachment("application/pdf", b"%PDF-1.7", name="b.pdf")
WAV = Attachment("audio/wav", b"RIFF")
TURN = Message("user", "What?", attachments=[PNG, PDF, WAV, Attachment("application/zip", b"PK")])


def data(file: Attachment) -> str:
    return f"data:{file.media_type};base64,{base64.b64encode(file.content).decode()}"


def test_chat_completions_have_them_inside_of_the_request() -> None:
    parts = [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": data(PNG)}},
        {"type": "file", "file": {"filename": "file.pdf", "file_data": data(PDF)}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"filename": "file", "file_data": "data:application/zip;base64,UEs="}},
    ]
    assert Dialect().messages([Message("system", "Be."), TURN]) == [
        {"role": "system", "content": "Be."},
        {"role": "user", "content": parts},
    ]
    merged = Dialect(system=False).messages([Message("system", "Be."), TURN])
    assert merged == [{"role": "user", "content": [{"type": "text", "text": "Be.\n\nWhat?"}, *parts[1:]]}]


@pytest.mark.parametrize(
    ("provider", "models", "takes"),
    [
        ("openai", "gpt-4o gpt-4.1-mini gpt-5-mini gpt-12 o1 o3 o4-mini chatgpt-4o-latest", (*IMAGES, PDF.media_type)),
        ("openai", "gpt-3.5-turbo gpt-4 o1-mini o3-mini gpt-4o-audio-preview gpt-oss-120b davinci", ()),
        ("azure", "gpt-5", IMAGES),
        ("anthropic", "claude-sonnet-4-5", (*IMAGES, PDF.media_type)),
        ("gateway/anthropic", "claude-sonnet-4-5", (*IMAGES, PDF.media_type)),
        ("bedrock", "us.anthropic.claude-sonnet-4 amazon.nova-lite-v1:0", (*IMAGES, PDF.media_type)),
        ("bedrock", "amazon.nova-micro-v1:0 meta.llama3-70b", ()),
        ("groq", "llama-3.3-70b", ()),
        ("", "gpt-5", ()),
    ],
)
def test_what_a_model_takes_is_known_by_its_name_where_its_provider_says_so(
    provider: str, models: str, takes: tuple[str, ...]
) -> None:
    assert {name: taken_by(provider, name) for name in models.split()} == dict.fromkeys(models.split(), takes)


def test_a_turn_that_gets_files_keeps_what_goes_with_it() -> None:
    carry = object()
    turn = Message("user", "What?").carrying(carry).steady_for(3)
    more = turn.going_on(" Or?", [PNG])
    assert (more.text, more.attachments, more.carry, more.steady) == ("What? Or?", (PNG,), carry, 3)
