"""Values that are in no journal are got again as the run had got them."""

from __future__ import annotations

import asyncio
from random import Random

from superscalar import events as ev
from superscalar import tool
from superscalar.executors.runners import Runners
from superscalar.plan import compile_plan
from superscalar.schedule.again import Again, ReadingTerms, read_again
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.values import WITHHELD

made: list[int] = []


@tool(effect="read")
async def look(at: int) -> int:
    """Another answer each time."""
    made.append(at)
    return len(made)


def got_again(lines: str, *happened: ev.Event) -> Again:
    """What there is of a recorded run when its values were got again."""
    made.clear()
    tools = Toolset([look])
    planned = [ev.Planned(0.0, task) for task in compile_plan(lines, tools.signatures).tasks]

    async def main() -> Again:
        limits = Limits().on(asyncio.get_running_loop())
        terms = ReadingTerms(
            run="run",
            tools=tools,
            limits=limits,
            runners=Runners(),
            bounds=Bounds(),
            context=None,
            random=Random(1),
        )
        return await read_again([*planned, *happened], terms)

    return run(main())


def started(id: str) -> ev.Started:
    return ev.Started(0.0, id, "look", {"at": 1})


def lost(id: str) -> ev.Succeeded:
    return ev.Succeeded(0.0, id, [WITHHELD])


def values(again: Again) -> dict[str, object]:
    return {event.id: event.value for event in again.recorded if isinstance(event, ev.Succeeded)}


TWO = "a = look(1)\nb = look(1)\njoin(a, b)"


def test_a_call_that_shared_another_has_what_that_is_read_as() -> None:
    again = got_again(TWO, started("a"), ev.Shared(0.0, "b", "a"), lost("a"), lost("b"))
    assert (values(again), made) == ({"a": 1, "b": 1}, [1])


def test_a_call_that_shared_another_and_was_made_by_itself_later_is_read_by_itself() -> None:
    shared = started("a"), ev.Shared(0.0, "b", "a"), ev.Unneeded(0.0, ("b",)), lost("a")
    again = got_again(TWO, *shared, ev.Revived(0.0, ("b",)), started("b"), lost("b"))
    assert (values(again), made) == ({"a": 1, "b": 2}, [1, 1])
