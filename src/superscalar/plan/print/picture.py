"""A plan as a drawing of its own, SVG for notebooks: no script, no link, and every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias
from unicodedata import east_asian_width

from superscalar.plan.ir import Plan, walk
from superscalar.plan.print.drawing import Box, Drawing, Edge, Node
from superscalar.plan.print.program import print_plan
from superscalar.short import ELLIPSIS, cut

MOST: Final = 200
"""Tasks of a plan that is drawn. A longer one is its text: nobody follows so many lines."""

_CHARACTER, _LINE = 7.3, 16.0
_PADDING, _GAP, _BETWEEN = 10.0, 20.0, 36.0
_LONGEST = 40  # characters of a line of a node
_MOST_TEXT = 20_000

_Place: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Block:
    """A node or a box with its size, and where in a box each of its members stands."""

    member: Node | Box
    lines: tuple[str, ...]
    width: float
    height: float
    inside: tuple[_Standing, ...] = ()


_Standing: TypeAlias = tuple[_Block, _Place]


def to_svg(plan: Plan) -> str:
    """The plan as an SVG element, for a page in HTML; of one with more than 200 tasks, its text as a `pre`."""
    if sum(1 for _ in walk(plan.tasks)) > MOST:
        return f"<pre>{_escaped(cut(print_plan(plan.tasks), _MOST_TEXT))}</pre>"
    drawing = Drawing(plan)
    placed, width, height = _laid_out(drawing.members, drawing.edges)
    at = {block.member.key: (block, place) for block, place in _standing(placed)}
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    style = 'style="background:#fff" fill="#fff" stroke="#222" font-family="monospace" font-size="12"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} {style}>',
        f"<title>{_escaped(cut(print_plan(plan.tasks), _MOST_TEXT))}</title>",
    ]
    lines += [_box(block, x, y) for block, (x, y) in at.values() if isinstance(block.member, Box)]
    lines += [line for edge in drawing.edges for line in _arrow(edge, at)]  # in front of boxes, behind what is in them
    lines += [_node(block.member, block, x, y) for block, (x, y) in at.values() if isinstance(block.member, Node)]
    return "\n".join([*lines, "</svg>"])


# ------------------------------------------------------------------------------------------------------ where


def _laid_out(members: Iterable[Node | Box], edges: Iterable[Edge]) -> tuple[tuple[_Standing, ...], float, float]:
    """Members in rows, each below all that lead to it; and how wide and high that is."""
    blocks = {block.member.key: block for block in (_block(member, edges) for member in members)}
    own = {key: block.member.key for block in blocks.values() for key in _keys(block.member)}
    before: dict[str, set[str]] = {key: set() for key in blocks}
    for edge in edges:
        source, target = own.get(edge.source), own.get(edge.target)
        if source is not None and target is not None and source != target:
            before[target].add(source)
    rows: list[list[_Block]] = []
    left = dict(before)
    while left:
        ready = [key for key, sources in left.items() if left.keys().isdisjoint(sources)] or list(left)
        rows.append([blocks[key] for key in ready])
        for key in ready:
            del left[key]
    widths = [sum(block.width for block in row) + _GAP * (len(row) - 1) for row in rows]
    width = max(widths, default=0.0) + 2 * _PADDING
    placed: list[_Standing] = []
    y = _PADDING
    for row, taken in zip(rows, widths, strict=True):
        x = (width - taken) / 2
        height = max(block.height for block in row)
        for block in row:
            placed.append((block, (x, y + (height - block.height) / 2)))
            x += block.width + _GAP
        y += height + _BETWEEN
    return tuple(placed), width, (y - _BETWEEN if rows else 0.0) + _PADDING


def _block(member: Node | Box, edges: Iterable[Edge]) -> _Block:
    if isinstance(member, Node):
        lines = tuple(_shortened(line) for line in member.label)
        return _Block(member, lines, _wide(lines) + 2 * _PADDING, _LINE * len(lines) + _PADDING)
    inside, width, height = _laid_out(member.members, edges)
    lines = (_shortened(member.label),)
    whole = max(width, _wide(lines) + 2 * _PADDING)
    moved = tuple((block, (x + (whole - width) / 2, y + _LINE)) for block, (x, y) in inside)
    return _Block(member, lines, whole, height + _LINE, moved)


def _keys(member: Node | Box) -> Iterator[str]:
    if isinstance(member, Node):
        yield member.key
    else:
        for inner in member.members:
            yield from _keys(inner)


# ------------------------------------------------------------------------------------------------------- what


def _standing(placed: Iterable[_Standing], left: float = 0.0, top: float = 0.0) -> Iterator[_Standing]:
    """All blocks, those in boxes too, with their places in the picture."""
    for block, (x, y) in placed:
        yield block, (left + x, top + y)
        yield from _standing(block.inside, left + x, top + y)


def _box(block: _Block, x: float, y: float) -> str:
    return f'{_rectangle(block, x, y)} rx="8" stroke="#999"/>{_text(block.lines[0], x + 8, y + _LINE)}'


def _node(node: Node, block: _Block, x: float, y: float) -> str:
    match node.shape:
        case "call":
            shape = ""
        case "write":
            shape = ' stroke-width="2.5"'
        case "elsewhere":
            shape = ' stroke-dasharray="4 3"'
        case "join":
            shape = ' fill="#eee"'
        case _:
            shape = ' rx="12"'
    return f"{_rectangle(block, x, y)}{shape}/>{_words(block, x, y)}"


def _rectangle(block: _Block, x: float, y: float) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{block.width:.1f}" height="{block.height:.1f}"'


def _words(block: _Block, x: float, y: float) -> str:
    middle = x + block.width / 2
    rows = ((y + _LINE * (number + 1), line) for number, line in enumerate(block.lines))
    return "".join(_text(line, middle, row, ' text-anchor="middle"') for row, line in rows)


def _text(text: str, x: float, y: float, how: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{how} stroke="none" fill="#222">{_escaped(text)}</text>'


def _arrow(edge: Edge, at: Mapping[str, _Standing]) -> Iterator[str]:
    """A line from below one node to above another, with its head; a loop beside a node that leads to itself."""
    (source, (left, top)), (target, (x2, y2)) = at[edge.source], at[edge.target]
    dashes = {"value": "", "guard": ' stroke-dasharray="6 4"', "order": ' stroke-dasharray="1 4"'}[edge.line]
    if source is target:
        x, y = left + source.width, top + source.height / 2
        yield f'<path d="M{x:.1f} {y - 6:.1f} q16 6 0 12" fill="none"{dashes}/>'
        x, y = x + 12, y + 4
    else:
        x1, y1, x2 = left + source.width / 2, top + source.height, x2 + target.width / 2
        bend = max((y2 - y1) / 2, 12.0)
        ends = f"C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
        yield f'<path d="M{x1:.1f} {y1:.1f} {ends}" fill="none"{dashes}/>'
        head = "none" if edge.line == "order" else "#222"
        yield f'<path d="M{x2 - 4:.1f} {y2 - 7:.1f} L{x2:.1f} {y2:.1f} L{x2 + 4:.1f} {y2 - 7:.1f}" fill="{head}"/>'
        x, y = (x1 + x2) / 2 + 4, (y1 + y2) / 2 + 4
    if edge.label:
        yield _text(_shortened(edge.label), x, y, ' font-size="10"')


# ------------------------------------------------------------------------------------------------------ text


def _shortened(text: str) -> str:
    return cut(" ".join(text.split()), _LONGEST)


def _escaped(text: str) -> str:
    """Text for a page: markup is none, and what nobody sees is a mark."""
    return escape("".join(c if c.isprintable() or c == "\n" else ELLIPSIS for c in text))


def _wide(lines: Iterable[str]) -> float:
    """How wide the widest line is; a character of Chinese takes two places."""
    return max(sum(2 if east_asian_width(c) in "WF" else 1 for c in line) for line in lines) * _CHARACTER
