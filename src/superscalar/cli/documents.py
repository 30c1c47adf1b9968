"""The JSON documents that `--json` prints: one on standard output, whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superscalar.cli.failures import CommandError
from superscalar.compiler.result import RunResult
from superscalar.observe.rows import kind_of
from superscalar.observe.timing import Timing
from superscalar.plan.ir import Call, Compute, Display, Each, Join, Map, Plan, Select, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Parameter, ResourceFunction, Signature
from superscalar.plan.passes.pipeline import Stage
from superscalar.plan.print.program import print_expr
from superscalar.policy import Question
from superscalar.tools import Limit, Tool, Toolset
from superscalar.values import Failure, Observation, Outcome, Skipped, plain, record_fields


def error_document(error: CommandError) -> dict[str, Any]:
    """What went wrong instead of an answer."""
    document: dict[str, Any] = {
        "type": error.kind,
        "message": str(error),
        "diagnostics": [diagnostic_document(diagnostic) for diagnostic in error.diagnostics],
    }
    if error.questions:
        document |= {"run_id": error.run, "questions": [question_document(question) for question in error.questions]}
    if error.outcomes:
        document["outcomes"] = {task: outcome_document(outcome) for task, outcome in error.outcomes.items()}
    return {"error": document}


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


def result_document(result: RunResult, *, answers: bool) -> dict[str, Any]:
    """What a run came to: the same keys whichever command ran it, or shows it.

    A run that `answers` a question has an `answer`, one of a plan the `value` of `join(...)`.
    """
    return {
        "answer" if answers else "value": plain(result.answer),
        "partial": result.partial,
        "complete": result.complete,
        "failed": has_failed(result),
        "run_id": result.run_id,
        "rounds": result.rounds,
        "outcomes": {task: outcome_document(outcome) for task, outcome in result.outcomes.items()},
        "timing": timing_document(result.timing),
        "usage": dict(record_fields(result.usage) or {}),
        "cost": result.cost,
    }


def has_failed(result: RunResult) -> bool:
    """Whether a command exits with 1: an answer was cut, or something that failed stands in a joined value."""
    return not result.complete or _has_failure(result.answer)


def _has_failure(value: Any) -> bool:
    """Whether an outcome that is no success stands anywhere in a joined value; a false condition is no failure."""
    match value:
        case Failure():
            return True
        case Skipped():
            return not value.by_guard and not value.unneeded
        case Mapping():
            return any(map(_has_failure, value.values()))
        case list() | tuple() | set() | frozenset():
            return any(map(_has_failure, value))
        case _:
            fields = record_fields(value)
            return fields is not None and any(map(_has_failure, fields.values()))


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
    document: dict[str, Any] = {"id": task.id, "kind": kind_of(task.work)}
    match task.work:
        case Call(tool, arguments, effect, access):
            document |= {"tool": tool, "arguments": {n: print_expr(e) for n, e in arguments}, "effect": effect}
            if access is not None:
                document["access"] = record_fields(access)
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


def trust_terms(tool: Tool[..., Any]) -> list[str]:
    """What a tool says of its data, in words."""
    terms: list[str] = [] if tool.trust is None else [tool.trust]
    if tool.sinks:
        terms.append(f"sink {', '.join(sorted(tool.sinks))}")
    elif tool.effect == "write":
        terms.append("no sink declared")
    if isinstance(tool.readers, frozenset):
        terms.append(f"only for {', '.join(sorted(tool.readers)) or 'nobody'}")
    elif tool.readers is not None:
        terms.append("readers by its arguments")
    return terms


def signature_text(signature: Signature) -> str:
    """`price(ticker: str, *, currency: str = 'USD') -> float`."""
    parts: list[str] = []
    for parameter in signature.parameters:
        if parameter.keyword_only and "*" not in parts:
            parts.append("*")
        parts.append(_parameter_text(parameter))
    return f"{signature.alias}({', '.join(parts)}) -> {signature.output.type}"


def _parameter_text(parameter: Parameter) -> str:
    return f"{parameter.alias}: {parameter.type}" + ("" if parameter.required else f" = {parameter.default}")


def resource_text(signature: Signature) -> str:
    """The resource that a tool declares: its name, or what that is made of; empty if it declares none."""
    match signature.resource:
        case ResourceFunction(parameters):
            return f"by {', '.join(parameters)}"
        case resource:
            return resource or ""


def limit_text(limit: Limit) -> str:
    """`5 at once, 10 per second`."""
    parts = [f"{limit.concurrency:,} at once"] if limit.concurrency is not None else []
    if limit.rate is not None:
        parts.append(f"{limit.rate:g} per {'second' if limit.per == 1 else f'{limit.per:g} seconds'}")
    if limit.burst > 1:
        parts.append(f"{limit.burst} in a burst")
    return ", ".join(parts) or "no bound"
