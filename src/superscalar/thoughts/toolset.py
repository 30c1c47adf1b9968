"""The thoughts as a set of tools."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from superscalar.compiler import LLMCompiler
from superscalar.compiler.equipment import resolved_models
from superscalar.errors import RateLimited
from superscalar.executors import LOCAL
from superscalar.inquiry import MAX_WRITTEN
from superscalar.models.base import ChatModel
from superscalar.plan.ir.signatures import Parameter
from superscalar.thoughts.asking import THINKERS, ThoughtTerms, vote
from superscalar.tools.terms import Limit, Retry
from superscalar.tools.tool import Tool, tool
from superscalar.tools.toolset import Toolset
from superscalar.tools.trust import Results
from superscalar.tools.types import shape_of

if TYPE_CHECKING:
    from superscalar.options import Models

_RETRY: Final = Retry(attempts=3, on=(RateLimited, ConnectionError), initial=1.0)


def thoughts(
    model: Models | Mapping[str, Models] | LLMCompiler | None = None,
    *,
    schemas: Mapping[str, Any] | None = None,
    temperature: float = 0.7,
    seed: int = 0,
    max_tokens: int = MAX_WRITTEN,
    timeout: float | None = None,
    limits: Mapping[str, Limit] | None = None,
    grammar: bool = True,
    policy: Any = None,
) -> Toolset:
    """Make the tools `think`, `score`, `vote`, `best`, `merge`, `refine` and `split`, which ask a model one thing each.

        agent = LLMCompiler(model="local", tools=[thoughts(), search])

    `model`: what thinks; without one, the planner's models of each agent that has these tools, and of an agent, those
    of that one. Models by name (`{"small": "local", "large": "openai:gpt-5-mini"}`) may be said in a call
    (`think(p, model="large")`); the first is the one that is meant without. `schemas`: types by name, for `type=`
    beside `str int float bool date datetime` and lists of them. `temperature`: of samples; all else is asked at 0.
    `seed`: what samples are drawn with, each with the next. `max_tokens`: of one reply; `timeout`: seconds for one.
    `limits`: named limits, such as `{"think()": Limit(concurrency=4)}`. `grammar`: models that can be held to the type
    of a reply are. `policy`: as for any tool. See docs/thoughts.md.

    Raises:
        UsageError: a name stands for no model, or a schema cannot be used.
    """
    terms = ThoughtTerms(
        models=_named(model),
        schemas=dict(schemas or {}),
        temperature=temperature,
        seed=seed,
        max_tokens=max_tokens,
        timeout=timeout,
        grammar=grammar,
    )
    shapes = {name: shape_of(type_) for name, type_ in terms.types.items()}
    tools = [_thought(name, kind(terms), terms, shapes) for name, kind in THINKERS.items()]
    chosen: Tool[..., Any] = tool(effect="pure")(vote)
    return Toolset([*tools[:2], chosen, *tools[2:]], limits=limits, policy=policy)


def _named(model: Any) -> dict[str, tuple[ChatModel, ...]]:
    """The models by the names that plans may say for them; one that has none is called nothing."""
    if isinstance(model, LLMCompiler):
        return {"": resolved_models(model.options.model, model.options.base_url)}
    if isinstance(model, Mapping):
        return {str(name): resolved_models(given) for name, given in model.items()}
    return {"": resolved_models(model)}


def _thought(name: str, thinker: Any, terms: ThoughtTerms, shapes: Mapping[str, Any]) -> Tool[..., Any]:
    """A thought as plans call it: a read that goes nowhere, and whose result has the label of what it was given."""
    made: Tool[..., Any] = tool(
        name=name,
        effect="read",
        dedupe=True,
        timeout=None,
        retry=_RETRY,
        provider=name,
        reads=(),
        executor=LOCAL,  # it is asked with the models of this process
    )(thinker)
    made.trust = None  # as of a pure tool: the model adds nothing that it was not given
    typed = any(one.name == "type" for one in made.signature.parameters)
    if typed and name == "think":
        made.results = Results("type", {**shapes, "": None})
    made.signature = replace(
        made.signature,
        description=inspect.cleandoc(type(thinker).__call__.__doc__ or "").split("\n\n")[0],
        parameters=tuple(_chosen(one, terms) for one in made.signature.parameters),
    )
    return made


def _chosen(parameter: Parameter, terms: ThoughtTerms) -> Parameter:
    """A parameter as planners see it; the name of a type, or of a model, stands in the plan itself."""
    choices = {"type": tuple(terms.types), "model": tuple(terms.models)}.get(parameter.name, ())
    return replace(parameter, choices=choices) if choices else parameter
