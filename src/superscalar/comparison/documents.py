"""A comparison as JSON data, and as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from typing import Any, Final

from superscalar.comparison.figures import Paired, WaySummary
from superscalar.comparison.rows import ComparisonRow, row_document
from superscalar.comparison.tables import cells, difference_lines, number_text
from superscalar.models.surrogates import without_halves

_STYLE: Final = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child, .answers th, .answers td { text-align: left; }
.bar { background: #4a7fd0; height: .7rem; display: inline-block; min-width: 1px; }
.model { background: #d08a4a; }
.wrong, .failed { color: #c33; }
.right { color: #2a8a3a; }
small { color: #888; }"""


def comparison_document(
    summaries: Iterable[WaySummary], differences: Iterable[Paired], rows: Iterable[ComparisonRow]
) -> dict[str, Any]:
    """What there is to say of a comparison, for `--json`."""
    return {
        "ways": {one.way: asdict(one) for one in summaries},
        "paired": [asdict(paired) for paired in differences],
        "rows": [row_document(row) for row in rows],
    }


def comparison_page(
    title: str,
    note: str,
    summaries: Sequence[WaySummary],
    differences: Iterable[Paired],
    rows: Sequence[ComparisonRow],
) -> str:
    """A page: the table, where the seconds went, what ways differ by, and every answer."""
    head = _row("th", ["", *(one.way for one in summaries)])
    table = "\n".join(_row("td", [name.strip(), *values]) for name, values in cells(summaries))
    pairs = "\n".join(map(_pair, differences))
    page = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>
{_STYLE}
</style>
<h1>{escape(title)}</h1>
<p>{escape(note)}</p>
<table>
{head}
{table}
</table>
{_bars(summaries)}
{pairs}
<h2>Answers</h2>
<table class="answers">
{_row("th", ["question", "way", "answer", "seconds", "calls"])}
{_answers(rows)}
</table>
</html>
"""
    return without_halves(page)


def _row(cell: str, values: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(value)}</{cell}>' for value in values)}</tr>"


def _bars(summaries: Sequence[WaySummary]) -> str:
    """The median seconds of each way, and below them those in which a model was at work."""
    spent = {one.way: one.spent for one in summaries}
    widest = max((one["seconds"].median for one in spent.values() if one), default=0.0)
    if not widest:
        return ""
    lines = []
    for way, one in spent.items():
        for name, kind in (("seconds", ""), ("model_seconds", "model")) if one else ():
            share = 100 * one[name].median / widest
            told = f"{number_text(one[name].median)} s{' with a model at work' if kind else ''}"
            bar = f'<span class="bar {kind}" style="width:{share:.1f}%"></span>'
            lines.append(
                f"<tr><td>{'' if kind else escape(way)}</td>"
                f'<td style="text-align:left;width:70%">{bar}</td><td>{told}</td></tr>'
            )
    return "<h2>Seconds</h2>\n<table>\n" + "\n".join(lines) + "\n</table>"


def _pair(paired: Paired) -> str:
    lines = "\n".join(f"<li>{escape(line)}</li>" for line in difference_lines(paired))
    return f"<h2>{escape(paired.a)} minus {escape(paired.b)}</h2>\n<ul>\n{lines}\n</ul>"


def _answers(rows: Sequence[ComparisonRow]) -> str:
    lines = []
    asked = ""
    place = {id: number for number, id in enumerate(dict.fromkeys(row.id for row in rows))}
    for row in sorted(rows, key=lambda row: place[row.id]):
        question = "" if row.id == asked else row.question
        asked = row.id
        wanted = f"<br><small>{escape(' or '.join(row.expected))}</small>" if question and row.expected else ""
        verdict = "failed" if row.error else "" if row.exact is None else "right" if row.exact else "wrong"
        said = row.error.partition("\n")[0] if row.answer is None else row.answer
        times = f" ({row.repeat})" if row.repeat > 1 else ""
        lines.append(
            f"<tr><td>{escape(question)}{wanted}</td><td>{escape(row.way + times)}</td>"
            f'<td class="{verdict}">{escape(said)}</td><td>{number_text(row.seconds)}</td><td>{row.calls}</td></tr>'
        )
    return "\n".join(lines)
