"""Plans in JSON: steps, values, references, joins, and everything that can be wrong with them (L6, L9, L28, L30)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from superscalar import LLMCompiler
from superscalar.plan.print.program import print_plan
from support.awkward_names import TOOLS as RATES
from support.fronts import FrontReading, front
from support.running import executed


def plan(*steps: Any, **more: Any) -> str:
    """A plan with a step `a` before the given ones."""
    return json.dumps({"steps": [{"id": "a", "tool": "tool", "arguments": {"x": 1}}, *steps], **more})


def argument(value: Any) -> str:
    """What a value comes to as the argument of a step, or the codes of what is wrong with it."""
    reading = front("json", plan({"id": "b", "tool": "tool", "arguments": {"x": value}}))
    found = [line for line in reading.shown if line.startswith("b = ")]
    return found[0].removeprefix("b = tool(x=").removesuffix(")") if found else " ".join(reading.problems)


A = {"$ref": "a"}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("text", "'text'"),
        ("$1, {a} and $a \u00e9 \U0001f3d4 \n", "'$1, {a} and $a é 🏔 \\n'"),
        (-1, "-1"),
        (-2.5, "-2.5"),
        (None, "None"),
        ([True, {"k": []}], "[True, {'k': []}]"),
        (A, "<a>"),
        ({"$ref": "a", "path": ["rows", 0, "Exchange Rate", -1]}, "<a>.rows[0]['Exchange Rate'][-1]"),
        ({"$ref": "a", "path": ["from", "_x"]}, "<a>['from']['_x']"),
        ([A, {"k": [A]}], "[<a>, {'k': [<a>]}]"),
        ({"$text": ["so ", A, "", {"$ref": "a", "path": ["n"]}, "."]}, "f'so {<a>}{<a>.n}.'"),
        ({"$text": ["a", "b"]}, "'ab'"),
        ({"$text": []}, "''"),
        ({"$text": [A]}, "f'{<a>}'"),
        ({"$value": {"$ref": "a", "x": [{"$text": []}]}}, "{'$ref': 'a', 'x': [{'$text': []}]}"),
        ({"$ref": "zz"}, "1 E102"),
        ({"$ref": "b"}, "1 E102"),
        ({"$ref": "tool"}, "1 E102"),
        ({"$ref": 1}, "1 E001"),
        ({"$ref": "a", "path": "x"}, "1 E001"),
        ({"$ref": "a", "path": [1.5]}, "1 E001"),
        ({"$ref": "a", "path": [True]}, "1 E001"),
        ({"$ref": "a", "more": 1}, "1 E001"),
        ({"$text": "x"}, "1 E001"),
        ({"$text": [1]}, "1 E001"),
        ({"$foo": 1}, "1 E001"),
        ({"$value": 1, "x": 2}, "1 E001"),
    ],
)
def test_a_value_is_data_or_one_of_three_forms(value: Any, meant: str) -> None:
    """Text is never scanned (L9)."""
    assert argument(value) == meant


def test_text_that_python_spells_otherwise_is_what_json_says() -> None:
    """Escapes that only JSON has."""
    text = r'{"steps": [{"id": "a", "tool": "tool", "arguments": {"x": "\/ 🏔 \u0041 \\n"}}]}'
    assert front("json", text).shown[0] == "a = tool(x='/ 🏔 A \\\\n')"


@pytest.mark.parametrize(
    ("join", "meant"),
    [
        (A, "join(<a>)"),
        ([A, A], "join(<a>, <a>)"),
        ({"x": A, "y": {"$ref": "a", "path": [0]}}, "join(x=<a>, y=<join().y>)"),
        (None, "join(a=<a>) of everything"),
        ([], "join(a=<a>) of everything"),
        ({}, "join(a=<a>) of everything"),
        ([A], "join(<join()[0]>)"),
        ({"Total price": A}, "join(<join()[0]>)"),
        ("done", "join(<join()[0]>)"),
        ({"$ref": "zz"}, "1 E102"),
        ({"$foo": "zz"}, "1 E001"),
    ],
)
def test_what_is_joined(join: Any, meant: str) -> None:
    """L6."""
    reading = front("json", plan(join=join))
    found = [line for line in reading.shown if line.startswith("join() = ")]
    assert (found[0].removeprefix("join() = ") if found else reading.problems[0]) == meant


def test_without_a_join_everything_is_joined() -> None:
    assert front("json", plan()).shown[-1] == "join() = join(a=<a>) of everything"


STEP = '{"id": "b", "tool": "tool"}'


@pytest.mark.parametrize(
    ("step", "message"),
    {
        "1": "a step is an object",
        "": "nothing stands between two commas",
        "{'id': 'b'}": "this is no JSON",
        '{"id": "b",}': "this is no JSON",
        '{"id": "b", "tool": "tool", "arguments": {"x": NaN}}': "NaN is no number",
        '{"id": "b", "tool": "tool", "arguments": {"x": -Infinity}}': "-Infinity is no number",
        '{"id": "b", "tool": "tool", "arguments": {"x": ' + "9" * 5000 + "}}": "a number has too many digits",
        '{"id": "b", "tool": "tool", "arguments": {"x": ' + "[" * 150 + "]" * 150 + "}}": "nested too deeply",
        '{"id": "b", "tool": "tool", "arguments": [1]}': "`arguments` is an object",
        '{"id": "b", "tool": "tool", "id": "c"}': "`id` comes twice",
        '{"id": "b", "tool": "tool", "arguments": {"x": 1, "x": 2}}': "`x` comes twice",
        '{"id": "b", "tool": "tool", "arguments": {"x": {"k": 1, "k": 2}}}': "`k` comes twice",
        '{"id": "b", "tool": "tool", "depends_on": []}': "a step has no `depends_on`",
        '{"id": "b"}': "the step calls no tool",
        '{"id": "b", "tool": 3}': "`tool` is text",
        '{"id": 1, "tool": "tool"}': "`id` is text",
        '{"id": "1", "tool": "tool"}': "`1` cannot be an id",
        '{"id": "from", "tool": "tool"}': "`from` cannot be an id",
        '{"id": "_x", "tool": "tool"}': "names do not begin with an underscore",
        '{"id": "a", "tool": "tool"}': "there is a step `a` already",
        '{"id": "b", "tool": "nope"}': "there is no tool `nope`",
        '{"id": "b", "tool": "search"}': "`search` needs `query`",
        '{"id": "b", "tool": "search", "arguments": {"quary": 1}}': "`search` has no argument `quary`",
    }.items(),
)
def test_a_wrong_step_is_a_diagnostic_and_costs_only_itself(step: str, message: str) -> None:
    """The steps around it that need nothing of it come out (L30)."""
    text = '{"steps": [{"id": "a", "tool": "tool"}, ' + step + ', {"id": "z", "tool": "tool", "arguments": {"x": '
    reading = front("json", text + '{"$ref": "a"}}}], "join": {"$ref": "z"}}')
    assert message in reading.found[0].message
    assert "a" in [task.id for task in reading.tasks]
    assert not reading.program.complete


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "[]": "the plan is a list",
        "{}": "the plan has no `steps`",
        "": "there is no plan",
        "I do not know.": "there is no plan",
        '{"steps": {}}': "`steps` is a list",
        '{"steps": "x"}': "`steps` is a list",
        '{"steps": [], "steps": []}': "`steps` comes twice",
        '{"steps": [], "join": 1, "join": 2}': "`join` comes twice",
        '{"steps": [], "more": 1}': "a plan has no `more`",
        '{"steps": [] 1}': "`steps` is a list",
        '{"steps": [}': "`}` closes nothing that is open here",
        '{"steps": [': "the plan ends before its last bracket is closed",
        f'{{"steps": [{"[" * 300}': "nested too deeply",
    }.items(),
)
def test_a_text_that_is_no_plan_is_a_diagnostic(text: str, message: str) -> None:
    assert message in front("json", text).found[0].message


def test_a_step_comes_out_when_its_object_is_complete() -> None:
    """Not before, and not later (L29); the join at the end of the plan, for the plan is sealed then (L18)."""
    reading = FrontReading("json")
    assert reading.feed('Here:\n```json\n{"join": {"$ref": "b"}, "steps": [{"id": "a", "tool": "tool"}') == []
    assert reading.feed(",") == ["a"]
    assert reading.feed('{"id": "b", "tool": "tool"') == []
    assert reading.feed("}]") == ["b"]
    assert not reading.program.joined
    assert reading.feed("}") == ["join()"]
    assert reading.reader.tail == "prose"
    assert reading.feed("\n```\n{") == []
    assert reading.program.complete


def test_a_plan_that_is_cut_never_seals() -> None:
    reading = FrontReading("json")
    reading.feed(plan({"id": "b", "tool": "send", "arguments": {"to": "x"}})[:-1])
    reading.finish("cut")
    assert ([task.id for task in reading.tasks], reading.program.complete) == (["a", "b"], False)


def test_a_repair_writes_the_steps_that_were_wrong() -> None:
    """And may write the others again."""
    wrong, right = ({"id": "b", "tool": "tool", "arguments": {name: A}} for name in ("z", "x"))
    last = {"id": "c", "tool": "tool", "arguments": {"x": {"$ref": "b"}, "y": -1}}
    reading = front("json", plan(wrong, last, join={"$ref": "c"}))
    assert reading.problems == ["1 E302"]
    assert reading.repair(plan(right, last, join={"$ref": "c"})) == ["b", "c", "join()"]
    assert reading.program.complete
    assert len(reading.tasks) == 4


def test_a_diagnostic_says_where() -> None:
    """The line, and a caret under what is meant."""
    found = front("json", '{"steps": [\n {"tool": "search",\n  "arguments": {"x": "é", "query": 1}}]}').found
    assert str(found[0]).splitlines()[:3] == [
        "plan:3:22: E302 `search` has no argument `x`",
        '  3 |   "arguments": {"x": "é", "query": 1}}',
        "    |                      ^^^",
    ]


def test_a_plan_runs_with_names_that_are_no_identifiers() -> None:
    """By the tool's own names or by aliases (L7)."""
    steps = [
        {"id": "x", "tool": "Rates.com", "arguments": {"from_": "EUR"}},
        {"id": "p", "tool": "pair", "arguments": {"name": {"$ref": "x", "path": ["from"]}}},
    ]
    join = {
        "rate": {"$ref": "x", "path": ["Exchange Rate"]},
        "of": {"$text": ["of ", {"$ref": "p", "path": ["2d", "from"]}]},
    }
    compiler = LLMCompiler(tools=RATES)
    compiled = compiler.compile(json.dumps({"steps": steps, "join": join}))
    assert compiled.syntax == "json"
    assert executed(compiled, RATES).answer == {"rate": 1.25, "of": "of EUR"}
    assert compiler.compile(print_plan(compiled.tasks)).tasks == compiled.tasks
