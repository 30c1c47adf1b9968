"""What a server understands of a request: guessed from its name, corrected by what it refuses, told by the user."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from superscalar.attachments import Attachment
from superscalar.models.base import Message
from superscalar.models.saying import error_words

OPTIONAL: Final = (
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "seed",
    "stop",
    "stream_options",
    "stream",
    "parallel_tool_calls",
)
"""The parameters of ours that a server may do without."""

_STATUSES: Final = frozenset({400, 403, 404, 405, 415, 422, 500, 501})
_REFUSES: Final = re.compile(
    r"unsupport|unrecogni[sz]ed|unknown|unexpected|deprecated|forbidden|no such|does not exist|not implemented"
    r"|(?:not|n't|cannot|never)\s+(?:yet\s+)?(?:be\s+)?"
    r"(?:support|permit|allow|recogni[sz]|accept|available|enabled|known|expected|take|used?\b|set\b|specif)"
    r"|extra[_ ](?:inputs?|fields?|parameters?|properties|forbidden)|additional propert"
    r"|invalid (?:parameter|argument|field|option|property|key)",
    re.IGNORECASE,
)
_SYSTEM: Final = re.compile(
    r"system.{0,80}\b(?:roles?|messages?|prompts?|instructions?)\b|\broles?\b.{0,60}\bsystem\b"
    r"|developer instruction|roles must alternate|only (?:the )?['\"]?user['\"]? and ['\"]?assistant",
    re.IGNORECASE,
)
_NO_SYSTEM: Final = re.compile(
    r"not one of|must be (?:one of|either)|must alternate|only (?:the )?['\"]?user|should be ['\"]?user|invalid"
    r"|expected",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes. `limits`: the names for the bound of a reply, the best first. `refused`: what it knows not.

    `system`: it has a role for the system. `reasons`: hidden thoughts count against that bound.
    """

    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    refused: frozenset[str] = field(default_factory=frozenset)
    system: bool = True
    reasons: bool = False

    @property
    def limit(self) -> str | None:
        """The name for the bound of a reply, None where the server knows none."""
        return next((name for name in self.limits if name not in self.refused), None)

    def takes(self, parameter: str) -> bool:
        """Whether the parameter may be sent."""
        return parameter not in self.refused

    def messages(self, messages: Iterable[Message]) -> list[dict[str, Any]]:
        """The turns as they are sent. Without a role for the system, what it says begins the user's first turn."""
        turns = list(messages)
        if not self.system:
            said = "\n\n".join(turn.text for turn in turns if turn.role == "system")
            turns = [turn for turn in turns if turn.role != "system"]
            first = next((i for i, turn in enumerate(turns) if turn.role == "user"), None)
            if first is None:
                turns.insert(0, Message("user", said))
            elif said:
                turns[first] = replace(turns[first], text=f"{said}\n\n{turns[first].text}")
        return [{"role": turn.role, "content": _content(turn)} for turn in turns]

    def after(self, refusal: Rejection, sent: Collection[str], *, system: bool) -> Dialect | None:
        """The dialect to try after a refusal, None if there is none left to try.

        `sent`: the parameters of ours that were sent; `system`: a system's turn was.
        """
        if refusal.status not in _STATUSES:
            return None
        parameter = refusal.of([name for name in OPTIONAL if name in sent])
        if parameter is not None:
            return replace(self, refused=self.refused | {parameter})
        return replace(self, system=False) if system and self.system and refusal.of_system else None


def _content(turn: Message) -> str | list[dict[str, Any]]:
    """What a turn says; one with files in parts, the text first."""
    if not turn.attachments:
        return turn.text
    return [{"type": "text", "text": turn.text}, *map(_part, turn.attachments)]


def _part(file: Attachment) -> dict[str, Any]:
    """A file as chat completions take it: within the request, never as an address.

    What somebody called it is said in the turn's text, in a block of data, and not in a field that a model is shown
    with no mark.
    """
    kind = file.media_type.partition("/")[0]
    if kind == "audio" and (form := _SOUNDS.get(file.media_type)) is not None:
        return {"type": "input_audio", "input_audio": {"data": file.base64, "format": form}}
    content = f"data:{file.media_type};base64,{file.base64}"
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": content}}
    name = "file.pdf" if file.media_type == "application/pdf" else "file"
    return {"type": "file", "file": {"filename": name, "file_data": content}}


_SOUNDS: Final = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a server said against a request: its status, the parameter and code that it names, and the document."""

    status: int
    parameter: str
    code: str
    said: Any

    def of(self, parameters: Collection[str]) -> str | None:
        """Which of the parameters the server does not know."""
        words = "\n".join(_texts(self.said))
        if not (self.code.startswith("unsupported") or _REFUSES.search(words)):
            return None
        named = re.split(r"[.\[]", self.parameter, maxsplit=1)[0]
        if named in parameters:
            return named
        found = [(place.start(), name) for name in parameters if (place := _mention(name, words)) is not None]
        return min(found)[1] if found else None

    @property
    def of_system(self) -> bool:
        """Whether the server says that it has no role for the system."""
        words = error_words(self.said)
        return _SYSTEM.search(words) is not None and any(p.search(words) for p in (_REFUSES, _NO_SYSTEM))


def _mention(name: str, words: str) -> re.Match[str] | None:
    form = r"stream(?:ing)?" if name == "stream" else re.escape(name)
    return re.search(rf"(?<![\w-]){form}(?![\w-])", words, re.IGNORECASE)


def _texts(said: Any, depth: int = 0) -> Iterator[str]:
    """The texts of an error, but for what it repeats of the request."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, Mapping) and depth < 8:
        for name, part in said.items():
            if name not in ("input", "ctx", "url", "body", "request"):
                yield from _texts(part, depth + 1)
    elif isinstance(said, list) and depth < 8:
        for part in said:
            yield from _texts(part, depth + 1)
