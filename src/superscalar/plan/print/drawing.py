"""A plan as boxes, nodes and edges: what every picture of it shows.

A solid edge hands over a value, a dashed one is a condition (labelled with the outcome that it must have), a dotted one
only orders two accesses of a resource. A map is a box around the tasks of its body, entered through its item and left
through the list of its results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias, assert_never

from superscalar.plan.ir import Call, Compute, Display, Each, First, Join, Map, Plan, PlanCall, Select, Supplied, Task
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.print.program import print_expr
from superscalar.values import TaskId

NodeShape: TypeAlias = OneOf["call", "write", "value", "item", "map", "select", "join", "elsewhere"]
Line: TypeAlias = OneOf["value", "guard", "order"]


@dataclass(frozen=True, slots=True)
class Node:
    """A task: what is written in it, line by line, and its shape."""

    key: str
    label: tuple[str, ...]
    shape: NodeShape


@dataclass(frozen=True, slots=True)
class Box:
    """A map, around the tasks of its body."""

    key: str
    label: str
    members: tuple[Node | Box, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """What leads from one task to another."""

    source: str
    target: str
    line: Line = "value"
    label: str = ""


class Drawing:
    """A plan as nested boxes of nodes and a flat list of edges, each end of which has a key that needs no escaping."""

    def __init__(self, plan: Plan) -> None:
        self._keys: dict[TaskId, str] = {}
        self.edges: list[Edge] = []
        members = [self._member(task) for task in plan.tasks]
        for task in plan.tasks:
            self._connect(task)
        self.members: tuple[Node | Box, ...] = (*members, *self._elsewhere())

    def _elsewhere(self) -> Iterator[Node]:
        """What the plan refers to and does not hold, such as a task of an earlier round."""
        for task, key in self._keys.items():
            if key.startswith("x"):
                yield Node(key, (task, "defined elsewhere"), "elsewhere")

    def nodes(self) -> Iterator[Node]:
        """Every task, those in boxes included."""
        stack = list(reversed(self.members))
        while stack:
            member = stack.pop()
            if isinstance(member, Box):
                stack.extend(reversed(member.members))
            else:
                yield member

    def _key(self, task: TaskId) -> str:
        return self._keys.setdefault(task, f"x{len(self._keys)}")

    def _new_key(self, task: TaskId) -> str:
        key = self._keys[task] = f"n{len(self._keys)}"
        return key

    def _member(self, task: Task) -> Node | Box:
        match task.work:
            case Call(tool, _, effect):
                return Node(
                    self._new_key(task.id),
                    (task.id, told_name(tool) + " (write)" * (effect == "write")),
                    "write" if effect == "write" else "call",
                )
            case Compute():
                return Node(self._new_key(task.id), (task.id,), "value")
            case Display(kind):
                return Node(self._new_key(task.id), (task.id, f"{kind} of items"), "value")
            case First(count):
                return Node(self._new_key(task.id), (task.id, f"the first {print_expr(count)} to succeed"), "select")
            case Each(last=last):
                label = "of the last item" if last else "of every item"
                return Node(self._new_key(task.id), (task.id, label), "value")
            case Select():
                return Node(self._new_key(task.id), (task.id, "the version that ran"), "select")
            case Supplied(input):
                return Node(self._new_key(task.id), (task.id, f"input: {input.type}"), "value")
            case PlanCall():
                return Node(self._new_key(task.id), (task.id, "what the plan joins"), "value")
            case Join():
                return Node(self._new_key(task.id), ("join",), "join")
            case Map(source, item, body, kind=kind):
                inside: list[Node | Box] = [Node(self._new_key(item), (f"each item of {source}",), "item")]
                inside += [self._member(inner) for inner in body]
                inside.append(Node(self._new_key(task.id), (task.id, f"{kind} of results"), "map"))
                return Box(f"m{self._keys[task.id][1:]}", f"{task.id}: for each item of {source}", tuple(inside))
            case work:
                assert_never(work)

    def _connect(self, task: Task) -> None:
        target = self._keys[task.id]
        inputs = dict.fromkeys(need.task for need in task.needs)
        if isinstance(task.work, Map):
            work = task.work
            self.edges.append(Edge(self._key(work.source), self._keys[work.item]))
            for inner in work.body:
                self._connect(inner)
            ends = {work.result: "", **({work.key: "key"} if work.key else {}), **dict.fromkeys(work.keep, "if")}
            self.edges += [Edge(self._key(end), target, label=label) for end, label in ends.items()]
            for link in map(self._key, work.chained):
                self.edges.append(Edge(link, link, "order", "item by item"))
            inside = {work.source, work.ok_of, work.item, *(inner.id for inner in work.body)}
            # What the body needs from outside is drawn where it is used.
            used = {end for inner in _inside(work.body) for end in _inputs(inner)}
            inputs = {end: None for end in inputs if end not in inside and end not in used}
        for end in inputs:
            self.edges.append(Edge(self._key(end), target))
        for guard in task.guards:
            self.edges.append(Edge(self._key(guard.condition), target, "guard", "if" if guard.expected else "if not"))
        for before in task.after:
            self.edges.append(Edge(self._key(before), target, "order"))


def _inside(body: tuple[Task, ...]) -> Iterator[Task]:
    for task in body:
        yield task
        if isinstance(task.work, Map):
            yield from _inside(task.work.body)


def _inputs(task: Task) -> Iterator[TaskId]:
    for need in task.needs:
        yield need.task
    for guard in task.guards:
        yield guard.condition
    if isinstance(task.work, Map):
        yield task.work.source
