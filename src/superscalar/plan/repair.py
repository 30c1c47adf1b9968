"""What a reply makes of the round that it repairs: the final text decides (rule L30)."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from superscalar.plan.outline import Node, is_gap, outline, statements
from superscalar.plan.signatures import Signatures
from superscalar.plan.slots import Slot
from superscalar.plan.vocabulary import FUNCTIONS, METHODS

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_MAY_CALL = re.compile(r"\w\(")
_LOOPS = re.compile(r"\bfor\b")
_WORD = re.compile(r"[^\W\d]\w*")
_MOST = 1_000_000  # pairs of statements that are compared to find the longest common part of two texts

ANEW = "the planner wrote the whole plan anew"
EDITED = "a repair replaces what it was made from"


class Reply:
    """A reply that repairs a round, as it is read: its statements in their blocks. `cut`: there may have been more."""

    def __init__(self) -> None:
        self.text: list[Slot] = []
        self.cut = False
        self._blocks = [self.text]
        self._headers: list[Slot] = []

    @property
    def depth(self) -> int:
        """How many `if`s are open."""
        return len(self._headers)

    def say(self, slot: Slot) -> None:
        """The next statement."""
        if not any(one.is_join for one in self.text):  # what follows the join is none
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

    `stands`: the line of the reply that is equal to a right statement of the same block, and that statement. `takes`:
    what the others answer, or the right statement whose name they assign.
    """

    def __init__(self, old: list[Node], new: list[Node]) -> None:
        self._old, self._new = old, new
        self.stands: dict[Node, Node] = {}
        self._takes: dict[Node, Node] = {}
        self._given: dict[Node, list[Node]] = {}  # by the statement whose place they take
        self._behind: dict[Node, list[Node]] = {}
        self._before: dict[Node, list[Node]] = {}
        self._headers: dict[Node, Node] = {}  # by the statement whose header they replace
        self._last: list[Node] = []
        self._contexts: dict[Node, list[Node]] = {}  # by a line of the reply: the block that its own block is
        self._answered: set[Node] = set()
        self._left: list[tuple[list[Node], list[Node]]] = []  # what answers nothing, by the block that it stands in
        self._lay(old, new)

    def _lay(self, old: list[Node], new: list[Node]) -> None:
        """Lay a block of the reply beside one of the round."""
        for same, node in _common(old, new):
            self.stands[node] = same
        for node in new:
            self._contexts[node] = old
        for node in new:
            self._lay_inside(self.stands.get(node), node)
        rest = [node for node in new if node not in self.stands and not node.is_join]
        self._match(old, rest, new)
        for node in rest:
            self._lay_inside(self._headers_of(node), node)

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
            return self._takes[node].broken or self._takes[node] in self._answered
        if node in self.stands and node.blocks:
            return all(self.answers(inner) for block in node.blocks for inner in block)
        return False

    def _match(self, old: list[Node], rest: list[Node], new: list[Node]) -> None:
        broken = [one for node in old for one in node.within() if one.broken and not one.is_join]
        loose: list[tuple[Node, Node]] = []
        for node in rest:
            if (named := self._by_name(node, broken)) is not None:
                self._take(node, named)
        for node in rest:
            if node not in self._takes and (found := self._by_tool(node, broken)) is not None:
                loose.append((node, found))
                self._take(node, found)
        for node in rest:
            if node not in self._takes and (found := self._by_place(node, broken, old, new)) is not None:
                loose.append((node, found))
                self._take(node, found)
        self._sort(loose, broken)
        for node, found in list(self._takes.items()):
            if node in rest:
                self._settle(node, found)
        self._left.append((old, [node for node in rest if node not in self._takes]))

    def _take(self, node: Node, found: Node) -> None:
        self._takes[node] = found
        self._answered.add(found)

    def _open(self, found: Node) -> bool:
        """Whether a broken statement may be answered by one line more."""
        many = found.kind != "line" or isinstance(found.tree, _BLOCKS) or len(found.targets) > 1
        return many or found not in self._answered

    def _by_name(self, node: Node, broken: Sequence[Node]) -> Node | None:
        names = _all_targets(node)
        same = [one for one in broken if names and names & _all_targets(one) and self._open(one) and _fits(node, one)]
        exact = [one for one in same if _all_targets(one) == names and one not in self._answered]
        return next(iter([*exact, *(one for one in same if one not in self._answered), *same]), None)

    def _by_tool(self, node: Node, broken: Sequence[Node]) -> Node | None:
        called = _called(node)
        for one in broken:
            named = bool(one.targets and node.targets) and one.kind == "line" and not isinstance(one.tree, _BLOCKS)
            if not named and self._open(one) and _fits(node, one) and called & _words(one):
                return one
        return None

    def _by_place(self, node: Node, broken: Sequence[Node], old: list[Node], new: list[Node]) -> Node | None:
        before, after = self._neighbours(node, new)
        first = 0 if before is None else old.index(before) + 1
        last = len(old) if after is None else old.index(after)
        here = {one for around in old[first:last] for one in around.within()}
        for one in broken:
            if one not in here or one in self._answered or not _fits(node, one):
                continue
            if one.kind != "line" and node.kind == "line":
                continue  # its lines would go with it
            bare = not node.targets and not _all_targets(one)
            if before is not None or after is not None or bare or one.kind != "line":
                return one
        return None

    def _neighbours(self, node: Node, new: list[Node]) -> tuple[Node | None, Node | None]:
        """The right statements between which a line of the reply stands, as far as the reply has them."""
        at = new.index(node)
        before = (self.stands[one] for one in reversed(new[:at]) if one in self.stands)
        after = (self.stands[one] for one in new[at:] if one in self.stands)
        return next(before, None), next(after, None)

    def _sort(self, loose: list[tuple[Node, Node]], broken: Sequence[Node]) -> None:
        """Lines that answer by no name take the places that they answer in the order of the text."""
        order = {one: number for number, one in enumerate(broken)}
        reply = {node: number for number, node in enumerate(self._contexts)}
        lines = sorted((node for node, _ in loose), key=lambda node: reply[node])
        places = sorted((one for _, one in loose), key=lambda one: order[one])
        for node, one in zip(lines, places, strict=True):
            if _fits(node, one):
                self._takes[node] = one

    def _settle(self, node: Node, found: Node) -> None:
        """Put a line where what it answers stands, or the loop around that."""
        context = self._contexts[node]
        for around in list(found.parents):
            if around.kind == "for" and _iterates(node, around) and not _LOOPS.search(found.text):
                found = around
            elif node.kind == around.kind and node.kind != "line" and around.block is context:
                found = around  # the same block, with another header
            elif node.kind == "for" and around.kind == "for" and _target(node) == _target(around):
                found = around
        self._takes[node] = found
        self._answered.add(found)
        if found.blocks and node.blocks and node.kind == found.kind and found not in self._headers:
            self._headers[found] = node
            return
        self._given.setdefault(found, []).append(node)

    def _by_right_name(self, node: Node, old: list[Node]) -> None:
        """A line that assigns the name of a right statement takes its place."""
        names = _all_targets(node)
        if not names:
            return
        stood = set(self.stands.values())
        right = [
            one
            for around in old
            for one in (around.within() if not around.blocks else [around, *around.within()])
            if not one.broken and not one.is_join and one not in stood and names & _all_targets(one)
        ]
        right = [one for one in right if one not in self._given and one not in self._headers]
        lines = [one for one in right if one.kind == "line" or (one.kind == node.kind)]
        same = [one for one in lines if _called(one) & _called(node)]
        found = next(iter([*same, *lines]), None)
        if found is None:
            return
        self._takes[node] = found
        if found.blocks and node.blocks and found.kind == node.kind:
            self._headers[found] = node
        else:
            self._given.setdefault(found, []).append(node)

    # --------------------------------------------------------------------------------------------------- the new text

    def applied(self) -> list[Node]:
        """The round with what the reply changes."""
        for old, rest in self._left:
            for node in rest:
                self._by_right_name(node, old)
        self._place(self._new, self._old)
        nodes = self.mended()
        nodes += self._last
        joins = [node for node in self._new if node.is_join]
        if joins:
            nodes = [node for node in nodes if not node.is_join] + joins[-1:]
        else:
            nodes = [node for node in nodes if not node.is_join] + [node for node in nodes if node.is_join]
        return nodes

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
        for index, node in enumerate(lines):
            beside = self.stands.get(node) or self._headers_of(node)
            if beside is not None and not node.alone:
                for inner, other in zip(beside.blocks, node.blocks, strict=False):
                    self._place(other, inner)
                continue
            if node in self._takes:
                continue
            previous = lines[index - 1] if index else None
            if previous is not None:
                self._insert_behind(node, previous)
                continue
            later = next((one for one in lines if one in self.stands or one in self._takes), None)
            if later is not None:
                self._insert_before(node, later)
            elif old is self._old or not old:
                (self._last if old is self._old else old).append(node)
            else:
                self._behind.setdefault(old[-1], []).append(node)
            self._takes[node] = node

    def _insert_behind(self, node: Node, previous: Node) -> None:
        for places in (self._given, self._behind, self._before):
            for line in places.values():
                if previous in line:
                    line.insert(line.index(previous) + 1, node)
                    self._takes[node] = node
                    return
        if previous in self._last:
            self._last.append(node)
        else:
            beside = self.stands.get(previous) or self._headers_of(previous)
            if beside is None:
                self._last.append(node)
            else:
                self._behind.setdefault(beside, []).insert(0, node)
        self._takes[node] = node

    def _insert_before(self, node: Node, later: Node) -> None:
        for places in (self._given, self._behind, self._before):
            for line in places.values():
                if later in line:
                    line.insert(line.index(later), node)
                    return
        beside = self.stands.get(later) or self._headers_of(later)
        if beside is None:
            self._last.append(node)
        else:
            self._before.setdefault(beside, []).append(node)

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
            for one in (around, *around.parents):
                one.changed = True
        for node in made:
            node.around = around
        return made

    def _with_header(self, node: Node) -> Node:
        header = self._headers.get(node)
        blocks = tuple(self._rebuilt(block, node) for block in node.blocks)
        if header is not None and header is not node:
            more: tuple[list[Node], ...] = () if header.alone else header.blocks
            node.text, node.tree, node.broken, node.changed = header.text, header.tree, header.broken, True
            if node.slot is not None and header.slot is not None and node.slot.blocks:
                node.slot = header.slot
            blocks = tuple(
                block or (list(more[number]) if number < len(more) else block) for number, block in enumerate(blocks)
            )
            for one in node.parents:
                one.changed = True
        node.blocks = blocks
        return node


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
    return {word for one in node.within() for word in _WORD.findall(one.text)}


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
    while ones and others and ones[0][0] and ones[0][0] == others[0][0]:
        found.append((ones.pop(0)[1], others.pop(0)[1]))
    ending: list[tuple[Node, Node]] = []
    while ones and others and ones[-1][0] and ones[-1][0] == others[-1][0]:
        ending.append((ones.pop()[1], others.pop()[1]))
    ones = [one for one in ones if one[0]]
    others = [other for other in others if other[0]]
    if len(ones) * len(others) <= _MOST:
        found += _longest(ones, others)
    else:
        found += _greedy(ones, others)
    return [*found, *reversed(ending)]


def _longest(ones: Sequence[tuple[str, Node]], others: Sequence[tuple[str, Node]]) -> list[tuple[Node, Node]]:
    lengths = [[0] * (len(others) + 1) for _ in range(len(ones) + 1)]
    for i in range(len(ones) - 1, -1, -1):
        for j in range(len(others) - 1, -1, -1):
            same = ones[i][0] == others[j][0]
            lengths[i][j] = lengths[i + 1][j + 1] + 1 if same else max(lengths[i + 1][j], lengths[i][j + 1])
    found: list[tuple[Node, Node]] = []
    i = j = 0
    while i < len(ones) and j < len(others):
        if ones[i][0] == others[j][0]:
            found.append((ones[i][1], others[j][1]))
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def _greedy(ones: Sequence[tuple[str, Node]], others: Sequence[tuple[str, Node]]) -> list[tuple[Node, Node]]:
    places: dict[str, list[int]] = {}
    for number in range(len(ones) - 1, -1, -1):
        places.setdefault(ones[number][0], []).append(number)
    found: list[tuple[Node, Node]] = []
    last = -1
    for shape, node in others:
        numbers = places.get(shape, [])
        while numbers and numbers[-1] <= last:
            numbers.pop()
        if numbers:
            last = numbers.pop()
            found.append((ones[last][1], node))
    return found


# ------------------------------------------------------------------------------------------------- what is left out


def _leave_out(nodes: list[Node], *, added: bool) -> None:
    """Take out what nothing answered and nobody needs: definitions and imports that nothing uses, prose."""
    for node in list(nodes):
        for block in node.blocks:
            _leave_out(block, added=added)
        if not node.broken:
            continue
        others = [one for other in nodes if other is not node for one in other.within()]
        if (added and _is_nothing_at_all(node)) or _is_prose(node) or _is_unused(node, others):
            nodes.remove(node)


def _is_nothing_at_all(node: Node) -> bool:
    """Whether it says that there was no plan."""
    return node.slot is not None and any(problem.code == "E004" for problem in node.slot.problems)


def _is_prose(node: Node) -> bool:
    """Whether text that could not be read takes no call and no name away."""
    slot = node.slot
    if slot is None or node.tree is not None or node.targets or node.is_join or node.blocks or not node.text.strip():
        return False
    return not (any(problem.code == "E403" for problem in slot.problems) or _MAY_CALL.search(node.text))


def _is_unused(node: Node, others: Sequence[Node]) -> bool:
    tree = node.tree
    if isinstance(tree, _DEFINITIONS):
        names = {tree.name}
    elif isinstance(tree, _IMPORTS):
        names = {(alias.asname or alias.name).partition(".")[0] for alias in tree.names}
    else:
        return False
    return not any(names & set(_WORD.findall(one.text)) for one in others)
