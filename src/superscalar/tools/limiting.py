"""Which limits a call takes part in, where its tool has a function for that: a limit per tenant, key or city."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Hashable, Mapping
from hashlib import sha256
from typing import Any, Final, Self

from superscalar.errors import UsageError
from superscalar.short import cut
from superscalar.tools.context import ArgumentError
from superscalar.tools.function import is_async
from superscalar.tools.secret import Secrets, without
from superscalar.values import twin_of

_LONGEST: Final = 200  # characters of a name as it is told
_CONTEXT: Final = frozenset({"context", "ctx"})


class OwnLimit(str):
    """The name of a limit, and whose it is: `owner` is equal for those who share it. Only with that is it the same.

    Where limits of that name are declared, it is that one. Else it is no bound until its provider refuses a call.
    """

    __slots__ = ("owner",)

    owner: Hashable

    def __new__(cls, name: str, owner: Hashable) -> Self:
        """Make it."""
        made = super().__new__(cls, name)
        made.owner = owner
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnLimit) and str(self) == str(other) and self.owner == other.owner

    def __ne__(self, other: object) -> bool:  # that of `str` does not ask `__eq__`
        return not self == other

    def __hash__(self) -> int:
        return hash((str(self), self.owner))


def owner_of(thing: object) -> Hashable:
    """What is equal for the same function or model, and for nothing else."""
    try:
        hash(thing)
    except TypeError:  # an object that compares by what is in it
        return id(thing)
    return thing


class _GivenToRun:
    """What a function is given for the context of a run: `context` is what the caller gave, `deps` what some call that.

    What else is read off it is read off that.
    """

    __slots__ = ("context",)

    def __init__(self, context: Any) -> None:
        self.context = context

    @property
    def deps(self) -> Any:
        """Its own `deps`, or else the whole."""
        return getattr(self.context, "deps", self.context)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)


class LimitNames:
    """The limits of the calls of one tool, of which functions name some.

    A function takes what it needs of the tool's parameters, by the names that the tool has for them; `context` is what
    the caller gave to the run, and `ctx`, or the tool's own name for its `ToolContext`, has that as `.context`.

    Raises:
        UsageError: a function takes anything else, or is async.
    """

    def __init__(
        self,
        tool: str,
        given: tuple[str | Callable[..., str], ...],
        parameters: Collection[str],
        *,
        context: str | None,
        owner: object,
        secrets: Secrets,
    ) -> None:
        self._tool = tool
        self._owner = owner_of(owner)
        self._secrets = secrets
        self._context = _CONTEXT if context is None else _CONTEXT | {context}
        self._parameters = frozenset(parameters)
        self._given = [(one, self._wanted(one)) for one in given if not isinstance(one, str)]
        self._fixed = tuple(one for one in given if isinstance(one, str))

    def _wanted(self, function: Callable[..., str]) -> tuple[str, ...] | None:
        """The names of what a function takes; None of one that takes all arguments by name."""
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError) as error:
            raise UsageError(f"@tool(limit={function!r}) on {self._tool}: {error}; write a lambda") from error
        if is_async(function):
            raise UsageError(f"@tool(limit=...) on {self._tool} is async; a name is given at once: write a lambda")
        if [parameter.kind for parameter in parameters] == [inspect.Parameter.VAR_KEYWORD]:
            return None
        own = self._parameters
        wanted = tuple(p.name for p in parameters if p.default is p.empty or p.name in own or p.name in self._context)
        others = [name for name in wanted if name not in own and name not in self._context]
        if others or any(p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL) for p in parameters):
            raise UsageError(
                f"@tool(limit=...) on {self._tool} takes {', '.join(p.name for p in parameters)}, but its parameters "
                f"are {', '.join([*sorted(own), 'ctx'])}, by name; write "
                f'limit=lambda {next(iter(self._parameters), "ctx")}: f"..."'
            )
        return wanted

    @property
    def told(self) -> tuple[str, ...]:
        """What the functions go by, for people."""
        return tuple(f"by {', '.join(wanted or ('arguments',))}" for _, wanted in self._given)

    def of(self, arguments: Mapping[str, Any], context: Any) -> tuple[str, ...]:
        """The limits of a call with these arguments, by the tool's own names, in a run with that context.

        Raises:
            ArgumentError: a function raised, or gave no name.
        """
        names = [self._named(function, wanted, arguments, context) for function, wanted in self._given]
        return tuple(dict.fromkeys([*self._fixed, *names]))

    def _named(
        self,
        function: Callable[..., str],
        wanted: tuple[str, ...] | None,
        arguments: Mapping[str, Any],
        context: Any,
    ) -> str:
        try:
            takes = {name: self._part(name, arguments, context) for name in (arguments if wanted is None else wanted)}
            made = function(**takes)
            if inspect.iscoroutine(made):
                made.close()
            if not isinstance(made, str) or not made:
                raise TypeError(f"it gave {made!r}, which is no name")
        except Exception as error:
            said = without(f"{type(error).__name__}: {error}", arguments, self._secrets)
            raise ArgumentError(
                f"{self._tool}(): which limit it takes part in is not known, limit= raised {said}"
            ) from error
        name = str.__str__(made)
        told = cut(without(name, arguments, self._secrets), _LONGEST)
        return OwnLimit(name, self._owner) if told == name else OwnLimit(told, (self._owner, _digest(name)))

    def _part(self, name: str, arguments: Mapping[str, Any], context: Any) -> Any:
        if name in self._parameters:
            return twin_of(arguments.get(name))
        return context if name == "context" else _GivenToRun(context)


def _digest(text: str) -> str:
    """What stands for a text that is not to be told."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
