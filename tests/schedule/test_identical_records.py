"""Calls are identical only if their tool cannot tell their records apart, by private state either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from superscalar import LLMCompiler, Observation, tool
from superscalar.schedule.sharing import identity
from superscalar.testing import run
from superscalar.values import copied


class Mail(BaseModel):
    model_config = ConfigDict(extra="allow")
    to: str
    cc: str | None = None
    _bcc: Any = None


@dataclass
class Post:
    to: str
    tag: InitVar[str] = ""

    def __post_init__(self, tag: str) -> None:
        self._tag = tag


@dataclass
class Late:
    to: str
    conn: Any = field(init=False, repr=False)


def mail(bcc: Any, **more: Any) -> Mail:
    made = Mail(to="ann", **more)
    made._bcc = bcc
    return made


def late(*conn: Any) -> Late:
    made = Late("ann")
    for one in conn:
        made.conn = one
    return made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: mail("1"), lambda: mail("2")),
        (lambda: mail("1"), lambda: mail(None)),
        (lambda: mail(1), lambda: mail(True)),
        (lambda: mail(["1"]), lambda: mail(["2"])),
        (lambda: mail(None), lambda: mail(None, cc=None)),  # which were given
        (lambda: mail(None), lambda: mail(None, other="x")),
        (lambda: [mail("1")], lambda: [mail("2")]),
        (lambda: {"m": mail("1")}, lambda: {"m": mail("2")}),
        (lambda: mail(mail("1")), lambda: mail(mail("2"))),
        (lambda: Post("ann", "1"), lambda: Post("ann", "2")),
        (lambda: late(), lambda: late(None)),
        (lambda: late(1), lambda: late(2)),
    ],
)
def test_records_that_differ_in_anything_are_not_identical(one: Callable[[], Any], other: Callable[[], Any]) -> None:
    assert identity(one()) != identity(other())
    assert identity(copied(one())) == identity(one())
    assert identity(copied(other())) == identity(other())


def test_calls_that_differ_in_a_private_attribute_are_two_calls() -> None:
    @tool(effect="read", trust="trusted")
    async def make(bcc: str) -> Any:
        """Make."""
        return mail(bcc)

    @tool(effect="pure")
    async def look(m: Mail) -> str:
        """Look."""
        return str(m._bcc)

    plan = 'x = look(make("1"))\ny = look(make("2"))\nz = look(make("1"))\njoin(x, y, z)\n'
    outcomes = run(LLMCompiler(tools=[make, look]).execute(plan))
    assert [outcomes[id] for id in "xyz"] == [Observation("1"), Observation("2"), Observation("1")]
