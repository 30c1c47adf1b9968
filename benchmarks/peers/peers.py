"""Who is measured, and where each one's environment is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STAMP = ".pinned"

OURS = "superscalar"
FLOOR = "bare loop"


@dataclass(frozen=True, slots=True)
class Contender:
    """A driver and the environment that it runs in; without `environment` it is the one of this process.

    `heavy`: it keeps threads or processes of its own busy while it has nothing to do.
    """

    name: str
    driver: str
    arguments: tuple[str, ...] = ()
    environment: str = ""
    heavy: bool = False


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(FLOOR, "bare"),
        Contender(OURS, "ours"),
        Contender("superscalar from text", "ours", ("--text",)),
        Contender("stagehand-ai", "stagehand", environment="stagehand"),
        Contender("hamilton async", "hamilton_async", environment="hamilton"),
        Contender("dask, one thread", "dask_local", environment="dask"),
        Contender("dask, threads", "dask_local", ("--threads",), environment="dask"),
        Contender("dask distributed", "dask_distributed", environment="dask", heavy=True),
        Contender("langgraph tasks", "langgraph_tasks", environment="langgraph"),
        Contender("langgraph StateGraph", "langgraph_graph", environment="langgraph"),
        Contender("llmcompiler", "llmcompiler_port", environment="llmcompiler"),
        Contender("efficient-agent-protocol", "eap", environment="eap"),
        Contender("dbos", "dbos_steps", environment="dbos", heavy=True),
        Contender("ray", "ray_tasks", environment="ray", heavy=True),
        Contender("prefect", "prefect_flow", environment="prefect", heavy=True),
    )
}


def default_cache() -> Path:
    """Where environments are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "superscalar" / "peers"


def python_of(contender: Contender, cache: Path) -> Path:
    """The interpreter that runs a driver; its environment is made where it is missing or pins other versions.

    Raises:
        subprocess.CalledProcessError: the package index has no such versions, or there is no index.
    """
    if found := installed(contender, cache):
        return found
    pinned = _pinned(contender)
    folder = cache / contender.environment
    python = folder / "bin" / "python"
    print(f"installing {contender.environment} ...", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pinned)]
    subprocess.run(install, check=True)
    (folder / _STAMP).write_text(_digest(pinned))
    return python


def installed(contender: Contender, cache: Path) -> Path | None:
    """The interpreter that runs a driver, if its environment is there with the versions that are pinned."""
    if not contender.environment:
        return Path(sys.executable)
    python = cache / contender.environment / "bin" / "python"
    stamp = cache / contender.environment / _STAMP
    there = python.exists() and stamp.exists() and stamp.read_text() == _digest(_pinned(contender))
    return python if there else None


def _pinned(contender: Contender) -> Path:
    return Path(__file__).parent / "requirements" / f"{contender.environment}.txt"


def _digest(pinned: Path) -> str:
    return hashlib.sha256(pinned.read_bytes()).hexdigest()
