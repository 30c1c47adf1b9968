"""What a plan says above its text of its inputs: read as `plan.print.header` writes it, in every syntax.

Only whoever compiles a whole plan asks for it. To a planner's reply nobody does: there, such a line is a comment.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from superscalar.plan.evaluate.bounds import MAX_INPUTS, MAX_SOURCE
from superscalar.plan.ir import NOWHERE, UNBOUND, Input, Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.print.header import DECLARES
from superscalar.plan.read.source import parsed

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line as the readers of plans see lines: other signs that end some are parts of it."""
_MARK: Final = re.compile(r"\s*(?:#.*)?")
_IN_JSON: Final = re.compile(r'\s*\{\s*("inputs"\s*:\s*)')
_KEYS: Final = {"type", "default", "description", "secret"}
_HELP: Final = "write # input limit: int = 5"
_JSON_HELP: Final = 'write {"inputs": {"limit": {"type": "int", "default": 5}}, "steps": [...]}'


class DeclaredLine(NamedTuple):
    """An input as the header of a plan declares it, and where."""

    input: Input
    span: Span
    line: str

    @property
    def unknown(self) -> DeclaredLine:
        """The same name for anything."""
        return self._replace(input=Input(name=self.input.name))

    def problem(self, message: str, help: str = _HELP) -> Diagnostic:
        """What is wrong with it."""
        return Diagnostic("E104", message, self.span, self.line, help=help)


class PlanHeader(NamedTuple):
    """The inputs that a plan declares, what cannot be read of them, and the text without them, each line in its place.

    A name whose line cannot be read stands for anything, so that one mistake is one error.
    """

    text: str
    declared: tuple[DeclaredLine, ...]
    problems: tuple[Diagnostic, ...] = ()

    def checked(self, check: Callable[[Input], Input]) -> PlanHeader:
        """The same with each input as `check` gives it, which raises `ValueError` where that is none."""
        made: list[DeclaredLine] = []
        problems = [*self.problems]
        names: set[str] = set()
        for line in self.declared:
            try:
                if line.input.name in names:
                    raise ValueError(f"there is an input `{line.input.name}` already")
                names.add(line.input.name)
                made.append(line._replace(input=check(line.input)))
            except ValueError as error:
                problems.append(line.problem(str(error)))
                known = {one.input.name for one in made}
                made += [line.unknown] if line.input.name.isidentifier() and line.input.name not in known else []
        if len(self.declared) > MAX_INPUTS:
            more = f"a plan has at most {MAX_INPUTS} inputs, and these are {len(self.declared)}"
            problems.append(self.declared[MAX_INPUTS].problem(more, "keep those that differ from run to run"))
        return PlanHeader(self.text, tuple(made), tuple(sorted(problems, key=lambda problem: problem.span.line)))

    def instead(self, inputs: Iterable[Input]) -> PlanHeader:
        """The same text under a header that declares these."""
        return PlanHeader(self.text, tuple(DeclaredLine(input, NOWHERE, "") for input in inputs))

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs, in their order."""
        return tuple(line.input for line in self.declared)


def headed(source: str) -> PlanHeader:
    """A plan's text without its header, and what that says."""
    if len(source) > MAX_SOURCE:
        return PlanHeader(source, ())  # which says so of itself
    begin = _IN_JSON.match(source)
    return _above(source) if begin is None else _first_key(source, begin.start(1), begin.end())


# ------------------------------------------------------------------------------------------------------ as comments


def _above(source: str) -> PlanHeader:
    lines = _LINE.findall(source)
    declared: list[DeclaredLine] = []
    problems: list[Diagnostic] = []
    for number, line in enumerate(lines):
        text = line.rstrip("\r\n")
        if _MARK.fullmatch(text.removeprefix("\ufeff")) is None:
            break
        found = DECLARES.match(text)
        if found is None:
            continue
        place = Span(number + 1, found.start("name"), number + 1, len(text))
        said = DeclaredLine(Input(name=found["name"], secret=found["secret"] is not None), place, text)
        try:
            said = said._replace(input=_read(said.input, found["rest"]))
        except _ProseError:
            continue
        except ValueError as error:
            problems.append(said.problem(str(error)))
        declared.append(said)
        lines[number] = line[len(text) :]
    return PlanHeader("".join(lines), tuple(declared), tuple(problems))


class _ProseError(Exception):
    """It is a comment that only begins as an input does."""


def _read(begun: Input, rest: str) -> Input:
    """What stands behind the colon: a type, perhaps a default, perhaps a description behind a sign of its own."""
    declaration, described = _cut_at_comment(rest)
    try:
        match parsed(f"x: {declaration}").body:
            case [ast.AnnAssign(annotation=annotation, value=value)]:
                pass
            case _:
                raise _ProseError
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _ProseError from None
    default: Any = UNBOUND
    if value is not None:
        try:
            default = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise ValueError(f"the default of `{begun.name}` is no constant") from None
    return Input(ast.unparse(annotation), default, described, begun.secret, begun.name)


def _cut_at_comment(text: str) -> tuple[str, str]:
    """Text before the first `#` that stands in no quotes, and behind it."""
    quote = ""
    escaped = False
    for place, sign in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "#":
            return text[:place].strip(), text[place + 1 :].strip()
    return text.strip(), ""


# --------------------------------------------------------------------------------------------------------- in JSON


class _HeaderObject(dict[str, Any]):
    """An object; `twice`: the names that stand in it once more."""

    twice: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> _HeaderObject:
        """What these names and values are."""
        made = cls(pairs)
        if len(made) < len(pairs):
            counted = Counter(name for name, _ in pairs)
            made.twice = tuple(name for name, times in counted.items() if times > 1)
        return made


def _first_key(source: str, begin: int, value_at: int) -> PlanHeader:
    try:
        value, end = json.JSONDecoder(object_pairs_hook=_HeaderObject.of).raw_decode(source, value_at)
    except (ValueError, RecursionError):
        return PlanHeader(source, ())  # the reader says what is wrong
    behind = re.compile(r"\s*,?").match(source, end)
    end = end if behind is None else behind.end()
    line = source.count("\n", 0, begin) + 1
    column = begin - source.rfind("\n", 0, begin) - 1
    place = Span(line, column, line, column + len('"inputs"'))
    shown = source.splitlines()[line - 1]
    taken_out = re.sub(r"[^\r\n]", " ", source[begin:end])
    text = source[:begin] + taken_out + source[end:]
    if not isinstance(value, _HeaderObject):
        return PlanHeader(text, (), (Diagnostic("E104", "`inputs` is an object", place, shown, help=_JSON_HELP),))
    declared: list[DeclaredLine] = []
    problems = [
        DeclaredLine(Input(name=name), place, shown).problem(f"there is an input `{name}` already", _JSON_HELP)
        for name in value.twice
    ]
    for name, said in value.items():
        one = DeclaredLine(Input(name=name), place, shown)
        try:
            declared.append(one._replace(input=_of_object(name, said)))
        except ValueError as error:
            problems.append(one.problem(str(error), _JSON_HELP))
    return PlanHeader(text, tuple(declared), tuple(problems))


def _of_object(name: str, said: Any) -> Input:
    given = {"type": said} if isinstance(said, str) else said
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise ValueError(f"the input `{name}` has no type")
    if isinstance(given, _HeaderObject) and given.twice:
        raise ValueError(f"the input `{name}` has `{given.twice[0]}` twice")
    if others := list(_others(given)):
        raise ValueError(f"the input `{name}` has {', '.join(others)}")
    secret, description = given.get("secret", False), given.get("description", "")
    if not isinstance(secret, bool) or not isinstance(description, str):
        raise ValueError(f"of the input `{name}`, `secret` is true or false, and `description` a text")
    return Input(given["type"], given.get("default", UNBOUND), description, secret, name)


def _others(given: dict[str, Any]) -> Iterator[str]:
    return (f"a `{key}`, which inputs do not have" for key in given if key not in _KEYS)
