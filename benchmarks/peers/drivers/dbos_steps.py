"""DBOS: a workflow whose steps are kept in SQLite. It always keeps them, so it has journaled rows only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from dbos import DBOS

from benchmarks.peers.driver import AsyncPeer, Ready, serve
from benchmarks.peers.shapes import Inputs, free_async


class DbosSteps(AsyncPeer):
    """Coroutine steps; a layer is gathered. Its database is one file for the life of the process."""

    packages = ("dbos",)
    configuration = "async workflow, async steps, SQLite system database on disk, no telemetry"

    def start(self, scratch: Path) -> None:
        """Register the workflow, then launch."""
        DBOS(
            config={
                "name": "peers",
                "system_database_url": f"sqlite:///{scratch / 'dbos.sqlite'}",
                "log_level": "CRITICAL",
                "enable_otlp": False,
            }
        )
        call = DBOS.step()(free_async)
        self._inputs: Inputs = ()

        async def graph() -> list[int]:
            inputs = self._inputs
            values: list[int] = []
            while len(values) < len(inputs):
                ready = len(values)
                layer = []
                for i in range(ready, len(inputs)):
                    if any(j >= ready for j in inputs[i]):
                        break
                    layer.append(call(*([values[j] for j in inputs[i]] or [i])))
                values += await asyncio.gather(*layer)
            return values

        self._workflow: Any = DBOS.workflow()(graph)
        DBOS.launch()

    def stop(self) -> None:
        """End its threads."""
        DBOS.destroy()
        super().stop()

    def build_journaled(self, inputs: Inputs, path: Path) -> Ready:
        """The workflow that is registered already."""

        def run() -> list[Any]:
            self._inputs = inputs
            found = self.wait(self._workflow())
            return list(found)

        return run


if __name__ == "__main__":
    serve(DbosSteps)
