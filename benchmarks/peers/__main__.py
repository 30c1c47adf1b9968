"""What a scheduled call costs, ours beside peers that were installed from a package index, in one run.

Shapes: `wide` (no call needs another), `chain` (each takes the one before), `layered` (layers of 100, each call takes
two of the layer before). Every peer runs the same graphs of the same free tool in a process and an environment of its
own; every result is compared. Repetitions are taken in turns over all peers; the numbers are ratios of medians: over
superscalar, which has limits, events, retries, validation and timeouts on, and over a bare asyncio loop ("x bare").
`run` leaves out building the graph where a peer builds one; `total` does not. A peer that takes more than --most
seconds for a size is stopped there. Peers that keep processes running are measured last, one by one, beside the bare
loop and superscalar again. Further sections: paid (what a user pays: fresh processes that run a graph five times, in
seconds of their CPU, and nobody collects garbage by hand), makespan (random layered graphs of sleeps, cap 8, over the
lower bound), headofline (a slow limited tool beside fast ones), memory (growth of resident memory), journal.

The first run installs the peers into a cache folder; after that, nothing reaches out of this machine.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from benchmarks.peers.measure import SECTIONS, Settings, everything
from benchmarks.peers.peers import CONTENDERS, default_cache
from benchmarks.peers.report import behind, in_terminal, into_page, together


def main() -> int:
    """Measure, then print or write what was found; with --check, fail where a peer is ahead."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ", ".join(CONTENDERS)
    parser.add_argument("--peers", nargs="+", default=list(CONTENDERS), metavar="NAME", help=f"of: {names}")
    parser.add_argument("--sections", nargs="+", default=list(SECTIONS), choices=list(SECTIONS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--most", type=float, default=60.0, help="seconds after which a peer is stopped at a size")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds for one peer's repetitions of one row")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the peers' environments are kept")
    parser.add_argument("--json", action="store_true", help="print every row, with seconds")
    parser.add_argument("--page", type=Path, help="write the tables into this page, between its marks")
    parser.add_argument(
        "--rows", type=Path, nargs="+", help="measure nothing: take what --json printed, once or oftener"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a peer is ahead anywhere")
    options = parser.parse_args()
    if unknown := [name for name in options.peers if name not in CONTENDERS]:
        parser.error(f"no such peer: {', '.join(unknown)}; there are: {names}")

    if options.rows:
        found = together(json.loads(file.read_text()) for file in options.rows)
    else:
        settings = Settings(
            options.peers, sorted(options.sizes), options.repetitions, options.cache, options.most, options.budget
        )
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # all that was started is ended either way
        found = everything(settings, options.sections)
    if options.page:
        into_page(options.page, found)
    print(json.dumps(found, indent=1) if options.json else in_terminal(found))
    return 1 if options.check and behind(found["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main())
