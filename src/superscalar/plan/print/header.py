"""What a plan is given when it is run, as comments above its text that read back: `# input limit: int = 5`."""

from __future__ import annotations

from superscalar.plan.ir import Input


def input_line(input: Input) -> str:
    """An input as a line of a plan's header."""
    default = "" if input.required else f" = {input.default!r}"
    said = f"  # {' '.join(input.description.split())}" if input.description.strip() else ""
    return f"# {'secret ' * input.secret}input {input.name}: {input.type}{default}{said}"
