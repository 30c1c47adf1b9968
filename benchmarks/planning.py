"""How well a model plans: questions of five public sources as plans, with the calls that these make held against gold.

    python benchmarks/planning.py --source bfcl --limit 5
    python benchmarks/planning.py --source bfcl,hotpotqa,parallelqa,movie,nestful --data DIR --keep answers.jsonl

For each question: whether the plan checks at the first try and after repair, which share of the gold calls it makes
(recall), which share of its calls are such (precision), whether they are the same (exact), how often the planner was
asked (rounds), tokens and seconds. What is gold for each source stands in `planning_sources`. Nothing is called in
earnest: a plan is run once with stand-ins that note how they are called, and "runs" says whether nothing of it failed;
BFCL says nothing of results, so that there a plan that does something with them fails. `--half`: of the questions drawn
only every second one, so that what is chosen on one half is measured on the other.

With `--baseline` the same model is asked in turn in its native form, too: the tools in its chat template, the calls
read out of its one reply; it "checks" if it made any. `--model scripted` writes the gold plans: what it does not get
right is a fault of this benchmark.
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

from benchmarks.function_calls import Call, Question, calls_in, native_tools, score, tools_of
from benchmarks.planning_sources import SOURCES, drawn
from superscalar import ChatModel, LLMCompiler, Message, PlanError, Tool, Usage, tool
from superscalar.events import ModelUsed, PlanWritten, Repairing
from superscalar.models import Request, resolve
from superscalar.plan.print.program import print_plan
from superscalar.testing import ScriptedModel

SCRIPTED = "scripted"
"""The model that writes the gold plans."""

MOST = 400
"""Tokens of one reply: a plan for one of these questions has fewer, and a model that never ends is told so."""


@dataclass(frozen=True)
class Answer:
    """What came of one question: `reply` is what the model wrote, tokens are those read anew and those written."""

    reply: str
    checks: bool
    at_once: bool
    recall: float
    precision: float
    exact: bool
    runs: bool
    calls: tuple[Call, ...]
    rounds: int
    read: int
    written: int
    seconds: float


Ask: TypeAlias = Callable[[Question], Awaitable[Answer]]


async def planned(model: ChatModel, question: Question, *, grammar: bool = True, instructions: str = "") -> Answer:
    """Let the model plan, repair, and look at which calls the plan makes."""
    agent = LLMCompiler(
        model, tools_of(question, []), joiner=None, grammar=grammar, instructions=instructions, max_plan_tokens=MOST
    )
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
    runs = False
    if plan is not None:
        tools = [*tools_of(question, made, typed=False), _extraction(question)]
        runs = not (await LLMCompiler(tools=tools, policy="off").execute(print_plan(plan.tasks))).failures
    return Answer(
        reply,
        plan is not None,
        plan is not None and not repairs,
        *score(question, made),
        runs,
        tuple(made),
        1 + repairs,
        usage.input_tokens - usage.cached_tokens,
        usage.output_tokens,
        seconds,
    )


def _extraction(question: Question) -> Tool[..., Any]:
    """What stands in for `extract` when the plan is looked at."""

    @tool(effect="read")
    def extract(source: Any, schema: str, find: str) -> Any:  # noqa: ARG001 -- as plans call it
        return question.extract(schema, source)

    return extract


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
    return Answer(
        reply, bool(made), bool(made), *score(question, made), bool(made), made, 1, fresh, usage.output_tokens, seconds
    )


# ---------------------------------------------------------------------------------------------------------- reporting

_COLUMNS = {
    "at_once": ("first try", "%"),
    "checks": ("repaired", "%"),
    "recall": ("recall", "%"),
    "precision": ("precision", "%"),
    "exact": ("exact", "%"),
    "runs": ("runs", "%"),
    "rounds": ("rounds", ""),
    "read": ("read", ""),
    "written": ("written", ""),
    "seconds": ("seconds", ""),
}

Summary: TypeAlias = dict[str, float]


def summary(answers: Sequence[Mapping[str, Any]]) -> Summary:
    """Shares of the questions, and means per question."""

    def mean(field: str) -> float:
        return statistics.fmean(float(answer[field]) for answer in answers)

    return {"questions": len(answers), **{name: mean(name) for name in _COLUMNS}}


def table(found: Mapping[str, Mapping[str, Summary]]) -> str:
    """The measurements, a line for each source and way."""
    lines = [f"{'':22}{'n':>5}" + "".join(f"{name:>11}" for name, _ in _COLUMNS.values())]
    for source, ways in found.items():
        for way, numbers in ways.items():
            cells = (
                f"{numbers[key] * 100:.1f} %" if unit else f"{numbers[key]:.1f}" for key, (_, unit) in _COLUMNS.items()
            )
            lines.append(f"{source:12}{way:10}{numbers['questions']:>5}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)


_Key: TypeAlias = tuple[str, str, str]


def _key(line: Mapping[str, Any]) -> _Key:
    return line["id"], line["way"], line.get("instructions", "")


def _kept(path: Path | None) -> dict[_Key, dict[str, Any]]:
    """The answers of an earlier run, by question, way and instructions; a line that was cut is asked for again."""
    found: dict[_Key, dict[str, Any]] = {}
    for text in path.read_text().splitlines() if path is not None and path.exists() else ():
        with suppress(ValueError):
            line = json.loads(text)
            found[_key(line)] = line
    return found


def _keep(path: Path | None, line: Mapping[str, Any]) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(line, default=repr) + "\n")


async def measure(
    asked: Sequence[Question],
    ways: Mapping[str, Ask],
    *,
    instructions: str = "",
    kept: Path | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, dict[str, Summary]]:
    """Ask every question in every way, one after the other: what came of it, by source and way.

    What `kept` holds already is not asked again.
    """
    known = _kept(kept)
    for number, question in enumerate(asked, 1):
        for way, ask in ways.items():
            key = question.id, way, instructions
            if key not in known:
                told = {"id": question.id, "source": question.source, "way": way, "instructions": instructions}
                known[key] = {**told, **asdict(await ask(question))}
                _keep(kept, known[key])
            line = known[key]
            verdict = "exact" if line["exact"] else f"{line['recall']:.0%} of calls" if line["checks"] else "no plan"
            say(f"{number:>3}/{len(asked)} {question.id:36} {way:8} {verdict:14} {line['seconds']:6.1f} s")
    by_source = {source: [one.id for one in asked if one.source == source] for source in {q.source: 0 for q in asked}}
    return {
        source: {way: summary([known[id, way, instructions] for id in ids]) for way in ways}
        for source, ids in by_source.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", default="local", help='as LLMCompiler takes it: "local", "local:FILE", "openai:NAME"; or "scripted"'
    )
    parser.add_argument("--source", default="bfcl", help=f"some of {', '.join(SOURCES)} (bfcl), with commas")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the folder with the public files of the sources")
    parser.add_argument("--limit", type=int, default=40, help="questions of each source (40)")
    parser.add_argument(
        "--half", choices=("even", "odd"), help="only those drawn first, third and so on, or the others"
    )
    parser.add_argument("--instructions", default="", metavar="TEXT", help="what the agent is told beside its tools")
    parser.add_argument("--no-grammar", action="store_true", help="let the model write its plans unconstrained")
    parser.add_argument("--baseline", action="store_true", help="ask for native tool calls, too")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="note each answer in FILE, and go on from there")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)

    asked = [one for source in options.source.split(",") for one in drawn(source, options.data, options.limit)]
    if options.half:
        asked = [one for place, one in enumerate(asked) if place % 2 == (options.half == "odd")]
    model = None if options.model == SCRIPTED else resolve(options.model)

    async def plan(question: Question) -> Answer:
        asked_one = ScriptedModel(*[question.plan] * 3) if model is None else model
        return await planned(asked_one, question, grammar=not options.no_grammar, instructions=options.instructions)

    ways: dict[str, Ask] = {"plan": plan}
    if options.baseline and model is not None:
        ways["native"] = lambda question: native(model, question)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    found = asyncio.run(measure(asked, ways, instructions=options.instructions, kept=options.keep, say=say))
    print(json.dumps(found, indent=2) if options.json else table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
