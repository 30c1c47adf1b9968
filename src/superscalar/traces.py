"""What a tool raised, kept for its developer: where that was, and nothing of what was there.

A traceback keeps its frames alive, they keep their variables, and each keeps the frame that called it, down to the
program's first: in the outcomes of a server's runs that is memory for good. (`traceback.clear_frames` empties only the
frames that have ended, not those that called them, and ends a coroutine that is merely suspended.) So what is kept
has frames of the same places that never ran.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from traceback import TracebackException
from types import FunctionType, TracebackType
from typing import Any, Final

from superscalar.short import cut

KEPT: Final = 20
"""Exceptions that a run keeps."""

_DEEPEST: Final = 20  # causes, and members of groups, in one another
_FIRST, _LAST = 10, 40  # frames that are kept of a long traceback
_LONGEST: Final = 20_000  # characters of the text of one
_OURS: Final = ("superscalar.", "asyncio.", "concurrent.futures.")
_TOLD: Final = ("__name__", "__file__", "__loader__", "__spec__")  # what finds the source


@dataclass(frozen=True, slots=True)
class TracedLine:
    """A line that was being run when something was raised. `text`: the line itself, empty where nobody has the file."""

    file: str
    line: int
    function: str
    text: str = ""

    def __str__(self) -> str:
        said = f": {self.text}" if self.text else ""
        return f"{_from_here(self.file)}:{self.line}, in {self.function}{said}"


class Elsewhere:
    """Marks an exception that stands for one of another process: where that was raised, nobody here knows."""


class Raised:
    """What was raised, for a `Failure`; `scrub` takes what is secret out of the texts that are made of it."""

    __slots__ = ("error", "scrub")

    def __init__(self, error: BaseException, scrub: Callable[[str], str] = str) -> None:
        self.error = error
        self.scrub = scrub

    def hiding(self, scrub: Callable[[str], str]) -> Raised:
        """The same, of whose texts this is taken out, too."""
        first = self.scrub
        return Raised(self.error, lambda text: scrub(first(text)))

    @property
    def is_open(self) -> bool:
        """Whether nothing of it has to be hidden, so that it may be shown itself."""
        return self._shown == self.scrub(self._shown)

    @property
    def text(self) -> str:
        """The traceback with all causes, as Python prints it, without secrets."""
        return cut(self.scrub(self._shown), _LONGEST)

    @property
    def _shown(self) -> str:
        try:
            made = TracebackException(
                type(self.error), self.error, self.error.__traceback__, max_group_width=5, max_group_depth=5
            )
            return "".join(made.format())
        except Exception as worse:  # noqa: BLE001 -- its class is a tool's own code
            return f"{type(self.error).__name__}, whose traceback raised {type(worse).__name__}\n"

    @property
    def place(self) -> TracedLine | None:
        """The innermost line in a file of the user's own, or else in any; None if nobody knows where it was."""
        entries = [entry for error in _chain(self.error) for entry in reversed(list(_entries(error.__traceback__)))]
        if not entries:
            return None
        entry = next((entry for entry in entries if _is_own(entry.tb_frame.f_code.co_filename)), entries[0])
        code = entry.tb_frame.f_code
        line = linecache.getline(code.co_filename, entry.tb_lineno, entry.tb_frame.f_globals).strip()
        return TracedLine(code.co_filename, entry.tb_lineno, code.co_qualname, self.scrub(cut(line, 200)))


def kept_error(error: BaseException) -> BaseException:
    """An exception that may be kept: itself, with tracebacks, its own and those of its causes, of which no frame ran.

    They begin where they leave this library.
    """
    for one in _chain(error):
        with suppress(Exception):  # frozen, or without the usual attributes: its class is a tool's own code
            BaseException.with_traceback(one, _ghost(beyond_us(one.__traceback__)))
    return error


def beyond_us(traceback: TracebackType | None) -> TracebackType | None:
    """What a traceback has from the first frame on that is not of this library."""
    while traceback is not None and f"{traceback.tb_frame.f_globals.get('__name__')}.".startswith(_OURS):
        traceback = traceback.tb_next
    return traceback


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what belongs to it, each once: members of groups, and what it was raised from, or amid."""
    seen: set[int] = set()
    pending = [(error, 0)]
    while pending:
        one, depth = pending.pop()
        if id(one) in seen or depth > _DEEPEST or len(seen) >= 5 * _DEEPEST:
            continue
        seen.add(id(one))
        yield one
        members = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        found = [*members, one.__cause__, one.__context__]
        pending += [(other, depth + 1) for other in reversed(found) if other is not None]


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _never_run() -> Iterator[None]:
    yield


def _ghost(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback that reads the same. A generator that was never begun has a frame, and that has no caller."""
    entries = list(_entries(traceback))
    if len(entries) > _FIRST + _LAST:
        entries = entries[:_FIRST] + entries[-_LAST:]
    made: TracebackType | None = None
    for entry in reversed(entries):
        code, there = entry.tb_frame.f_code, entry.tb_frame.f_globals
        like = _never_run.__code__.replace(
            co_filename=code.co_filename,
            co_name=code.co_name,
            co_qualname=code.co_qualname,
            co_firstlineno=code.co_firstlineno,
        )
        begun: Any = FunctionType(like, {name: there[name] for name in _TOLD if name in there})()
        made = TracebackType(made, begun.gi_frame, -1, entry.tb_lineno)
    return made


@lru_cache(maxsize=1)
def _libraries() -> tuple[str, ...]:
    import sysconfig  # here, as hardly anybody needs it

    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {str(Path(__file__).parent)}
    return tuple(folder + os.sep for folder in folders)


def _is_own(file: str) -> bool:
    """Whether a file is the user's own: neither Python's, nor installed, nor of this library."""
    if file.startswith("<"):
        return file.startswith(("<stdin>", "<ipython"))
    installed = {"site-packages", "dist-packages"}
    return not file.startswith(_libraries()) and installed.isdisjoint(Path(file).parts)


def _from_here(file: str) -> str:
    return file.removeprefix(str(Path.cwd()) + os.sep)
