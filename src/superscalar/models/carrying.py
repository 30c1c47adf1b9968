"""What a model wants back with a turn of its own (`Chunk.carry`) goes to that model, and to no other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from superscalar.models.base import ChatModel, Chunk, Message, Request


@dataclass(frozen=True, slots=True, eq=False)
class CarryOf:
    """What one model gave, while others may be asked next."""

    by: ChatModel
    what: object


def marked(chunk: Chunk, model: ChatModel) -> Chunk:
    """A piece of a reply whose `carry`, if it has one, says whose it is."""
    return chunk if chunk.carry is None else replace(chunk, carry=CarryOf(model, chunk.carry))


def without_others(request: Request, model: ChatModel) -> Request:
    """A request with what this model gave, as it gave it, and without what others did."""
    if not any(isinstance(message.carry, CarryOf) for message in request.messages):
        return request
    return replace(request, messages=tuple(_for(model, message) for message in request.messages))


def _for(model: ChatModel, message: Message) -> Message:
    match message.carry:
        case CarryOf(by, what):
            bare = replace(message).steady_for(message.steady, private=message.private)
            return bare.carrying(what) if by is model else bare
        case _:
            return message
