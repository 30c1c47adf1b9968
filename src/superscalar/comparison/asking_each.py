"""Asking one question in one way, and measuring what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, TypeAlias

from superscalar import events as ev
from superscalar.comparison.busy import Busy
from superscalar.comparison.contenders import resolved
from superscalar.comparison.questions import Asked
from superscalar.comparison.rows import ComparisonRow
from superscalar.comparison.scores import exact_match, f1_score
from superscalar.compiler import LLMCompiler
from superscalar.compiler.result import RunResult, has_failed
from superscalar.errors import ModelSetupError, SuperscalarError, UsageError
from superscalar.models.base import ChatModel
from superscalar.observe.timing import Timing
from superscalar.options import SAME
from superscalar.short import short
from superscalar.values import Usage, plain

Judge: TypeAlias = Callable[[str, str, tuple[str, ...]], bool | float | Awaitable[bool | float]]
"""Says how right an answer is, from 0 to 1: given the question, the answer, and what was expected. It may be async."""

_PLAIN: Final = (str, int, float, bool, type(None))


async def asked_once(
    way: str, agent: LLMCompiler, asked: Asked, repeat: int, *, context: Any, deadline: float | None, setup: str
) -> ComparisonRow:
    """Ask a question in one way. What the run raises is in the row; what only you can mend is raised.

    Raises:
        UsageError, ModelSetupError: nothing can be asked like that.
    """
    now = asyncio.get_running_loop().time
    begun = now()
    result: RunResult | None = None
    error = ""
    async with agent.stream(asked.question, files=asked.files, context=context, deadline=deadline) as running:
        try:
            result = await running.result()
        except (UsageError, ModelSetupError):
            raise
        except SuperscalarError as failed:
            error = f"{type(failed).__name__}: {failed}"
    seconds = now() - begun
    if result is not None and result.cut:
        error = f"the answer was cut: {result.cut}"
    elif result is not None and has_failed(result):
        error = "something that failed stands in the answer"
    answer = None if error or result is None else _text(result.answer)
    busy, usage, cost = Busy.of(running.events), *_spent(running.events, agent)
    return ComparisonRow(
        id=asked.id,
        way=way,
        repeat=repeat,
        question=asked.question,
        answer=answer,
        expected=asked.answers,
        exact=None if not asked.answers else answer is not None and exact_match(answer, asked.answers),
        f1=None if not asked.answers else 0.0 if answer is None else f1_score(answer, asked.answers),
        judged=None,
        seconds=seconds,
        model_seconds=busy.models,
        tool_seconds=busy.tools,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        calls=Timing.of(running.events).calls,
        rounds=sum(isinstance(event, ev.RoundStarted) for event in running.events),
        cost=cost,
        error=error,
        setup=setup,
    )


def for_question(agent: LLMCompiler, asked: Asked) -> LLMCompiler:
    """The agent with the tools of this question, where that has its own."""
    return agent if asked.tools is None else agent.with_options(tools=asked.tools())


async def prepared(agent: LLMCompiler) -> None:
    """Load the models of an agent that have to be: whoever is asked first would wait for all others.

    Raises:
        ModelSetupError: one cannot be had, or loaded.
    """
    told = agent.options
    for given in (told.model, told.joiner, told.extractor):
        for model in given if isinstance(given, list | tuple) else (given,):
            if not isinstance(model, str) and (prepare := getattr(model, "prepare", None)) is not None:
                await prepare()  # of a name there would be another one in each agent


async def judged_by(judge: Judge | None, row: ComparisonRow) -> ComparisonRow:
    """The row with what a judge says of its answer; a run that failed is worth nothing.

    Raises:
        UsageError: it says something else than a number from 0 to 1.
    """
    if judge is None or row.judged is not None:
        return row
    if row.answer is None:
        return replace(row, judged=0.0)
    said = judge(row.question, row.answer, row.expected)
    if inspect.isawaitable(said):
        said = await said
    if not (isinstance(said, bool | int | float) and 0 <= said <= 1):
        raise UsageError(f"the judge said {short(said)} of {row.id!r}; it is to return True, False, or 0.0 to 1.0")
    return replace(row, judged=float(said))


def setup_of(agent: LLMCompiler) -> str:
    """What stands for all that a way was told: answers under another one are not its own."""
    told = agent.options
    plain_ones = {field.name: getattr(told, field.name) for field in fields(told)}
    said = {
        "way": agent.way.name,
        "models": {role: [model.name for model in models] for role, models in _models_of(agent).items()},
        "options": {name: value for name, value in plain_ones.items() if type(value) in _PLAIN and name != "model"},
        "examples": [list(pair) for pair in told.examples],
        "tools": [] if agent.is_live else agent.tools.schemas("openai"),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=repr).encode()).hexdigest()[:12]


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(plain(answer), ensure_ascii=False)


def _spent(happened: Iterable[ev.Event], agent: LLMCompiler) -> tuple[Usage, float | None]:
    """What models used, and what they and the tools cost; None where nobody knows."""
    prices = {tool.name: tool.cost for tool in agent.tools if tool.cost}
    usage, tools = Usage(), 0.0
    for event in happened:
        match event:
            case ev.ModelUsed(usage=used):
                usage += used
            case ev.Started(tool=tool):
                tools += prices.get(tool, 0.0)
            case ev.Charged(cost=cost):
                tools += cost
    unknown = not usage.cost and any(
        getattr(model, "prices", ...) is None for models in _models_of(agent).values() for model in models
    )
    return usage, None if unknown else usage.cost + tools


def _models_of(agent: LLMCompiler) -> Mapping[str, Sequence[ChatModel]]:
    """The models that may be asked, by role."""
    told = agent.options
    given = {"model": told.model, "joiner": told.joiner, "extractor": told.extractor}
    return {role: resolved(one, told.base_url) for role, one in given.items() if one is not None and one != SAME}
