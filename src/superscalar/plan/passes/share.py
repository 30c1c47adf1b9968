"""Share calls: find the calls that are identical as they are written (rule L21).

What is one call is decided when arguments are bound, by their values. Equal expressions after the same writes have
equal values, so of these it can be said before anything runs.
"""

from __future__ import annotations

from superscalar.plan.ir import Call, Map, Task
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.passes.base import Note, Pass
from superscalar.values import TaskId


class ShareCalls(Pass):
    """Notes the calls that repeat an earlier one, or one of the same map's body; changes nothing."""

    name = "share"
    purpose = "identical calls of a pure tool, and of a read with dedupe=True, are one call"

    def __init__(self, signatures: Signatures) -> None:
        super().__init__(signatures)
        self._shared = {signature.alias for signature in signatures.everything() if signature.shares}
        self._first: dict[str, TaskId] = {}

    def __call__(self, task: Task) -> Task:
        """The same task."""
        if self.notes is not None:
            self._look(task, self._first, self.notes)
        return task

    def _look(self, task: Task, first: dict[str, TaskId], notes: list[Note]) -> None:
        match task.work:
            case Call(tool, arguments) if tool in self._shared:
                # As text, since 1 equals True. What a read comes after is the last writes before it, and nothing else.
                earlier = first.setdefault(repr((tool, sorted(arguments, key=_alias), task.after)), task.id)
                if earlier != task.id:
                    notes.append(Note(task.id, f"identical to `{earlier}`: one call, if both are reached"))
            case Map(body=body):
                inside: dict[str, TaskId] = {}
                for inner in body:
                    self._look(inner, inside, notes)


def _alias(argument: tuple[str, object]) -> str:
    return argument[0]
