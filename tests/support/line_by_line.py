"""Random programs that read and write resources, and what they do when they are run line by line (rules L17, L19, L21).

The interpreter knows nothing of graphs: it goes through the statements in order and does one access after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import NotDone, RateLimited, Retry, Tool, tool

# ------------------------------------------------------------------------------------------------------------ programs


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of an earlier statement; of a list the sum of its items that succeeded."""

    name: str
    many: bool = False

    def __str__(self) -> str:
        return f"sum(ok({self.name}))" if self.many else self.name


@dataclass(frozen=True, slots=True)
class Item:
    """The item of the loop."""

    def __str__(self) -> str:
        return "i"


@dataclass(frozen=True, slots=True)
class Part:
    """What is made of an earlier list: one item of it, that or 7, or what needs all of it."""

    name: str
    how: Literal["at", "or", "sum", "len"]
    at: int = 0

    def __str__(self) -> str:
        name, at = self.name, self.at
        return {"at": f"{name}[{at}]", "or": f"default({name}[{at}], 7)"}.get(self.how, f"{self.how}({name})")


Value: TypeAlias = "int | Ref | Part | Item | Access"


@dataclass(frozen=True, slots=True)
class Key:
    """`'a'`; `k`, which an earlier line says is `'a'`; `f'{k}'`; or `key(value)`, known when it has been called."""

    how: Literal["literal", "name", "text", "computed"]
    letter: str = "a"
    of: Value = 0

    def __str__(self) -> str:
        name = f"key_{self.letter}"
        return {"literal": repr(self.letter), "name": name, "text": f"f'{{{name}}}'"}.get(self.how, f"key({self.of})")


@dataclass(frozen=True, slots=True)
class Access:
    """A call of a tool that reads or writes. `site` tells it from every other call in the text."""

    tool: Literal["get", "put", "scan", "wipe", "peek", "total"]
    site: int
    item: int | Item
    key: Key | None
    value: Value | None

    def __str__(self) -> str:
        first = [] if self.tool in ("peek", "total") else [str(self.site), str(self.item)]
        rest = [str(part) for part in (self.key, self.value) if part is not None]
        return f"{self.tool}({', '.join([*first, *rest])})"


@dataclass(frozen=True, slots=True)
class Line:
    """`name = access`, under a condition or for every item of a range; or a list of it and the `others`.

    With the form "if" the name has no value where the condition does not hold.
    """

    name: str
    access: Access
    form: Literal["plain", "choice", "and", "if", "list", "map", "filtered map", "guarded map", "map of maps"]
    condition: Value = 1
    count: int = 0
    others: tuple[Value, ...] = ()

    def __str__(self) -> str:
        if self.form == "if":
            return f"if {self.condition}:\n    {self.name} = {self.access}"
        if self.form == "list":
            return f"{self.name} = [{', '.join(map(str, (self.access, *self.others)))}]"
        return f"{self.name} = " + {
            "plain": f"{self.access}",
            "choice": f"{self.access} if {self.condition} else 0",
            "and": f"{self.condition} and {self.access}",
            "map": f"[{self.access} for i in range({self.count})]",
            "filtered map": f"[{self.access} for i in range({self.count}) if i != 1]",
            "guarded map": f"[{self.access} if i != 1 else 0 for i in range({self.count})]",
            "map of maps": f"[[{self.access} for i in range(10 * j, 10 * j + {self.count})] for j in range(2)]",
        }.get(self.form, "")


def text_of(program: tuple[Line, ...]) -> str:
    """The plan that says the same."""
    names = "".join(f"key_{letter} = {letter!r}\n" for letter in "abc")
    return names + "".join(f"{line}\n" for line in program) + "join()\n"


_MAPS = ["map", "map", "filtered map", "guarded map", "map of maps"]


@st.composite
def programs(draw: DrawFn, most: int = 9) -> tuple[Line, ...]:
    """Up to `most` lines."""
    lines: list[Line] = []
    refs: list[Ref | Part] = []
    sites = 0

    def pick(choices: Any) -> Any:
        return draw(st.sampled_from(choices))

    def value(looping: bool, nested: bool = True) -> Value:
        if nested and pick([False, False, False, True]):
            return access(looping, ("get", "peek", "scan"), nested=False)
        return pick([*([Item(), Item()] if looping else []), *refs, *refs, 0, 1, 5])  # type: ignore[no-any-return]

    def access(looping: bool, tools: tuple[str, ...], nested: bool = True) -> Access:
        nonlocal sites
        sites += 1
        site, name = sites, pick(tools)
        how = pick(["literal", "literal", "name", "text", "computed", "computed"])
        of = value(looping, nested=False) if how == "computed" else 0
        key = Key(how, pick("abc"), of) if name in ("get", "put", "peek") else None
        written = value(looping, nested) if name in ("put", "wipe") else None
        return Access(name, site, Item() if looping else 0, key, written)

    for number in range(draw(st.integers(1, most))):
        form = pick(["plain", "plain", "plain", "choice", "and", "if", "if", "list", "list", *_MAPS])
        looping = form in _MAPS
        made = access(looping, ("get", "get", "put", "put", "put", "scan", "wipe", "peek", "total"))
        condition = pick([*refs, *refs, 0, 1]) if form in ("choice", "and", "if") else 1
        others = tuple(value(looping=False) for _ in range(pick([1, 1, 2]))) if form == "list" else ()
        line = Line(f"x{number}", made, form, condition, draw(st.integers(0, 3)) if looping else 0, others)
        lines.append(line)
        if form == "map of maps":
            continue
        refs.append(Ref(line.name, looping or form == "list"))
        length = 1 + len(others) if form == "list" else line.count if form == "map" else 0
        if length:
            refs += [Part(line.name, pick(["at", "at", "or", "sum", "len"]), pick(range(length))) for _ in range(2)]
    return tuple(lines)


# --------------------------------------------------------------------------------------------------------------- fates

Fate = Literal["", "not done", "refused", "error", "error after", "hangs after", "hangs", "deaf"]


@dataclass(frozen=True, slots=True)
class Settings:
    """`fates` seeds what calls do, `times` how long they take; `failing` is a share."""

    fates: int = 0
    times: int = 0
    failing: float = 0.2

    def fate(self, site: int, item: int, *, write: bool) -> Fate:
        """What becomes of a call; the same whatever the times are."""
        random = Random(f"{self.fates} {site} {item}")
        if random.random() >= self.failing:
            return ""
        of_writes: list[Fate] = ["not done", "not done", "refused", "error", "error after", "hangs after"]
        of_reads: list[Fate] = ["error", "refused", "not done", "hangs", "deaf"]
        return random.choice(of_writes if write else of_reads)


def changed(state: dict[str, int], tool_name: str, key: str | None, value: int) -> int:
    """Do what a write does to the state, and give what it returns."""
    if key is not None:
        state[key] = (state[key] * 3 + value) % 101
        return state[key]
    for each in state:
        state[each] = (state[each] + value + 1) % 101
    return value


def seen(state: dict[str, int], key: str | None) -> int:
    """What a read finds."""
    return state[key] if key is not None else sum(state.values())


def letter_of(number: int) -> str:
    """What `key` gives."""
    return "abc"[number % 3]


def fresh_state() -> dict[str, int]:
    return {"a": 1, "b": 2, "c": 3}


# ------------------------------------------------------------------------------------------------------ the interpreter

Shape: TypeAlias = tuple[Any, ...]
"""An outcome: ("value", v), ("failed", in doubt or not, the shapes of its items or None), ("skipped", by guard), or
("lacking", False, the shapes of its items) where some are not there by guard."""

BY_CAUSE: Shape = ("skipped", False)
BY_GUARD: Shape = ("skipped", True)


@dataclass(slots=True)
class Interpreter:
    """Runs a program line by line."""

    settings: Settings
    state: dict[str, int] = field(default_factory=fresh_state)
    outcomes: dict[str, Shape] = field(default_factory=dict)
    made: set[tuple[str, str | None, int]] = field(default_factory=set)
    _doubtful: list[str | None] = field(default_factory=list)
    _failed: set[str] = field(default_factory=set)
    _written: list[str | None] = field(default_factory=list)

    def run(self, program: tuple[Line, ...]) -> None:
        for line in program:
            self.outcomes[line.name] = self._line(line)

    def _line(self, line: Line) -> Shape:
        match line.form:
            case "plain":
                return self._access(line.access, None)
            case "choice" | "and" | "if":
                return self._guarded(line)
            case "list":
                rows = [self._access(line.access, None)]
                for other in line.others:
                    found = self._value(other, None)
                    rows.append(found if found[0] != "failed" or isinstance(other, Access) else BY_CAUSE)
                return self._held(rows)
            case "map of maps":
                starts = (0, 10)
                return self._held([self._held(self._each(line, range(at, at + line.count))) for at in starts])
            case "filtered map":
                return self._held(self._each(line, [i for i in range(line.count) if i != 1]))
            case "map" | "guarded map":
                return self._held(self._each(line, range(line.count)))

    def _each(self, line: Line, items: Iterable[int]) -> list[Shape]:
        if line.form != "guarded map":
            return [self._access(line.access, i) for i in items]
        rows = [("value", 0) if i == 1 else self._access(line.access, i) for i in items]
        return [BY_CAUSE if row[0] == "failed" else row for row in rows]

    def _held(self, rows: list[Shape]) -> Shape:
        """A list of these: its values, or what became of each; nothing failed where none is there by guard alone."""
        if all(row[0] == "value" for row in rows):
            return ("value", [row[1] for row in rows])
        if all(row[0] in ("value", "lacking") or row == BY_GUARD for row in rows):
            return ("lacking", False, rows)
        return ("failed", False, rows)

    def _guarded(self, line: Line) -> Shape:
        condition = self._value(line.condition, None)
        if condition[0] != "value":
            self._keep_from(line.access, BY_GUARD if condition == BY_GUARD else BY_CAUSE)
            return BY_GUARD if condition == BY_GUARD else BY_CAUSE
        if line.form == "if":
            return self._access(line.access, None) if condition[1] else BY_GUARD
        if not condition[1]:
            return ("value", 0 if line.form == "choice" else condition[1])
        found = self._access(line.access, None)
        return found if found[0] != "failed" else BY_CAUSE

    def _value(self, value: Value, item: int | None) -> Shape:
        match value:
            case int():
                return ("value", value)
            case Item():
                return ("value", item)
            case Ref(name, many):
                found = self.outcomes[name]
                if not many:
                    return found
                return ("value", sum(row[1] for row in self._rows(found) if row[0] == "value"))
            case Part():
                return self._part(value)
            case Access():
                return self._access(value, item)

    def _rows(self, found: Shape) -> list[Shape]:
        return [("value", value) for value in found[1]] if found[0] == "value" else list(found[2])

    def _part(self, part: Part) -> Shape:
        rows = self._rows(self.outcomes[part.name])
        if part.how == "at":
            return rows[part.at]
        if part.how == "or":
            return rows[part.at] if rows[part.at][0] == "value" else ("value", 7)
        whole = self._held(rows)
        if whole[0] == "value":
            return ("value", sum(whole[1]) if part.how == "sum" else len(whole[1]))
        return BY_GUARD if whole[0] == "lacking" else BY_CAUSE

    def _key(self, key: Key, item: int | None) -> Shape:
        if key.how != "computed":
            return ("value", key.letter)
        number = self._value(key.of, item)
        return ("value", letter_of(number[1])) if number[0] == "value" else number

    def _access(self, access: Access, item: int | None) -> Shape:
        key = self._key(access.key, item) if access.key is not None else ("value", None)
        value = self._value(access.value, item) if access.value is not None else ("value", 0)
        missing = [shape for shape in (key, value) if shape[0] != "value"]
        if missing:
            skip = BY_GUARD if all(shape == BY_GUARD for shape in missing) else BY_CAUSE
            self._keep_from(access, skip)
            return skip
        return self._make(access, key[1], value[1], item or 0)

    def _keep_from(self, access: Access, skip: Shape) -> None:
        """The access is not made: a write whose resource is known all the same is a failed one if there is a cause."""
        if access.tool == "put" and skip == BY_CAUSE and access.key is not None and access.key.how != "computed":
            self._failed.add(access.key.letter)

    def _make(self, access: Access, key: str | None, value: int, item: int) -> Shape:
        write = access.tool in ("put", "wipe")
        if any(doubt is None or key is None or doubt == key for doubt in self._doubtful) or key in self._failed:
            if write and key is not None:
                self._failed.add(key)
            return BY_CAUSE
        if access.tool in ("peek", "total"):
            writes = sum(written is None or key is None or written == key for written in self._written)
            self.made.add((access.tool, key, writes))
            return ("value", seen(self.state, key))
        fate = self.settings.fate(access.site, item, write=write)
        if not write:
            return ("failed", False, None) if fate else ("value", seen(self.state, key))
        if fate in ("not done", "refused"):
            if key is not None:
                self._failed.add(key)
            return ("failed", False, None)
        returned = changed(self.state, access.tool, key, value) if fate != "error" else 0
        if fate:
            self._doubtful.append(key)
            return ("failed", True, None)
        self._written.append(key)
        return ("value", returned)


# ------------------------------------------------------------------------------------------------------------ the tools


@dataclass(slots=True)
class SharedState:
    """The same as tools, which take their time."""

    settings: Settings
    state: dict[str, int] = field(default_factory=fresh_state)
    made: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def tools(self) -> list[Tool[..., Any]]:
        once = Retry(attempts=2, on=(RateLimited,))

        def by_key(key: str) -> str:
            return f"key:{key}"

        @tool(effect="pure")
        async def key(number: int) -> str:
            await asyncio.sleep(Random(f"{self.settings.times} {number}").choice([0.0, 0.5, 4.0]))
            return letter_of(number)

        @tool(effect="read", resource=by_key, retry=once, timeout=5)
        async def get(site: int, item: int, key: str) -> int:
            return await self._read(site, item, key)

        @tool(effect="write", resource=by_key, retry=once, timeout=5)
        async def put(site: int, item: int, key: str, value: int) -> int:
            return await self._write(site, item, key, value)

        @tool(effect="read", retry=once, timeout=5)
        async def scan(site: int, item: int) -> int:
            return await self._read(site, item, None)

        @tool(effect="write", retry=once, timeout=5)
        async def wipe(site: int, item: int, value: int) -> int:
            return await self._write(site, item, None, value)

        @tool(effect="read", resource=by_key, dedupe=True)
        async def peek(key: str) -> int:
            self.made.append(("peek", key))
            return await self._look(f"peek {key}", key)

        @tool(effect="read", dedupe=True)
        async def total() -> int:
            self.made.append(("total", None))
            return await self._look("total", None)

        return [key, get, put, scan, wipe, peek, total]

    def _times(self, call: str) -> tuple[float, float]:
        random = Random(f"{self.settings.times} {call}")
        return random.choice([0.0, 0.25, 1.0]), random.choice([0.0, 0.25, 1.0])

    async def _look(self, call: str, key: str | None) -> int:
        before, after = self._times(call)
        await asyncio.sleep(before)
        found = seen(self.state, key)
        await asyncio.sleep(after)
        return found

    async def _read(self, site: int, item: int, key: str | None) -> int:
        found = await self._look(f"{site} {item}", key)
        match self.settings.fate(site, item, write=False):
            case "":
                return found
            case "refused":
                raise RateLimited(retry_after=0.5)
            case "error":
                raise ValueError("made up")
            case "not done":
                raise NotDone("made up")
            case "deaf":
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(1_000)
        await asyncio.sleep(1_000)
        raise AssertionError("nobody waits that long")

    async def _write(self, site: int, item: int, key: str | None, value: int) -> int:
        before, after = self._times(f"{site} {item}")
        fate = self.settings.fate(site, item, write=True)
        await asyncio.sleep(before)
        match fate:
            case "not done":
                raise NotDone("made up")
            case "refused":
                raise RateLimited(retry_after=0.5)
            case "error":
                raise ValueError("made up")
        returned = changed(self.state, "", key, value)
        await asyncio.sleep(after)
        match fate:
            case "error after":
                raise ValueError("made up")
            case "hangs after":
                await asyncio.sleep(1_000)
        return returned
