"""How results are shown to models: what was joined, or all that there is, one line each."""

from __future__ import annotations

import builtins
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeGuard

from superscalar.attachments import Attachment, attachments_in, is_attachment
from superscalar.excerpt import excerpt
from superscalar.models.blocks import inert
from superscalar.observe.wording import counted
from superscalar.plan.ir import (
    Apply,
    Call,
    Comprehension,
    Compute,
    Display,
    Each,
    Expr,
    First,
    Index,
    Join,
    Lambda,
    Literal,
    Map,
    PlanCall,
    Ref,
    Task,
    Text,
    Work,
    walk,
)
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.ir.forms import assert_parts
from superscalar.plan.ir.needs import children
from superscalar.plan.ir.within import INSIDE, is_inside
from superscalar.plan.print.expression import name_of
from superscalar.plan.print.program import print_expr
from superscalar.short import CHARACTERS_PER_TOKEN, cut, more
from superscalar.values import UNNEEDED, Failure, Observation, Outcome, Skipped, TaskId, is_silent, outer, plain

_MOST: Final = 20
"""So many failures, and so many writes, are told one by one, and fewer where there is less room."""

_LAST_ITEM: Final = re.compile(r"(.*)\[(\d+)\]")


def show_joined(tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome], max_tokens: int = 3_000) -> str:
    """What the rounds of a plan join, in program order, in at most about `max_tokens` tokens (four characters each).

    Of the rest nothing is told but what failed, where nothing joined says so, and whether each write was made. What is
    shown looks as in `show_results`. Where nothing is joined, since the plan was broken off, it is all that there is.
    """
    joined = {id: name for id, name in _joined(tasks).items() if id in outcomes}
    if not joined:
        return show_results(tasks, outcomes, max_tokens)
    shown = _Shown(tasks, outcomes)
    room = max_tokens * CHARACTERS_PER_TOKEN
    rest = _RestOfText(shown, outcomes, joined, max(1, min(_MOST, room // 600))).lines(tasks)
    room -= sum(map(len, rest.values()))
    lines: list[str] = []
    left = len(joined)
    for task in tasks:
        if task.id in joined:
            alone = len(joined) == 1 and name_of(task.id) is None and _says_itself(task.work)
            name = joined[task.id] or ("result" if alone else None)
            lines.append(shown.line(task, name, max(80, room // left)))
            room -= len(lines[-1])
            left -= 1
        elif task.id in rest:
            lines.append(rest[task.id])
    return inert("\n".join(lines), "results")


def show_results(
    tasks: Sequence[Task],
    outcomes: Mapping[TaskId, Outcome],
    max_tokens: int = 3_000,
    trusted: Callable[[TaskId], bool] = lambda _: True,
    in_part: Callable[[TaskId, Any, int], str | None] = lambda *_: None,
    hidden: Callable[[TaskId], bool] = lambda _: False,
) -> str:
    """What became of the plan, in program order, in at most about `max_tokens` tokens (four characters each).

    What the plan joins is shown fully first; then failures, and what is left of the room goes to the other results, an
    older version of a name excepted. A list or dict made item by item is shown with what each item is for. A result
    without a name is shown by its expression. Of what is inside of a plan that was called, only failures are told. Long
    values end with their shape ("… 997 more of 1,000 items").

    Of a task that is not `trusted` the status is told, and the type and size of its value or the class of its error:
    no text, no number and no key of it, but for what `in_part` says of its value in so many characters, if anything. Of
    one that is `hidden` nothing is told but that: not even whether it was run, and so nothing else depends on that.
    """
    shown = _Shown(tasks, outcomes, trusted, in_part, hidden)
    joined = _joined(tasks)
    inner = {t.work.result for t in tasks if isinstance(t.work, PlanCall)}  # the call itself says what that is
    first = [t for t in tasks if t.id in outcomes and t.id not in inner and (t.id in joined or shown.failed(t))]
    lines: dict[TaskId, str] = {}
    room = max_tokens * CHARACTERS_PER_TOKEN
    for number, task in enumerate(first):
        share = max(80, (room - sum(map(len, lines.values()))) // (len(first) - number))
        lines[task.id] = shown.line(task, joined.get(task.id), share)
    room -= sum(map(len, lines.values()))
    latest = {name_of(t.id): t.id for t in tasks}
    for task in tasks:
        if task.id in lines or task.id not in outcomes or room <= 80 or is_inside(task.id):
            continue
        name = name_of(task.id)
        work = isinstance(task.work, Call | Map | Display | PlanCall) and not shown.unneeded(task)
        if latest[name] == task.id if name else work:
            line = shown.line(task, None, min(room, 400))
            if len(line) <= room:
                lines[task.id] = line
                room -= len(line)
    whole = "\n".join(lines[t.id] for t in tasks if t.id in lines) or "(nothing was looked up)"
    return inert(whole, "results")


def files_joined(tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome]) -> Iterator[tuple[str, Attachment]]:
    """The files in what `show_joined` shows, each with the name of its result and the steps to it."""
    joined = {id: name for id, name in _joined(tasks).items() if id in outcomes}
    shown = [(task, joined[task.id]) for task in tasks if task.id in joined]
    return _files_of(shown, outcomes) if shown else files_in_results(tasks, outcomes)


def files_in_results(tasks: Sequence[Task], outcomes: Mapping[TaskId, Outcome]) -> Iterator[tuple[str, Attachment]]:
    """The files in all results, in the same way; what is joined comes first."""
    joined = _joined(tasks)
    named = [(task, joined.get(task.id)) for task in tasks]
    return _files_of(sorted(named, key=lambda one: one[0].id not in joined), outcomes)


def _files_of(
    named: Sequence[tuple[Task, str | None]], outcomes: Mapping[TaskId, Outcome]
) -> Iterator[tuple[str, Attachment]]:
    for task, name in named:
        if is_inside(task.id):
            continue  # what the plan joins that is called says what is in it
        said = name or name_of(task.id) or "result"
        for path, file in attachments_in(_there(outcomes.get(task.id))):
            yield f"{said}{path}", file


def _there(outcome: Outcome | None) -> Any:
    """What there is of a value."""
    match outcome:
        case Observation(value):
            return value
        case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
            return [_there(item) for item in items]
    return None


def _joined(tasks: Sequence[Task]) -> dict[TaskId, str | None]:
    """The tasks that a join names, with the name that it gives them; of versions of one name the last one joined."""
    named: dict[TaskId, str | None] = {}
    for task in tasks:
        if isinstance(task.work, Join):
            named |= {item: name for name, item in task.work.items}
    versions = {name or name_of(id) or id: id for id, name in named.items()}
    return {id: named[id] for id in versions.values()}


def _says_itself(work: Work) -> bool:
    """Whether the expression of a value tells less than the value: a text, or what is made in a loop."""
    pending = [work.value] if isinstance(work, Compute) else []
    for part in pending:  # grows while we go through it
        pending += children(part)
    telling = any(isinstance(part, Text | Comprehension | Lambda) for part in pending)
    return telling or isinstance(work, Map) or (isinstance(work, Compute) and isinstance(work.value, Literal))


class _Shown:
    """How each outcome of a plan is written on one line."""

    def __init__(
        self,
        tasks: Sequence[Task],
        outcomes: Mapping[TaskId, Outcome],
        trusted: Callable[[TaskId], bool] = lambda _: True,
        in_part: Callable[[TaskId, Any, int], str | None] = lambda *_: None,
        hidden: Callable[[TaskId], bool] = lambda _: False,
    ) -> None:
        self._outcomes = outcomes
        self._trusted = trusted
        self._in_part = in_part
        self._hidden = hidden
        self._tasks = {task.id: task for task in tasks}
        self._nameless = {task.id: task for task in tasks if name_of(task.id) is None}

    def failed(self, task: Task) -> bool:
        """Whether it failed itself, as far as that is told."""
        failed = isinstance(self._outcomes[task.id], Failure) and not isinstance(task.work, Join)
        return failed and not self._hidden(task.id)

    def unneeded(self, task: Task) -> bool:
        """Whether it was not run since nothing needed it, as far as that is told."""
        return self._outcomes[task.id] == UNNEEDED and not self._hidden(task.id)

    def line(self, task: Task, name: str | None, room: int) -> str:
        """`name: value`, or what happened instead of a value."""
        name = name or self._label(task.id)
        if self._hidden(task.id):
            return f"{name}: withheld"
        outcome = self._outcomes[task.id]
        says_nothing = isinstance(outcome, Skipped) and outcome.items is None
        if not says_nothing and not self._trusted(task.id):
            part = self._in_part(task.id, outcome.value, room) if isinstance(outcome, Observation) else None
            return f"{name}: {summary(outcome) if part is None else part}"
        match outcome:
            case Observation(made):
                items = outer(made)
                things = self._things(task) if isinstance(items, list) else None
                if things is None or len(things) != len(items):
                    return f"{name}: {excerpt(made, room)}"
                return f"{name}: [{excerpt(dict(zip(things, items, strict=True)), room)[1:-1]}]"
            case Failure(items=tuple()) | Skipped(items=tuple()):
                return f"{name}: {self._incomplete(task, outcome, room)}"
            case Failure() as failure:
                return f"{name}: UNKNOWN ({_reason(failure, room)})"
            case Skipped(unneeded=True):
                return f"{name}: not looked up, since nothing needed it"
            case Skipped(because, by_guard):
                return f"{name}: not needed" if by_guard else f"{name}: UNKNOWN ({self._first_cause(because, room)})"

    def _first_cause(self, id: TaskId, room: int) -> str:
        """What went wrong first, for what was not run because of it."""
        id, outcome = self.root(id)
        if outcome is None or self._hidden(id):
            return "not run"
        return _reason(outcome, room) if self._trusted(id) else _cause(outcome)

    def root(self, id: TaskId) -> tuple[TaskId, Outcome | None]:
        """What went wrong first, for what was not run because of `id`, and which task that was."""
        while True:
            outcome = self._outcomes.get(id)
            if outcome is None:  # an item of what is made of others' items has no outcome of its own
                outcome, id = self._item_of(id)
            if not isinstance(outcome, Skipped) or outcome.items is not None:
                return id, outcome
            id = outcome.because

    def _item_of(self, id: TaskId) -> tuple[Outcome | None, TaskId]:
        """The outcome of `xs[0][1]` where only `xs` has one, and the task that has it."""
        holder, indices = id, list[int]()
        while holder not in self._outcomes and (at := _LAST_ITEM.fullmatch(holder)):
            holder = at[1]
            indices.insert(0, int(at[2]))
        outcome = self._outcomes.get(holder)
        for index in indices:
            items = outcome.items if isinstance(outcome, Failure | Skipped) else None
            if items is None or index >= len(items):
                return None, id
            outcome = items[index]
        return outcome, holder

    def _incomplete(self, task: Task | None, outcome: Failure | Skipped, room: int) -> str:
        """What holds items of which some have no value, each at its place."""
        items, holder = outcome.items or (), outcome.holder
        things = [str(key) for key in holder.keys] if holder.kind == "dict" else self._things(task)
        share = max(40, room // max(len(items), 1))
        parts = [self._item(item, share) for item in items[:200]]
        if things is not None and len(things) == len(items):
            parts = [f"{json.dumps(t, ensure_ascii=False)}: {part}" for t, part in zip(things, parts, strict=False)]
        left = [more(len(items) - 200, len(items), "items")] if len(items) > 200 else []
        inside = ", ".join([*parts, *left])
        return f"{{{inside}}}" if holder.kind == "dict" else f"[{inside}]"

    def _item(self, outcome: Outcome, room: int) -> str:
        match outcome:
            case Observation(value):
                return excerpt(value, room)
            case Failure(items=tuple()) | Skipped(items=tuple()):
                return self._incomplete(None, outcome, room)
            case Skipped(by_guard=True):
                return "not needed"
            case Skipped(because):
                return f"UNKNOWN ({self._first_cause(because, 200)})"
            case Failure():
                return f"UNKNOWN ({_reason(outcome, 200)})"

    def _label(self, id: TaskId) -> str:
        """The name in the plan's text, or the expression."""
        return name_of(id) or self.written(id)

    def as_called(self, task: Task) -> str:
        """A call as it is written, whatever name its result has; anything else by its name."""
        name = None if isinstance(task.work, Call) else name_of(task.id)
        return name or self.written(task.id, {} if is_inside(task.id) else {task.id: task})

    def written(self, id: TaskId, inside: Mapping[TaskId, Task] = MappingProxyType({})) -> str:
        """The expression of a task without a name, or of one that stands `inside` the body of a loop."""
        inline = {**self._nameless, **inside}
        if is_inside(id):
            call, _, rest = id.partition(INSIDE)
            said = print_expr(Ref(call), inline) if call in inline else name_of(call) or call
            return f"{cut(said, 120)}{INSIDE}{rest}"
        if id in inline and (asserted := assert_parts(inline[id].work)) is not None:
            return cut(f"assert {print_expr(asserted[0], inline)}", 120)
        return cut(print_expr(Ref(id), inline), 120)

    def _things(self, task: Task | None) -> list[str] | None:
        """What the items of a list or dict are for, all different; None if that is not known."""
        match task.work if task else None:
            case Map(kind="dict", key=str(key)) as work:
                kept = _gone_through(work, (), self._outcomes)[1] if work.ok_of else range(self._count(work.source))
                found = [self._value(_instance(key, (i,))) for i in kept]
                things = [thing for thing in found if thing is not None]
            case Map(kind="list", keep=(), flatten=False, source=source) if self._count(source):
                things = list(self._value(source))
            case Display(kind="dict", keys=keys) if all(isinstance(key, Literal) for key in keys):
                things = [key.value for key in keys if isinstance(key, Literal)]
            case Display(kind="list", items=items):
                things = [self._label(item) for item in items]
            case Each(loop=loop, tasks=(_,), spliced=(), last=False, otherwise=None) if loop in self._tasks:
                return self._things(self._tasks[loop])
            case Compute(Apply("ok", (Ref(source),))) | First(source=source) if source in self._tasks:
                things = self._things_there(source)
            case _:
                return None
        if not things or not all(isinstance(thing, str | int) for thing in things):
            return None
        named = [str(thing) for thing in things]
        return named if len(set(named)) == len(named) else None

    def _things_there(self, source: TaskId) -> list[str]:
        """What those items of a list are for that have a value."""
        named, outcome = self._things(self._tasks[source]) or [], self._outcomes.get(source)
        items = outcome.items if isinstance(outcome, Failure | Skipped) else None
        if items is None:
            return named
        return [thing for thing, item in zip(named, items, strict=False) if isinstance(item, Observation)]

    def _count(self, source: TaskId) -> int:
        value = self._value(source)
        return len(value) if isinstance(value, list | tuple | dict | range) else 0

    def _value(self, id: TaskId) -> Any:
        outcome = self._outcomes.get(id)
        return plain(outcome.value) if isinstance(outcome, Observation) and self._trusted(id) else None


class _RestOfText:
    """What is told of the tasks that nothing joins: what failed, and what became of writes, without a value."""

    def __init__(
        self, shown: _Shown, outcomes: Mapping[TaskId, Outcome], joined: Collection[TaskId], most: int
    ) -> None:
        self._shown = shown
        self._outcomes = outcomes
        self._joined = joined
        self._most = most
        self._looked_at: set[TaskId] = set()
        self._told = {id(failure) for task in joined for failure in self._failures(outcomes[task])}
        self._failed = self._written = 0
        self._any_failed = any(isinstance(outcome, Failure) for outcome in outcomes.values())

    def _failures(self, outcome: Outcome) -> Iterator[Failure]:
        """What made an outcome, or an item of it, one without a value."""
        match outcome:
            case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
                for item in items:
                    yield from self._failures(item)
            case Failure():
                yield outcome
            case Skipped(because) if not is_silent(outcome) and because not in self._looked_at:
                self._looked_at.add(because)
                root = self._shown.root(because)[1]
                if isinstance(root, Failure):
                    yield from self._failures(root)

    def lines(self, tasks: Sequence[Task]) -> dict[TaskId, str]:
        """The lines of each task of which there is something to tell."""
        found: dict[TaskId, list[str]] = {}
        for task in tasks:
            told = [] if task.id in self._joined else list(self._of(task))
            if isinstance(task.work, Map) and (self._any_failed or _writes(task)):
                made: Counter[tuple[str, str]] = Counter()
                told += self._inside(task.work, (), {}, made)
                told += _counts(made)
            if told:
                found[task.id] = told
        for count, things in ((self._written, "writes"), (self._failed, "failures")):
            if count > self._most:
                found[next(reversed(found))].append(more(count - self._most, count, things))
        return {id: "\n".join(told) for id, told in found.items()}

    def _of(self, task: Task) -> Iterator[str]:
        """What is told of a task that is no part of a loop."""
        outcome = self._outcomes.get(task.id)
        if self._is_new(outcome):
            yield f"{self._shown.as_called(task)}: UNKNOWN ({_reason(outcome, 200)})"
        elif isinstance(task.work, Call) and outcome is not None and _writes(task) and outcome != UNNEEDED:
            self._written += 1
            if self._written <= self._most:
                yield f"{self._shown.as_called(task)}: {_fate(outcome)}"

    def _inside(
        self,
        loop: Map,
        at: tuple[int, ...],
        around: Mapping[TaskId, Task],
        made: Counter[tuple[str, str]],
    ) -> Iterator[str]:
        """Each call in a loop that failed; how often each write was made goes to `made`. `at`: in which items of the
        loops `around` it.
        """
        source, items = _gone_through(loop, at, self._outcomes)
        for index, item in items.items():
            inside = {**around, loop.item: Task(loop.item, Compute(_written(source, index, item)))}
            for task in loop.body:
                outcome = self._outcomes.get(_instance(task.id, (*at, index)))
                if isinstance(task.work, Map):
                    yield from self._inside(task.work, (*at, index), inside, made)
                if isinstance(task.work, Call) and outcome is not None and _writes(task) and outcome != UNNEEDED:
                    made[told_name(task.work.tool), _fate(outcome)] += 1
                if self._is_new(outcome):
                    spelled = {part.id: part for part in loop.body if part is task or name_of(part.id) is None}
                    yield f"{self._shown.written(task.id, {**inside, **spelled})}: UNKNOWN ({_reason(outcome, 200)})"

    def _is_new(self, outcome: Outcome | None) -> TypeGuard[Failure]:
        """Whether it is a failure of its own that is to be told, and was not yet."""
        if not isinstance(outcome, Failure) or outcome.items is not None or id(outcome) in self._told:
            return False
        self._told.add(id(outcome))
        self._failed += 1
        return self._failed <= self._most


def _instance(template: TaskId, at: tuple[int, ...]) -> TaskId:
    """The task of a loop's body in these items of the loop, and of those around it."""
    for index in at:
        template = template.replace("[]", f"[{index}]", 1)
    return template


def _gone_through(loop: Map, at: tuple[int, ...], outcomes: Mapping[TaskId, Outcome]) -> tuple[TaskId, dict[int, Any]]:
    """The list that a loop goes through, and its items by the numbers that the instances of its body have.

    That is what `ok` looks at, rather than what it keeps, where the loop went ahead of that.
    """
    if loop.ok_of is not None and loop.body:
        whole = outcomes.get(_instance(loop.ok_of, at))
        items = dict(enumerate(_items(whole)))
        if items and _instance(loop.body[0].id, (*at, len(items) - 1)) in outcomes:
            kept = whole.items if isinstance(whole, Failure | Skipped) else None
            return loop.ok_of, {i: item for i, item in items.items() if not kept or isinstance(kept[i], Observation)}
    return loop.source, dict(enumerate(_items(outcomes.get(_instance(loop.source, at)))))


def _items(source: Outcome | None) -> Sequence[Any]:
    match source:
        case Observation(value):
            items = outer(value)
            return items if isinstance(items, list | tuple | range) else list(items) if isinstance(items, dict) else ()
        case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
            return [item.value if isinstance(item, Observation) else None for item in items]
    return ()


def _written(source: TaskId, index: int, item: Any) -> Expr:
    """How an item of a loop is written where it stands alone: itself, if it is short."""
    if (type(item) is str and len(item) <= 80) or (type(item) is int and item.bit_length() <= 64):
        return Literal(item)
    return Index(Ref(source), Literal(index))  # of what a tool made up nothing is asked, not even its class


def _writes(task: Task) -> bool:
    return any(isinstance(part.work, Call) and part.work.effect == "write" for part in walk((task,)))


def _fate(outcome: Outcome) -> str:
    """What became of a write, without what it returned."""
    if isinstance(outcome, Observation):
        return "done"
    return "not needed" if is_silent(outcome) else "not done"


def _counts(made: Counter[tuple[str, str]]) -> Iterator[str]:
    for tool in dict.fromkeys(tool for tool, _ in made):
        fates = [f"{fate} {counted(count, 'time')}" for (of, fate), count in made.items() if of == tool]
        yield f"{tool}: {', '.join(fates)}"


def summary(outcome: Outcome) -> str:
    """What may be known of a result that is not trusted: whether there is one, of which type, and how large."""
    match outcome:
        case Observation(value):
            return f"withheld ({_size(value)})"
        case Failure():
            return f"UNKNOWN ({_cause(outcome)})"
        case Skipped():
            return "not needed" if outcome.items is None else f"withheld ({outcome})"


def _size(value: Any) -> str:
    match value if is_attachment(value) else outer(value):
        case Attachment():
            return "a file"
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str() as data:
            return f"a text of {counted(len(data), 'character')}"
        case list() as data:
            kinds = {_kind(item) for item in data}
            return f"a list of {counted(len(data), kinds.pop() if len(kinds) == 1 else 'item')}"
        case dict() as data:
            return f"an object with {counted(len(data), 'key')}"
    return "a value"


def _kind(value: Any) -> str:
    match value if is_attachment(value) else outer(value):
        case Attachment():
            return "file"
        case str():
            return "text"
        case int() | float() if not isinstance(value, bool):
            return "number"
        case list():
            return "list"
        case dict():
            return "object"
    return "item"


# Classes of exceptions that are made when they are raised may be named by what was said.
_KNOWN = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}


def _cause(outcome: Outcome) -> str:
    """Why there is no result, without a word of whoever said so."""
    match outcome:
        case Failure(items=tuple(items)):
            failed = sum(not isinstance(item, Observation) and not is_silent(item) for item in items)
            return f"{failed:,} of {counted(len(items), 'item')} failed"
        case Failure(kind="error", error=error) if error in _KNOWN:
            return error
        case Failure(kind=kind):
            return kind
    return "not run"


def _reason(outcome: Outcome, room: int) -> str:
    return cut(" ".join(str(outcome).split()), room)  # on one line: a tool's message must not look like a result
