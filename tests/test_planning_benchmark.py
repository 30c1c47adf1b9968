"""`benchmarks/planning.py` on questions of our own, with scripted models: what it counts, and by which rules."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks.function_calls import Call, Question, calls_in, fetched, matches, native_tools, read_question, tools_of
from benchmarks.planning import main, measure, native, planned, table
from benchmarks.planning_sources import drawn, entities_in

from superscalar import Toolset
from superscalar.plan import check
from superscalar.planner import tool_stub
from superscalar.testing import ScriptedModel


def asked(id: str, functions: dict[str, dict[str, Any]], *accepted: dict[str, dict[str, list[Any]]]) -> Question:
    """A question about `functions`: each by name, with the schemas of its arguments; optional ones have `optional`."""
    described = [
        {
            "name": name,
            "description": f"Does {name}.",
            "parameters": {
                "type": "dict",
                "properties": properties,
                "required": [key for key, schema in properties.items() if not schema.get("optional")],
            },
        }
        for name, properties in functions.items()
    ]
    return read_question(
        {"id": id, "question": [[{"role": "user", "content": "Do."}]], "function": described}, accepted
    )


RENT = {
    "homes.rent": {
        "from": {"type": "string", "description": "A city."},
        "rooms": {"type": "integer", "optional": True},
        "area": {"type": "float", "optional": True},
        "kind": {"type": "string", "enum": ["flat", "house"], "optional": True},
        "near": {"type": "array", "items": {"type": "string"}, "optional": True},
        "range": {"type": "dict", "properties": {"low": {"type": "integer"}}, "optional": True},
    }
}
ANY: dict[str, list[Any]] = {"rooms": [2, ""], "area": [""], "kind": [""], "near": [""], "range": [""]}
TWO = asked("two_0", RENT, {"homes.rent": {"from": ["Oslo"], **ANY}}, {"homes.rent": {"from": ["Rome", "Roma"], **ANY}})
PLAN = 'oslo = homes_rent("Oslo", 2)\nrome = homes_rent(from_="Roma")\njoin(oslo, rome)\n'


def test_tools_are_made_from_schemas() -> None:
    (signature,) = Toolset(tools_of(TWO, [])).signatures
    assert tool_stub(signature).splitlines()[0] == (
        "homes_rent(from_: str, rooms: int = None, area: float = None, kind: Literal['flat', 'house'] = None, "
        "near: list[str] = None, range: dict = None) -> Any  # Does homes.rent."
    )
    assert check('x = homes_rent("Oslo", kind="hut")', Toolset(tools_of(TWO, [])).signatures)[0].code == "E304"
    assert native_tools(TWO)[0]["function"]["parameters"]["properties"]["range"] == {
        "type": "object",
        "properties": {"low": {"type": "integer"}},
    }


@pytest.mark.parametrize(
    ("arguments", "accepted", "fits"),
    [
        ({"from": "Oslo"}, {"from": ["Oslo"], **ANY}, True),
        ({"from": "o.s-l o"}, {"from": ["Oslo"], **ANY}, True),  # signs and case do not count
        ({"from": "Bergen"}, {"from": ["Oslo"], **ANY}, False),
        ({}, {"from": ["Oslo", ""], **ANY}, False),  # required
        ({"from": "Oslo"}, {"from": ["Oslo"], **ANY, "rooms": [2]}, False),  # may not be left out
        ({"from": "Oslo", "rooms": 2}, {"from": ["Oslo"], **ANY}, True),
        ({"from": "Oslo", "rooms": 3}, {"from": ["Oslo"], **ANY}, False),
        ({"from": "Oslo", "rooms": "2"}, {"from": ["Oslo"], **ANY}, False),  # of the wrong type
        ({"from": "Oslo", "rooms": True}, {"from": ["Oslo"], **ANY, "rooms": [1]}, False),
        ({"from": "Oslo", "area": 50}, {"from": ["Oslo"], **ANY, "area": [50.0]}, True),  # a whole number is a number
        ({"from": "Oslo", "size": 1}, {"from": ["Oslo"], **ANY}, False),  # no such argument
        ({"from": "Oslo", "near": ["Sea", "the Park"]}, {"from": ["Oslo"], **ANY, "near": [["sea", "thepark"]]}, True),
        ({"from": "Oslo", "near": ["park", "sea"]}, {"from": ["Oslo"], **ANY, "near": [["sea", "park"]]}, False),
        ({"from": "Oslo", "range": {"low": 1}}, {"from": ["Oslo"], **ANY, "range": [{"low": [1, 2]}]}, True),
        ({"from": "Oslo", "range": {}}, {"from": ["Oslo"], **ANY, "range": [{"low": [1, ""]}]}, True),
        ({"from": "Oslo", "range": {"high": 1}}, {"from": ["Oslo"], **ANY, "range": [{"low": [1, ""]}]}, False),
    ],
)
def test_a_call_is_accepted_by_the_rules(arguments: dict[str, Any], accepted: dict[str, list[Any]], fits: bool) -> None:
    question = asked("one_0", RENT, {"homes.rent": accepted})
    assert matches(question, [Call("homes.rent", arguments)]) == fits


def test_calls_are_accepted_in_any_order_but_no_others() -> None:
    oslo, rome = Call("homes.rent", {"from": "Oslo"}), Call("homes.rent", {"from": "roma"})
    assert matches(TWO, [oslo, rome])
    assert matches(TWO, [rome, oslo])
    assert not matches(TWO, [oslo])
    assert not matches(TWO, [oslo, oslo])
    assert not matches(TWO, [oslo, rome, rome])
    assert not matches(TWO, [oslo, Call("homes.buy", {"from": "Rome"})])


@pytest.mark.parametrize(
    "reply",
    [
        '<tool_call>\n{"name": "f", "arguments": {"a": {"b": "}"}}}\n</tool_call>',
        '```json\n[{"name": "f", "arguments": {"a": {"b": "}"}}}]\n```',
        'I call {"function": {"name": "f", "arguments": {"a": {"b": "}"}}}} now. {not json}',
    ],
)
def test_calls_are_found_whatever_is_around_them(reply: str) -> None:
    assert calls_in(reply) == [Call("f", {"a": {"b": "}"}})]


@pytest.mark.parametrize(
    ("replies", "checks", "at_once", "right"),
    [
        ([PLAN], True, True, True),
        (['x = [homes_rent(c) for c in ["Rome", "Oslo"]]\njoin(x)\n'], True, True, True),
        (['homes_rent("Rome")\nhomes_rent("Oslo")\n'], True, True, True),  # whether the results are joined or not
        (['x = homes_rent("Rome")\njoin(x)\n'], True, True, False),
        (
            ['x = home_rent("Rome")\ny = homes_rent("Oslo")\njoin(x, y)\n', 'x = homes_rent("Rome")\n'],
            True,
            False,
            True,
        ),
        (["x = home_rent(1)\njoin(x)\n"] * 3, False, False, False),
    ],
)
def test_a_plan_is_judged_by_the_calls_that_it_makes(
    replies: list[str], checks: bool, at_once: bool, right: bool
) -> None:
    answer = asyncio.run(planned(ScriptedModel(*replies), TWO))
    assert (answer.checks, answer.at_once, answer.exact) == (checks, at_once, right)
    assert answer.written > 0


ONE = asked("one_2", RENT, {"homes.rent": {"from": ["Oslo"], **ANY}})


def measured(kept: Path, said: list[str], plans: ScriptedModel, calls: ScriptedModel, instructions: str = "") -> Any:
    ways = {"plan": lambda question: planned(plans, question), "native": lambda question: native(calls, question)}
    return asyncio.run(measure([TWO, ONE], ways, instructions=instructions, kept=kept, say=said.append))["bfcl"]


def test_a_run_compares_both_ways_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    call, kept = '{"name": "homes.rent", "arguments": {"from": "Oslo"}}', tmp_path / "kept.jsonl"
    said: list[str] = []
    found = measured(kept, said, ScriptedModel(PLAN, PLAN), ScriptedModel("", call))
    rows = ("questions", "at_once", "checks", "recall", "precision", "exact", "rounds")
    assert [found["plan"][row] for row in rows] == [2, 1, 1, 1, 0.75, 0.5, 1]
    assert [found["native"][row] for row in rows] == [2, 0.5, 0.5, 0.5, 0.5, 0.5, 1]
    assert len(said) == 4
    assert measured(kept, said, ScriptedModel(), ScriptedModel()) == found  # nothing is asked twice
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join([*lines[:3], lines[3][:50]]))  # as it is left by who was killed in the middle of a line
    assert measured(kept, said, ScriptedModel(), ScriptedModel(call))["plan"] == found["plan"]
    assert re.search(r"bfcl +plan +2 +100\.0 % +100\.0 % +100\.0 % +75\.0 % +50\.0 %", table({"bfcl": found}))
    json.dumps(found)


def test_what_was_answered_with_other_instructions_is_asked_again(tmp_path: Path) -> None:
    kept, call = tmp_path / "kept.jsonl", '{"name": "homes.rent", "arguments": {"from": "Oslo"}}'
    measured(kept, [], ScriptedModel(PLAN, PLAN), ScriptedModel(call, call))
    told = measured(kept, [], ScriptedModel("join()", "join()"), ScriptedModel(call, call), "Be brief.")
    assert told["plan"]["recall"] == 0


FILES: dict[str, Any] = {
    "hotpotqa_dev.json": [
        {
            "id": "a",
            "question": "Do Ada and Bob live in one town?",
            "type": "comparison",
            "supporting": ["Ada (queen)", "Bob"],
            "paragraphs": {"Ada (queen)": "Ada lives in Oslo.", "Bob": "Bob lives in Rome.", "Ada": "A river."},
        },
        {
            "id": "b",
            "question": "How old is the town of the river?",
            "type": "bridge",
            "supporting": ["River", "Town (Peru)"],
            "paragraphs": {"River": "It is in Town.", "Town (Peru)": "It is 100 years old.", "Hill": "High."},
        },
    ],
    "paper_parallelqa_dataset.json": [{"id": "1", "question": "Is K2 higher than mount Everest, or the Conga River?"}],
    "paper_movie_recommendations_formatted.json": [
        {"id": "0", "question": "Find a movie similar to A, B, C, D\nOptions:\nE\nF: Two\nG\nH\n"},
        {"id": "1", "question": "Find a movie similar to A, the First, B, C, D\nOptions:\nE\nF\nG\nH\n"},
    ],
    "nestful_glaive_data.json": [
        {
            "input": "The pace, as a barcode.",
            "output": [
                {"name": "pace", "arguments": {"distance": 5, "time": "30"}, "label": "var1"},
                {"name": "barcode", "arguments": {"data": "$var1.pace$", "from": "me"}, "label": "var2"},
                {"name": "var_result", "arguments": {"barcode": "$var2$"}},
            ],
        },
        {"input": "?", "output": [{"name": "barcode", "arguments": {"of": "$var1.gone$"}, "label": "var2"}]},
    ],
    "nestful_glaive_spec.json": [
        {
            "name": "pace",
            "description": "",
            "query_parameters": {
                "distance": {"type": "number", "required": True},
                "time": {"type": "string", "required": True},
            },
            "output_parameters": {"pace": {"type": "string"}},
        },
        {
            "name": "barcode",
            "description": "",
            "parameters": {"data": {"type": "string", "required": True}, "from": {"type": "string"}},
            "output_parameters": {"image": {"type": "string"}},
        },
        *(
            {"name": name, "description": "", "parameters": {}, "output_parameters": {}}
            for name in ("joke", "play", "ring")
        ),
    ],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, content in FILES.items():
        (folder / name).write_text(json.dumps(content))
    return folder


def test_a_model_that_writes_the_gold_plans_makes_all_gold_calls_of_every_source(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", "scripted", "--source", "hotpotqa,parallelqa,movie,nestful", "--data", str(data), "--json"]
    assert main(given) == 0
    found = json.loads(capsys.readouterr().out)
    shares = ("at_once", "checks", "recall", "precision", "exact", "runs", "rounds")
    assert {source: [ways["plan"][share] for share in shares] for source, ways in found.items()} == {
        source: [1] * 7 for source in ("comparison", "bridge", "parallelqa", "movie", "nestful")
    }
    assert [ways["plan"]["questions"] for ways in found.values()] == [1] * 5  # what contradicts itself is left out
    assert main([*given, "--half", "odd"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["bridge", "movie"]


@pytest.mark.parametrize(
    ("source", "plan", "recall", "precision", "runs"),
    [
        ("hotpotqa", 'a = search("Ada and Bob")\njoin(a)', 0.5, 1, True),
        ("hotpotqa", 'a = search("Ada")\nb = search("Bob")\njoin(a, b)', 0.5, 0.5, True),  # the river comes first
        ("parallelqa", 'a = [search(x) for x in ["K2", "Everest"]]\njoin(a)', 1 / 3, 0.5, True),
        ("parallelqa", 'a = search("K2")\nb = search(a[len(a)])\njoin(b)', 1 / 3, 1, False),
        ("parallelqa", "join(8611 > 8848)", 0, 0, True),
        ("movie", 'a = [movie(x) for x in ["a.", "B", "f two", "Z"]]\njoin(a)', 0, 0, False),
        ("movie", 'a = [search(x) for x in ["a.", "B", "f two", "Z"]]\njoin(a)', 3 / 8, 3 / 4, True),
        ("nestful", 'p = pace(5.0, "30")\nb = barcode(p.pace, "ME")\njoin(b)', 1, 1, True),
        ("nestful", 'p = pace(5.0, "30")\nb = barcode("5.0", "me")\njoin(p, b)', 0.5, 0.5, True),
    ],
)
def test_calls_are_held_against_those_of_the_source(
    data: Path, source: str, plan: str, recall: float, precision: float, runs: bool
) -> None:
    question = drawn(source, data, 1)[0]
    answer = asyncio.run(planned(ScriptedModel(*[plan] * 3), question))
    assert [answer.recall, answer.precision] == pytest.approx([recall, precision])
    assert answer.runs == runs


def test_what_a_plan_extracts_leads_from_the_first_paragraph_to_the_second(data: Path) -> None:
    bridge = drawn("hotpotqa", data, 2)[1]
    plan = 'r = search("River")\nt = extract(r, "str", "the town")\nold = search(t)\njoin(old)\n'
    assert asyncio.run(planned(ScriptedModel(plan), bridge)).exact


def test_things_are_found_as_questions_spell_them() -> None:
    assert entities_in("the Congo Forest, South Korea and the Sahara Desert's area") == [
        "Sahara Desert",
        "Congo Rainforest",
        "South Korea",
    ]


@pytest.mark.parametrize("given", [[], ["--data", "/nowhere"]])
def test_without_the_public_files_it_says_where_they_go(given: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"Put hotpotqa_dev\.json into a folder and name that with --data"):
        main(["--model", "scripted", "--source", "hotpotqa", *given])
    with pytest.raises(SystemExit, match="there is no source 'hotpot': write some of bfcl, hotpotqa"):
        main(["--model", "scripted", "--source", "hotpot"])


def test_without_a_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(SystemExit, match="Where there is a network, run"):
        fetched(tmp_path)
    capfd.readouterr()
