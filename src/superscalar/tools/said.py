"""What a server says of its tools is data: names, descriptions and schemas, cleaned and cut before they are shown."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from superscalar.errors import UsageError
from superscalar.short import CHARACTERS_PER_TOKEN, brief, cut
from superscalar.unseen import GREATER, HIDDEN, JOINING, LESS, SLASH, is_unseen

MOST_TOKENS: Final = 500
MOST_INSTRUCTIONS: Final = 2_000
MOST_PARAMETERS: Final = 200
MOST_PARTS: Final = 20_000
MOST_CHARACTERS: Final = 200_000
DEEPEST: Final = 64
LONGEST_NAME: Final = 200
"""What a server may say: tokens of one tool's texts, characters of its instructions, parameters of a tool, and of one
schema values, characters, levels within one another, and characters of a name in it."""

_MOST_LINES: Final = 40
_FEWEST: Final = 20  # characters of a text; of less nobody has anything
_LONGEST_READ: Final = 10_000  # characters of a text: no more of it is looked at
_MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a server says of one tool. As it came, that is anything; as `clean` returns it, it may be shown.

    `annotations`: what it says of how the tool behaves. Nobody is shown that; it counts for what was accepted.
    """

    server: str
    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    returns: Any = None
    annotations: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What may be shown of a tool, and in words what was cut or taken out for that."""

    offered: Offered
    cut: tuple[str, ...] = ()


def clean(offered: Offered, tokens: int = MOST_TOKENS) -> Cleaned:
    """What a server says of a tool without what hides in it, in at most about so many tokens of text.

    Texts (descriptions, titles, anywhere in the schemas) lose what nobody sees and what ends or begins a part of a
    prompt, and the longest are cut first. What decides on which values are valid stays as it is: names, constants,
    defaults and patterns in which something hides make the tool unusable. References are left to `Tool.from_schema`,
    which follows none out of the schema.

    Raises:
        UsageError: the tool must be refused; the message says why, in one line.
    """
    wrong = f"the tool {brief(str(offered.name))!r} of the server {brief(str(offered.server))!r}"
    if not isinstance(offered.name, str) or not offered.name.strip() or len(offered.name) > LONGEST_NAME:
        raise UsageError(f"{wrong} has no name that can be shown: write one of 1 to {LONGEST_NAME} characters")
    if not isinstance(offered.parameters, Mapping):
        raise UsageError(f"{wrong}: what it takes is described by {offered.parameters!r:.80}, which is no schema")
    _refuse_hidden(offered.name, "its name", wrong)
    reader = _SaidReader(wrong)
    parameters = reader.schema(offered.parameters, "parameters")
    returns = None if offered.returns is None else reader.schema(offered.returns, "returns")
    if isinstance(given := parameters.get("properties"), dict) and len(given) > MOST_PARAMETERS:
        raise UsageError(f"{wrong} takes {len(given):,} arguments; {MOST_PARAMETERS} are the most")
    about = {"description": offered.description if isinstance(offered.description, str) else ""}
    reader.text(about, "description", "description")
    reader.fit(tokens * CHARACTERS_PER_TOKEN)
    said = replace(offered, description=about["description"], parameters=parameters, returns=returns)
    return Cleaned(said, tuple(reader.told()))


# ------------------------------------------------------------------------------------------------------------ texts

_ESCAPED: Final = "\n\t\r"
_CONTROLS: Final = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f{HIDDEN}]")
_ENDS: Final = re.compile("\r\n?|\x85")
_JOINERS: Final = re.compile(f"(?<![^\x00-\x7f])[{JOINING}]|(?<=[{JOINING}])[{JOINING}]+")
_BLANKS: Final = re.compile(r"[^\S\n]+")

# Blocks of data in our prompts, and of thoughts and calls in those of others.
_TAGS: Final = frozenset(
    "analysis data error missing reasoning reflection results said scratchpad server servers system thinking thought "
    "think tool_call tool_calls tool_response tools".split()
)
_TAG: Final = re.compile(
    rf"(?:{LESS})\s*(?P<slash>(?:{SLASH})\s*)?(?P<name>[^\W\d_][\w-]{{0,40}})(?:\s[^<>\n]{{0,80}})?\s*"
    rf"(?P<closed>{GREATER})?",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(
    r"<\|[^\s<>|]{1,40}\|>|<\uFF5C[^<>|\n\uFF5C]{1,40}\uFF5C>|<(?:/?s|eos|bos|pad|unk|start_of_turn|end_of_turn)>"
    r"|\[/?INST\]|<</?SYS>>",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r"`{3,}|~{3,}")
_BEGINNING: Final = re.compile(rf"{LESS}|[\[`~]", re.IGNORECASE)
_MOST_PASSES: Final = 20
_HEAD: Final = re.compile(
    r"^([^\w\n]*(?:question|tools|said before|results|system|user|assistant|human|developer)[^\w\n:]*):[^\S\n]*",
    re.IGNORECASE | re.MULTILINE,
)


def clean_text(text: Any, most: int = MOST_INSTRUCTIONS) -> str:
    """A text of a server as it may be shown, in at most so many characters; of what is no text, nothing.

    It has no character that nobody sees, no line that looks as if somebody else spoke, and nothing that ends or begins
    a part of a prompt: our blocks, a model's own tokens, code fences.
    """
    if not isinstance(text, str):
        return ""
    return cut(_harmless(_seen(_ENDS.sub("\n", text[: 4 * most + MOST_INSTRUCTIONS]))), most)


def _seen(text: str) -> str:
    """A text without what nobody sees; other blanks than a plain space are one."""
    text = _JOINERS.sub("", _CONTROLS.sub("", text))
    if text.isascii():
        return text
    return "".join(_as_seen(sign) for sign in text)


def _as_seen(sign: str) -> str:
    if sign.isascii() or not is_unseen(sign):
        return sign
    return " " if unicodedata.category(sign) == "Zs" else sign if _is_joining(sign) else ""


_JOINER: Final = re.compile(f"[{JOINING}]")


def _is_joining(sign: str) -> bool:
    return _JOINER.match(sign) is not None


def _harmless(text: str) -> str:
    """A text without heads and delimiters, laid out: none of which leaves another behind, as in `<results:>`."""
    for _ in range(_MOST_PASSES):
        before, text = text, _laid_out(_without_heads(_without_delimiters(text)))
        if text == before:
            return text
    return _laid_out(_without_heads(_BEGINNING.sub(" ", text)))


def _laid_out(text: str) -> str:
    """A text without empty lines, long blanks, and more lines than anybody reads."""
    lines = [line for piece in text.split("\n") if (line := _BLANKS.sub(" ", piece).rstrip())]
    lines = [*lines[:_MOST_LINES], *([" ".join(lines[_MOST_LINES:])] if lines[_MOST_LINES:] else [])]
    return "\n".join(lines).strip()


def _without_delimiters(text: str) -> str:
    """A text without what ends or begins a part of a prompt, also where that shows only once other such is gone."""
    for _ in range(_MOST_PASSES):
        before = text
        for pattern in (_TOKEN, _FENCE):
            text = pattern.sub(" ", text)
        text = _TAG.sub(_untagged, text)
        if text == before:
            return text
    return _BEGINNING.sub(" ", text)  # so deep within one another nobody means them


def _without_heads(text: str) -> str:
    """A text no line of which begins as if somebody else spoke."""
    for _ in range(_MOST_PASSES):
        before, text = text, _HEAD.sub(r"\1 - ", text)
        if text == before:
            break
    return text


def _untagged(found: re.Match[str]) -> str:
    """What is left of a tag: nothing of one that may be taken for one of a prompt. In letters that are not plain, or
    not all of them, it may.
    """
    name = unicodedata.normalize("NFKC", _JOINER.sub("", found["name"])).casefold()
    plain = [sign.isascii() for sign in name]
    ours = name in _TAGS or not (all(plain) if found["slash"] else all(plain) or not any(plain))
    return " " if ours and (found["slash"] or found["closed"]) else found[0]


def _refuse_hidden(text: str, what: str, wrong: str, shown: str = "") -> None:
    """Make sure that nothing hides in what must stay as it is, but for what is `shown` as an escape.

    Raises:
        UsageError: something does.
    """
    hidden = next((s for s in text if is_unseen(s) and s not in shown and not _is_joining(s)), None)
    if hidden is None and (loose := _JOINERS.search(text)) is not None:
        hidden = loose[0][0]
    if hidden is not None:
        raise UsageError(f"{wrong} hides the character U+{ord(hidden):04X} in {what}")
    if _without_delimiters(text) != text:
        raise UsageError(f"{wrong} has what ends a part of a prompt in {what}: {brief(text, 60)!r}")


# ---------------------------------------------------------------------------------------------------------- schemas

_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTING: Final = frozenset({"dependencies", "dependentRequired"})
_DATA: Final = frozenset({"const", "default", "enum"})
_UNSHOWN: Final = frozenset({"$comment", "examples", "example"})
_STAYS: Final = frozenset(
    "type format pattern required $ref $id $schema $anchor $dynamicRef $dynamicAnchor $recursiveRef contentEncoding "
    "contentMediaType".split()
)
"""Keywords of a schema that hold schemas by name, names by name, values, what nobody is shown, and what must stay."""


class _SaidReader:
    """Copies what is said of one tool, piece by piece; `fit` cuts its texts once all are there."""

    def __init__(self, wrong: str) -> None:
        self._wrong = wrong
        self._parts = 0
        self._characters = 0
        self._texts: list[tuple[dict[str, Any], str, str, int]] = []  # where each stands, its place, how long it was
        self._taken: list[str] = []

    def schema(self, given: Any, what: str) -> Any:
        """A schema as it may be shown. `what`: whose it is.

        Raises:
            UsageError: it is no JSON, too large, or something hides in it.
        """
        self._parts = self._characters = 0
        try:
            return self._schema(given, what, 0)
        except RecursionError:
            raise UsageError(f"{self._wrong}: {what} is nested more than {DEEPEST} deep") from None

    def text(self, where: dict[str, Any], key: str, place: str) -> None:
        """Clean the text that stands somewhere; `fit` may cut it."""
        length = len(where[key])
        read = where[key][:_LONGEST_READ]
        where[key] = said = clean_text(read, _LONGEST_READ)
        if len("".join(said.split())) < len("".join(read.split())):
            self._taken.append(place)
        self._texts.append((where, key, place, len(said) if length == len(read) else length))

    def fit(self, room: int) -> None:
        """Cut the longest texts, until all of them have room; if there is hardly any, only the description is left."""
        most = _level([length for *_, length in self._texts], room)
        only = most < min(_FEWEST, max(length for *_, length in self._texts))
        for where, key, place, length in self._texts:
            is_description = place == "description"
            if only and not is_description and length:
                where[key] = ""
            else:
                where[key] = cut(where[key], room if only else most)

    def told(self) -> Iterator[str]:
        """What was cut or taken out, in words."""
        if self._taken:
            yield f"taken out what hides in {_some(self._taken)}"
        shorter = [place for where, key, place, length in self._texts if len(where[key]) < length]
        if shorter:
            longest = max(length for *_, length in self._texts)
            yield f"cut {_some(shorter)} (the longest text has {longest:,} characters)"

    # -------------------------------------------------------------------------------------------------- its parts

    def _count(self, value: Any, place: str, depth: int) -> None:
        self._parts += 1
        self._characters += len(value) if isinstance(value, str) else 0
        if self._parts > MOST_PARTS or self._characters > MOST_CHARACTERS:
            raise UsageError(
                f"{self._wrong}: its schema is larger than {MOST_PARTS:,} values, or {MOST_CHARACTERS:,} characters"
            )
        if depth > DEEPEST:
            raise UsageError(f"{self._wrong}: its schema is nested more than {DEEPEST} deep, at {brief(place, 60)}")

    def _schema(self, node: Any, place: str, depth: int) -> Any:
        self._count(node, place, depth)
        if isinstance(node, Mapping):
            made: dict[str, Any] = {}
            for key, part in node.items():
                self._name(key, place)
                at = f"{place}.{key}"
                if key in _UNSHOWN and not isinstance(part, Mapping):
                    continue
                if isinstance(part, str) and key not in _STAYS | _DATA:
                    self._count(part, at, depth)
                    made[key] = part
                    self.text(made, key, at)
                elif key in _NAMED and isinstance(part, Mapping):
                    made[key] = self._named(part, at, depth + 1)
                else:
                    stays = key in _STAYS | _DATA | _LISTING
                    made[key] = (self._value if stays else self._schema)(part, at, depth + 1)
            return made
        if isinstance(node, list | tuple):
            return [self._schema(one, place, depth + 1) for one in node]
        return self._value(node, place, depth)

    def _named(self, node: Mapping[Any, Any], place: str, depth: int) -> dict[str, Any]:
        self._count(node, place, depth)
        made: dict[str, Any] = {}
        for name, part in node.items():
            self._name(name, place)
            made[name] = self._schema(part, f"{place}.{name}", depth + 1)
        return made

    def _name(self, name: Any, place: str) -> None:
        if not isinstance(name, str):
            raise UsageError(f"{self._wrong}: {name!r:.80} is no name, at {brief(place, 60)}")
        self._characters += len(name)
        if len(name) > LONGEST_NAME:
            raise UsageError(f"{self._wrong} has a name of {len(name):,} characters; {LONGEST_NAME} are the most")
        _refuse_hidden(name, f"the name {brief(name)!r}", self._wrong)

    def _value(self, value: Any, place: str, depth: int) -> Any:
        """Data, which stays as it is."""
        self._count(value, place, depth)
        match value:
            case None | bool() | int():
                return value
            case float() if math.isfinite(value):
                return value
            case str():
                _refuse_hidden(value, brief(place, 60), self._wrong, _ESCAPED)
                return str(value)
            case Mapping():
                made: dict[str, Any] = {}
                for key, part in value.items():
                    self._name(key, place)
                    made[key] = self._value(part, f"{place}.{key}", depth + 1)
                return made
            case list() | tuple():
                return [self._value(one, place, depth + 1) for one in value]
        raise UsageError(f"{self._wrong}: {value!r:.80} at {brief(place, 60)} is no JSON")


def _level(lengths: list[int], room: int) -> int:
    """How long a text may be so that all fit: short ones stay whole, and long ones share what is left."""
    left = room
    ordered = sorted(lengths)
    for index, length in enumerate(ordered):
        share = left // (len(ordered) - index)
        if length > share:
            return share
        left -= length
    return max(ordered, default=0)


def _some(places: list[str]) -> str:
    """The first of some places, and how many there are."""
    named = [brief(place, 60) for place in places[:_MOST_TOLD]]
    return ", ".join(named) + (f" and {len(places) - _MOST_TOLD:,} more" if len(places) > _MOST_TOLD else "")
