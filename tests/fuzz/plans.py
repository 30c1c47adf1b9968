"""Fuzz the plan language: `PYTHONPATH=tests python -m fuzz.plans --minutes 60`.

Case number n of a seed is always the same text. A finding is made smaller and kept in `--keep`, with its seed and
number; `--resume` goes on behind the last case of the run before, and `--again FILE` looks at one text once more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import monotonic

from fuzz.examine import Finding, examine
from fuzz.sources import source

_MOST_TRIES = 400
_PERIOD = 60.0  # seconds between two reports


def case(seed: str, number: int) -> tuple[str, str, Random]:
    """A text, where it comes from, and the chance by which it is looked at."""
    name, text = source(Random(f"{seed} {number}"))
    return name, text, Random(f"{seed} {number} look")


def minimised(text: str, holds: Callable[[str], bool], tries: int = _MOST_TRIES) -> str:
    """A smaller text for which something still holds: without lines first, then without characters."""
    for parts in (text.splitlines(keepends=True), None):
        left = list(text) if parts is None else parts
        size = max(len(left) // 2, 1)
        while size and tries:
            at = 0
            while at < len(left) and tries:
                without = left[:at] + left[at + size :]
                tries -= 1
                if holds("".join(without)):
                    left = without
                else:
                    at += size
            size //= 2
        text = "".join(left)
    return text


def finding_of(text: str, look: Random) -> Finding | None:
    """What is wrong with a text, if anything is; `look` is not used up."""
    fresh = Random()
    fresh.setstate(look.getstate())
    try:
        examine(text, fresh)
    except Finding as found:
        return found
    return None


def keep(folder: Path, found: Finding, text: str, seed: str, number: int, look: Random) -> Path:
    """Write a finding down, as small as it gets."""
    small = minimised(
        text, lambda candidate: (other := finding_of(candidate, look)) is not None and other.kind == found.kind
    )
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(f"{found.kind} {small}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    path = folder / f"{name}.json"
    document = {"kind": found.kind, "detail": str(found), "seed": seed, "number": number, "text": small, "whole": text}
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def fuzz(seed: str, numbers: range, folder: Path, enough: Callable[[], bool]) -> tuple[Counter[str], list[Path], int]:
    """Look at cases until it is `enough`; how far each got, what was kept, and the number of the next case."""
    counts: Counter[str] = Counter()
    kept: list[Path] = []
    kinds: Counter[str] = Counter()
    number = numbers.start
    reported = monotonic()
    for number in numbers:
        if enough():
            break
        name, text, look = case(seed, number)
        try:
            counts[f"{name} {examine(text, look)}"] += 1
        except Finding as found:
            kinds[found.kind] += 1
            if kinds[found.kind] <= 5:  # more of a kind say nothing new
                kept.append(keep(folder, found, text, seed, number, case(seed, number)[2]))
                print(f"case {number} ({name}): {found.kind} -> {kept[-1]}", flush=True)
        if monotonic() - reported > _PERIOD:
            reported = monotonic()
            print(f"{counts.total():,} cases, {kinds.total():,} findings", flush=True)
            _note(folder, seed, number + 1)
    else:
        number = numbers.stop
    _note(folder, seed, number)
    return counts, kept, number


def _note(folder: Path, seed: str, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.json").write_text(json.dumps({"seed": seed, "next": number}), encoding="utf-8")


def main() -> int:
    """Fuzz, and exit with 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--examples", type=int, default=sys.maxsize, help="so many cases at the most")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--start", type=int, default=0, help="the number of the first case")
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), help="where findings are written")
    parser.add_argument("--resume", action="store_true", help="go on where the last run in that place ended")
    parser.add_argument("--again", type=Path, help="a finding to look at once more")
    options = parser.parse_args()
    if options.again is not None:
        document = json.loads(options.again.read_text(encoding="utf-8"))
        found = finding_of(document["text"], case(document["seed"], document["number"])[2])
        print(found or "this is right now")
        return 1 if found else 0
    state = options.keep / "state.json"
    if options.resume and state.exists():
        last = json.loads(state.read_text(encoding="utf-8"))
        options.seed, options.start = last["seed"], last["next"]
    end = monotonic() + options.minutes * 60
    numbers = range(options.start, options.start + min(options.examples, sys.maxsize - options.start))
    print(f"seed {options.seed}, from case {options.start}", flush=True)
    counts, kept, number = fuzz(options.seed, numbers, options.keep, lambda: monotonic() > end)
    for name, count in sorted(counts.items()):
        print(f"{count:>9,}  {name}")
    print(f"{number - options.start:,} cases of seed {options.seed}, {len(kept)} kept in {options.keep}")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
