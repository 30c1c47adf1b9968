"""Ten minutes of runs against a provider that fails in every way, and what they leave behind.

The provider is a process of its own on 127.0.0.1. Runs of many shapes go on at once, on the event loop and in threads
with loops of their own, from three agents (one of them with a journal) and from agents that are made for one question;
some are cancelled, some left, some have a deadline, some are resumed after their journal was cut. Requests and runs at
a time are bounded. It stops by itself, and properly at Ctrl-C.

Every run must end, every task of it have one outcome, every value be right, no limit be exceeded, and asyncio complain
of nothing. Every few seconds a line says how it is going. Now and then no run is begun until those that go on have
ended: what is counted then cannot be theirs. At the end everything must be as at the beginning: asyncio tasks, timers,
threads (an idle one ends after five seconds), sockets, open files; and in the second half memory must not have grown.
That is measured as resident set (RSS), as blocks of Python's allocator and as objects that its garbage collector knows,
by least squares, where there are samples enough (from about five minutes on).

Goals: the resident set grows by less than 1 % over the second half, blocks and objects by less than 0.5 %. On Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it may be run as a script, too

from benchmarks.faulty_provider import RunningProvider
from benchmarks.soak_report import COUNTS, Report, Sample, glance, growth, inspection, table
from benchmarks.soak_runs import GRACE, SHAPES, WEB_SLOTS, Gauge, broken, counted, limits, tools
from superscalar import JoinError, Journal, LLMCompiler, ModelError, PlanError, RunResult, RunStream
from superscalar.events import Event, Progressed, Sealed
from superscalar.executors import local
from superscalar.testing import ScriptedModel

ENDINGS = {"end": 50, "watch": 10, "deadline": 12, "leave": 10, "cancel": 12, "cancel twice": 6}
"""How a run comes to its end, with weights."""

_LONGEST = 20.0
_NEVER = 60.0
_SETTLING = 20.0


# ------------------------------------------------------------------------------------------------------------- runs


class Soak:
    """Keeps runs going until it is told to stop, and counts."""

    def __init__(self, port: int, journal: Path, rate: float, seed: int) -> None:
        self.tally: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.going = threading.Event()
        self.busy: dict[int, str] = {}
        self._numbers = 0
        self._lock = threading.Lock()
        self._seed = seed
        self._random = Random(seed)
        self._rate = rate
        self.journal = Journal(journal)
        self._recorded: dict[str, tuple[Event, ...]] = {}
        self._died: list[str] = []
        self._gauges = {name: Gauge() for name in ("wide", "narrow", "journaled")}
        self._agents = {
            "wide": self._agent(tools(port, self._gauges["wide"]), max_concurrency=32),
            "narrow": self._agent(tools(port, self._gauges["narrow"]), max_concurrency=3),
            "journaled": self._agent(tools(port, self._gauges["journaled"]), journal=self.journal),
        }
        self._for_questions = tools(port, Gauge())

    def _agent(self, given: Any, model: ScriptedModel | None = None, **options: Any) -> LLMCompiler:
        return LLMCompiler(
            model, given, limits=limits(self._rate / 4), grace=GRACE, random=Random(self._seed), replan="any", **options
        )

    @property
    def runs(self) -> int:
        """How many have ended."""
        return self.tally["runs"]

    # -------------------------------------------------------------------------------------------------- keeping on

    async def keep_on(self, random: Random) -> None:
        """One run after the other, on this event loop."""
        while not self.over.is_set():
            if self.going.is_set():
                await self._one(random)
            await asyncio.sleep(random.uniform(0.0, 0.04))

    def keep_on_in_thread(self, random: Random) -> None:
        """One run after the other, each on an event loop of its own."""
        while not self.over.is_set():
            if self.going.is_set():
                if random.random() < 0.8:
                    asyncio.run(self._one(random))
                else:
                    self._one_sync(random)
            time.sleep(random.uniform(0.0, 0.04))

    async def every_kind(self) -> None:
        """One run of each shape by each agent, and some questions."""
        random = Random(self._seed)
        async with asyncio.TaskGroup() as group:
            for shape in SHAPES:
                for name in self._agents:
                    group.create_task(self._run(shape, name, "end", random))
            for _ in range(5):
                group.create_task(self._run("question", "question", "end", random))

    async def _one(self, random: Random) -> None:
        """A run of some shape, by some agent, or one that is resumed; it ends somehow."""
        [ending] = random.choices(list(ENDINGS), list(ENDINGS.values()))
        shape = random.choice([*SHAPES, "question"])
        name = "question" if shape == "question" else random.choice(list(self._agents))
        with self._lock:
            died = self._died.pop() if self._died else None
        if died is None:
            await self._run(shape, name, ending, random)
        else:
            await self._run("resumed", died, ending, random)
            if self.journal.summary(died).state == "interrupted":  # it was cancelled before it was taken up again
                with self._lock:
                    self._died.append(died)

    async def _run(self, shape: str, name: str, ending: str, random: Random) -> None:
        deadline = random.uniform(0.02, 0.4) if ending == "deadline" else _LONGEST
        with self._noted(f"{shape}, {name}, {ending}"):
            if shape == "question":
                stream = self._asked(random).stream("What is it?", deadline=deadline)
            elif shape == "resumed":
                stream = self._agents["journaled"].stream_resume(name, deadline=deadline)
            else:
                stream = self._agents[name].stream_plan(SHAPES[shape](random), deadline=deadline)
            try:
                async with asyncio.timeout(_NEVER):
                    result = await self._driven(stream, shape, ending, random)
            except TimeoutError:
                self.complain(f"a run does not end: {shape}, {name}, {ending}: {stream.events[-3:]}")
            else:
                if name == "journaled" and shape != "writes" and result is not None and random.random() < 0.2:
                    self._recorded[result.run_id] = result.events

    def _one_sync(self, random: Random) -> None:
        with self._noted("question, run_sync"):
            result: RunResult | None = None
            try:
                result = self._asked(random).run_sync("What is it?", deadline=_LONGEST)
            except (PlanError, ModelError, JoinError) as error:
                self._raised(error)
            self._note("question", "run_sync", () if result is None else result.events, result)

    def _asked(self, random: Random) -> LLMCompiler:
        """An agent for one question, whose model writes plans, wants more, errs, or fails."""
        one, other = (SHAPES[random.choice(list(SHAPES))](random) for _ in range(2))
        script: list[Any] = random.choice(
            [
                [one, "It is so."],
                [one, "REPLAN: there is more to look up", other, "It is so."],
                [one, "REPLAN: more", other, "REPLAN: still more", one, "It is so."],
                ["a = fetc(1)\njoin(a)\n", one, "It is so."],
                [one + "z = \n", one],
                [ModelError("overloaded", retryable=True, retry_after=0.01), one, "It is so."],
                [one],
                [ModelError("no such model")],
            ]
        )
        model = ScriptedModel(*script, chunk=random.choice([None, 5, 40]), delay=random.choice([0.0, 0.001]))
        return self._agent(self._for_questions, model)

    async def _driven(self, stream: RunStream, shape: str, ending: str, random: Random) -> RunResult | None:
        """Bring a run to its end, and look at what it left."""
        result: RunResult | None = None
        delay = random.choice([0.0, random.uniform(0.0, 0.05), random.uniform(0.0, 0.5)])
        try:
            match ending:
                case "leave":
                    with suppress(TimeoutError):
                        async with stream as running, asyncio.timeout(delay):
                            async for _ in running:
                                pass
                case "watch":
                    async with stream as running:
                        seen = [event async for event in running]
                        result = await running.result()
                    if tuple(seen) != stream.events:
                        self.complain(f"{shape}: {len(seen)} events were seen of {len(stream.events)}")
                case "cancel" | "cancel twice":
                    task = asyncio.create_task(_to_end(stream))
                    await asyncio.sleep(delay)
                    task.cancel()
                    if ending == "cancel twice":
                        await asyncio.sleep(random.uniform(0.0, 0.02))
                        task.cancel()
                    with suppress(asyncio.CancelledError):
                        result = await task
                case _:
                    result = await _to_end(stream)
        except (PlanError, ModelError, JoinError) as error:
            self._raised(error)
        self._note(shape, ending, stream.events, result)
        return result

    # ------------------------------------------------------------------------------------------------------ counting

    @contextmanager
    def _noted(self, name: str) -> Iterator[None]:
        """A run goes on; whatever it raises that it should not is noted."""
        with self._lock:
            self._numbers += 1
            number = self._numbers
            self.busy[number] = name
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- it is what is looked for
            self.complain(f"{name} raised {error!r}")
        finally:
            with self._lock:
                del self.busy[number]

    def _note(self, shape: str, ending: str, happened: Sequence[Event], result: RunResult | None) -> None:
        wrong = broken(happened, None if result is None else result.outcomes)
        found = counted(happened)
        with self._lock:
            self.tally += found
            self.tally["runs"] += 1
            self.tally[f"runs: {shape}"] += 1
            self.tally[f"ending: {ending}"] += 1
        for line in wrong:
            self.complain(f"{shape}, {ending}: {line}")

    def _raised(self, error: Exception) -> None:
        with self._lock:
            self.tally[f"raised: {type(error).__name__}"] += 1

    def complain(self, line: str) -> None:
        """Something does not hold that must."""
        with self._lock:
            self.tally["wrong"] += 1
            if len(self.wrong) < 50:
                self.wrong.append(line[:2_000])

    # ----------------------------------------------------------------------------------------------------------- rest

    async def rest(self, tasks: int) -> None:
        """Begin no run, and wait until those that go on have ended, and their abandoned calls; then empty the journal.

        `tasks`: how many asyncio tasks are not of runs.
        """
        self.going.clear()
        until = time.monotonic() + _NEVER
        while self._unrest(tasks) and time.monotonic() < until:  # noqa: ASYNC110 -- threads end runs, too
            await asyncio.sleep(0.02)
        if unrest := self._unrest(tasks):
            self.complain(f"this does not end: {', '.join(unrest)}")
        for name, gauge in self._gauges.items():
            if gauge.now or gauge.most > WEB_SLOTS:
                self.complain(f"{name}: {gauge.now} calls run, {gauge.most} at the most, and {WEB_SLOTS} may")
        self._look_at_journal()

    def _unrest(self, tasks: int) -> list[str]:
        """What goes on."""
        with self._lock:
            found = list(self.busy.values())
        found += ["a call in a thread"] * local.busy_threads()
        if len(others := asyncio.all_tasks()) > tasks:
            found += [repr(task) for task in others]
        return found

    def _look_at_journal(self) -> None:
        """It must say what happened. Of some runs it is made to say that they died in the middle, without any write."""
        self.journal.keep_durations({})  # behind it: runs that were given up while they were begun are taken back
        for summary in self.journal.runs():
            if summary.ended is None and summary.id not in self._died:
                self.complain(f"the journal says that run {summary.id} is {summary.state}")
        recorded = {
            run: tuple(event for event in happened if not isinstance(event, Progressed))
            for run, happened in self._recorded.items()
        }
        for run, happened in recorded.items():
            if tuple(record.event for record in self.journal.read(run)) != happened:
                self.complain(f"the journal says something else about run {run}")
        self.tally["read from the journal"] += len(self._recorded)
        with closing(sqlite3.connect(self.journal.path, timeout=10.0)) as connection, connection:
            kept = {
                connection.execute("SELECT number FROM runs WHERE id = ?", (run,)).fetchone()[0]: happened
                for run, happened in recorded.items()
            }
            for table in ("events WHERE run", "runs WHERE number"):
                connection.execute(f"DELETE FROM {table} NOT IN ({', '.join(map(str, kept))})")
            connection.execute("UPDATE runs SET ended = NULL, summary = NULL")
            for number, happened in kept.items():
                sealed = next(place for place, event in enumerate(happened) if isinstance(event, Sealed))
                place = self._random.randrange(sealed + 1, len(happened))
                connection.execute("DELETE FROM events WHERE run = ? AND seq >= ?", (number, place))
        self._died = list(self._recorded)
        self._recorded.clear()


class Complaints(logging.Handler):
    """Takes down what asyncio complains of: a task that was destroyed, an exception that nobody asked for."""

    def __init__(self, soaking: Soak) -> None:
        super().__init__(logging.ERROR)
        self._soaking = soaking

    def __enter__(self) -> None:
        logging.getLogger("asyncio").addHandler(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        logging.getLogger("asyncio").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """One complaint."""
        self._soaking.complain(f"asyncio: {record.getMessage()}")


async def _to_end(stream: RunStream) -> RunResult:
    async with stream as running:
        return await running.result()


# ------------------------------------------------------------------------------------------------------- the whole


@dataclass(frozen=True)
class Load:
    """How much at once, and for how long. Every fourth sample is a rest. `rate`: requests a second at the most."""

    seconds: float = 600.0
    every: float = 5.0
    workers: int = 8
    threads: int = 2
    rate: float = 400.0
    seed: int = 0


async def soak(
    provider: RunningProvider, journal: Path, load: Load, stop: threading.Event, say: Callable[[str], None]
) -> Report:
    """Keep on for as long as `load` says, or until `stop` is set."""
    soaking = Soak(provider.port, journal, load.rate, load.seed)
    with Complaints(soaking):
        return await _soak(soaking, provider, load, stop, say)


async def _soak(
    soaking: Soak, provider: RunningProvider, load: Load, stop: threading.Event, say: Callable[[str], None]
) -> Report:
    begun: float | None = None

    def now() -> float:
        return 0.0 if begun is None else time.monotonic() - begun

    quiet = 1 + inspection(0.0, 0).threads  # those that there are, and one that writes the journal
    say("one run of each kind, and a rest ...")
    await soaking.every_kind()
    await soaking.rest(tasks=1)
    beginning = await _settled(lambda: inspection(now(), soaking.runs), lambda seen: seen.threads <= quiet)
    begun = time.monotonic()
    running = [asyncio.create_task(soaking.keep_on(Random(f"{load.seed} {i}"))) for i in range(load.workers)]
    others = [
        threading.Thread(target=soaking.keep_on_in_thread, args=(Random(f"{load.seed} thread {i}"),), daemon=True)
        for i in range(load.threads)
    ]
    for other in others:
        other.start()
    soaking.going.set()
    rests: list[Sample] = []
    peak: Counter[str] = Counter()
    count = 0
    while now() < load.seconds and not stop.is_set():
        await _moment(min(load.every, max(load.seconds - now(), 0.0)), stop)
        seen = glance(now(), soaking.runs)
        peak |= Counter({name: getattr(seen, name) for name in ("rss_kb", "threads", "sockets", "files")})
        peak |= Counter(tasks=len(asyncio.all_tasks()), runs=len(soaking.busy))
        count += 1
        if count % 4 == 0:
            await soaking.rest(tasks=1 + load.workers)
            rests.append(inspection(now(), soaking.runs))
            soaking.going.set()
        say(_line(seen, rests, soaking))
    soaking.over.set()
    for task in running:
        await task
    await soaking.rest(tasks=1)
    for other in others:
        other.join(_SETTLING)
    if any(other.is_alive() for other in others):
        soaking.complain("a thread that runs runs does not end")
    ran = now()
    say("waiting for idle threads to end ...")
    end = await _settled(
        lambda: inspection(now(), soaking.runs),
        lambda seen: all(getattr(seen, name) <= getattr(beginning, name) for name in COUNTS),
    )
    return Report(
        seconds=ran,
        tally=dict(sorted(soaking.tally.items())),
        faults=provider.statistics(),
        peak=dict(peak),
        beginning=beginning,
        end=end,
        rests=tuple(rests),
        growth=growth(rests),
        wrong=tuple(soaking.wrong),
    )


async def _moment(seconds: float, stop: threading.Event) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stop.is_set():  # noqa: ASYNC110 -- set by a signal
        await asyncio.sleep(0.1)


async def _settled(look: Callable[[], Sample], enough: Callable[[Sample], bool]) -> Sample:
    """Look until it is as it should be, for a time at the most; the last look."""
    until = time.monotonic() + _SETTLING
    while not enough(seen := look()) and time.monotonic() < until:  # noqa: ASYNC110 -- nothing says when a thread ends
        await asyncio.sleep(0.25)
    return seen


def _line(seen: Sample, rests: Sequence[Sample], soaking: Soak) -> str:
    tally = soaking.tally
    quiet = f"; at rest {rests[-1].objects:,} objects, {rests[-1].blocks:,} blocks" if rests else ""
    return (
        f"{seen.at:5.0f} s {seen.runs:>7,} runs {tally['calls']:>8,} calls {tally['wrong']:>3} wrong, "
        f"{seen.rss_kb / 1024:6.1f} MB, {seen.threads:>3} threads, {seen.sockets:>3} sockets{quiet}"
    )


def main() -> int:
    """Print lines as it goes and the table; with --check, fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two samples; every fourth is a rest")
    parser.add_argument("--workers", type=int, default=8, help="runs at once on one event loop")
    parser.add_argument("--threads", type=int, default=2, help="runs at once beside it, each in a thread")
    parser.add_argument("--rate", type=float, default=400.0, help="requests a second at the most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        raise SystemExit("what a process has open is read from /proc: this runs on Linux only")

    stop = threading.Event()

    def told_to_stop(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second time: at once

    signal.signal(signal.SIGINT, told_to_stop)
    output = sys.stderr if options.json else sys.stdout
    with RunningProvider(options.seed) as provider, tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(
            soak(
                provider,
                Path(folder) / "runs.db",
                Load(
                    seconds=options.minutes * 60,
                    every=options.every,
                    workers=options.workers,
                    threads=options.threads,
                    rate=options.rate,
                    seed=options.seed,
                ),
                stop,
                lambda line: print(line, file=output, flush=True),
            )
        )
    if options.json:
        print(json.dumps({**asdict(report), "missed": report.missed()}, indent=2))
    else:
        print("\n" + table(report))
    return 1 if report.missed() and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
