"""What is wrong with the lines of a loop of which others cannot be read: a reply may mend them unasked (rule L30)."""

from __future__ import annotations

from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.lowered import StatementContext, lower_statement
from superscalar.plan.read.repairs.outline import as_far_as_read, may_be_of
from superscalar.plan.read.slots import Slot, names_given
from superscalar.plan.read.source import SourceText, parsed


def problems_inside(slot: Slot, around: StatementContext) -> tuple[Diagnostic, ...]:
    """The problems of a loop without the lines that cannot be read. Names may come from those."""
    text, unread = as_far_as_read(slot) if slot.unread is not None and not slot.blocks else ("", "")
    try:
        body = parsed(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    if len(body) != 1:
        return ()
    targets = names_given(body[0], text)
    source = SourceText(text, slot.source.line, slot.source.column, slot.source.margin)
    probe = Slot(slot.place, source, body[0], targets, dict.fromkeys(targets, 1), nameless="for", arm=slot.arm)
    found = lower_statement(probe, around).lowering.problems
    return tuple(problem for problem in found if not may_be_of(problem, unread))
