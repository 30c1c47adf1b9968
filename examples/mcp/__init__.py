"""A shop behind an MCP server, and an agent that calls it: reviews are other people's text, orders are writes."""
