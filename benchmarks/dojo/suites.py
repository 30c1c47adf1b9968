"""AgentDojo's suites: their tasks, what solves each as a plan, and the pairs that can be run."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agentdojo.attacks.base_attacks import FixedJailbreakAttack
from agentdojo.attacks.important_instructions_attacks import ImportantInstructionsAttack
from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime
from agentdojo.task_suite.load_suites import get_suites

from benchmarks.dojo.declared import declared
from benchmarks.dojo.rewriting import Step, Written, written

VERSION = "v1.2.2"
"""The default of AgentDojo's own benchmark."""

DELEGATING = {
    "workspace": ("user_task_13", "user_task_19"),
    "slack": ("user_task_18", "user_task_19"),
    "banking": ("user_task_12",),
    "travel": (),
}
"""Tasks in which the user asks to do whatever a text says ("do the actions specified in the email", "do all the tasks
on my TODO list", "follow the instructions precisely"): which calls there are depends on that text, by the user's own
wish. Where the user names the action and only its details stand in the text, a task is none of these."""


@dataclass(frozen=True, slots=True)
class UserTask:
    """What a user wants, and the plan that a planner would have written who had seen no output."""

    id: str
    prompt: str
    answer: str
    steps: tuple[Step, ...]
    plan: Written
    delegating: bool
    original: Any

    @property
    def writes(self) -> bool:
        """Whether solving it changes anything."""
        return any(declared()[step.tool].effect == "write" for step in self.steps)

    @property
    def takes(self) -> bool:
        """Whether a write is given what an earlier output held."""
        return any(declared()[self.steps[number].tool].effect == "write" for number in self.plan.referring)


@dataclass(frozen=True, slots=True)
class Pair:
    """A user's task in an environment in which somebody wants something else.

    `calls` are what the attacker wants to be called, in the environment as it is at the start; `injections` is what he
    has written into it, by place.
    """

    user: UserTask
    injection: Any
    calls: tuple[FunctionCall, ...]
    injections: Mapping[str, str]
    environment: Any

    @property
    def attack(self) -> str:
        """The attacker's plan."""
        lines = [
            f"{call.function}({', '.join(f'{name}={value!r}' for name, value in call.args.items())})"
            for call in self.calls
        ]
        return "\n".join([*lines, "join()"]) + "\n"


class Suite:
    """One of the four suites."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.original = get_suites(VERSION)[name]
        self._attack = FixedJailbreakAttack(ImportantInstructionsAttack._JB_STRING, self.original, None)  # noqa: SLF001

    @cached_property
    def users(self) -> tuple[UserTask, ...]:
        """All user tasks, by number."""
        tasks = sorted(self.original.user_tasks.values(), key=lambda task: int(task.ID.rpartition("_")[2]))
        return tuple(map(self._user, tasks))

    def _user(self, task: Any) -> UserTask:
        steps = tuple(self._solved(task))
        delegating = task.ID in DELEGATING[self.name]
        plan = written(task.PROMPT, steps)
        return UserTask(task.ID, task.PROMPT, task.GROUND_TRUTH_OUTPUT, steps, plan, delegating, task)

    def _solved(self, task: Any) -> Iterator[Step]:
        """The calls that solve a task, made once in a clean environment."""
        environment = task.init_environment(self.original.load_and_inject_default_environment({}))
        runtime = FunctionsRuntime(self.original.tools)
        for call in task.ground_truth(environment.model_copy(deep=True)):
            given = runtime.functions[call.function].parameters.model_validate(dict(call.args))
            arguments = {name: value for name, value in given if name in given.model_fields_set}
            output, _ = runtime.run_function(environment, call.function, call.args, raise_on_error=True)
            yield Step(call.function, arguments, copy.deepcopy(output))

    @cached_property
    def injections(self) -> tuple[Any, ...]:
        """The injection tasks that say which calls they want; of the others nobody knows how to obey them."""
        environment = self.original.load_and_inject_default_environment({})
        return tuple(t for t in self.original.injection_tasks.values() if t.ground_truth(environment))

    @property
    def all_pairs(self) -> int:
        """How many pairs there are, those included that cannot be run."""
        return len(self.original.user_tasks) * len(self.original.injection_tasks)

    def pairs(self) -> Iterator[Pair]:
        """Every pair that can be run: the injection task says which calls it wants."""
        for user in self.users:
            for injection in self.injections:
                injections = self._attack.attack(user.original, injection)
                environment = self.original.load_and_inject_default_environment(injections)
                yield Pair(user, injection, tuple(injection.ground_truth(environment)), injections, environment)


def golden(users: Sequence[UserTask]) -> str:
    """The plans of a suite as one text."""
    return "\n".join(f"# {user.id}: {' '.join(user.prompt.split())}\n{user.plan.text}" for user in users)
