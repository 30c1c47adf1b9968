"""The figure of the README: bars that say how many times as long as ours each way takes. No library draws it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 920
_LEFT: Final = 150  # where bars begin
_SCALE: Final = 88  # of one time as long
_MOST: Final = 7.0  # times as long; a longer bar is cut
_BAR: Final = 15
_GAP: Final = 4
_COLOURS: Final = ("#0b7285", "#94a3b8", "#94a3b8", "#94a3b8", "#94a3b8")
_STYLE: Final = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:12px;fill:#1f2937}"
    ".title{font-size:15px;font-weight:600}.note{fill:#6b7280}.group{font-weight:600}.value{font-size:11px}"
)


@dataclass(frozen=True)
class Bar:
    """One way: `times` as long as ours, with the ends of its interval where there is one, and what else is `said`."""

    way: str
    times: float
    said: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Panel:
    """Bars under a title, in groups that have names. The first bar of a group is ours."""

    title: str
    note: str
    groups: Sequence[tuple[str, Sequence[Bar]]]


def figure(panels: Sequence[Panel]) -> str:
    """Draw panels below one another, as SVG."""
    parts: list[str] = []
    y = 16
    for panel in panels:
        parts += [_text(20, y + 14, panel.title, "title"), _text(20, y + 34, panel.note, "note")]
        y += 52
        for name, bars in panel.groups:
            parts.append(_text(20, y + 12, name, "group"))
            y += 20
            for place, bar in enumerate(bars):
                parts += _bar(bar, y, _COLOURS[min(place, len(_COLOURS) - 1)])
                y += _BAR + _GAP
            y += 8
        y += 14
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" role="img">'
    )
    title = f"<title>{escape('; '.join(panel.title for panel in panels))}</title>"
    ground = f'<rect width="{_WIDTH}" height="{y}" rx="8" fill="#ffffff" stroke="#e5e7eb"/>'
    return "\n".join([head, title, f"<style>{_STYLE}</style>", ground, *parts, "</svg>", ""])


def _bar(bar: Bar, y: int, colour: str) -> Iterator[str]:
    length = _SCALE * min(bar.times, _MOST)
    end = _LEFT + length
    middle = y + _BAR / 2
    yield _text(_LEFT - 8, y + 12, bar.way, anchor="end")
    yield f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>'
    if bar.low is not None and bar.high is not None:
        low, high = (_LEFT + _SCALE * min(one, _MOST) for one in (bar.low, bar.high))
        yield _line(low, middle, high, middle)
        yield from (_line(x, middle - 4, x, middle + 4) for x in (low, high))
        end = max(end, high)
    yield _text(end + 8, y + 12, f"{bar.times:.2f} x, {bar.said}", "value")


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#1f2937"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named} text-anchor="{anchor}">{escape(text)}</text>'
