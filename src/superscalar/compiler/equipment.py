"""What an agent has made of its options, for all its runs: its models, its tools and their limits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from superscalar import events, joiner, planner
from superscalar.compiler import approval
from superscalar.compiler.given_inputs import compiled_with
from superscalar.compiler.ways import PLANNED, Way
from superscalar.errors import UsageError
from superscalar.examples import Examples, example_of
from superscalar.executors import LOCAL
from superscalar.executors.runners import Runners
from superscalar.extractor import NAME, extraction
from superscalar.inquiry import Inquirer
from superscalar.models.account import account_of, retry_of
from superscalar.models.base import ChatModel, Message
from superscalar.models.patience import Silence
from superscalar.models.resolve import resolve
from superscalar.models.typed import AnswerType
from superscalar.options import SAME, Options
from superscalar.plan import grammar
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.grammars import Grammar
from superscalar.plan.read.fronts.detect import Syntax, front_of
from superscalar.planner import ToolListing, asked_before
from superscalar.policy import Policy, Rulings
from superscalar.saved.folder import PlanFolder
from superscalar.saved.offering import with_saved_plans
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations
from superscalar.tools.shown import tools_for
from superscalar.tools.terms import UNLESS_REFUSED
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset

if TYPE_CHECKING:
    from superscalar.options import Models

_PROSE: Final = frozenset({"str", "str | None"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What the runs of an agent share. `options` has all else that they are told.

    Of each role the models that may be asked, the first of them first; none where nobody has it. `given`: the tools
    without `extract`, as they were listed last; `is_live`: they are listed before each run. `showable`: those that the
    planner may be told of. `constrains`: whether the first planner is held to a grammar; `grammar` is that of a planner
    that is shown all tools. `examples`: those of the options that the tools allow.
    """

    options: Options
    planners: tuple[ChatModel, ...]
    joiners: tuple[ChatModel, ...]
    extractors: tuple[ChatModel, ...]
    answer_type: AnswerType | None
    policy: Policy
    random: Random
    syntax: Syntax
    limits: Limits
    runners: Runners = field(default_factory=Runners)
    durations: Durations = field(default_factory=Durations)
    given: Toolset = field(default_factory=Toolset)
    is_live: bool = False
    tools: Toolset = field(default_factory=Toolset)
    showable: Toolset = field(default_factory=Toolset)
    constrains: bool = False
    grammar: Grammar | None = None
    examples: Examples = field(default_factory=Examples)
    way: Way = PLANNED

    @property
    def secrets(self) -> tuple[Any, ...]:
        """What the models know that nobody else may."""
        return tuple(key for model in self.models for key in getattr(model, "secrets", ()))

    @property
    def models(self) -> tuple[ChatModel, ...]:
        """All that may be asked."""
        own = [model for asking in _inquirers(self.tools) for model in asking.models]
        return tuple({id(model): model for model in (*self.planners, *self.joiners, *self.extractors, *own)}.values())

    @property
    def silence(self) -> Silence:
        """For how long a model may say nothing."""
        return Silence(self.options.first_token_timeout, self.options.stall_timeout)

    @property
    def model_name(self) -> str:
        """What plans, and what may in its place; empty if nothing does."""
        return _names(self.planners)

    @property
    def joiner_name(self) -> str | None:
        """What answers likewise; None if nothing does."""
        return _names(self.joiners) or None

    def need_planner(self) -> None:
        """Make sure that there is a model to plan with.

        Raises:
            UsageError: there is none; the message says what to write.
        """
        if not self.planners:
            raise UsageError(
                'this agent has no model to plan with; write LLMCompiler(model="openai:gpt-5-mini", ...) '
                'or model="local", or run a plan of your own: agent.execute(agent.compile(source))'
            )

    def need_plans(self) -> None:
        """Make sure that there is a model, and that it plans.

        Raises:
            UsageError: there is none, or it calls tools in turns.
        """
        self.need_planner()
        if self.way.form is not None:
            raise UsageError(f"an agent of the kind {self.way.name} calls tools in turns, and writes no plans")

    def check_setup(self) -> None:
        """Make sure that each model has what it needs, before any of them is asked: also those that may never be.

        Raises:
            ModelSetupError: one lacks an extra, or a key.
        """
        for model in self.models:
            getattr(model, "check_setup", _nothing)()

    def with_tools(self, given: Toolset) -> Equipment:
        """The same with these tools; `extract` is one more, where plans may call it.

        Raises:
            UsageError: a tool or a schema cannot be used, a tool takes part in a limit that there is not, is said to
                follow a rule that is none, or cannot run where it is to run; an example is no plan for these tools.
        """
        told, tools = self.options, given
        if self._offers_extract(given):
            tools = extraction(
                self.extractors,
                given.named,
                given,
                timeout=told.extractor_timeout,
                silence=self.silence,
                grammar=told.grammar,
            )
        if told.plans is not None and not given.is_live:  # else nobody knows the tools that they call yet
            tools = with_saved_plans(
                PlanFolder(Path(told.plans)), tools, lambda text, given: compiled_with(text, given, "python")
            )
        for signature in tools.signatures:
            if signature.name in FUNCTIONS:
                message = f"the tool {signature.name} is called {signature.alias} in plans, where {signature.name}"
                warnings.warn(f"{message} is a function of the language", stacklevel=5)
        limits = self.limits if tools.limits == self.tools.limits else Limits(tools.limits, told.max_concurrency)
        tools = self._with_own_inquirers(tools, limits)
        for model in (*self.models, *(model for asking in _inquirers(tools) for model in asking.models)):
            if told.max_cost is not None and getattr(model, "prices", ...) is None:
                raise UsageError(_unpriced(told.max_cost, model))
            limits.lend(model.name, account_of(model), (retry_of(model) or UNLESS_REFUSED).longest)
        for tool in tools.by_alias.values():
            limits.require(tool)
        Rulings(self.policy, tools)  # complains of what makes no sense now, not in the first run
        held = bool(self.planners) and self._is_held(self.planners[0])
        runners = Runners(told.executor or LOCAL).made(tools)
        showable = self._showable_of(tools)
        any_held = any(map(self._is_held, self.planners))
        whole = any_held and tools_for(showable, "", (), told.max_prompt_tokens).is_whole
        made = replace(
            self,
            given=given,
            is_live=self.is_live or given.is_live,
            tools=tools,
            showable=showable,
            limits=limits,
            runners=runners,
            constrains=held,
            grammar=grammar(showable) if whole else None,
        )
        return replace(made, examples=_examples_for(made))

    def _with_own_inquirers(self, tools: Toolset, limits: Limits) -> Toolset:
        """The set in which tools that ask models do so for this agent; those of others are not touched."""
        own: dict[int, Tool[..., Any]] = {}
        for tool in tools.by_alias.values():
            if isinstance(tool.function, Inquirer) and id(tool) not in own:
                own[id(tool)] = made = copy(tool)
                made.function = tool.function.of_agent(limits, self.planners, self.silence)
        if not own:
            return tools
        bound = copy(tools)
        bound.by_alias = {alias: own.get(id(tool), tool) for alias, tool in tools.by_alias.items()}
        return bound

    def _offers_extract(self, given: Toolset) -> bool:
        """Whether plans may write `extract`: where somebody said so, or a model that plans gets texts to read."""
        told = self.options
        if not told.extract:
            return False
        if given.named or told.schemas is not None or told.extractor is not None:
            return True
        return bool(self.planners) and self.way.form is None and _has_prose(self._showable_of(given))

    def with_example(self, question: str, source: str) -> Equipment:
        """The same with one more example, in the place of one that has this question.

        Raises:
            UsageError: its plan has errors, or cannot be said in the syntax that the planner writes.
        """
        example = example_of(question, source, self.tools.signatures, self.syntax)
        kept = [pair for pair in self.options.examples if pair[0].strip() != example.question]
        options = replace(self.options, examples=(*kept, (question, source)))
        return replace(self, options=options, examples=self.examples.having(example))

    def listing(self, question: str, history: Sequence[Message]) -> ToolListing:
        """What the planner is told of the tools, for a question.

        Raises:
            UsageError: it may be told of none, since nobody has accepted what servers say of them.
        """
        if len(self.tools) and not len(self.showable):
            raise UsageError(
                "nobody has accepted what the servers say of their tools; look at it, and accept it: "
                "superscalar mcp accept FILE, or await toolset.accept()"
            )
        examples = self.examples.chosen(question, asked_before(history), self.options.max_example_tokens)
        return ToolListing(self.showable, question, history, self.options.max_prompt_tokens, examples)

    @property
    def is_private(self) -> bool:
        """Whether what its models are told of it may stand in no file: there is something secret about it."""
        return self.options.redact is not None or any(tool.secrets for tool in self.tools)

    def conversation(self, listing: ToolListing, history: Sequence[Message], question: str) -> list[Message]:
        """What the planner is asked first."""
        return planner.conversation(
            listing,
            self.options.instructions,
            history,
            question,
            self.syntax,
            blocks=self.blocks,
            private=self.is_private,
            own=self.options.planner_instructions,
        )

    def joining(self, *, last: bool) -> list[Message]:
        """What a conversation with the joiner begins with. `last`: it may not ask for another round."""
        told = self.told_joiner
        schema = None if self.answer_type is None else self.answer_type.schema
        system = joiner.system_prompt(told, last=last, may_replan=self.options.max_replans > 0, schema=schema)
        return joiner.opening(system, private=self.is_private and bool(told or schema is not None))

    @property
    def told_joiner(self) -> str:
        """What the joiner is told besides the rules."""
        return told_both(self.options.instructions, self.options.joiner_instructions)

    def _showable_of(self, tools: Toolset) -> Toolset:
        """What the planner may be told of: with `enforce`, of no tool whose description nobody has accepted."""
        if self.policy.mode != "enforce" or not any(tool.described.unaccepted for tool in tools):
            return tools
        return tools.without(lambda tool: tool.described.unaccepted)

    def grammar_of(self, listing: ToolListing, model: ChatModel) -> Grammar | None:
        """What a planner may write that was told of these tools; None is anything.

        One that plans as well without may call tools that it was not told of.
        """
        if not self._is_held(model) or (_is_unaided(model) and not listing.is_whole):
            return None
        return self.grammar or grammar(listing.signatures)

    @property
    def blocks(self) -> bool:
        """Whether planners are told of blocks: the first is large enough for them if it needs no grammar."""
        return not self.constrains or _is_unaided(self.planners[0])

    def _is_held(self, model: ChatModel) -> bool:
        """Whether a planner is given a grammar: not one that would have it write in another syntax than the first."""
        return _natural(model, self.options) == self.syntax and _is_held(model, self.options)

    def shown(self, listing: ToolListing, at: float) -> events.ToolsShown | None:
        """What there is to say of how much the planner is shown of the tools; None where it is all."""
        cut = [f"{alias}: {line}" for alias in listing.shown for line in self.tools.by_alias[alias].described.cut]
        if listing.is_whole and not cut:
            return None
        return events.ToolsShown(at, listing.shown, len(self.tools), tuple(cut))


def _has_prose(tools: Toolset) -> bool:
    """Whether a tool that reads returns a text, out of which something may have to be taken.

    Not where one is called `extract` itself: whoever wrote it has their own way.
    """
    return tools.find(NAME) is None and any(
        signature.effect == "read" and signature.output.type in _PROSE for signature in tools.signatures
    )


def told_both(shared: str, own: str) -> str:
    """What both models are told of an agent, and behind it what one of them is."""
    return "\n\n".join(filter(None, (shared.strip(), own.strip())))


def _examples_for(made: Equipment) -> Examples:
    """The questions with plans that an agent was given, as its planner is shown them.

    Tools that are listed before each run are not known yet when the agent is made, and may be others the next time: of
    an example that these do not allow a warning is given, and it is left out.

    Raises:
        UsageError: a plan has errors, or cannot be said in the syntax that the planner writes.
    """
    found = Examples()
    if made.given.is_live:
        return found
    for number, (question, source) in enumerate(made.options.examples):
        try:
            found = found.having(example_of(question, source, made.tools.signatures, made.syntax))
        except UsageError as error:
            refused = f"examples[{number}]: {error}"
            if not made.is_live:
                raise UsageError(refused) from None
            warnings.warn(f"left out with the tools that there are now: {refused}", stacklevel=7)
    return found


def _inquirers(tools: Toolset) -> Iterator[Inquirer]:
    """What asks models itself among the functions of tools."""
    functions: Iterator[Any] = (tool.function for tool in tools)
    return (function for function in functions if isinstance(function, Inquirer))


def _unpriced(max_cost: float, model: ChatModel) -> str:
    return (
        f"max_cost={max_cost:g} cannot count what {model.name} costs; write "
        f"model={type(model).__name__}(..., prices=Prices(input=0.25, output=2.0)), per million tokens"
    )


def _nothing() -> None:
    """A model lacks nothing that says nothing of it."""


def _names(models: Sequence[ChatModel]) -> str:
    return ", ".join(model.name for model in models)


def _natural(model: ChatModel, options: Options) -> Syntax:
    """What a planner writes its plans in, where nobody says anything else."""
    return _writes(model) if _is_held(model, options) else options.syntax or "python"


def _writes(model: ChatModel) -> Syntax:
    """The syntax of its plans that follow a grammar."""
    writes: Syntax = getattr(model, "writes", "python")
    return writes


def _is_held(model: ChatModel, options: Options) -> bool:
    """Whether a planner's plans follow a grammar; one that plans as well without may be asked for another syntax."""
    if not (options.grammar and model.constrains):
        return False
    return not (_is_unaided(model) and options.syntax not in (None, _writes(model)))


def _is_unaided(model: ChatModel) -> bool:
    return bool(getattr(model, "unaided", False))


def resolved_models(given: Models | None, base_url: str | None = None) -> tuple[ChatModel, ...]:
    """The models of one role; of several names, those of `openai:` are at that server.

    Raises:
        UsageError: one names no model.
    """
    if given is None:
        return ()
    if isinstance(given, list | tuple):
        served = [_has_server(one) for one in given]
        at = [base_url if has or not any(served) else None for has in served]  # of none, the first one says so
        return tuple(resolve(one, base_url=address) for one, address in zip(given, at, strict=True))
    return (resolve(given, base_url=base_url),)  # type: ignore[arg-type]


def _has_server(given: str | ChatModel) -> bool:
    return isinstance(given, str) and given.startswith("openai:")


def equipped(options: Options, way: Way = PLANNED) -> Equipment:
    """Make of options what they stand for, for an agent that answers in this way.

    Raises:
        UsageError: they contradict each other; the message shows what to write.
    """
    options = way.told(options)
    if options.plans is not None:  # a process may change its directory afterwards, and reviewed the ones of this
        options = replace(options, plans=Path(options.plans).absolute())
    approval.check_approver(options.approve, plans=options.approve_plan, recorded=options.journal is not None)
    if options.syntax is not None:
        front_of(options.syntax)  # says which there are
    if options.base_url is not None and options.model is None:
        raise UsageError('base_url= is the server of model="openai:NAME", and there is no model')
    if not options.extract and (options.extractor is not None or options.schemas is not None):
        given = "extractor=" if options.extractor is not None else "schemas="
        raise UsageError(f"extract=False: plans read no texts then, and {given} is for that; leave out one of the two")
    planners = resolved_models(options.model, options.base_url)
    joiners = planners if options.joiner == SAME else resolved_models(options.joiner)
    extractors = planners if options.extractor in (None, SAME) else resolved_models(options.extractor)
    if not joiners and options.output_type is not None:
        raise UsageError("output_type= is what the joiner writes; leave out joiner=None, or output_type=")
    for model in (*planners, *joiners, *extractors):
        if options.max_cost is not None and getattr(model, "prices", ...) is None:
            raise UsageError(_unpriced(options.max_cost, model))
    if way.form is not None and (joiners != planners or options.output_type is not None):
        raise UsageError(f"{way.name} has no joiner: the model that calls is the one that answers, in text")
    if options.fallback is not None and way.form is not None:
        raise UsageError(f"fallback={options.fallback!r}: {way.name} writes no plans that it could fall back from")
    if options.fallback is not None and planners and not joiners:
        raise UsageError(
            f"fallback={options.fallback!r}: with joiner=None the answer is what a plan joins, and turns join nothing; "
            "leave out one of them"
        )
    for model in planners:
        natural = _natural(model, options)
        if _is_held(model, options) and options.syntax not in (None, natural):
            raise UsageError(
                f"syntax={options.syntax!r}: {model.name} is held to a grammar of plans in {natural}; "
                "write grammar=False, too, or leave out syntax="
            )
    equipment = Equipment(
        options=options,
        planners=planners,
        joiners=joiners,
        extractors=extractors,
        answer_type=None if options.output_type is None else AnswerType(options.output_type),
        policy=options.policy if isinstance(options.policy, Policy) else Policy(options.policy),
        random=options.random or Random(),
        limits=Limits({}, options.max_concurrency),
        syntax=options.syntax or (_natural(planners[0], options) if planners else "python"),
        way=way,
    )
    return equipment.with_tools(Toolset(options.tools, limits=options.limits, schemas=options.schemas))
