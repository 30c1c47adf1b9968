"""The `json` front end (rule L28), for endpoints that write nothing but structured output.

    {"steps": [
       {"thought": "I need its height.", "id": "everest", "tool": "search", "arguments": {"query": "Mount Everest"}},
       {"id": "half", "tool": "math", "arguments": {"problem": {"$text": ["half of ", {"$ref": "everest"}]}}}],
     "join": {"height": {"$ref": "everest", "path": ["results", 0, "metres"]}, "half": {"$ref": "half"}}}

The plan is one object with `steps`, a list, and then `join`, which may be left out.

A step has, in any order, `tool` (the tool's alias, or its own name), `arguments` (an object: by alias, or by own name;
may be left out where there are none), `id` (a name as Python has them, which no other step has; may be left out where
nothing refers to it) and `thought` (text; may be left out). It has nothing else: order comes from references (L8). An
argument that may be left out, and is never null, is left out by null: endpoints that bind a model want each of them.

A value, at any depth of `arguments` and in `join`, is JSON data or one of three objects, which alone have a key that
begins with `$`:

- `{"$ref": "everest"}`: what an earlier step left behind; `"path"`, a list of field names and item numbers, leads to a
  part of it; null is no path.
- `{"$text": ["half of ", {"$ref": "everest"}]}`: text in which values are inserted.
- `{"$value": ...}`: JSON data as it stands, whatever its keys. Text is never scanned for references (L9).

`join`: a reference is the result; a list, several; an object, named ones; nothing, null or empty, all steps (L6).
"""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from superscalar.plan.ir import Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Signature, Signatures
from superscalar.plan.print.steps import json_steps
from superscalar.plan.read.fronts.front import TAXES, Front, Prompt
from superscalar.plan.read.fronts.json_stream import Elements, JsonElement
from superscalar.plan.read.fronts.reader import TextReader
from superscalar.plan.read.fronts.reading_on import ReadOn
from superscalar.plan.read.program import Program, ProgramStep
from superscalar.plan.read.source import SourceText, parsed
from superscalar.plan.read.translated import Translated, Written, give_place, made, settle, span_of, statement
from superscalar.short import brief

_FORM = '{"id": "name", "tool": "tool", "arguments": {"parameter": value}}'
_KEYS = ("id", "tool", "arguments", "thought")
_FORMS = {
    "$ref": 'a reference is {"$ref": "id"} or {"$ref": "id", "path": ["field", 0]}',
    "$text": 'text with references is {"$text": ["so ", {"$ref": "id"}]}',
    "$value": 'data that is no reference is {"$value": data}',
}


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object as its pairs, so that a key which comes twice shows."""

    pairs: tuple[tuple[str, Any], ...]


class StepsReader:
    """Reads a plan in JSON into a `Program`. A step comes out when its object is complete, `join` at the plan's end.

    `notes`: what was tolerated about the plan, said of each step.
    """

    def __init__(self, program: Program, *, notes: Sequence[str] = ()) -> None:
        self.program = program
        self.ended = False
        self._notes = notes
        self._elements = Elements("steps")
        self._ids: set[str] = set()
        self._keys: set[str] = set()
        self._join: JsonElement | None = None
        self._tools = program.signatures.aliases()

    @property
    def line(self) -> int:
        """The number of the line that is being read, from 1."""
        return self._elements.line

    def read(self, text: str) -> Iterator[ProgramStep]:
        """Take the next piece."""
        for element in self._elements.feed(text):
            yield from self._take(element)

    def end(self) -> Iterator[ProgramStep]:
        """The text ended as it should."""
        if self._elements.closed or self.ended:
            return
        line, text = self._elements.last
        begun = self._elements.begun
        message = "the plan ends before its last bracket is closed" if begun else "there is no plan"
        help = "write the rest of it, up to the last }" if begun else f'write {{"steps": [{_FORM}], "join": value}}'
        written = Written(text, line, Span(line, max(len(text) - 1, 0), line, max(len(text), 1)))
        yield from self._broken("join()", written, written.problem("E003", message, help))

    def cut(self) -> Iterator[ProgramStep]:
        """The text was cut."""
        yield from ()

    def _take(self, element: JsonElement) -> Iterator[ProgramStep]:
        written = Written(element.text, element.line, _span(element), element.column)
        if element.problem:
            self.ended = True
            yield from self._broken("", written, written.problem("E001", element.problem, "write valid JSON"))
        elif element.key is None:
            yield from self._step(element, written)
        elif element.key == "join" and "join" not in self._keys:
            self._join = element
        elif element.key in self._keys or element.text or element.key not in ("", "steps"):
            message = f"a plan has no `{element.key}`" if element.key else "this has no name"
            if element.key in self._keys:
                message = f"`{element.key}` comes twice"
            elif element.key == "steps":
                message = "`steps` is a list"
            problem = written.problem("E001", message, 'a plan has "steps" and "join", each once')
            yield from self._broken("join()", written, problem)
        if element.key:
            self._keys.add(element.key)
        if element.last:
            yield from self._close(written)

    def _close(self, written: Written) -> Iterator[ProgramStep]:
        """The object that is the plan has ended."""
        self.ended = True
        if "steps" not in self._keys:
            problem = written.problem("E001", "the plan has no `steps`", f'write {{"steps": [{_FORM}], "join": value}}')
            yield from self._broken("join()", written, problem)
        elif self._join is not None:
            yield from self._joined(self._join)

    # ---------------------------------------------------------------------------------------------------- statements

    def _step(self, element: JsonElement, written: Written) -> Iterator[ProgramStep]:
        reading = _StepReading(element, written, self.program.signatures, self._tools)
        value = reading.whole()
        id, call, thought = "", None, ""
        if isinstance(value, _Object):
            call = reading.call(value)
            id, thought = reading.text_of(value, "id"), reading.text_of(value, "thought")
            if id:
                reading.check_id(id, id in self._ids)
                self._ids.add(id)
        elif not reading.problems:
            reading.wrong("a step is an object", f"write {_FORM}")
        name = id if id.isidentifier() else ""
        if reading.problems or call is None:
            tool = self._tools.get(reading.tool, reading.tool)
            tool = tool if tool.isidentifier() else "tool"
            text = f"{name} = {tool}()" if name else ""
            yield from self._broken(text, written, reading.problems[0])
        else:
            tree, source = statement(name, call, written)
            yield from self.program.statement(tree, source, thought=thought, notes=self._notes)

    def _joined(self, element: JsonElement) -> Iterator[ProgramStep]:
        written = Written(element.text, element.line, _span(element), element.column)
        reading = _StepReading(element, written, self.program.signatures, self._tools)
        call = reading.join(reading.whole())
        if reading.problems:
            yield from self._broken("join()", written, reading.problems[0])
        else:
            tree, source = statement("", call, written)
            yield from self.program.statement(tree, source)

    def _broken(self, text: str, written: Written, problem: Diagnostic) -> Iterator[ProgramStep]:
        yield from self.program.unreadable(Translated(text, written.line, written=written), problem)


def _span(element: JsonElement) -> Span:
    return SourceText(element.text, element.line, element.column).span(None)


class _StepReading:
    """Turns one JSON value into Python's syntax tree. `problems`: what is wrong with it. `tool`: what a step calls.

    The values are those of a JSON parser. Python's own parser, which reads all of JSON, says where they stand.
    """

    def __init__(self, element: JsonElement, written: Written, signatures: Signatures, tools: dict[str, str]) -> None:
        self._text = element.text
        self._source = SourceText(element.text, element.line, element.column)
        self._written = written
        self._signatures = signatures
        self._tools = tools
        self._places: ast.expr | None = None
        self.problems: list[Diagnostic] = []
        self.tool = ""

    def whole(self) -> Any:
        """The value, objects as `_Object`s; None if it cannot be read."""
        if not self._text:
            self.wrong("nothing stands between two commas", "leave one of them out")
            return None
        try:
            value = json.loads(self._text, object_pairs_hook=_pairs, parse_constant=_refused)
            match parsed(self._text.replace("\r", " ")).body:
                case [ast.Expr(value=places)]:
                    settle(places, self._source)
                    self._places = places
        except RecursionError:
            self._deep()
        except ValueError as error:
            at = getattr(error, "pos", 0)
            line, column = self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at) - 1
            why = getattr(error, "msg", str(error))
            if "integer string conversion" in why:
                why = "a number has too many digits"
            self.wrong(f"this is no JSON: {why}", "write valid JSON", self._source.at(line, column))
        except (SyntaxError, MemoryError):
            self._deep()
        else:
            return value
        return None

    def _deep(self) -> None:
        self.wrong("this is nested too deeply", "make it in several steps", code="E402")

    def wrong(self, message: str, help: str, span: Span | None = None, code: str = "E001") -> ast.expr:
        """Note the first problem; what stands for the value."""
        if not self.problems:
            self.problems.append(self._written.problem(code, message, help, span))
        return made(ast.Constant(None), span or self._written.span)

    def text_of(self, step: _Object, key: str) -> str:
        """The text at a key of a step."""
        value = dict(step.pairs).get(key)
        if value is None or isinstance(value, str):
            return value or ""
        self.wrong(f"`{key}` is text", f"write {_FORM}")
        return ""

    def check_id(self, id: str, repeated: bool) -> None:
        """An id is a name of the program, and no other step has it."""
        if repeated:
            self.wrong(f"there is a step `{id}` already", "give it another id", code="E103")
        elif not id.isidentifier() or keyword.iskeyword(id) or not id.isascii():
            help = "an id has letters, digits and _, and begins with a letter"
            self.wrong(f"`{brief(id, 80)}` cannot be an id", help, code="E101")

    def call(self, step: _Object) -> ast.expr | None:
        """What a step calls."""
        self._once(step, self._places)
        given = dict(step.pairs)
        for key in given.keys() - set(_KEYS):
            order = "depend" in key or "after" in key
            help = "leave it out: the order comes from references" if order else f"a step is {_FORM}"
            self.wrong(f"a step has no `{brief(key, 80)}`", help)
        self.tool = self.text_of(step, "tool")
        if not self.tool:
            self.wrong("the step calls no tool", f"write {_FORM}")
        places = _at(self._places, "arguments")
        arguments = given.get("arguments", _Object(()))
        if not isinstance(arguments, _Object):
            self.wrong("`arguments` is an object", f"write {_FORM}", _span_of(places) or None)
            return None
        self._once(arguments, places)
        alias = self._tools.get(self.tool, self.tool)
        signature = self._signatures.get(alias)
        keywords = []
        for index, (name, value) in enumerate(arguments.pairs):
            if value is None and signature is not None and _is_left_out(signature, name):
                continue
            place = _value_at(places, index)
            argument = ast.keyword(signature.argument(name) if signature else name, self._value(value, place, 1))
            give_place(argument, _span_of(place) or self._written.span)
            keywords.append(argument)
        function = made(ast.Name(alias, ast.Load()), _span_of(_at(self._places, "tool")) or self._written.span)
        call = ast.Call(function, [], keywords)
        give_place(call, self._written.span)
        return call

    def join(self, value: Any) -> ast.expr:
        """The final `join(...)`."""
        places = self._places
        arguments: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        if isinstance(value, list) and len(value) != 1:
            arguments = [self._value(item, _item_at(places, index), 1) for index, item in enumerate(value)]
        elif isinstance(value, _Object) and not _is_form(value) and all(map(_is_name, dict(value.pairs))):
            self._once(value, places)
            for index, (name, item) in enumerate(value.pairs):
                place = _value_at(places, index)
                keywords.append(ast.keyword(name, self._value(item, place, 1)))
                give_place(keywords[-1], _span_of(place) or self._written.span)
        elif value is not None:
            arguments = [self._value(value, places, 1)]
        call = ast.Call(made(ast.Name("join", ast.Load()), self._written.span), arguments, keywords)
        give_place(call, self._written.span)
        return call

    # -------------------------------------------------------------------------------------------------------- values

    def _value(self, value: Any, place: ast.expr | None, depth: int, *, data: bool = False) -> ast.expr:
        span = _span_of(place) or self._written.span
        node: ast.expr
        match value:
            case _Object() if not data and _is_form(value):
                return self._form(value, place, depth, span)
            case _Object(pairs):
                self._once(value, place)
                keys: list[ast.expr | None] = [made(ast.Constant(key), span) for key, _ in pairs]
                values = [self._value(v, _value_at(place, i), depth + 1, data=data) for i, (_, v) in enumerate(pairs)]
                node = ast.Dict(keys, values)
            case list():
                items = [self._value(v, _item_at(place, i), depth + 1, data=data) for i, v in enumerate(value)]
                node = ast.List(items, ast.Load())
            case int() | float() if not isinstance(value, bool) and str(value).startswith("-"):
                node = ast.UnaryOp(ast.USub(), ast.Constant(-value))
                return made(node, span)
            case _:
                return made(ast.Constant(value), span)
        give_place(node, span)
        return node

    def _form(self, value: _Object, place: ast.expr | None, depth: int, span: Span) -> ast.expr:
        """A reference, a text with references, or data."""
        self._once(value, place)
        match dict(value.pairs):
            case {"$ref": str(id), **more} if more.keys() <= {"path"} and isinstance(more.get("path"), list | None):
                return self._reference(id, more.get("path") or [], span)
            case {"$text": list(parts), **more} if not more:
                return self._template(parts, depth, span)
            case {"$value": data, **more} if not more:
                return self._value(data, _value_at(place, 0), depth, data=True)
        form = next(key for key, _ in value.pairs if key.startswith("$"))
        return self.wrong(f"`{brief(form, 80)}` is not used so", _FORMS.get(form, "; ".join(_FORMS.values())), span)

    def _reference(self, id: str, path: list[Any], span: Span) -> ast.expr:
        node: ast.expr = ast.Name(id, ast.Load())
        for part in path:
            if isinstance(part, str) and _is_name(part):
                node = ast.Attribute(node, part, ast.Load())
            elif isinstance(part, str) or type(part) is int:
                node = ast.Subscript(node, self._value(part, None, 0), ast.Load())
            else:
                return self.wrong("a path has field names and item numbers", _FORMS["$ref"], span)
        return made(node, span)

    def _template(self, parts: list[Any], depth: int, span: Span) -> ast.expr:
        values: list[ast.expr] = []
        text = ""
        for part in parts:
            if isinstance(part, str):
                text += part
            elif isinstance(part, _Object) and _is_form(part):
                inner = self._value(part, None, depth + 1)
                for value in inner.values if isinstance(inner, ast.JoinedStr) else [_hole(inner)]:
                    if isinstance(value, ast.Constant):
                        text += str(value.value)
                    else:
                        values += [ast.Constant(text), value] if text else [value]
                        text = ""
            else:
                return self.wrong("`$text` holds text and references", _FORMS["$text"], span)
        if not values:
            return made(ast.Constant(text), span)
        return made(ast.JoinedStr([*values, ast.Constant(text)] if text else values), span)

    def _once(self, value: _Object, place: ast.expr | None) -> None:
        """A key stands once in an object."""
        seen: set[str] = set()
        for key, _ in value.pairs:
            if key in seen:
                self.wrong(f"`{brief(key, 80)}` comes twice", "write it once", _span_of(place) or None)
            seen.add(key)


def _is_left_out(signature: Signature, name: str) -> bool:
    """Whether a null is none of the values of an argument that may be left out."""
    alias = signature.argument(name)
    found = next((parameter for parameter in signature.parameters if parameter.alias == alias), None)
    return found is not None and not found.required and found.reject(None) is not None


def _is_form(value: _Object) -> bool:
    return any(key.startswith("$") for key, _ in value.pairs)


def _hole(value: ast.expr) -> ast.expr:
    """A value as a part of text; one that is known already is text."""
    try:
        return ast.Constant(str(ast.literal_eval(value)))
    except ValueError:
        return ast.FormattedValue(value, -1, None)


def _is_name(key: str) -> bool:
    return key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("_")


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    return _Object(tuple(pairs))


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _at(place: ast.expr | None, key: str) -> ast.expr | None:
    """Where the value of a key stands."""
    if isinstance(place, ast.Dict):
        for name, value in zip(place.keys, place.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                return value
    return None


def _value_at(place: ast.expr | None, index: int) -> ast.expr | None:
    return place.values[index] if isinstance(place, ast.Dict) and index < len(place.values) else None


def _item_at(place: ast.expr | None, index: int) -> ast.expr | None:
    return place.elts[index] if isinstance(place, ast.List) and index < len(place.elts) else None


def _span_of(place: ast.expr | None) -> Span | None:
    if place is None:
        return None
    return span_of(place)


_LANGUAGE: Final = """\
You write plans. A plan is a JSON object whose steps call tools to find out what a question asks for. Someone else reads their results and answers.

- {"steps": [{"id": "a", "tool": "name", "arguments": {...}}, ...], "join": [...]}; join has all that the answer needs.
- Write a step for every single thing that is asked for: steps run in parallel. An id is a name of your own.
- {"$ref": "a"} stands for the result of an earlier step, {"$ref": "a", "path": ["field", 0]} for a part of it, {"$text": ["about ", {"$ref": "a"}]} for text with a result in it. They may stand in arguments and in join.
- Arguments come from the question or from results, never made up. Leave out optional ones that the question does not mention.
- If no tool is needed, write only {"steps": [], "join": []}."""

_EXAMPLES: Final = (
    (
        TAXES,
        """\
{"steps": [{"id": "lima", "tool": "tax", "arguments": {"amount": 30, "city": "Lima"}}, {"id": "quito", "tool": "tax", "arguments": {"amount": 45, "city": "Quito"}}], "join": [{"$ref": "lima"}, {"$ref": "quito"}]}""",
    ),
    ("Question: Thank you!", '{"steps": [], "join": []}'),
)

JSON: Final = Front(
    name="json",
    looks_like=re.compile(r'\s*(?:\{\s*(?:"|$|\})|\[\s*(?:\{|$))').match,
    reader=lambda program, prose: ReadOn(TextReader(program, StepsReader(program)), begins="{", prose=prose),
    writer=json_steps,
    prompt=Prompt(
        _LANGUAGE,
        _EXAMPLES,
        mend="The plan has errors:\n\n{lines}\n\nSteps that are right stay. Write a plan of the corrected steps only.",
        missing="Write a plan of the steps that are missing only, with their join; all ids so far can be referred to.",
        more="Write a plan of new steps that get what is missing; all ids so far can be referred to.",
    ),
    by_line=False,
)
