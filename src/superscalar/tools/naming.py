"""Identifiers for names that are none (rule L7)."""

from __future__ import annotations

import keyword
import re
from collections.abc import Set

from superscalar.plan.vocabulary import FUNCTIONS

TAKEN = FUNCTIONS | {"join", "match", "case", "type"}
"""Names that mean something where a tool is called; an argument may have them."""


def identifier(name: str, taken: Set[str] = frozenset()) -> str:
    """The alias under which plans use `name`: itself where it is a free identifier, else the nearest one.

    `WeatherAPI.com` becomes `WeatherAPI_com`, `from` becomes `from_`, `2d` becomes `n2d`.
    """
    alias = re.sub(r"\W", "_", name).strip("_") or "n"
    if name.isidentifier() and not name.startswith("_"):
        alias = name
    if alias[0].isdigit():
        alias = f"n{alias}"
    if not alias.isidentifier():  # a character that may continue an identifier but not begin one
        alias = f"n{alias}"
    return f"{alias}_" if keyword.iskeyword(alias) or alias in taken else alias
