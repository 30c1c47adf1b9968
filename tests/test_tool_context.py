"""A tool is tested by itself with what `tool_context` makes."""

from __future__ import annotations

import pytest

from superscalar import ToolCancelled, ToolContext, Usage, tool
from superscalar.testing import tool_context


@tool(effect="read")
def report(month: str, run: ToolContext[str]) -> str:
    """The report of a month."""
    run.progress("reading", 0.2)
    run.raise_if_cancelled()
    run.asked("a model")
    run.used(Usage(10, 0, 2, 1))
    run.used(Usage(5, 0, 1, 1))
    run.charge(0.25, tokens=100)
    run.charge(0.5)
    run.progress("done")
    return f"{month} for {run.context}, {run.idempotency_key}, {run.attempt}"


def test_what_a_tool_says_is_kept() -> None:
    noted = tool_context("ann")
    assert report("May", noted) == "May for ann, run:task, 1"
    assert noted.notes.said == [("reading", 0.2), ("done", None)]
    assert (noted.notes.cost, noted.notes.tokens) == (0.75, 100)
    assert (noted.notes.models, noted.notes.usage) == (["a model"], Usage(15, 0, 3, 2))


def test_a_tool_is_told_who_it_is() -> None:
    noted = tool_context("ann", run_id="monday", task_id="r", attempt=3)
    assert report("May", noted) == "May for ann, monday:r, 3"


def test_a_tool_is_told_that_nobody_wants_its_result() -> None:
    noted = tool_context("ann")
    noted.cancelled = True
    with pytest.raises(ToolCancelled):
        report("May", noted)
    assert noted.notes.said == [("reading", 0.2)]


def test_a_charge_that_is_none_is_refused_as_in_a_run() -> None:
    with pytest.raises(ValueError, match=r"charge\(-1"):
        tool_context().charge(-1)


def test_so_is_a_usage_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"used\(Usage\(input_tokens=-1"):
        tool_context().used(Usage(-1, 0, 0, 1))
