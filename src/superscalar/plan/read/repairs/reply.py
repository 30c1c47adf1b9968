"""What a reply makes of the round that it repairs: the final text decides (rule L30)."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.read.repairs.edit import Edit
from superscalar.plan.read.repairs.outline import WORD, Outlined, note_change, outline, statements
from superscalar.plan.read.repairs.traits import assigned, used_before
from superscalar.plan.read.slots import Slot
from superscalar.plan.read.translated import Translated

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_MAY_CALL = re.compile(r"\w\(")
_CALL = re.compile(r"([^\W\d]\w*)\(([^()]*)\)")
_LETTERS = re.compile(r"[^\W\d_]+")
_AROUND_WORDS = " `'\"()*-_>.,:;!?"
_NO_SENTENCE = re.compile(r"(?:if|elif|else|for|while|try|with)\b|.*[=()\[\]{}#]", re.IGNORECASE | re.DOTALL)
_FEWEST_WORDS = 3

_CallPairs: TypeAlias = Set[tuple[str, str]]
"""Calls as they are written, each by the name and what stands between its brackets."""

ANEW = "the planner wrote the whole plan anew"
EDITED = "a repair replaces what it was made from"


class RepairReply:
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


def mended(text: Sequence[Slot], reply: RepairReply, signatures: Signatures, *, rest: bool = False) -> Final:
    """The final text of a round. `rest`: the planner was asked to go on, and not to mend anything."""
    old, new = outline(text), outline(reply.text)
    _leave_out_prose(new, _calls_of(old) | _calls_of(new))
    edit = Edit(old, new, rest=rest)
    if not rest and not reply.cut and _is_whole(edit, old, new):
        _keep(edit)
        dropped = tuple(_dropped(text, reply.text, signatures))
        return Final(reply.text, ANEW, whole=True, dropped=dropped)
    nodes = edit.applied()
    if not reply.cut:
        _leave_out(nodes, _calls_of(nodes), added=bool(new))
    return Final(statements(nodes, signatures), EDITED, whole=False)


def says_anew(text: Sequence[Slot], reply: RepairReply) -> bool:
    """Whether a reply that was to go on says again, in another way, what has an id in the round: a step of another
    syntax, or a numbered line that assigns the same name. No plan has two of one id, so it takes the place of that.
    """
    known: dict[object, Slot] = {slot.targets: slot for slot in text if slot.targets}
    known |= {slot.number: slot for slot in text if slot.number}
    said = [(slot.targets if isinstance(slot.source, Translated) else slot.number, slot) for slot in reply.text]
    pairs = [(known[id], slot) for id, slot in said if id in known]
    if not all(found.targets == slot.targets for found, slot in pairs):
        return False  # it counts from one again, and goes on all the same
    return any(slot.targets and found.source.text != slot.source.text for found, slot in pairs)


def answered(text: Sequence[Slot], reply: RepairReply, signatures: Signatures) -> list[Slot]:
    """A round in which nothing but what is broken was replaced: it shows what else is wrong."""
    old, new = outline(text), outline(reply.text)
    _leave_out_prose(new, _calls_of(old) | _calls_of(new))
    return statements(Edit(old, new).mended(), signatures)


# ----------------------------------------------------------------------------------------------- edit or whole round


def _is_whole(edit: Edit, old: Sequence[Outlined], new: Sequence[Outlined]) -> bool:
    if not any(node.is_join for node in new):
        return False
    lines = [node for node in new if not node.is_join]
    if all(edit.answers(node) for node in lines):
        return False
    defined = {name for node in old for one in node.within() for name in assigned(one)}
    return not (used_before(new) & defined)


def _keep(edit: Edit) -> None:
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


# ------------------------------------------------------------------------------------------------- what is left out


def _leave_out_prose(nodes: list[Outlined], known: _CallPairs) -> None:
    """Take out what is no statement, before it is taken for one that answers another."""
    nodes[:] = [node for node in nodes if not _is_prose(node, known)]
    for node in nodes:
        for block in node.blocks:
            _leave_out_prose(block, known)


def _leave_out(nodes: list[Outlined], known: _CallPairs, *, added: bool) -> None:
    """Take out what nothing answered and nobody needs: definitions and imports that nothing uses, prose."""
    words = Counter(word for node in nodes for one in node.within() for word in set(WORD.findall(one.text)))
    kept = [
        node
        for node in nodes
        if not node.broken
        or not ((added and _is_nothing_at_all(node)) or _is_prose(node, known) or _is_unused(node, words))
    ]
    nodes[:] = kept
    for node in nodes:
        for block in node.blocks:
            if any(one.broken for one in block):
                before = len(block)
                _leave_out(block, known, added=added)
                if len(block) < before:
                    note_change(node)


def _is_nothing_at_all(node: Outlined) -> bool:
    """Whether it says that there was no plan."""
    return node.slot is not None and any(problem.code == "E004" for problem in node.slot.problems)


def _is_prose(node: Outlined, known: _CallPairs) -> bool:
    """Whether text that could not be read takes no call and no name away."""
    slot = node.slot
    if slot is None or node.tree is not None or node.targets or node.is_join or node.blocks or not node.text.strip():
        return False
    if any(problem.code == "E403" for problem in slot.problems):
        return False
    return not _MAY_CALL.search(node.text) or _tells_of(node.text, known)


def _calls_of(nodes: Sequence[Outlined]) -> _CallPairs:
    """The calls that stand in statements, right or broken, but in no sentence."""
    every = (one for node in nodes for one in node.within())
    return {call for one in every if one.tree is not None or one.targets for call in _calls_in(one.text)}


def _calls_in(text: str) -> _CallPairs:
    return {(name, "".join(given.split())) for name, given in _CALL.findall(text)}


def _tells_of(text: str, known: _CallPairs) -> bool:
    """Whether a text is a sentence about calls that stand elsewhere, as they stand there or by their names alone."""
    rest = _CALL.sub(" ", text).strip(_AROUND_WORDS)
    if _NO_SENTENCE.match(rest) or len(_LETTERS.findall(rest)) < _FEWEST_WORDS:
        return False
    names = {name for name, _ in known}
    return all(call in known or (call[0] in names and call[1] in ("", "...")) for call in _calls_in(text))


def _is_unused(node: Outlined, words: Mapping[str, int]) -> bool:
    tree = node.tree
    if isinstance(tree, _DEFINITIONS):
        names = {tree.name}
    elif isinstance(tree, _IMPORTS):
        names = {(alias.asname or alias.name).partition(".")[0] for alias in tree.names}
    else:
        return False
    own = set(WORD.findall(node.text))
    return all(words[name] <= (name in own) for name in names)
