"""What a server asks the person: shown as that server's question, answered by a person or by nobody."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, Literal, TypeAlias

from superscalar.short import bounded, cut
from superscalar.unseen import revealed

ANSWER_WITHIN: Final = 30.0
"""Seconds that a person has, if nothing else is said: less than a call has, which waits for the answer."""

_MOST: Final = 20  # fields of a form
_LONGEST: Final = 2_000  # characters of a message, and of an answer
_SHORT: Final = 200
_LOG: Final = logging.getLogger("superscalar.mcp")
_SECRET: Final = re.compile(
    r"pass[\s-]*(?:word|phrase|code|wd|key)|\bpwd\b|secret|credential|token|bearer|\bjwt\b|cookie|mnemonic|"
    r"(?:api|private|access|auth|encryption|signing|session|recovery|license)[\s-]*(?:key|id\b)|"
    r"\bpins?\b|\bcvv2?\b|\bcvc\b|\botp\b|\b2fa\b|\bmfa\b|one[\s-]*time|"
    r"(?:verification|security|login|auth\w*|confirmation|recovery|backup)[\s-]*code|"
    r"(?:seed|recovery)[\s-]*(?:phrase|word)|(?:card|account|security)[\s-]*number|credit[\s-]*card|maiden[\s-]*name|"
    r"\biban\b|\bssn\b|kennwort|passwort|geheim|mot[\s-]*de[\s-]*passe|contrase|\bclave\b|senha|\u043f\u0430\u0440\u043e\u043b|\u5bc6\u7801",
    re.IGNORECASE,
)
_HUMP: Final = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
}


@bounded
@dataclass(frozen=True, slots=True)
class AskedField:
    """One thing that a form asks for. `choices`: what may be answered; empty for anything of its `kind`."""

    name: str
    kind: str
    title: str = ""
    description: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()

    def read(self, text: str) -> Any:
        """Return what a person typed as a value of the field.

        Raises:
            ValueError: it is none; the message says what is wanted.
        """
        text = text.strip()
        if len(text) > _LONGEST:
            raise ValueError(f"write {_LONGEST:,} characters at the most")
        match self.kind:
            case "boolean" if text.lower() in ("y", "yes", "n", "no", "true", "false"):
                return text.lower() in ("y", "yes", "true")
            case "integer" if re.fullmatch(r"[-+]?\d{1,18}", text):
                return int(text)
            case "number" if re.fullmatch(r"[-+]?\d{1,18}(?:\.\d{1,18})?", text):
                return float(text)
            case "array" if all(self._may_be(one.strip()) for one in text.split(",")):
                return [one.strip() for one in text.split(",")]
            case "string" if self._may_be(text):
                return text
        wanted = f"one of {', '.join(self.choices)}" if self.choices else _WANTED.get(self.kind, self.kind)
        raise ValueError(f"write {wanted}")

    def fits(self, value: Any) -> bool:
        """Tell whether a value may be the answer."""
        if self.kind != "boolean" and isinstance(value, bool):
            return False
        if not isinstance(value, _KINDS[self.kind]) or (isinstance(value, float) and not isfinite(value)):
            return False
        texts = value if isinstance(value, list) else [value] if self.kind == "string" else []
        return all(isinstance(one, str) and len(one) <= _LONGEST and self._may_be(one) for one in texts)

    def _may_be(self, text: str) -> bool:
        return not self.choices or text in self.choices


_WANTED: Final = {"boolean": "yes or no", "integer": "a whole number", "number": "a number", "string": "a text"}


@bounded
@dataclass(frozen=True, slots=True)
class Elicitation:
    """What a server asks the person at the keyboard, in the middle of a call. No model sees it or answers it.

    `server`: the name that the configuration has for it. `message` and `fields` are its own words.
    """

    server: str
    message: str
    fields: tuple[AskedField, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Describe what is asked, for a person: that it is the server's, and where its own words begin and end."""
        yield f"the server {revealed(self.server)} asks you, in its own words:"
        for line in self.message.splitlines() or [""]:
            yield f"  | {revealed(line)}"
        for field in self.fields:
            about = [field.kind, "" if field.required else "may be left out", field.title, field.description]
            yield f"  {revealed(field.name)} ({revealed('; '.join(' '.join(one.split()) for one in about if one))})"
            if field.choices:
                yield f"    one of {revealed(', '.join(field.choices))}"


Answer: TypeAlias = "Mapping[str, Any] | None"
"""What the person wrote, by the names of the fields; None declines."""

Elicit: TypeAlias = Callable[[Elicitation], "Answer | Awaitable[Answer]"]
"""Puts the question of a server to a person. A plain function is called in a thread."""


@dataclass(frozen=True, slots=True)
class ServerReply:
    """What the server is told: `accept` with the content, or `decline`, and for the log why."""

    action: Literal["accept", "decline"]
    content: Mapping[str, Any] | None = None
    why: str = ""


async def replied(server: str, params: Any, elicit: Elicit | None, within: float = ANSWER_WITHIN) -> ServerReply:
    """Ask the person what a server asks, and give what the server is told; what is declined is logged."""
    reply = await _replied(server, params, elicit, within)
    if reply.why:
        _LOG.warning("a question of the server %s was declined: %s", server, reply.why)
    return reply


async def _replied(server: str, params: Any, elicit: Elicit | None, within: float) -> ServerReply:
    if elicit is None:
        return ServerReply("decline", why="there is nobody to ask")
    if getattr(params, "mode", "form") != "form":
        return ServerReply("decline", why="it wants an address to be opened")
    try:
        asked = question(server, params.message, params.requested_schema)
    except ValueError as error:
        return ServerReply("decline", why=str(error))
    try:
        async with asyncio.timeout(within):
            if inspect.iscoroutinefunction(elicit) or inspect.iscoroutinefunction(type(elicit).__call__):
                given = elicit(asked)
            else:
                given = await asyncio.to_thread(elicit, asked)
            answer = await given if inspect.isawaitable(given) else given
    except TimeoutError:
        return ServerReply("decline", why=f"nobody answered within {within:g} s")
    except Exception as error:  # noqa: BLE001 -- whoever is asked may raise anything: that is no answer
        return ServerReply("decline", why=f"elicit= raised {type(error).__name__}")
    if answer is None:
        return ServerReply("decline")
    if why := _unfit(asked, answer):
        return ServerReply("decline", why=f"elicit= gave no answer to it: {why}")
    return ServerReply("accept", dict(answer))


def question(server: str, message: str, schema: Any) -> Elicitation:
    """Make of what a server sends the question that is put to the person.

    Raises:
        ValueError: it asks for what looks like a secret, or in a form that there is not; the message says so.
    """
    properties = schema.get("properties", {}) if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or len(properties) > _MOST:
        raise ValueError("its form cannot be read")
    required = schema.get("required", [])
    fields = tuple(_field(name, said, required) for name, said in properties.items())
    asked = Elicitation(server, cut(message, _LONGEST), fields)
    words = [message, *(word for one in fields for word in (one.name, one.title, one.description, *one.choices))]
    formats = [said.get("format") for said in properties.values()]
    if any(revealed(line) != line for word in words for line in word.replace("\t", " ").splitlines()):
        raise ValueError("it hides something in what it asks")
    if "password" in formats or any(map(_asks_for_secret, words)):
        raise ValueError("it asks for what looks like a secret, which no server gets")
    return asked


def _asks_for_secret(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    return any(_SECRET.search(said.replace("_", " ")) for said in (plain, _HUMP.sub(" ", plain)))


def _field(name: Any, said: Any, required: Any) -> AskedField:
    kind = said.get("type") if isinstance(said, Mapping) else None
    if not isinstance(name, str) or not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError("its form has a field of a kind that there is not")
    of_items = said.get("items") if kind == "array" else said
    choices = _choices(of_items if isinstance(of_items, Mapping) else {})
    title, description = (
        cut(text, _SHORT) if isinstance(text := said.get(key), str) else "" for key in ("title", "description")
    )
    return AskedField(name, kind, title, description, isinstance(required, list) and name in required, choices)


def _choices(said: Mapping[str, Any]) -> tuple[str, ...]:
    listed = said.get("enum")
    if listed is None:
        several = said.get("oneOf", said.get("anyOf", []))
        listed = (
            [one.get("const") for one in several if isinstance(one, Mapping)] if isinstance(several, list) else None
        )
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ValueError("its form has choices that are no texts")
    return tuple(listed)


def _unfit(asked: Elicitation, answer: Any) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if not isinstance(answer, Mapping):
        return f"it is no mapping but {type(answer).__name__}"
    fields = {field.name: field for field in asked.fields}
    if others := [name for name in answer if name not in fields]:
        return f"there is no field {others[0]!r}"
    if missing := [name for name, field in fields.items() if field.required and name not in answer]:
        return f"{missing[0]!r} is missing"
    return next((f"{name!r} does not fit" for name, value in answer.items() if not fields[name].fits(value)), "")
