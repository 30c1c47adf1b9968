"""Random programs of one round or two, over tools that fail, hang, are deaf, and are asked about."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from superscalar import Limit, Retry, ToolContext, tool
from superscalar import events as ev
from superscalar.codec import from_json, to_json
from superscalar.executors.runners import Runners
from superscalar.plan.ir import Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.fronts.detect import reader_of
from superscalar.plan.read.program import Program
from superscalar.policy import Ask, LabelledCall, Policy, Question
from superscalar.schedule.approval import Approver
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.values import Outcome, TaskId
from support.ends import ENDS, fail, spend
from support.random_plans import plans

GRACE = 0.5
RETRY = Retry(attempts=3, initial=0.5)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The numbers of one example."""

    seed: int
    failing: float
    cap: int
    pause: float
    asking: float = 0.0


@dataclass(slots=True)
class Fates:
    """Tools whose fates depend on the seed, the task, and how often it was tried again: not on who died in between."""

    chosen: Chosen
    log: list[ev.Event]
    called: list[tuple[TaskId, str]] = field(default_factory=list)
    happened: Counter[TaskId] = field(default_factory=Counter)

    @property
    def tools(self) -> Toolset:
        @tool(effect="read", resource="other", retry=RETRY, timeout=5)
        async def work(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._work(run)

        @tool(effect="read", resource="other", retry=RETRY, timeout=5, limit="named")
        async def named(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._work(run)

        @tool(effect="pure", retry=RETRY, timeout=5)
        async def both(value: Any) -> str:
            await asyncio.sleep(1)
            return repr(value)[:3]

        @tool(effect="read", resource="other", retry=RETRY, timeout=5, limit="named")
        async def many(value: Any) -> str:
            return (await several([value]))[0]

        @many.batch(max_batch=3)
        async def several(values: list[Any]) -> list[str]:
            await asyncio.sleep(1)
            return [repr(value)[:5] for value in values]

        @tool(effect="read", resource="store", retry=RETRY, timeout=5)
        async def look(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._work(run)

        @tool(effect="write", resource="store", retry=RETRY, timeout=5)
        async def post(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._work(run)

        @tool(effect="write", resource="shelf", retry=RETRY, timeout=5, idempotent=True)
        async def put(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._work(run, only=["error"])

        @tool(effect="read", resource="shelf", retry=RETRY, timeout=5)
        async def get(site: int, value: Any, run: ToolContext[None]) -> int:
            return await self._work(run)

        return Toolset([work, named, both, many, look, post, put, get], limits={"named": Limit(concurrency=2)})

    def asks(self, call: LabelledCall) -> Ask | None:
        """Some calls are asked about: which ones depends on the seed and the task only."""
        return Ask("sure?") if Random(f"asks {self.chosen.seed} {call.id}").random() < self.chosen.asking else None

    async def answers(self, question: Question) -> bool:
        """After a while, and not always with a yes."""
        random = Random(f"answers {self.chosen.seed} {question.task_id}")
        await asyncio.sleep(random.choice([0.0, 0.25, 1.0, 4.0]))
        return random.random() < 0.8

    def fate(self, id: TaskId, only: Sequence[str] = ()) -> tuple[str, int, float]:
        """How the next attempt fails, or "" and its value; and how long it takes."""
        tried = 0
        for e in self.log:
            if isinstance(e, ev.Cancelled) and e.id == id:
                tried = 0
            tried += isinstance(e, ev.Retrying) and e.id == id
        random = Random(f"{self.chosen.seed} {id} {tried}")
        fails = random.random() < self.chosen.failing
        kinds = only or ENDS
        return random.choice(kinds) if fails else "", random.randrange(4), random.choice([0.0, 0.25, 0.5, 1.0, 3.0])

    async def _work(self, run: ToolContext[None], only: Sequence[str] = ()) -> int:
        kind, value, takes = self.fate(run.task_id, only)
        self.called.append((run.task_id, run.idempotency_key))
        await spend(takes, kind)
        if kind:
            await fail(kind, [None, 0.1, 2.0][value % 3])
        self.happened[run.task_id] += 1
        return value


def rounds_of(sources: Sequence[str]) -> list[list[Task]]:
    """The tasks of each round of a program."""
    program = Program(Fates(Chosen(0, 0, 1, 0), []).tools.signatures)
    rounds = []
    for number, source in enumerate(sources):
        if number:
            program.next_round()
        reader = reader_of("python", program)
        steps = [*reader.feed(source), *reader.finish("stop")]
        assume(not any(isinstance(step, Diagnostic) and step.severity == "error" for step in steps))
        rounds.append([step for step in steps if isinstance(step, Task)])
    return rounds


@st.composite
def programs(draw: st.DrawFn) -> list[list[Task]]:
    """One round or two; the second may use all names of the first."""
    first = list(draw(plans(most=8)))
    if draw(st.booleans()):
        lists = [line.split(" = ")[0] for line in first if " = [" in line]
        if lists:
            first.insert(-1, f"f = first({draw(st.integers(1, 2))}, {draw(st.sampled_from(lists))})")
    sources = ["\n".join(first) + "\n"]
    if draw(st.booleans()):
        names = [line.split(" = ")[0] for line in first if " = " in line] or ["1"]
        one, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        sources.append(f"y = work(900, {one})\nz = post(910, default({other}, 1))\njoin(y, z)\n")
    others = {
        r"both\(\d+, ": "both(",
        r"rated\(\d+, ": draw(st.sampled_from(["many(", "put(5, "])),
        r"(work|named)\((?=\d+, )": draw(st.sampled_from(["named(", "get("])),
        r"get\(\d+, ": draw(st.sampled_from(["both(", "get(7, "])),
    }
    for old, new in others.items():
        sources = [re.sub(old, new, source) for source in sources]
    return rounds_of(sources)


chosen = st.builds(
    Chosen,
    st.integers(0, 1_000),
    st.sampled_from([0.0, 0.1, 0.4]),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.0, 0.25, 1.0]),
    st.sampled_from([0.0, 0.0, 0.3]),
)


@dataclass(slots=True)
class Came:
    """What came of a run."""

    log: list[ev.Event]
    outcomes: Mapping[TaskId, Outcome]
    world: Fates


def surroundings(world: Fates) -> Surroundings:
    tools = world.tools
    limits = Limits(tools.limits, world.chosen.cap)
    bounds = Bounds(timeout=60.0, grace=GRACE)
    policy = Policy(rules=[world.asks]) if world.chosen.asking else Policy("off")
    surroundings = Surroundings(
        run="run",
        tools=tools,
        limits=limits,
        runners=Runners(),
        record=world.log.append,
        bounds=bounds,
        random=Random(0),
    )
    return replace(surroundings, policy=policy, approver=Approver(world.answers, "ann"))


async def driven(unit: TaskFetchingUnit, world: Fates, rounds: list[list[Task]], stop_at: float | None = None) -> Came:
    """Do what is not in the log yet: plan round for round, as somebody who writes a plan would."""
    began = sum(isinstance(e, ev.RoundStarted) for e in world.log)
    planned = {e.task.id for e in world.log if isinstance(e, ev.Planned)}
    sealed = sum(isinstance(e, ev.Sealed) for e in world.log)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        world.log.append(ev.DeadlinePassed(loop.time()))
        unit.stop("deadline")

    timer = loop.call_at(stop_at, stop) if stop_at is not None else None
    for number, tasks in enumerate(rounds):
        if number < began - 1:
            continue
        if number >= began:
            unit.begin_round(number, "")
        for task in tasks:
            if task.id not in planned:
                unit.add(task)
                if world.chosen.pause:
                    await asyncio.sleep(world.chosen.pause)
        if number >= sealed:
            unit.seal()
        await unit.settle()
        unit.schedule.check()
    if timer is not None:
        timer.cancel()
    await unit.cancel()
    unit.schedule.check()
    return Came(world.log, unit.outcomes(), world)


def undisturbed(rounds: list[list[Task]], numbers: Chosen, stop_at: float | None = None) -> Came:
    async def main() -> Came:
        world = Fates(numbers, [])
        return await driven(TaskFetchingUnit(surroundings(world)), world, rounds, stop_at)

    return run(main())


def on_disk(log: Sequence[ev.Event]) -> list[ev.Event]:
    """What comes back of it."""
    return [from_json(json.loads(json.dumps(to_json(e)))) for e in log]
