"""An LLM compiler: the plan a model writes runs as a parallel program while it is still being written."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from superscalar.version import __version__ as __version__

if TYPE_CHECKING:
    from superscalar.attachments import Attachment
    from superscalar.compiler import CallResult, CallResults, LLMCompiler, Outcomes, RunResult, RunStream, Warmed
    from superscalar.compiler.plans import SavedPlans
    from superscalar.errors import (
        ApprovalPending,
        InDoubt,
        JoinError,
        JournalError,
        ModelError,
        ModelSetupError,
        NotApproved,
        NotDone,
        PlanError,
        RateLimited,
        RunBusy,
        SuperscalarError,
        TaskFailed,
        ToolsetError,
        UnknownRun,
        UnknownTask,
        UsageError,
    )
    from superscalar.estimate import Estimate
    from superscalar.journal import Journal
    from superscalar.labels import Label, Source, labelled
    from superscalar.models.base import ChatModel, Message, Prices
    from superscalar.observe.observed import ObservedRun
    from superscalar.options import Options
    from superscalar.plan.ir import Input, Plan
    from superscalar.policy import Allow, Argument, Ask, Deny, LabelledCall, Policy, Question
    from superscalar.saved.examining import SavedPlan
    from superscalar.schedule.doubts import CallAgain, Done, Doubt, StillUnknown
    from superscalar.tools import Limit, Retry, Secret, Sink, Tool, ToolCancelled, ToolContext, Toolset, tool
    from superscalar.transient import is_transient
    from superscalar.values import Failure, Observation, Skipped, Usage

# Loaded when first asked for: a command line that prints its help, or a module of tools, needs few of them.
_WHERE = {
    "superscalar.attachments": ("Attachment",),
    "superscalar.compiler": (
        "CallResult",
        "CallResults",
        "LLMCompiler",
        "Outcomes",
        "RunResult",
        "RunStream",
        "Warmed",
    ),
    "superscalar.compiler.plans": ("SavedPlans",),
    "superscalar.errors": (
        "ApprovalPending",
        "InDoubt",
        "JoinError",
        "JournalError",
        "ModelError",
        "ModelSetupError",
        "NotApproved",
        "NotDone",
        "PlanError",
        "RateLimited",
        "RunBusy",
        "SuperscalarError",
        "TaskFailed",
        "ToolsetError",
        "UnknownRun",
        "UnknownTask",
        "UsageError",
    ),
    "superscalar.estimate": ("Estimate",),
    "superscalar.journal": ("Journal",),
    "superscalar.models.base": ("ChatModel", "Message", "Prices"),
    "superscalar.observe.observed": ("ObservedRun",),
    "superscalar.options": ("Options",),
    "superscalar.labels": ("Label", "Source", "labelled"),
    "superscalar.plan.ir": ("Input", "Plan"),
    "superscalar.policy": ("Allow", "Argument", "Ask", "Deny", "LabelledCall", "Policy", "Question"),
    "superscalar.saved.examining": ("SavedPlan",),
    "superscalar.schedule.doubts": ("CallAgain", "Done", "Doubt", "StillUnknown"),
    "superscalar.tools": (
        "Limit",
        "Retry",
        "Secret",
        "Sink",
        "Tool",
        "ToolCancelled",
        "ToolContext",
        "Toolset",
        "tool",
    ),
    "superscalar.transient": ("is_transient",),
    "superscalar.values": ("Failure", "Observation", "Skipped", "Usage"),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "Allow",
    "ApprovalPending",
    "Argument",
    "Ask",
    "Attachment",
    "CallAgain",
    "CallResult",
    "CallResults",
    "ChatModel",
    "Deny",
    "Done",
    "Doubt",
    "Estimate",
    "Failure",
    "InDoubt",
    "Input",
    "JoinError",
    "Journal",
    "JournalError",
    "LLMCompiler",
    "Label",
    "LabelledCall",
    "Limit",
    "Message",
    "ModelError",
    "ModelSetupError",
    "NotApproved",
    "NotDone",
    "Observation",
    "ObservedRun",
    "Options",
    "Outcomes",
    "Plan",
    "PlanError",
    "Policy",
    "Prices",
    "Question",
    "RateLimited",
    "Retry",
    "RunBusy",
    "RunResult",
    "RunStream",
    "SavedPlan",
    "SavedPlans",
    "Secret",
    "Sink",
    "Skipped",
    "Source",
    "StillUnknown",
    "SuperscalarError",
    "TaskFailed",
    "Tool",
    "ToolCancelled",
    "ToolContext",
    "Toolset",
    "ToolsetError",
    "UnknownRun",
    "UnknownTask",
    "Usage",
    "UsageError",
    "Warmed",
    "is_transient",
    "labelled",
    "tool",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from superscalar.forks import MAKING  # here, as a line of help needs none of it

    with MAKING:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
