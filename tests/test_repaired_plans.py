"""A broken plan and what repairs it: the calls and the joined value are those of the final text alone (L18, L30)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from superscalar import Failure, LLMCompiler, RunResult, Tool, tool
from superscalar.events import Planned, Retired, Started
from superscalar.plan.ir.instances import is_of
from superscalar.testing import ScriptedModel, run
from support.depth import examples

READS = ("get", "look")
WRITES = ("put", "send")


@dataclass
class Store:
    """Two stores that remember; every call is noted. `get` sees what `put` wrote, `look` what `send` sent."""

    kept: dict[int, int] = field(default_factory=dict)
    sent: list[int] = field(default_factory=list)
    calls: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def functions(self) -> dict[str, Callable[..., Any]]:
        def get(k: int) -> int:
            self.calls.append(("get", (k,)))
            return self.kept.get(k, 0) + k

        def put(k: int, v: int) -> int:
            self.calls.append(("put", (k, v)))
            self.kept[k] = v
            return v

        def look() -> int:
            self.calls.append(("look", ()))
            return len(self.sent)

        def send(v: int) -> int:
            self.calls.append(("send", (v,)))
            self.sent.append(v)
            return v + 1

        def f(x: int) -> int:
            return x + 1

        return {"get": get, "put": put, "look": look, "send": send, "f": f}

    @property
    def tools(self) -> list[Tool[..., Any]]:
        own = self.functions()

        @tool(effect="read", resource=lambda k: f"kept {k}")
        async def get(k: int) -> int:
            return int(own["get"](k))

        @tool(effect="write", resource=lambda k: f"kept {k}")
        async def put(k: int, v: int) -> int:
            return int(own["put"](k, v))

        @tool(effect="read", resource="sent")
        async def look() -> int:
            return int(own["look"]())

        @tool(effect="write", resource="sent")
        async def send(v: int) -> int:
            return int(own["send"](v))

        @tool(effect="pure")
        async def f(x: int) -> int:
            return int(own["f"](x))

        return [get, put, look, send, f]

    @property
    def written(self) -> dict[str, list[tuple[int, ...]]]:
        """The writes of each resource in their order; those of two resources may change places (L17)."""
        found: dict[str, list[tuple[int, ...]]] = {}
        for name, arguments in self.calls:
            if name in WRITES:
                found.setdefault(f"{name} {arguments[0] if name == 'put' else ''}", []).append(arguments)
        return found

    @property
    def read(self) -> Counter[tuple[str, tuple[int, ...]]]:
        return Counter(call for call in self.calls if call[0] in READS)


def by_python(plan: str) -> tuple[Store, Any]:
    """What Python makes of a plan: its calls, and what it joins."""
    store, joined = Store(), []
    names: dict[str, Any] = {**store.functions(), "join": lambda *values: joined.append(values)}
    exec(plan, names)
    (values,) = joined
    return store, values[0] if len(values) == 1 else list(values)


def played(first: str, *replies: str, chunk: int = 7) -> tuple[Store, RunResult]:
    store = Store()
    model = ScriptedModel(first, *replies, chunk=chunk, delay=0.01)
    agent = LLMCompiler(model, tools=store.tools, joiner=None)
    return store, run(agent.run("?"))


# --------------------------------------------------------------------------------------------------------- programs


@dataclass
class Line:
    """A statement of a program: its own text, and the lines in its blocks."""

    text: str
    blocks: tuple[tuple[str, list[Line]], ...] = ()  # what begins each block, and its lines

    def shown(self, margin: str = "") -> str:
        if not self.blocks:
            return f"{margin}{self.text}\n"
        return "".join(
            f"{margin}{header}\n" + "".join(line.shown(margin + "    ") for line in lines)
            for header, lines in self.blocks
        )


class Writer:
    """Writes random programs. Names are defined before they are used, whatever is left out below them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.count = 0

    def fresh(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def value(self, names: list[str]) -> str:
        random = self.random
        one = random.choice([*names, *names, str(random.randrange(4))])
        return random.choice([one, one, f"{one} + {random.randrange(3)}", f"f({one})"])

    def call(self, names: list[str], key: str = "") -> str:
        random, value = self.random, self.value(names)
        key = key or str(random.randrange(2))
        return random.choice([f"get({key})", f"put({key}, {value})", "look()", f"send({value})", f"f({value})"])

    def line(self, names: list[str], depth: int = 0, *, variable: str = "") -> Line:
        random = self.random
        match random.randrange(9 if depth < 2 else 5):
            case 0 | 1:
                return self.assigned(self.call(names), names, variable)
            case 2:
                return self.assigned(self.value(names), names, variable)
            case 3:
                return Line(
                    random.choice([f"put({random.randrange(2)}, {self.value(names)})", f"send({self.value(names)})"])
                )
            case 4:
                return self.assigned(f"[{self.call(['i'])} for i in [1, 2]][0]", names, variable)
            case 5 | 6 if not variable:
                then = self.block(list(names), depth)
                blocks = [(f"if {self.value(names)} > {random.randrange(3)}:", then)]
                if random.random() < 0.5:
                    blocks.append(("else:", self.block(list(names), depth)))
                return Line("", tuple(blocks))
            case 7 if not variable:
                variable = self.fresh()
                body = self.block([*names, variable], depth + 1, variable=variable)
                return Line("", ((f"for {variable} in [{random.randrange(3)}, {random.randrange(3)}]:", body),))
            case _:
                return self.assigned(self.call(names), names, variable)

    def assigned(self, value: str, names: list[str], variable: str) -> Line:
        """A line that assigns a name, mostly a new one, which later lines of the block know."""
        old = [name for name in names if name.startswith("n")]
        if old and not variable and self.random.random() < 0.2:
            return Line(f"{self.random.choice(old)} = {value}")
        names.append(self.fresh())
        return Line(f"{names[-1]} = {value}")

    def block(self, names: list[str], depth: int, *, variable: str = "") -> list[Line]:
        return [self.line(names, depth + 1, variable=variable) for _ in range(self.random.randrange(1, 4))]

    def program(self) -> list[Line]:
        names: list[str] = []
        lines = [self.line(names) for _ in range(self.random.randrange(2, 7))]
        joined = self.random.sample(names, min(len(names), 2)) or ["1"]
        return [*lines, Line(f"join({', '.join(joined)})")]


def text_of(lines: list[Line]) -> str:
    return "".join(line.shown() for line in lines)


def leaves(lines: list[Line]) -> list[Line]:
    """The lines without blocks, the join aside, in the order of the text."""
    found: list[Line] = []
    for line in lines:
        if not line.blocks:
            found += [] if line.text.startswith("join") else [line]
        for _, inner in line.blocks:
            found += leaves(inner)
    return found


def broken(line: str, random: Random) -> str:
    """A line with an error that a planner makes. What it calls and assigns can still be seen."""
    called = re.search(r"\b(get|put|look|send|f)\(", line)
    ways: list[str] = []
    if called:
        end = called.end()
        ways += [f"{line[:end]}zz=1, {line[end:]}".replace("zz=1, )", "zz=1)")] if line[end] == ")" else []
        ways.append(f"{line[: end - 1]}s({line[end:]}")
        ways.append(line + ")")
    if " = " in line:
        ways.append(line.replace(" = ", " = = ", 1))
    ways.append(line + " + missing" if " = " in line else line + " )")
    return random.choice(ways)


def with_errors(lines: list[Line], chosen: list[Line], random: Random) -> list[Line]:
    def copied(block: list[Line]) -> list[Line]:
        return [
            Line(
                broken(line.text, random) if any(line is one for one in chosen) else line.text,
                tuple((header, copied(inner)) for header, inner in line.blocks),
            )
            for line in block
        ]

    return copied(lines)


# ------------------------------------------------------------------------------------------------------ what must hold


def check(final: str, first: str, store: Store, result: RunResult, *, exact: bool) -> None:
    """The run did what the final text says; `exact`: no read was made twice for it."""
    wanted, joined = by_python(final)
    assert store.written == wanted.written, f"{first}\n--\n{final}"
    assert not [outcome for outcome in result.outcomes.values() if isinstance(outcome, Failure)]
    assert result.answer == joined, f"{first}\n--\n{final}"
    if exact:
        assert not store.read - wanted.read, f"{first}\n--\n{final}"
    gone = {id for one in result.events if isinstance(one, Retired) for id in one.ids}
    assert not [id for id in result.outcomes if is_of(id, gone)]
    ids = [one.task.id for one in result.events if isinstance(one, Planned)]
    assert len(ids) == len(set(ids))
    started = Counter(one.id for one in result.events if isinstance(one, Started))
    assert set(started.values()) <= {1}
    kept = [one for one in result.events if isinstance(one, Started) and not is_of(one.id, gone)]
    assert not Counter((one.tool, tuple(one.arguments.values())) for one in kept if one.tool in READS) - wanted.read
    assert not [one for one in result.events if isinstance(one, Started) and one.tool in WRITES and is_of(one.id, gone)]


seeds = st.integers(0, 2**32)
CHUNKS = st.sampled_from([1, 5, 20, 50, 50, 50])  # in single characters a run takes ten times as long
DEEP = settings(max_examples=examples(90, 3_000), deadline=None)


@DEEP
@given(seeds, CHUNKS)
def test_a_repair_that_is_the_whole_plan_decides_alone(seed: int, chunk: int) -> None:
    random = Random(seed)
    program = Writer(random).program()
    chosen = random.sample(leaves(program), random.randrange(1, 3)) if len(leaves(program)) > 2 else leaves(program)[:1]
    first = text_of(with_errors(program, chosen, random))
    final = changed(program, random)
    if not any(line.shown() in first.splitlines(keepends=True) for line in final if not line.text.startswith("join")):
        final = [Line("n0 = 0"), *final]
        first = "n0 = 0\n" + first
    store, result = played(first, text_of(final), chunk=chunk)
    check(text_of(final), first, store, result, exact=False)
    event(f"retired={any(isinstance(one, Retired) for one in result.events)}")


def changed(program: list[Line], random: Random) -> list[Line]:
    """Another plan that has lines of this one: some are left out, changed, doubled or moved to another place."""
    for _ in range(20):
        lines = list(program[:-1])
        for _ in range(random.randrange(3)):
            at = random.randrange(len(lines))
            match random.randrange(5):
                case 0 if len(lines) > 1:
                    del lines[at]
                case 1:
                    lines.insert(at, lines[at])
                case 2:
                    lines.insert(at, Line(f"m{at} = {Writer(random).call(['2'])}"))
                case 3:
                    lines[at] = Line(re.sub(r"\d+\)$", f"{random.randrange(5)})", lines[at].text), lines[at].blocks)
                case 4:
                    lines.insert(random.randrange(len(lines)), lines.pop(at))
        made = [*lines, program[-1]]
        try:
            by_python(text_of(made))
        except NameError:
            continue
        if _defines_everything(made):
            return made
    return program


def _defines_everything(lines: list[Line]) -> bool:
    """Whether no name is used but behind a line of the same or an outer block that assigns it."""

    def look(block: list[Line], known: set[str]) -> bool:
        for line in block:
            if not line.blocks:
                target, _, value = line.text.rpartition(" = ") if " = " in line.text else ("", "", line.text)
                if not set(re.findall(r"\b[nm]\d+\b", value)) <= known:
                    return False
                known |= {target} - {""}
            for header, inner in line.blocks:
                used = set(re.findall(r"\bn\d+\b", header))
                own = {header.split()[1]} if header.startswith("for") else set()
                if not used - own <= known or not look(inner, known | own):
                    return False
        return True

    return look(lines, set())


@DEEP
@given(seeds, CHUNKS, st.sampled_from(["alone", "join", "neighbours"]))
def test_a_repair_of_lines_replaces_these_and_nothing_else(seed: int, chunk: int, habit: str) -> None:
    random = Random(seed)
    program = Writer(random).program()
    chosen = random.sample(leaves(program), random.randrange(1, 3)) if len(leaves(program)) > 2 else leaves(program)[:1]
    first = text_of(with_errors(program, chosen, random))
    lines = [line for line in leaves(program) if any(line is one for one in chosen)]
    right = {line.text for line in leaves(program) if not any(line is one for one in chosen)}
    assume(habit == "neighbours" or not right & {line.text for line in lines})  # such a line stands for the right one
    reply = "".join(f"{line.text}\n" for line in lines)
    if habit == "join":
        reply += program[-1].shown()
    elif habit == "neighbours":
        reply = _with_neighbours(program, chosen)
    store, result = played(first, reply, chunk=chunk)
    check(text_of(program), first, store, result, exact=True)
    event(habit)


def _with_neighbours(program: list[Line], chosen: list[Line]) -> str:
    """The broken lines with the right ones before and behind them, in their blocks."""
    kept: list[str] = []
    for at, line in enumerate(program[:-1]):
        near = program[max(at - 1, 0) : at + 2]
        if any(one in leaves([other]) for other in near for one in chosen):
            kept.append(line.shown())
    return "".join(kept)
