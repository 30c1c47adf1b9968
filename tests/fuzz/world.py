"""Tools that fail, hang, or return what must not be looked into, and what was done to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from random import Random
from typing import Any

from superscalar import NotDone, RateLimited, Retry, Tool, tool
from support.random_programs import FUNCTIONS, asynchronous

_SEEN_ALWAYS = frozenset({"__class__"})  # what `isinstance` asks every object for


class Canary:
    """A handle. Whoever looks into it is written down in `touched`; to show and to compare it is allowed."""

    __slots__ = ("_touched",)

    def __init__(self, touched: list[str]) -> None:
        object.__setattr__(self, "_touched", touched)

    def __getattribute__(self, name: str) -> Any:
        if name not in _SEEN_ALWAYS:
            object.__getattribute__(self, "_touched").append(name)
        return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        return "<canary>"

    def _refused(self, *_: Any, **__: Any) -> Any:
        object.__getattribute__(self, "_touched").append("an operator, or a call")
        raise TypeError("a canary is no data")

    __call__ = __iter__ = __len__ = __getitem__ = __contains__ = __add__ = __radd__ = __mul__ = __lt__ = _refused
    __format__ = __str__ = __bool__ = __int__ = __index__ = __enter__ = __reduce__ = __await__ = _refused


class Evil(str):
    """Text of a class of its own, whose methods are no methods of text."""

    __slots__ = ()
    touched: list[str]

    def _refused(self, *_: Any, **__: Any) -> Any:
        type(self).touched.append("a method of a text's own class")
        return "escaped"

    upper = lower = split = join = replace = find = strip = startswith = title = count = _refused
    __add__ = __radd__ = __mul__ = __mod__ = __format__ = __getitem__ = __contains__ = __iter__ = _refused


def tools(random: Random, calls: Counter[str], touched: list[str]) -> list[Tool[..., Any]]:
    """The tools of one run. What they do depends on the seed of `random` only, not on the order of calls."""
    seed = random.random()

    class OfThisRun(Evil):
        pass

    OfThisRun.touched = touched

    @tool(effect="pure")
    async def canary(x: Any = None) -> Any:
        """A handle."""
        return [Canary(touched)] if x is not None else Canary(touched)

    @tool(effect="read")
    async def evil(x: Any = None) -> Any:
        """Text of another class."""
        return {"a": OfThisRun("b,c")} if x is not None else OfThisRun("a")

    @tool(effect="read", retry=Retry(attempts=2, initial=0.5))
    async def fail(x: Any = None) -> Any:
        """Fail, in one of many ways."""
        await asyncio.sleep(Random(f"{seed} {x!r}").choice([0, 0, 1, 100]))
        fate = Random(f"{seed} {x!r}").choice([ValueError("no"), RateLimited(retry_after=1.0), NotDone("no"), None])
        if fate is None:
            raise asyncio.CancelledError
        raise fate

    @tool(effect="read", timeout=5)
    async def hang(x: Any = None) -> Any:
        """Never return, and perhaps not even when told to."""
        if x is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1_000)
        await asyncio.sleep(10_000)

    @tool(effect="write", resource="store")
    async def put(x: Any = None, y: Any = None) -> Any:
        """Write."""
        await asyncio.sleep(1)
        if Random(f"{seed} {x!r}").random() < 0.3:
            raise ValueError("who knows")
        return y

    @tool(effect="read", resource="store")
    async def look(x: Any = None) -> Any:
        """Read what is written."""
        return [x]

    return [*(asynchronous(function, calls) for function in FUNCTIONS), canary, evil, fail, hang, put, look]
