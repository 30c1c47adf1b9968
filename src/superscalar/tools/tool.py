"""`@tool`: a plain function, described by its signature and docstring, with the terms on which it may be called."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, Unpack, overload

from typing_extensions import ParamSpec, TypeVar

from superscalar.errors import UsageError
from superscalar.forks import MAKING, made_once
from superscalar.given import NAME
from superscalar.plan.ir.signatures import ResourceFunction, Signature
from superscalar.short import LONGEST_REPR, cut
from superscalar.tools.context import ArgumentError
from superscalar.tools.described import Check, Described
from superscalar.tools.fields import with_defaults
from superscalar.tools.function import Inspected, inspected, is_async, speaker_of
from superscalar.tools.limiting import LimitNames
from superscalar.tools.pairing import MAX_BATCH, defaults_of, matched
from superscalar.tools.secret import hidden, secrets_of
from superscalar.tools.terms import INHERITED, MOST_CALLS, Effect, Inherited, Retry, Terms, TermsDict
from superscalar.tools.trust import Destination, Results, Sink, Trust, destinations_of, readers_of, results_of
from superscalar.values import IMMUTABLE, twin_of
from superscalar.weight import Portions, TooHeavy, weight_of

if TYPE_CHECKING:
    from superscalar.plan.ir import Plan
    from superscalar.tools.plans import CalledPlan

__all__ = ["INHERITED", "Effect", "Inherited", "Tool", "tool"]

P = ParamSpec("P")
R = TypeVar("R")
Takes = ParamSpec("Takes", default=...)
Gives = TypeVar("Gives", default=Any)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Batched:
    """How calls of a tool become one request: `tool` is called with the list of their `over` arguments as `into`.

    All other arguments must be the same. `defaults` are those of the single form, which also hold in a batch.
    """

    tool: Tool[..., Any]
    over: str
    into: str
    defaults: Mapping[str, Any]
    max_batch: int = MAX_BATCH

    def parted(self, arguments: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """What a call differs in, and its other arguments."""
        others = {**self.defaults, **arguments}
        return others.pop(self.over), others

    def divided(self, answer: Any, items: Sequence[Any]) -> list[Any]:
        """What each item came to: its result, or the exception that it failed with."""
        try:
            if isinstance(answer, Mapping):
                return [self._found(answer, item) for item in items]
            if isinstance(answer, str | bytes | Set) or not isinstance(answer, Collection):
                raise TypeError(
                    f"{self.tool.name} returned a {type(answer).__name__}; "
                    "it must return a list in the order of the items, or a mapping from items to results"
                )
            results = list(answer)
            if len(results) != len(items):
                raise ValueError(
                    f"{self.tool.name} returned {len(results)} results for {len(items)} items; "
                    "it must return one for each, in their order"
                )
        except Exception as error:  # noqa: BLE001 -- the answer is the tool's, and so is what reading it raises
            return [error] * len(items)
        return results

    def _found(self, answer: Mapping[Any, Any], item: Any) -> Any:
        try:
            return answer[item]
        except (LookupError, TypeError):  # TypeError: what cannot be hashed is no key
            return LookupError(f"{self.tool.name} returned nothing for {item!r}")


class Tool(Generic[Takes, Gives]):
    """What plans may call: what it is, on which terms, and the function. Made by `tool`, or by `Tool.from_schema`.

    Calling it calls the function. `described`: its name, what it takes and gives. `terms`: as they were declared; the
    other attributes are what follows from both.
    `limits`: the named limits that a call takes part in; `limited_by`: these, or where there are none the tool's own,
    which is no bound until its provider refuses a call. `limit_names`: what names those of a single call, where
    functions do. `shares`: identical calls are one call. `batched`: its batched form, None without one (one that was
    named is found when a `Toolset` is made). `secrets`: the parameters whose values are never shown; `secret_parts`:
    what of each is secret.
    `trust`: whether what it returns is other people's text; None of a pure tool, whose result has the label of its
    arguments. `destinations`: the parameters, or parts of them, that choose where something goes; `sinks`: those among
    them that are declared (`to`, `mail.to`). `shapes`: of each parameter, the constants that its annotation lists.
    `results`: what is declared of what it returns, or vouched for. `readers`, `reads`: who may read what it returns,
    and who gets to read what it is given, or a function of a call's arguments to that; None where nothing was declared.
    `policy`: a rule for its calls (see `superscalar.policy`). `plan`: the plan that it is, None where a function is
    called. `known_as`: what rules know it by, its name, also where it stands in a set under another one.
    """

    @overload
    def __init__(self, described: Described, terms: Terms, function: Callable[Takes, Gives]) -> None: ...
    @overload
    def __init__(self, described: Callable[Takes, Gives], **terms: Any) -> None: ...

    def __init__(
        self,
        described: Described | Callable[Takes, Gives],
        terms: Terms | None = None,
        function: Callable[Takes, Gives] | None = None,
        **declared: Any,
    ) -> None:
        if not isinstance(described, Described):
            described, terms, function = _of_function(described, declared)
        assert terms is not None
        assert function is not None
        self.described = described
        self.terms = terms
        self.function = function
        self.name = name = described.name
        self.alias = described.alias
        self.effect: Effect = terms.effect or described.effect
        terms.check(name, self.effect)
        self.shares = self.effect == "pure" if terms.dedupe is None else terms.dedupe
        assert isinstance(terms.limit, tuple)
        assert isinstance(terms.retry, Retry)
        self.limits: tuple[str, ...] = tuple(one for one in terms.limit if isinstance(one, str))
        self.limited_by = self.limits or (f"{name}()",)
        self.timeout = terms.timeout
        self.retry = terms.retry
        self.retries = terms.retries
        self.idempotent = terms.idempotent
        self.cost = terms.cost
        self.is_async = is_async(function)
        self.context_parameter = described.context
        self.aliases = {p.name: p.alias for p in described.parameters}
        self.renamed = {alias: name for name, alias in self.aliases.items() if alias != name}
        self.anew = described.anew
        self._checks: dict[str, Check] = {}  # of single parameters
        self.secret_parts = secrets_of(name, described.places, terms.secret)
        self.secrets = frozenset(self.secret_parts)
        self.limit_names: LimitNames | None = None
        if len(self.limits) < len(terms.limit):
            self.limit_names = LimitNames(
                name, terms.limit, self.aliases, context=described.context, owner=function, secrets=self.secret_parts
            )
        self.trust: Trust | None = terms.trust or (None if self.effect == "pure" else "untrusted")
        self.destinations: tuple[Destination, ...] = destinations_of(
            name,
            described.places,
            sink=terms.sink,
            content=terms.content,
            effect=self.effect,
            elsewhere=described.elsewhere or bool(terms.provider),
        )
        self.sinks = frozenset(str(one) for one in self.destinations if one.declared)
        self.controlled = any(mark.control for one in self.destinations for mark in one.marks)
        self.shapes = described.shapes
        readers = partial(readers_of, name, parameters=self.aliases, defaults=described.defaults)
        self.readers = readers("readers", terms.readers)
        self.reads = readers("reads", terms.reads)
        self.policy = terms.policy
        resource = terms.resource
        self.signature = Signature(
            name=name,
            alias=self.alias,
            parameters=described.parameters,
            output=described.output,
            description=described.description,
            effect=self.effect,
            effect_declared=terms.effect is not None,
            provider=terms.provider or described.module,
            resource=self._resource_function(resource) if callable(resource) else resource,
            shares=self.shares,
            forms=described.forms,
            server=described.server,
        )
        self.results: Results | None = results_of(
            name, self.trust, terms.trusted_fields, described.results, described.output
        )
        self.batched: Batched | None = None
        self.plan: CalledPlan | None = None
        self.known_as = name

    @classmethod
    def from_plan(
        cls, plan: Plan, *, name: str, description: str = "", tools: Any = None, policy: Any = None
    ) -> Tool[..., Any]:
        """Make a tool of a plan that was compiled: another plan calls it as it calls any tool.

            brief = Tool.from_plan(agent.compile(source), name="brief", description="What moved today.")

        Its parameters are the plan's inputs. A call of it is the plan, written in its place: its tasks are tasks of the
        same run, under the id of the call (`brief/price`), and each of its own calls is bounded, asked about and made
        as it would be there. What the tool may do follows from what these do: it cannot be declared. They are calls of
        the tools that the plan was compiled with, which nobody else is shown; `tools` says which these are, where
        nobody knows any more: a set, or an agent. `policy`: a rule for calls of this tool, beside those of its own
        calls; it is asked when all arguments are there.

        Raises:
            UsageError: it is no plan that can be called: nobody knows its tools, or it is too large.
        """
        from superscalar.tools.plans import described_plan

        called, described, terms, function = described_plan(plan, name, description, tools, policy)
        made: Tool[..., Any] = Tool(described, terms, function)
        made.plan = called
        made.trust = None  # what it comes to has the labels of what was made inside
        return made

    @classmethod
    def from_schema(
        cls,
        name: str,
        parameters: Mapping[str, Any],
        call: Callable[..., Any],
        *,
        returns: Any = None,
        description: str = "",
        **terms: Unpack[TermsDict],
    ) -> Tool[..., Any]:
        """Make a tool that JSON Schema describes (2020-12 or draft-07), as servers and other frameworks do.

            Tool.from_schema("get-user", {"type": "object", "properties": {"user-id": {"type": "integer"}}}, call)

        `call`, async or not, is given the arguments by the names in `parameters`, as keywords (`def call(**arguments)`
        takes those that are no identifiers, too), and a ToolContext if it has a parameter for one. They are checked by
        the schema, and are JSON; defaults are filled in, and what else a plan leaves out stays left out. `returns` is
        the schema of what it returns, which runs check. `terms` are those of `tool`; what declares no `effect` is a
        write. See docs/tools.md.

        Raises:
            UsageError: a schema cannot be used, `call` does not take these arguments, a term makes no sense, or
                jsonschema-rs, which checks all that, is not installed.
        """
        from superscalar.tools.json_schema.described import described_tool

        return Tool(described_tool(name, parameters, call, returns, description), Terms.of(terms), call)

    def __call__(self, *args: Takes.args, **kwargs: Takes.kwargs) -> Gives:
        """Call the function itself: no validation, no limits, no run."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Tool[..., Any]:
        """Of an object whose class has this tool as a method, the tool that is called with the object."""
        described = self.described
        named = next(iter(self.aliases), "") if instance is not None else ""
        if named not in ("self", "cls") or not isinstance(described, Inspected):
            return self
        function: Callable[..., Any] = MethodType(self.function, instance)  # its defaults are filled in already
        bound: Tool[..., Any] = Tool(inspected(function, self.name), self.terms, function)
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
            UsageError: the tool is a write, the function's parameters do not fit, or `max_batch` is no number of calls.
        """

        MOST_CALLS.check("max_batch", max_batch, f"@{self.name}.batch")

        def declare(function: F) -> F:
            self.terms.check_batch(self.name, self.effect)
            self._pair(function, over, max_batch)
            return function

        return declare if function is None else declare(function)

    def resolve_batch(self, tools: Mapping[str, Tool[..., Any]]) -> None:
        """Find the batched form that was named: beside the tool in its module, or among `tools` by name.

        Raises:
            UsageError: there is none of that name, or it does not fit.
        """
        name = self.terms.batch
        if name is None or self.batched is not None:
            return
        beside = getattr(inspect.unwrap(speaker_of(self.function)), "__globals__", {}).get(name)
        form = beside if callable(beside) else tools.get(name)
        if form is None:
            raise UsageError(
                f"tool {self.name} names the batched form {name!r}, which is neither a function of its module nor "
                f"a tool beside it; write it there, or put @{self.name}.batch above it"
            )
        self._pair(form, self.terms.over, self.terms.max_batch)

    def _pair(self, function: Callable[..., Any], over: str | None, max_batch: int) -> None:
        form = (
            function if isinstance(function, Tool) else tool(effect=self.effect, executor=self.terms.executor)(function)
        )
        one_is, many_are = self.described, form.described
        if not (isinstance(one_is, Inspected) and isinstance(many_are, Inspected)):
            raise UsageError(f"tool {self.name}: a tool that comes from a schema has no batched form, and is none")
        if form.effect == "write":
            raise UsageError(f"tool {self.name}: its batched form {form.name} is a write; writes are never batched")
        one, many = matched((self.name, one_is.taken), (form.name, many_are.taken), over)
        self.batched = Batched(form, one, many, defaults_of(one_is.taken), max_batch)

    def __repr__(self) -> str:
        return cut(f"<tool {self.name}({', '.join(self.aliases)})>", LONGEST_REPR)

    @property
    def open_sinks(self) -> Mapping[str, tuple[Sink, ...]]:
        """Return, by path, what is said of sinks that may be chosen in part by what is not trusted."""
        return {str(one): one.marks for one in self.destinations if one.marks}

    @made_once
    def validate(self) -> Check:
        """Return `arguments`, by the tool's own names, as the tool wants them; nothing is filled in.

        Raises:
            ArgumentError: they do not fit.
        """
        return self.described.validator(self.secret_parts, dict)

    @made_once
    def bind(self) -> Check:
        """Return all arguments of a call by the tool's own names, from what a plan gives by alias.

        They are validated, and what the plan leaves out is filled in: there is nothing else that the function receives.

        Raises:
            ArgumentError: they do not fit, or a default cannot be made.
        """
        bound = self.described.validator(self.secret_parts, self._completed)
        return (lambda given: bound(self.named(given))) if self.renamed else bound

    @made_once
    def binding(self) -> Callable[[dict[str, Any]], Portions[dict[str, Any]]]:
        """Bind as `bind(given)` does, in portions.

        Raises:
            ArgumentError: as for `bind`.
        """
        checking = self.described.portioned(self.secret_parts)

        def binding(given: dict[str, Any]) -> Portions[dict[str, Any]]:
            return self._completed((yield from checking(self.named(given))))

        return binding

    def _completed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """In the order of the parameters; what may be left out and has no default stays left out."""
        return {
            name: arguments[name] if name in arguments else self.default_of(name)
            for name in self.aliases
            if name in arguments or self.fills(name)
        }

    def fills(self, parameter: str) -> bool:
        """Tell whether a call that leaves a parameter out gets a default for it."""
        return parameter in self.described.defaults

    def timeout_in(self, usual: float | None) -> float | None:
        """Return how many seconds an attempt may last: its own timeout or else the `usual` one. None: without bound."""
        return usual if isinstance(self.timeout, Inherited) else self.timeout

    def named(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what a plan gives by alias under the tool's own names of its parameters."""
        return {self.renamed.get(alias, alias): value for alias, value in given.items()}

    def default_of(self, parameter: str) -> Any:
        """Return what a call that leaves a parameter out gets, one for itself. `anew`: the names where that may differ.

        Raises:
            ArgumentError: making it raised.
            TooHeavy: it weighs more than a value may.
        """
        try:
            made = self.described.defaults[parameter]()
            if type(made) in IMMUTABLE:
                return made
            weight_of(made)
            return twin_of(made)
        except TooHeavy:
            raise
        except Exception as error:
            raise ArgumentError(f"{self.name}(): making the default of `{parameter}` raised {error!r}") from error

    def read_back(self, parameter: str, value: Any) -> Any:
        """Return an argument from a journal as the class that the function wants (see `Record`).

        Raises:
            ArgumentError: it does not fit.
        """
        if parameter not in self._checks:
            with MAKING:
                self._checks[parameter] = self.described.part((parameter,))
        return self._checks[parameter]({parameter: value})[parameter]

    def masked(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Withhold secret arguments, so that the rest may be shown and recorded."""
        return hidden(arguments, self.secret_parts) if self.secrets else arguments

    @made_once
    def schema(self) -> dict[str, Any]:
        """Describe the arguments of a call as a JSON Schema object, by the tool's own names: `{"type": "object", ...}`.

        Of a tool that was made from one, exactly that.

        Raises:
            UsageError: an annotation is nothing that can be validated.
        """
        return self.described.schema()

    def resource_of(self, arguments: Mapping[str, Any]) -> str:
        """Name the resource that a call touches, where the tool has a function for that.

        `arguments` are those that `bind` gave.

        Raises:
            ArgumentError: that function gives no name for them.
        """
        resource = self.signature.resource
        assert isinstance(resource, ResourceFunction)
        names = {alias: name for name, alias in self.aliases.items()}
        needed = {names[alias]: twin_of(arguments.get(names[alias])) for alias in resource.parameters}
        try:
            return self._resource_name(needed)
        except Exception as error:
            raise ArgumentError(f"{self.name}(): resource= raised {error!r}") from error

    def _resource_function(self, function: Callable[..., str]) -> ResourceFunction:
        """A function of some of the tool's parameters, which it takes by the same names, as one of a call's arguments.

        Raises:
            UsageError: it has another parameter than the tool.
        """
        own, defaults = self.aliases, self.described.defaults
        try:
            wanted = dict.fromkeys(inspect.signature(function).parameters).keys()
        except (TypeError, ValueError) as error:
            raise UsageError(f"@tool(resource={function!r}) on {self.name}: {error}; write a lambda") from error
        if others := [name for name in wanted if name not in own]:
            raise UsageError(
                f"@tool(resource=...) on {self.name} takes {', '.join(others)}, but its parameters are "
                f'{", ".join(own)}; write resource=lambda {next(iter(own), "")}: f"..."'
            )
        checks: list[Check] = []

        def name(arguments: Mapping[str, Any]) -> str:
            if not checks:
                with MAKING:
                    checks.append(self.described.part(wanted))
            given = {name: arguments[own[name]] for name in wanted if own[name] in arguments}
            left = wanted - given.keys()
            if made := self.anew & left:
                raise LookupError(f"`{min(made)}` is made when the call is")
            return self._resource_name(
                {**{name: defaults[name]() if name in defaults else None for name in left}, **checks[0](given)}
            )

        self._resource = function
        return ResourceFunction(tuple(own[name] for name in wanted), name)

    def _resource_name(self, arguments: Mapping[str, Any]) -> str:
        made = self._resource(**arguments)
        if not isinstance(made, str):
            raise TypeError(f"resource= of {self.name} gave {made!r}, which is no text")
        return made


def _of_function(function: Callable[P, R], declared: dict[str, Any]) -> tuple[Described, Terms, Callable[P, R]]:
    """`Tool(function, limits=("crm",))`, as it was written before there was `tool(limit="crm")(function)`."""
    warnings.warn("Tool(function, ...) is made by tool(...)(function)", DeprecationWarning, stacklevel=3)
    if "limits" in declared:
        declared["limit"] = declared.pop("limits")
    made = tool(name=declared.pop("name", None), **declared)(function)
    return made.described, made.terms, made.function


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(*, name: str | None = None, **terms: Unpack[TermsDict]) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None, /, *, name: str | None = None, **terms: Unpack[TermsDict]
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    r"""Make a function a tool that plans may call.

        @tool(limit="quotes", timeout=10)
        async def price(ticker: str) -> float:
            '''Latest closing price of a ticker, in USD.'''

    Sync functions run in threads. `effect`: `pure` (depends on its arguments only), `read` (the default) or `write`
    (changes something; never runs before the plan is complete, and keeps its place among accesses of `resource`).
    `resource`: its name, or a function of some of the arguments (`resource=lambda path: f"file:{path}"`), named as the
    tool names them. `dedupe`: whether identical calls are one call; without it those of a pure tool are.
    `limit`: the named limit, or limits, that a call takes part in; a function of some of the arguments
    (`limit=lambda city: f"weather:{city}"`) or of the run's context (`limit=lambda ctx: ctx.context.tenant`) names one.
    `timeout`: seconds per attempt. `retry`: a `Retry`, or how many attempts in all, 1 for none; without it a call is
    made again after a refusal, and after an error that is transient (`is_transient`) unless it is a write that is not
    idempotent. `cost`: what each attempt costs, in any currency; it counts in the run's `max_cost`. `batch` names the
    batched form; `Tool.batch` says what `over` and `max_batch` are. `secret`: the parameter, or parameters, whose
    values are never shown nor recorded, as `Annotated[str, Secret]` and pydantic's `SecretStr` say too; better still,
    take credentials from the `context` of a `ToolContext`.
    `trust`: "untrusted" for what returns other people's text (what is not pure is, unless it says "trusted").
    `trusted_fields`: what the service itself makes or has checked of that, such as `[].id`, `[].sender.address`: a
    number, a date, or a word of ASCII; or, with a pattern for each (`{"[].id": r"f\d+"}`), what fits that. `sink`: the
    parameter, or parameters, that choose where something goes, as `Annotated[str, Sink]` says too; what is not trusted
    may not choose that. `content`: those that do not, though their names or types (`path`, `to`, `url`, `id`) look so:
    of a write that has such a parameter and says neither, a person is asked. `readers`: who may read what it returns,
    and `reads`: who gets to read what it is given; names, or functions of arguments. `policy`: a rule for its calls,
    or what is said of each: "ask", "deny", `Ask("why")`. `executor`: where its calls run. See docs/security.md.

    Raises:
        UsageError: the function cannot be described to a planner, or a term makes no sense.
    """
    NAME.or_none.check("name", name, "@tool")
    said = Terms.of(terms)

    def make(function: Callable[P, R]) -> Tool[P, R]:
        described = inspected(function, name)
        return Tool(described, said, with_defaults(function, described.made) if described.made else function)

    return make if function is None else make(function)
