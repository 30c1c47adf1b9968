"""A plan as a picture for other programs to draw: Mermaid for documents and chats, DOT for Graphviz."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from superscalar.plan.ir import Plan
from superscalar.plan.print.drawing import Box, Drawing, Node, NodeShape


def to_mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flowchart, ready for a fenced `mermaid` block."""
    drawing = Drawing(plan)
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
    drawing = Drawing(plan)
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


def _nested(
    members: tuple[Node | Box, ...],
    node: Callable[[Node], str],
    box: Callable[[Box], tuple[str, str]],
    indent: str,
) -> Iterator[str]:
    for member in members:
        if isinstance(member, Box):
            opening, closing = box(member)
            yield indent + opening
            yield from _nested(member.members, node, box, indent + "    ")
            yield indent + closing
        else:
            yield indent + node(member)


_MERMAID_SHAPES: dict[NodeShape, tuple[str, str]] = {
    "call": ("[", "]"),
    "write": ("[", "]"),
    "value": ("(", ")"),
    "item": ("([", "])"),
    "map": ("(", ")"),
    "select": ("{{", "}}"),
    "join": ("[[", "]]"),
    "elsewhere": (">", "]"),
}


def _mermaid_node(node: Node) -> str:
    left, right = _MERMAID_SHAPES[node.shape]
    return f'{node.key}{left}"{"<br/>".join(map(_mermaid_text, node.label))}"{right}'


def _mermaid_box(box: Box) -> tuple[str, str]:
    return f'subgraph {box.key}["{_mermaid_text(box.label)}"]', "end"


def _mermaid_text(text: str) -> str:
    """Text inside a quoted Mermaid label: what could mean markup becomes an entity, `#code;`."""
    return re.sub(r"[^\w .,:()\-/=+\[\]]", lambda found: f"#{ord(found[0])};", text.replace("\n", " "))


_DOT_SHAPES: dict[NodeShape, str] = {
    "call": "",
    "write": ", penwidth=2.5",
    "value": ", style=rounded",
    "item": ", shape=ellipse",
    "map": ", style=rounded",
    "select": ", shape=hexagon",
    "join": ", peripheries=2",
    "elsewhere": ", style=dashed",
}


def _dot_node(node: Node) -> str:
    return f"{node.key} [label={_dot_text(*node.label)}{_DOT_SHAPES[node.shape]}];"


def _dot_box(box: Box) -> tuple[str, str]:
    return f"subgraph cluster_{box.key} {{ label={_dot_text(box.label)}; style=rounded;", "}"


def _dot_text(*lines: str) -> str:
    """A quoted DOT string; `\\n` between the lines is Graphviz's own line break."""
    return '"' + "\\n".join(re.sub(r'[\\"]', r"\\\g<0>", line.replace("\n", " ")) for line in lines) + '"'
