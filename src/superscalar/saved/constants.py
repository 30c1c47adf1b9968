"""Constants of a plan that become inputs: which there are, which of them a question has, and the plan without them.

Nobody guesses which of them are meant: whoever saves a plan says so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from superscalar.errors import UsageError
from superscalar.plan.ir import Input, Task
from superscalar.plan.print.header import input_line
from superscalar.plan.print.program import print_plan
from superscalar.short import short
from superscalar.tools.plan_inputs import check_input_name

_NUMBER: Final = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?![\w])")


@dataclass(frozen=True, slots=True)
class PlanConstant:
    """A constant of a plan, or a list of them, with the places where it stands.

    `name` is what an input could be called: the parameter that it is given to, or the name that it is assigned to;
    empty if all of these mean something else in the plan.
    `where`: the calls that it is given to, in words.
    """

    value: Any
    name: str
    where: tuple[str, ...]
    nodes: tuple[ast.expr, ...]

    @property
    def type(self) -> str:
        """The type of its values, as an input has it."""
        if isinstance(self.value, list):
            kinds = {type(one).__name__ for one in self.value}
            return f"list[{kinds.pop()}]" if len(kinds) == 1 else "list[float]"
        return type(self.value).__name__


def plan_constants(tasks: Sequence[Task]) -> list[PlanConstant]:
    """Texts, numbers and lists of them in a plan, each once, in the order in which they are first said."""
    return _constants(ast.parse(print_plan(tasks)))


def found_in(question: str, constants: Iterable[PlanConstant]) -> list[PlanConstant]:
    """Those that a question has, word for word, or as a number; of a list every item."""
    numbers = {found.replace(",", "") for found in _NUMBER.findall(question)}
    amounts = {float(found) for found in numbers}

    def is_in(value: Any) -> bool:
        if isinstance(value, list):
            return all(map(is_in, value))
        if isinstance(value, str):
            return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", question, re.IGNORECASE) is not None
        return str(value) in numbers or (isinstance(value, float) and value in amounts)

    return [one for one in constants if is_in(one.value)]


def made_inputs(tasks: Sequence[Task], chosen: Mapping[str, Any]) -> str:
    """The text of a plan in which constants have become inputs, each wherever it stands. `chosen`: values by name.

    Raises:
        UsageError: the plan has no such constant, or the name is taken in it.
    """
    text = print_plan(tasks)
    if not chosen:
        return text
    check_chosen(chosen)
    tree = ast.parse(text)
    found = {_key(one.value): one for one in _constants(tree)}
    changes: dict[ast.AST, str] = {}
    lines: list[str] = []
    assigned = _assigned(tree)
    taken = _names(tree)
    for name, value in chosen.items():
        one = found.get(_key(value))
        if one is None:
            there = ", ".join(short(each.value) for each in found.values())
            raise UsageError(f"{name}={short(value)}: the plan has no such constant; it has {there or 'none'}")
        own = assigned.get(name)
        if own is not None and own.value in one.nodes:
            changes[own] = ""
        elif name in taken:
            raise UsageError(f"{name}={short(value)}: `{name}` means something else in the plan: take another name")
        changes |= {node: name for node in one.nodes if own is None or node is not own.value}
        lines.append(input_line(Input(one.type, name=name)))
    return "".join(f"{line}\n" for line in lines) + _replaced(text, changes)


def check_chosen(chosen: Mapping[str, Any]) -> None:
    """See that constants can become inputs of these names, whatever plan they are of.

    Raises:
        UsageError: one is no name, or two are for one constant.
    """
    names: dict[str, str] = {}
    for name, value in chosen.items():
        try:
            check_input_name(name)
        except ValueError as error:
            raise UsageError(str(error)) from None
        other = names.setdefault(_key(value), name)
        if other != name:
            raise UsageError(f"{name}={short(value)}: that is what `{other}` stands for: name a constant once")


def words_of_plan(tasks: Sequence[Task]) -> set[str]:
    """The names that mean something in a plan: no input that is new to it can have one."""
    return _names(ast.parse(print_plan(tasks)))


def _names(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _assigned(tree: ast.Module) -> dict[str | None, ast.Assign]:
    return {_target_of(node): node for node in tree.body if isinstance(node, ast.Assign)}


def _replaced(text: str, changes: Mapping[ast.AST, str]) -> str:
    """A text with other text in the place of nodes, none of which is within another one."""
    lines = [line.encode() for line in text.split("\n")]  # places count bytes
    for node, new in sorted(changes.items(), key=lambda one: _place(one[0]), reverse=True):
        first, begin, last, end = _place(node)
        joined = lines[first - 1][:begin] + new.encode() + lines[last - 1][end:]
        lines[first - 1 : last] = [joined] if joined else []
    return b"\n".join(lines).decode()


def _place(node: ast.AST) -> tuple[int, int, int, int]:
    assert isinstance(node, ast.expr | ast.stmt)
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def _constants(tree: ast.Module) -> list[PlanConstant]:
    found: dict[str, list[tuple[ast.expr, str, str]]] = {}
    for node, name, where in sorted(_said(tree, "", ""), key=lambda each: _place(each[0])):
        found.setdefault(_key(_value(node)), []).append((node, name, where))
    assigned, taken = _assigned(tree), _names(tree)

    def is_free(name: str, node: ast.expr) -> bool:
        """Whether it means nothing in the plan, or that very constant."""
        return name not in taken or (name in assigned and assigned[name].value is node)

    return [
        PlanConstant(
            _value(places[0][0]),
            next((name for node, name, _ in places if name and is_free(name, node)), ""),
            tuple(dict.fromkeys(where for _, _, where in places if where)),
            tuple(node for node, _, _ in places),
        )
        for places in found.values()
    ]


def _said(node: ast.AST, name: str, where: str) -> Iterator[tuple[ast.expr, str, str]]:
    """Each constant below a node, with the name that it is given to, and the call."""
    match node:
        case ast.expr() if _is_constant(node):
            yield node, name, where
        case ast.List(elts=[_, *_] as items) if all(map(_is_constant, items)) and _are_alike(items):
            yield node, name, where
        case ast.Call(func=called, keywords=keywords):
            said = ast.unparse(called)
            for argument in node.args:
                yield from _said(argument, "", said)
            for keyword in keywords:
                yield from _said(keyword.value, keyword.arg or "", f"{said}({keyword.arg}=...)")
            if isinstance(called, ast.Attribute):
                yield from _said(called.value, "", "")
        case ast.Assign(value=value):
            yield from _said(value, _target_of(node) or "", "")
        case ast.Subscript(value=value, slice=ast.Constant()):  # a field, or an item by its number
            yield from _said(value, "", "")
        case ast.comprehension(target=ast.Name(id=item), iter=source):
            yield from _said(source, f"{item}s" if len(item) > 1 else "", "")
            for condition in node.ifs:
                yield from _said(condition, "", "")
        case ast.JoinedStr(values=values):
            for value in values:
                if isinstance(value, ast.FormattedValue):
                    yield from _said(value.value, "", "")
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _said(child, "", "")


def _target_of(node: ast.Assign) -> str | None:
    match node.targets:
        case [ast.Name(id=name)]:
            return name
    return None


def _is_constant(node: ast.AST) -> bool:
    value = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    if not isinstance(value, ast.Constant) or type(value.value) not in (str, int, float):
        return False
    return value is node or not isinstance(value.value, str)


def _are_alike(nodes: Iterable[ast.expr]) -> bool:
    return len({isinstance(_value(node), str) for node in nodes}) == 1


def _value(node: ast.expr) -> Any:
    return ast.literal_eval(node)


def _key(value: Any) -> str:
    """What is the same for equal constants of one type."""
    return repr(value)
