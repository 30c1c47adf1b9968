"""Dead code, found in a whole plan (L22)."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from superscalar.plan.ir import Task
from superscalar.plan.passes.dead import dead, needed, roots
from superscalar.values import TaskId
from support.reading import Reading, read

FILE = Path(__file__).parent / "dead.txt"


def _cases() -> dict[str, tuple[str, str]]:
    """`dead.txt`: names with a plan (its rounds divided by `---`) and the ids of what is dead in it."""
    cases = {}
    for case in FILE.read_text()[2:].split("\n\n# "):
        name, _, rest = case.partition("\n")
        plan, _, expected = rest.rpartition("\n->")
        cases[name] = plan, expected.strip()
    return cases


CASES = _cases()


def _read(plan: str) -> Reading:
    first, *later = plan.split("\n---\n")
    reading = read(f"{first}\n")
    for text in later:
        reading.next_round(f"{text}\n")
    assert reading.found == [], "\n".join(map(str, reading.found))
    return reading


@pytest.mark.parametrize("name", CASES)
def test_what_is_dead_in_a_plan(name: str) -> None:
    """In program order; `SUPERSCALAR_UPDATE_GOLDEN=1` writes what is found now, and the difference is to be read."""
    plan, expected = CASES[name]
    found = " ".join(dead(_read(plan).program.in_order()))
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        text = FILE.read_text()
        FILE.write_text(
            text.replace(
                f"# {name}\n{plan}\n->{' ' * bool(expected)}{expected}\n",
                f"# {name}\n{plan}\n->{' ' * bool(found)}{found}\n",
            )
        )
    else:
        assert found == expected


@pytest.mark.parametrize("name", CASES)
def test_what_is_live_needs_nothing_that_is_dead(name: str) -> None:
    """Whatever the plan: its dead tasks are needed by dead ones only."""
    tasks = _read(CASES[name][0]).program.in_order()
    gone = set(dead(tasks))
    for task in tasks:
        if task.id not in gone:
            assert not gone & {need.task for need in task.needs}
            assert not gone & {guard.condition for guard in task.guards}


class Counting(dict[TaskId, Task]):
    """A table that counts how often it is asked."""

    asked = 0

    def __getitem__(self, id: TaskId) -> Task:
        self.asked += 1
        return super().__getitem__(id)


def test_a_plan_is_looked_through_once() -> None:
    """Each edge at most once: here every task is needed by the next, and by the join."""
    names = [f"x{i}" for i in range(300)]
    lines = ["x0 = f(1)", *(f"{name} = f({before})" for before, name in pairwise(names)), f"join({', '.join(names)})"]
    tasks = read("\n".join(lines) + "\n").program.in_order()
    known = Counting({task.id: task for task in tasks})
    assert len(needed(roots(tasks), known)) == len(tasks)
    assert known.asked <= 600
