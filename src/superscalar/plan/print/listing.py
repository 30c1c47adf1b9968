"""Tasks as lines, for who wants to see the graph rather than the program: every task has one, with its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superscalar.plan.ir import Call, Compute, Map, PlanCall, Supplied, Task
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.passes.base import Note
from superscalar.plan.passes.pipeline import Stage
from superscalar.plan.print.program import print_expr
from superscalar.values import TaskId

_INDENT = "    "


def explanation(stages: Sequence[Stage]) -> str:
    """What each pass did to a plan and why: the plan after it, with its notes under the tasks that they are about.

    Of a pass that only noted something those tasks are shown, and no others.
    """
    lines: list[str] = []
    before: tuple[Task, ...] = ()
    for number, stage in enumerate(stages, 1):
        lines += [""] if lines else []
        lines.append(f"{number}. {stage.name}: {stage.purpose}")
        notes: dict[TaskId, list[Note]] = {}
        for note in stage.notes:
            notes.setdefault(note.task, []).append(note)
        changed = stage.tasks != before
        if not changed and not notes:
            lines.append(f"{_INDENT}nothing to do")
        for task, line in listing(stage.tasks):
            if changed or task in notes:
                lines.append(_INDENT + line)
            depth = len(line) - len(line.lstrip())
            lines += [f"{_INDENT}{' ' * depth}  - {note.text}" for note in notes.get(task, ())]
        before = stage.tasks
    return "".join(f"{line}\n" for line in lines)


def listing(tasks: Sequence[Task], indent: str = "") -> Iterator[tuple[TaskId, str]]:
    """Every task's id and a line for it, a map before its body: `id = work`, its guards, and what it comes after."""
    for task in tasks:
        more = [f"{'if' if guard.expected else 'unless'} {guard.condition}" for guard in task.guards]
        more += [f"after {before}" for before in task.after]
        if isinstance(task.work, Call) and task.work.effect == "write":
            more.insert(0, "write")
        yield task.id, f"{indent}{task.id} = {_work(task)}" + (f"  ({', '.join(more)})" if more else "")
        if isinstance(task.work, Map):
            yield from listing(task.work.body, indent + _INDENT)


def _work(task: Task) -> str:
    match task.work:
        case Call(tool, arguments):
            return f"{told_name(tool)}({', '.join(f'{name}={print_expr(value)}' for name, value in arguments)})"
        case Compute(value):
            return print_expr(value)
        case PlanCall(entry, result):
            return f"{result}, what the plan joins that {entry} enters"
        case Supplied(input):
            return f"the input, {input.type}"
        case Map(source, item, kind=kind, chained=chained):
            return f"{kind}, for each {item} of {source}" + (", item by item" if chained else "")
        case work:
            return f"{type(work).__name__.lower()} of {', '.join(dict.fromkeys(need.task for need in task.needs))}"
