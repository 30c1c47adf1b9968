"""Runs whose plan was written under an earlier version of the plan language: finished as it was meant, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from superscalar.events import Event
from superscalar.plan import LANGUAGE
from superscalar.plan.ir import Call, Display, Each, First, Map, Task
from superscalar.plan.vocabulary import FUNCTIONS
from superscalar.values import Observation, Outcome, TaskId


def language_of(about: Mapping[str, Any]) -> int:
    """The version of the plan language under which a run was begun."""
    said = about.get("language", 1)
    return said if type(said) is int and said >= 1 else LANGUAGE + 1  # what cannot be read is no older version


def why_not(
    about: Mapping[str, Any],
    left: Iterable[Task],
    tasks: Iterable[Task],
    outcomes: Mapping[TaskId, Outcome],
    *,
    begun: bool,
) -> str | None:
    """Why a run cannot go on under the rules that it was planned under; None if it can.

    `left`: the tasks that have not settled, of all `tasks`. `begun`: whether a plan is there which is not whole, so
    that more text would be read into it. What is whole is lowered, and a task means what it meant, but for one that
    looks at items: since version 2 an item without a value keeps its place (rule L33).
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
    works = {task.id: task.work for task in tasks}
    for task in left:
        for id in (task.id, *(need.task for need in task.needs)):
            if isinstance(works.get(id), Map | Each | Display | First) and not isinstance(
                outcomes.get(id), Observation
            ):
                return (
                    f"`{task.id}` looks at the items of `{id}`: under version {language} of the plan language, of "
                    f"which this plan is, items without a value had no place there, and in version {LANGUAGE} they "
                    "keep it. Go on with the release that began it, or plan the rest anew from what it has done so far"
                )
    return None


def in_todays_names(recorded: Sequence[Event], about: Mapping[str, Any], tools: Mapping[str, str]) -> Sequence[Event]:
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
        new = names.get(old, old) if isinstance(part, Call) and field.name == "tool" else _renamed(old, names)
        if new is not old:
            changes[field.name] = new
    return replace(part, **changes) if changes else part
