"""What a task that failed can say: a page with each kind of failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from superscalar.values import FailureKind


class Kind(NamedTuple):
    """When a failure is of a kind, whether its tool was called, and what to do about it."""

    when: str
    called: str
    do: str


KINDS: Final[Mapping[FailureKind, Kind]] = {
    "error": Kind(
        "The tool raised; `error` is the class of it.",
        "yes",
        "Mend the tool, or raise what says more: `NotDone` if a write surely did not happen, `RateLimited` if it was refused. `retry=` calls it again.",
    ),
    "timeout": Kind(
        "The tool's `timeout` passed.",
        "yes",
        "Give it more (`@tool(timeout=)`), or have it answer in parts. A write is in doubt.",
    ),
    "arguments": Kind(
        "The arguments did not fit its parameters once they had values.",
        "no",
        "Declare what tools return and take, so that plans are checked before they run.",
    ),
    "denied": Kind(
        "A rule, or a person, said no; the message has the rule and its reason.",
        "no",
        "See [security](security.md#modes-and-rules-of-your-own) and the event `Decided`. Declare where data comes from (`trust=`, `readers=`) if it is wrong.",
    ),
    "cancelled": Kind(
        "The run was cancelled, or the tool cancelled itself.",
        "perhaps",
        "Raise `ToolCancelled` where a tool means that; resume the run if it was recorded.",
    ),
    "deadline": Kind(
        "`deadline=` passed before it was done.",
        "perhaps",
        "Give the run more time, or the tool less to do. The answer is made of what there is.",
    ),
    "budget": Kind(
        "`max_tokens`, `max_cost` or `max_bytes` of the run is spent; see the event `BudgetSpent`.",
        "no",
        "Raise the budget, or ask for less.",
    ),
    "evaluation": Kind(
        "An expression of the plan has no value: an index that is not there, a division by zero, a failed `assert`.",
        "no",
        "Write `default(x, fallback)` where that may be; declare the types of results.",
    ),
    "bounds": Kind(
        "A bound of the language or of the run was reached: steps, size, `max_tasks`, `max_fan_out`.",
        "perhaps",
        "Let a tool do what is large, or raise the bound (see [options](options.md)).",
    ),
    "items": Kind(
        "Some items of a list or dict have no value; `items` has the outcome of each.",
        "see its items",
        "`ok(xs)` keeps those that succeeded, `default(xs[0], y)` is for one of them.",
    ),
}


def page() -> str:
    """`docs/failures.md`."""
    lines = [
        "# What a failure says",
        "",
        "A task that failed leaves a `Failure` in `result.outcomes`, in the place of its value: `kind`, `message`, `error` (the class of what was raised), `in_doubt`",
        "(a write that may have happened all the same), `abandoned` (the call did not end when it was told to) and `items`. It skips what needs its",
        "value, and nothing else: that is a `Skipped`, which names what it is `because` of. `outcomes.failures` has those that failed, by task.",
        "",
        "| kind | when | was the tool called | what to do |",
        "|---|---|---|---|",
        *(f"| `{kind}` | {said.when} | {said.called} | {said.do} |" for kind, said in KINDS.items()),
        "",
        "Which of these are tried again, and when, is said of [limits and retries](tools.md).",
    ]
    return "\n".join(lines) + "\n"
