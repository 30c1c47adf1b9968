"""What a view of a run is made of: one row per task instance, read-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from superscalar.plan.ir import Call, Compute, Display, Each, First, Join, Map, PlanCall, Select, Supplied, Work
from superscalar.values import Failure, TaskId

State: TypeAlias = Literal[
    "waiting",  # for a value, a condition, an ordering edge or the seal
    "asked",  # a person is to say whether it may be made
    "ready",  # nothing is missing but room under a limit
    "running",
    "retrying",  # between two attempts
    "done",
    "failed",
    "skipped",
]
RowKind: TypeAlias = Literal["call", "compute", "map", "display", "first", "select", "each", "join", "input", "plan"]


@dataclass(frozen=True, slots=True)
class Items:
    """How far a map is. `count` is None until its list is known; `running` counts calls, the others items.

    `skipped`: left out by a filter. `cancelled`: the end of the run stopped what had begun. An item that the end of the
    run kept from starting is in none of them.
    """

    count: int | None = None
    done: int = 0
    failed: int = 0
    skipped: int = 0
    running: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One task instance as it is now.

    `arguments` is the expression as it was written until the call starts, and the bound values from then on; of a task
    that calls no tool it is the expression. `waits_for` names tasks while it is waiting and limits while it is ready;
    `for_seal`: a write that only waits for the plan to be complete. `started` is on the clock of the events; `seconds`
    is what passed from the first start until it settled, or until now. `message` and `fraction` (0 to 1) are what the
    tool last said of its progress, or what is asked of a person, or was answered. `together`: how many calls its last
    request was for. `value` is short. `same_as`: the task with the identical call, which is made once. `because` is set
    on a skipped task, `by_guard` if that was its condition's doing and no failure; one without `because` was not
    needed. One that the end of the run or its deadline kept from starting is skipped too, and has a `failure` that says
    so.
    """

    id: TaskId
    kind: RowKind
    state: State
    tool: str = ""
    arguments: str = ""
    effect: Literal["pure", "read", "write"] = "read"
    within: TaskId | None = None
    waits_for: tuple[str, ...] = ()
    for_seal: bool = False
    started: float | None = None
    seconds: float | None = None
    attempts: int = 0
    together: int = 1
    message: str = ""
    fraction: float | None = None
    value: str = ""
    failure: Failure | None = None
    because: TaskId = ""
    by_guard: bool = False
    same_as: TaskId = ""
    items: Items | None = None

    @property
    def quiet(self) -> bool:
        """Whether this is bookkeeping of the plan rather than work: it calls nothing and did not fail."""
        return self.kind not in ("call", "map") and self.state != "failed"


@dataclass(frozen=True, slots=True)
class More:
    """The rows that there was no room for, counted by state."""

    states: tuple[tuple[State, int], ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tool calls are in which state; a call in a map counts from when it is first heard of."""

    waiting: int = 0
    asked: int = 0
    ready: int = 0
    running: int = 0
    retrying: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def settled(self) -> int:
        """Calls that are over."""
        return self.done + self.failed + self.skipped

    @property
    def total(self) -> int:
        """Calls that are known."""
        return self.waiting + self.asked + self.ready + self.running + self.retrying + self.settled


def row_kind(work: Work) -> RowKind:
    """The kind of row that a task becomes."""
    match work:
        case Call(enters=True) | PlanCall():
            return "plan"
        case Call():
            return "call"
        case Compute():
            return "compute"
        case Map():
            return "map"
        case Display():
            return "display"
        case First():
            return "first"
        case Select():
            return "select"
        case Each():
            return "each"
        case Join():
            return "join"
        case Supplied():
            return "input"
