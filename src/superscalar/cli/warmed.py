"""How far the models of an agent are with what they read beforehand, while they do and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from superscalar.cli.screens import Screen
    from superscalar.cli.session import StoppedRun
    from superscalar.compiler import LLMCompiler, Warmed
    from superscalar.events import Event
    from superscalar.models.base import Preparation
    from superscalar.observe.view import RunView

TITLE: Final = "Reading beforehand what is the same for every question"


def warmed_under(compiler: LLMCompiler, view: RunView, screen: Screen) -> tuple[Warmed, ...] | StoppedRun:
    """What the models of an agent have read, or that the user has stopped it; meanwhile it is shown how far they are.

    Raises:
        SuperscalarError: as for `LLMCompiler.warm`.
    """
    from superscalar.cli.session import follow

    made: tuple[Warmed, ...] | StoppedRun
    made = cast("Any", follow(lambda: _WarmingStream(compiler), view, screen))
    return made


class _WarmingStream:
    """How far the models of an agent are, as the events of a run would tell it; it results in what they have read."""

    def __init__(self, compiler: LLMCompiler) -> None:
        self._compiler = compiler
        self._events: list[Event] = []
        self._news = asyncio.Event()
        self._work: asyncio.Task[tuple[Warmed, ...]] | None = None

    async def __aenter__(self) -> _WarmingStream:
        self._work = asyncio.create_task(self._compiler.warm(self._told), name="warm the models")
        self._work.add_done_callback(lambda _: self._news.set())
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def __aiter__(self) -> AsyncIterator[Event]:
        told = 0
        while True:
            self._news.clear()
            for event in self._events[told:]:
                told += 1
                yield event
            if self._work is None or self._work.done():
                return
            await self._news.wait()

    async def result(self) -> tuple[Warmed, ...]:
        """What was read, by role."""
        assert self._work is not None, "it is not open"
        return await self._work

    def suspend(self) -> None:
        """Nothing is recorded, so nothing can go on elsewhere."""

    def _told(self, role: str, preparation: Preparation) -> None:
        from superscalar.events import ModelPreparing

        now = asyncio.get_running_loop().time()
        self._events.append(ModelPreparing(now, role, preparation.what, preparation.fraction))
        self._news.set()


def warmed_lines(made: Sequence[Warmed]) -> list[str]:
    """What was read and what it takes, for people."""
    from superscalar.cli.terminal import safe_line
    from superscalar.models.states import MOST_BYTES
    from superscalar.observe.wording import duration

    lines = []
    for one in made:
        state = one.state
        if one.error:
            said = f"cannot be used: {one.error}"
        elif state is None:
            said = f"nothing to do: {one.why}" if one.why else "nothing is kept"
        else:
            took = "there already" if state.was_there else f"read in {duration(one.seconds)}"
            said = f"{state.bytes / 1e6:.1f} MB, {took}{f'; {one.why}' if one.why else ''}"
            said += "" if state.file.is_file() else "; it has made room for the others again"
        lines.append(safe_line(f"{one.role:<10} {one.model}: {said}"))
    for folder in dict.fromkeys(one.state.file.parent for one in made if one.state is not None):
        taken = sum(one.state.bytes for one in made if one.state is not None and one.state.file.parent == folder)
        most = f"{MOST_BYTES / 1e6:.0f} MB at the most, with those of other agents"
        lines.append(safe_line(f"kept in {folder}: {taken / 1e6:.1f} MB ({most})"))
    return lines


def warmed_document(made: Sequence[Warmed]) -> Mapping[str, Any]:
    """The same for `--json`."""
    return {
        "warmed": [
            {
                "role": one.role,
                "model": one.model,
                "file": None if one.state is None else str(one.state.file),
                "kept": one.state is not None and one.state.file.is_file(),
                "bytes": 0 if one.state is None else one.state.bytes,
                "was_there": one.state is not None and one.state.was_there,
                "seconds": one.seconds,
                "why": one.why or None,
                "error": one.error or None,
            }
            for one in made
        ]
    }
