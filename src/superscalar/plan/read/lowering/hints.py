"""What to write instead: suggestions for names, tools and arguments that are not there."""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Iterable
from itertools import chain

from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir.signatures import Parameter, Signature, Signatures

_MOST_NAMES = 12
_MOST_COMPARED = 300
_LONGEST = 100
_PYTHON = frozenset(dir(builtins))

_MODULES = frozenset("math json re datetime time random os sys np numpy itertools functools collections".split())
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None", "nil": "None", "undefined": "None"}


def closest(name: str, candidates: Iterable[str]) -> str:
    """`did you mean ...?` with a space behind it; empty where nothing is so near that it can be meant."""
    found = nearest(name, candidates)
    return f"did you mean `{found}`? " if found else ""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that is so near to a name that it can be meant."""
    if len(name) > _LONGEST:
        return None
    near = [c for c in candidates if abs(len(c) - len(name)) <= max(3, len(name) // 2)]
    if len(near) > _MOST_COMPARED:
        near = sorted(near, key=lambda c: -len(_pairs(name) & _pairs(c)))[:_MOST_COMPARED]
    same = (c for c in near if c.replace("_", "").casefold() == name.replace("_", "").casefold())
    alike = (
        c for c in difflib.get_close_matches(name, near, 5, 0.65) if _wrong_letters(name, c) <= _may_be_wrong(name)
    )
    words = set(_words(name))
    longer = (c for c in near if len(words) > 1 and words == set(_words(c)))
    part = (c for c in near if "_" in name + c and _is_part(words, set(_words(c))))
    return next(chain(same, alike, longer, part), None)


def _pairs(name: str) -> set[str]:
    """The letters of a name, two by two."""
    folded = name.casefold()
    return {folded[at : at + 2] for at in range(len(folded) - 1)}


def _may_be_wrong(name: str) -> int:
    return 1 if len(name) <= 4 else 2 if len(name) <= 8 else 3


def _words(name: str) -> list[str]:
    return [word for word in name.casefold().split("_") if word]


def _is_part(one: set[str], other: set[str]) -> bool:
    """Whether all words of a name are words of another one, none of them short."""
    return (one <= other or other <= one) and max(map(len, one & other), default=0) > 3


def _wrong_letters(one: str, other: str) -> int:
    """How many letters must be left out, added, exchanged or swapped with the next (Damerau, Levenshtein)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one):
        row = [i + 1]
        for j, b in enumerate(other):
            cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a != b))
            if i and j and a == other[j - 1] and one[i - 1] == b:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def for_name(name: str, known: list[str]) -> str:
    """Help for a name that nothing above assigns."""
    if name in _CONSTANTS:
        return f"write {_CONSTANTS[name]}"
    if name in _MODULES:
        return "there are no modules here: call a tool, a listed function or a method of text"
    if name == "join":
        return "write join(...), with what it gives between the brackets"
    guess = closest(name, known)
    return "assign it above this line" + (f", or {guess.strip()}" if guess else "")


def may_be_text(name: str, parameter: Parameter) -> bool:
    """Whether a name that nothing assigns may be text for that parameter, whose quotes were left out."""
    return not (name in _CONSTANTS or name in _MODULES) and name.isidentifier() and parameter.reject(name) is None


def for_tool(name: str, known: list[str], signatures: Signatures) -> str:
    """Help for a call of something that is no tool."""
    called = [signature.alias for signature in signatures if name in (signature.name, f"tools.{signature.alias}")]
    if called:
        return f"in a plan it is called {called[0]}(...)"
    if name in known:
        return f"`{name}` is a value, not a tool; {tool_names(signatures)}"
    functions: Iterable[str] = (
        () if name in _PYTHON else FUNCTIONS.keys() - {"date", "time"}
    )  # what is Python's own was meant as it stands
    guess = closest(name, (s.alias for s in signatures)) or closest(name, functions)
    return guess + tool_names(signatures, name)


def tool_names(signatures: Signatures, name: str = "") -> str:
    """`tools: ...`, a few by name; where there are more, those first that have most in common with a `name`."""
    aliases = [signature.alias for signature in signatures]
    if name and len(aliases) > _MOST_NAMES:
        aliases.sort(key=lambda alias: -len(_pairs(name[:_LONGEST]) & _pairs(alias)))
    more = f", … ({len(aliases)} in all)" if len(aliases) > _MOST_NAMES else ""
    return "tools: " + (", ".join(aliases[:_MOST_NAMES]) or "none") + more


def form(signature: Signature) -> str:
    """How a tool is called."""
    parts: list[str] = []
    for p in signature.parameters:
        if p.keyword_only and "*" not in parts:
            parts.append("*")
        parts.append(f"{p.alias}: {p.type}" + ("" if p.required else f" = {p.default}"))
    return f"{signature.alias}({', '.join(parts)})"
