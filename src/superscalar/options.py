"""What an agent may be told: each option once, with its default, what may be given for it, and what it is for."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, TypeAlias, TypeVar

from superscalar.choices import Fallback, Mode, ReplanMode, ReplannerSees, Show, words_of
from superscalar.errors import UsageError
from superscalar.given import (
    EXECUTOR,
    FLAG,
    LIMITS,
    SCHEMAS,
    SECONDS,
    TEXT,
    TOOLS,
    Expected,
    above_zero,
    an,
    are_texts,
    check_fields,
    check_names,
    function,
    is_a,
    is_sendable,
    one_of,
    whole_number,
)
from superscalar.schedule.bounds import Bounds
from superscalar.short import bounded

if TYPE_CHECKING:  # a command line that prints its help needs none of them
    from collections.abc import Awaitable
    from os import PathLike
    from random import Random

    from superscalar.executors import Executor
    from superscalar.journal import Journal
    from superscalar.models.base import ChatModel
    from superscalar.models.foreign import PydanticModel
    from superscalar.observe.observed import Observer
    from superscalar.policy import Policy, Question
    from superscalar.secrets import Redact
    from superscalar.tools import Limit, Tool, Toolset

    Models: TypeAlias = str | ChatModel | PydanticModel | Sequence[str | ChatModel | PydanticModel]

A = TypeVar("A")
OptionsT = TypeVar("OptionsT")
P = ParamSpec("P")
S = TypeVar("S")

SAME: Final = "same"
"""The model that plans."""


def _is_model(value: object) -> bool:
    from superscalar.models.foreign import is_pydantic_model  # here: a command line that prints its help needs it not

    if is_pydantic_model(value):
        return True
    named = isinstance(getattr(value, "name", None), str) and hasattr(value, "constrains")
    return named and not isinstance(value, type) and callable(getattr(value, "stream", None))


def _are_models(value: object) -> bool:
    several = value if isinstance(value, list | tuple) else (value,)
    return bool(several) and all(isinstance(one, str) or _is_model(one) for one in several)


_MODEL: Final = Expected(
    'write a name such as "openai:gpt-5-mini" or "local", an object that has what superscalar.ChatModel has, '
    "a Model of pydantic-ai, or a list of these, of which another answers where one does not",
    _are_models,
)


def _is_path(value: object) -> bool:
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    return isinstance(path, str) and "\0" not in path and os.fsencode(path) != b""


def _is_path_or_journal(value: object) -> bool:
    return _is_path(value) if isinstance(value, str | os.PathLike) else _is_journal(value)


def _are_examples(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and are_texts(pair) for pair in value
    )


_EXAMPLES: Final = Expected(
    'write pairs of a question and its plan, such as [("What is IBM at?", "now = price(\'IBM\')\\njoin(now)")]',
    _are_examples,
)
_is_journal: Final = is_a("superscalar.journal", "Journal")
_is_policy: Final = is_a("superscalar.policy", "Policy")
_MODES: Final = words_of(Mode)
_OBSERVER: Final = function("an event and its run", "event", "run")
_TOKENS: Final = whole_number(1, "tokens")


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which models plan, answer and read, and how they are asked."""

    model: Models | None = field(default=None, kw_only=False, metadata=_MODEL.or_none.here)
    """Which model plans and answers: local, local:FILE.gguf, openai:NAME, anthropic:NAME, or another provider's, which
    `superscalar models` lists. Or any `ChatModel`, or a model object of pydantic-ai; without one, `compile` and
    `execute` work. A list of them: where one fails or refuses before anything of its reply has come, the
    next one is asked. So for `joiner` and `extractor`. See docs/models.md."""

    tools: Iterable[Tool[..., Any] | Toolset | Callable[..., Any]] = field(
        default=(),
        kw_only=False,
        metadata=TOOLS.here,
    )
    """What plans may call: tools, plain functions, and whole sets of them. A set keeps its rules, limits and schemas,
    whether it is given itself or in a list."""

    plans: str | PathLike[str] | None = field(
        default=None, metadata=Expected('write the path of a folder, such as plans="plans"', _is_path).or_none.here
    )
    """The folder of saved plans, `agent.plans`: those that a person approved are offered to the planner as tools. See
    docs/saved-plans.md."""

    executor: Executor | None = field(default=None, metadata=EXECUTOR.or_none.here)
    """Where calls run that have no executor of their own; None: in this process. See docs/executors.md."""

    extractor: Models | None = field(default=None, metadata=_MODEL.or_none.here)
    """Which model reads for extract(...) in plans, if it is not the one that plans. "same" is that one. See
    docs/extract.md."""

    schemas: Mapping[str, Any] | None = field(
        default=None,
        metadata=SCHEMAS.or_none.here,
    )
    """Types by name, anything that pydantic validates. With them, or with `extractor`, plans may write
    `extract(source, "Invoice", "what to find")`: a model without tools reads data that nobody trusts, and a value of
    that type is all that comes out."""

    extract: bool = field(default=True, metadata=FLAG.here)
    """Whether plans may write `extract(...)` where there is a model, and a tool that reads returns a text. With
    `schemas` or `extractor` they may, whatever tools return. False: never. See docs/extract.md."""

    show: Show = field(default="joined", metadata=one_of(*words_of(Show)).here)
    """What the joiner is shown. "joined": the values that `join(...)` names, and of the rest what failed and which
    writes were made, without their values. "all": every result."""

    instructions: str = field(default="", metadata=TEXT.here)
    """What else the planner and the joiner should know."""

    planner_instructions: str = field(default="", metadata=TEXT.here)
    """What else the planner should know, and nobody but the planner."""

    joiner_instructions: str = field(default="", metadata=TEXT.here)
    """What else the joiner should know, and nobody but the joiner."""

    examples: Sequence[tuple[str, str]] = field(default=(), metadata=_EXAMPLES.here, repr=False)
    """Questions with their plans, which a planner is shown beside ours: `[(question, plan), ...]`. Each plan is checked
    against the tools when the agent is made. Where there are more than `max_example_tokens`, those that fit the
    question are shown. See docs/models.md."""

    base_url: str | None = field(
        default=None,
        metadata=Expected(
            "write an address such as http://localhost:8000/v1",
            lambda value: isinstance(value, str) and value.startswith(("http://", "https://")),
        ).or_none.here,
    )
    """The server for openai:NAME, if it is not OpenAI's."""

    grammar: bool = field(default=True, metadata=FLAG.here)
    """Whether a planner whose output can be constrained writes nothing but plans for these tools, and an extractor
    nothing but what follows the schema. False: as they like."""

    syntax: str | None = field(default=None, metadata=TEXT.or_none.here)
    """What the planner is asked to write its plans in. None: JSON where its server writes only that, else
    Python."""


@dataclass(frozen=True, kw_only=True)
class AnswerOptions:
    """Who answers, and what type an answer has."""

    joiner: Models | None = field(default=SAME, metadata=_MODEL.or_none.here)
    """Which model answers, if it is not the one that plans. None: the value of `join(...)` is the answer."""

    output_type: Any = None
    """Any type that pydantic validates; the answer is then of that type."""


@dataclass(frozen=True, kw_only=True)
class BoundOptions(Bounds):
    """How long, how often and how much at once."""

    limits: Mapping[str, Limit] | None = field(
        default=None,
        metadata=LIMITS.or_none.here,
    )
    """What providers allow, by name: those that tools take part in, and models by theirs. They are shared by all runs,
    and by other agents that declare them alike."""

    max_concurrency: int | None = field(
        default=None, metadata=whole_number(1, "calls at once; concurrency is always bounded").or_none.here
    )
    """Calls of tools at once, at most, of this agent's runs; not given, 256 where limits are declared, else 32."""

    max_replans: int = field(default=2, metadata=whole_number(0, "rounds after the first").here)
    """Rounds after the first, at most."""

    max_repairs: int = field(default=2, metadata=whole_number(0, "repairs").here)
    """How often the errors of a plan go back to the planner, per round."""

    fallback: Fallback | None = field(default=None, metadata=one_of(*words_of(Fallback)).or_none.here)
    """How a run goes on whose plan still has errors after that. "native": in turns of native tool calls, as
    `superscalar.baselines.NativeParallel` does, with what was found by then; the planner's model answers in text, or
    the joiner where there is an `output_type`. None: the run fails (`PlanError`)."""

    first_token_timeout: float | None = field(default=300.0, metadata=SECONDS.or_none.here)
    """Seconds until a model says its first word, from when it is asked: a word of its reply, or what it thinks. What it
    says of getting ready begins them anew. None is no bound."""

    stall_timeout: float | None = field(default=60.0, metadata=SECONDS.or_none.here)
    """Seconds for which a model may say nothing in the middle of a reply; what was written by then is kept as that of a
    reply that was cut. None is no bound."""

    planner_timeout: float | None = field(default=None, metadata=SECONDS.or_none.here)
    """Seconds for one whole reply of the planner, from when it is asked; None is no bound: it may take its time, and
    may not fall silent."""

    joiner_timeout: float | None = field(default=None, metadata=SECONDS.or_none.here)
    """Seconds for one whole reply of the joiner, likewise."""

    extractor_timeout: float | None = field(default=None, metadata=SECONDS.or_none.here)
    """Seconds for one whole reply of the extractor, likewise."""

    max_prompt_tokens: int | None = field(default=4_000, metadata=_TOKENS.or_none.here)
    """Tokens of a prompt for what the planner is told of tools. Where all of them take more, it is shown those that fit
    the question best, and those that are pinned (`Toolset(pinned=...)`). None is no bound. See docs/tools.md."""

    max_example_tokens: int | None = field(default=1_000, metadata=_TOKENS.or_none.here)
    """Tokens of a prompt for `examples`. Where all of them take more, the planner is shown those that fit the question
    best. None is no bound."""

    max_plan_tokens: int = field(default=4_096, metadata=_TOKENS.here)
    """Tokens of one reply of the planner, at most."""

    max_answer_tokens: int = field(default=2_048, metadata=_TOKENS.here)
    """Tokens of one reply of the joiner, at most."""

    max_result_tokens: int = field(default=3_000, metadata=_TOKENS.here)
    """Tokens of results that a model is shown, at most; longer ones are cut."""


@dataclass(frozen=True, kw_only=True)
class BudgetOptions:
    """What a run may spend. Where that is reached nothing more is begun, and the joiner answers from what there is."""

    max_tokens: int | None = field(default=None, metadata=_TOKENS.or_none.here)
    """Tokens that the models may spend; then answer."""

    max_cost: float | None = field(
        default=None, metadata=above_zero("what a run may cost, such as max_cost=0.10").or_none.here
    )
    """What the run may cost, models and tools together, in the currency of @tool(cost=...). `OpenAIModel(prices=...)`
    is in that currency, too."""


@dataclass(frozen=True, kw_only=True)
class SafetyOptions:
    """What may happen, who is asked, and what is told."""

    policy: Mode | Policy = field(
        default="enforce",
        metadata=Expected(
            f"write one of {', '.join(map(repr, _MODES))}, or Policy(...)",
            lambda value: (isinstance(value, str) and value in _MODES) or _is_policy(value),
        ).here,
    )
    """Where a rule about untrusted or confidential data is broken: say nothing, warn, ask you, or deny the call. Or
    a whole `Policy`. Rules of your own act as they say, whatever stands here, but for "warn", which only tells. See
    docs/security.md."""

    approve: Callable[[Question], bool | Awaitable[bool]] | None = field(
        default=None, metadata=function("the question to True or False", "question").or_none.here
    )
    """Who is asked where a rule says `Ask`: a function from a `Question` to True or False, async, or plain and then
    called in a thread. Only the call waits, and what refers to it. Without it, a run with a journal is suspended once
    nothing else is left to do (`ApprovalPending`), and goes on when it was answered and is resumed; without either the
    call is denied."""

    approve_plan: bool = field(default=False, metadata=FLAG.here)
    """Ask before anything of a plan is begun, and show it with its writes."""

    replan: ReplanMode = field(default="read-only", metadata=one_of(*words_of(ReplanMode)).here)
    """What a later round may add once a tool ran whose results are not trusted. "read-only": reads, and writes of a
    kind (tool and destinations) that was planned before; "ask": what that refuses is asked about; "planned-tools":
    calls of the first plan's tools; "any"; "never": there is none then."""

    replanner_sees: ReplannerSees = field(default="summaries", metadata=one_of(*words_of(ReplannerSees)).here)
    """What the planner of a later round is shown of results that are not trusted; after text, nothing that it writes is
    trusted. "summaries": their status, type and size, and not why there is another round."""

    redact: Redact | None = field(default=None, metadata=function("a text to a text", "text").or_none.here, repr=False)
    """A function from a text to a text, called with every text that leaves a run (failures, progress, errors, what
    models are shown of results) once what is secret was taken out of it, to take out personal data and the like. What
    it raises leaves nothing of the text."""


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """What is kept of runs."""

    journal: str | PathLike[str] | Journal | None = field(
        default=None, metadata=Expected('write journal="runs.db", or a Journal', _is_path_or_journal).or_none.here
    )
    """Record the run in this file, so that it can be looked at, and resumed if it is killed. Each event is there before
    it is acted on, and the start of a write on the disk before its tool is called. The `context` of a run is never
    recorded. A tool's result must be data then, and no opaque handle."""

    observers: Sequence[Observer] = field(
        default=(),
        metadata=Expected(
            "write functions of an event and its run, such as observers=[lambda event, run: ...]",
            lambda value: isinstance(value, list | tuple) and all(map(_OBSERVER.fits, value)),
        ).here,
    )
    """Who is told every event of every run, after the journal and in order, with all secrets taken out: functions of
    the event and its `ObservedRun`, async, or plain and then called in a thread. Nothing waits for them, but the end of
    a run, for 2 seconds at most. See docs/observers.md."""

    random: Random | None = field(
        default=None, metadata=Expected("write random=Random(seed)", is_a("random", "Random")).or_none.here
    )
    """Where chance comes from, such as how long to wait before a retry; for runs that are to come out the same."""


@bounded
@dataclass(frozen=True, kw_only=True)
class Options(RecordOptions, SafetyOptions, BudgetOptions, BoundOptions, AnswerOptions, ModelOptions):
    """Everything that an agent may be told: the keywords of `LLMCompiler(...)`.

    Raises:
        UsageError: one is given what it cannot be; the message says what to write.
    """

    def __post_init__(self) -> None:
        check_fields(self)
        if isinstance(self.tools, Iterator):  # which would be empty when it is read again
            object.__setattr__(self, "tools", tuple(self.tools))


if TYPE_CHECKING:
    # What type checkers read off of which type answers are: `AnswerOptions` in its four forms, and all else as it
    # stands above.

    @dataclass(frozen=True, kw_only=True)
    class _AllElse(RecordOptions, SafetyOptions, BudgetOptions, BoundOptions, ModelOptions): ...

    @dataclass(frozen=True, kw_only=True)
    class AnsweredInText(_AllElse, Generic[A]):
        """With neither, the joiner writes text."""

        joiner: Models = SAME
        output_type: type[A] = str  # type: ignore[assignment]

    @dataclass(frozen=True, kw_only=True)
    class Typed(_AllElse, Generic[A]):
        """A class, or a generic type such as `list[int]`."""

        joiner: Models = SAME
        output_type: type[A]

    @dataclass(frozen=True, kw_only=True)
    class AnsweredByJoin(_AllElse):
        """Without a joiner, anything that a plan joins."""

        joiner: None
        output_type: None = None

    @dataclass(frozen=True, kw_only=True)
    class Validated(_AllElse):
        """What is no class for a type checker: unions, `Literal`, `Annotated`."""

        joiner: Models | None = SAME
        output_type: Any


_CALL: Final[Mapping[str, Expected]] = {
    "question": TEXT,
    "history_trusted": FLAG,
    "deadline": above_zero("seconds from now").or_none,
    "run_id": Expected("write a name of your own, such as run_id='monday'", is_sendable).or_none,
    "resolve": function("a doubt to Done(value), CallAgain() or StillUnknown()", "doubt").or_none,
    "rules_changed": FLAG,
    "plan": Expected(
        "write the text of a plan, or what agent.compile(text) returned",
        lambda value: isinstance(value, str) or is_a("superscalar.plan.ir", "Plan")(value),
    ),
    "source": an(str, "the text of a plan"),
    "syntax": TEXT,
    "saw_untrusted": FLAG,
    "seen": Expected("write a Label, such as that of earlier results", is_a("superscalar.labels", "Label")),
}
"""What the arguments of an agent's methods may be, by their names."""


def check_call(**given: object) -> None:
    """Check what a method of an agent is given.

    Raises:
        UsageError: an argument is what it cannot be; the message says what to write.
    """
    for name, value in given.items():
        _CALL[name].check(name, value)


@cache
def meanings() -> Mapping[str, str]:
    """What each option is for, as it stands under its field, by name; nothing where there is no source to read."""
    found: dict[str, str] = {}
    for module in dict.fromkeys(group.__module__ for group in reversed(Options.__mro__[:-1])):
        try:
            tree = ast.parse(inspect.getsource(sys.modules[module]))
        except (OSError, TypeError):
            continue
        for group in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            for line, below in pairwise(group.body):
                match line, below:
                    case (
                        ast.AnnAssign(target=ast.Name(id=name)),
                        ast.Expr(value=ast.Constant(value=str(text))),
                    ):
                        found[name] = " ".join(text.split())
    return found


def told_by(
    made: Callable[P, OptionsT],
) -> Callable[[Callable[[S, OptionsT], None]], Callable[Concatenate[S, P], None]]:
    """Make an `__init__` that takes `Options` one that takes each of them by its name, as type checkers see it too.

    Raises:
        UsageError: (from what is made) there is no option of that name, or one is given what it cannot be.
    """
    signature = inspect.signature(made)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)

    def decorate(init: Callable[[S, OptionsT], None]) -> Callable[Concatenate[S, P], None]:
        def __init__(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:  # noqa: N807 -- it is one
            called = type(self).__name__
            check_names(kwargs, signature.parameters, f"{called}(...)")
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise UsageError(f"{called}(...): {error}; it takes a model, tools, and options by keyword") from None
            init(self, made(*args, **kwargs))

        __init__.__doc__ = init.__doc__
        __init__.__signature__ = signature.replace(parameters=[own, *signature.parameters.values()])  # type: ignore[attr-defined]
        return __init__

    return decorate
