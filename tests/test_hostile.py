"""A hostile plan is refused, and what it asks for is never made (rules L5, L25)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest

from corpus.hostile import (
    ALLOWED_EXPRESSIONS,
    ALLOWED_STATEMENTS,
    REFUSED_EXPRESSIONS,
    STATEMENTS,
    Hostile,
    hostile,
)
from superscalar import Failure, LLMCompiler, Plan, PlanError, tool
from superscalar.testing import run
from support.memory import memory_below

MOST_MEMORY = 50_000_000
MOST_TEXT = 200_000  # characters of all diagnostics together

PLANS = list(hostile())


@tool(effect="pure")
async def echo(x: Any) -> Any:
    """What it was given."""
    return x


@pytest.fixture
def memory() -> Iterator[None]:
    """Fails the test if it ever held 50 MB more than at its start."""
    with memory_below(MOST_MEMORY):
        yield


def test_a_plan_that_takes_more_memory_would_be_found_out() -> None:
    with pytest.raises(AssertionError), memory_below(MOST_MEMORY):
        bytearray(MOST_MEMORY + 1_000_000)[::4096] = b"x" * ((MOST_MEMORY + 1_000_000 + 4095) // 4096)


@pytest.mark.search
@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_hostile_plan_is_refused(plan: Hostile) -> None:
    agent = LLMCompiler(tools=[echo])
    compiled: Plan | PlanError
    try:
        compiled = agent.compile(plan.plan)
    except PlanError as error:
        compiled = error
    if isinstance(compiled, PlanError):
        assert len(str(compiled)) < MOST_TEXT
        return
    outcome = run(agent.execute(compiled))["x"]
    assert isinstance(outcome, Failure), outcome
    assert outcome.kind in ("bounds", "evaluation")
    assert len(str(outcome)) < 1_000


def _concrete(base: type[ast.AST]) -> set[type[ast.AST]]:
    """The kinds of syntax tree that the parser of this Python makes."""
    old = {"Num", "Str", "Bytes", "NameConstant", "Ellipsis", "Index", "ExtSlice", "slice"}
    return {kind for kind in base.__subclasses__() if kind.__name__ not in old and kind.__module__ in ("ast", "_ast")}


def test_every_statement_is_either_in_the_language_or_refused() -> None:
    assert _concrete(ast.stmt) == {*STATEMENTS, *ALLOWED_STATEMENTS}


def test_every_expression_is_either_in_the_language_or_refused() -> None:
    assert _concrete(ast.expr) == {*REFUSED_EXPRESSIONS, *ALLOWED_EXPRESSIONS}


@pytest.mark.parametrize("kind", [*STATEMENTS, *ALLOWED_STATEMENTS], ids=lambda kind: kind.__name__)
def test_an_example_of_a_statement_is_one(kind: type[ast.stmt]) -> None:
    text = {**STATEMENTS, **ALLOWED_STATEMENTS}[kind]
    assert any(isinstance(node, kind) for node in ast.walk(ast.parse(text)))


@pytest.mark.parametrize("kind", [*REFUSED_EXPRESSIONS, *ALLOWED_EXPRESSIONS], ids=lambda kind: kind.__name__)
def test_an_example_of_an_expression_is_one(kind: type[ast.expr]) -> None:
    text = {**REFUSED_EXPRESSIONS, **ALLOWED_EXPRESSIONS}[kind]
    assert any(isinstance(node, kind) for node in ast.walk(ast.parse(f"x = {text}")))


@pytest.mark.parametrize("text", [*ALLOWED_STATEMENTS.values(), *(f"x = {e}" for e in ALLOWED_EXPRESSIONS.values())])
def test_what_is_in_the_language_is_not_refused(text: str) -> None:
    agent = LLMCompiler(tools=[echo])
    assert not [outcome for outcome in run(agent.execute(text + "\n")).values() if isinstance(outcome, Failure)]
