"""How a server is told what a reply may be, and what it refused of that."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from superscalar.models.dialect import Rejection
from superscalar.models.saying import error_words
from superscalar.plan import Grammar
from superscalar.plan.grammars.schema import is_strict

Constraint: TypeAlias = Literal["json_schema", "lark", "llama.cpp", "vllm"]
"""How a server is told what a reply may be."""

_TOOL: Final = "plan"
_NAMES: Final = ("tools", "response_format", "grammar", "structured_outputs")
_STATUSES: Final = frozenset({400, 413, 415, 422, 501})
_OURS: Final = re.compile(r"grammar|lark|\btools?\b|tool_choice|response_format|schema", re.IGNORECASE)
_UNSUPPORTED: Final = re.compile(r"unsupported|(?:not|n't|no)\b.{0,30}\bsupport", re.IGNORECASE)
_MOST_REFUSED: Final = 8  # grammars that a server refused; with so many it takes none


class Constraints:
    """What one server is told of grammars, in its `form`; None for nothing.

    An `optional` one is asked for where the server takes it. If that refuses a grammar, because it is too large, say,
    that one is not sent again; if it knows of none, or refuses one after the other, none is. `official`: the server is
    OpenAI's own. A schema that it will not be bound by is sent as one that does not bind.
    """

    def __init__(self, form: Constraint | None, *, optional: bool = False, official: bool = False) -> None:
        self._form = form
        self.optional = optional
        self._official = official
        self._binds = True
        self._refused: set[str] = set()
        self._takes_any = form is not None

    @property
    def form(self) -> Constraint | None:
        """How the server is told, None where it is not."""
        return self._form if self._takes_any else None

    def parameters(self, grammar: Grammar | None) -> dict[str, Any]:
        """What stands in a request for a reply that follows the grammar."""
        told = {} if grammar is None else self._parameters(grammar)
        return {} if self._refused and _digest(told) in self._refused else told

    def without(self, refusal: Rejection, sent: Mapping[str, Any]) -> bool:
        """Note a refusal of these parameters; whether to ask once more, since it was the grammar that was refused."""
        named = f"{refusal.parameter} {error_words(refusal.said)}"
        if refusal.status not in _STATUSES or not _OURS.search(named) or not any(name in sent for name in _NAMES):
            return False
        if _binds(sent):
            self._binds = False
            return True
        if not self.optional:
            return False
        self._refused.add(_digest(sent))
        unsupported = refusal.code.startswith("unsupported") or _UNSUPPORTED.search(named) is not None
        self._takes_any = self._takes_any and not unsupported and len(self._refused) < _MOST_REFUSED
        return True

    def _parameters(self, grammar: Grammar) -> dict[str, Any]:
        match self.form:
            case None:
                return {}
            case "vllm" if not grammar.gbnf:  # a document, and no plan
                return {"structured_outputs": {"json": grammar.json_schema}}
            case _ if not grammar.gbnf:
                return self._document("reply", grammar.json_schema)
            case "json_schema":
                binding = self._official and self._binds and grammar.binding_schema
                return self._document("plan", binding or grammar.json_schema)
            case "lark":
                return _tool(grammar.lark)
            case "llama.cpp":
                return {"grammar": grammar.gbnf}
            case "vllm":
                return {"structured_outputs": {"grammar": grammar.gbnf}}

    def _document(self, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        told = {"name": name, "schema": schema, "strict": self._binds and is_strict(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": told}}


def _tool(definition: str) -> dict[str, Any]:
    written = {"type": "grammar", "grammar": {"syntax": "lark", "definition": definition}}
    tool = {"name": _TOOL, "description": "Takes the whole plan.", "format": written}
    return {
        "tools": [{"type": "custom", "custom": tool}],
        "tool_choice": {"type": "custom", "custom": {"name": _TOOL}},
        "parallel_tool_calls": False,  # or a plan may come in pieces that follow the grammar each for itself
    }


def _binds(sent: Mapping[str, Any]) -> bool:
    """Whether a schema was sent that is to bind."""
    match sent.get("response_format"):
        case {"json_schema": {"strict": True}}:
            return True
    return False


def _digest(parameters: Mapping[str, Any]) -> str:
    """What tells one grammar from another in these parameters."""
    return sha256(json.dumps([parameters.get(name) for name in _NAMES]).encode()).hexdigest()
