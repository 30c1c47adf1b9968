"""How a row of a run is said in a few words; the live view and the plain lines say it alike."""

from __future__ import annotations

from collections.abc import Sequence

from superscalar.cli.terminal import counted, safe_line
from superscalar.observe.rows import Counts, Items, More, Row
from superscalar.values import Usage


def call_of(row: Row) -> str:
    """What a row does: `price('IBM')`, an expression, or what a map runs over."""
    match row.kind:
        case "call":
            return safe_line(f"{row.tool}({row.arguments})")
        case "compute":
            return safe_line(f"= {row.arguments}")
        case "map":
            return safe_line(row.arguments)
        case "first":
            return safe_line(f"first({row.arguments})")
        case _:
            return ""


def left_out(dropped: Sequence[str]) -> str:
    """Which right writes a repair left out, where it did."""
    return f"; it leaves out {'; '.join(dropped)}" if dropped else ""


def note_of(row: Row, *, over: bool = False) -> str:
    """What there is to say of a row besides: its value, its failure, its progress or what it waits for."""
    return safe_line(_note(row, over))


def _note(row: Row, over: bool) -> str:
    match row.state:
        case "waiting" if over:
            return "not needed"
        case "waiting" if row.for_seal:
            return "waits for the end of the plan"
        case "waiting":
            return f"waits for {_several(row.waits_for)}" if row.waits_for else row.message
        case "asked":
            return f"waits for approval: {row.message}"
        case "ready":
            return f"limited by {_several(row.waits_for)}"
        case "running" if row.items is not None:
            return items_text(row.items)
        case "running":
            percent = f"{min(max(row.fraction, 0.0), 1.0):.0%}" if row.fraction is not None else ""
            again = f"attempt {row.attempts}" if row.attempts > 1 else ""
            return "  ".join(part for part in (again, _together(row), percent, row.message) if part)
        case "retrying":
            return f"attempt {row.attempts} failed: {row.failure}"
        case "done" if row.items is not None:
            return items_text(row.items)
        case "done":
            again = f"attempt {row.attempts}" if row.attempts > 1 else ""
            same = f"same call as {row.same_as}" if row.same_as else ""
            about = ", ".join(part for part in (again, _together(row), same) if part)
            return f"{row.value}  ({about})" if about else row.value
        case "failed":
            if row.items is None or row.failure is None or row.items.count is None:
                return str(row.failure)
            counts = items_text(row.items)
            return counts if row.failure.kind == "items" else f"{counts}: {row.failure}"
        case "skipped" if row.failure is not None:
            return str(row.failure)
        case "skipped" if not row.because:
            return "not needed"
        case "skipped":
            return "not needed: its condition was false" if row.by_guard else f"not run: {row.because} failed"


def _together(row: Row) -> str:
    return f"one request for {row.together}" if row.together > 1 else ""


def items_text(items: Items) -> str:
    """How far a map is: `412/1,000, 2 failed, 8 running`."""
    if items.count is None:
        return ""
    settled = items.done + items.skipped
    parts = [f"{settled:,}/{items.count:,}"]
    if items.failed:
        parts.append(f"{items.failed:,} failed")
    if items.running:
        parts.append(f"{items.running:,} running")
    return ", ".join(parts)


def more_text(more: More) -> str:
    """The line for rows that there was no room for."""
    return "and " + ", ".join(f"{number:,} {state}" for state, number in more.states) + " more"


def counts_text(counts: Counts, *, over: bool = False) -> str:
    """The calls by state: `12 calls: 3 running, 8 done, 1 waiting`."""
    states = ("running", "retrying", "failed", "done", "skipped", "ready", "asked", "waiting")
    said = {"asked": "waiting for approval", "waiting": "not needed" if over else "waiting"}
    parts = [f"{number:,} {said.get(state, state)}" for state in states if (number := getattr(counts, state))]
    return counted(counts.total, "call") + (f": {', '.join(parts)}" if parts else "")


def tokens_text(usage: Usage) -> str:
    """What the models cost: `1,204 tokens`, and `about` where that is a guess."""
    return ("about " if usage.estimated else "") + counted(usage.input_tokens + usage.output_tokens, "token")


def _several(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 4 else ", ".join(names)
