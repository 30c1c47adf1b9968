"""Runs a plan again and again in processes that are killed in the middle, and looks at what the world has seen.

    python tests/journal/killing.py DIRECTORY KILLS SEED [called]

Every process is a fork of one that has imported everything, so that a death costs milliseconds. It is killed with
SIGKILL by its parent after a random time, or by itself at an exact place: before or after a given transaction of the
journal, or after an event that has not reached the file. `called`: the plan is one that another one calls. Prints what
it counted, as JSON; exits with 1 at a broken promise, and says which.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from superscalar import CallAgain, Done, Doubt, LLMCompiler, Tool, ToolContext, tool
from superscalar import events as ev
from superscalar.errors import UnknownRun, UsageError
from superscalar.journal import Journal
from superscalar.journal.log import RunLog
from superscalar.journal.writer import _File
from superscalar.tools import validation  # noqa: F401 -- imports pydantic, so that no fork has to

CALLED = "called" in sys.argv[4:]
SLOWEST = 0.006  # seconds that a tool sleeps twice
MOST_DEATHS = 8  # of one run; then it is left in peace

PLAN = """\
names = [fetch(i) for i in range(10)]
a0 = fetch("a0")
a1 = fetch(a0)
a2 = fetch(a1)
b0 = fetch("b0")
b1 = fetch(b0)
b2 = fetch(b1)
c = pure_part(a2, b2)
d = pure_part(a2, b2)
paid = [pay(n, n) for n in names]
kept = [keep(n) for n in names[:6]]
one = pay("one", c)
two = pay("one", d)
three = pay("one", paid[0])
if two != "":
    four = keep(three)
else:
    four = pay("never", three)
last = [fetch(x) for x in paid]
most = first(2, [fetch("x"), fetch("y"), fetch("z")])
join(names, c, d, paid, kept, one, two, three, four, last, len(most))
"""


class Diary:
    """What the tools did, in a file to which each line is appended at once: it outlives the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(self, what: str, run: ToolContext[Any], value: str = "") -> None:
        line = json.dumps([what, run.task_id, run.idempotency_key, value]) + "\n"
        os.write(self._descriptor, line.encode())

    @staticmethod
    def read(path: Path) -> list[list[str]]:
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def tools_of(world: Diary, seed: int) -> list[Any]:
    random = Random(seed)

    async def moment() -> None:
        await asyncio.sleep(random.uniform(0.0, SLOWEST))

    @tool(effect="read", resource="web")
    async def fetch(what: Any, run: ToolContext[None]) -> str:
        world.say("begin", run)
        await moment()
        return f"<{what}>"

    @tool(effect="pure")
    async def pure_part(one: str, other: str, run: ToolContext[None]) -> str:
        world.say("begin", run)
        await moment()
        return f"{one}{other}"

    @tool(effect="write", resource=lambda place: f"account:{place}")
    async def pay(place: str, what: str, run: ToolContext[None]) -> str:
        world.say("begin", run)
        await moment()
        value = f"paid {what}"
        world.say("wrote", run, value)
        await moment()
        return value

    @tool(effect="write", resource="shelf", idempotent=True)
    async def keep(what: str, run: ToolContext[None]) -> str:
        world.say("begin", run)
        await moment()
        value = f"kept {what}"
        world.say("wrote", run, value)
        return value

    return [fetch, pure_part, pay, keep]


def resolver(path: Path) -> Callable[[Doubt], Done | CallAgain]:
    """Knows the truth: it looks into the world."""

    def resolve(doubt: Doubt) -> Done | CallAgain:
        for what, _, key, value in Diary.read(path):
            if what == "wrote" and key == doubt.idempotency_key:
                return Done(value)
        return CallAgain()

    return resolve


@dataclass(frozen=True)
class Death:
    """When a process dies: after some seconds by its parent's hand, or by its own around the nth of something."""

    how: str
    number: int
    seconds: float


def deaths(random: Random) -> Death:
    how = random.choice(["time", "time", "before a transaction", "after a transaction", "after an event"])
    most = 200 if how == "after an event" else 25
    return Death(how, random.randrange(most), random.uniform(0.0, 0.5))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hook(death: Death) -> None:
    """Have this process kill itself where it is to die."""
    counted = 0

    def count() -> bool:
        nonlocal counted
        counted += 1
        return counted == death.number + 1

    commit, append = _File.commit, RunLog.append

    def committing(self: _File, jobs: list[Any]) -> None:
        last = count()
        if last and death.how == "before a transaction":
            die()
        commit(self, jobs)
        if last:
            die()

    def appending(self: RunLog, event: ev.Event, **given: Any) -> None:
        append(self, event, **given)
        if count():
            die()

    if death.how in ("before a transaction", "after a transaction"):
        _File.commit = committing  # type: ignore[method-assign]
    elif death.how == "after an event":
        RunLog.append = appending  # type: ignore[method-assign]


def agent_of(world: Diary, seed: int, directory: Path) -> tuple[LLMCompiler, str]:
    """An agent, and what it runs."""
    tools: list[Any] = tools_of(world, seed)
    if CALLED:
        tools = [Tool.from_plan(LLMCompiler(tools=tools).compile(PLAN), name="whole")]
    agent = LLMCompiler(tools=tools, journal=directory / "runs.db", max_concurrency=6)
    return agent, "x = whole()\njoin(x)\n" if CALLED else PLAN


def live(directory: Path, seed: int, death: Death | None) -> None:
    """One process: begin the run or go on with it, and write down what it comes to."""
    if death is not None:
        hook(death)
    world = Diary(directory / "world")
    agent, plan = agent_of(world, seed, directory)

    async def main() -> Any:
        try:
            return (await agent.resume("run", resolve=resolver(world.path))).answer
        except UnknownRun:
            pass
        except UsageError as error:
            if "has ended" in str(error):  # it died between its last event and our note
                return None
            if "before its plan was recorded" not in str(error):
                raise
            (directory / "runs.db").unlink()
            for beside in ("runs.db-wal", "runs.db-shm"):
                (directory / beside).unlink(missing_ok=True)
        fresh, _ = agent_of(world, seed, directory)
        return (await fresh.execute(plan, run_id="run")).joined

    answer = asyncio.run(main())
    (directory / "answer").write_text(json.dumps(answer))


def forked(directory: Path, seed: int, death: Death | None) -> bool:
    """Whether a process came to its end; False if it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            live(directory, seed, death)
            code = 0
        except BaseException as error:  # noqa: BLE001 -- a forked child must not go on with its parent's work
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(code)
    if death is not None and death.how == "time":
        time.sleep(death.seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    if os.waitstatus_to_exitcode(status):
        raise BrokenPromise("a process ended with an error")
    return True


class BrokenPromise(Exception):
    """What must hold does not."""


def durable(path: Path) -> list[ev.Event]:
    """What survived."""
    if not path.exists():
        return []
    journal = Journal(path)
    try:
        return [record.event for record in journal.read("run")]
    except UnknownRun:
        return []


def one_run(directory: Path, random: Random, counts: Counter[str]) -> Any:
    """A run with its deaths; returns its answer."""
    directory.mkdir()
    world = directory / "world"
    died = 0
    while True:
        before = durable(directory / "runs.db")
        done = {event.id for event in before if isinstance(event, ev.Succeeded)}
        seen = len(Diary.read(world))
        death = deaths(random) if died < MOST_DEATHS else None
        ended = forked(directory, random.randrange(1_000_000), death)
        for what, id, _, _ in Diary.read(world)[seen:]:
            if what == "begin" and id in done:
                raise BrokenPromise(f"{id} ran again, though its success was recorded")
        if ended:
            break
        died += 1
        counts["kills"] += 1
        counts[f"killed {death.how if death else ''}"] += 1
    after = durable(directory / "runs.db")
    counts["runs"] += 1
    counts["resumed"] += sum(isinstance(event, ev.Resumed) for event in after)
    counts["asked"] += sum(isinstance(event, ev.Judged) for event in after)
    counts["found done"] += sum(isinstance(event, ev.Judged) and event.verdict == "done" for event in after)
    paid = Counter(key for what, id, key, value in Diary.read(world) if what == "wrote" and value.startswith("paid"))
    twice = [key for key, times in paid.items() if times > 1]
    if twice:
        raise BrokenPromise(f"written twice: {', '.join(twice)}")
    if len(paid) != 13:
        raise BrokenPromise(f"{len(paid)} payments were made, and not 13")
    settled = Counter(event.id for event in after if isinstance(event, ev.Succeeded | ev.Failed | ev.Skipped))
    if any(times > 1 for times in settled.values()):
        raise BrokenPromise("a task settled twice")
    answers = [event.value for event in after if isinstance(event, ev.Succeeded) and event.id == "join()"]
    return answers[0]


def main(directory: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill until that many processes have died; what was counted."""
    random = Random(seed)
    counts: Counter[str] = Counter()
    calm = directory / "undisturbed"
    calm.mkdir(parents=True)
    forked(calm, 0, None)
    expected = json.loads((calm / "answer").read_text())
    while counts["kills"] < kills:
        number = counts["runs"]
        answer = one_run(directory / f"run{number}", random, counts)
        if answer != expected:
            raise BrokenPromise(f"run {number} of seed {seed} came to {answer}, and not to {expected}")
    counts["tasks"] = sum(isinstance(event, ev.Succeeded) for event in durable(calm / "runs.db"))
    return dict(counts)


if __name__ == "__main__":
    began = time.monotonic()
    try:
        found = main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    except BrokenPromise as broken:
        sys.exit(str(broken))
    sys.stdout.write(json.dumps({**found, "seconds": round(time.monotonic() - began, 1)}) + "\n")
