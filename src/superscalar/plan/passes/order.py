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

    `seen`: how many reads of the whole provider the last write of a named resource follows.
    """

    write: TaskId | None = None
    reads: list[TaskId] = field(default_factory=list)
    seen: int = 0

    def before(self, *, writing: bool, seen: int = 0) -> Iterator[TaskId]:
        """What an access must wait for; `seen` of the reads come before it already."""
        if writing:
            yield from self.reads[seen:]
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
    whole: _Track = field(default_factory=_Track)
    named: dict[str, _Track] = field(default_factory=dict)


class OrderAccesses:
    """Sees the tasks of a program one after the other and adds `after` to each; for maps, `chained` as well."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        self._providers: dict[str, _Provider] = {}

    def __call__(self, task: Task) -> Task:
        """The task with its ordering edges."""
        accesses = self._accesses(task)
        after: dict[TaskId, None] = {}
        for (provider, resource), writing in accesses.items():
            after.update(dict.fromkeys(self._before(provider, resource, writing=writing)))
        for (provider, resource), writing in accesses.items():
            self._note(task.id, provider, resource, writing=writing)
        after.pop(task.id, None)
        if isinstance(task.work, Map):
            task = replace(task, work=_chain(task.work, self._signatures))
        return replace(task, after=tuple(after)) if after else task

    def _accesses(self, task: Task) -> dict[tuple[str, str | None], bool]:
        """The resources that a task touches, and whether it writes them."""
        return _accesses_of((task,), self._signatures)

    def _before(self, provider: str, resource: str | None, *, writing: bool) -> Iterator[TaskId]:
        tracks = self._providers.setdefault(provider, _Provider())
        if resource is None:
            for track in (tracks.whole, *tracks.named.values()):
                yield from track.before(writing=writing)
        else:
            own = tracks.named.get(resource, _Track())
            yield from tracks.whole.before(writing=writing, seen=own.seen)
            yield from own.before(writing=writing)

    def _note(self, task: TaskId, provider: str, resource: str | None, *, writing: bool) -> None:
        tracks = self._providers[provider]
        if resource is not None:
            own = tracks.named.setdefault(resource, _Track())
            own.note(task, writing=writing)
            if writing:
                own.seen = len(tracks.whole.reads)
        else:
            tracks.whole.note(task, writing=writing)
            if writing:  # it follows all of them, and so stands for them
                tracks.named.clear()


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
