"""Plans that are made of thoughts: voting, best of n, trees and graphs of thoughts, as texts with inputs.

agent.execute(patterns.get("voting"), inputs={"question": "..."}) runs one, agent.save("voting", patterns.get("voting"))
makes it a plan of your own. They need the tools of `superscalar.thoughts`, and are in the folder of this module.
"""

from __future__ import annotations

import difflib
from importlib.resources import files
from typing import Final

from superscalar.errors import UsageError

__all__ = ["describe", "get", "names"]

_SUFFIX: Final = ".plan"


def names() -> list[str]:
    """Return the names of all patterns, in order."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in files(__name__).iterdir() if file.name.endswith(_SUFFIX))


def get(name: str) -> str:
    """Return a pattern as the text of a plan, with its inputs.

    Raises:
        UsageError: there is none of that name.
    """
    known = names()
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
        raise UsageError(f"there is no pattern {str(name)[:80]!r}; {hint}")
    return files(__name__).joinpath(f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def describe(name: str) -> str:
    """Say in a line what a pattern does.

    Raises:
        UsageError: there is none of that name.
    """
    return get(name).split("\n", 1)[0].removeprefix("# ")
