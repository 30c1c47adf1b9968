"""What the parts of one run share. Wiring of the rooms; what each does is said there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from superscalar import events
from superscalar.compiler import approval
from superscalar.compiler.asking import Asking
from superscalar.compiler.budget import Budget, Spent
from superscalar.compiler.equipment import Equipment
from superscalar.compiler.past import Past
from superscalar.compiler.recording import Recording
from superscalar.compiler.sight import Sight
from superscalar.compiler.stream import Log
from superscalar.models.base import Message
from superscalar.models.files import NamedFile, presented
from superscalar.models.patience import Patience
from superscalar.schedule.holding import NAME
from superscalar.schedule.restore import Rest
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.tools.tool import Tool
from superscalar.values import Failure


def grace_of(deadline: float) -> float:
    """How long a joiner may write on behind a deadline, when the last call ends: a quarter of it, at least 2 s."""
    return max(deadline / 4, 2.0)


class Wiring:
    """The unit of a run and its ledger, its log, its models, and what bounds it.

    `rest`: what is left of it, where an earlier process began it. `overdue`: its time has passed, which nobody may have
    recorded yet. `answer_by`: when the joiner has to be done, see `grace_of`.
    """

    def __init__(
        self,
        equipment: Equipment,
        log: Log,
        run_id: str,
        *,
        context: Any,
        deadline: float | None,
        recording: Recording | None,
        question: str,
        past: Past | None,
    ) -> None:
        self.equipment = equipment
        self.log = log
        self.id = run_id
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self.deadline = None if deadline is None else self.now() + deadline
        self.answer_by = None if deadline is None else self.now() + deadline + grace_of(deadline)
        self.overdue = False
        self.budget = Budget(equipment.tools, equipment.options.max_tokens, equipment.options.max_cost)
        self.asking = Asking(run_id, equipment.limits, self.happened, equipment.random, self.loop)
        self.approver = approval.approver(equipment.options.approve, later=recording is not None)
        surroundings = Surroundings(
            run=run_id,
            tools=equipment.tools,
            limits=equipment.limits,
            runners=equipment.runners if log.tell is None else log.tell.learning(equipment.runners),
            record=log.recorder() if recording is None else log.record,
            bounds=equipment.options,
            context=context,
            random=equipment.random,
            durations=equipment.durations,
            refuse=self._refuse if self.budget.bounds_calls else None,
            policy=equipment.policy,
            question=question,
            replan=equipment.options.replan,
            approver=self.approver,
            committed=None if recording is None else recording.committed,
        )
        self.rest = None if past is None else Rest(surroundings, past.recorded, past.hear)
        self.unit = TaskFetchingUnit(surroundings) if self.rest is None else self.rest.unit
        self.ledger = self.unit.ledger
        self.sight = Sight(self.ledger.schedule, self.ledger.labels, equipment.options, equipment.syntax)

    @property
    def late(self) -> bool:
        """Whether the run's time has passed."""
        return self.overdue or self.ledger.late

    def happened(self, event: events.Event) -> None:
        """Record what happened to the run as a whole, or to its models, and take note of it."""
        self.ledger.note(self.log.record(event))

    def patience(self, whole: float | None, until: float | None) -> Patience:
        """How long a model of this run is waited for: `whole` seconds for a reply, and until then, whatever is done."""
        return Patience(self.equipment.silence, whole=whole, until=until)

    def as_told(self, text: str) -> str:
        """A text as the models are told it."""
        return text if self.log.tell is None else self.log.tell.scrub(text)

    def with_files(self, turn: Message, files: Iterable[NamedFile], room: int) -> Message:
        """A turn with files behind it. What is secret is taken out of those that are texts, and others go without."""
        tell = self.log.tell
        if tell is None:
            return presented(files, room).with_turn(turn)
        return presented(files, room, lambda file: tell.scrub.finds(file.base64)).with_turn(turn, tell.scrub)

    def tokens_left(self, wanted: int) -> int:
        """As many of the wanted tokens as the budget has, at least one."""
        return self.budget.tokens_left(wanted, self.ledger.spending)

    def spent(self, tool: Tool[..., Any] | None = None) -> Spent | None:
        """The budget that does not allow a call of this tool, or of a model; the first time that is an event."""
        spent = self.budget.spent(self.ledger.spending, tool)
        holding = self.unit.holding
        if spent is None and holding.full:
            return Spent(NAME, holding.held, self.equipment.options.max_bytes)
        if spent is not None and spent.budget not in self.ledger.spent:
            self.happened(events.BudgetSpent(self.now(), spent.budget, spent.used, spent.limit))
        return spent

    def _refuse(self, tool: Tool[..., Any]) -> Failure | None:
        """Why a call of this tool may not be made, where a budget is spent."""
        spent = self.spent(tool)
        return None if spent is None else spent.failure(tool)
