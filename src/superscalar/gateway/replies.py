"""What a client is told: text for its model, and what that text is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from superscalar.attachments import Attachment
from superscalar.models.surrogates import without_halves
from superscalar.policy import Question

GatewayState: TypeAlias = Literal["done", "waiting", "running", "refused"]
"""`waiting`: for a person's answers, and nothing else is left to do; `refused`: nothing was run, or goes on."""


class ResultLink(NamedTuple):
    """Where a value is that was cut, or withheld: `result(run, name)` in a plan, or the address of a resource."""

    run: str
    name: str
    size: int

    @property
    def uri(self) -> str:
        """Return its address."""
        return f"superscalar://{self.run}/{self.name}"


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """The reply to one request.

    `text`: for the client's model. `notes`: what there is to say of the run besides, for that model too. `questions`:
    those that a person is to answer, where the run waits and a client may show them. `links`: values that are kept.
    `files`: those that were joined. Half a character, which a tool may return, cannot be sent and is U+FFFD.
    """

    text: str
    state: GatewayState = "done"
    run: str = ""
    notes: tuple[str, ...] = ()
    failed: bool = False
    questions: tuple[Question, ...] = ()
    links: tuple[ResultLink, ...] = ()
    files: tuple[Attachment, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", without_halves(self.text))
        object.__setattr__(self, "notes", tuple(map(without_halves, self.notes)))

    def __str__(self) -> str:
        return "\n".join((self.text, *self.notes))


class CallsMade(NamedTuple):
    """How far a run is: calls that have ended, calls that are known of, and in words what runs and what waits."""

    ended: int
    known: int
    text: str


OnCalls: TypeAlias = Callable[[CallsMade], object]
"""Is told how far a run is."""


def refusal(text: str, *notes: str) -> GatewayReply:
    """The reply to what cannot be done."""
    return GatewayReply(text, "refused", notes=notes, failed=True)
