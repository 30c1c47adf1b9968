"""What a run hands to its journal, and when: before it is acted on; and what a write waits for before it is called."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypeVar

from superscalar import events
from superscalar.attachments import Attachment
from superscalar.compiler.telling import Telling
from superscalar.errors import JournalError
from superscalar.events import Event
from superscalar.forks import MAKING
from superscalar.models.base import Message
from superscalar.plan.ir import Call, Plan
from superscalar.schedule.priority import Durations
from superscalar.schedule.withholding import secrets_of_tools
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.tools.trust import Declared
from superscalar.values import TaskId
from superscalar.version import __version__

if TYPE_CHECKING:
    from superscalar.journal import Journal, RunLog


T = TypeVar("T")

_LOG: Final = logging.getLogger("superscalar.journal")


class Recording:
    """The journal's side of one run. Calling it with an event appends that, before anybody else hears of it.

    `Started` of a write is on the disk when what `committed` gives then is done, and what became of the write soon
    after. If the journal cannot be written, such a write is not made and `on_loss` is called in the next turn of the
    event loop, to stop the run; what happens while it stops is no longer recorded.
    """

    def __init__(self, log: RunLog, tools: Toolset) -> None:
        self.log = log
        self.on_loss: Callable[[JournalError], None] | None = None
        self.tell: Telling | None = None
        self._writes = frozenset(tool.name for tool in tools if tool.effect == "write")
        self._running: set[TaskId] = set()  # writes
        self._loop = asyncio.get_running_loop()
        log.on_loss = self._lost

    def __call__(self, event: Event) -> None:
        """Append an event, of which nothing is secret.

        Raises:
            Unwritable: a task's value has no form as data; nothing was recorded.
            JournalError: it is the start of a write, and nothing can be recorded any more; it must not start.
        """
        log = self.log
        if type(event) is events.Progressed:
            return  # it is for the eyes
        if isinstance(event, events.Started) and event.tool in self._writes:
            log.append(event)
            self._running.add(event.id)
        elif log.lost is not None:
            return  # the run is being stopped
        elif self._running and isinstance(event, _ENDS) and event.id in self._running:
            self._running.discard(event.id)
            log.append(event)
            log.soon()
        else:
            log.append(event)

    def committed(self, tool: Tool[..., Any]) -> asyncio.Future[None] | None:
        """What a call waits for that was recorded as started in this turn: None if it may begin at once.

        It holds a `JournalError` if the start is not on the disk: the call must not be made.
        """
        return self.log.durable() if tool.name in self._writes else None

    def _lost(self, error: JournalError) -> None:
        _LOG.warning("the run is stopped, as it cannot be recorded: %s", error, extra={"run_id": self.log.run})
        self._loop.call_soon(self._stop, error)

    def _stop(self, error: JournalError) -> None:
        if self.on_loss is not None:
            self.on_loss(error)

    async def around(self, run: Coroutine[Any, Any, T], durations: Durations) -> T:
        """A run to its end; then the rest is written, and another process may take it up.

        What is known of the `durations` of calls is written too, for the agents to come. If the journal cannot be
        written, the run is cancelled, and settles as it does then.

        Raises:
            JournalError: the journal could not be written.
        """
        task = asyncio.current_task()
        assert task is not None
        stopped = False

        def stop(_: JournalError) -> None:
            nonlocal stopped
            stopped = True
            task.cancel()

        self.on_loss = stop
        try:
            result = await run
        except BaseException as error:
            self.on_loss = None
            try:
                await self.log.aclose(durations.known())
            except JournalError as lost:
                error.add_note(f"The run's end could not be recorded: {lost}")
            if stopped and isinstance(error, asyncio.CancelledError) and not task.uncancel():
                raise self.log.lost or error from None
            raise
        self.on_loss = None
        await self.log.aclose(durations.known())
        return result


_ENDS = (events.Succeeded, events.Failed, events.Retrying, events.Cancelled)


def about_question(
    question: str,
    history: Iterable[Message],
    model: str,
    joiner: str | None,
    tools: Toolset,
    files: Iterable[Attachment] = (),
) -> dict[str, Any]:
    """What a run that answers is remembered with; its plan and its conversation are in its events, and so are files."""
    named = [repr(file) for file in files]
    return {
        "kind": "answer",
        "question": question,
        "history": [_turn(message) for message in history],
        "model": model,
        "joiner": joiner,
        **({"files": named} if named else {}),
        **_about(tools),
    }


def _turn(message: Message) -> dict[str, Any]:
    turn = asdict(message)
    del turn["attachments"]  # no turn of a history has any
    return turn


def history_of(about: Mapping[str, Any]) -> tuple[Message, ...]:
    """What had been said before the question of a run that is remembered so.

    Older journals say of it whether it was trusted, and not who may read it: where a tool said that of its results,
    nobody may.
    """
    restricted = any(readers is not None for _, _, readers, *_ in about.get("declared", {}).values())
    turns = [dict(turn) for turn in about.get("history", ())]
    for turn in turns:
        if restricted and turn["role"] == "assistant":
            turn.setdefault("readers", ())
    return tuple(Message(**turn) for turn in turns)


def about_plan(plan: Plan, tools: Toolset) -> dict[str, Any]:
    """What a run of a plan is remembered with, the tools that it calls among it; the plan itself is in its events."""
    calls = dict.fromkeys(task.work.tool for task in plan.calls if isinstance(task.work, Call))
    return {"kind": "execute", "calls": list(calls), **_about(tools)}


def _results(said: Declared) -> Iterator[list[Any]]:
    if said.results is not None:
        yield [said.results.parameter, dict(said.results.shapes), said.results.vouched]


def _about(tools: Toolset) -> Mapping[str, Any]:
    declared = {
        alias: [d.name, d.trust, None if d.readers is None else sorted(d.readers), *_results(d)]
        for alias, d in tools.declared.items()
    }
    about: dict[str, Any] = {
        "tools": [tool.name for tool in tools],
        "declared": declared,
        "version": __version__,
    }
    secrets = {alias: sorted(names) for alias, names in secrets_of_tools(tools).items()}
    renamed = {alias: tool.renamed for alias, tool in tools.by_alias.items() if tool.renamed}
    prices = {tool.name: tool.cost for tool in tools if tool.cost}
    said = {"secrets": secrets, "renamed": renamed, "prices": prices}
    return about | {name: each for name, each in said.items() if each}


def opened(journal: str | PathLike[str] | Journal | None) -> Journal | None:
    """The journal that an agent is told to keep.

    Raises:
        JournalError: it cannot be opened.
    """
    if journal is None:
        return None
    with MAKING:
        from superscalar.journal import Journal  # and with it SQLite: not for those who keep no journal

    return journal if isinstance(journal, Journal) else Journal(journal)
