"""What a reply makes of the round that it repairs: the final text decides (rule L30)."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from superscalar.plan.outline import WORD, Node, header_of, is_gap, outline, statements
from superscalar.plan.signatures import Signatures
from superscalar.plan.slots import Slot
from superscalar.plan.vocabulary import FUNCTIONS, METHODS

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_MAY_CALL = re.compile(r"\w\(")
_LOOPS = re.compile(r"\bfor\b")
_MANY_PAIRS = 1_000  # of equal statements, of which not each is compared with each
_SEVERAL = 8  # that are looked at before one gives up

ANEW = "the planner wrote the whole plan anew"
EDITED = "a repair replaces what it was made from"


class Reply:
    """A reply that repairs a round, as it is read: its statements in their blocks. `cut`: there may have been more."""

    def __init__(self) -> None:
        self.text: list[Slot] = []
        self.cut = False
        self._closed = False
        self._blocks = [self.text]
        self._headers: list[Slot] = []

    @property
    def depth(self) -> int:
        """How many `if`s are open."""
        return len(self._headers)

    def say(self, slot: Slot) -> None:
        """The next statement."""
        if not self._closed:  # else it follows the join
            self._closed = slot.is_join and not self._headers
            self._blocks[-1].append(slot)

    def open_if(self, slot: Slot) -> None:
        """The next statement is an `if`, and what follows stands in it."""
        self.say(slot)
        self._headers.append(slot)
        self._blocks.append(slot.blocks[0])

    def otherwise(self) -> None:
        """What follows stands in the `else`."""
        self._blocks[-1] = self._headers[-1].blocks[1]

    def close_if(self) -> None:
        """The last `if` has ended."""
        self._headers.pop()
        self._blocks.pop()


@dataclass(frozen=True, slots=True)
class Final:
    """The final text of a round. `whole`: the reply is all of it. `dropped`: the right writes that it has no more."""

    text: list[Slot]
    why: str
    whole: bool
    dropped: tuple[str, ...] = ()


def mended(text: Sequence[Slot], reply: Reply, signatures: Signatures, *, rest: bool = False) -> Final:
    """The final text of a round. `rest`: the planner was asked to go on, and not to mend anything."""
    old, new = outline(text), outline(reply.text)
    edit = _Edit(old, new)
    if not rest and not reply.cut and _is_whole(edit, old, new):
        _keep(edit)
        dropped = tuple(_dropped(text, reply.text, signatures))
        return Final(reply.text, ANEW, whole=True, dropped=dropped)
    nodes = edit.applied()
    if not reply.cut:
        _leave_out(nodes, added=bool(new))
    return Final(statements(nodes), EDITED, whole=False)


def answered(text: Sequence[Slot], reply: Reply) -> list[Slot]:
    """A round in which nothing but what is broken was replaced: it shows what else is wrong."""
    edit = _Edit(outline(text), outline(reply.text))
    return statements(edit.mended())


# ----------------------------------------------------------------------------------------------- edit or whole round


def _is_whole(edit: _Edit, old: Sequence[Node], new: Sequence[Node]) -> bool:
    if not any(node.is_join for node in new):
        return False
    lines = [node for node in new if not node.is_join]
    if all(edit.answers(node) for node in lines):
        return False
    defined = {name for node in old for one in node.within() for name in _assigned(one)}
    return not (_used_before(new) & defined)


def _assigned(node: Node) -> set[str]:
    found = set(node.targets)
    if node.kind == "for" and isinstance(node.tree, ast.For):
        found |= {inner.id for inner in ast.walk(node.tree.target) if isinstance(inner, ast.Name)}
    return found


def _used_before(nodes: Sequence[Node], known: set[str] | None = None) -> set[str]:
    """The names that a text uses where it has not defined them."""
    known = set() if known is None else known
    used: set[str] = set()
    for node in nodes:
        used |= {name for name in _loaded(node) if name not in known}
        known |= _assigned(node)
        for block in node.blocks:
            used |= _used_before(block, known)
    return used


def _loaded(node: Node) -> set[str]:
    """The names that the own text of a statement uses, those of tools and of its own variables aside."""
    tree: ast.AST | None = node.tree
    if node.blocks:
        tree = node.tree.test if isinstance(node.tree, ast.If) else getattr(node.tree, "iter", None)
    if tree is None:
        return set()
    called = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
    bound = {
        inner.id
        for clause in ast.walk(tree)
        if isinstance(clause, ast.comprehension | ast.For)
        for inner in ast.walk(clause.target)
        if isinstance(inner, ast.Name)
    }
    bound |= {one.arg for one in ast.walk(tree) if isinstance(one, ast.arg)}
    names = (one for one in ast.walk(tree) if isinstance(one, ast.Name) and id(one) not in called)
    loaded = {one.id for one in names if isinstance(one.ctx, ast.Load)}
    changed = {
        one.target.id for one in ast.walk(tree) if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)
    }
    return (loaded | changed) - bound


def _keep(edit: _Edit) -> None:
    """What the whole round has as before keeps its tasks, if it comes to the same ones."""
    for new, old in edit.stands.items():
        if new.slot is not None and old.slot is not None and (new.around is None or new.around.kind != "for"):
            new.slot.former = old.slot


def _dropped(text: Sequence[Slot], reply: Sequence[Slot], signatures: Signatures) -> Iterator[str]:
    """The right statements with a write that the new text does not make."""
    writes = {signature.alias for signature in signatures if signature.effect == "write"}
    there = Counter(call for slot in _each(reply) for call in _writes(slot, writes))
    for slot in _each(text):
        if slot.problems or slot.unread is not None:
            continue
        calls = Counter(_writes(slot, writes))
        if calls - there:
            yield " ".join(slot.source.text.split())
        there -= calls


def _each(text: Sequence[Slot]) -> Iterator[Slot]:
    for slot in text:
        yield slot
        for block in slot.blocks:
            yield from _each(block)


def _writes(slot: Slot, writes: set[str]) -> Iterator[str]:
    for node in ast.walk(slot.tree) if slot.tree is not None else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in writes:
            yield ast.dump(node)


# ----------------------------------------------------------------------------------------------------------- an edit


class _Edit:
    """A reply laid beside a round.

    `stands`: the line of the reply that is equal to a right statement of the same block, and that statement. `_takes`:
    what the others answer, or the right statement whose name they assign.
    """

    def __init__(self, old: list[Node], new: list[Node]) -> None:
        self._old, self._new = old, new
        self.stands: dict[Node, Node] = {}
        self._takes: dict[Node, Node] = {}
        self._headers: dict[Node, Node] = {}  # by the statement whose header they replace
        self._given: dict[Node, list[Node]] = {}  # by the statement whose place they take
        self._behind: dict[Node, list[Node]] = {}
        self._before: dict[Node, list[Node]] = {}
        self._last: list[Node] = []
        self._homes: dict[Node, list[Node]] = {}  # the list of these in which a line of the reply is
        self._answered: set[Node] = set()
        self._left: list[tuple[list[Node], list[Node]]] = []  # what answers nothing, by the block that it stands in
        self._lay(old, new)

    def _lay(self, old: list[Node], new: list[Node]) -> None:
        """Lay a block of the reply beside one of the round."""
        self.stands.update((node, same) for same, node in _common(old, new))
        for node in new:
            self._lay_inside(self.stands.get(node), node)
        rest = [node for node in new if node not in self.stands and not node.is_join]
        self._match(old, rest, new)
        for node in rest:
            self._lay_inside(self._headers_of(node), node)
        self._left.append((old, [node for node in rest if node not in self._takes]))

    def _lay_inside(self, beside: Node | None, node: Node) -> None:
        if beside is not None and not node.alone:
            for inner, other in zip(beside.blocks, node.blocks, strict=False):
                self._lay(inner, other)

    def _headers_of(self, node: Node) -> Node | None:
        found = self._takes.get(node)
        return found if found is not None and self._headers.get(found) is node else None

    # ----------------------------------------------------------------------------------------------- what is answered

    def answers(self, node: Node) -> bool:
        """Whether a line of the reply answers a broken statement; a header that stands, whether all in it do."""
        if node in self._takes:
            return self._takes[node] in self._answered
        if node in self.stands and node.blocks:
            return all(self.answers(inner) for block in node.blocks for inner in block)
        return False

    def _match(self, old: list[Node], rest: list[Node], new: list[Node]) -> None:
        """Find what each line answers: by its name, else by its tool, else by its place."""
        if not rest:
            return
        broken = _Broken(old, self._answered)
        for node in rest:
            if (found := broken.by_name(node)) is not None:
                self._take(node, found)
        loose: list[tuple[Node, Node]] = []
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

    def _take(self, node: Node, found: Node) -> None:
        self._takes[node] = found
        self._answered.add(found)

    def _windows(self, old: list[Node], new: list[Node]) -> dict[Node, tuple[int | None, int | None]]:
        """Between which right statements of a block each line of the reply stands, as far as the reply has them."""
        places = {node: number for number, node in enumerate(old)}
        before: list[int | None] = []
        last: int | None = None
        for node in new:
            last = places[self.stands[node]] if node in self.stands else last
            before.append(last)
        found: dict[Node, tuple[int | None, int | None]] = {}
        last = None
        for node, first in zip(reversed(new), reversed(before), strict=True):
            found[node] = first, last
            last = places[self.stands[node]] if node in self.stands else last
        return found

    def _sort(self, loose: list[tuple[Node, Node]], order: dict[Node, int], new: list[Node]) -> None:
        """Lines that answer by no name take the places that they answer in the order of the text."""
        reply = {node: number for number, node in enumerate(new)}
        lines = sorted((node for node, _ in loose), key=reply.__getitem__)
        places = sorted((one for _, one in loose), key=order.__getitem__)
        if all(_fits(node, one) for node, one in zip(lines, places, strict=True)):
            self._takes.update(zip(lines, places, strict=True))

    def _settle(self, node: Node, found: Node, context: list[Node]) -> None:
        """Put a line where what it answers stands, or where the block around that does."""
        text, inner = found.text, found
        for around in list(found.parents):
            iterates = around.kind == "for" and not _LOOPS.search(text) and _iterates(node, around)
            same_loop = node.kind == around.kind == "for" and _target(node) == _target(around)
            same_block = node.kind == around.kind and node.kind != "line" and around.block is context
            if iterates or same_loop or same_block:
                found = around
        if found is not inner:
            self._answered.discard(inner)  # unless a line in that block answers it
        self._take(node, found)
        if found.blocks and node.blocks and node.kind == found.kind and found not in self._headers:
            self._headers[found] = node
        else:
            self._put(self._given.setdefault(found, []), node)

    def _by_right_name(self, old: list[Node], rest: list[Node]) -> None:
        """A line that assigns the name of a right statement takes its place."""
        names: dict[str, list[Node]] = {}
        if not rest:
            return
        stood = set(self.stands.values())
        for around in old:
            for one in around.within():
                if not one.broken and not one.is_join and one not in stood:
                    for name in _all_targets(one):
                        names.setdefault(name, []).append(one)
        for node in rest:
            right = [one for name in _all_targets(node) for one in names.get(name, ())[:_SEVERAL]]
            right = [one for one in right if one.kind in ("line", node.kind)]
            right = [one for one in right if one not in self._given and one not in self._headers]
            same = [one for one in right if _called(one) & _called(node)]
            found = next(iter([*same, *right]), None)
            if found is None:
                continue
            for name in _all_targets(found):
                names[name].remove(found)
            self._takes[node] = found
            if found.blocks and node.blocks:
                self._headers[found] = node
            else:
                self._put(self._given.setdefault(found, []), node)

    # --------------------------------------------------------------------------------------------------- the new text

    def applied(self) -> list[Node]:
        """The round with what the reply changes."""
        for old, rest in self._left:
            self._by_right_name(old, rest)
        self._place(self._new, self._old)
        nodes = self.mended() + self._last
        joins = [node for node in self._new if node.is_join]
        old_joins = [node for node in nodes if node.is_join]
        return [node for node in nodes if not node.is_join] + (joins[-1:] or old_joins)

    def mended(self) -> list[Node]:
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
                if not _shape(line) or _shape(line) != _shape(node) or node in self._given:
                    break
                self._given[node] = []

    def _place(self, new: Sequence[Node], old: list[Node]) -> None:
        """Find a place for what answers nothing: behind the line before it."""
        lines = [node for node in new if not node.is_join]
        first = next((node for node in lines if node in self.stands or node in self._takes), None)
        ahead: list[Node] = []  # what has no line before it
        previous: Node | None = None
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
        elif ahead and old is not self._old and old:
            self._put(self._behind.setdefault(old[-1], []), *ahead)
        elif ahead:
            self._put(self._last, *ahead)

    def _put(self, home: list[Node], *nodes: Node) -> None:
        home += nodes
        self._homes.update(dict.fromkeys(nodes, home))

    def _put_behind(self, node: Node, previous: Node) -> None:
        home = self._homes.get(previous)
        if home is None:
            beside = self.stands.get(previous) or self._headers_of(previous)
            assert beside is not None  # it is in a list, or stands, or replaces a header
            home = self._behind.setdefault(beside, [])
            home.insert(0, node)
        else:
            home.insert(len(home) if home[-1] is previous else home.index(previous) + 1, node)
        self._homes[node] = home

    def _put_before(self, nodes: list[Node], later: Node) -> None:
        home = self._homes.get(later)
        if home is None:
            beside = self.stands.get(later) or self._headers_of(later)
            assert beside is not None
            self._put(self._before.setdefault(beside, []), *nodes)
        else:
            at = home.index(later)
            home[at:at] = nodes

    def _rebuilt(self, block: Sequence[Node], around: Node | None) -> list[Node]:
        made: list[Node] = []
        for node in block:
            made += self._before.get(node, [])
            if node in self._given:
                made += self._given[node]
            else:
                made.append(self._with_header(node))
            made += self._behind.get(node, [])
        if around is not None and made != list(block):
            _note_change(around)
        for node in made:
            node.around = around
        return made

    def _with_header(self, node: Node) -> Node:
        header = self._headers.get(node)
        node.blocks = tuple(self._rebuilt(block, node) for block in node.blocks)
        if header is not None:
            more: tuple[list[Node], ...] = () if header.alone else header.blocks
            node.text, node.tree, node.broken = header.text, header.tree, header.broken
            if node.slot is not None and node.slot.blocks:
                node.slot = header_of(header)
            node.blocks = tuple(
                block or (list(more[number]) if number < len(more) else block)
                for number, block in enumerate(node.blocks)
            )
            _note_change(node)
        return node


class _Broken:
    """The broken statements of a block, and of the blocks in it, as they are asked for by what answers them.

    Each is answered by one line, but for a block that is to be replaced, and what gives several names.
    """

    def __init__(self, old: list[Node], answered: set[Node]) -> None:
        self._answered = answered
        self.order: dict[Node, int] = {}
        self._tops: list[int] = []  # where in the block each stands, or what it stands in
        self._all: list[Node] = []
        self._named: dict[str, list[Node]] = {}
        self._alike: dict[str, list[Node]] = {}
        self._alike_bare: dict[str, list[Node]] = {}
        for number, top in enumerate(old):
            for node in top.within():
                if node.broken and not node.is_join:
                    self._note(node, number)
        self._bare = [node for node in self._all if not _all_targets(node) or node.kind != "line"]

    def _note(self, node: Node, number: int) -> None:
        self.order[node] = len(self._all)
        self._all.append(node)
        self._tops.append(number)
        for name in _all_targets(node):
            self._named.setdefault(name, []).append(node)
        for word in _words(node):
            self._alike.setdefault(word, []).append(node)
            if not node.targets or _is_block(node):
                self._alike_bare.setdefault(word, []).append(node)

    def _open(self, node: Node) -> bool:
        """Whether one line more may answer it."""
        return node not in self._answered or _is_block(node) or len(node.targets) > 1

    def by_name(self, node: Node) -> Node | None:
        """The first that assigns a name that a line assigns; rather one that assigns the same ones."""
        names = _all_targets(node)
        found = [one for name in names for one in self._first(self._named.get(name), _SEVERAL) if _fits(node, one)]
        return min(found, key=lambda one: (_all_targets(one) != names, one in self._answered), default=None)

    def by_tool(self, node: Node) -> Node | None:
        """The first in which a tool stands that a line calls. What has a name is asked for by that."""
        alike = self._alike_bare if node.targets else self._alike
        found = (one for name in sorted(_called(node)) for one in self._first(alike.get(name), _SEVERAL))
        return next((one for one in found if _fits(node, one)), None)

    def by_place(self, node: Node, before: int | None, after: int | None) -> Node | None:
        """The first between the same neighbours; without any, a call for a call."""
        if before is None and after is None:
            if node.targets and node.kind == "line":
                return None
            candidates: Iterable[Node] = self._first(self._bare, _SEVERAL)
        else:
            start = 0 if before is None else bisect_right(self._tops, before)
            end = len(self._tops) if after is None else bisect_left(self._tops, after)
            candidates = islice((one for one in islice(self._all, start, end) if one not in self._answered), _SEVERAL)
        fitting = (one for one in candidates if one not in self._answered and _fits(node, one))
        return next((one for one in fitting if one.kind == "line" or node.kind != "line"), None)

    def _first(self, nodes: list[Node] | None, most: int) -> list[Node]:
        """The first that may be answered still."""
        if not nodes:
            return []
        found = [one for one in nodes[:most] if self._open(one)]
        if len(found) < most < len(nodes) or (not found and len(nodes) <= most):
            nodes[:] = [one for one in nodes if self._open(one)]
            found = nodes[:most]
        return found


def _note_change(node: Node) -> None:
    """Something in it is another than it was."""
    node.changed = True
    for around in node.parents:
        around.changed = True


def _is_block(node: Node) -> bool:
    return node.kind != "line" or isinstance(node.tree, _BLOCKS)


def _fits(node: Node, found: Node) -> bool:
    """Whether a line may answer a statement: a header alone answers a header of its kind."""
    return not node.alone or (node.kind == found.kind and found.broken)


def _all_targets(node: Node) -> set[str]:
    return {name for one in node.within() for name in one.targets}


def _called(node: Node) -> set[str]:
    """What a statement calls and is no listed function or method: tools, as far as they exist."""
    names: set[str] = set()
    for one in node.within():
        tree: ast.AST | None = one.tree
        for inner in ast.walk(tree) if tree is not None else ():
            match inner:
                case ast.Call(func=ast.Name(id=name)):
                    names.add(name)
                case ast.Call(func=ast.Attribute(attr=name)) if name not in METHODS:
                    names.add(name)
    return names - FUNCTIONS


def _words(node: Node) -> set[str]:
    return {word for one in node.within() for word in WORD.findall(one.text)}


def _target(node: Node) -> str:
    return ast.dump(node.tree.target) if isinstance(node.tree, ast.For) else ""


def _iterates(node: Node, loop: Node) -> bool:
    """Whether a line itself goes through what a loop goes through, and does not use its variable."""
    if not isinstance(loop.tree, ast.For):
        return False
    through = ast.dump(loop.tree.iter)
    iterables = [
        inner.iter
        for one in node.within()
        if one.tree is not None
        for inner in ast.walk(one.tree)
        if isinstance(inner, ast.comprehension | ast.For)
    ]
    variables = {name.id for name in ast.walk(loop.tree.target) if isinstance(name, ast.Name)}
    return any(ast.dump(one) == through for one in iterables) and not (variables & _used_before([node]))


# ------------------------------------------------------------------------------------------------- what is in common


def _shape(node: Node) -> str:
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


def _common(old: Sequence[Node], new: Sequence[Node]) -> list[tuple[Node, Node]]:
    """The right statements that two texts of a block have in common, in order: as many as there are."""
    ones = [("" if node.broken else _shape(node), node) for node in old]
    others = [("" if node.broken or node.alone else _shape(node), node) for node in new]
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


# ------------------------------------------------------------------------------------------------- what is left out


def _leave_out(nodes: list[Node], *, added: bool) -> None:
    """Take out what nothing answered and nobody needs: definitions and imports that nothing uses, prose."""
    words = Counter(word for node in nodes for one in node.within() for word in set(WORD.findall(one.text)))
    kept = [
        node
        for node in nodes
        if not node.broken or not ((added and _is_nothing_at_all(node)) or _is_prose(node) or _is_unused(node, words))
    ]
    nodes[:] = kept
    for node in nodes:
        for block in node.blocks:
            if any(one.broken for one in block):
                before = len(block)
                _leave_out(block, added=added)
                if len(block) < before:
                    _note_change(node)


def _is_nothing_at_all(node: Node) -> bool:
    """Whether it says that there was no plan."""
    return node.slot is not None and any(problem.code == "E004" for problem in node.slot.problems)


def _is_prose(node: Node) -> bool:
    """Whether text that could not be read takes no call and no name away."""
    slot = node.slot
    if slot is None or node.tree is not None or node.targets or node.is_join or node.blocks or not node.text.strip():
        return False
    return not (any(problem.code == "E403" for problem in slot.problems) or _MAY_CALL.search(node.text))


def _is_unused(node: Node, words: Mapping[str, int]) -> bool:
    tree = node.tree
    if isinstance(tree, _DEFINITIONS):
        names = {tree.name}
    elif isinstance(tree, _IMPORTS):
        names = {(alias.asname or alias.name).partition(".")[0] for alias in tree.names}
    else:
        return False
    own = set(WORD.findall(node.text))
    return all(words[name] <= (name in own) for name in names)
