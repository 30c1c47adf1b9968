"""One attempt to call a tool, alone or in a batch: which calls go out together as one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from math import inf
from typing import Any, Literal, Protocol, TypeAlias
from weakref import ref

from superscalar.schedule.bounds import Bounds as Bounds
from superscalar.schedule.cells import Cell
from superscalar.schedule.course import Course
from superscalar.schedule.effective import fresh
from superscalar.schedule.limits import Grants, Order, Ticket
from superscalar.schedule.loans import HOLDER
from superscalar.schedule.sharing import identity
from superscalar.schedule.threads import TakesPartIn
from superscalar.schedule.waiting import Voice
from superscalar.tools.tool import Batched, Tool
from superscalar.traces import beyond_us
from superscalar.values import FailureKind, Usage
from superscalar.weight import Scale

Stop: TypeAlias = FailureKind | Literal["unneeded"]
"""Why an attempt is being cancelled."""

_BatchKey: TypeAlias = tuple[Hashable, ...]


class Listener(Protocol):
    """Who hears what calls say while they go on."""

    def progressed(self, attempt: Attempt, message: Any, fraction: float | None) -> None:
        """How far one is."""
        ...

    def charged(self, attempt: Attempt, cost: float, tokens: int) -> None:
        """What one has cost."""
        ...

    def asked(self, attempt: Attempt, model: str) -> None:
        """Which model one asks."""
        ...

    def used(self, attempt: Attempt, usage: Usage) -> None:
        """What that has used."""
        ...


class Shell(Protocol):
    """What attempts and batches need of the `Calls` that they are among."""

    run_id: str
    loop: asyncio.AbstractEventLoop
    course: Course
    caller: Ticket | None
    context: Any
    names: TakesPartIn

    @property
    def reports(self) -> Listener:
        """Who hears what calls say."""
        ...

    def start(self, attempt: Attempt) -> None:
        """Call the tool: everything that the attempt takes was taken."""
        ...

    def shut_out(self, attempt: Attempt, why: str) -> None:
        """Its provider lets nothing through for longer than the call waits."""
        ...

    def invoke(self, attempt: Attempt, tool: Tool[..., Any], arguments: dict[str, Any]) -> Awaitable[Any]:
        """The running of a call for this attempt, to be awaited; cancelling it stops the call."""
        ...


class Attempt(Ticket):
    """A call from the moment its arguments are bound until it has really ended.

    `started`: when it was told to begin. `begun`: the tool has been called. `in_doubt`: an attempt before this one was
    a write that may have happened. `spared`: how many attempts before this one do not count: they were refused while
    other calls got through, or cut off by the end of a process.
    `batch`: what it goes out with, of a batched tool; that asks for the limits instead. `told`: its arguments as events
    have them. `kept`: done when its start is on the disk, which it waits for before it begins. `plain`: it is known
    that nobody can change what is in its arguments. `scale`: what they weigh, where they are to be copied in portions.
    """

    __slots__ = (
        "arguments",
        "batch",
        "begun",
        "cell",
        "deadline",
        "in_doubt",
        "kept",
        "number",
        "over",
        "plain",
        "runner",
        "scale",
        "shell",
        "spared",
        "started",
        "stopped",
        "timer",
        "told",
        "tool",
    )

    def __init__(
        self,
        shell: Shell,
        cell: Cell,
        tool: Tool[..., Any],
        arguments: dict[str, Any],
        told: dict[str, Any],
        number: int = 1,
        in_doubt: bool = False,
    ) -> None:
        self.run = shell.run_id  # written out: `super().__init__` costs as much as all of it
        self.names = shell.names[tool]
        self.loop = shell.loop
        self.holds = False
        self.waiting = False
        self.queue = None
        self.shell = shell
        self.cell = cell
        self.tool = tool
        self.arguments = arguments
        self.told = told
        self.plain = False
        self.scale: Scale | None = None
        self.number = number
        self.in_doubt = in_doubt
        self.spared = 0
        self.batch: Batch | None = None
        self.begun = False
        self.kept: asyncio.Future[None] | None = None
        self.started = 0.0
        self.timer: asyncio.Handle | None = None
        self.runner: asyncio.Task[None] | None = None
        self.stopped: Stop | None = None
        self.deadline = inf
        self.over = False

    @property
    def caller(self) -> Ticket | None:
        """The call inside which its run goes on."""
        return self.shell.caller

    @property
    def longest(self) -> float:
        """For how many seconds its tool waits while nothing gets through."""
        return self.tool.retry.longest

    def take_part(self, limits: tuple[str, ...]) -> None:
        """Take part in these limits, in the place of those that its tool names for every call."""
        self.names = (*limits, *self.names[len(self.tool.limited_by) :])

    def following(self, *, in_doubt: bool) -> Attempt:
        """The next attempt of the same call."""
        again = Attempt(self.shell, self.cell, self.tool, self.arguments, self.told, self.number + 1, in_doubt)
        again.names = self.names
        again.spared, again.plain, again.scale = self.spared, self.plain, self.scale
        return again

    def granted(self) -> None:
        """Start; or give everything back, if it was stopped between the grant on another thread and this turn."""
        self.shell.start(self)

    @property
    def voice(self) -> Voice:
        """That of its tool."""
        tool = self.tool
        return Voice(tool, tool.trust != "untrusted", tool.readers is not None)

    def closed(self, why: str) -> None:
        """Fail: it is too long until anything gets through."""
        self.shell.shut_out(self, why)

    # What follows makes an attempt the `Channel` of its call: an object more for each costs as much as all of this.

    @property
    def context(self) -> Any:
        """What the caller gave to the run."""
        return self.shell.context

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is cancelled; None: there is no bound."""
        return None if self.deadline == inf else self.deadline - self.shell.course.now()

    def progress(self, message: str, fraction: float | None = None) -> None:
        """How far the work is; of a batch, that of all its calls."""
        self.shell.reports.progressed(self, message, fraction)

    def charge(self, cost: float, tokens: int) -> None:
        """What it has cost."""
        self.shell.reports.charged(self, cost, tokens)

    def asked(self, model: str) -> None:
        """It asks a model of that name."""
        self.shell.reports.asked(self, model)

    def used(self, usage: Usage) -> None:
        """What a model has used that it asked."""
        self.shell.reports.used(self, usage)


class Batches:
    """Groups the calls of batched tools. No `await`, no clock.

    A batch is open from its first call until its request is made. It waits for nothing: the first call asks for the
    limits as any other would, and what becomes ready before they are granted, or in the same turn of the event loop,
    comes along if it differs in the one argument only, takes part in the same limits, and may be in its `company`.
    """

    def __init__(self, shell: Shell, limits: Grants, company: Callable[[Cell], Hashable]) -> None:
        self._company = company
        self.shell = shell
        self.limits = limits
        self._open: dict[_BatchKey, Batch] = {}
        self._made = 0

    def continue_after(self, number: int) -> None:
        """Give the next batches numbers above this one, which an earlier process gave."""
        self._made = max(self._made, number)

    def ask(self, attempt: Attempt, order: Order) -> bool:
        """What `Limits.ask` is for a call that goes alone: whether it may start now; if not, its batch is `granted`."""
        batch = self._place(attempt)
        if not batch.held and batch.queue is None:
            batch.held = self.limits.ask(batch, order)
        return batch.held

    def _place(self, attempt: Attempt) -> Batch:
        """Put an attempt into an open batch with room, or else into a new one."""
        batched = attempt.tool.batched
        assert batched is not None  # or it would go alone
        item, others = batched.parted(attempt.arguments)
        try:
            key: _BatchKey = attempt.tool.name, attempt.names, identity(others), self._company(attempt.cell)
        except RecursionError:  # nested too deeply to be compared: it goes alone
            key = attempt.tool.name, id(attempt)
        batch = self._open.get(key)
        if batch is None:
            self._made += 1
            batch = self._open[key] = Batch(self, attempt, batched, others, key, self._made)
        batch.items[attempt] = item
        attempt.batch = batch
        if len(batch.items) >= batched.max_batch:
            self.close(batch)
        return batch

    def close(self, batch: Batch) -> None:
        """Let no more calls in."""
        if self._open.get(batch.key) is batch:
            del self._open[batch.key]


class Batch(Ticket):
    """Calls that go out as one request: one slot, one token, one attempt; cancelled when every one of them is.

    `items`: the calls that are in it and have not ended, each with the argument that it differs in. `held`: the limits
    have granted what it takes. `deadline`: when the time of all has passed. `answered`: the request was made, and did
    not fail as a whole.
    """

    __slots__ = (
        "_answers",
        "_batched",
        "_batches",
        "_failed",
        "_longest",
        "_others",
        "_request",
        "_voice",
        "answered",
        "deadline",
        "held",
        "items",
        "key",
        "number",
    )

    def __init__(
        self, batches: Batches, first: Attempt, batched: Batched, others: dict[str, Any], key: _BatchKey, number: int
    ) -> None:
        super().__init__(batches.shell.run_id, first.names, batches.shell.loop)
        self._batches = batches
        self._batched = batched
        self._longest, self._voice = first.longest, first.voice
        self._others = others
        self._answers: dict[Attempt, Any] | None = None
        self._request: asyncio.Task[None] | None = None
        self.key = key
        self.number = number
        self.items: dict[Attempt, Any] = {}
        self.held = False
        self.answered = False
        self.deadline = inf
        self._failed: tuple[float, float] | None = None

    @property
    def caller(self) -> Ticket | None:
        """The call inside which the run of its calls goes on."""
        return self._batches.shell.caller

    @property
    def longest(self) -> float:
        """As of each of its calls."""
        return self._longest

    @property
    def voice(self) -> Voice:
        """As of each of its calls."""
        return self._voice

    def closed(self, why: str) -> None:
        """Fail, every one of its calls."""
        for attempt in list(self.items):
            if not attempt.over:
                self._batches.shell.shut_out(attempt, why)

    def granted(self) -> None:
        """Everything is taken: all of it starts; or is given back, if nobody wants it any more."""
        self.held = True
        if not self.items:
            self._batches.limits.give_back(self)
            self._batches.limits.dispatch(self.loop)
        for attempt in list(self.items):
            if not attempt.over:  # where one may not start, another that was needed with it only is dropped
                self._batches.shell.start(attempt)

    def leave(self, attempt: Attempt) -> None:
        """An attempt has ended. With the last one, what the batch holds is free."""
        self.items.pop(attempt, None)
        if self.items:
            return
        self._batches.close(self)
        if self.waiting:
            self._batches.limits.withdraw(self)
        elif self.held:
            self._batches.limits.give_back(self)

    def backoff(self, now: float, wait: float) -> tuple[float, float]:
        """When its calls failed, and how long they wait at least: one for all, so that they go out together again."""
        if self._failed is None:
            self._failed = now, wait
        return self._failed

    async def answer(self, attempt: Attempt, arguments: dict[str, Any]) -> Any:
        """The result of one of the calls. The first that asks makes the request; one that is alone is a plain call.

        A call that is cancelled ends at once while others still want the answer, and else when the request has ended.
        """
        if self._answers is None:
            self._answers = dict.fromkeys(self.items, asyncio.CancelledError())  # until there is another
            self._batches.close(self)
            if len(self.items) > 1:
                request = self._ask(attempt, list(self.items.values()), self._answers)
                self._request = self._batches.shell.course.begin(request, f"batch {self.number}")
        if self._request is None:
            return await self._batches.shell.invoke(attempt, attempt.tool, arguments)
        while not self._request.done():
            try:
                await asyncio.wait((self._request,))
            except asyncio.CancelledError:
                if any(other.stopped is None for other in self.items):
                    raise
                self._request.cancel()
                if attempt.over:  # abandoned: nobody waits for it any more
                    raise
        answer = self._answers[attempt]
        if isinstance(answer, BaseException):
            raise answer.with_traceback(beyond_us(answer.__traceback__))  # that of all calls: they must not pile up
        return answer

    async def _ask(self, first: Attempt, values: list[Any], answers: dict[Attempt, Any]) -> None:
        """Make the request for these items, and note what each came to. Raises nothing."""
        tool = self._batched.tool
        arguments = fresh({**self._others, self._batched.into: list(values)})
        found: list[Any]
        HOLDER.set(ref(self))
        try:
            found = self._batched.divided(await self._batches.shell.invoke(first, tool, arguments), values)
        except BaseException as error:  # noqa: BLE001 -- as in the unit: a tool may raise anything
            found = [error] * len(values)
        self.answered = not (isinstance(found[0], BaseException) and all(one is found[0] for one in found))
        answers.update(zip(answers, found, strict=True))
