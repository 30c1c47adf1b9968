"""A gateway beside what else runs programs of tool calls for agents, over the same servers."""
