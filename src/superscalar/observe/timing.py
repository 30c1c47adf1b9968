"""Where a run's seconds went, and how fast it could have been at best."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from heapq import heapreplace

from superscalar import events as ev
from superscalar.values import TaskId


@dataclass(frozen=True, slots=True)
class Timing:
    """Where a run's time went, in seconds.

    The parts overlap, since calls run while the plan is still being written: they do not add up to `total`.

    `planning`: from asking the planner to the seal, over all rounds (to its last word where no plan was sealed).
    `tools`: from the first start to the last end of a call, pauses included. `joining`: from asking the joiner to its
    answer or its replan, over all rounds. `calls`: the calls that were started; a retried call counts once.
    `one_after_another`: what the attempts of these calls lasted together, so the time that a program would need that
    makes them one at a time and never waits before a retry. The calls of a batch are one attempt, here and in all that
    this module says of slots.
    """

    total: float = 0.0
    planning: float = 0.0
    tools: float = 0.0
    joining: float = 0.0
    calls: int = 0
    one_after_another: float = 0.0

    @classmethod
    def of(cls, events: Iterable[ev.Event]) -> Timing:
        """The timing of a run, or of the part of it that has happened so far: what is open ends at the last event."""
        begin = end = 0.0
        planning, joining = _Phase(), _Phase()
        calls = _AskedCalls()
        for number, event in enumerate(events):
            if number == 0:
                begin = event.at
            end = event.at
            calls.apply(event)
            match event:
                case ev.RoundStarted():
                    planning.open(event.at)
                case (
                    ev.PlanWritten()
                    | ev.Thought(role="planner")
                    | ev.Diagnosed()
                    | ev.Repairing()
                    | ev.ModelUsed(role="planner")
                ):
                    planning.touch(event.at)
                case ev.Sealed():
                    planning.close(event.at)
                case ev.JoinStarted():
                    planning.close()
                    joining.open(event.at)
                case ev.Joined() | ev.Replanned():
                    joining.close(event.at)
                case ev.RunEnded():
                    planning.close()
                    joining.close(event.at)
        planning.close(end)
        joining.close(end)
        calls.close(end)
        works = calls.works.values()
        return cls(
            total=end - begin,
            planning=planning.seconds,
            tools=max(w.end for w in works) - min(w.started for w in works) if works else 0.0,
            joining=joining.seconds,
            calls=len(calls.started),
            one_after_another=sum(w.seconds for w in works),
        )


class _Phase:
    """Seconds between pairs of opening and closing moments."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since: float | None = None
        self._last = 0.0

    def open(self, at: float) -> None:
        self.close()
        self._since = self._last = at

    def touch(self, at: float) -> None:
        self._last = at

    def close(self, at: float | None = None) -> None:
        """Close at `at`, or at the last moment at which something was seen to happen in the phase."""
        if self._since is not None:
            self.seconds += (self._last if at is None else at) - self._since
            self._since = None


@dataclass(slots=True)
class _TimedWork:
    """One call, or one batch: when it was ready, first started and last ended, and how long its attempts lasted
    together. `open`: how many of its calls have not ended."""

    tool: str
    ready: float
    started: float
    end: float
    seconds: float = 0.0
    attempts: int = 0
    since: float | None = None  # the running attempt's start
    open: int = 0

    def stop(self, at: float) -> None:
        self.open -= 1
        if self.open == 0 and self.since is not None:
            self.seconds += at - self.since
            self.end = at
            self.since = None


@dataclass(slots=True)
class _AskedCalls:
    """What was asked of the tools, by task instance or by number of the batch; `running` says which is a task's now."""

    works: dict[TaskId | int, _TimedWork] = field(default_factory=dict)
    waiting: dict[TaskId, float] = field(default_factory=dict)
    running: dict[TaskId, _TimedWork] = field(default_factory=dict)
    started: set[TaskId] = field(default_factory=set)

    def apply(self, event: ev.Event) -> None:
        match event:
            case ev.Waiting(at, id):
                self.waiting.setdefault(id, at)
            case ev.Started(at, id, tool, _, _, batch):
                ready = self.waiting.pop(id, at)
                key = batch or id
                work = self.works.get(key)
                if work is None:
                    work = self.works[key] = _TimedWork(tool, ready, started=at, end=at)
                if work.open == 0:
                    work.since = at
                    work.attempts += 1
                work.open += 1
                self.running[id] = work
                self.started.add(id)
            case ev.Resumed(at):  # what was under way had ended with its process
                self.close(at)
                self.running.clear()
            case (
                ev.Retrying(at, id)
                | ev.Cancelled(at, id)
                | ev.Succeeded(at, id)
                | ev.Failed(at, id)
                | ev.Skipped(at, id)
            ):
                if (work := self.running.pop(id, None)) is not None:
                    work.stop(at)

    def close(self, at: float) -> None:
        for work in self.running.values():
            work.stop(at)


def _works(events: Iterable[ev.Event], tools: Collection[str] | None) -> list[_TimedWork]:
    """The calls of a run, of these tools only where they are given; what is open ends at the last event."""
    calls, last = _AskedCalls(), 0.0
    for event in events:
        calls.apply(event)
        last = event.at
    calls.close(last)
    return [work for work in calls.works.values() if tools is None or work.tool in tools]


def span(events: Iterable[ev.Event], *, tools: Collection[str] | None = None) -> float:
    """What the calls of a run really took: seconds from when the first was ready to when the last had ended.

    For the same `tools` it is never below their `lower_bound`; 0.0 without calls.
    """
    works = _works(events, tools)
    return max(work.end for work in works) - min(work.ready for work in works) if works else 0.0


def lower_bound(events: Iterable[ev.Event], concurrency: int, *, tools: Collection[str] | None = None) -> float:
    """The least time in which `concurrency` slots could have done the calls of a run, to judge a schedule by.

    Takes the calls that were started (of `tools` only, where given: name the tools that share a limit), each ready
    when it began to wait for a slot, or else when it started, and as long as its attempts lasted together. Returns
    seconds from the first of these ready times to the end of the last call; 0.0 without calls.

    It is a true bound for these ready times and durations, and never above what any schedule could reach: the largest
    of several bounds that each hold. Where all calls last equally long and none was retried it is exact: serving them
    in the order in which they become ready is then optimal. Ready times are taken as they were, so a call that another
    one of the same slots feeds could be ready earlier under a better schedule.

    Raises:
        ValueError: `concurrency` is below 1.
    """
    if concurrency < 1:
        raise ValueError(f"lower_bound(events, {concurrency}): concurrency is a number of slots, at least 1")
    works = _works(events, tools)
    if not works:
        return 0.0
    jobs = sorted((work.ready, work.seconds) for work in works)
    first = jobs[0][0]
    jobs = [(ready - first, seconds) for ready, seconds in jobs]
    bounds = [max(ready + seconds for ready, seconds in jobs), _by_capacity(jobs, concurrency)]
    if all(work.attempts == 1 for work in works):  # a retried call may leave its slot in between
        bounds += [_as_short_as_the_shortest(jobs, concurrency), _two_on_one_slot(jobs, concurrency)]
    return max(bounds)


def _as_short_as_the_shortest(jobs: list[tuple[float, float]], slots: int) -> float:
    """The optimum if every job lasted as long as the shortest one: shorter jobs never take longer together."""
    seconds = min(duration for _, duration in jobs)
    free = [0.0] * min(slots, len(jobs))
    end = 0.0
    for ready, _ in jobs:
        end = max(ready, free[0]) + seconds
        heapreplace(free, end)
    return end


def _by_capacity(jobs: list[tuple[float, float]], slots: int) -> float:
    """For every suffix of the jobs in ready order: until the end, at most `slots` of those that are ready work."""
    best = rest = 0.0
    for first in range(len(jobs) - 1, -1, -1):
        rest += jobs[first][1]
        done, working = 0.0, 0
        now = jobs[first][0]
        for ready, _ in jobs[first : first + slots]:
            if working and done + working * (ready - now) >= rest:
                break
            done += working * (ready - now)
            now, working = ready, working + 1
        best = max(best, now + (rest - done) / working)
    return best


def _two_on_one_slot(jobs: list[tuple[float, float]], slots: int) -> float:
    """For every suffix: of its `slots + 1` longest jobs two share a slot, at the least the two shortest of them."""
    best = 0.0
    longest: list[float] = []  # ascending, slots + 1 at most
    for ready, seconds in reversed(jobs):
        longest.insert(bisect_left(longest, seconds), seconds)
        if len(longest) > slots + 1:
            del longest[0]
        if len(longest) == slots + 1:
            best = max(best, ready + longest[0] + longest[1])
    return best
