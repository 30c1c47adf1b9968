"""Random texts of a grammar: each rule's choices are taken by chance, and the shortest once it is deep."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from superscalar.plan.grammars.rules import AnyOf, Chars, Exactly, GrammarRule, GrammarRules, InOrder, Repeated, Use

_SIGNS = "abz09 _-+#{}[]()\"'\\.,:;=%äß漢🙂"
_ENDLESS = 10_000


class Sampler:
    """Texts of `rules`. Those that follow rule `name` are all different, so that none is assigned twice."""

    def __init__(self, rules: GrammarRules, random: Random, *, depth: int = 12) -> None:
        self._rules = rules.rules
        self._random = random
        self._depth = depth
        self._names = 0
        self._least = _depths(rules.rules)
        self._known: dict[int, int] = {}  # by identity: rules are trees, and hashing one goes through all of it

    def text(self, rule: GrammarRule | None = None) -> str:
        return self._text(rule or Use("root"), self._depth)

    def _text(self, rule: GrammarRule, left: int) -> str:
        random = self._random
        match rule:
            case Exactly(text):
                return text
            case Chars():
                return self._sign(rule)
            case Use("name"):
                self._names += 1
                return f"{self._text(self._rules['name'], left - 1)}{self._names}"
            case Use(name):
                return self._text(self._rules[name], left - 1)
            case InOrder(parts):
                return "".join(self._text(part, left) for part in parts)
            case AnyOf(options):
                possible = [option for option in options if self._shortest(option) <= left]
                return self._text(random.choice(possible or [min(options, key=self._shortest)]), left)
            case Repeated(part, least, most):
                deep = self._shortest(part) > left
                times = least if deep else random.choice([least, least, least + 1, least + 2])
                return "".join(self._text(part, left) for _ in range(min(times, _ENDLESS if most is None else most)))

    def _shortest(self, rule: GrammarRule) -> int:
        found = self._known.get(id(rule))
        if found is None:
            found = self._known[id(rule)] = _depth(rule, self._least)
        return found

    def _sign(self, chars: Chars) -> str:
        if not chars.negated:
            first, last = self._random.choice(chars.ranges)
            return chr(self._random.randint(ord(first), ord(last)))
        return self._random.choice([s for s in _SIGNS if not any(a <= s <= z for a, z in chars.ranges)])


def _depths(rules: Mapping[str, GrammarRule]) -> dict[str, int]:
    """How deep the shallowest text of each rule is."""
    known: dict[str, int] = dict.fromkeys(rules, _ENDLESS)
    while True:
        found = {name: 1 + _depth(rule, known) for name, rule in rules.items()}
        if found == known:
            return known
        known = found


def _depth(rule: GrammarRule, known: Mapping[str, int]) -> int:
    match rule:
        case Use(name):
            return known[name]
        case InOrder(parts):
            return max((_depth(part, known) for part in parts), default=0)
        case AnyOf(options):
            return min(_depth(option, known) for option in options)
        case Repeated(part, least):
            return _depth(part, known) if least else 0
    return 0


class SchemaSampler:
    """Values of a JSON Schema, as far as ours use it. Strings that follow a pattern are names, all different."""

    def __init__(self, schema: Mapping[str, Any], random: Random) -> None:
        self._whole = schema
        self._random = random
        self._names = 0

    def value(self, depth: int = 8) -> Any:
        return self._value(self._whole, depth)

    def _value(self, schema: Mapping[str, Any], left: int) -> Any:
        random = self._random
        match schema:
            case {"$ref": str(path)}:
                return self._value(self._whole["$defs"][path.rpartition("/")[2]], left)
            case {"anyOf": options}:
                return self._value(random.choice(options if left > 0 else options[:1]), left - 1)
            case {"enum": values}:
                return random.choice(values)
            case {"type": "object", "properties": properties, "required": required}:
                chosen = [name for name in properties if name in required or random.random() < 0.5]
                return {name: self._value(properties[name], left - 1) for name in chosen}
            case {"type": "object", "additionalProperties": items}:
                return {key: self._value(items, left - 1) for key in ("a", "from")[: random.randrange(3)]}
            case {"type": "array"}:
                count = random.randrange(4) if left > 0 and schema.get("maxItems") != 0 else 0
                return [self._value(schema["items"], left - 1) for _ in range(count)]
            case {"type": "string", "pattern": _}:
                self._names += 1
                return f"n{self._names}"
            case {"type": list(kinds)}:
                return self._value({"type": random.choice(kinds)}, left)
            case {"type": kind}:
                return random.choice(_JSON_VALUES[kind])
        raise AssertionError(schema)


_JSON_VALUES: dict[str, list[Any]] = {
    "string": ["", "a b", '"$1"', "{x}", "#E1", "ä\n"],
    "integer": [0, -7, 2**40],
    "number": [0, 1.5, -2e9],
    "boolean": [True, False],
    "null": [None],
}
