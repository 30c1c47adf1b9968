"""Tools that nobody here described, as JSON Schema: those of NESTFUL, and of the Berkeley Function Calling Leaderboard.

Both say nearly, but not quite, what JSON Schema says; what is asked of values is the same here.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from superscalar import Tool

_KINDS = {
    "dict": "object",
    "hashmap": "object",
    "float": "number",
    "double": "number",
    "long": "integer",
    "tuple": "array",
    "arraylist": "array",
    "char": "string",
    "enum": "string",
}
_JSON = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


def answered(**arguments: Any) -> dict[str, Any]:
    """Stands for all of them."""
    return arguments


def nestful_tool(said: Mapping[str, Any]) -> Tool[..., Any]:
    """One tool of NESTFUL. What its specification does not say to be required is not."""
    given = {
        name: parameter
        for key in ("path_parameters", "query_parameters", "parameters")
        for name, parameter in (said.get(key) or {}).items()
    }
    parameters = {
        "type": "object",
        "properties": {name: json_schema(one) for name, one in given.items()},
        "required": [name for name, one in given.items() if one.get("required") is True],
    }
    returns = {
        "type": "object",
        "properties": {name: json_schema(one) for name, one in said["output_parameters"].items()},
    }
    return Tool.from_schema(
        said["name"], parameters, answered, returns=returns, description=said["description"], effect="read"
    )


def json_schema(said: Any) -> Any:
    """What one of them asks of values, as JSON Schema."""
    if not isinstance(said, Mapping):
        return True
    made: dict[str, Any] = {}
    if isinstance(said.get("description"), str):
        made["description"] = said["description"]
    kind = str(said.get("type", "")).lower()
    if (known := _KINDS.get(kind, kind)) in _JSON:
        made["type"] = known
    allowed = said.get("enum") or said.get("allowed_values") or said.get("possible_values")
    if isinstance(allowed, list):
        made["enum"] = allowed
    for key in ("default", "minItems", "maxItems", "minimum", "maximum", "format"):
        if key in said:
            made[key] = said[key]
    if isinstance(said.get("properties"), Mapping):
        made["properties"] = {name: json_schema(one) for name, one in said["properties"].items()}
    if isinstance(said.get("required"), list):
        made["required"] = said["required"]
    for key in ("items", "additionalProperties"):
        if isinstance(said.get(key), Mapping):
            made[key] = json_schema(said[key])
    return made


def leaderboard() -> Path | None:
    """The file of the leaderboard, where a benchmark has fetched it; None where it is absent."""
    folder = Path("~/.cache/superscalar/benchmarks").expanduser()
    return max(folder.glob("bfcl_eval-*.whl"), default=None)


def leaderboard_functions(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The functions of all its questions, each with the id of the question."""
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if "/data/" not in name or not name.endswith(".json"):
                continue
            for line in archive.read(name).decode().splitlines():
                read = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
                if isinstance(read.get("function"), list):
                    yield from ((read["id"], function) for function in read["function"])
                elif "parameters" in read and "name" in read:
                    yield read["name"], read


def leaderboard_tool(said: Mapping[str, Any]) -> Tool[..., Any]:
    """One function of the leaderboard."""
    returns = json_schema(said["response"]) if "response" in said else None
    about = json_schema(said["parameters"])
    return Tool.from_schema(said["name"], about, answered, returns=returns, description=said["description"])
