"""How well a model plans: BFCL's parallel calls as plans, beside the same model with its own tool-call template.

    python benchmarks/planning.py --model local --limit 5

For each question with an even index of `parallel` and `parallel_multiple`: whether the plan checks at the first try and
after repair, whether the calls that it makes are the accepted ones (the benchmark's own rules), tokens and seconds. The
baseline is the same model in the same run, question by question in turn, asked in its native form: the tools in its
chat template, the calls read out of its reply; it "checks" if it made any. Nothing is called in earnest. The questions
are downloaded once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it may be run as a script, too

from benchmarks.function_calls import (
    CATEGORIES,
    Call,
    Question,
    calls_in,
    fetched,
    matches,
    native_tools,
    questions,
    tools_of,
)
from superscalar import ChatModel, LLMCompiler, Message, PlanError, Usage
from superscalar.events import ModelUsed, PlanWritten, Repairing
from superscalar.models import Request, resolve
from superscalar.plan.print.program import print_plan

CACHE = Path("~/.cache/superscalar/benchmarks").expanduser()


@dataclass(frozen=True)
class Answer:
    """What came of one question: `reply` is what the model wrote, tokens are those read anew and those written."""

    reply: str
    checks: bool
    at_once: bool
    matches: bool
    calls: tuple[Call, ...]
    read: int
    written: int
    seconds: float


Ask: TypeAlias = Callable[[Question], Awaitable[Answer]]


async def planned(model: ChatModel, question: Question, *, grammar: bool = True) -> Answer:
    """Let the model plan, repair, and look at which calls the plan makes."""
    agent = LLMCompiler(model, tools_of(question, []), joiner=None, grammar=grammar, planner_timeout=None)
    begin = perf_counter()
    plan = None
    async with agent.stream_planning(question.text) as running:
        with suppress(PlanError):
            plan = (await running.result()).plan
    seconds = perf_counter() - begin
    usage = sum((event.usage for event in running.events if isinstance(event, ModelUsed)), Usage())
    repairs = sum(isinstance(event, Repairing) for event in running.events)
    reply = "".join(event.text for event in running.events if isinstance(event, PlanWritten))
    made: list[Call] = []
    if plan is not None:
        await LLMCompiler(tools=tools_of(question, made, typed=False)).execute(print_plan(plan.tasks))
    return Answer(
        reply,
        plan is not None,
        plan is not None and not repairs,
        matches(question, made),
        tuple(made),
        usage.input_tokens - usage.cached_tokens,
        usage.output_tokens,
        seconds,
    )


async def native(model: ChatModel, question: Question) -> Answer:
    """The baseline: the question alone, the tools as the model's own template has them, and the calls in the reply."""
    begin = perf_counter()
    reply, usage = "", Usage()
    tools = tuple(native_tools(question))
    async for chunk in model.stream(Request((Message("user", question.text),), max_tokens=1_024, tools=tools)):
        reply += chunk.text
        usage += chunk.usage or Usage()
    seconds = perf_counter() - begin
    made = tuple(calls_in(reply))
    fresh = usage.input_tokens - usage.cached_tokens
    good = matches(question, made)
    return Answer(reply, bool(made), bool(made), good, made, fresh, usage.output_tokens, seconds)


# ---------------------------------------------------------------------------------------------------------- reporting


def summary(answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Shares of the questions, and means per question."""

    def mean(field: str) -> float:
        return statistics.fmean(float(answer[field]) for answer in answers)

    return {"questions": len(answers), **{name: mean(name) for name in _ROWS}}


_ROWS = {
    "at_once": ("checks at the first try", "%"),
    "checks": ("checks after repair", "%"),
    "matches": ("calls are the accepted ones", "%"),
    "read": ("tokens read anew", ""),
    "written": ("tokens written", ""),
    "seconds": ("seconds", ""),
}


def table(summaries: Mapping[str, Mapping[str, float]]) -> str:
    """The measurements side by side; the ratio is the plan's over the baseline's."""
    ways = list(summaries)
    lines = [f"{'':30}" + "".join(f"{way:>10}" for way in ways) + ("     ratio" if len(ways) == 2 else "")]
    for row, (name, unit) in _ROWS.items():
        values = [summaries[way][row] * (100 if unit else 1) for way in ways]
        shown = "".join(f"{value:>10.1f}" if not unit else f"{value:>8.1f} %" for value in values)
        ratio = f"{values[0] / values[1]:>9.2f}x" if len(values) == 2 and values[1] else ""
        lines.append(f"{name:30}{shown}{ratio}")
    return "\n".join(lines)


def _kept(path: Path | None) -> dict[tuple[str, str], dict[str, Any]]:
    """The answers of an earlier run, by question and way."""
    if path is None or not path.exists():
        return {}
    return {(line["id"], line["way"]): line for line in map(json.loads, path.read_text().splitlines())}


def _keep(path: Path | None, line: Mapping[str, Any]) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(line, default=repr) + "\n")


async def measure(
    asked: Sequence[Question], ways: Mapping[str, Ask], *, kept: Path | None = None, say: Callable[[str], None] = print
) -> dict[str, dict[str, float]]:
    """Ask every question in every way, one after the other. What `kept` holds already is not asked again."""
    known = _kept(kept)
    for number, question in enumerate(asked, 1):
        for way, ask in ways.items():
            if (question.id, way) not in known:
                line = {"id": question.id, "way": way, **asdict(await ask(question))}
                known[question.id, way] = line
                _keep(kept, line)
            line = known[question.id, way]
            verdict = "as accepted" if line["matches"] else "other calls" if line["checks"] else "no plan"
            say(f"{number:>3}/{len(asked)} {question.id:22} {way:8} {verdict:12} {line['seconds']:5.1f} s")
    return {way: summary([known[question.id, way] for question in asked]) for way in ways}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", default="local", help='as LLMCompiler takes it: "local", "local:FILE", "openai:NAME"'
    )
    parser.add_argument("--limit", type=int, default=40, help="questions of each category (40)")
    parser.add_argument("--no-grammar", action="store_true", help="let the model write its plans unconstrained")
    parser.add_argument("--no-baseline", action="store_true", help="plans only")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="note each answer in FILE, and go on from there")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    file = fetched(CACHE)
    by_category = [questions(file, category)[: options.limit] for category in CATEGORIES]
    asked = [question for several in zip(*by_category, strict=True) for question in several]
    model = resolve(options.model)
    ways: dict[str, Ask] = {"plan": lambda question: planned(model, question, grammar=not options.no_grammar)}
    if not options.no_baseline:
        ways["native"] = lambda question: native(model, question)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    found = asyncio.run(measure(asked, ways, kept=options.keep, say=say))
    print(json.dumps(found, indent=2) if options.json else table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
