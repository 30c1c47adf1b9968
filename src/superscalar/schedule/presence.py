"""What decides whether there is a value at all: a call whose argument has none is not made, and that is a filter.

`{"lost": "it is lost"}[word]` is there for one word only. What may fail for what it looks at counts as much as a
condition on that would; a value that is handed on, put beside others or made a text counts for nothing, and `default`
always has one. That a tool fails is not counted, as long as nobody else chose what it was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from superscalar.labels import NOTHING, Label, joined
from superscalar.plan import ir
from superscalar.plan.evaluate.labelling import labels_of
from superscalar.plan.evaluate.parts import listed, whole
from superscalar.plan.evaluate.table import APPLIED
from superscalar.plan.ir.needs import children, constant_index, references
from superscalar.plan.ir.signatures import Output
from superscalar.schedule.cells import Cell
from superscalar.schedule.items import goes_through
from superscalar.schedule.lineage import Labels
from superscalar.tools.toolset import Toolset

_CellStep: TypeAlias = "tuple[Cell, ir.Expr | None]"
"""A task, or an expression of it, whose value must be there."""

_TEXTS: Final = (str, str | None)
_TOTAL: Final = frozenset(name for name, row in APPLIED.items() if row.total)


def presence(labels: Labels, cell: Cell, call: ir.Call, tools: Toolset) -> Label:
    """The label of what decides whether all the arguments of a call have values that fit; its sources alone."""
    made = NOTHING
    given = dict(labels.argument(cell, call))
    pending: list[_CellStep] = []
    for name, value in call.arguments:
        pending.append((cell, value))
        if not _fits(cell, value, _wanted(tools, call, name), tools):
            made = made | whole(given[name])
    seen: set[Cell] = set()
    while pending:
        at, looked = pending.pop()
        if looked is None:
            if at not in seen:
                seen.add(at)
                made = made | _of_task(labels, at, pending)
            continue
        for part in _looked_at(at, looked):
            made = made | _looked_up(labels, at, part)
        for found, whole_list in _handed_on(at, looked):
            pending.append((found, None))
            made = made if whole_list is None else made | listed(labels.of(whole_list)).shape
    return Label(made.sources)


def _wanted(tools: Toolset, call: ir.Call, alias: str) -> Any:
    tool: Any = tools.get(call.tool)
    return None if tool is None else tool.described.annotations.get(tool.renamed.get(alias, alias))


def _fits(cell: Cell, value: ir.Expr, wanted: Any, tools: Toolset) -> bool:
    """Whether a parameter with that annotation takes what an expression gives, whatever that is."""
    return wanted in (Any, object) or (wanted in _TEXTS and _is_text(cell, value, tools))


def _is_text(cell: Cell, value: ir.Expr, tools: Toolset) -> bool:
    """Whether an expression gives a text, if anything; of a tool's result, as its annotation says."""
    pending: list[tuple[Cell, ir.Expr]] = [(cell, value)]
    while pending:
        at, one = pending.pop()
        match one:
            case ir.Text() | ir.Literal(str()) | ir.Apply("str"):
                pass
            case ir.Apply("default", both):
                pending += ((at, inner) for inner in both)
            case ir.Ref(id) if (found := at.scope.find(id)) is not None and isinstance(
                work := _work(found), ir.Compute
            ):
                pending.append((found, work.value))
            case _:
                output = _declared(at, one, tools)
                if output is None or output.type != "str":
                    return False
    return True


def _declared(cell: Cell, value: ir.Expr, tools: Toolset) -> Output | None:
    """What a tool says of its result, or of the part of it to which a path leads."""
    match value:
        case ir.Ref(id):
            found = cell.scope.find(id)
            if found is not None and found.task is None:  # an item of what came as a whole
                found, item = found.parts[0].cell, True
            else:
                item = False
            work = _work(found)
            tool = tools.get(work.tool) if isinstance(work, ir.Call) else None
            output = None if tool is None else tool.signature.output
            return output.items if item and output is not None else output
        case ir.Index(base, index) if constant_index(index) is not None:
            whole_list = _declared(cell, base, tools)
            return None if whole_list is None else whole_list.items
        case ir.Field(base, name):
            record = _declared(cell, base, tools)
            return None if record is None or record.fields is None else record.fields.get(name)
    return None


def _work(cell: Cell | None) -> ir.Work | None:
    return None if cell is None or cell.task is None else cell.task.work


def _of_task(labels: Labels, cell: Cell, pending: list[_CellStep]) -> Label:
    """What decides whether a task has a value, apart from what is added to the steps that are `pending`."""
    if cell.task is None:  # an item of what came as a whole
        pending.append((cell.parts[0].cell, None))
        return NOTHING
    control = labels.control(cell)
    match cell.task.work:
        case ir.Call() as call:
            pending += ((cell, value) for _, value in call.arguments)
            return control | joined(whole(found) for _, found in labels.argument(cell, call))
        case ir.Compute(value):
            pending.append((cell, value))
            return control
        case ir.Display(items=items, keys=keys):
            pending += ((cell, ir.Ref(id)) for id in items)
            pending += ((cell, key) for key in keys)
            return control
        case ir.Map() as work:
            pending.append((goes_through(cell, work), None))
            inside = [one for part in cell.parts for one in (part.cell, *part.keep, part.key) if one is not None]
            pending += ((one, None) for one in inside)
            kept = [one for part in cell.parts for one in part.keep if one.task is None]  # `ok` looks at each item
            return control | joined(whole(labels.of(one)) for one in kept)
        case ir.Select(condition, then, otherwise):
            pending += ((cell, ir.Ref(id)) for id in (then, otherwise) if id is not None)
            return control | _looked_up(labels, cell, ir.Ref(condition))
        case _:
            return whole(labels.of(cell))


def _looked_up(labels: Labels, cell: Cell, value: ir.Expr) -> Label:
    """The label of an expression; of one with variables of its own, that of all that it refers to."""

    def lookup(id: str) -> Any:
        found = cell.scope.find(id)
        return NOTHING if found is None else labels.of(found)

    if _has_variables(value):
        return joined(whole(lookup(id)) for id in references(value))
    return whole(labels_of(value, lookup))


def _item(cell: Cell, value: ir.Expr) -> tuple[Cell, Cell] | None:
    """The list and its item that an expression takes by position alone, where items are there one by one (rule L15)."""
    if not (isinstance(value, ir.Index | ir.Unpacked) and isinstance(value.base, ir.Ref)):
        return None
    found = cell.scope.find(value.base.task)
    position = constant_index(value.index) if isinstance(value, ir.Index) else value.index
    elements = None if found is None else found.elements
    if found is None or elements is None or position is None or not -len(elements) <= position < len(elements):
        return None
    return None if any(one.keep for one in elements) else (found, elements[position].cell)


def _looked_at(cell: Cell, value: ir.Expr) -> Iterator[ir.Expr]:
    """The parts of an expression that may fail for what they look at."""
    pending = [value]
    while pending:
        one = pending.pop()
        if _item(cell, one) is not None:
            continue
        inner = _inner(one)
        if inner is None:
            yield one
            inner = () if _has_variables(one) or _is_path(one) else tuple(children(one))
        elif isinstance(one, ir.Choice) and not (_is_there(one.then) and _is_there(one.otherwise)):
            yield one.condition
        elif isinstance(one, ir.Logic) and not all(map(_is_there, one.operands[1:])):
            yield from one.operands[:-1]
        pending += inner


def _handed_on(cell: Cell, value: ir.Expr) -> Iterator[tuple[Cell, Cell | None]]:
    """The tasks that must have values for an expression to have one, and of an item by position its list."""
    pending = [value]
    while pending:
        one = pending.pop()
        if (item := _item(cell, one)) is not None:
            yield item[1], item[0]
        elif isinstance(one, ir.Ref) or _has_variables(one):
            yield from ((found, None) for id in references(one) if (found := cell.scope.find(id)) is not None)
        else:
            inner = _inner(one)
            pending += children(one) if inner is None else inner


def _inner(value: ir.Expr) -> tuple[ir.Expr, ...] | None:
    """The parts that must have values for an expression to have one, whatever they are; None if they matter."""
    match value:
        case ir.Literal() | ir.Ref():
            return ()
        case ir.Sequence(kind="list" | "tuple", items=items):
            return items
        case ir.Dict(items=pairs) if all(isinstance(key, ir.Literal) for key, _ in pairs):
            return tuple(item for _, item in pairs)
        case ir.Text(parts):
            holes = [part for part in parts if isinstance(part, ir.Hole)]
            return None if any(hole.spec is not None for hole in holes) else tuple(hole.value for hole in holes)
        case ir.Apply("default", (_, otherwise), ()):
            return (otherwise,)
        case ir.Apply(function, (given,), ()) if function in _TOTAL:
            return (given,)
        case ir.Unary("not", operand):
            return (operand,)
        case ir.Compare(first, rest) if all(operator in ("==", "!=", "is", "is not") for operator, _ in rest):
            return (first, *(operand for _, operand in rest))
        case ir.Choice(condition, then, otherwise):
            return (condition, then, otherwise)
        case ir.Logic(operands=operands):
            return operands
    return None


def _is_path(value: ir.Expr) -> bool:
    """Whether it is a part of what a task left behind: whether that is there, the label of the part says."""
    while isinstance(value, ir.Field | ir.Unpacked) or (
        isinstance(value, ir.Index) and isinstance(value.index, ir.Literal)
    ):
        value = value.base
    return isinstance(value, ir.Ref)


def _is_there(value: ir.Expr) -> bool:
    return isinstance(value, ir.Literal)


def _has_variables(value: ir.Expr) -> bool:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, ir.Var):
            return True
        pending += children(one)
    return False
