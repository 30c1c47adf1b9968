"""The arguments of a numbered call as Python's syntax tree: references are names, text with holes f-strings (L26)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir import Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Parameter, Signature
from superscalar.plan.read.fronts.papers.cutting import CallText, Segment
from superscalar.plan.read.fronts.papers.dialect import (
    CLOSED,
    ESCAPED,
    HOLE,
    NEWLINE,
    OPENED,
    REFERENCE,
    STAND_INS,
    PaperDialect,
)
from superscalar.plan.read.lowering.body import key_twice
from superscalar.plan.read.source import SourceText, parsed
from superscalar.plan.read.translated import give_place, made, settle, span_of

_KEYWORD = re.compile(r"\s*([^\W\d][\w.-]*)\s*=(?!=)\s*")
_CONSTANTS = {"true": True, "false": False, "null": None}
_PLAIN_TYPES = frozenset({"str", "int", "float", "bool"})
_QUOTE = "put text in quotes"


class Unresolved(NamedTuple):
    """A number in text that may be a reference to a step which has not come yet, and where the text stands.

    `braced`: it is written as nothing but a reference is.
    """

    number: int
    span: Span
    braced: bool


class Found(NamedTuple):
    """What the arguments of a call came to. `maybe`: numbers in text that no step has yet."""

    arguments: list[ast.expr]
    keywords: list[ast.keyword]
    problems: list[Diagnostic]
    notes: list[str]
    maybe: list[Unresolved]


class ArgumentReader:
    """Reads the arguments of one call.

    `meaning(number)` says what a number refers to: a step before this one (True), itself or a later one (False), or
    none so far (None). `own_tools`: aliases by the names that tools call themselves. `inputs`: the names that stand for
    what the plan is given; as text they are in quotes.
    """

    def __init__(
        self,
        call: CallText,
        dialect: PaperDialect,
        signature: Signature | None,
        own_tools: dict[str, str],
        meaning: Callable[[int], bool | None],
        inputs: Collection[str] = (),
    ) -> None:
        self._call = call
        self._dialect = dialect
        self._signature = signature
        self._parameters = signature.parameters if signature else ()
        self._own_tools = own_tools
        self._meaning = meaning
        self._inputs = inputs
        self._found = Found([], [], [], [], [])
        sign, letter = re.escape(dialect.sign), dialect.letter
        path = r"((?:\.[^\W\d_]\w*|\[-?\d{1,9}\])*)"
        bare = r"(\d++)(?!\.\d|,\d{3}(?!\d))"  # $1.50 and $1,000 are amounts
        self._hole = re.compile(rf"{HOLE}{letter}(?:\{{(\d{{1,9}})\}}|{bare}){path}")
        self._hole_in_formatted = re.compile(rf"{REFERENCE}{letter}(?:{OPENED}(\d+){CLOSED}|{bare}){path}")
        self._unquoted = re.compile(rf"\\{sign}|{sign}(?={letter}(?:\d|\{{\d{{1,9}}\}}))")

    def read(self) -> Found:
        """All of them."""
        segments = list(self._call.segments)
        for segment in segments:
            if (strange := STAND_INS.search(segment.written)) is not None:
                message = f"the character U+{ord(strange.group()):04X} cannot stand in a plan"
                self._problem(message, "leave it out", self._call.written.span)
                return self._found
        if segments and not segments[-1].written.strip():
            segments.pop()
        if len(self._parameters) == 1 and len(segments) > 1 and self._is_one_text(segments):
            segments = [self._whole(segments)]
        named = False
        positional = [parameter for parameter in self._parameters if not parameter.keyword_only]
        for index, segment in enumerate(segments):
            keyword = _KEYWORD.match(segment.layout)
            parameter = self._named(keyword[1]) if keyword else None
            if keyword and (parameter is not None or len(self._parameters) != 1):
                named = True
                alias = parameter.alias if parameter else keyword[1]
                value = self._value(_behind(segment, keyword.end()), parameter)
                self._found.keywords.append(_keyword(alias, value))
            else:
                parameter = positional[index] if index < len(positional) and not named else None
                self._found.arguments.append(self._value(segment, parameter))
        self._spread()
        return self._found

    def _is_one_text(self, segments: list[Segment]) -> bool:
        """Whether what has commas in it is one unquoted text all the same: the tool takes one argument."""
        first, *rest = segments
        begin = _KEYWORD.match(first.layout)
        if begin and self._named(begin[1]) is not None:
            first = _behind(first, begin.end())
        return _may_be_unquoted(first) and any(self._is_words(segment) for segment in (first, *rest))

    def _is_words(self, segment: Segment) -> bool:
        try:
            tree = _parsed(segment.layout)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return True
        return any(self._is_free(node) for node in ast.walk(tree))

    def _is_free(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Name) or node.id in _CONSTANTS or node.id in self._inputs:
            return False
        return self._number(node.id) is None

    def _number(self, name: str) -> int | None:
        """What a name refers to, if it is a reference; `$1st` is none."""
        digits = name.removeprefix(REFERENCE + self._dialect.letter)
        return int(digits) if digits != name and len(digits) < 10 and digits.isdecimal() else None

    def _whole(self, segments: list[Segment]) -> Segment:
        first = segments[0]
        written = ",".join(segment.written for segment in segments)
        layout = ",".join(segment.layout for segment in segments)
        return Segment(written, layout, first.line, first.column)

    def _named(self, name: str) -> Parameter | None:
        return next((p for p in self._parameters if name in (p.alias, p.name)), None)

    def _spread(self) -> None:
        """`tool[{"query": "x"}]`: the arguments as one object."""
        match self._found.arguments:
            case [ast.Dict(keys=keys, values=values)] if not self._found.keywords and self._parameters:
                names = [key.value if isinstance(key, ast.Constant) else None for key in keys]
                meant = [self._named(name) if isinstance(name, str) else None for name in names]
                plain = self._parameters[0].type in _PLAIN_TYPES
                named = any(meant) if plain else len(self._parameters) > 1 and None not in meant
                if not meant or not named or not all(isinstance(name, str) for name in names):
                    return
                self._found.arguments.clear()
                for name, parameter, value in zip(names, meant, values, strict=True):
                    alias = str(name) if parameter is None else parameter.alias
                    self._found.keywords.append(_keyword(alias, value))
                self._note("arguments given as one object")

    # ------------------------------------------------------------------------------------------------- one value

    def _value(self, segment: Segment, parameter: Parameter | None) -> ast.expr:
        text = segment.written.strip()
        line, column = _place(segment)
        whole = SourceText(segment.layout.strip(), line, column).span(None)
        if not text:
            return self._problem("an argument is missing between two commas", "leave out the comma", whole)
        unquoted = _may_be_unquoted(segment)
        try:
            tree = _parsed(segment.layout)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return self._unparsed(text, unquoted, error, whole)
        settle(tree, SourceText(_bracketed(segment.layout), line, column - 1))
        if unquoted and self._is_text(tree, parameter):
            return self._words(text, whole)
        try:
            return _Resolving(self).visit(tree)  # type: ignore[no-any-return]
        except RecursionError:
            return self._problem("this is nested too deeply", "let a tool make what is long", whole, "E402")

    def _unparsed(self, text: str, unquoted: bool, error: Exception, span: Span) -> ast.expr:
        if unquoted:
            return self._words(text, span)
        if isinstance(error, RecursionError | MemoryError) or "too many nested" in str(error):
            return self._problem("this is nested too deeply", "let a tool make what is long", span, "E402")
        writes = self._signature is not None and self._signature.effect == "write"
        one_text = len(self._call.segments) == len(self._parameters) == 1 and not writes
        if one_text and text[0] in "\"'" and text[-1] == text[0] and len(text) > 1 and "\n" not in text:
            self._note("text with quotes inside its quotes")
            return self._text(self._marked(text[1:-1]), span, self._hole)
        return self._problem("this argument cannot be read", f'{_QUOTE}, and write \\" for a quote in it', span)

    def _is_text(self, tree: ast.expr, parameter: Parameter | None) -> bool:
        """Whether an unquoted argument that is an expression of Python, too, was meant as text."""
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        called = {function for function in calls if isinstance(function, ast.Name) and self._is_callable(function.id)}
        if any(self._is_free(node) and node not in called for node in ast.walk(tree)):
            return True
        if any(function.id not in FUNCTIONS for function in called):
            return False
        text_wanted = parameter is not None and parameter.type == "str"
        return text_wanted and not isinstance(tree, ast.Name | ast.Attribute | ast.Subscript | ast.JoinedStr)

    def _is_callable(self, name: str) -> bool:
        return name in FUNCTIONS or name in self._own_tools

    def _words(self, text: str, span: Span) -> ast.expr:
        """Unquoted text."""
        if self._call.missing and "\n" in text:
            return self._problem(f"nothing closes `{self._call.missing[-1]}`", _QUOTE, span)
        if self._dialect.quotes and not re.fullmatch(r"-?[\d.]+", text):
            self._note("unquoted text")
        return self._text(self._marked(text), span, self._hole)

    def _marked(self, text: str) -> str:
        return self._unquoted.sub(lambda found: ESCAPED if found.group()[0] == "\\" else HOLE, text)

    # ------------------------------------------------------------------------------------------------- references

    def reference(self, number: int, span: Span) -> ast.expr:
        """A reference outside text."""
        if self._meaning(number):
            return made(ast.Name(self._dialect.variable_of(number), ast.Load()), span)
        return self._not_before(number, span)

    def _not_before(self, number: int, span: Span) -> ast.expr:
        spelled = self._dialect.spelled(number)
        if number == self._call.number:
            message, help = f"`{spelled}` is this step itself", "refer to a step above it"
        else:
            message, help = f"`{spelled}` is not defined yet", "refer to a step above it, or move that one up"
        return self._problem(message, f"{help}; write \\{spelled} for text", span, "E102")

    def text(self, value: str, span: Span, *, formatted: bool = False) -> ast.expr:
        """Quoted text, with what it refers to."""
        return self._text(value, span, self._hole_in_formatted if formatted else self._hole)

    def _text(self, value: str, span: Span, pattern: re.Pattern[str]) -> ast.expr:
        parts: list[ast.expr] = []
        position = 0
        for found in pattern.finditer(value):
            digits = found[1] or found[2]
            number = int(digits) if len(digits) < 10 else -1
            meaning = self._meaning(number)
            if meaning is None:
                self._found.maybe.append(Unresolved(number, span, braced=bool(found[1])))
                continue
            hole = _part(self.reference(number, span), found[3]) if meaning else self._not_before(number, span)
            if found.span() == (0, len(value)):
                return made(hole, span)
            if position < found.start():
                parts.append(ast.Constant(self.restored(value[position : found.start()])))
            parts.append(ast.FormattedValue(hole, -1, None))
            position = found.end()
        rest = self.restored(value[position:])
        if not parts:
            return made(ast.Constant(rest), span)
        return made(ast.JoinedStr([*parts, ast.Constant(rest)] if rest else parts), span)

    def restored(self, text: str) -> str:
        """Text without the signs that stand for others."""
        sign = self._dialect.sign
        text = text.replace(ESCAPED, sign).replace(HOLE, sign).replace(REFERENCE, sign)
        return text.replace(OPENED, "{").replace(CLOSED, "}").replace(NEWLINE, "\n")

    # ------------------------------------------------------------------------------------------------- what is said

    def name(self, node: ast.Name) -> ast.expr:
        """A name outside text: a reference, a constant of JSON, or a word in a collection."""
        span = span_of(node)
        number = self._number(node.id)
        if number is not None:
            return self.reference(number, span)
        if node.id in self._inputs:
            return made(ast.Name(node.id, ast.Load()), span)
        if node.id in _CONSTANTS:
            self._note(f"`{node.id}` for `{_CONSTANTS[node.id]}`")
            return made(ast.Constant(_CONSTANTS[node.id]), span)
        word = self.restored(node.id)
        return self._problem(f"`{word}` is no value", f'{_QUOTE}: "{word}"', span)

    def word(self, node: ast.Name) -> ast.expr:
        """A word in a list: unquoted text."""
        self._note("unquoted text")
        return made(ast.Constant(node.id), span_of(node))

    def alias(self, name: str) -> str:
        """The alias of a tool."""
        return self._own_tools.get(name, name)

    def is_word(self, node: ast.expr) -> bool:
        """Whether a node is nothing but an unquoted word."""
        return isinstance(node, ast.Name) and self._is_free(node) and not node.id.startswith(REFERENCE)

    def _note(self, what: str) -> None:
        if what not in self._found.notes:
            self._found.notes.append(what)

    def key_twice(self, key: ast.Constant) -> ast.expr:
        """What stands for an object with a key twice: of the two values neither is taken."""
        return self._problem(f"`{key.value!s:.80}` comes twice", "write it once", span_of(key), "E306")

    def _problem(self, message: str, help: str, span: Span, code: str = "E001") -> ast.expr:
        if not self._found.problems:  # the first is said; who mends it will hear of the others
            self._found.problems.append(self._call.written.problem(code, message, help, span))
        return made(ast.Constant(None), span)


class _Resolving(ast.NodeTransformer):
    """Replaces stand-ins by what they stand for."""

    def __init__(self, reader: ArgumentReader) -> None:
        self._reader = reader

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._reader.name(node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        return self._reader.text(node.value, span_of(node)) if STAND_INS.search(node.value) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        span = span_of(node)
        values: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                text = self._reader.text(str(part.value), span, formatted=True)
                values += text.values if isinstance(text, ast.JoinedStr) else [_in_text(text)]
            else:
                values.append(self.visit(part))
        node.values = values
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = node.func
        self.generic_visit_arguments(node)
        if isinstance(function, ast.Name) and not function.id.startswith(REFERENCE):
            node.func = made(ast.Name(self._reader.alias(function.id), ast.Load()), span_of(function))
        else:
            node.func = self.visit(function)
        return node

    def generic_visit_arguments(self, node: ast.Call) -> None:
        node.args = [self.visit(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)

    def visit_List(self, node: ast.List) -> ast.expr:
        node.elts = self._items(node.elts)
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        node.elts = self._items(node.elts)
        return node

    def visit_Set(self, node: ast.Set) -> ast.expr:
        node.elts = self._items(node.elts)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        if (twice := key_twice(node)) is not None:
            return self._reader.key_twice(twice)
        node.keys = [key and self._item(key) for key in node.keys]
        node.values = self._items(node.values)
        return node

    def _items(self, items: Iterable[ast.expr]) -> list[ast.expr]:
        return [self._item(item) for item in items]

    def _item(self, item: ast.expr) -> ast.expr:
        if isinstance(item, ast.Name) and self._reader.is_word(item):
            return self._reader.word(item)
        return self.visit(item)  # type: ignore[no-any-return]


def _in_text(node: ast.expr) -> ast.expr:
    return node if isinstance(node, ast.Constant) else ast.copy_location(ast.FormattedValue(node, -1, None), node)


def _part(base: ast.expr, path: str) -> ast.expr:
    """`.field` and `[0]` behind a reference in text."""
    for step in re.findall(r"\.(\w+)|\[(-?\d+)\]", path):
        if step[0]:
            base = ast.Attribute(base, step[0], ast.Load())
        else:
            index = int(step[1])
            number: ast.expr = ast.Constant(abs(index))
            base = ast.Subscript(base, ast.UnaryOp(ast.USub(), number) if index < 0 else number, ast.Load())
    return base


def _parsed(layout: str) -> ast.expr:
    """The expression in a segment; its places count the bracket before it.

    Raises:
        SyntaxError: it is none.
    """
    if "\0" in layout:
        raise ValueError("null byte")
    match parsed(_bracketed(layout)).body:
        case [ast.Expr(value=value)]:
            return value
    raise SyntaxError("more than one expression")


def _bracketed(layout: str) -> str:
    return f"({layout.strip()}\n)"


def _place(segment: Segment) -> tuple[int, int]:
    """Line and column where the stripped text of a segment begins."""
    before = segment.layout[: len(segment.layout) - len(segment.layout.lstrip())]
    if "\n" in before:
        return segment.line + before.count("\n"), len(before) - before.rfind("\n") - 1
    return segment.line, segment.column + len(before)


def _behind(segment: Segment, position: int) -> Segment:
    """What stands behind the name of a keyword argument."""
    name = segment.layout[:position]
    line = segment.line + name.count("\n")
    column = position - name.rfind("\n") - 1 if "\n" in name else segment.column + position
    begin = segment.written.index("=") + 1
    return Segment(segment.written[begin:].lstrip(), segment.layout[position:], line, column)


def _may_be_unquoted(segment: Segment) -> bool:
    """Whether an argument may be unquoted text: it does not begin like text in quotes or a collection."""
    text = segment.layout.lstrip()
    return not re.match(r"[fFrRbBuU]{0,2}[\"']|[\[({]", text)


def _keyword(alias: str, value: ast.expr) -> ast.keyword:
    keyword = ast.keyword(alias, value)
    give_place(keyword, span_of(value))
    return keyword
