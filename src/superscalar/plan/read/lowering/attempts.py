"""`try` around an assignment: its constant stands in for what fails there, and for nothing else (rule L34).

What is assigned may be a name or an entry, `d[k]`, and names may be assigned on the way to it. In a loop the handler
may do something else: then whether all that is tried has a value is a condition, with an arm for either.
"""

from __future__ import annotations

import ast
import builtins
import copy
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from superscalar.plan import ir
from superscalar.plan.evaluate.attempts import error_class
from superscalar.plan.ir.forms import EXCEPT
from superscalar.plan.read.instead import blocks
from superscalar.plan.read.lowering.body import Body, Carried, is_tool_call
from superscalar.plan.read.lowering.changing import Change, change_of
from superscalar.plan.read.lowering.refusals import refused_construct
from superscalar.values import TaskId

if TYPE_CHECKING:
    from superscalar.plan.read.lowering.lower import Lowering

Steps: TypeAlias = "tuple[tuple[ast.Name, ast.expr], ...]"


@dataclass(frozen=True, slots=True)
class TryStatement:
    """`try: place = value`, `except: place = fallback`.

    `steps`: what is assigned to names before it. `caught`: the classes of errors that it is about; every one if empty.
    """

    place: ast.Name | ast.Subscript
    value: ast.expr
    fallback: ast.expr
    steps: Steps = ()
    caught: tuple[str, ...] = ()

    @property
    def owner(self) -> ast.Name:
        """The name that gets a new version: that of the value, or of what it is put into."""
        owner = self.place.value if isinstance(self.place, ast.Subscript) else self.place
        assert isinstance(owner, ast.Name)
        return owner


@dataclass(frozen=True, slots=True)
class Trial:
    """A `try` in a loop. `done`: its last statement, and the change that this is, once its parts have values; None if
    it assigns names only. `handling`: what is done if something fails, and `otherwise` if nothing does.
    """

    steps: Steps
    done: tuple[ast.stmt, Change] | None
    handling: list[ast.stmt]
    otherwise: list[ast.stmt]
    caught: tuple[str, ...]

    @property
    def on_the_way(self) -> list[str]:
        """The names that may have a value although something fails: what follows may be what does."""
        names = [name.id for name, _ in self.steps]
        return names if self.done is not None else names[:-1]


def attempt_of(tree: ast.Try) -> TryStatement | None:
    """The one form of `try` that there is; None if it is another."""
    match tree:
        case ast.Try(body=[*before, last], handlers=[handler], orelse=[], finalbody=[]):
            tried, steps, caught = _assignment(last), _steps(before), _caught(handler)
            instead = [_assignment(each) for each in handler.body if not isinstance(each, ast.Pass)]
        case _:
            return None
    if steps is None or caught is None:
        return None
    match tried, instead:
        case (place, value), [(again, fallback)] if ast.dump(again) == ast.dump(place) and _is_constant(fallback):
            attempt = TryStatement(place, value, fallback, steps, caught)
            return attempt if attempt.owner.id not in {name.id for name, _ in steps} else None
    return None


def trial_of(tree: ast.Try) -> Trial | None:
    """A `try` whose handler does something else than what it tries; None if not all that is tried can be seen."""
    match tree:
        case ast.Try(body=[*before, last], handlers=[handler], finalbody=[]):
            caught, done = _caught(handler), None
        case _:
            return None
    if not isinstance(_assigned_name(last), ast.Name):
        done = change_of(last)
        if done is None or (done.operator.startswith("[]") and done.operator != "[]="):
            return None
    steps = _steps(before if done is not None else [*before, last])
    if steps is None or caught is None:
        return None
    names = {name.id for name, _ in steps}
    inside = (node for each in handler.body for node in ast.walk(each))
    said = {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if said & ({*names, handler.name} if handler.name else names):
        return None
    return Trial(steps, None if done is None else (last, done), handler.body, tree.orelse, caught)


def _assigned_name(tree: ast.stmt) -> ast.expr | None:
    found = _assignment(tree)
    return None if found is None else found[0]


def _steps(block: list[ast.stmt]) -> Steps | None:
    """What is assigned in a block to one name after the other; None if something else is done."""
    found = [_assignment(each) for each in block if not isinstance(each, ast.Pass)]
    named = [(name, value) for name, value in filter(None, found) if isinstance(name, ast.Name)]
    return tuple(named) if len(named) == len(found) == len({name.id for name, _ in named}) else None


def _caught(handler: ast.ExceptHandler) -> tuple[str, ...] | None:
    """The classes of errors that a handler names, empty for every one; None if they are not Python's own."""
    match handler.type:
        case None | ast.Name(id="Exception"):
            return ()
        case ast.Name() | ast.Attribute() as only:
            named: list[ast.expr] = [only]
        case ast.Tuple(elts=named):
            pass
        case _:
            return None
    ids = [name for each in named if error_class(name := _named(each)) is not None]
    if len(ids) < len(named):
        return None
    return () if "Exception" in ids else tuple(ids)


def _named(error: ast.expr) -> str:
    """The class of errors that an expression names, without the module of those of decimals."""
    match error:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="decimal"), attr=name):
            return name
    return ""


def _assignment(tree: ast.stmt) -> tuple[ast.Name | ast.Subscript, ast.expr] | None:
    """What a statement assigns, and to what: a name, or an entry whose key calls nothing."""
    match tree:
        case (
            ast.Assign(targets=[ast.Name() as name], value=value)
            | ast.AnnAssign(target=ast.Name() as name, value=ast.expr() as value)
        ):
            return name, value
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(), slice=key) as entry], value=value):
            plain = not isinstance(key, ast.Slice) and not any(map(is_tool_call, ast.walk(key)))
            return (entry, value) if plain else None
    return None


def _is_constant(node: ast.expr) -> bool:
    """Whether it calls nothing and refers to nothing, but for a `Decimal`, of which there is no other constant."""
    match node:
        case ast.Call(func=ast.Name(id="Decimal"), args=[ast.Constant()], keywords=[]):
            return True
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def stands_otherwise(names: Iterable[str], lowering: Lowering, body: Body) -> bool:
    """Whether one of these stands for something before a `try`, which it would go on doing where that is left early."""
    for name in names:
        before = lowering.known(name, body)
        if isinstance(before, Carried):
            before = before.value
        if before is not None or lowering.is_known_before(name):
            return True
    return False


def lower_attempt(
    attempt: TryStatement,
    tree: ast.Try,
    lowering: Lowering,
    body: Body,
    id: TaskId,
    steps: Mapping[str, TaskId],
    bound: dict[str, ir.Expr],
) -> ir.Ref:
    """Lower what is tried to tasks of their own, and the task `id` to what stands in for it.

    `steps`: the ids of what is assigned on the way; `bound` gets what these names stand for.
    """
    inner = _inner(body, id)
    first = len(body.tasks)
    bound |= _lower_steps(attempt.steps, lowering, inner, steps)
    tried = lowering.value(attempt.value, inner, inner.lifted("try"))
    fallback = lowering.expression(attempt.fallback, inner)
    return _emit(tried, fallback, attempt.caught, first, tree, lowering, inner, id)


def lower_trial(
    trial: Trial, tree: ast.Try, lowering: Lowering, body: Body, steps: Mapping[str, TaskId], bound: dict[str, ir.Expr]
) -> tuple[ir.Ref, ast.stmt | None]:
    """Lower what is tried, and whether all of it has a value; and give the statement that is made of it then.

    `bound` gets what the names stand for, those in the statement that no plan can have among them.
    """
    id = body.lifted("try")
    inner = _inner(body, id)
    first = len(body.tasks)
    bound |= _lower_steps(trial.steps, lowering, inner, steps)
    done: ast.stmt | None = None
    if trial.done is not None:
        statement, change = trial.done
        known: dict[int, ast.AST] = {}
        for place, part in enumerate(change.parts):
            if not isinstance(part, ast.Constant | ast.Name):
                name = f"({place})"
                bound[name] = lowering.value(part, inner, inner.lifted("part"))
                known[builtins.id(part)] = ast.copy_location(ast.Name(name, ast.Load()), part)
        done = copy.deepcopy(statement, known)
    whole = ir.Sequence("tuple", (*bound.values(), ir.Literal(True)))
    tried = lowering.emit(inner.lifted("whole"), ir.Compute(ir.Apply("bool", (whole,))), inner, None)
    return _emit(tried, ir.Literal(False), trial.caught, first, tree, lowering, inner, id), done


def _inner(body: Body, id: TaskId) -> Body:
    """The same body while a `try` is lowered, which has names of its own."""
    made = body.of(id)
    return Body(id, body.inner_names(), made.tasks, made.guards, made.used, made.tests)


def _lower_steps(steps: Steps, lowering: Lowering, inner: Body, ids: Mapping[str, TaskId]) -> dict[str, ir.Expr]:
    bound: dict[str, ir.Expr] = {}
    assert isinstance(inner.names, ChainMap)
    for name, value in steps:
        lowering.check_name(name.id, name)
        bound[name.id] = inner.names[name.id] = lowering.value(value, inner, ids[name.id])
    return bound


def _emit(
    tried: ir.Ref,
    fallback: ir.Expr,
    caught: tuple[str, ...],
    first: int,
    tree: ast.Try,
    lowering: Lowering,
    body: Body,
    id: TaskId,
) -> ir.Ref:
    """The task that has the value of `tried`, or the fallback; what was lowered from the task `first` on is tried."""
    made = body.tasks[first:]
    if any(task.id in lowering.writes for task in made):
        message = "a write in a `try`, which may have happened although it failed"
        help = "write it without `try`: what needs it is skipped if it fails, all else goes on"
        lowering.problem("E205", message, tree, help=help)
    inside = {task.id for task in ir.walk(tuple(made))} | {t.work.item for t in made if isinstance(t.work, ir.Map)}
    refers = dict.fromkeys(need.task for task in ir.walk(tuple(made)) for need in task.needs)
    before = tuple(ir.Ref(task) for task in refers if task not in inside and not _is_item(task, made))
    within = tuple(ir.Ref(task.id) for task in made if task.id != tried.task)
    errors = (ir.Sequence("tuple", tuple(map(ir.Literal, caught))),) if caught else ()
    parts = (tried, fallback, ir.Sequence("tuple", before), ir.Sequence("tuple", within), *errors)
    return lowering.emit(id, ir.Compute(ir.Apply(EXCEPT, parts)), body, tree)


def lower_entry(
    attempt: TryStatement,
    tree: ast.Try,
    lowering: Lowering,
    body: Body,
    id: TaskId,
    steps: Mapping[str, TaskId],
    bound: dict[str, ir.Expr],
) -> tuple[ir.Ref, ir.Ref]:
    """Lower a `try` around `d[k] = x` to its key and what is put there: tasks that belong to `id`."""
    assert isinstance(attempt.place, ast.Subscript)
    key = lowering.value(attempt.place.slice, body.of(id), f"{id}[0]")
    return key, lower_attempt(attempt, tree, lowering, body, f"{id}[1]", steps, bound)


def _is_item(task: TaskId, made: list[ir.Task]) -> bool:
    """Whether it is the variable of a map among these."""
    return any(isinstance(each.work, ir.Map) and each.work.item == task for each in ir.walk(tuple(made)))


def refuse_try(tree: ast.Try, lowering: Lowering) -> None:
    """Note a `try` of another form."""
    message, help = refused_construct(tree)
    lowering.problem("E201", message, tree, help=blocks.of_try(tree) or help)
