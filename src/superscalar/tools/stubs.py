"""Tools in words, as a planner is shown them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence

from superscalar.plan.ir.signatures import Output, Parameter, Signature


def tool_stub(signature: Signature, told: set[str] | None = None) -> str:
    """A tool as a Python signature with its docstring, and the fields of what it takes and returns if it declares them.

    `told` collects the records to take that were shown, and none of them is shown again.
    """
    parameters = []
    star = False
    for p in signature.parameters:
        if p.keyword_only and not star:
            parameters.append("*")
            star = True
        parameters.append(f"{p.alias}: {p.type}" + ("" if p.required else f" = {p.default}"))
    head = f"{signature.alias}({', '.join(parameters)}) -> {signature.output.type}"
    documentation = [inspect.cleandoc(signature.description)] if signature.description else []
    forms = form_lines(signature)
    documentation += argument_lines(signature)
    documentation += [line for line in forms if told is None or line not in told]
    same = {form.type: [key.name for key in form.keys] for form in signature.forms}
    documentation += _fields(signature.output, same)
    documentation += schema_lines(signature)
    if signature.effect == "write":
        documentation.append("Changes something: call it only if the question asks for that.")
    head = " ".join(head.splitlines())  # a default or a type may have any text
    if told is not None:
        told.update(forms)
    lines = [line for line in "\n".join(documentation).splitlines() if line.strip()]
    return "\n    # ".join([f"{head}  # {lines[0]}", *lines[1:]]) if lines else head


def argument_lines(signature: Signature) -> list[str]:
    """What is to be known of single parameters, one line for each of which there is something to say."""
    about = ((p.alias, p.description, p.bounds) for p in signature.parameters)
    return [f"{alias}: {_joined(text, bounds)}" for alias, text, bounds in about if text or bounds]


def _joined(text: str, bounds: str) -> str:
    return f"{text} ({bounds})" if text and bounds else text or bounds


def form_lines(signature: Signature) -> list[str]:
    """The records that a tool takes, as a plan writes them: one line for each type."""
    return [f"{form.type} is a dict with the keys {', '.join(map(_key, form.keys))}" for form in signature.forms]


def _key(key: Parameter) -> str:
    default = "" if key.required or not key.default else f" = {key.default}"
    about = [_joined(key.description, key.bounds)]
    about += ["may be left out"] if not key.required and not key.default else []
    said = "; ".join(part for part in about if part)
    return f"{key.alias}: {key.type}{default}" + (f" ({said})" if said else "")


def schema_lines(signature: Signature) -> list[str]:
    """What can be had from a tool that lets the plan choose what it returns: one line for each type of one's own."""
    lines: list[str] = []
    for name, output in signature.outputs.items():
        lines += _fields(output, {})
        if name.isidentifier() and not output.fields and output.type != name:
            lines.append(f"{name} is {output.type}")
    return list(dict.fromkeys(lines))


def _fields(output: Output, told: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """What can be reached in a result, one line per record type whose fields are not told already."""
    if output.items is not None:
        yield from _fields(output.items, told)
    elif output.fields:
        if told.get(output.type) != list(output.fields):
            fields = zip(output.written(), output.fields.values(), strict=True)
            inner = ", ".join(f"{name}: {field.type}" for name, field in fields)
            yield f"{output.type} has the fields {inner}"
        for field in output.fields.values():
            yield from _fields(field, told)
