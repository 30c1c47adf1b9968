"""What the standard library's `logging` is told of runs: a record for each event, from a logger for each room."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, get_args

from superscalar import events as ev
from superscalar.events import Event
from superscalar.observe.timing import Timing
from superscalar.observe.wording import counted, event_text, left_out, summary_text, tools_shown_text
from superscalar.short import short
from superscalar.values import Failure, Usage

NAME: Final = "superscalar"
"""The logger above all others of this library. It has no handler but one that does nothing."""

_LOG: Final = logging.getLogger(NAME)
_LOG.addHandler(logging.NullHandler())

_ROOMS: Final[Mapping[str, tuple[type, ...]]] = {
    "compiler": (ev.RunStarted, ev.Resumed, ev.RunEnded, ev.DeadlinePassed, ev.BudgetSpent),
    "planner": (
        *(ev.RoundStarted, ev.PlanWritten, ev.Diagnosed, ev.Repairing, ev.Planned, ev.Ordered, ev.Sealed),
        *(ev.Retired, ev.Replanned, ev.FellBack, ev.ToolsShown),
    ),
    "policy": (ev.Decided, ev.Approved, ev.PlanAsked, ev.PlanApproved),
    "models": (
        *(ev.ModelAsked, ev.ModelWaiting, ev.ModelFailed, ev.ModelUsed, ev.ModelPreparing),
        *(ev.Thought, ev.Withdrawn),
    ),
    "joiner": (ev.JoinStarted, ev.AnswerWritten, ev.AnswerRejected, ev.AnswerCut, ev.Joined),
}
_ROOM: Final = {kind: room for room, kinds in _ROOMS.items() for kind in kinds}  # of all others: schedule

_HIGHEST: Final[Mapping[type, int]] = {
    **dict.fromkeys((ev.RunStarted, ev.Resumed, ev.PlanAsked, ev.ToolsShown), logging.INFO),
    **dict.fromkeys(
        (
            *(ev.RunEnded, ev.DeadlinePassed, ev.BudgetSpent, ev.Repairing, ev.Decided, ev.Approved, ev.PlanApproved),
            *(
                ev.ModelAsked,
                ev.ModelFailed,
                ev.FellBack,
                ev.AnswerRejected,
                ev.AnswerCut,
                ev.Retrying,
                ev.Throttled,
                ev.Failed,
            ),
        ),
        logging.WARNING,
    ),
}
"""What a kind of event is logged with at the most; what is not here, with DEBUG."""

_GROUPS: Final[dict[tuple[logging.Logger, int], set[type]]] = {}
"""The kinds of events by the logger that they go to, and the level that they have at the most."""
for _kind in get_args(Event):
    _group = logging.getLogger(f"{NAME}.{_ROOM.get(_kind, 'schedule')}"), _HIGHEST.get(_kind, logging.DEBUG)
    _GROUPS.setdefault(_group, set()).add(_kind)
_LOGGERS: Final = {kind: logger for (logger, _), kinds in _GROUPS.items() for kind in kinds}

_STOPPED: Final = ("cancelled", "deadline", "budget", "items")
"""Kinds of failures that follow from something that is told itself."""


class RunLogger:
    """Logs the events of one run. `wanted`: the kinds of events that somebody listens for, as it was at its beginning.

    `happened`: the events of the run so far, for what its end has to say.
    """

    def __init__(self, happened: Sequence[Event]) -> None:
        self._happened = happened
        self._run = ""
        above = _is_heard(_LOG)
        self.wanted: frozenset[type] = frozenset().union(
            *(
                kinds
                for (logger, level), kinds in _GROUPS.items()
                if (logger.handlers or (above and logger.propagate)) and logger.isEnabledFor(level)
            )
        )

    def __call__(self, event: Event) -> None:
        """Log an event. This never raises: a filter of the program's may."""
        with suppress(Exception):
            level, text, *arguments = _said(event, self._happened)
            logger = _LOGGERS[type(event)]
            if logger.isEnabledFor(level):
                self._log(logger, level, text, arguments, event)

    def _log(self, logger: logging.Logger, level: int, text: str, arguments: list[Any], event: Event) -> None:
        self._run = self._run or next((one.run for one in self._happened if isinstance(one, ev.RunStarted)), "")
        extra = {"run_id": self._run, "task_id": getattr(event, "id", "")}
        failure = event.failure if isinstance(event, ev.Failed) else None
        raised = None if failure is None else failure.raised
        error = None if raised is None else raised.error
        hidden = "" if raised is None or raised.is_open else raised.text
        info = None if hidden or error is None else (type(error), error, error.__traceback__)
        given = tuple(_told(argument) for argument in arguments)
        record = logger.makeRecord(logger.name, level, __file__, 0, text, given, info, "log", extra)
        if raised is not None and error is not None:  # what is written; no `exc_info` where a secret stands in that
            record.exc_text = "\n".join(map(_told, raised.text.rstrip("\n").split("\n")))
        logger.handle(record)


def run_logger(happened: Sequence[Event]) -> RunLogger | None:
    """What logs the events of a run that begins; None if nobody listens."""
    logger = RunLogger(happened)
    return logger if logger.wanted else None


def _is_heard(logger: logging.Logger | None) -> bool:
    """Whether a record comes to a handler that does something."""
    while logger is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _said(event: Event, happened: Sequence[Event]) -> tuple[Any, ...]:
    """The level of an event, a text with `%`, and what is put into it."""
    match event:
        case ev.RunStarted(_, run, question):
            return logging.INFO, "run %s began%s", run, f": {short(question, 200)}" if question else ""
        case ev.Resumed(_, rules):
            return logging.INFO, "the run goes on in this process%s", f"; changed: {'; '.join(rules)}" if rules else ""
        case ev.RunEnded(_, error):
            level = logging.WARNING if error else logging.INFO
            return level, "the run ended%s: %s", f" ({error})" if error else "", _summary(happened)
        case ev.DeadlinePassed():
            return logging.WARNING, "the run's deadline passed"
        case ev.BudgetSpent(_, budget, used, limit):
            return logging.WARNING, "%s=%g is reached: %g used", budget, limit, used
        case ev.ToolsShown(_, shown, of, cut):
            return logging.INFO, "%s", tools_shown_text(len(shown), of, cut)
        case ev.Repairing(_, attempt, cut):
            why = f": its reply was cut: {cut}" if cut else ""
            return logging.WARNING, "the plan went back to the planner, repair %d%s", attempt, why
        case ev.Decided(_, id, decision, rule, reason):
            level = {"allow": logging.DEBUG, "ask": logging.INFO}.get(decision, logging.WARNING)
            return level, "%s: %s by %s%s", id, decision, rule, f": {reason}" if reason else ""
        case ev.Approved(_, id, approved, by):
            return _answered(approved), "%s: %s by %s", id, "approved" if approved else "not approved", by
        case ev.PlanAsked(_, writes):
            return logging.INFO, "the plan waits for approval: %s", counted(len(writes), "write")
        case ev.PlanApproved(_, approved, by):
            return _answered(approved), "the plan was %s by %s", "approved" if approved else "not approved", by
        case ev.ModelAsked(_, role, attempt, model, withheld):
            level = logging.DEBUG if attempt == 1 and not withheld else logging.WARNING
            said = "".join(f"; {why}" for why in withheld)
            return level, "the %s (%s) is asked, attempt %d%s", role, model, attempt, said
        case ev.ModelWaiting(_, role, model, limits, why):
            said = f": {why}" if why else ""
            return logging.INFO, "the %s (%s) waits for %s%s", role, model, ", ".join(limits), said
        case ev.ModelFailed(_, role, model, why):
            return logging.WARNING, "the %s (%s) does not answer: %s", role, model, why
        case ev.AnswerRejected(_, attempt, why):
            return logging.WARNING, "the joiner's reply is no answer, attempt %d: %s", attempt, why
        case ev.AnswerCut(_, why):
            return logging.WARNING, "the joiner's reply was cut: %s", why
        case ev.Retrying(_, id, attempt, failure, delay):
            return logging.WARNING, "%s: attempt %d failed, again in %.2f s: %s", id, attempt, delay, failure
        case ev.Throttled(_, limit, delay, concurrency, rate):
            now = [f"{concurrency} at once"] if concurrency is not None else []
            now += [f"{rate:g} per second"] if rate is not None else []
            return (
                logging.WARNING,
                "%s: refused, pauses for %.2f s%s",
                limit,
                delay,
                "".join(f", then {n}" for n in now),
            )
        case ev.Failed(_, id, failure):
            level = logging.DEBUG if _follows(event) else logging.WARNING
            return level, "%s failed: %s%s", id, failure, _where(failure)
        case ev.Retired(_, ids, why, dropped):
            return logging.DEBUG, "Retired  %s  %s%s", ", ".join(ids), why, left_out(dropped)
        case _:
            return logging.DEBUG, "%s  %s", type(event).__name__, event_text(event)


def _told(given: Any) -> Any:
    """What is put into a line of a log. What others wrote stays on its line, moves no cursor, and can be encoded."""
    if isinstance(given, int | float):
        return given
    text = str(given)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _answered(approved: bool) -> int:
    return logging.INFO if approved else logging.WARNING


def _follows(event: ev.Failed) -> bool:
    """Whether a failure is no news: it follows from what is told itself, or a `join` hands it on."""
    failure = event.failure
    stopped = failure.kind in _STOPPED and not (failure.in_doubt or failure.abandoned)
    return stopped or event.id.startswith("join(")


def _where(failure: Failure) -> str:
    return "" if failure.place is None else f" (at {failure.place})"


def _summary(happened: Sequence[Event]) -> str:
    """The counts and the seconds of a run."""
    usage = sum((event.usage for event in happened if isinstance(event, ev.ModelUsed)), Usage())
    failed = len({event.id for event in happened if isinstance(event, ev.Failed) and not _follows(event)})
    rounds = sum(isinstance(event, ev.RoundStarted) for event in happened)
    return f"{summary_text(Timing.of(happened), usage, rounds, usage.cost)}, {failed:,} failed"
