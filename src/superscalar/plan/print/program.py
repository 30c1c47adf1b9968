"""Plans as source text of the `python` front end, for people, for models that continue them, and for golden tests.

What is read off a task's id (rule L31, and `plan.ir`):

- `x`, `x.2`: an assignment to `x`. A reference to either prints as `x`, the latest version at that point.
- `notify()`, `notify().2`: a bare statement, unless something refers to it.
- `(a, b)`: the value that `a, b = ...` unpacks; the tasks `a` and `b` that take it apart print nothing.
- `...:t`, `...:(k, v)`: a name that lives in a map only, like its item.
- `for`, `if`: a loop, and the condition of an `if`. What a select chooses and what leaves a loop is said by them.
- anything else was lifted out of a later task and prints there. Should it be used more than once (plans of other front
  ends), it prints as an assignment to a made-up name instead, so that no call is ever written twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from superscalar.plan import ir
from superscalar.plan.ir import Expr, Guard, Task, walk
from superscalar.plan.ir.changes import BEGUN, CHANGES, MIXED, is_keyed
from superscalar.plan.ir.forms import assert_parts, errors_of, is_assert, steps_of
from superscalar.plan.ir.within import without_insides
from superscalar.plan.print.expression import (
    ATOM,
    LAMBDA,
    OR,
    ExpressionPrinter,
    item_text,
    name_of,
    target_text,
    targets_of,
    unpacked_name,
)
from superscalar.plan.print.header import as_comment, header_lines
from superscalar.values import TaskId

_NOTHING: Final[Mapping[TaskId, Task]] = MappingProxyType({})
_INDENT: Final = "    "
_LOOP: Final = re.compile(r"(?:^|\[\]\.)for(?:\.\d+)?$")
_IF: Final = re.compile(r"(?:^|\[\]\.)if(?:\.\d+)?$")


def print_expr(expr: Expr, inline: Mapping[TaskId, Task] = _NOTHING) -> str:
    """An expression as text that reads back as the same expression.

    A reference to a task of `inline` is printed as that task's own expression, any other as the task's name.
    """
    bodies = {task.id: task for task in walk(tuple(inline.values()))}
    return ExpressionPrinter({**bodies, **inline}, {}).at(LAMBDA, expr)


def print_plan(tasks: Sequence[Task]) -> str:
    """A plan as text, one statement a line, that reads back as the same tasks with the same ids.

    Arguments are printed with their names. An `if` is printed for tasks in a row whose guards agree. The text of a plan
    that was printed and read back is the same text.
    """
    tasks = without_insides(tuple(tasks))
    printer = _PlanPrinter(tasks)
    return "".join(f"{line}\n" for line in (*header_lines(tasks), *_lines(printer.block(tasks))))


@dataclass(slots=True)
class _If:
    condition: TaskId
    text: str
    then: _PrintedBlock = field(default_factory=list)
    otherwise: _PrintedBlock = field(default_factory=list)


@dataclass(slots=True)
class _For:
    head: str
    body: _PrintedBlock


_PrintedBlock: TypeAlias = "list[str | _If | _For]"


def _lines(block: _PrintedBlock, indent: str = "") -> Iterator[str]:
    for part in block:
        match part:
            case str():
                yield indent + part
            case _For(head, body):
                yield indent + head
                yield from _lines(body, indent + _INDENT)
            case _If():
                yield from _if_lines(part, indent, "if")


def _if_lines(part: _If, indent: str, word: str) -> Iterator[str]:
    yield f"{indent}{word} {part.text}:"
    yield from _lines(part.then or ["pass"], indent + _INDENT)
    match part.otherwise:
        case []:
            return
        case [_If() as chained]:
            yield from _if_lines(chained, indent, "elif")
        case otherwise:
            yield f"{indent}else:"
            yield from _lines(otherwise, indent + _INDENT)


class _PlanPrinter:
    def __init__(self, tasks: Sequence[Task]) -> None:
        self._names: dict[TaskId, str] = {}
        self._statements: set[TaskId] = set()
        self._inline: dict[TaskId, Task] = {}
        self._items = {task.work.item for task in walk(tuple(tasks)) if isinstance(task.work, ir.Map)}
        self._targets: dict[TaskId, list[Task]] = {}
        for task in walk(tuple(tasks)):
            if self._is_target(task):
                self._targets.setdefault(next(_refs(task.work)), []).append(task)
        self._eaches = {task.id: task.work for task in walk(tuple(tasks)) if isinstance(task.work, ir.Each)}
        self._steps: dict[TaskId, tuple[str, str]] = {}
        for task in walk(tuple(tasks)):
            self._find_steps(task)
        self._by_id = {task.id: task for task in walk(tuple(tasks))}
        self._tried = {task.id: steps for task in walk(tuple(tasks)) if (steps := steps_of(task)) is not None}
        self._in_try = {step: id for id, steps in self._tried.items() for step in steps}
        self._asserts = {task.id for task in tasks if is_assert(task.work)}
        self._place(tasks)
        self._printer = ExpressionPrinter(self._inline, self._names)

    def _find_steps(self, task: Task) -> None:
        """Note what stands before and behind the statements of a loop that add to the name of this task."""
        name = name_of(task.id)
        match task.work:
            case ir.Each(last=False) if name is not None:
                self._add_steps(task.work, name, ".append")
            case ir.Compute(ir.Fold(operator, _, ir.Ref(each))) if each in self._eaches and name is not None:
                self._add_steps(self._eaches[each], name, operator)
            case ir.Compute(ir.Binary("+", _, ir.Ref(each))) if (
                each == f"{task.id}.each" and each in self._eaches and name is not None
            ):
                self._add_steps(self._eaches[each], name, ".append")

    def _add_steps(self, each: ir.Each, name: str, operator: str) -> None:
        for task in each.tasks:
            if task in each.spliced:
                self._add_steps(self._eaches[task], name, operator)
            else:
                self._steps[task] = name, operator

    def _is_target(self, task: Task) -> bool:
        """Whether it is the part of a value that a target's name stands for, and so is said where that is unpacked.

        The parts of an item have no tasks, until somebody needs one, and then no name.
        """
        name = unpacked_name(task.work.value) if isinstance(task.work, ir.Compute) else None
        return name is not None and name_of(task.id) == (None if next(_refs(task.work)) in self._items else name)

    def _is_said_by_a_block(self, task: Task) -> bool:
        """Whether a block, a target or the header says it: a select, what leaves a loop, a named part, an input."""
        if self._is_target(task):
            return task.id not in self._steps
        match task.work:
            case ir.Select() | ir.Each() | ir.Supplied():
                return True
            case ir.Compute(ir.Fold(items=ir.Ref(each)) | ir.Binary("+", _, ir.Ref(each))):
                return each in self._eaches and each == f"{task.id}.each"
        return False

    def _place(self, tasks: Sequence[Task]) -> None:
        """Decide for every task of a block whether it is a statement, prints inline, or needs a made-up name.

        The users of a task all come later, so they are looked at before it is.
        """
        mentioned = {ref for task in tasks for ref in _refs(task.work)}
        mentioned |= {guard.condition for task in walk(tuple(tasks)) for guard in task.guards}
        taken = {name for task in walk(tuple(tasks)) if (name := name_of(task.id)) is not None}
        uses: Counter[TaskId] = Counter()
        for task in reversed(tasks):
            if name_of(task.id) or targets_of(task.id) or task.id not in mentioned or is_assert(task.work):
                self._statements.add(task.id)
            elif uses[task.id] > 1 or task.id in self._tried:
                self._names[task.id] = _fresh(task.id, taken)
                self._statements.add(task.id)
            else:
                self._inline[task.id] = task
            if task.id in self._statements:
                uses.update({guard.condition for guard in task.guards if not uses[guard.condition]})
            times = 1 if task.id in self._statements else uses[task.id]
            for ref in _refs(task.work):
                uses[ref] += times
            if isinstance(task.work, ir.Map):
                if self._is_loop(task):
                    self._place(task.work.body)
                else:
                    self._inline |= {inner.id: inner for inner in walk(task.work.body)}

    def _is_loop(self, task: Task) -> bool:
        return isinstance(task.work, ir.Map) and task.id in self._statements and _LOOP.search(task.id) is not None

    def block(
        self, tasks: Iterable[Task], outer: tuple[Guard, ...] = (), within: TaskId | None = None
    ) -> _PrintedBlock:
        """The lines of tasks that have the guards `outer`; `within`: the `try` in which they stand."""
        top: _PrintedBlock = []
        for task in tasks:
            if task.id not in self._statements or self._is_said_by_a_block(task):
                continue
            if self._in_try.get(task.id) != within:
                continue  # that says it
            lines = self._statement(task)
            block = top
            for guard in task.guards:
                if guard not in outer and guard.condition not in self._asserts:
                    block = self._arm(block, guard)
            block.extend(lines)
        return top

    def _statement(self, task: Task) -> _PrintedBlock:
        self._printer.printed.clear()
        if isinstance(task.work, ir.Map) and self._is_loop(task):
            source = self._printer.task(OR, task.work.source)
            head = _For(f"for {item_text(task.work)} in {source}:", [])
            lines = _comments([*self._printer.printed, task])
            head.body = self.block(task.work.body, task.guards)
            return [*lines, head]
        if _IF.search(task.id) is not None:  # nothing stands in its arms
            return [*_comments([task]), _If(task.id, self._condition(task.id))]
        if (step := self._steps.get(task.id)) is not None:
            text = self._step(task, *step)
            return [*_comments(self._printer.printed), *text.split("\n")]
        match task.work, name_of(task.id):
            case work, None if (asserted := assert_parts(work)) is not None:
                self._printer.printed.append(task)
                line = f"assert {', '.join(self._printer.at(LAMBDA, part) for part in asserted)}"
                return [*_comments(self._printer.printed), line]
            case ir.Compute(ir.Apply("except", (ir.Ref(tried), fallback, *_)) as attempt), _:
                return self._try(task, tried, fallback, errors_of(attempt))
            case ir.Compute(ir.Fold(operator, _, ir.Sequence("list", (item,)))), str(own) if operator in CHANGES:
                self._printer.printed.append(task)
                text = self._change(own, operator, item)
                return [*_comments(self._printer.printed), text]
        text = self._printer.work(task)
        if isinstance(task.work, ir.Join):
            pass
        elif (target := targets_of(task.id)) is not None:
            text = f"{target_text(target)} = {text}"
            self._printer.printed.extend(self._targets.get(task.id, ()))
        elif (name := self._names.get(task.id) or name_of(task.id)) is not None:
            text = f"{name} = {text}"
        return [*_comments(self._printer.printed), text]

    def _try(self, task: Task, tried: TaskId, fallback: Expr, errors: tuple[str, ...]) -> _PrintedBlock:
        """A `try`, with what is assigned in it before what is tried."""
        own = self._names.get(task.id) or name_of(task.id)
        inside = self.block([self._by_id[step] for step in self._tried[task.id]], task.guards, within=task.id)
        self._printer.printed.clear()
        self._printer.printed.append(task)
        value, instead = self._printer.task(LAMBDA, tried), self._printer.at(LAMBDA, fallback)
        steps = list(_lines(inside, _INDENT))
        caught = f"({', '.join(errors)})" if len(errors) > 1 else "".join(errors) or "Exception"
        lines = ["try:", *steps, f"{_INDENT}{own} = {value}", f"except {caught}:", f"{_INDENT}{own} = {instead}"]
        return [*_comments(self._printer.printed), *lines]

    def _step(self, task: Task, name: str, operator: str) -> str:
        """A statement of a loop that adds to a name, or changes it."""
        if operator not in CHANGES:
            return f"{name} {operator}= {self._printer.work(task)}"
        self._printer.printed.append(task)
        match task.work:
            case ir.Compute(value):
                return self._change(name, operator, value)
            case ir.Display("tuple", items) if is_keyed(operator):
                return self._change(name, operator, ir.Sequence("tuple", tuple(map(ir.Ref, items))))
        self._printer.printed.pop()
        return CHANGES[operator].format(name, self._printer.work(task))

    def _change(self, name: str, operator: str, item: Expr) -> str:
        """A statement that changes a collection in place."""
        match item:
            case ir.Sequence("tuple", (said, *parts)) if operator == MIXED:
                how = self._said(said)
                return self._change(name, how, ir.Sequence("tuple", tuple(parts)) if is_keyed(how) else parts[0])
            case ir.Sequence("tuple", (key, begin, *changes)) if operator == BEGUN:
                lines = [self._changed_entry(name, key, each) for each in changes]
                texts = [self._printer.at(LAMBDA, part) for part in (key, begin)]
                return CHANGES[operator].format(name, *texts, "\n    ".join(lines))
            case ir.Sequence("tuple", (*first, last)) if is_keyed(operator):
                level = ATOM if operator.startswith("get") else LAMBDA
                texts = [self._printer.at(LAMBDA, part) for part in first]
                return CHANGES[operator].format(name, *texts, self._printer.at(level, last))
        return CHANGES[operator].format(name, self._printer.at(LAMBDA, item))

    def _changed_entry(self, name: str, key: Expr, change: Expr) -> str:
        """A change of an entry that is there."""
        operator, *rest = self._parts_of(change)
        return self._change(name, self._said(operator), ir.Sequence("tuple", (key, *rest)))

    def _parts_of(self, expr: Expr) -> tuple[Expr, ...]:
        """The items of a tuple, or of what is one."""
        task = self._by_id.get(expr.task) if isinstance(expr, ir.Ref) else None
        match task.work if task else ir.Compute(expr):
            case ir.Compute(ir.Sequence("tuple", items)):
                return items
            case ir.Display("tuple", ids):
                return tuple(map(ir.Ref, ids))
        return (expr,)

    def _said(self, expr: Expr) -> str:
        """The text that an expression is, or the task of it."""
        task = self._by_id.get(expr.task) if isinstance(expr, ir.Ref) else None
        match task.work if task else ir.Compute(expr):
            case ir.Compute(ir.Literal(str(text))):
                return text
        return ""

    def _arm(self, block: _PrintedBlock, guard: Guard) -> _PrintedBlock:
        """The arm that a guard puts a statement into: one of the last `if`, if it is the same, or of a new one."""
        last = block[-1] if block else None
        same = isinstance(last, _If) and last.condition == guard.condition
        if not (isinstance(last, _If) and same and not (guard.expected and last.otherwise)):
            self._printer.printed.clear()
            text = self._condition(guard.condition)
            block += _comments(self._printer.printed)
            last = _If(guard.condition, text)
            block.append(last)
        return last.then if guard.expected else last.otherwise

    def _condition(self, id: TaskId) -> str:
        """The condition of an `if`, as it stands in its line."""
        task = self._by_id.get(id)
        match task.work if task else None:
            case ir.Compute(ir.Apply("bool", (tested,))) if task is not None:
                self._printer.printed.append(task)
                return self._printer.at(LAMBDA, tested)
            case ir.Compute(tested) if task and id in self._statements and _IF.search(id):  # nothing stands in its arms
                self._printer.printed.append(task)
                return self._printer.at(LAMBDA, tested)
        return self._printer.task(LAMBDA, id)


def _fresh(task: TaskId, taken: set[str]) -> str:
    stem = re.sub(r"\W+", "_", task).strip("_")
    stem = stem if stem.isidentifier() and name_of(stem) else f"step_{stem}".rstrip("_")
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name


def _refs(work: object) -> Iterator[TaskId]:
    """The tasks that an expression or a task's work refers to, once per place where it does."""
    match work:
        case ir.Ref(task):
            yield task
        case ir.Apply("except", (tried, fallback, *_)):
            yield from _refs((tried, fallback))
        case ir.PlanCall(entry):
            yield entry
        case ir.Map(source):
            yield source
            for inner in work.body:
                yield from _refs(inner.work)
                yield from _refs(inner.work)  # a body is run many times: what it uses is best not written inside it
        case ir.Display(_, items, keys):
            yield from items
            yield from _refs(keys)
        case ir.First(count, source):
            yield from _refs(count)
            yield source
        case ir.Join(items, whole_plan):
            yield from (() if whole_plan else (task for _, task in items))
        case ir.Select() | ir.Each():
            return
        case tuple():
            for part in work:
                yield from _refs(part)
        case _ if is_dataclass(work):
            for slot in fields(work):
                yield from _refs(getattr(work, slot.name))
        case _:
            return


def _comments(tasks: Iterable[Task]) -> list[str | _If | _For]:
    """The thoughts of the tasks that a statement is made of, each once, as comment lines."""
    lines = dict.fromkeys(task.thought for task in tasks if task.thought)
    return [as_comment(line) for thought in lines for line in re.split(r"\r\n|\r|\n", thought)]
