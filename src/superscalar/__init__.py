"""An LLM compiler: the plan a model writes runs as a parallel program while it is still being written."""

from superscalar.compiler import LLMCompiler, Outcomes, RunResult, RunStream
from superscalar.errors import (
    JoinError,
    ModelError,
    ModelSetupError,
    NotDone,
    PlanError,
    RateLimited,
    SuperscalarError,
    UsageError,
)
from superscalar.models.base import ChatModel, Message
from superscalar.plan import Plan
from superscalar.tools import Limit, Retry, Tool, ToolCancelled, ToolContext, Toolset, tool
from superscalar.values import Failure, Observation, Skipped, Usage

__version__ = "0.1.0"

__all__ = [
    "ChatModel",
    "Failure",
    "JoinError",
    "LLMCompiler",
    "Limit",
    "Message",
    "ModelError",
    "ModelSetupError",
    "NotDone",
    "Observation",
    "Outcomes",
    "Plan",
    "PlanError",
    "RateLimited",
    "Retry",
    "RunResult",
    "RunStream",
    "Skipped",
    "SuperscalarError",
    "Tool",
    "ToolCancelled",
    "ToolContext",
    "Toolset",
    "Usage",
    "UsageError",
    "tool",
]
