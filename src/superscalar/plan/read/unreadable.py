"""What is wrong with text that is no statement, in words that help whoever wrote it (the E001 of diagnostics)."""

from __future__ import annotations

import ast
import keyword
import re
import sys

from superscalar.plan.evaluate.bounds import MAX_BITS
from superscalar.plan.ir import Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.lines import Problem
from superscalar.plan.read.lowering.refusals import refused_construct
from superscalar.plan.read.source import SourceText

_FORM = "write one complete statement: name = tool(argument, option=value)"
_WORDS = re.compile(r"[^\W\d][\w'’-]*[,:;]?(?: +[\w'’\"“”`%$-]+[,:;.!?]*){2,}$")
_F_STRING = re.compile(r"(?<![\w])(?:[fF][rR]?|[rR][fF])[\"']")
_KEYWORD_ARGUMENT = re.compile(r"[(,]\s*(" + "|".join(keyword.kwlist) + r")\s*=(?!=)")
_NAME = r"[^\W\d]\w*"
_BEGINNINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:\d+[.)]|[-*•]) +\S"), "begin the line with the name: no number and no bullet before it"),
    (re.compile(r"(?:join|return) +(?![=(])(.+)", re.IGNORECASE), r"write join(\1)"),
    (re.compile(rf"(?:let|const|var|val|my|set) +({_NAME}) *= *(.+)", re.IGNORECASE), r"write \1 = \2"),
    (re.compile(rf"({_NAME}) *(?::=|<-) *(.+)"), r"write \1 = \2"),
    (re.compile(rf"(.+\)) *(?:->|=>|\bas\b|\binto\b) *({_NAME})"), r"write \2 = \1"),
    (re.compile(rf"({_NAME}) *\+\+"), r"write \1 += 1"),
    (re.compile(rf"({_NAME}) *--"), r"write \1 -= 1"),
    (re.compile(r"else +if\b(.*?):?"), r"write elif\1:"),
    (re.compile(rf"({_NAME} *= *)new +(.+)"), r"write \1\2"),
    (re.compile(rf"((?:{_NAME} *= *)?)({_NAME}) +(\"[^\"]*\"|'[^']*')"), r"write \1\2(\3)"),
    (re.compile(r"function\b.*"), "write the calls themselves; use a comprehension to repeat one"),
)
"""Lines that begin like none of a plan, as a whole, and what to write; a `;` at their end is left out."""
_INSIDE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"===|!=="), "write == for ===, and != for !=="),
    (re.compile(r"<>"), "write != for <>"),
    (re.compile(r"\?\?"), "write x or y for x ?? y"),
    (re.compile(r"\?\."), "write x.name for x?.name; of a mapping x.get('name') gives None where there is none"),
    (re.compile(r"=>"), "write a comprehension: [x * 2 for x in xs]"),
    (re.compile(r"&&"), "write `and` for &&"),
    (re.compile(r"\|\|"), "write `or` for ||"),
    (re.compile(r"\{ *(?:''|\w+) *=(?!=)"), "in a dict a key is text, with a colon behind it: {'key': value}"),
    (re.compile(rf"\w\( *{_NAME} *: "), "write an argument by name with =: tool(name=value)"),
    (re.compile(r"(?:^|[\s;)])//\s"), "begin a remark with #"),
)
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_MOST_SEARCHED = 10_000
_LONGEST = 300  # characters of a line that a help writes again
_SAID_BETTER = re.compile(r" \(<unknown>| \(detected at| here\. Maybe|; use an 0o prefix")  # true of files only
_BLOCK_FORMS = {
    "if": "write `if condition:`, and its lines below it, four spaces further in",
    "elif": "write `elif condition:` behind the lines of an `if`, as far in as the `if`",
    "else": "write `else:` behind the lines of an `if`, as far in as the `if`",
    "for": "write `for x in xs:`, and its lines below it, four spaces further in",
}
_TRY = "try: pass\nfinally: pass"
_BLOCKS = {
    "while": "while 1: pass", "def": "def f(): pass", "class": "class A: pass", "with": "with a: pass", "try": _TRY,
    "except": _TRY, "finally": _TRY, "match": "match a:\n    case _: pass",
}  # fmt: skip
_REASONS = {
    "invalid syntax. Perhaps you forgot a comma": "write a comma between what stands side by side",
    "positional argument follows": "arguments without a name come first",
    "leading zeros": "write the number without them",
    "invalid decimal": "a name begins with a letter, and text stands in quotes",
    "cannot assign": "only a name can stand before `=`; compare with `==`",
    "invalid non-printable": "leave that character out",
    "invalid character": "leave that character out",
}
_SIGNS = {
    "&": "write `and` for &&",
    "|": "write `or` for ||",
    "!": "write `not x` for !x",
    "?": "write x if condition else y",
    "$": "write the name itself, without $",
    "`": "leave the ` out",
}


def unreadable(source: SourceText, error: Exception) -> Diagnostic:
    """What to say of text that Python's parser refused with `error`."""
    if not isinstance(error, SyntaxError) or "null byte" in (error.msg or ""):
        return _refused(source, error)
    why = _SAID_BETTER.split(error.msg or "invalid syntax")[0]
    if "integer string conversion" in why:
        span = source.at(error.lineno or 1, _digits(source.text))
        return source.problem("E401", f"integers have at most {MAX_BITS:,} bits", "let a tool compute it", span)
    if "too many nested" in why:
        return source.problem("E402", "this is nested too deeply", "give parts of it names")
    if (found := _f_string_of(source.text, why, error)) is not None:
        before = source.text[: found.start()]
        place = source.at(before.count("\n") + 1, found.start() - before.rfind("\n") - 1)
        help = "between { and } stands one expression, with other quotes than those around the text: f\"{x['name']}\""
        return source.problem("E001", f"this f-string cannot be read: {_after_colon(why)}", help, place)
    if _WORDS.match(source.text) and "=" not in source.text:
        help = "write statements only: leave this line out, or begin it with #"
        return source.problem("E001", "this is no statement", help)
    span = source.at(error.lineno or 1, (error.offset or 1) - 1) if error.offset else source.span(None)
    return source.problem("E001", f"this cannot be read: {why}", _hint(source.text, why, error), span)


def unclosed(source: SourceText, problem: Problem) -> Diagnostic:
    """What to say of text that showed to be no statement before it was parsed."""
    mark = problem.mark
    span = Span(mark.line, mark.column, mark.line, mark.column + len(mark.sign))
    if problem.code != "E001":
        return source.problem(problem.code, problem.why, problem.help, span)
    if "string" in problem.why and _WORDS.match(source.text) and "=" not in source.text:
        help = "write statements only: leave this line out, or begin it with #"
        return source.problem("E001", "this is no statement", help)
    return source.problem("E001", f"this cannot be read: {problem.why}", problem.help, span)


def _refused(source: SourceText, error: Exception) -> Diagnostic:
    for index, sign in enumerate(source.text):
        if sign == "\0" or "\ud800" <= sign <= "\udfff":
            before = source.text[:index]
            span = source.at(before.count("\n") + 1, index - before.rfind("\n") - 1)
            why = f"the character U+{ord(sign):04X} cannot stand in a plan"
            return source.problem("E001", f"this cannot be read: {why}", "leave it out", span)
    message = "this is nested too deeply" if isinstance(error, RecursionError | MemoryError) else "this cannot be read"
    return source.problem("E402", message, "give parts of it names")


def _f_string_of(text: str, why: str, error: SyntaxError) -> re.Match[str] | None:
    """Where the f-string begins in which the error is. Python 3.12 and later do not say of all of them that it is."""
    if why.startswith("f-string"):
        return _F_STRING.search(text)
    if sys.version_info < (3, 12) or not error.lineno or not error.offset:
        return None
    line = text.split("\n")[error.lineno - 1]
    before = len("\n".join(text.split("\n")[: error.lineno - 1])) + (error.lineno > 1)
    for found in _F_STRING.finditer(text):
        inside = line[max(found.end() - before, 0) : error.offset - 1]
        if before <= found.start() < before + error.offset - 1 and found.group()[-1] not in inside and "{" in inside:
            return found
    return None


def _after_colon(why: str) -> str:
    return why.partition(": ")[2] or why


def _digits(text: str) -> int:
    """Where the first number begins that is too long."""
    found = re.search(r"[\d_]{4000}", text)
    return found.start() - text.rfind("\n", 0, found.start()) - 1 if found else 0


def _hint(text: str, why: str, error: SyntaxError) -> str:
    line = text.rstrip(" ;")
    for pattern, help in _BEGINNINGS if len(line) <= _LONGEST and "\n" not in line else ():
        if (found := pattern.fullmatch(line) or (pattern.match(line) if "\\" not in help else None)) is not None:
            return found.expand(help)
    if taken := _KEYWORD_ARGUMENT.search(text):
        word = taken.group(1)
        return f"`{word}` is a word of the language; a tool's argument of that name is written `{word}_`"
    if why.startswith("invalid character") and any(quote in text for quote in "“”„‘’‚"):
        return "write plain quotes: \" or '"
    bare = _QUOTED.sub("''", text[:_MOST_SEARCHED])
    for pattern, help in _INSIDE:
        if pattern.search(bare):
            return help
    for reason, help in _REASONS.items():
        if why.startswith(reason):
            return help
    if re.search(r"=\s*$", text):
        return "write the value behind the `=`, on the same line"
    word = re.split(r"\W", text, maxsplit=1)[0]
    if (form := _BLOCK_FORMS.get(word)) is not None:
        return form
    if (block := _BLOCKS.get(word)) is not None:
        return refused_construct(ast.parse(block).body[0])[1]
    lines = text.split("\n")
    index, offset = (error.lineno or 1) - 1, (error.offset or 1) - 1
    here = lines[index][max(offset, 0) :] if index < len(lines) else ""
    return _SIGNS.get(here[:1], _FORM)
