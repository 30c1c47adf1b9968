"""The time that a model has: for its first word, between two, and as a whole.

It is given again as far as it passed while this process did not look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Self, TypeVar

from superscalar.errors import ModelError
from superscalar.models.base import Chunk, Request
from superscalar.short import CHARACTERS_PER_TOKEN

T = TypeVar("T")

_MICRO: Final = 1e-6  # seconds; timers may fire that much too early
_TEXT: Final = 16
_THOUGHTS: Final = 64
_LEAST: Final = 1_024  # tokens; models that were asked for fewer write a few more


class Silent(ModelError):
    """A model said nothing for longer than it may. Waiting for the same one once more is of little use."""


@dataclass(frozen=True, slots=True)
class Silence:
    """For how many seconds a model may say nothing: before the first word of its reply, and behind one. None: for ever.

    What it says of getting ready, what it thinks and what it writes are words. A piece of a reply with nothing in it is
    none: it says that there is a connection.
    """

    first: float | None = None
    stall: float | None = None


FOR_EVER: Final = Silence()


class Alarm:
    """A timer that rings later if it is late: then it was not the model that was waited for, but us.

    The process was stopped, the machine slept, or something kept the event loop busy. So that much is given again, once
    and never more than the whole; what has arrived meanwhile is taken in first. `latest` is kept all the same.
    """

    def __init__(self, ring: Callable[[], None], *, latest: float | None = None) -> None:
        self._ring = ring
        self._latest = latest
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._when = self._whole = 0.0
        self._given = False

    def set(self, when: float | None) -> None:
        """Have it ring at another time; None is never."""
        if when is None:
            self.stop()
            return
        self._given = False
        self._when = when
        self._whole = when - self._loop.time()
        if self._timer is None or self._timer.when() > when:
            self._look_at(when)  # else it looks sooner, and then again

    def stop(self) -> None:
        """Have it not ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at(self, when: float) -> None:
        self.stop()
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._when > now + _MICRO:  # it was set anew meanwhile
            self._look_at(self._when)
            return
        again = now + min(now - self._when, self._whole)
        if self._latest is not None:
            again = min(again, self._latest)
        if again > now and not self._given:
            self._given = True
            self._when = again
            self._look_at(again)
        else:
            self._ring()


class Patience:
    """How long a reply is waited for: `silence` bounds each silence, `whole` all of it (seconds), `until` everything.

    What a model says of getting ready begins the whole anew. Leaving the block stops the timers.

        with Patience(Silence(300.0, 60.0), until=deadline) as time:
            time.begin("openai:gpt-5-mini")
            chunk = await time.wait(anext(chunks))
            time.hear(chunk)
    """

    def __init__(self, silence: Silence, *, whole: float | None = None, until: float | None = None) -> None:
        self._silence = silence
        self._whole = whole
        self._until = until
        self._loop = asyncio.get_running_loop()
        self._scope: asyncio.Timeout | None = None
        self._over: Literal["time", "silence"] | None = None
        self._time = Alarm(partial(self._pass, "time"), latest=until)
        self._quiet = Alarm(partial(self._pass, "silence"), latest=until)
        self._name = ""
        self._begun = False

    def __enter__(self) -> Self:
        self._time.set(self._until)
        return self

    def __exit__(self, *_: object) -> None:
        self._time.stop()
        self._quiet.stop()

    def begin(self, name: str) -> None:
        """The model of this name is asked: all of the time is there again."""
        self._name = name
        self._begun = False
        self._anew()
        self._listen()

    def pause(self) -> None:
        """No time passes but that of `until`: the model is not being asked."""
        self._quiet.stop()
        self._time.set(self._until)
        if self._over == "silence":
            self._over = None

    def hear(self, chunk: Chunk) -> None:
        """Take note of a sign of life, if it is one."""
        self._begun = self._begun or bool(chunk.text or chunk.thought)
        if chunk.preparing is not None or chunk.withdrawn:
            self._anew()
        if chunk.text or chunk.thought or chunk.preparing is not None:
            self._listen()

    def end_at(self, when: float | None) -> None:
        """Have the whole end at another time, and never behind `until`."""
        self._time.set(_earlier(when, self._until))

    async def wait(self, coming: Awaitable[T]) -> T:
        """Wait for what is to come of the model, or for when it may be asked.

        Raises:
            TimeoutError: the whole is over, or `until` is there.
            Silent: it said nothing for too long.
        """
        try:
            async with asyncio.timeout(None) as self._scope:
                if self._over is not None:  # what is there already is taken in first
                    self._scope.reschedule(self._loop.time())
                return await coming
        except TimeoutError:
            if self._over != "silence":
                raise
            raise Silent(f"{self._name} {self._why}", retryable=True) from None
        finally:
            self._scope = None

    @property
    def _why(self) -> str:
        if self._begun:
            return f"said nothing for {self._silence.stall:g} s in the middle of its reply (stall_timeout)"
        return f"said nothing within {self._silence.first:g} s (first_token_timeout)"

    def _anew(self) -> None:
        if self._until is None or self._loop.time() < self._until:
            self._over = None
        self._time.set(_earlier(None if self._whole is None else self._loop.time() + self._whole, self._until))

    def _listen(self) -> None:
        most = self._silence.stall if self._begun else self._silence.first
        self._over = "time" if self._over == "time" else None
        self._quiet.set(None if most is None else self._loop.time() + most)

    def _pass(self, what: Literal["time", "silence"]) -> None:
        self._over = "time" if self._over == "time" else what
        if self._scope is not None:
            self._scope.reschedule(self._loop.time())


class Measure:
    """How much a model has written, and whether that is more by far than it was asked for: it does not stop by itself.

    16 times the tokens of the request (4 characters each, and no fewer than 1,024 tokens), and of thoughts 64 times:
    most providers count these apart.
    """

    def __init__(self, request: Request) -> None:
        most = CHARACTERS_PER_TOKEN * max(request.max_tokens, _LEAST)
        self._most_text, self._most_thoughts = _TEXT * most, _THOUGHTS * most
        self._text = self._thoughts = 0

    def take(self, chunk: Chunk) -> None:
        """Count a piece."""
        self._thoughts += len(chunk.thought)
        self._text = len(chunk.text) + (0 if chunk.withdrawn else self._text)

    @property
    def characters(self) -> int:
        """All that was written, thoughts too."""
        return self._text + self._thoughts

    @property
    def overruns(self) -> bool:
        """Whether it is too much."""
        return self._text > self._most_text or self._thoughts > self._most_thoughts


def _earlier(one: float | None, other: float | None) -> float | None:
    return min((time for time in (one, other) if time is not None), default=None)
