"""One short plan by a model, to see that it can be asked here, and how long it takes."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Any, Final, cast

from superscalar.compiler import LLMCompiler
from superscalar.errors import ModelError, ModelSetupError, PlanError, SuperscalarError
from superscalar.models.base import ChatModel, Chunk, Request, Usage, closable
from superscalar.models.providers import known_names, provider_of
from superscalar.models.saying import place
from superscalar.plan import print_plan
from superscalar.plan.ir import Call
from superscalar.secrets import Scrubber
from superscalar.tools import Retry, tool

QUESTION: Final = "What is twice 21?"


@tool(effect="pure")
def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


@dataclass(frozen=True, slots=True)
class ModelTried:
    """What came of asking a model for a plan.

    `plan`: what it wrote, empty where that was none. `constrained`: it could write nothing but plans. Seconds:
    `preparing`, before it read the prompt, such as loading itself; `first`, from then to the first token, thoughts too,
    None if there was none; `whole`, to the last. `cost` is None where nobody knows its prices. `error`: why it does not
    work.
    """

    model: str
    constrained: bool
    plan: str = ""
    preparing: float = 0.0
    first: float | None = None
    whole: float = 0.0
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    error: SuperscalarError | None = None

    @property
    def works(self) -> bool:
        """Tell whether it wrote a plan that can run."""
        return self.error is None


class _Timed:
    """A model whose reply is timed, and that is asked once: what it lacks, and a refusal, are to be seen."""

    retry = Retry(attempts=1)

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self._asked = self.ready = self.ended = 0.0
        self.first: float | None = None
        self.usage = Usage()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    @property
    def preparing(self) -> float:
        return self.ready - self._asked

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Ask it."""
        now = asyncio.get_running_loop().time
        self._asked = self.ready = self.ended = now()
        try:
            async with aclosing(closable(self._model.stream(request))) as chunks:
                async for chunk in chunks:
                    if chunk.preparing is not None:
                        self.ready = now()
                    if self.first is None and (chunk.text or chunk.thought):
                        self.first = now() - self.ready
                    if chunk.usage is not None:
                        self.usage = chunk.usage
                    yield chunk
        finally:
            self.ended = now()


async def try_model(model: ChatModel, seconds: float) -> ModelTried:
    """Ask a model for a plan of one call, and tell what came of it. Nothing is called, and nothing raised.

    `seconds`: how long its reply may take once it is prepared.
    """
    watched = _Timed(model)
    agent = LLMCompiler(cast("ChatModel", watched), [double], joiner=None, planner_timeout=seconds, max_repairs=0)
    plan = ""
    error: SuperscalarError | None = None
    try:
        written = await agent.plan(QUESTION)
        plan = print_plan(written.tasks).strip()
        if not any(isinstance(task.work, Call) and task.work.tool == double.name for task in written.tasks):
            error = PlanError((), summary=f"it wrote a plan that does not call {double.name}, the one tool there is")
    except SuperscalarError as raised:
        error = raised
    except Exception as raised:  # noqa: BLE001 -- a model of somebody else's; this says what is wrong with it
        said = Scrubber(getattr(model, "secrets", ())).without(str(raised))
        error = ModelError(f"{model.name}: {type(raised).__name__}: {said}")
    finally:
        await _closed(model)
    usage = watched.usage
    priced = usage.cost or getattr(model, "prices", ...) is not None
    return ModelTried(
        model=model.name,
        constrained=model.constrains,
        plan=plan,
        preparing=watched.preparing,
        first=watched.first,
        whole=watched.ended - watched.ready,
        usage=usage,
        cost=usage.cost if priced else None,
        error=error,
    )


async def _closed(model: ChatModel) -> None:
    close = getattr(model, "aclose", None)
    if close is not None:
        await close()


def tried_document(tried: ModelTried, hint: str) -> Mapping[str, Any]:
    """What came of it, for `--json`."""
    error = tried.error
    said = None if error is None else {"type": type(error).__name__, "message": str(error), "hint": hint}
    usage = {name: value for name, value in asdict(tried.usage).items() if name != "cost"}
    return {
        "model": tried.model,
        "works": tried.works,
        "plan": tried.plan or None,
        "constrained": tried.constrained,
        "preparing": tried.preparing,
        "first_token": tried.first,
        "whole": tried.whole,
        "usage": usage,
        "cost": tried.cost,
        "error": said,
    }


def hint_of(tried: ModelTried, base_url: str | None = None) -> str:
    """What to look at where a model does not work, in addition to what its error says; empty if there is nothing."""
    error = tried.error
    prefix, _, name = tried.model.partition(":")
    provider = provider_of(prefix)
    if not isinstance(error, ModelError) or provider is None:
        return ""
    if isinstance(error, ModelSetupError):
        places = " and ".join(filter(None, (provider.wanted, provider.elsewhere)))
        return f"{provider.title}: it looks in {places}." if provider.found().setup == "not known" else ""
    address = base_url or (os.environ.get(provider.server) if provider.server else None)
    match error.status:
        case 401 | 403:
            key = provider.found().key
            return f"The key is that in {key}: is it the right one, and may it use this model?" if key else ""
        case 404:
            return f"There may be no model {name!r}{_known(tried.model)}."
        case None if error.retryable and address and tried.first is None:
            return f"Is the server at {place(address)} running?"
        case _:
            return ""


def _known(model: str) -> str:
    """Which models there are that are called much the same, as far as pydantic-ai knows."""
    prefix, _, name = model.partition(":")
    known = {whole.partition(":")[2]: whole for whole in known_names(prefix)}
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; there is {' and '.join(known[each] for each in near)}" if near else ""
