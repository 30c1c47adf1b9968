"""What a tool declares, in lines of text: what a saved plan remembers of the tools that it was reviewed with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from superscalar.plan.ir.signatures import Output, Parameter, ResourceFunction
from superscalar.plan.print.program import print_plan
from superscalar.tools.plans import CalledPlan
from superscalar.tools.tool import Tool
from superscalar.tools.trust import TrustedFields
from superscalar.unseen import revealed

_PLAN: Final = "holds a plan "


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool by the name that plans call it, and each thing that it declares as a line: `takes ticker: str`."""

    name: str
    says: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What is the same for tools that declare the same."""
        return hashlib.sha256("\n".join((self.name, *self.says)).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def facts_of(name: str, tool: Tool[..., Any]) -> ToolFacts:
    """What a tool declares that decides what a plan that calls it does, and may do; no descriptions."""
    return ToolFacts(name, tuple(map(_line, _says(tool))))


def changes_of(before: ToolFacts, now: ToolFacts | None) -> list[str]:
    """What is not as it was, a line for each parameter or term; nothing where both are the same."""
    if now is None:
        was_plan = any(line.startswith(_PLAN) for line in before.says)
        why = "this saved plan is no tool now: it is not approved, or does not fit its own tools"
        return [f"`{before.name}`: {why if was_plan else 'there is no such tool any more'}"]
    if before.digest == now.digest:
        return []
    was, is_now = _by_subject(before.says), _by_subject(now.says)
    told: list[str] = []
    for subject in dict.fromkeys((*was, *is_now)):
        old, new = was.get(subject), is_now.get(subject)
        if old == new:
            continue
        if new is None:
            told.append(f"`{before.name}` no longer {old}")
        else:
            told.append(f"`{before.name}` now {new}" + ("" if old is None else f"; before: {old}"))
    return told or [f"`{before.name}` declares the same in another order"]


def _by_subject(says: Iterable[str]) -> dict[str, str]:
    """The lines by what each is about: `takes ticker`, `gives`."""
    return {line.partition(":")[0] if line.startswith("takes ") else line.partition(" ")[0]: line for line in says}


def _line(text: str) -> str:
    return revealed(" ".join(text.split()))


def _says(tool: Tool[..., Any]) -> Iterator[str]:
    signature = tool.signature
    yield f"is {', '.join(_terms(tool))}"
    if tool.plan is not None:
        yield f"{_PLAN}{_digest_of(tool.plan)}"
    for parameter in signature.parameters:
        yield f"takes {_parameter_text(parameter)}"
    for form in signature.forms:
        yield f"takes a {form.type}: {'; '.join(map(_parameter_text, form.keys))}"
    yield f"gives {_output_text(signature.output)}"
    for name, output in signature.outputs.items():
        yield f"gives-{name} {_output_text(output)}"


def _digest_of(held: CalledPlan) -> str:
    """What is the same for plans that say the same and call tools that declare the same."""
    called = (facts_of(alias, tool) for alias, tool in sorted(held.called.items()))
    return ToolFacts(print_plan(held.plan.tasks), tuple(fact.digest for fact in called)).digest


def _parameter_text(parameter: Parameter) -> str:
    default = "" if parameter.required else f" = {parameter.default}"
    return f"{parameter.alias}: {parameter.type}{default}" + (f" ({parameter.bounds})" if parameter.bounds else "")


def _output_text(output: Output) -> str:
    if output.items is not None:
        return f"{output.type} of {_output_text(output.items)}" if output.items.fields else output.type
    if not output.fields:
        return output.type
    inner = ", ".join(
        f"{name}: {_output_text(field)}" for name, field in zip(output.written(), output.fields.values(), strict=True)
    )
    return f"{output.type} {{{inner}}}"


def _terms(tool: Tool[..., Any]) -> Iterator[str]:
    """What decides whether a call may happen, in which order, and what it can be trusted with."""
    terms, signature = tool.terms, tool.signature
    yield tool.effect if signature.effect_declared else f"{tool.effect} (not declared)"
    if tool.trust is not None:
        yield tool.trust
    if fields := _fields(terms.trusted_fields):
        yield f"vouches for {' '.join(fields)}"
    match signature.resource:
        case ResourceFunction(parameters):
            yield f"resource by {', '.join(parameters)}"
        case str(name):
            yield f"resource {name}"
    for word, names in (
        ("sink", sorted(tool.sinks)),
        ("content", sorted(terms.content)),
        ("secret", sorted(tool.secrets)),
        ("only for", _readers(tool.readers)),
        ("read by", _readers(tool.reads)),
    ):
        if names:
            yield f"{word} {' '.join(names)}"
    if tool.idempotent:
        yield "idempotent"
    if tool.shares and tool.effect != "pure":
        yield "one call for identical ones"
    if signature.server:
        yield f"of the server {signature.server}"


def _fields(vouched: TrustedFields) -> list[str]:
    """The parts of a result that a tool vouches for, in an order of their own: it may have named them as a set."""
    if isinstance(vouched, Mapping):
        return [f"{path}={pattern}" for path, pattern in sorted(vouched.items())]
    return [vouched] if isinstance(vouched, str) and vouched else sorted(vouched)


def _readers(readers: object) -> list[str]:
    if readers is None:
        return []
    return sorted(readers) or ["nobody"] if isinstance(readers, frozenset) else ["those that its arguments name"]
