"""Prefect: a flow of tasks on its thread pool, its API server in an own process on 127.0.0.1, its SQLite in a folder.

It records every state of every task, so its plain rows are journaled too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.peers.driver import Peer, Ready, Unsupported, serve
from benchmarks.peers.shapes import Inputs, Timed, free


class Prefect(Peer):
    """`task.submit` per call, futures as arguments; no logs to the API, no telemetry."""

    packages = ("prefect",)
    configuration = "flow with ThreadPoolTaskRunner, task.submit with futures; test harness's own local server"

    def start(self, scratch: Path) -> None:
        """Bring the server up."""
        os.environ |= {
            "PREFECT_HOME": str(scratch / "prefect"),
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{scratch / 'prefect.db'}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
            "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "CRITICAL",
            "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
            "DO_NOT_TRACK": "1",
        }
        import prefect
        from prefect.testing.utilities import prefect_test_harness

        self._prefect = prefect
        self._open = ExitStack()
        self._open.enter_context(prefect_test_harness(server_startup_timeout=90))
        self._free = prefect.task(free, name="free")

    def stop(self) -> None:
        """End the server."""
        self._open.close()

    def build(self, inputs: Inputs) -> Ready:
        """A flow that submits the calls."""
        from prefect.task_runners import ThreadPoolTaskRunner

        def graph() -> list[Any]:
            futures: list[Any] = []
            for i, needed in enumerate(inputs):
                futures.append(self._free.submit(*([futures[j] for j in needed] or [i])))
            return [future.result() for future in futures]

        flow = self._prefect.flow(graph, name="graph", task_runner=ThreadPoolTaskRunner(max_workers=8))
        return lambda: list(flow())

    def build_journaled(self, inputs: Inputs, path: Path) -> Ready:
        """It always keeps its states in SQLite."""
        return self.build(inputs)

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Its cap is the size of its thread pool; a limit of one tool would be a lock held by a thread of that pool."""
        if timed.limits:
            raise Unsupported("no limit of one tool that leaves its threads free")
        from prefect.task_runners import ThreadPoolTaskRunner

        def pause(i: int, *_: object) -> int:
            starts[i] = perf_counter()
            time.sleep(timed.seconds[i])
            ends[i] = perf_counter()
            return i

        sleep = self._prefect.task(pause, name="pause")

        def graph() -> None:
            futures: list[Any] = []
            for i, needed in enumerate(timed.inputs):
                futures.append(sleep.submit(i, *(futures[j] for j in needed)))
            for future in futures:
                future.result()

        flow = self._prefect.flow(graph, name="graph", task_runner=ThreadPoolTaskRunner(max_workers=timed.cap))
        return lambda: flow()


if __name__ == "__main__":
    serve(Prefect)
