"""Repairs of plans in which several blocks begin alike: a line goes to the block whose lines are said again (L30)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from superscalar import LLMCompiler, RunResult, Tool, tool
from superscalar.testing import ScriptedModel, run


@dataclass
class Sent:
    """Notes what was sent."""

    all: list[object] = field(default_factory=list)

    @property
    def tools(self) -> list[Tool[..., Any]]:
        @tool(effect="read", resource="other")
        async def f(x: object) -> object:
            return x

        @tool(effect="write", resource="mail")
        async def send(x: object) -> object:
            self.all.append(x)
            return x

        return [f, send]


def played(first: str, reply: str) -> tuple[list[object], RunResult]:
    sent = Sent()
    model = ScriptedModel(first, reply, chunk=5, delay=0.01)
    return sent.all, run(LLMCompiler(model, tools=sent.tools, joiner=None).run("?"))


_TWO_IFS = "if 1 > 0:\n    send(1)\nif 1 > 0:\n    send(2)\na = ff(3)\nif 1 > 0:\n    send(4)\njoin(a)\n"
_TWO_LOOPS = "for x in [1, 2]:\n    send(x)\nfor x in [1, 2]:\n    send(x + 10)\na = ff(3)\njoin(a)\n"
_INNER = "if 1 > 0:\n    if 2 > 1:\n        send({0})\n"
_NESTED = _INNER.format(1) + _INNER.format(2) + "a = ff(3)\njoin(a)\n"
_BROKEN_INSIDE = "if 1 > 0:\n    a = f(1)\nif 1 > 0:\n    b = ff(2)\n    send(b)\njoin(b)\n"
_BROKEN_ALONE = "if 1 > 0:\n    send(1)\nif 1 > 0:\n    b = ff(2)\njoin(b)\n"


@pytest.mark.parametrize(
    ("first", "reply", "sent"),
    [
        pytest.param(_TWO_IFS, "if 1 > 0:\n    send(2)\na = f(3)\n", [1, 2, 4], id="the second of three"),
        pytest.param(_TWO_IFS, "a = f(3)\nif 1 > 0:\n    send(4)\n", [1, 2, 4], id="the third"),
        pytest.param(_TWO_IFS, "if 1 > 0:\n    send(1)\na = f(3)\n", [1, 2, 4], id="the first"),
        pytest.param(
            _TWO_IFS, "if 1 > 0:\n    send(2)\na = f(3)\nif 1 > 0:\n    send(4)\n", [1, 2, 4], id="both beside the line"
        ),
        pytest.param(
            _TWO_LOOPS, "for x in [1, 2]:\n    send(x + 10)\na = f(3)\n", [1, 2, 11, 12], id="the second loop"
        ),
        pytest.param(_BROKEN_INSIDE, "if 1 > 0:\n    b = f(2)\n    send(b)\n", [2], id="with the broken line"),
        pytest.param(_BROKEN_ALONE, "if 1 > 0:\n    b = f(2)\n", [1], id="with nothing but the broken line"),
        pytest.param(
            _NESTED,
            _INNER.format(2) + "a = f(3)\n",
            [1, 2],
            id="one block further in",
        ),
    ],
)
def test_what_is_said_again_in_a_block_is_not_written_again(first: str, reply: str, sent: list[object]) -> None:
    """The block of the reply is the one that has its lines, not the first with its header."""
    found, result = played(first, reply)
    assert found == sent
    assert result.answer == (2 if first in (_BROKEN_INSIDE, _BROKEN_ALONE) else 3)
