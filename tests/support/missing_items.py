"""What holds items of which one has no value, what is done with it, and what that must come to (rule L33).

The oracle knows nothing of tasks: a holder is a list of slots, and each use is told from those alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hypothesis import strategies as st

from superscalar import Failure, Observation, Skipped, Tool, tool
from superscalar.values import Outcome

# ------------------------------------------------------------------------------------------------------------ outcomes

Lack: TypeAlias = Literal["guard", "cause"]
Shape: TypeAlias = Any
"""("value", v), "guard", "cause", or ("items", shapes) of what may be looked at item by item."""


def shape(outcome: Outcome) -> Shape:
    """What became of a task, without a word of why."""
    match outcome:
        case Observation(value):
            return ("value", list(value) if isinstance(value, tuple) else value)
        case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
            return ("items", [shape(item) for item in items])
        case Skipped(by_guard=True):
            return "guard"
    return "cause"


# -------------------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True, slots=True)
class Slot:
    """One item: its value, or why it has none. `adrift`: its filter has no value."""

    value: Any = None
    lack: Lack | None = None
    adrift: bool = False

    @property
    def shape(self) -> Shape:
        return self.lack or ("value", self.value)


@dataclass(frozen=True, slots=True)
class Way:
    """`setup` are lines above, `text` the expression that holds the slots; of a mapping with `keys`."""

    name: str
    text: str
    slots: tuple[Slot, ...]
    setup: str = ""
    keys: tuple[str, ...] = ()

    @property
    def whole(self) -> Shape:
        """What comes of it where all of it is needed: why not, or the values."""
        lacks = [slot.lack for slot in self.slots if slot.lack]
        if lacks:
            return "cause" if "cause" in lacks else "guard"
        return ("value", [slot.value for slot in self.slots])


KINDS: dict[str, tuple[str, Lack]] = {
    "not assigned": ("a", "guard"),
    "made of what was not assigned": ("(a + 1)", "guard"),
    "called with what was not assigned": ("f(a)", "guard"),
    "failed": ("b", "cause"),
    "a call that fails": ("boom(1)", "cause"),
    "skipped by cause": ("c", "cause"),
    "an error": ("(1 // z)", "cause"),
    "an item of what was not assigned": ("a[0]", "guard"),
    "both": ("(a + b)", "cause"),
    "both in one text": ('f"{a}{1 // z}"', "cause"),
}
"""An item without a value as a plan writes it, and why it has none."""

SETUP = "if no():\n    a = f(1)\nb = boom(1)\nc = f(b)\nz = f(0)\n"


def holders(item: str, lack: Lack) -> list[Way]:
    """The ways to hold 1, what is missing, and 3."""
    gap = (Slot(1), Slot(lack=lack), Slot(3))
    adrift = (Slot(1), Slot(lack=lack, adrift=True), Slot(3))
    loop = "for i in [1, 2, 3]:\n"
    chosen = f"({item} if i == 2 else i)"
    return [
        Way("list", f"[1, {item}, 3]", gap),
        Way("list of calls", f"[f(1), f({item}), f(3)]", gap),
        Way("tuple", f"(1, {item}, 3)", gap),
        Way("comprehension", f"[{chosen} for i in [1, 2, 3]]", gap),
        Way("comprehension of calls", f"[f({chosen}) for i in [1, 2, 3]]", gap),
        Way("filtered comprehension", f"[{chosen} for i in [1, 2, 3, 4] if i != 4]", gap),
        Way("filtered calls", f"[f({chosen}) for i in [1, 2, 3, 4] if i != f(4)]", gap),
        Way("flattened", f"[x for xs in [[1, {item}], [3]] for x in xs]", gap),
        Way("flattened calls", f"[f(x) for xs in [[1, {item}], [f(3)]] for x in xs]", gap),
        Way("appended", "acc", gap, f"acc = []\n{loop}    acc.append({chosen})\n"),
        Way("appended calls", "acc", gap, f"acc = []\n{loop}    acc.append(f({chosen}))\n"),
        Way("appended behind", "acc", gap, f"acc = [1]\n{loop}    if i > 1:\n        acc.append({chosen})\n"),
        Way("appended to", "acc", gap, f"acc = [1, {item}]\n{loop}    if i == 3:\n        acc.append(i)\n"),
        Way("filter", f"[i for i in [1, 2, 3] if i != 2 or {item}]", adrift),
        Way("filter of calls", f"[f(i) for i in [1, 2, 3] if i != 2 or f({item})]", adrift),
        Way(
            "appended under a condition",
            "acc",
            adrift,
            f"acc = []\n{loop}    if i != 2 or {item}:\n        acc.append(f(i))\n",
        ),
        Way("dict", f"{{'p': 1, 'q': {item}, 'r': 3}}", gap, keys=("p", "q", "r")),
        Way("dict of calls", f"{{f('p'): f(1), 'q': f({item}), 'r': 3}}", gap, keys=("p", "q", "r")),
        Way("dict comprehension", f"{{str(i): {chosen} for i in [1, 2, 3]}}", gap, keys=("1", "2", "3")),
        Way("dict comprehension of calls", f"{{str(i): f({chosen}) for i in [1, 2, 3]}}", gap, keys=("1", "2", "3")),
        Way("all there", "[1, f(2), 3]", (Slot(1), Slot(2), Slot(3))),
        Way("all there by key", "{'p': 1, 'q': f(2), 'r': 3}", (Slot(1), Slot(2), Slot(3)), keys=("p", "q", "r")),
    ]


# ---------------------------------------------------------------------------------------------------------------- uses

Oracle: TypeAlias = Callable[[Way], Shape]


def whole(made: Callable[[list[Any]], Any]) -> Oracle:
    """A use that needs all of it."""

    def oracle(holder: Way) -> Shape:
        found = holder.whole
        return found if isinstance(found, str) else ("value", made(found[1]))

    return oracle


def _at(position: int) -> Oracle:
    def oracle(holder: Way) -> Shape:
        adrift = [i for i, slot in enumerate(holder.slots) if slot.adrift]
        if adrift and not 0 <= position < adrift[0]:
            return holder.whole
        return holder.slots[position].shape

    return oracle


def _unpacked(position: int) -> Oracle:
    def oracle(holder: Way) -> Shape:
        if any(slot.adrift for slot in holder.slots):
            return holder.whole
        return ("value", holder.keys[position]) if holder.keys else holder.slots[position].shape

    return oracle


def _each(made: Callable[[Slot], Shape]) -> Oracle:
    """A comprehension that makes something of every item."""

    def oracle(holder: Way) -> Shape:
        shapes = [slot.lack if slot.adrift else made(slot) for slot in holder.slots]
        if all(isinstance(one, tuple) for one in shapes):
            return ("value", [one[1] for one in shapes if isinstance(one, tuple)])
        return ("items", shapes)

    return oracle


def _filtered(holder: Way) -> Shape:
    shapes = [slot.shape for slot in holder.slots if slot.lack or slot.value > 1]
    return ("items", shapes) if any(slot.lack for slot in holder.slots) else ("value", [s[1] for s in shapes])


def _there(holder: Way) -> list[Any]:
    return [slot.value for slot in holder.slots if not slot.lack]


def _known(made: Callable[[Way], Any]) -> Oracle:
    return lambda holder: ("value", made(holder))


USES: dict[str, Oracle] = {
    "{0}[0]": _at(0),
    "{0}[1]": _at(1),
    "{0}[2]": _at(2),
    "{0}[-1]": _at(-1),
    "{0}[-3]": _at(-3),
    "{0}[0] + 1": lambda holder: ("value", holder.slots[0].value + 1),
    "{0}[f(1)]": whole(lambda xs: xs[1]),
    "{0}[1:]": whole(lambda xs: xs[1:]),
    "[x for x in {0}]": _each(lambda slot: slot.shape),
    "[f(x) for x in {0}]": _each(lambda slot: slot.shape),
    "[x + 1 for x in {0}]": _each(lambda slot: slot.lack or ("value", slot.value + 1)),
    "[default(x, 0) for x in {0}]": _each(lambda slot: ("value", 0 if slot.lack else slot.value)),
    "[f(default(x, 0)) for x in {0}]": _each(lambda slot: ("value", 0 if slot.lack else slot.value)),
    "[7 for x in {0}]": _each(lambda slot: ("value", 7)),
    "[f(7) for x in {0}]": _each(lambda slot: ("value", 7)),
    "[x for x in {0} if x > 1]": _filtered,
    "[f(x) for x in {0} if f(x) > 1]": _filtered,
    "default({0}, 9)": _known(lambda holder: 9 if isinstance(holder.whole, str) else holder.whole[1]),
    "default({0}[1], 9)": _known(lambda holder: holder.slots[1].value or 9),
    "ok({0})": _known(_there),
    "len(ok({0}))": _known(lambda holder: len(_there(holder))),
    "first(1, {0})": _known(lambda holder: _there(holder)[:1]),
    "len({0})": whole(len),
    "sum({0})": whole(sum),
    "sorted({0})": whole(sorted),
    "max({0})": whole(max),
    "any({0})": whole(any),
    "all({0})": whole(all),
    "{0} == [1]": whole(lambda xs: xs == [1]),
    "3 in {0}": whole(lambda xs: 3 in xs),
    "list(reversed({0}))": whole(lambda xs: xs[::-1]),
    "','.join([str(x) for x in {0}])": whole(lambda xs: ",".join(map(str, xs))),
    "f'{{len({0})}}!'": whole(lambda xs: f"{len(xs)}!"),
    "f({0})": whole(list),
    "sum(x for x in {0})": whole(sum),
}

USES_BY_KEY: dict[str, Oracle] = {
    "{0}['{first}']": _at(0),
    "{0}['{second}']": _at(1),
    "{0}[f('{first}')]": _at(0),
    "{0}[f('{second}')]": _at(1),
    "{0}.get('{second}', 5)": _at(1),
    "{0}.get('nowhere', 5)": _known(lambda holder: 5),
    "default({0}['{second}'], 9)": _known(lambda holder: holder.slots[1].value or 9),
    "'{second}' in {0}": _known(lambda holder: True),
    "'nowhere' not in {0}": _known(lambda holder: True),
    "[k for k in {0}]": _known(lambda holder: list(holder.keys)),
    "[f(k) for k in {0}]": _known(lambda holder: list(holder.keys)),
    "{0}.keys()": _known(lambda holder: list(holder.keys)),
    "[default(v, 0) for v in {0}.values()]": _known(lambda holder: [slot.value or 0 for slot in holder.slots]),
    "sum({0}.values())": whole(sum),
    "[f'{{k}}{{default(v, 0)}}' for k, v in {0}.items()]": _known(
        lambda holder: [f"{k}{slot.value or 0}" for k, slot in zip(holder.keys, holder.slots, strict=True)]
    ),
    "ok({0})": _known(
        lambda holder: {k: s.value for k, s in zip(holder.keys, holder.slots, strict=True) if not s.lack}
    ),
    "len({0})": whole(len),
    "list({0}.values())": whole(list),
    "default(len({0}), 9)": _known(lambda holder: 9 if isinstance(holder.whole, str) else 3),
}


def uses_of(holder: Way) -> dict[str, Oracle]:
    """The uses of a holder: their texts, with {0} for it, and what each comes to."""
    if not holder.keys:
        return USES
    first, second, _ = holder.keys
    return {use.replace("{first}", first).replace("{second}", second): oracle for use, oracle in USES_BY_KEY.items()}


# --------------------------------------------------------------------------------------------------------------- tools


def tools(delays: tuple[float, float, float], written: list[Any]) -> list[Tool[..., Any]]:
    """`no` and `f`, which gives back what it is given, `boom`, which fails, after so long; and `w`, which writes."""
    condition, reading, failing = delays

    @tool(effect="read")
    async def no() -> bool:
        await asyncio.sleep(condition)
        return False

    @tool(effect="read")
    async def f(x: object) -> object:
        await asyncio.sleep(reading * (2 if x in (1, 3) else 1))
        return x

    @tool(effect="read")
    async def boom(x: object) -> object:
        await asyncio.sleep(failing)
        raise ValueError("boom")

    @tool(effect="write", resource=lambda at: f"place {at}")
    async def w(at: int, x: object) -> object:
        written.append((at, list(x) if isinstance(x, tuple) else x))
        return x

    return [no, f, boom, w]


# ----------------------------------------------------------------------------------------------------------- spellings


@dataclass(frozen=True, slots=True)
class Node:
    """An expression: `parts` stand in `text` at {0}, {1} and so on. An `atom` is no list, nor ever a part of one."""

    text: str
    parts: tuple[Node, ...] = ()
    atom: bool = False


ATOMS = ("a", "b", "c", "1", "2", "f(3)", "(1 // z)", "(a + 1)", "f(a)", "boom(2)", "no()")
SCALARS = (
    "{0}[0]", "{0}[1]", "{0}[-1]", "{0}[f(0)]", "len({0})", "sum({0})", "len(ok({0}))", "default({0}[1], 5)",
    "default(len({0}), 5)", "(2 in {0})", "any({0})", "str(len({0}))", "({0} == [1])", "first(1, {0})[0]",
    "{{'k': 1, 'm': sum({0})}}['k']", "{{'k': 1, 'm': len({0})}}.get('m')", "('m' in {{'m': {0}}})",
)  # fmt: skip
LISTS = (
    "[x for x in {0}]", "[f(x) for x in {0}]", "[default(x, 0) for x in {0}]", "[x for x in {0} if x]",
    "[x for x in {0} if f(x)]", "[f(7) for x in {0}]", "ok({0})", "({0} + [1])", "{0}[1:]", "sorted({0})",
    "[y for x in [1, 2] for y in {0}]", "[f(y) for x in [1, 2] for y in {0}]", "list({{'k': 1, 'm': {0}}}.keys())",
)  # fmt: skip
PAIRS = ("({0} + {1})", "({0} if {1} else 4)", "({0} and {1})", "({0} or {1})", "default({0}, {1})", "({0} < {1})")


@st.composite
def nodes(draw: st.DrawFn, depth: int, *, atom: bool) -> Node:
    """An expression of at most that depth; unless it is an `atom`, a list, if it comes to anything."""
    if atom:
        if depth == 0 or draw(st.booleans()):
            return Node(draw(st.sampled_from(ATOMS)), atom=True)
        if draw(st.booleans()):
            parts = tuple(draw(nodes(depth - 1, atom=True)) for _ in range(2))
            return Node(draw(st.sampled_from(PAIRS)), parts, atom=True)
        return Node(draw(st.sampled_from(SCALARS)), (draw(nodes(depth - 1, atom=False)),), atom=True)
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        parts = tuple(draw(nodes(max(depth - 1, 0), atom=True)) for _ in range(draw(st.integers(1, 3))))
        return Node("[" + ", ".join(f"{{{i}}}" for i in range(len(parts))) + "]", parts)
    return Node(draw(st.sampled_from(LISTS)), (draw(nodes(depth - 1, atom=False)),))


def in_place(node: Node) -> str:
    """The expression in one piece."""
    return node.text.format(*map(in_place, node.parts)) if node.parts else node.text


def by_name(node: Node, lines: list[str]) -> str:
    """A name for every part, assigned in `lines`."""
    text = node.text.format(*(by_name(part, lines) for part in node.parts)) if node.parts else node.text
    lines.append(f"n{len(lines)} = {text}\n")
    return f"n{len(lines) - 1}"


def through_calls(node: Node) -> str:
    """A call around everything that is no list, which gives it back."""
    text = node.text.format(*map(through_calls, node.parts)) if node.parts else node.text
    return f"f({text})" if node.atom else text


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str, str]:
    """The same plan in three ways; `r` is what it comes to."""
    node = draw(nodes(3, atom=draw(st.booleans())))
    lines: list[str] = []
    last = by_name(node, lines)
    end = "join(r)\n"
    named = "".join(lines) + f"r = {last}\n{end}"
    return f"r = {in_place(node)}\n{end}", named, f"r = {through_calls(node)}\n{end}"
