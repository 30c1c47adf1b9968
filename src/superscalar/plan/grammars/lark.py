"""Grammars in Lark's notation, as OpenAI's custom tools and llguidance read it: regular rules become terminals."""

from __future__ import annotations

import json

from superscalar.plan.grammars.rules import (
    AnyOf,
    Chars,
    Exactly,
    GrammarRule,
    GrammarRules,
    InOrder,
    Repeated,
    Use,
    uses,
)

_SPECIAL = frozenset("\\/.+*?()[]{}|^$#&-~")


def to_lark(rules: GrammarRules) -> str:
    """The rules, one a line; `start` is where a text begins."""
    used = {name for own, rule in rules.rules.items() if own not in rules.tokens for name in uses(rule)}
    lines = ["start: root"]
    for name, rule in rules.rules.items():
        if name not in rules.tokens:
            lines.append(f"{_rule_name(name)}: {_written(rule, rules)}")
        elif name in used:
            lines.append(f"{_token_name(name)}: /{_regex(rule, rules)}/")
    return "\n".join(lines) + "\n"


def _rule_name(name: str) -> str:
    return name.lower().replace("-", "_")


def _token_name(name: str) -> str:
    return name.upper().replace("-", "_")


def _written(rule: GrammarRule, rules: GrammarRules, *, inside: bool = False) -> str:
    match rule:
        case Exactly(text):
            return json.dumps(text, ensure_ascii=False)  # Lark reads no pairs of surrogates
        case Use(name):
            return _token_name(name) if name in rules.tokens else _rule_name(name)
        case InOrder(parts):
            written = " ".join(_written(part, rules, inside=True) for part in parts)
            return f"({written})" if inside else written
        case AnyOf(options):
            written = " | ".join(_written(option, rules) for option in options if option != InOrder())
            return f"({written})?" if InOrder() in options else f"({written})" if inside else written
        case Repeated(part, least, most):
            one = _written(part, rules, inside=True)
            return _times(f"({one})" if isinstance(part, Repeated) else one, least, most)
        case Chars():
            raise ValueError("a rule with characters is a token")


def _times(one: str, least: int, most: int | None) -> str:
    """That, repeated; written out if it is bounded: Lark counts with `~0..2`, and older llguidance with `{0,2}`."""
    if short := _short(least, most):
        return one + short
    times = [one] * least
    if most is None:
        return " ".join([*times, f"{one}*"])
    more = ""
    for _ in range(most - least):
        more = f"({one} {more})?" if more else f"{one}?"
    return " ".join([*times, more] if more else times)


def _short(least: int, most: int | None) -> str:
    return {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most), "")


def _regex(rule: GrammarRule, rules: GrammarRules, *, inside: bool = False) -> str:
    """A regular rule as one regular expression."""
    match rule:
        case Exactly(text):
            written = "".join(map(_escaped, text))
            return f"(?:{written})" if inside and len(text) > 1 else written
        case Chars(ranges, negated):
            spans = (_escaped(a) + (f"-{_escaped(z)}" if a != z else "") for a, z in ranges)
            return f"[{'^' * negated}{''.join(spans)}]"
        case Use(name):
            return _regex(rules.rules[name], rules, inside=inside)
        case InOrder(parts):
            written = "".join(_regex(part, rules, inside=isinstance(part, AnyOf)) for part in parts)
            return f"(?:{written})" if inside else written
        case AnyOf(options):
            written = "|".join(_regex(option, rules) for option in options if option != InOrder())
            return f"(?:{written})?" if InOrder() in options else f"(?:{written})"
        case Repeated(part, least, most):
            times = _short(least, most) or f"{{{least},{'' if most is None else most}}}"
            written = _regex(part, rules, inside=True) + times
            return f"(?:{written})" if inside else written


def _escaped(sign: str) -> str:
    if sign in _SPECIAL:
        return f"\\{sign}"
    return sign if sign.isprintable() else f"\\x{ord(sign):02x}"
