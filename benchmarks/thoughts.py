"""The tasks of Graph of Thoughts (Besta et al., AAAI 2024) in their shapes, and Game of 24, in four ways.

    python -m benchmarks.thoughts --model scripted
    python -m benchmarks.thoughts --model local --minutes 60 --out thoughts.jsonl     # again, and it goes on

Inputs are drawn by seed, the same for all ways. Each way is a plan: input-output (one thought), chain of thought (one
that may reason, and its result), tree of thoughts (several, scored, the best one refined) and graph of thoughts (parts,
merged). Errors are counted much as the paper does: of sorting, numbers out of order, or not there as often as in the
input; of sets, members too many or missing; of keywords, how far each count is off; of documents, clauses that are
missing or there twice; of 24, 0 or 1. The scripted model does what it is asked and drops items of long data: it says
nothing of any way, and is there so that the benchmark can be tried.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import operator
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any, Final

from superscalar import LLMCompiler
from superscalar.models.base import ChatModel, Chunk, Request
from superscalar.models.resolve import resolve
from superscalar.thoughts import thoughts
from superscalar.values import Failure, Usage

COUNTRIES: Final = "Norway Peru Kenya Japan Chile Spain Nepal Ghana Cuba Egypt".split()


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of task: what is asked, of which type, how two results become one, and how wrong a result is."""

    asked: str
    type: str
    merged: str
    drawn: Callable[[Random], Any]
    errors: Callable[[Any, Any], float]
    worst: Callable[[Any], float]


def _unsorted(given: list[int], found: list[int]) -> float:
    off = sum(a > b for a, b in pairwise(found))
    wanted, there = Counter(given), Counter(found)
    return off + sum(abs(wanted[n] - there[n]) for n in wanted | there)


def _sets(random: Random) -> list[list[int]]:
    return [random.sample(range(64), 32), random.sample(range(64), 32)]


def _text(random: Random) -> list[str]:
    return [f"They went from {random.choice(COUNTRIES)} to {random.choice(COUNTRIES)}." for _ in range(8)]


def _counted(given: list[str], found: list[str]) -> float:
    wanted = Counter(re.findall("|".join(COUNTRIES), " ".join(given)))
    there = Counter(found)
    return sum(abs(wanted[name] - there[name]) for name in wanted | there)


def _documents(random: Random) -> list[str]:
    clauses = [f"Clause {n}: the fee is {random.randrange(100, 999)}." for n in range(12)]
    return [" ".join(random.sample(clauses, 6)) for _ in range(4)]


def _missing(given: list[str], found: str) -> float:
    clauses = {clause for document in given for clause in re.findall(r"Clause \d+: [^.]*\.", document)}
    return sum(abs(found.count(clause) - 1) for clause in clauses)


_OPERATORS: Final[Mapping[type, Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def worth(node: ast.expr) -> float:
    """What an expression of numbers and + - * / comes to.

    Raises:
        ValueError: it is something else.
    """
    match node:
        case ast.Constant(int() as number):
            return number
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](worth(left), worth(right))
    raise ValueError("no expression of numbers")


def _not_24(given: list[int], found: str) -> float:
    said = found.partition("=")[0].strip().strip("`")
    if len(said) > 60 or sorted(map(int, re.findall(r"\d+", said))) != sorted(given):
        return 1
    try:
        return float(abs(worth(ast.parse(said, mode="eval").body) - 24) > 1e-6)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return 1


def _solvable(random: Random) -> list[int]:
    return list(random.choice([(8, 3, 1, 1), (4, 6, 1, 1), (2, 3, 4, 1), (12, 2, 1, 1), (6, 6, 6, 6), (3, 3, 8, 8)]))


def _numbers(count: int) -> Callable[[Random], list[int]]:
    return lambda random: [random.randrange(10) for _ in range(count)]


_SORTING: Final = "Sort the numbers in ascending order; keep each as often as it is there."
_ONE_SORTED: Final = "They are sorted lists: write one sorted list of all their numbers."

SHAPES: Final[Mapping[str, Shape]] = {
    "sorting 32": Shape(_SORTING, "list[int]", _ONE_SORTED, _numbers(32), _unsorted, len),
    "sorting 64": Shape(_SORTING, "list[int]", _ONE_SORTED, _numbers(64), _unsorted, len),
    "set intersection": Shape(
        "Write the numbers that are in both lists.",
        "list[int]",
        "Write all their numbers in one list.",
        _sets,
        lambda given, found: len((set(given[0]) & set(given[1])) ^ set(found)),
        lambda given: len(set(given[0]) & set(given[1])),
    ),
    "keyword counting": Shape(
        "List every mention of a country, as often as it is mentioned.",
        "list[str]",
        "Write all their names in one list, as often as they are there.",
        _text,
        _counted,
        lambda given: 2 * len(given),
    ),
    "document merging": Shape(
        "Write one document with each clause of the data exactly once.",
        "str",
        "Each clause is to be there exactly once.",
        _documents,
        _missing,
        lambda _given: 12,
    ),
    "game of 24": Shape(
        "Write one expression with each of the numbers exactly once, + - * / and brackets, that makes 24.",
        "str",
        "Write the one expression that is right.",
        _solvable,
        _not_24,
        lambda _given: 1,
    ),
}

WAYS: Final[Mapping[str, str]] = {
    "input-output": "join(think(asked, data=given, type={type!r}))",
    "chain of thought": """
reasoned = think(f"{{asked}} Think step by step.", data=given)
join(think("Write the result that was found, and nothing else.", data=reasoned, type={type!r}))""",
    "tree of thoughts": """
tried = [think(asked, data=given, type={type!r}, sample=i) for i in range(3)]
scored = ok([[t, score({{"given": given, "result": t}}, asked)] for t in tried])
join(refine(best([s[0] for s in scored], [s[1] for s in scored]), asked, rounds=1, type={type!r}))""",
    "graph of thoughts": """
done = [think(asked, data=part, type={type!r}) for part in parts]
pairs = [merge(done[i:i + 2], merged, type={type!r}) for i in range(0, len(parts), 2)]
fours = [merge(pairs[i:i + 2], merged, type={type!r}) for i in range(0, len(pairs), 2)]
join(merge(fours, merged, type={type!r}))""",
}
_INPUTS: Final = "# input asked: str\n# input merged: str\n# input given: Any\n# input parts: list[Any]\n"


def parts_of(name: str, given: Any) -> list[Any]:
    """What a graph of thoughts works on apart: sixteen numbers, a quarter of a set, two sentences, two documents."""
    match name:
        case "set intersection":
            return [[given[0][at : at + 8], given[1]] for at in range(0, 32, 8)]
        case "game of 24":
            return [given] * 3
        case _:
            size = 16 if name.startswith("sorting") else 2
            return [given[at : at + size] for at in range(0, len(given), size)]


class NoisyModel:
    """Does what it is asked, and drops items, drawn by the request, of long data more than of short."""

    name = "scripted"
    constrains = False

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Reply in one chunk."""
        said = request.messages[1].text
        block = re.search(r"<data>\n(.*)\n</data>", said, re.DOTALL)
        data: Any = json.loads(block[1]) if block else None
        reply = self._reply(said.partition("</data>")[2].strip(), data, Random(f"{said} {request.seed}"))
        yield Chunk(reply, finish="stop", usage=Usage(len(said) // 4, 0, len(reply) // 4, 1))

    def _reply(self, asked: str, data: Any, random: Random) -> str:
        found: Any = "?"
        if asked.startswith("Score"):
            found = random.randrange(11)
        elif asked.startswith("Is this met"):
            found = ""
        elif asked.startswith("Write the result"):
            found = json.loads(data) if data.startswith(("[", "{")) else data
        elif asked.startswith("Sort"):
            found = sorted(self._some(data, random))
        elif "sorted lists" in asked:
            found = sorted(number for part in data for number in part)
        elif "in both lists" in asked:
            found = self._some([number for number in data[0] if number in data[1]], random)
        elif asked.startswith("List every"):
            found = self._some(re.findall("|".join(COUNTRIES), " ".join(data)), random)
        elif asked.startswith("Merge") and isinstance(data[0], list):
            found = [item for part in data for item in part]
        elif "clause" in asked:
            found = " ".join(self._some(dict.fromkeys(re.findall(r"Clause \d+: [^.]*\.", " ".join(data))), random))
        elif "24" in asked:
            found = " * ".join(map(str, data))
        elif data:
            found = data[0]
        if '{"value"' in asked:
            return json.dumps({"value": found})
        return found if isinstance(found, str) else json.dumps(found)

    def _some(self, items: Any, random: Random) -> list[Any]:
        return [item for item in items if random.random() > len(items) / 400]


async def tried(model: ChatModel, name: str, way: str, seed: int) -> dict[str, Any]:
    """One task in one way: how wrong, after how many requests and tokens, in how many seconds."""
    shape = SHAPES[name]
    given = shape.drawn(Random(f"{name} {seed}"))
    agent = LLMCompiler(tools=[thoughts(model, max_tokens=1024)])
    inputs = {"asked": shape.asked, "merged": shape.merged, "given": given, "parts": parts_of(name, given)}
    begun = time.monotonic()
    async with agent.stream_plan(_INPUTS + WAYS[way].format(type=shape.type), inputs=inputs) as running:
        result = await running.result()
    found = result.outcomes.joined
    failed = isinstance(found, Failure) or found is None
    return {
        "task": name,
        "way": way,
        "seed": seed,
        "errors": shape.worst(given) if failed else min(shape.errors(given, found), shape.worst(given)),
        "failed": failed,
        "requests": result.usage.requests,
        "tokens": result.usage.tokens,
        "seconds": round(time.monotonic() - begun, 2),
    }


def rows_of(out: Path) -> list[dict[str, Any]]:
    """What a file has already."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def work(tasks: list[str], count: int, done: list[dict[str, Any]]) -> Iterator[tuple[str, str, int]]:
    """What is still to be done: each input in all ways, one after the other."""
    there = {(row["task"], row["way"], row["seed"]) for row in done}
    for seed in range(count):
        for name in tasks:
            yield from ((name, way, seed) for way in WAYS if (name, way, seed) not in there)


def table(rows: list[dict[str, Any]]) -> str:
    """Mean errors, requests and tokens by task and way, of the inputs that all ways have done."""
    seeds = {name: set.intersection(*_done(rows, name)) for name in SHAPES}
    lines = ["| task | way | n | errors | requests | tokens | failed |", "|---|---|---|---|---|---|---|"]
    for name in SHAPES:
        for way in WAYS:
            own = [row for row in rows if row["task"] == name and row["way"] == way and row["seed"] in seeds[name]]
            if own:
                figures = [f"{mean(row[key] for row in own):.1f}" for key in ("errors", "requests", "tokens")]
                failed = sum(row["failed"] for row in own)
                lines.append(f"| {name} | {way} | {len(own)} | {' | '.join(figures)} | {failed} |")
    return "\n".join(lines)


def _done(rows: list[dict[str, Any]], name: str) -> list[set[int]]:
    return [{row["seed"] for row in rows if row["task"] == name and row["way"] == way} for way in WAYS]


def main(arguments: list[str] | None = None) -> None:
    """Do what is left to do within the minutes, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--model", default="scripted")
    parser.add_argument("--count", type=int, default=5, help="inputs of each task")
    parser.add_argument("--tasks", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--out", type=Path, default=None, help="a file of rows; those that it has are not done again")
    told = parser.parse_args(arguments)
    model = NoisyModel() if told.model == "scripted" else resolve(told.model)
    rows = [] if told.out is None else rows_of(told.out)
    end = time.monotonic() + 60 * told.minutes

    async def each() -> None:
        for name, way, seed in work(told.tasks, told.count, rows):
            if time.monotonic() > end:
                return
            row = await tried(model, name, way, seed)
            rows.append(row)
            if told.out is not None:
                with told.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")

    asyncio.run(each())
    print(table(rows))


if __name__ == "__main__":
    main()
