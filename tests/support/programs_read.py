"""What was read of a program, with what to compare it, and what must hold of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from superscalar.plan import ir
from superscalar.plan.ir.needs import references
from support.reading import Reading

CUTS = st.lists(st.integers(0, 10_000), max_size=12)


def pieces(text: str, cuts: list[int]) -> list[str]:
    """A text cut at these places, which count round its end."""
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


def anatomy(reading: Reading) -> list[str]:
    """Everything that a reading has said, places included."""
    return [repr((task, task.span)) for task in reading.tasks] + [repr(found) for found in reading.found]


def placeless(value: Any) -> Any:
    """The same without places in the source; `repr` then tells 1 from True."""
    if isinstance(value, ir.Span):
        return None
    if isinstance(value, tuple):
        return tuple(map(placeless, value))
    if hasattr(value, "__dataclass_fields__"):
        return type(value)(*(placeless(getattr(value, name)) for name in value.__dataclass_fields__))
    return value


def check_program(reading: Reading) -> None:
    tasks = reading.program.in_order()
    assert sorted(task.id for task in tasks) == sorted(task.id for task in reading.tasks)
    assert len({task.id for task in ir.walk(tasks)}) == len([*ir.walk(tasks)])
    assert not (reading.program.complete and reading.problems)
    known: set[str] = set()
    for task in tasks:
        assert set(_inputs(task)) <= known, f"{task.id} comes before what it needs"
        known |= {task.id}


def _inputs(task: ir.Task) -> Iterator[str]:
    """The tasks outside it that a task refers to."""
    yield from (need.task for need in task.needs)
    yield from (guard.condition for guard in task.guards)
    match task.work:
        case ir.Map(source, item, body):
            inside = {item, *(inner.id for inner in ir.walk(body))}
            items = {inner.work.item for inner in ir.walk(body) if isinstance(inner.work, ir.Map)}
            yield source
            for inner in ir.walk(body):
                yield from set(_inputs(inner)) - inside - items
        case ir.Call(arguments=arguments):
            for _, value in arguments:
                yield from references(value)


def steps(action: Callable[[], object]) -> int:
    """How many functions were called, Python's and C's, while something was done."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count
