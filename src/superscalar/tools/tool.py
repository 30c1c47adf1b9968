"""`@tool`: a plain function, described by its signature and docstring, with the terms on which it may be called."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final, Generic, Literal, ParamSpec, TypeVar, overload

from superscalar.errors import UsageError
from superscalar.plan.signatures import Parameter, ResourceFunction, Signature
from superscalar.tools.context import ToolContext
from superscalar.tools.naming import TAKEN, identifier
from superscalar.tools.terms import UNLESS_REFUSED, Retry
from superscalar.tools.types import annotation_of, output_of, type_text

P = ParamSpec("P")
R = TypeVar("R")

Effect = Literal["pure", "read", "write"]
Resource = str | Callable[..., str]


class Inherited:
    """The one value that means "what the agent says" for a tool's timeout."""

    def __repr__(self) -> str:
        return "inherited"


INHERITED: Final = Inherited()


class Tool(Generic[P, R]):
    """A function that plans may call, and the facts about it. Made by `tool`; calling it calls the function.

    `limits`: the named limits that a call takes part in. `timeout`: seconds an attempt may take, None for no bound,
    INHERITED for the agent's. `retry`: when to try again. `idempotent`: doing it twice is doing it once. `shares`:
    identical calls are one call (rule L21).
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        effect: Effect | None = None,
        resource: Resource | None = None,
        dedupe: bool | None = None,
        limits: tuple[str, ...] = (),
        timeout: float | Inherited | None = INHERITED,
        retry: Retry = UNLESS_REFUSED,
        idempotent: bool = False,
        provider: str = "",
    ) -> None:
        self.function = function
        self.name: str = name or getattr(function, "__name__", None) or type(function).__name__
        self.alias = identifier(self.name, TAKEN)
        self.effect: Effect = effect or "read"
        self.shares = self.effect == "pure" if dedupe is None else dedupe
        self.limits = limits
        self.timeout = timeout
        self.retry = retry
        self.idempotent = idempotent
        self.is_async = inspect.iscoroutinefunction(inspect.unwrap(function)) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 -- an object whose __call__ is async is an async tool
        )
        self._parameters, self.context_parameter, returns = _inspect(self.name, function)
        self.signature = Signature(
            name=self.name,
            alias=self.alias,
            parameters=tuple(self._describe(p) for p in self._parameters),
            output=output_of(returns),
            description=inspect.getdoc(function) or "",
            effect=self.effect,
            effect_declared=effect is not None,
            provider=provider or getattr(function, "__module__", None) or "",
            resource=self._resource_function(resource) if callable(resource) else resource,
            shares=self.shares,
        )
        self.renamed = {p.alias: p.name for p in self.signature.parameters if p.alias != p.name}
        if not isinstance(timeout, Inherited) and timeout is not None and timeout <= 0:
            raise UsageError(f"@tool(timeout={timeout}) on {self.name}: seconds above 0, or None for no bound")
        if self.effect == "write" and self.shares:
            raise UsageError(f"@tool(dedupe=True) on {self.name}: two equal writes are two writes; leave out dedupe=")
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function) or inspect.isclass(function):
            raise UsageError(f"tool {self.name} must be a function that returns its result, not a generator or a class")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself: no validation, no limits, no run."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.name}({', '.join(p.name for p in self._parameters)})>"

    @cached_property
    def validate(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """`validate(arguments)`: the arguments (by the function's own names) as its annotations want them.

        Raises:
            ArgumentError: they do not fit.
        """
        from superscalar.tools import validation  # pydantic takes a tenth of a second: not before a call is made

        return validation.validator(self.name, self.alias, self._parameters)

    def _resource_function(self, function: Callable[..., str]) -> ResourceFunction:
        """A function of some of the tool's parameters, which it takes by the same names, as one of a call's arguments.

        Raises:
            UsageError: it has another parameter than the tool.
        """
        own = {p.name: p for p in self._parameters}
        try:
            wanted = list(inspect.signature(function).parameters)
        except (TypeError, ValueError) as error:
            raise UsageError(f"@tool(resource={function!r}) on {self.name}: {error}; write a lambda") from error
        if others := [name for name in wanted if name not in own]:
            raise UsageError(
                f"@tool(resource=...) on {self.name} takes {', '.join(others)}, but its parameters are "
                f'{", ".join(own)}; write resource=lambda {next(iter(own), "")}: f"..."'
            )
        needed = tuple(own[name] for name in wanted)
        checks: list[Callable[[dict[str, Any]], dict[str, Any]]] = []

        def name(arguments: Mapping[str, Any]) -> str:
            if not checks:
                from superscalar.tools import validation  # as for `validate`

                checks.append(validation.validator(self.name, self.alias, needed))
            given = {p.name: arguments[identifier(p.name)] for p in needed if identifier(p.name) in arguments}
            made = function(**{**{p.name: p.default for p in needed}, **checks[0](given)})
            if not isinstance(made, str):
                raise TypeError(f"resource= of {self.name} gave {made!r}, which is no text")
            return made

        return ResourceFunction(tuple(identifier(p.name) for p in needed), name)

    def _describe(self, parameter: inspect.Parameter) -> Parameter:
        annotation = annotation_of(parameter)
        rejects: list[Callable[[Any], str | None]] = []

        def reject(constant: Any) -> str | None:
            if not rejects:  # built when first asked: most tools of a large set are never planned with
                from superscalar.tools import validation

                rejects.append(validation.rejecter(annotation))
            return rejects[0](constant)

        return Parameter(
            name=parameter.name,
            alias=identifier(parameter.name),
            type=type_text(annotation),
            required=parameter.default is parameter.empty,
            default="" if parameter.default is parameter.empty else repr(parameter.default),
            description=_annotated_text(annotation),
            keyword_only=parameter.kind is parameter.KEYWORD_ONLY,
            reject=reject,
        )


def _inspect(name: str, function: Callable[..., Any]) -> tuple[tuple[inspect.Parameter, ...], str | None, Any]:
    """A function's parameters with evaluated annotations, the one that wants a ToolContext, and the return type."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except (NameError, TypeError, ValueError, SyntaxError) as error:
        raise UsageError(
            f"tool {name}: its signature cannot be read ({error}); import the names that its annotations use"
        ) from error
    parameters, context = [], None
    for parameter in signature.parameters.values():
        annotation = parameter.annotation
        if (typing.get_origin(annotation) or annotation) is ToolContext:
            context = parameter.name
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise UsageError(
                f"tool {name}: parameter {parameter} cannot be described to a planner; "
                f"write each parameter by name, such as `def {name}(items: list[str])`"
            )
        else:
            parameters.append(parameter)
    return tuple(parameters), context, signature.return_annotation


def _annotated_text(annotation: Any) -> str:
    """The description in `Annotated[str, "what it is"]` or `Annotated[str, Field(description=...)]`."""
    for extra in getattr(annotation, "__metadata__", ()):
        text = extra if isinstance(extra, str) else getattr(extra, "description", None)
        if text:
            return str(text)
    return ""


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    effect: Effect | None = None,
    resource: Resource | None = None,
    dedupe: bool | None = None,
    limit: str | Iterable[str] = (),
    timeout: float | Inherited | None = INHERITED,
    retry: Retry | int = UNLESS_REFUSED,
    idempotent: bool = False,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    effect: Effect | None = None,
    resource: Resource | None = None,
    dedupe: bool | None = None,
    limit: str | Iterable[str] = (),
    timeout: float | Inherited | None = INHERITED,
    retry: Retry | int = UNLESS_REFUSED,
    idempotent: bool = False,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a function a tool that plans may call.

        @tool(limit="quotes", timeout=10)
        async def price(ticker: str) -> float:
            '''Latest closing price of a ticker, in USD.'''

    Sync functions run in threads. `effect`: `pure` (depends on its arguments only), `read` (the default) or `write`
    (changes something; never runs before the plan is complete, and keeps its place among accesses of `resource`).
    `resource`: its name, or a function of some of the arguments (`resource=lambda path: f"file:{path}"`), named as the
    tool names them. `dedupe`: whether identical calls are one call; without it those of a pure tool are (rule L21).
    `limit`: the named limit, or limits, that a call takes part in. `timeout`: seconds per attempt. `retry`: a `Retry`,
    or how many attempts in all.

    Raises:
        UsageError: the function cannot be described to a planner, or a term makes no sense.
    """
    if effect not in (None, "pure", "read", "write"):
        raise UsageError(f'@tool(effect={effect!r}): write effect="pure", effect="read" or effect="write"')
    terms = Retry(attempts=retry) if isinstance(retry, int) else retry
    limits = (limit,) if isinstance(limit, str) else tuple(dict.fromkeys(limit))

    def make(function: Callable[P, R]) -> Tool[P, R]:
        if not callable(function):
            raise UsageError(
                f"@tool is put on a function, not on {function!r}; write @tool(name={function!r}) above it"
            )
        return Tool(
            function,
            name=name,
            effect=effect,
            resource=resource,
            dedupe=dedupe,
            limits=limits,
            timeout=timeout,
            retry=terms,
            idempotent=idempotent,
        )

    return make if function is None else make(function)
