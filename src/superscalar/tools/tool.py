"""`@tool`: a plain function, described by its signature and docstring, with the terms on which it may be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from math import inf
from types import MethodType
from typing import Any, Final, Generic, Literal, ParamSpec, TypeVar, overload

from superscalar.errors import UsageError
from superscalar.forks import MAKING, made_once
from superscalar.plan.evaluate.table import TAKEN
from superscalar.plan.ir.naming import identifier
from superscalar.plan.ir.signatures import Parameter, ResourceFunction, Signature
from superscalar.tools.batch import MAX_BATCH, Batched, defaults_of, matched
from superscalar.tools.context import ArgumentError
from superscalar.tools.docstrings import parted
from superscalar.tools.fields import filled
from superscalar.tools.function import documentation_of, inspected, told_by
from superscalar.tools.inputs import annotated_text, bounds_text, default_text, forms_of
from superscalar.tools.marks import check_unmarked, places_of
from superscalar.tools.secret import hidden, secrets_of
from superscalar.tools.terms import UNLESS_REFUSED, Retry
from superscalar.tools.trust import (
    Destination,
    Readers,
    Results,
    Sink,
    Trust,
    TrustedFields,
    destinations_of,
    readers_of,
    results_of,
)
from superscalar.tools.types import annotation_of, constants_in, output_of, shape_of, type_text
from superscalar.values import IMMUTABLE, twin_of
from superscalar.weight import Portions, TooHeavy, weight_of

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

Effect = Literal["pure", "read", "write"]
Resource = str | Callable[..., str]


class Inherited:
    """The one value that means "what the agent says" for a tool's timeout."""

    def __repr__(self) -> str:
        return "inherited"


INHERITED: Final = Inherited()


class Tool(Generic[P, R]):
    """A function that plans may call, and the facts about it. Made by `tool`; calling it calls the function.

    `limits`: the named limits that a call takes part in; `limited_by`: these, or where there are none the tool's own,
    which is no bound until its provider refuses a call. `timeout`: seconds an attempt may take, None for no bound,
    INHERITED for the agent's. `retry`: when to try again. `idempotent`: doing it twice is doing it once. `shares`:
    identical calls are one call. `cost`: what an attempt costs, in any currency. `batched`: its batched
    form, None without one (one that was named is found when a `Toolset` is made). `secrets`: the parameters whose
    values are never shown; `secret_parts`: what of each is secret.
    `trust`: whether what it returns is other people's text; None of a pure tool, whose result has the label of its
    arguments. `destinations`: the parameters, or parts of them, that choose where something goes; `sinks`: those among
    them that are declared (`to`, `mail.to`). `shapes`: of each parameter, the constants that its annotation lists.
    `results`: what is declared of what it returns, or vouched for. `readers`, `reads`: who may read what it returns,
    and who gets to read what it is given, or a function of a call's arguments to that; None where nothing was declared.
    `policy`: a rule for its calls (see `superscalar.policy`).
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
        cost: float = 0.0,
        provider: str = "",
        batch: str | None = None,
        over: str | None = None,
        max_batch: int = MAX_BATCH,
        secret: Iterable[str] = (),
        trust: Trust | None = None,
        trusted_fields: TrustedFields = (),
        sink: Iterable[str] = (),
        content: Iterable[str] = (),
        readers: Readers | None = None,
        reads: Readers | None = None,
        policy: Any = None,
    ) -> None:
        self._terms = {k: v for k, v in locals().items() if k not in ("self", "function")}
        self.function = function
        told = told_by(function)
        self.name: str = name or getattr(told, "__name__", None) or type(told).__name__
        self.alias = identifier(self.name, TAKEN)
        self.effect: Effect = effect or "read"
        self.shares = self.effect == "pure" if dedupe is None else dedupe
        self.limits = limits
        self.limited_by = limits or (f"{self.name}()",)
        self.timeout = timeout
        self.retry = retry
        self.idempotent = idempotent
        self.cost = cost
        self.is_async = inspect.iscoroutinefunction(inspect.unwrap(told)) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 -- an object whose __call__ is async is an async tool
        )
        read = inspected(self.name, function)
        self.parameters, self.context_parameter = read.parameters, read.context
        self.aliases = read.aliases
        self.anew = read.anew
        self._defaults = read.defaults
        self._checks: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}  # of single parameters
        if read.defaults:
            self.function = filled(function, read.defaults)
        check_unmarked(self.name, read.returns)
        places = {p.name: places_of(self.name, p, self.aliases[p.name]) for p in self.parameters}
        self.secret_parts = secrets_of(self.name, places, secret)
        self.secrets = frozenset(self.secret_parts)
        self.trust: Trust | None = trust or (None if self.effect == "pure" else "untrusted")
        self.destinations: tuple[Destination, ...] = destinations_of(
            self.name, places, sink=sink, content=content, effect=self.effect, elsewhere=bool(provider)
        )
        self.sinks = frozenset(str(one) for one in self.destinations if one.declared)
        self.controlled = any(mark.control for one in self.destinations for mark in one.marks)
        self.shapes = {p.name: shape for p in self.parameters if (shape := constants_in(shape_of(annotation_of(p))))}
        self.readers = readers_of(self.name, "readers", readers, self.parameters)
        self.reads = readers_of(self.name, "reads", reads, self.parameters)
        self.policy = policy
        description, said = parted(documentation_of(told), read.names)
        self.signature = Signature(
            name=self.name,
            alias=self.alias,
            parameters=tuple(self._describe(p, said.get(p.name, "")) for p in self.parameters),
            output=output_of(read.returns),
            description=description,
            effect=self.effect,
            effect_declared=effect is not None,
            provider=provider or getattr(told, "__module__", None) or "",
            resource=self._resource_function(resource) if callable(resource) else resource,
            shares=self.shares,
            forms=forms_of(annotation_of(p) for p in self.parameters),
        )
        output = self.signature.output
        self.results: Results | None = results_of(self.name, self.trust, trusted_fields, read.returns, output)
        self.renamed = {p.alias: p.name for p in self.signature.parameters if p.alias != p.name}
        self.batched: Batched | None = None
        self._named_batch = (batch, over, max_batch)
        if batch is not None:
            self._check_batch(max_batch)
        elif over is not None:
            raise UsageError(f'@tool(over={over!r}) on {self.name} says nothing without batch="..."')
        if not isinstance(timeout, Inherited) and timeout is not None and timeout <= 0:
            raise UsageError(f"@tool(timeout={timeout}) on {self.name}: seconds above 0, or None for no bound")
        if not 0.0 <= cost < inf:
            raise UsageError(f"@tool(cost={cost}) on {self.name}: what one attempt costs, not below 0")
        if self.effect == "write" and self.shares:
            raise UsageError(f"@tool(dedupe=True) on {self.name}: two equal writes are two writes; leave out dedupe=")
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function) or inspect.isclass(function):
            raise UsageError(f"tool {self.name} must be a function that returns its result, not a generator or a class")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself: no validation, no limits, no run."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Tool[..., Any]:
        """Of an object whose class has this tool as a method, the tool that is called with the object."""
        named = next(iter(self.aliases), "") if instance is not None else ""
        if named not in ("self", "cls"):
            return self
        function: Callable[..., Any] = self.function
        bound: Tool[..., Any] = Tool(MethodType(function, instance), **self._terms)
        bound.function = MethodType(function, instance)  # its defaults are filled in already
        if self.batched is not None:
            form = self.batched.tool.__get__(instance, owner)
            bound._pair(form, self.batched.over, self.batched.max_batch)
        return bound

    @overload
    def batch(self, function: F, /) -> F: ...
    @overload
    def batch(self, /, *, over: str | None = None, max_batch: int = MAX_BATCH) -> Callable[[F], F]: ...

    def batch(
        self, function: F | None = None, /, *, over: str | None = None, max_batch: int = MAX_BATCH
    ) -> F | Callable[[F], F]:
        """Declare the batched form of this tool; the function itself stays as it is.

            @price.batch(max_batch=50)
            async def prices(tickers: list[str]) -> list[float]:
                return await provider.quotes(tickers)

        It has the parameters of the tool, but for one that is a list of it; `over` says which where it is not clear. It
        returns a list in the order of the items, or a mapping from items to results; an item may be an exception,
        which fails that call alone. Calls that are ready together and equal in the other arguments go out as one
        request, `max_batch` at the most: one attempt, with one slot and one token of this tool's limits.

        Raises:
            UsageError: the tool is a write, or the function's parameters do not fit.
        """

        def declare(function: F) -> F:
            self._check_batch(max_batch)
            form = function if isinstance(function, Tool) else Tool(function, effect=self.effect)
            self._pair(form, over, max_batch)
            return function

        return declare if function is None else declare(function)

    def resolve_batch(self, tools: Mapping[str, Tool[..., Any]]) -> None:
        """Find the batched form that was named: beside the tool in its module, or among `tools` by name.

        Raises:
            UsageError: there is none of that name, or it does not fit.
        """
        name, over, max_batch = self._named_batch
        if name is None or self.batched is not None:
            return
        beside = getattr(inspect.unwrap(told_by(self.function)), "__globals__", {}).get(name)
        form = beside if callable(beside) else tools.get(name)
        if form is None:
            raise UsageError(
                f"tool {self.name} names the batched form {name!r}, which is neither a function of its module nor "
                f"a tool beside it; write it there, or put @{self.name}.batch above it"
            )
        self._pair(form if isinstance(form, Tool) else Tool(form, effect=self.effect), over, max_batch)

    def _pair(self, form: Tool[..., Any], over: str | None, max_batch: int) -> None:
        if form.effect == "write":
            raise UsageError(f"tool {self.name}: its batched form {form.name} is a write; writes are never batched")
        one, many = matched((self.name, self.parameters), (form.name, form.parameters), over)
        self.batched = Batched(form, one, many, defaults_of(self.parameters), max_batch)

    def _check_batch(self, max_batch: int) -> None:
        if self.effect == "write":
            raise UsageError(f"tool {self.name} is a write; writes are never batched: each is made by itself")
        if max_batch < 1:
            raise UsageError(f"tool {self.name}: max_batch={max_batch}: at least 1")

    def __repr__(self) -> str:
        return f"<tool {self.name}({', '.join(p.name for p in self.parameters)})>"

    @property
    def open_sinks(self) -> Mapping[str, tuple[Sink, ...]]:
        """What is said of the sinks that what is not trusted may choose in part, by path."""
        return {str(one): one.marks for one in self.destinations if one.marks}

    @made_once
    def validate(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """`validate(arguments)`: the arguments (by the function's own names) as its annotations want them.

        Raises:
            ArgumentError: they do not fit.
        """
        from superscalar.tools import validation  # pydantic takes a tenth of a second: not before a call is made

        return validation.validator(self.name, self.alias, self.parameters, self.secret_parts)

    @made_once
    def bind(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """`bind(given)`: the arguments of a call as it is made, from what a plan gives by alias: all, by their names.

        They are validated, and what the plan leaves out is filled in: there is nothing else that the function receives.

        Raises:
            ArgumentError: they do not fit, or a default cannot be made.
        """
        from superscalar.tools import validation  # as above

        bound = validation.validator(self.name, self.alias, self.parameters, self.secret_parts, self._completed)
        return (lambda given: bound(self.named(given))) if self.renamed else bound

    @made_once
    def binding(self) -> Callable[[dict[str, Any]], Portions[dict[str, Any]]]:
        """`binding(given)`: what `bind(given)` does, in portions.

        Raises:
            ArgumentError: as for `bind`.
        """
        from superscalar.tools import validation  # as above

        checking = validation.portioned(self.name, self.alias, self.parameters, self.secret_parts)

        def binding(given: dict[str, Any]) -> Portions[dict[str, Any]]:
            return self._completed((yield from checking(self.named(given))))

        return binding

    def _completed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {p.name: arguments[p.name] if p.name in arguments else self.default_of(p.name) for p in self.parameters}

    def named(self, given: dict[str, Any]) -> dict[str, Any]:
        """What a plan gives by alias, by the names that the function gives its parameters."""
        return {self.renamed.get(alias, alias): value for alias, value in given.items()}

    def default_of(self, parameter: str) -> Any:
        """What a call gets that leaves a parameter out: one for itself. `anew` has the names where that may differ.

        Raises:
            ArgumentError: making it raised.
            TooHeavy: it weighs more than a value may.
        """
        own = next(p.default for p in self.parameters if p.name == parameter)
        try:
            made = self._defaults[parameter]() if parameter in self._defaults else own
            if type(made) in IMMUTABLE:
                return made
            weight_of(made)
            return twin_of(made)
        except TooHeavy:
            raise
        except Exception as error:
            raise ArgumentError(f"{self.name}(): making the default of `{parameter}` raised {error!r}") from error

    def read_back(self, parameter: str, value: Any) -> Any:
        """An argument that comes out of a journal, of the class that the function wants (see `Record`).

        Raises:
            ArgumentError: it does not fit.
        """
        if parameter not in self._checks:
            with MAKING:
                from superscalar.tools import validation  # as above

                own = tuple(p for p in self.parameters if p.name == parameter)
                self._checks[parameter] = validation.validator(self.name, self.alias, own)
        return self._checks[parameter]({parameter: value})[parameter]

    def masked(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments as they may be shown and recorded: what is secret is withheld."""
        return hidden(arguments, self.secret_parts) if self.secrets else arguments

    @made_once
    def schema(self) -> dict[str, Any]:
        """The arguments of a call as a JSON Schema object, by the function's own names: `{"type": "object", ...}`.

        Raises:
            UsageError: an annotation is nothing that can be validated.
        """
        from superscalar.tools import schema  # pydantic, as above

        return schema.schema_of(self.name, self.alias, self.parameters, self.signature.parameters)

    def resource_of(self, arguments: Mapping[str, Any]) -> str:
        """The resource that a call touches, where the tool has a function for that.

        `arguments` are those that `bind` gave.

        Raises:
            ArgumentError: that function gives no name for them.
        """
        resource = self.signature.resource
        assert isinstance(resource, ResourceFunction)
        names = {alias: name for name, alias in self.aliases.items()}
        needed = {names[alias]: twin_of(arguments[names[alias]]) for alias in resource.parameters}
        try:
            return self._resource_name(needed)
        except Exception as error:
            raise ArgumentError(f"{self.name}(): resource= raised {error!r}") from error

    def _resource_function(self, function: Callable[..., str]) -> ResourceFunction:
        """A function of some of the tool's parameters, which it takes by the same names, as one of a call's arguments.

        Raises:
            UsageError: it has another parameter than the tool.
        """
        own = {p.name: p for p in self.parameters}
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
        aliases = self.aliases
        checks: list[Callable[[dict[str, Any]], dict[str, Any]]] = []

        def name(arguments: Mapping[str, Any]) -> str:
            if not checks:
                with MAKING:
                    from superscalar.tools import validation  # as for `validate`

                    checks.append(validation.validator(self.name, self.alias, needed))
            given = {p.name: arguments[aliases[p.name]] for p in needed if aliases[p.name] in arguments}
            if left := self.anew & {p.name for p in needed} - given.keys():
                raise LookupError(f"`{min(left)}` is made when the call is")
            return self._resource_name({**{p.name: p.default for p in needed}, **checks[0](given)})

        self._resource = function
        return ResourceFunction(tuple(aliases[p.name] for p in needed), name)

    def _resource_name(self, arguments: Mapping[str, Any]) -> str:
        made = self._resource(**arguments)
        if not isinstance(made, str):
            raise TypeError(f"resource= of {self.name} gave {made!r}, which is no text")
        return made

    def _describe(self, parameter: inspect.Parameter, said: str) -> Parameter:
        annotation = annotation_of(parameter)
        rejects: list[Callable[[Any], str | None]] = []

        def reject(constant: Any) -> str | None:
            if not rejects:  # built when first asked: most tools of a large set are never planned with
                with MAKING:
                    from superscalar.tools import validation

                    rejects.append(validation.rejecter(annotation))
            return rejects[0](constant)

        return Parameter(
            name=parameter.name,
            alias=self.aliases[parameter.name],
            type=type_text(annotation),
            required=parameter.default is parameter.empty,
            default="" if parameter.default is parameter.empty else default_text(parameter.default),
            description=annotated_text(annotation) or said,
            keyword_only=parameter.kind is parameter.KEYWORD_ONLY,
            bounds=bounds_text(annotation),
            annotated=True,
            reject=reject,
        )


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
    cost: float = 0.0,
    batch: str | None = None,
    over: str | None = None,
    max_batch: int = MAX_BATCH,
    secret: str | Iterable[str] = (),
    trust: Trust | None = None,
    trusted_fields: TrustedFields = (),
    sink: str | Iterable[str] = (),
    content: str | Iterable[str] = (),
    readers: Readers | None = None,
    reads: Readers | None = None,
    policy: Any = None,
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
    cost: float = 0.0,
    batch: str | None = None,
    over: str | None = None,
    max_batch: int = MAX_BATCH,
    secret: str | Iterable[str] = (),
    trust: Trust | None = None,
    trusted_fields: TrustedFields = (),
    sink: str | Iterable[str] = (),
    content: str | Iterable[str] = (),
    readers: Readers | None = None,
    reads: Readers | None = None,
    policy: Any = None,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    r"""Make a function a tool that plans may call.

        @tool(limit="quotes", timeout=10)
        async def price(ticker: str) -> float:
            '''Latest closing price of a ticker, in USD.'''

    Sync functions run in threads. `effect`: `pure` (depends on its arguments only), `read` (the default) or `write`
    (changes something; never runs before the plan is complete, and keeps its place among accesses of `resource`).
    `resource`: its name, or a function of some of the arguments (`resource=lambda path: f"file:{path}"`), named as the
    tool names them. `dedupe`: whether identical calls are one call; without it those of a pure tool are.
    `limit`: the named limit, or limits, that a call takes part in. `timeout`: seconds per attempt. `retry`: a `Retry`,
    or how many attempts in all. `cost`: what each attempt costs, in any currency; it counts in the run's `max_cost`.
    `batch` names the batched form; `Tool.batch` says what `over` and `max_batch` are. `secret`: the parameter, or
    parameters, whose values are never shown nor recorded, as `Annotated[str, Secret]` and pydantic's `SecretStr` say
    too; better still, take credentials from the `context` of a `ToolContext`.
    `trust`: "untrusted" for what returns other people's text (what is not pure is, unless it says "trusted").
    `trusted_fields`: what the service itself makes or has checked of that, such as `[].id`, `[].sender.address`: a
    number, a date, or a word of ASCII; or, with a pattern for each (`{"[].id": r"f\d+"}`), what fits that. `sink`: the
    parameter, or parameters, that choose where something goes, as `Annotated[str, Sink]` says too; what is not trusted
    may not choose that. `content`: those that do not, though their names or types (`path`, `to`, `url`, `id`) look so:
    of a write that has such a parameter and says neither, a person is asked. `readers`: who may read what it returns,
    and `reads`: who gets to read what it is given; names, or functions of arguments. `policy`: a rule for its calls,
    or what is said of each: "ask", "deny", `Ask("why")`. See docs/security.md.

    Raises:
        UsageError: the function cannot be described to a planner, or a term makes no sense.
    """
    if effect not in (None, "pure", "read", "write"):
        raise UsageError(f'@tool(effect={effect!r}): write effect="pure", effect="read" or effect="write"')
    if trust not in (None, "trusted", "untrusted"):
        raise UsageError(f'@tool(trust={trust!r}): write trust="trusted" or trust="untrusted"')
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
            cost=cost,
            batch=batch,
            over=over,
            max_batch=max_batch,
            secret=(secret,) if isinstance(secret, str) else secret,
            trust=trust,
            trusted_fields=trusted_fields,
            sink=(sink,) if isinstance(sink, str) else sink,
            content=(content,) if isinstance(content, str) else content,
            readers=readers,
            reads=reads,
            policy=policy,
        )

    return make if function is None else make(function)
