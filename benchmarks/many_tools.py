"""How much of a prompt a thousand tools take, and how often the right ones are in it.

    python benchmarks/many_tools.py --check

Fifty services with twenty tools each, described as servers describe them, and a hundred questions about them, all
written by hand and in `benchmarks/many`. For each question: whether all tools that answer it are shown to the planner
with their signatures, and whether the others are there by name; and what the tools take of the prompt, against all of
them. Nothing is random, and no model is asked. With --others the same for functions and questions that nobody here
wrote: those of BFCL, all functions as one set.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any, Final, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it may be run as a script, too

from benchmarks.function_calls import Question, fetched, questions, tools_of
from superscalar import Tool, Toolset
from superscalar.planner import ToolListing, conversation
from superscalar.short import CHARACTERS_PER_TOKEN
from superscalar.tools.apart import names_for
from superscalar.tools.json_schema.described import described_tool
from superscalar.tools.said import Offered, clean
from superscalar.tools.terms import Terms

BOUNDS: Final = (1_000, 2_000, 4_000, 8_000)
DEFAULT: Final = 4_000
BFCL: Final = ("simple_python", "multiple", "parallel", "parallel_multiple")
CACHE: Final = Path("~/.cache/superscalar/benchmarks").expanduser()
DATA: Final = Path(__file__).parent / "many"
_QUESTIONS: Final = "questions.txt"
GOALS: Final[Mapping[str, float]] = {"shown": 0.95, "bytes": 0.1}
"""Of the questions, how many have all their tools shown; and what is shown of the bytes of all tools, as a rule."""

_BESIDE: Final = 600
"""Bytes that stand beside the tools: headings, the question, and that there are others."""

_VERBS: Final = (
    ("list", "get", "create", "update", "delete"),
    ("search", "get", "add", "change", "remove"),
    ("find", "read", "post", "edit", "archive"),
)
_SAID: Final[Mapping[str, str]] = {
    "list": "List {many}. Each is {about}. Returns at most `limit` of them, newest first.",
    "search": "Search {many} by words. Each is {about}.",
    "find": "Find {many} that match a filter. {About}.",
    "get": "Get one {one} by its id: {about}.",
    "read": "Read one {one}. {About}.",
    "create": "Create a new {one}, which is {about}. Fails if there is one of that title.",
    "add": "Add a {one}: {about}.",
    "post": "Post a new {one} ({about}).",
    "update": "Update fields of a {one}. Fields that are left out stay as they are.",
    "change": "Change a {one}; only what is given is changed.",
    "edit": "Edit a {one} that is there already.",
    "delete": "Delete a {one} for good. This cannot be undone.",
    "remove": "Remove a {one}.",
    "archive": "Archive a {one}, so that it is not listed any more.",
}
_TEXT: Final = {"type": "string"}


@dataclass(frozen=True)
class ManyToolsResult:
    """What came of the questions: how many have all of their tools `shown`, or at least by name; bytes of a prompt."""

    tools: int
    questions: int
    shown: float
    named: float
    bytes_of_all: int
    bytes_median: int
    bytes_most: int
    tools_median: int
    seconds_to_index: float
    seconds_a_question: float
    missed: tuple[str, ...]


def _lines(file: str) -> Iterator[list[str]]:
    for line in (DATA / file).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield [part.strip() for part in line.split("|")]


def _offers(every: int) -> Iterator[tuple[str, Offered]]:
    """Each tool with what questions call it."""
    for number, (service, *things) in list(enumerate(_lines("services.txt")))[::every]:
        for thing in things:
            one, about = (part.strip() for part in thing.split("="))
            for verb in _VERBS[number % 3]:
                yield f"{service}.{verb}.{one}", _offer(service, verb, one, about, number)


def _offer(service: str, verb: str, one: str, about: str, number: int) -> Offered:
    many = f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    words = f"{verb} {many if verb in ('list', 'search', 'find') else one}".replace("_", " ").split()
    named = ("_".join(words), "-".join(words), words[0] + "".join(map(str.title, words[1:])))[number % 3]
    said = _SAID[verb].format(
        one=one.replace("_", " "), many=many.replace("_", " "), about=about, About=about[0].upper() + about[1:]
    )
    identity = {f"{one}_id": {**_TEXT, "description": f"Which {one.replace('_', ' ')}."}}
    changes = {**identity, "fields": {"type": "object", "description": "What changes."}}
    by_verb: dict[str, dict[str, Any]] = {
        "list": {"limit": {"type": "integer", "default": 20}, "since": {**_TEXT, "format": "date"}},
        "search": {"query": {**_TEXT, "description": "Words to look for."}, "page": {"type": "integer"}},
        "find": {"filter": {**_TEXT, "description": "Such as name = 'x'."}, "limit": {"type": "integer"}},
        "get": identity,
        "read": identity,
        "delete": identity,
        "remove": identity,
        "archive": identity,
        "update": changes,
        "change": changes,
        "edit": changes,
    }
    takes = by_verb.get(verb, {"title": _TEXT, "fields": {"type": "object", "description": "All else."}})
    schema = {"type": "object", "properties": takes, "required": list(takes)[:1]}
    return Offered(server=service, name=named, description=said, parameters=schema)


@cache
def many(every: int = 1) -> tuple[Toolset, Mapping[str, str]]:
    """The tools of every so-manieth service, and the alias of each by what questions call it."""
    offers = dict(_offers(every))
    servers: dict[str, list[str]] = {}
    for offered in offers.values():
        servers.setdefault(offered.server, []).append(offered.name)
    names = names_for(servers)
    aliases = {called: names[offered.server, offered.name] for called, offered in offers.items()}
    return Toolset([_made(aliases[called], offered) for called, offered in offers.items()]), aliases


def _made(name: str, offered: Offered) -> Tool[..., Any]:
    said = clean(offered)
    described = described_tool(name, said.offered.parameters, _call, None, said.offered.description)
    return Tool(replace(described, server=offered.server, cut=said.cut), Terms.of({"effect": "read"}), _call)


async def _call(**_: Any) -> None:
    raise AssertionError("nothing is called here")


def _bytes(listing: ToolListing) -> int:
    return len(conversation(listing, "", (), "", blocks=True)[-1].text.encode())


Asked: TypeAlias = tuple[str, frozenset[str]]
"""A question, and the aliases of the tools that answer it."""


def asked_of_many(every: int = 1) -> list[Asked]:
    """The hundred questions, or those of them that the tools of these services answer."""
    aliases = many(every)[1]
    asked = ((question, [called.strip() for called in answer.split(",")]) for question, answer in _lines(_QUESTIONS))
    return [
        (question, frozenset(aliases[called] for called in answer))
        for question, answer in asked
        if aliases.keys() >= set(answer)
    ]


def measure(tools: Toolset, asked: Sequence[Asked], max_tokens: int) -> ManyToolsResult:
    """The figures for some tools and questions, with so many tokens of a prompt."""
    begun = process_time()
    ToolListing(tools, "anything", (), max_tokens)
    indexed = process_time()
    shown, named = 0, 0
    sizes: list[int] = []
    counts: list[int] = []
    missed: list[str] = []
    for question, wanted in asked:
        listing = ToolListing(tools, question, (), max_tokens)
        there = set(listing.shown)
        shown += wanted <= there
        named += wanted <= there | {signature.alias for signature in listing.choice.named}
        if wanted - there:
            missed.append(f"{question} ({', '.join(sorted(wanted - there))})")
        counts.append(len(there))
        sizes.append(_bytes(listing))
    seconds = process_time() - indexed
    return ManyToolsResult(
        tools=len(tools),
        questions=len(asked),
        shown=shown / len(asked),
        named=named / len(asked),
        bytes_of_all=_bytes(ToolListing(tools)),
        bytes_median=round(statistics.median(sizes)),
        bytes_most=max(sizes),
        tools_median=round(statistics.median(counts)),
        seconds_to_index=round(indexed - begun, 3),
        seconds_a_question=round(seconds / len(asked), 4),
        missed=tuple(missed),
    )


def goals_missed(found: ManyToolsResult, max_tokens: int) -> list[str]:
    """The goals that were missed, in words."""
    missed = []
    if found.shown < GOALS["shown"]:
        missed.append(
            f"the right tools are shown for {found.shown:.0%} of the questions; {GOALS['shown']:.0%} is asked"
        )
    if found.bytes_median > GOALS["bytes"] * found.bytes_of_all:
        missed.append(f"a prompt has {found.bytes_median:,} bytes; {GOALS['bytes']:.0%} of all is asked")
    if found.bytes_most > (most := CHARACTERS_PER_TOKEN * max_tokens + _BESIDE):
        missed.append(f"a prompt has {found.bytes_most:,} bytes; {most:,} are the most")
    return missed


def of_others() -> tuple[Toolset, list[Asked]]:
    """The functions of BFCL's Python categories as one set, and its questions for several functions at once."""
    file = fetched(CACHE)
    found = [question for category in BFCL for question in questions(file, category)]
    functions = {function["name"]: function for question in found for function in question.functions}
    tools = Toolset(tools_of(Question("all", "", tuple(functions.values()), ()), []))
    aliases = {tool.name: alias for alias, tool in tools.by_alias.items()}
    return tools, [(one.text, frozenset(aliases[name] for name in one.called if name in aliases)) for one in found]


def report(title: str, tools: Toolset, asked: Sequence[Asked]) -> dict[int, ManyToolsResult]:
    """The figures for several bounds; printed, where there is a title."""
    found = {most: measure(tools, asked, most) for most in BOUNDS}
    if title:
        one = found[DEFAULT]
        print(f"{title}: {one.tools:,} tools, {one.questions} questions; all tools are {one.bytes_of_all:,} bytes")
        indexed = max(each.seconds_to_index for each in found.values())
        print(f"  index {indexed:.2f} s once, {1_000 * one.seconds_a_question:.1f} ms for each question")
        print("  max_prompt_tokens  bytes (median, most)  tools shown  right ones shown  or named")
        for most, one in found.items():
            sizes = f"{one.bytes_median:,}, {one.bytes_most:,}"
            print(f"  {most:>17,}  {sizes:>20}  {one.tools_median:>11}  {one.shown:>16.0%}  {one.named:>8.0%}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures for several bounds; with --check, fail if a goal is missed at the default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--missed", action="store_true", help="print the questions whose tools are not shown")
    parser.add_argument("--others", action="store_true", help="the questions of BFCL, too, downloaded once")
    options = parser.parse_args(arguments)
    found = report("" if options.json else "our own", many()[0], asked_of_many())
    goals = goals_missed(found[DEFAULT], DEFAULT)
    of_bfcl = report("" if options.json else "BFCL", *of_others()) if options.others else {}
    if options.json:
        told = {
            name: {most: asdict(one) for most, one in by.items()} for name, by in (("own", found), ("bfcl", of_bfcl))
        }
        print(json.dumps({**told, "missed": goals}, indent=2))
        return 1 if goals and options.check else 0
    for question in found[DEFAULT].missed if options.missed else ():
        print(f"not shown: {question}")
    for goal in goals:
        print(f"missed: {goal}")
    return 1 if goals and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
