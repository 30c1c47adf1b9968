"""Tools: plain functions with a name, a signature, an effect and terms. Facts about calls; nothing here decides."""

from superscalar.tools.context import ArgumentError, ResultError, ToolCancelled, ToolContext
from superscalar.tools.secret import Secret
from superscalar.tools.terms import Limit, Retry
from superscalar.tools.tool import Tool, tool
from superscalar.tools.toolset import Toolset
from superscalar.tools.trust import Sink

__all__ = [
    "ArgumentError",
    "Limit",
    "ResultError",
    "Retry",
    "Secret",
    "Sink",
    "Tool",
    "ToolCancelled",
    "ToolContext",
    "Toolset",
    "tool",
]
