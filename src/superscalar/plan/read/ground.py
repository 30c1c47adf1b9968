"""What a program has come to where a round begins: that is where the round begins again if its text is taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

from superscalar.plan import ir
from superscalar.plan.ir.signatures import Output, Signatures
from superscalar.plan.passes.pipeline import Pipeline
from superscalar.plan.read.lowering.iterators import Once
from superscalar.plan.read.lowering.outputs import Outputs
from superscalar.plan.read.lowering.scope import Names, ScopePlace
from superscalar.plan.read.lowering.sharing import Sharing
from superscalar.values import TaskId


@dataclass(slots=True)
class Ground:
    """Names, tasks in their places, and all that later statements are judged by.

    `outputs`: what is known of results. `writes`: the tasks that write, or hold a write. `sharing`: whose values are
    one object in Python. `generators`: what can be gone through once. `asserts`: what guards everything that comes in
    this round; `open_assert`: that one of them waits for a repair. `top_level`: what `join()` joins. `versions`,
    `nameless`: the last number that each name has, and each kind of statement without one. `count`: statements so far,
    and `ifs` among them.
    """

    names: Names
    passes: Pipeline
    tasks: list[tuple[ScopePlace, ir.Task]] = field(default_factory=list)
    outputs: dict[TaskId, Output] = field(default_factory=dict)
    writes: set[TaskId] = field(default_factory=set)
    sharing: Sharing = field(default_factory=Sharing)
    generators: dict[TaskId, Once] = field(default_factory=dict)
    asserts: list[ir.Guard] = field(default_factory=list)
    open_assert: bool = False
    top_level: dict[str, None] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    nameless: dict[str, int] = field(default_factory=dict)
    count: int = 0
    ifs: int = 0

    def __post_init__(self) -> None:
        self.sharing.is_plain = Outputs(self.outputs).is_plain

    @classmethod
    def empty(cls, signatures: Signatures) -> Ground:
        """That of a program without statements."""
        return cls(Names(), Pipeline(signatures))

    def next_round(self) -> None:
        """What was asserted in the last round guards nothing of the next one."""
        self.asserts, self.open_assert = [], False

    def copy(self) -> Ground:
        """The same, to be built on without changing this one."""
        return Ground(
            names=self.names.copy(),
            passes=self.passes.copy(),
            tasks=self.tasks.copy(),
            outputs=self.outputs.copy(),
            writes=self.writes.copy(),
            sharing=self.sharing.copy(),
            generators=self.generators.copy(),
            asserts=self.asserts.copy(),
            open_assert=self.open_assert,
            top_level=self.top_level.copy(),
            versions=self.versions.copy(),
            nameless=self.nameless.copy(),
            count=self.count,
            ifs=self.ifs,
        )
