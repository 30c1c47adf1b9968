"""A run, its plan and its tools as JSON data: what `--json` prints, and what a page is sent."""

from __future__ import annotations

from typing import Any

from superscalar.labels import Label
from superscalar.observe.provenance import Made
from superscalar.observe.rows import row_kind
from superscalar.observe.timing import Timing
from superscalar.observe.wording import resource_text, signature_text
from superscalar.plan.ir import Call, Compute, Display, Each, Join, Map, Plan, Select, Supplied, Task
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.passes.pipeline import Stage
from superscalar.plan.print.program import print_expr
from superscalar.policy import Question
from superscalar.tools import Toolset
from superscalar.values import Failure, Observation, Outcome, Skipped, plain, record_fields


def question_document(question: Question) -> dict[str, Any]:
    """What a person is asked; of a plan as a whole, `task` and `tool` are empty."""
    return {
        "task": question.task_id,
        "tool": question.tool,
        "arguments": plain(question.arguments),
        "origins": dict(question.origins),
        "why": question.why,
        "plan": question.plan,
        "writes": list(question.writes),
        "answered_by": question.answered_by,
    }


def diagnostic_document(diagnostic: Diagnostic) -> dict[str, Any]:
    """One finding; lines and columns count from 1, the end is exclusive."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": diagnostic.file,
        "line": span.line,
        "column": span.column + 1,
        "end_line": span.end_line,
        "end_column": span.end_column + 1,
        "label": diagnostic.label,
        "help": diagnostic.help,
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """How one task ended, and with what."""
    match outcome:
        case Observation(value):
            return {"state": "done", "value": plain(value)}
        case Failure():
            document: dict[str, Any] = {"state": "failed", "kind": outcome.kind, "message": str(outcome)}
            flags = {"in_doubt": outcome.in_doubt, "abandoned": outcome.abandoned}
            document |= {name: True for name, raised in flags.items() if raised}
            return document | _items_document(outcome)
        case Skipped(unneeded=True):
            return {"state": "skipped", "needed": False}
        case Skipped():
            document = {"state": "skipped", "because": outcome.because, "by_guard": outcome.by_guard}
            return document | _items_document(outcome)


def _items_document(outcome: Failure | Skipped) -> dict[str, Any]:
    """The items of what is not complete; with `keys`, where they have some, and the indices of those `adrift`."""
    if outcome.items is None:
        return {}
    document: dict[str, Any] = {"items": [outcome_document(item) for item in outcome.items]}
    if outcome.holder.kind == "dict":
        document["keys"] = [plain(key) for key in outcome.holder.keys]
    if outcome.holder.adrift:
        document["adrift"] = list(outcome.holder.adrift)
    return document


def timing_document(timing: Timing) -> dict[str, Any]:
    """Seconds, to the microsecond."""
    fields = record_fields(timing) or {}
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in fields.items()}


def plan_document(plan: Plan, text: str) -> dict[str, Any]:
    """A plan: its text, its tasks, what was found."""
    found = [warning for warning in plan.warnings if isinstance(warning, Diagnostic)]
    return {
        "plan": text,
        "tasks": [task_document(task) for task in plan.tasks],
        "warnings": [diagnostic_document(diagnostic) for diagnostic in found],
    }


def task_document(task: Task) -> dict[str, Any]:
    """One task: what it does, and what it waits for."""
    document: dict[str, Any] = {"id": task.id, "kind": row_kind(task.work)}
    match task.work:
        case Call(tool, arguments, effect, access):
            document |= {
                "tool": told_name(tool),
                "arguments": {n: print_expr(e) for n, e in arguments},
                "effect": effect,
            }
            if access is not None:
                document["access"] = record_fields(access)
        case Supplied(input):
            document |= {"type": input.type, "required": input.required}
        case Compute(value):
            document |= {"value": print_expr(value)}
        case Map(source, body=body, chained=chained):
            document |= {"source": source, "body": [task_document(inner) for inner in body]}
            if chained:
                document["chained"] = list(chained)
        case Display(kind, items):
            document |= {"type": kind, "items": list(items)}
        case Select(condition, then, otherwise):
            document |= {"condition": condition, "then": then, "otherwise": otherwise}
        case Each(loop, tasks, last=last):
            document |= {"loop": loop, "tasks": list(tasks), "last": last}
        case Join(items):
            document |= {"items": [{"name": name, "task": item} for name, item in items]}
    document["needs"] = list(dict.fromkeys(need.task for need in task.needs))
    if task.guards:
        document["guards"] = [{"condition": g.condition, "expected": g.expected} for g in task.guards]
    if task.after:
        document["after"] = list(task.after)
    if task.thought:
        document["thought"] = task.thought
    return document


def stage_document(stage: Stage) -> dict[str, Any]:
    """A plan after one pass, and what that did to it."""
    return {
        "name": stage.name,
        "purpose": stage.purpose,
        "tasks": [task_document(task) for task in stage.tasks],
        "notes": [{"task": note.task, "text": note.text} for note in stage.notes],
    }


def tools_document(toolset: Toolset) -> dict[str, Any]:
    """The tools as plans see them, and the limits on their calls."""
    tools = []
    for signature in toolset.signatures:
        tool = toolset.get(signature.alias)
        tools.append(
            {
                "name": signature.name,
                "alias": signature.alias,
                "signature": signature_text(signature),
                "description": signature.description,
                "schemas": {name: output.written() or output.type for name, output in signature.outputs.items()},
                "effect": signature.effect,
                "effect_declared": signature.effect_declared,
                "resource": resource_text(signature) or None,
                "dedupe": signature.shares,
                "limits": list(tool.limits) if tool is not None else [],
                "max_batch": tool.batched.max_batch if tool is not None and tool.batched is not None else 1,
                "trust": tool.trust if tool is not None else None,
                "sinks": sorted(tool.sinks) if tool is not None else [],
                "confidential": tool is not None and tool.readers is not None,
            }
        )
    return {
        "tools": tools,
        "limits": {name: record_fields(limit) for name, limit in toolset.limits.items()},
    }


def made_document(made: Made) -> dict[str, Any]:
    """How a value was made, as JSON data; what stands there before, or is too deep down, has no inputs."""
    document: dict[str, Any] = {
        "id": made.id,
        "text": made.text,
        "tool": made.tool or None,
        "outcome": None if made.outcome is None else outcome_document(made.outcome),
        **label_document(made.label),
        "parts": [{"path": path, **label_document(label)} for path, label in made.parts],
    }
    if made.told:
        return document | {"told_before": True}
    return document | {
        "inputs": [made_document(one) for one in made.inputs],
        "because": [made_document(one) for one in made.because],
    }


def label_document(label: Label) -> dict[str, Any]:
    """A label as JSON data; `readers`: null is everybody."""
    return {
        "trusted": label.trusted,
        "sources": [source._asdict() for source in sorted(label.sources)],
        "readers": None if label.readers is None else sorted(label.readers),
    }
