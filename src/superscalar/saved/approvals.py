"""`plans.lock`, in a folder of saved plans: which texts a person approved, by name, so that an edit of a text alone is
never an approved one, whatever it says of itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from superscalar.errors import UsageError
from superscalar.saved.folder import PlanFolder
from superscalar.saved.header import PlanApproval
from superscalar.unseen import hides

LOCK: Final = "plans.lock"
_VERSION: Final = 1
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NO_NAME: Final = 'write who approves it, such as by="ann": up to 100 characters, no comma'


def approval_by(who: str, digest: str) -> PlanApproval:
    """The approval of a text, now.

    Raises:
        UsageError: nobody has such a name.
    """
    name = who.strip() if isinstance(who, str) else ""
    if not 0 < len(name) <= 100 or "," in name or hides(name):
        raise UsageError(f"by={who!r}: {_NO_NAME}")
    return PlanApproval(name, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", digest)


def read_approvals(folder: PlanFolder) -> dict[str, PlanApproval]:
    """What was approved last, by the names of plans; nothing where nothing ever was.

    Raises:
        UsageError: the file cannot be trusted, or is none of ours.
    """
    text = folder.read_file(LOCK)
    if text is None:
        return {}
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    found = said.get("approved") if isinstance(said, dict) and said.get("version") == _VERSION else None
    if not isinstance(found, dict):
        raise _unreadable(folder)
    return {name: _approval_of(one, folder) for name, one in found.items()}


def write_approvals(folder: PlanFolder, approvals: Mapping[str, PlanApproval]) -> None:
    """Write them in the place of those that were there."""
    approved = {name: {"by": one.by, "at": one.at, "sha256": one.digest} for name, one in sorted(approvals.items())}
    folder.write_file(LOCK, json.dumps({"version": _VERSION, "approved": approved}, indent=2) + "\n")


def _approval_of(said: object, folder: PlanFolder) -> PlanApproval:
    match said:
        case {"by": str(by), "at": str(at), "sha256": str(digest), **rest} if not rest and _DIGEST.fullmatch(digest):
            return PlanApproval(by, at, digest)
    raise _unreadable(folder)


def _unreadable(folder: PlanFolder) -> UsageError:
    return UsageError(
        f"{folder.path / LOCK} is damaged, or of a newer release, so nobody knows what was approved: get it back, "
        "or move it away and approve the plans again"
    )
