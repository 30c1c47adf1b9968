"""What a run may take at the most."""

from __future__ import annotations

from dataclasses import dataclass, field

from superscalar.given import SECONDS, at_least, whole_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run may take, in seconds, tasks and bytes (rule L13)."""

    timeout: float | None = field(default=60.0, metadata=SECONDS.or_none.here)
    """Seconds that an attempt to call a tool may last, where the tool says nothing itself; None is no bound."""

    grace: float = field(default=0.5, metadata=at_least(0.0, "seconds").here)
    """Seconds that a cancelled call has to end before it is abandoned."""

    max_tasks: int = field(default=10_000, metadata=whole_number(1, "tasks").here)
    """Tasks of a run, at most."""

    max_fan_out: int = field(default=1_000, metadata=whole_number(1, "items").here)
    """Items of one map, at most."""

    max_bytes: int = field(default=1_000_000_000, metadata=whole_number(1, "bytes").here)
    """Bytes that all values of the run may take; then answer. What calls are made with counts, too."""
