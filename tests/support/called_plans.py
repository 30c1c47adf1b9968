"""Random plans that call a plan, the same plans with that written in its place, and a world in which calls may fail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from superscalar import Limit, LLMCompiler, NotDone, PlanError, Tool, Toolset, tool
from superscalar.plan import Plan

Pick: TypeAlias = Callable[[Sequence[Any]], Any]
"""Chooses one of several: hypothesis, or a `random.Random`."""


def _mixed(*given: Any) -> int:
    return sum(ord(sign) * (place % 7 + 1) for place, sign in enumerate(repr(given)))


@dataclass
class CalledWorld:
    """Tools of every effect; some calls fail, each always, and some writes are in doubt. `made`: when which were."""

    made: list[tuple[float, str, str]] = field(default_factory=list)

    async def _call(self, name: str, *given: Any) -> int:
        self.made.append((asyncio.get_running_loop().time(), name, repr(given)))
        await asyncio.sleep(_mixed(name, *given) % 5)
        return _mixed(given, name) % 13

    def tools(self, desk: int | None = None) -> Toolset:
        """The tools, which are others for each world; `desk`: how many may look at once."""

        @tool(effect="read", limit="desk")
        async def look(x: Any) -> int:
            return await self._call("look", x)

        @tool(effect="read", dedupe=True, resource="book", trust="trusted")
        async def read(x: Any) -> int:
            return await self._call("read", x)

        @tool(effect="pure")
        async def weigh(x: Any) -> int:
            return await self._call("weigh", x)

        @tool(effect="read", retry=1)
        async def fragile(x: Any) -> int:
            made = await self._call("fragile", x)
            if made % 3 == 0:
                raise ValueError(f"no {x}")
            return made

        @tool(effect="write", resource=lambda key: f"shelf:{key}")
        async def put(key: Any, x: Any) -> int:
            return await self._call("put", key, x)

        @tool(effect="write", resource="book", retry=1)
        async def note(x: Any) -> int:
            made = await self._call("note", x)
            if made % 4 == 0:
                raise NotDone("the book is shut")
            if made % 4 == 1:
                raise OSError("the line broke")
            return made

        return Toolset([look, read, weigh, fragile, put, note], limits={"desk": Limit(concurrency=desk)})


class Text:
    """Writes random statements over names that stand for numbers and for lists of them."""

    def __init__(self, pick: Pick, prefix: str, *, races: bool) -> None:
        self._pick = pick
        self._races = races
        self._prefix = prefix
        self.numbers: list[str] = []
        self.lists: list[str] = []
        self._count = 0

    def fresh(self) -> str:
        """A name that nothing has."""
        self._count += 1
        return f"{self._prefix}{self._count}"

    def number(self) -> str:
        """An expression."""
        known = [*self.numbers, *self.numbers, *(f"len({one})" for one in self.lists)]
        made = self._pick([*known, "1", "2", "3"])
        return str(self._pick([made, made, f"{made} + 1", f"default({made}, 7)"]))

    def several(self) -> str:
        """An expression for a list."""
        return str(self._pick([*self.lists, *self.lists, "[1, 2]", "[3, 4, 5]", "[]", f"ok({self._listed()})"]))

    def _listed(self) -> str:
        own = [
            one for one in self.lists if not one.startswith("x")
        ]  # nobody reads ahead of `ok` of what a call comes to
        return str(self._pick([*own, "[6]"]))

    def called(self, given: str) -> str:
        """A call."""
        name = self._pick(["look", "read", "weigh", "fragile", "look", "put", "note"])
        return f"put({self._pick([1, 2, given])}, {given})" if name == "put" else f"{name}({given})"

    def statements(self, count: int) -> Iterator[str]:
        """So many of them."""
        for _ in range(count):
            yield from self.statement()

    def statement(self) -> Iterator[str]:
        """One, of one or more lines."""
        kinds = ["call", "call", "call", "map", "map", "filter", "if", "loop", "sum", "put"]
        kind = self._pick([*kinds, "first"] if self._races else kinds)
        item = self.fresh()
        given, several = self.number(), self.several()
        name = self.fresh()
        match kind:
            case "call":
                yield f"{name} = {self.called(given)}"
                self.numbers.append(name)
            case "map":
                yield f"{name} = [{self.called(item)} for {item} in {several}]"
                self.lists.append(name)
            case "filter":
                yield f"{name} = [{self.called(item)} for {item} in {several} if weigh({item}) > 4]"
                self.lists.append(name)
            case "if":
                yield f"if {given} > {self._pick([2, 5, 8])}:"
                yield f"    {name} = {self.called(given)}"
                yield "else:"
                yield f"    {name} = {self.called(self.number())}"
                self.numbers.append(name)
            case "loop":
                yield f"{name} = []"
                yield f"for {item} in {several}:"
                yield f"    {name}.append({self.called(item)})"
                self.lists.append(name)
            case "sum":
                yield f"{name} = sum({several}) + {given}"
                self.numbers.append(name)
            case "first":
                asked = self._pick(["look", "weigh", "fragile"])
                yield f"{name} = sum(first(1, [{asked}({item}) for {item} in {several}]))"
                self.numbers.append(name)
            case "put":
                yield f"{name} = put({self._pick([1, 2])}, {self.called(given)})"
                self.numbers.append(name)


@dataclass(frozen=True)
class CalledProgram:
    """A plan that is called, one that calls it, and the same with it written in its place."""

    called: str
    calling: str
    written: str


def called_program(pick: Pick, *, races: bool = True) -> CalledProgram:
    """A random one; `races`: what it comes to may depend on which calls are the fastest."""
    inner = Text(pick, "n", races=races)
    inner.numbers, inner.lists = ["a"], ["b"]
    body = list(inner.statements(pick([1, 2, 3, 4])))
    values = [*inner.numbers[1:], *inner.lists[1:], "a + len(b)"]
    one, other = pick(values), pick(values)
    joined, value = pick(
        [(one, one), (f"{one}, {other}", f"[{one}, {other}]"), (f"p={one}, q={other}", f"{{'p': {one}, 'q': {other}}}")]
    )
    is_name = value in (*inner.numbers, *inner.lists)
    names = {"a", "b", *re.findall(r"\bn\d+\b", "\n".join(body))}

    def placed(name: str, given: str, several: str) -> list[str]:
        lines = [f"a = {given}", f"b = {several}", *body, *([] if is_name else [f"{_RESULT} = {value}"])]
        own = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")
        return [own.sub(rf"{name}_\1", line).replace(_RESULT, name) for line in lines]

    outer = Text(pick, "m", races=races)
    calling, written, calls = [], [], 0
    for _ in range(pick([1, 2, 3])):
        more = list(outer.statements(pick([0, 1, 2])))
        calling += more
        written += more
        for _ in range(pick([1, 1, 2])):
            calls += 1
            name, given = f"x{calls}", outer.number()
            several = pick([*outer.lists, *outer.lists, "[1, 2]", "[]"])
            call = f"{name} = called({given}, {several})"
            match pick(["line", "line", "if", "loop"]):
                case "line":
                    calling.append(call)
                    written += placed(name, given, several)
                    if joined in inner.numbers:
                        outer.numbers.append(name)
                    elif joined in inner.lists:
                        outer.lists.append(name)
                case "if":
                    test = f"if {outer.number()} > 3:"
                    calling += [test, f"    {call}"]
                    written += [test, *(f"    {line}" for line in placed(name, given, several))]
                case _:
                    each = f"{name}l"
                    head = [f"{name}s = []", f"for {name}i in {several}:", f"    {each} = [{name}i, 2]"]
                    calling += [*head, f"    {name} = called({name}i, {each})", f"    {name}s.append({name})"]
                    inside = placed(name, f"{name}i", each)
                    put_in = f"{name}_{value}" if is_name else name
                    written += [*head, *(f"    {line}" for line in inside), f"    {name}s.append({put_in})"]
    last = f"join({', '.join([*outer.numbers, *outer.lists, *(f'default(x{n + 1}, 0)' for n in range(calls))])})"
    return CalledProgram(
        "\n".join([*body, f"join({joined})"]) + "\n",
        "\n".join([*calling, last]) + "\n",
        "\n".join(_named(line, value if is_name else "") for line in [*written, last]) + "\n",
    )


_RESULT = "RESULT"


def _named(line: str, result: str) -> str:
    """A line of the plan that is written out, where a call comes to what one name of it stands for."""
    return re.sub(r"\b(x\d+)\b", rf"\1_{result}", line) if result else line


def compiled_both(
    program: CalledProgram, at_once: int | None = None
) -> tuple[LLMCompiler, Plan, Plan, CalledWorld] | None:
    """An agent with both plans and its world; None where the one that is written out is no plan. `at_once`: how many
    calls may be under way.
    """
    world = CalledWorld()
    tools = world.tools(at_once)
    agent = LLMCompiler(tools=tools)
    try:
        called = agent.compile(program.called, inputs={"a": Any, "b": Any})
        agent.compile(program.written)
    except PlanError:
        return None
    caller = LLMCompiler(tools=[tools, Tool.from_plan(called, name="called")], max_concurrency=at_once or 256)
    return caller, caller.compile(program.calling), caller.compile(program.written), world


def as_written(id: str) -> str:
    """The id of a task in the plan that is written out."""
    return re.sub(r"\b(x\d+)/", r"\1_", id)
