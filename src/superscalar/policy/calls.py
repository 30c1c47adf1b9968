"""A call as a rule sees it, and what a rule can say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from superscalar.labels import Label
from superscalar.values import TaskId


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call: its value, where that came from, and whether it chooses a destination.

    `narrow`: the types to which what is not trusted must have been narrowed to choose that, as its tool says.
    """

    value: Any
    label: Label
    sink: bool = False
    narrow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A call that is about to be made, its arguments by the names that its function gives them.

    `control`: where it came from that the call is made at all (its conditions, the length of its list). `audience`: who
    gets to read what it is given.
    """

    id: TaskId
    tool: str
    effect: Literal["pure", "read", "write"]
    arguments: Mapping[str, Argument]
    control: Label
    audience: frozenset[str] = frozenset()

    @property
    def sinks(self) -> Mapping[str, Argument]:
        """The arguments that choose a destination."""
        return {name: argument for name, argument in self.arguments.items() if argument.sink}


@dataclass(frozen=True, slots=True)
class Allow:
    """It may happen."""


@dataclass(frozen=True, slots=True)
class Deny:
    """It may not happen: the call fails with this reason, and only what refers to it is skipped."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A person decides. The call waits, and what refers to it; everything else goes on."""

    question: str


Decision: TypeAlias = Allow | Deny | Ask

Rule: TypeAlias = Callable[[LabelledCall], Decision | None]
"""Decides on a call, and nothing else: it is asked once per call, and changes nothing. None: it has no say in this."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before a call is made; of a plan as a whole, `task_id` and `tool` are empty.

    `arguments`: what the call would be made with, secrets withheld. `origins`: where each of them came from, in words.
    `why`: what the rule says. `plan`: the text of the plan that is to be approved, and `writes` those in it.
    """

    run_id: str
    task_id: TaskId
    tool: str
    arguments: Mapping[str, Any]
    origins: Mapping[str, str]
    why: str
    plan: str = ""
    writes: tuple[str, ...] = ()
