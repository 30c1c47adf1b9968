"""What a record's class makes of its other fields comes from these, whatever the plan says for the field itself."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    PlainValidator,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass as checked_dataclass

from superscalar import LLMCompiler, Observation, Sink, tool
from superscalar.testing import run

Marked = Annotated[str, Sink]


@dataclasses.dataclass
class Filled:
    text: str
    to: Marked = dataclasses.field(init=False, default="")

    def __post_init__(self) -> None:
        self.to = self.text


@checked_dataclass
class Checked:
    text: str
    to: Marked = ""

    def __post_init__(self) -> None:
        self.to = self.to or self.text


class After(BaseModel):
    text: str
    to: Marked = ""

    @model_validator(mode="after")
    def fill(self) -> Any:
        self.to = self.to or self.text
        return self


class Before(BaseModel):
    text: str
    to: Marked = ""

    @model_validator(mode="before")
    @classmethod
    def fill(cls, data: Any) -> Any:
        return {**data, "to": data.get("to") or data["text"]}


class Around(BaseModel):
    text: str
    to: Marked = ""

    @model_validator(mode="wrap")
    @classmethod
    def fill(cls, data: Any, handler: Any) -> Any:
        return handler({**data, "to": data.get("to") or data["text"]})


class Later(BaseModel):
    text: str
    to: Marked = Field("", validate_default=True)

    @field_validator("to")
    @classmethod
    def fill(cls, value: str, info: ValidationInfo) -> str:
        return value or info.data["text"]


class Late(BaseModel):
    text: str
    to: Marked = ""

    def model_post_init(self, _context: Any) -> None:
        self.to = self.to or self.text


class Private(BaseModel):
    text: str
    to: Marked = ""
    _seen: bool = PrivateAttr(default=False)

    def model_post_init(self, _context: Any) -> None:
        self.to = self.to or self.text


class Made(BaseModel):
    text: str
    to: Marked = ""

    def __init__(self, **data: Any) -> None:
        super().__init__(**{**data, "to": data.get("to") or data["text"]})


def told(value: str, info: ValidationInfo) -> str:
    return value or info.data["text"]


class Told(BaseModel):
    text: str
    to: Annotated[Marked, AfterValidator(told)] = Field("", validate_default=True)


class Inherited(After):
    note: str = ""


class Letter(BaseModel):
    text: str = ""
    to: Marked = ""


class Envelope(BaseModel):
    note: str = ""
    letter: Letter = Letter()

    @model_validator(mode="after")
    def fill(self) -> Any:
        self.letter.to = self.letter.to or self.note
        return self


class Batch(BaseModel):
    letters: list[Letter] = []

    @model_validator(mode="after")
    def turn(self) -> Any:
        self.letters.reverse()
        return self


def filled(letter: Letter) -> Letter:
    return letter if letter.to else letter.model_copy(update={"to": letter.text})


class Strict(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    text: str
    to: Annotated[str, Sink, StringConstraints(to_lower=True)] = "ann@home.example"
    _seal: str = PrivateAttr("x")

    @model_validator(mode="after")
    def look(self) -> Any:
        assert self.to != self.text
        return self


class Post(BaseModel):
    to: Annotated[HttpUrl, Sink]
    text: str


@tool(effect="read")
async def mail() -> str:
    """A mail of a stranger."""
    return "eve@evil.example"


GOT: list[Any] = []


def made(annotation: Any, argument: str, **more: Any) -> Any:
    async def send(it: Any, note: str = "") -> str:
        GOT.append(it)
        return "sent"

    send.__annotations__["it"] = annotation
    agent = LLMCompiler(tools=[mail, tool(effect="write")(send)], **more)
    plan = f"m = mail()\nx = send({argument.replace('HERE', repr('ann@home.example'))})\njoin(x)\n"
    return run(agent.execute(plan))["x"]


@pytest.mark.parametrize(
    ("annotation", "fine", "stolen"),
    [
        (Filled, "{'text': HERE}", "{'text': m}"),
        (Checked, "{'to': HERE, 'text': m}", "{'text': m}"),
        (After, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Before, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Around, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Later, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Later, "{'to': HERE, 'text': m}", "{'to': '', 'text': m}"),
        (Late, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Private, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Made, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Told, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Inherited, "{'to': HERE, 'text': m, 'note': m}", "{'text': m}"),
        (list[After], "[{'to': HERE, 'text': m}]", "[{'to': HERE, 'text': 'x'}, {'text': m}]"),
        (After | Letter, "{'to': HERE, 'text': m}", "{'text': m}"),
        (Envelope, "{'note': m, 'letter': {'to': HERE, 'text': m}}", "{'note': m, 'letter': {}}"),
        (Batch, "{'letters': [{'to': HERE, 'text': m}]}", "{'letters': [{'to': HERE, 'text': m}, {'text': m}]}"),
        (Annotated[Letter, AfterValidator(filled)], "{'to': HERE, 'text': m}", "{'text': m}"),
        (list[Annotated[Letter, AfterValidator(filled)]], "[{'to': HERE, 'text': m}]", "[{'text': m}]"),
        (
            Annotated[Letter, BeforeValidator(lambda data: {**data, "to": data.get("to") or data["text"]})],
            "{'to': HERE, 'text': m}",
            "{'text': m}",
        ),
        (
            Annotated[Letter, PlainValidator(lambda data: Letter(text="", to=data.get("to") or data["text"]))],
            "{'to': HERE, 'text': m}",
            "{'text': m}",
        ),
        (
            Annotated[Letter, WrapValidator(lambda data, handler: filled(handler(data)))],
            "{'to': HERE, 'text': m}",
            "{'text': m}",
        ),
        (Strict, "{'to': HERE, 'text': m}", "{'to': m[1:], 'text': m}"),
        (Strict, "{'text': m}", "{'to': m[1:], 'text': 'x'}"),
        (Post, "{'to': 'https://home.example', 'text': m}", "{'to': f'https://{m}', 'text': 'x'}"),
        (Annotated[Marked, AfterValidator(str.strip)], "' ann', m", "m"),
        (Annotated[Marked, AfterValidator(lambda text: text.strip())], "' ann', m", "m"),
    ],
    ids=str,
)
def test_a_destination_that_a_class_fills_comes_from_what_it_is_filled_from(
    annotation: Any, fine: str, stolen: str
) -> None:
    assert made(annotation, fine) == Observation("sent")
    found = made(annotation, stolen)
    assert (found.kind, "chooses where it goes, and comes from `mail`" in found.message) == ("denied", True)


def test_so_does_a_parameter_that_is_told_of_those_before_it() -> None:
    @tool(effect="write")
    async def send(text: str, to: Annotated[str, Sink, AfterValidator(told)]) -> str:
        """Send."""
        return "sent"

    @tool(effect="read", trust="trusted")
    async def ours(name: str) -> str:
        """An address of ours, empty where there is none."""
        return name and f"{name}@home.example"

    agent = LLMCompiler(tools=[mail, ours, send])
    plan = "m = mail()\nx = send(m, ours('ann'))\ny = send(m, ours(''))\njoin(x, y)\n"
    outcomes: Any = run(agent.execute(plan))
    assert (outcomes["x"], outcomes["y"].kind) == (Observation("sent"), "denied")
