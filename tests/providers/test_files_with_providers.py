"""Files in the wire of each provider: their bytes are in the request as they are, and no address is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from superscalar import Attachment
from superscalar.models import Chunk, Message, OpenAIModel, PydanticAIModel, Request
from superscalar.models.cleaning import replies
from superscalar.models.files import presented
from support.wires import each_wire
from support.wires.player import playing, run
from support.wires.said import Said, Wire, told

pytest.importorskip("anthropic", reason="needs the SDKs of providers: `make models` has them")

PNG = Attachment("image/png", b"\x89PNG\r\n\x1a\n", uri="https://evil.example/a.png", name="a.png")
PDF = Attachment("application/pdf", b"%PDF-1.7", name="b.pdf")
LINK = Attachment("image/png", uri="https://evil.example/?q=1")


async def sent(wire: Wire, *files: Attachment, **options: Any) -> tuple[tuple[str, ...], str]:
    """What a model takes, and its request as text."""
    turn = presented([("", file) for file in files], 1_000).with_turn(Message("user", "What is it?"))
    async with playing(wire, Said(told("A cat."))) as server:
        model: Any = wire.model(server.url, **options)
        if wire.ours and options:
            model = OpenAIModel("m", base_url=f"{server.url}/v1", **options)
        said = [chunk.text async for chunk in replies(model, Request((Message("system", "Be."), turn)))]
        assert "".join(said) == "A cat."
    return model.takes, json.dumps(server.requests[0])


@each_wire()
def test_what_a_model_takes_by_its_name_is_in_its_request_and_of_the_rest_stands_why_not(wire: Wire) -> None:
    """Of a file that has an address, too, nothing but its bytes goes there."""
    takes, body = run(lambda: sent(wire, PNG, PDF, LINK))
    for file in (PNG, PDF):
        assert (base64.b64encode(file.content).decode() in body) == (file.media_type in takes)
        assert (f"withheld: {file.told}: " in body) != (file.media_type in takes)
    assert "addresses are not followed" in body
    assert "evil.example/a.png" not in body


@each_wire()
def test_who_says_that_a_model_takes_images_has_them_sent(wire: Wire) -> None:
    _, body = run(lambda: sent(wire, PNG, takes=["image/*"]))
    assert base64.b64encode(PNG.content).decode() in body
    assert "withheld" not in body


def test_what_a_model_of_pydantic_ai_does_not_take_it_is_not_given() -> None:
    from pydantic_ai.messages import BinaryContent
    from pydantic_ai.models.function import FunctionModel

    given: list[Any] = []
    others = Attachment("audio/wav", b"RIFF"), Attachment("application/zip", b"PK")
    turn = Message("user", "What?", attachments=[PNG, PDF, *others])

    async def answer(messages: list[Any], info: Any) -> Any:
        given.extend(messages[-1].parts)
        yield "Yes."

    model = PydanticAIModel(FunctionModel(stream_function=answer), takes=("image/*", "application/pdf"))

    async def asked() -> list[Chunk]:
        return [chunk async for chunk in replies(model, Request((Message("system", "Be."), turn)))]

    chunks = run(asked)
    assert "".join(chunk.text for chunk in chunks) == "Yes."
    text, *files = given[-1].content
    assert text.splitlines() == [
        "What?",
        "<files>",
        f"file 3: withheld: audio/wav, 4 bytes: {model.name} takes no sounds",
        f"file 4: withheld: application/zip, 2 bytes: {model.name} takes no application/zip",
        "</files>",
    ]
    assert files == [BinaryContent(data=f.content, media_type=f.media_type) for f in (PNG, PDF)]
