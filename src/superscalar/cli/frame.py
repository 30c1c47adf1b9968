"""One picture of a run as lines of text that fit a terminal; drawn again and again by `painter`."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from superscalar.cli.terminal import safe, safe_line
from superscalar.observe.rows import More, Row, State
from superscalar.observe.view import RunView
from superscalar.observe.wording import (
    call_of,
    counted,
    counts_text,
    duration,
    more_text,
    note_of,
    ticking,
    tokens_text,
)
from superscalar.values import Usage

_GLYPHS: dict[State, tuple[str, str, str]] = {  # where there is Unicode, where there is none, the style
    "waiting": ("·", ".", "dim"),
    "asked": ("?", "?", "bold magenta"),
    "ready": ("○", "o", "yellow"),
    "running": ("●", "*", "bold cyan"),
    "retrying": ("↻", "~", "yellow"),
    "done": ("✓", "+", "green"),
    "failed": ("✗", "x", "bold red"),
    "skipped": ("–", "-", "dim"),
}
_NOTES: dict[State, str] = {
    "failed": "red",
    "retrying": "yellow",
    "ready": "yellow",
    "running": "cyan",
    "asked": "magenta",
}
_TIME = 8  # columns
_NARROWEST = 20
_THOUGHT = 3  # lines of what a model thinks
_TAIL = 8_000  # characters of the plan and of the answer that are looked at


class LiveFrame:
    """Draws a `RunView` and keeps it calm: columns never get narrower and the picture never gets shorter.

    `title` heads it. `lines` gives at most `height` lines of less than `width` columns each.
    """

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = safe_line(title)
        self._ascii = console.options.ascii_only
        self._size = (0, 0)
        self._tallest = 0
        self._id_width = 0
        self._call_width = 0
        self._highlighted = ("", [Text()])

    def lines(self, view: RunView, width: int, height: int, now: float) -> list[Text]:
        """The picture of this moment."""
        if (width, height) != self._size:
            self._size = (width, height)
            self._tallest = self._id_width = self._call_width = 0
        columns = max(width - 1, _NARROWEST)  # the last column stays free: writing to it may wrap
        room = max(height - 2, 1)  # without the first line and the last
        plan, answer = self._plan(view, columns), self._answer(view, columns)
        (answer if view.joining else plan).extend(self._thought(view, columns))
        wanted = {"plan": len(plan), "tasks": min(view.size, room), "answer": len(answer)}
        given = _shares(wanted, room)
        lines = [self._header(view, columns, now)]
        if given["plan"]:
            lines += [self._rule("plan", columns), *plan[-given["plan"] :]]
        if given["tasks"]:
            lines += [self._rule("tasks", columns), *self.rows(view, given["tasks"], columns, now)]
        if given["answer"]:
            lines += [self._rule("answer", columns), *answer[-given["answer"] :]]
            lines += [Text()] * (given["answer"] - len(answer))
        self._tallest = max(self._tallest, len(lines) + 1)
        lines += [Text()] * (self._tallest - 1 - len(lines))
        lines.append(self._footer(view, columns))
        return lines[:height]

    def rows(self, view: RunView, limit: int, columns: int, now: float | None = None) -> list[Text]:
        """At most `limit` lines, one for each task and item, in columns."""
        rows = view.shown(limit, now)
        ids = [_id_of(row) for row in rows if isinstance(row, Row)]
        calls = [safe_line(call_of(row)) for row in rows if isinstance(row, Row)]
        self._id_width = min(max([self._id_width, *map(cell_len, ids)]), columns // 5)
        self._call_width = min(max([self._call_width, *map(cell_len, calls)]), columns * 3 // 10)
        return [self._row(row, columns, over=view.ended) for row in rows]

    def _header(self, view: RunView, columns: int, now: float) -> Text:
        right = [f"round {view.round + 1}"] if view.round else []
        right.append(duration(view.elapsed()) if view.ended else ticking(view.elapsed(now)))
        clock = Text("  ".join(right), style="dim")
        return _between(Text(self._title, style="bold"), clock, columns)

    def _footer(self, view: RunView, columns: int) -> Text:
        usage = sum(view.usage.values(), Usage())
        parts = [counts_text(view.counts, over=view.ended)] if view.counts.total else []
        parts += [tokens_text(usage)] if usage.input_tokens or usage.output_tokens else []
        parts += [f"{role}: {safe_line(model)} instead" for role, model in view.stood_in.items()]
        parts += [f"{counted(len(view.withheld), 'file')} withheld"] if view.withheld else []
        line = Text("   ".join(parts), style="dim")
        return _between(line, Text(_phase(view), style="dim"), columns)

    def _rule(self, name: str, columns: int) -> Text:
        dash = "-" if self._ascii else "─"
        return Text(f"{dash * 2} {name} ".ljust(columns, dash), style="dim")

    def _plan(self, view: RunView, columns: int) -> list[Text]:
        text = view.plan_text
        source = safe(text[-_TAIL:]).rstrip()
        if source != self._highlighted[0]:
            highlighted = Syntax("", "python", theme="ansi_dark").highlight(source)
            self._highlighted = (source, list(highlighted.split("\n")))
        if not source:
            return []
        shown = [line.copy() for line in self._highlighted[1] if line.plain.strip()]
        for problem in view.diagnostics[-3:]:
            where = f"line {problem.span.line}: " if problem.span.line else ""
            style = "red" if problem.severity == "error" else "yellow"
            shown.append(Text(f"{problem.code} {where}{safe_line(problem.message)}", style=style))
        for line in shown:
            line.truncate(columns, overflow="ellipsis")
        return shown

    def _answer(self, view: RunView, columns: int) -> list[Text]:
        text = safe(view.answer_text[-_TAIL:]).strip("\n")
        return list(Text(text).wrap(self._console, columns)) if text else []

    def _thought(self, view: RunView, columns: int) -> list[Text]:
        """The end of what a model is thinking: no part of the plan or the answer, and paler than they are."""
        text = safe(view.thought_text[-_TAIL:]).strip()
        return list(Text(text, style="dim").wrap(self._console, columns))[-_THOUGHT:] if text else []

    def _row(self, row: Row | More, columns: int, *, over: bool) -> Text:
        if isinstance(row, More):
            line = Text("  " + more_text(row), style="dim")
            line.truncate(columns, overflow="ellipsis")
            return line
        unicode, plain, style = _GLYPHS[row.state]
        quiet = "dim" if row.quiet or row.state in ("waiting", "skipped") else ""
        line = Text()  # not the sign's own text, whose style would colour the whole line
        line.append(plain if self._ascii else unicode, style=style)
        line.append(" ")
        line.append_text(_cell(_id_of(row), self._id_width, quiet))
        line.append("  ")
        line.append_text(_cell(safe_line(call_of(row)), self._call_width, quiet))
        time = _time(row)
        line.append(f"  {time:>{_TIME}}", style="dim" if row.state == "done" else quiet)
        line.append("  ")
        line.append(safe_line(note_of(row, over=over)), style=_NOTES.get(row.state, "dim"))
        line.truncate(columns, overflow="ellipsis")
        return line


def _shares(wanted: dict[str, int], room: int) -> dict[str, int]:
    """Lines for each section, its rule excluded: a fair part for each first, then what tasks, answer and plan want."""
    given = dict.fromkeys(wanted, 0)
    # The answer's part is fixed from its first word on, so that the lines above it do not move as it grows.
    half = (room - 3) // 2
    if wanted["answer"]:
        wanted = {**wanted, "answer": max(wanted["answer"], half)}
    for section, least in (("tasks", 6), ("answer", max(half, 4)), ("plan", 3)):
        if wanted[section] and room >= 2:
            given[section] = min(wanted[section], least, room - 1)
            room -= given[section] + 1
    for section in ("tasks", "answer", "plan"):
        if given[section]:
            extra = min(wanted[section] - given[section], room)
            given[section] += extra
            room -= extra
    return given


def _time(row: Row) -> str:
    """How long a row took; what still runs ticks in tenths, since a faster digit would only flicker."""
    if row.seconds is None:
        return ""
    return duration(row.seconds) if row.state in ("done", "failed", "skipped") else ticking(row.seconds)


def _between(left: Text, right: Text, columns: int) -> Text:
    """Two texts at both ends of a line; the left one gives way."""
    right.truncate(columns)
    space = columns - right.cell_len - 2
    if space < 1:
        return right
    left.truncate(space, overflow="ellipsis", pad=True)
    return Text.assemble(left, "  ", right)


def _cell(text: str, width: int, style: str) -> Text:
    cell = Text(text, style=style)
    cell.truncate(width, overflow="ellipsis", pad=True)
    return cell


def _id_of(row: Row) -> str:
    return safe_line(f"  {row.id}" if row.within else row.id)


def _waited_for(view: RunView) -> str:
    return "to answer: " if view.joining else "to plan: " if view.question else ""


def _phase(view: RunView) -> str:
    if view.ended:
        return "stopped" if view.error else "finished"
    if view.queued and not view.ended:
        return f"{_waited_for(view)}waiting for {safe_line(', '.join(view.queued))}"
    if view.preparing is not None:
        what, fraction = view.preparing
        return f"{_waited_for(view)}{what} {fraction:.0%}"
    if view.deadline_passed:
        return "deadline passed, stopping"
    if view.joining:
        return "answering"
    if view.plan_asked:
        return "the plan waits for approval"
    if view.sealed and view.pausing:
        return f"running, {safe_line(', '.join(view.pausing))} refused: a pause"
    if view.sealed or not view.plan_text:
        return "running" if view.sealed or not view.question else "planning"
    return f"repairing the plan ({view.repairs})" if view.repairs else "planning"
