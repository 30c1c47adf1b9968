"""`benchmarks/planning.py` on questions of our own, with scripted models: what it counts, and by which rules."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks.function_calls import Call, Question, calls_in, fetched, matches, native_tools, read_question, tools_of
from benchmarks.planning import measure, native, planned, table

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
    assert (answer.checks, answer.at_once, answer.matches) == (checks, at_once, right)
    assert answer.written > 0


def test_a_run_compares_both_ways_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    replies = '{"name": "homes.rent", "arguments": {"from": "Oslo"}}', ""
    said: list[str] = []

    async def run(*ways: ScriptedModel) -> dict[str, dict[str, float]]:
        plans, calls = ways
        return await measure(
            [TWO, asked("one_2", RENT, {"homes.rent": {"from": ["Oslo"], **ANY}})],
            {"plan": lambda question: planned(plans, question), "native": lambda question: native(calls, question)},
            kept=tmp_path / "kept.jsonl",
            say=said.append,
        )

    found = asyncio.run(run(ScriptedModel(PLAN, PLAN), ScriptedModel(replies[1], replies[0])))
    assert [found["plan"][row] for row in ("questions", "at_once", "checks", "matches")] == [2, 1, 1, 0.5]
    assert [found["native"][row] for row in ("questions", "checks", "matches")] == [2, 0.5, 0.5]
    assert len(said) == 4
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 4
    assert asyncio.run(run(ScriptedModel(), ScriptedModel())) == found  # nothing is asked twice
    assert re.search(r"calls are the accepted ones +50\.0 % +50\.0 % +1\.00x", table(found))
    json.dumps(found)


def test_without_a_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(SystemExit, match="Where there is a network, run"):
        fetched(tmp_path)
    capfd.readouterr()
