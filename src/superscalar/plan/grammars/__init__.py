"""Grammars of plans from a table of tools, for models whose output can be constrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from superscalar.plan.grammars.gbnf import to_gbnf
from superscalar.plan.grammars.language import rules_of
from superscalar.plan.signatures import Signatures


class Described(Protocol):
    """What has a table of signatures, such as a `Toolset`."""

    @property
    def signatures(self) -> Signatures:
        """The tools, by alias."""
        ...


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a reply may be, in the notations that engines take; an empty one is not there.

    `gbnf` and `lark` describe plans in the `python` syntax: for llama.cpp and what reads its notation, and for OpenAI's
    custom tools and llguidance. `json_schema` describes plans as JSON (rule L28), for endpoints that write nothing else.
    """

    gbnf: str = ""
    lark: str = ""
    json_schema: Mapping[str, Any] = field(default_factory=dict)


def grammar(tools: Signatures | Described) -> Grammar:
    """The grammars of plans that call `tools`: their names, their arguments, literals of the right types, no bad syntax.

    What they accept, a plan's reader can read. Names may still be undefined, and fields not there: that is the checker's
    work. Lines that correct a plan follow them too: `join(...)` comes last, or not at all.

        grammar = superscalar.plan.grammar(agent.tools)
        grammar.gbnf, grammar.lark, grammar.json_schema
    """
    signatures = tools if isinstance(tools, Signatures) else tools.signatures
    rules = rules_of(signatures)
    return Grammar(to_gbnf(rules))
