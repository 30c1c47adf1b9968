"""Identifiers for names that are none (rule L7)."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Set


def identifier(name: str, taken: Set[str] = frozenset()) -> str:
    """The alias under which plans use `name`: itself where it is a free identifier, else the nearest one.

    `WeatherAPI.com` becomes `WeatherAPI_com`, `from` becomes `from_`, `2d` becomes `n2d`. In characters other than
    ASCII it is in the form (NFKC) that Python reads every identifier in.
    """
    read = unicodedata.normalize("NFKC", name)
    alias = re.sub(r"\W", "_", read).strip("_") or "n"
    if read.isidentifier() and not read.startswith("_"):
        alias = read
    if alias[0].isdigit():
        alias = f"n{alias}"
    if not alias.isidentifier():  # a character that may continue an identifier but not begin one
        alias = f"n{alias}"
    return f"{alias}_" if keyword.iskeyword(alias) or alias in taken else alias


def is_identifier(name: str) -> bool:
    """Whether plans can call a field by its own name."""
    return name.isidentifier() and not keyword.iskeyword(name) and unicodedata.is_normalized("NFKC", name)


def field_aliases(names: Iterable[str]) -> dict[str, str]:
    """What plans call the fields whose names are no identifiers, and the field that each alias stands for.

    Those that are keep their name; of others that come to the same, later ones get a number. Fields that begin with an
    underscore get none: plans do not reach them (rule L5).
    """
    wanted = [name for name in names if not name.startswith("_")]
    taken = {name for name in wanted if identifier(name) == name}
    aliases: dict[str, str] = {}
    for name in wanted:
        if name in taken:
            continue
        alias = stem = identifier(name)
        number = 1
        while alias in taken or alias in aliases:
            number += 1
            alias = f"{stem}_{number}"
        aliases[alias] = name
    return aliases
