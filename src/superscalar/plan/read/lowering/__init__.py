"""From the syntax tree of one statement to tasks, and what is wrong with it."""
