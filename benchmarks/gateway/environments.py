"""Environments of peers, under `build/gateway`, each made once for the versions that are pinned here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_FOLDER: Final = ROOT / "build" / "gateway"
_PINNED: Final = Path(__file__).parent / "requirements"


def python_of(peer: str) -> str:
    """The interpreter of a peer's environment, which is made where it is missing or has other versions.

    Raises:
        subprocess.CalledProcessError: the package index has no such versions, or there is no index.
    """
    pinned = (_PINNED / f"{peer}.txt").read_text()
    stamp = _FOLDER / peer / "installed.txt"
    python = _FOLDER / peer / "bin" / "python"
    if not (python.exists() and stamp.exists() and stamp.read_text() == pinned):
        print(f"installing {peer} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_FOLDER / peer)], check=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]
        subprocess.run([*install, str(_PINNED / f"{peer}.txt")], check=True)
        stamp.write_text(pinned)
    return str(python)
