"""What a plan is given when it is run, as comments above its text that read back: `# input limit: int = 5`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from superscalar.plan.ir import Input, Task, inputs_of

DECLARES: Final = re.compile(r"\ufeff?\s*#\s*(?P<secret>secret\s+)?input\s+(?P<name>[^\s:#]+)\s*:(?P<rest>.*)")
"""A comment that declares an input, where it stands above a plan."""


def input_line(input: Input) -> str:
    """An input as a line of a plan's header."""
    default = "" if input.required else f" = {input.default!r}"
    description = " ".join(input.description.split())  # whoever wrote it, it is one line
    said = f"  # {description}" if description else ""
    return f"# {'secret ' * input.secret}input {input.name}: {input.type}{default}{said}"


def header_lines(tasks: Sequence[Task]) -> list[str]:
    """The header of a plan, line by line."""
    return [input_line(input) for input in inputs_of(tasks)]


def header_in_json(tasks: Sequence[Task]) -> dict[str, Any]:
    """The same as what stands under a key of a plan in JSON."""
    return {input.name: _object(input) for input in inputs_of(tasks)}


def _object(input: Input) -> dict[str, Any]:
    said: dict[str, Any] = {"type": input.type}
    if not input.required:
        said["default"] = input.default
    if input.description:
        said["description"] = input.description
    return said | ({"secret": True} if input.secret else {})


def as_comment(line: str) -> str:
    """A line of a thought as a comment, which declares nothing when it is read back."""
    made = f"# {line}".rstrip()
    return made if DECLARES.match(made) is None else f"# - {line}".rstrip()
