"""The driver's half: a peer behind one small interface, and requests as lines of JSON on standard input.

    echo '{"do": "cost", "shape": "wide", "size": 1000}' | python -m benchmarks.peers.drivers.bare

Answers are lines of JSON on what was standard output when the driver started; whatever a peer prints goes nowhere.
Times in seconds, memory in bytes.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

from benchmarks.peers.shapes import SHAPES, Inputs, Timed, head_of_line, random_layers, verify

T = TypeVar("T")

Ready = Callable[[], Iterable[object]]
"""A built graph: runs it once and returns the results of all tasks, in their order."""

_WARM_UP = 50
_EXECUTIONS = 5


class Unsupported(Exception):
    """The peer has no such thing; the message says what is missing."""


class Peer:
    """A peer in its best reasonable configuration. A subclass says what it can; what it does not say is unsupported.

    `packages`: whose versions are reported. `configuration`: what was chosen, for the report.
    """

    packages: tuple[str, ...] = ()
    configuration = ""

    def versions(self) -> dict[str, str]:
        """What is measured."""
        return {name: version(name) for name in self.packages}

    def start(self, scratch: Path) -> None:
        """Come up; not measured. `scratch` is a folder that is removed afterwards."""

    def stop(self) -> None:
        """End everything that was started."""

    def build(self, inputs: Inputs) -> Ready:
        """Make a graph of calls of the free tool. Measured as building."""
        raise Unsupported("no graphs")

    def build_journaled(self, inputs: Inputs, path: Path) -> Ready:
        """The same with what happened kept at `path`, so that a killed run could go on."""
        raise Unsupported("nothing is kept on disk")

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Make a graph of sleeps under its cap and limits. Each task notes when it started and ended, by its place."""
        raise Unsupported("no cap on calls at once")


class AsyncPeer(Peer):
    """A peer on an event loop. One loop for the whole process: making one is nobody's cost per task."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def wait(self, main: Coroutine[Any, Any, T]) -> T:
        """Run to the end on the one loop."""
        return self._runner.run(main)

    def stop(self) -> None:
        """Close the loop."""
        self._runner.close()


def resident() -> int:
    """Bytes of memory of this process and of all that it started."""
    children: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            pages[int(folder.name)] = int((folder / "statm").read_text().split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    todo, total = [os.getpid()], 0
    while todo:
        process = todo.pop()
        total += pages.get(process, 0)
        todo += children.get(process, [])
    return total * os.sysconf("SC_PAGE_SIZE")


def cost(peer: Peer, shape: str, size: int, *, journal: Path | None = None) -> dict[str, float]:
    """Seconds to build and to run one graph; the results are compared afterwards."""
    inputs = SHAPES[shape](size)
    gc.collect()
    begin = perf_counter()
    ready = peer.build(inputs) if journal is None else peer.build_journaled(inputs, journal)
    built = perf_counter()
    results = ready()
    end = perf_counter()
    verify(inputs, results)
    return {"build": built - begin, "run": end - built}


def paid(peer: Peer, shape: str, size: int) -> dict[str, float]:
    """CPU seconds to build one graph, and to run it on average of five times, as in a program: nobody collects by hand.

    The results are compared when all is over.
    """
    inputs = SHAPES[shape](size)
    begin = process_time()
    ready = peer.build(inputs)
    built = process_time()
    seconds, results = [], []
    for _ in range(_EXECUTIONS):
        start = process_time()
        results = list(ready())
        seconds.append(process_time() - start)
    verify(inputs, results)
    return {"build": built - begin, "run": sum(seconds) / _EXECUTIONS}


def memory(peer: Peer, shape: str, size: int) -> dict[str, float]:
    """Growth of resident memory by one graph that was built and run and is still held, per task."""
    inputs = SHAPES[shape](size)
    gc.collect()
    before = resident()
    ready = peer.build(inputs)
    gc.collect()
    built = resident()
    results = ready()
    gc.collect()
    after = resident()
    verify(inputs, results)
    return {"build": (built - before) / size, "run": (after - built) / size}


def timed(peer: Peer, graph: Timed) -> tuple[float, list[float]]:
    """Seconds for a graph of sleeps, and when each task ended, from its start."""
    starts = [0.0] * len(graph.inputs)
    ends = [0.0] * len(graph.inputs)
    run = peer.build_timed(graph, starts, ends)
    gc.collect()
    begin = perf_counter()
    run()
    seconds = perf_counter() - begin
    for i, needed in enumerate(graph.inputs):
        if not ends[i] - starts[i] >= graph.seconds[i] * 0.99:
            raise AssertionError(f"task {i} did not sleep")
        if any(ends[j] > starts[i] for j in needed):
            raise AssertionError(f"task {i} started before its inputs were there")
    moments = sorted([(at, 1) for at in starts] + [(at, -1) for at in ends])
    running = most = 0
    for _, change in moments:
        running += change
        most = max(most, running)
    if most > graph.cap:
        raise AssertionError(f"{most} calls at once under a cap of {graph.cap}")
    return seconds, [end - begin for end in ends]


def answer(peer: Peer, request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """What a request came to."""
    match request["do"]:
        case "about":
            return {"versions": peer.versions(), "configuration": peer.configuration}
        case "cost":
            return cost(peer, request["shape"], request["size"])
        case "paid":
            return paid(peer, request["shape"], request["size"])
        case "journal":
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                return cost(peer, request["shape"], request["size"], journal=Path(folder) / "journal.db")
        case "memory":
            return memory(peer, request["shape"], request["size"])
        case "makespan":
            return {"seconds": timed(peer, random_layers(request["seed"]))[0]}
        case "headofline":
            graph = head_of_line()
            seconds, ends = timed(peer, graph)
            fast = max(end for end, tool in zip(ends, graph.tools, strict=True) if tool == "fast")
            return {"seconds": seconds, "fast": fast}
        case unknown:
            raise ValueError(f"no such request: {unknown}")


def serve(make: Callable[[], Peer]) -> None:
    """Answer requests until standard input ends. The first answer says that the peer is up."""
    out = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(1_000_000)  # some peers recurse along a chain

    def say(found: dict[str, Any]) -> None:
        out.write(json.dumps(found) + "\n")
        out.flush()

    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        scratch = Path(folder)
        try:
            peer = make()
            peer.start(scratch)
            for shape in SHAPES:
                with suppress(Unsupported):
                    cost(peer, shape, _WARM_UP)
        except BaseException as error:  # noqa: BLE001 -- whatever a peer does wrong is an answer
            say({"error": f"{type(error).__name__}: {error}", "story": traceback.format_exc()})
            return
        say({"up": True})
        for line in sys.stdin:
            try:
                say(answer(peer, json.loads(line), scratch))
            except Unsupported as missing:
                say({"unsupported": str(missing)})
            except BaseException as error:  # noqa: BLE001
                say({"error": f"{type(error).__name__}: {str(error)[:300]}", "story": traceback.format_exc()[-4_000:]})
        peer.stop()
