"""What servers said of their tools when somebody accepted that, and what they say now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from superscalar.short import brief
from superscalar.tools.apart import Offer
from superscalar.tools.said import Offered
from superscalar.unseen import revealed

_MOST_TOLD: Final = 10


def said_digest(offered: Offered) -> str:
    """What tells one description of a tool from another: SHA-256 of it as canonical JSON, before anything is cleaned.

    The order of keys says nothing; every character of a text does.
    """
    said = {
        "annotations": offered.annotations,
        "description": offered.description,
        "name": offered.name,
        "parameters": offered.parameters,
        "returns": offered.returns,
    }
    try:
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), default=_no_json)
    except (TypeError, ValueError, RecursionError) as error:  # no JSON: it cannot be used, whatever it is
        text = type(error).__name__
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _no_json(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else f"<{type(value).__name__}>"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is said now and was not when it was accepted; each tool by its server and the name that it has there."""

    new: tuple[Offer, ...] = ()
    changed: tuple[Offer, ...] = ()
    gone: tuple[Offer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)

    def told(self) -> Iterator[str]:
        """Say it in words: one line for each server and kind of change."""
        for how, offers in (
            ("are described otherwise than accepted", self.changed),
            ("are new", self.new),
            ("are gone", self.gone),
        ):
            for server in dict.fromkeys(server for server, _ in offers):
                names = [revealed(brief(tool)) for owner, tool in offers if owner == server]
                more = f" and {len(names) - _MOST_TOLD:,} more" if len(names) > _MOST_TOLD else ""
                verb = how.replace("are", "is", 1) if len(names) == 1 else how
                yield f"{brief(server)}: {', '.join(names[:_MOST_TOLD])}{more} {verb}"


def changes_since(lock: Mapping[str, Mapping[str, str]], seen: Mapping[str, Mapping[str, str]]) -> Changes:
    """What has changed since the digests in `lock` were accepted: by server, the digest of each tool by its name."""
    before, now = _flat(lock), _flat(seen)
    return Changes(
        new=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(offer for offer in now.keys() & before.keys() if now[offer] != before[offer])),
        gone=tuple(sorted(before.keys() - now.keys())),
    )


def _flat(digests: Mapping[str, Mapping[str, str]]) -> dict[Offer, str]:
    return {(server, tool): digest for server, tools in digests.items() for tool, digest in tools.items()}
