"""A call as a rule sees it, and what a rule can say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from superscalar.errors import UsageError
from superscalar.labels import Label, Source
from superscalar.policy.spelling import spelled, spelled_within
from superscalar.short import bounded, cut
from superscalar.unseen import revealed
from superscalar.values import IMMUTABLE, TaskId, twin_of


@bounded
@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call: its value, where that came from, and whether it chooses a destination.

    `narrow`: the types to which what is not trusted must have been narrowed to choose that, as its tool says. `likely`:
    its tool does not say that it chooses one, but its name or its form does. `parts`: those parts of it that are one or
    the other, by their paths (`mail.to`); of items of a list, `value` has all of them. `control`: whether what decides
    that the call is made at all must be trusted as well, as its tool says.
    """

    value: Any
    label: Label
    sink: bool = False
    narrow: frozenset[str] = frozenset()
    likely: bool = False
    parts: Mapping[str, Argument] = field(default_factory=dict)
    control: bool = False

    @property
    def strangers(self) -> tuple[Source, ...]:
        """Return the untrusted sources, if one of them may not choose this destination."""
        untrusted = self.label.untrusted
        return () if all(source.type in self.narrow for source in untrusted) else untrusted

    def apart(self) -> Argument:
        """Return the same argument with a value of its own."""
        if type(self.value) in IMMUTABLE and not self.parts:
            return self
        return replace(self, value=twin_of(self.value), parts=_apart(self.parts))


def _apart(arguments: Mapping[str, Argument]) -> Mapping[str, Argument]:
    return MappingProxyType({name: argument.apart() for name, argument in arguments.items()})


@bounded
@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A call that is about to be made, with all its arguments, by the names that its function gives them.

    Those that the plan leaves out are its tool's own defaults, whose label is that of what came from nowhere.
    `control`: where it came from that the call is made at all (its conditions, the length of its list). `audience`: who
    gets to read what it is given.
    """

    id: TaskId
    tool: str
    effect: Literal["pure", "read", "write"]
    arguments: Mapping[str, Argument]
    control: Label
    audience: frozenset[str] = frozenset()

    @property
    def sinks(self) -> Mapping[str, Argument]:
        """Return the arguments, and the parts of some, that choose a destination."""
        return {name: place for name, place in self._places() if place.sink}

    @property
    def likely(self) -> Mapping[str, Argument]:
        """Return those of which nobody says whether they choose one, and that look so."""
        return {name: place for name, place in self._places() if place.likely}

    def apart(self) -> LabelledCall:
        """Return a copy for somebody who may do something to it: nobody else sees that."""
        return replace(self, arguments=_apart(self.arguments))

    def _places(self) -> Iterator[tuple[str, Argument]]:
        for name, argument in self.arguments.items():
            yield name, argument
            yield from argument.parts.items()


@dataclass(frozen=True, slots=True)
class Allow:
    """It may happen."""


@dataclass(frozen=True, slots=True)
class Deny:
    """It may not happen: the call fails with this reason, and only what refers to it is skipped."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A person decides. The call waits, and what refers to it; everything else goes on."""

    question: str


Decision: TypeAlias = Allow | Deny | Ask

Rule: TypeAlias = Callable[[LabelledCall], Decision | None]
"""Decides on a call, and nothing else: it is asked once per call, and changes nothing. None: it has no say in this."""

Said: TypeAlias = "Rule | Decision | Literal['ask', 'deny']"
"""A rule as it may be written: a function, or what is to be said of every call. "ask" is an `Ask`, "deny" a `Deny`."""


@dataclass(frozen=True, slots=True)
class Always:
    """The rule that says one thing of every call."""

    decision: Decision | Literal["ask", "deny"]

    @property
    def __name__(self) -> str:
        return "policy"

    def __call__(self, call: LabelledCall) -> Decision:
        """What it says."""
        match self.decision:
            case "ask":
                return Ask(f"calls of {call.tool} are asked about, each of them")
            case "deny":
                return Deny(f"calls of {call.tool} are denied, all of them")
            case said:
                return said


def rule_of(said: object) -> Rule:
    """The rule that is meant.

    Raises:
        UsageError: none is.
    """
    match said:
        case "ask" | "deny" | Allow() | Ask() | Deny():
            return Always(said)
        case type() if issubclass(said, Allow | Ask | Deny):
            pass
        case Callable():
            return said
    raise UsageError(f'policy={said!r} is no rule: write "ask", "deny", Ask("why"), or a function of a call')


def rules_of(said: object) -> tuple[Rule, ...]:
    """The rules that are meant by several.

    Raises:
        UsageError: one is none, or there is no list of them.
    """
    if isinstance(said, Iterable) and not isinstance(said, str):
        return tuple(map(rule_of, said))
    raise UsageError(f"Policy(rules={said!r}): a list of rules, such as rules=[{said!r}]")


@bounded
@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before a call is made; of a plan as a whole, `task_id` and `tool` are empty.

    `arguments`: all that the call would be made with, by the names of its function, secrets withheld; a URL is its
    text, and what is no data a `Handle`. `origins`: where each of them came from, in words. `why`: what the rule says.
    `plan`: the text of the plan that is to be approved, and `writes` those in it. `digest`: what an answer is bound to.
    `destinations`: the arguments, and the parts of them, that choose one, by their paths; None where nobody knows.
    `estimate`: what the plan would take, in words; empty in older journals.
    """

    run_id: str
    task_id: TaskId
    tool: str
    arguments: Mapping[str, Any]
    origins: Mapping[str, str]
    why: str
    plan: str = ""
    writes: tuple[str, ...] = ()
    digest: str = field(default="", compare=False, repr=False)
    destinations: frozenset[str] | None = field(default=None, compare=False, repr=False)
    estimate: str = field(default="", compare=False, repr=False)

    @property
    def answered_by(self) -> str:
        """Return what is typed to answer this question and no other (`x@3f9c21d0`); a plan as a whole has no id.

        A bare id in journals of releases that bound no answer to its question.
        """
        return f"{self.task_id}@{self.digest[:_TYPED]}" if self.digest else self.task_id

    def __str__(self) -> str:
        return "\n".join(self.lines(_SHORT))

    def lines(self, most: int) -> Iterator[str]:
        """Describe what is to be decided, for a person; values of more than `most` characters are cut, which is said.

        No destination is, however much stands beside it: in what holds one, only long texts of other fields are.

        What cannot be seen, and letters of other scripts among Latin ones, stand there as escapes. It holds text of
        tools and models: escape it for the place where it is shown, too.
        """
        return map(revealed, self._lines(most))

    def whole(self) -> str:
        """Describe the same with nothing cut."""
        return "\n".join(self.lines(_WHOLE))

    def plan_lines(self) -> Iterator[str]:
        """Describe the plan that is to be approved as a whole, in the same way."""
        return map(revealed, self.plan.splitlines())

    def _lines(self, most: int) -> Iterator[str]:
        if not self.task_id:
            count = f"{len(self.writes)} write{'s' * (len(self.writes) != 1)}" if self.writes else "no writes"
            yield f"the plan as a whole, with {count}"
            yield from (f"  {write}" for write in self.writes)
            if self.estimate:
                yield "what it would take:"
                yield from (f"  {line}" for line in self.estimate.splitlines())
            return
        yield f"{self.task_id}: {self.tool}({', '.join(self.arguments)})"
        yield f"  {' '.join(self.why.split())}"
        for name, value in self.arguments.items():
            yield f"    {name} = {_shown(value, self._telling(name, most))}"
            if origin := self.origins.get(name):
                yield f"      from {origin}"

    def _telling(self, name: str, most: int) -> Callable[[Any], str]:
        """How an argument is told: with each destination in it as a whole, where nothing is known with each field."""
        inside = [one for one in self.destinations or () if one.startswith((f"{name}.", f"{name}["))]
        if self.destinations is not None and name in self.destinations:
            return spelled
        if self.destinations is None or inside:
            kept = [one.rpartition(".")[2].rstrip("[]") for one in inside]
            return partial(spelled_within, most=max(most, _ADDRESS), kept=kept)
        return lambda value: cut(spelled(value), most)


_SHORT = 300
_WHOLE: Final = 1_000_000_000
_TYPED: Final = 8  # characters of a digest
_ADDRESS: Final = 320  # characters: an address of mail has no more (RFC 3696, section 3)


def _shown(value: Any, tell: Callable[[Any], str]) -> str:
    try:
        return " ".join(tell(value).splitlines())  # a repr of somebody's own must not look like more of the question
    except Exception as error:  # noqa: BLE001 -- somebody's __repr__ must not end a question
        return f"<{type(value).__name__}: showing it raised {type(error).__name__}>"
