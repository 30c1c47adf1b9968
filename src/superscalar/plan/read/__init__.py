"""Text becomes tasks: everything that knows how a plan is written."""
