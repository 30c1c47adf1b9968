"""`Journal`: the runs in one file, begun, gone on with, listed and read."""

from __future__ import annotations

import asyncio
import difflib
import json
import math
import os
import platform
import sqlite3
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from superscalar import codec
from superscalar.errors import JournalError, RunBusy, UnknownRun, UsageError
from superscalar.events import Approved, Event, PlanApproved
from superscalar.journal.answers import questions_meant
from superscalar.journal.copies import Standing, lacks_its_log
from superscalar.journal.database import Database, damaged
from superscalar.journal.lease import Leases
from superscalar.journal.log import KEEP_DURATION, Claim, Commits, RunLog
from superscalar.journal.opened import Opened
from superscalar.journal.reading import readable
from superscalar.journal.runs import Recorded, RunSummary, Tally, state_of
from superscalar.journal.tidying import ENDED, Tidied, Which, copying, tidied
from superscalar.plan import LANGUAGE
from superscalar.policy import Question
from superscalar.schedule.unanswered import open_questions
from superscalar.short import cut
from superscalar.values import TaskId

_ALL: Final = 2**63 - 1  # rows: more than SQLite has


class Journal:
    """The durable record of runs in one file of SQLite, beside which `PATH-leases` says who is at work on them.

        agent = LLMCompiler("openai:gpt-5-mini", tools, journal="runs.db")

    Made if it is not there. Several threads may use one, and several processes the same file, which must be on a local
    disk. `about`: JSON data that is remembered with every run that is begun here. `when_moved`: once the file was moved
    or deleted while it is open here, runs that begin "fail", or are recorded in a "new" one; those that are going on
    fail before their next write either way.

    Raises:
        JournalError: the file is no journal, damaged, of a newer release, or cannot be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        about: Mapping[str, Any] | None = None,
        when_moved: Literal["fail", "new"] = "fail",
    ) -> None:
        given = os.fspath(path)
        if when_moved not in ("fail", "new"):
            raise UsageError(f'when_moved={when_moved!r}: write "fail" or "new"')
        if not isinstance(given, str) or given in ("", ":memory:") or given.startswith("file:"):
            raise UsageError(f'journal={given!r} is no path of a file; write journal="runs.db"')
        self.path = Path(given)
        self._about = dict(about or {})
        self._when_moved: Literal["fail", "new"] = when_moved
        real = self.path.resolve()  # by whatever name: the files beside it are those of the real one
        self._path = real
        self._commits: dict[asyncio.AbstractEventLoop, Commits] = {}
        self._open()
        self._listed: dict[str, dict[TaskId, Question]] = {}  # what was shown last, by run

    def _open(self) -> None:
        self._database = Database(self._path, readable)
        self._opened: Opened | None = None
        with suppress(JournalError):  # what may not be written may be read all the same; whoever writes is told
            self._opened = Opened.of(self._path)
        self._standing = Standing(self._path, lacking=lacks_its_log(self._database))
        self._commits.clear()

    @property
    def lacks_its_log(self) -> bool:
        """Tell whether this copy was made without its log (`-wal`): it lacks what happened last."""
        return self._standing.lacking

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r})"

    def remembering(self, about: Mapping[str, Any]) -> Journal:
        """Open the same file; `about` is remembered too with every run that is begun here."""
        return Journal(self.path, about={**self._about, **about}, when_moved=self._when_moved)

    # -------------------------------------------------------------------------------------------------- writing

    def begin(self, run: str, about: Mapping[str, Any]) -> RunLog:
        """Begin a run; this process is at work on it until the log is closed. `about`: JSON data to remember with it.

        The version of the plan language is remembered too, as `language`; runs without one are of version 1.

        Raises:
            UsageError: there is a run of that id, or `about` is no JSON data.
            JournalError: the file cannot be written.
        """
        entry = self._beginning(run, about)
        self._here().writer.submit(entry.write, False, entry.is_lost).result()
        return RunLog(entry.claim, self._commits_here(), entry.about)

    async def abegin(self, run: str, about: Mapping[str, Any]) -> RunLog:
        """Do as `begin` does, leaving the event loop to others. A run that is cancelled meanwhile was never there.

        Raises:
            UsageError, JournalError: as for `begin`.
        """
        entry = self._beginning(run, about)
        await _written(self._here(), entry.write, entry.is_lost, given_up=entry.take_back)
        return RunLog(entry.claim, self._commits_here(), entry.about)

    def _beginning(self, run: str, about: Mapping[str, Any]) -> _Beginning:
        remembered = {"language": LANGUAGE, **self._about, **about}
        try:
            kept = json.dumps(remembered)
        except (TypeError, ValueError) as error:
            raise UsageError(f"about= of a run must be JSON data: {error}") from error
        if self._when_moved == "new" and self._here().place.what_is_gone() is not None:
            self._here().writer.leave_whole()
            self._open()
        return _Beginning(Claim(self.path, run, 0, time.time()), remembered, kept, self._here(), self._standing)

    def reopen(self, run: str) -> RunLog:
        """Go on with a run: return its log, and what had happened.

        Raises:
            UnknownRun: there is none of that id.
            RunBusy: a process is at work on it.
            JournalError: what is recorded cannot be read, or the file cannot be written.
        """
        going_on = self._taken(run)
        try:
            self._here().writer.submit(going_on.write).result()
        except BaseException:
            going_on.give_back()
            raise
        return going_on.log(self._commits_here())

    async def areopen(self, run: str) -> RunLog:
        """Do as `reopen` does, leaving the event loop to others while something is written.

        Raises:
            UnknownRun, RunBusy, JournalError: as for `reopen`.
        """
        going_on = self._taken(run)
        try:
            await _written(self._here(), going_on.write, given_up=going_on.leave)
        except Exception:
            going_on.give_back()
            raise
        return going_on.log(self._commits_here())

    def _taken(self, run: str) -> _GoingOn:
        """A run whose lease was taken, with what is recorded of it."""
        number, about = self._find(run)
        opened = self._here()
        if not opened.leases.take(number):
            raise self._busy(run, number)
        try:
            recorded = tuple(record.event for record in self._read(run, number))
        except BaseException:
            opened.leases.give_back(number)
            raise
        return _GoingOn(Claim(self.path, run, number, time.time()), about, recorded, opened, self._standing)

    def _here(self) -> Opened:
        """The file as this process has it open; a forked child opens it anew.

        Raises:
            JournalError: it cannot be written.
        """
        if self._opened is not None and self._opened.process != os.getpid():
            self._open()
        if self._opened is None:
            self._opened = Opened.of(self._path)
        return self._opened

    def _commits_here(self) -> Commits:
        """The group that the running event loop's runs are written in; without a loop, each has one of its own."""
        opened = self._here()
        for loop, commits in list(self._commits.items()):
            if not commits.logs:
                self._commits.pop(loop, None)
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return Commits(opened, None)
        return self._commits.setdefault(running, Commits(opened, running))

    def _busy(self, run: str, number: int) -> RunBusy:
        host, pid, since = self._database.rows("SELECT host, pid, since FROM runs WHERE number = ?", number)[0]
        when = datetime.fromtimestamp(since).astimezone().isoformat(" ", "seconds")
        who = "this process" if self._here().leases.is_held_here(number) else f"process {pid} on {host}"
        return RunBusy(f"run {run!r} is being worked on by {who}, since {when}; wait for its end, or stop it first")

    # -------------------------------------------------------------------------------------------------- reading

    def runs(self, limit: int | None = None) -> list[RunSummary]:
        """List the runs, newest first, at most `limit` of them.

        Only of those that were cut off, and of those that are going on, events have to be read.

        Raises:
            JournalError: the file cannot be read.
        """
        columns = "number, id, began, about, ended, summary"
        query = f"SELECT {columns} FROM runs ORDER BY number DESC LIMIT ?"  # noqa: S608 -- our own names
        most = _ALL if limit is None else max(min(limit, _ALL), 0)
        return [self._summary(*row) for row in self._database.rows(query, most)]

    def __len__(self) -> int:
        """How many runs there are."""
        ((count,),) = self._database.rows("SELECT count(*) FROM runs")
        return int(count)

    def __bool__(self) -> bool:
        return True

    def summary(self, run: str) -> RunSummary:
        """Sum up one run in a few words.

        Raises:
            UnknownRun: there is none of that id.
            JournalError: the file cannot be read.
        """
        number, _ = self._find(run)
        columns = "number, id, began, about, ended, summary"
        return self._summary(*self._database.rows(f"SELECT {columns} FROM runs WHERE number = ?", number)[0])  # noqa: S608 -- our own names

    def read(self, run: str) -> list[Recorded]:
        """Read the events of a run, in order.

        Raises:
            UnknownRun: there is none of that id.
            JournalError: the file cannot be read, or an event in it is damaged or of a newer release.
        """
        number, _ = self._find(run)
        return self._read(run, number)

    def about(self, run: str) -> Mapping[str, Any]:
        """Return what a run was begun with.

        Raises:
            UnknownRun: there is none of that id.
        """
        return self._find(run)[1]

    def named(self, beginning: str) -> str:
        """Return the id of the run that is meant: that id itself, or the only one that begins so.

        Raises:
            UnknownRun: there is none, or there are several.
        """
        query = "SELECT id FROM runs WHERE substr(id, 1, length(?)) = ? ORDER BY id = ? DESC, number DESC"
        ids = [id for (id,) in self._database.rows(query, beginning, beginning, beginning)]
        if not ids or not beginning:
            raise UnknownRun(f"{self.path} has no run {beginning!r}; {self._known(beginning)}")
        if len(ids) > 1 and ids[0] != beginning:
            raise UnknownRun(f"{self.path} has {len(ids):,} runs that begin with {beginning!r}: {', '.join(ids[:5])}")
        return str(ids[0])

    def _find(self, run: str) -> tuple[int, Mapping[str, Any]]:
        found = self._database.rows("SELECT number, about FROM runs WHERE id = ?", run)
        if not found:
            raise UnknownRun(f"{self.path} has no run {run!r}; {self._known(run)}")
        number, about = found[0]
        return _number(self.path, run, number), _data(self.path, run, about)

    def _known(self, run: str) -> str:
        ids = [id for (id,) in self._database.rows("SELECT id FROM runs ORDER BY number DESC LIMIT 10000")]
        if not ids:
            return "it is empty"
        if close := difflib.get_close_matches(run, ids, n=3):
            return f"did you mean {' or '.join(close)}?"
        return f"the newest are {', '.join(ids[:5])}"

    def _read(self, run: str, number: int) -> list[Recorded]:
        rows = self._database.rows("SELECT seq, at, event FROM events WHERE run = ? ORDER BY seq", number)
        made = []
        for place, (seq, at, text) in enumerate(rows):
            try:
                event = codec.loads(text)
            except codec.Unreadable as error:
                raise JournalError(str(self.path), f"event {seq} of run {run!r} cannot be read: {error}") from error
            if seq != place:
                raise damaged(self.path, f"run {run!r} lacks event {place}")
            made.append(Recorded(seq, at, event))
        return made

    def _summary(
        self, number: int, id: str, began: float, about: str, ended: float | None, kept: str | None
    ) -> RunSummary:
        remembered = _data(self.path, id, about)
        held = ended is None and self._is_held(_number(self.path, id, number))
        try:
            counts = self._counted(id, number, held=held) if kept is None else _data(self.path, id, kept)
            return RunSummary(
                id=id,
                question=str(remembered.get("question", "")),
                state=state_of(counts, remembered, ended=ended is not None, held=held),
                began=float(began),
                ended=None if ended is None else float(ended),
                tasks=int(counts["tasks"]),
                done=int(counts["done"]),
                failed=int(counts["failed"]),
                in_doubt=tuple(counts["in_doubt"]),
                error=str(counts["error"]),
                about=remembered,
                asked=tuple(counts.get("asked", ())),
                calls=dict(counts.get("calls", {})),
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise damaged(self.path, f"of run {id!r}: {error!r}") from error

    def _is_held(self, number: int) -> bool:
        """Whether a process is at work on a run; none is where none could say so."""
        with suppress(JournalError):
            return self._here().leases.is_held(number)
        try:
            leases = Leases.looking(self._path)  # it may not be written
        except OSError:  # nor read
            return False
        return leases is not None and leases.is_held(number)

    def _counted(self, run: str, number: int, *, held: bool) -> dict[str, Any]:
        """The counts of a run that no process has closed; unless it is `held`, they are kept with it from now on."""
        rows = self._database.rows("SELECT since FROM runs WHERE number = ?", number)
        tally = Tally()
        for record in self._read(run, number):
            tally.apply(record.event)
        counts = tally.document()
        if not held and rows:
            keep = "UPDATE runs SET summary = ? WHERE number = ? AND summary IS NULL AND since = ?"
            with suppress(JournalError), self._database.writing(patience=0.0) as connection:
                connection.execute(keep, (json.dumps(counts), number, *rows[0]))
        return counts

    # ------------------------------------------------------------------------------------------------- approval

    def questions(self, run: str) -> tuple[Question, ...]:
        """List what a run waits for a person to answer: calls, and its plan as a whole.

        Raises:
            UnknownRun: there is none of that id.
            JournalError: the file cannot be read.
        """
        found = open_questions(run, [record.event for record in self.read(run)], self.about(run))
        self._listed[run] = {question.task_id: question for question in found}
        return found

    def approve(self, run: str, *tasks: TaskId | Question, approved: bool = True, by: str = "") -> None:
        """Record a person's answer to questions of a run, to be acted on when it is resumed. `by`: who said so.

        `tasks`: the questions that were read, or what `Question.answered_by` says of one (`x@3f9c21d0`). A bare id of a
        call, empty for the plan as a whole, is the question that this object showed last (`questions`), or if it showed
        none the one that is open. All are answered, or none. Nothing is run. A call that would be another when it is
        made is asked about anew.

        Raises:
            UnknownRun: there is none of that id.
            RunBusy: a process is at work on it.
            UsageError: it has no such question, and the message lists those that it has; or asks another one by now.
            JournalError: the file cannot be read or written.
        """
        if self.summary(run).ended is not None:
            raise UsageError(f"run {run} has ended: there is nothing to approve")
        log = self.reopen(run)
        try:
            asked = open_questions(run, log.recorded, log.about)
            chosen = questions_meant(run, tasks, {one.task_id: one for one in asked}, self._listed.get(run, {}))
            at = log.recorded[-1].at  # no time has passed for the run
            for task, one in chosen.items():
                log.append(Approved(at, task, approved, by, one.digest) if task else PlanApproved(at, approved, by))
        finally:
            log.close()

    # -------------------------------------------------------------------------------------------------- tidying

    def prune(self, older_than: float, *, of: Collection[Which] = ENDED) -> Tidied:
        """Delete runs that ended more than so many seconds ago, or "unfinished" ones last taken up that long ago.

        A run that a process is at work on is never deleted.

        Raises:
            JournalError: the file cannot be written.
        """
        return tidied(self._here(), self._database, time.time() - older_than, of=of)

    def rotate(self, into: str | os.PathLike[str]) -> Tidied:
        """Move all runs that have ended to another journal, made if it is not there. What is not over stays here.

        No process has to be stopped for it: this file stays the one that they write.

        Raises:
            JournalError: one of the files cannot be written, or the other holds a run of the same id.
        """
        other = Journal(into)
        if other._path == self._path:
            raise UsageError(f"{self.path} cannot be rotated into itself; name another file")
        copied = copying(self._database, other._here())
        return tidied(self._here(), self._database, math.inf, of=ENDED, first=copied)

    # ------------------------------------------------------------------------------------------------- durations

    def durations(self) -> dict[str, float]:
        """Return the seconds that a call of each tool takes, as far as is known (see `keep_durations`)."""
        return dict(self._database.rows("SELECT tool, seconds FROM durations"))

    def keep_durations(self, known: Mapping[str, float]) -> None:
        """Remember how many seconds a call of each tool takes, for the agents to come.

        Raises:
            JournalError: the file cannot be written.
        """
        kept = list(known.items())
        self._here().writer.submit(lambda connection: connection.executemany(KEEP_DURATION, kept)).result()


_MANY = 100  # leases that are held on runs which were deleted a moment ago


class _Beginning:
    """A new run that is to be written down; its lease is taken in the same transaction."""

    def __init__(self, claim: Claim, about: Mapping[str, Any], kept: str, opened: Opened, standing: Standing) -> None:
        self.claim = claim
        self.about = about
        self._kept = kept
        self._opened = opened
        self._standing = standing

    def write(self, connection: sqlite3.Connection) -> None:
        """Raises UsageError: there is a run of that id."""
        self._give_back()  # what was written before is undone, if this is called again
        claim = self.claim
        if connection.execute("SELECT 1 FROM runs WHERE id = ?", (claim.run,)).fetchone():
            raise UsageError(
                f"{claim.journal} has a run {claim.run!r} already; leave out run_id=, or go on with that one if "
                f"it was interrupted: agent.resume({claim.run!r})"
            )
        self._standing.begin(connection)
        values = (claim.run, claim.since, self._kept, platform.node(), os.getpid(), claim.since)
        statement = "INSERT INTO runs (id, began, about, host, pid, since) VALUES (?, ?, ?, ?, ?, ?)"
        claim.number = self._leased(connection, connection.execute(statement, values).lastrowid or 0)

    def _leased(self, connection: sqlite3.Connection, given: int) -> int:
        """The number of the new run, whose lease is taken. A number comes again once the last run is deleted, and then
        whoever was at work on that may have the lease for a moment longer: the next one will do.
        """
        for number in range(given, given + _MANY):
            if self._opened.leases.take(number):
                connection.execute("UPDATE runs SET number = ? WHERE number = ?", (number, given))
                return number
        raise RunBusy(f"the lease on run {self.claim.run!r} is held, though it is new; name another run_id=")

    def _give_back(self) -> None:
        if self.claim.number:
            self._opened.leases.give_back(self.claim.number)
            self.claim.number = 0

    def is_lost(self, _: JournalError) -> None:
        self._give_back()

    def take_back(self) -> None:
        """Nobody wants it any more, if it was written at all."""
        self._opened.writer.submit(self._delete).add_done_callback(lambda _: self._give_back())

    def _delete(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM runs WHERE number = ?", (self.claim.number,))


class _GoingOn:
    """A run that is taken up again: who is at work on it is to be written down. Its lease is taken."""

    def __init__(
        self,
        claim: Claim,
        about: Mapping[str, Any],
        recorded: tuple[Event, ...],
        opened: Opened,
        standing: Standing,
    ) -> None:
        self.claim = claim
        self.about = about
        self.recorded = recorded
        self._opened = opened
        self._standing = standing
        self._said = ""

    def write(self, connection: sqlite3.Connection) -> None:
        """Raises JournalError: it must not be gone on with in this file."""
        self._said = self._standing.go_on(connection, self.claim.run)
        connection.execute(
            "UPDATE runs SET host = ?, pid = ?, since = ?, ended = NULL, summary = NULL WHERE number = ?",
            (platform.node(), os.getpid(), self.claim.since, self.claim.number),
        )

    def log(self, commits: Commits) -> RunLog:
        """The log to go on in; what is to be said of that is said."""
        if self._said:
            warnings.warn(self._said, stacklevel=3)
        return RunLog(self.claim, commits, self.about, self.recorded)

    def give_back(self) -> None:
        """It is not gone on with. Once: the next to take the lease may be of this process."""
        self._opened.leases.give_back(self.claim.number)

    def leave(self) -> None:
        """Nobody wants to go on with it any more: give it back behind what is being written of it."""
        self._opened.writer.submit(lambda _: None).add_done_callback(lambda _: self.give_back())


async def _written(
    opened: Opened,
    entry: Callable[[sqlite3.Connection], None],
    lost: Callable[[JournalError], None] | None = None,
    *,
    given_up: Callable[[], None],
) -> None:
    """Wait until something is written. If that is cancelled, it is written all the same, and `given_up` is called.

    What that has to do behind it, it has the thread do that writes: the event loop may be closed by then.
    """
    loop = asyncio.get_running_loop()
    given: Any = entry, False, lost
    written: asyncio.Future[None] = loop.run_in_executor(opened.writer, *given)
    try:
        await asyncio.shield(written)
    except asyncio.CancelledError:
        given_up()
        raise


def _number(path: Path, run: str, number: Any) -> int:
    if not isinstance(number, int):  # the table's definition is in the file as well
        raise damaged(path, f"of run {run!r}: its number is {number!r}")
    return number


def _data(path: Path, run: str, text: Any) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(path, f"of run {run!r}: {error}") from error
    if not isinstance(data, dict):
        raise damaged(path, f"of run {run!r}: {cut(text, 100)}")
    return data
