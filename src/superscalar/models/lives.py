"""What a model has open in an event loop, closed there when nobody has the model any more."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias

Close: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

_closing: Final[set[asyncio.Task[None]]] = set()


def closed_without(owner: object, close: Close) -> Callable[[], object]:
    """Have `close` called in the running loop once nobody has `owner`; what is returned calls that off.

    Until then it is not the garbage that the owner is: the collector would take connections for forgotten, and say so.
    """
    watch = weakref.finalize(owner, _close_in, weakref.ref(asyncio.get_running_loop()), close)
    watch.atexit = False
    return watch.detach


def _close_in(loop: weakref.ref[asyncio.AbstractEventLoop], close: Close) -> None:
    """In any thread, at any time: the collector calls it."""
    found = loop()
    if found is not None:
        with suppress(RuntimeError):  # it was closed, and what was open with it
            found.call_soon_threadsafe(partial(_begin_to_close, found, close))


def _begin_to_close(loop: asyncio.AbstractEventLoop, close: Close) -> None:
    task = loop.create_task(close())
    _closing.add(task)
    task.add_done_callback(_closing.discard)
