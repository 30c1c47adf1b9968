"""Where AgentDojo is installed: an environment of its own, as it brings 76 packages that nothing else here needs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PINNED = Path(__file__).parent / "requirements.txt"
_BESIDE = ("pydantic>=2.11,<3", "typer>=0.20", "rich>=14")
"""What superscalar itself needs: it is not installed there, but found on the path."""


def default_cache() -> Path:
    """Where the environment is kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "superscalar" / "agentdojo"


def installed() -> bool:
    """Whether this interpreter can import AgentDojo."""
    return find_spec("agentdojo") is not None


def run_again(module: str, arguments: list[str], folder: Path) -> int:
    """Run a module of this repository where AgentDojo is; installs it on the first call. Returns its exit code.

    Raises:
        subprocess.CalledProcessError: the package index does not have it, or there is no index.
    """
    python = _python(folder)
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    ran = subprocess.run([str(python), "-m", module, *arguments], env=os.environ | {"PYTHONPATH": path}, check=False)
    return ran.returncode


def _python(folder: Path) -> Path:
    """The interpreter of the environment, which is made where it is missing or has another version."""
    python = folder / "bin" / "python"
    stamp = folder / ".pinned"
    wanted = hashlib.sha256(_PINNED.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing AgentDojo into {folder} ...", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *_BESIDE, "-r", str(_PINNED)], check=True)
    stamp.write_text(wanted)
    return python
