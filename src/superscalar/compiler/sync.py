"""Run a coroutine from code that is not async, also inside a running event loop (notebooks)."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

from superscalar.compiler.interrupts import calling_on_interrupt

T = TypeVar("T")


def run_to_end(main: Callable[[], Coroutine[Any, Any, T]], *, grace: float = 0.5) -> T:
    """Run `main()` on an event loop of its own and return its result.

    Where this thread runs an event loop already, a thread of its own is used, and this one waits. Tools that do not end
    when cancelled never keep this from returning: they get `grace` seconds after the end.
    """
    if not _is_running():
        return _run(main, grace)
    outcome: Future[T] = Future()
    variables = contextvars.copy_context()
    running: list[asyncio.Task[Any]] = []

    async def told() -> T:
        task = asyncio.current_task()
        assert task is not None
        running.append(task)
        return await main()

    def work() -> None:
        try:
            outcome.set_result(variables.run(_run, told, grace))
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that waits
            outcome.set_exception(error)

    def cancel() -> None:
        for task in running:
            with suppress(RuntimeError):  # it has ended, and its loop with it
                task.get_loop().call_soon_threadsafe(task.cancel)

    Thread(target=work, name="superscalar-run", daemon=True).start()
    with calling_on_interrupt(cancel) as interrupted:
        try:
            return outcome.result()
        except (KeyboardInterrupt, asyncio.CancelledError):
            if not interrupted():
                raise
            wait([outcome])  # for the grace periods; Ctrl-C once more ends this too
            raise KeyboardInterrupt from None


def run_in(runner: asyncio.Runner, main: Coroutine[Any, Any, T]) -> T:
    """What `runner.run` gives, which never sees it: it would take its repr, for an error that it throws away."""
    given: list[T] = []

    async def keep() -> None:
        given.append(await main)

    runner.run(keep())
    return given[0]


def _is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # what the run raises is not raised while this is handled
        return False
    return True


def _run(main: Callable[[], Coroutine[Any, Any, T]], grace: float) -> T:
    runner = asyncio.Runner()
    try:
        return run_in(runner, main())
    finally:
        loop = runner.get_loop()
        left = loop.run_until_complete(_cancel_rest(grace))
        if left:  # `Runner.close` would wait for them without end
            for task in left:
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 -- reported as abandoned
            asyncio.set_event_loop(None)
            loop.close()
        else:
            runner.close()


async def _cancel_rest(grace: float) -> set[asyncio.Task[Any]]:
    """Cancel every other task of this loop; returns those that did not end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if not others:
        return set()
    _, left = await asyncio.wait(others, timeout=grace)
    return left
