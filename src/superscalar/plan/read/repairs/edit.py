"""A reply that edits a round: which statement each of its lines stands for, answers, or comes behind (rule L30)."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import islice

from superscalar.plan.read.repairs.alike import Shapes, common, shape
from superscalar.plan.read.repairs.outline import Outlined, header_of, is_gap, note_change
from superscalar.plan.read.repairs.traits import (
    all_targets,
    called_in,
    fits,
    is_block,
    iterates,
    loaded,
    loop_targets,
    words_in,
)

_LOOPS = re.compile(r"\bfor\b")
_CALL = re.compile(r"([^\W\d]\w*)\s*\((.*)", re.DOTALL)
_NEAR = 0.6  # of two names, by difflib
_LONGEST_NAME = 60
_SEVERAL = 8  # that are looked at before one gives up


class Edit:
    """A reply laid beside a round. `rest`: the planner was asked to go on behind the round.

    `stands`: the line of the reply that is equal to a right statement of the same block, and that statement. `_takes`:
    what the others answer, or the right statement whose name they assign.
    """

    def __init__(self, old: list[Outlined], new: list[Outlined], *, rest: bool = False) -> None:
        self._old, self._new, self._rest = old, new, rest
        self.stands: dict[Outlined, Outlined] = {}
        self._takes: dict[Outlined, Outlined] = {}
        self._headers: dict[Outlined, Outlined] = {}  # by the statement whose header they replace
        self._given: dict[Outlined, list[Outlined]] = {}  # by the statement whose place they take
        self._behind: dict[Outlined, list[Outlined]] = {}
        self._before: dict[Outlined, list[Outlined]] = {}
        self._last: list[Outlined] = []
        self._inside: dict[int, list[Outlined]] = {}  # what comes into an empty block, by the block's `id`
        self._homes: dict[Outlined, list[Outlined]] = {}  # the list of these in which a line of the reply is
        self._answered: set[Outlined] = set()
        self._left: list[tuple[list[Outlined], list[Outlined]]] = []  # what answers nothing, by its block
        self._shapes = Shapes()
        self._lay(old, new)

    def _lay(self, old: list[Outlined], new: list[Outlined]) -> None:
        """Lay a block of the reply beside one of the round."""
        same = common(old, new, self._shapes)
        self.stands.update((node, one) for one, node in (_meant_again(old, same) if self._rest else same))
        for node in new:
            self._lay_inside(self.stands.get(node), node)
        rest = [node for node in new if node not in self.stands and not node.is_join]
        self._match(old, rest, new)
        for node in rest:
            self._lay_inside(self._headers_of(node), node)
        self._left.append((old, [node for node in rest if node not in self._takes]))

    def _lay_inside(self, beside: Outlined | None, node: Outlined) -> None:
        if beside is not None and not node.alone:
            for inner, other in zip(beside.blocks, node.blocks, strict=False):
                self._lay(inner, other)

    def _headers_of(self, node: Outlined) -> Outlined | None:
        found = self._takes.get(node)
        return found if found is not None and self._headers.get(found) is node else None

    # ----------------------------------------------------------------------------------------------- what is answered

    def answers(self, node: Outlined) -> bool:
        """Whether a line of the reply answers a broken statement; a header that stands, whether all in it do."""
        if node in self._takes:
            return self._takes[node] in self._answered
        if node in self.stands and node.blocks:
            return all(self.answers(inner) for block in node.blocks for inner in block)
        return False

    def _match(self, old: list[Outlined], rest: list[Outlined], new: list[Outlined]) -> None:
        """Find what each line answers: by its name, else by its tool, else by its place."""
        if not rest:
            return
        broken = _Broken(old, self._answered)
        named: dict[frozenset[str], list[tuple[Outlined, Outlined]]] = {}
        for node in rest:
            if (found := broken.by_name(node)) is not None:
                named.setdefault(frozenset(all_targets(node)), []).append((node, found))
                self._take(node, found)
        for same in named.values():
            if len({found for _, found in same}) == len(same):
                self._sort(same, broken.order, new)
        self._name_calls(old, [node for node in rest if node not in self._takes], broken)
        rest = [node for node in rest if node not in self._takes or self._takes[node] in broken.order]
        loose: list[tuple[Outlined, Outlined]] = []
        for node in rest:
            if node not in self._takes and (found := broken.by_tool(node)) is not None:
                loose.append((node, found))
                self._take(node, found)
        windows = self._windows(old, new)
        for node in rest:
            if node not in self._takes and (found := broken.by_place(node, *windows[node])) is not None:
                loose.append((node, found))
                self._take(node, found)
        self._sort(loose, broken.order, new)
        for node in rest:
            if node in self._takes:
                self._settle(node, self._takes[node], old)

    def _take(self, node: Outlined, found: Outlined) -> None:
        self._takes[node] = found
        self._answered.add(found)

    def _name_calls(self, old: list[Outlined], rest: list[Outlined], broken: _Broken) -> None:
        """A line that gives a right call without a name one takes its place, where a broken statement meant its result.

        Else there would be two calls where the plan has one.
        """
        if self._rest or not rest:
            return
        meant = {name for one in broken.order for name in loaded(one)}
        named = [(node, call) for node in rest if (call := _call_named(node)) is not None and call[0] in meant]
        if not named:
            return
        stood = set(self.stands.values())
        alone: dict[tuple[str, str], list[Outlined]] = {}
        for one in reversed(old):
            if not one.broken and one not in stood and (call := _call_alone(one)) is not None:
                alone.setdefault(call, []).append(one)
        for node, call in named:
            if same := alone.get(call):
                one = same.pop()
                self._take(node, one)
                self._put(self._given.setdefault(one, []), node)

    def _windows(self, old: list[Outlined], new: list[Outlined]) -> dict[Outlined, tuple[int | None, int | None]]:
        """Between which right statements of a block each line of the reply stands, as far as the reply has them."""
        places = {node: number for number, node in enumerate(old)}
        before: list[int | None] = []
        last: int | None = None
        for node in new:
            last = places[self.stands[node]] if node in self.stands else last
            before.append(last)
        found: dict[Outlined, tuple[int | None, int | None]] = {}
        last = None
        for node, first in zip(reversed(new), reversed(before), strict=True):
            found[node] = first, last
            last = places[self.stands[node]] if node in self.stands else last
        return found

    def _sort(self, taken: list[tuple[Outlined, Outlined]], order: dict[Outlined, int], new: list[Outlined]) -> None:
        """Lines that answer by one name, or by none, take the places that they answer in the order of the text."""
        if len(taken) < 2:
            return
        reply = {node: number for number, node in enumerate(new)}
        lines = sorted((node for node, _ in taken), key=reply.__getitem__)
        places = sorted((one for _, one in taken), key=order.__getitem__)
        if all(fits(node, one) for node, one in zip(lines, places, strict=True)):
            self._takes.update(zip(lines, places, strict=True))

    def _settle(self, node: Outlined, found: Outlined, context: list[Outlined]) -> None:
        """Put a line where what it answers stands, or where the block around that does."""
        text, inner = found.text, found
        for around in list(found.parents):
            same_items = around.kind == "for" and not _LOOPS.search(text) and iterates(node, around)
            same_loop = node.kind == around.kind == "for" and loop_targets(node) == loop_targets(around)
            same_block = node.kind == around.kind and node.kind != "line" and around.block is context
            if same_items or same_loop or same_block:
                found = around
        if found is not inner:
            self._answered.discard(inner)  # unless a line in that block answers it
        self._take(node, found)
        if found.blocks and node.blocks and node.kind == found.kind and found not in self._headers:
            self._headers[found] = node
        else:
            self._put(self._given.setdefault(found, []), node)

    def _by_right_name(self, old: list[Outlined], rest: list[Outlined]) -> None:
        """A line that assigns the name of a right statement takes its place."""
        names: dict[str, list[Outlined]] = {}
        if not rest:
            return
        stood = set(self.stands.values())
        for around in old:
            for one in around.within():
                if not one.broken and not one.is_join and one not in stood:
                    for name in all_targets(one):
                        names.setdefault(name, []).append(one)
        for node in rest:
            right = [one for name in all_targets(node) for one in names.get(name, ())[:_SEVERAL]]
            right = [one for one in right if one.kind in ("line", node.kind)]
            right = [one for one in right if one not in self._given and one not in self._headers]
            same = [one for one in right if called_in(one) & called_in(node)]
            found = next(iter([*same, *right]), None)
            if found is None:
                continue
            for name in all_targets(found):
                names[name].remove(found)
            self._takes[node] = found
            if found.blocks and node.blocks:
                self._headers[found] = node
            else:
                self._put(self._given.setdefault(found, []), node)

    # --------------------------------------------------------------------------------------------------- the new text

    def applied(self) -> list[Outlined]:
        """The round with what the reply changes."""
        for old, rest in self._left if not self._rest else ():  # who goes on assigns a name anew
            self._by_right_name(old, rest)
        self._place(self._new, self._old)
        nodes = self.mended() + self._last
        joins = [node for node in self._new if node.is_join]
        if joins:
            return [*_without_joins(nodes), joins[-1]]
        return [node for node in nodes if not node.is_join] + [node for node in nodes if node.is_join]

    def mended(self) -> list[Outlined]:
        """The round with what the reply puts right, and what has a place by now."""
        self._move_in()
        return self._rebuilt(self._old, None)

    def _move_in(self) -> None:
        """What now stands in a block that was empty is not said once more behind it."""
        for gap, lines in list(self._given.items()):
            around = gap.around
            if around is None or not is_gap(gap):
                continue
            behind = around.block[around.block.index(around) + 1 :]
            for line, node in zip(lines, behind, strict=False):
                if not shape(line) or shape(line) != shape(node) or node in self._given:
                    break
                self._given[node] = []

    def _place(self, new: Sequence[Outlined], old: list[Outlined]) -> None:
        """Find a place for what answers nothing: behind the line before it."""
        lines = [node for node in new if not node.is_join]
        first = next((node for node in lines if node in self.stands or node in self._takes), None)
        ahead: list[Outlined] = []  # what has no line before it
        previous: Outlined | None = None
        for node in lines:
            if node not in self.stands and node not in self._takes:
                if previous is not None:
                    self._put_behind(node, previous)
                else:
                    ahead.append(node)
                    continue
            previous = node
            beside = self.stands.get(node) or self._headers_of(node)
            if beside is not None and not node.alone:
                for inner, other in zip(beside.blocks, node.blocks, strict=False):
                    self._place(other, inner)
        if ahead and first is not None:
            self._put_before(ahead, first)
        elif ahead and old is not self._old:
            home = self._behind.setdefault(old[-1], []) if old else self._inside.setdefault(id(old), [])
            self._put(home, *ahead)
        elif ahead:
            self._put(self._last, *ahead)

    def _put(self, home: list[Outlined], *nodes: Outlined) -> None:
        home += nodes
        self._homes.update(dict.fromkeys(nodes, home))

    def _put_behind(self, node: Outlined, previous: Outlined) -> None:
        home = self._homes.get(previous)
        if home is None:
            beside = self.stands.get(previous) or self._headers_of(previous)
            assert beside is not None  # it is in a list, or stands, or replaces a header
            home = self._behind.setdefault(beside, [])
            home.insert(0, node)
        else:
            home.insert(len(home) if home[-1] is previous else home.index(previous) + 1, node)
        self._homes[node] = home

    def _put_before(self, nodes: list[Outlined], later: Outlined) -> None:
        home = self._homes.get(later)
        if home is None:
            beside = self.stands.get(later) or self._headers_of(later)
            assert beside is not None
            self._put(self._before.setdefault(beside, []), *nodes)
        else:
            at = home.index(later)
            home[at:at] = nodes

    def _rebuilt(self, block: Sequence[Outlined], around: Outlined | None) -> list[Outlined]:
        made: list[Outlined] = [*self._inside.get(id(block), [])]
        for node in block:
            made += self._before.get(node, [])
            if node in self._given:
                made += self._given[node]
            else:
                made.append(self._with_header(node))
            made += self._behind.get(node, [])
        if around is not None and made != list(block):
            note_change(around)
        for node in made:
            node.around = around
        return made

    def _with_header(self, node: Outlined) -> Outlined:
        header = self._headers.get(node)
        node.blocks = tuple(self._rebuilt(block, node) for block in node.blocks)
        if header is not None:
            more: tuple[list[Outlined], ...] = () if header.alone else header.blocks
            node.text, node.tree, node.broken = header.text, header.tree, header.broken
            if node.slot is not None and node.slot.blocks:
                node.slot = header_of(header)
            node.blocks = tuple(
                block or (list(more[number]) if number < len(more) else block)
                for number, block in enumerate(node.blocks)
            )
            note_change(node)
        return node


def _meant_again(old: Sequence[Outlined], same: Sequence[tuple[Outlined, Outlined]]) -> list[tuple[Outlined, Outlined]]:
    """The lines that say a statement once more, where the planner goes on behind it.

    One whose names have got other values since, by statements that the reply does not say once more, is another call.
    """
    said = {one for one, _ in same}
    anew: set[str] = set()
    for node in reversed(old):
        if node not in said:
            anew |= all_targets(node)
        elif words_in(node) & anew:
            said.discard(node)
            anew |= all_targets(node)
    return [(one, node) for one, node in same if one in said]


class _Broken:
    """The broken statements of a block, and of the blocks in it, as they are asked for by what answers them.

    Each is answered by one line, but for a block that is to be replaced, and what gives several names.
    """

    def __init__(self, old: list[Outlined], answered: set[Outlined]) -> None:
        self._answered = answered
        self.order: dict[Outlined, int] = {}
        self._tops: list[int] = []  # where in the block each stands, or what it stands in
        self._all: list[Outlined] = []
        self._named: dict[str, list[Outlined]] = {}
        self._alike: dict[str, list[Outlined]] = {}
        self._alike_bare: dict[str, list[Outlined]] = {}
        self._same_given: dict[str, list[Outlined]] = {}  # by what they give to what they call
        self._called: dict[Outlined, str] = {}
        for number, top in enumerate(old):
            for node in top.within():
                if node.broken and not node.is_join:
                    self._note(node, number)
        self._bare = [node for node in self._all if not all_targets(node) or node.kind != "line"]

    def _note(self, node: Outlined, number: int) -> None:
        self.order[node] = len(self._all)
        self._all.append(node)
        self._tops.append(number)
        for name in all_targets(node):
            self._named.setdefault(name, []).append(node)
        for word in words_in(node):
            self._alike.setdefault(word, []).append(node)
            if not node.targets or is_block(node):
                self._alike_bare.setdefault(word, []).append(node)

        if (called := _call_in(node)) is not None:
            self._called[node], given = called
            self._same_given.setdefault(given, []).append(node)

    def _open(self, node: Outlined) -> bool:
        """Whether one line more may answer it."""
        return node not in self._answered or is_block(node) or len(node.targets) > 1

    def by_name(self, node: Outlined) -> Outlined | None:
        """The first that assigns a name that a line assigns; rather one of the same names, and one with its tool."""
        names = all_targets(node)
        found = [one for name in names for one in self._first(self._named.get(name), _SEVERAL) if fits(node, one)]
        calls = called_in(node)
        return min(
            found,
            key=lambda one: (all_targets(one) != names, one in self._answered, not words_in(one) & calls),
            default=None,
        )

    def by_tool(self, node: Outlined) -> Outlined | None:
        """The first that gives the same to a tool of that name, or nearly; else the first in which a tool stands that a
        line calls. What has a name is asked for by that.
        """
        if (called := _call_in(node)) is not None:
            for one in self._first(self._same_given.get(called[1]), _SEVERAL):
                near = _is_near(called[0], self._called[one])
                if near and fits(node, one) and not (node.targets and one.targets):
                    return one
        alike = self._alike_bare if node.targets else self._alike
        found = (one for name in sorted(called_in(node)) for one in self._first(alike.get(name), _SEVERAL))
        return next((one for one in found if fits(node, one)), None)

    def by_place(self, node: Outlined, before: int | None, after: int | None) -> Outlined | None:
        """The first between the same neighbours; without any, a call for a call."""
        if before is None and after is None:
            if node.targets and node.kind == "line":
                return None
            candidates: Iterable[Outlined] = self._first(self._bare, _SEVERAL)
        else:
            start = 0 if before is None else bisect_right(self._tops, before)
            end = len(self._tops) if after is None else bisect_left(self._tops, after)
            candidates = islice((one for one in islice(self._all, start, end) if one not in self._answered), _SEVERAL)
        fitting = (one for one in candidates if one not in self._answered and fits(node, one))
        return next((one for one in fitting if one.kind == "line" or node.kind != "line"), None)

    def _first(self, nodes: list[Outlined] | None, most: int) -> list[Outlined]:
        """The first that may be answered still."""
        if not nodes:
            return []
        found = [one for one in nodes[:most] if self._open(one)]
        if len(found) < most < len(nodes) or (not found and len(nodes) <= most):
            nodes[:] = [one for one in nodes if self._open(one)]
            found = nodes[:most]
        return found


def _call_in(node: Outlined) -> tuple[str, str] | None:
    """The first name in a line that something is given to, and all that stands behind it."""
    found = _CALL.search(node.text) if node.kind == "line" else None
    return None if found is None else (found.group(1), "".join(found.group(2).split()))


def _call_alone(node: Outlined) -> tuple[str, str] | None:
    """The tool that a line without a name calls, and the whole call."""
    match node.tree:
        case ast.Expr(value=ast.Call(func=ast.Name(id=tool)) as call):
            return tool, ast.dump(call)
    return None


def _call_named(node: Outlined) -> tuple[str, str] | None:
    """The tool whose result a line gives a name, and the whole call."""
    match node.tree:
        case ast.Assign(targets=[ast.Name()], value=ast.Call(func=ast.Name(id=tool)) as call) if not node.broken:
            return tool, ast.dump(call)
    return None


def _is_near(name: str, other: str) -> bool:
    """Whether one name may be the other with a slip."""
    if name == other or max(len(name), len(other)) > _LONGEST_NAME:
        return name == other
    return SequenceMatcher(None, name, other).ratio() >= _NEAR


def _without_joins(nodes: Sequence[Outlined]) -> list[Outlined]:
    """Nodes without a `join`, which another one replaces, and without what stands around nothing else."""
    kept: list[Outlined] = []
    for node in nodes:
        blocks = tuple(_without_joins(block) for block in node.blocks)
        if node.is_join or (blocks != node.blocks and not any(blocks)):
            continue
        if blocks != node.blocks:
            node.blocks = blocks
            note_change(node)
        kept.append(node)
    return kept
