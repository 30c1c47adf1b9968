"""Whole runs with a model: the paper's questions in four ways, in turns, one after the other.

    python -m benchmarks.paper model --minutes 30

Each call of a tool takes half a second. All ways have the same model, the same tools and the same instructions, and who
begins changes with each question. What was answered is in a file that the next start goes on from. Before the first
question of a source an embedded model reads what each way begins with, rules and tools: ways that take turns leave it
no time for that between questions, as one agent does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.paper.questions import PaperQuestion, Tools
from superscalar import ChatModel, LLMCompiler
from superscalar.baselines import NativeParallel, ReAct, ReWOO
from superscalar.comparison import Asked, Comparison, ComparisonRow, compare
from superscalar.comparison.rows import KeptRows
from superscalar.planner import ToolListing

INSTRUCTIONS: Final = "Answer with the name, date or number only, or with yes or no."
TOOL_SECONDS: Final = 0.5
DEADLINE: Final = 600.0
"""Seconds after which a run answers with what there is."""

KINDS: Final[Mapping[str, type[LLMCompiler]]] = {
    "superscalar": LLMCompiler,
    "ReAct": ReAct,
    "native parallel": NativeParallel,
    "ReWOO": ReWOO,
}


async def answered(
    model: ChatModel, questions: Sequence[PaperQuestion], out: Path, *, minutes: float, say: Callable[[str], None]
) -> Comparison:
    """Ask questions in turn until the time is over, the last one to its end; what `out` has is not asked again."""
    agents = {name: kind(model, instructions=INSTRUCTIONS) for name, kind in KINDS.items()}
    comparison = Comparison(())
    by_text = {question.text: question for question in questions}
    begun, told = perf_counter(), 0

    def judge(text: str, answer: str, expected: tuple[str, ...]) -> bool:  # noqa: ARG001 -- as every judge is told
        return by_text[text].is_right(answer)

    def tell(row: ComparisonRow, number: int, _of: int) -> None:
        nonlocal told
        if number > told:
            told = number
            say(f"{row.id:26} {row.way:16} {row.seconds:6.1f} s  {row.error or row.answer!r}"[:150])

    known = {row.id for row in kept_rows(out)}
    warm: set[str] = set()
    for number, question in enumerate(questions, 1):
        if question.id not in known and number > 1 and perf_counter() - begun > 60.0 * minutes:
            break
        if question.id not in known and question.source not in warm:
            warm.add(question.source)
            for agent in agents.values():
                await _warm(model, agent.with_options(tools=_tools(question)()))
        asked = [_asked(question) for question in questions[:number]]
        comparison = await compare(agents, asked, judge=judge, out=out, progress=tell, deadline=DEADLINE)
    return comparison


def _asked(question: PaperQuestion) -> Asked:
    return Asked(question.id, question.text, (question.answer,), tools=_tools(question))


async def _warm(model: ChatModel, agent: LLMCompiler) -> None:
    """Have a model that can do so read what the prompts of this agent begin with."""
    form, warm = agent.way.form, getattr(model, "warm", None)
    if form is None:
        await agent.warm()
    elif warm is not None:
        async with aclosing(warm(form.begun(ToolListing(agent.tools), INSTRUCTIONS, (), "?"))) as reading:
            async for _ in reading:
                pass


def _tools(question: PaperQuestion) -> Callable[[], Tools]:
    return partial(question.tools, TOOL_SECONDS)


def kept_rows(out: Path) -> list[ComparisonRow]:
    """What a file has of earlier runs, by question and in the order of the ways."""
    ways = list(KINDS)
    if not out.exists():
        return []
    with KeptRows(out) as kept:
        return sorted(kept.found.values(), key=lambda row: ways.index(row.way))
