"""The ways that an agent is compared with: the baselines, with its tools, limits and very models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from superscalar.baselines import NativeParallel, NativeReAct, ReAct, ReWOO, Sequential
from superscalar.compiler import LLMCompiler
from superscalar.compiler.ways import Way
from superscalar.errors import UsageError
from superscalar.models.base import ChatModel
from superscalar.models.resolve import resolve
from superscalar.options import SAME

if TYPE_CHECKING:
    from superscalar.options import Models

OnWrites: TypeAlias = Literal["refuse", "allow"]
"""What becomes of tools that write."""

OURS: Final = "superscalar"
"""What a way is called that is no baseline."""

KINDS: Final[Mapping[str, type[LLMCompiler]]] = {
    "react": ReAct,
    "native-react": NativeReAct,
    "rewoo": ReWOO,
    "native": NativeParallel,
    "sequential": Sequential,
}
"""The baselines, by the names that a comparison calls them by."""


def contenders(agent: LLMCompiler, against: Sequence[str] = tuple(KINDS)) -> dict[str, LLMCompiler]:
    """An agent, called "superscalar", and baselines that are told what it is, as far as that means something to them.

    All of them share its models, loaded once.

    Raises:
        UsageError: there is no baseline of that name, or it cannot do what the agent is told to.
    """
    told = agent.options
    shared: dict[str, Any] = {"base_url": None, "journal": agent.journal}
    named: dict[str, ChatModel] = {}
    for role, given in (("model", told.model), ("joiner", told.joiner), ("extractor", told.extractor)):
        if given is not None and given != SAME:
            shared[role] = resolved(given, told.base_url, named)
    made = {OURS: agent.with_options(**shared)}
    for name in against:
        if name not in KINDS:
            raise UsageError(f"there is no way {name!r} to compare with; there are {', '.join(KINDS)}")
        kind = KINDS[name]
        made[name] = kind(**{**vars(told), **shared, **_own(kind.way)})
    return made


def _own(way: Way) -> dict[str, Any]:
    """The options that a way has for itself, whatever the agent is told."""
    own = dict(way.fixed)
    if way.form is not None:
        own["joiner"] = SAME
    if way.form is not None or way.whole:
        own["fallback"] = None  # it is measured as it is
    return own


def check_writes(agent: LLMCompiler, writes: OnWrites) -> None:
    """Make sure that nothing is written more than once, as it would be in each way.

    Raises:
        UsageError: a tool writes where that is to be refused; the message names each.
    """
    if writes == "allow":
        return
    told = agent.options.executor
    writing = [
        tool.name
        for tool in agent.tools
        if tool.effect == "write" and not getattr(tool.terms.executor or told, "dry_run", False)
    ]
    if writing:
        raise UsageError(
            f'{", ".join(writing)}: each way would write anew; declare what only reads as @tool(effect="read"), give '
            'an executor that writes nothing and says dry_run = True, or allow it (writes="allow", --allow-writes)'
        )


def resolved(given: Models, base_url: str | None, named: dict[str, ChatModel] | None = None) -> list[ChatModel]:
    """The models of one role, of which those of `openai:` are at that server.

    `named`: those that names were resolved to before, and are again.

    Raises:
        UsageError: one names no model.
    """
    named = {} if named is None else named
    found: list[ChatModel] = []
    for one in given if isinstance(given, list | tuple) else (given,):
        if isinstance(one, str):
            if one not in named:
                named[one] = resolve(one, base_url=base_url if one.startswith("openai:") else None)
            found.append(named[one])
        else:
            found.append(resolve(one))
    return found
