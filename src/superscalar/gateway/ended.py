"""What a run has come to, read off its events: values by name, with their labels, and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from superscalar.compiler.result import Outcomes
from superscalar.errors import UsageError
from superscalar.events import Event, RoundStarted, RunEnded
from superscalar.labels import NOTHING, Label, joined
from superscalar.plan.evaluate.parts import Labelled, Parts, whole
from superscalar.plan.ir import Join
from superscalar.plan.print.expression import name_of
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.lineage import SHOWN
from superscalar.short import cut
from superscalar.tools.trust import Declared
from superscalar.values import UNNEEDED, Failure, Observation, Outcome, Skipped, TaskId, is_silent

_MOST_LISTED: Final = 20
JOINED: Final = "join"
"""Stands for all that a plan joins, where a value is asked for by name."""


class EndedRun:
    """A run as its events tell it.

    `declared`: what its tools said of their results. `as_written`: labels say, too, what whoever wrote the plan had
    read; else only where values came from: a client knows what itself wrote.
    """

    def __init__(self, happened: Iterable[Event], declared: Mapping[str, Declared], *, as_written: bool) -> None:
        known = tuple(happened)
        self._ledger = Ledger.of(known if as_written else map(_unwritten, known), declared)
        tasks = list(self._ledger.tasks)
        self.outcomes = Outcomes(self._ledger.schedule.outcomes(), tasks)
        self._ids = {name: id for id in self.outcomes if ":" not in id and (name := name_of(id))}  # the last version
        joins = [(task.id, task.work) for task in tasks if isinstance(task.work, Join)]
        self._join = joins[-1][0] if joins else None
        self._keys = [name for name, _ in joins[-1][1].items if name is not None] if joins else []  # the plan's own
        ends = [event for event in known if isinstance(event, RunEnded)]
        self.error = ends[-1].error if ends else ""

    @property
    def joins(self) -> bool:
        """Whether its plan joins anything; else it comes to what its names stand for."""
        return self._join is not None

    @property
    def value(self) -> Any:
        """What it came to; what failed stands in it as the `Failure` or `Skipped` that it is."""
        if self._join is not None:
            return self.outcomes.joined
        return {name: _value(self.outcomes[id]) for name, id in self._ids.items()}

    @property
    def labels(self) -> Labelled:
        """The labels of that."""
        if self._join is not None:
            return self._labels_of(self._join)
        return joined(whole(self._labels_of(id)) for id in self._ids.values())

    def named(self, name: str) -> tuple[Any, Label]:
        """The value of a name of the plan, of a key of its `join(...)`, or of "join"; with its label.

        Raises:
            UsageError: there is none, or it has no value; the message says why.
        """
        if name == JOINED and self.joins:
            return self._has(name, self.value), whole(self.labels)
        if (id := self._ids.get(name)) is not None:
            return self._has(name, _value(self.outcomes[id])), whole(self._labels_of(id))
        value = self.value
        if self.joins and isinstance(value, Mapping) and name in value:
            labels = self.labels
            part = labels[name] if isinstance(labels, Parts) else labels
            return self._has(name, value[name]), whole(part)
        known = dict.fromkeys([*([JOINED] if self.joins else []), *self._ids, *self._keys])
        listed = ", ".join([*known][:_MOST_LISTED]) + (", ..." if len(known) > _MOST_LISTED else "")
        raise UsageError(f"it has no {cut(repr(name), 80)}; it has {listed or 'no values'}")

    @property
    def failed(self) -> Iterator[tuple[TaskId, Failure, Label]]:
        """The tasks that failed by themselves, each with its label."""
        for id, failure in self.outcomes.failures.items():
            if failure.kind != "items" and id != self._join:
                yield id, failure, whole(self._labels_of(id))

    @property
    def anything(self) -> Label:
        """The label of whatever happened in it, such as the error that it ended with."""
        return SHOWN | self._ledger.labels.shown(task.id for task in self._ledger.schedule.plan())

    def _has(self, name: str, value: Any) -> Any:
        """Why there is no value is said without the words of whoever failed: whoever asks may not be told those."""
        match value:
            case Failure(kind=kind):
                raise UsageError(f"{name} has no value: it failed ({kind}); the reply of its run says how")
            case Skipped():
                why = "nothing used it" if value == UNNEEDED else "a condition left it out" if is_silent(value) else ""
                raise UsageError(f"{name} has no value: {why or 'it was skipped, since something before it failed'}")
        return value

    def _labels_of(self, id: TaskId) -> Labelled:
        return self._ledger.labels.of(self._ledger.schedule.cell(id))


def _unwritten(event: Event) -> Event:
    return replace(event, label=NOTHING, saw_untrusted=False) if isinstance(event, RoundStarted) else event


def _value(outcome: Outcome) -> Any:
    return outcome.value if isinstance(outcome, Observation) else outcome
