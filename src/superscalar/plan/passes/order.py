"""Order accesses: add the edges that keep what is written, and what is read of it, in program order (rule L17).

Like memory hazards in a processor: a read follows the write before it (RAW), a write follows the reads (WAR) and the
write before it (WAW). A tool without `resource` touches all of its provider. Amortised O(1) edges per task: a write
stands for everything before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from superscalar.plan.ir import Call, Map, Task, walk
from superscalar.plan.signatures import Signatures
from superscalar.values import TaskId


@dataclass(slots=True)
class _Track:
    """The last write of a resource, and the reads since.

    `passed`: how many reads of the whole provider that write follows.
    """

    write: TaskId | None = None
    reads: list[TaskId] = field(default_factory=list)
    passed: int = 0

    def before(self, *, writing: bool) -> Iterator[TaskId]:
        """What an access must wait for."""
        if writing:
            yield from self.reads
        if self.write is not None:
            yield self.write

    def note(self, task: TaskId, *, writing: bool) -> None:
        if writing:
            self.write = task
            self.reads.clear()
        else:
            self.reads.append(task)


@dataclass(slots=True)
class _Provider:
    """The accesses of all of a provider, and since the last of them that wrote, those of single resources of it."""

    whole: _Track = field(default_factory=_Track)
    named: dict[str, _Track] = field(default_factory=dict)

    def before(self, resource: str | None, *, writing: bool) -> Iterator[TaskId]:
        """What an access must wait for; what that waits for in its turn is left out."""
        if resource is None:
            yield from self.whole.before(writing=writing)
            for track in self.named.values():
                yield from track.before(writing=writing)
            return
        known = self.named.get(resource)
        if writing:
            yield from self.whole.reads[known.passed if known else 0 :]
        if self.whole.write is not None and (known is None or known.write is None):
            yield self.whole.write
        if known is not None:
            yield from known.before(writing=writing)

    def note(self, task: TaskId, resource: str | None, *, writing: bool) -> None:
        if resource is not None:
            track = self.named.setdefault(resource, _Track())
            track.note(task, writing=writing)
            track.passed = len(self.whole.reads) if writing else track.passed
        else:
            self.whole.note(task, writing=writing)
            if writing:  # it follows all of them, and so stands for them
                self.named.clear()


class OrderAccesses:
    """Sees the tasks of a program one after the other and adds `after` to each; for maps, `chained` as well."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        self._providers: dict[str, _Provider] = {}
        self._read_only = not any(signature.effect == "write" for signature in signatures)

    def __call__(self, task: Task) -> Task:
        """The task with its ordering edges."""
        if self._read_only:
            return task
        accesses = self._accesses(task)
        after: dict[TaskId, None] = {}
        for (provider, resource), writing in accesses.items():
            tracks = self._providers.setdefault(provider, _Provider())
            after.update(dict.fromkeys(tracks.before(resource, writing=writing)))
        for (provider, resource), writing in accesses.items():
            self._providers[provider].note(task.id, resource, writing=writing)
        after.pop(task.id, None)
        if isinstance(task.work, Map):
            task = replace(task, work=_chain(task.work, self._signatures))
        return replace(task, after=tuple(after)) if after else task

    def _accesses(self, task: Task) -> dict[tuple[str, str | None], bool]:
        """The resources that a task touches, and whether it writes them."""
        return _accesses_of((task,), self._signatures)


def _accesses_of(tasks: tuple[Task, ...], signatures: Signatures) -> dict[tuple[str, str | None], bool]:
    found: dict[tuple[str, str | None], bool] = {}
    for task in walk(tasks):
        if isinstance(task.work, Call) and task.work.effect != "pure":
            signature = signatures.get(task.work.tool)
            where = ("", None) if signature is None else (signature.provider, signature.resource)
            found[where] = found.get(where, False) or task.work.effect == "write"
    return found


def _chain(work: Map, signatures: Signatures) -> Map:
    """Keep the accesses of a resource that the body writes in order, item by item."""
    body = OrderAccesses(signatures)
    ordered = tuple(body(task) for task in work.body)
    written = {where for where, writing in _accesses_of(work.body, signatures).items() if writing}
    touching = tuple(
        task.id for task in ordered if any(_overlap(a, b) for a in _accesses_of((task,), signatures) for b in written)
    )
    return replace(work, body=ordered, chained=touching)


def _overlap(one: tuple[str, str | None], other: tuple[str, str | None]) -> bool:
    return one[0] == other[0] and (one[1] is None or other[1] is None or one[1] == other[1])
