"""Identical calls are one call (rule L21) over rounds and over deaths, where one of them was needed by nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from superscalar import Failure, Limit, Observation, tool
from superscalar.events import Cancelled, Event, Planned, Revived, RoundStarted, Shared, Started, Unneeded
from superscalar.executors.runners import Runners
from superscalar.plan.ir import Task
from superscalar.plan.read.fronts.detect import reader_of
from superscalar.plan.read.program import Program
from superscalar.schedule.limits import Limits
from superscalar.schedule.restore import Rest
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.values import UNNEEDED, Outcome, TaskId


@tool(effect="pure")
async def look(value: Any, seconds: float = 4) -> Any:
    await asyncio.sleep(seconds)
    if value == "bad":
        raise ValueError(value)
    return value


@tool(effect="pure", limit="one")
async def slot(value: Any) -> Any:
    await asyncio.sleep(4)
    return value


TOOLS = Toolset([look, slot], limits={"one": Limit(concurrency=1)})
Steps = Callable[["Rounds"], Awaitable[None]]


class Rounds:
    """Plans one round after the other, and has the log of it: of a new run, or of one that died after `recorded`."""

    def __init__(self, recorded: Sequence[Event] = ()) -> None:
        self.log = list(recorded)
        self._program = Program(TOOLS.signatures)
        around = Surroundings(
            run="run",
            tools=TOOLS,
            limits=Limits(TOOLS.limits),
            runners=Runners(),
            record=self.log.append,
            random=Random(0),
        )
        self.rest = Rest(around, tuple(recorded)) if recorded else None
        self.unit = TaskFetchingUnit(around) if self.rest is None else self.rest.unit
        self._number = 0

    def read(self, *lines: str) -> list[Task]:
        """The tasks of the next round's lines."""
        if self._number:
            self._program.next_round()
        self._number += 1
        reader = reader_of("python", self._program)
        steps = [*reader.feed("".join(f"{line}\n" for line in lines)), *reader.finish("stop")]
        return [step for step in steps if isinstance(step, Task)]

    async def plan(self, *lines: str) -> None:
        """Plan a round, whose calls start before the seal."""
        self.unit.begin_round(self._number, "")
        for task in self.read(*lines):
            self.unit.add(task)
        await self.finish()

    async def finish(self) -> None:
        """Seal the round, and see it to its end."""
        self.unit.seal()
        await self.unit.settle()
        self.unit.schedule.check()

    def called(self) -> list[TaskId]:
        return [e.id for e in self.log if isinstance(e, Started)]

    def of(self, kind: type[Event]) -> list[Any]:
        return [replace(e, at=0.0) for e in self.log if isinstance(e, kind)]


def lived(steps: Steps, recorded: Sequence[Event] = ()) -> tuple[Rounds, Mapping[TaskId, Outcome]]:
    """What came of these steps; `recorded` happened before, up to now."""

    async def main() -> tuple[Rounds, Mapping[TaskId, Outcome]]:
        last = recorded[-1].at if recorded else 0.0
        rounds = Rounds([replace(e, at=e.at - last) for e in recorded])
        await steps(rounds)
        await rounds.unit.cancel()
        rounds.unit.schedule.check()
        return rounds, rounds.unit.outcomes()

    return run(main())


def up_to(log: Sequence[Event], kind: type[Event], times: int = 1) -> list[Event]:
    """The events to the one of that kind, inclusive; the last of so many."""
    places = [place for place, e in enumerate(log) if isinstance(e, kind)]
    return list(log[: places[times - 1] + 1])


# --------------------------------------------------------------------------------------------------- without a death


TWICE = ("a = look(1, 1)", "x = look(2)", "join(a)"), ("y = look(2)", "join(y)")


async def twice(rounds: Rounds) -> None:
    """`x` is dead and under way when the second round asks for the same."""
    for lines in TWICE:
        await rounds.plan(*lines)


def test_a_later_round_shares_a_call_that_nothing_needed_and_that_runs_still() -> None:
    rounds, outcomes = lived(twice)
    assert rounds.called() == ["a", "x"]
    assert rounds.of(Shared) == [Shared(0.0, "y", "x")]
    assert rounds.of(Revived) == [Revived(0.0, ("x",))]
    assert outcomes["x"] == outcomes["y"] == Observation(2)
    assert rounds.log[-1].at == 4.0


def test_its_failure_is_that_of_every_task_of_the_round_that_took_it_over() -> None:
    async def steps(rounds: Rounds) -> None:
        await rounds.plan("a = look(1, 1)", "x = look('bad')", "join(a)")
        await rounds.plan("y = look('bad')", "b = look(default(y, 'bad'))", "join(y, b)")

    rounds, outcomes = lived(steps)
    assert rounds.called() == ["a", "x"]
    assert outcomes["x"] == outcomes["y"] == outcomes["b"] == Failure("error", "bad", "ValueError")


def test_one_that_failed_before_the_later_round_asked_for_it_is_made_again() -> None:
    async def steps(rounds: Rounds) -> None:
        await rounds.plan("a = look(1, 1)", "x = look('bad')", "join(a)")
        await rounds.plan("b = look(3, 5)", "y = look('bad' if b else b)", "join(y)")

    rounds, _ = lived(steps)
    assert rounds.called() == ["a", "x", "b", "y"]
    assert rounds.of(Shared) == []


def test_one_that_was_set_aside_before_it_started_leaves_the_call_to_the_later_round() -> None:
    async def steps(rounds: Rounds) -> None:
        await rounds.plan("a = slot(1)", "x = slot(2)", "join(a)")
        await rounds.plan("y = slot(2)", "join(y)")

    rounds, outcomes = lived(steps)
    assert rounds.called() == ["a", "y"]
    assert (outcomes["x"], outcomes["y"]) == (UNNEEDED, Observation(2))


REVIVED = ("a = look(1)", "x = look(1)", "join(a)"), ("y = look(x, 1)", "join(y)")


async def revived(rounds: Rounds) -> None:
    """`x` shares a call, is needed by nothing, and is needed again."""
    for lines in REVIVED:
        await rounds.plan(*lines)


def test_a_task_that_is_revived_finds_anew_whose_call_it_shares() -> None:
    rounds, outcomes = lived(revived)
    assert rounds.called() == ["a", "y"]
    assert rounds.of(Shared) == [Shared(0.0, "x", "a")] * 2
    assert rounds.of(Unneeded) == [Unneeded(0.0, ("x",))]
    assert outcomes["a"] == outcomes["x"] == outcomes["y"] == Observation(1)


# ------------------------------------------------------------------------------------------------------ over a death


def went_on(recorded: Sequence[Event], *rounds_read: Sequence[str]) -> tuple[Rounds, Mapping[TaskId, Outcome]]:
    """Do what is left of the last of these rounds, in which the run died."""
    planned = {e.task.id for e in recorded if isinstance(e, Planned)}

    async def steps(rounds: Rounds) -> None:
        tasks = [task for lines in rounds_read for task in rounds.read(*lines)]
        assert rounds.rest is not None
        rounds.rest.go_on({})
        for task in tasks:
            if task.id not in planned:
                rounds.unit.add(task)
        await rounds.finish()

    return lived(steps, recorded)


def test_a_death_before_the_revival_leaves_one_call() -> None:
    """Nothing was known to need `x` yet, so its attempt is over; it is made again for `y`, and once."""
    died = up_to(lived(twice)[0].log, Shared)
    rounds, outcomes = went_on(died, *TWICE)
    assert rounds.called() == ["a", "x", "x"]
    assert rounds.of(Cancelled) == [Cancelled(0.0, "x")]
    assert rounds.of(Shared) == [Shared(0.0, "y", "x")]
    assert outcomes["x"] == outcomes["y"] == Observation(2)


def test_a_death_after_the_revival_goes_on_with_the_call_that_is_shared() -> None:
    died = up_to(lived(twice)[0].log, Revived)
    rounds, outcomes = went_on(died, *TWICE)
    assert [(e.id, e.attempt) for e in rounds.of(Started)] == [("a", 1), ("x", 1), ("x", 2)]
    assert rounds.of(Cancelled) == []
    assert outcomes["x"] == outcomes["y"] == Observation(2)


def test_a_call_that_a_death_cut_off_and_nothing_needed_is_the_later_rounds_to_make() -> None:
    """The work of `x` is lost with the process; that of `y` is the only one that is done."""
    died = up_to(lived(twice)[0].log, RoundStarted, 2)
    rounds, outcomes = went_on(died, *TWICE)
    assert rounds.called() == ["a", "x", "y"]
    assert rounds.of(Cancelled) == [Cancelled(0.0, "x")]
    assert (outcomes["x"], outcomes["y"]) == (UNNEEDED, Observation(2))


def test_a_journal_in_which_both_were_made_says_which_one_is_shared() -> None:
    """Earlier versions made `x` and `y`: whoever asks for the same shares the last one, which is needed."""
    whole = lived(twice)[0].log
    at = next(place for place, e in enumerate(whole) if isinstance(e, Shared))
    died = [*whole[:at], Started(whole[at].at, "y", "look", {"value": 2, "seconds": 4}, 1)]
    rounds, outcomes = went_on(died, TWICE[0], ("y = look(2)", "b = look(2)", "join(y, b)"))
    assert rounds.called() == ["a", "x", "y", "y"]
    assert rounds.of(Shared) == [Shared(0.0, "b", "y")]
    assert (outcomes["x"], outcomes["y"], outcomes["b"]) == (UNNEEDED, Observation(2), Observation(2))


def test_a_death_after_a_task_was_set_aside_does_not_make_the_call_it_shared_again() -> None:
    died = up_to(lived(revived)[0].log, Revived)
    rounds, outcomes = went_on(died, *REVIVED)
    assert rounds.called() == ["a", "y"]
    assert rounds.of(Shared) == [Shared(0.0, "x", "a")] * 2
    assert outcomes["a"] == outcomes["x"] == outcomes["y"] == Observation(1)
