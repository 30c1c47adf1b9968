"""The runs of the soak: tools that ask the faulty provider, plans of many shapes, and what must hold of each run."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from random import Random
from threading import Lock
from types import TracebackType
from typing import Any

from benchmarks.faulty_provider import Broken, Refused, get, get_blocking, number
from superscalar import (
    Failure,
    Limit,
    NotDone,
    Observation,
    Outcomes,
    Retry,
    Skipped,
    Tool,
    ToolContext,
    events,
    tool,
)

TIMEOUT = 0.4
"""Seconds per attempt: less than a hanging request or a slow body under load takes, more than the others."""

GRACE = 0.1
WEB_SLOTS = 8

_AGAIN = Retry(attempts=3, on=(ConnectionError, TimeoutError, RuntimeError), initial=0.02, maximum=0.2)


class Gauge:
    """How many calls are running under the limit "web", and how many there were at the most. For several threads."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self._lock = Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self.now -= 1


def limits(rate: float) -> dict[str, Limit]:
    """The limits that the tools name; together at most `rate` calls a second."""
    return {
        "web": Limit(concurrency=WEB_SLOTS, rate=rate * 0.7, burst=4),
        "files": Limit(concurrency=4, rate=rate * 0.3, burst=2),
    }


def tools(port: int, gauge: Gauge) -> list[Tool[..., Any]]:
    """Async and sync tools of a provider that listens on `port`."""

    @tool(effect="read", limit="web", timeout=TIMEOUT, retry=_AGAIN)
    async def fetch(x: int) -> int:
        """Three times x and one."""
        with gauge:
            return int(await get(port, f"/number/{x}"))

    @tool(effect="read", limit="web", timeout=TIMEOUT, dedupe=True)
    async def quote(x: int) -> int:
        """As fetch; several of them are one request."""
        with gauge:
            return int(await get(port, f"/number/{x}"))

    @quote.batch(max_batch=8)
    async def quotes(xs: list[int]) -> dict[int, int]:
        """Several quotes."""
        with gauge:
            return dict(zip(xs, await get(port, f"/numbers/{','.join(map(str, xs))}"), strict=True))

    @tool(effect="read", limit=("web", "files"), timeout=TIMEOUT, retry=_AGAIN)
    async def text(x: int) -> str:
        """A long text."""
        with gauge:
            return str(await get(port, f"/text/{x}"))

    @tool(effect="read", limit="web", timeout=TIMEOUT, retry=_AGAIN)
    async def items(count: int) -> list[int]:
        """The numbers below count."""
        with gauge:
            return list(await get(port, f"/items/{count}"))

    @tool(effect="read", limit="files", timeout=TIMEOUT, retry=_AGAIN)
    def lookup(x: int) -> int:
        """As fetch, in a thread."""
        return int(get_blocking(port, f"/number/{x}"))

    @tool(effect="read", limit="files", timeout=TIMEOUT)
    def patient(x: int, run: ToolContext[Any]) -> int:
        """As fetch, in a thread that looks whether it is still wanted."""
        for part in range(5):
            run.progress("waiting", part / 5)
            run.raise_if_cancelled()
            time.sleep(0.01)
        return int(get_blocking(port, f"/number/{x}"))

    @tool(effect="write", limit="files", timeout=TIMEOUT, resource=lambda key: f"key:{key}")
    def store(key: str, value: int) -> int:
        """Keep a value."""
        try:
            return int(get_blocking(port, f"/store/{key}/{value}"))
        except Refused as error:
            raise NotDone(str(error)) from error

    @tool(effect="read", limit="web", timeout=TIMEOUT, retry=_AGAIN, resource=lambda key: f"key:{key}")
    async def recall(key: str) -> int | None:
        """What was kept last."""
        with gauge:
            found = await get(port, f"/recall/{key}")
        return None if found is None else int(found)

    @tool(effect="pure")
    async def square(x: int) -> int:
        """Of x."""
        return x * x

    @tool(effect="read", timeout=TIMEOUT)
    async def stubborn(x: int) -> int:
        """Does not end when told to, only later."""
        until = asyncio.get_running_loop().time() + 0.05 * (x % 13)
        while (left := until - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue
        return x

    @tool(effect="read")
    async def hostile(x: int) -> int:
        """Raises what no tool should."""
        await asyncio.sleep(0)
        raise [BaseException, asyncio.CancelledError, StopAsyncIteration, Broken, MemoryError][x % 5](f"hostile {x}")

    return [fetch, quote, text, items, lookup, patient, store, recall, square, stubborn, hostile]


# ------------------------------------------------------------------------------------------------------------ plans


def wide(random: Random) -> str:
    """Many calls that do not depend on each other; some that nothing needs."""
    names = ["fetch", "fetch", "fetch", "lookup", "patient", "quote", "square", "text"]
    lines = [f"a{i} = {random.choice(names)}({random.randrange(1_000)})" for i in range(random.randrange(5, 30))]
    wanted = [f"a{i}" for i in range(len(lines)) if random.random() < 0.9]
    return "\n".join([*lines, f"join({', '.join(wanted)})" if wanted else "join()", ""])


def chain(random: Random) -> str:
    """Calls of which each needs the one before; a fallback keeps it going now and then."""
    lines = ["a0 = fetch(1)"]
    for i in range(1, random.randrange(3, 12)):
        before = f"default(a{i - 1}, {i})" if random.random() < 0.3 else f"a{i - 1}"
        lines.append(f"a{i} = {random.choice(['fetch', 'lookup', 'square'])}({before} % 1000)")
    return "\n".join([*lines, f"join(a{len(lines) - 1})", ""])


def maps(random: Random) -> str:
    """Lists that are known at run time only, a filter, and a list made from a list."""
    return f"""\
xs = items({random.randrange(2, 14)})
ys = [fetch(x) for x in xs]
zs = [lookup(y % 100) for y in ys if y % 2 == 0]
for x in xs:
    n = fetch(x + 1)
    if n % 2 == 1:
        w = text(n)
join(ok(ys), ok(zs), len(ok(zs)))
"""


def writes(random: Random) -> str:
    """Values that are kept, overwritten and read back; their keys are of this run."""
    key = f"k{random.randrange(10**12)}"
    lines = [f"v = fetch({random.randrange(1_000)})"]
    for i in range(random.randrange(1, 4)):
        lines += [
            f'b{i} = recall("{key}")',
            f'w{i} = store("{key}", {random.randrange(1_000)})',
            f'o{i} = store("{key}-{i}", default(v, 0) % 1000)',
        ]
    return "\n".join([*lines, f'r = recall("{key}")', "join()", ""])


def first(random: Random) -> str:
    """The first of several; the others are cancelled."""
    x = random.randrange(1_000)
    return f"""\
one = first(1, [fetch({x}), lookup({x}), patient({x}), stubborn({x})])
some = first(3, [fetch(x) for x in items(8)])
join(one, some)
"""


def batches(random: Random) -> str:
    """Calls that go out together, some of them the same."""
    x = random.randrange(1_000)
    return f"""\
qs = [quote({x} + i % 9) for i in items({random.randrange(3, 20)})]
q = quote({x})
join(ok(qs), q)
"""


def hostility(random: Random) -> str:
    """Tools that misbehave beside others that do not."""
    x = random.randrange(1_000)
    return f"""\
a = fetch({x})
b = [hostile(i) for i in range(5)]
c = stubborn({x})
d = fetch(c)
e = default(b[0], a) if a > 100 else hostile({x})
join(a, ok(b), c, d, e)
"""


SHAPES: Mapping[str, Callable[[Random], str]] = {
    "wide": wide,
    "chain": chain,
    "maps": maps,
    "writes": writes,
    "first": first,
    "batches": batches,
    "hostile": hostility,
}


# ------------------------------------------------------------------------------------------------- what must hold


def broken(happened: Sequence[events.Event], outcomes: Outcomes | None) -> list[str]:
    """What does not hold of a run that has ended; `outcomes` where it gave some.

    Every task has settled once, unless nothing needed it, and nothing happened to it afterwards; what the provider
    answered is what was asked for; a value that is read back is the last one that was kept.
    """
    wrong: list[str] = []
    planned: dict[str, None] = {}
    settled: dict[str, events.Event] = {}
    unneeded: set[str] = set()
    calls: dict[str, events.Started] = {}
    complain = wrong.append
    for event in happened:
        match event:
            case events.Planned(task=task):
                planned[task.id] = None
            case events.Unneeded(ids=ids):
                unneeded.update(ids)
            case events.Revived(ids=ids):
                unneeded.difference_update(ids)
            case events.Started(id=id):
                calls[id] = event
                if id in settled:
                    complain(f"{id} starts after {settled[id]}")
            case events.Succeeded(id=id) | events.Failed(id=id) | events.Skipped(id=id):
                if id in settled:
                    complain(f"{id} settles twice: {settled[id]}, {event}")
                settled[id] = event
    wrong += [f"{id} never settles" for id in {**planned, **calls} if id not in settled and id not in unneeded]
    if happened and not (isinstance(happened[0], events.RunStarted) and isinstance(happened[-1], events.RunEnded)):
        complain(f"the events are from {happened[0]} to {happened[-1]}")
    if any(later.at < earlier.at for earlier, later in pairwise(happened)):
        complain("time runs backwards")
    wrong += _wrong_values(calls, settled)
    if outcomes is not None:
        wrong += [f"{id} has no outcome" for id in planned if id not in outcomes]
        wrong += [
            f"{id}: its outcome is {outcomes[id]}, and its event {event}"
            for id, event in settled.items()
            if id in outcomes
            and not _is_said_by(outcomes[id], event)
            and not (id in unneeded and _unneeded(outcomes[id]))
        ]
    return wrong


def _is_said_by(outcome: Observation | Failure | Skipped, event: events.Event) -> bool:
    match event:
        case events.Succeeded(value=value):
            return isinstance(outcome, Observation) and outcome.value == value
        case events.Failed(failure=failure):
            return outcome == failure
        case _:
            return isinstance(outcome, Skipped)


def _unneeded(outcome: Observation | Failure | Skipped) -> bool:
    return isinstance(outcome, Skipped) and outcome.unneeded


def _wrong_values(calls: Mapping[str, events.Started], settled: Mapping[str, events.Event]) -> Iterable[str]:
    """Calls in program order, in which a write and what reads it start; each key is of one run."""
    kept: dict[str, int | None] = {}
    for id, call in calls.items():
        event = settled.get(id)
        value = event.value if isinstance(event, events.Succeeded) else None
        match call.tool, dict(call.arguments):
            case (("fetch" | "lookup" | "patient" | "quote"), {"x": int(x)}) if isinstance(event, events.Succeeded):
                expected: Any = number(x)
            case "text", {"x": int(x)} if isinstance(event, events.Succeeded):
                expected, value = f"{x} ", str(value)[: len(f"{x} ")]
            case "store", {"key": str(key), "value": int(expected)} if isinstance(event, events.Succeeded):
                kept[key] = expected
            case "recall", {"key": str(key)} if isinstance(event, events.Succeeded):
                expected = kept.get(key)
            case _:
                continue
        if value != expected:
            yield f"{id}: {call.tool}({dict(call.arguments)}) is {value}, not {expected}"


def counted(happened: Sequence[events.Event]) -> Counter[str]:
    """How the tasks of a run ended, and what happened on the way."""
    found: Counter[str] = Counter()
    for event in happened:
        match event:
            case events.Succeeded():
                found["succeeded"] += 1
            case events.Failed(failure=failure):
                found["failed: abandoned" if failure.abandoned else f"failed: {failure.kind}"] += 1
                found["in doubt"] += failure.in_doubt
            case events.Skipped():
                found["skipped"] += 1
            case events.Unneeded(ids=ids):
                found["not needed"] += len(ids)
            case events.Started():
                found["calls"] += 1
            case events.Retrying():
                found["retries"] += 1
    return found
