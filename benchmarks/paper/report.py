"""The tables of what was measured, for the page and the terminal, and what of them is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.paper.drawing import Bar, Panel
from benchmarks.paper.oracle import ALL, OURS, WAYS, OracleRow, Setting
from superscalar.comparison import Comparison, Interval, Spread

BEGIN: Final = "<!-- measured: everything down to the end mark is written by `make paper` -->"
END: Final = "<!-- end of what was measured -->"

SOURCES: Final[Mapping[str, str]] = {
    ALL: "all",
    "comparison": "HotpotQA, comparison",
    "bridge": "HotpotQA, bridge",
    "parallelqa": "ParallelQA",
    "movie": "Movie Recommendation",
}
PAPER: Final[Mapping[str, str]] = {"comparison": "1.80 x", "movie": "3.74 x"}
"""How many times as long as LLMCompiler ReAct took in the paper, with GPT-3.5 Turbo (section 5.1)."""

_SHOWN: Final = Setting(50, 1.0)
"""The setting that the table by source and the figure have."""


def markdown(oracle: Sequence[OracleRow], answered: Mapping[str, Comparison], model: str) -> str:
    """What stands between the marks of the page."""
    parts = ["### The schedule alone", *_oracle_tables(oracle)] if oracle else []
    if answered:
        parts += [f"### Whole runs with {model}", *_answered_tables(answered)]
    return "\n\n".join(parts)


def into_page(page: Path, text: str) -> None:
    """Write it between the marks of a page.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no marks to write between: {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


# -------------------------------------------------------------------------------------------------------------- oracle


def _oracle_tables(rows: Sequence[OracleRow]) -> Iterator[str]:
    every = [row for row in rows if row.source == ALL]
    yield (
        f"Mean seconds from the question to the answer over all {every[0].questions} questions, and how many times "
        "as long as ours that is. `bound`: ours over the first possible moment, in the mean and on the worst question."
    )
    yield _table(
        ["tokens/s", "a call", *WAYS, "bound"],
        ([str(row.setting.rate), f"{row.setting.seconds:g} s", *_seconds(row)] for row in every),
    )
    shown = [row for row in rows if row.source != ALL and row.setting == _SHOWN]
    yield f"By source, at {_SHOWN.rate} tokens a second and calls of {_SHOWN.seconds:g} s:"
    yield _table(
        ["", "questions", *WAYS, "bound", "ReAct in the paper"],
        ([SOURCES[row.source], str(row.questions), *_seconds(row), PAPER.get(row.source, "")] for row in shown),
    )


def _seconds(row: OracleRow) -> Iterator[str]:
    for way, seconds in row.seconds.items():
        yield f"{seconds:.2f}" if way == OURS else f"{seconds:.2f} ({row.speedup(way):.2f} x)"
    yield f"{row.ratio:.2f}, {row.worst:.2f}"


# ---------------------------------------------------------------------------------------------------------- whole runs


def _answered_tables(answered: Mapping[str, Comparison]) -> Iterator[str]:
    for source, comparison in answered.items():
        yield f"**{_named(source, _questions(comparison))}**:"
        yield _table(
            [
                "",
                "answered",
                "right",
                "EM",
                "F1",
                "seconds",
                "in models",
                "in tools",
                "read",
                "cached",
                "written",
                "calls",
            ],
            ([way, *_summary(comparison, way)] for way in comparison.ways),
        )
        yield _table(
            ["superscalar beside", "sooner by", "right", "F1", "tokens written", "calls"],
            ([way, *_beside(comparison, way)] for way in comparison.ways[1:]),
        )


def _summary(comparison: Comparison, way: str) -> Iterator[str]:
    found = comparison.of(way)
    yield f"{found.answered} of {found.asked}"
    for name in ("judged", "exact", "f1"):
        yield f"{found.right[name]:.2f}" if name in found.right else "?"
    spreads = [found.spent.get(name) for name in ("seconds", "model_seconds", "tool_seconds")]
    yield from (_spread(spread, ".1f") for spread in spreads)
    counted = ("input_tokens", "cached_tokens", "output_tokens", "calls")
    yield from (_spread(found.spent.get(name), ".0f") for name in counted)


def _spread(spread: Spread | None, form: str) -> str:
    """A median with its range."""
    if spread is None:
        return "?"
    return f"{spread.median:{form}} ({spread.least:{form}} to {spread.most:{form}})"


def _beside(comparison: Comparison, way: str) -> Iterator[str]:
    found = comparison.paired(OURS, way)
    yield "?" if found.speedup is None else f"{_interval(found.speedup, '.2f')} x"
    for name, form in (("judged", "+.2f"), ("f1", "+.2f"), ("output_tokens", "+.0f"), ("calls", "+.1f")):
        interval = found.differences.get(name)
        yield "?" if interval is None else _interval(interval, form)


def _interval(interval: Interval, form: str) -> str:
    if interval.low is None or interval.high is None:
        return f"{interval.value:{form}}"
    return f"{interval.value:{form}} ({interval.low:{form}} to {interval.high:{form}})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -------------------------------------------------------------------------------------------------------------- figure


def panels(oracle: Sequence[OracleRow], answered: Mapping[str, Comparison], model: str) -> list[Panel]:
    """What is drawn, for each source: the schedule alone in one setting, and whole runs."""
    drawn: list[Panel] = []
    rows = [row for row in oracle if row.source != ALL and row.setting == _SHOWN]
    if rows:
        groups = [
            (
                _named(row.source, row.questions),
                [Bar(way, row.speedup(way), f"{row.seconds[way]:.1f} s") for way in WAYS],
            )
            for row in rows
        ]
        title = f"The schedule alone: an oracle writes {_SHOWN.rate} tokens a second, calls take {_SHOWN.seconds:g} s"
        drawn.append(Panel(title, "mean time to the answer, times as long as superscalar", groups))
    if answered:
        groups = [(_named(source, _questions(found)), list(_bars(found))) for source, found in answered.items()]
        note = "time to the answer on the same questions, times as long as superscalar, with 95 % intervals"
        drawn.append(Panel(f"Whole runs with {model}, tools of 0.5 s", note, groups))
    return drawn


def _named(source: str, questions: int) -> str:
    return f"{SOURCES[source]}, {questions} question{'s' * (questions != 1)}"


def _questions(comparison: Comparison) -> int:
    return len({row.id for row in comparison.rows})


def _bars(comparison: Comparison) -> Iterator[Bar]:
    for way in comparison.ways:
        summary = comparison.of(way)
        seconds = summary.spent.get("seconds")
        said = "" if seconds is None else f"{seconds.total / seconds.count:.0f} s"
        said += f", F1 {summary.right['f1']:.2f}" if "f1" in summary.right else ""
        if way == OURS:
            yield Bar(way, 1.0, said)
            continue
        speedup = comparison.paired(OURS, way).speedup
        if speedup is not None:
            yield Bar(way, speedup.value, said, speedup.low, speedup.high)
