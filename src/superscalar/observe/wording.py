"""What a run, its tools and its events are called in a few words, on a terminal and on a page alike.

The words hold text of tools and models: whoever shows them escapes them for the place where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from superscalar import events as ev
from superscalar.labels import Label
from superscalar.observe.rows import Counts, Items, More, Row
from superscalar.observe.timing import Timing
from superscalar.observe.view import RunView
from superscalar.plan.ir.signatures import Parameter, ResourceFunction, Signature
from superscalar.plan.print.program import print_plan
from superscalar.short import short, short_arguments
from superscalar.tools import Limit, Tool
from superscalar.values import Failure, TaskId, Usage, record_fields

_MOST: Final = 10  # failures said one by one


def call_of(row: Row) -> str:
    """What a row does: `price('IBM')`, an expression, or what a map runs over."""
    match row.kind:
        case "call":
            return f"{row.tool}({row.arguments})"
        case "compute":
            return f"= {row.arguments}"
        case "map":
            return row.arguments
        case "first":
            return f"first({row.arguments})"
        case _:
            return ""


def left_out(dropped: Sequence[str]) -> str:
    """Which right writes a repair left out, where it did."""
    return f"; it leaves out {'; '.join(dropped)}" if dropped else ""


def note_of(row: Row, *, over: bool = False) -> str:
    """What there is to say of a row besides: its value, its failure, its progress or what it waits for."""
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
    if items.cancelled:
        parts.append(f"{items.cancelled:,} cancelled")
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


def calls_text(calls: Mapping[str, int]) -> str:
    """The calls that were begun, by what became of them: `9 calls: 4 done, 1 failed, 4 cancelled`."""
    parts = [f"{number:,} {became}" for became, number in calls.items() if number]
    return counted(sum(calls.values()), "call") + (f": {', '.join(parts)}" if parts else "")


def tokens_text(usage: Usage) -> str:
    """What the models cost: `1,204 tokens`, and `about` where that is a guess."""
    return ("about " if usage.estimated else "") + counted(usage.input_tokens + usage.output_tokens, "token")


def _several(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 4 else ", ".join(names)


def summary_text(timing: Timing, usage: Usage, rounds: int, cost: float = 0.0) -> str:
    """`14 calls in 3.10 s (15.0 s one after another), 6.41 s in all, 1,020 tokens`."""
    parts = []
    if timing.calls:
        alone = f" ({duration(timing.one_after_another)} one after another)" if timing.calls > 1 else ""
        parts.append(f"{counted(timing.calls, 'call')} in {duration(timing.tools)}{alone}")
    parts.append(f"{duration(timing.total)} in all")
    if usage.input_tokens or usage.output_tokens:
        parts.append(tokens_text(usage))
    if cost:
        parts.append(f"cost {cost:.4g}")
    if rounds > 1:
        parts.append(counted(rounds, "round"))
    return ", ".join(parts)


def failures(view: RunView) -> Iterator[str]:
    """Each task that failed of itself, and the line where that was, if anybody knows."""
    failed = [(row.id, row.failure) for row in failed_rows(view) if row.failure]
    for id, failure in failed[:_MOST]:
        yield from failure_lines(id, failure)
    if len(failed) > _MOST:
        yield f"failed: {len(failed) - _MOST:,} more"


def failure_lines(id: TaskId, failure: Failure) -> Iterator[str]:
    """What became of one task, and below it where."""
    yield f"failed: {id}  {failure}"
    if (place := failure.place) is not None:
        yield f"    at {place}"


def failed_rows(view: RunView) -> list[Row]:
    """The tasks that failed of themselves; a map is told by its items, and what hands it on not at all."""
    rows = [row for row in view.rows() if row.state == "failed" and row.failure]
    told = [row.failure for row in rows if row.kind != "compute"]
    own = [row.failure for row in rows if row.kind not in ("join", "select")]
    rows = [row for row in rows if row.kind not in ("join", "select") or row.failure not in own]
    return [
        row
        for row in rows
        if row.failure and (row.failure.kind != "items" or (row.kind == "compute" and row.failure not in told))
    ]


def tools_shown_text(shown: int, of: int, cut: Sequence[str]) -> str:
    """How much the planner is shown of the tools, in words."""
    said = f"the planner is shown {shown:,} of {counted(of, 'tool')}"
    return f"{said}; {'; '.join(cut[:3])}{f'; and {len(cut) - 3:,} more' if len(cut) > 3 else ''}" if cut else said


def event_text(event: ev.Event) -> str:
    """What an event says, beside its kind and its time."""
    match event:
        case ev.Planned(_, task):
            return "  ".join(print_plan((task,)).splitlines())
        case ev.PlanWritten(_, text) | ev.AnswerWritten(_, text) | ev.Thought(_, _, text):
            return repr(text)
        case ev.Started(_, id, tool, arguments, attempt):
            return f"{id}  {tool}({short_arguments(arguments, 200)})" + (f"  attempt {attempt}" if attempt > 1 else "")
        case ev.Retired(_, ids, why, dropped):
            return f"{', '.join(ids)}  {why}{left_out(dropped)}"
        case ev.Diagnosed(_, found):
            return f"{found.span.line}: {found.code} {found.message}"
        case ev.Decided(_, id, decision, rule, reason, sources, readers):
            said = f"  {reason}" if reason else ""
            return f"{id}  {decision} by {rule}{said}  (from {Label(sources, readers)})"
        case _:
            fields = record_fields(event) or {}
            shown = (_shown(name, value) for name, value in fields.items() if name not in ("at", "wall"))
            return "  ".join(part for part in shown if part)


def _shown(name: str, value: Any) -> str:
    if name in ("id", "text", "message", "reason"):
        return str(value)
    if isinstance(value, Failure):
        return str(value)
    return f"{name}={short(value, 200)}" if value not in ("", None, False, ()) or name == "value" else ""


def trust_terms(tool: Tool[..., Any]) -> list[str]:
    """What a tool says of its data, in words."""
    terms: list[str] = [] if tool.trust is None else [tool.trust]
    if tool.sinks:
        terms.append(f"sink {', '.join(sorted(tool.sinks))}")
    elif tool.effect == "write":
        terms.append("no sink declared")
    if isinstance(tool.readers, frozenset):
        terms.append(f"only for {', '.join(sorted(tool.readers)) or 'nobody'}")
    elif tool.readers is not None:
        terms.append("readers by its arguments")
    return terms


def signature_text(signature: Signature) -> str:
    """`price(ticker: str, *, currency: str = 'USD') -> float`."""
    parts: list[str] = []
    for parameter in signature.parameters:
        if parameter.keyword_only and "*" not in parts:
            parts.append("*")
        parts.append(_parameter_text(parameter))
    return f"{signature.alias}({', '.join(parts)}) -> {signature.output.type}"


def _parameter_text(parameter: Parameter) -> str:
    return f"{parameter.alias}: {parameter.type}" + ("" if parameter.required else f" = {parameter.default}")


def resource_text(signature: Signature) -> str:
    """The resource that a tool declares: its name, or what that is made of; empty if it declares none."""
    match signature.resource:
        case ResourceFunction(parameters):
            return f"by {', '.join(parameters)}"
        case resource:
            return resource or ""


def limit_text(limit: Limit) -> str:
    """`5 at once, 10 per second`."""
    parts = [f"{limit.concurrency:,} at once"] if limit.concurrency is not None else []
    if limit.rate is not None:
        parts.append(f"{limit.rate:g} per {'second' if limit.per == 1 else f'{limit.per:g} seconds'}")
    if limit.burst > 1:
        parts.append(f"{limit.burst} in a burst")
    return ", ".join(parts) or "no bound"


def duration(seconds: float) -> str:
    """Seconds with one or two decimals, minutes from 100 seconds on."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def ticking(seconds: float) -> str:
    """The same for a time that is still passing: never finer than a tenth of a second."""
    return f"{seconds:.1f} s" if seconds < 9.95 else duration(seconds)


def counted(number: int, thing: str) -> str:
    """`1 call`, `2,000 calls`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
