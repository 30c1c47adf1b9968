"""Every fact of a run is one event, in the order in which it happened. Views, results and replays are folds of them.

`at` is in seconds of the event loop's clock (`superscalar.observe.wall` has the times of day). `id` is a task instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeAlias

from superscalar import values
from superscalar.attachments import Attachment
from superscalar.facts import Happened, codec_of_events, fact, frequent_fact
from superscalar.labels import Label, Source
from superscalar.plan.ir import Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.values import LIST, Failure, Holder, Outcome, TaskId, Usage


def from_json(data: Mapping[str, Any]) -> Event:
    """Read the event that `to_json` made this of.

    Values come back as data: a record as a `superscalar.values.Record`, what was secret as a mark.

    Raises:
        superscalar.codec.Unreadable: it is none, or of a newer release.
    """
    event: Event = codec_of_events().from_json(data)
    return event


@fact
class RunStarted(Happened):
    """A run began. `question`, with its `files`, is empty without a model. `wall`: seconds since 1970, if recorded."""

    at: float
    run: str
    question: str = ""
    wall: float | None = field(default=None, compare=False, repr=False)
    files: tuple[Attachment, ...] = field(default=(), repr=False)


@fact
class Resumed(Happened):
    """The process that ran it had ended, and another one goes on from here. Attempts under way had ended with it.

    The clock of the first process stopped with it: the times before this event are moved so that none passed between.
    `rules`: what has changed of the rules that it was begun under, in words; or that nobody recorded these. `wall`: as
    of `RunStarted`.
    """

    at: float
    rules: tuple[str, ...] = ()
    wall: float | None = field(default=None, compare=False, repr=False)


@fact
class RoundStarted(Happened):
    """The planner was asked for a plan (round 0), or for more statements (a replan).

    `label`: that of all that it was shown by then, of this run and of what was said before, which is the label of what
    it writes in this round. `saw_untrusted`: whether something of that is not trusted. `restricted`: whether a tool had
    run by then whose results are not trusted, which bounds what the round may add (`replan=`). In older journals
    `label` and `restricted` are None, and derived from what had happened (`superscalar.schedule.ledger`).
    """

    at: float
    round: int
    reason: str = ""
    saw_untrusted: bool = False
    label: Label | None = field(default=None, repr=False)
    restricted: bool | None = field(default=None, repr=False)


@fact
class ToolsShown(Happened):
    """Not all that there is of tools is shown to the planner: there are more than there is room for, or text was cut.

    `shown`: those that it is told of before it begins, `of` so many. `cut`: what was left out of their descriptions.
    """

    at: float
    shown: tuple[str, ...]
    of: int
    cut: tuple[str, ...] = ()


@fact
class PlanWritten(Happened):
    """The planner wrote this piece of text."""

    at: float
    text: str


@fact
class Thought(Happened):
    """A model thought this piece of text before or between what it said; `role` as in `ModelUsed`."""

    at: float
    role: str
    text: str


@fact
class Withdrawn(Happened):
    """All that a model had written of the reply that it is writing was a thought, which the next event has."""

    at: float
    role: str


@fact
class Diagnosed(Happened):
    """Something is wrong with the plan's text."""

    at: float
    diagnostic: Diagnostic


@fact
class Repairing(Happened):
    """The plan's errors went back to the planner, for the `attempt`-th time in this round (from 1).

    `cut`: why its reply was cut, if it was; it was then asked for what is missing.
    """

    at: float
    attempt: int
    cut: str = ""


@frequent_fact
class Planned(Happened):
    """A task was added to the graph."""

    at: float
    task: Task


@fact
class FellBack(Happened):
    """The plan of this round could not be mended (`why`), and the run goes on in another `way`: "native", in turns.

    What of that plan had been read stays; all else of it was retired, its writes among it.
    """

    at: float
    way: str
    why: str


@fact
class Sealed(Happened):
    """The plan of this round is complete: its writes may run."""

    at: float


@fact
class Ordered(Happened):
    """The tasks of this round in the order of its program, which is complete: a repair has put some between others."""

    at: float
    ids: tuple[TaskId, ...]


@fact
class Expanded(Happened):
    """A map learned how many items it has."""

    at: float
    id: TaskId
    count: int


@fact
class Wanted(Happened):
    """A `first` learned how many of its items it wants."""

    at: float
    id: TaskId
    count: int


@fact
class Won(Happened):
    """A `first` has its answers: these items of its list, by position, succeeded first."""

    at: float
    id: TaskId
    items: tuple[int, ...]


@fact
class Unneeded(Happened):
    """Nothing that is wanted needs these tasks.

    What has not started will not; what runs is not waited for. No task has settled by that: a later round that refers
    to it revives it. An id with `[]` is a task of a map's body, whatever the item.
    """

    at: float
    ids: tuple[TaskId, ...]


@fact
class Retired(Happened):
    """These tasks are no part of the plan of this round any more: their text was taken back, or a repair has not
    got them. An id stands for all instances of its task. None of them has written.

    What has not started never will; a call under way is cancelled; what ran is dead: nothing refers to it, and it is
    no result. `dropped`: the right writes among them, as they were written, that the new text does not make.
    """

    at: float
    ids: tuple[TaskId, ...]
    why: str = ""
    dropped: tuple[str, ...] = ()


@fact
class Cancelled(Happened):
    """A call that nothing needed any more was cancelled and has ended. It may be revived, unless it was retired."""

    at: float
    id: TaskId


@fact
class Revived(Happened):
    """Something needs what nothing needed: these tasks take part again, each at its place."""

    at: float
    ids: tuple[TaskId, ...]


@fact
class Resolved(Happened):
    """A call's arguments are bound, and with them the resource that it touches is known."""

    at: float
    id: TaskId
    resource: str


@fact
class Shared(Happened):
    """A call is identical to that of task `of`: it is not made, and settles as that one does."""

    at: float
    id: TaskId
    of: TaskId


@frequent_fact
class Waiting(Happened):
    """A call is ready but its limits (`max_concurrency` for all, `tool threads` of sync tools) are used up for now."""

    at: float
    id: TaskId
    limits: tuple[str, ...]


@frequent_fact
class Started(Happened):
    """An attempt (from 1) to call a tool began, with these arguments.

    Attempts of one `batch` (numbered from 1; 0 is none) are one request, with one slot and one token of their limits.
    """

    at: float
    id: TaskId
    tool: str
    arguments: Mapping[str, Any]
    attempt: int = 1
    batch: int = 0


@fact
class Progressed(Happened):
    """A tool reported how far it is; `fraction` is from 0 to 1 where it knows.

    For the eyes alone: the newest in a tenth of a second, cut at 500 characters. Journals of today have none.
    """

    at: float
    id: TaskId
    message: str
    fraction: float | None = None


@fact
class Charged(Happened):
    """A tool said what a call of it has cost, beside what its declaration says."""

    at: float
    id: TaskId
    cost: float = 0.0
    tokens: int = 0


@fact
class Retrying(Happened):
    """An attempt failed and the next one starts no earlier than `delay` seconds from now."""

    at: float
    id: TaskId
    attempt: int
    failure: Failure
    delay: float


@fact
class Judged(Happened):
    """Somebody said what became of a write that the end of the process had cut off; `attempt` is the one in doubt.

    `verdict`: "done" (a `Succeeded` follows), "again" (it did not happen and is called again) or "unknown" (a `Failed`
    in doubt follows).
    """

    at: float
    id: TaskId
    attempt: int
    verdict: str


@fact
class Decided(Happened):
    """The policy decided on a call: "allow", "warn" (it is broken, and happens), "ask" (a person decides) or "deny".

    `rule`: the name of the rule that said so, and `reason` why. `sources` and `readers` (None: everybody) are the label
    that it decided on. Of a call that a person is asked about, `arguments` are all that it would be made with, those of
    its tool's defaults too, and `digest` is that of what is asked; older journals have neither.
    """

    at: float
    id: TaskId
    decision: str
    rule: str
    reason: str = ""
    sources: tuple[Source, ...] = ()
    readers: tuple[str, ...] | None = None
    arguments: Mapping[str, Any] | None = None
    digest: str = ""


@fact
class Approved(Happened):
    """A person answered what the policy asked of a call. `by`: who, in any words.

    `digest`: that of what was asked. An answer is one to that alone.
    """

    at: float
    id: TaskId
    approved: bool
    by: str = ""
    digest: str = ""


@fact
class PlanAsked(Happened):
    """The plan of this round, with these `writes`, waits for a person's approval. `estimate`: what it would take."""

    at: float
    writes: tuple[str, ...] = ()
    estimate: str = field(default="", compare=False, repr=False)


@fact
class PlanApproved(Happened):
    """A person approved of the plan of this round as a whole, or not."""

    at: float
    approved: bool
    by: str = ""


@fact
class Throttled(Happened):
    """A provider refused a call, so this limit (`search()` is the own one of a tool `search`) narrowed.

    Nothing starts under it for `delay` seconds, and after that at most `concurrency` calls at once and `rate` per
    second, for a start; None is no bound.
    """

    at: float
    limit: str
    delay: float
    concurrency: int | None = None
    rate: float | None = None


@frequent_fact
class Succeeded(Happened):
    """A task settled with a value."""

    at: float
    id: TaskId
    value: Any


@fact
class Failed(Happened):
    """A task settled with a failure.

    `alone`: the request of its batch was answered, and it is this call that got no result. Otherwise a call that was in
    a batch failed with all of it, as far as is known.
    """

    at: float
    id: TaskId
    failure: Failure
    alone: bool = False


@fact
class Skipped(Happened):
    """A task settled without being run; see `superscalar.values.Skipped`."""

    at: float
    id: TaskId
    because: TaskId
    by_guard: bool = False
    items: tuple[Outcome, ...] | None = None
    holder: Holder = LIST

    @property
    def outcome(self) -> values.Skipped:
        """Return what the task left behind."""
        return values.Skipped(self.because, self.by_guard, self.items, self.holder)


@fact
class DeadlinePassed(Happened):
    """The run's deadline passed: what is unfinished is being cancelled."""

    at: float


@fact
class BudgetSpent(Happened):
    """A budget of the run (`max_tokens`, `max_cost`, `max_bytes`) was reached: what would go beyond it is not begun.

    `used` of `limit`, in tokens, in the currency of the prices, or in bytes. Each budget is told once.
    """

    at: float
    budget: str
    used: float
    limit: float


@fact
class JoinStarted(Happened):
    """The joiner was asked for an answer. `last`: it may not ask for another round."""

    at: float
    last: bool = False


@fact
class AnswerWritten(Happened):
    """The joiner wrote this piece of what may become the answer, in its `attempt`-th reply since `JoinStarted`.

    Pieces of an attempt before the last are no part of the answer: `AnswerRejected` or `AnswerCut` ends each, and
    `Replanned` takes all of them back.
    """

    at: float
    text: str
    attempt: int = field(default=1, repr=False)


@fact
class AnswerRejected(Happened):
    """What the joiner wrote in this attempt is not the answer (`why`): it does not fit `output_type`, say. It is asked
    again, unless this was its last attempt. Journals of 0.1 have none.
    """

    at: float
    attempt: int
    why: str


@fact
class AnswerCut(Happened):
    """What the joiner wrote was cut (`why`): it is not the answer. It may be asked once more."""

    at: float
    why: str


@fact
class Joined(Happened):
    """The answer is complete; with `output_type` it is the validated value, without a joiner that of `join(...)`."""

    at: float
    answer: Any


@fact
class Replanned(Happened):
    """The joiner asked for another round."""

    at: float
    reason: str


@fact
class ModelPreparing(Happened):
    """A model is not yet writing: it is being fetched, loaded, or reads; `fraction` is from 0 to 1."""

    at: float
    role: str
    what: str
    fraction: float


@fact
class ModelAsked(Happened):
    """A model call began; `role` is `planner`, `joiner`, or the name of the tool that asks the model.

    `attempt` counts from 1: a refusal is waited out, and then the same is asked again. `model` is the model's name. A
    `ModelUsed` of that role follows, whatever becomes of it. Journals of before have none. `withheld`: each file that
    it is not given, and why.
    """

    at: float
    role: str
    attempt: int = 1
    model: str = ""
    withheld: tuple[str, ...] = field(default=(), repr=False)


@fact
class ModelWaiting(Happened):
    """A model is not asked yet: its call waits for these limits; `why`: what its provider said, if that refused it."""

    at: float
    role: str
    model: str
    limits: tuple[str, ...]
    why: str = ""


@fact
class ModelFailed(Happened):
    """One of several models failed or was refused (`why`) before anything of its reply had come: another is asked.

    Or the same one once more, when its time has come, where the others do not answer either. Of an `extractor` this is
    told as progress of its call, if that goes on.
    """

    at: float
    role: str
    model: str
    why: str


@fact
class ModelUsed(Happened):
    """A model call ended; `role` and `model` are those of its `ModelAsked`. Of one that was refused, nothing was used.

    Older journals do not say which model it was: `model` is empty.
    """

    at: float
    role: str
    usage: Usage
    model: str = field(default="", repr=False)


@fact
class RunEnded(Happened):
    """The run is over. `error` is empty unless it failed or was cancelled."""

    at: float
    error: str = ""


_OfCell: TypeAlias = Expanded | Wanted | Won | Resolved | Shared | Judged
_OfAttempt: TypeAlias = Waiting | Started | Progressed | Charged | Retrying | Cancelled
_OfCall: TypeAlias = Decided | Approved | Succeeded | Failed | Skipped
TaskEvent: TypeAlias = _OfCell | _OfAttempt | _OfCall
_OfRun: TypeAlias = RunStarted | Resumed | Throttled | DeadlinePassed | BudgetSpent | RunEnded
_OfPlanning: TypeAlias = (
    RoundStarted | ToolsShown | PlanWritten | Thought | Withdrawn | Diagnosed | Repairing | FellBack | Replanned
)
_OfPlan: TypeAlias = Planned | PlanAsked | PlanApproved | Ordered | Sealed | Unneeded | Revived | Retired
_OfAnswer: TypeAlias = JoinStarted | AnswerWritten | AnswerRejected | AnswerCut | Joined
_OfModels: TypeAlias = ModelPreparing | ModelAsked | ModelWaiting | ModelFailed | ModelUsed
Event: TypeAlias = _OfRun | _OfPlanning | _OfPlan | TaskEvent | _OfAnswer | _OfModels
