"""Who a gateway talks to, and how far whoever started it trusts them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from superscalar.errors import UsageError
from superscalar.short import short

STDIO: Final = "stdio"
"""The principal of a gateway that one host has started for itself."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Principal:
    """A client, or all the clients that cannot be told apart: those of one token, or of one pipe.

    `trusted`: what its model writes may choose where writes go, as long as that model has read nothing untrusted here.
    `approves`: an answer that comes through it counts as that of a person. `forgiven`: a person says that what was
    joined for it so far is forgotten. What a client says of itself is none of this.

    Raises:
        UsageError: the name is none.
    """

    name: str = STDIO
    trusted: bool = False
    approves: bool = False
    forgiven: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or _NAME.fullmatch(self.name) is None:
            raise UsageError(f"{short(self.name)} is no name of a client: write letters, digits, '.', '_' and '-'")
