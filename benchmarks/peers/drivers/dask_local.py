"""Dask's local scheduler on its plain graphs: in one thread, which is its fastest way for free calls.

`--threads` runs the same graphs on its thread pool, which is the way it has to run anything at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from time import perf_counter
from typing import Any

import dask
import dask.threaded
from dask._task_spec import Task, TaskRef

from benchmarks.peers.driver import Peer, Ready, Unsupported, serve
from benchmarks.peers.shapes import Inputs, Timed, free


class DaskLocal(Peer):
    """`dask.get` or `dask.threaded.get` on a graph of tasks; a sync function, since it takes no coroutines."""

    packages = ("dask",)

    def __init__(self, *, threads: bool = False) -> None:
        self._get = dask.threaded.get if threads else dask.get
        self._threads = threads
        self.configuration = "dask.threaded.get, 8 threads" if threads else "dask.get: one thread, no pool"

    def build(self, inputs: Inputs) -> Ready:
        """A graph of its own tasks, references and all."""
        graph = {
            i: Task(i, free, *(TaskRef(j) for j in needed)) if needed else Task(i, free, i)
            for i, needed in enumerate(inputs)
        }
        keys = list(graph)
        settings: dict[str, Any] = {"num_workers": 8} if self._threads else {}

        def run() -> list[Any]:
            found = self._get(graph, keys, **settings)
            return list(found)

        return run

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """As many threads as the cap."""
        if not self._threads:
            raise Unsupported("one call at a time")
        if timed.limits:
            raise Unsupported("no limit of one tool")

        def pause(i: int, *_: object) -> None:
            starts[i] = perf_counter()
            time.sleep(timed.seconds[i])
            ends[i] = perf_counter()

        graph = {
            f"t{i}": Task(f"t{i}", pause, i, *(TaskRef(f"t{j}") for j in needed))
            for i, needed in enumerate(timed.inputs)
        }
        return lambda: self._get(graph, list(graph), num_workers=timed.cap)


if __name__ == "__main__":
    serve(lambda: DaskLocal(threads="--threads" in sys.argv[1:]))
