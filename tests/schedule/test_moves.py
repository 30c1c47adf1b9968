"""The table of a task's states says what happens, no more and no less."""

from __future__ import annotations

from superscalar.events import Cancelled, Event, Retired, Revived, Sealed, Shared, Started, Unneeded
from superscalar.plan.ir import Need
from superscalar.schedule.cells import MOVES
from superscalar.schedule.state import Schedule
from support.bare_state import expanded, failed, happen, ok, plan, skipped
from support.moves import watched


def started(id: str, tool: str = "search") -> Started:
    return Started(0.0, id, tool, {})


STORIES: dict[str, tuple[tuple[str, ...], list[Event]]] = {
    "a call succeeds, and another shares it": (
        ("a = search('a')", "b = search('a')", "join(a, b)"),
        [started("a"), Shared(0.0, "b", "a"), ok("a"), ok("b"), ok("join()")],
    ),
    "an input fails": (
        ("a = search('a')", "b = search(a)", "c = search('c')", "join(b)"),
        [failed("a"), skipped("b", "a"), started("c"), failed("c")],
    ),
    "a map": (
        ("a = search('a')", "xs = [search(x) for x in a]", "join(xs)"),
        [
            started("a"),
            ok("a", [1, 2]),
            expanded("xs", 2),
            started("xs[0]"),
            ok("xs[0]"),
            failed("xs[1]"),
            failed("xs"),
        ],
    ),
    "what has not started and is not needed": (
        ("a = search('a')", "b = search(a)", "c = search('c')", "xs = [search(x) for x in c]", "join(1)"),
        [
            *(ok("c", [1]), expanded("xs", 1), Sealed(0.0), Unneeded(0.0, ("a", "b", "xs", "xs[0]"))),
            Revived(0.0, ("a", "xs", "xs[0]")),
        ],
    ),
    "what runs and is not needed": (
        ("a = search('a')", "b = search('b')", "c = search('b')", "join(1)"),
        [
            *(started("a"), started("b"), Shared(0.0, "c", "b"), Sealed(0.0), Unneeded(0.0, ("a", "b", "c"))),
            *(Revived(0.0, ("a",)), Cancelled(0.0, "a"), Cancelled(0.0, "b")),
        ],
    ),
    "what was gathered, or doomed, is taken back": (
        ("a = search('a')", "b = search(a)", "c = search('c')", "xs = [search(x) for x in c]"),
        [failed("a"), ok("c", [1]), expanded("xs", 1), ok("xs[0]"), Retired(0.0, ("b", "xs"), "")],
    ),
    "a write that is ready is stopped by one before it": (
        ("put('a')", "put('b')"),
        [Sealed(0.0), failed("put()")],
    ),
    "a map is taken back after a write has changed what it reads": (
        ("a = search('a')", "xs = [get(x) for x in a]", "put('b')", "join(1)"),
        [
            *(ok("a", [1]), expanded("xs", 1), Sealed(0.0), Unneeded(0.0, ("xs", "xs[0]"))),
            *(ok("put()"), Revived(0.0, ("xs", "xs[0]")), failed("xs[0]"), failed("xs")),
        ],
    ),
}


def test_every_move_of_the_table_is_made_and_no_other() -> None:
    with watched() as seen:
        for lines, story in STORIES.values():
            schedule = Schedule()
            plan(schedule, *lines)
            happen(schedule, *story)
        schedule = Schedule()  # of one map the run itself asks that it waits
        plan(schedule, "xs = [search('a')]", "ys = [search(x) for x in ok(xs)]")
        schedule.await_whole(schedule.cell("ys"), Need("ys.over", "shape"))
        happen(schedule, ok("xs[0]"), ok("xs", [1]), ok("ys.over", [1]), expanded("ys", 1))
    assert seen == set(MOVES)
