"""Native tool calls: a turn of a chat model becomes a plan, and the outcomes become the messages that answer it.

Three shapes are known by what they look like, as dicts or as the objects of a provider's SDK: an assistant message of
OpenAI's chat completions, the output of its Responses API, an assistant message of Anthropic's Messages API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, overload

from superscalar.compiler.result import RunResult
from superscalar.errors import UsageError
from superscalar.labels import Label
from superscalar.plan import ir, passed, planned
from superscalar.plan.evaluate.json_text import Twice, once
from superscalar.plan.passes.pipeline import Pipeline
from superscalar.short import LONGEST_REPR, bounded, lines
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Failure, Observation, Outcome, Skipped, TaskId, plain

CallShape: TypeAlias = Literal["chat", "responses", "anthropic"]

_SHAPE_OF: Mapping[str, CallShape] = {
    "function": "chat",
    "custom": "chat",
    "function_call": "responses",
    "custom_tool_call": "responses",
    "tool_use": "anthropic",
}


@bounded
@dataclass(frozen=True, slots=True)
class CallResult:
    """What one tool call of a turn came to. `id` and `name` are those of the model; `text` is what it is answered."""

    id: str
    name: str
    outcome: Outcome
    text: str


class CallResults(Sequence[CallResult]):
    """The results of a turn, in the order of its calls.

    `messages`: the answer in the shape of the turn, to be appended to the conversation after it. `run`: everything else
    that is known of the run. `label`: where what these messages say came from, and who may read it; a model that is
    shown them writes calls that are made from that.
    """

    def __init__(self, results: Iterable[CallResult], messages: list[dict[str, Any]], run: RunResult) -> None:
        self._results = tuple(results)
        self.messages = messages
        self.run = run

    @property
    def label(self) -> Label:
        """Return the label of all results together, and of what the model was shown that asked for them."""
        return self.run.label

    @overload
    def __getitem__(self, index: int) -> CallResult: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CallResult]: ...
    def __getitem__(self, index: int | slice) -> CallResult | Sequence[CallResult]:
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        return lines((f"{result.name} ({result.id}): {result.outcome}" for result in self), LONGEST_REPR)


@dataclass(frozen=True, slots=True)
class _CallAskedFor:
    """One call as the model wrote it. `task` is None where it cannot be made, and `failure` says why."""

    id: str
    name: str
    kind: str
    task: TaskId | None
    failure: Failure | None = None


class ToolTurn:
    """A turn of tool calls as a plan: one task a call, in their order, all of them joined.

    `numbers`: how often each tool was called in the turns before it, in the same run.
    """

    def __init__(self, message: object, tools: Toolset, numbers: dict[str, int] | None = None) -> None:
        self.shape, found = _calls_in(message)
        self._asked: list[_CallAskedFor] = []
        self._tasks: list[ir.Task] = []
        self._numbers = {} if numbers is None else numbers
        self._signatures = tools.signatures
        for call in found:
            self._take(call, tools)

    @property
    def plan(self) -> ir.Plan:
        """The plan, where there is nothing before it."""
        return planned([*self._tasks, self._join("join()")], self._signatures)

    def behind(self, passes: Pipeline) -> tuple[ir.Task, ...]:
        """Its tasks, behind those of the turns before it; none where no call can be made."""
        return tuple(passed([*self._tasks, self._join(self._id("join"))], passes)) if self._tasks else ()

    def _join(self, id: TaskId) -> ir.Task:
        return ir.Task(id, ir.Join(tuple((None, task.id) for task in self._tasks)))

    def _id(self, name: str) -> TaskId:
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        return f"{name}()" if number == 1 else f"{name}().{number}"

    def _take(self, call: object, tools: Toolset) -> None:
        """One call. What is wrong with it fails it alone, with a message that the model can mend it by."""
        kind, id, name, given = _parts_of(call, self.shape)
        try:
            found = tools.find(name)
            if found is None:
                there = ", ".join(signature.alias for signature in tools.signatures) or "none"
                raise _Unusable(f"there is no tool `{name}`; the tools are: {there}")
            alias, tool = found
            arguments = _arguments(tool, name, given)
        except _Unusable as error:
            self._asked.append(_CallAskedFor(id, name, kind, None, Failure("arguments", str(error))))
            return
        task = ir.Task(self._id(alias), ir.Call(alias, arguments, tool.effect))
        self._tasks.append(task)
        self._asked.append(_CallAskedFor(id, name, kind, task.id))

    def results(self, run: RunResult) -> CallResults:
        """What became of the calls, and the messages that say so."""
        made = self.came_to(run.outcomes)
        return CallResults(made, self._messages(made), run)

    def came_to(self, outcomes: Mapping[TaskId, Outcome]) -> list[CallResult]:
        """What became of each call, in their order."""
        return [CallResult(asked.id, asked.name, *self._result(asked, outcomes)) for asked in self._asked]

    def _result(self, asked: _CallAskedFor, outcomes: Mapping[TaskId, Outcome]) -> tuple[Outcome, str]:
        outcome = outcomes[asked.task] if asked.task is not None else asked.failure
        assert outcome is not None  # one of the two is there
        match outcome:
            case Observation(str() as text):
                return outcome, text
            case Observation(value):
                return outcome, json.dumps(plain(value), ensure_ascii=False, default=repr)
            case Skipped(because):
                cause = next((f"{a.name} ({a.id})" for a in self._asked if a.task == because), because)
                return outcome, f"Not run: {cause} failed, which comes before it."
            case Failure():
                return outcome, f"Error: {outcome}"

    def _messages(self, results: list[CallResult]) -> list[dict[str, Any]]:
        if self.shape == "chat":
            return [{"role": "tool", "tool_call_id": r.id, "content": r.text} for r in results]
        if self.shape == "responses":
            return [
                {"type": f"{asked.kind}_output", "call_id": r.id, "output": r.text}
                for asked, r in zip(self._asked, results, strict=True)
            ]
        blocks = [
            {"type": "tool_result", "tool_use_id": r.id, "content": r.text}
            | ({} if isinstance(r.outcome, Observation) else {"is_error": True})
            for r in results
        ]
        return [{"role": "user", "content": blocks}] if blocks else []


class _Unusable(Exception):
    """A call that cannot be made; the message is for the model."""


def _of(thing: object, name: str) -> Any:
    """A field of a dict, or of an SDK's object."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _listed(thing: object) -> list[Any] | None:
    return list(thing) if isinstance(thing, Sequence) and not isinstance(thing, str | bytes) else None


def _calls_in(message: object) -> tuple[CallShape, list[Any]]:
    """The calls of a message, in their order, and the shape that they have; other parts of it are passed over."""
    parts = _listed(message)
    if parts is None:
        for name in ("tool_calls", "output", "content"):
            if (parts := _listed(_of(message, name))) is not None:
                break
    calls = [part for part in parts or () if _kind_of(part) in _SHAPE_OF]
    shapes = {_SHAPE_OF[_kind_of(call)] for call in calls}
    if len(shapes) > 1:
        raise UsageError("these tool calls are of several APIs; hand over the message of one")
    if calls:
        return shapes.pop(), calls
    if parts is None and _of(message, "role") is None:
        raise UsageError(
            f"no message of a chat model: {type(message).__name__}; hand over an assistant message "
            "(response.choices[0].message of OpenAI's chat completions, response of OpenAI's Responses API or of "
            "Anthropic's Messages API), as an object or a dict, or a list of its tool calls"
        )
    return "chat", []


def _kind_of(part: object) -> str:
    kind = _of(part, "type")
    if kind is None and _of(part, "function") is not None:
        return "function"  # left out by some servers
    return str(kind)


def _parts_of(call: object, shape: CallShape) -> tuple[str, str, str, Any]:
    """Kind, id and name of a call, and its arguments as they came."""
    kind = _kind_of(call)
    if shape == "chat":
        inner = _of(call, kind)
        given = _of(inner, "arguments") if kind == "function" else None
        return kind, _text(_of(call, "id")), _text(_of(inner, "name")), given
    if shape == "responses":
        given = _of(call, "arguments") if kind == "function_call" else None
        return kind, _text(_of(call, "call_id")), _text(_of(call, "name")), given
    return kind, _text(_of(call, "id")), _text(_of(call, "name")), _of(call, "input")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _arguments(tool: Tool[..., Any], name: str, given: Any) -> tuple[tuple[str, ir.Expr], ...]:
    """The arguments of a call as constants of a plan, by the aliases of its parameters."""
    if isinstance(given, str):
        try:
            given = json.loads(given, object_pairs_hook=once) if given.strip() else {}
        except Twice as error:
            raise _Unusable(f"the arguments of {name} cannot be read: {error}") from None
        except (ValueError, RecursionError) as error:
            raise _Unusable(f"the arguments of {name} are not JSON: {error}; {_example(tool)}") from None
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise _Unusable(f"the arguments of {name} are {_kind_name(given)}; {_example(tool)}")
    made: dict[str, ir.Expr] = {}
    for key, value in given.items():
        alias = tool.signature.argument(str(key))
        if alias in made:
            raise _Unusable(f"{name} is given `{key}` twice")
        try:
            made[alias] = _constant(value)
        except RecursionError:
            raise _Unusable(f"the argument `{key}` of {name} is nested too deeply") from None
        except TypeError as error:
            raise _Unusable(f"the argument `{key}` of {name} holds {error}") from None
        except Twice as error:
            raise _Unusable(f"the argument `{key}` of {name} cannot be read: {error}") from None
    return tuple(made.items())


def _example(tool: Tool[..., Any]) -> str:
    needed = [p.name for p in tool.signature.parameters if p.required]
    return f"write one JSON object, such as {json.dumps(dict.fromkeys(needed, '...'))}"


def _kind_name(value: object) -> str:
    return f"a {type(value).__name__}"


def _constant(value: Any) -> ir.Expr:
    """JSON data as an expression: it is data wherever it came from, never text of a plan (rule L9)."""
    match value:
        case None | bool() | int() | float() | str():
            return ir.Literal(value)
        case Mapping():
            made = once([(str(key), _constant(item)) for key, item in value.items()])
            return ir.Dict(tuple((ir.Literal(key), item) for key, item in made.items()))
        case list() | tuple():
            return ir.Sequence("list", tuple(map(_constant, value)))
    raise TypeError(f"{_kind_name(value)}, which is no JSON")
