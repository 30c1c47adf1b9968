"""Forty plans in the syntax of the LLMCompiler paper, plain and nasty, with what must come of each (L26, L27)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from superscalar.plan import ir
from superscalar.plan.ir.needs import references
from superscalar.plan.ir.signatures import Parameter, Signature, Signatures
from support.fronts import FrontReading, front
from support.shared_data import FOLDER, shared

CASES = {case["name"]: case for case in shared("llmcompiler_plans.json") or ()}
ABSENT = pytest.mark.skipif(not CASES, reason=f"there is no llmcompiler_plans.json in {FOLDER}")


def _tool(name: str, *parameters: str, effect: Any = "read") -> Signature:
    made = tuple(Parameter(p, p, required=index == 0) for index, p in enumerate(parameters))
    return Signature(name, name.replace("-", "_"), made, effect=effect)


TOOLS = Signatures(
    [
        _tool("search", "query"),
        _tool("math", "problem", "context"),
        _tool("tool", "x", "y"),
        _tool("my-tool", "x"),
        _tool("email", "body", effect="write"),
    ]
)


def _read(name: str, tools: Signatures = TOOLS) -> FrontReading:
    """A case, read whole and in single characters, which must not differ."""
    plan = CASES[name]["plan"]
    whole, streamed = front("numbered", plan, tools), FrontReading("numbered", tools)
    streamed.feed(*plan)
    streamed.finish()
    assert streamed.tasks == whole.tasks
    assert streamed.found == whole.found
    return whole


def _value(expr: ir.Expr) -> Any:
    """An argument as the cases write it."""
    match expr:
        case ir.Ref(task):
            return f"${task.removeprefix('step')}"
        case ir.Literal(value):
            return value
        case ir.Sequence("list", items):
            return [_value(item) for item in items]
    raise AssertionError(expr)


def _task(task: ir.Task) -> dict[str, Any]:
    """A task as the cases write it, but for its id, which a join has not."""
    match task.work:
        case ir.Call(tool, arguments):
            deps = [int(found.removeprefix("step")) for _, value in arguments for found in references(value)]
            name = next(s.name for s in TOOLS if s.alias == tool)
            return {
                "tool": name,
                "args": [_value(value) for _, value in arguments],
                "deps": deps,
                "thought": task.thought,
            }
        case ir.Join(items):
            deps = [int(item.removeprefix("step")) for _, item in items]
            return {"tool": "join", "args": [], "deps": deps, "thought": task.thought}
    raise AssertionError(task)


@ABSENT
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "tasks" in case["expected"]])
def test_a_plan_comes_to_exactly_these_tasks(name: str) -> None:
    """Tools, arguments, dependencies and thoughts; and the ids of all but the join."""
    reading = _read(name)
    expected = CASES[name]["expected"]["tasks"]
    assert reading.found == []
    assert [_task(task) for task in reading.tasks] == [{k: v for k, v in t.items() if k != "id"} for t in expected]
    assert [task.id for task in reading.tasks] == [*(f"step{t['id']}" for t in expected[:-1]), "join()"]


def _lines(reading: FrontReading) -> list[str]:
    return [*reading.shown, *reading.problems]


_X = "step1 = search(query='x')"
_JOINED = "join() = join(step1=<step1>) of everything"
_JOINED_2 = "join() = join(step1=<step1>, step2=<step2>) of everything"
SAID: dict[str, list[str]] = {
    "unquoted": [
        "step5 = search(query='Austin Powers International Man of Mystery')",
        "join() = join(step5=<step5>) of everything",
    ],
    "unquoted comma": ["step1 = search(query='Paris, France')", _JOINED],
    "unquoted ref": [_X, "step2 = math(problem=<step1>)", _JOINED_2],
    "unquoted ref + literal": [_X, "step2 = math(problem=<step1>, context=2)", _JOINED_2],
    "mixed kwargs": ["step1 = math(problem='1+1', context=['a'])", _JOINED],
    "apostrophe unescaped": ['step1 = search(query="Arthur\'s Magazine")', _JOINED],
    "missing close paren (few-shot example itself)": [
        "step1 = search(query='cheetah')",
        "step2 = math(problem='speed?', context=[<step1>])",
        _JOINED_2,
    ],
    "comment w/ paren": [_X, _JOINED],
    "multiline arg": ["step1 = email(body='hi\\nthere')!", _JOINED],
    "multiline triple": ["step1 = email(body='hi\\nthere')!", _JOINED],
    "tuple arg": ["step1 = tool(x=('a', 'b'))", _JOINED],
    "json true": ["step1 = tool(x=True)", _JOINED],
    "dict arg": ["1 E102"],
    "dict w ref": [_X, "step2 = tool(x={'k': <step1>})", _JOINED_2],
    "forward ref": ["step2 = search(query='x')", "1 E102"],
    "self ref": ["1 E102"],
    "unknown ref": ["step1 = math(problem='$7')", _JOINED],
    "ids start 0": [
        "step0 = search(query='x')",
        "step1 = math(problem=<step0>)",
        "join() = join(step0=<step0>, step1=<step1>) of everything",
    ],
    "dup id": [_X, "2 E103"],
    "unknown tool": ["1 E301"],
    "join args": [_X, "join() = join(<step1>)"],
    "no join": [_X, _JOINED],
    "indent": [_X, _JOINED],
    "paren id": [_X, _JOINED],
    "space before paren": [_X, _JOINED],
    "dashed tool": ["step1 = my_tool(x='x')", _JOINED],
    "assign dialect": [_X, _JOINED],
    "code injection": ['step1 = math(problem=\'__import__("os").system("echo pwn")\')', _JOINED],
    "ref attr": [_X, "step2 = math(problem=<step1>.price)", _JOINED_2],
}


@ABSENT
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "says" in case["expected"]])
def test_a_plan_comes_to_what_its_case_says(name: str) -> None:
    """In words there; here as tasks and the lines with problems."""
    reading = _read(name)
    assert _lines(reading) == SAID[name], CASES[name]["expected"]["says"]


@ABSENT
def test_every_case_is_looked_at() -> None:
    """Each is either exact or in words, and all of the latter are spelled out above."""
    assert len(CASES) == 40
    assert SAID.keys() == {name for name, case in CASES.items() if "says" in case["expected"]}


@ABSENT
def test_unquoted_text_with_a_comma_is_two_arguments_where_a_tool_takes_two() -> None:
    """The other half of what the case says."""
    tools = Signatures([_tool("search", "query", "region")])
    assert _lines(_read("unquoted comma", tools)) == ["step1 = search(query='Paris', region='France')", _JOINED]


@ABSENT
@pytest.mark.parametrize(
    ("name", "note"),
    {
        "unquoted": "unquoted text",
        "apostrophe unescaped": "text with quotes inside its quotes",
        "missing close paren (few-shot example itself)": "`)` was missing",
        "json true": "`true` for `True`",
        "indent": "indented",
        "paren id": "`1)` for `1.`",
        "space before paren": "a space before `(`",
        "assign dialect": "`1=` for `1.`",
        "markdown fence": "a code fence",
        "crlf": "carriage returns",
    }.items(),
)
def test_a_tolerance_is_noted_on_its_task(name: str, note: str) -> None:
    assert any(note in task.notes for task in _read(name).tasks)


def test_the_two_kinds_of_reading_are_compared() -> None:
    """A plan in one piece and in single characters: here one of ours, where the data is absent."""
    check: Callable[[str], list[str]] = lambda text: _lines(front("numbered", text, TOOLS))  # noqa: E731
    streamed = FrontReading("numbered", TOOLS)
    streamed.feed(*"1. search(a, b)\n2. join($1)")
    streamed.finish()
    assert (
        check("1. search(a, b)\n2. join($1)")
        == _lines(streamed)
        == ["step1 = search(query='a, b')", "join() = join(<step1>)"]
    )
