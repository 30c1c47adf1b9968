"""What a run leaves behind."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic

from typing_extensions import TypeVar

from superscalar.compiler.history import heard
from superscalar.errors import TaskFailed, UnknownTask
from superscalar.events import Event, FellBack, RunStarted
from superscalar.forks import made_once
from superscalar.kept import made_when_read
from superscalar.labels import Label
from superscalar.models.base import Message
from superscalar.observe.documents import outcome_document, timing_document
from superscalar.observe.provenance import Made, Provenance
from superscalar.observe.shares import by_model, by_round
from superscalar.observe.timing import Timing
from superscalar.observe.wall import dated
from superscalar.plan.ir import Join, Plan, Task, secret_inputs
from superscalar.plan.print.expression import name_of
from superscalar.secrets import Scrubber
from superscalar.short import LONGEST, LONGEST_REPR, bounded, lines
from superscalar.tools.trust import Declared
from superscalar.values import (
    WITHHELD,
    Failure,
    Observation,
    Outcome,
    Skipped,
    TaskId,
    Usage,
    is_silent,
    plain,
    record_fields,
)

AnswerT = TypeVar("AnswerT", covariant=True, default=Any)
"""What an agent answers with: text, or what `output_type` says."""


class Outcomes(Mapping[TaskId, Outcome]):
    """The outcome of every task by id, in program order; items of maps included (`prices[0]`)."""

    __slots__ = ("_by_id", "_join", "_joins")

    def __init__(self, by_id: Mapping[TaskId, Outcome], tasks: Sequence[Task] = ()) -> None:
        withheld = [id for id in secret_inputs(tasks) if isinstance(by_id.get(id), Observation)]
        self._by_id = {**by_id, **dict.fromkeys(withheld, Observation(WITHHELD))} if withheld else by_id
        self._joins = [task.id for task in tasks if type(task.work) is Join]
        self._join = self._joins[-1] if self._joins else None

    def __getitem__(self, id: TaskId) -> Outcome:
        return self._by_id[id]

    def __iter__(self) -> Iterator[TaskId]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return self._lines(LONGEST_REPR)  # `asyncio.run` takes it twice, and throws it away

    def __str__(self) -> str:
        return self._lines(10 * LONGEST)

    def _lines(self, most: int) -> str:
        return lines((f"{id}: {outcome}" for id, outcome in self._by_id.items()), most)

    def value(self, name: str) -> Any:
        """Return the value of a task: by its id, or by a name of the plan (its last version).

        Raises:
            TaskFailed: it has none, as it failed or was not run; the cause is what its tool raised.
            UnknownTask: there is no such task. It is a `KeyError`, too.
        """
        id = self._named(name)
        outcome = self._by_id[id]
        if isinstance(outcome, Observation):
            return outcome.value
        root = self._by_id.get(outcome.because) if isinstance(outcome, Skipped) else None
        why = f" ({root})" if isinstance(root, Failure) else ""
        failed = root if isinstance(root, Failure) else outcome
        cause = failed.exception if isinstance(failed, Failure) else None
        raise TaskFailed(f"`{id}` has no value: {outcome}{why}", outcome, id) from cause

    def _named(self, name: str) -> TaskId:
        if name in self._by_id and name_of(name) is None:
            return name
        versions = [id for id in self._by_id if name_of(id) == name]
        if versions or name in self._by_id:
            return versions[-1] if versions else name
        ids = list(self._by_id)
        close = difflib.get_close_matches(name, ids, n=3)
        hint = f"did you mean {' or '.join(f'`{id}`' for id in close)}?" if close else ""
        raise UnknownTask(f"there is no task `{name}`; {hint or 'there are ' + (', '.join(ids[:10]) or 'none')}")

    def raise_for_failure(self) -> None:
        """Return nothing if no task failed.

        Raises:
            TaskFailed: one did; the cause is what its tool raised.
            ExceptionGroup: several did; it holds a `TaskFailed` of each. What was skipped for them is not among them,
                nor is what they are items of.
        """
        failures = self.failures
        own = {id: each for id, each in failures.items() if each.kind != "items" and id not in self._joins} or failures
        raised = []
        for id, failure in own.items():
            error = TaskFailed(f"`{id}` failed: {failure}", failure, id)
            error.__cause__ = failure.exception
            raised.append(error)
        if len(raised) > 1:
            raise ExceptionGroup(f"{len(raised):,} tasks failed", raised)
        if raised:
            raise raised[0]

    @property
    def joined(self) -> Any:
        """Return the value of the last `join(...)`; what failed stands in it as its `Failure` or `Skipped`."""
        outcome = self._by_id.get(self._join) if self._join is not None else None
        return outcome.value if isinstance(outcome, Observation) else outcome

    @property
    def absent(self) -> str:
        """Say why nothing that was joined has a value; empty if some of it has, or only a condition left it out."""
        joined = self.joined
        if not isinstance(joined, Failure | Skipped) or is_silent(joined) or _holds_value(joined):
            return ""
        root = self._by_id.get(joined.because) if isinstance(joined, Skipped) else None
        return f"{joined} ({root})" if isinstance(root, Failure) else str(joined)

    @property
    def failures(self) -> dict[TaskId, Failure]:
        """Return the tasks that failed. What was skipped because of them is not among them."""
        return {id: outcome for id, outcome in self._by_id.items() if isinstance(outcome, Failure)}

    @property
    def in_doubt(self) -> tuple[TaskId, ...]:
        """Return the writes that may or may not have happened."""
        return tuple(id for id, failure in self.failures.items() if failure.in_doubt)

    @property
    def named(self) -> dict[str, Outcome]:
        """Return what each name that the plan's lines assign stands for at its end: no items, no parts."""
        return {name: self._by_id[id] for id in self._by_id if ":" not in id and (name := name_of(id))}

    @property
    def complete(self) -> bool:
        """Tell whether everything that was joined has a value."""
        return not _holds_failure(self.joined)


def _holds_value(outcome: Outcome) -> bool:
    """Whether an outcome is a value, or any item of it."""
    return isinstance(outcome, Observation) or any(map(_holds_value, outcome.items or ()))


def _holds_failure(value: Any) -> bool:
    match value:
        case Failure() | Skipped():
            return True
        case list() | tuple():
            return any(_holds_failure(item) for item in value)
        case dict():
            return any(_holds_failure(item) for item in value.values())
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a run comes to before it has ended: all of its result but what its whole log says."""

    answer: Any
    plan: Plan
    outcomes: Outcomes
    messages: tuple[Message, ...] = ()
    partial: str = ""
    cut: str = ""


@made_when_read("events")
@bounded
@dataclass(frozen=True, kw_only=True)
class RunResult(Generic[AnswerT]):
    """The result of a run.

    `answer`: the joiner's text, the validated value with `output_type`, or with `joiner=None` the value of `join(...)`,
    in which a `Failure` stands where something failed (where nothing has a value, the run raises `JoinError`). `usage`:
    of the models; `cost`: of models and tools together, in the currency of their prices. `messages`: the history for
    the next question. `rounds`: how many times a plan was asked for; `usage_by_round` and `usage_by_model` divide
    `usage` up.
    Where the joiner's reply was cut, and once more when it was asked again, or the run's time passed before it was
    whole, there is no answer: `answer` is None, `partial` what it had written, `cut` says why, and `complete` is False.
    The outcomes are whole. (Type checkers are not told of that None.)

    `events`: everything that happened, in order; `timing` is read off them when it is first asked for. `declared`: what
    the tools said of their results, by alias, as `provenance` wants it.

    Its repr leaves out what is long: `asyncio.run` takes that of what it returns, and throws it away.
    """

    answer: AnswerT
    plan: Plan = field(repr=False)
    outcomes: Outcomes
    usage: Usage
    cost: float
    rounds: int
    run_id: str
    messages: tuple[Message, ...] = field(repr=False)
    events: tuple[Event, ...] = field(repr=False)
    declared: Mapping[str, Declared] = field(default_factory=dict, repr=False)
    partial: str = ""
    cut: str = ""

    @property
    def fell_back(self) -> str:
        """Say why plans were given up for turns (`fallback=`); empty if they were not."""
        return next((event.why for event in self.events if isinstance(event, FellBack)), "")

    @property
    def complete(self) -> bool:
        """Tell whether there is a whole answer."""
        return not self.cut

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what the run knew to be secret: that is for this process alone."""
        return {name: value for name, value in vars(self).items() if name != _KNOWN}

    def provenance(self, name: str) -> Made:
        """Trace where the value of a task came from: by its id, or by a name of the plan (its last version).

        Raises:
            UsageError: there is no such task; the message names those that come near.
        """
        return self._provenance.of(name)

    @made_once
    def label(self) -> Label:
        """Say where the answer came from, and who may read it.

        That of a joiner is made from everything that it was shown: the question, what was said before and all results.
        Without one it is the label of what the plan joins.
        """
        return heard(self.messages[:-2]) | self._provenance.answer()

    @made_once
    def _provenance(self) -> Provenance:
        question = next((event.question for event in self.events if isinstance(event, RunStarted)), "")
        return Provenance(self.events, self.declared, question)

    @property
    def dated(self) -> tuple[tuple[datetime | None, Event], ...]:
        """Return `events`, each with its time of day (UTC)."""
        return tuple(dated(self.events))

    @made_once
    def timing(self) -> Timing:
        """Say where the time went, in seconds."""
        return Timing.of(self.events)

    @made_once
    def usage_by_model(self) -> Mapping[str, Usage]:
        """Divide `usage` up by the names of the models; what an older journal says of none in particular is at ""."""
        return by_model(self.events)

    @made_once
    def usage_by_round(self) -> tuple[Usage, ...]:
        """Divide `usage` up by rounds: what was used from when a plan was asked for until the next one was."""
        return by_round(self.events)


_KNOWN: Final = "_known"


def knowing(result: RunResult[AnswerT], secrets: Scrubber | None) -> RunResult[AnswerT]:
    """This very result, with what its run knew to be secret; None if that was nothing."""
    vars(result)[_KNOWN] = secrets or Scrubber()
    return result


def secrets_known_to(result: RunResult) -> Scrubber | None:
    """What the run of this result knew to be secret; None where nobody can say, since it is a copy."""
    return vars(result).get(_KNOWN)


def result_document(result: RunResult, *, answers: bool) -> dict[str, Any]:
    """What a run came to: the same keys whichever command ran it, or shows it.

    A run that `answers` a question has an `answer`, one of a plan the `value` of `join(...)`.
    """
    return {
        "answer" if answers else "value": plain(result.answer),
        "partial": result.partial,
        "complete": result.complete,
        "failed": has_failed(result),
        "run_id": result.run_id,
        "rounds": result.rounds,
        "fell_back": result.fell_back,
        "outcomes": {task: outcome_document(outcome) for task, outcome in result.outcomes.items()},
        "timing": timing_document(result.timing),
        "usage": _usage_document(result.usage),
        "usage_by_model": {name: _usage_document(usage) for name, usage in result.usage_by_model.items()},
        "usage_by_round": [_usage_document(usage) for usage in result.usage_by_round],
        "cost": result.cost,
    }


def _usage_document(usage: Usage) -> dict[str, Any]:
    return dict(record_fields(usage) or {})


def has_failed(result: RunResult) -> bool:
    """Whether a command exits with 1: an answer was cut, or something that failed stands in a joined value."""
    return not result.complete or _has_failure(result.answer)


def _has_failure(value: Any) -> bool:
    """Whether an outcome that is no success stands anywhere in a joined value; a false condition is no failure."""
    match value:
        case Failure():
            return True
        case Skipped():
            return not value.by_guard and not value.unneeded
        case Mapping():
            return any(map(_has_failure, value.values()))
        case list() | tuple() | set() | frozenset():
            return any(map(_has_failure, value))
        case _:
            fields = record_fields(value)
            return fields is not None and any(map(_has_failure, fields.values()))
