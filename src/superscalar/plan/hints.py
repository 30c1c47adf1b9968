"""What to write instead: suggestions for names, tools and arguments that are not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from superscalar.plan.signatures import Signature, Signatures
from superscalar.plan.vocabulary import FUNCTIONS

_MOST_NAMES = 12
_MOST_COMPARED = 300

_INSTEAD = {
    "print": "leave it out: join(...) shows the results",
    "input": "write the value itself",
    "map": "write a comprehension: [tool(x) for x in xs]",
    "filter": "write a comprehension: [x for x in xs if ...]",
    "isinstance": "leave it out: tools check their arguments",
    "type": "leave it out: tools check their arguments",
    "format": 'write an f-string: f"{value:.2f}"',
    "next": "write xs[0]",
    "iter": "go through the list itself",
    "frozenset": "write set(xs)",
    "repr": 'write an f-string: f"{value!r}"',
}
_CHANGING = {
    "append": "write {0} = {0} + [...], or build it with a comprehension",
    "extend": "write {0} = {0} + [...], or build it with a comprehension",
    "sort": "write {0} = sorted({0})",
    "reverse": "write {0} = reversed({0})",
    "pop": "write {0}[-1] for the last item, {0}[:-1] for the others",
}
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None", "nil": "None"}


def closest(name: str, candidates: Iterable[str]) -> str:
    """`did you mean ...?` with a space behind it; empty where nothing comes near."""
    near = [c for c in candidates if abs(len(c) - len(name)) <= max(3, len(name) // 2)][:_MOST_COMPARED]
    found = difflib.get_close_matches(name, near, 1, 0.65) if len(name) <= 100 else []
    return f"did you mean `{found[0]}`? " if found else ""


def for_name(name: str, known: list[str]) -> str:
    """Help for a name that nothing above assigns."""
    if name in _CONSTANTS:
        return f"write {_CONSTANTS[name]}"
    guess = closest(name, known)
    return "assign it above this line" + (f", or {guess.strip()}" if guess else "")


def for_tool(name: str, known: list[str], signatures: Signatures) -> str:
    """Help for a call of something that is no tool."""
    if name in _INSTEAD:
        return _INSTEAD[name]
    called = [signature.alias for signature in signatures if name in (signature.name, f"tools.{signature.alias}")]
    if called:
        return f"in a plan it is called {called[0]}(...)"
    if name in known:
        return f"`{name}` is a value, not a tool; {tool_names(signatures)}"
    return closest(name, [*(s.alias for s in signatures), *FUNCTIONS]) + tool_names(signatures)


def tool_names(signatures: Signatures) -> str:
    """`tools: ...`, the first few by name."""
    aliases = [signature.alias for signature in signatures]
    more = f", ... ({len(aliases)} in all)" if len(aliases) > _MOST_NAMES else ""
    return "tools: " + (", ".join(aliases[:_MOST_NAMES]) or "none") + more


def form(signature: Signature) -> str:
    """How a tool is called."""
    parts: list[str] = []
    for p in signature.parameters:
        if p.keyword_only and "*" not in parts:
            parts.append("*")
        parts.append(f"{p.alias}: {p.type}" + ("" if p.required else f" = {p.default}"))
    return f"{signature.alias}({', '.join(parts)})"


def for_change(method: str, owner: str) -> str:
    """Help for a method that would change a value."""
    return _CHANGING.get(method, "assign a new value, or build it with a comprehension").format(owner)
