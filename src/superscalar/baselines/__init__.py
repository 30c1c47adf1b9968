"""What a plan is measured against: agents that take the same tools, limits and models, and answer in other ways."""

from __future__ import annotations

from typing import ClassVar

from superscalar.baselines.react import ReActForm
from superscalar.compiler import LLMCompiler
from superscalar.compiler.native import NativeForm
from superscalar.compiler.ways import Way

__all__ = ["NativeParallel", "NativeReAct", "ReAct", "ReWOO", "Sequential"]


class Sequential(LLMCompiler):
    """Plans as `LLMCompiler` does, and makes one call at a time: what it takes longer is what parallel calls gain."""

    way: ClassVar[Way] = Way("sequential", {"max_concurrency": 1})


class ReWOO(LLMCompiler):
    """Plans as the ReWOO paper does: the whole plan first, then its calls one by one, then the answer. No replans."""

    way: ClassVar[Way] = Way(
        "rewoo", {"syntax": "rewoo", "grammar": False, "max_concurrency": 1, "max_replans": 0}, whole=True
    )


class ReAct(LLMCompiler):
    """Thinks, makes one call, reads its result, and so on, in the text form of the ReAct paper."""

    way: ClassVar[Way] = Way("react", form=ReActForm())


class NativeReAct(LLMCompiler):
    """Makes one native tool call a turn, and reads its result, until it answers."""

    way: ClassVar[Way] = Way("native-react", form=NativeForm(calls=1))


class NativeParallel(LLMCompiler):
    """Makes all native tool calls of a turn at once, reads their results, and so on until it answers."""

    way: ClassVar[Way] = Way("native", form=NativeForm())
