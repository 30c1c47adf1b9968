"""A plan as a picture: Mermaid for documents and chats, DOT for Graphviz.

Both show the same graph: a solid edge hands over a value, a dashed one is a condition (labelled with the outcome that
it must have), a dotted one only orders two accesses of a resource. A map is a box around the tasks of its body, entered
through its item and left through the list of its results.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias, assert_never

from superscalar.plan.ir import Call, Compute, Display, Each, First, Join, Map, Plan, Select, Task
from superscalar.plan.print.program import print_expr
from superscalar.values import TaskId

_Shape: TypeAlias = OneOf["call", "write", "value", "item", "map", "select", "join", "elsewhere"]
_Line: TypeAlias = OneOf["value", "guard", "order"]


@dataclass(frozen=True, slots=True)
class _Node:
    key: str
    label: tuple[str, ...]
    shape: _Shape


@dataclass(frozen=True, slots=True)
class _Box:
    key: str
    label: str
    members: tuple[_Node | _Box, ...]


@dataclass(frozen=True, slots=True)
class _Edge:
    source: str
    target: str
    line: _Line = "value"
    label: str = ""


def to_mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flowchart, ready for a fenced `mermaid` block."""
    drawing = _Drawing(plan)
    lines = ["flowchart TD"]
    lines += _nested(drawing.members, _mermaid_node, _mermaid_box, "    ")
    for edge in drawing.edges:
        arrow = {"value": "-->", "guard": "-.->", "order": "-.->"}[edge.line]
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        lines.append(f"    {edge.source} {arrow}{label} {edge.target}")
    # Mermaid draws dashed and dotted alike, so ordering edges get a finer pattern of their own.
    ordering = [str(number) for number, edge in enumerate(drawing.edges) if edge.line == "order"]
    if ordering:
        lines.append(f"    linkStyle {','.join(ordering)} stroke-dasharray:1 4")
    writes = [node.key for node in drawing.nodes() if node.shape == "write"]
    if writes:
        lines.append("    classDef write stroke-width:3px")
        lines.append(f"    class {','.join(writes)} write")
    return "\n".join(lines) + "\n"


def to_dot(plan: Plan) -> str:
    """The plan as a DOT digraph, for `dot -Tsvg`."""
    drawing = _Drawing(plan)
    lines = ["digraph plan {", '    node [shape=box, fontname="monospace", fontsize=10];', "    edge [fontsize=9];"]
    lines += _nested(drawing.members, _dot_node, _dot_box, "    ")
    for edge in drawing.edges:
        attributes = {"value": [], "guard": ["style=dashed"], "order": ["style=dotted", "arrowhead=open"]}[edge.line]
        if edge.label:
            attributes.append(f"label={_dot_text(edge.label)}")
        lines.append(
            f"    {edge.source} -> {edge.target}" + (f" [{', '.join(attributes)}]" if attributes else "") + ";"
        )
    lines.append("}")
    return "\n".join(lines) + "\n"


class _Drawing:
    """A plan as nested boxes of nodes and a flat list of edges, each end of which has a key that needs no escaping."""

    def __init__(self, plan: Plan) -> None:
        self._keys: dict[TaskId, str] = {}
        self.edges: list[_Edge] = []
        members = [self._member(task) for task in plan.tasks]
        for task in plan.tasks:
            self._connect(task)
        self.members: tuple[_Node | _Box, ...] = (*members, *self._elsewhere())

    def _elsewhere(self) -> Iterator[_Node]:
        """What the plan refers to and does not hold, such as a task of an earlier round."""
        for task, key in self._keys.items():
            if key.startswith("x"):
                yield _Node(key, (task, "defined elsewhere"), "elsewhere")

    def nodes(self) -> Iterator[_Node]:
        stack = list(reversed(self.members))
        while stack:
            member = stack.pop()
            if isinstance(member, _Box):
                stack.extend(reversed(member.members))
            else:
                yield member

    def _key(self, task: TaskId) -> str:
        return self._keys.setdefault(task, f"x{len(self._keys)}")

    def _new_key(self, task: TaskId) -> str:
        key = self._keys[task] = f"n{len(self._keys)}"
        return key

    def _member(self, task: Task) -> _Node | _Box:
        match task.work:
            case Call(tool, _, effect):
                return _Node(
                    self._new_key(task.id),
                    (task.id, f"{tool} (write)" if effect == "write" else tool),
                    "write" if effect == "write" else "call",
                )
            case Compute():
                return _Node(self._new_key(task.id), (task.id,), "value")
            case Display(kind):
                return _Node(self._new_key(task.id), (task.id, f"{kind} of items"), "value")
            case First(count):
                return _Node(self._new_key(task.id), (task.id, f"the first {print_expr(count)} to succeed"), "select")
            case Each(last=last):
                label = "of the last item" if last else "of every item"
                return _Node(self._new_key(task.id), (task.id, label), "value")
            case Select():
                return _Node(self._new_key(task.id), (task.id, "the version that ran"), "select")
            case Join():
                return _Node(self._new_key(task.id), ("join",), "join")
            case Map(source, item, body, kind=kind):
                inside: list[_Node | _Box] = [_Node(self._new_key(item), (f"each item of {source}",), "item")]
                inside += [self._member(inner) for inner in body]
                inside.append(_Node(self._new_key(task.id), (task.id, f"{kind} of results"), "map"))
                return _Box(f"m{self._keys[task.id][1:]}", f"{task.id}: for each item of {source}", tuple(inside))
            case work:
                assert_never(work)

    def _connect(self, task: Task) -> None:
        target = self._keys[task.id]
        inputs = dict.fromkeys(need.task for need in task.needs)
        if isinstance(task.work, Map):
            work = task.work
            self.edges.append(_Edge(self._key(work.source), self._keys[work.item]))
            for inner in work.body:
                self._connect(inner)
            ends = {work.result: "", **({work.key: "key"} if work.key else {}), **dict.fromkeys(work.keep, "if")}
            self.edges += [_Edge(self._key(end), target, label=label) for end, label in ends.items()]
            for link in map(self._key, work.chained):
                self.edges.append(_Edge(link, link, "order", "item by item"))
            inside = {work.source, work.item, *(inner.id for inner in work.body)}
            # What the body needs from outside is drawn where it is used.
            used = {end for inner in _inside(work.body) for end in _inputs(inner)}
            inputs = {end: None for end in inputs if end not in inside and end not in used}
        for end in inputs:
            self.edges.append(_Edge(self._key(end), target))
        for guard in task.guards:
            self.edges.append(_Edge(self._key(guard.condition), target, "guard", "if" if guard.expected else "if not"))
        for before in task.after:
            self.edges.append(_Edge(self._key(before), target, "order"))


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


def _nested(
    members: tuple[_Node | _Box, ...],
    node: Callable[[_Node], str],
    box: Callable[[_Box], tuple[str, str]],
    indent: str,
) -> Iterator[str]:
    for member in members:
        if isinstance(member, _Box):
            opening, closing = box(member)
            yield indent + opening
            yield from _nested(member.members, node, box, indent + "    ")
            yield indent + closing
        else:
            yield indent + node(member)


_MERMAID_SHAPES: dict[_Shape, tuple[str, str]] = {
    "call": ("[", "]"),
    "write": ("[", "]"),
    "value": ("(", ")"),
    "item": ("([", "])"),
    "map": ("(", ")"),
    "select": ("{{", "}}"),
    "join": ("[[", "]]"),
    "elsewhere": (">", "]"),
}


def _mermaid_node(node: _Node) -> str:
    left, right = _MERMAID_SHAPES[node.shape]
    return f'{node.key}{left}"{"<br/>".join(map(_mermaid_text, node.label))}"{right}'


def _mermaid_box(box: _Box) -> tuple[str, str]:
    return f'subgraph {box.key}["{_mermaid_text(box.label)}"]', "end"


def _mermaid_text(text: str) -> str:
    """Text inside a quoted Mermaid label: what could mean markup becomes an entity, `#code;`."""
    return re.sub(r"[^\w .,:()\-/=+\[\]]", lambda found: f"#{ord(found[0])};", text.replace("\n", " "))


_DOT_SHAPES: dict[_Shape, str] = {
    "call": "",
    "write": ", penwidth=2.5",
    "value": ", style=rounded",
    "item": ", shape=ellipse",
    "map": ", style=rounded",
    "select": ", shape=hexagon",
    "join": ", peripheries=2",
    "elsewhere": ", style=dashed",
}


def _dot_node(node: _Node) -> str:
    return f"{node.key} [label={_dot_text(*node.label)}{_DOT_SHAPES[node.shape]}];"


def _dot_box(box: _Box) -> tuple[str, str]:
    return f"subgraph cluster_{box.key} {{ label={_dot_text(box.label)}; style=rounded;", "}"


def _dot_text(*lines: str) -> str:
    """A quoted DOT string; `\\n` between the lines is Graphviz's own line break."""
    return '"' + "\\n".join(re.sub(r'[\\"]', r"\\\g<0>", line.replace("\n", " ")) for line in lines) + '"'
