"""Ways to answer a question: what is fixed of an agent's options, when its calls begin, and who reads their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Protocol

from superscalar.compiler.calls import CallResult
from superscalar.errors import UsageError
from superscalar.models.base import Message
from superscalar.options import Options
from superscalar.planner import ToolListing
from superscalar.short import bounded, short
from superscalar.tools.toolset import Toolset


@bounded
@dataclass(frozen=True, slots=True)
class TurnSaid:
    """What a reply of a model comes to that works in turns.

    `calls`, as a message of OpenAI's chat completions has them, or the `answer`, or what is `wrong` with it.
    """

    calls: tuple[Mapping[str, Any], ...] = ()
    answer: str = ""
    wrong: str = ""


class TurnForm(Protocol):
    """How a model is spoken to that calls tools, reads what they came to, and goes on until it answers."""

    @property
    def most(self) -> int:
        """Bound the turns with calls."""
        ...

    @property
    def stop(self) -> tuple[str, ...]:
        """List the texts that end a reply."""
        ...

    @property
    def enough(self) -> str:
        """Say what the model is told when it has to answer."""
        ...

    def begun(
        self, listing: ToolListing, instructions: str, history: Sequence[Message], question: str
    ) -> list[Message]:
        """What a conversation begins with."""
        ...

    def described(self, tools: Toolset, listing: ToolListing) -> tuple[Mapping[str, Any], ...]:
        """The tools as `Request.tools` has them; none where the prompt tells of them."""
        ...

    def read(self, text: str, tools: Toolset) -> TurnSaid:
        """Tell what a whole reply comes to."""
        ...

    def begun_answer(self, text: str) -> str:
        """What there is of an answer in a reply that was to be one, and was cut."""
        ...

    def told(self, results: Sequence[tuple[CallResult, str]]) -> str:
        """What its calls came to, each with its text, as the model is told in the next turn."""
        ...


@bounded
@dataclass(frozen=True, slots=True)
class Way:
    """A way to answer questions: by plans, or in turns that have a `form`.

    `fixed`: options that make it what it is. `whole`: nothing of a plan begins before all of it is written.
    """

    name: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    form: TurnForm | None = None

    def told(self, options: Options) -> Options:
        """The options, with what is fixed.

        Raises:
            UsageError: one is given that says something else.
        """
        defaults = {option.name: option.default for option in fields(Options)}
        for name, value in self.fixed.items():
            given = getattr(options, name)
            if given not in (value, defaults[name]):
                raise UsageError(f"{name}={short(given)}: with {self.name} it is {name}={value!r}; leave it out")
        return replace(options, **self.fixed)

    def about(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a run is remembered with."""
        return about if self is PLANNED else {**about, "way": self.name}

    def check(self, run: str, about: Mapping[str, Any]) -> None:
        """Make sure that a run that is remembered so was begun in this way.

        Raises:
            UsageError: it was not.
        """
        begun = about.get("way", PLANNED.name)
        if begun != self.name:
            raise UsageError(f"run {run} was begun by an agent of another kind ({begun}); this one is {self.name}")


PLANNED: Final = Way("plan")
"""What this package is about."""
