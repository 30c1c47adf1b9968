"""A span around each call, which is the current one inside it: `LLMCompiler(tools=..., executor=Spans(tracer))`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Protocol

from superscalar import Tool
from superscalar.executors import LOCAL, Channel, Executor, Invocation, Runner


class Span(Protocol):
    """What is used of a span of OpenTelemetry."""

    def set_attribute(self, key: str, value: str | int, /) -> None:
        """Say something of it."""


class Tracer(Protocol):
    """What is used of a tracer: `opentelemetry.trace.get_tracer(__name__)` is one."""

    def start_as_current_span(self, name: str, /, **options: Any) -> AbstractContextManager[Any]:
        """Begin a span, and end it."""


class Spans:
    """Tells a tracer of each attempt, so that what a tool does (requests, queries) hangs below it; in a thread, too.

    Neither arguments nor the text of an exception are told: both may hold what is secret.
    """

    def __init__(self, tracer: Tracer, inner: Executor = LOCAL) -> None:
        self._tracer, self._inner = tracer, inner

    def runner(self, tool: Tool[..., Any]) -> Runner:
        """What calls it inside a span."""
        run = self._inner.runner(tool)

        @wraps(run)
        async def inside(call: Invocation, channel: Channel) -> Any:
            silent = {"record_exception": False, "set_status_on_exception": False}
            with self._tracer.start_as_current_span(f"execute_tool {tool.name}", **silent) as span:
                for key, value in (("run_id", call.run_id), ("task_id", call.task_id), ("attempt", call.attempt)):
                    span.set_attribute(f"superscalar.{key}", value)
                try:
                    return await run(call, channel)
                except BaseException as error:
                    span.set_attribute("error.type", type(error).__name__)
                    raise

        return inside
