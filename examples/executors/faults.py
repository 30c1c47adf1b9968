"""Some calls fail: how does the plan take it? `LLMCompiler(tools=..., executor=Faults(0.1))`."""

from __future__ import annotations

from functools import wraps
from random import Random
from typing import Any

from superscalar import Tool
from superscalar.executors import LOCAL, Channel, Executor, Invocation, Runner


class Faults:
    """Fails so large a share of all attempts, half of them before the call is made and half of them after it.

    After is what a lost answer looks like: a write has happened then. The same seed fails the same attempts.
    """

    def __init__(
        self, share: float, inner: Executor = LOCAL, *, seed: int = 0, error: type[Exception] = ConnectionError
    ) -> None:
        self._share, self._inner, self._seed, self._error = share, inner, seed, error

    def runner(self, tool: Tool[..., Any]) -> Runner:
        """What calls it now and then."""
        run = self._inner.runner(tool)

        @wraps(run)
        async def fail_sometimes(call: Invocation, channel: Channel) -> Any:
            drawn = Random(f"{self._seed} {call.idempotency_key} {call.attempt}").random()
            if drawn < self._share / 2:
                raise self._error(f"{tool.name} was not reached")
            value = await run(call, channel)
            if drawn < self._share:
                raise self._error(f"the answer of {tool.name} was lost")
            return value

        return fail_sometimes
