"""What two texts have in common, statement by statement and in order."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from superscalar.plan.outline import Node

_MANY_PAIRS = 1_000  # of equal statements, of which not each is compared with each


def shape(node: Node) -> str:
    """Equal for statements that differ in nothing but how they are set; empty where there is no telling."""
    tree = node.tree
    try:
        if tree is None:
            return ""
        if node.kind in ("if", "elif") and isinstance(tree, ast.If):
            return f"if {ast.dump(tree.test)}"
        if node.kind == "for" and isinstance(tree, ast.For):
            return f"for {ast.dump(tree.target)} {ast.dump(tree.iter)}"
        return ast.dump(tree)
    except RecursionError:
        return ""


def common(old: Sequence[Node], new: Sequence[Node]) -> list[tuple[Node, Node]]:
    """The right statements that two texts of a block have in common, in order: as many as there are."""
    ones = [("" if node.broken else shape(node), node) for node in old]
    others = [("" if node.broken or node.alone else shape(node), node) for node in new]
    found: list[tuple[Node, Node]] = []
    same = 0
    while same < min(len(ones), len(others)) and ones[same][0] and ones[same][0] == others[same][0]:
        found.append((ones[same][1], others[same][1]))
        same += 1
    ones, others = ones[same:], others[same:]
    ending: list[tuple[Node, Node]] = []
    while ones and others and ones[-1][0] and ones[-1][0] == others[-1][0]:
        ending.append((ones.pop()[1], others.pop()[1]))
    ones = [one for one in ones if one[0]]
    others = [other for other in others if other[0]]
    return [*found, *_in_order(ones, others), *reversed(ending)]


def _in_order(ones: Sequence[tuple[str, Node]], others: Sequence[tuple[str, Node]]) -> list[tuple[Node, Node]]:
    """The longest common part: of all pairs that are equal, the longest row that goes forward in both texts.

    (Hunt and Szymanski, CACM 20(5), 1977.) Of lines that stand there again and again the n-th is paired with the n-th.
    """
    places: dict[str, list[int]] = {}
    for number, (shape, _) in enumerate(ones):
        places.setdefault(shape, []).append(number)
    counts = Counter(shape for shape, _ in others)
    seen: Counter[str] = Counter()
    ends: list[int] = []  # the least place at which a row of each length ends
    rows: list[_Row] = []
    for shape, node in others:
        numbers = places.get(shape, [])
        if len(numbers) * counts[shape] > _MANY_PAIRS:
            numbers = numbers[seen[shape] : seen[shape] + 1]
            seen[shape] += 1
        for number in reversed(numbers):
            length = bisect_left(ends, number)
            row = _Row(ones[number][1], node, rows[length - 1] if length else None)
            ends[length : length + 1] = [number]
            rows[length : length + 1] = [row]
    found: list[tuple[Node, Node]] = []
    last = rows[-1] if rows else None
    while last is not None:
        found.append((last.one, last.other))
        last = last.before
    return found[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A pair of equal statements, and the pairs before it."""

    one: Node
    other: Node
    before: _Row | None
