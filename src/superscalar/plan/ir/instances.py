"""Ids of task instances (rule L31) and of the tasks in a map's body that they are instances of."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from itertools import product

from superscalar.values import TaskId

_BRACKETS = re.compile(r"\[\d+\]")


def is_of(instance: TaskId, tasks: Container[TaskId]) -> bool:
    """Whether it is one of these tasks of a plan, or an instance inside one."""
    return instance in tasks or any(instance[: at.start()] in tasks for at in _BRACKETS.finditer(instance))


def templates(instance: TaskId) -> Iterator[TaskId]:
    """The ids that an instance's body task may have: any of its indices may be a map's, most likely all of them."""
    indices = _BRACKETS.findall(instance)
    parts = _BRACKETS.split(instance)
    if len(indices) > 8:  # nobody nests so deeply: all of them
        yield "[]".join(parts)
        return
    for choice in product(*(("[]", index) for index in indices)):
        yield "".join(part + bracket for part, bracket in zip(parts, (*choice, ""), strict=True))
