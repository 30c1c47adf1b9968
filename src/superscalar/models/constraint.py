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
    that one is not sent again; if it knows of none, or refuses one after the other, none is.
    """

    def __init__(self, form: Constraint | None, *, optional: bool = False) -> None:
        self._form = form
        self.optional = optional
        self._refused: set[str] = set()
        self._takes_any = form is not None

    @property
    def form(self) -> Constraint | None:
        """How the server is told, None where it is not."""
        return self._form if self._takes_any else None

    def parameters(self, grammar: Grammar | None) -> dict[str, Any]:
        """What stands in a request for a reply that follows the grammar."""
        told = {} if grammar is None else _parameters(grammar, self.form)
        return {} if self._refused and _digest(told) in self._refused else told

    def without(self, refusal: Rejection, sent: Mapping[str, Any]) -> bool:
        """Note a refusal of these parameters; whether to ask once more, since it was the grammar that was refused."""
        named = f"{refusal.parameter} {error_words(refusal.said)}"
        told = any(name in sent for name in _NAMES)
        if not (self.optional and told) or refusal.status not in _STATUSES or not _OURS.search(named):
            return False
        self._refused.add(_digest(sent))
        unsupported = refusal.code.startswith("unsupported") or _UNSUPPORTED.search(named) is not None
        self._takes_any = self._takes_any and not unsupported and len(self._refused) < _MOST_REFUSED
        return True


def _digest(parameters: Mapping[str, Any]) -> str:
    """What tells one grammar from another in these parameters."""
    return sha256(json.dumps([parameters.get(name) for name in _NAMES]).encode()).hexdigest()


def _parameters(grammar: Grammar, form: Constraint | None) -> dict[str, Any]:
    if form is not None and not grammar.gbnf:  # a document, and no plan
        if form == "vllm":
            return {"structured_outputs": {"json": grammar.json_schema}}
        return _document("reply", grammar.json_schema)
    match form:
        case "json_schema":
            return _document("plan", grammar.json_schema)
        case "lark":
            written = {"type": "grammar", "grammar": {"syntax": "lark", "definition": grammar.lark}}
            tool = {"name": _TOOL, "description": "Takes the whole plan.", "format": written}
            choice = {"type": "custom", "custom": {"name": _TOOL}}
            return {
                "tools": [{"type": "custom", "custom": tool}],
                "tool_choice": choice,
                "parallel_tool_calls": False,  # or a plan may come in pieces that follow the grammar each for itself
            }
        case "llama.cpp":
            return {"grammar": grammar.gbnf}
        case "vllm":
            return {"structured_outputs": {"grammar": grammar.gbnf}}
        case None:
            return {}


def _document(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    told = {"name": name, "schema": schema, "strict": is_strict(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": told}}


def is_strict(schema: Any) -> bool:
    """Tell whether OpenAI takes a schema as binding: each object has a fixed set of fields, and none may be missing."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(schema.get("properties", ()))
    ):
        return False
    return all(map(is_strict, schema.values()))
