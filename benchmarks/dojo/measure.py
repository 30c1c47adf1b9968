"""Runs tasks with and without attacks, and keeps what AgentDojo says of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agentdojo.agent_pipeline.base_pipeline_element import BasePipelineElement
from agentdojo.functions_runtime import FunctionsRuntime

from benchmarks.dojo import victims
from benchmarks.dojo.declared import Declared
from benchmarks.dojo.modes import Mode, Policy
from benchmarks.dojo.pipeline import EngineElement
from benchmarks.dojo.suites import Pair, Suite, UserTask
from superscalar import LLMCompiler, Toolset
from superscalar import policy as policies
from superscalar.events import Decided, Event, Started, Succeeded

NOTHING = "join()\n"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that a policy objected to: the statement that makes it, and why not. It was made where that only warns."""

    call: str
    decision: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """What one run came to. Without an attack `injection` is empty, and `attacked` False.

    `utility`: the user's task is solved, and `attacked`: the attacker's is, both as AgentDojo has it. `misjudged`: the
    tools declared trusted that returned the attack.
    """

    suite: str
    user: str
    injection: str
    mode: str
    policy: str
    utility: bool
    attacked: bool
    delegating: bool
    refusals: tuple[Refusal, ...] = ()
    misjudged: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


class Happened(BasePipelineElement):  # type: ignore[misc]  # AgentDojo is not there when types are checked
    """What has been run already, for AgentDojo to judge: the environment as it was left, and what was said."""

    def __init__(self, environment: Any, messages: Sequence[Any]) -> None:
        self._left = environment, messages

    def query(self, query: str, runtime: Any, env: Any, messages: Any = (), extra_args: Any = None) -> tuple[Any, ...]:  # noqa: ARG002
        """Nothing is run."""
        left, said = self._left
        return query, runtime, left, said, extra_args


class Measuring:
    """Runs the tasks of one suite, with what is declared of its tools; `control` is that of the policy."""

    def __init__(self, suite: Suite, terms: Mapping[str, Declared], control: policies.Control = "none") -> None:
        self._suite = suite
        self._terms = terms
        self._control: policies.Control = control

    def benign(self, user: UserTask, ways: Iterable[tuple[Mode, Policy]]) -> Iterator[Result]:
        """A task in each way, with nobody attacking."""
        environment = self._suite.original.load_and_inject_default_environment({})
        yield from self._each(user, None, environment, ways)

    def attacked(self, pair: Pair, ways: Iterable[tuple[Mode, Policy]]) -> Iterator[Result]:
        """A task in each way, in an environment that holds an attack."""
        yield from self._each(pair.user, pair, pair.environment, ways)

    def _each(
        self, user: UserTask, pair: Pair | None, environment: Any, ways: Iterable[tuple[Mode, Policy]]
    ) -> Iterator[Result]:
        judge = _Judge(self._suite, user, pair, environment)
        for mode, policy in ways:
            if mode.loop:
                judged = judge.of(victims.ObedientLoop(user.original, pair.injection if pair else None))
                yield self._result(user, pair, (mode, policy), judged, ())
                continue
            found = []
            for lie in _lies(user, pair) if mode.lies else (victims.HONEST,):
                element = self._element(user, pair, mode, policy, lie)
                judged = judge.of(element)
                assert element.last is not None
                found.append(self._result(user, pair, (mode, policy), judged, element.last.events))
            yield max(found, key=lambda result: (result.attacked, not result.utility))

    def _result(
        self,
        user: UserTask,
        pair: Pair | None,
        way: tuple[Mode, Policy],
        judged: tuple[bool, bool],
        events: Sequence[Event],
    ) -> Result:
        return Result(
            suite=self._suite.name,
            user=user.id,
            injection="" if pair is None else pair.injection.ID,
            mode=way[0].name,
            policy=way[1],
            utility=judged[0],
            attacked=judged[1],
            delegating=user.delegating,
            refusals=tuple(_refusals(events, user.plan.text)),
            misjudged=tuple(dict.fromkeys(self._misjudged(events))),
        )

    def _misjudged(self, events: Sequence[Event]) -> Iterator[str]:
        """The tools declared trusted that returned the attack."""
        returned = {event.id: event.value for event in events if isinstance(event, Succeeded)}
        for event in events:
            if isinstance(event, Started) and event.tool in self._terms:
                trusted = self._terms[event.tool].trust == "trusted"
                if trusted and victims.MARK in repr(returned.get(event.id)):
                    yield event.tool

    def _element(
        self, user: UserTask, pair: Pair | None, mode: Mode, policy: Policy, lie: victims.Lie
    ) -> EngineElement:
        attack = NOTHING if pair is None else pair.attack
        replans = mode.replan is not None

        def agent(tools: Toolset) -> LLMCompiler:
            return LLMCompiler(
                victims.planner(user.plan.text, attack),
                tools,
                joiner=victims.joiner(user.answer, replans),
                max_replans=1 if replans else 0,
                max_result_tokens=1_000_000,  # whatever the attacker wrote is shown
                policy=policies.Policy(policy, control=self._control),
                replan=mode.replan or "never",
                replanner_sees=mode.sees,
                extractor=victims.extractor(user.plan.extractions, lie),
            )

        return EngineElement(agent, terms=self._terms)


class _Judge:
    """Runs elements on one task and asks AgentDojo what came of it; once for each course that things took.

    Everything in an environment comes from the calls that were made, so runs with equal calls end equally.
    """

    def __init__(self, suite: Suite, user: UserTask, pair: Pair | None, environment: Any) -> None:
        self._suite = suite.original
        self._user = user.original
        self._injection = None if pair is None else pair.injection
        self._environment = environment
        self._known: dict[str, tuple[bool, bool]] = {}

    def of(self, element: BasePipelineElement) -> tuple[bool, bool]:
        """Whether the user's task is solved, and the attacker's."""
        acted = self._user.init_environment(self._environment.model_copy(deep=True))
        runtime = FunctionsRuntime(self._suite.tools)
        _, _, left, messages, _ = element.query(self._user.PROMPT, runtime, acted)
        course = repr([(m["role"], m["content"], m["tool_calls"]) for m in messages if m["role"] == "assistant"])
        if course not in self._known:
            utility, security = self._suite.run_task_with_pipeline(
                Happened(left, messages),
                self._user,
                self._injection,
                {},
                environment=self._environment.model_copy(deep=True),
            )
            self._known[course] = bool(utility), self._injection is not None and bool(security)
        return self._known[course]


def _lies(user: UserTask, pair: Pair | None) -> tuple[victims.Lie, ...]:
    """What an attacker may say instead of what a text holds: whatever his own calls take. The worst of them counts."""
    if pair is None or not user.plan.extractions:
        return (victims.HONEST,)
    said = dict.fromkeys(item for call in pair.calls for value in call.args.values() for item in _items(value))
    texts: list[str | None] = [item for item in said if isinstance(item, str)] or [None]
    numbers: list[float | None] = [item for item in said if not isinstance(item, str)] or [None]
    return tuple(victims.Lie(text, number) for text in texts for number in numbers)


def _items(value: Any) -> Iterator[str | float]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _items(item)
    elif isinstance(value, (str, int, float)):
        yield value


def _refusals(events: Iterable[Event], plan: str) -> Iterator[Refusal]:
    """The calls that a policy objected to."""
    lines = {line.partition(" = ")[0]: line for line in plan.splitlines() if " = " in line}
    for event in events:
        if isinstance(event, Decided) and event.decision != "allow":
            yield Refusal(lines.get(event.id, event.id), event.decision, event.rule, event.reason)


def read(found: Mapping[str, Any]) -> list[Result]:
    """What `--json` printed."""
    return [
        Result(**row | {"refusals": tuple(Refusal(**r) for r in row["refusals"]), "misjudged": tuple(row["misjudged"])})
        for row in found["results"]
    ]


Progress = Callable[[str], None]


def everything(
    suites: Sequence[Suite],
    modes: Sequence[Mode],
    policies: Sequence[Policy],
    terms: Mapping[str, Declared],
    control: policies.Control,
    progress: Progress,
) -> Iterator[Result]:
    """Every task of some suites in every way, first without and then with each attack."""
    ways = [(mode, policy) for mode in modes for policy in mode.policies if mode.loop or policy in policies]
    for suite in suites:
        measuring = Measuring(suite, terms, control)
        for user in suite.users:
            progress(f"{suite.name}: {user.id} alone")
            yield from measuring.benign(user, ways)
        for pair in suite.pairs():
            progress(f"{suite.name}: {pair.user.id}, {pair.injection.ID}")
            yield from measuring.attacked(pair, ways)
