"""What is declared of each tool, read from `sinks.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

_FILE = Path(__file__).parent / "sinks.toml"


@dataclass(frozen=True, slots=True)
class Declared:
    """The terms of one tool; the file says what each word means."""

    effect: Literal["read", "write"]
    trust: Literal["trusted", "untrusted"]
    sinks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


def changed(*, strict: bool = False, distrust: Iterable[str] = ()) -> Mapping[str, Declared]:
    """The terms of every tool; with `strict` targets are sinks too, and nothing that `distrust` names is trusted."""
    named = frozenset(distrust)
    return {
        name: replace(
            terms,
            sinks=(*terms.sinks, *terms.targets) if strict else terms.sinks,
            trust="untrusted" if name in named else terms.trust,
        )
        for name, terms in declared().items()
    }


@cache
def declared() -> Mapping[str, Declared]:
    """The terms of every tool, by name."""
    found = tomllib.loads(_FILE.read_text())
    return {
        name: Declared(terms["effect"], terms["trust"], tuple(terms.get("sinks", ())), tuple(terms.get("targets", ())))
        for name, terms in found.items()
    }
