"""A run that dies at any moment and goes on comes to what it would have come to, and does nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from superscalar import Failure, Limit, NotDone, Observation, RateLimited, Retry, Skipped, ToolContext, tool
from superscalar import events as ev
from superscalar.codec import from_json, to_json
from superscalar.executors import local
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.fronts.detect import reader_of
from superscalar.plan.ir import Task
from superscalar.plan.program import Program
from superscalar.policy import Ask, LabelledCall, Policy, Question
from superscalar.schedule.asking import Approver
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.doubts import CallAgain, Done, Verdict
from superscalar.schedule.limits import Limits
from superscalar.schedule.restore import ResumedUnit
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.values import UNNEEDED, Outcome, TaskId
from support.depth import examples
from support.random_plans import plans
from support.running import ends

PROFILE = settings(max_examples=examples(5))
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
        kinds = only or ["error", "refused", "not done", "hangs", "deaf", "cancels itself"]
        return random.choice(kinds) if fails else "", random.randrange(4), random.choice([0.0, 0.25, 0.5, 1.0, 3.0])

    async def _work(self, run: ToolContext[None], only: Sequence[str] = ()) -> int:
        kind, value, takes = self.fate(run.task_id, only)
        self.called.append((run.task_id, run.idempotency_key))
        if kind == "deaf":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1_000)
        elif takes:
            await asyncio.sleep(takes)
        match kind:
            case "":
                self.happened[run.task_id] += 1
                return value
            case "error":
                raise ValueError("made up")
            case "refused":
                raise RateLimited(retry_after=[None, 0.1, 2.0][value % 3])
            case "not done":
                raise NotDone("made up")
            case "cancels itself":
                raise asyncio.CancelledError
            case _:
                await asyncio.sleep(1_000)
                raise AssertionError("nobody waits that long")


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
    outcomes: dict[TaskId, Outcome]
    world: Fates


def surroundings(world: Fates) -> Surroundings:
    tools = world.tools
    limits = Limits(tools.limits, world.chosen.cap)
    bounds = Bounds(60.0, GRACE)
    policy = Policy(rules=[world.asks]) if world.chosen.asking else Policy("off")
    surroundings = Surroundings("run", tools, limits, local.invoke, world.log.append, bounds, random=Random(0))
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


def resumed(prefix: Sequence[ev.Event], rounds: list[list[Task]], numbers: Chosen, happened: bool) -> Came:
    """Go on from a prefix in a new process; the writes that were cut off had `happened` if they were to succeed."""

    async def main() -> Came:
        last = prefix[-1].at if prefix else 0.0
        world = Fates(numbers, [replace(e, at=e.at - last) for e in prefix])
        unit = ResumedUnit(surroundings(world), tuple(world.log))
        unit.schedule.check()
        before = list(world.log)
        verdicts: dict[TaskId, Verdict] = {}
        for doubt in unit.doubts:
            kind, value, _ = world.fate(doubt.task_id)
            verdicts[doubt.task_id] = Done(value) if happened and not kind else CallAgain()
            world.happened[doubt.task_id] += isinstance(verdicts[doubt.task_id], Done)
        assert world.log == before
        unit.go_on(verdicts)
        return await driven(unit, world, rounds)

    return run(main())


def shape(outcome: Outcome) -> Any:
    """An outcome without what may differ: which of several causes is named."""
    match outcome:
        case Observation(value):
            return _shape_of_value(value)
        case Skipped(by_guard=by_guard):
            return ("skipped", by_guard, outcome.unneeded)
        case Failure(kind=kind, items=items, error=error, in_doubt=in_doubt, abandoned=abandoned):
            return (kind, error, in_doubt, abandoned, None if items is None else [shape(item) for item in items])


def _shape_of_value(value: Any) -> Any:
    match value:
        case Observation() | Failure() | Skipped():
            return shape(value)
        case list() | tuple():
            return [_shape_of_value(item) for item in value]
        case dict():
            return {key: _shape_of_value(item) for key, item in value.items()}
    return value


def check_that_nothing_is_done_twice(prefix: Sequence[ev.Event], after: Came) -> None:
    done = {e.id for e in prefix if isinstance(e, ev.Succeeded)}
    assert not done & {id for id, _ in after.world.called}
    assert all(key == f"run:{id}" for id, key in after.world.called)
    answered = {e.id for e in prefix if isinstance(e, ev.Approved)}
    assert not answered & {e.id for e in after.log[len(prefix) :] if isinstance(e, ev.Decided | ev.Approved)}
    allowed = {e.id: e.approved for e in after.log if isinstance(e, ev.Approved)}
    decided = {e.id for e in after.log if isinstance(e, ev.Decided)}
    assert all(allowed[e.id] for e in after.log if isinstance(e, ev.Started) and e.id in decided)
    written = {e.id for e in prefix if isinstance(e, ev.Started) and e.tool == "post"} & done
    for id, times in after.world.happened.items():
        started = [e for e in after.log if isinstance(e, ev.Started) and e.id == id]
        assert started[0].tool != "post" or times + (id in written) <= 1, id
    ends(after.log)  # each settles once
    given: dict[TaskId, Any] = {}
    numbers: dict[TaskId, int] = {}
    for e in after.log:
        if isinstance(e, ev.Started):
            assert given.setdefault(e.id, e.arguments) == e.arguments
            assert e.attempt == numbers.get(e.id, 0) + 1
            numbers[e.id] = e.attempt
        elif isinstance(e, ev.Cancelled):
            del numbers[e.id]
    making: dict[str, TaskId] = {}
    for e in after.log:
        if isinstance(e, ev.Started) and e.tool == "both":
            assert making.setdefault(repr(e.arguments), e.id) == e.id  # identical calls are one call (rule L21)
        elif isinstance(e, ev.Cancelled):
            making = {call: id for call, id in making.items() if id != e.id}  # this one came to nothing
    sharing: set[TaskId] = set()
    for e in after.log:
        if isinstance(e, ev.Shared):
            assert e.id not in sharing
            sharing.add(e.id)
        elif isinstance(e, ev.Unneeded):
            sharing.difference_update(e.ids)  # it may be revived, and then finds anew whose call it shares
    assert [e.at for e in after.log] == sorted(e.at for e in after.log)
    for kind in (ev.Planned, ev.Sealed, ev.RoundStarted, ev.Expanded, ev.Wanted, ev.Won, ev.Resolved):
        made = [repr(replace(e, at=0.0)) for e in after.log if type(e) is kind and kind is not ev.Sealed]
        assert len(made) == len(set(made)), kind


def races(rounds: list[list[Task]]) -> bool:
    """Whether which items win may depend on when the process died."""
    return any("First" in repr(task.work) for tasks in rounds for task in tasks)


def asked_too_late(came: Came) -> bool:
    """Whether a read was set aside until a write had changed what it reads: it may have started before, or not."""
    failures = (outcome for outcome in came.outcomes.values() if isinstance(outcome, Failure))
    return any(failure.message.startswith("nothing needed it until") for failure in failures)


def compare(before: Came, after: Came, rounds: list[list[Task]], *, sealed: bool) -> None:
    if races(rounds) or asked_too_late(before) or asked_too_late(after):
        return
    for id in before.outcomes.keys() | after.outcomes.keys():
        one, other = before.outcomes.get(id, UNNEEDED), after.outcomes.get(id, UNNEEDED)
        if one == UNNEEDED or other == UNNEEDED:  # it started before anybody knew that nothing needs it, or did not
            continue
        assert shape(one) == shape(other), (id, one, other)
    if sealed:
        assert list(before.outcomes) == list(after.outcomes)


@PROFILE
@given(programs(), chosen, st.booleans())
def test_a_run_that_died_after_any_event_goes_on(rounds: list[list[Task]], numbers: Chosen, happened: bool) -> None:
    whole = undisturbed(rounds, numbers)
    log = on_disk(whole.log)
    step = 1 + len(log) // 60
    for length in range(0, len(log) + 1, step):
        prefix = log[:length]
        after = resumed(prefix, rounds, numbers, happened)
        check_that_nothing_is_done_twice(prefix, after)
        compare(whole, after, rounds, sealed=sum(isinstance(e, ev.Sealed) for e in prefix) == len(rounds))
    event(f"{len(log) // 25 * 25} events or more")


@PROFILE
@given(programs(), chosen, st.booleans(), st.data())
def test_a_run_may_die_again_and_again(
    rounds: list[list[Task]], numbers: Chosen, happened: bool, data: st.DataObject
) -> None:
    whole = undisturbed(rounds, numbers)
    log = on_disk(whole.log)
    written: Counter[TaskId] = Counter()
    for _ in range(4):
        prefix = log[: data.draw(st.integers(0, len(log)))]
        after = resumed(prefix, rounds, numbers, happened)
        check_that_nothing_is_done_twice(prefix, after)
        compare(whole, after, rounds, sealed=False)
        log = on_disk(after.log)
    event(f"written {sum(written.values())}")


@PROFILE
@given(programs(), chosen, st.sampled_from([0.25, 0.5, 1.1, 2.0]), st.booleans(), st.data())
def test_a_run_that_died_while_it_was_being_stopped_starts_nothing_more(
    rounds: list[list[Task]], numbers: Chosen, at: float, happened: bool, data: st.DataObject
) -> None:
    whole = undisturbed(rounds, numbers, stop_at=at)
    log = on_disk(whole.log)
    passed = next((i for i, e in enumerate(log) if isinstance(e, ev.DeadlinePassed)), None)
    assume(passed is not None)
    prefix = log[: data.draw(st.integers((passed or 0) + 1, len(log)))]
    after = resumed(prefix, rounds, numbers, happened)
    assert not after.world.called
    ends(after.log)
