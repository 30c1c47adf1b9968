"""LangGraph's StateGraph: a node per call, an edge per input, one channel that gathers the results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, TypedDict
from uuid import uuid4

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from benchmarks.peers.driver import AsyncPeer, Ready, Unsupported, serve
from benchmarks.peers.shapes import Inputs, Timed, free_async


def _into(values: dict[int, int], new: dict[int, int]) -> dict[int, int]:
    """Put in place, so that a result costs the same whatever is there already."""
    values.update(new)
    return values


class _State(TypedDict):
    values: Annotated[dict[int, int], _into]


def _node(i: int, needed: tuple[int, ...]) -> Callable[[_State], Any]:
    async def call(state: _State) -> dict[str, dict[int, int]]:
        given = [state["values"][j] for j in needed] or [i]
        return {"values": {i: await free_async(*given)}}

    return call


def _graph_of(inputs: Inputs, node: Callable[[int, tuple[int, ...]], Any]) -> Any:
    graph = StateGraph(_State)
    used: set[int] = set()
    for i, needed in enumerate(inputs):
        graph.add_node(f"t{i}", node(i, needed))
        used.update(needed)
        if not needed:
            graph.add_edge(START, f"t{i}")
        elif len(needed) == 1:
            graph.add_edge(f"t{needed[0]}", f"t{i}")
        else:
            graph.add_edge([f"t{j}" for j in dict.fromkeys(needed)], f"t{i}")
    for i in range(len(inputs)):
        if i not in used:
            graph.add_edge(f"t{i}", END)
    return graph


class LangGraphStateGraph(AsyncPeer):
    """Nodes are coroutines; supersteps are its own."""

    packages = ("langgraph", "langgraph-checkpoint-sqlite")
    configuration = "StateGraph, a node per call, async, one channel written in place"

    def build(self, inputs: Inputs) -> Ready:
        """Nodes, edges, compile."""
        graph = _graph_of(inputs, _node).compile()

        def run() -> list[int]:
            state = self.wait(graph.ainvoke({"values": {}}, {"recursion_limit": len(inputs) + 10}))
            return [state["values"][i] for i in range(len(inputs))]

        return run

    def build_journaled(self, inputs: Inputs, path: Path) -> Ready:
        """With its SQLite checkpointer; durability stays at its default, which writes while the run goes on."""
        graph = _graph_of(inputs, _node)

        async def main() -> list[int]:
            async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
                terms = {"recursion_limit": len(inputs) + 10, "configurable": {"thread_id": uuid4().hex}}
                state = await graph.compile(checkpointer=saver).ainvoke({"values": {}}, terms)
                return [state["values"][i] for i in range(len(inputs))]

        return lambda: self.wait(main())

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Its cap is `max_concurrency`."""
        if timed.limits:
            raise Unsupported("no limit of one tool")

        def node(i: int, _: tuple[int, ...]) -> Callable[[_State], Any]:
            async def pause(_: _State) -> dict[str, dict[int, int]]:
                starts[i] = perf_counter()
                await asyncio.sleep(timed.seconds[i])
                ends[i] = perf_counter()
                return {"values": {i: i}}

            return pause

        graph = _graph_of(timed.inputs, node).compile()
        return lambda: self.wait(graph.ainvoke({"values": {}}, {"max_concurrency": timed.cap}))


if __name__ == "__main__":
    serve(LangGraphStateGraph)
