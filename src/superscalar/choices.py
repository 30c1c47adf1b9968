"""The words among which an option is chosen, as types and, by `words_of`, as what they list."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

Mode: TypeAlias = Literal["off", "warn", "ask", "enforce"]
"""What follows where a rule about untrusted or confidential data is broken."""

ReplanMode: TypeAlias = Literal["never", "planned-tools", "read-only", "ask", "any"]
"""What a later round may add once a tool ran whose results are not trusted. "never": there is none. "planned-tools":
calls of the tools of the first plan. "read-only": reads, and writes of a kind that was planned before. "ask": a person
is asked about other writes. "any": everything.
"""

ReplannerSees: TypeAlias = Literal["summaries", "text"]
"""What a planner that goes on is shown of results that are not trusted, or not for everybody."""

Fallback: TypeAlias = Literal["native"]
"""How a run goes on whose plan could not be mended: "native", in turns of native tool calls."""

Show: TypeAlias = Literal["all", "joined"]
"""What the joiner is shown: all results, or what a plan's `join` names."""


def words_of(choice: Any) -> tuple[str, ...]:
    """The words of one of these."""
    return get_args(choice)
