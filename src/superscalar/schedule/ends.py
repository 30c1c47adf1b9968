"""What the end of a call means: the failure that it leaves behind, and whether it is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from random import Random
from typing import Any

from superscalar import events
from superscalar.codec import Unwritable
from superscalar.errors import JournalError, NotBegun, NotDone, RateLimited
from superscalar.plan.ir import Call
from superscalar.schedule.attempt import Attempt, Bounds, Stop
from superscalar.schedule.limits import NOT_REFUSED, Grants, Outlook
from superscalar.schedule.refusal import Refusal, refusal_of
from superscalar.schedule.state import Schedule
from superscalar.secrets import without_queries
from superscalar.tools.context import ArgumentError
from superscalar.tools.secret import without
from superscalar.tools.terms import Retry
from superscalar.tools.tool import Tool
from superscalar.values import Failure, FailureKind, Observation
from superscalar.weight import TooHeavy

_SPARED = 10
"""Of so many attempts that were refused while others got through, one counts."""

STOPPED: dict[Stop, str] = {
    "cancelled": "the run was cancelled",
    "deadline": "the run's deadline passed",
    "unneeded": "nothing needed it any more",
}


def shut_out(attempt: Attempt, why: str) -> Failure:
    """What becomes of a call that its provider would refuse for longer than it waits, as it refused another one."""
    return Failure("error", why, RateLimited.__name__, in_doubt=attempt.in_doubt)


def failure_kind(stop: Stop) -> FailureKind:
    """The kind of failure of an attempt that was stopped so."""
    return "cancelled" if stop == "unneeded" else stop


def never_started(kind: FailureKind, attempt: Attempt | None = None) -> Failure:
    """What becomes of a call that the end of the run kept from starting, or a plan that nobody approved of."""
    if kind == "denied":
        return Failure(kind, "the plan that it is part of was not approved")
    if attempt is not None and attempt.number > 1:
        return Failure(kind, f"{STOPPED[kind]} before it was tried again", in_doubt=attempt.in_doubt)
    return Failure(kind, f"{STOPPED[kind]} before it started")


def too_slow(attempt: Attempt, bounds: Bounds) -> str:
    """What to say when its time has passed."""
    return f"{attempt.tool.name} gave no answer within {attempt.tool.timeout_in(bounds.timeout):g} s"


def too_late(attempt: Attempt, bounds: Bounds, error: BaseException | None = None) -> TimeoutError:
    """What an attempt ended with whose time had passed; `error`: what it raised then."""
    said, began = too_slow(attempt, bounds), attempt.begun and not isinstance(error, NotBegun)
    late = TimeoutError(said) if began else NotBegun(f"{said}: it had not begun")
    late.__cause__ = error  # its traceback says what the call was at
    return late


def failure_of(attempt: Attempt, error: BaseException, verdict: Outlook = NOT_REFUSED) -> Failure:
    """A tool's exception as data. A write is in doubt unless the error says that nothing happened (rule L19)."""
    in_doubt = attempt.in_doubt or (attempt.tool.effect == "write" and not _says_nothing_happened(error, verdict))
    name = type(error).__name__
    if attempt.stopped in STOPPED:
        return Failure(failure_kind(attempt.stopped), STOPPED[attempt.stopped], name, in_doubt=in_doubt)
    if attempt.stopped == "timeout":
        return Failure("timeout", str(error), name, in_doubt=in_doubt)
    if isinstance(error, asyncio.CancelledError):
        return Failure("cancelled", f"{attempt.tool.name} cancelled itself", name, in_doubt=in_doubt)
    said = hiding(attempt)(exception_text(error))
    return Failure("error", said or name, name, in_doubt=in_doubt)


def hiding(attempt: Attempt) -> Callable[[str], str]:
    """What takes out of texts about a call what is secret in its arguments, and the queries of URLs."""
    parts, arguments = attempt.tool.secret_parts, attempt.arguments
    if not parts:
        return without_queries
    return lambda text: without_queries(without(text, arguments, parts))


def _says_nothing_happened(error: BaseException, verdict: Outlook) -> bool:
    return isinstance(error, NotDone) or (verdict.refusal is not None and verdict.refusal.nothing_done)


def counted_attempts(number: int, spared: int) -> int:
    """How many of so many attempts count; `spared` were refused while others got through, of which every tenth does."""
    return max(number - spared, number // _SPARED, 1)


def rule_after(attempt: Attempt, error: BaseException, verdict: Outlook = NOT_REFUSED) -> Retry | None:
    """The rule by which there is another attempt after this error; None: there is none, or it could do harm.

    Attempts that were refused while other calls got through do not count, up to a bound: it is the limit that is being
    learned then. What is refused for longer than its tool waits is not waited for. Time that ran out has been waited
    for already: only what a tool declares itself has it begin anew.
    """
    tool = attempt.tool
    harmless = tool.effect != "write" or tool.idempotent or _says_nothing_happened(error, verdict)
    if not harmless or verdict.beyond or attempt.stopped not in (None, "timeout"):
        return None
    counted = counted_attempts(attempt.number, attempt.spared)
    rules = tool.retries if attempt.stopped is None else (tool.retry,)
    return rule_among(rules, counted, error, verdict.refusal)


def rule_among(rules: Iterable[Retry], counted: int, error: BaseException, refusal: Refusal | None) -> Retry | None:
    """The first of these rules that wants another attempt after so many; None if none does.

    A refusal is wanted where `RateLimited` is, whatever the class of the error.
    """
    for rule in rules:
        refused = refusal is not None and issubclass(RateLimited, rule.classes)
        if counted < rule.attempts and (refused or rule.wants(error)):
            return rule
    return None


def verdict_on(attempt: Attempt, error: BaseException, limits: Grants, random: Random, now: float) -> Outlook:
    """What its limits make of the end of an attempt, which has given back what it held: they narrow at a refusal."""
    refusal = refusal_of(error)
    if refusal is None:
        return NOT_REFUSED
    words = hiding(attempt)(exception_text(error))
    verdict = limits.refused(attempt.batch or attempt, refusal, random, now, words)
    attempt.spared += verdict.barren < 2
    return verdict


async def kept(attempt: Attempt, value: Any, keep: Callable[[Any], Awaitable[Any]]) -> Observation | Failure:
    """What a tool's result comes to, of which `keep` gives a copy, if it does not weigh too much.

    Of some things, such as an object that does not let itself be read, there is no copy. A write whose result cannot be
    kept is in doubt, though its tool returned: it is not to be made again.
    """
    try:
        return Observation(await keep(value))
    except Exception as error:  # noqa: BLE001 -- the result is the tool's, and so is what copying it raises
        return _not_kept(attempt.tool, error)


def _not_kept(tool: Tool[..., Any], error: Exception) -> Failure:
    """What becomes of a call that returned, and whose result cannot be kept."""
    wrote = tool.effect == "write"
    if isinstance(error, TooHeavy):
        done = "; the write was done" if wrote else ""
        return Failure("bounds", f"the result of {tool.name} is too large: {error}{done}", in_doubt=wrote)
    message = f"the result of {tool.name} cannot be copied: {without_queries(exception_text(error))}"
    return Failure("error", message, type(error).__name__, in_doubt=wrote)


def instead_of(event: events.Event, refused: Unwritable | JournalError, schedule: Schedule) -> events.Failed:
    """What happened instead of what a journal refused: a value that is no data, or the start of a write.

    Raises:
        Unwritable, JournalError: as given, where no task can fail instead.
    """
    match event, refused:
        case events.Succeeded(at, id), Unwritable():
            cell = schedule.get(id)
            work = None if cell is None or cell.task is None else cell.task.work
            done = "; the write was done" if isinstance(work, Call) and work.effect == "write" else ""
            what = f"the result of {work.tool}" if isinstance(work, Call) else "the value"
            message = (
                f"{what} cannot be kept in the journal: `{refused.path}` is a {refused.type}, which {refused.reason}"
                f"{done}. Return plain data (text, numbers, lists, dicts, records), or run without journal="
            )
            return events.Failed(at, id, Failure("error", message, "Unwritable"))
        case events.Started(at, id), JournalError():
            return events.Failed(at, id, not_recorded(refused))
        case _:
            raise refused


def not_recorded(why: BaseException, *, in_doubt: bool = False) -> Failure:
    """What becomes of a write whose start is not on the disk. `in_doubt`: an attempt before this one is."""
    if isinstance(why, JournalError):
        return Failure("cancelled", f"it was not made, as it could not be recorded: {why}", in_doubt=in_doubt)
    return Failure("cancelled", "it was cancelled before it was made", in_doubt=in_doubt)


def not_made(attempt: Attempt, why: BaseException) -> Failure:
    """What becomes of a call that was about to be made, and was not: it is in doubt only if one before it is."""
    match why:
        case JournalError() | asyncio.CancelledError():
            return not_recorded(why, in_doubt=attempt.in_doubt)
        case ArgumentError() | TooHeavy() | RecursionError():
            return unfit(attempt.tool.name, why, in_doubt=attempt.in_doubt)
        case _:
            return replace(failure_of(attempt, why), in_doubt=attempt.in_doubt)


def unfit(tool: str, why: ArgumentError | TooHeavy | RecursionError, *, in_doubt: bool = False) -> Failure:
    """What becomes of a call with an argument that does not fit, or of which there is no copy."""
    match why:
        case ArgumentError():
            return Failure("arguments", str(why), in_doubt=in_doubt)
        case TooHeavy():
            return Failure("bounds", f"an argument of {tool} is too large: {why}", in_doubt=in_doubt)
        case RecursionError():
            return Failure("bounds", "an argument is nested too deeply", in_doubt=in_doubt)


def too_many(have: int, more: int, bounds: Bounds) -> Failure:
    """What to say when a run would have more than its bound of tasks."""
    return Failure("bounds", f"{more:,} tasks beside the {have:,} there are exceed max_tasks={bounds.max_tasks:,}")


def too_wide(count: int, bounds: Bounds) -> Failure:
    """The same for the items of a map."""
    return Failure("bounds", f"{count:,} items are more than max_fan_out={bounds.max_fan_out:,}")


def exception_text(error: BaseException) -> str:
    """The text of an exception, which may be broken itself."""
    try:
        return str(error)
    except Exception as worse:  # noqa: BLE001 -- an exception of a tool may be broken too
        return f"{type(error).__name__}, whose text raised {type(worse).__name__}"
