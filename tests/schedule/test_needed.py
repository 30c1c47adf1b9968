"""What is needed of a plan: dead code (L22) and `first` (L16), on bare events. Every test ends with a recount."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from superscalar.errors import IllegalEvent
from superscalar.events import (
    Cancelled,
    Event,
    Failed,
    Revived,
    RoundStarted,
    Skipped,
    Started,
    Unneeded,
    Wanted,
    Won,
)
from superscalar.plan import compile_plan
from superscalar.plan.ir import Call, Ref, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.fronts.python import PythonReader
from superscalar.plan.read.program import Program
from superscalar.schedule.cells import DORMANT, PENDING, RUNNING, SETTLED
from superscalar.schedule.commands import Command, Issue, Refuse, Release, Revive, Skip
from superscalar.schedule.state import Schedule
from superscalar.values import Failure
from support.bare_state import (
    SEALED,
    SIGNATURES,
    add,
    doubtful,
    down,
    expanded,
    failed,
    happen,
    ok,
    plan,
    skipped,
    task,
)

ROUND = RoundStarted(0.0, 1)


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    made = Schedule()
    yield made
    made.check()


def started(id: str, tool: str = "search") -> Started:
    return Started(0.0, id, tool, {})


def seal(schedule: Schedule) -> tuple[tuple[str, ...], list[Command]]:
    """What is dead when the plan is complete, and what is to be done."""
    commands = schedule.apply(SEALED)
    dead = schedule.dead()
    return dead, [*commands, *(schedule.apply(Unneeded(0.0, dead)) if dead else [])]


def statuses(schedule: Schedule) -> dict[str, str]:
    return {cell.id: cell.status for cell in schedule.in_program_order()}


class Rounds:
    """A program of several rounds, and the schedule that it runs on."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._program = Program(SIGNATURES)
        self._begun = False

    def plan(self, *lines: str) -> list[Command]:
        """The lines of the next round, which is sealed by `seal`."""
        commands = self._schedule.apply(ROUND)
        if self._begun:
            self._program.next_round()
        self._begun = True
        reader = PythonReader(self._program)
        steps = [*reader.feed("\n".join(lines) + "\n"), *reader.finish("stop")]
        assert not any(isinstance(step, Diagnostic) for step in steps), steps
        return [*commands, *add(self._schedule, *(step for step in steps if isinstance(step, Task)))]


@pytest.fixture
def rounds(schedule: Schedule) -> Rounds:
    return Rounds(schedule)


# ---------------------------------------------------------------------------------------------------------- dead code


def test_what_nothing_joined_needs_is_dormant_after_the_seal(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)", "c = merge(a, b)", "d = search(a)", "join(d)")
    dead, commands = seal(schedule)
    assert (dead, commands) == (("b", "c"), [])
    assert statuses(schedule) == {"a": "ready", "b": DORMANT, "c": DORMANT, "d": PENDING, "join()": PENDING}
    assert schedule.unsettled == 3
    assert schedule.apply(ok("a")) == [Issue("d")]
    happen(schedule, ok("d"))
    happen(schedule, ok("join()"))
    assert schedule.unsettled == 0


def test_a_plan_that_joins_everything_has_no_dead_code(schedule: Schedule) -> None:
    """Not even a bare call, or an older version of a name."""
    plan(schedule, "search('a')", "b = search('b')", "b = search('c')")
    assert seal(schedule) == ((), [])
    schedule.apply(ROUND)
    add(schedule, *compile_plan("search('a')\nb = search('b')\nb = search('c')\njoin()", SIGNATURES).tasks[3:])
    assert seal(schedule) == ((), [])


def test_a_write_is_live_and_so_is_what_it_needs(schedule: Schedule) -> None:
    plan(
        schedule,
        "a = search('a')",
        "b = search('b')",
        "if b:",
        "    put(a)",
        "c = search('c')",
        "for x in c:",
        "    y = search(x)",
        "    z = search(y)",
        "    put(y)",
        "d = search(c)",
        "join(1)",
    )
    dead, _ = seal(schedule)
    assert set(dead) == {"x", "y", "z", "d", "for[]:z"}  # and what leaves the loop, which nothing looks at


def test_an_ordering_edge_makes_nothing_live(schedule: Schedule) -> None:
    """A write waits for no read that does not happen."""
    plan(schedule, "a = search('a')", "b = get(a)", "put(1)", "join(1)")
    dead, commands = seal(schedule)
    assert dead == ("a", "b")
    assert commands == [Issue("put()")]


def test_a_write_after_a_dormant_read_keeps_after_what_that_comes_after(schedule: Schedule) -> None:
    plan(schedule, "put(1)", "b = get()", "put(2)", "join(1)")
    dead, commands = seal(schedule)
    assert (dead, commands) == (("b",), [Issue("put()")])
    assert happen(schedule, started("put()", "put"), ok("put()")) == [Issue("put().2")]


def test_a_dead_call_that_runs_is_not_waited_for_but_by_what_comes_after_it(schedule: Schedule) -> None:
    plan(schedule, "b = get()", "put(2)", "c = search('c')", "join(c)")
    schedule.apply(started("b", "get"))
    dead, commands = seal(schedule)
    assert (dead, commands) == (("b",), [])
    assert statuses(schedule)["b"] == RUNNING
    assert schedule.unsettled == 3
    assert schedule.apply(ok("b")) == [Issue("put()")]
    assert schedule.unsettled == 3


def test_what_a_running_dead_call_feeds_stays_dormant(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)", "join(1)")
    schedule.apply(started("a"))
    seal(schedule)
    assert schedule.apply(ok("a")) == []
    assert statuses(schedule)["b"] == DORMANT


def test_what_is_dormant_is_not_skipped_when_an_input_fails(schedule: Schedule, rounds: Rounds) -> None:
    """Unless it is revived: then it is, as it would have been."""
    rounds.plan("a = search('a')", "b = search(a)", "join(1)")
    schedule.apply(started("a"))
    seal(schedule)
    assert schedule.apply(failed("a")) == []
    assert rounds.plan("c = search(b)", "join(c)") == [Revive(("b",))]
    assert schedule.apply(Revived(0.0, ("b",))) == [Skip("b", "a")]
    assert happen(schedule, skipped("b", "a")) == [Skip("c", "a")]


def test_a_map_that_nothing_needs_stops_where_it_is(schedule: Schedule) -> None:
    """Its items that run are left alone, and what comes after the map in the order of accesses waits for them."""
    plan(schedule, "a = search('a')", "xs = [get(x) for x in a]", "put(1)", "join(1)")
    happen(schedule, ok("a", [1, 2]), expanded("xs", 2), started("xs[0]", "get"))
    dead, commands = seal(schedule)
    assert (set(dead), commands) == ({"xs", "xs[0]", "xs[1]"}, [])
    assert statuses(schedule) == {
        "a": SETTLED,
        "xs": DORMANT,
        "xs[0]": RUNNING,
        "xs[1]": DORMANT,
        "put()": PENDING,
        "join()[0]": "ready",
        "join()": PENDING,
    }
    assert schedule.apply(ok("xs[0]")) == [Issue("put()")]


def test_a_map_that_is_revived_goes_on_where_it_stood(schedule: Schedule, rounds: Rounds) -> None:
    rounds.plan("a = search('a')", "xs = [search(x) for x in a]", "join(1)")
    happen(schedule, ok("a", [1, 2, 3]), expanded("xs", 3), started("xs[0]"), ok("xs[0]"), started("xs[1]"))
    seal(schedule)
    assert rounds.plan("b = search(xs)", "join(b)") == [Revive(("xs", "xs[1]", "xs[2]"))]
    assert schedule.apply(Revived(0.0, ("xs", "xs[1]", "xs[2]"))) == [Issue("xs[2]")]
    happen(schedule, ok("xs[1]"))
    assert schedule.apply(ok("xs[2]")) == [Issue("xs")]
    assert schedule.apply(ok("xs", [1, 1, 1])) == [Issue("b")]


def test_what_a_later_round_refers_to_is_revived_with_all_that_it_needs(schedule: Schedule, rounds: Rounds) -> None:
    rounds.plan("a = search('a')", "b = search('b')", "c = search(a) if b else 1", "d = search('d')", "join(1)")
    dead, _ = seal(schedule)
    assert dead == ("a", "b", "c.if", "c.search", "c", "d")
    (command,) = rounds.plan("e = merge(c, 1)", "join(e)")
    assert isinstance(command, Revive)
    assert command.ids == ("a", "b", "c.if", "c.search", "c")
    assert schedule.apply(Revived(0.0, command.ids)) == [Issue("a"), Issue("b")]
    assert statuses(schedule)["d"] == DORMANT
    assert seal(schedule)[0] == ()


def test_what_only_dead_code_of_a_later_round_refers_to_is_dead_again(schedule: Schedule, rounds: Rounds) -> None:
    rounds.plan("a = search('a')", "join(1)")
    seal(schedule)
    commands = rounds.plan("b = search(a)", "join(1)")
    assert commands[0] == Revive(("a",))
    assert schedule.apply(Revived(0.0, ("a",))) == [Issue("a")]
    assert seal(schedule)[0] == ("a", "b")


def test_a_revived_read_goes_before_the_write_that_comes_after_it(schedule: Schedule, rounds: Rounds) -> None:
    """At its place: if that write has not begun, it waits."""
    rounds.plan("s = search('s')", "b = get()", "put(s)", "join(1)")
    seal(schedule)
    assert rounds.plan("c = search(b)", "join(c)") == [Revive(("b",))]
    assert schedule.apply(Revived(0.0, ("b",))) == [Issue("b")]
    assert happen(schedule, ok("s")) == []
    assert happen(schedule, started("b", "get"), ok("b")) == [Issue("c"), Issue("put()")]


def test_a_read_whose_time_has_passed_is_refused(schedule: Schedule, rounds: Rounds) -> None:
    """What it should have read is no more: the write that comes after it has been made."""
    rounds.plan("b = get()", "put(1)", "join(1)")
    seal(schedule)
    happen(schedule, started("put()", "put"), ok("put()"))
    rounds.plan("c = search(b)", "join(c)")
    message = "nothing needed it until `put()` had changed what it reads: call it again"
    failure = Failure("cancelled", message)
    assert schedule.apply(Revived(0.0, ("b",))) == [Refuse("b", failure)]
    assert schedule.apply(failed("b", failure)) == [Skip("c", "b")]


@pytest.mark.parametrize("end", [failed("put()"), skipped("put()", "s")], ids=["failed", "skipped"])
def test_a_write_that_did_not_happen_takes_no_place(schedule: Schedule, rounds: Rounds, end: Failed | Skipped) -> None:
    """But one in doubt does."""
    rounds.plan("s = search('s')", "b = get()", "put(s)", "join(1)")
    seal(schedule)
    before: list[Event] = [failed("s")] if isinstance(end, Skipped) else [ok("s"), started("put()", "put")]
    happen(schedule, *before, end)
    rounds.plan("c = search(b)", "join(c)")
    assert schedule.apply(Revived(0.0, ("b",))) == [Issue("b")]


def test_a_write_in_doubt_takes_its_place(schedule: Schedule, rounds: Rounds) -> None:
    rounds.plan("b = get()", "put(1)", "join(1)")
    seal(schedule)
    happen(schedule, started("put()", "put"), failed("put()", doubtful))
    rounds.plan("c = search(b)", "join(c)")
    (command,) = schedule.apply(Revived(0.0, ("b",)))
    assert isinstance(command, Refuse)
    happen(schedule, failed("b", command.failure))


def test_a_body_keeps_what_is_looked_at_from_outside(schedule: Schedule) -> None:
    """And leaves out the rest, whether the map was expanded before the seal or comes to it later."""
    plan(
        schedule,
        "a = search('a')",
        "for x in a:",
        "    y = search(x)",
        "    z = search(y)",
        "    w = search(y)",
        "for x in search('b'):",
        "    get(x)",
        "    v = search(x)",
        "join(z, v)",
    )
    happen(schedule, ok("a", [1]), expanded("for", 1), started("for[0]:y"))
    dead, _ = seal(schedule)
    assert set(dead) == {"x", "x.2", "y", "w", "for[0]:w", "for[]:w", "for.2[].get()"}
    assert statuses(schedule)["for[0]:w"] == DORMANT
    commands = happen(schedule, ok("for[0]:y"))
    assert commands == [Issue("for[0]:z")]
    assert happen(schedule, ok("for.2.search", [1])) == [Issue("for.2")]
    assert schedule.apply(expanded("for.2", 1)) == [Issue("for.2[0]:v")]
    assert statuses(schedule)["for.2[0].get()"] == DORMANT


def test_a_write_is_never_unneeded(schedule: Schedule) -> None:
    plan(schedule, "put(1)")
    with pytest.raises(IllegalEvent, match="`put\\(\\)` writes, and is needed for that alone"):
        schedule.apply(Unneeded(0.0, ("put()",)))


# -------------------------------------------------------------------------------------------------------------- first


def race(schedule: Schedule, *lines: str, wanted: int = 1) -> None:
    """A plan whose `first` is called `best`, sealed, and told how many it wants."""
    plan(schedule, *lines)
    assert seal(schedule)[0] == ()
    schedule.apply(Wanted(0.0, "best", wanted))


MIRRORS = "best = first(1, [search('a'), search('b'), search('c')])"


def test_a_first_is_asked_how_many_it_wants_and_then_for_its_answers(schedule: Schedule) -> None:
    commands = plan(schedule, MIRRORS, "join(best)")
    assert commands[-1] == Issue("best")
    seal(schedule)
    assert schedule.apply(Wanted(0.0, "best", 2)) == []
    happen(schedule, *(started(f"best.items[{i}]") for i in range(3)))
    assert schedule.apply(ok("best.items[2]")) == []
    assert schedule.apply(failed("best.items[1]")) == []
    assert schedule.apply(ok("best.items[0]")) == [Issue("best.items"), Issue("best")]
    assert schedule.race(schedule.cell("best")).winners == (0, 2)
    assert schedule.apply(Won(0.0, "best", (0, 2))) == []
    assert Release("best") in schedule.apply(ok("best", [1, 1]))


def test_the_first_in_time_win_and_the_others_are_let_go(schedule: Schedule) -> None:
    race(schedule, MIRRORS, "join(best)")
    happen(schedule, *(started(f"best.items[{i}]") for i in range(3)))
    assert schedule.apply(ok("best.items[1]")) == [Issue("best")]
    assert happen(schedule, Won(0.0, "best", (1,)), ok("best", [1])) == [Issue("join()"), Release("best")]
    losers = [cell.id for cell in schedule.losers("best")]
    assert losers == ["best.items[0]", "best.items[2]", "best.items"]
    schedule.apply(Unneeded(0.0, tuple(losers)))
    assert schedule.unsettled == 1
    happen(schedule, Cancelled(0.0, "best.items[0]"), ok("best.items[2]"), ok("join()"))
    assert statuses(schedule) == {
        "best.items[0]": DORMANT,
        "best.items[1]": SETTLED,
        "best.items[2]": SETTLED,
        "best.items": DORMANT,
        "best": SETTLED,
        "join()": SETTLED,
    }
    assert schedule.unsettled == 0


def test_an_answer_that_was_there_before_counts_in_input_order(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('b')", "c = search('c')")
    happen(schedule, ok("c"), ok("b"))
    add(
        schedule,
        *compile_plan(
            "a = search('a')\nb = search('b')\nc = search('c')\nbest = first(1, [a, b, c])", SIGNATURES
        ).tasks[3:8],
    )
    happen(schedule, *(ok(f"best.items[{i}]") for i in (2, 1)))
    assert schedule.apply(Wanted(0.0, "best", 1)) == [Issue("best")]
    assert schedule.race(schedule.cell("best")).winners == (1,)


def test_what_others_need_is_not_let_go(schedule: Schedule) -> None:
    race(schedule, "a = search('a')", "b = search('b')", "best = first(1, [a, b])", "join(best, b)")
    happen(schedule, started("a"), started("b"), ok("a"), ok("best.items[0]"), Won(0.0, "best", (0,)), ok("best", [1]))
    assert [cell.id for cell in schedule.losers("best")] == ["best.items[1]", "best.items"]


def test_what_two_need_is_let_go_after_the_second(schedule: Schedule) -> None:
    plan(
        schedule,
        "xs = [search('a'), search('b'), search('c')]",
        "best = first(1, xs)",
        "two = first(2, xs)",
        "join(best, two)",
    )
    seal(schedule)
    happen(schedule, Wanted(0.0, "best", 1), Wanted(0.0, "two", 2), ok("xs[0]"), ok("best", [1]))
    assert schedule.losers("best") == []
    happen(schedule, ok("xs[1]"), ok("two", [1, 1]))
    assert [cell.id for cell in schedule.losers("two")] == ["xs[2]", "xs"]


def test_losers_are_let_go_with_all_that_only_they_needed(schedule: Schedule) -> None:
    race(
        schedule,
        "q = search('q')",
        "p = search('p')",
        "best = first(1, [search(q), search(p), search(q)])",
        "join(best, q)",
    )
    happen(schedule, ok("q"), ok("best.items[0]"), ok("best", [1]))
    assert {cell.id for cell in schedule.losers("best")} == {"best.items", "best.items[1]", "best.items[2]", "p"}


def test_before_the_seal_a_later_line_may_need_what_lost(schedule: Schedule) -> None:
    plan(schedule, MIRRORS)
    happen(schedule, Wanted(0.0, "best", 1), started("best.items[0]"), ok("best.items[0]"))
    assert schedule.apply(ok("best", [1])) == []
    assert schedule.apply(SEALED) == [Release("best")]


def test_items_of_a_map_race_as_they_come_in_and_its_filters_decide_who_counts(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "best = first(2, [search(x) for x in a if search(x)])", "join(best)")
    seal(schedule)
    happen(schedule, ok("a", [1, 2, 3]))
    assert schedule.apply(expanded("best.items", 3))[-1] == Issue("best")
    schedule.apply(Wanted(0.0, "best", 2))
    conditions = [f"best.items[{i}].if" for i in range(3)]
    happen(schedule, ok(conditions[2], True), ok("best.items[2]"), ok(conditions[0], False))
    assert schedule.cell("best").status == "expanded"
    happen(schedule, ok(conditions[1], True))
    assert Issue("best") in happen(schedule, ok("best.items[1]"))
    assert schedule.race(schedule.cell("best")).winners == (1, 2)


def test_a_first_fails_as_soon_as_too_few_can_succeed(schedule: Schedule) -> None:
    race(schedule, MIRRORS, "join(best)", wanted=2)
    assert happen(schedule, failed("best.items[0]")) == []
    assert happen(schedule, failed("best.items[2]")) == [Issue("best")]
    assert len(schedule.race(schedule.cell("best")).won) == 0
    assert Release("best") in happen(schedule, failed("best", down))
    assert [cell.id for cell in schedule.losers("best")] == ["best.items[1]", "best.items"]


def test_a_first_that_wants_more_than_there_are_is_over_at_once(schedule: Schedule) -> None:
    plan(schedule, MIRRORS, "join(best)")
    assert schedule.apply(Wanted(0.0, "best", 4)) == [Issue("best")]


def test_a_map_does_not_wait_for_the_losers_in_it(schedule: Schedule) -> None:
    """What comes after the map in the order of accesses does."""
    plan(schedule, "a = search('a')", "xs = [first(1, [search(x), get(x)]) for x in a]", "put(xs)", "join(xs)")
    seal(schedule)
    happen(schedule, ok("a", [1]), expanded("xs", 1), Wanted(0.0, "xs[0]", 1))
    happen(schedule, started("xs[0].items[0]"), started("xs[0].items[1]", "get"), ok("xs[0].items[0]"))
    assert happen(schedule, ok("xs[0]", [1])) == [Release("xs[0]")]
    losers = tuple(cell.id for cell in schedule.losers("xs[0]"))
    assert losers == ("xs[0].items[1]", "xs[0].items")
    assert schedule.apply(Unneeded(0.0, losers)) == [Issue("xs")]
    assert happen(schedule, ok("xs", [[1]])) == [Issue("join()")]
    assert happen(schedule, Cancelled(0.0, "xs[0].items[1]")) == [Issue("put()")]


def test_a_loser_is_revived_by_a_later_round_even_while_it_is_being_cancelled(schedule: Schedule) -> None:
    race(schedule, "xs = [search('a'), search('b'), search('c')]", "best = first(1, xs)", "join(best)")
    happen(schedule, *(started(f"xs[{i}]") for i in range(3)), ok("xs[0]"), ok("best", [1]))
    schedule.apply(Unneeded(0.0, tuple(cell.id for cell in schedule.losers("best"))))
    happen(schedule, Cancelled(0.0, "xs[1]"))
    schedule.apply(ROUND)
    commands = add(schedule, task("ys", Call("search", (("query", Ref("xs")),))))
    assert commands == [Revive(("xs[1]", "xs[2]", "xs"))]
    assert schedule.apply(Revived(0.0, ("xs[1]", "xs[2]", "xs"))) == [Issue("xs[1]")]
    assert happen(schedule, Cancelled(0.0, "xs[2]")) == [Issue("xs[2]")]
    assert happen(schedule, ok("xs[1]"), ok("xs[2]")) == [Issue("xs")]


def test_what_contradicts_the_state_is_illegal(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", MIRRORS)
    with pytest.raises(IllegalEvent, match="`a` was told how many it wants"):
        schedule.apply(Wanted(0.0, "a", 1))
    with pytest.raises(IllegalEvent, match="`a` was cancelled while ready"):
        schedule.apply(Cancelled(0.0, "a"))
    happen(schedule, Wanted(0.0, "best", 1), ok("best.items[1]"))
    with pytest.raises(IllegalEvent, match="won by the items \\(0,\\)"):
        schedule.apply(Won(0.0, "best", (0,)))
