"""What a run tells of itself, and to whom: nothing secret, whoever reads its events, its journal or its prompts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from superscalar import codec, events
from superscalar.attachments import Attachment
from superscalar.compiler.raised import cleaned
from superscalar.plan.ir import Call, Input, Literal, Supplied, Task, Text, walk
from superscalar.schedule.withholding import feeding_secrets, said_for_secrets, secrets_of_tools, withheld
from superscalar.secrets import Scrubber, secrets_in
from superscalar.tools.execution import Channel, Invocation, Runner
from superscalar.tools.secret import told_in
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import WITHHELD, Failure, Observation, Outcome, Skipped, TaskId

if TYPE_CHECKING:
    from superscalar.compiler.equipment import Equipment

_KEPT_BACK: Final = "withheld: it holds something secret"
_IN_PIECES: Final = (events.PlanWritten, events.Thought, events.AnswerWritten)


def telling(equipment: Equipment, context: Any, given: Sequence[Any] = ()) -> Telling | None:
    """What a run tells; None where it knows no secret, can learn none, and nobody wants anything else left out.

    `given`: the values of the secret inputs of its plan.
    """
    scrub = Scrubber([*equipment.secrets, *secrets_in(context), *given], equipment.options.redact)
    return Telling(scrub, equipment.tools) if scrub or given or secrets_of_tools(equipment.tools) else None


class Telling:
    """Takes out of the texts of one run what is secret, and learns what is: from its plan, and from its calls.

    Called with an event, it is as everybody is told. Values stay what they are, for the process goes on with them.
    """

    def __init__(self, scrub: Scrubber, tools: Toolset) -> None:
        self.scrub = scrub
        self._secrets = secrets_of_tools(tools)
        self._tasks: list[Task] = []
        self._feeding: frozenset[TaskId] = frozenset()
        self._values: dict[TaskId, Any] = {}
        self._secret_inputs: set[TaskId] = set()
        self._piece: events.PlanWritten | events.Thought | events.AnswerWritten | None = None  # may begin a secret

    def __call__(self, event: events.Event) -> events.Event:
        """The event without what is secret in its texts."""
        if self._secrets:
            self._learn(event)
        if not self.scrub:
            return event
        match event:
            case events.Failed(failure=failure) | events.Retrying(failure=failure):
                return replace(event, failure=self._outcome(failure))  # type: ignore[arg-type]
            case events.Skipped(items=tuple(items)):
                return replace(event, items=tuple(map(self._outcome, items)))
            case events.Waiting(limits=limits):
                return replace(event, limits=tuple(map(self.scrub, limits)))
            case events.ModelWaiting(limits=limits, why=why):
                return replace(event, limits=tuple(map(self.scrub, limits)), why=self.scrub(why))
            case events.Throttled(limit=limit):
                return replace(event, limit=self.scrub(limit))
            case events.Progressed(message=str(message)):
                return replace(event, message=self.scrub(message))
            case events.Replanned(reason=reason) | events.RoundStarted(reason=reason) | events.Decided(reason=reason):
                return replace(event, reason=self.scrub(reason))
            case events.RunEnded(error=error):
                return replace(event, error=self.scrub(error))
            case (
                events.AnswerCut(why=why)
                | events.AnswerRejected(why=why)
                | events.ModelFailed(why=why)
                | events.FellBack(why=why)
            ):
                return replace(event, why=self.scrub(why))
            case events.Diagnosed(diagnostic=diagnostic):
                return replace(event, diagnostic=self._masked(diagnostic))
            case _:
                return event

    def _outcome(self, outcome: Outcome) -> Outcome:
        match outcome:
            case Failure(message=message, error=error, items=items):
                inner = None if items is None else tuple(map(self._outcome, items))
                told = replace(outcome, message=self.scrub(message), error=self.scrub(error), items=inner)
                return told.raised_by(outcome.raised and outcome.raised.hiding(self.scrub))
            case Skipped(items=tuple(items)):
                return replace(outcome, items=tuple(map(self._outcome, items)))
            case _:
                return outcome

    # ------------------------------------------------------------------------------------------------ what is secret

    def _learn(self, event: events.Event) -> None:
        """What a plan gives a secret parameter: what it says there, and the values that it takes for it."""
        if isinstance(event, events.Succeeded):
            self._values[event.id] = event.value
            if event.id in self._feeding:
                self.scrub.learn(event.value)
        elif isinstance(event, events.Planned):
            self._tasks.append(event.task)
            calls = [task.work for task in walk((event.task,)) if isinstance(task.work, Call)]
            if any(call.tool in self._secrets for call in calls):
                self._feeding = self._said_in(self._tasks)
                self.scrub.learn([self._values[id] for id in self._feeding if id in self._values])

    def expect(self, plan: Sequence[Task]) -> None:
        """Learn what is secret in a plan that is whole before any line of it is told."""
        if self._secrets:
            self._said_in(plan)

    def _said_in(self, plan: Sequence[Task]) -> frozenset[TaskId]:
        """Learn what a plan says for secret parameters; the tasks whose values go to one."""
        feeding = feeding_secrets(plan, self._secrets)
        self.scrub.learn(said_for_secrets(plan, self._secrets, feeding))
        return feeding

    def learning(self, runners: Mapping[Tool[..., Any], Runner]) -> Mapping[Tool[..., Any], Runner]:
        """The same runners; what a call is given for a secret parameter is known before the call is made."""
        if not self._secrets:
            return runners
        return {tool: self._heard(tool, run) if tool.secrets else run for tool, run in runners.items()}

    def _heard(self, tool: Tool[..., Any], run: Runner) -> Runner:
        @wraps(run)  # whether it takes a thread is said of it
        def heard(call: Invocation, channel: Channel) -> Awaitable[Any]:
            self.scrub.learn(list(told_in(call.arguments, tool.secret_parts)))
            return run(call, channel)

        return heard

    # --------------------------------------------------------------------------------------------- where else it goes

    def cleaned(self, error: BaseException) -> BaseException:
        """What the caller gets in the place of an exception: without what is secret in its texts, notes and causes."""
        return cleaned(error, self.scrub) if self.scrub else error

    def leaving(self, event: events.Event) -> Iterator[events.Event]:
        """An event as the journal has it, and whoever observes the run: values are without secrets too.

        The end of a piece of text waits for the next event if it may begin a secret.
        """
        event = self._without_inputs(event)
        before, self._piece = self._piece, None
        if before is not None and type(event) is type(before) and isinstance(event, _IN_PIECES):
            event = replace(event, text=before.text + event.text)
        elif before is not None:
            yield self._without_values(before)
        if isinstance(event, _IN_PIECES) and (count := self.scrub.begun(event.text)):
            self._piece = replace(event, text=event.text[-count:])
            event = replace(event, text=event.text[:-count])
            if not event.text:
                return
        told = self._without_values(event)
        if self._secrets and isinstance(told, events.Planned):
            told = events.Planned(told.at, withheld(told.task, self._secrets))
        yield told

    def _without_inputs(self, event: events.Event) -> events.Event:
        """An event without the value of a secret input, short as that may be."""
        match event:
            case events.Planned(task=Task(id=id, work=Supplied(input=Input(secret=True)) as work)):
                self._secret_inputs.add(id)
                return replace(event, task=replace(event.task, work=replace(work, value=WITHHELD)))
            case events.Succeeded(id=id) if id in self._secret_inputs:
                return replace(event, value=WITHHELD)
            case _:
                return event

    def _without_values(self, event: events.Event) -> events.Event:
        """An event in which a value with something secret in it is a mark, and so is what a plan says."""
        if not self.scrub:
            return event
        try:
            text = codec.dumps(event)
        except codec.Unwritable:  # the journal will say so
            return event
        if "\\u" in text:  # undone at once: in most scripts each character is an escape
            text = json.dumps(json.loads(text, parse_int=str, parse_float=str), ensure_ascii=False)
        if not self.scrub.finds(text):
            return event
        match event:
            case events.Succeeded():
                return replace(event, value=WITHHELD)
            case events.Joined():
                return replace(event, answer=WITHHELD)
            case _:
                return self._masked(event)  # type: ignore[no-any-return]

    def about(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a run is remembered with, in the same way."""
        return {name: self._text_of_data(part) for name, part in about.items()}

    def _text_of_data(self, data: Any) -> Any:
        match data:
            case str():
                return self.scrub.without(data)
            case dict():
                return {self._text_of_data(name): self._text_of_data(part) for name, part in data.items()}
            case list() | tuple():
                return [self._text_of_data(part) for part in data]
            case _:
                return data

    def _masked(self, node: Any) -> Any:
        match node:
            case str():
                return self.scrub.without(node)
            case Literal(value):
                return Literal(WITHHELD) if self._holds(value) else node  # type: ignore[arg-type]
            case Text(parts) if any(isinstance(part, str) and self.scrub.finds(part) for part in parts):
                return Literal(WITHHELD)  # type: ignore[arg-type]
            case Supplied(value=value):
                value = WITHHELD if self._holds(value) else value
                return replace(node, input=self._masked(node.input), value=value)
            case Input(default=default):
                default = WITHHELD if self._holds(default) else default
                return replace(node, default=default, description=self._masked(node.description))
            case Observation(value):
                return Observation(WITHHELD) if self._holds(value) else node
            case Attachment():
                return Attachment(node.media_type, name=_KEPT_BACK) if self._holds(node) else node
            case Mapping():
                return {name: WITHHELD if self._holds(value) else value for name, value in node.items()}
            case tuple() if hasattr(node, "_make"):
                return type(node)._make(map(self._masked, node))
            case tuple():
                return tuple(map(self._masked, node))
            case _ if is_dataclass(node) and not isinstance(node, type):
                names = [field.name for field in fields(node) if field.init]
                return replace(node, **{name: self._masked(getattr(node, name)) for name in names})
            case _:
                return node

    def _holds(self, value: Any) -> bool:
        try:
            return self.scrub.finds(json.dumps(codec.data_of(value), ensure_ascii=False))
        except codec.Unwritable:
            return self.scrub.finds(repr(value))
