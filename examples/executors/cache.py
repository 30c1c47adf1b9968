"""Equal calls are made once in a while, by whatever run: `@tool(executor=Cache(seconds=300))`."""

from __future__ import annotations

import asyncio
import json
from functools import wraps
from typing import Any

from superscalar import Tool, UsageError
from superscalar.codec import data_of
from superscalar.executors import LOCAL, Channel, Executor, Invocation, Runner


class Cache:
    """Keeps what calls gave, for some seconds and of so many calls. What they raised is not kept.

    It is for tools whose result depends on nothing but their arguments and the time. A write is refused, and so is what
    takes a `ToolContext`: one caller would get what was read with the credentials of another.
    """

    def __init__(self, inner: Executor = LOCAL, *, seconds: float = 300.0, most: int = 1_000) -> None:
        self._inner, self._seconds, self._most = inner, seconds, most
        self._kept: dict[tuple[Tool[..., Any], str], tuple[float, Any]] = {}

    def runner(self, tool: Tool[..., Any]) -> Runner:
        """What looks here first."""
        if tool.effect == "write" or tool.context_parameter is not None:
            what = "is a write" if tool.effect == "write" else "takes a ToolContext"
            raise UsageError(f"tool {tool.name} {what}, and is not cached: give the tools that may be @tool(executor=)")
        run = self._inner.runner(tool)

        @wraps(run)
        async def look_first(call: Invocation, channel: Channel) -> Any:
            key, now = (tool, json.dumps(data_of(call.arguments))), asyncio.get_running_loop().time()
            found = self._kept.get(key)
            if found is not None and now < found[0] + self._seconds:
                return found[1]
            value = await run(call, channel)
            self._kept.pop(key, None)
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = now, value
            return value

        return look_first
