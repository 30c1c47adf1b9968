"""What tools declare of their results is known of items and variables too (rules L24, L32)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import pytest

from superscalar import LLMCompiler, Observation, tool
from superscalar.plan import compile_plan
from superscalar.plan.print.program import print_plan
from superscalar.testing import run


class Stage(enum.Enum):
    WON = "won"
    LOST = "lost"


@dataclass
class Deal:
    id: int
    stage: Stage
    before: Stage | None = None


@tool(effect="read")
def deals() -> list[Deal]:
    return [Deal(1, Stage.WON, Stage.LOST), Deal(2, Stage.LOST)]


@tool(effect="read")
def stage() -> Stage:
    return Stage.LOST


@tool(effect="read")
def words() -> str:
    return "a b"


@tool(effect="read")
def upper(text: str) -> str:
    return text.upper()


AGENT = LLMCompiler(tools=[deals, stage, words, upper])


@pytest.mark.parametrize(
    ("plan", "value"),
    [
        ("x = stage().value", "lost"),
        ("x = stage().name", "LOST"),
        ("x = deals()[0].stage.value", "won"),
        ("x = [d.stage.name for d in deals()]", ["WON", "LOST"]),
        ("ds = deals()\nx = [d.id for d in ds if d.stage.value == 'won']", [1]),
        ("ds = deals()\nx = {d.stage.name: d.id for d in ds}", {"WON": 1, "LOST": 2}),
        ("ds = deals()\nx = [upper(d.stage.value) for d in ds]", ["WON", "LOST"]),
        ("x = [d.before.name for d in deals() if d.before]", ["LOST"]),
        ("x = [d.stage.value for d in sorted(deals(), key=lambda d: d.id)]", ["won", "lost"]),
        ("x = [d.stage.value for d in deals()[1:]]", ["lost"]),
        ("x = []\nfor d in deals():\n    x.append(upper(d.stage.name))", ["WON", "LOST"]),
        ("ds = deals()\nx = [[e.stage.name for e in ds if e.id != d.id] for d in ds]", [["LOST"], ["WON"]]),
    ],
)
def test_value_and_name_of_an_enum_are_found_among_its_members(plan: str, value: object) -> None:
    assert run(AGENT.execute(f"{plan}\njoin(x)\n"))["join()"] == Observation(value)
    tasks = compile_plan(f"{plan}\njoin(x)\n", AGENT.tools.signatures).tasks
    again = compile_plan(print_plan(tasks), AGENT.tools.signatures).tasks
    assert [(task.id, task.work) for task in again] == [(task.id, task.work) for task in tasks]


@pytest.mark.parametrize(
    "expression",
    [
        "[d.colour for d in ds]",
        "[upper(d.colour) for d in ds]",
        "[[d.colour for _e in [1]] for d in ds]".replace("_e", "e"),
        "{d.id: d.colour for d in ds}",
        "[d.id for d in ds if d.colour]",
        "sorted(ds)[0].colour",
        "ds[1:][0].colour",
    ],
)
def test_a_field_that_no_item_has_is_found_before_anything_runs(expression: str) -> None:
    (problem,) = AGENT.check(f"ds = deals()\nx = {expression}\njoin(x)\n")
    assert (problem.code, problem.message) == ("E307", "Deal declares no field `colour`")


@pytest.mark.parametrize("expression", ["[d.colour for d in ds for d in [3]]", "[[d.real for d in [1]] for d in ds]"])
def test_a_name_that_is_bound_anew_is_another(expression: str) -> None:
    assert AGENT.check(f"ds = deals()\nx = {expression}\njoin(x)\n") == ()


@pytest.mark.parametrize("plan", ["x = [upper(c) for c in words()]", "t = words()\nx = [c for c in t]"])
def test_going_through_a_text_is_warned_of(plan: str) -> None:
    (problem,) = AGENT.check(f"{plan}\njoin(x)\n")
    assert problem.code == "W505"
    assert ".split() for its words" in problem.help
