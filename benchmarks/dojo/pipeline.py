"""Our engine as one element of an AgentDojo pipeline, over the functions of its runtime."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentdojo.agent_pipeline.base_pipeline_element import BasePipelineElement
from agentdojo.agent_pipeline.tool_execution import tool_result_to_str
from agentdojo.functions_runtime import EmptyEnv, Function, FunctionCall, FunctionsRuntime
from agentdojo.types import (
    ChatAssistantMessage,
    ChatMessage,
    ChatToolResultMessage,
    text_content_block_from_string,
)

from benchmarks.dojo.declared import Declared, declared
from superscalar import LLMCompiler, RunResult, Tool, ToolContext, Toolset, tool
from superscalar.events import Event, Failed, Started, Succeeded
from superscalar.testing import run
from superscalar.values import copied

Agent = Callable[[Toolset], LLMCompiler]
"""Makes the agent that answers, over the tools that it may call."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the tools of one run act on: it reaches them as their context."""

    runtime: Any
    environment: Any


class EngineElement(BasePipelineElement):  # type: ignore[misc]  # AgentDojo is not there when types are checked
    """Answers a query with `agent`, which gets the runtime's functions as tools.

        pipeline = EngineElement(lambda tools: LLMCompiler("openai:gpt-5-mini", tools))
        suite.run_task_with_pipeline(pipeline, user_task, injection_task, injections)

    `terms`: what is declared of the functions, `sinks.toml` if nothing else. `last` is what the last query came to.
    Time is virtual: tools that act on an environment in memory take none, and nothing depends on the machine.
    """

    def __init__(self, agent: Agent, *, terms: Mapping[str, Declared] | None = None, name: str = "superscalar") -> None:
        self.name = name
        self.last: RunResult | None = None
        self._agent = agent
        self._terms = declared() if terms is None else terms

    def query(
        self,
        query: str,
        runtime: FunctionsRuntime,
        env: Any = EmptyEnv(),  # noqa: B008 -- as the base class has it
        messages: Sequence[ChatMessage] = (),
        extra_args: dict[str, Any] = {},  # noqa: B006 -- as the base class has it
    ) -> tuple[str, FunctionsRuntime, Any, Sequence[ChatMessage], dict[str, Any]]:
        """Run the query to its end; the calls that were made become messages, in the order in which they began."""
        agent = self._agent(tools_of(runtime.functions, self._terms))
        self.last = run(agent.run(query, context=Scene(runtime, env)))
        said = list(_messages(self.last.events, runtime.functions))
        answer = text_content_block_from_string(str(self.last.answer))
        ended = ChatAssistantMessage(role="assistant", content=[answer], tool_calls=None)
        return query, runtime, env, [*messages, *said, ended], extra_args


_toolsets: dict[tuple[tuple[str, Declared], ...], Toolset] = {}


def tools_of(functions: Mapping[str, Function], terms: Mapping[str, Declared]) -> Toolset:
    """A runtime's functions as tools, with what is declared of them.

    All of one suite are of one provider and name no resource, so that writes keep their place among all other calls.
    """
    key = tuple((name, terms[name]) for name in functions)
    if key not in _toolsets:
        _toolsets[key] = Toolset(tool_of(function, terms[name]) for name, function in functions.items())
    return _toolsets[key]


def tool_of(function: Function, terms: Declared) -> Tool[..., Any]:
    """One function as a tool. It acts on the scene of the run, and what it returns is a copy."""
    name = function.name

    async def call(scene: ToolContext[Scene], **arguments: Any) -> Any:
        acted, environment = scene.context.runtime, scene.context.environment
        found, _ = acted.run_function(environment, name, arguments, raise_on_error=True)
        return copy.deepcopy(found)

    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("scene", inspect.Parameter.KEYWORD_ONLY, annotation=ToolContext[Scene]),
            *map(_parameter, function.parameters.model_fields.items()),
        ],
        return_annotation=function.return_type,
    )
    call.__doc__ = function.description
    return tool(
        name=name,
        effect=terms.effect,
        trust=terms.trust,
        trusted_fields=terms.fields,
        sink=terms.sinks,
        provider="agentdojo",
    )(call)


def _parameter(named: tuple[str, Any]) -> inspect.Parameter:
    name, field = named
    default = inspect.Parameter.empty if field.is_required() else field.default
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=field.annotation)


def _messages(events: Sequence[Event], functions: Mapping[str, Function]) -> Iterator[ChatMessage]:
    """The calls of functions that were made, each with what came back."""
    ended = {event.id: event for event in events if isinstance(event, (Succeeded, Failed))}
    for event in events:
        if isinstance(event, Started) and event.tool in functions:
            made = FunctionCall(function=event.tool, args=copied(dict(event.arguments)), id=event.id)
            yield ChatAssistantMessage(role="assistant", content=[], tool_calls=[made])
            yield _result(made, ended[event.id])


def _result(made: FunctionCall, end: Succeeded | Failed) -> ChatMessage:
    text = tool_result_to_str(end.value) if isinstance(end, Succeeded) else ""
    return ChatToolResultMessage(
        role="tool",
        content=[text_content_block_from_string(text)],
        tool_call=made,
        tool_call_id=made.id,
        error=str(end.failure) if isinstance(end, Failed) else None,
    )
