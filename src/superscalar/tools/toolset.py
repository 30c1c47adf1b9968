"""A set of tools under distinct aliases, with the limits that come with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MethodType, ModuleType
from typing import Any, Literal

from superscalar.errors import UsageError
from superscalar.plan.ir.signatures import Signatures
from superscalar.tools.terms import Limit
from superscalar.tools.tool import Tool, tool
from superscalar.tools.trust import Declared


class Toolset:
    """Tools by alias, in the order in which they are shown to the planner.

    Plain functions become tools. `limits` are the set's own named limits; those given to the agent win. `policy`: as
    for `tool`, for the calls of all its tools; `rules` has what is said of every tool, by name. `schemas`: types by
    name, for `extract` in plans (see docs/extract.md); `named` has those of all sets in it.

    Raises:
        UsageError: two tools have one name, or the batched form that a tool names is not there.
    """

    def __init__(
        self,
        tools: Iterable[Tool[..., Any] | Toolset | Callable[..., Any]] = (),
        *,
        limits: Mapping[str, Limit] | None = None,
        policy: Any = None,
        schemas: Mapping[str, Any] | None = None,
    ) -> None:
        self.named: dict[str, Any] = {}
        self.limits: dict[str, Limit] = {}
        self.rules: dict[str, tuple[Callable[[Any], Any], ...]] = {}
        self.by_alias: dict[str, Tool[..., Any]] = {}
        by_name: dict[str, Tool[..., Any]] = {}
        for given in tools:
            members: Iterable[Tool[..., Any]]
            if isinstance(given, Toolset):
                members = given
                self.limits.update(given.limits)
                self.rules.update(given.rules)
                self.named.update(given.named)
            else:
                members = (_tool_of(given),)
            for member in members:
                if member.name in by_name:
                    raise UsageError(f'two tools are called {member.name!r}; give one another name: @tool(name="...")')
                by_name[member.name] = member
                own = (member.policy,) if member.policy is not None and member.name not in self.rules else ()
                if rules := (*self.rules.get(member.name, own), *((policy,) if policy is not None else ())):
                    self.rules[member.name] = rules
        kept = {member.name for member in by_name.values() if member.alias == member.name}
        for member in by_name.values():
            self.by_alias[self._free(member, kept)] = member
            member.resolve_batch(by_name)
        self.limits.update(limits or {})
        self.named.update(schemas or {})
        self.signatures = Signatures(replace(member.signature, alias=alias) for alias, member in self.by_alias.items())

    def _free(self, member: Tool[..., Any], kept: set[str]) -> str:
        """An alias that no earlier tool of the set has, and that is no other's own name: these are `kept`."""
        alias, number = member.alias, 2
        while alias in self.by_alias or (alias in kept and alias != member.name):
            alias, number = f"{member.alias}_{number}", number + 1
        return alias

    @classmethod
    def from_module(cls, module: ModuleType) -> Toolset:
        """The `@tool` functions of a module, in the order of the file, with its `LIMITS` and `SCHEMAS`.

        Raises:
            UsageError: it has none, or its LIMITS are not limits.
        """
        beside = cls.beside(module)
        tools = [value for name, value in vars(module).items() if isinstance(value, Tool) and not name.startswith("_")]
        if not tools:
            raise UsageError(f"{module.__name__} has no tools; put @tool above the functions that plans may call")
        return cls([*dict.fromkeys(tools), beside])

    @classmethod
    def beside(cls, module: ModuleType) -> Toolset:
        """The `LIMITS` and `SCHEMAS` of a module, without its tools.

        Raises:
            UsageError: they are not what they should be.
        """
        limits, schemas = getattr(module, "LIMITS", {}), getattr(module, "SCHEMAS", {})
        if not isinstance(limits, Mapping) or not all(isinstance(limit, Limit) for limit in limits.values()):
            raise UsageError(
                f'LIMITS in {module.__name__} must look like LIMITS = {{"quotes": Limit(concurrency=5, rate=10)}}'
            )
        if not isinstance(schemas, Mapping):
            raise UsageError(f'SCHEMAS in {module.__name__} must look like SCHEMAS = {{"Invoice": Invoice}}')
        return cls(limits=limits, schemas=schemas)

    def __iter__(self) -> Iterator[Tool[..., Any]]:
        return iter(self.by_alias.values())

    def __len__(self) -> int:
        return len(self.by_alias)

    @property
    def declared(self) -> dict[str, Declared]:
        """What the tools say of their results, by alias: what labels are derived from once the tools are gone."""
        return {
            alias: Declared(
                member.name,
                member.trust,
                frozenset() if callable(member.readers) else member.readers,
                member.results,
            )
            for alias, member in self.by_alias.items()
        }

    def get(self, alias: str) -> Tool[..., Any] | None:
        """The tool that plans call `alias`, or None."""
        return self.by_alias.get(alias)

    def find(self, name: str) -> tuple[str, Tool[..., Any]] | None:
        """The tool of that alias or else of that real name, and its alias; None if there is none."""
        if (known := self.by_alias.get(name)) is not None:
            return name, known
        return next(((alias, member) for alias, member in self.by_alias.items() if member.name == name), None)

    def schemas(self, api: Literal["openai", "responses", "anthropic"]) -> list[dict[str, Any]]:
        """The tools as a chat API wants them in its `tools=`: OpenAI's chat completions or Responses, or Anthropic's.

        Tools are called by their aliases there, parameters by the functions' own names.

        Raises:
            UsageError: there is no such API, or a tool has an annotation that cannot be validated.
        """
        if api not in ("openai", "responses", "anthropic"):
            raise UsageError(f'schemas({api!r}): write "openai", "responses" or "anthropic"')
        made: list[dict[str, Any]] = []
        for alias, member in self.by_alias.items():
            about = {"name": alias, "description": member.signature.description}
            match api:
                case "openai":
                    made.append({"type": "function", "function": {**about, "parameters": member.schema}})
                case "responses":
                    made.append({"type": "function", **about, "parameters": member.schema, "strict": False})
                case "anthropic":
                    made.append({**about, "input_schema": member.schema})
        return made


def _tool_of(given: Callable[..., Any]) -> Tool[..., Any]:
    """The tool that a member is, or that its function makes.

    Since Python 3.13 a class method binds what it wraps without asking it.
    """
    if isinstance(given, MethodType) and isinstance(given.__func__, Tool):
        return given.__func__.__get__(given.__self__)
    return given if isinstance(given, Tool) else tool(given)
