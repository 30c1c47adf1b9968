"""Runs whose plan was written under an earlier version of the plan language: finished as it was meant, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Several
from dataclasses import fields, is_dataclass, replace
from typing import Any

from superscalar.compiler.history import heard
from superscalar.events import Event, RoundStarted
from superscalar.models.base import Message
from superscalar.plan import LANGUAGE, ir
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir.needs import children
from superscalar.schedule.lineage import in_view_of
from superscalar.values import Observation, Outcome, TaskId, is_silent


def language_of(about: Mapping[str, Any]) -> int:
    """The version of the plan language under which a run was begun."""
    said = about.get("language", 1)
    return said if type(said) is int and said >= 1 else LANGUAGE + 1  # what cannot be read is no older version


def why_not(
    about: Mapping[str, Any],
    left: Iterable[ir.Task],
    tasks: Iterable[ir.Task],
    outcomes: Mapping[TaskId, Outcome],
    *,
    begun: bool,
) -> str | None:
    """Why a run cannot go on under the rules that it was planned under; None if it can.

    `left`: the tasks that have not settled, of all `tasks`. `begun`: whether a plan is there which is not whole, so
    that more text would be read into it. What is whole is lowered, and a task means what it meant, but for one that
    looks at items, or makes something of what may not be there: since version 2 an item without a value keeps its
    place, and what lacks two values of which one failed has failed (rule L33).
    """
    language = language_of(about)
    if language == LANGUAGE:
        return None
    if language > LANGUAGE:
        return (
            f"it was begun under version {about.get('language')!r} of the plan language, and this release of "
            f"superscalar knows up to {LANGUAGE}; go on with the release that began it, or a newer one"
        )
    if begun:
        return (
            f"its plan is of version {language} of the plan language and was not whole: what is missing would be read "
            f"as version {LANGUAGE}, under other rules. "
            "Nothing of that plan has changed anything; ask the question anew"
        )
    known = {task.id: task for task in tasks}
    for task in left:
        for id in (task.id, *(need.task for need in task.needs)):
            work = known[id].work if id in known else None
            if isinstance(work, ir.Map | ir.Each | ir.Display | ir.First) and not isinstance(
                outcomes.get(id), Observation
            ):
                return (
                    f"`{task.id}` looks at the items of `{id}`: under version {language} of the plan language, of "
                    f"which this plan is, items without a value had no place there, and in version {LANGUAGE} they "
                    "keep it. Go on with the release that began it, or plan the rest anew from what it has done so far"
                )
        lacks = next((n.task for n in task.needs if not isinstance(outcomes.get(n.task), Observation)), None)
        if lacks is not None and (_has_holder(task) or _may_be_silent(task, known, outcomes)):
            return (
                f"`{task.id}` may have to do without `{lacks}`: version {language} of the plan language, of which this "
                f"plan is, says otherwise than version {LANGUAGE} what is made of a value that is not there. Go on "
                "with the release that began it, or plan the rest anew from what it has done so far"
            )
    return None


def _has_holder(task: ir.Task) -> bool:
    """Whether a task makes a list or the like, of which it was all or nothing in version 1."""
    return any(isinstance(part, ir.Sequence | ir.Dict | ir.Comprehension) for part in _parts(task))


def _may_be_silent(task: ir.Task, known: Mapping[TaskId, ir.Task], outcomes: Mapping[TaskId, Outcome]) -> bool:
    """Whether a task computes with what may not be assigned on the path taken, beside which a failure counts now."""
    plain = all(isinstance(part, ir.Ref | ir.Literal) for part in _parts(task))
    if plain or not isinstance(task.work, ir.Compute | ir.Call):
        return False
    seen: dict[TaskId, None] = dict.fromkeys(need.task for need in task.needs)
    for id in (pending := list(seen)):  # grows while we go through it
        outcome, needed = outcomes.get(id), known.get(id)
        if isinstance(outcome, Observation) or needed is None:
            continue
        if outcome is not None:
            if is_silent(outcome):
                return True
            continue
        if needed.guards or (isinstance(needed.work, ir.Select) and None in (needed.work.then, needed.work.otherwise)):
            return True
        fresh = [need.task for need in needed.needs if need.task not in seen]
        seen.update(dict.fromkeys(fresh))
        pending += fresh
    return False


def _parts(task: ir.Task) -> Iterator[ir.Expr]:
    """The expressions of a task, and all that is in them."""
    work = task.work
    pending = [work.value] if isinstance(work, ir.Compute) else []
    if isinstance(work, ir.Call):
        pending = [value for _, value in work.arguments]
    for part in pending:  # grows while we go through it
        pending.extend(children(part))
    yield from pending


def with_what_was_heard(recorded: Iterable[Event], history: Iterable[Message]) -> list[Event]:
    """The events of a run, of which the first round says what its planner was shown of what had been said before."""
    shown = in_view_of(heard(history))
    return [
        replace(event, label=shown)
        if isinstance(event, RoundStarted) and not event.round and event.label is None
        else event
        for event in recorded
    ]


def in_todays_names(recorded: Several[Event], about: Mapping[str, Any], tools: Mapping[str, str]) -> Several[Event]:
    """The events of a run, whose plan calls each tool by the alias that it has today: by `tools`, from names to those.

    A name that has become a function since was the tool's own before, and goes on meaning the tool (rule L7).
    """
    names = {name: alias for name, alias in tools.items() if alias != name and name in FUNCTIONS}
    return recorded if language_of(about) == LANGUAGE or not names else [_renamed(event, names) for event in recorded]


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    """A part of an event with the tools of its calls renamed; itself where it has none of these."""
    if isinstance(part, tuple):
        made = tuple(_renamed(item, names) for item in part)
        return part if all(new is old for new, old in zip(made, part, strict=True)) else made
    if not is_dataclass(part) or isinstance(part, type):
        return part
    changes: dict[str, Any] = {}
    for field in fields(part):
        old = getattr(part, field.name)
        new = names.get(old, old) if isinstance(part, ir.Call) and field.name == "tool" else _renamed(old, names)
        if new is not old:
            changes[field.name] = new
    return replace(part, **changes) if changes else part
