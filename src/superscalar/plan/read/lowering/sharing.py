"""Which values may be, or hold, the very object that another one is: who would see a change in place (rule L14).

Nothing in a plan changes in truth: a statement that changes a collection makes a new version of its name. That is what
Python does only where nobody else has the object in hand, so this is looked at for every task as it is lowered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from superscalar.plan import ir
from superscalar.plan.evaluate.listed import Listed
from superscalar.plan.evaluate.table import APPLIED, FUNCTIONS, HOLDS, METHODS_OF
from superscalar.plan.ir import Expr
from superscalar.plan.ir.changes import CHANGES, is_keyed, puts_as_it_is
from superscalar.plan.print.expression import name_of
from superscalar.values import TaskId

ANY: Final = "?"
"""A collection that is made anew, but of which kind is not known; or a text."""
SHARED: Final = "*"
"""Stands for an object that one value may hold in several of its places."""
_NONE: Final[frozenset[str]] = frozenset()
_MOST: Final = 2_000  # objects that a value is known to hold, before anything is


class Hold(NamedTuple):
    """The objects that a value may be, and those that it may hold. A name of a task stands for the object made there,
    one with `/` behind it for what that holds in its places.
    """

    itself: frozenset[str] = _NONE
    inside: frozenset[str] = _NONE

    @property
    def both(self) -> frozenset[str]:
        """All of them."""
        return self.itself | self.inside


_NOTHING: Final = Hold()
_PLAIN: Final = (ir.Literal, ir.Text, ir.Compare)

_LOOP: Final = re.compile(r"(?:^|\.)for(?:\.\d+)?$")


def _new(rows: Mapping[str, Listed]) -> dict[str, str]:
    """What collection each of these makes anew."""
    kinds = {name: row.gives.partition("[")[0] for name, row in rows.items() if row.holds not in ("views", "numbers")}
    return {name: kind for name, kind in kinds.items() if kind in ("list", "set", "dict")}


_NEW: Final = _new(FUNCTIONS)
_NEW_BY_METHOD: Final = {name: kind for rows in METHODS_OF.values() for name, kind in _new(rows).items()}


def _never(_: Expr) -> bool:
    return False


@dataclass(slots=True)
class Sharing:
    """What is known of the objects of all tasks lowered so far; `above`: of those of the statements before.

    Most plans change nothing in place: so tasks are only `noted`, and looked at when somebody asks. `is_plain`: whether
    an expression is sure to give a number or a text, which never change.
    """

    above: Sharing | None = None
    is_plain: Callable[[Expr], bool] = _never
    noted: list[tuple[Any, ...]] = field(default_factory=list)  # methods that look at it, and what they are given
    _looked: int = 0  # at so many of what was noted
    _holds: dict[str, Hold] = field(default_factory=dict)
    _kinds: dict[TaskId, str] = field(default_factory=dict)
    _chains: dict[TaskId, frozenset[TaskId]] = field(default_factory=dict)
    _in_hand: dict[str, dict[TaskId, None]] = field(default_factory=dict)
    _steps: dict[TaskId, frozenset[TaskId]] = field(default_factory=dict)  # what a loop puts into a collection
    _plain: set[TaskId] = field(default_factory=set)  # the tasks that give a number or a text

    def copy(self) -> Sharing:
        """The same, to be built on without changing this one."""
        return Sharing(self.above, self.is_plain, self.noted.copy())

    def take(self, below: Sharing) -> None:
        """Take over what was noted of one statement."""
        self.noted += below.noted

    def end(self) -> None:
        """Nothing more is noted: let go of whoever knew what is plain, who has this in hand."""
        self.is_plain = _never

    # ------------------------------------------------------------------------------------------------------ noting

    def note(self, id: TaskId, work: ir.Work) -> None:
        """Take note of a task, after all that it needs."""
        self.noted.append((Sharing._look_at, id, work))

    def note_all(self, tasks: Iterable[ir.Task]) -> None:
        """Take note of whole tasks, in program order."""
        for task in tasks:
            if isinstance(task.work, ir.Map):
                self.note_item(task.work.item, task.work.source)
                self.note_all(task.work.body)
            self.note(task.id, task.work)

    def note_item(self, item: TaskId, source: TaskId) -> None:
        """Take note of the variable of a loop, which stands for what `source` holds; keys of a dict never change."""
        self.noted.append((Sharing._look_at_item, item, source))

    def note_live(self, id: TaskId, seen: TaskId) -> None:
        """A generator under a name goes on looking at what it is made of."""
        self.noted.append((Sharing._look_at_live, id, seen))

    def keep_only(self, id: TaskId, work: ir.Work, last: Iterable[int]) -> None:
        """Of a tuple that says how a collection changes only the parts at these places, from its end, are put there."""
        self.noted.append((Sharing._look_at_kept, id, work, tuple(last)))

    def _look(self) -> None:
        """Look at what was noted since somebody asked last."""
        new, self._looked = self.noted[self._looked :], len(self.noted)  # looking at one asks about those before it
        for look, *given in new:
            look(self, *given)

    def _look_at(self, id: TaskId, work: ir.Work) -> None:
        found = self._of_work(work)
        kind = self._kind_of_work(work)
        if isinstance(work, ir.Compute) and (isinstance(work.value, _PLAIN) or self.is_plain(work.value)):
            self._plain.add(id)
        if (kind and not _is_constant(work)) or isinstance(work, ir.Call | ir.Supplied | ir.PlanCall):
            found = Hold(found.itself, found.inside | {f"{id}/"})
        if len(found.inside) > _MOST:
            found = Hold(found.itself, frozenset({SHARED}))
        self._holds[id] = found
        if kind:
            self._kinds[id] = kind
        if (before := self._goes_on_from(work)) is not None:
            self._chains[id] = frozenset({id}).union(*(self.chain(each) for each in before))
        for each in found.both:
            self._in_hand.setdefault(each, {})[id] = None
        match work:
            case ir.Each(tasks=tasks, spliced=spliced, last=False):
                inner = (self._steps_of(task) for task in spliced)
                self._steps[id] = frozenset(tasks).union(*inner)
            case ir.Compute(ir.Fold(_, ir.Ref(version), ir.Ref(each))):
                self._steps[id] = self._steps_of(version) | self._steps_of(each)

    def _look_at_kept(self, id: TaskId, work: ir.Work, last: tuple[int, ...]) -> None:
        match work:
            case ir.Display("tuple", items):
                parts: tuple[Expr, ...] = tuple(map(ir.Ref, items))
            case ir.Compute(ir.Sequence("tuple", parts)):
                pass
            case _:
                return
        self._holds[id] = Hold(_NONE, self._several([parts[-place] for place in last], {}).both)

    def _look_at_item(self, item: TaskId, source: TaskId) -> None:
        if self.kind(source) == "dict":
            self._plain.add(item)
            return
        inside = self.hold(source).inside
        self._holds[item] = Hold(inside, inside)
        if not inside and self.kind(source):
            self._plain.add(item)
        for each in inside:
            self._in_hand.setdefault(each, {})[item] = None

    def _look_at_live(self, id: TaskId, seen: TaskId) -> None:
        for each in (seen, *self.hold(seen).itself):
            self._in_hand.setdefault(each, {})[id] = None

    def is_one(self, id: TaskId, other: TaskId) -> bool:
        """Whether a task may be the very object that another one is."""
        return not self.chain(id).isdisjoint({other, *self.hold(other).itself, *self.chain(other)})

    def stored(self, expr: Expr, *, as_it_is: bool) -> frozenset[str]:
        """The objects that a collection holds once the value of an expression, or what that holds, was put into it."""
        found = self.of(expr, {})
        return found.both if as_it_is else found.inside

    def _goes_on_from(self, work: ir.Work) -> tuple[TaskId, ...] | None:
        """The versions of one name that a task is the next version of, in Python the same object."""
        match work:
            case ir.Compute(ir.Fold(operator, ir.Ref(before))) if operator in CHANGES or operator in ("+", "|"):
                return (before,)
            case ir.Each(otherwise=str(before), last=False):
                return (before,)
            case ir.Select(_, then, otherwise):
                return tuple(each for each in (then, otherwise) if each is not None)
        return None

    # ------------------------------------------------------------------------------------------------------ asking

    def hold(self, id: TaskId) -> Hold:
        """What the value of a task is, and what it holds."""
        self._look()
        found = self._holds.get(id)
        if found is None and self.above is not None:
            return self.above.hold(id)
        return found or _NOTHING

    def kind(self, id: TaskId) -> str:
        """What collection a task makes anew; empty if it may be none, or may hand on one that is there already."""
        self._look()
        found = self._kinds.get(id)
        return found or ("" if self.above is None else self.above.kind(id))

    def chain(self, id: TaskId) -> frozenset[TaskId]:
        """The versions of a name that are one object in Python, up to this one."""
        self._look()
        found = self._chains.get(id)
        if found is None and self.above is not None:
            return self.above.chain(id)
        return found or frozenset({id})

    def _steps_of(self, id: TaskId) -> frozenset[TaskId]:
        self._look()
        found = self._steps.get(id)
        if found is None and self.above is not None:
            return self.above._steps_of(id)  # noqa: SLF001 (another one of this class)
        return found or frozenset()

    def _holders(self, key: str) -> Iterable[TaskId]:
        """Under which names an object is in hand. What has no name is done with; so is a comprehension's variable."""
        self._look()
        yield from filter(_has_name, self._in_hand.get(key, ()))
        if self.above is not None:
            yield from self.above._holders(key)  # noqa: SLF001 (another one of this class)

    def other(self, id: TaskId) -> str | None:
        """Who besides has in hand what a task made: the name of one; None if nobody has."""
        chain = self.chain(id)
        for each in chain:
            for key in self.hold(each).itself - chain:
                return _shown(key)
            for holder in self._holders(each):
                if holder not in chain:
                    return _shown(holder)
        return None

    def other_of_items(self, id: TaskId) -> str | None:
        """Who besides has in hand what stands in the places of what a task made; None if nobody has."""
        chain = self.chain(id)
        own = chain.union(*(self._steps_of(each) for each in chain))
        parts = tuple(f"{each}{sign}" for each in own for sign in "[.")
        for key in self.hold(id).inside:
            owner = key.removesuffix("/")
            if key == SHARED:
                return _shown(id)
            if owner not in own and not owner.startswith(parts):
                return _shown(owner)
            for holder in self._holders(key):
                if holder not in own and not holder.startswith(parts):
                    return _shown(holder)
        return None

    # ---------------------------------------------------------------------------------------------------- of tasks

    def _refs(self, ids: Iterable[TaskId]) -> Hold:
        return _all(
            Hold(frozenset({id}) | self.hold(id).itself, self.hold(id).inside)
            for id in ids
            if not self._is_known_plain(id)
        )

    def _is_known_plain(self, id: TaskId) -> bool:
        self._look()
        return id in self._plain or (self.above is not None and self.above._is_known_plain(id))  # noqa: SLF001

    def _of_work(self, work: ir.Work) -> Hold:
        match work:
            case ir.Compute(value):
                return self.of(value, {})
            case ir.Map(result=result, key=key, flatten=flatten):
                found = self._refs([result] if key is None else [result, key])
                return Hold(_NONE, found.inside if flatten else found.both)
            case ir.Display(items=items):
                return Hold(_NONE, self._refs(items).both)
            case ir.First(source=source):
                return Hold(_NONE, self.hold(source).inside)
            case ir.Select(_, then, otherwise):
                return self._refs(each for each in (then, otherwise) if each is not None)
            case ir.Each(tasks=tasks, spliced=spliced, last=last, otherwise=otherwise):
                before = [] if otherwise is None else [otherwise]
                if last:
                    return self._refs([*tasks, *before])
                parts = self._refs(task for task in tasks if task not in spliced).both
                return Hold(_NONE, parts | self._refs([*spliced, *before]).inside)
        return _NOTHING

    def _kind_of_work(self, work: ir.Work) -> str:
        match work:
            case ir.Compute(value):
                return self._kind_of(value)
            case ir.Map(kind=made) | ir.Display(kind=made):
                return "" if made == "tuple" else made
            case ir.Each(last=False):
                return "list"
            case ir.Select(_, str(then), str(otherwise)):
                kind = self.kind(then)
                return kind if kind == self.kind(otherwise) else ""
        return ""

    def _kind_of(self, expr: Expr) -> str:
        """What collection an expression makes anew."""
        match expr:
            case ir.Sequence(kind=made) if made != "tuple":
                return made
            case ir.Comprehension(kind=made):
                return made
            case ir.Dict():
                return "dict"
            case ir.Apply(function) if function in _NEW:
                return _NEW[function]
            case ir.Method(name=name) if name in _NEW_BY_METHOD:
                return _NEW_BY_METHOD[name]
            case ir.Method(base, "copy") | ir.Slice(base):
                return self._known(base) or ANY
            case ir.Binary("+", left, right):
                return "list" if "list" in (self._known(left), self._known(right)) else ""
            case ir.Binary("|" | "&" | "-" | "^", left, right):
                return self._known(left) or self._known(right)
            case ir.Fold(operator, initial) if operator in CHANGES or operator in ("+", "|"):
                return self._known(initial)
        return ""

    def _known(self, expr: Expr) -> str:
        return self.kind(expr.task) if isinstance(expr, ir.Ref) else self._kind_of(expr)

    # ---------------------------------------------------------------------------------------------- of expressions

    def of(self, expr: Expr, names: Mapping[str, Hold]) -> Hold:
        """What the value of an expression is, and what it holds; `names`: the same of its own variables."""
        match expr:
            case ir.Ref(task):
                return self._refs([task])
            case ir.Var(name):
                return names.get(name, _NOTHING)
            case ir.Logic(operands=several):
                return self._several(several, names)
            case ir.Choice(_, then, otherwise):
                return self._several((then, otherwise), names)
            case ir.Index() | ir.Field() if self.is_plain(expr):
                return _NOTHING
            case ir.Index(base, _) | ir.Field(base, _) | ir.Unpacked(base, _, _):
                inside = self.of(base, names).inside
                return Hold(inside, inside)
            case ir.Slice(base=base):
                return Hold(_NONE, self.of(base, names).inside)
            case ir.Binary(operator, left, right):
                inside = self.of(left, names).inside | self.of(right, names).inside
                return Hold(_NONE, inside | {SHARED} if operator == "*" and inside else inside)
            case ir.Sequence(items=items):
                return Hold(_NONE, self._several(items, names).both)
            case ir.Dict(items=pairs):
                return Hold(_NONE, self._several([part for pair in pairs for part in pair], names).both)
            case ir.Comprehension():
                return Hold(_NONE, self._of_comprehension(expr, dict(names)).both)
            case ir.Fold(operator, initial, ir.Sequence("list", (item,))) if operator in CHANGES:
                parts = item.items if is_keyed(operator) and isinstance(item, ir.Sequence) else (item,)
                stored = _NONE.union(*(self.stored(part, as_it_is=puts_as_it_is(operator)) for part in parts))
                before = self.of(initial, names).inside
                twice = {SHARED} if stored & before else _NONE  # what it holds already is put into another place of it
                return Hold(_NONE, before | stored | twice)
            case ir.Fold(initial=initial, items=items):
                return Hold(_NONE, self.of(initial, names).inside | self.of(items, names).inside)
            case ir.Apply():
                return self._of_apply(expr, names)
            case ir.Method(base, name, arguments):
                return self._of_method(HOLDS.get(name), base, arguments, names)
        return _NOTHING

    def _several(self, several: Iterable[Expr], names: Mapping[str, Hold]) -> Hold:
        return _all(self.of(each, names) for each in several)

    def _of_comprehension(self, expr: ir.Comprehension, names: dict[str, Hold]) -> Hold:
        for clause in expr.clauses:
            inside = self.of(clause.iterable, names).inside
            if _makes_objects(clause.iterable) and _says_again(expr, _bound(clause.target)):
                inside |= {SHARED}
            names |= dict.fromkeys(_bound(clause.target), Hold(inside, inside))
        return self._several((expr.element,) if expr.key is None else (expr.key, expr.element), names)

    def _of_apply(self, expr: ir.Apply, names: Mapping[str, Hold]) -> Hold:
        given = [self.of(each, names) for each in expr.arguments]
        named = {name: self.of(value, names) for name, value in expr.keywords if not isinstance(value, ir.Lambda)}
        row = APPLIED.get(expr.function)  # none: another version has it, which wrote a task
        match "itself" if row is None else row.holds:
            case "itself" | "views":
                return _all(given)
            case "tried":
                return _all(given[:2])
            case "one" | "first" as holds:
                of_items = given[:1] if len(given) == 1 or holds == "first" else []
                inside = _all(of_items).inside
                others = [each for each in given if each not in of_items]
                return _all([Hold(inside, inside), *others, *named.values()])
            case "repeated" if len(given) > 1 and not isinstance(expr.arguments[1], ir.Literal):
                return Hold(_NONE, _all(given).both | {SHARED})
            case "entries":
                return Hold(_NONE, _all(given).inside | _all(named.values()).both)
            case "sum":
                return Hold(_NONE, _all(given).inside if len(given) > 1 or named else _NONE)
            case "items" | "repeated":
                return Hold(_NONE, _all(given).inside)
        return _NOTHING

    def _of_method(self, holds: str | None, base: Expr, given: Iterable[Expr], names: Mapping[str, Hold]) -> Hold:
        match holds:
            case "found":
                inside = self.of(base, names).inside
                return _all([Hold(inside, inside), *(self.of(each, names) for each in list(given)[1:])])
            case "views":
                return self.of(base, names)
            case "items":
                return Hold(_NONE, self._several((base, *given), names).inside)
        return _NOTHING


def _makes_objects(iterable: Expr) -> bool:
    """Whether the items that are gone through are collections that are made there, and have no name."""
    match iterable:
        case ir.Sequence(items=items):
            return any(isinstance(item, ir.Sequence | ir.Dict | ir.Comprehension) for item in items)
        case ir.Comprehension(element=element):
            return isinstance(element, ir.Sequence | ir.Dict | ir.Comprehension)
    return False


def _says_again(expr: ir.Comprehension, names: Iterable[str]) -> bool:
    """Whether an item of a comprehension may be put into its result in several places."""
    said = repr(expr.element)
    return len(expr.clauses) > 1 or any(said.count(f"name={name!r}") > 1 for name in names)


def _is_constant(work: ir.Work) -> bool:
    """Whether it is a collection of numbers and texts that stand in the plan."""
    match work:
        case ir.Compute(ir.Sequence(items=items)):
            return all(isinstance(item, ir.Literal) for item in items)
    return False


def _all(several: Iterable[Hold]) -> Hold:
    found = list(several)
    if len(found) == 1:
        return found[0]
    return Hold(_NONE.union(*(each.itself for each in found)), _NONE.union(*(each.inside for each in found)))


def _bound(target: ir.Target) -> list[str]:
    return [target] if isinstance(target, str) else [name for part in target for name in _bound(part)]


def _has_name(id: TaskId) -> bool:
    head, inside, _ = id.rpartition("[]:")
    return name_of(id) is not None and (not inside or _LOOP.search(head) is not None)


def _shown(id: str) -> str:
    """The name under which the plan has an object."""
    whole = id.removesuffix("/").partition("[")[0] if not id.startswith(("for", "if")) else id.removesuffix("/")
    return name_of(whole.rpartition("[]:")[2] or whole) or name_of(whole.partition(".")[0]) or whole
