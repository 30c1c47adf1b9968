"""The plans that a planner is shown as examples, each with tools that are as the prompt shows them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

from superscalar import Toolset, tool

RECORD = re.compile(r"# (\w+) has the fields (.+)")


def toolset_of(stubs: str) -> Toolset:
    """Tools that are as a prompt shows them."""
    names: dict[str, Any] = {}
    exec("from typing import Any, Literal", names)
    for name, fields in RECORD.findall(stubs):
        pairs = [field.split(": ") for field in fields.split(", ")]
        names[name] = dataclasses.make_dataclass(name, [(field, names["__builtins__"][kind]) for field, kind in pairs])
    made = []
    for line in stubs.splitlines():
        if not line or line.startswith(("Tools:", " ")):
            continue
        signature, _, said = line.partition("  # ")
        exec(f"def {signature}: ...", names)
        declared = tool(effect="write") if said.startswith("Changes") else tool(effect="read")
        made.append(declared(names[signature.partition("(")[0]]))
    return Toolset(made)


def shown(examples: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Plans, with the tools of each: those of the example before, where a question follows them without any."""
    tools = ""
    for asked, plan in examples:
        tools = asked.rpartition("Question:")[0] or tools
        yield tools, plan
