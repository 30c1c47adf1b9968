"""What the tools of a plan that is called are called by, where no text of a plan can say it."""

from typing import Final

HIDDEN: Final = "inside."
"""What the alias of a tool begins with that only plans call which are called: no text of a plan can say that."""


def told_name(alias: str) -> str:
    """What people are told of a tool that plans call by that alias."""
    return alias.removeprefix(HIDDEN)
