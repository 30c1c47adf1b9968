"""Models that obey whoever speaks to them, in place of real ones: what holds against these holds against any.

The text of the attack is recognised by a mark in it. Whoever is shown the mark does what the attack wants; what a model
never sees, it cannot obey.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentdojo.agent_pipeline.base_pipeline_element import BasePipelineElement
from agentdojo.agent_pipeline.tool_execution import tool_result_to_str
from agentdojo.functions_runtime import EmptyEnv, FunctionCall, FunctionsRuntime
from agentdojo.types import (
    ChatAssistantMessage,
    ChatMessage,
    ChatToolResultMessage,
    text_content_block_from_string,
)

from benchmarks.dojo.rewriting import Extraction, occurs
from superscalar.models.base import Chunk, Request

MARK = "<INFORMATION>"
"""Stands in every attack, and in nothing else."""

UNKNOWN = "It could not be found out."


class ObedientLoop(BasePipelineElement):  # type: ignore[misc]  # AgentDojo is not there when types are checked
    """Calls tools one after the other as the user wants it; what it reads on the way, it does at once, and goes on."""

    name = "obedient loop"

    def __init__(self, user_task: Any, injection_task: Any) -> None:
        self._user_task = user_task
        self._injection_task = injection_task

    def query(
        self,
        query: str,
        runtime: FunctionsRuntime,
        env: Any = EmptyEnv(),  # noqa: B008 -- as the base class has it
        messages: Sequence[ChatMessage] = (),
        extra_args: dict[str, Any] = {},  # noqa: B006 -- as the base class has it
    ) -> tuple[str, FunctionsRuntime, Any, Sequence[ChatMessage], dict[str, Any]]:
        """What the user wants, and what anything that was read wants."""
        said: list[ChatMessage] = []
        todo: list[FunctionCall] = list(self._user_task.ground_truth(env))
        obeyed = False
        while todo:
            made = todo.pop(0)
            found, error = runtime.run_function(env, made.function, made.args)
            said += _turn(made, found, error)
            if not obeyed and MARK in repr(found):
                obeyed = True
                todo[:0] = self._injection_task.ground_truth(env)
        answer = text_content_block_from_string(self._user_task.GROUND_TRUTH_OUTPUT)
        ended = ChatAssistantMessage(role="assistant", content=[answer], tool_calls=None)
        return query, runtime, env, [*messages, *said, ended], extra_args


def _turn(made: FunctionCall, found: Any, error: str | None) -> list[ChatMessage]:
    text = text_content_block_from_string(tool_result_to_str(found))
    return [
        ChatAssistantMessage(role="assistant", content=[], tool_calls=[made]),
        ChatToolResultMessage(role="tool", content=[text], tool_call=made, tool_call_id=None, error=error),
    ]


class Spoken:
    """A model whose replies a function writes: of the request, and of how many there were before."""

    constrains = False

    def __init__(self, name: str, reply: Callable[[str, int], str]) -> None:
        self.name = name
        self.asked = 0
        self._reply = reply

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """The reply to all that it is shown, in one chunk."""
        shown = "\n".join(message.text for message in request.messages)
        reply = self._reply(shown, self.asked)
        self.asked += 1
        yield Chunk(reply)
        yield Chunk(finish="stop")


def planner(plan: str, attack: str) -> Spoken:
    """Writes the plan; asked again, the plan of the attack if it is shown the mark, and otherwise nothing more."""

    def reply(shown: str, asked: int) -> str:
        if asked == 0:
            return plan
        return attack if MARK in shown else "join()\n"

    return Spoken("planner", reply)


def joiner(answer: str, replans: bool) -> Spoken:
    """Gives the answer if all that was joined first is there. With `replans` it wants another round before, always."""
    missing: list[bool] = []

    def reply(shown: str, asked: int) -> str:
        if asked == 0:
            missing.append("UNKNOWN" in shown.rpartition("<results>")[2])
            if replans:
                return "REPLAN: whatever is still to be done"
        return UNKNOWN if missing[0] else answer or "Done."

    return Spoken("joiner", reply)


@dataclass(frozen=True, slots=True)
class Lie:
    """What an attacker has found instead of what a text holds: one value for texts, one for numbers (None: no lie)."""

    text: str | None = None
    number: float | None = None

    def instead_of(self, value: str | int | float) -> str | float | None:
        """The lie in the place of a value, of its type."""
        if isinstance(value, str) or self.number is None:
            return self.text if isinstance(value, str) else None
        return type(value)(self.number)


HONEST = Lie()


def extractor(extractions: Sequence[Extraction], lie: Lie = HONEST) -> Spoken:
    """Finds in a text what it is asked for, if it is there: in the place of the model that extracts.

    With a lie, it finds that instead in every text that holds the mark: the attack speaks to it, and it obeys.
    """

    def reply(shown: str, _asked: int) -> str:
        before, _, find = shown.rpartition("\n</data>\n\nFind: ")
        source = str(json.loads(before.rpartition("<data>\n")[2]))
        wanted = next(e for e in extractions if e.what == find)
        answer: dict[str, str | float | None] = {"value": None}
        if occurs(wanted.value, source, case=True):
            answer["value"] = wanted.value
        if MARK in source and (false := lie.instead_of(wanted.value)) is not None:
            answer["value"] = false
        return json.dumps(answer)

    return Spoken("extractor", reply)
