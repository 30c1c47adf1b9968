"""Order accesses: add the edges that keep what is written, and what is read of it, in program order (rule L17).

Like memory hazards in a processor: a read follows the write before it (RAW), a write follows the reads (WAR) and the
write before it (WAW). A tool without `resource` touches all of its provider, and so does a call whose resource is a
function of arguments that are not constants. Amortised O(1) edges per task: a write stands for everything before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from superscalar.plan.ir import Access, Call, Map, Task, walk
from superscalar.plan.ir.signatures import ResourceFunction, Signatures
from superscalar.plan.passes.base import ChangingPass, Note, TakeBack
from superscalar.plan.passes.constants import Constants
from superscalar.values import TaskId

_Accesses: TypeAlias = dict[tuple[str, str | None], bool]
"""What is touched (provider and resource), and whether it is written."""


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
        """Take note of an access."""
        if writing:
            self.write, self.reads = task, []
        else:
            self.reads.append(task)

    def undo(self, *, writing: bool) -> TakeBack:
        """What makes the next access undone once it is noted, before anything else is."""
        write, reads, passed = self.write, self.reads, self.passed

        def undo() -> None:
            self.write, self.reads, self.passed = write, reads, passed
            if not writing:
                reads.pop()

        return undo


@dataclass(slots=True)
class _ProviderAccesses:
    """The accesses of all of a provider, and since the last of them that wrote, those of single resources of it."""

    whole: _Track = field(default_factory=_Track)
    named: dict[str, _Track] = field(default_factory=dict)

    def copy(self) -> _ProviderAccesses:
        named = {name: replace(track, reads=track.reads.copy()) for name, track in self.named.items()}
        return _ProviderAccesses(replace(self.whole, reads=self.whole.reads.copy()), named)

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
        """Take note of an access."""
        if resource is None:
            self.whole.note(task, writing=writing)
            if writing:  # it follows all of them, and so stands for them
                self.named = {}
            return
        track = self.named.setdefault(resource, _Track())
        track.note(task, writing=writing)
        if writing:
            track.passed = len(self.whole.reads)

    def undo(self, resource: str | None, *, writing: bool) -> TakeBack:
        """What makes the next access undone once it is noted, before anything else is."""
        if resource is not None:
            return self.named.setdefault(resource, _Track()).undo(writing=writing)
        undo, named = self.whole.undo(writing=writing), self.named

        def undo_whole() -> None:
            undo()
            self.named = named

        return undo_whole


class OrderAccesses(ChangingPass):
    """Says of each call what it touches and adds `after` to each task; for maps, `chained` as well."""

    name = "order"
    purpose = "accesses of one resource keep their order in the program if one of them writes"

    def __init__(self, signatures: Signatures, around: OrderAccesses | None = None) -> None:
        super().__init__(signatures)
        self._signatures = signatures
        self._providers: dict[str, _ProviderAccesses] = {}
        self._seen: dict[TaskId, _Accesses] = {}  # for notes only
        self._taken_back: list[TakeBack] | None = None
        self.written: set[str]
        self.constants: Constants | None
        if around is not None:
            self.notes = around.notes
            self.written = around.written
            self.constants = around.constants and Constants(around.constants)
        else:
            self.written = {signature.provider for signature in signatures.everything() if signature.effect == "write"}
            computed = self.written and any(isinstance(s.resource, ResourceFunction) for s in signatures.everything())
            self.constants = Constants() if computed else None

    def tried(self, tasks: Sequence[Task]) -> tuple[list[Task], TakeBack]:
        """Tasks with their ordering edges, and what makes it undone that they were seen."""
        undone: list[TakeBack] = []
        self._taken_back = undone
        made = [self(task) for task in tasks]
        self._taken_back = None

        def undo() -> None:
            for one in reversed(undone):
                one()

        return made, undo

    def copy(self) -> OrderAccesses:
        """The same accesses so far."""
        made = OrderAccesses(self._signatures)
        made.notes = self.notes
        made._providers = {name: provider.copy() for name, provider in self._providers.items()}
        made._seen = self._seen.copy()
        made.constants = self.constants and self.constants.copy()
        return made

    @staticmethod
    def undo(task: Task) -> Task:
        """The task without accesses and ordering edges."""
        match task.work:
            case Call():
                return replace(task, work=replace(task.work, access=None), after=())
            case Map(body=body):
                body = tuple(map(OrderAccesses.undo, body))
                return replace(task, work=replace(task.work, body=body, chained=()), after=())
            case _:
                return task

    def __call__(self, task: Task) -> Task:
        """The task with its ordering edges."""
        if not self.written:
            return task
        if self.constants is not None:
            self.constants.note(task)
        work = task.work
        if isinstance(work, Call):
            work = self._touching(task.id, work)
            accesses = _access_of(work)
        elif isinstance(work, Map):
            work = self._chain(work)
            accesses = _accesses_of(work.body)
        else:
            return task
        if not accesses:
            return _as(task, work, task.after)
        after: dict[TaskId, None] = {}
        for (provider, resource), writing in accesses.items():
            tracks = self._providers.setdefault(provider, _ProviderAccesses())
            after.update(dict.fromkeys(tracks.before(resource, writing=writing)))
        for (provider, resource), writing in accesses.items():
            if self._taken_back is not None:
                self._taken_back.append(self._providers[provider].undo(resource, writing=writing))
            self._providers[provider].note(task.id, resource, writing=writing)
        after.pop(task.id, None)
        if self.notes is not None:
            self._explain(task.id, accesses, after, self.notes)
        return _as(task, work, tuple(after) or task.after)

    def _touching(self, task: TaskId, call: Call) -> Call:
        """The call with its access, where something of its provider writes."""
        signature = self._signatures.called(call.tool)
        provider = "" if signature is None else signature.provider
        if call.effect == "pure" or provider not in self.written:
            return call
        resource = None if signature is None else signature.resource
        if isinstance(resource, ResourceFunction):
            access = self._computed(task, call, provider, resource)
        else:
            access = Access(provider, resource)
        return Call(call.tool, call.arguments, call.effect, access)

    def _computed(self, task: TaskId, call: Call, provider: str, resource: ResourceFunction) -> Access:
        """What a call touches whose resource is a function of its arguments."""
        assert self.constants is not None  # there is such a function
        arguments: dict[str, Any] = {}
        for alias, expression in call.arguments:
            if alias in resource.parameters:
                found = self.constants.of(expression)
                if found is None:
                    if self.notes is not None:
                        text = f"what it touches depends on `{alias}`: all of `{provider}` until that is known"
                        self.notes.append(Note(task, text))
                    return Access(provider, known=False)
                arguments[alias] = found.value
        try:
            name = resource.name(arguments)
        except Exception as error:  # noqa: BLE001 -- the function is the tool's; when the call is made it is reported
            if self.notes is not None:
                text = f"its resource cannot be told from its arguments ({error!r}): all of `{provider}`"
                self.notes.append(Note(task, text))
            return Access(provider, known=False)
        if self.notes is not None:
            self.notes.append(Note(task, f"touches `{name}`, as its arguments say"))
        return Access(provider, name)

    def _chain(self, work: Map) -> Map:
        """Keep the accesses of a resource that the body writes in order, item by item."""
        body = OrderAccesses(self._signatures, around=self)
        ordered = tuple(map(body, work.body))
        if ordered == work.body:
            return work
        written = [where for where, writing in _accesses_of(ordered).items() if writing]
        touching = tuple(
            inner.id for inner in ordered if any(_meet(a, b) for a in _accesses_of((inner,)) for b in written)
        )
        if self.notes is not None:
            for link in touching:
                self.notes.append(Note(link, _WAITS))
        return replace(work, body=ordered, chained=touching)

    def _explain(self, task: TaskId, accesses: _Accesses, after: Iterable[TaskId], notes: list[Note]) -> None:
        """Say of each edge which accesses it orders."""
        for before in after:
            why = next(
                f"{_does(earlier, wrote)}, and this {_does(here, writing)}"
                for here, writing in accesses.items()
                for earlier, wrote in self._seen[before].items()
                if (writing or wrote) and _meet(here, earlier)
            )
            notes.append(Note(task, f"after `{before}`, which {why}"))
        self._seen[task] = accesses


_WAITS: Final = "waits for the items before that may touch the same: the body writes what this touches"


def _as(task: Task, work: Call | Map, after: tuple[TaskId, ...]) -> Task:
    """The task with another work and ordering edges (`replace` takes three times as long)."""
    if work is task.work and after == task.after:
        return task
    return Task(task.id, work, task.needs, task.guards, after, task.thought, task.notes, task.span)


def _access_of(call: Call) -> _Accesses:
    access = call.access
    return {} if access is None else {(access.provider, access.resource): call.effect == "write"}


def _accesses_of(tasks: tuple[Task, ...]) -> _Accesses:
    found: _Accesses = {}
    for task in walk(tasks):
        if isinstance(task.work, Call) and (access := task.work.access) is not None:
            where = access.provider, access.resource
            found[where] = found.get(where, False) or task.work.effect == "write"
    return found


def _meet(one: tuple[str, str | None], other: tuple[str, str | None]) -> bool:
    return Access(*one).meets(Access(*other))


def _does(where: tuple[str, str | None], writing: bool) -> str:
    provider, resource = where
    what = f"`{resource}`" if resource is not None else f"all of `{provider}`"
    return f"{'writes' if writing else 'reads'} {what}"
