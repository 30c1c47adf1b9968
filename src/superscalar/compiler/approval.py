"""Who is asked before something happens, and the asking of a plan as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

from superscalar.errors import UsageError
from superscalar.executors import local
from superscalar.policy import Question
from superscalar.schedule.approval import Approver
from superscalar.schedule.ends import exception_text

Approve: TypeAlias = Callable[[Question], bool | Awaitable[bool]]
"""Says whether a call may be made, or a plan be begun: True or False. A plain function is called in a thread."""


def approver(approve: Approve | None, *, later: bool) -> Approver:
    """Who is asked by a run; `later`: it is recorded, so that an answer may come when its process has ended."""
    if approve is None:
        return Approver(later=later)
    return Approver(partial(local.called, approve), approver_name(approve), later)


def approver_name(approve: Approve) -> str:
    """What the answers of a callback are signed with."""
    return str(getattr(approve, "__name__", type(approve).__name__))


def check_approver(approve: Approve | None, *, plans: bool, recorded: bool) -> None:
    """Complain now of what would be found out in the first run only.

    Raises:
        UsageError: plans are to be approved, and there is nobody to ask.
    """
    if plans and approve is None and not recorded:
        raise UsageError(
            "approve_plan=True, and there is nobody to ask: give approve=..., "
            'or journal="runs.db", where a plan waits for `superscalar approve`'
        )


async def answer_to(
    question: Question, ask: Callable[[Question], Coroutine[Any, Any, Any]], *, until: float | None, grace: float
) -> tuple[bool, str]:
    """A callback's answer, and why it is no where it gave none. A callback that is given up has `grace` seconds to end.

    Raises:
        TimeoutError: there is none at the time `until` of the event loop's clock.
    """
    asked = asyncio.create_task(_asked(ask, question), name="ask for the plan")
    try:
        async with asyncio.timeout_at(until):
            return await asyncio.shield(asked)
    finally:
        for _ in range(2):  # the second time a function in a thread is not waited for any longer
            if not asked.done():
                asked.cancel()
                await asyncio.wait({asked}, timeout=grace)


async def _asked(ask: Callable[[Question], Coroutine[Any, Any, Any]], question: Question) -> tuple[bool, str]:
    try:
        answer = await ask(question)
    except BaseException as error:  # noqa: BLE001 -- a callback may raise anything; the plan is refused then
        return False, f"approve= raised {type(error).__name__}: {exception_text(error)}"
    if isinstance(answer, bool):
        return answer, ""
    return False, f"approve= returned {answer!r:.100}; return True or False"
