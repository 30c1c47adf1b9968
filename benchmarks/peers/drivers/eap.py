"""efficient-agent-protocol: a batch of tool calls in one request, on its local executor.

It keeps every step in SQLite and writes the whole request again at each step; there is no way to turn that off, so its
database lies in memory-backed storage for the plain rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from eap.environment import AsyncLocalExecutor
from eap.environment.tool_registry import ToolRegistry
from eap.protocol import BatchedMacroRequest, StateManager, ToolCall
from eap.protocol.models import ExecutionLimits, ToolExecutionLimit

from benchmarks.peers.driver import AsyncPeer, Ready, serve
from benchmarks.peers.shapes import Inputs, Timed
from benchmarks.peers.shapes import free as sum_up

_ANY: dict[str, str] = {}  # it hands integers on as text, so nothing narrower would pass


class EfficientAgentProtocol(AsyncPeer):
    """Sync tools, which it runs in threads: it never awaits a coroutine. Its cap is 8 where none is given."""

    packages = ("efficient-agent-protocol",)
    configuration = "AsyncLocalExecutor, sync tools in its threads, its SQLite state in memory-backed storage, cap 64"

    def start(self, scratch: Path) -> None:
        """Where its databases go."""
        memory = Path("/dev/shm")
        self._scratch = scratch
        self._fast = memory if memory.is_dir() else scratch
        self._numbers = count()

    def build(self, inputs: Inputs) -> Ready:
        """A request with a step per call."""
        path = self._fast / f"eap-{id(self)}-{next(self._numbers)}.db"
        return self._ready(inputs, path, remove=True)

    def build_journaled(self, inputs: Inputs, path: Path) -> Ready:
        """It always keeps everything; here in a file on disk."""
        return self._ready(inputs, path, remove=False)

    def _ready(self, inputs: Inputs, path: Path, *, remove: bool) -> Ready:
        results = [0] * len(inputs)

        def free(i: int, x: int, y: int = 0) -> int:
            results[i] = value = sum_up(int(x), int(y))
            return value

        registry = ToolRegistry()
        registry.register("free", free, _schema("free", {"i": _ANY, "x": _ANY, "y": _ANY}, ["i", "x"]))
        state = StateManager(db_path=str(path))
        executor = AsyncLocalExecutor(state, registry)
        steps = []
        for i, needed in enumerate(inputs):
            given: dict[str, Any] = {name: f"$step:t{j}" for name, j in zip("xy", needed, strict=False)} or {"x": i}
            steps.append(ToolCall(step_id=f"t{i}", tool_name="free", arguments={"i": i, **given}))
        request = BatchedMacroRequest(steps=steps, execution_limits=ExecutionLimits(max_global_concurrency=64))

        def run() -> list[int]:
            self.wait(executor.execute_macro(request))
            if remove:
                for file in path.parent.glob(path.name + "*"):
                    file.unlink()
            return results

        return run

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Its global cap and its limits per tool."""

        def pause(i: int, x: int = 0, y: int = 0) -> int:
            starts[i] = perf_counter()
            time.sleep(timed.seconds[i])
            ends[i] = perf_counter()
            return 0

        registry = ToolRegistry()
        for name in set(timed.tools):
            registry.register(name, pause, _schema(name, {"i": _ANY, "x": _ANY, "y": _ANY}, ["i"]))
        executor = AsyncLocalExecutor(
            StateManager(db_path=str(self._fast / f"eap-{id(self)}-{next(self._numbers)}.db")), registry
        )
        steps = [
            ToolCall(
                step_id=f"t{i}",
                tool_name=timed.tools[i],
                arguments={"i": i, **{name: f"$step:t{j}" for name, j in zip("xy", needed, strict=False)}},
            )
            for i, needed in enumerate(timed.inputs)
        ]
        limits = ExecutionLimits(
            max_global_concurrency=timed.cap,
            per_tool={tool: ToolExecutionLimit(max_concurrency=most) for tool, most in timed.limits},
        )
        request = BatchedMacroRequest(steps=steps, execution_limits=limits)
        return lambda: self.wait(executor.execute_macro(request))

    def stop(self) -> None:
        """Leave nothing in memory-backed storage."""
        super().stop()
        for file in self._fast.glob(f"eap-{id(self)}-*"):
            file.unlink()


def _schema(name: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "object", "properties": properties, "required": required}}


if __name__ == "__main__":
    serve(EfficientAgentProtocol)
