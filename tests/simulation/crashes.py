"""A process that dies at a random event, and another that goes on with its run: of every write the truth is told.

The file is played: what was appended after the last durable write may be lost with the process. So are the servers: a
request that was on its way when the process died may take effect all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from simulation import checks
from simulation.campaign import SEEDS_PER_PLAN, plan_of
from simulation.world import GRACE, WRITES, Person, Services, Settings
from superscalar import CallAgain, Done, Doubt, LLMCompiler, RunResult, StillUnknown, codec, events
from superscalar.errors import UsageError
from superscalar.journal import Journal, RunLog
from superscalar.plan import LANGUAGE, Plan
from superscalar.schedule.restore import Rest
from superscalar.schedule.unit import Surroundings
from superscalar.testing import VirtualLoop, simulate
from superscalar.values import TaskId


class Died(SystemExit):
    """The process is gone: the event loop stops where it stands. Nothing catches it there."""


class _File(Journal):
    """A journal in memory, whose process dies when it has appended so many events."""

    def __init__(self, dies_after: int) -> None:
        self.recorded: list[events.Event] = []
        self.durable = 0
        self.dead = False
        self._dies_after = dies_after
        self._begun_with: Mapping[str, Any] = {}

    async def abegin(self, run: str, about: Mapping[str, Any]) -> RunLog:
        self._begun_with = {"language": LANGUAGE, **about}
        return _Log(self, run, self._begun_with)

    async def areopen(self, run: str) -> RunLog:
        self.dead, self._dies_after = False, -1
        return _Log(self, run, self._begun_with, tuple(self.recorded))

    def durations(self) -> dict[str, float]:
        return {}

    def keep_durations(self, known: Mapping[str, float]) -> None:
        """They are not what this is about."""

    def append(self, event: events.Event) -> None:
        if self.dead:  # the rest of this turn's callback: nothing of it leaves the process
            return
        self.recorded.append(event)
        if len(self.recorded) == self._dies_after:
            self.dead = True
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            loop._ready.clear()
            loop.call_soon(_die)

    def lose_the_end(self, random: Random) -> list[events.Event]:
        """Cut off some of what was not durable, and return that. What is left is read from its text."""
        kept = random.randint(self.durable, len(self.recorded))
        lost = self.recorded[kept:]
        self.recorded = [codec.loads(codec.dumps(event)) for event in self.recorded[:kept]]
        return lost


def _die() -> NoReturn:
    raise Died


class _Log(RunLog):
    """One run's part of it."""

    def __init__(
        self, file: _File, run: str, about: Mapping[str, Any], recorded: tuple[events.Event, ...] = ()
    ) -> None:
        self.run = run
        self.journal = Path("memory.db")
        self.about = about
        self.recorded = recorded
        self.on_loss = None
        self.lost = None
        self._file = file

    def append(self, event: events.Event, *, durable: bool = False) -> None:
        assert not durable
        self._file.append(event)

    def soon(self) -> None:
        """It may be lost until it is."""

    def durable(self) -> asyncio.Future[None]:
        """What was appended is on the disk in the next turn, if the process lives to see that."""
        done = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(self._commit, len(self._file.recorded), done)
        return done

    def _commit(self, appended: int, done: asyncio.Future[None]) -> None:
        if not self._file.dead:
            self._file.durable = max(self._file.durable, appended)
            done.set_result(None)

    async def aclose(self, durations: Mapping[str, float] | None = None) -> None:
        if not self._file.dead:
            self._file.durable = len(self._file.recorded)


class WatchedRest(Rest):
    """The rest of a run, whose unit its world remembers."""

    def __init__(self, surroundings: Surroundings, recorded: Any, *more: Any) -> None:
        world, record, run = surroundings.context, surroundings.record, surroundings.run
        assert isinstance(world, Services)

        def noted(event: events.Event) -> events.Event | None:
            world.history.append((run, event))
            return record(event)

        super().__init__(replace(surroundings, record=noted), recorded, *more)
        world.units.append(self.unit)


def _agent(world: Services, journal: Journal, person: Person) -> LLMCompiler:
    chosen = world.settings
    return LLMCompiler(
        tools=world.tools,
        limits=chosen.limits,
        max_concurrency=chosen.cap,
        grace=GRACE,
        random=world.random,
        journal=journal,
        **person.terms,
    )


def _until_it_dies(world: Services, plan: Plan, file: _File, person: Person, loop: VirtualLoop) -> bool:
    """Run until the process dies; False if the run ended before."""

    async def main() -> None:
        await _agent(world, file, person).execute(plan, context=world, run_id="run")

    with suppress(Died):
        loop.run_until_complete(main())
    return file.dead


def _bury(world: Services, loop: VirtualLoop) -> None:
    """What was left of the process goes, and says nothing."""
    loop.set_exception_handler(lambda *_: None)
    buried: set[asyncio.Task[Any]] = set()
    while left := asyncio.all_tasks(loop) - buried:  # as one ends, the unit starts others
        buried |= left
        for task in left:
            ghost = task.get_coro()
            assert isinstance(ghost, Coroutine)
            for _ in range(10):  # it may wait for something as it ends
                with suppress(RuntimeError):
                    ghost.close()
                    break
    loop.close()
    world.history.clear()
    for provider in world.providers.values():
        provider.requests.clear()
        provider.at_once = 0


def _on_their_way(world: Services, random: Random) -> None:
    """The servers go on without their client: a write that they had got may take effect."""
    under_way: dict[TaskId, events.Started] = {}
    for _, event in world.history:
        match event:
            case events.Started(id=id, tool=tool) if tool in WRITES:
                under_way[id] = event
            case events.Succeeded(id=id) | events.Failed(id=id) | events.Retrying(id=id):
                under_way.pop(id, None)
    asked = [r for provider in world.providers.values() for r in provider.requests if r.end is None]
    for event in under_way.values():
        arrived = any(r.tool == event.tool and r.arguments["site"] == event.arguments["site"] for r in asked)
        if arrived and not world.effects["run", event.id, event.attempt] and random.random() < 0.4:
            world.effects["run", event.id, event.attempt] += 1


def crashed(seed: int) -> str:
    """A run of that seed whose process dies, and that goes on; checked. Says what it came to."""
    text, plan = plan_of(seed // SEEDS_PER_PLAN)
    random = Random(seed)
    world = Services(random, replace(Settings.drawn(random), max_cost=None))
    file = _File(random.randint(1, 60))
    person = Person(seed, 0.3 if seed % 3 == 0 else 0.0)
    loop = VirtualLoop(seed=seed, turns_left=100_000)
    if not _until_it_dies(world, plan, file, person, loop):
        loop.close()
        return "ended"
    _on_their_way(world, random)
    known = {event.id: event.value for event in file.lose_the_end(random) if isinstance(event, events.Succeeded)}
    writes = {event.id for _, event in world.history if isinstance(event, events.Started) and event.tool in WRITES}
    for key in [key for key in world.effects if key[1] not in writes]:
        del world.effects[key]  # reads are made again
    _bury(world, loop)
    asked: list[Doubt] = []

    def resolve(doubt: Doubt) -> Done | CallAgain | StillUnknown:
        asked.append(doubt)
        happened = any(times for (_, task, _), times in world.effects.items() if task == doubt.task_id)
        if random.random() < 0.3:
            return StillUnknown()
        return Done(known.get(doubt.task_id, 0)) if happened else CallAgain()

    async def go_on(_random: Random) -> tuple[RunResult, list[events.Event], list[str], list[str], Any]:
        agent = _agent(world, file, person)
        async with agent.stream_resume("run", context=world, resolve=resolve) as running:
            result = await running.result()
        left = [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return result, list(running.events), left, checks.timers_of(loop), checks.slots_of(agent)

    try:
        result, happened, left, timers, _ = simulate(go_on, seed=seed, most_turns=100_000)
        run = checks.Ran(world.units[-1], happened, result, None, None, hurried=False)
        checks.check_that_it_ended(run)
        checks.check_that_each_task_settles_once(run)
        checks.check_that_the_state_is_consistent(run)
        checks.check_that_inputs_came_first(run)
        checks.check_what_really_happened(run, world)
        checks.check_that_people_were_asked(run)
        gone = any(isinstance(event, events.Failed) and event.failure.abandoned for event in happened)
        assert gone or not (left or timers), f"left running: {left} {timers}"
        assert all(doubt.tool in WRITES for doubt in asked), asked
    except UsageError as error:
        if "before its plan was recorded as a whole" in str(error) or "there is nothing to resume" in str(error):
            return "nothing"
        raise
    except BaseException as error:
        error.add_note(f"The plan of seed {seed}:\n{text}\nTo replay it: crashed({seed})")
        raise
    return "asked" if asked else "resumed"
