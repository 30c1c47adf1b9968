"""What every peer runs: graphs of calls of one free tool, and graphs of real sleeps with a bound to be held against.

Nothing but the standard library is imported here: this is read in the environment of every peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

WIDTH = 100
"""Tasks in one layer of the shape `layered`."""

_MASK = 0xFFFF

Inputs = tuple[tuple[int, ...], ...]
"""For each task the earlier tasks whose results it takes: none, one or two of them."""


def free(x: int, y: int = 0) -> int:
    """The tool: what every peer calls, bare or in whatever wrapping it asks for. It costs next to nothing."""
    return (x + y + 1) & _MASK


async def free_async(x: int, y: int = 0) -> int:
    """The tool for peers that take coroutines."""
    return (x + y + 1) & _MASK


def wide(size: int) -> Inputs:
    """Calls that do not depend on each other."""
    return ((),) * size


def chain(size: int) -> Inputs:
    """Each call takes the result of the one before."""
    return ((), *((i - 1,) for i in range(1, size)))


def layered(size: int) -> Inputs:
    """Layers of 100; each call takes two results of the layer before."""
    first = [()] * min(WIDTH, size)
    later = []
    for i in range(WIDTH, size):
        before, place = i - i % WIDTH - WIDTH, i % WIDTH
        later.append((before + place, before + (place * 7 + 1) % WIDTH))
    return (*first, *later)


SHAPES: dict[str, Callable[[int], Inputs]] = {"wide": wide, "chain": chain, "layered": layered}


def expected(inputs: Inputs) -> list[int]:
    """The result of every task, so that nobody is measured who did nothing. Task `i` without inputs is `free(i)`."""
    values: list[int] = []
    for i, needed in enumerate(inputs):
        values.append(free(*(values[j] for j in needed)) if needed else free(i))
    return values


def verify(inputs: Inputs, found: Iterable[object]) -> None:
    """Compare every result with what it must be.

    Raises:
        AssertionError: some task did not run, or ran on other inputs.
    """
    results = list(found)
    wanted = expected(inputs)
    if results != wanted:
        wrong = next((i for i, (a, b) in enumerate(zip(results, wanted, strict=False)) if a != b), len(results))
        raise AssertionError(f"{len(results)} results for {len(wanted)} tasks; the first wrong one is task {wrong}")


@dataclass(frozen=True, slots=True)
class Timed:
    """A graph of sleeps: `seconds` and `tool` per task. `cap` calls at once at most, and `limits` per tool."""

    inputs: Inputs
    seconds: tuple[float, ...]
    tools: tuple[str, ...]
    cap: int
    limits: tuple[tuple[str, int], ...] = ()

    @property
    def bound(self) -> float:
        """Seconds that no schedule can beat: the longest path, or all the work shared by `cap` workers (Graham)."""
        ends: list[float] = []
        for needed, seconds in zip(self.inputs, self.seconds, strict=True):
            ends.append(max((ends[j] for j in needed), default=0.0) + seconds)
        return max(*ends, sum(self.seconds) / self.cap)


def random_layers(seed: int, *, layers: int = 6, width: int = 10, cap: int = 8) -> Timed:
    """A random layered graph of sleeps of 5 to 50 ms, in program order; a task takes one or two of the layer before."""
    random = Random(seed)
    inputs: list[tuple[int, ...]] = []
    before: list[int] = []
    for _ in range(layers):
        layer = list(range(len(inputs), len(inputs) + random.randint(width // 2, width * 3 // 2)))
        inputs += [tuple(random.sample(before, random.randint(1, 2))) if before else () for _ in layer]
        before = layer
    seconds = tuple(round(random.uniform(0.005, 0.05), 4) for _ in inputs)
    return Timed(tuple(inputs), seconds, ("pause",) * len(inputs), cap)


SLOW, SLOW_SECONDS = 10, 0.2
FAST, FAST_SECONDS = 50, 0.005


def head_of_line(cap: int = 8) -> Timed:
    """Ten calls of a slow tool, one at a time, written before fifty fast calls that have nothing to do with them."""
    return Timed(
        inputs=((),) * (SLOW + FAST),
        seconds=(SLOW_SECONDS,) * SLOW + (FAST_SECONDS,) * FAST,
        tools=("slow",) * SLOW + ("fast",) * FAST,
        cap=cap,
        limits=(("slow", 1),),
    )


def fast_bound(cap: int = 8) -> float:
    """Seconds until the last fast call of `head_of_line` can be done, the slow tool holding one place."""
    return -(-FAST // (cap - 1)) * FAST_SECONDS
