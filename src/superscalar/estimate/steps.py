"""A plan unrolled into the instances of its tasks, with the lists in it as long as somebody takes them to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from superscalar.estimate.lengths import UNKNOWN, Length, length_of
from superscalar.plan.evaluate.bounds import EvaluationError
from superscalar.plan.evaluate.elements import items_of, truth
from superscalar.plan.ir import (
    UNBOUND,
    Access,
    Call,
    Compute,
    Display,
    Each,
    First,
    Guard,
    Join,
    Map,
    Plan,
    PlanCall,
    Ref,
    Select,
    Sequence,
    Supplied,
    Task,
)
from superscalar.plan.passes.constants import Constants
from superscalar.plan.passes.dead import dead, joins_everything
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Observation, TaskId

Condition: TypeAlias = "tuple[Occurrence, bool]"
"""What decides whether a step is made, and what it has to come out as."""


Several: TypeAlias = "tuple[Occurrence, ...]"


@dataclass(slots=True, eq=False)
class Occurrence:
    """One instance of a task. It is made under its `conditions`, outermost first, of which nobody knows how they end.

    `before`: what has to have ended; `perhaps`: what it may have to wait for, too; `ordered`: what it follows though
    nothing of it needs that. `racing`: the items of a `first`, of which it waits for `wanted`, and `raced` all of them
    together. `tool`: of a call. `key`: equal for calls with equal arguments; None: they are not known. `sole`: no other
    call can turn out to be the same one. `rooted`: made for its own sake, not for another's. `inputs`: the conditions
    under which it has what it needs, which is not known before that has ended.
    """

    before: tuple[Occurrence, ...] = ()
    conditions: tuple[Condition, ...] = ()
    perhaps: tuple[Occurrence, ...] = ()
    racing: tuple[Occurrence, ...] = ()
    raced: tuple[Occurrence, ...] = ()
    wanted: int = 0
    tool: Tool[..., Any] | None = None
    key: str | None = None
    sole: bool = True
    rooted: bool = False
    inputs: tuple[Condition, ...] = ()
    ordered: tuple[Occurrence, ...] = ()


class _Touched(NamedTuple):
    """What a call accesses, and whether it writes that."""

    access: Access
    written: bool

    def waits_for(self, earlier: _Touched) -> bool:
        """Whether it comes after an earlier one for certain: both are known to touch the same, and one writes."""
        known = self.access.known and earlier.access.known
        return known and (self.written or earlier.written) and self.access.meets(earlier.access)


class _Item(NamedTuple):
    """One item of a list: what it stands for, and what has to hold for it to count."""

    place: _Meaning
    kept: tuple[Condition, ...] = ()


@dataclass(slots=True, eq=False)
class _Meaning:
    """What a name stands for: when all of it is there (`whole`), and when one knows how many items there are (`shape`).

    `items`: those that come in one by one. `lacks`: what has to hold for it to have a value, beside the conditions of
    `whole`. `scopes`: of a loop, what its body stands for, item by item. `follows`: what its accesses come after,
    `turn`: when that is over, of a map, and `accesses`: when those are over that it makes.
    """

    whole: Occurrence
    shape: Occurrence
    length: Length = UNKNOWN
    items: list[_Item] | None = None
    lacks: tuple[Condition, ...] = ()
    scopes: list[_Bindings] = field(default_factory=list)
    follows: tuple[_Meaning, ...] = ()
    is_made: bool = True
    is_filtered: bool = False
    turn: tuple[Occurrence, ...] = ()
    accesses: tuple[tuple[Occurrence, _Touched], ...] = ()

    @property
    def over(self) -> tuple[Occurrence, ...]:
        """What has ended once it is over, with all that it follows."""
        return (self.whole, *self.turn)

    @property
    def present(self) -> tuple[Condition, ...]:
        """All that has to hold for it to have a value."""
        return (*self.whole.conditions, *self.lacks)


@dataclass(slots=True)
class _Bindings:
    """What names stand for in the plan, or in its body for one item.

    `begun`: the map whose body that is, as it knows its items. `turn`: what the accesses in it follow, as the maps
    around do. `times`: the lists of unknown length around.
    """

    constants: Constants
    outer: _Bindings | None = None
    places: dict[TaskId, _Meaning] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    times: tuple[TaskId, ...] = ()
    begun: tuple[Occurrence, ...] = ()
    turn: tuple[_Meaning, ...] = ()

    def find(self, task: TaskId) -> _Meaning | None:
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
        self.steps: list[Occurrence] = []
        self.times: dict[str, dict[TaskId, None]] = {}
        self.is_whole = True
        self._tools = tools
        self._taken = taken
        self._most = most
        self._dead = frozenset(dead(plan.tasks))
        self._one_call: dict[str, Occurrence] = {}
        self._sites = Counter(task.work.tool for task in plan.calls if isinstance(task.work, Call))
        self._writes = any(isinstance(task.work, Call) and task.work.effect == "write" for task in plan.calls)
        try:
            self._tasks(plan.tasks, _Bindings(Constants()))
        except TooManySteps:
            self.is_whole = False
        if joins_everything(plan.tasks):
            self._root_all()

    def _root_all(self) -> None:
        """All is made for its own sake, but for what only others use, such as a `first`, which lets go of some."""
        used = {one for step in self.steps for one in (*step.before, *step.racing, *step.raced)}
        used |= {one for step in self.steps for one, _ in step.conditions}
        for step in self.steps:
            step.rooted = step.rooted or step not in used

    # ------------------------------------------------------------------------------------------------------- tasks

    def _tasks(
        self, tasks: Iterable[Task], scope: _Bindings, chained: Iterable[TaskId] = (), before: Iterable[_Meaning] = ()
    ) -> None:
        for task in tasks:
            if task.id in self._dead:
                continue
            scope.constants.note(task)
            conditions = self._conditions(task.guards, scope)
            follows = [place for id in task.after if (place := scope.find(id)) is not None]
            follows += before if task.id in chained else ()
            if conditions is None:  # known not to be made
                nothing = self._add(Occurrence())
                scope.places[task.id] = place = _Meaning(nothing, nothing, Length(0, 0), is_made=False)
                place.follows, place.lacks = tuple(follows), (self._chance(),)
                continue
            scope.places[task.id] = place = self._place(task, scope, conditions, _together(follows, conditions))
            place.follows = tuple(follows)

    def _conditions(self, guards: Iterable[Guard], scope: _Bindings) -> tuple[Condition, ...] | None:
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

    def _add(self, step: Occurrence) -> Occurrence:
        if len(self.steps) >= self._most:
            raise TooManySteps
        self.steps.append(step)
        return step

    def _place(
        self, task: Task, scope: _Bindings, conditions: tuple[Condition, ...], follows: tuple[_Meaning, ...]
    ) -> _Meaning:
        """What a task stands for that may be made."""
        needed, perhaps, present = self._needs(task, scope)
        present = tuple(dict.fromkeys(one for one in present if one not in conditions))
        conditions = (*conditions, *present)
        step = Occurrence(needed, conditions, perhaps, ordered=scope.begun, inputs=present)
        match task.work:
            case Call(enters=True):
                self._add(step)
            case Call():
                return self._call(task.work, scope, step, follows)
            case Map():
                return self._map(task, task.work, scope, step, follows)
            case First(count, source):
                return self._first(count, scope.find(source), scope, step)
            case Each():
                return self._each(task.work, scope, step)
            case Display(kind, ids):
                return self._display(kind, ids, scope, step)
            case Compute(Ref(other)) | PlanCall(_, other) if (same := scope.find(other)) is not None:
                self._add(step)
                alias = _Meaning(step, same.shape if same.items is not None else step, same.length, same.items)
                alias.is_filtered = same.is_filtered
                return alias
            case Supplied(value=value):
                if value is not UNBOUND:
                    scope.constants.know(task.id, Observation(value))
                self._add(step)
                return _Meaning(step, step, self._known_length(task.id, Ref(task.id), scope))
            case Compute(value):
                self._add(step)
                return _Meaning(step, step, self._known_length(task.id, value, scope))
            case Select(condition, then, otherwise):
                return self._select(condition, then, otherwise, scope, step)
            case Join():
                step.rooted = True
                self._add(step)
        return _Meaning(step, step)

    def _needs(
        self, task: Task, scope: _Bindings
    ) -> tuple[tuple[Occurrence, ...], tuple[Occurrence, ...], tuple[Condition, ...]]:
        """What a task waits for, what it may wait for, too, and what has to hold for it to have all that it needs."""
        found: dict[Occurrence, None] = {}
        perhaps: dict[Occurrence, None] = {}
        present: list[Condition] = []
        for need in task.needs:
            place = scope.find(need.task)
            if place is None:
                continue
            match need.mode:
                case "shape":
                    found[place.shape] = None
                    present += place.whole.conditions
                case "named":
                    perhaps[place.whole] = None
                case "item" if place.items is not None and need.item < len(place.items):
                    one = place.items[need.item]
                    if not place.is_filtered:
                        found[one.place.whole] = None
                        present += one.place.present
                    else:  # which one it is depends on what the filter leaves out
                        found[place.shape] = None
                        perhaps[place.whole] = None
                        present.append(self._chance())
                case "value":
                    found[place.whole] = None
                    present += place.present
                case _:
                    found[place.whole] = None
        return tuple(found), tuple(perhaps), tuple(present)

    def _chance(self) -> Condition:
        """What may hold or not, and is no condition of the plan's."""
        return self._add(Occurrence()), True

    def _unless_complete(self, conditions: tuple[Condition, ...], items: Iterable[_Item]) -> tuple[Condition, ...]:
        """What has to hold for items to have a value each, where they are put together under these conditions."""
        for one in items:
            if not {*one.place.present} <= {*conditions, *one.kept}:
                return (self._chance(),)
        return ()

    # ------------------------------------------------------------------------------------------------------- works

    def _call(self, call: Call, scope: _Bindings, step: Occurrence, follows: tuple[_Meaning, ...]) -> _Meaning:
        tool, access = self._tools.get(call.tool), call.access
        place = _Meaning(step, step)
        if access is not None:
            follows = (*scope.turn, *follows)
            step.perhaps = (*step.perhaps, *(one for target in follows for one in target.over))
            mine = _Touched(access, call.effect == "write")
            surely = [one for target in follows for one, other in target.accesses if mine.waits_for(other)]
            step.ordered = (*step.ordered, *(one for one in surely if not _exclude(one.conditions, step.conditions)))
            place.accesses = ((step, mine),)
        if tool is None:
            self._add(step)
            return place
        step.tool, step.rooted = tool, call.effect == "write"
        self.times.setdefault(call.tool, {}).update(dict.fromkeys(scope.times))
        if tool.shares:
            step.key = key = self._key(call, scope)
            step.sole = scope.outer is None and self._sites[call.tool] == 1
            first = None if key is None or (tool.effect != "pure" and self._writes) else self._one_call.get(key)
            if first is not None and set(first.conditions) <= set(step.conditions):
                step.tool, step.before = None, (*step.before, first)
            elif key is not None:
                self._one_call[key] = step
        self._add(step)
        return place

    def _key(self, call: Call, scope: _Bindings) -> str | None:
        """What is equal for calls that are one, where the arguments are constants."""
        given = {name: scope.constants.of(value) for name, value in call.arguments}
        known = {name: value.value for name, value in given.items() if value is not None}
        return repr((call.tool, sorted(known.items()))) if len(known) == len(given) else None

    def _map(
        self, task: Task, work: Map, scope: _Bindings, begun: Occurrence, follows: tuple[_Meaning, ...]
    ) -> _Meaning:
        begun = self._add(begun)
        source = None if work.ok_of is None else scope.find(work.ok_of)
        if source is None or source.items is None:
            source = scope.find(work.source)
        if source is None:  # of an earlier round
            source = _Meaning(begun, begun)
        values = _items_known(scope.constants.find(work.source))
        length = source.length if values is None else Length(len(values), len(values))
        items = source.items or [_Item(_Meaning(source.whole, source.whole))] * self._taken(length)
        times = scope.times
        if not length.is_known:
            times = (*times, task.id if work.source.endswith(".over") else work.source)
        place = _Meaning(begun, begun, length)
        found: list[_Item] = []
        if follows:
            place.turn = (self._add(Occurrence(perhaps=tuple(one for target in follows for one in target.over))),)
        chained: list[_Meaning] = []
        accesses: dict[_Touched, list[Occurrence]] = {}
        ends: list[Occurrence] = []
        for index, one in enumerate(items):
            inner = _Bindings(Constants(scope.constants), scope, {work.item: one.place}, times=times)
            inner.conditions, inner.begun = (*begun.conditions, *one.kept), (begun,)
            inner.turn = (*scope.turn, *follows)
            if values is not None and index < len(values):
                inner.constants.know(work.item, Observation(values[index]))
            self._tasks(work.body, inner, work.chained, chained)
            chained = [inner.places[id] for id in work.chained if id in inner.places]
            for step, access in (found for here in inner.places.values() for found in here.accesses):
                accesses.setdefault(access, []).append(step)
            place.scopes.append(inner)
            kept = self._conditions([Guard(id, True) for id in work.keep], inner)
            result = inner.find(work.result)
            ends += [here.whole for here in inner.places.values()]
            if kept is not None and result is not None:
                found.append(_Item(result, kept[len(begun.conditions) :]))
        place.whole = self._add(Occurrence((begun, *dict.fromkeys(ends)), begun.conditions))
        place.accesses = tuple(
            (self._add(Occurrence(ordered=tuple(steps))), access) for access, steps in accesses.items()
        )
        self._put_together(place, work, found)
        return place

    def _put_together(self, place: _Meaning, work: Map, found: list[_Item]) -> None:
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
        place.lacks = self._unless_complete(place.whole.conditions, found)
        place.is_filtered = bool(work.keep) or any(one.kept for one in found)
        if work.kind in ("list", "tuple") and not work.flatten:
            place.items = found
        else:
            place.shape = place.whole

    def _display(self, kind: str, ids: Iterable[TaskId], scope: _Bindings, step: Occurrence) -> _Meaning:
        shape = self._add(Occurrence((), step.conditions, ordered=step.ordered))
        items = [_Item(place) for id in ids if (place := scope.find(id)) is not None]
        length = Length(len(items), len(items))
        step.before = (shape, *step.before)
        self._add(step)
        lacks = self._unless_complete(step.conditions, items)
        if kind in ("list", "tuple"):
            return _Meaning(step, shape, length, items, lacks)
        return _Meaning(step, step, length.distinct, None, lacks)

    def _first(self, count: Any, source: _Meaning | None, scope: _Bindings, step: Occurrence) -> _Meaning:
        known = scope.constants.of(count)
        wanted = known.value if known is not None and type(known.value) is int and known.value > 0 else 1
        if source is not None and source.items is not None:
            step.racing, step.raced = tuple(one.place.whole for one in source.items), (source.whole,)
        elif source is not None:
            step.before = (*step.before, source.whole)
        step.wanted = wanted
        step = self._add(step)
        return _Meaning(step, step, UNKNOWN if known is None else Length(wanted, wanted))

    def _each(self, work: Each, scope: _Bindings, step: Occurrence) -> _Meaning:
        """What leaves a loop."""
        loop = scope.find(work.loop)
        before = None if work.otherwise is None else scope.find(work.otherwise)
        found: list[_Item] = []
        length = Length(0, 0) if before is None else before.length
        for inner in () if loop is None else loop.scopes:
            for id in work.tasks:
                place = inner.find(id)
                if place is None or not place.is_made:
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
            surely = any(not one.kept for one in found) or (before is not None and before.present == step.conditions)
            return _Meaning(step, step, last, None, () if surely else (self._chance(),))
        return _Meaning(step, step, length if loop is None or loop.length.is_known else length.filtered | UNKNOWN)

    def _select(
        self, condition: TaskId, then: TaskId | None, otherwise: TaskId | None, scope: _Bindings, step: Occurrence
    ) -> _Meaning:
        step = self._add(step)
        known = scope.constants.find(condition)
        ways: tuple[TaskId | None, ...] = (then, otherwise)
        if isinstance(known, Observation):
            ways = (then,) if truth(known.value) else (otherwise,)
        places = [place for id in ways if id is not None and (place := scope.find(id)) is not None]
        if len(places) == 1 == len(ways):
            (only,) = places
            lacks = tuple(one for one in only.present if one not in step.conditions)
            made = _Meaning(step, only.shape if only.items is not None else step, only.length, only.items, lacks)
            made.is_filtered = only.is_filtered
            return made
        decides = scope.find(condition)
        if len(places) < len(ways) or decides is None:
            return _Meaning(step, step, UNKNOWN, None, (self._chance(),))
        length = places[0].length | places[1].length
        for place, expected in zip(places, (True, False), strict=True):
            if not {*place.present} <= {*step.conditions, (decides.whole, expected)}:
                return _Meaning(step, step, length, None, (self._chance(),))
        return _Meaning(step, step, length)

    def _known_length(self, id: TaskId, value: Any, scope: _Bindings) -> Length:
        known = _items_known(scope.constants.find(id))
        if known is not None:
            return Length(len(known), len(known))
        if isinstance(value, Sequence) and value.kind != "set":
            return Length(len(value.items), len(value.items))
        return length_of(value, lambda task: self._length(task, scope))

    def _length(self, task: TaskId, scope: _Bindings) -> Length:
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


def _together(follows: Iterable[_Meaning], conditions: tuple[Condition, ...]) -> tuple[_Meaning, ...]:
    """What is followed under these conditions: for what is never made together with them, what that follows."""
    found: dict[int, _Meaning] = {}
    pending = [*follows]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if not one.is_made or _exclude(one.whole.conditions, conditions):
            pending += one.follows
        else:
            found[id(one)] = one
    return tuple(found.values())


def _exclude(some: tuple[Condition, ...], others: tuple[Condition, ...]) -> bool:
    """Whether what is made under these is never made together."""
    return any((step, not expected) in others for step, expected in some)


def calling(steps: Iterable[Occurrence]) -> Iterator[tuple[Occurrence, Tool[..., Any]]]:
    """The steps that call a tool, with it."""
    for step in steps:
        if step.tool is not None:
            yield step, step.tool
