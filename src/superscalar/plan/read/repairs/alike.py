"""What two texts have in common, statement by statement and in order."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from superscalar.plan.read.repairs.outline import Outlined

_MANY_PAIRS = 1_000  # of equal statements, of which not each is compared with each


def shape(node: Outlined) -> str:
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


class Shapes(dict[Outlined, str]):
    """The shapes of nodes, each made once: a line is looked at again for each block that it stands in."""

    def __missing__(self, node: Outlined) -> str:
        self[node] = made = shape(node)
        return made


def common(old: Sequence[Outlined], new: Sequence[Outlined], shapes: Shapes) -> list[tuple[Outlined, Outlined]]:
    """The right statements that two texts of a block have in common, in order: as many as there are.

    Of several blocks with one header that is the one whose lines are those of the other text.
    """
    ones = [("" if node.broken else shapes[node], node) for node in old]
    others = [("" if node.broken or node.alone else shapes[node], node) for node in new]
    found: list[tuple[Outlined, Outlined]] = []
    same = 0
    while same < min(len(ones), len(others)) and _are_one(ones[same], others[same], shapes):
        found.append((ones[same][1], others[same][1]))
        same += 1
    ones, others = ones[same:], others[same:]
    ending: list[tuple[Outlined, Outlined]] = []
    while ones and others and _are_one(ones[-1], others[-1], shapes):
        ending.append((ones.pop()[1], others.pop()[1]))
    ones = [one for one in ones if one[0]]
    others = [other for other in others if other[0]]
    return [*found, *_in_order(ones, others, shapes), *reversed(ending)]


def _are_one(one: tuple[str, Outlined], other: tuple[str, Outlined], shapes: Shapes) -> bool:
    """Whether two statements are equal, with all that stands in their blocks."""
    if not one[0] or one[0] != other[0]:
        return False
    if not one[1].blocks and not other[1].blocks:
        return True
    lines, others = list(one[1].within()), list(other[1].within())
    return len(lines) == len(others) and all(
        line.kind == same.kind and not line.broken and shapes[line] == shapes[same] != ""
        for line, same in zip(lines, others, strict=True)
    )


def _in_order(
    ones: Sequence[tuple[str, Outlined]], others: Sequence[tuple[str, Outlined]], shapes: Shapes
) -> list[tuple[Outlined, Outlined]]:
    """The heaviest common part: of all pairs that are equal, the row that goes forward in both texts and has the most
    statements, and among those the most lines in blocks.

    (After Hunt and Szymanski, CACM 20(5), 1977.) Of lines that stand there again and again the n-th is paired with the
    n-th.
    """
    places: dict[str, list[int]] = {}
    for number, (shape, _) in enumerate(ones):
        places.setdefault(shape, []).append(number)
    counts = Counter(shape for shape, _ in others)
    seen: Counter[str] = Counter()
    inside: dict[Outlined, Counter[object]] = {}
    rows: list[_EqualPair | None] = [None] * (len(ones) + 1)  # a Fenwick tree: the best row that ends up to a place
    for shape, node in others:
        numbers = places.get(shape, [])
        if len(numbers) * counts[shape] > _MANY_PAIRS:
            numbers = numbers[seen[shape] : seen[shape] + 1]
            seen[shape] += 1
        several = len(numbers) > 1 and bool(node.blocks)
        for number in reversed(numbers):
            one, before = ones[number][1], _best(rows, number)
            alike = _alike_inside(one, node, inside, shapes) if several else 0
            length, lines = (before.length, before.lines) if before else (0, 0)
            _note(rows, _EqualPair(length + 1, lines + alike, number, one, node, before))
    found: list[tuple[Outlined, Outlined]] = []
    last = _best(rows, len(ones))
    while last is not None:
        found.append((last.one, last.other))
        last = last.before
    return found[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class _EqualPair:
    """A pair of equal statements, and the pairs before it: how many in all, and of how many lines in their blocks.

    `end`: the place of the last one in the older text.
    """

    length: int
    lines: int
    end: int
    one: Outlined
    other: Outlined
    before: _EqualPair | None

    def is_better_than(self, other: _EqualPair) -> bool:
        """Whether it has more in common; where it has as much, whether it ends sooner."""
        return (self.length, self.lines, -self.end) >= (other.length, other.lines, -other.end)


def _best(rows: Sequence[_EqualPair | None], places: int) -> _EqualPair | None:
    """The best row that ends at one of the first so many places."""
    best: _EqualPair | None = None
    while places:
        row = rows[places]
        if row is not None and (best is None or row.is_better_than(best)):
            best = row
        places &= places - 1
    return best


def _note(rows: list[_EqualPair | None], row: _EqualPair) -> None:
    place = row.end + 1
    while place < len(rows):
        other = rows[place]
        if other is None or row.is_better_than(other):
            rows[place] = row
        place += place & -place


def _alike_inside(one: Outlined, node: Outlined, known: dict[Outlined, Counter[object]], shapes: Shapes) -> int:
    """How many lines two blocks have in common. A line that is broken is one that assigns the same names."""
    for each in (one, node):
        if each not in known:
            lines = (inner for block in each.blocks for top in block for inner in top.within())
            known[each] = Counter(mark for line in lines for mark in _marks(line, shapes))
    return (known[one] & known[node]).total()


def _marks(line: Outlined, shapes: Shapes) -> Iterator[object]:
    if not line.broken and (said := shapes[line]):
        yield said
    if line.targets:
        yield frozenset(line.targets)
