"""The questions of the paper's benchmarks: where they come from, which are taken, their tools and their gold plans.

- HotpotQA: `search(query)` gives the one of the question's ten paragraphs that fits the words of the query best. Gold:
  a comparison looks both supporting titles up, a bridge the second one after the first.
- ParallelQA: `look_up(name, figure)` and `calculate(expression)`, see `figures`. A question is kept if its gold plan
  comes to the paper's answer with our figures, by the benchmark's own rule.
- Movie Recommendation: `search(query)` gives a sentence of ours, see `movies`. Gold: each of the eight films is
  searched. With a model a question is kept if the table has all of them.

The files are not in the repository.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.paper.figures import FIGURES, UNITS, Figure, calculated, looked_up
from benchmarks.paper.gold import Gold, Step
from benchmarks.paper.movies import about_film, is_known
from benchmarks.paper.parallelqa import worked
from benchmarks.paper.scores import is_right
from superscalar import Tool, tool
from superscalar.tools.search import WordIndex, words_of_text

HOTPOTQA: Final = "hotpotqa_dev.json"
PARALLELQA: Final = "paper_parallelqa_dataset.json"
MOVIE: Final = "paper_movie_recommendations_formatted.json"

SEED: Final = 2312
DRAWN: Final[Mapping[str, int]] = {"comparison": 50, "bridge": 25, "parallelqa": 25, "movie": 10}
"""How many questions of each source a model is asked, at the most."""

_FIND: Final = "Find a movie similar to "
_OPTIONS: Final = "\nOptions:\n"
_WITH_COMMA: Final = ("Monsters, Inc", "Lock, Stock & Two Smoking Barrels")

Tools = Sequence[Tool[..., Any]]


@dataclass(frozen=True)
class PaperQuestion:
    """A question of `source`, what is right, its gold plan, and its tools, which take so many seconds a call.

    `answerable`: the tools know all that its answer needs. `others`: what else the answer might be.
    """

    id: str
    source: str
    text: str
    answer: str
    gold: Gold
    tools: Callable[[float], Tools]
    answerable: bool = True
    others: tuple[str, ...] = ()

    def is_right(self, answer: str) -> bool:
        """Tell whether an answer is right, by the rules of `scores`."""
        return is_right(answer, self.answer, self.others)


def read_all(folder: Path) -> list[PaperQuestion]:
    """Read the questions of every source.

    Raises:
        FileNotFoundError: one of the files is not in this folder; the message says which, and where it is from.
    """
    readers = ((HOTPOTQA, _hotpotqa), (PARALLELQA, _parallelqa), (MOVIE, _movie))
    return [read(entry) for file, read in readers for entry in _read(folder, file)]


def drawn(questions: Sequence[PaperQuestion], seed: int = SEED) -> list[PaperQuestion]:
    """Draw those that a model is asked: of each source so many of the answerable ones, in the order of the draw."""
    chosen: list[PaperQuestion] = []
    for source, most in DRAWN.items():
        those = [question for question in questions if question.source == source and question.answerable]
        chosen += Random(seed).sample(those, min(most, len(those)))
    return chosen


def _read(folder: Path, file: str) -> Sequence[Mapping[str, Any]]:
    try:
        found: Sequence[Mapping[str, Any]] = json.loads((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no {file} in {folder}: it is HotpotQA's development set (distractor) or the LLMCompiler "
            "repository's datasets; name the folder that has it with --data"
        ) from error
    return found


# ------------------------------------------------------------------------------------------------------------ HotpotQA


def _hotpotqa(entry: Mapping[str, Any]) -> PaperQuestion:
    kind, (first, second) = entry["type"], _in_order(entry)
    if kind == "bridge":
        steps: tuple[Step, ...] = (
            Step("a", "search", {"query": first}, entry["paragraphs"].get(first, ""), learnt=second),
            Step("b", "search", {"query": "{a_name}"}),
        )
        gold = Gold(steps, ("b",), entry["answer"])
    else:
        steps = (Step("a", "search", {"query": first}), Step("b", "search", {"query": second}))
        gold = Gold(steps, ("a", "b"), entry["answer"])
    return PaperQuestion(
        entry["id"], kind, entry["question"], entry["answer"], gold, partial(search_of, entry["paragraphs"])
    )


def _in_order(entry: Mapping[str, Any]) -> Sequence[str]:
    """The supporting titles: of a bridge first the one that the question leads to."""
    one, two = entry["supporting"]
    if entry["type"] != "bridge":
        return one, two
    words = set(words_of_text(entry["question"]))

    def leads(title: str, other: str) -> tuple[bool, float]:
        named = set(words_of_text(title))
        tells = other.split(" (")[0] in entry["paragraphs"].get(title, "")
        return tells, len(words & named) / len(named)

    return (two, one) if leads(two, one) > leads(one, two) else (one, two)


def search_of(paragraphs: Mapping[str, str], seconds: float) -> Tools:
    """A search over some paragraphs by title."""
    titles = list(paragraphs)
    index = WordIndex(
        ({"title": words_of_text(title), "text": words_of_text(text)} for title, text in paragraphs.items()),
        {"title": 3.0, "text": 1.0},
    )

    @tool(effect="read")
    async def search(query: str) -> str:
        """What an encyclopedia says about somebody or something: the one article that fits the query best."""
        await asyncio.sleep(seconds)
        found = index.scored(query)
        if not found:
            raise LookupError(f"no article fits {query!r}")
        title = titles[found[0][0]]
        return f"{title}: {paragraphs[title]}"

    return (search,)


# ---------------------------------------------------------------------------------------------------------- ParallelQA


def _parallelqa(entry: Mapping[str, Any]) -> PaperQuestion:
    found = worked(entry["id"])
    looks = [
        Step(thing, "look_up", {"name": FIGURES[thing][0], "figure": FIGURES[thing][1]}, f"{FIGURES[thing][2]:g}")
        for thing in found.things
    ]
    sums = [Step(name, "calculate", {"expression": formula}, "1234.5") for name, formula in found.sums]
    gold = Gold((*looks, *sums), found.compared, entry["answer"])
    names = {FIGURES[thing][0] for thing in found.things}
    return PaperQuestion(
        f"parallelqa-{entry['id']}",
        "parallelqa",
        entry["question"],
        entry["answer"],
        gold,
        figures_of,
        is_right(found.answer, entry["answer"]),
        tuple(sorted(names - {found.answer})),
    )


def figures_of(seconds: float) -> Tools:
    """The stand-ins for Wikipedia and the calculator."""

    async def look_up(name: str, figure: Figure) -> float:
        await asyncio.sleep(seconds)
        return looked_up(name, figure)

    units = ", ".join(f"{figure} in {unit}" for figure, unit in UNITS.items())
    look_up.__doc__ = f"A figure of a place, an animal, a mountain or a building, from an encyclopedia: {units}."

    @tool(effect="pure")
    async def calculate(expression: str) -> float:
        """What an expression of numbers comes to, such as max(12 * 1.5, 7) - 3."""
        await asyncio.sleep(seconds)
        return calculated(expression)

    return (tool(effect="read")(look_up), calculate)


# --------------------------------------------------------------------------------------------------------------- Movie


def _movie(entry: Mapping[str, Any]) -> PaperQuestion:
    liked, options = entry["question"].strip().split(_OPTIONS)
    titles = (*_titles(liked.removeprefix(_FIND)), *options.split("\n"))
    steps = tuple(Step(f"m{number}", "search", {"query": title}) for number, title in enumerate(titles, 1))
    gold = Gold(steps, tuple(step.id for step in steps), entry["answer"])
    return PaperQuestion(
        f"movie-{entry['id']}",
        "movie",
        entry["question"],
        entry["answer"],
        gold,
        films_of,
        all(map(is_known, titles)),
        tuple(option for option in options.split("\n") if option != entry["answer"]),
    )


def _titles(text: str) -> Sequence[str]:
    """The titles of a list with commas between them. Two of all titles have a comma themselves."""
    for title in _WITH_COMMA:
        text = text.replace(title, title.replace(", ", ",\0"))
    return [part.replace("\0", " ") for part in text.split(", ")]


def films_of(seconds: float) -> Tools:
    """The stand-in for Wikipedia's pages of films."""

    @tool(effect="read")
    async def search(query: str) -> str:
        """What an encyclopedia says about one film, by its title: its year, its director, what it is about."""
        await asyncio.sleep(seconds)
        return about_film(query)

    return (search,)
