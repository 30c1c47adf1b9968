"""Tables of ratios from the rows of a run, for a terminal and for the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.measure import Row
from benchmarks.peers.peers import FLOOR, OURS

BEGIN = "<!-- measured: everything down to the end mark is written by `make peers` -->"
END = "<!-- end of what was measured -->"

Table = tuple[str, list[str], list[list[str]]]

_UNTRIED: Row = {"note": "unsupported: not tried"}

_TITLES = {
    "cost": "Cost per task",
    "paid": "Cost per task as a user pays it",
    "journal": "Cost per task with a journal",
}


def together(runs: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Several runs as one. Their groups stay apart: each row is compared with the floor and ours of its own group."""
    found: dict[str, Any] = {"peers": {}, "rows": []}
    groups = 0
    for run in runs:
        found["peers"] = run["peers"] | found["peers"]
        found["rows"] += [row | {"group": row["group"] + groups} for row in run["rows"]]
        groups = 1 + max((row["group"] for row in found["rows"]), default=0)
    return found


def tables(found: dict[str, Any]) -> list[Table]:
    """Title, header and lines of every table that the rows fill."""
    rows: list[Row] = found["rows"]
    made: list[Table] = []
    for section, title in _TITLES.items():
        for shape in dict.fromkeys(row["shape"] for row in rows if row["section"] == section):
            chosen = [row for row in rows if row["section"] == section and row["shape"] == shape]
            made.append((f"{title}: {shape}", *_graphs(chosen, floor=section != "journal")))
    one = {
        "makespan": ("Makespan over the lower bound, cap 8", ["median", "worst"], ["over_bound", "worst"]),
        "headofline": ("Head of line: the last fast call over its ideal", ["over the ideal"], ["over_bound"]),
    }
    for section, (title, header, keys) in one.items():
        chosen = _first([row for row in rows if row["section"] == section])
        lines = [[row["peer"], *(f"{row[key]:.2f} x" for key in keys)] for row in chosen if "note" not in row]
        if lines:
            made.append((title, ["", *header], lines))
    if memory := _first([row for row in rows if row["section"] == "memory"]):
        made.append(("Memory per finished task", *_memory(memory)))
    return made


def _first(rows: Sequence[Row]) -> list[Row]:
    """A row per peer: the floor and ours were measured with every group."""
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(row["peer"], row)
    return list(found.values())


def _graphs(rows: Sequence[Row], *, floor: bool) -> tuple[list[str], list[list[str]]]:
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    by_place = {(row["group"], row["peer"], row["size"]): row for row in rows}
    columns = ["run", "total", "x bare"] if floor else ["run", "total"]
    header = ["over superscalar", *(f"{size:,}: {column}" for size in sizes for column in columns)]
    lines = []
    groups = {row["peer"]: row["group"] for row in reversed(rows)}  # the floor and ours: as the first group saw them
    for peer in dict.fromkeys(row["peer"] for row in rows):
        group = groups[peer]
        if all(_unsupported(by_place.get((group, peer, size), _UNTRIED)) for size in sizes):
            continue
        cells = []
        for size in sizes:
            row, ours, bare = (by_place.get((group, name, size)) for name in (peer, OURS, FLOOR))
            if row is None or "note" in row:
                cells += [_short(row), *[""] * (len(columns) - 1)]
                continue
            cells += [_ratio(row, ours, "run"), _ratio(row, ours, "total")]
            cells += [_ratio(row, bare, "total")] if floor else []
        lines.append([peer, *cells])
    return header, lines


def _memory(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    ours = next((row for row in rows if row["peer"] == OURS and "total" in row), None)
    lines = []
    for row in rows:
        if "note" not in row:
            ratio = f"{row['total'] / ours['total']:.2f} x" if ours and ours["total"] > 0 else ""
            lines.append([row["peer"], f"{row['size']:,}", f"{row['total']:,.0f}", f"{row['run']:,.0f}", ratio])
        elif not _unsupported(row):
            lines.append([row["peer"], _short(row), "", "", ""])
    return ["", "tasks", "bytes, graph and run", "bytes, run only", "over superscalar"], lines


def _unsupported(row: Row) -> bool:
    return str(row.get("note", "")).startswith("unsupported")


def _short(row: Row | None) -> str:
    if row is None:
        return ""
    note = str(row["note"])
    return "--" if _unsupported(row) else f"> {note[10:]}" if note.startswith("more than") else note[:60]


def _ratio(row: Row, base: Row | None, key: str) -> str:
    return "" if base is None or "note" in base else f"{row[key] / base[key]:.2f}"


def behind(rows: Iterable[Row]) -> list[str]:
    """Where a peer that was measured is ahead of us: a sentence for each."""
    every = list(rows)
    found = []
    for row in every:
        if row["peer"] == FLOOR or row["peer"].startswith(OURS) or "note" in row:
            continue
        alike = (
            other
            for other in every
            if other["peer"] == OURS
            and "note" not in other
            and all(other.get(key) == row.get(key) for key in ("group", "section", "shape"))
            and (other.get("size") == row.get("size") or row["section"] == "memory")
        )
        ours = next(alike, None)
        if ours is None:
            continue
        what = " ".join(f"{row[k]:,}" if k == "size" else str(row[k]) for k in ("section", "shape", "size") if k in row)
        keys = (
            ("over_bound",) if "over_bound" in row else ("total",) if row["section"] == "memory" else ("run", "total")
        )
        found += [
            f"{what}, {key.replace('_', ' ')}: {row['peer']} takes {row[key] / ours[key]:.2f} x of ours"
            for key in keys
            if row[key] < ours[key]
        ]
    return found


def in_terminal(found: dict[str, Any]) -> str:
    """Tables with aligned columns."""
    parts = []
    for title, header, lines in tables(found):
        widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
        body = "\n".join(_aligned(line, widths) for line in [header, *lines])
        parts.append(f"{title}\n{body}")
    return "\n\n".join([*parts, "behind: " + ("\n        ".join(behind(found["rows"])) or "nowhere")])


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def in_markdown(found: dict[str, Any]) -> str:
    """What stands between the marks of the page."""
    parts = [_versions(found["peers"])]
    for title, header, lines in tables(found):
        parts.append(f"### {title}\n\n{_markdown(header, lines)}")
    ahead = behind(found["rows"])
    parts.append("### Where a peer is ahead\n\n" + ("\n".join(f"- {line}" for line in ahead) or "Nowhere in this run."))
    return "\n\n".join(parts)


def _versions(peers: dict[str, dict[str, Any]]) -> str:
    lines = [
        [
            name,
            about.get("error", "") or ", ".join(f"{k} {v}" for k, v in about["versions"].items()),
            about.get("configuration", ""),
        ]
        for name, about in peers.items()
    ]
    return "### Who, and how\n\n" + _markdown(["", "versions", "configuration"], lines)


def _markdown(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    line: Callable[[Sequence[str]], str] = lambda cells: f"| {' | '.join(cells)} |"  # noqa: E731
    return "\n".join([line(header), line(["---"] * len(header)), *(line(cells) for cells in lines)])


def into_page(page: Path, found: dict[str, Any]) -> None:
    """Put the tables between the marks.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no marks to write between: {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{in_markdown(found)}\n\n{END}{after}")
