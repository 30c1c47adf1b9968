"""What a plan would take of an agent: before it runs, and in the question whether it may."""

from __future__ import annotations

from collections.abc import Iterator

from superscalar import joiner
from superscalar.compiler.equipment import Equipment
from superscalar.estimate.estimating import Basis, estimate_of, model_estimate
from superscalar.estimate.figures import Between, Estimate, ModelEstimate
from superscalar.plan.ir import Plan
from superscalar.short import CHARACTERS_PER_TOKEN


def plan_estimate(equipment: Equipment, plan: Plan, question: str | None = None) -> Estimate:
    """Estimate a plan; with a question, with the answer that the joiner writes to it."""
    basis = Basis(
        tools=equipment.tools,
        bounds=equipment.options,
        limits=equipment.limits,
        runners=equipment.runners,
        durations=equipment.durations.known(),
    )
    return estimate_of(plan, basis, () if question is None else _answering(equipment, question))


def _answering(equipment: Equipment, question: str) -> Iterator[ModelEstimate]:
    """What one answer asks of the joiner: its prompt without results, and with as many as it is shown at the most.

    Of several models it is the first, and files do not count.
    """
    if not equipment.joiners:
        return
    told = equipment.options
    turns = joiner.messages(equipment.joining(last=False), (), question, "", equipment.told_joiner)
    bare = sum(len(turn.text) for turn in turns) // CHARACTERS_PER_TOKEN
    read = Between(bare, bare + told.max_result_tokens)
    yield model_estimate("joiner", equipment.joiners[0], Between(1, 1), read, told.max_answer_tokens)
