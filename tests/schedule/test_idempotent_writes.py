"""A write that may be made twice: what `idempotent` promises, and what it needs for that."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar import Failure, Observation, Retry, Skipped, tool
from superscalar.values import Outcome
from support.running import executed

THRICE = Retry(attempts=3, initial=0.0)
RESET = Failure("error", "reset", "ConnectionError")
IN_DOUBT = Failure("error", "reset", "ConnectionError", in_doubt=True)


def made(**terms: Any) -> tuple[int, Outcome, Outcome]:
    """How often a call is made whose connection is always reset, what becomes of it, and of a read behind it."""
    calls: list[None] = []

    @tool(resource="shelf", **terms)
    async def call() -> None:
        calls.append(None)
        raise ConnectionError("reset")

    @tool(effect="read", resource="shelf")
    async def look() -> int:
        return 1

    outcomes = executed("a = call()\nb = look()\njoin(a, b)\n", [call, look]).outcomes
    return len(calls), outcomes["a"], outcomes["b"]


def test_with_a_retry_an_idempotent_write_is_tried_again_as_a_read_is() -> None:
    assert made(effect="read", retry=THRICE) == (3, RESET, Observation(1))
    assert made(effect="write", idempotent=True, retry=THRICE)[0] == 3


@pytest.mark.parametrize("terms", [{"effect": "read"}, {"effect": "write", "idempotent": True}])
def test_without_a_retry_either_is_tried_again_after_what_is_transient(terms: dict[str, Any]) -> None:
    assert made(**terms)[0] == 3
    assert made(retry=1, **terms)[0] == 1


def test_a_write_that_is_not_idempotent_is_not_tried_again_whatever_its_retry() -> None:
    assert made(effect="write", retry=THRICE) == (1, IN_DOUBT, Skipped("a"))


def test_an_idempotent_write_is_in_doubt_once_its_attempts_are_used_up() -> None:
    assert made(effect="write", idempotent=True, retry=THRICE) == (3, IN_DOUBT, Skipped("a"))
