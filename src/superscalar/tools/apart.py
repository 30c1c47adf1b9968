"""Names for the tools of several servers: each an identifier, no two alike, in whatever order they were heard of."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from superscalar.plan.evaluate.table import TAKEN
from superscalar.plan.ir.naming import identifier
from superscalar.unseen import revealed

LONGEST: Final = 64
"""Characters of a name in a plan, as far as servers choose it."""

_MARK: Final = 6  # characters that tell two names apart

Offer: TypeAlias = tuple[str, str]
"""A tool, by its server and the name that it has there."""


def names_for(servers: Mapping[str, Sequence[str]], prefixes: Mapping[Offer, str] | None = None) -> dict[Offer, str]:
    """What each tool of some servers is called here: by its own name where that is an identifier that no other has.

    What hides in a name is written out. Where names of different servers are alike, or one is a function's, all that
    have it get their server's name in front; where those of one server are, all of them get some letters that the name
    alone decides on. `prefixes`: what somebody wants in front, always. The same tools get the same names, in whatever
    order they come.
    """
    offers = [(server, tool) for server in servers for tool in dict.fromkeys(servers[server])]
    owners = _owners(servers)
    wanted = {offer: _wanted(offer, (prefixes or {}).get(offer, "")) for offer in offers}
    bare = dict.fromkeys(offers, True)
    while clashing := [offer for offer in _alike(wanted, by_server=True) if bare[offer]]:
        for offer in clashing:
            wanted[offer] = f"{owners[offer[0]]}_{wanted[offer]}"
            bare[offer] = False
    names = {offer: _fitting(name, offer) for offer, name in wanted.items()}
    length = _MARK
    while clashing := _alike(names, by_server=False):
        for offer in clashing:
            names[offer] = _marked(wanted[offer], offer, length)
        length += _MARK
    return names


def _owners(servers: Iterable[str]) -> dict[str, str]:
    """Servers' names as the beginnings of names."""
    made = {server: identifier(revealed(server))[: LONGEST // 2] for server in servers}
    alike: dict[str, list[str]] = defaultdict(list)
    for server, name in made.items():
        alike[name.casefold()].append(server)
    return {
        server: name if len(alike[name.casefold()]) == 1 else f"{name}_{_letters(server)}"
        for server, name in made.items()
    }


def _wanted(offer: Offer, prefix: str) -> str:
    own = identifier(revealed(offer[1]))
    return f"{identifier(prefix)}_{own}" if prefix else own


def _alike(names: Mapping[Offer, str], *, by_server: bool) -> list[Offer]:
    """The tools whose names are not theirs alone. `by_server`: among those of one server that does not count."""
    owned: dict[str, list[Offer]] = defaultdict(list)
    for offer, name in names.items():
        owned[name.casefold() if by_server else name].append(offer)
    one: Callable[[list[Offer]], int] = (lambda found: len({server for server, _ in found})) if by_server else len
    return [offer for name, found in owned.items() if one(found) > 1 or name.casefold() in _TAKEN for offer in found]


_TAKEN: Final = frozenset(name.casefold() for name in (*TAKEN, "extract"))
"""`extract` is a tool, and the agent's own: plans hand texts to it that are for no server."""


def _fitting(name: str, offer: Offer) -> str:
    return name if len(name) <= LONGEST else _marked(name, offer, _MARK)


def _marked(name: str, offer: Offer, length: int) -> str:
    """A name with letters behind it that are its tool's alone."""
    return f"{name[: LONGEST - length - 1].rstrip('_')}_{_letters('/'.join(offer), length)}"


def _letters(text: str, length: int = _MARK) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
