"""Ordering edges keep conflicting accesses in program order, and there are few of them (rule L17)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from superscalar.plan.ir import Call, Task
from superscalar.plan.ir.signatures import Signature, Signatures
from superscalar.plan.passes.order import OrderAccesses

SIGNATURES = Signatures(
    [
        Signature("get", "get", effect="read", provider="p", resource="r"),
        Signature("put", "put", effect="write", provider="p", resource="r"),
        Signature("list", "list", effect="read", provider="p"),
        Signature("reset", "reset", effect="write", provider="p"),
        Signature("fetch", "fetch", effect="read", provider="q"),
        Signature("send", "send", effect="write", provider="q", resource="s"),
        Signature("post", "post", effect="write", provider="p", resource="t"),
    ]
)


def ordered(*tools: str) -> list[Task]:
    order = OrderAccesses(SIGNATURES)
    found = (SIGNATURES.get(tool) for tool in tools)
    return [order(Task(f"{i}", Call(s.alias, effect=s.effect))) for i, s in enumerate(found) if s is not None]


def reached(tasks: list[Task]) -> set[tuple[str, str]]:
    """Every pair of which the second must wait for the first, directly or not."""
    after: dict[str, set[str]] = {}
    for task in tasks:
        after[task.id] = set(task.after).union(*(after[earlier] for earlier in task.after))
    return {(earlier, task) for task, all in after.items() for earlier in all}


def conflict(one: str, other: str) -> bool:
    a, b = SIGNATURES.get(one), SIGNATURES.get(other)
    assert a is not None
    assert b is not None
    same = a.provider == b.provider and (a.resource is None or b.resource is None or a.resource == b.resource)
    return same and "write" in (a.effect, b.effect)


PROGRAMS = [
    ("get", "put", "get", "get", "put", "put"),
    ("list", "put", "get", "reset", "get", "list", "put"),
    ("list", "put", "post", "list", "put", "post", "reset", "list"),
    ("fetch", "put", "send", "fetch", "get", "send"),
    ("put", "list", "list", "put", "list", "put", "reset"),
    ("reset", "get", "post", "list", "post", "get", "put"),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_conflicting_accesses_are_ordered_and_no_others_need_be(program: tuple[str, ...]) -> None:
    tasks = ordered(*program)
    pairs = [(i, j) for j in range(len(program)) for i in range(j) if conflict(program[i], program[j])]
    assert {(str(i), str(j)) for i, j in pairs} <= reached(tasks)
    for task in tasks:
        assert all(conflict(program[int(earlier)], program[int(task.id)]) for earlier in task.after)


@pytest.mark.parametrize(
    "pattern", [("get", "put"), ("list", "put"), ("list", "put", "post"), ("put", "list"), ("reset", "get")]
)
def test_there_are_few_edges_for_each_task_however_long_the_program(pattern: tuple[str, ...]) -> None:
    counts = [sum(len(task.after) for task in ordered(*pattern * length)) for length in (50, 100, 150)]
    first, second = (later - earlier for earlier, later in pairwise(counts))
    assert second <= first + 2
