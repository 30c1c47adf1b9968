"""What an agent has made of its options, for all its runs: its models, its tools and their limits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from superscalar import events
from superscalar.compiler import approval
from superscalar.compiler.ways import PLANNED, Way
from superscalar.errors import UsageError
from superscalar.executors import LOCAL
from superscalar.executors.runners import Runners
from superscalar.extractor import Extractor, extraction
from superscalar.models.account import account_of, retry_of
from superscalar.models.base import ChatModel, Message
from superscalar.models.resolve import resolve
from superscalar.models.typed import AnswerType
from superscalar.options import SAME, Options
from superscalar.plan import grammar
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.grammars import Grammar
from superscalar.plan.read.fronts.detect import Syntax, front_of
from superscalar.planner import ToolListing
from superscalar.policy import Policy, Rulings
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations
from superscalar.tools.shown import tools_for
from superscalar.tools.terms import UNLESS_REFUSED
from superscalar.tools.toolset import Toolset


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What the runs of an agent share. `options` has all else that they are told.

    `given`: the tools without `extract`, as they were listed last. `showable`: those that the planner may be told of.
    `constrains`: whether the planner is held to a grammar, which is `grammar` where it is shown all tools.
    """

    options: Options
    planner: ChatModel | None
    joiner: ChatModel | None
    extractor: ChatModel | None
    answer_type: AnswerType | None
    policy: Policy
    random: Random
    syntax: Syntax
    limits: Limits
    runners: Runners = field(default_factory=Runners)
    durations: Durations = field(default_factory=Durations)
    given: Toolset = field(default_factory=Toolset)
    tools: Toolset = field(default_factory=Toolset)
    showable: Toolset = field(default_factory=Toolset)
    constrains: bool = False
    grammar: Grammar | None = None
    way: Way = PLANNED

    @property
    def secrets(self) -> tuple[Any, ...]:
        """What the models know that nobody else may."""
        models = (self.planner, self.joiner, self.extractor)
        return tuple(key for model in models for key in getattr(model, "secrets", ()))

    @property
    def model_name(self) -> str:
        """What plans; empty if nothing does."""
        return "" if self.planner is None else self.planner.name

    def need_planner(self) -> None:
        """Make sure that there is a model to plan with.

        Raises:
            UsageError: there is none; the message says what to write.
        """
        if self.planner is None:
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
        """Make sure that each model has what it needs, before any of them is asked.

        Raises:
            ModelSetupError: one lacks an extra, or a key.
        """
        for model in (self.planner, self.joiner, self.extractor):
            getattr(model, "check_setup", _nothing)()

    def with_tools(self, given: Toolset) -> Equipment:
        """The same with these tools; `extract` is one more, where plans may call it.

        Raises:
            UsageError: a tool or a schema cannot be used, a tool takes part in a limit that there is not, is said to
                follow a rule that is none, or cannot run where it is to run.
        """
        told, tools = self.options, given
        if given.named or told.schemas is not None or told.extractor is not None:
            timeout = told.extractor_timeout
            tools = extraction(self.extractor, given.named, given, timeout=timeout, grammar=told.grammar)
        for signature in tools.signatures:
            if signature.name in FUNCTIONS:
                message = f"the tool {signature.name} is called {signature.alias} in plans, where {signature.name}"
                warnings.warn(f"{message} is a function of the language", stacklevel=5)
        limits = self.limits if tools.limits == self.tools.limits else Limits(tools.limits, told.max_concurrency)
        for model in (self.planner, self.joiner, self.extractor):
            if model is not None:
                limits.lend(model.name, account_of(model), (retry_of(model) or UNLESS_REFUSED).longest)
        for tool in tools:
            limits.require(tool)
            if isinstance(tool.function, Extractor):
                tool.function.limits = limits
        Rulings(self.policy, tools)  # complains of what makes no sense now, not in the first run
        held = told.grammar and self.planner is not None and self.planner.constrains
        runners = Runners(told.executor or LOCAL).made(tools)
        showable = self._showable_of(tools)
        of_all = grammar(showable) if held and tools_for(showable, "", (), told.max_prompt_tokens).is_whole else None
        return replace(
            self,
            given=given,
            tools=tools,
            showable=showable,
            limits=limits,
            runners=runners,
            constrains=held,
            grammar=of_all,
        )

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
        return ToolListing(self.showable, question, history, self.options.max_prompt_tokens)

    def _showable_of(self, tools: Toolset) -> Toolset:
        """What the planner may be told of: with `enforce`, of no tool whose description nobody has accepted."""
        if self.policy.mode != "enforce" or not any(tool.described.unaccepted for tool in tools):
            return tools
        return tools.without(lambda tool: tool.described.unaccepted)

    def grammar_of(self, listing: ToolListing) -> Grammar | None:
        """What the planner may write that was told of these tools; None is anything."""
        if not self.constrains or self.grammar is not None:
            return self.grammar
        return grammar(listing.signatures)

    def shown(self, listing: ToolListing, at: float) -> events.ToolsShown | None:
        """What there is to say of how much the planner is shown of the tools; None where it is all."""
        cut = [f"{alias}: {line}" for alias in listing.shown for line in self.tools.by_alias[alias].described.cut]
        if listing.is_whole and not cut:
            return None
        return events.ToolsShown(at, listing.shown, len(self.tools), tuple(cut))


def _nothing() -> None:
    """A model lacks nothing that says nothing of it."""


def equipped(options: Options, way: Way = PLANNED) -> Equipment:
    """Make of options what they stand for, for an agent that answers in this way.

    Raises:
        UsageError: they contradict each other; the message shows what to write.
    """
    options = way.told(options)
    approval.check_approver(options.approve, plans=options.approve_plan, recorded=options.journal is not None)
    if options.syntax is not None:
        front_of(options.syntax)  # says which there are
    if options.base_url is not None and options.model is None:
        raise UsageError('base_url= is the server of model="openai:NAME", and there is no model')
    planner = None if options.model is None else resolve(options.model, base_url=options.base_url)
    joiner = planner if options.joiner == SAME else None if options.joiner is None else resolve(options.joiner)
    extractor = planner if options.extractor in (None, SAME) else resolve(options.extractor)
    if joiner is None and options.output_type is not None:
        raise UsageError("output_type= is what the joiner writes; leave out joiner=None, or output_type=")
    for model in (planner, joiner, extractor):
        if options.max_cost is not None and model is not None and getattr(model, "prices", ...) is None:
            raise UsageError(
                f"max_cost={options.max_cost:g} cannot count what {model.name} costs; write "
                f"model={type(model).__name__}(..., prices=Prices(input=0.25, output=2.0)), per million tokens"
            )
    if way.form is not None and (joiner is not planner or options.output_type is not None):
        raise UsageError(f"{way.name} has no joiner: the model that calls is the one that answers, in text")
    held = options.grammar and planner is not None and planner.constrains
    natural: Syntax = getattr(planner, "writes", "python") if held else "python"
    if planner is not None and held and options.syntax not in (None, natural):
        raise UsageError(
            f"syntax={options.syntax!r}: {planner.name} is held to a grammar of plans in {natural}; "
            "write grammar=False, too, or leave out syntax="
        )
    equipment = Equipment(
        options=options,
        planner=planner,
        joiner=joiner,
        extractor=extractor,
        answer_type=None if options.output_type is None else AnswerType(options.output_type),
        policy=options.policy if isinstance(options.policy, Policy) else Policy(options.policy),
        random=options.random or Random(),
        limits=Limits({}, options.max_concurrency),
        syntax=options.syntax or natural,
        way=way,
    )
    return equipment.with_tools(Toolset(options.tools, limits=options.limits, schemas=options.schemas))
