"""What a row of the language's functions and methods says (rule L3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from superscalar.labels import Label
from superscalar.plan.evaluate.bounds import EvaluationError
from superscalar.plan.evaluate.parts import Entries, Labelled
from superscalar.plan.ir import Apply, Expr, Method
from superscalar.short import brief

Holds: TypeAlias = Literal[
    "nothing", "numbers", "itself", "items", "views", "one", "first", "entries", "repeated", "sum", "tried", "found"
]
"""Which of the objects that are given may be, or be in, what comes out.

"nothing": none. "itself": any of them may be it. "items": what the list that is given holds, in a new one. "views": as
"items", in what in Python goes on looking at the list; "numbers": none, in what there is no list either. "one": one of
the items, or of several arguments. "first": one of the items, or what stands for it. The others are said of one
function or method each: see `sharing`.
"""


class Reading(Protocol):
    """Derives the labels of expressions; see `labelling`."""

    def of(self, expr: Expr) -> Labelled:
        """The labels of a value, part by part where its structure is known."""
        ...

    def whole(self, expr: Expr) -> Label:
        """The one label of all of it."""
        ...

    def naming(self, names: Mapping[str, Labelled]) -> Reading:
        """The same, where these variables have these labels."""
        ...

    def written(self, pairs: Iterable[tuple[Expr, Expr]]) -> Entries:
        """The labels of a mapping that is written out."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A function or method that a plan may call: how many arguments it takes, and what it does with them.

    `most` is None where there is no bound. `keywords` are those it takes, None for any. `run` gets the budget first.
    `gives` is the type of what comes out, where that is always the same: "number" is of whichever kind, "list[item]" a
    list of the items that are given. Where an argument may come out again, `holds` must say so.
    """

    run: Callable[..., Any]
    fewest: int
    most: int | None
    keywords: frozenset[str] | None = frozenset()
    gives: str = ""
    holds: Holds = "nothing"

    def accepts(self, given: int) -> bool:
        """Whether it can be called with that many arguments."""
        return self.fewest <= given and (self.most is None or given <= self.most)

    def check(self, name: str, given: int, keywords: tuple[str, ...]) -> None:
        """Refuse a call with too few or too many arguments, or with keywords that it does not take."""
        if self.keywords is not None:
            for keyword in keywords:
                if keyword not in self.keywords:
                    takes = ", ".join(f"{k}=" for k in sorted(self.keywords)) or "none"
                    raise EvaluationError(f"`{name}` takes no `{brief(keyword)}=`; its keywords: {takes}")
        if given < self.fewest or (self.most is not None and given > self.most):
            takes = self.takes
            raise EvaluationError(
                f"`{name}` takes {takes} argument{'' if takes.removeprefix('at least ') == '1' else 's'}; {given} given"
            )

    @property
    def takes(self) -> str:
        """How many arguments it takes, in words."""
        if self.most is None:
            return f"at least {self.fewest}"
        return str(self.fewest) if self.most == self.fewest else f"{self.fewest} to {self.most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Listed):
    """A function, which is called by its name.

    `form` is a call of it as helps and the documentation show it, and `about` what the latter says besides; empty where
    Python's own says it all. `labels` derives the labels of what comes out, None where nothing is known of it: without
    such a rule it has the label of all that it is given. `grammar` is the class of the grammars in which it is written
    (see `grammars.language`), empty if a constrained model is not to write it. `told` is its place among the functions
    that planners are told of, 0 if they are not. `whole`: it goes through all of its first argument, once. `stops`: in
    Python it goes no further than the item that decides. `total`: it has a value whatever it is given.
    """

    form: str
    about: str = ""
    labels: Callable[[Reading, Apply], Labelled | None] | None = None
    grammar: str = ""
    told: int = 0
    whole: bool = False
    stops: bool = False
    total: bool = False

    @property
    def takes_key(self) -> bool:
        """Whether it may be given a lambda as `key=`."""
        return self.keywords is not None and "key" in self.keywords


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMapping(Listed):
    """A method of mappings; `labels` derives the labels of what it gives from those of its owner."""

    labels: Callable[[Reading, Labelled, Method], Labelled | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A class whose values have parts and methods: `parts` are the types of what can be read."""

    name: str
    parts: Mapping[str, str]
    methods: Mapping[str, Listed]
