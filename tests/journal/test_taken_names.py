"""A tool whose name became a function of the language: told of once, and still called by plans of before (rule L7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, Observation, Tool, tool
from superscalar import events as ev
from superscalar.journal import Journal
from superscalar.plan.ir import Call, Task
from superscalar.testing import ScriptedModel, run

PLAN = "a = read('x')\nb = time_(a)\nc = time_(b)\njoin(a, b, c)\n"
ABOUT: dict[str, Any] = {"kind": "answer", "question": "why?", "history": [], "joiner": None, "language": 1}


@tool(effect="read")
def read(name: str) -> str:
    return name.upper()


@tool(effect="read", name="time")
def clock(place: str) -> str:
    return f"noon in {place}"


TOOLS: list[Tool[..., Any]] = [read, clock]


def as_it_was(task: Task) -> Task:
    """A task as a release wrote it in which `time` was no function."""
    if isinstance(task.work, Call) and task.work.tool == "time_":
        return replace(task, work=replace(task.work, tool="time"))
    return task


def recorded(path: Path, events: Sequence[ev.Event]) -> None:
    async def main() -> None:
        log = Journal(path).begin("run", ABOUT)
        for event in events:
            log.append(replace(event, task=as_it_was(event.task)) if isinstance(event, ev.Planned) else event)
        log.close()

    run(main())


@pytest.mark.filterwarnings("ignore:the tool time")
def test_a_plan_of_before_goes_on_calling_the_tool(tmp_path: Path) -> None:
    events = run(LLMCompiler(ScriptedModel(PLAN), TOOLS, joiner=None).run("why?", run_id="run")).events
    done = next(i for i, e in enumerate(events) if isinstance(e, ev.Succeeded) and e.id == "a")
    recorded(tmp_path / "j", events[: done + 1])
    result = run(LLMCompiler(ScriptedModel(), TOOLS, joiner=None, journal=tmp_path / "j").resume("run"))
    assert result.outcomes["b"] == Observation("noon in X")
    assert result.outcomes["c"] == Observation("noon in noon in X")


def test_whoever_makes_the_agent_is_told() -> None:
    with pytest.warns(UserWarning, match="the tool time is called time_ in plans, where time is a function"):
        LLMCompiler(tools=TOOLS)
