"""MCP servers as their client sees them: what the configuration says of each, its session, and what it answers.

Nothing here knows what a tool is with us, or a plan: `superscalar.tools.servers` makes tools of what servers list.
"""

from superscalar.mcp.answers import Attachment
from superscalar.mcp.elicitation import AskedField, Elicit, Elicitation

__all__ = ["AskedField", "Attachment", "Elicit", "Elicitation"]
