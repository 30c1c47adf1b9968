"""Assignments and bare expressions, as they stand in a program and in the body of a loop."""

from __future__ import annotations

import ast
from typing import Protocol

from superscalar.plan import ir
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir.changes import is_keyed, puts_as_it_is
from superscalar.plan.ir.forms import REST
from superscalar.plan.read.instead import blocks, changes, folds, forms
from superscalar.plan.read.lowering.attempts import attempt_of, lower_attempt, lower_entry, stands_otherwise
from superscalar.plan.read.lowering.attempts import refuse_try as refuse_try
from superscalar.plan.read.lowering.body import Body, has_star, placed_at, target_spelled
from superscalar.plan.read.lowering.changing import Change, change_of
from superscalar.plan.read.lowering.findings import STAND_IN
from superscalar.plan.read.lowering.in_place import check_augmented, refuse_change, version_changed, version_to_change
from superscalar.plan.read.lowering.lower import Lowering
from superscalar.plan.read.lowering.refusals import refused_construct
from superscalar.values import TaskId

_UNPACKING = "a, b = pair; for anything else take parts by position: x[0], x[1:]"


class TaskIds(Protocol):
    """Where the ids of tasks come from: the same ids when a statement is lowered again."""

    def id_of(self, name: str) -> TaskId:
        """The id of the task that a name stands for once it is assigned."""
        ...

    def fresh(self, base: str) -> TaskId:
        """The numbered id of what has no name."""
        ...


def lower_simple(tree: ast.stmt, lowering: Lowering, body: Body, naming: TaskIds, bound: dict[str, ir.Expr]) -> None:
    """Lower a statement without a block into `body`; `bound` gets what the names that it assigns stand for."""
    _Simple(tree, lowering, body, naming, bound).lower()


class _Simple:
    """A statement without a block, as it is lowered."""

    def __init__(
        self, tree: ast.stmt, lowering: Lowering, body: Body, naming: TaskIds, bound: dict[str, ir.Expr]
    ) -> None:
        self._tree = tree
        self._lowering = lowering
        self._body = body
        self._naming = naming
        self._bound = bound

    def lower(self) -> None:
        tree = self._tree
        self._lowering.statement = tree
        if (change := change_of(tree)) is not None:
            self._change(change)
            return
        match tree:
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name() as owner, attr="sort"), args=[], keywords=order
                ) as call
            ):
                if version_to_change(owner, ("list",), tree, self._lowering, self._body) is not None:
                    known = placed_at(ast.Name(owner.id, ast.Load()), owner)
                    ordered = ast.Call(placed_at(ast.Name("sorted", ast.Load()), owner), [known], order)
                    self._assign(owner, ast.copy_location(ordered, call))
            case ast.Try():
                self._try(tree)
            case ast.Assign(targets=[ast.Name() as target], value=value):
                self._assign(target, value)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                old = ast.copy_location(ast.Name(target.id, ast.Load()), target)
                whole = ast.copy_location(ast.BinOp(old, op, value), tree)
                if not check_augmented(target, value, tree, self._lowering, self._body):
                    return
                if isinstance(op, ast.Add) and not isinstance(value, ast.List | ast.ListComp):
                    meaning = self._lowering.known(target.id, self._body)
                    if isinstance(meaning, ir.Ref) and self._lowering.sharing.kind(meaning.task) == "list":
                        self._put(Change(target, "+=", (value,)), meaning.task)
                        return
                self._assign(target, whole)
            case ast.Assign(targets=[ast.Tuple() | ast.List() as target], value=value):
                self._unpack(target, value)
            case ast.Assign(targets=[_, _, *_] as targets, value=value):
                self._assign_several(targets, value)
            case ast.AnnAssign(target=ast.Name() as target, annotation=annotation, value=None):
                meant = isinstance(annotation, ast.Call | ast.List | ast.Constant | ast.BinOp)
                help = (
                    forms.of_value(target, annotation) if meant else ""
                ) or f"write {target.id} = ..., or leave it out"
                self._lowering.problem("E201", f"`{target.id}` gets no value", tree, help=help)
            case ast.Assign(targets=[ast.Subscript() | ast.Attribute() as place], value=value):
                self._refuse_place(place, value)
            case ast.AugAssign(target=ast.Subscript() | ast.Attribute() as place, op=op, value=value):
                self._refuse_place(place, ast.BinOp(place, op, value))
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                self._lowering.problem("E201", "only names can be assigned", tree, help=changes.NO_CHANGE)
            case ast.Expr(value=ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()]) as compared) if (
                not self._lowering.is_known(name, self._body)
            ):
                self._lowering.meant = (name,)
                help = forms.of_comparison(compared) or f"write {name} = ..."
                self._lowering.problem("E201", "`==` compares, and assigns nothing", tree, help=help)
            case ast.Expr(
                value=ast.Compare(
                    left=ast.Name(id=name) as left, ops=[ast.Lt()], comparators=[ast.UnaryOp(ast.USub(), value)]
                )
            ) if not self._lowering.is_known(name, self._body):
                self._lowering.meant = (name,)
                help = forms.of_value(left, value) or f"write {name} = ..."
                self._lowering.problem("E201", "`<-` compares, and assigns nothing", tree, help=help)
            case ast.Expr(value=ast.Call(func=ast.Name(id="join")) as call):
                instead = forms.of_join_inside(call, self._lowering.names_before())
                help = (
                    instead
                    or "assign in the block what it finds, and write join(...) as the last line, at its beginning"
                )
                self._lowering.problem("E206", "`join(...)` stands inside a block", call, help=help)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as value) if name not in FUNCTIONS:
                self._lowering.value(value, self._body, self._naming.fresh(f"{name}()"))
            case ast.Expr(value=value):
                self._lowering.value(value, self._body, self._naming.fresh("do()"))
            case _:
                message, help = refused_construct(tree)
                instead = blocks.of_statement(tree)
                if isinstance(tree, ast.Break) and self._lowering.loops:
                    instead = folds.first_of(self._lowering.loops[-1])
                self._lowering.problem("E201", message, tree, help=instead or help)

    def _try(self, tree: ast.Try) -> None:
        attempt = attempt_of(tree)
        if attempt is None or stands_otherwise((name.id for name, _ in attempt.steps), self._lowering, self._body):
            refuse_try(tree, self._lowering)
            tried = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            self._bound |= dict.fromkeys((name.id for name in tried), STAND_IN)  # one mistake is one error
            return
        owner = attempt.owner
        match attempt.place:
            case ast.Name():
                self._lowering.check_name(owner.id, owner)
                ids = {name.id: self._naming.id_of(name.id) for name, _ in attempt.steps}
                self._bound[owner.id] = lower_attempt(
                    attempt, tree, self._lowering, self._body, self._naming.id_of(owner.id), ids, self._bound
                )
            case ast.Subscript(slice=key):
                change = Change(owner, "[]=", (key, attempt.value))
                version = version_changed(change, tree, self._lowering, self._body)
                if version is not None:
                    ids = {name.id: self._naming.id_of(name.id) for name, _ in attempt.steps}
                    id = self._naming.id_of(owner.id)
                    parts = lower_entry(attempt, tree, self._lowering, self._body, id, ids, self._bound)
                    self._fold_in(change, version, parts, id)

    def _change(self, change: Change) -> None:
        """A statement that changes a collection makes the next version of its name."""
        version = version_changed(change, self._tree, self._lowering, self._body)
        if version is not None:
            self._put(change, version)

    def _put(self, change: Change, version: TaskId) -> None:
        id = self._naming.id_of(change.owner.id)
        self._fold_in(change, version, self._lowering.items(change.parts, self._body.of(id)), id)

    def _fold_in(self, change: Change, version: TaskId, parts: tuple[ir.Expr, ...], id: TaskId) -> None:
        stored = self._lowering.sharing.stored(parts[-1], as_it_is=puts_as_it_is(change.operator))
        if not stored.isdisjoint(self._lowering.sharing.chain(version)):
            refuse_change(f"`{change.owner.id}` would be put into itself", self._tree, self._lowering)
            return
        item = ir.Sequence("tuple", parts) if is_keyed(change.operator) else parts[0]
        work = ir.Compute(ir.Fold(change.operator, ir.Ref(version), ir.Sequence("list", (item,))))
        self._bound[change.owner.id] = self._lowering.emit(id, work, self._body, change.owner)

    def _refuse_place(self, place: ast.expr, value: ast.expr) -> None:
        lowering, tree = self._lowering, self._tree
        help = changes.of_assignment(place, value, lowering.loops, tree, lowering.fields_of, lowering.type_of)
        lowering.problem("E201", "only names can be assigned: results do not change", tree, help=help)

    def _assign(self, target: ast.Name, value: ast.expr) -> None:
        self._lowering.check_name(target.id, target)
        self._bound[target.id] = self._lowering.value(value, self._body, self._naming.id_of(target.id))

    def _unpack(self, target: ast.Tuple | ast.List, value: ast.expr) -> None:
        """`a, b = x`: one task for the whole, one for each name; `a, b = x, y` needs no whole."""
        names = self._names_of(target, value)
        if names is None:
            return
        own = {name.id for name in names}
        if (
            isinstance(value, ast.Tuple | ast.List)
            and len(value.elts) == len(names) == len(target.elts) == len(own)
            and not has_star(value)
            and not any(isinstance(n, ast.Starred) for n in target.elts)
            and not any(isinstance(n, ast.Name) and n.id in own for n in ast.walk(value))
        ):
            for name, item in zip(target.elts, value.elts, strict=True):
                assert isinstance(name, ast.Name)
                self._bound[name.id] = self._lowering.value(item, self._body, self._naming.id_of(name.id))
            return
        id = self._naming.fresh(target_spelled(target))
        if has_star(target):
            inner = self._body.of(id)
            whole = self._lowering.emit(
                id, ir.Compute(_with_rest(self._lowering.expression(value, inner), target)), inner, target
            )
        else:
            whole = self._lowering.value(value, self._body, id)
        self._take_apart(whole, target)

    def _names_of(self, target: ast.Tuple | ast.List, value: ast.expr) -> list[ast.Name] | None:
        names = _names_of(target, self._lowering)
        if names is None:
            message = "only plain names, one of them with a `*`, can be unpacked into"
            self._lowering.problem("E201", message, target, help=forms.of_unpacking(target, value) or _UNPACKING)
        return names

    def _take_apart(self, whole: ir.Expr, target: ast.Tuple | ast.List) -> None:
        """A task for each name of a target; of two of one name the last one counts, as in Python."""
        parts: dict[str, tuple[ir.Expr, ast.Name]] = {}
        _find_parts(whole, target, parts)
        for id, (part, name) in parts.items():
            self._bound[id] = self._lowering.emit(self._naming.id_of(id), ir.Compute(part), self._body, name)

    def _assign_several(self, targets: list[ast.expr], value: ast.expr) -> None:
        """`a = b = x`: the value is made once, under the first plain name."""
        first = next((target for target in targets if isinstance(target, ast.Name)), None)
        if first is None or not all(isinstance(target, ast.Name | ast.Tuple | ast.List) for target in targets):
            tree = self._lowering.statement
            help = (forms.of_targets(tree) if isinstance(tree, ast.Assign) else "") or "one assignment per line"
            self._lowering.problem("E201", "several targets in one assignment", tree, help=help)
            return
        self._assign(first, value)
        for target in targets:
            known = placed_at(ast.Name(first.id, ast.Load()), target)
            match target:
                case ast.Name(id=name) if name == first.id:
                    pass
                case ast.Name():
                    self._lowering.check_name(target.id, target)
                    id = self._naming.id_of(target.id)
                    self._lowering.outputs.own[id] = self._lowering.outputs.of(self._bound[first.id])
                    self._bound[target.id] = self._lowering.emit(
                        id, ir.Compute(self._bound[first.id]), self._body, target
                    )
                case ast.Tuple() | ast.List():
                    self._unpack_known(target, self._bound[first.id], known)

    def _unpack_known(self, target: ast.Tuple | ast.List, value: ir.Expr, shown: ast.expr) -> None:
        """`a, b = x` of what was assigned in the same statement."""
        if self._names_of(target, shown) is None:
            return
        id = self._naming.fresh(target_spelled(target))
        work = ir.Compute(_with_rest(value, target) if has_star(target) else value)
        self._take_apart(self._lowering.emit(id, work, self._body, target), target)


def _names_of(target: ast.Tuple | ast.List, lowering: Lowering) -> list[ast.Name] | None:
    """The names of a target, nested ones too; None if something else can be assigned there."""
    found: list[ast.Name] = []
    stars = 0
    for part in target.elts:
        if isinstance(part, ast.Starred):
            stars += 1
            part = part.value
        match part:
            case ast.Name():
                lowering.check_name(part.id, part)
                found.append(part)
            case ast.Tuple() | ast.List() if (inner := _names_of(part, lowering)) is not None:
                found += inner
            case _:
                return None
    return None if stars > 1 or not target.elts else found


def _with_rest(value: ir.Expr, target: ast.Tuple | ast.List) -> ir.Expr:
    """A value as so many parts as the target has, what its `*rest` takes being one of them."""
    before = next(place for place, part in enumerate(target.elts) if isinstance(part, ast.Starred))
    behind = len(target.elts) - before - 1
    return ir.Apply(REST, (value, ir.Literal(before), ir.Literal(behind)))


def _find_parts(whole: ir.Expr, target: ast.Tuple | ast.List, parts: dict[str, tuple[ir.Expr, ast.Name]]) -> None:
    for index, each in enumerate(target.elts):
        part = ir.Unpacked(whole, index, len(target.elts))
        match each.value if isinstance(each, ast.Starred) else each:
            case ast.Name(id=id) as name:
                parts.pop(id, None)
                parts[id] = part, name
            case ast.Tuple() | ast.List() as inner:
                _find_parts(_with_rest(part, inner) if has_star(inner) else part, inner, parts)
