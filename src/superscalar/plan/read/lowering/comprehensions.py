"""Comprehensions: those that call tools become maps, the others are one expression (rules L13, L15)."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from superscalar.plan import ir
from superscalar.plan.read.lowering.body import Body, as_pairs, names_in, target_spelled
from superscalar.plan.read.lowering.lower import Lowering
from superscalar.plan.read.lowering.outputs import ITEMS
from superscalar.values import TaskId


class Comprehensions:
    """The comprehensions of one statement, in the lowering that they are part of. It does not hold them: no cycles."""

    def __init__(self, lowering: Lowering) -> None:
        self._in = lowering

    def expression(self, node: Any, body: Body) -> ir.Expr:
        """Lower a comprehension in the midst of an expression."""
        if not self._in.variables and is_map(node, body, self._in):
            if isinstance(node, ast.DictComp) and len(node.generators) > 1:
                return self._in.expression(as_pairs(node), body)
            return self.map(node, body, body.lifted("map"))
        kind: Any = {"SetComp": "set", "DictComp": "dict"}.get(type(node).__name__, "list")
        outer = self._in.outputs.bound
        try:
            return self._over_data(node, kind, body)
        finally:
            self._in.outputs.bound = outer

    def _over_data(self, node: Any, kind: Any, body: Body) -> ir.Expr:
        """A comprehension that is one expression: nothing in it is a task."""
        variables = set(self._in.hidden())
        clauses: list[ir.Clause] = []
        for generator in node.generators:
            self._in.refuse_async(generator)
            iterable = (
                self._in.inside(generator.iter, body, set(variables))
                if clauses
                else self._in.expression(generator.iter, body)
            )
            self._in.check_iterable(iterable, generator.iter)
            target = self._in.loop_target(generator.target, variables)
            self._in.outputs.bound = {
                name: known for name, known in self._in.outputs.bound.items() if name not in names_in(generator.target)
            }
            if isinstance(target, str) and (each := self._in.outputs.of(iterable).items) is not None:
                self._in.outputs.bound[target] = each
            tests = tuple(self._in.inside(test, body, set(variables)) for test in generator.ifs)
            clauses.append(ir.Clause(target, iterable, tests))
        if kind == "dict":
            key = self._in.inside(node.key, body, variables)
            return ir.Comprehension(kind, self._in.inside(node.value, body, variables), tuple(clauses), key)
        return ir.Comprehension(kind, self._in.inside(node.elt, body, variables), tuple(clauses))

    def map(self, node: Any, body: Body, id: TaskId, generators: list[ast.comprehension] | None = None) -> ir.Ref:
        """Lower one to a task of that id. `generators`: those that are left of it, inside a map over the first ones."""
        first, *further = generators if generators is not None else node.generators
        self._in.refuse_async(first)
        inner = Body(f"{id}[]")
        source = self._in.reference(first.iter, body.of(id), "over")
        self._in.check_iterable(source, first.iter)
        item = f"{id}[]:{target_spelled(first.target)}"
        self._in.sharing.note_item(item, source.task)
        self._in.note_items(source, item)
        inner.names = body.inner_names(self._in.targets(first.target, ir.Ref(item)))
        keep: list[TaskId] = []
        for test in first.ifs:
            found = self._in.value(test, inner, inner.lifted("if"))
            keep.append(found.task)
            inner.guards = (*inner.guards, ir.Guard(found.task, True))
        key: TaskId | None = None
        kind: Any = {ast.SetComp: "set", ast.DictComp: "dict"}.get(type(node), "list")
        if further:
            result = self.map(node, inner, inner.lifted("for"), further)
        elif kind == "dict":
            key = self._in.value(node.key, inner, inner.lifted("key")).task
            result = self._in.value(node.value, inner, inner.prefix)
        elif isinstance(node.elt, ast.Name) and inner.names.get(node.elt.id) == ir.Ref(item):
            result = ir.Ref(item)
        else:
            result = self._in.value(node.elt, inner, inner.prefix)
        inner_kind: Any = "list" if generators is not None else kind
        work = ir.Map(source.task, item, tuple(inner.tasks), result.task, inner_kind, key, tuple(keep), bool(further))
        work = replace(work, ok_of=self._in.outputs.of_task(source.task).ok_of)
        self._in.outputs.own[id] = ITEMS
        return self._in.emit(id, work, body, node)


def is_map(node: Any, body: Body, lowering: Lowering) -> bool:
    """Whether a comprehension is a map: it calls tools, or goes through the items of a map or display (rule L15)."""
    if lowering.finder.has_call(node):
        return True
    source = node.generators[0].iter
    if not isinstance(source, ast.Name) or lowering.variables:
        return False
    waits = lowering.waits
    meaning = lowering.known(source.id, body)
    lowering.waits = waits
    return isinstance(meaning, ir.Ref) and lowering.outputs.of_task(meaning.task) is ITEMS
