"""What the tools of a plan that is called are called by, where no text of a plan can say it."""

from typing import Final

HIDDEN: Final = "inside."
"""What the alias of a tool begins with that only plans call which are called: no text of a plan can say that."""


def alias_inside(plan: str, tool: str) -> str:
    """The alias of a tool of a plan that is called: by both of their aliases, so that it is the same in every process.

    A number would be another tool's where a process gives its tools in another order, and that would be called.
    """
    return f"{HIDDEN}{plan}.{tool.removeprefix(HIDDEN)}"


def told_name(alias: str) -> str:
    """What people are told of a tool that plans call by that alias."""
    return alias.rpartition(".")[2] if alias.startswith(HIDDEN) else alias


def told_place(alias: str) -> str:
    """The same with the plans that it is inside of: `brief/price`."""
    return alias.removeprefix(HIDDEN).replace(".", "/")
