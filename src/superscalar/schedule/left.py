"""What the tasks of a run left behind, kept as what it is: values, and what there is instead of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from superscalar.values import Observation, Outcome, TaskId


class LeftBehind(Mapping[TaskId, Outcome]):
    """The outcomes of tasks by id. An `Observation` is made when somebody looks: numbers and texts alone are nothing
    that the collector has to walk, however many there are.

    `values`: of each task its value; any stands for that of one which came to something else, and is `lacking` one.
    """

    __slots__ = ("_lacking", "_values")

    def __init__(self, values: dict[TaskId, Any], lacking: dict[TaskId, Outcome]) -> None:
        self._values = values
        self._lacking = lacking

    def __getitem__(self, id: TaskId) -> Outcome:
        value = self._values[id]
        return self._lacking[id] if id in self._lacking else Observation(value)

    def __iter__(self) -> Iterator[TaskId]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, id: object) -> bool:
        return id in self._values

    def __repr__(self) -> str:
        return repr(dict(self))
