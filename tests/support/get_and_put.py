"""One text, run by CPython and run as a plan, over a tool that reads and a tool that writes."""

from __future__ import annotations

from typing import Any

from superscalar import tool
from superscalar.tools import Tool
from superscalar.tools.toolset import Toolset
from support.alike import canonical
from support.running import executed


class GetAndPut:
    """The tool `get` of a test beside `put`, which keeps what it is given in `wrote`."""

    def __init__(self, get: Tool[..., Any]) -> None:
        self.wrote: list[Any] = []

        @tool(effect="write")
        def put(x: Any) -> Any:
            """The argument, which is kept."""
            self.wrote.append(x)
            return x

        self.tools = [get, put]
        self.signatures = Toolset(self.tools).signatures

    def python(self, source: str) -> tuple[Any, list[Any]]:
        """What CPython joins and writes."""
        joined: list[Any] = []

        def join(*values: Any, **named: Any) -> None:
            joined.append(named or (values[0] if len(values) == 1 else list(values)))

        self.wrote.clear()
        exec(compile(source, "plan", "exec"), {**{each.name: each.function for each in self.tools}, "join": join})
        return canonical(joined[-1]), self.wrote.copy()

    def ours(self, source: str) -> tuple[Any, list[Any]]:
        """What a plan joins and writes."""
        self.wrote.clear()
        answer = executed(source, self.tools).answer
        return canonical(answer), self.wrote.copy()
