"""Plans whose maps over `ok(xs)` wait for all of `xs`, as those of plans from older journals do."""

from __future__ import annotations

from dataclasses import replace

from superscalar.plan.ir import Map, Plan, Task
from superscalar.plan.ir.needs import needs_of


def waiting(plan: Plan) -> Plan:
    """The same plan, of which no map begins before it is known what `ok` keeps."""
    return replace(plan, tasks=tuple(map(_waiting, plan.tasks)))


def _waiting(task: Task) -> Task:
    if not isinstance(task.work, Map):
        return task
    work = replace(task.work, body=tuple(map(_waiting, task.work.body)), ok_of=None)
    return replace(task, work=work, needs=needs_of(work))


def goes_ahead(plan: Plan) -> bool:
    """Whether a map of a plan begins before that is known."""
    return plan != waiting(plan)
