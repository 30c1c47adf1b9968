"""The tools of a gateway as a client's model reads them: how each is called, and what it gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from superscalar.plan.ir.signatures import Signature
from superscalar.planner import told_by_server
from superscalar.short import cut
from superscalar.tools.toolset import Toolset

FEW_TOOLS: Final = 20
"""So many tools are listed whatever was asked."""
_MOST_FOUND: Final = 12
_MOST_NAMED: Final = 300
_LONGEST_QUERY: Final = 1_000  # characters that are looked for
_SHOWN_QUERY: Final = 80


def tools_text(tools: Toolset, query: str = "") -> str:
    """The signatures of the tools, as a plan calls them, by server; of many those that a query finds, the best first.

    Those that are pinned always come first. Of many tools without a query there are the names alone, and how to ask.
    What servers say of theirs stands in a block that says so.
    """
    signatures = list(tools.signatures)
    if not signatures:
        return "There are no tools."
    if len(signatures) <= FEW_TOOLS:
        return _listed(signatures)
    pinned = [one for one in signatures if one.name in tools.pinned]
    words = query.strip()[:_LONGEST_QUERY]
    found = [one for one in tools.index.ranked(words) if one not in pinned][:_MOST_FOUND] if words else []
    parts = [_listed([*pinned, *found])] if pinned or found else []
    if found:
        parts.append(
            f"{len(found)} of {len(signatures)} tools, the best for {_shown(words)}; for others ask in other words"
        )
    elif words:
        parts.append(
            f"None of {len(signatures)} tools is found by {_shown(words)}: ask in other words, or in none for all names"
        )
    else:
        parts.append(_named(signatures))
        parts.append(f'{len(signatures)} tools; for how some are called: list_tools(query="what you need, in words")')
    return "\n\n".join(parts)


def _listed(signatures: Iterable[Signature]) -> str:
    """What servers say of themselves is not told: it is meant for whoever calls them one by one."""
    return "\n\n".join(told_by_server(signatures, {}, set()))


def _named(signatures: list[Signature]) -> str:
    """The names, one line for each server."""
    names: dict[str, list[str]] = {}
    for one in signatures[:_MOST_NAMED]:
        names.setdefault(" ".join(one.server.split()), []).append(one.alias)
    lines = [f"{server + ': ' if server else ''}{', '.join(aliases)}" for server, aliases in names.items()]
    left = len(signatures) - _MOST_NAMED
    return "\n".join([*lines, f"and {left:,} more, which a query finds"] if left > 0 else lines)


def _shown(query: str) -> str:
    return repr(cut(" ".join(query.split()), _SHOWN_QUERY))
