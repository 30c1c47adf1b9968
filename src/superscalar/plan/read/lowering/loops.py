"""`for` blocks: a map over a body, and what leaves it (rule L14).

A loop is lowered as a whole. Its body becomes the body of a `Map`, names as in the program (versions, selects behind an
`if`); an `Each` behind it gathers what leaves: the last value of a name that the body assigns, or all contributions to
a name that it only adds to. Any other value that one iteration would hand to the next is a diagnostic.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from superscalar.plan import ir
from superscalar.plan.ir.changes import BEGUN, MIXED, goes_inside, is_keyed, may_mix
from superscalar.plan.read.lowering.attempts import Trial, attempt_of, lower_trial, stands_otherwise, trial_of
from superscalar.plan.read.lowering.attempts import refuse_try as refuse_try
from superscalar.plan.read.lowering.body import Body, BodyNames, Carried, placed_at, target_spelled
from superscalar.plan.read.lowering.changing import Change, change_of
from superscalar.plan.read.lowering.findings import STAND_IN
from superscalar.plan.read.lowering.in_place import check_augmented, check_written_out, refuse_change, version_changed
from superscalar.plan.read.lowering.lower import Lowering
from superscalar.plan.read.lowering.nested import entry_of, stored_of, why_shared
from superscalar.plan.read.lowering.outputs import EMPTY_LIST, ITEMS
from superscalar.plan.read.lowering.statements import TaskIds, lower_simple
from superscalar.plan.read.lowering.symbols import BINARY
from superscalar.values import TaskId


@dataclass(frozen=True, slots=True)
class _AddingStep:
    """One statement that adds to a name: `total += e`, or `found.append(e)`."""

    name: str
    how: str
    value: ast.expr
    change: Change | None = None


MAX_NESTED = 20
"""How many loops may stand in each other, as in Python (rule L25)."""


def lower_loop(
    tree: ast.For,
    lowering: Lowering,
    body: Body,
    id: TaskId,
    naming: TaskIds,
    bound: dict[str, ir.Expr],
    thoughts: Mapping[int, str],
) -> None:
    """Lower a `for` to a task `id` in `body`; `bound` gets what the names that leave it stand for.

    `thoughts`: the comments of the source, by line.
    """
    if id.count("[].for") >= MAX_NESTED:
        message = f"more than {MAX_NESTED} loops stand in each other"
        lowering.problem("E402", message, tree, help="make it several plans, or a tool")
        return
    around = naming.steps if isinstance(naming, _Loop) else {}
    _Loop(tree, lowering, id, thoughts, around).lower(body, naming, bound)


def first_found(tree: ast.stmt, lowering: Lowering, body: Body) -> ast.Assign | None:
    """`for x in xs: if c: name = e; break` as `name = next((e for x in xs if c), name)`; None if it is something else.

    Nobody may have another use for `x`, which in Python stands for the item found, and no tool is called for an item.
    """
    match tree:
        case ast.For(
            target=target,
            iter=items,
            body=[
                ast.If(test=test, body=[ast.Assign(targets=[ast.Name() as found], value=value), ast.Break()], orelse=[])
            ],
            orelse=[],
        ) if not lowering.finder.has_call(test) and not lowering.finder.has_call(value):
            passing = _stored(target)
        case _:
            return None
    before = lowering.known(found.id, body)
    if found.id in passing or before is None or isinstance(before, Carried):
        return None
    if any(lowering.is_known_before(name) or not _is_open(body.names.get(name)) for name in passing):
        return None
    place, default = ast.comprehension(target, items, [test], 0), ast.Name(found.id, ast.Load())
    call = ast.Call(ast.Name("next", ast.Load()), [ast.GeneratorExp(value, [place]), default], [])
    return ast.copy_location(ast.Assign([found], placed_at(call, tree)), tree)


def _is_open(meaning: ir.Expr | Carried | None) -> bool:
    """Whether a name has no value in the body of a loop, so far."""
    return meaning is None or (isinstance(meaning, Carried) and meaning.value is None and not meaning.collected)


class _Loop:
    """One loop: the ids of its body, and what its body adds to names from outside."""

    def __init__(
        self,
        tree: ast.For,
        lowering: Lowering,
        id: TaskId,
        thoughts: Mapping[int, str],
        around: Mapping[ast.AST, _AddingStep],
    ) -> None:
        self._tree = tree
        self._lowering = lowering
        self._id = id
        self._thoughts = thoughts
        self.steps = {node: around.get(node, step) for node, step in _steps_in(tree).items()}
        self._collected = {step.name for step in self.steps.values()}
        self._given: dict[str, list[tuple[TaskId, bool]]] = {name: [] for name in self._collected}
        self._versions: dict[str, int] = {}
        self._nameless: dict[str, int] = {}
        self._body = self._around = Body(f"{id}[]")
        self._source: TaskId | None = None

    # --------------------------------------------------------------------------------------------- ids, as `TaskIds`

    def id_of(self, name: str) -> TaskId:
        """The next version of a name of the body."""
        number = self._versions[name] = self._versions.get(name, 0) + 1
        return f"{self._id}[]:{name}" if number == 1 else f"{self._id}[]:{name}.{number}"

    def fresh(self, base: str) -> TaskId:
        """The numbered id of what has no name."""
        number = self._nameless[base] = self._nameless.get(base, 0) + 1
        inner = f"{self._id}[]:{base}" if base.startswith("(") else f"{self._id}[].{base}"
        return inner if number == 1 else f"{inner}.{number}"

    # ------------------------------------------------------------------------------------------------------- the loop

    def lower(self, body: Body, naming: TaskIds, bound: dict[str, ir.Expr]) -> None:
        tree, lowering = self._tree, self._lowering
        self._around = body
        if tree.orelse:
            lowering.problem("E201", "`else` of a loop", tree.orelse[0], help="write its lines below the loop")
        source = lowering.reference(tree.iter, body.of(self._id), "over")
        lowering.check_iterable(source, tree.iter)
        item = f"{self._id}[]:{target_spelled(tree.target)}"
        lowering.note_items(source, item)
        if isinstance(tree.target, ast.Name):
            self._versions[tree.target.id] = 1  # that of the item itself
        assigned = [name for name in assigned_in(tree) if name not in self._collected]
        names = body.inner_names()
        names.update({name: Carried(name) for name in assigned})
        names.update({name: Carried(name, collected=True) for name in self._collected})
        names.update(lowering.targets(tree.target, ir.Ref(item)))
        self._body.names = names
        self._source = source.task
        lowering.sharing.note_item(item, source.task)
        lowering.loops.append(tree)
        self._statements(tree.body, self._body, names)
        lowering.loops.pop()
        leaving = {name: self._leaving(name) for name in assigned}
        kept_of = lowering.outputs.of_task(source.task).ok_of
        work = ir.Map(source.task, item, tuple(self._body.tasks), item, ok_of=kept_of)
        lowering.main = self._id
        lowering.emit(self._id, work, body, tree)
        for name in dict.fromkeys((*assigned_in(tree), *self._collected)):
            if name in self._collected:
                self._collect(name, body, naming, bound)
            elif (task := leaving[name]) is not None:
                before = self._before(name, body)
                each = ir.Each(self._id, (task,), last=True, otherwise=before)
                bound[name] = lowering.emit(naming.id_of(name), each, body, tree)

    def _leaving(self, name: str) -> TaskId | None:
        """The task of the body that has the value with which a name leaves it."""
        meaning = self._body.names[name]
        value = meaning.value if isinstance(meaning, Carried) else meaning
        return None if value is None else self._task(value, name, self._body)

    def _task(self, value: ir.Expr, name: str, body: Body) -> TaskId:
        """The task that has this value: a new one for a part of an item."""
        if isinstance(value, ir.Ref):
            return value.task
        return self._lowering.emit(body.lifted(name), ir.Compute(value), body, None).task

    def _before(self, name: str, body: Body) -> TaskId | None:
        """What a name stood for before the loop; None if for nothing."""
        known = self._lowering.known(name, body)
        meaning = known.value if isinstance(known, Carried) else known
        return None if meaning is None else self._task(meaning, name, body)

    def _collect(self, name: str, body: Body, naming: TaskIds, bound: dict[str, ir.Expr]) -> None:
        """What a name stands for behind the loop that adds to it."""
        lowering = self._lowering
        steps = {node: step for node, step in self.steps.items() if step.name == name}
        how = next(iter(steps.values())).how
        each = ir.Each(
            self._id,
            tuple(task for task, _ in self._given[name]),
            tuple(task for task, spliced in self._given[name] if spliced),
        )
        outside = body.names.get(name)
        if isinstance(outside, Carried) and outside.collected:  # the loop around adds to the same name
            id = body.lifted(name)
            lowering.emit(id, each, body, self._tree)
            bound[name] = ir.Ref(id)
            return
        at = next(node for node in ast.walk(self._tree) if isinstance(node, ast.Name) and node.id == name)
        before = lowering.expression(ast.copy_location(ast.Name(name, ast.Load()), at), body)
        if before is STAND_IN or not all(self._may_change(node, step, body) for node, step in steps.items()):
            return
        id = naming.id_of(name)
        if how == "append" and isinstance(before, ir.Ref) and lowering.outputs.of_task(before.task) is EMPTY_LIST:
            lowering.outputs.own[id] = ITEMS
            bound[name] = lowering.emit(id, each, body, self._tree)
            return
        if how == "append":
            start = self._task(before, name, body)
            lowering.outputs.own[id] = ITEMS
            bound[name] = lowering.emit(id, replace(each, otherwise=start), body, self._tree)
            return
        gathered = lowering.emit(f"{id}.each", each, body, self._tree)
        operator: Any = how
        bound[name] = lowering.emit(id, ir.Compute(ir.Fold(operator, before, gathered)), body, self._tree)

    def _may_change(self, adding: ast.AST, step: _AddingStep, body: Body) -> bool:
        """Whether nobody else sees what the loop adds to; if not, that is noted (rule L14)."""
        assert isinstance(adding, ast.stmt)
        lowering = self._lowering
        lowering.statement = adding
        lowering.loops.append(self._tree)
        try:
            if step.change is not None:
                version = version_changed(step.change, adding, lowering, body)
                mine = [each.change for each in self.steps.values() if each.name == step.name and each.change]
                if version is not None and (why := why_shared(step.name, mine)):
                    refuse_change(why, adding, lowering)
                    return False
                if version is None or not self._goes_through(version) or self._is_behind(step.change):
                    return version is not None
                refuse_change(f"`{step.name}` is what the loop goes through, and would never end", adding, lowering)
                return False
            owner = ast.copy_location(ast.Name(step.name, ast.Load()), adding)
            check = check_written_out if isinstance(adding, ast.Assign) else check_augmented
            return check(owner, step.value, adding, lowering, body)
        finally:
            lowering.loops.pop()

    def _is_behind(self, change: Change) -> bool:
        """Whether a change of what the loop goes through is of keys' values, or of the item that it has come to."""
        match self._tree.iter, self._tree.target:
            case ast.Name(id=name), _ if name == change.owner.id:
                return (
                    is_keyed(change.operator)
                    and self._source is not None
                    and self._lowering.sharing.kind(self._source) == "dict"
                )
            case ast.Call(func=ast.Attribute(attr="keys")), _:
                return is_keyed(change.operator)
            case (
                ast.Call(func=ast.Attribute(attr="items"))
                | ast.Call(func=ast.Name(id="enumerate"), args=[_], keywords=[]),
                ast.Tuple(elts=[ast.Name(id=place), *_]),
            ):
                own = isinstance(change.parts[0], ast.Name) and change.parts[0].id == place
                return own and is_keyed(change.operator) and self._versions.get(place, 0) == 0
        return False

    def _goes_through(self, version: TaskId) -> bool:
        return self._source is not None and self._lowering.sharing.is_one(version, self._source)

    # ------------------------------------------------------------------------------------------------ statements

    def _statements(self, statements: Sequence[ast.stmt], body: Body, names: BodyNames) -> None:
        for statement in statements:
            first = len(self._body.tasks)
            self._lowering.main = None
            self._statement(statement, body, names)
            self._think(statement, first)

    def _think(self, statement: ast.stmt, first: int) -> None:
        """The comment of a statement becomes its task's thought."""
        tasks = self._body.tasks
        if (thought := self._thoughts.get(statement.lineno)) and len(tasks) > first:
            main = self._lowering.main
            index = next((i for i in range(first, len(tasks)) if tasks[i].id == main), len(tasks) - 1)
            tasks[index] = replace(tasks[index], thought=thought)

    def _statement(self, tree: ast.stmt, body: Body, names: BodyNames) -> None:
        bound: dict[str, ir.Expr] = {}
        if (step := self.steps.get(tree)) is not None:
            id = body.lifted(step.name)
            known = self._own_entry(step, body)
            self._lowering.value(step.value, known or body, id)
            if step.change is not None and (goes_inside(step.change.operator) or step.how in (MIXED, BEGUN)):
                self._lowering.sharing.keep_only(id, self._body.tasks[-1].work, stored_of(step.change))
            self._lowering.main = id
            self._given[step.name].append((id, False))
            return
        tree = first_found(tree, self._lowering, body) or tree
        match tree:
            case ast.Pass():
                return
            case ast.If():
                self._if(tree, body, names)
                return
            case ast.Try() if not _is_default(tree) and (trial := trial_of(tree)) is not None:
                if stands_otherwise(trial.on_the_way, self._lowering, body):
                    refuse_try(tree, self._lowering)
                    return
                self._try(trial, tree, body, names)
                names.update({name: Carried(name) for name in trial.on_the_way})
                return
            case ast.For():
                lower_loop(tree, self._lowering, body, body.lifted("for"), self, bound, self._thoughts)
                for name in self._collected & bound.keys():
                    collected = bound.pop(name)
                    if isinstance(collected, ir.Ref):
                        self._given[name].append((collected.task, True))
            case _:
                lower_simple(tree, self._lowering, body, self, bound)
        names.update(self._after_loop(tree, bound, body))

    def _own_entry(self, step: _AddingStep, body: Body) -> Body | None:
        """The body for `for k in d: d[k] = f(d[k])`, which changes each entry once: it sees what `d` was before."""
        tree, name = self._tree, step.name
        match tree.iter, tree.target, step.change:
            case (
                ast.Name(id=source) | ast.Call(func=ast.Attribute(value=ast.Name(id=source), attr="keys"), args=[]),
                ast.Name(id=key),
                Change(operator="[]=" | "[][]=", parts=(ast.Name(id=place), *_, value)),
            ) if source == name and place == key and self._source is not None:
                pass
            case _:
                return None
        own = [node for node in ast.walk(value) if _is_entry(node, name, key)]
        steps = [each for each in self.steps.values() if each.name == name]
        mentions = [node for node in ast.walk(value) if isinstance(node, ast.Name) and node.id == name]
        if not own or len(own) < len(mentions) or len(steps) > 1 or self._versions.get(key, 0) > 1:
            return None
        before = self._lowering.known(name, self._around)
        if not isinstance(before, ir.Ref):
            return None
        made = body.of(body.prefix)
        return Body(made.prefix, body.inner_names({name: before}), made.tasks, made.guards, made.used, made.tests)

    def _try(self, trial: Trial, tree: ast.Try, body: Body, names: BodyNames) -> None:
        """What is done if all that is tried has a value is one arm, the handler the other."""
        bound: dict[str, ir.Expr] = {}
        ids = {name.id: self.id_of(name.id) for name, _ in trial.steps}
        condition, done = lower_trial(trial, tree, self._lowering, body, ids, bound)
        if done is not None and trial.done is not None and (step := _step(done)):
            known = self.steps.get(trial.done[0])
            if known is not None:
                self.steps[done] = _mixed(step) if known.how == MIXED else step
        then = [*([] if done is None else [done]), *trial.otherwise]
        self._arms(condition.task, then, trial.handling, body, names, bound)

    def _after_loop(self, tree: ast.stmt, bound: dict[str, ir.Expr], body: Body) -> Mapping[str, ir.Expr | Carried]:
        """A name that a loop inside may or may not have assigned is still carried, unless it had a value before."""
        if not isinstance(tree, ast.For):
            return bound
        carried = {name for name in bound if isinstance(body.names.get(name), Carried)}
        return {name: Carried(name, value) if name in carried else value for name, value in bound.items()}

    def _if(self, tree: ast.If, body: Body, names: BodyNames) -> None:
        condition = self._lowering.condition(tree.test, body, body.lifted("if"))
        self._arms(condition, tree.body, tree.orelse, body, names, {})

    def _arms(
        self,
        condition: TaskId,
        block: Sequence[ast.stmt],
        orelse: Sequence[ast.stmt],
        body: Body,
        names: BodyNames,
        known: Mapping[str, ir.Expr],
    ) -> None:
        """The two ways behind a condition; `known`: what names stand for in the first."""
        lowering = self._lowering
        lowering.main = condition
        then, assigned = body.arm(ir.Guard(condition, expected=True))
        otherwise, assigned_otherwise = body.arm(ir.Guard(condition, expected=False))
        assigned.update(known)
        self._statements(block, then, assigned)
        self._statements(orelse, otherwise, assigned_otherwise)
        lowering.main = condition
        for name in [name for name in assigned.maps[0] if not name.isidentifier()]:
            del assigned[name]
        for name in dict.fromkeys((*assigned.maps[0], *assigned_otherwise.maps[0])):
            names[name] = self._merged(name, condition, assigned[name], assigned_otherwise[name], body)

    def _merged(
        self, name: str, condition: TaskId, one: ir.Expr | Carried, other: ir.Expr | Carried, body: Body
    ) -> ir.Expr | Carried:
        """What a name stands for behind an `if` in a loop (rule L11)."""
        values = [side.value if isinstance(side, Carried) else side for side in (one, other)]
        then, otherwise = (None if value is None else self._task(value, name, body) for value in values)
        made = self._lowering.emit(self.id_of(name), ir.Select(condition, then, otherwise), body, None)
        carried = isinstance(one, Carried) or isinstance(other, Carried)
        return Carried(name, made) if carried else made


def assigned_in(tree: ast.For) -> list[str]:
    """Every name that a loop gives a new value, in order: its target's, and those that its body assigns or adds to."""
    found = dict.fromkeys(_stored(tree.target))
    for statement in tree.body:
        for node in ast.walk(statement):
            match node:
                case ast.Assign(targets=targets):
                    found |= dict.fromkeys(name for target in targets for name in _stored(target))
                case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
                    found |= dict.fromkeys(_stored(target))
    for statement in tree.body:
        found |= dict.fromkeys(name for node in ast.walk(statement) if (name := _changed(node)) is not None)
    return list(found)


def _changed(node: ast.AST) -> str | None:
    """The name whose collection a statement changes in place."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="sort"))):
            return name
    change = change_of(node)
    return None if change is None else change.owner.id


def _is_entry(node: ast.AST, owner: str, key: str) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(id=id), slice=ast.Name(id=at)):
            return (id, at) == (owner, key)
    return False


def _is_default(tree: ast.Try) -> bool:
    """Whether a `try` is only another value for one name."""
    attempt = attempt_of(tree)
    return attempt is not None and isinstance(attempt.place, ast.Name)


def _stored(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _steps_in(tree: ast.For) -> dict[ast.AST, _AddingStep]:
    """The statements of a loop that add to a name which its body does not assign, each name in one way."""
    steps: dict[ast.AST, _AddingStep] = {}
    inside: set[ast.AST] = set()  # of a step
    for statement in tree.body:
        for node in ast.walk(statement):
            if node not in inside and (step := _step(node)) is not None:
                steps[node] = step
                inside.update(ast.walk(node) if isinstance(node, ast.If) else ())
    assigned = set(_stored(tree.target))
    for statement in tree.body:
        for node in ast.walk(statement):
            match node:
                case ast.Assign(targets=targets) if node not in steps:
                    assigned |= {name for target in targets for name in _stored(target)}
                case ast.AnnAssign(target=target) | ast.For(target=target):
                    assigned |= set(_stored(target))
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="sort"))):
                    assigned.add(name)
    ways: dict[str, set[str]] = {}
    for step in steps.values():
        ways.setdefault(step.name, set()).add(step.how)
    mixed = {
        name for name, several in ways.items() if len(several) > 1 and may_mix({_operator(way) for way in several})
    }
    return {
        node: _mixed(step) if step.name in mixed else step
        for node, step in steps.items()
        if step.name not in assigned and (len(ways[step.name]) == 1 or step.name in mixed)
    }


def _operator(how: str) -> str:
    return ".append" if how == "append" else how


def _mixed(step: _AddingStep) -> _AddingStep:
    """A step of a name that is changed in several ways: it says which one it is."""
    assert step.change is not None
    said = [ast.copy_location(ast.Constant(step.change.operator), step.value), *step.change.parts]
    return replace(step, how=MIXED, value=ast.copy_location(ast.Tuple(said, ast.Load()), step.value))


def _step(node: ast.AST) -> _AddingStep | None:
    match node:
        case ast.AugAssign(target=ast.Name(id=name), op=op, value=value) if type(op) in BINARY:
            return _AddingStep(name, BINARY[type(op)], value)
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.Name(id=before), op=op, right=value)) if (
            before == name and type(op) in BINARY
        ):
            return _AddingStep(name, BINARY[type(op)], value)
    change = change_of(node) or entry_of(node)
    if change is None:
        return None
    value = change.parts[0]
    if is_keyed(change.operator):
        value = ast.copy_location(ast.Tuple(list(change.parts), ast.Load()), value)
    how = "append" if change.operator == ".append" else change.operator
    return _AddingStep(change.owner.id, how, value, change)
