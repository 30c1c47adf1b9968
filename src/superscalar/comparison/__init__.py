"""The same questions asked in several ways, in turns: what answers were right, and what they took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from superscalar.comparison.asking_each import Judge, asked_once, for_question, judged_by, prepared, setup_of
from superscalar.comparison.contenders import OURS, OnWrites, check_writes, contenders
from superscalar.comparison.documents import comparison_document, comparison_page
from superscalar.comparison.figures import Interval, Paired, Spread, WaySummary, paired, summary_of
from superscalar.comparison.questions import Asked, read_questions
from superscalar.comparison.rows import ComparisonRow, KeptRows
from superscalar.comparison.tables import table_text
from superscalar.compiler import LLMCompiler
from superscalar.errors import UsageError
from superscalar.observe.wording import counted
from superscalar.short import bounded

__all__ = [
    "OURS",
    "Asked",
    "Comparison",
    "ComparisonRow",
    "Interval",
    "Judge",
    "Paired",
    "Spread",
    "WaySummary",
    "compare",
    "contenders",
    "read_questions",
]

OnRow: TypeAlias = Callable[[ComparisonRow, int, int], object]
"""Is told each row as it comes, how many there are by then, and how many there will be."""


@bounded
@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of asking the same questions in several ways: `rows`, one per question, way and repetition."""

    rows: tuple[ComparisonRow, ...]

    @property
    def ways(self) -> tuple[str, ...]:
        """List the ways, in the order in which they were first asked."""
        return tuple(dict.fromkeys(row.way for row in self.rows))

    def of(self, way: str) -> WaySummary:
        """Sum up what came of one way."""
        return summary_of(way, [row for row in self.rows if row.way == way])

    def paired(self, a: str, b: str) -> Paired:
        """Say what way `a` has more than `b` on the same questions, with 95 % intervals.

        Raises:
            UsageError: nothing was asked in one of these ways.
        """
        return paired(self.rows, a, b)

    def against_first(self) -> Iterator[Paired]:
        """Compare the first way with each of the others."""
        return (self.paired(self.ways[0], other) for other in self.ways[1:])

    @property
    def note(self) -> str:
        """Say what the figures are of."""
        repeats = max((row.repeat for row in self.rows), default=1)
        over = counted(len({row.id for row in self.rows}), "question")
        times = f", each up to {repeats} times" if repeats > 1 else ""
        return f"Over {over}{times}. Medians, and in brackets the least and the most, of runs that gave an answer."

    def table(self) -> str:
        """Lay it out: a column for each way, and what the first one differs by from each of the others."""
        return table_text(self._summaries(), self.against_first(), self.note)

    def document(self) -> dict[str, Any]:
        """Make JSON data of it: each way, each pair with the first one, and each row."""
        return comparison_document(self._summaries(), self.against_first(), self.rows)

    def page(self, title: str = "Comparison") -> str:
        """Make an HTML page of it that needs nothing else."""
        return comparison_page(title, self.note, self._summaries(), self.against_first(), self.rows)

    def _summaries(self) -> list[WaySummary]:
        return [self.of(way) for way in self.ways]


async def compare(
    agents: Mapping[str, LLMCompiler],
    questions: Sequence[Asked],
    *,
    repeat: int = 1,
    judge: Judge | None = None,
    out: Path | None = None,
    progress: OnRow | None = None,
    context: Any = None,
    deadline: float | None = None,
    writes: OnWrites = "refuse",
) -> Comparison:
    """Ask each of `agents` each question `repeat` times, one at a time, and measure it.

    They take turns question by question, and who begins changes with each. A run that fails is a row with its error.
    `judge`: says how right each answer is. `out`: a file that each row is appended to as it comes; what stands there
    already is not asked again, so that whatever stops it, it goes on from there. `context` and `deadline` are those of
    each run. `writes`: tools that write are refused, since each way would write again; unless that is to be
    ("allow"), or they run where nothing is written: by an executor that says so (`dry_run = True`).

    Agents that are to share a model are given the same object: of an embedded model named twice there are two.

    Raises:
        UsageError: there is nothing to ask, a question's id is there twice, a tool writes, `out` holds answers to other
            questions or of agents that were told something else, or another comparison writes there; or the judge
            raises, or gives no number.
        ModelSetupError: a model cannot be asked at all.
    """
    _check(agents, questions, repeat)
    rows: list[ComparisonRow] = []
    asked_of = list(_turns(list(agents), questions, repeat))
    async with AsyncExitStack() as stack:
        kept = stack.enter_context(KeptRows(out))
        for agent in agents.values():
            await stack.enter_async_context(agent.opened())
            check_writes(agent, writes)
        setups = {way: setup_of(agent, deadline) for way, agent in agents.items()}
        for number, way, asked in asked_of:
            row = kept.found.get((asked.id, way, number))
            if row is not None:
                _check_same(row, asked, setups[way], out)
        if any((asked.id, way, number) not in kept.found for number, way, asked in asked_of):
            for agent in agents.values():
                await prepared(agent)
        for number, way, asked in asked_of:
            row = known = kept.found.get((asked.id, way, number))
            if row is None:
                one = for_question(agents[way], asked)
                check_writes(one, writes)
                row = await asked_once(way, one, asked, number, context=context, deadline=deadline, setup=setups[way])
            try:
                row = await judged_by(judge, row)
            finally:
                if row != known:
                    kept.keep(row)
            rows.append(row)
            if progress is not None:
                progress(row, len(rows), len(asked_of))
    return Comparison(tuple(rows))


def _turns(ways: Sequence[str], questions: Sequence[Asked], repeat: int) -> Iterator[tuple[int, str, Asked]]:
    """Who is asked what, in order: for which time, in which way, which question."""
    for number in range(1, repeat + 1):
        for place, asked in enumerate(questions, number - 1):
            first = place % len(ways)
            for way in (*ways[first:], *ways[:first]):
                yield number, way, asked


def _check(agents: Mapping[str, LLMCompiler], questions: Sequence[Asked], repeat: int) -> None:
    if not agents or not questions:
        raise UsageError(f"there is nothing to compare: {len(agents)} agents, {len(questions)} questions")
    if not isinstance(repeat, int) or repeat < 1:
        raise UsageError(f"repeat={repeat!r}: write how often each question is asked, at least 1")
    ids = Counter(asked.id for asked in questions)
    if twice := next((id for id, times in ids.items() if times > 1), None):
        raise UsageError(f"two questions have the id {twice!r}; give each one of its own")


def _check_same(row: ComparisonRow, asked: Asked, setup: str, out: Path | None) -> None:
    if (row.question, row.expected) != (asked.question, asked.answers):
        raise UsageError(f"{out} holds another question {row.id!r}; give each set of questions a file of its own")
    if row.setup != setup:
        raise UsageError(
            f"{out} holds answers of {row.way!r} with another model, other tools or options; "
            "give each of these a file of its own"
        )
