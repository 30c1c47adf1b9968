"""Random plans as text, and a world of tools that take random times and do random things."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import Limit, Retry, Tool, ToolContext, tool
from support.ends import ENDS, fail, spend
from support.running import Gauge

READS = ("work", "named", "rated", "both")
ACCESSES = ("look", "post")
RATE = 4.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of one run. `results` seeds what tools do, `times` how long they take.

    Whether a refused call used up one of its `attempts` depends on what got through meanwhile, and so on times: who
    compares runs that take different times leaves so many that none runs out of them.
    """

    results: int = 0
    times: int = 0
    failing: float = 0.2
    cap: int = 4
    named: int = 2
    attempts: int = 3

    @property
    def limits(self) -> dict[str, Limit]:
        return {"named": Limit(concurrency=self.named), "rated": Limit(rate=RATE)}


@st.composite
def plans(draw: DrawFn, most: int = 10, joins: Literal["any", "all", "some"] = "any") -> tuple[str, ...]:
    """The lines of a plan. The first argument of every call is its place in the program: ten times its line, and more
    for each call in the line. It joins everything ("all"), or some names of it."""
    lines: list[str] = []
    scalars: list[str] = []
    lists: list[str] = []
    sites = 0

    def pick(choices: Any) -> Any:
        return draw(st.sampled_from(choices))

    def value(*more: str) -> str:
        one = pick([*more, *scalars, "1", "0"])
        other = pick([*scalars, "2"])
        forms = [one, one, f"default({one}, 7)", f"[{one}, {other}]", f"{{'k': {one}}}", f"f'<{{{one}}}>'"]
        if lists:
            several = pick(lists)
            forms += [f"sum(ok({several}))", f"{several}[0]", f"len({several})", several]
        return str(pick(forms))

    def call(*more: str) -> str:
        nonlocal sites
        sites += 1
        return f"{pick([*READS, *READS, *ACCESSES])}({10 * len(lines) + sites}, {value(*more)})"

    def source() -> str:
        return str(pick([*lists, *(f"ok({xs})" for xs in lists), f"range({draw(st.integers(0, 4))})"]))

    for number in range(draw(st.integers(1, most))):
        name, sites = f"x{number}", 0
        match pick(range(10)):
            case 0 | 1 | 2:
                lines.append(f"{name} = {call()}")
                scalars.append(name)
            case 3:
                lines.append(f"{name} = {value()} and {call()}")
                scalars.append(name)
            case 4:
                first, condition = call(), value()
                lines.append(f"{name} = {first} if {condition} else {call()}")
                scalars.append(name)
            case 5 | 6:
                over, keep = source(), pick(["", "", " if i", " if i != 1"])
                made = call("i", "i")
                element = pick([made, made, f"i and {made}", f"{made} if i else {call('i')}", f"default({made}, 9)"])
                lines.append(f"{name} = [{element} for i in {over}{keep}]")
                lists.append(name)
            case 7:
                lines.append(f"{name} = [{call()}, {value()}, {call()}]")
                lists.append(name)
            case 8:
                inner = call("i", "j")
                lines.append(f"{name} = [{inner} for i in {source()} for j in range(2)]")
                lists.append(name)
            case 9:
                lines.append(call())
    least = {"all": 0, "some": 1, "any": draw(st.sampled_from([0, 0, 1]))}[joins]
    names = (
        draw(st.lists(st.sampled_from([*scalars, *lists]), min_size=least, max_size=3 * least))
        if scalars or lists
        else []
    )
    return (*lines, f"join({', '.join(names)})")


@dataclass(slots=True)
class Span:
    """One access of the resource: its place in the program and when it was made."""

    place: tuple[int, ...]
    write: bool
    start: float
    end: float = -1.0


@dataclass(slots=True)
class World:
    """Tools whose results depend on the task alone and whose times on the settings too; and what was seen of them."""

    settings: Settings
    all: Gauge = field(default_factory=Gauge)
    named: Gauge = field(default_factory=Gauge)
    rated: list[float] = field(default_factory=list)
    accesses: list[Span] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def tools(self) -> list[Tool[..., Any]]:
        retry = Retry(attempts=self.settings.attempts, initial=0.5)

        @tool(effect="read", resource="other", retry=retry, timeout=5)
        async def work(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._work(run)

        @tool(effect="read", resource="other", retry=retry, timeout=5, limit="named")
        async def named(site: int, value: Any, run: ToolContext[None]) -> int:
            with self.named:
                return await self._work(run)

        @tool(effect="read", resource="other", retry=retry, timeout=5, limit="rated")
        async def rated(site: int, value: Any, run: ToolContext[None]) -> int:
            self.rated.append(asyncio.get_running_loop().time())
            return await self._work(run)

        @tool(effect="read", resource="other", retry=retry, timeout=5, limit=["named", "rated"])
        async def both(site: int, value: Any, run: ToolContext[None]) -> int:
            self.rated.append(asyncio.get_running_loop().time())
            with self.named:
                return await self._work(run)

        @tool(effect="read", resource="store", retry=retry, timeout=5)
        async def look(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._access(site, run, write=False)

        @tool(effect="write", resource="store", retry=retry, timeout=5)
        async def post(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._access(site, run, write=True)

        return [work, named, rated, both, look, post]

    async def _access(self, site: int, run: ToolContext[None], *, write: bool) -> int:
        items = tuple(int(part.split("]")[0]) for part in run.task_id.split("[")[1:])
        span = Span((site // 10, *items, site % 10), write, asyncio.get_running_loop().time())
        self.accesses.append(span)
        try:
            return await self._work(run)
        finally:
            span.end = asyncio.get_running_loop().time()

    async def _work(self, run: ToolContext[None]) -> int:
        self.attempts[run.task_id] += 1
        fate = Random(f"{self.settings.results} {run.task_id} {run.attempt}")
        takes = Random(f"{self.settings.times} {run.task_id} {run.attempt}").choice([0.0, 0.25, 0.5, 1.0, 3.0])
        with self.all:
            fails = fate.random() < self.settings.failing
            kind = fate.choice(ENDS) if fails else ""
            await spend(takes, kind)
        if kind:
            await fail(kind, fate.choice([None, 0.1, 2.0]))
        return fate.randrange(4)
