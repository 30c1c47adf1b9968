"""The tools of a gateway as a client's model reads them: how each is called, and what it gives."""

from __future__ import annotations

from typing import Final

from superscalar.tools.toolset import Toolset

_FEW: Final = 20
"""So many tools are listed whatever was asked."""
_MOST_FOUND: Final = 12
_MOST_NAMED: Final = 300


def tools_text(tools: Toolset, query: str = "") -> str:
    """The signatures of the tools, as a plan calls them; where there are many, those that a query finds.

    Of many tools without a query the names are told, and how to ask for more.
    """
    count = len(tools)
    if not count:
        return "There are no tools."
    if count <= _FEW:
        return tools.describe()
    if query.strip():
        found = tools.describe(query, _MOST_FOUND)
        if found:
            return f"{found}\n# the best of {count} tools for {query!r}; ask with other words for others"
        return f"None of {count} tools has to do with {query!r}. Ask with other words, or with none for their names."
    names = [one.alias for one in tools.signatures]
    shown = ", ".join(names[:_MOST_NAMED]) + (f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else "")
    pinned = [one for one in tools.shown if one.name in tools.pinned]
    first = "\n".join(tools.describe(one.name, 1) for one in pinned)
    head = f"{first}\n" if first else ""
    return f'{head}{count} tools: {shown}\nFor how they are called: list_tools(query="what you need")'
