"""Asks the person at the terminal whether a call may be made, or a plan be begun; the run goes on meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias
from weakref import WeakKeyDictionary

from superscalar.cli.failures import CommandError
from superscalar.cli.screens import Screen
from superscalar.cli.terminal import safe
from superscalar.observe.view import RunView
from superscalar.plan.print.program import print_plan
from superscalar.policy import Question
from superscalar.unseen import revealed

Asker: TypeAlias = Callable[[Question], Coroutine[Any, Any, bool]]


def asking(screen: Screen, view: RunView, *, plans: bool = False, journal: Path | None = None) -> Asker | None:
    """The callback of a command; None where nobody looks at a terminal and can type there.

    Raises:
        CommandError: plans are to be approved, and there is no journal either in which they could wait.
    """
    if not is_at_terminal():
        if plans and journal is None:
            raise CommandError(
                "--approve-plan: this is no terminal where somebody could be asked; add --journal FILE, "
                "and the plan waits there for `superscalar approve`"
            )
        return None

    async def terminal(question: Question) -> bool:
        async with at_keyboard(screen):
            with screen.asking() as out:
                return await _answer(question, view, out)

    terminal.__name__ = whose_keyboard() or terminal.__name__  # an answer is signed with the name of its callback
    return terminal


def is_at_terminal() -> bool:
    """Whether somebody looks at this terminal, and can type there."""
    return sys.stdin.isatty() and sys.stderr.isatty()


_ASKED: Final[WeakKeyDictionary[Screen, asyncio.Lock]] = WeakKeyDictionary()


def at_keyboard(screen: Screen) -> asyncio.Lock:
    """What is held by whoever asks the person in front of a screen: one question at a time."""
    return _ASKED.setdefault(screen, asyncio.Lock())


def whose_keyboard() -> str:
    """Who is at the keyboard, as far as the system knows; empty if it does not."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a process without a name, as in some containers
        return ""


async def _answer(question: Question, view: RunView, out: TextIO) -> bool:
    """Show a question until it is answered; no input any more is a no."""
    _say(out, "\n" + put(question))
    while True:
        out.write("  [y]es, [n]o, [s]how all of it and the plan? ")
        out.flush()
        try:
            line = await typed_line()
        except asyncio.CancelledError:
            _say(out, "\n  nobody needs to answer that any more")
            raise
        match line.strip().lower():
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
            case "s" | "show":
                plan = question.plan or print_plan(view.tasks)
                lines = map(revealed, plan.rstrip().splitlines())
                _say(out, "\n".join([put(question, full=True), "the plan", *lines]))
            case _ if not line:
                _say(out, "\n  no answer: taken as a no")
                return False


def put(question: Question, *, full: bool = False) -> str:
    """A question as it is put, the plan first if it is about one; in `full` nothing of a value is cut."""
    told = question.whole() if full else str(question)
    return "\n".join([*(f"    {line}" for line in question.plan_lines()), told])


def _say(out: TextIO, text: str) -> None:
    out.write(safe(text) + "\n")
    out.flush()


async def typed_line() -> str:
    """A line from the terminal, empty at its end. Cancelling it reads nothing, and leaves nobody reading.

    Except on Windows: there the thread that waits for the line takes it, whoever it was for.
    """
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    there = asyncio.Event()
    try:
        loop.add_reader(descriptor, there.set)
    except NotImplementedError:  # on Windows no loop can watch a console, but a thread can wait for its next line
        return await asyncio.to_thread(sys.stdin.readline)
    try:
        await there.wait()
    finally:
        loop.remove_reader(descriptor)
    return sys.stdin.readline()  # a terminal hands over whole lines: it is there
