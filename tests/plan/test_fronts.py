"""Front ends as a list: each is found, read and told of by what it says of itself, and nothing else knows them."""

from __future__ import annotations

import pytest

from superscalar import Toolset, UsageError, planner, tool
from superscalar.plan import check, compile_plan, detect
from superscalar.plan.read.fronts import FRONTS
from superscalar.plan.read.fronts.detect import SYNTAXES
from superscalar.plan.read.fronts.front import Front
from support.shown_plans import shown, toolset_of


@tool(effect="read")
def stock() -> dict[str, int]:
    return {}


@tool(effect="read")
def cost(item: str) -> float:
    return 0.0


@tool(effect="read")
def rent(city: str, *, rooms: int = 2) -> float:
    return 0.0


@tool(effect="read")
def tax(amount: float, city: str) -> float:
    return 0.0


SIGNATURES = Toolset([stock, cost, rent, tax]).signatures

every_front = pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)


@every_front
def test_what_a_planner_is_shown_of_a_syntax_is_plans_in_it(front: Front) -> None:
    told = [m.text for m in planner.conversation(Toolset(), "", (), "", front.name) if m.role == "assistant"]
    assert told == [plan for _, plan in front.prompt.examples]
    for tools, plan in shown(front.prompt.examples):
        assert (detect(plan), check(plan, toolset_of(tools).signatures, front.name)) == (front.name, ())


@every_front
def test_what_two_calls_come_to_is_the_same_in_all_syntaxes(front: Front) -> None:
    plan = next(plan for _, plan in front.prompt.examples if "Lima" in plan and "Quito" in plan)
    found = compile_plan(plan, SIGNATURES)
    assert (found.syntax, [task.work.tool for task in found.calls]) == (front.name, ["tax", "tax"])  # type: ignore[union-attr]
    assert [[expr.value for _, expr in task.work.arguments] for task in found.calls] == [[30, "Lima"], [45, "Quito"]]  # type: ignore[union-attr]


def test_a_syntax_that_is_none_is_the_callers_mistake_who_is_told_those_that_are() -> None:
    known = ", ".join(map(repr, SYNTAXES))
    with pytest.raises(UsageError, match=f"^syntax='yaml': write one of {known}$"):
        check("join()", SIGNATURES, "yaml")
    with pytest.raises(UsageError, match="syntax='Python': write"):
        compile_plan("join()", SIGNATURES, "Python")


def test_the_printer_is_found_where_it_was() -> None:
    with pytest.warns(DeprecationWarning, match="from superscalar.plan import print_plan"):
        from superscalar.plan.printer import print_plan
    assert print_plan(compile_plan("x = stock()\njoin(x)\n", SIGNATURES).tasks) == "x = stock()\njoin(x)\n"
