"""Simulation: a whole run under a seed, which decides latencies, faults and the order of what happens at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from random import Random
from typing import Any, TypeVar

from superscalar.errors import UsageError
from superscalar.testing.clock import Deadlock, Endless, VirtualLoop

T = TypeVar("T")

SEED = "SUPERSCALAR_SEED"
SIMULATIONS = "SUPERSCALAR_SIMULATIONS"
_TURNS = 1_000_000
_DAY = 86_400.0


def simulate(main: Callable[[Random], Coroutine[Any, Any, T]], *, seed: int, most_turns: int = _TURNS) -> T:
    """Run `main(random)` in virtual time, with everything that chance decides drawn from the seed.

        for seed in seeds(1_000):
            simulate(main, seed=seed)

    Hand `random` to whatever draws numbers: providers, `LLMCompiler(random=...)`. What is due in the same nanosecond
    happens in an order of the seed's. The same seed replays exactly, as long as no tool runs in a thread and nothing
    reads the real clock or another source of randomness (a `run_id` that is not given is one).

    When `main` has returned, what it left running is cancelled and waited for. An error that `main` raises has a note
    with the seed and the line to replay it.

    Raises:
        Deadlock: everything waits and no timer is set.
        Endless: it took more than `most_turns` turns of the event loop.
    """
    loop = VirtualLoop(seed=seed, turns_left=most_turns)
    try:
        try:
            return loop.run_until_complete(main(Random(seed)))
        finally:
            _clean_up(loop)
    except Exception as error:
        error.add_note(f"This was seed {seed}. To replay it:\n    {_line_to_replay(main, seed)}")
        raise
    finally:
        loop.close()


def seeds(count: int) -> Sequence[int]:
    """Return the seeds from 0 to `count`; the environment may choose others.

    SUPERSCALAR_SEED=17 is that one only, to replay it; SUPERSCALAR_SIMULATIONS=500000 so many instead of `count`.

    Raises:
        UsageError: one of the two is no number.
    """
    one, many = os.environ.get(SEED), os.environ.get(SIMULATIONS)
    try:
        return (int(one),) if one else range(int(many) if many else count)
    except ValueError:
        raise UsageError(f"{SEED}={one or ''} {SIMULATIONS}={many or ''}: whole numbers, or leave them out") from None


def _line_to_replay(main: Callable[..., Any], seed: int) -> str:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if test:
        return f"{SEED}={seed} python -m pytest '{test}'"
    return f"simulate({getattr(main, '__qualname__', main)}, seed={seed})"


def _clean_up(loop: VirtualLoop) -> None:
    """Cancel what is left, as `asyncio.run` does, but do not wait longer than a day for what does not listen."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.turns_left = _TURNS
    with suppress(Deadlock, Endless):  # it never listens: it is left behind with its loop
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_DAY))
        loop.run_until_complete(loop.shutdown_asyncgens())
