"""What a model says, whatever provider's wire carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, cast

from superscalar.models import ChatModel


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A whole thought, in one piece. `signature` (base64, as providers' are) is what its provider knows it by."""

    text: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """A native call of a tool."""

    tool: str
    arguments: Mapping[str, Any]


Piece: TypeAlias = Text | Thought | Called
End: TypeAlias = Literal["whole", "length", "filter", "refusal"]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a reply used (tokens). `read` has those of the cache in it, and `written` those of thoughts."""

    read: int = 1200
    cached: int = 1000
    stored: int = 0
    written: int = 90
    thought: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A reply that a wire carries. `counted`: None where the provider leaves it out.

    `ends`: None is a stream that ends, as HTTP has it, before its end was said. `torn`: the connection is reset inside
    the next event. `pause`: seconds before each event.
    """

    pieces: tuple[Piece, ...]
    ends: End | None = "whole"
    counted: Counted | None = Counted()
    torn: bool = False
    fails: bool = False
    """Whether the provider breaks off with an error event of its own."""
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is refused before anything was said. `after`: seconds that the provider tells to wait."""

    why: Literal["busy", "overloaded", "bad request", "wrong key", "broken"]
    after: int | None = None


Turn: TypeAlias = Said | Refused

PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
"""What a proxy before a provider answers, whoever that is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of HTTP: what stands in its head, and its body, event by event."""

    status: int
    headers: Mapping[str, str]
    events: tuple[bytes, ...]
    torn: bool = False
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn of a conversation as a provider was sent it. `signatures`: those of the thoughts that stand in it."""

    role: Literal["system", "user", "assistant"]
    text: str
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """How one provider speaks. `client`: a model of ours, or one of pydantic-ai, for a server at an address.

    `needs`: modules that must be installed. `target`: what its requests ask for. `lacks`: what it has no words for.
    `full_name`: what users write, if the variables of `environment` can lead that to any server.
    """

    name: str
    needs: tuple[str, ...]
    target: str
    client: Callable[[str], Any]
    answer: Callable[[Turn, Mapping[str, Any]], Answer]
    asked: Callable[[Mapping[str, Any]], list[Asked]]
    lacks: frozenset[str] = frozenset()
    full_name: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name

    @property
    def ours(self) -> bool:
        """Whether we speak it ourselves."""
        return "pydantic_ai" not in self.needs

    def model(self, url: str, **options: Any) -> ChatModel:
        """Return a model that asks a server at this address. `options`: those of `PydanticAIModel`, if it is one."""
        client = self.client(url)
        if self.ours:
            return cast("ChatModel", client)
        from superscalar.models import PydanticAIModel

        return PydanticAIModel(client, **options)


def told(text: str, size: int = 4) -> tuple[Text, ...]:
    """A text in pieces of so many characters, as tokens come."""
    return tuple(Text(text[place : place + size]) for place in range(0, len(text), size))
