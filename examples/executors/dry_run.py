"""What would be written is shown and not written: `LLMCompiler(tools=..., executor=DryRun())`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from superscalar import NotDone, Tool
from superscalar.executors import LOCAL, Channel, Executor, Invocation, Runner


class DryRun:
    """Makes no write, and every other call. `calls` has the writes that would have been made.

    `instead`: what a write gives all the same, by the tool's name, so that the plan goes on. Without that it fails, and
    certainly was not done.
    """

    dry_run = True  # says so to whoever would rather not write, such as `superscalar compare`

    def __init__(
        self, inner: Executor = LOCAL, instead: Mapping[str, Callable[[Invocation], Any]] | None = None
    ) -> None:
        self._inner, self._instead = inner, instead or {}
        self.calls: list[Invocation] = []

    def runner(self, tool: Tool[..., Any]) -> Runner:
        """What calls it, unless it is a write."""
        run = self._inner.runner(tool)

        async def note(call: Invocation, _: Channel) -> Any:
            self.calls.append(call)
            if call.tool not in self._instead:
                raise NotDone("this is a dry run")
            return self._instead[call.tool](call)

        return note if tool.effect == "write" else run
