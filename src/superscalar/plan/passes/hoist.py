"""Hoist calls: find what a map calls with the same arguments for every item, and so calls once (rule L23).

Nothing is moved. A call that depends neither on the item nor on anything that may differ from item to item has, for
every item, the same arguments and the same writes before it; identical calls are one call (rule L21), made when the
first item reaches it and by no item that its guards keep from it. That is all that hoisting promises; moved out of the
map, the call would need a guard of its own ("some item reaches it") that is known only when the items are.
"""

from __future__ import annotations

from collections.abc import Iterator

from superscalar.plan.ir import Call, Map, Task, walk
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.passes.base import Note, Pass
from superscalar.values import TaskId


class HoistCalls(Pass):
    """Notes the calls in the body of a map that are made once; changes nothing."""

    name = "hoist"
    purpose = "a call in a map that does not depend on the item is made once, if some item reaches it"

    def __init__(self, signatures: Signatures) -> None:
        super().__init__(signatures)
        self._shared = {signature.alias for signature in signatures.everything() if signature.shares}

    def __call__(self, task: Task) -> Task:
        """The same task."""
        if self.notes is not None and isinstance(task.work, Map):
            self.notes.extend(self._look(task.work))
        return task

    def _look(self, work: Map) -> Iterator[Note]:
        written = [call for call in _calls(work.body) if call.effect == "write"]
        varying = {work.item}
        for task in work.body:
            depends = any(used in varying for used in _used(task))
            if isinstance(task.work, Call):
                changes = any(_meet(task.work, write) for write in written)
                if not depends and not changes and task.work.tool in self._shared:
                    yield Note(task.id, f"the same for every item of `{work.source}`: made once, if one reaches it")
                    continue
                if not depends and not changes and task.work.effect == "read":
                    text = f"the same for every item of `{work.source}`, but `{task.work.tool}` is made for each: "
                    yield Note(task.id, f"{text}it does not declare dedupe=True")
                varying.add(task.id)
            elif isinstance(task.work, Map):
                yield from self._look(task.work)
                varying.add(task.id)  # its items are not looked at one by one
            elif depends:
                varying.add(task.id)


def _calls(tasks: tuple[Task, ...]) -> Iterator[Call]:
    for task in walk(tasks):
        if isinstance(task.work, Call):
            yield task.work


def _used(task: Task) -> Iterator[TaskId]:
    """The tasks whose outcomes a task's work looks at; its guards only say whether it runs."""
    for need in task.needs:
        yield need.task


def _meet(one: Call, other: Call) -> bool:
    return one.access is not None and other.access is not None and one.access.meets(other.access)
