"""What was said before a question: turns of this library, or those of a chat as clients keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, get_args

from superscalar.errors import UsageError
from superscalar.labels import Label, Source, SourceKind, joined
from superscalar.models.base import Message, Role
from superscalar.short import short

History: TypeAlias = Iterable[Message | Mapping[str, Any]]
"""Turns before a question: the `messages` of a result, or dicts with a `role` and `content`."""

_ROLES: Final[Mapping[str, Role]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
_KINDS: Final = get_args(SourceKind)
_TEXTS: Final = ("text", "input_text", "output_text")  # the types of parts that are text, in the APIs of providers


def said_before(history: History, *, trusted: bool) -> tuple[Message, ...]:
    """The turns with their labels. Those of the user are the user's; `trusted`: of an assistant's, so is what it says.

    A `Message` says so itself. A dict may have `readers` (names of who alone may read it), and what else one has that
    was a `Message`: that makes it no more trusted.

    Raises:
        UsageError: one has no role that is known, or no text.
    """
    if not isinstance(history, Iterable) or isinstance(history, str | Mapping):
        raise UsageError(f"history={short(history)}: write a list, such as the messages of an earlier result")
    for i, turn in enumerate(turns := tuple(history)):
        if isinstance(turn, Message) and turn.attachments:
            raise UsageError(
                f"history[{i}] has attachments: a turn of a history is text alone; give them as files=[...]"
            )
    return tuple(
        turn if isinstance(turn, Message) else _turn(turn, f"history[{i}]", trusted=trusted)
        for i, turn in enumerate(turns)
    )


def heard(history: Iterable[Message]) -> Label:
    """The label of what was said before the question."""
    return joined(message.label for message in history)


def _turn(turn: Any, where: str, *, trusted: bool) -> Message:
    if not isinstance(turn, Mapping):
        raise UsageError(
            f'{where} is a {type(turn).__name__}: write {{"role": "user", "content": "..."}}, or a Message'
        )
    said = turn.get("role")
    role = _ROLES.get(said) if isinstance(said, str) else None
    if role is None:
        raise UsageError(
            f"{where} is a turn of {said!r}: a history has those of {', '.join(map(repr, _ROLES))}. "
            "Leave out calls of tools and what they returned; the answer that was made of it is enough"
        )
    doubted = turn.get("untrusted") or (role == "assistant" and not trusted)
    text = _text(turn.get("content", turn.get("text")), where)
    sources = _sources(turn.get("sources", ()), where)
    return Message(role, text, bool(doubted), sources, _readers(turn.get("readers"), where))


def _sources(said: Any, where: str) -> tuple[Source, ...]:
    try:
        sources = tuple(Source(*source) for source in said)
    except TypeError:
        sources = ()
    if (said and not sources) or not all(
        source.kind in _KINDS
        and isinstance(source.name, str)
        and isinstance(source.trusted, bool)
        and isinstance(source.type, str)
        for source in sources
    ):
        raise UsageError(f"{where} has sources={said!r:.100}, which no message ever had")
    return sources


def _readers(said: Any, where: str) -> tuple[str, ...] | None:
    if said is None:
        return None
    names = (
        (said,) if isinstance(said, str) else tuple(said) if isinstance(said, list | tuple | set | frozenset) else ()
    )
    if not all(isinstance(name, str) for name in names) or (said and not names):
        raise UsageError(f"{where} has readers={said!r}: names, such as ['ann@home.example']")
    return names


def _text(content: Any, where: str) -> str:
    """The text of a turn, whose parts some clients keep in a list."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    texts = [
        part["text"] for part in parts if isinstance(part, Mapping) and part.get("type") in _TEXTS and "text" in part
    ]
    if not texts or len(texts) != len(parts) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"{where} has no text: its content is {content!r:.100}, and a turn of a history is text alone")
    return "".join(texts)
