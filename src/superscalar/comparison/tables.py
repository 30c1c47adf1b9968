"""A comparison as text: a column for each way, and below it what each pair of ways differs by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from superscalar.comparison.figures import Interval, Paired, Spread, WaySummary
from superscalar.observe.wording import counted

RIGHT_ROWS: Final[dict[str, str]] = {"exact": "exact match", "f1": "F1", "judged": "judged right"}
"""The rows that say how right answers are, by figure."""

SPENT_ROWS: Final[dict[str, str]] = {
    "seconds": "seconds",
    "model_seconds": "  a model at work",
    "tool_seconds": "  a tool at work",
    "input_tokens": "tokens read",
    "cached_tokens": "  of these kept before",
    "output_tokens": "tokens written",
    "calls": "calls",
    "rounds": "rounds",
    "cost": "cost",
}
"""The rows that say what answers took."""

_SHARES: Final = frozenset({"exact", "judged"})


def cells(summaries: Sequence[WaySummary]) -> Iterator[tuple[str, list[str]]]:
    """The rows of the table: what each says, and what it is for each way; none of what no way took any of."""
    yield "answered", [f"{one.answered} of {one.asked}" for one in summaries]
    for name, title in RIGHT_ROWS.items():
        if any(name in one.right for one in summaries):
            yield title, [_right(name, one.right.get(name)) for one in summaries]
    for name, title in SPENT_ROWS.items():
        spreads = [one.spent.get(name) for one in summaries]
        if any(spread is None or spread.most for spread in spreads):
            yield title, [spread_text(spread) for spread in spreads]


def difference_lines(paired: Paired) -> Iterator[str]:
    """What two ways differ by, a line for each figure but those that both have all the same."""
    if paired.speedup is not None:
        times = interval_text(paired.speedup, lambda value: f"{value:.2f}")
        over = counted(paired.speedup.pairs, "question")
        yield f"{paired.b} takes {times} times as long as {paired.a}, over {over} that both answered"
    for name, title in (RIGHT_ROWS | SPENT_ROWS).items():
        interval = paired.differences.get(name)
        if interval is not None and (name in RIGHT_ROWS or interval.value or interval.low != interval.high):
            points = " points" if name in _SHARES else ""
            yield f"{title.strip()}: {interval_text(interval, _signed(name))}{points}"


def table_text(summaries: Sequence[WaySummary], differences: Iterable[Paired], note: str) -> str:
    """The whole of it. `note`: what is to be known of it."""
    rows = list(cells(summaries))
    width = max(len(title) for title, _ in rows)
    ways = [one.way for one in summaries]
    columns = [max(map(len, column)) for column in zip(ways, *(row for _, row in rows), strict=True)]
    lines = [_line("", ways, width, columns), *(_line(title, row, width, columns) for title, row in rows), "", note]
    for paired in differences:
        lines += ["", f"{paired.a} minus {paired.b}, mean of the questions, 95 % interval:"]
        lines += [f"  {line}" for line in difference_lines(paired)]
    return "\n".join(lines)


def interval_text(interval: Interval, shown: Callable[[float], str]) -> str:
    """A figure with its interval."""
    if interval.low is None or interval.high is None:
        return shown(interval.value)
    return f"{shown(interval.value)} ({shown(interval.low)} to {shown(interval.high)})"


def spread_text(spread: Spread | None) -> str:
    """A median with its range; `?` where nobody knows."""
    if spread is None:
        return "?"
    median, least, most = map(number_text, (spread.median, spread.least, spread.most))
    return median if least == most else f"{median} ({least} to {most})"


def number_text(value: float) -> str:
    """A number as it is told: three digits, or all of a whole one."""
    if float(value).is_integer() or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _right(name: str, value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:.0%}" if name in _SHARES else f"{value:.2f}"


def _signed(name: str) -> Callable[[float], str]:
    if name in _SHARES:
        return lambda value: f"{100 * value:+.0f}"
    if name == "f1":
        return lambda value: f"{value:+.2f}"
    return lambda value: f"{'+' if value > 0 else ''}{number_text(value)}"


def _line(title: str, row: Sequence[str], width: int, columns: Sequence[int]) -> str:
    shown = "  ".join(f"{cell:>{column}}" for cell, column in zip(row, columns, strict=True))
    return f"{title:{width}}  {shown}".rstrip()
