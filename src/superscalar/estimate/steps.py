"""A plan unrolled into the instances of its tasks, with the lists in it as long as somebody takes them to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from superscalar.estimate.lengths import UNKNOWN, Length, length_of
from superscalar.plan.evaluate.bounds import EvaluationError
from superscalar.plan.evaluate.elements import items_of, truth
from superscalar.plan.ir import (
    Call,
    Compute,
    Display,
    Each,
    First,
    Guard,
    Join,
    Map,
    Plan,
    Ref,
    Select,
    Sequence,
    Task,
)
from superscalar.plan.passes.constants import Constants
from superscalar.plan.passes.dead import dead, joins_everything
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Observation, TaskId

Condition: TypeAlias = "tuple[Step, bool]"
"""What decides whether a step is made, and what it has to come out as."""


@dataclass(slots=True, eq=False)
class Step:
    """One instance of a task. It is made under its `conditions`, outermost first, of which nobody knows how they end.

    `before`: what has to have ended; `perhaps`: what it may have to wait for, too. `racing`: the items of a `first`, of
    which it waits for `wanted`. `tool`: of a call. `key`: equal for calls with equal arguments; None: they are not
    known. `rooted`: made for its own sake, not since something needs it.
    """

    before: tuple[Step, ...] = ()
    conditions: tuple[Condition, ...] = ()
    perhaps: tuple[Step, ...] = ()
    racing: tuple[Step, ...] = ()
    wanted: int = 0
    tool: Tool[..., Any] | None = None
    key: str | None = None
    rooted: bool = False
    ordered: tuple[Step, ...] = ()  # accesses that it follows, which nothing of it needs


class _Item(NamedTuple):
    """One item of a list: what it stands for, and what has to hold for it to count."""

    place: _Place
    kept: tuple[Condition, ...] = ()


@dataclass(slots=True, eq=False)
class _Place:
    """What a name stands for: when all of it is there (`whole`), and when one knows how many items there are (`shape`).

    `items`: those that come in one by one. `scopes`: of a loop, what its body stands for, item by item.
    """

    whole: Step
    shape: Step
    length: Length = UNKNOWN
    items: list[_Item] | None = None
    scopes: list[_Scope] = field(default_factory=list)


@dataclass(slots=True)
class _Scope:
    """What names stand for in the plan, or in its body for one item. `times`: the lists of unknown length around."""

    constants: Constants
    outer: _Scope | None = None
    places: dict[TaskId, _Place] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    times: tuple[TaskId, ...] = ()

    def find(self, task: TaskId) -> _Place | None:
        found = self.places.get(task)
        return self.outer.find(task) if found is None and self.outer is not None else found


class TooManySteps(Exception):
    """There are more than a run may have tasks."""


class Unrolled:
    """The steps of a plan, each behind all that it waits for, with lists as long as `taken` says of their lengths.

    `times`: by tool, the lists of unknown length for whose items it is called. `is_whole`: whether there are no more
    than `most` steps; else the first ones are there.
    """

    def __init__(self, plan: Plan, tools: Toolset, taken: Callable[[Length], int], most: int) -> None:
        self.steps: list[Step] = []
        self.times: dict[str, dict[TaskId, None]] = {}
        self.is_whole = True
        self._tools = tools
        self._taken = taken
        self._most = most
        self._dead = frozenset(dead(plan.tasks))
        self._joins_all = joins_everything(plan.tasks)
        self._one_call: dict[str, Step] = {}
        self._writes = any(isinstance(task.work, Call) and task.work.effect == "write" for task in plan.calls)
        try:
            self._tasks(plan.tasks, _Scope(Constants()))
        except TooManySteps:
            self.is_whole = False

    # ------------------------------------------------------------------------------------------------------- tasks

    def _tasks(self, tasks: Iterable[Task], scope: _Scope, chained: Iterable[TaskId] = (), after: Any = ()) -> None:
        for task in tasks:
            if task.id in self._dead:
                continue
            scope.constants.note(task)
            conditions = self._conditions(task.guards, scope)
            if conditions is None:  # known not to be made
                nothing = self._add(Step())
                scope.places[task.id] = _Place(nothing, nothing, Length(0, 0))
                continue
            follows = tuple(place.whole for id in task.after if (place := scope.find(id)) is not None)
            follows = (*follows, *(after if task.id in chained else ()))
            follows = tuple(one for one in follows if not _exclude(one.conditions, conditions))
            scope.places[task.id] = self._place(task, scope, conditions, follows)

    def _conditions(self, guards: Iterable[Guard], scope: _Scope) -> tuple[Condition, ...] | None:
        """What decides on a task and is not known yet; None if it is known, and says no."""
        found = [*scope.conditions]
        for guard in guards:
            known = scope.constants.find(guard.condition)
            if isinstance(known, Observation):
                if truth(known.value) is not guard.expected:
                    return None
                continue
            place = scope.find(guard.condition)
            if place is not None:
                found.append((place.whole, guard.expected))
        return tuple(found)

    def _add(self, step: Step) -> Step:
        if len(self.steps) >= self._most:
            raise TooManySteps
        step.rooted = step.rooted or self._joins_all
        self.steps.append(step)
        return step

    def _place(self, task: Task, scope: _Scope, conditions: tuple[Condition, ...], follows: tuple[Step, ...]) -> _Place:
        """What a task stands for that may be made."""
        needed, perhaps = self._needs(task, scope)
        step = Step(needed, conditions, perhaps, ordered=follows)
        match task.work:
            case Call():
                step = self._call(task.work, scope, step)
            case Map():
                return self._map(task, task.work, scope, step)
            case First(count, source):
                return self._first(count, scope.find(source), scope, step)
            case Each():
                return self._each(task.work, scope, step)
            case Display(kind, ids):
                return self._display(kind, ids, scope, step)
            case Compute(Ref(other)) if (same := scope.find(other)) is not None:
                self._add(step)
                return _Place(step, same.shape if same.items is not None else step, same.length, same.items)
            case Compute(value):
                self._add(step)
                return _Place(step, step, self._known_length(task.id, value, scope))
            case Select(condition, then, otherwise):
                return self._select(condition, then, otherwise, scope, step)
            case Join():
                step.rooted = True
                self._add(step)
        return _Place(step, step)

    def _needs(self, task: Task, scope: _Scope) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """What a task waits for, and what it may wait for, too."""
        found: dict[Step, None] = {}
        perhaps: dict[Step, None] = {}
        for need in task.needs:
            place = scope.find(need.task)
            if place is None:
                continue
            match need.mode:
                case "shape":
                    found[place.shape] = None
                case "named":
                    perhaps[place.whole] = None
                case "item" if place.items is not None and need.item < len(place.items):
                    one = place.items[need.item]
                    if all(not item.kept for item in place.items[: need.item + 1]):
                        found[one.place.whole] = None
                    else:  # which one it is depends on what the filter leaves out
                        found[place.shape] = None
                        perhaps[place.whole] = None
                case _:
                    found[place.whole] = None
        return tuple(found), tuple(perhaps)

    # ------------------------------------------------------------------------------------------------------- works

    def _call(self, call: Call, scope: _Scope, step: Step) -> Step:
        tool = self._tools.get(call.tool)
        if tool is None:
            return self._add(step)
        step.tool, step.rooted = tool, call.effect == "write"
        self.times.setdefault(call.tool, {}).update(dict.fromkeys(scope.times))
        if tool.shares:
            step.key = key = self._key(call, scope)
            first = None if key is None or (tool.effect != "pure" and self._writes) else self._one_call.get(key)
            if first is not None and set(first.conditions) <= set(step.conditions):
                step.tool, step.before = None, (*step.before, first)
            elif key is not None:
                self._one_call[key] = step
        return self._add(step)

    def _key(self, call: Call, scope: _Scope) -> str | None:
        """What is equal for calls that are one, where the arguments are constants."""
        given = {name: scope.constants.of(value) for name, value in call.arguments}
        known = {name: value.value for name, value in given.items() if value is not None}
        return repr((call.tool, sorted(known.items()))) if len(known) == len(given) else None

    def _map(self, task: Task, work: Map, scope: _Scope, begun: Step) -> _Place:
        begun = self._add(begun)
        source = None if work.ok_of is None else scope.find(work.ok_of)
        if source is None or source.items is None:
            source = scope.find(work.source)
        if source is None:  # of an earlier round
            source = _Place(begun, begun)
        values = _items_known(scope.constants.find(work.source))
        length = source.length if values is None else Length(len(values), len(values))
        items = source.items or [_Item(_Place(source.whole, source.whole))] * self._taken(length)
        times = scope.times
        if not length.is_known:
            times = (*times, task.id if work.source.endswith(".over") else work.source)
        place = _Place(begun, begun, length)
        found: list[_Item] = []
        chained: tuple[Step, ...] = ()
        ends: list[Step] = []
        for index, one in enumerate(items):
            inner = _Scope(Constants(scope.constants), scope, {work.item: one.place}, times=times)
            inner.conditions = (*begun.conditions, *one.kept)
            if values is not None and index < len(values):
                inner.constants.know(work.item, Observation(values[index]))
            self._tasks(work.body, inner, work.chained, chained)
            chained = tuple(inner.places[id].whole for id in work.chained if id in inner.places)
            place.scopes.append(inner)
            kept = self._conditions([Guard(id, True) for id in work.keep], inner)
            result = inner.find(work.result)
            ends += [here.whole for here in inner.places.values()]
            if kept is not None and result is not None:
                found.append(_Item(result, kept[len(begun.conditions) :]))
        place.whole = self._add(Step((begun, *dict.fromkeys(ends)), begun.conditions))
        self._put_together(place, work, found)
        return place

    def _put_together(self, place: _Place, work: Map, found: list[_Item]) -> None:
        """What the items of a map come to."""
        if not place.length.is_known:
            length = UNKNOWN if work.flatten else place.length.filtered if work.keep else place.length
        elif work.flatten:
            length = Length(0, 0)
            for one in found:
                length += one.place.length.filtered if one.kept else one.place.length
        else:
            length = Length(sum(not one.kept for one in found), len(found))
        place.length = length if work.kind in ("list", "tuple") else length.distinct
        if work.kind in ("list", "tuple") and not work.flatten:
            place.items = found
        else:
            place.shape = place.whole

    def _display(self, kind: str, ids: Iterable[TaskId], scope: _Scope, step: Step) -> _Place:
        shape = self._add(Step((), step.conditions, ordered=step.ordered))
        items = [_Item(place) for id in ids if (place := scope.find(id)) is not None]
        length = Length(len(items), len(items))
        step.before = (shape, *step.before)
        self._add(step)
        if kind in ("list", "tuple"):
            return _Place(step, shape, length, items)
        return _Place(step, step, length.distinct)

    def _first(self, count: Any, source: _Place | None, scope: _Scope, step: Step) -> _Place:
        known = scope.constants.of(count)
        wanted = known.value if known is not None and type(known.value) is int and known.value > 0 else 1
        if source is not None and source.items is not None:
            step.racing = tuple(one.place.whole for one in source.items)
        elif source is not None:
            step.before = (*step.before, source.whole)
        step.wanted = wanted
        step = self._add(step)
        return _Place(step, step, UNKNOWN if known is None else Length(wanted, wanted))

    def _each(self, work: Each, scope: _Scope, step: Step) -> _Place:
        """What leaves a loop."""
        loop = scope.find(work.loop)
        before = None if work.otherwise is None else scope.find(work.otherwise)
        found: list[_Item] = []
        length = Length(0, 0) if before is None else before.length
        for inner in () if loop is None else loop.scopes:
            for id in work.tasks:
                place = inner.find(id)
                if place is None:
                    continue
                decided = place.whole.conditions[len(inner.conditions) :]
                found.append(_Item(place, (*inner.conditions[len(step.conditions) :], *decided)))
                one = place.length if id in work.spliced else Length(1, 1)
                length += one.filtered if found[-1].kept else one
        ends = tuple(one.place.whole for one in found)
        step.before = (*step.before, *ends)
        step = self._add(step)
        if work.last:
            last = found[-1].place.length if len(found) == 1 and not found[0].kept else UNKNOWN
            return _Place(step, step, last)
        return _Place(step, step, length if loop is None or loop.length.is_known else length.filtered | UNKNOWN)

    def _select(
        self, condition: TaskId, then: TaskId | None, otherwise: TaskId | None, scope: _Scope, step: Step
    ) -> _Place:
        step = self._add(step)
        known = scope.constants.find(condition)
        ways: tuple[TaskId | None, ...] = (then, otherwise)
        if isinstance(known, Observation):
            ways = (then,) if truth(known.value) else (otherwise,)
        places = [place for id in ways if id is not None and (place := scope.find(id)) is not None]
        if len(places) == 1 == len(ways):
            (only,) = places
            return _Place(step, only.shape if only.items is not None else step, only.length, only.items)
        length = places[0].length if places else UNKNOWN
        for other in places[1:]:
            length |= other.length
        return _Place(step, step, length)

    def _known_length(self, id: TaskId, value: Any, scope: _Scope) -> Length:
        known = _items_known(scope.constants.find(id))
        if known is not None:
            return Length(len(known), len(known))
        if isinstance(value, Sequence) and value.kind != "set":
            return Length(len(value.items), len(value.items))
        return length_of(value, lambda task: self._length(task, scope))

    def _length(self, task: TaskId, scope: _Scope) -> Length:
        known = _items_known(scope.constants.find(task))
        if known is not None:
            return Length(len(known), len(known))
        place = scope.find(task)
        return UNKNOWN if place is None else place.length


def _items_known(found: Any) -> list[Any] | None:
    """The items of a constant that one can go through."""
    if not isinstance(found, Observation):
        return None
    try:
        return items_of(found.value)
    except EvaluationError:
        return None


def _exclude(some: tuple[Condition, ...], others: tuple[Condition, ...]) -> bool:
    """Whether what is made under these is never made together."""
    return any((step, not expected) in others for step, expected in some)


def calls_of(steps: Iterable[Step]) -> Iterator[tuple[Step, Tool[..., Any]]]:
    """The steps that call a tool, with it."""
    for step in steps:
        if step.tool is not None:
            yield step, step.tool
