"""Grammars in llama.cpp's notation (GBNF)."""

from __future__ import annotations

from superscalar.plan.grammars.rules import AnyOf, Chars, Exactly, GrammarRule, GrammarRules, InOrder, Repeated, Use

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def to_gbnf(rules: GrammarRules) -> str:
    """The rules, one a line; `root` is where a text begins."""
    return "\n".join(f"{name} ::= {_written(rule)}" for name, rule in rules.rules.items()) + "\n"


def _written(rule: GrammarRule, *, inside: bool = False) -> str:
    match rule:
        case Exactly(text):
            return '"' + "".join(_escaped(sign, '"') for sign in text) + '"'
        case Chars(ranges, negated):
            return "[" + "^" * negated + "".join(_range(first, last) for first, last in ranges) + "]"
        case Use(name):
            return name
        case InOrder(()):
            return '""'
        case InOrder(parts):
            written = " ".join(_written(part, inside=True) for part in parts)
            return f"({written})" if inside else written
        case AnyOf(options):
            written = " | ".join(_written(option) for option in options)
            return f"({written})" if inside else written
        case Repeated(part, least, most):
            return _written(part, inside=True) + _times(least, most)


def _times(least: int, most: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    return short or f"{{{least},{'' if most is None else most}}}"


def _range(first: str, last: str) -> str:
    return _escaped(first, "[]^-") + (f"-{_escaped(last, '[]^-')}" if last != first else "")


def _escaped(sign: str, special: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign in special:
        return f"\\{sign}" if sign in '"[]' else f"\\x{ord(sign):02X}"
    code = ord(sign)
    if sign.isprintable() or code >= 1 << 16:  # eight digits are llama.cpp's own
        return sign
    return f"\\x{code:02X}" if code < 1 << 8 else f"\\u{code:04X}"
