"""Ray on this machine: a remote function per call, object references as arguments."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import ray

from benchmarks.peers.driver import Peer, Ready, serve
from benchmarks.peers.shapes import Inputs, Timed, free


def _pause(seconds: float, *_: object) -> tuple[float, float]:
    start = perf_counter()
    time.sleep(seconds)
    return start, perf_counter()


class Ray(Peer):
    """Two processors, no dashboard, results in its object store."""

    packages = ("ray",)
    configuration = "ray.init with 2 CPUs on 127.0.0.1, no dashboard; remote functions, sync"

    def start(self, scratch: Path) -> None:
        """Bring its processes up."""
        ray.init(
            num_cpus=2,
            resources={"slow": 1},
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=200 * 1024 * 1024,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(scratch),
            configure_logging=False,
        )
        self._free = ray.remote(free)
        self._pause = ray.remote(_pause)

    def stop(self) -> None:
        """End its processes."""
        ray.shutdown()

    def build(self, inputs: Inputs) -> Ready:
        """Nothing to build: calling is running."""

        def run() -> list[Any]:
            references: list[Any] = []
            for i, needed in enumerate(inputs):
                references.append(self._free.remote(*([references[j] for j in needed] or [i])))
            found = ray.get(references)
            return list(found)

        return run

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """A share of its processors per call is the cap; a resource of its own is the limit of the tool."""
        share = 2 / timed.cap
        limited = {tool for tool, _ in timed.limits}
        kinds = {
            tool: self._pause.options(num_cpus=share, resources={tool: 1} if tool in limited else {})
            for tool in set(timed.tools)
        }

        def run() -> None:
            references: list[Any] = []
            for i, needed in enumerate(timed.inputs):
                given = [references[j] for j in needed]
                references.append(kinds[timed.tools[i]].remote(timed.seconds[i], *given))
            for i, (start, end) in enumerate(ray.get(references)):
                starts[i], ends[i] = start, end

        return run


if __name__ == "__main__":
    serve(Ray)
