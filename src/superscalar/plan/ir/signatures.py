"""What the checker knows of a tool: names and types, no code. Built by the `tools` room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from superscalar.plan.ir.naming import identifier
from superscalar.plan.ir.within import Within


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a tool.

    `alias` is the identifier that plans use (rule L7), `name` what the tool itself calls it. `type` is printed.
    `reject(constant)` says why a constant is no value for it, or returns None. `choices`: the constants that it may be;
    then it stands in the plan itself, and is nothing that is computed. `default` is as a plan writes it. `bounds`: what
    is asked of values beyond their type, in words.
    then it stands in the plan itself, and is nothing that is computed. `annotated`: as in `Output`.
    """

    name: str
    alias: str
    type: str = "Any"
    required: bool = True
    default: str = ""
    description: str = ""
    keyword_only: bool = False
    choices: tuple[str, ...] = ()
    bounds: str = ""
    annotated: bool = False
    reject: Callable[[Any], str | None] = field(default=lambda _constant: None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """A record that a tool takes: a plan writes it as a dict with these keys, by the name and alias of each."""

    type: str
    keys: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """What is known of a tool's result. `fields` is None where nothing is; `closed`: no other field can exist (L32).

    `items` describes the elements of a list. `aliases`: for fields whose names are no identifiers, the names that plans
    use instead (rule L7), and what each stands for. `annotated`: Python says so, and no schema from elsewhere.
    `members`: of an enum, the value of each by its name (rule L24). `ok_of`: it is what `ok` keeps of the items of that
    task (rule L15).
    """

    type: str = "Any"
    fields: Mapping[str, Output] | None = None
    closed: bool = False
    items: Output | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    annotated: bool = False
    members: Mapping[str, Any] = field(default_factory=dict)
    ok_of: str | None = None

    def written(self) -> list[str]:
        """The names of the fields as plans write them."""
        own = {name: alias for alias, name in self.aliases.items()}
        return [own.get(name, name) for name in self.fields or ()]


@dataclass(frozen=True, slots=True)
class ResourceFunction:
    """A resource whose name is made of the arguments of a call (rule L17).

    `parameters`: the aliases of those that it needs. `name(arguments)`: the name, given the arguments of a call by
    alias; it may raise anything, and then the name is not known.
    """

    parameters: tuple[str, ...]
    name: Callable[[Mapping[str, Any]], str] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """One tool as a plan sees it. `provider` and `resource` say what its accesses are ordered against (rule L17).

    `shares`: identical calls of it are one call (rule L21). `chooses`: the parameter, by alias, whose constant decides
    what is returned, which `outputs` tell; `output` is what is known of all of them. `forms`: the records that it
    takes, each once. `server`: who describes it, if that is not whoever wrote the program. `within`: the plan that a
    call of it stands for, by the aliases of the same table.
    """

    name: str
    alias: str
    parameters: tuple[Parameter, ...] = ()
    output: Output = Output()
    description: str = ""
    effect: Literal["pure", "read", "write"] = "read"
    effect_declared: bool = True
    provider: str = ""
    resource: str | ResourceFunction | None = None
    shares: bool = False
    chooses: str = ""
    forms: tuple[Form, ...] = ()
    server: str = ""
    outputs: Mapping[str, Output] = field(default_factory=dict)
    within: Within | None = field(default=None, compare=False, repr=False)

    def argument(self, name: str) -> str:
        """The alias of the parameter that `name` is: its own, its alias, or one that becomes that (`from`, `from_`).

        A name that none has stays as it is.
        """
        own = {parameter.name: parameter.alias for parameter in self.parameters}
        wanted = own.get(name, name)
        return wanted if wanted in own.values() or identifier(name) not in own.values() else identifier(name)


class Signatures:
    """A table of signatures by alias. Two tools that would get the same alias get numbered ones, in order.

    `inside`: those of tools that plans which are called here may call, and nobody else: no text names them.
    """

    def __init__(self, signatures: Iterable[Signature] = (), inside: Iterable[Signature] = ()) -> None:
        self._by_alias = {signature.alias: signature for signature in signatures}
        self.inside = {signature.alias: signature for signature in inside}

    def __iter__(self) -> Iterator[Signature]:
        return iter(self._by_alias.values())

    def __len__(self) -> int:
        return len(self._by_alias)

    def __contains__(self, alias: object) -> bool:
        return alias in self._by_alias

    def aliases(self) -> dict[str, str]:
        """The alias of each tool by what a plan may call it: its alias, or else its own name."""
        return {s.name: s.alias for s in self} | {alias: alias for alias in self._by_alias}

    def get(self, alias: str) -> Signature | None:
        """The tool of that alias, or None."""
        return self._by_alias.get(alias)

    def called(self, alias: str) -> Signature | None:
        """The tool of that alias that a task calls, inside of a plan that another one calls too; or None."""
        return self._by_alias.get(alias) or self.inside.get(alias)

    def everything(self) -> Iterator[Signature]:
        """All tools that tasks may call, those inside of plans that are called too."""
        yield from self._by_alias.values()
        yield from self.inside.values()


def forms_by_type(signatures: Iterable[Signature]) -> dict[str, Form]:
    """The records that tools take, by the name of their type; without those of one name that are not the same."""
    found: dict[str, Form] = {}
    twice: set[str] = set()
    for form in (form for signature in signatures for form in signature.forms):
        if found.setdefault(form.type, form) != form:
            twice.add(form.type)
    return {type: form for type, form in found.items() if type not in twice}
