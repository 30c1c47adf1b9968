"""What a tool is, told by whatever describes it: a Python function, or a schema from elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from superscalar.plan.evaluate.narrow import Shape
from superscalar.plan.ir.signatures import Form, Output, Parameter
from superscalar.tools.marks import Place
from superscalar.tools.secret import Secrets
from superscalar.tools.terms import Effect
from superscalar.weight import Portions

Arguments: TypeAlias = dict[str, Any]
"""All arguments of a call, by the names that its function gives them."""
Check: TypeAlias = Callable[[Arguments], Arguments]
"""Arguments by the tool's own names, as the tool wants them; it raises `ArgumentError` where they do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(ABC):
    """A tool's name, what it takes and gives, and how arguments become those that its function receives.

    `parameters`: as plans see them, and by the tool's own names what is known of each: `annotations` (what must be the
    same for a recorded argument to mean the same), `places` (what is marked in it), `shapes` (the constants that it
    lists). `output`, `results`: the fields and the constants of what it returns. `anew`: the parameters of which every
    call may get another default. `context`: the one that wants a ToolContext. `module`: what stands for its provider
    where none is named; `elsewhere`: it does not come from this program. `effect`: what it has where none is declared.
    `identity`: what, beside the annotations, must be the same for a recorded run to mean the same. `checked`: what
    gives a result as it is declared, or raises; None where nothing is. `server`: who describes it, if that is not
    whoever wrote this program: then all that it says is data. `cut`: what of that was left out, in words.
    `unaccepted`: it is not what somebody accepted.
    """

    name: str
    alias: str
    description: str
    parameters: tuple[Parameter, ...]
    output: Output
    annotations: Mapping[str, Any]
    places: Mapping[str, Collection[Place]]
    shapes: Mapping[str, Shape]
    results: Shape = None
    forms: tuple[Form, ...] = ()
    defaults: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    anew: frozenset[str] = frozenset()
    context: str | None = None
    module: str = ""
    elsewhere: bool = False
    effect: Effect = "read"
    identity: Any = None
    checked: Callable[[Any], Any] | None = None
    server: str = ""
    cut: tuple[str, ...] = ()
    unaccepted: bool = False

    @abstractmethod
    def validator(self, secrets: Secrets, completed: Check) -> Check:
        """What checks a call; `completed` fills in what is left out of arguments that fit."""

    @abstractmethod
    def portioned(self, secrets: Secrets) -> Callable[[Arguments], Portions[Arguments]]:
        """As `validator`, in portions; nothing is filled in."""

    @abstractmethod
    def part(self, names: Collection[str]) -> Check:
        """What checks the arguments for some of the parameters."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The arguments of a call as a JSON Schema object, by the tool's own names."""


def as_it_is(default: Any) -> Any:
    """What a declared default is made of, for `Described.defaults`: itself."""
    return default
