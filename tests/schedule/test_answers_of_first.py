"""The answers of a `first` weigh the same, whichever process of a run makes a list of them."""

from __future__ import annotations

import asyncio
from random import Random

from superscalar import Failure, tool
from superscalar.events import Event, Won
from superscalar.executors.runners import Runners
from superscalar.plan import compile_plan
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.restore import Rest
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.values import Outcome


@tool(effect="read")
async def page(name: str) -> list[str]:
    """Some lines."""
    await asyncio.sleep(1.0)
    return [f"{name} {line}" for line in range(200)]


TOOLS = Toolset([page])
PLAN = 'best = first(2, [page("a"), page("b")])\njoin(best)\n'


def around(log: list[Event], most: int) -> Surroundings:
    return Surroundings(
        run="run",
        tools=TOOLS,
        limits=Limits(TOOLS.limits),
        runners=Runners().made(TOOLS),
        record=log.append,
        bounds=Bounds(max_bytes=most),
        random=Random(0),
    )


def lived(most: int = 1_000_000) -> tuple[list[Event], int, Outcome]:
    """What happened, what the run held in the end, and what it came to."""
    log: list[Event] = []

    async def main() -> tuple[int, Outcome]:
        unit = TaskFetchingUnit(around(log, most))
        outcomes = await unit.run(compile_plan(PLAN, TOOLS.signatures).tasks)
        return unit.holding.held, outcomes["best"]

    return log, *run(main())


def died_and_went_on(most: int = 1_000_000) -> Outcome:
    """What it came to where its process died when it was said which answers were the first, and no more."""
    log, _, _ = lived()
    died = log[: 1 + next(place for place, event in enumerate(log) if isinstance(event, Won))]

    async def main() -> Outcome:
        rest = Rest(around(log, most), tuple(died))
        rest.go_on({})
        await rest.unit.settle()
        return rest.unit.outcomes()["best"]

    return run(main())


def test_what_the_run_has_no_room_for_is_no_value() -> None:
    _, held, answers = lived()
    little = held - 10_000  # less than the list weighs
    assert died_and_went_on() == answers
    for found in (lived(little)[2], died_and_went_on(little)):
        assert isinstance(found, Failure)
        assert found.kind == "bounds"
