"""What a listed function or method is (rule L3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from superscalar.plan.evaluate.bounds import EvaluationError
from superscalar.plan.evaluate.elements import cut


@dataclass(frozen=True, slots=True)
class Listed:
    """A function or method that a plan may call: how many arguments it takes, and what it does with them.

    `most` is None where there is no bound. `keywords` are those it takes, None for any. `run` gets the budget first.
    """

    run: Callable[..., Any]
    fewest: int
    most: int | None
    keywords: frozenset[str] | None = frozenset()

    def check(self, name: str, given: int, keywords: tuple[str, ...]) -> None:
        """Refuse a call with too few or too many arguments, or with keywords that it does not take."""
        if self.keywords is not None:
            for keyword in keywords:
                if keyword not in self.keywords:
                    takes = ", ".join(f"{k}=" for k in sorted(self.keywords)) or "none"
                    raise EvaluationError(f"`{name}` takes no `{cut(keyword)}=`; its keywords: {takes}")
        if given < self.fewest or (self.most is not None and given > self.most):
            if self.most is None:
                takes = f"at least {self.fewest}"
            else:
                takes = str(self.fewest) if self.most == self.fewest else f"{self.fewest} to {self.most}"
            raise EvaluationError(
                f"`{name}` takes {takes} argument{'' if takes.removeprefix('at least ') == '1' else 's'}; {given} given"
            )


@dataclass(frozen=True, slots=True)
class Kind:
    """A class whose values have parts and methods: `parts` are the types of what can be read, `methods` what is called.

    `gives` are the types of what the methods give.
    """

    name: str
    parts: Mapping[str, str]
    methods: Mapping[str, Listed]
    gives: Mapping[str, str]
