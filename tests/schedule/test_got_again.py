"""Values that are in no journal are got again as the run had got them."""

from __future__ import annotations

import asyncio
from typing import Any

from superscalar import Tool, tool
from superscalar import events as ev
from superscalar.schedule.again import Again
from superscalar.schedule.limits import Limits
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.values import WITHHELD
from support.got_again import got_again_of

made: list[int] = []


@tool(effect="read")
async def look(at: int) -> int:
    """Another answer each time."""
    made.append(at)
    return len(made)


def got_again(lines: str, *happened: ev.Event, look: Tool[..., Any] = look) -> Again:
    """What there is of a recorded run when its values were got again."""
    made.clear()

    async def main() -> Again:
        limits = Limits().on(asyncio.get_running_loop())
        return await got_again_of(lines, happened, Toolset([look]), limits)

    return run(main())


def started(id: str, at: int = 1) -> ev.Started:
    return ev.Started(0.0, id, "look", {"at": at})


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


def test_a_read_that_meets_what_is_transient_is_made_again_as_in_a_run() -> None:
    @tool(effect="read", timeout=1)
    async def look(at: int) -> int:
        made.append(at)
        if at == 9 or len(made) < 3:
            raise ConnectionResetError("no")
        if at == 2:
            await asyncio.sleep(5)
        return len(made)

    assert values(got_again("a = look(1)\njoin(a)\n", started("a"), lost("a"), look=look)) == {"a": 3}
    for at in (9, 2):
        again = got_again(f"a = look({at})\njoin(a)\n", started("a", at), lost("a"), look=look)
        assert len(made) == 3
        assert list(again.absent) == ["a"]


def test_what_a_map_ahead_of_ok_goes_through_has_as_many_items_again() -> None:
    again = got_again(
        "xs = [look(i) for i in [1, 2]]\nys = [look(x) for x in ok(xs)]\njoin(ys)\n",
        ev.Succeeded(0.0, "xs.over", [1, 2]),
        ev.Expanded(0.0, "xs", 2),
        ev.Expanded(0.0, "ys", 2),
        started("xs[0]"),
        lost("xs[0]"),
        ev.Started(0.0, "ys[0]", "look", {"at": 1}),
        lost("ys[0]"),
    )
    assert values(again) == {"xs.over": [1, 2], "xs[0]": 1, "ys[0]": 2}
    assert again.absent == {}
