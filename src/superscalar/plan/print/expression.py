"""Expressions as source text, with the parentheses that Python's grammar needs and no others."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from superscalar.plan import ir
from superscalar.plan.ir import Expr, Task
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.ir.forms import REST, UTC
from superscalar.plan.ir.within import INSIDE
from superscalar.plan.print.quoting import QUOTES, Unquotable, braces_doubled, escaped, quoted
from superscalar.values import TaskId

# How tightly a construct binds, after the grammar of Python's reference, loosest first.
LAMBDA, CHOICE, OR, AND, NOT, COMPARE = range(6)
_BITS: Final = {"|": 6, "^": 7, "&": 8, "<<": 9, ">>": 9, "+": 10, "-": 10, "*": 11, "/": 11, "//": 11, "%": 11}
UNARY, POWER, PRIMARY, ATOM = 12, 13, 14, 15

_NAMED: Final = re.compile(r"([^\W\d]\w*)(\.\d+)?")
_TARGETS: Final = re.compile(r"(\([\w, ()*]+\))(\.\d+)?")


def name_of(task: TaskId) -> str | None:
    """The name that a plan's text uses for a task, whichever its version; None if the task has none (it was lifted)."""
    match = None if INSIDE in task else _NAMED.fullmatch(task.rpartition(":")[2])
    return match[1] if match and not keyword.iskeyword(match[1]) else None


def targets_of(task: TaskId) -> ir.Target | None:
    """The names that the value of a task with an id like `(a, b)` or `xs[]:(a, b)` is unpacked into, or None."""
    match = None if INSIDE in task else _TARGETS.fullmatch(task.rpartition(":")[2])
    return _target(ast.parse(match[1], mode="eval").body) if match else None


def _target(node: ast.expr) -> ir.Target:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Starred(value=inner):
            return f"*{target_text(_target(inner))}" if isinstance(inner, ast.Name) else f"*{_inner(_target(inner))}"
        case ast.Tuple(elts=parts):
            return tuple(_target(part) for part in parts)
        case _:
            raise ValueError(f"not a target of an assignment: {ast.unparse(node)}")


def target_text(target: ir.Target) -> str:
    """A target without its outer parentheses: `a, (b, c)`."""
    return target if isinstance(target, str) else _commas(_inner(part) for part in target)


def _inner(target: ir.Target) -> str:
    return target if isinstance(target, str) else f"({target_text(target)})"


def _commas(items: Iterable[str]) -> str:
    """The inside of a tuple; one item keeps its comma."""
    shown = list(items)
    return f"{shown[0]}," if len(shown) == 1 else ", ".join(shown)


def unpacked_name(expr: Expr) -> str | None:
    """The target's name that an `Unpacked` stands for, or None where it is of a value without targets."""
    path: list[int] = []
    while isinstance(expr, ir.Unpacked):
        path.append(expr.index)
        expr = expr.base
        if isinstance(expr, ir.Apply) and expr.function == REST:
            expr = expr.arguments[0]
    target = targets_of(expr.task) if isinstance(expr, ir.Ref) and path else None
    for index in reversed(path):
        if not isinstance(target, tuple) or index >= len(target):
            return None
        target = target[index]
    return None if target is None else target.removeprefix("*") if isinstance(target, str) else _inner(target)


class ExpressionPrinter:
    """Prints expressions; a task of `inline` is printed where it is referred to, one of `names` by that name.

    `printed` collects the tasks that were printed inline, in the order of the text.
    """

    def __init__(self, inline: Mapping[TaskId, Task], names: Mapping[TaskId, str]) -> None:
        self._inline = inline
        self._names = names
        self._hole: frozenset[str] | None = None  # inside a hole: what its text must not contain, beside backslashes
        self.printed: list[Task] = []

    def at(self, level: int, expr: Expr) -> str:
        """The text of an expression where the grammar wants one that binds at least as tightly as `level`."""
        return _enclosed(level, *self._show(expr))

    def task(self, level: int, task: TaskId) -> str:
        """The text of a reference to a task; see `at`."""
        return _enclosed(level, *self._reference(task))

    def work(self, task: Task) -> str:
        """The text of the expression that a task evaluates, as it stands on the right of a `=`."""
        return self._work(task)[0]

    def _reference(self, task: TaskId) -> tuple[str, int]:
        if task in self._names:
            return self._names[task], ATOM
        if (lifted := self._inline.get(task)) is not None:
            return self._work(lifted)
        return name_of(task) or task, ATOM

    def _work(self, task: Task) -> tuple[str, int]:
        self.printed.append(task)
        match task.work:
            case ir.Call(tool, arguments):
                return f"{told_name(tool)}({self._arguments((), arguments)})", PRIMARY
            case ir.Compute(value):
                return self._show(value)
            case ir.Map():
                return self._map(task.work), ATOM
            case ir.Display("dict", items, keys):
                pairs = zip(keys, items, strict=True)
                return "{" + ", ".join(f"{self.at(LAMBDA, k)}: {self.task(LAMBDA, v)}" for k, v in pairs) + "}", ATOM
            case ir.Display(kind, items):
                return _display(kind, [self.task(LAMBDA, item) for item in items]), ATOM
            case ir.First(count, source):
                return f"first({self.at(LAMBDA, count)}, {self.task(LAMBDA, source)})", PRIMARY
            case ir.Join(items, whole_plan):
                named = [
                    f"{name}={self.task(LAMBDA, item)}" if name else self.task(LAMBDA, item) for name, item in items
                ]
                return f"join({'' if whole_plan else ', '.join(named)})", PRIMARY
            case ir.PlanCall(entry):
                return self._reference(entry)
            case ir.Select() | ir.Each() | ir.Supplied():  # an `if`, a `for` or the header of the plan says it
                return name_of(task.id) or task.id, ATOM
            case _:
                assert_never(task.work)

    def _show(self, expr: Expr) -> tuple[str, int]:
        """The text of an expression, and how tightly it binds."""
        match expr:
            case ir.Literal(value):
                return self._literal(value)
            case ir.Ref(task):
                return self._reference(task)
            case ir.Var(name):
                return name, ATOM
            case ir.Text():
                return self._text(expr), ATOM
            case ir.Unary() | ir.Binary() | ir.Compare() | ir.Logic() | ir.Choice() | ir.Lambda():
                return self._operation(expr)
            case ir.Index() | ir.Slice() | ir.Field() | ir.Unpacked() | ir.Apply() | ir.Method():
                return self._primary(expr), PRIMARY
            case ir.Fold(operator, initial, items):  # no text of a plan, like the next
                return f"fold({operator!r}, {self.at(LAMBDA, initial)}, {self.at(LAMBDA, items)})", PRIMARY
            case ir.Missing(operand):
                return f"missing({self.at(LAMBDA, operand)})", PRIMARY
            case ir.Sequence(kind, items):
                return _display(kind, [self.at(LAMBDA, item) for item in items]), ATOM
            case ir.Dict(items):
                return "{" + ", ".join(f"{self.at(LAMBDA, k)}: {self.at(LAMBDA, v)}" for k, v in items) + "}", ATOM
            case ir.Comprehension(kind, element, clauses, key):
                head = self.at(LAMBDA, element)
                head = head if key is None else f"{self.at(LAMBDA, key)}: {head}"
                return _comprehension(kind, head, "".join(map(self._clause, clauses))), ATOM
            case _:
                assert_never(expr)

    def _operation(self, expr: ir.Unary | ir.Binary | ir.Compare | ir.Logic | ir.Choice | ir.Lambda) -> tuple[str, int]:
        match expr:
            case ir.Unary("not", operand):
                return f"not {self.at(NOT, operand)}", NOT
            case ir.Unary(operator, operand):
                return f"{operator}{self.at(UNARY, operand)}", UNARY
            case ir.Binary("**", left, right):
                return f"{self.at(PRIMARY, left)} ** {self.at(UNARY, right)}", POWER
            case ir.Binary(operator, left, right):
                level = _BITS[operator]
                return f"{self.at(level, left)} {operator} {self.at(level + 1, right)}", level
            case ir.Compare(first, rest):
                tail = "".join(f" {comparator} {self.at(COMPARE + 1, operand)}" for comparator, operand in rest)
                return self.at(COMPARE + 1, first) + tail, COMPARE
            case ir.Logic(operator, operands):
                level = AND if operator == "and" else OR
                return f" {operator} ".join([self.at(level + 1, operand) for operand in operands]), level
            case ir.Choice(condition, then, otherwise):
                sides = self.at(OR, then), self.at(OR, condition), self.at(LAMBDA, otherwise)
                return "{} if {} else {}".format(*sides), CHOICE
            case ir.Lambda(parameters, body):
                return f"lambda{' ' if parameters else ''}{', '.join(parameters)}: {self.at(LAMBDA, body)}", LAMBDA
            case _:
                assert_never(expr)

    def _primary(self, expr: ir.Index | ir.Slice | ir.Field | ir.Unpacked | ir.Apply | ir.Method) -> str:
        match expr:
            case ir.Index(base, index):
                return f"{self.at(PRIMARY, base)}[{self.at(LAMBDA, index)}]"
            case ir.Slice(base, start, stop, step):
                bounds = ["" if part is None else self.at(LAMBDA, part) for part in (start, stop)]
                bounds += [] if step is None else [self.at(LAMBDA, step)]
                return f"{self.at(PRIMARY, base)}[{':'.join(bounds)}]"
            case ir.Field(base, name):
                return f"{self._dotted(base)}.{name}"
            case ir.Unpacked(base, index):
                return unpacked_name(expr) or f"{self.at(PRIMARY, base)}[{index}]"
            case ir.Apply(function, (value, *_), ()) if function == REST:  # its targets say the rest
                return self.at(PRIMARY, value)
            case ir.Apply("next", (values, *fallback), ()):  # a list is none of what Python's own takes
                return (
                    f"next(iter({self.at(LAMBDA, values)}){''.join(f', {self.at(LAMBDA, each)}' for each in fallback)})"
                )
            case ir.Apply(function) if function == UTC:
                return UTC
            case ir.Apply(function, arguments, keywords):
                return f"{function}({self._arguments(arguments, keywords)})"
            case ir.Method(base, name, arguments, keywords):
                return f"{self._dotted(base)}.{name}({self._arguments(arguments, keywords)})"
            case _:
                assert_never(expr)

    def _dotted(self, base: Expr) -> str:
        """What stands before a dot; `1.x` would be read as a number."""
        shown = self.at(PRIMARY, base)
        return f"({shown})" if shown.isdigit() else shown

    def _arguments(self, positional: Iterable[Expr], named: Iterable[tuple[str, Expr]]) -> str:
        shown = [self.at(LAMBDA, argument) for argument in positional]
        shown += [f"{name}={self.at(LAMBDA, argument)}" for name, argument in named]
        return ", ".join(shown)

    def _literal(self, value: bool | int | float | str | bytes | None) -> tuple[str, int]:
        match value:
            case str() | bytes():
                return (repr(value) if self._hole is None else quoted(value, self._hole)), ATOM
            case float() if value != value:
                return "1e999 - 1e999", _BITS["-"]
            case float() if value in (float("inf"), float("-inf")):
                return ("1e999", ATOM) if value > 0 else ("-1e999", UNARY)
            case _:
                shown = repr(value)
                return shown, UNARY if shown.startswith("-") else ATOM

    # ---------------------------------------------------------------------------------------------------- f-strings

    def _text(self, text: ir.Text) -> str:
        """An f-string that Python 3.11 reads, wherever it has one.

        There, a hole must contain neither a backslash nor the quotes around the f-string. What cannot be said so (a
        newline in a string in a hole) is printed as 3.12 and later read it.
        """
        mark = len(self.printed)
        try:
            return self._in_one_of_the_quotes(text)
        except Unquotable:
            if self._hole is not None:
                raise
        try:
            return " ".join([self._in_one_of_the_quotes(ir.Text((part,))) for part in text.parts])
        except Unquotable:
            del self.printed[mark:]
            return f"f'{self._parts(text, QUOTES[0])}'"

    def _in_one_of_the_quotes(self, text: ir.Text) -> str:
        outer, mark = self._hole, len(self.printed)
        for quote in QUOTES:
            self._hole = (outer or frozenset()) | {quote}
            try:
                shown = f"f{quote}{self._parts(text, quote, nested=outer is not None)}{quote}"
            except Unquotable:
                del self.printed[mark:]
                continue
            finally:
                self._hole = outer
            if not any(sign in shown for sign in outer or ()):
                return shown
        raise Unquotable

    def _parts(self, text: ir.Text, quote: str, *, nested: bool = False, spec: bool = False) -> str:
        shown = []
        for part in text.parts:
            if isinstance(part, str):
                constant = part if spec else braces_doubled(part)
                shown.append(escaped(constant, quote, backslashes=not nested))
            else:
                shown.append(self._hole_text(part, quote, nested=nested))
        return "".join(shown)

    def _hole_text(self, hole: ir.Hole, quote: str, *, nested: bool) -> str:
        value = self.at(LAMBDA, hole.value)
        value = f"({value})" if _ends_in_lambda(hole.value) else value  # its colon would start the format
        if self._hole and ("\\" in value or any(sign in value for sign in self._hole)):
            raise Unquotable
        space = " " if value.startswith("{") else ""
        conversion = f"!{hole.conversion}" if hole.conversion else ""
        spec = "" if hole.spec is None else ":" + self._parts(hole.spec, quote, nested=nested, spec=True)
        return f"{{{space}{value}{conversion}{spec}}}"

    # ------------------------------------------------------------------------------------------------ comprehensions

    def _clause(self, clause: ir.Clause) -> str:
        conditions = "".join(f" if {self.at(OR, condition)}" for condition in clause.conditions)
        return f" for {target_text(clause.target)} in {self.at(OR, clause.iterable)}{conditions}"

    def _map(self, work: ir.Map) -> str:
        head, clauses = self._spliced(work)
        return _comprehension(work.kind, head, clauses)

    def _spliced(self, work: ir.Map) -> tuple[str, str]:
        """Head and clauses of a map; a map whose items are spliced in becomes further clauses of the same."""
        clause = f" for {item_text(work)} in {self.task(OR, work.source)}"
        clause += "".join(f" if {self.task(OR, kept)}" for kept in work.keep)
        if not work.flatten:
            head = self.task(LAMBDA, work.result)
            return (head if work.key is None else f"{self.task(LAMBDA, work.key)}: {head}"), clause
        spliced = self._inline.get(work.result)
        match spliced.work if spliced else None:
            case ir.Map() as inner:
                head, rest = self._spliced(inner)
                return head, clause + rest
            case ir.Compute(ir.Comprehension("list", element, clauses)):
                return self.at(LAMBDA, element), clause + "".join(map(self._clause, clauses))
            case _:
                return "part", f"{clause} for part in {self.task(OR, work.result)}"


def item_text(work: ir.Map) -> str:
    """The target of a map's `for`."""
    target = targets_of(work.item)
    return target_text(target) if target is not None else name_of(work.item) or "item"


def _ends_in_lambda(expr: Expr) -> bool:
    return isinstance(expr, ir.Lambda) or (isinstance(expr, ir.Choice) and _ends_in_lambda(expr.otherwise))


def _enclosed(level: int, shown: str, binds: int) -> str:
    return f"({shown})" if binds < level else shown


def _display(kind: str, items: list[str]) -> str:
    match kind:
        case "tuple":
            return f"({_commas(items)})"
        case "set":
            return "{" + ", ".join(items) + "}" if items else "set()"
        case _:
            return f"[{', '.join(items)}]"


def _comprehension(kind: str, head: str, clauses: str) -> str:
    match kind:
        case "tuple":
            return f"tuple({head}{clauses})"
        case "list":
            return f"[{head}{clauses}]"
        case _:
            return f"{{{head}{clauses}}}"
