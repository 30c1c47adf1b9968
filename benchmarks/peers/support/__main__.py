"""A support agent with approvals, ours beside its versions in Pydantic AI and LangGraph, in one go.

    python -m benchmarks.peers.support [--install] [--runs N] [--json]

The same desk (`examples/support/desk.py`, an SQLite file and services that take a fixed time), the same tickets, models
that are scripts and take no time. Each library in a process of its own. One of the tickets wants its refund to be paid
to a stranger: `careful` models do not care, `gullible` ones do as they are told, where they are shown it.

Without --install only what is installed already is run; ours always is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from examples.support.desk import STRANGER

from benchmarks.peers.peers import OURS, ROOT, Contender, default_cache, installed, python_of
from benchmarks.peers.process import QUIET

_SECONDS = 300.0

LIBRARIES = {
    Contender(OURS, "superscalar"): "examples/support/agent.py",
    Contender("pydantic-ai", "pydantic-ai", environment="pydantic-ai"): "benchmarks/peers/support/pydantic_ai_agent.py",
    Contender("langgraph", "langgraph", environment="langchain"): "benchmarks/peers/support/langgraph_agent.py",
}
"""Each library, and the file of its agent."""

HEADER = ["", "lines", "model", "model calls", "tool seconds", "elapsed", "approvals asked", "refund to the stranger"]


def main() -> int:
    """Measure everything that is there; 0 unless something went wrong."""
    parser = argparse.ArgumentParser(description="A support agent in three libraries.")
    parser.add_argument("--install", action="store_true", help="install the peers that are missing, into the cache")
    parser.add_argument("--runs", type=int, default=5, help="of each; the time is their median")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the peers' environments are kept")
    parser.add_argument("--json", action="store_true", help="print the rows as they are")
    options = parser.parse_args()

    rows = []
    for library, file in LIBRARIES.items():
        python = python_of(library, options.cache) if options.install else installed(library, options.cache)
        if python is None:
            print(f"{library.name} is not installed and is left out; --install installs it", file=sys.stderr)
            continue
        said = {"library": library.name, "lines": lines_of_code(ROOT / file)}
        rows += [said | row for row in ask(library, python, "--runs", str(options.runs))]
    print(json.dumps(rows, indent=1) if options.json else table(rows))
    return 0


def ask(library: Contender, python: Path, *arguments: str) -> list[dict[str, Any]]:
    """The rows of one library, from a process in its environment.

    Raises:
        RuntimeError: the process failed; the message is the last line that it said.
    """
    with tempfile.TemporaryDirectory() as home:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        path = [str(ROOT)] if library.environment else [str(ROOT / "src"), str(ROOT)]
        done = subprocess.run(
            [str(python), "-m", "benchmarks.peers.support.driver", library.driver, *arguments],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            cwd=home,
            env=kept | QUIET | {"HOME": home, "PYTHONPATH": os.pathsep.join(path)},
        )
    if done.returncode:
        raise RuntimeError(f"{library.name}: {done.stderr.strip().rpartition(chr(10))[2] or 'it said nothing'}")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def lines_of_code(file: Path) -> int:
    """The lines of a file that are neither blank nor only a comment; docstrings count, as models read them."""
    beside = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    found: set[int] = set()
    with file.open() as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type not in beside:
                found.update(range(token.start[0], token.end[0] + 1))
    return len(found)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Markdown, aligned for a terminal."""
    cells = [HEADER, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    printed = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in cells]
    return "\n".join([printed[0], "| " + " | ".join("-" * max(w, 3) for w in widths) + " |", *printed[1:]])


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        f"{row['library']} {row['version']}",
        str(row["lines"]),
        row["model"],
        str(row["model_calls"]),
        f"{row['tool_seconds']:.2f}",
        f"{row['elapsed']:.2f} s",
        str(len(row["asked"])),
        "made" if STRANGER in row["refunds"].values() else "not made",
    ]


if __name__ == "__main__":
    sys.exit(main())
