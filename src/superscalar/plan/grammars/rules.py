"""A grammar as data: named rules over characters. One representation, from which every notation is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Exactly:
    """Exactly this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of `ranges` (first and last, both included), or, `negated`, any other."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """The rule of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class InOrder:
    """One after the other; nothing at all if there are none."""

    parts: tuple[GrammarRule, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any one of them."""

    options: tuple[GrammarRule, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """`least` times to `most` times; `most` None: without end."""

    part: GrammarRule
    least: int = 0
    most: int | None = None


GrammarRule: TypeAlias = Exactly | Chars | Use | InOrder | AnyOf | Repeated


@dataclass(frozen=True, slots=True)
class GrammarRules:
    """Rules by name; what is accepted begins at `root`.

    `tokens` names the rules that refer to no rule but such: regular ones, which a notation with a lexer writes as
    terminals.
    """

    rules: Mapping[str, GrammarRule]
    tokens: frozenset[str] = field(default_factory=frozenset)


def any_of(options: Iterable[GrammarRule]) -> GrammarRule:
    """Any one of them; the one itself if there is but one."""
    several = tuple(options)
    return several[0] if len(several) == 1 else AnyOf(several)


def sequence(*parts: GrammarRule | str) -> GrammarRule:
    """One after the other; text stands for itself."""
    whole = tuple(Exactly(part) if isinstance(part, str) else part for part in parts)
    return whole[0] if len(whole) == 1 else InOrder(whole)


def uses(rule: GrammarRule) -> Iterator[str]:
    """The names of the rules that a rule refers to."""
    match rule:
        case Use(name):
            yield name
        case InOrder(parts) | AnyOf(parts):
            for part in parts:
                yield from uses(part)
        case Repeated(part):
            yield from uses(part)


# ------------------------------------------------------------------------------------------------ reading notation

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<chars>\[(?:[^\]\\]|\\.)*\])|(?P<name>[a-zA-Z][a-zA-Z0-9-]*)"""
    r"""|(?P<times>[*+?]|\{\d+(?:,\d*)?\})|(?P<sign>[()|]))"""
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_CODES = {"x": 2, "u": 4}  # digits


def read(notation: str) -> dict[str, GrammarRule]:
    """Rules written as llama.cpp's GBNF: `name ::= ...`, one a line; a line that begins with a space goes on."""
    rules: dict[str, GrammarRule] = {}
    for line in re.sub(r"\n\s+", " ", notation.strip()).split("\n"):
        name, _, body = line.partition(" ::= ")
        reader = _RuleReader(body)
        rules[name] = reader.options()
        if reader.left:
            raise ValueError(f"the rule {name} cannot be read from {reader.left[0]!r}")
    return rules


class _RuleReader:
    """Reads the right side of one rule."""

    def __init__(self, body: str) -> None:
        self.left: list[tuple[str, str]] = []
        at = 0
        while at < len(body.rstrip()):
            found = _TOKEN.match(body, at)
            if found is None or found.lastgroup is None:
                raise ValueError(f"this is no grammar: {body[at : at + 40]!r}")
            self.left.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def options(self) -> GrammarRule:
        options = [self._parts()]
        while self._take("|"):
            options.append(self._parts())
        return any_of(options)

    def _parts(self) -> GrammarRule:
        parts: list[GrammarRule] = []
        while self.left and self.left[0][1] not in ("|", ")"):
            part = self._part()
            while self.left and self.left[0][0] == "times":
                part = _repeated(part, self.left.pop(0)[1])
            parts.append(part)
        return sequence(*parts)

    def _part(self) -> GrammarRule:
        kind, written = self.left.pop(0)
        match kind:
            case "text":
                return Exactly("".join(_characters(written[1:-1]))) if written != '""' else InOrder()
            case "chars":
                return _chars(written[1:-1])
            case "name":
                return Use(written)
            case _ if written == "(":
                inside = self.options()
                if not self._take(")"):
                    raise ValueError("a bracket is not closed")
                return inside
        raise ValueError(f"{written!r} stands where a rule begins")

    def _take(self, sign: str) -> bool:
        if self.left and self.left[0] == ("sign", sign):
            self.left.pop(0)
            return True
        return False


def _characters(escaped: str) -> Iterator[str]:
    signs = iter(escaped)
    for sign in signs:
        if sign != "\\":
            yield sign
            continue
        letter = next(signs)
        if letter in _CODES:
            yield chr(int("".join(islice(signs, _CODES[letter])), 16))
        else:
            yield _ESCAPES.get(letter, letter)


def _chars(body: str) -> Chars:
    negated = body.startswith("^")
    ranges: list[tuple[str, str]] = []
    pieces = re.findall(r"\\x[0-9a-fA-F]{2}|\\.|.", body.removeprefix("^"), re.DOTALL)
    while pieces:
        first = "".join(_characters(pieces.pop(0)))
        if len(pieces) >= 2 and pieces[0] == "-":
            pieces.pop(0)
            ranges.append((first, "".join(_characters(pieces.pop(0)))))
        else:
            ranges.append((first, first))
    return Chars(tuple(ranges), negated)


def _repeated(part: GrammarRule, times: str) -> GrammarRule:
    if times in "*+?":
        return Repeated(part, int(times == "+"), 1 if times == "?" else None)
    least, comma, most = times[1:-1].partition(",")
    return Repeated(part, int(least), int(most) if most else None if comma else int(least))
