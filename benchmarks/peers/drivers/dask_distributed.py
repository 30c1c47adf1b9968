"""Dask's distributed scheduler on a local cluster: one worker with threads in this process, its cheapest form."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import dask
from distributed import Client, LocalCluster

from benchmarks.peers.driver import Peer, Ready, serve
from benchmarks.peers.shapes import Inputs, Timed, free


def _pause(seconds: float, *_: object) -> tuple[float, float]:
    start = perf_counter()
    time.sleep(seconds)
    return start, perf_counter()


class DaskDistributed(Peer):
    """`Client.submit` per call, futures as arguments: its way to run graphs that are written call by call."""

    packages = ("dask", "distributed")
    configuration = "LocalCluster in this process, one worker, 8 threads, no dashboard; client.submit with futures"

    def start(self, scratch: Path) -> None:
        """Bring the cluster up. A worker holds one `slow`, which is how a limit of one tool is said."""
        dask.config.set({"temporary-directory": str(scratch), "distributed.worker.memory.terminate": False})
        dask.config.set({"distributed.scheduler.worker-saturation": "inf", "distributed.comm.timeouts.connect": "10s"})
        self._cluster = LocalCluster(
            n_workers=1,
            threads_per_worker=8,
            processes=False,
            dashboard_address=None,
            resources={"slow": 1},
            memory_limit=0,
            silence_logs=False,
        )
        self._client = Client(self._cluster)

    def stop(self) -> None:
        """Take the cluster down."""
        self._client.close()
        self._cluster.close()

    def build(self, inputs: Inputs) -> Ready:
        """Nothing to build: submitting is running."""

        def run() -> list[Any]:
            futures: list[Any] = []
            for i, needed in enumerate(inputs):
                given = [futures[j] for j in needed] or [i]
                futures.append(self._client.submit(free, *given, pure=False))
            found = self._client.gather(futures)
            return list(found)

        return run

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Eight threads are the cap; a resource of the worker is the limit of the tool."""
        limited = {tool for tool, _ in timed.limits}

        def run() -> None:
            futures: list[Any] = []
            for i, needed in enumerate(timed.inputs):
                terms = {"resources": {timed.tools[i]: 1}} if timed.tools[i] in limited else {}
                futures.append(
                    self._client.submit(_pause, timed.seconds[i], *(futures[j] for j in needed), pure=False, **terms)
                )
            for i, (start, end) in enumerate(self._client.gather(futures)):
                starts[i], ends[i] = start, end

        return run


if __name__ == "__main__":
    serve(DaskDistributed)
