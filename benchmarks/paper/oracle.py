"""The schedule alone: an oracle writes the gold plan of each question, token by token, in virtual time.

    python -m benchmarks.paper oracle

Every way of answering asks for the same calls and gives the same answer, in about as few words as its form takes; what
differs is when a call begins. The oracle writes 20, 50 or 100 tokens a second (four characters each) and reads in no
time, and every call takes 0.2, 1 or 5 s. `bound`: each call begins once its line is written and its inputs are there,
and the answer once all of that is over.

Goal: in every setting and on every source sooner than every other way, or at the bound. So soon is one call at a time
where there is never a second one to make: on a bridge of HotpotQA, which is a chain, and where a call is over before
the next line is written.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, Final

from benchmarks.paper.gold import Gold
from benchmarks.paper.questions import PaperQuestion
from superscalar import LLMCompiler, Tool, tool
from superscalar.baselines import NativeParallel, ReAct, ReWOO, Sequential
from superscalar.events import Started
from superscalar.testing import ScriptedModel, run

RATES: Final = (20, 50, 100)
"""Tokens a second that the oracle writes."""

SECONDS: Final = (0.2, 1.0, 5.0)
"""What each call of a tool takes."""

OURS: Final = "superscalar"
_TOKEN: Final = 4  # characters
_SAME: Final = 1.0 + 1e-9


@dataclass(frozen=True)
class OracleWay:
    """A way of answering: the agent, and all that the oracle says to it, in order."""

    agent: type[LLMCompiler]
    said: Callable[[Gold], Sequence[str]]


WAYS: Final[Mapping[str, OracleWay]] = {
    OURS: OracleWay(LLMCompiler, lambda gold: (gold.plan, *gold.extracted, gold.answer)),
    "one call at a time": OracleWay(Sequential, lambda gold: (gold.plan, *gold.extracted, gold.answer)),
    "ReWOO": OracleWay(ReWOO, lambda gold: (gold.rewoo_plan, *gold.extracted, gold.answer)),
    "native parallel": OracleWay(NativeParallel, lambda gold: gold.native_turns),
    "ReAct": OracleWay(ReAct, lambda gold: gold.react_turns),
}


@dataclass(frozen=True)
class Setting:
    """How fast the oracle writes, in tokens a second, and what a call takes, in seconds."""

    rate: int
    seconds: float


SETTINGS: Final = tuple(Setting(rate, seconds) for rate in RATES for seconds in SECONDS)


@dataclass(frozen=True)
class Scheduled:
    """What one question took in one setting: seconds by way, and its bound."""

    id: str
    source: str
    setting: Setting
    seconds: Mapping[str, float]
    bound: float


def scheduled(question: PaperQuestion, setting: Setting) -> Scheduled:
    """Answer a question in every way."""
    seconds = {name: run(_answered(way, question, setting)) for name, way in WAYS.items()}
    return Scheduled(question.id, question.source, setting, seconds, bound(question.gold, setting))


def measured(questions: Iterable[PaperQuestion], settings: Sequence[Setting] = SETTINGS) -> Iterator[Scheduled]:
    """Answer questions in every way and setting, on all cores."""
    with ProcessPoolExecutor() as pool:
        for found in pool.map(partial(_in_all, settings=settings), questions, chunksize=8):
            yield from found


def _in_all(question: PaperQuestion, settings: Sequence[Setting]) -> list[Scheduled]:
    return [scheduled(question, setting) for setting in settings]


async def _answered(way: OracleWay, question: PaperQuestion, setting: Setting) -> float:
    gold = question.gold
    model = ScriptedModel(*way.said(gold), chunk=_TOKEN, delay=1.0 / setting.rate)
    extracts = bool(gold.extracted) and way.agent.way.form is None
    agent = way.agent(model, _tools(gold, setting.seconds), extractor="same" if extracts else None)
    begin = asyncio.get_running_loop().time()
    result = await agent.run(question.text)
    calls = sum(isinstance(event, Started) for event in result.events)
    wanted = len(gold.steps) + (len(gold.extracted) if extracts else 0)
    if result.answer != gold.answer or result.outcomes.failures or calls != wanted:
        raise AssertionError(f"{question.id}, {way.agent.__name__}: {calls} calls, {dict(result.outcomes.failures)}")
    return asyncio.get_running_loop().time() - begin


def _tools(gold: Gold, seconds: float) -> Sequence[Tool[..., Any]]:
    """The tools of all sources, which know what each call of a gold plan comes to."""
    results = {(step.tool, *gold.given(step).values()): step.result or step.id for step in gold.steps}

    async def known(*call: str) -> str:
        await asyncio.sleep(seconds)
        return results[call]

    @tool(effect="read")
    async def search(query: str) -> str:
        """Search."""
        return await known("search", query)

    @tool(effect="read")
    async def look_up(name: str, figure: str) -> str:
        """Look a figure up."""
        return await known("look_up", name, figure)

    @tool(effect="read")
    async def calculate(expression: str) -> str:
        """Calculate."""
        return await known("calculate", expression)

    return search, look_up, calculate


# --------------------------------------------------------------------------------------------------------------- bound


def bound(gold: Gold, setting: Setting) -> float:
    """The seconds in which nobody could be sooner who has to write this plan first and reads no unwritten line."""
    written = iter(_line_ends(gold.plan))
    over: dict[str, float] = {}
    for step in gold.steps:
        begins = max(next(written) / setting.rate, *(over[need] for need in step.needs), 0.0)
        over[step.id] = begins + setting.seconds
        if step.learnt:
            begins = max(next(written) / setting.rate, over[step.id])
            (reply,) = Gold((step,), (), "").extracted
            over[f"{step.id}_name"] = begins + ceil(len(reply) / _TOKEN) / setting.rate
    planned = next(written) / setting.rate
    return max(planned, *over.values()) + ceil(len(gold.answer) / _TOKEN) / setting.rate


def _line_ends(text: str) -> Iterator[int]:
    """After how many tokens each line is written, its end included."""
    at = 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        yield ceil(at / _TOKEN)


# ----------------------------------------------------------------------------------------------------------- reporting


@dataclass(frozen=True)
class OracleRow:
    """One setting over several questions: mean seconds by way, that of the bounds, and the worst ratio to its bound."""

    source: str
    setting: Setting
    questions: int
    seconds: Mapping[str, float]
    bound: float
    worst: float

    @property
    def ratio(self) -> float:
        """Ours, times the bound."""
        return self.seconds[OURS] / self.bound

    def speedup(self, way: str) -> float:
        """How many times as long as ours a way takes."""
        return self.seconds[way] / self.seconds[OURS]


ALL: Final = "all"


def rows(found: Sequence[Scheduled]) -> list[OracleRow]:
    """A row for each setting, over all sources and over each."""
    sources = [ALL, *dict.fromkeys(one.source for one in found)]
    return [
        _row(source, setting, [one for one in found if one.setting == setting and source in (ALL, one.source)])
        for source in sources
        for setting in dict.fromkeys(one.setting for one in found)
    ]


def _row(source: str, setting: Setting, found: Sequence[Scheduled]) -> OracleRow:
    seconds = {way: statistics.fmean(one.seconds[way] for one in found) for way in WAYS}
    worst = max(one.seconds[OURS] / one.bound for one in found)
    return OracleRow(source, setting, len(found), seconds, statistics.fmean(one.bound for one in found), worst)


def missed(found: Iterable[OracleRow]) -> list[str]:
    """The goals that were not reached. To be as soon as another way is one where nobody could be sooner."""
    said = []
    for row in found:
        ours = row.seconds[OURS]
        at_bound = ours <= row.bound * _SAME
        for way, seconds in row.seconds.items():
            if way != OURS and not (ours < seconds or (at_bound and ours <= seconds * _SAME)):
                where = f"{row.source}, {row.setting.rate} tokens/s, calls of {row.setting.seconds:g} s"
                said.append(f"{where}: {ours:.2f} s, {way} {seconds:.2f} s")
    return said
