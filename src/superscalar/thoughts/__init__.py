"""Thoughts as tasks: calls that ask a model one thing, for plans that think in parallel, score, vote, merge, refine."""

from superscalar.thoughts.toolset import thoughts

__all__ = ["thoughts"]
