"""Plans and tool specifications that nobody here wrote. They are not in the repository: tests that want them skip."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("SUPERSCALAR_SHARED_DATA") or _ROOT.parent / "shared" / "data")
"""`../shared/data` beside the repository, or the folder that SUPERSCALAR_SHARED_DATA names."""


def shared(name: str) -> Any:
    """The content of one of its JSON files; None where it is absent."""
    path = FOLDER / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
