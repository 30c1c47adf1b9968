"""What a plan would take, before it runs: how many calls, writes, tokens and seconds, and what they cost."""

from superscalar.estimate.figures import Between, Estimate, ModelEstimate, ToolEstimate

__all__ = ["Between", "Estimate", "ModelEstimate", "ToolEstimate"]
