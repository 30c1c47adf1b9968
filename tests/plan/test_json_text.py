"""JSON text: read where a plan says so, or where it is a constant that stands for data; never where a tool gave it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superscalar import Failure, LLMCompiler, Observation, tool
from superscalar.labels import Label, Source
from superscalar.plan import compile_plan
from superscalar.plan.evaluate.expression import EvaluationError, evaluate
from superscalar.plan.evaluate.labelling import labels_of
from superscalar.plan.evaluate.parts import whole
from superscalar.plan.ir import Apply, Literal, Ref
from superscalar.plan.print.program import print_plan
from superscalar.testing import run
from superscalar.values import Outcome


@dataclass
class Point:
    x: int
    y: int = 0


@tool(effect="read")
def count(names: list[str], weights: dict[str, float] | None = None) -> int:
    """How many names."""
    return len(names) + len(weights or {})


@tool(effect="read")
def place(at: Point, note: str = "") -> str:
    """Where it is."""
    return f"{at.x} {at.y} {note}"


@tool(effect="read")
def either(value: str | list[int]) -> str:
    """Text, or numbers."""
    return repr(value)


@tool(effect="read")
def said(text: str) -> str:
    """What somebody said."""
    return text


AGENT = LLMCompiler(tools=[count, place, either, said])


def joined(*lines: str) -> Any:
    found = run(AGENT.execute("\n".join([*lines, "join(x)\n"])))["x"]
    return found.value if isinstance(found, Observation) else found


# -------------------------------------------------------------------------------------------- constants of the plan


@pytest.mark.parametrize(
    ("call", "printed", "value"),
    [
        ("""count('["a", "b"]')""", "count(names=['a', 'b'])", 2),
        ("""count(["a"], '{"a": 1.5}')""", "count(names=['a'], weights={'a': 1.5})", 2),
        ("""place('{"x": 1, "y": 2}')""", "place(at={'x': 1, 'y': 2})", "1 2 "),
        ("""place(at=' {"x": -1}\\n', note='[1]')""", "place(at={'x': -1}, note='[1]')", "-1 0 [1]"),
    ],
)
def test_a_constant_is_read_where_the_tool_takes_no_text_and_printed_as_what_it_became(
    call: str, printed: str, value: Any
) -> None:
    plan = compile_plan(f"x = {call}\njoin(x)\n", AGENT.tools.signatures)
    assert print_plan(plan.tasks) == f"x = {printed}\njoin(x)\n"
    assert ["JSON" in note for note in plan.tasks[0].notes] == [True]
    assert joined(f"x = {call}") == value


def test_it_is_noted_on_the_call_that_it_belongs_to() -> None:
    plan = compile_plan("x = count('[\"a\"]', default(said(said('b')), None))\njoin(x)\n", AGENT.tools.signatures)
    assert {task.id: len(task.notes) for task in plan.tasks if task.notes} == {"x": 1}


def test_text_stays_text_where_the_tool_takes_text() -> None:
    assert joined("x = either('[1, 2]')") == "'[1, 2]'"
    assert joined("x = said('[1, 2]')") == "[1, 2]"


@pytest.mark.parametrize("text", ["a, b", "[1, 2", "[1, 2]", '{"a": 1}', "['a']", "[NaN]", "[" * 300 + "]" * 300])
def test_what_says_nothing_that_fits_is_an_error_as_before(text: str) -> None:
    (problem,) = AGENT.check(f"x = count({text!r})\njoin(x)\n")
    assert (problem.code, "Input should be a valid list" in problem.message) == ("E304", True)


@pytest.mark.parametrize("how", ["count(t)", "count(said(t))", "count(f'{t}')", "place(said(t))"])
def test_what_was_not_written_there_is_never_read_and_the_failure_says_what_to_write(how: str) -> None:
    failed = joined("t = said('[\"a\"]')", f"x = {how}")
    assert isinstance(failed, Failure)
    assert failed.kind == "arguments"
    assert failed.message.endswith("; if that is JSON, write parse_json(...) around it in the plan")


# --------------------------------------------------------------------------------------------------- `parse_json`


def parsed(text: Any) -> Any:
    nothing: dict[str, Outcome] = {}
    return evaluate(Apply("parse_json", (Literal(text),)), nothing.__getitem__)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_JSON)
def test_it_gives_back_what_was_written_as_json(value: Any) -> None:
    assert parsed(json.dumps(value)) == value
    assert parsed("\ufeff " + json.dumps(value, ensure_ascii=False)) == value


@given(st.text('[]{},:"0123456789eE.-+ truefalsn\\u', max_size=30))
def test_any_text_has_a_value_or_an_error_of_ours(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(EvaluationError):
            parsed(text)
    else:
        assert parsed(text) == expected


@pytest.mark.parametrize(
    ("expression", "kind", "says"),
    [
        ("parse_json('[1, 2')", "evaluation", "is no JSON"),
        ("parse_json(3)", "evaluation", "`parse_json` takes text, not the number 3"),
        ("parse_json('[' * 250 + ']' * 250)", "bounds", "nested more than 200 deep"),
        ("parse_json('[' * 90000)", "bounds", "nested too deeply"),
        ("parse_json('[' + '0,' * 100001 + '0]')", "bounds", "100,002 items"),
        ("parse_json('9' * 5000)", "bounds", "a number of 5,000 digits"),
        ("parse_json('[' + '[],' * 800000 + '0]')", "bounds", "too much"),
    ],
)
def test_what_is_no_json_or_too_much_says_so(expression: str, kind: str, says: str) -> None:
    failed = joined(f"x = {expression}")
    assert isinstance(failed, Failure)
    assert (failed.kind, says in failed.message) == (kind, True), failed.message


def test_what_is_data_already_is_itself() -> None:
    assert joined('x = parse_json([1, {"a": 2}])') == [1, {"a": 2}]


def test_what_a_tool_said_can_be_read_in_the_plan() -> None:
    assert joined('t = said(\'["a", "b"]\')', "x = count(parse_json(t))") == 2
    assert joined("t = said('{\"a\": [1]}')", "x = parse_json(t)['a'][0] + 1") == 2


def test_its_label_is_that_of_the_text() -> None:
    said_so = Source("tool", "said", trusted=False)
    found = whole(labels_of(Apply("parse_json", (Ref("t"),)), lambda _task: Label([said_so])))
    assert (said_so in found.sources, found.trusted) == (True, False)
