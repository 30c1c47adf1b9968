"""A compiler whose runs are written by hand, and one small run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from superscalar import events as ev
from superscalar.observe.timing import Timing
from superscalar.plan.ir import Call, Compute, Guard, Join, Literal, Map, Need, Plan, Ref, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.tools import Toolset
from superscalar.values import Failure, Observation, Outcome, TaskId, Usage

PLAN = Plan(
    (
        Task("tickers", Call("tickers", (("index", Literal("NASDAQ")),))),
        Task(
            "prices",
            Map(
                "tickers",
                "prices[]:t",
                (Task("prices[]", Call("price", (("ticker", Ref("prices[]:t")),))),),
                "prices[]",
            ),
            (Need("tickers", "shape"),),
        ),
        Task("alert.if", Compute(Ref("prices")), (Need("prices"),)),
        Task(
            "alert",
            Call("notify", (("who", Literal("me")), ("text", Ref("prices"))), "write"),
            (Need("prices"),),
            (Guard("alert.if", True),),
        ),
        Task("join", Join(((None, "prices"),)), (Need("prices", "outcome"),)),
    )
)


@dataclass(frozen=True)
class ScriptedResult:
    answer: Any
    outcomes: Mapping[TaskId, Outcome] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)
    rounds: int = 1
    run_id: str = "r1"
    plan: Plan = field(default_factory=lambda: PLAN)
    cost: float = 0.0
    partial: str = ""
    cut: str = ""
    fell_back: str = ""

    @property
    def usage_by_model(self) -> Mapping[str, Usage]:
        return {"scripted": self.usage}

    @property
    def usage_by_round(self) -> tuple[Usage, ...]:
        return (self.usage,)

    @property
    def complete(self) -> bool:
        return not self.cut


class ScriptedStream:
    """Yields `events` and ends with `result`; one that `hangs` goes on until it is left, then yields `settling`."""

    def __init__(
        self,
        events: Sequence[ev.Event] = (),
        result: ScriptedResult | Exception | None = None,
        *,
        hangs: bool = False,
        settling: Sequence[ev.Event] = (),
    ) -> None:
        self._events = list(events)
        self._result = result
        self._hangs = hangs
        self._settling = settling
        self.left = False

    async def __aenter__(self) -> ScriptedStream:
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.left = True
        self._events += self._settling

    async def __aiter__(self) -> AsyncIterator[ev.Event]:
        for event in self._events:
            yield event
        if self._hangs and not self.left:
            await asyncio.Event().wait()

    async def result(self) -> ScriptedResult:
        if isinstance(self._result, Exception):
            raise self._result
        assert self._result is not None
        return self._result


NO_SUCH = Failure("error", "no such ticker", "LookupError")

OUTCOMES: dict[TaskId, Outcome] = {
    "tickers": Observation(["IBM", "XXX"]),
    "prices[0]": Observation(231.25),
    "prices[1]": NO_SUCH,
    "prices": Failure("items", "1 of 2 items failed", items=(Observation(231.25), NO_SUCH)),
    "join": Observation([231.25, NO_SUCH]),
}

WRITING: tuple[ev.Event, ...] = (
    ev.RunStarted(0.0, "r1", "How are they?"),
    ev.RoundStarted(0.0, 0),
    ev.PlanWritten(0.25, 'prices = [price(t) for t in tickers("NAS'),
    ev.PlanWritten(0.5, 'DAQ")]\nif prices:\n    alert = notify("me", prices)\njoin(prices)\n'),
    *(ev.Planned(0.5, task) for task in PLAN),
    ev.Started(0.5, "tickers", "tickers", {"index": "NASDAQ"}),
    ev.Sealed(0.75),
    ev.Succeeded(1.0, "tickers", ["IBM", "XXX"]),
    ev.Expanded(1.0, "prices", 2),
    ev.Started(1.0, "prices[0]", "price", {"ticker": "IBM"}),
    ev.Waiting(1.0, "prices[1]", ("quotes",)),
)
RUNNING: tuple[ev.Event, ...] = (
    *WRITING,
    ev.Succeeded(1.5, "prices[0]", 231.25),
    ev.Started(1.5, "prices[1]", "price", {"ticker": "XXX"}),
    ev.Failed(2.0, "prices[1]", NO_SUCH),
    ev.Failed(2.0, "prices", Failure("items", "1 of 2 items failed")),
    ev.Skipped(2.0, "alert.if", "prices"),
    ev.Skipped(2.0, "alert", "prices"),
    ev.Succeeded(2.0, "join", [231.25, NO_SUCH]),
)
ANSWERED: tuple[ev.Event, ...] = (
    *RUNNING,
    ev.ModelUsed(2.0, "planner", Usage(900, 0, 100, 1)),
    ev.JoinStarted(2.0),
    ev.AnswerWritten(2.5, "IBM is at 231.25; "),
    ev.AnswerWritten(2.75, "XXX is unknown."),
    ev.Joined(3.0, "IBM is at 231.25; XXX is unknown."),
    ev.ModelUsed(3.0, "joiner", Usage(150, 0, 10, 1)),
    ev.RunEnded(3.0),
)


@dataclass
class ScriptedCompiler:
    """Answers every call with what it was given and remembers the calls."""

    run: ScriptedStream = field(default_factory=ScriptedStream)
    written: Plan | Exception = field(default_factory=lambda: PLAN)
    found: tuple[Diagnostic, ...] = ()
    calls: list[Any] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    tools: Toolset = field(default_factory=Toolset)
    is_live: bool = False

    def stream(self, question: str, *, deadline: float | None = None, files: Sequence[Path] = ()) -> ScriptedStream:
        self.calls.append(("stream", question, deadline))
        return self.run

    def stream_plan(self, plan: Plan, *, deadline: float | None = None) -> ScriptedStream:
        self.calls.append(("stream_plan", plan, deadline))
        return self.run

    def compile(self, source: str, *, syntax: str) -> Plan:
        self.calls.append(("compile", source, syntax))
        if isinstance(self.written, Exception):
            raise self.written
        return self.written

    def stream_planning(self, question: str, *, files: Sequence[Path] = ()) -> ScriptedStream:
        self.calls.append(("stream_planning", question))
        return self.run

    def check(self, source: str, *, syntax: str) -> tuple[Diagnostic, ...]:
        self.calls.append(("check", source, syntax))
        return self.found


def answered(answer: Any = "IBM is at 231.25; XXX is unknown.") -> ScriptedResult:
    return ScriptedResult(answer, OUTCOMES, Usage(1_050, 0, 110, 2), Timing.of(ANSWERED))
