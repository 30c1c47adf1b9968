"""MCP servers as their client sees them: what the configuration says of each, its session, and what it answers.

Nothing here knows what a tool is with us, or a plan: `superscalar.tools.servers` makes tools of what servers list.
"""

import warnings
from typing import Any

from superscalar.mcp.elicitation import AskedField, Elicit, Elicitation

__all__ = ["AskedField", "Elicit", "Elicitation"]


def __getattr__(name: str) -> Any:
    if name != "Attachment":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from superscalar.attachments import Attachment

    warnings.warn("superscalar.mcp.Attachment is superscalar.Attachment now", DeprecationWarning, stacklevel=2)
    return Attachment
