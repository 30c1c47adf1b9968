"""An LLM compiler: the plan a model writes runs as a parallel program while it is still being written."""

__version__ = "0.1.0"
