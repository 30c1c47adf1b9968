"""Grammars of plans from a table of tools, for models whose output can be constrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from superscalar.plan.grammars.gbnf import to_gbnf
from superscalar.plan.grammars.language import plan_rules
from superscalar.plan.grammars.lark import to_lark
from superscalar.plan.grammars.schema import to_binding_schema, to_json_schema
from superscalar.plan.ir.signatures import Signatures


class HasSignatures(Protocol):
    """What has a table of signatures, such as a `Toolset`."""

    @property
    def signatures(self) -> Signatures:
        """The tools, by alias."""
        ...


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a reply may be, in the notations that engines take; an empty one is not there.

    `gbnf` and `lark` describe plans in the `python` syntax: for llama.cpp and what reads its notation, and for OpenAI's
    custom tools and llguidance. `json_schema` describes plans in JSON, for endpoints that write only that;
    `binding_schema` the same for those of OpenAI, which bind a model where nothing may be left out: null stands for it.
    """

    gbnf: str = ""
    lark: str = ""
    json_schema: Mapping[str, Any] = field(default_factory=dict)
    binding_schema: Mapping[str, Any] = field(default_factory=dict)


def grammar(tools: Signatures | HasSignatures) -> Grammar:
    """The grammars of plans that call `tools`: their names and arguments, literals of the right types, no bad syntax.

    What they accept can be read. Names may still be undefined, and fields not there: that is the checker's work. Lines
    that correct a plan follow them too: `join(...)` comes last, or not at all.

        grammar = superscalar.plan.grammar(agent.tools)
        grammar.gbnf, grammar.lark, grammar.json_schema
    """
    signatures = tools if isinstance(tools, Signatures) else tools.signatures
    rules = plan_rules(signatures)
    return Grammar(to_gbnf(rules), to_lark(rules), to_json_schema(signatures), to_binding_schema(signatures))
