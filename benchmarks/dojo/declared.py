"""What is declared of each tool, read from `sinks.toml`, and from `fields.toml` what was learnt later."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

_FOLDER = Path(__file__).parent

Terms = Literal["first", "fields"]
TERMS: tuple[Terms, ...] = ("first", "fields")


@dataclass(frozen=True, slots=True)
class Declared:
    """The terms of one tool; the files say what each word means."""

    effect: Literal["read", "write"]
    trust: Literal["trusted", "untrusted"]
    sinks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def changed(terms: Terms = "first", *, strict: bool = False, distrust: Iterable[str] = ()) -> Mapping[str, Declared]:
    """The terms of every tool; with `strict` targets are sinks too, and nothing that `distrust` names is trusted."""
    named = frozenset(distrust)
    return {
        name: replace(
            said,
            sinks=(*said.sinks, *said.targets) if strict else said.sinks,
            trust="untrusted" if name in named else said.trust,
            fields=() if name in named else said.fields,
        )
        for name, said in declared(terms).items()
    }


@cache
def declared(terms: Terms = "first") -> Mapping[str, Declared]:
    """The terms of every tool, by name."""
    first = _read("sinks.toml")
    later = {} if terms == "first" else _read("fields.toml")
    return {name: Declared(**said | later.get(name, {})) for name, said in first.items()}


def _read(file: str) -> dict[str, dict[str, Any]]:
    found = tomllib.loads((_FOLDER / file).read_text())
    return {
        name: {word: tuple(said) if isinstance(said, list) else said for word, said in terms.items()}
        for name, terms in found.items()
    }
