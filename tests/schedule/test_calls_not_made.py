"""What keeps a call from being made in the last moment is told as what it is, and leaves no write in doubt."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from superscalar import Failure, LLMCompiler, tool
from superscalar.testing import VirtualLoop, run
from superscalar.values import Outcome
from superscalar.weight import PORTION
from support.running import executed

EFFECTS = pytest.mark.parametrize("effect", ["read", "write"])


class Letter(BaseModel):
    """An argument that does not let itself be read, one time."""

    to: str
    reads: ClassVar[int]
    refuses: ClassVar[int]

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            Letter.reads += 1
            if Letter.reads == Letter.refuses:
                raise OSError("no copy")
        return super().__getattribute__(name)


def sent(effect: Any, refuses: int = 0) -> tuple[Outcome, int]:
    """What a call comes to whose argument refuses to be read that time; and how often it was read."""
    Letter.reads, Letter.refuses = 0, refuses

    async def send(letter: Letter) -> str:
        """Send it."""
        return "done"

    outcomes = executed("x = send({'to': 'ann'})\njoin(x)", [tool(effect=effect)(send)]).outcomes
    return outcomes["x"], Letter.reads


@EFFECTS
def test_an_argument_that_cannot_be_copied_says_so_whenever_that_turns_out(effect: str) -> None:
    _, times = sent(effect)
    assert times > 1
    why = Failure("arguments", "`letter` cannot be copied: OSError('no copy')")
    assert [sent(effect, time)[0] for time in range(1, times + 1)] == [why] * times


@EFFECTS
def test_a_call_whose_time_passes_while_its_arguments_are_copied_was_too_slow(effect: Any) -> None:
    @tool(effect="pure")
    async def listed() -> list[dict[str, int]]:
        """Return what takes many turns to copy."""
        return [{"id": i} for i in range(5 * PORTION)]

    @tool(effect=effect, timeout=1.0)
    async def size(xs: list[dict[str, int]]) -> int:
        """How many there are."""
        return len(xs)

    async def main() -> Outcome:
        async def tick() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            while True:
                loop.advance(0.9)
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        outcomes = await LLMCompiler(tools=[listed, size]).execute("a = listed()\nb = size(a)\njoin(b)")
        ticking.cancel()
        return outcomes["b"]

    assert run(main()) == Failure("timeout", "size gave no answer within 1 s: it had not begun", "NotBegun")
