"""The labels of what tasks leave behind, derived from the graph when somebody asks.

A label is a function of the plan, of the outcomes and of what is declared of the tools: nothing needs to be carried
with the values, recorded or restored. Whoever asks pays for what was not asked before; a run whose policy looks at no
label pays nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Set
from functools import lru_cache, reduce
from typing import Any, Final, TypeAlias

from superscalar.errors import IllegalEvent
from superscalar.events import RoundStarted
from superscalar.labels import NOTHING, PLAN, USER, WORD, Label, Source, gathered, joined, widened
from superscalar.plan.evaluate.labelling import labels_of, said_by
from superscalar.plan.evaluate.narrow import narrowed, shaped, vouched
from superscalar.plan.evaluate.parts import (
    Entries,
    Labelled,
    Parts,
    also,
    concatenated,
    either,
    listed,
    row,
    some,
    whole,
)
from superscalar.plan.ir import (
    Call,
    Compute,
    Display,
    Each,
    Expr,
    First,
    Join,
    Literal,
    Map,
    PlanCall,
    Ref,
    Select,
    Supplied,
    Task,
)
from superscalar.plan.ir.paths import looked_at
from superscalar.schedule.cells import OPEN, SETTLED, Cell, Element, Scope, fate_of
from superscalar.schedule.items import deciding, goes_through, is_left_out_by_ok
from superscalar.schedule.state import Schedule
from superscalar.tools.trust import Declared, Results
from superscalar.values import Failure, Observation, Skipped, TaskId, is_silent

Origin: TypeAlias = Callable[[Cell, Call], Label]
"""What the call of a task adds to the label of its arguments."""

SHOWN: Final = Label([Source("model", "a plan that was written with results in view", trusted=False)])
"""What is added to the label of everything that was planned by a model that had been shown what is not trusted."""


def in_view_of(shown: Label) -> Label:
    """The label of what a model writes that was shown something: of what it read it may put any text together."""
    return shown if shown.told else widened(shown) | SHOWN


class Labels:
    """The labels of one run's tasks.

    `origin` says what calls add; `results`, by alias, what is sure of what tools return that validate it; `question` is
    what the user asked: a constant of the plan that stands there comes from the user. Every task of a round that began
    with a label has that too, since all that its planner wrote was made from that, readers included; but for what the
    first plan repeats of the question. `confidential`: something that was derived is for some readers only.
    """

    def __init__(
        self,
        schedule: Schedule,
        origin: Origin,
        question: str = "",
        results: Mapping[str, Results] | None = None,
    ) -> None:
        self._schedule = schedule
        self._origin = origin
        self._question = question
        self._results = results or {}
        self._known: dict[Cell, Labelled] = {}
        self._passing: dict[Cell, Labelled] = {}  # of holders whose items are not all in: right for this question only
        self._given: dict[Cell, Label] = {}
        self._controls: dict[Scope, Label] = {}
        self._rounds: list[tuple[int, Label]] = []
        self.confidential = False
        self._together: dict[Cell, Label] = {}  # of calls that failed: what the others of their requests were
        self._judged = 0  # how many of these are known

    def begin_round(self, label: Label) -> None:
        """What is planned from now on is made from that too; what is open to everybody changes nothing."""
        if not label.open or self._rounds:
            self._rounds.append((self._schedule.planned, label))
            self.confidential = self.confidential or label.readers is not None

    def let_go(self) -> None:
        """Forget the tasks that were asked about: the run is over."""
        for known in (self._known, self._given, self._together, self._controls):
            known.clear()

    def of_round(self, begun: RoundStarted) -> Label:
        """What the planner of a round that begins now was shown.

        Older journals say of that whether it is trusted. What was trusted was shown then, whoever may read it, and all
        that had been shown before.
        """
        if begun.label is not None:
            return begun.label
        before = self._rounds[-1][1] if self._rounds else NOTHING
        plan = [task.id for task in self._schedule.plan()]
        shown = self.shown(plan if begun.saw_untrusted else [id for id in plan if self._is_trusted(id)])
        return in_view_of(before | shown | (SHOWN if begun.saw_untrusted else NOTHING))

    def _is_trusted(self, id: TaskId) -> bool:
        return whole(self.of(self._schedule.cell(id))).trusted

    def of(self, cell: Cell) -> Labelled:
        """The labels of what a task left behind; of one that has not settled, as far as that is known."""
        found = self._known.get(cell)
        if found is None:
            self._find([cell])
            found = self._known.get(cell) or self._passing[cell]
            self._passing.clear()
        return found

    def given(self, cell: Cell, work: Call, chosen: Set[str]) -> tuple[Label, Label]:
        """The label of all that a call is about to be given, and that of the arguments in `chosen` (by alias) alone.

        What `argument` tells one by one, for every call that a rule may look at: most need to know no more.
        """
        made = picked = NOTHING
        round = self._round(cell) if self._rounds else NOTHING
        known, cells, asked = self._known, cell.scope.cells, self._question
        for name, expression in work.arguments:
            label: Label
            if type(expression) is Literal:
                label = self._constant(expression) if asked else PLAN
            else:
                found = cells.get(expression.task) if type(expression) is Ref else None
                labels = None if found is None else known.get(found) or self._plainly(found)
                if labels is None:
                    return self._joined(cell, work, chosen)
                label = labels if type(labels) is Label else whole(labels)
            if round is not NOTHING and not self._user_said(cell, expression):
                label = label | round
            made = label if made is NOTHING else made | label
            if name in chosen:
                picked = label if picked is NOTHING else picked | label
        self._given[cell] = made if round is NOTHING else made | round
        return made, picked

    def _joined(self, cell: Cell, work: Call, chosen: Set[str]) -> tuple[Label, Label]:
        labels = {name: whole(found) for name, found in self.argument(cell, work)}
        return joined(labels.values()), joined(label for name, label in labels.items() if name in chosen)

    def _plainly(self, cell: Cell) -> Labelled | None:
        """The label of a call that is over, by the shortest way: it is not guarded, in no map, and `given` is known."""
        given = self._given.pop(cell, None)
        task, outcome = cell.task, cell.outcome
        if given is None or task is None or outcome is None or task.guards or cell.scope.owner is not None:
            return None
        if type(outcome) is Failure:  # others may have made it fail
            return None
        labels = self._called(cell, task.work, widened(given))  # type: ignore[arg-type]  # `given` is known of calls alone
        self._known[cell] = labels
        return labels

    def _called(self, cell: Cell, call: Call, given: Label) -> Labelled:
        """The labels of what a call left behind that was made from `given`."""
        origin = self._origin(cell, call)
        self.confidential = self.confidential or origin.readers is not None
        label = given | origin
        if type(cell.outcome) is Failure:
            made = cell.parts[0].cell if cell.parts else cell  # the call that it shares
            return label | self._together.get(made, NOTHING)
        if label.trusted or type(cell.outcome) is not Observation:
            return label
        value = cell.outcome.value
        results = self._results.get(call.tool)
        if results is None:
            return narrowed(label, value)
        shape = results.of(call)
        if results.vouched is None:
            return shaped(label, value, shape)
        return vouched(label, value, results.vouched, given | _trusted(origin), given | _worded(origin), shape)

    def argument(self, cell: Cell, work: Call) -> Iterator[tuple[str, Labelled]]:
        """Each argument of a call that is about to be made, by its alias, and the labels of its value."""
        self._find(list(self.inputs(cell)))
        round = self._round(cell)
        lookup = self._lookup(cell)
        for name, expression in work.arguments:
            labels = self._labels_of(cell, expression, lookup)
            yield name, labels if round is NOTHING or self._user_said(cell, expression) else also(labels, round)
        self._passing.clear()

    def control(self, cell: Cell) -> Label:
        """Where it comes from that a task runs at all: its guards, its maps with their filters, its round."""
        if cell.scope.owner is None and (cell.task is None or not cell.task.guards):
            return self._round(cell) if self._rounds else NOTHING
        self._find(list(self._deciding(cell)))
        made = self._control(cell)
        self._passing.clear()
        return made

    def shown(self, ids: Iterable[TaskId]) -> Label:
        """The label of all that these tasks left behind; of what was not run there is nothing to tell."""
        cells = map(self._schedule.cell, ids)
        return joined(whole(self.of(cell)) for cell in cells if not _says_nothing(cell))

    def joined(self) -> Label:
        """The label of what the last `join(...)` names."""
        last = next((task.id for task in self._schedule.plan() if isinstance(task.work, Join)), None)
        return NOTHING if last is None else whole(self.of(self._schedule.cell(last)))

    # ------------------------------------------------------------------------------------------------------ the walk

    def _find(self, wanted: list[Cell]) -> None:
        """Derive the labels of these tasks and of all that they are made from; no recursion, however long a chain."""
        failed = self._schedule.requests.failed
        while self._judged < len(failed):
            cell = failed[self._judged]
            self._together[cell] = self._of_others(self._schedule.requests.others(cell), set(failed[self._judged :]))
            self._judged += 1
        self._walk(wanted)

    def _of_others(self, others: list[Cell], open: set[Cell]) -> Label:
        """The label of the calls that went out with one that failed, as they were made: one of them may be why it did.

        What these were given came before any of them failed. A list of which they took an item may have got one of
        them since: so what is derived from those that are `open`, of which it is not known yet, holds here only.
        """
        controls, self._controls = self._controls, {}
        self._walk([one for cell in others for one in self.inputs(cell)], open)
        made = NOTHING
        for cell in others:
            call = _work(cell)
            assert isinstance(call, Call)
            made = made | self._given_to(cell, call, self._control(cell)) | self._origin(cell, call)
        self._controls = controls
        self._passing.clear()
        return made

    def _walk(self, wanted: list[Cell], open: Set[Cell] = frozenset()) -> None:
        known, passing = self._known, self._passing
        passed = set(open)
        while wanted:
            cell = wanted[-1]
            if cell in known or cell in passing:
                wanted.pop()
                continue
            inputs = list(self.inputs(cell))
            missing = [one for one in inputs if one not in known and one not in passing]
            if missing:
                wanted.extend(missing)
                continue
            wanted.pop()
            labels = self._derived(cell)
            whole(labels)  # it is kept there: asked for later, lists within lists would need recursion
            if open and not passed.isdisjoint(inputs):
                passed.add(cell)
            (known if cell.status is SETTLED and cell not in passed else passing)[cell] = labels

    def inputs(self, cell: Cell) -> Iterator[Cell]:
        """The tasks whose labels go into that of `cell`; all of them came before it."""
        task = cell.task
        if task is None:
            yield self._list_of(cell)
            return
        for need in task.needs:
            yield self._found(cell, need.task)
        yield from self._deciding(cell)
        for element in self._elements(cell):
            yield from deciding(element)
            if is_left_out_by_ok(element):
                continue
            yield element.cell
            if element.key is not None:
                yield element.key
            yield from self._guards(element.cell)

    def _deciding(self, cell: Cell) -> Iterator[Cell]:
        """The tasks that decide whether a task runs at all, as far as their labels are not known together already."""
        for guard in () if cell.task is None else cell.task.guards:
            yield self._found(cell, guard.condition)
        owner = cell.scope.owner
        source = cell.scope.source
        if owner is not None and source is not None and cell.scope not in self._controls:
            yield from self._outside(owner)
            yield from source.keep

    def _outside(self, owner: Cell) -> Iterator[Cell]:
        """What decides on the items of a map: its source, and what decides on the map itself."""
        while True:
            task = owner.task
            if task is None or not isinstance(task.work, Map):
                raise IllegalEvent(f"`{owner.id}` is the owner of items, but no map")
            yield goes_through(owner, task.work)
            for guard in task.guards:
                yield self._found(owner, guard.condition)
            if owner.scope.owner is None or owner.scope.source is None:
                return
            yield from owner.scope.source.keep
            owner = owner.scope.owner

    def _found(self, cell: Cell, task: TaskId) -> Cell:
        found = cell.scope.find(task)
        if found is None:
            raise IllegalEvent(f"`{cell.id}` refers to `{task}`, which does not exist")
        return found

    def _lookup(self, cell: Cell) -> Callable[[TaskId], Labelled]:
        def lookup(task: TaskId) -> Labelled:
            found = self._found(cell, task)
            labels = self._known.get(found)
            return self._passing[found] if labels is None else labels

        return lookup

    def _elements(self, cell: Cell) -> tuple[Element, ...]:
        """The items that a map, a `first` or the end of a loop has gathered so far."""
        return tuple(cell.parts) if isinstance(_work(cell), Map | First | Each) else ()

    # ----------------------------------------------------------------------------------------------------- one task

    def _derived(self, cell: Cell) -> Labelled:
        if cell.task is None:
            return self._item(cell)
        control = self._control(cell)
        labels = self._of_work(cell, cell.task, control)
        if isinstance(cell.task.work, Call | PlanCall):
            return labels
        if isinstance(cell.outcome, Observation):
            return (
                also(labels, control) if isinstance(labels, Parts) else narrowed(labels | control, cell.outcome.value)
            )
        if isinstance(cell.task.work, Display | Map) and isinstance(labels, Parts):
            return also(labels, control)  # each item has an outcome of its own
        return control | whole(labels) | joined(whole(self._of(one)) for one in self.inputs(cell))

    def _of_work(self, cell: Cell, task: Task, control: Label) -> Labelled:
        lookup = self._lookup(cell)
        match task.work:
            case Call(enters=True) if not self._is_asked(cell):
                return NOTHING
            case Call() as call:
                return self._called(cell, call, self._given_to(cell, call, control))
            case Compute(value):
                return self._labels_of(cell, value, lookup)
            case PlanCall(_, result):
                return lookup(result)
            case Supplied(label=label):
                return label
            case Display(kind, items, keys):
                return self._displayed(cell, kind, [self._found(cell, item) for item in items], keys)
            case Select(condition, then, otherwise):
                decided = self._found(cell, condition).outcome
                version = (then if decided.value else otherwise) if isinstance(decided, Observation) else None
                return also(lookup(version) if version is not None else NOTHING, whole(lookup(condition)))
            case Join(items):
                if len(items) == 1 and items[0][0] is None:
                    return lookup(items[0][1])
                named: dict[Hashable, Labelled] = {
                    (i if name is None else name): lookup(one) for i, (name, one) in enumerate(items)
                }
                return Parts(PLAN, named, len(items) if items and items[0][0] is None else None)
            case Map() as work:
                return self._mapped(cell, work)
            case First(count, source):
                chosen = whole(labels_of(count, lookup, self._constant)) | self._all(cell) | whole(lookup(source))
                return widened(chosen)
            case Each(last=False) as work:
                return self._gathered(cell, work)
            case Each(loop, otherwise=otherwise):
                before = NOTHING if otherwise is None else whole(lookup(otherwise))
                return self._all(cell) | self._shape(lookup(loop)) | before

    def _is_asked(self, entry: Cell) -> bool:
        """Whether what a plan is given that is called has decided on whether it is entered."""
        if entry.outcome is None or entry.outcome == OPEN or is_silent(entry.outcome):
            return False
        kept = () if entry.scope.source is None else entry.scope.source.keep
        return all(isinstance(one.outcome, Observation) for one in (*self._guards(entry), *kept))

    def _given_to(self, cell: Cell, call: Call, control: Label) -> Label:
        """The label of all that a call is made from; a tool may put together what it is given."""
        lookup = self._lookup(cell)
        return widened(joined(whole(self._labels_of(cell, value, lookup)) for _, value in call.arguments)) | control

    def _labels_of(self, cell: Cell, expression: Expr, lookup: Callable[[TaskId], Labelled]) -> Labelled:
        """The labels of an expression; whoever sees a part of it knows that there is all that it was computed from.

        What fails says so to whoever is called after it with another part, or is not: so that is for those readers.
        """
        labels = labels_of(expression, lookup, self._constant)
        if not self.confidential or type(expression) is Ref:
            return labels
        parts = looked_at(expression, lambda task: _gathers(self._found(cell, task)))
        readers = joined(whole(labels_of(part, lookup, self._constant)) for part in parts).readers
        return labels if readers is None else also(labels, Label((), readers))

    def _displayed(self, cell: Cell, kind: str, items: list[Cell], keys: tuple[Any, ...]) -> Labelled:
        labels = [self._of(item) for item in items]
        if kind in ("list", "tuple"):
            return row(PLAN, labels)
        if kind == "set":
            return PLAN | gathered(map(whole, labels))
        lookup = self._lookup(cell)
        shape = PLAN | widened(joined(whole(labels_of(key, lookup, self._constant)) for key in keys))
        if all(isinstance(key, Literal) for key in keys):
            return Entries(shape, dict(zip((key.value for key in keys), labels, strict=True)))
        return Entries(shape, {}, each=reduce(either, labels))

    def _mapped(self, cell: Cell, work: Map) -> Labelled:
        """A list keeps the labels of its items, as long as each is at the position that it has in the source."""
        shape = PLAN | self._shape(self._of(goes_through(cell, work)))
        filters = joined(whole(self._of(one)) for part in cell.parts for one in deciding(part))
        shape = shape | widened(filters)  # yes and no, one after the other, can spell
        there = [part for part in cell.parts if part.fate().counts]
        labels: list[Labelled] = [self._of(part.cell) for part in there]
        if work.kind == "set":
            return widened(shape | self._all(cell))
        if work.kind == "dict":
            keys = joined(whole(self._of(part.key)) for part in there if part.key is not None)
            return Entries(shape | widened(keys), {}, each=reduce(either, labels) if labels else NOTHING)
        items = also(concatenated(map(listed, labels)), shape) if work.flatten else row(shape, labels)
        return some(items.shape, items.any) if work.keep else items

    def _gathered(self, cell: Cell, work: Each) -> Labelled:
        """What a loop added to a list keeps the labels of its items; what decides whether one is added, all have."""
        shape = PLAN | self._shape(self._of(self._found(cell, work.loop)))
        lists = [] if work.otherwise is None else [listed(self._of(self._found(cell, work.otherwise)))]
        for part in cell.parts:
            conditions = [*deciding(part), *(() if is_left_out_by_ok(part) else self._guards(part.cell))]
            shape = shape | widened(joined(whole(self._of(one)) for one in conditions))
            if not self._adds(part):
                lists.append(some(PLAN, NOTHING))
                continue
            labels, task = self._of(part.cell), part.cell.task
            added = listed(labels) if task is not None and task.id in work.spliced else row(PLAN, [labels])
            lists.append(some(added.shape, added.any) if conditions else added)
        return also(concatenated(lists), shape)

    def _adds(self, part: Element) -> bool:
        """Whether a loop adds an item to a list there, as far as its filters and conditions say."""
        guards = () if part.cell.task is None else part.cell.task.guards
        conditions = [(one, True) for one in part.keep]
        conditions += [(self._found(part.cell, guard.condition), guard.expected) for guard in guards]
        return fate_of(conditions, part.cell.outcome).counts

    def _guards(self, cell: Cell) -> Iterator[Cell]:
        for guard in () if cell.task is None else cell.task.guards:
            yield self._found(cell, guard.condition)

    def _all(self, cell: Cell) -> Label:
        """Everything that the items of a map, a `first` or a loop were made from, their filters and keys included."""
        made = NOTHING
        for part in cell.parts:
            made_of = () if is_left_out_by_ok(part) else (part.cell, *(() if part.key is None else (part.key,)))
            for one in (*made_of, *deciding(part)):
                made = made | whole(self._of(one))
        return made

    def _of(self, cell: Cell) -> Labelled:
        labels = self._known.get(cell)
        return self._passing[cell] if labels is None else labels

    def _shape(self, labels: Labelled) -> Label:
        """Where it comes from how many items there are, and in which order; of a mapping, which keys it has."""
        return listed(labels).shape

    def _item(self, cell: Cell) -> Labelled:
        """The labels of an item of a value that came as a whole."""
        source = self._of(self._list_of(cell))
        place = f"{self._list_of(cell).id}["
        if not cell.id.startswith(place):  # one that has no value; or the condition that one has
            return widened(whole(source)) if cell.parts[0].fate().counts else NOTHING  # else a filter decided on that
        return listed(source)[int(cell.id[len(place) : -1])]

    def _list_of(self, cell: Cell) -> Cell:
        """The task whose value an item without a task of its own is part of."""
        return cell.parts[0].cell

    # ---------------------------------------------------------------------------------------------------- control

    def _control(self, cell: Cell) -> Label:
        made = self._scope_control(cell.scope) if cell.scope.owner is not None else NOTHING
        if cell.task is not None:
            for guard in cell.task.guards:
                made = made | whole(self._of(self._found(cell, guard.condition)))
        if not self._rounds:
            return made
        if (
            cell.task is not None
            and isinstance(cell.task.work, Compute)
            and self._user_said(cell, cell.task.work.value)
        ):
            return made
        return made | self._round(cell)

    def _scope_control(self, scope: Scope) -> Label:
        """What decides on the items of a map: how many there are, their filters, and whether it runs at all."""
        made = self._controls.get(scope)
        if made is None:
            made = NOTHING
            inner: Scope | None = scope
            while inner is not None and (owner := inner.owner) is not None and inner.source is not None:
                work = _work(owner)
                assert isinstance(work, Map)
                assert owner.task is not None
                made = made | self._shape(self._of(goes_through(owner, work)))
                for one in (*inner.source.keep, *(self._found(owner, g.condition) for g in owner.task.guards)):
                    made = made | whole(self._of(one))
                inner = owner.scope
            self._controls[scope] = made
        return made

    def _user_said(self, cell: Cell, expression: Expr) -> bool:
        """Whether an expression of the first plan is a constant of the user, or a name for one that no condition chose.

        The user asks with earlier answers in view. In a later round it is results that say which of the user's words
        to take, so there it makes no difference whose they are.
        """
        if self._rounds[0][0] != 0 or (len(self._rounds) > 1 and cell.order[0] >= self._rounds[1][0]):
            return False
        if type(expression) is Ref:
            found = cell.scope.find(expression.task)
            task = None if found is None or found.scope.owner is not None else found.task
            if task is None or task.guards or not isinstance(task.work, Compute):
                return False
            expression = task.work.value
        return type(expression) is Literal and self._constant(expression) == USER

    def _constant(self, literal: Literal) -> Label:
        return USER if said_by(self._question, literal.value) else PLAN

    def _round(self, cell: Cell) -> Label:
        rounds = self._rounds
        if not rounds:
            return NOTHING
        at = bisect_right(rounds, cell.order[0], key=lambda begun: begun[0])
        return rounds[at - 1][1] if at else NOTHING


def labels_by(schedule: Schedule, declared: Mapping[str, Declared], question: str) -> Labels:
    """The labels of a run's tasks by what its tools, by alias, said of their results; of others nothing is trusted."""

    def origin(_cell: Cell, call: Call) -> Label:
        said = declared.get(call.tool)
        if said is None:
            return Label([Source("tool", call.tool, trusted=False)])
        sources = [] if said.trust is None else [Source("tool", said.name, said.trust == "trusted")]
        return Label(sources, said.readers)

    results = {alias: said.results for alias, said in declared.items() if said.results is not None}
    return Labels(schedule, origin, question, results)


@lru_cache(maxsize=4_096)
def _trusted(origin: Label) -> Label:
    """The label of what a call adds to those parts of its result that its tool vouches for."""
    return Label([source._replace(trusted=True) for source in origin.sources], origin.readers)


@lru_cache(maxsize=4_096)
def _worded(origin: Label) -> Label:
    """The same of a text that somebody else may have chosen."""
    return Label([source._replace(trusted=True, type=WORD) for source in origin.sources], origin.readers)


def _work(cell: Cell) -> Any:
    return None if cell.task is None else cell.task.work


def _gathers(cell: Cell) -> bool:
    """Whether the parts of what a task leaves behind may be there one by one."""
    return not isinstance(_work(cell), Call | Compute | None)


def _says_nothing(cell: Cell) -> bool:
    """Whether a task left nothing behind, not even items."""
    outcome = cell.outcome
    return outcome is None or (isinstance(outcome, Skipped) and outcome.items is None)
