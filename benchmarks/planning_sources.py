"""The questions that a planner is measured by, from five public sources, and which calls are right for each.

- `bfcl`: parallel calls of the Berkeley Function Calling Leaderboard, those with an even index; right is what the
  benchmark accepts.
- `comparison` and `bridge`, the two kinds of HotpotQA: `search(query)` over the ten paragraphs of a question. Right is,
  for each of the two titles that an answer needs, a search that finds its paragraph first. A plan is looked at as if
  what it extracts from the first paragraph were right: the title of the second, where that is named there.
- `parallelqa`: `search(entity)`; right is a search for each thing that the question names, and for that alone.
- `movie`: `search(title)`; right is a search for each of the eight films that the question names.
- `nestful`: glaive's part of NESTFUL: the tools of the gold plan and some others; right are name and arguments of each
  call of that plan, and where an argument is a result, that it comes from that tool and that field. Gold plans that
  contradict the tools' own specification are left out.

BFCL is downloaded; the others' files stay where you keep them (`--data DIR`), under their own names (`FILES`).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, make_dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.function_calls import (
    CATEGORIES,
    Call,
    Gold,
    Question,
    Schema,
    fetched,
    ones_of,
    plan_line,
    plan_of,
    questions,
    tools_of,
)
from superscalar import Toolset
from superscalar.plan import check
from superscalar.plan.ir.naming import identifier
from superscalar.tools.search import WordIndex, words_of_text

FILES: Final = {
    "hotpotqa": ("hotpotqa_dev.json",),
    "parallelqa": ("paper_parallelqa_dataset.json",),
    "movie": ("paper_movie_recommendations_formatted.json",),
    "nestful": ("nestful_glaive_data.json", "nestful_glaive_spec.json"),
}
"""What is read of each source: HotpotQA's questions with `paragraphs` by title and the titles that are `supporting`,
the questions of LLMCompiler's repository, and NESTFUL's data and specification."""

SOURCES: Final = ("bfcl", *FILES)
CACHE: Final = Path("~/.cache/superscalar/benchmarks").expanduser()
_SEED: Final = "planning"


def drawn(source: str, data: Path | None, limit: int) -> list[Question]:
    """So many questions of a source, drawn by a seed: fewer are the first of more.

    Of HotpotQA's, which has few comparisons in its public samples, all of these come among the first.

    Raises:
        SystemExit: what it needs is not there.
    """
    if source == "bfcl":
        file = fetched(CACHE)
        halves = [_mixed(questions(file, category), source) for category in CATEGORIES]
        return [one for several in zip(*halves, strict=False) for one in several][:limit]
    if source not in FILES:
        raise SystemExit(f"there is no source {source!r}: write some of {', '.join(SOURCES)}")
    files = [_read(data, name) for name in FILES[source]]
    found = _mixed(list(_READERS[source](*files)), source)
    return sorted(found, key=lambda one: one.source != "comparison")[:limit]


def _mixed(found: list[Question], source: str) -> list[Question]:
    random.Random(f"{_SEED} {source}").shuffle(found)
    return found


def _read(data: Path | None, name: str) -> Any:
    if data is None or not (file := data / name).is_file():
        where = "--data DIR names no folder" if data is None else f"there is no {data / name}"
        raise SystemExit(
            f"{where}: the public questions are not part of this repository. Put {name} into a folder and name that "
            "with --data, or measure without it: --source bfcl"
        )
    return json.loads(file.read_text())


# --------------------------------------------------------------------------------------------------------- searching


def _function(name: str, parameter: str, says: str) -> Schema:
    """A function of one text that returns prose."""
    properties = {parameter: {"type": "string"}}
    schema = {"type": "dict", "properties": properties, "required": [parameter]}
    return {"name": name, "description": says, "parameters": schema, "returns": str}


class Paragraphs:
    """Finds one of a question's paragraphs: by the words of its title first, then by those of its text."""

    def __init__(self, paragraphs: Mapping[str, str]) -> None:
        self._by_title = paragraphs
        self._titles = list(paragraphs)
        documents = [{"title": words_of_text(t), "text": words_of_text(p)} for t, p in paragraphs.items()]
        self._index = WordIndex(documents, {"title": 3.0, "text": 1.0})

    def title(self, query: str) -> str | None:
        """The title of the paragraph that fits best: one that is the query itself before all others."""
        if (said := next((title for title in self._titles if _letters(title) == _letters(query)), None)) is not None:
            return said
        return next((self._titles[place] for place, _ in self._index.scored(query)), None)

    def found(self, query: str) -> str:
        """That paragraph, under its title."""
        title = self.title(query)
        return "Nothing was found." if title is None else f"{title}: {self._by_title[title]}"


SEARCH: Final = _function("search", "query", "The paragraph of an encyclopedia that fits a query best.")


def _hotpotqa(asked: Sequence[Mapping[str, Any]]) -> Iterator[Question]:
    for one in asked:
        paragraphs, titles = Paragraphs(one["paragraphs"]), list(dict.fromkeys(one["supporting"]))

        def answer(call: Call, paragraphs: Paragraphs = paragraphs) -> str:
            return paragraphs.found(str(call.arguments.get("query")))

        def finds(title: str, call: Call, paragraphs: Paragraphs = paragraphs) -> bool:
            return paragraphs.title(str(call.arguments.get("query"))) == title

        def extract(schema: str, source: Any, titles: Sequence[str] = titles) -> Any:
            others = (title for title in titles if not str(source).startswith(f"{title}: "))
            said = next((title for title in others if _names(str(source), title)), None)
            return said if schema == "str" and said else ones_of(schema, source)

        yield Question(
            id=f"hotpotqa_{one['id']}",
            text=one["question"],
            functions=(SEARCH,),
            gold=tuple(partial(finds, title) for title in titles),
            source=one["type"],
            answer=answer,
            extract=extract,
            plan=plan_of([plan_line(i, "search", {"query": title}) for i, title in enumerate(titles)]),
        )


def _names(text: str, title: str) -> bool:
    """Whether a text names what has this title, without what tells it from others of its name."""
    return re.sub(r" \(.*\)$", "", title) in text


# ------------------------------------------------------------------------------------ things and films that are named

ENTITIES: Final = (
    *(f"{name} Trench" for name in ("Mariana", "Puerto Rico", "Sunda", "South Sandwich", "Peru-Chile")),
    *("cheetah", "peregrine falcon", "greyhound", "ostrich", "gazelle"),
    *(f"{name} Desert" for name in ("Sahara", "Kalahari", "Sonoran", "Arabian", "Atacama")),
    *(f"{name} River" for name in ("Yangtze", "Mississippi", "Volga", "Mekong", "Congo")),
    *("Mount Everest", "Mount Kilimanjaro", "Aconcagua", "K2", "Mount Elbert"),
    *("Christ the Redeemer", "Statue of Unity", "Washington Monument", "Motherland Calls", "Ushiku Daibutsu"),
    *("Shanghai Tower", "Ostankino Tower", "Empire State Building", "Tokyo Skytree", "CN Tower", "Burj Khalifa"),
    *("Amazon Rainforest", "Congo Rainforest", "Australian Forest", "Borneo Rainforest", "Black Forest"),
    *(f"{name} Ocean" for name in ("Pacific", "Indian", "Atlantic", "Arctic", "Southern")),
    *("Vietnam", "Thailand", "South Korea", "Japan", "China"),
    *("Texas", "Florida", "California", "Michigan", "New Jersey"),
)
"""What ParallelQA's questions are about."""

_SPELT: Final = {"Congo Forest": "Congo Rainforest", "Borneo Forest": "Borneo Rainforest", "Conga River": "Congo River"}
_SPELT_TOO: Final = {"Ushiku Faibutsu": "Ushiku Daibutsu"}


def entities_in(text: str) -> list[str]:
    """The things of `ENTITIES` that a text names, as the questions spell them."""
    for other, name in {**_SPELT, **_SPELT_TOO}.items():
        text = text.replace(other, name)
    return [name for name in ENTITIES if re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE)]


LOOK_UP: Final = _function("search", "entity", "What an encyclopedia says of one place, building or animal.")


def _parallelqa(asked: Sequence[Mapping[str, Any]]) -> Iterator[Question]:
    for one in asked:
        named = entities_in(one["question"])

        def looks_up(name: str, call: Call) -> bool:
            return entities_in(str(call.arguments.get("entity"))) == [name]

        yield _of_names(f"parallelqa_{one['id']}", one["question"], LOOK_UP, named, looks_up)


FILM: Final = _function("search", "title", "What an encyclopedia says of one film.")


def _movie(asked: Sequence[Mapping[str, Any]]) -> Iterator[Question]:
    for one in asked:
        first, *options = one["question"].replace("\nOptions:", "").strip().splitlines()
        listed = first.removeprefix("Find a movie similar to ")
        if len(liked := listed.split(", ")) != 4 or len(options) != 4:
            continue  # a title with a comma in it: where it ends nobody says

        def looks_up(title: str, call: Call) -> bool:
            return _letters(str(call.arguments.get("title"))) == _letters(title)

        named = list(dict.fromkeys([*liked, *options]))
        yield _of_names(f"movie_{one['id']}", one["question"], FILM, named, looks_up)


def _letters(title: str) -> str:
    return "".join(re.findall(r"\w", title.lower()))


def _of_names(
    id: str, text: str, function: Schema, names: Sequence[str], fits: Callable[[str, Call], bool]
) -> Question:
    (parameter,) = function["parameters"]["required"]
    return Question(
        id=id,
        text=text.strip(),
        functions=(function,),
        gold=tuple(partial(fits, name) for name in names),
        source=id.partition("_")[0],
        answer=lambda call: f"{call.arguments.get(parameter)}: it is told of at length, with dates and numbers.",
        plan=plan_of([plan_line(i, function["name"], {parameter: name}) for i, name in enumerate(names)]),
    )


# ----------------------------------------------------------------------------------------------------------- nestful

_REFERENCE: Final = re.compile(r"\$(\w+)(?:\.(\w+))?\$")
_TYPES: Final = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}
_DECOYS: Final = 3


@dataclass(frozen=True)
class _Reference:
    """What a plan of ours writes for a reference of the gold plan."""

    source: str


def _nestful(asked: Sequence[Mapping[str, Any]], specification: Sequence[Mapping[str, Any]]) -> Iterator[Question]:
    for place, one in enumerate(asked):
        steps = [step for step in one["output"] if step["name"] != "var_result"]
        specs = [_specification(step, specification) for step in steps]
        labels = {step["label"]: spec for step, spec in zip(steps, specs, strict=True)}
        if None in specs or not all(_refers(step, labels) for step in steps):
            continue
        used = {spec["name"]: spec for spec in specs if spec is not None}
        others = {spec["name"]: spec for spec in specification if spec["name"] not in used}
        chosen = random.Random(f"{_SEED} {place}").sample(sorted(others), _DECOYS)
        tools = sorted([*used.values(), *(others[name] for name in chosen)], key=lambda spec: str(spec["name"]))
        results = {spec["name"]: _stand_ins(spec) for spec in tools}
        known = {label: results[spec["name"]] for label, spec in labels.items() if spec is not None}
        places = {label: number for number, label in enumerate(labels)}
        question = Question(
            id=f"nestful_{place}",
            text=one["input"],
            functions=tuple(map(_described, tools)),
            gold=tuple(_making(step["name"], _resolved(step["arguments"], known)) for step in steps),
            source="nestful",
            answer=lambda call, results=results: results.get(call.name),  # type: ignore[misc]
            plan=plan_of([
                plan_line(number, step["name"], {k: _as_written(v, places) for k, v in step["arguments"].items()})
                for number, step in enumerate(steps)
            ]),
        )  # fmt: skip
        if not check(question.plan, Toolset(tools_of(question, [])).signatures):
            yield question


def _parameters(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = spec.get("query_parameters", spec.get("parameters", {}))
    return found


def _specification(step: Mapping[str, Any], specification: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The tool that a step calls, of several that have its name the first that takes its arguments."""
    for spec in specification:
        known = _parameters(spec)
        needed = {name for name, about in known.items() if about.get("required")}
        if spec["name"] == step["name"] and needed <= set(step["arguments"]) <= set(known):
            return spec
    return None


def _refers(step: Mapping[str, Any], labels: Mapping[str, Mapping[str, Any] | None]) -> bool:
    """Whether all that a step refers to is there, and each of its references is a whole argument."""
    for value in _texts(step["arguments"]):
        if "$" in value and (found := _REFERENCE.fullmatch(value)) is None and _REFERENCE.search(value):
            return False
        if "$" in value and found is not None:
            spec = labels.get(found[1])
            if spec is None or (found[2] and found[2] not in spec["output_parameters"]):
                return False
    return True


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)


def _stand_ins(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a tool returns: of each field a value that nothing else returns, where its type has so many."""
    return {name: _stand_in(f"{spec['name']}.{name}", about) for name, about in spec["output_parameters"].items()}


def _stand_in(name: str, about: Mapping[str, Any]) -> Any:
    number = 1_000 + random.Random(name).randrange(1_000_000)
    others = {"integer": number, "number": number + 0.5, "boolean": True, "array": [name], "object": {"name": name}}
    return others.get(about.get("type", ""), name)


def _described(spec: Mapping[str, Any]) -> Schema:
    """A tool as BFCL describes functions, with what it returns."""
    known = _parameters(spec)
    fields = [(identifier(k), _TYPES.get(about.get("type"), Any)) for k, about in spec["output_parameters"].items()]
    schema = {
        "type": "dict",
        "properties": {name: {**about, "type": _bfcl(about.get("type"))} for name, about in known.items()},
        "required": [name for name, about in known.items() if about.get("required")],
    }
    title = "".join(part.title() for part in str(spec["name"]).split("_"))
    returns = make_dataclass(title, fields)
    return {"name": spec["name"], "description": spec["description"], "parameters": schema, "returns": returns}


def _bfcl(kind: Any) -> str:
    return {"number": "float", "object": "dict"}.get(kind, str(kind) if kind else "any")


def _resolved(value: Any, known: Mapping[str, Mapping[str, Any]]) -> Any:
    """Arguments of the gold plan with what stands in for the results that they refer to."""
    match value:
        case str() if found := _REFERENCE.fullmatch(value):
            return known[found[1]][found[2]] if found[2] else known[found[1]]
        case list():
            return [_resolved(item, known) for item in value]
        case dict():
            return {key: _resolved(item, known) for key, item in value.items()}
    return value


def _as_written(value: Any, places: Mapping[str, int]) -> Any:
    if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
        return _Reference(f"r{places[found[1]]}" + (f".{found[2]}" if found[2] else ""))
    return value


def _making(name: str, arguments: Mapping[str, Any]) -> Gold:
    wanted = {key: _same(value) for key, value in arguments.items()}
    return lambda call: call.name == name and {key: _same(value) for key, value in call.arguments.items()} == wanted


def _same(value: Any) -> Any:
    """What is compared of a value: no signs, spaces and case of a text, and a number however it is written."""
    match value:
        case bool():
            return value
        case int() | float():
            return float(value)
        case str():
            plain = re.sub(r"[ ,$%'\"]", "", value).lower()
            return float(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain) else plain
        case list() | tuple():
            return [_same(item) for item in value]
        case dict():
            return {key: _same(item) for key, item in value.items()}
    return value


_READERS: Final[Mapping[str, Callable[..., Iterator[Question]]]] = {
    "hotpotqa": _hotpotqa,
    "parallelqa": _parallelqa,
    "movie": _movie,
    "nestful": _nestful,
}
