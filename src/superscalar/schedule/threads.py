"""Threads as a limit like another: calls of tools that are not async take part in it, beside the limits of the tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from superscalar.tools.execution import Runner, takes_thread
from superscalar.tools.terms import Limit
from superscalar.tools.tool import Tool

THREADS: Final = "tool threads"
"""The name of that limit: all runs of the process share it, as they share the threads."""

THREAD_LIMIT: Final = Limit(concurrency=32)


class TakesPartIn(dict[Tool[..., Any], tuple[str, ...]]):
    """The names of all limits that a call of a tool takes part in, by what runs it; found when first asked for."""

    def __init__(self, runners: Mapping[Tool[..., Any], Runner]) -> None:
        super().__init__()
        self._runners = runners

    def __missing__(self, tool: Tool[..., Any]) -> tuple[str, ...]:
        forms = [tool] if tool.batched is None else [tool, tool.batched.tool]
        names = tool.limited_by
        if any(takes_thread(self._runners[form]) for form in forms):
            names = (*names, THREADS)
        self[tool] = names
        return names
