"""How often a planner is shown the right example where there is no room for all, and what a cache of its prompt keeps.

    python benchmarks/chosen_examples.py --check

49 questions with their plans over 32 tools of an office, and 50 other questions, each with the one example that shows
how it is planned; all written by hand and in `benchmarks/chosen`. For each question: whether that example is among
those that are shown, in so many tokens of a prompt, and whether it is the last of them, next to the question. And how
much of a prompt the next question has in common with the one before: with the chosen examples behind the tools, where
they stand, and before them. Nothing is random, and no model is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from itertools import chain, pairwise, takewhile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it may be run as a script, too

from benchmarks.chosen.office import TOOLS
from superscalar import LLMCompiler, PlanError
from superscalar.examples import Example, Examples, example_of
from superscalar.models import resolve
from superscalar.models.base import Message
from superscalar.plan.ir import Call
from superscalar.planner import ToolListing, conversation
from superscalar.short import CHARACTERS_PER_TOKEN

DATA: Final = Path(__file__).parent / "chosen"
BOUNDS: Final = (100, 200, 400, 1_000)
CHECKED: Final = 400
GOALS: Final[Mapping[str, float]] = {"shown": 0.9, "next": 0.7}
"""Of the questions, how many are shown the right example, and how many have it next to them."""


@dataclass(frozen=True)
class Share:
    """Of all questions: those with the right example among the shown, and next to them; what was shown, on average."""

    shown: float
    next: float
    examples: float
    tokens: float
    missed: tuple[str, ...] = ()


@cache
def office_examples() -> dict[str, Example]:
    """The examples, by what each is called."""
    text = (DATA / "examples.txt").read_text()
    parts = re.findall(r"^= (\S+)\nQuestion: (.+)\n((?:(?!= ).*\n)+)", text, re.MULTILINE)
    return {name: example_of(asked, plan, TOOLS.signatures, "python") for name, asked, plan in parts}


@cache
def office_questions() -> tuple[tuple[str, str], ...]:
    """What is asked, each with the name of the example that shows how that is planned."""
    lines = (DATA / "questions.txt").read_text().splitlines()
    return tuple((asked, name) for name, _, asked in (line.partition(": ") for line in lines))


def share_shown(max_tokens: int) -> Share:
    """What comes of all questions where there are so many tokens for examples."""
    named = office_examples()
    examples = Examples(named.values())
    shown = [examples.chosen(asked, (), max_tokens).shown for asked, _ in office_questions()]
    right = [named[name] for _, name in office_questions()]
    found = [one in some for one, some in zip(right, shown, strict=True)]
    return Share(
        statistics.mean(found),
        statistics.mean(bool(some) and some[-1] == one for one, some in zip(right, shown, strict=True)),
        statistics.mean(map(len, shown)),
        statistics.mean(sum(one.size for one in some) / CHARACTERS_PER_TOKEN for some in shown),
        tuple(asked for (asked, _), there in zip(office_questions(), found, strict=True) if not there),
    )


def prompts(max_tokens: int, *, before_tools: bool) -> Iterator[str]:
    """The prompts of all questions, one behind the other as a provider reads them."""
    examples = Examples(office_examples().values())
    for asked, _ in office_questions():
        shown = examples.chosen(asked, (), max_tokens)
        listing = ToolListing(TOOLS, asked) if before_tools else ToolListing(TOOLS, asked, examples=shown)
        turns = conversation(listing, "", (), asked)
        if before_tools:
            made = [(Message("user", one.question), Message("assistant", one.plan)) for one in shown.shown]
            turns = [*turns[:-1], *chain.from_iterable(made), turns[-1]]
        yield "\n".join(turn.text for turn in turns)


def in_common(max_tokens: int, *, before_tools: bool = False) -> float:
    """How much of its prompt a question shares with the one before, from the first character on; on average."""
    shared = [
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))) / len(other)
        for one, other in pairwise(prompts(max_tokens, before_tools=before_tools))
    ]
    return statistics.mean(shared)


async def planned(name: str, step: int) -> None:
    """Have every so many-th question planned by a model, and print which plans call what they should."""
    model = resolve(name)
    pairs = [(one.question, one.plan) for one in office_examples().values()]
    plain = LLMCompiler(model, TOOLS, joiner=None)
    agents = {"without": plain, "with": plain.with_options(examples=pairs, max_example_tokens=300)}
    right: Counter[str] = Counter()
    asked_of = office_questions()[::step]
    for asked, example in asked_of:
        wanted = set(office_examples()[example].calls)
        for kind, agent in agents.items():
            with suppress(PlanError):
                called = {task.work.tool for task in (await agent.plan(asked)).calls if isinstance(task.work, Call)}
                right[kind] += called == wanted
        print(f"{right['without']} without examples, {right['with']} with: {asked}", flush=True)
    print(f"that is of {len(asked_of)} plans of {name}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures for several bounds; with --check, fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--model", metavar="NAME", help="have it plan the questions, too")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="every N-th of them")
    options = parser.parse_args(arguments)
    if options.model:
        asyncio.run(planned(options.model, options.step))
        return 0
    found = {bound: share_shown(bound) for bound in BOUNDS}
    missed = [
        f"{name}: {getattr(found[CHECKED], name):.0%}, not {goal:.0%}"
        for name, goal in GOALS.items()
        if getattr(found[CHECKED], name) < goal
    ]
    common = {"behind the tools": in_common(CHECKED), "before the tools": in_common(CHECKED, before_tools=True)}
    if options.json:
        print(
            json.dumps(
                {"shown": {bound: asdict(one) for bound, one in found.items()}, "in_common": common, "missed": missed}
            )
        )
        return 1 if missed and options.check else 0
    print(f"{len(office_questions())} questions, {len(office_examples())} examples")
    print("tokens for examples   right one shown   next to the question   examples   tokens")
    for bound, one in found.items():
        print(f"{bound:>19,}   {one.shown:>15.0%}   {one.next:>20.0%}   {one.examples:>8.1f}   {one.tokens:>6.0f}")
    for where, part in common.items():
        print(f"a prompt in common with the one before, examples {where}: {part:.0%}")
    for asked in found[CHECKED].missed:
        print(f"not shown: {asked}")
    for goal in missed:
        print(f"missed: {goal}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
