"""A program in Python that is read only once it has ended: whether it is the plan shows only then (rule L27)."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from typing import Final

from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.read.calls_in_json import plan_in_json
from superscalar.plan.read.lines import Statement
from superscalar.plan.read.slots import names_given
from superscalar.plan.read.source import parsed
from superscalar.plan.read.spelling import is_meant_to_join, join_of

_ACTS: Final = re.compile(r"(?:if|for|while|try|with|def|class|async)\b.*:$|.*\w\(|[^\W\d]\w*\s*=", re.DOTALL)
_BEGINS: Final = re.compile(
    r"(?:if|for|while|try|with|def|class|async)\b.*:\s*(?:#.*)?$|(?:[^\W\d]\w*\s*=\s*)?[^\W\d][\w.]*\("
)
_JSON: Final = re.compile(
    r"\s*[\[{].*[\"'](?:steps|tool|tool_calls|calls|function|function_call|arguments|parameters|args)[\"']\s*:",
    re.DOTALL,
)


class Draft:
    """The statements of a program, and what can be said of them before they are read. `add` takes the next one.

    `joined`: its `join` came; `means_to_join`: something that cannot be read may be one. `acts`: something in it calls
    or assigns. `names`: what it assigns. `tools`: the names that are calls of tools.
    """

    def __init__(self, tools: Signatures) -> None:
        self.statements: list[Statement] = []
        self.joined = self.means_to_join = self.acts = False
        self._tools = tools
        self._used: list[tuple[str, Statement, ast.Name]] = []
        self.names: set[str] = set()
        self._margin: int | None = None  # where its first line begins: all of it may stand further in

    def add(self, statement: Statement) -> None:
        """Take the next statement."""
        self.statements.append(statement)
        if self._margin is None and statement.text and not statement.text.startswith("#"):
            self._margin = statement.column
        if statement.problem is not None:
            self._cannot_read(statement.text)
            return
        try:
            module = parsed(statement.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self._cannot_read(statement.text)
            return
        own = set(self.names)
        for tree in module.body:
            passing = _passing(tree)
            for node in _names(tree):
                if node.id not in own and node.id not in passing:
                    self._used.append((node.id, statement, node))
            self.names.update(names_given(tree, statement.text))
            self.acts = self.acts or does_something(tree)
            if statement.column <= (self._margin or 0) and join_of(tree, self._tools) is not None:
                self.joined = True

    def _cannot_read(self, text: str) -> None:
        if text.startswith("#"):
            return
        self.acts = self.acts or _ACTS.match(text) is not None
        self.means_to_join = self.means_to_join or is_meant_to_join(text, self._tools)

    @property
    def is_json(self) -> bool:
        """Whether it is a plan in JSON, or was meant to be one."""
        texts = [statement.text for statement in self.statements]
        return any(map(means_json, texts)) or plan_in_json("\n".join(texts), self._tools) is not None

    def uses(self, names: Container[str]) -> tuple[str, Statement, ast.Name] | None:
        """The first use of one of these names that it does not assign itself."""
        return next((use for use in self._used if use[0] in names), None)


def does_something(tree: ast.stmt) -> bool:
    """Whether a statement calls or assigns, or is a block or something else that is more than a value."""
    match tree:
        case ast.Expr(value=value):
            return any(isinstance(node, ast.Call) for node in ast.walk(value))
        case ast.AnnAssign(value=None):
            return False
    return True


def means_json(text: str) -> bool:
    """Whether a text begins like a plan in JSON, or a call."""
    return _JSON.match(text) is not None


def may_begin_program(line: str) -> bool:
    """Whether a line in no fence looks like the first one of a program: it does something, or what follows may."""
    text = line.strip()
    if _BEGINS.match(text) or means_json(text):
        return True
    try:
        return any(map(does_something, parsed(text).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def says_more_than_a_value(line: str) -> bool:
    """Whether a line is a statement, a bare name or a literal excepted (rule L18)."""
    try:
        body = parsed(line.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not _is_name_or_literal(tree) for tree in body)


def _is_name_or_literal(tree: ast.stmt) -> bool:
    if not isinstance(tree, ast.Expr):
        return False
    if isinstance(tree.value, ast.Name):
        return True
    try:
        ast.literal_eval(tree.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _names(tree: ast.stmt) -> Iterator[ast.Name]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in called:
            yield node


def _passing(tree: ast.stmt) -> set[str]:
    """The names of comprehensions, loops and lambdas in a statement."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.comprehension(target=target) | ast.For(target=target):
                found |= {name.id for name in ast.walk(target) if isinstance(name, ast.Name)}
            case ast.Lambda(args=arguments):
                found |= {argument.arg for argument in arguments.args}
    return found
