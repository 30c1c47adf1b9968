"""A tool as a JSON Schema describes it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from superscalar.errors import UsageError
from superscalar.given import TEXT
from superscalar.plan.evaluate.table import TAKEN
from superscalar.plan.ir.naming import identifier
from superscalar.plan.ir.signatures import Output, Parameter
from superscalar.tools.described import Arguments, Check, Described, as_it_is
from superscalar.tools.function import check_returns, speaker_of, wants_context
from superscalar.tools.inputs import UNSHOWN
from superscalar.tools.json_schema.checking import Checking, result_check
from superscalar.tools.json_schema.nodes import Subschema
from superscalar.tools.json_schema.places import schema_places
from superscalar.tools.json_schema.reading import Schema, read, without_notes
from superscalar.tools.json_schema.records import ObjectShape, RecordField, record_of
from superscalar.tools.json_schema.telling import Teller
from superscalar.tools.secret import Secrets
from superscalar.tools.types import constants_in
from superscalar.weight import Portions


@dataclass(frozen=True, slots=True, kw_only=True)
class FromSchema(Described):
    """A tool as the schemas of what it takes and returns say it.

    `given`: the first, as it was given. `checked`: what gives a result as JSON if the second allows that.
    """

    given: dict[str, Any]
    checking: Checking

    def validator(self, secrets: Secrets, completed: Check) -> Check:
        """Its schema, by jsonschema-rs."""
        return self.checking.check(secrets, completed)

    def portioned(self, secrets: Secrets) -> Callable[[Arguments], Portions[Arguments]]:
        """Likewise, all in one portion."""
        check = self.checking.check(secrets, dict)

        def checking(arguments: Arguments) -> Portions[Arguments]:
            yield from ()
            return check(arguments)

        return checking

    def part(self, names: Collection[str]) -> Check:
        """What it says of some parameters."""
        return self.checking.part(names)

    def schema(self) -> dict[str, Any]:
        """As it was given."""
        return self.given


def described_tool(
    name: str, parameters: Mapping[str, Any], call: Callable[..., Any], returns: Any, description: str
) -> FromSchema:
    """A tool of that name as these schemas describe it; `call` is given the arguments.

    Raises:
        UsageError: a schema cannot be used, or `call` does not take what it describes.
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"Tool.from_schema({name!r}, ...): a tool needs a name")
    TEXT.check("description", description, "Tool.from_schema")
    check_returns(name, call)
    wrong = f"tool {name}: the schema of its parameters"
    schema = read(parameters, wrong)
    record = record_of(schema.root, schema.defs)
    if record is None or not record.told:
        raise UsageError(f"{wrong} is of no object; write {{'type': 'object', 'properties': {{...}}}}")
    for key in sorted(record.needed - record.fields.keys()):
        if record.closed or schema.root.get("properties", {}).get(key) is False:
            raise UsageError(f"{wrong} requires {key!r}, and allows no value for it")
        record.fields[key] = RecordField(True, required=True)
    given_back = None if returns is None else read(returns, f"tool {name}: the schema of what it returns")
    checking = Checking(name, schema, record)
    aliases = _aliases(record.fields)
    names: dict[str, str] = {}
    teller = Teller(schema.defs, names)
    told = tuple(_parameter(teller, checking, record, key, alias) for key, alias in aliases.items())
    telling = Teller(given_back.defs, names) if given_back is not None else None
    shapes = {key: constants_in(teller.shape(field.node)) for key, field in record.fields.items() if field.sure}
    return FromSchema(
        name=name,
        alias=identifier(name, TAKEN),
        description=description,
        parameters=tuple(sorted(told, key=lambda p: not p.required)),
        output=Output() if telling is None or given_back is None else telling.output(given_back.root),
        annotations={key: _annotation(schema, field.node) for key, field in record.fields.items()},
        places={
            key: schema_places(key, aliases[key], field.node, schema.defs, wrong)
            for key, field in record.fields.items()
        },
        shapes={key: shape for key, shape in shapes.items() if shape},
        results=None if telling is None or given_back is None else constants_in(telling.shape(given_back.root)),
        forms=tuple(teller.forms.values()),
        defaults={key: partial(as_it_is, value) for key, value in checking.defaults.items()},
        context=_context(name, call, {p.name: p.required or p.name in checking.defaults for p in told}),
        module=getattr(speaker_of(call), "__module__", None) or "",
        elsewhere=True,
        effect="write",
        identity=json.dumps([_mark(schema), None if given_back is None else _mark(given_back)], sort_keys=True),
        given=schema.given,
        checking=checking,
        checked=None if given_back is None else result_check(name, given_back),
    )


def _aliases(names: Iterable[str]) -> dict[str, str]:
    """What plans call each parameter: its own name where that is an identifier, else one that no other has."""
    given = list(names)
    made = {name: name for name in given if identifier(name) == name}
    taken = set(made)
    for name in given:
        if name not in made:
            alias = stem = identifier(name)
            number = 1
            while alias in taken:
                number += 1
                alias = f"{stem}_{number}"
            made[name] = alias
            taken.add(alias)
    return {name: made[name] for name in given}


def _parameter(teller: Teller, checking: Checking, record: ObjectShape, name: str, alias: str) -> Parameter:
    """One that is given by name only: the keys of an object have no order."""
    field = record.fields[name]
    told = teller.parameter(name, alias, field.node, field.required)
    if name not in checking.defaults:  # one that the schema itself does not allow is none
        told = replace(told, required=field.required, default="")
    if not told.required and not told.default:
        told = replace(told, default=UNSHOWN)
    return replace(told, keyword_only=True, reject=checking.rejecter(name))


def _annotation(schema: Schema, node: Subschema) -> Any:
    """What is asked of a parameter: Any, `str` where any text will do, or the schema as text."""
    plain = without_notes(node)
    if plain in (True, {}):
        return Any
    return str if plain == {"type": "string"} else json.dumps(bare_document(schema, node), sort_keys=True)


def bare_document(schema: Schema, node: Subschema) -> Any:
    """A part of a schema with what it refers to, as far as that says which values are valid."""
    document = schema.document(node)
    return [without_notes(node), {name: without_notes(one) for name, one in document["$defs"].items()}]


def _mark(schema: Schema) -> Any:
    return [schema.dialect, {name: without_notes(one) for name, one in schema.defs.items()}]


def _context(name: str, call: Callable[..., Any], given: Mapping[str, bool]) -> str | None:
    """The parameter of `call` that wants a ToolContext. `given`: what it is given, and whether always.

    Raises:
        UsageError: it does not take the arguments by their names.
    """
    try:
        taken = inspect.signature(call, eval_str=True).parameters
    except (NameError, TypeError, ValueError, SyntaxError):
        return None  # a builtin's: it is called as it is
    context = next((p.name for p in taken.values() if wants_context(p)), None)
    wants = [p for p in taken.values() if p.name != context]
    by_name = {p.name for p in wants if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    needs = [p.name for p in wants if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.default is p.empty]
    unknown = [] if any(p.kind is p.VAR_KEYWORD for p in wants) else [key for key in given if key not in by_name]
    others = [key for key in needs if key not in given or key not in by_name]
    left_out = [key for key in needs if not given.get(key, True)]
    said = ""
    if context in given:
        said = f"a ToolContext as {context!r}, which its schema has, too"
    elif unknown or others:
        said = f"no {unknown[0]!r}" if unknown else f"{others[0]!r}, of which its schema says nothing"
    elif left_out:
        said = f"{left_out[0]!r} always, which its schema lets be left out"
    if said:
        raise UsageError(
            f"tool {name}: {call!r} takes {said}; arguments come by their names: write `def call(**arguments)`"
        )
    return context
