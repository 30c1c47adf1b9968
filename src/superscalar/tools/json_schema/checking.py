"""Values against a JSON Schema: defaults are filled in, what does not fit is told, and nothing else is changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from superscalar.forks import MAKING
from superscalar.plan.evaluate.json_text import looks_like_json
from superscalar.tools.context import ArgumentError, ResultError
from superscalar.tools.described import Arguments, Check
from superscalar.tools.json_schema.data import NoJson, as_json
from superscalar.tools.json_schema.nodes import ROOT, Subschema, mapped
from superscalar.tools.json_schema.reading import Schema
from superscalar.tools.json_schema.records import ObjectShape, RecordField, default_in, item_schemas, record_of
from superscalar.tools.json_schema.rust import Checker, compiled
from superscalar.tools.secret import Secrets, lost, refuse_lost
from superscalar.values import WITHHELD

_NO_DEFAULT: Final = object()


class SchemaPart:
    """One part of a schema, and what checks values by it: made when it is first asked for."""

    def __init__(self, schema: Schema, node: Subschema) -> None:
        self._schema = schema
        self._node = node
        self._made: list[Checker] = []

    def wrong(self, value: Any) -> str:
        """What is wrong with a value, which is JSON; empty if nothing is."""
        if not self._made:
            with MAKING:
                self._made.append(compiled(self._schema.document(self._node), "the schema"))
        (checker,) = self._made[:1]
        cost = self._schema.cost
        if why := cost.too_much(value):
            return why
        try:
            if checker.is_valid(value):
                return ""
            if not cost.is_little(value):
                return "it does not fit its schema"
            why, path = checker.error(value)
        except Exception as error:  # noqa: BLE001 -- a number with too many digits, or what is nested too deep for it
            return f"it cannot be checked: {error!s:.200}"
        place = "".join(f"[{step!r}]" for step in path)
        return f"{why}, at {place}" if place else why


class Defaults:
    """Fills in the defaults that a schema declares. One that the schema itself does not allow is none."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._known: dict[int, Any] = {}
        self._records: dict[int, ObjectShape | None] = {}
        self._has: dict[int, bool] = {}

    def of(self, field: RecordField) -> Any:
        """The default of a field, or `_NO_DEFAULT`."""
        if not field.sure:
            return _NO_DEFAULT
        key = id(field.node)
        if key not in self._known:
            self._known[key] = _NO_DEFAULT  # while it is made: in itself it has none
            found = default_in(field.node, self._schema.defs)
            if found and not SchemaPart(self._schema, field.node).wrong(found[0]):
                self._known[key] = self.filled(found[0], field.node)
        return self._known[key]

    def declared(self, record: ObjectShape) -> dict[str, Any]:
        """The defaults of the fields of an object, by name."""
        made = {name: self.of(field) for name, field in record.fields.items()}
        return {name: default for name, default in made.items() if default is not _NO_DEFAULT}

    def filled(self, value: Any, node: Subschema) -> Any:
        """A value with the defaults of what is left out in it, wherever it is clear which schema that has."""
        if type(value) is list and value and self._holds(node):
            first, others = item_schemas(node, self._schema.defs)
            return [self.filled(item, first[i] if i < len(first) else others) for i, item in enumerate(value)]
        if type(value) is dict and self._holds(node):
            if id(node) not in self._records:
                self._records[id(node)] = record_of(node, self._schema.defs)
            record = self._records[id(node)]
            if record is not None:
                fields = record.fields
                known = {key: self.filled(item, fields[key].node) for key, item in value.items() if key in fields}
                left = {name: field for name, field in fields.items() if name not in value}
                return value | known | copy.deepcopy(self.declared(ObjectShape(left)))
        return value

    def _holds(self, node: Subschema) -> bool:
        """Whether there is a default in a schema or in what it refers to."""
        if id(node) not in self._has:
            self._has[id(node)] = any(map(_has_default, (node, *self._schema.document(node)["$defs"].values())))
        return self._has[id(node)]


def _has_default(node: Subschema) -> bool:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "default" in one:
                return True
            mapped(one, waiting.append)
    return False


class Checking:
    """The arguments of one tool: `record` has its parameters, `defaults` those that have one."""

    def __init__(self, tool: str, schema: Schema, record: ObjectShape) -> None:
        self._tool = tool
        self._record = record
        self._whole = SchemaPart(schema, {"$ref": f"#/$defs/{ROOT}"})
        self._parts = {
            name: SchemaPart(schema, field.node if field.sure else True) for name, field in record.fields.items()
        }
        self._filling = Defaults(schema)
        self.defaults = self._filling.declared(record)

    def check(self, secrets: Secrets, completed: Check) -> Check:
        """As `Described.validator` says."""

        def check(arguments: Arguments) -> Arguments:
            found = self._fitting(arguments, secrets)
            left = {name: default for name, default in self.defaults.items() if name not in found}
            if why := self._whole.wrong(found | left):
                raise ArgumentError(self._told(found, secrets, why))
            return completed(found)

        return check

    def part(self, names: Collection[str]) -> Check:
        """As `Described.part` says."""

        def check(arguments: Arguments) -> Arguments:
            found = self._fitting(arguments, {})
            if wrong := [text for name in names if name in found and (text := self._wrong(name, found[name], {}))]:
                raise ArgumentError("; ".join(wrong))
            return found

        return check

    def rejecter(self, name: str) -> Callable[[Any], str | None]:
        """What says why a constant is no value for a parameter."""

        def reject(constant: Any) -> str | None:
            try:
                value = self._filling.filled(as_json(constant), self._record.fields[name].node)
                return self._parts[name].wrong(value) or None
            except NoJson as error:
                return str(error)

        return reject

    def _fitting(self, arguments: Mapping[str, Any], secrets: Secrets) -> Arguments:
        """The arguments as JSON, with what is filled in within them."""
        refuse_lost(self._tool, arguments, secrets)
        found: Arguments = {}
        for name, value in arguments.items():
            if value is WITHHELD:
                raise ArgumentError(lost(self._tool, name))
            if (field := self._record.fields.get(name)) is None:
                raise ArgumentError(f"{self._tool}() has no parameter `{name}`")
            try:
                found[name] = self._filling.filled(as_json(value), field.node)
            except NoJson as error:
                raise ArgumentError(f"{self._tool}(): `{name}`: {error}") from None
        return found

    def _told(self, found: Arguments, secrets: Secrets, why: str) -> str:
        """What is wrong with arguments: with each by itself, or with all of them together."""
        missing = [
            f"{self._tool}() needs `{name}`"
            for name, field in self._record.fields.items()
            if field.required and name not in found and name not in self.defaults
        ]
        wrong = [text for name, value in found.items() if (text := self._wrong(name, value, secrets))]
        said = f"{self._tool}(): {why if not secrets else 'the arguments do not fit together'}"
        return "; ".join([*missing, *wrong] or [said])

    def _wrong(self, name: str, value: Any, secrets: Secrets) -> str:
        why = self._parts[name].wrong(value)
        if not why:
            return ""
        if name in secrets:
            return f"{self._tool}(): `{name}`, which is a secret, does not fit its schema"
        out = "; if that is JSON, write parse_json(...) around it in the plan" if looks_like_json(value) else ""
        return f"{self._tool}(): `{name}`: {why}{out}"


def result_check(tool: str, schema: Schema) -> Callable[[Any], Any]:
    """What gives the result of a tool as JSON if its schema allows that.

    It raises `ResultError`, which says why not.
    """
    whole = SchemaPart(schema, {"$ref": f"#/$defs/{ROOT}"})

    def checked(result: Any) -> Any:
        try:
            found = as_json(result)
        except NoJson as error:
            raise ResultError(f"{tool}() returned what is no JSON, though it declares a schema: {error}") from None
        if why := whole.wrong(found):
            raise ResultError(f"{tool}() returned what its schema does not allow: {why}")
        return found

    return checked
