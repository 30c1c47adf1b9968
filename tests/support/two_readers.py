"""The same run twice: what only Ann may read says one thing in one world, and another in the other.

Whoever may not read it is called in both worlds alike, whatever way it takes: a plan that looks at it, a planner that
is shown it and writes it down, an earlier answer, a chat model that calls tools by itself, a process that goes on.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from pydantic import BaseModel

from superscalar import LLMCompiler, RunResult, Tool, tool
from superscalar.events import Event, Planned, RoundStarted, Started
from superscalar.journal import Journal
from superscalar.models.base import Request
from superscalar.testing import ScriptedModel, run
from support.random_programs import FUNCTIONS, num

ANN = "ann@home.example"
OTHERS = frozenset({"search", "look", "post"})
"""The tools of strangers, who may read nothing of Ann's; what is sent to others than her they read as well."""

Calls = list[tuple[str, str]]


def tools(said: str | None) -> list[Tool[..., Any]]:
    """The tools of the world in which Ann's diary says that, or cannot be read."""

    def read() -> str:
        if said is None:
            raise LookupError("there is no such diary")
        return said

    @tool(effect="read", trust="trusted", readers=ANN, reads=())
    async def diary(day: Any = 0) -> str:
        """Ann's diary, which takes the longer the more there is to tell."""
        await asyncio.sleep(1 if said is None else 1 + int(said[-1]) % 3)
        return read()

    @tool(effect="read", trust="trusted", readers=ANN, reads=())
    async def pages() -> list[str]:
        """Its sevens."""
        return [c for c in read() if c == "7"]

    @tool(effect="read", trust="trusted", readers=ANN, reads=())
    async def locate(c: Any) -> int:
        """Where something stands in it."""
        if c not in read():
            raise LookupError(f"{c} is not in {read()}")
        return read().index(c)

    @tool(effect="read", trust="trusted")
    async def search(query: Any) -> str:
        """Ask a search engine."""
        await asyncio.sleep(2)
        return f"all about {query}"

    @tool(effect="read", trust="trusted", dedupe=True)
    async def look(query: Any) -> str:
        """Look something up, once."""
        return f"all about {query}"

    @tool(effect="read", trust="trusted")
    async def post(query: Any) -> str:
        """Ask something."""
        return "posted"

    @post.batch(over="query", max_batch=4)
    async def posts(query: list[Any]) -> list[str]:
        return ["posted"] * len(query)

    @tool(effect="write", sink="to", trust="trusted")
    async def send(to: str, text: Any = "") -> str:
        """Send a message."""
        return f"sent to {to}"

    @tool(effect="pure", timeout=60)
    async def clean(text: Any) -> Any:
        """Clean a text, together with others."""
        await asyncio.sleep(1)
        return text

    @clean.batch(over="text", max_batch=8)
    async def cleans(text: list[Any]) -> list[Any]:
        if any("1" in str(one) or "5" in str(one) for one in text):
            raise ValueError("there is a 1 or a 5 in one of them")
        return text

    @tool(effect="read", trust="trusted", reads=(), dedupe=True)
    async def own(query: Any) -> str:
        """Look something up in a book of our own, which tells nobody."""
        await asyncio.sleep(1)
        return f"known of {query}"

    return [diary, pages, locate, search, look, post, send, clean, own]


def seen_by_others(happened: Iterable[Event]) -> Calls:
    """The calls that somebody sees who may not read what is Ann's, in an order that says nothing."""
    made = [event for event in happened if isinstance(event, Started)]
    return sorted(
        (event.tool, repr(dict(event.arguments)))
        for event in made
        if event.tool in OTHERS or (event.tool == "send" and event.arguments["to"] != ANN)
    )


def of_a_plan(plan: str, said: str | None, **options: Any) -> Calls:
    """Those that a plan makes."""

    async def main() -> RunResult:
        async with LLMCompiler(tools=tools(said), **options).stream_plan(plan, run_id="run") as running:
            return await running.result()

    return seen_by_others(run(main()).events)


class Mixed:
    """Writes a plan in which what is Ann's and what is everybody's meet wherever calls have to do with others.

    `pick` chooses one of several: hypothesis, or a `random.Random`.
    """

    def __init__(self, pick: Callable[[Sequence[Any]], Any]) -> None:
        self._pick = pick
        self._names: list[str] = ["e"]

    def plan(self, statements: int) -> str:
        """A whole plan."""
        lines = ["e = diary()"]
        for number in range(self._pick(range(2, statements + 1))):
            lines += self._statement(f"x{number}")
        return "\n".join([*lines, f"join({', '.join(f'default({name}, 0)' for name in self._names)})"]) + "\n"

    def _statement(self, name: str) -> list[str]:
        indented = self._pick([False, False, True])
        value = self._pick([self._value, self._value, self._first, self._list, self._note])()
        self._names.append(name)
        if not indented:
            return [f"{name} = {value}"]
        return [f"if {self._pick([*CONDITIONS, 'True'])}:", f"    {name} = {value}"]

    def _value(self) -> str:
        tool = self._pick(["search", "look", "look", "post", "clean", "clean", "own", "locate"])
        return f"{tool}({self._given()})"

    def _given(self) -> str:
        name = self._pick(self._names)
        constant = self._pick(['"a"', '"1"', '"7"'])
        return str(self._pick([constant, constant, constant, name, f"default({name}, 0)", self._late(), "e[4:]"]))

    def _late(self) -> str:
        return f"{self._pick(['search', 'own', 'clean'])}({self._pick(['1', '2'])})"

    def _first(self) -> str:
        items = [self._pick(["e.index('7')", "e.index('81')", self._value(), self._value()]) for _ in range(3)]
        return f"first(1, [{', '.join(items)}])"

    def _list(self) -> str:
        tool = self._pick(["search", "clean", "look"])
        return f"[{tool}(t) for t in [{self._given()}, {self._given()}, 'b']][{self._pick([0, 1, 2])}]"

    def _note(self) -> str:
        return f'send("{ANN}", {self._given()})'


CONDITIONS = ('e[4] == "7"', '"81" in e', 'default(locate("7"), 0) == 4')


def in_random_world(source: str, confidential: Iterable[str], salt: str) -> Calls:
    """Those of a random program whose tools are strangers, but for some that are Ann's and differ by the world."""

    def in_world(function: Callable[..., Any]) -> Tool[..., Any]:
        anns = function.__name__ in confidential

        @tool(
            name=function.__name__,
            effect="read",
            trust="trusted",
            readers=ANN if anns else None,
            reads=() if anns else None,
            dedupe=not anns,
        )
        async def called(x: Any, y: Any = 1) -> Any:
            if function is num:
                return num(x, y)
            if anns and num((x, salt)) % 6 == 0:
                raise LookupError(f"nothing known of {salt}")
            return function((x, salt) if anns else x)

        return called

    async def main() -> RunResult:
        async with LLMCompiler(tools=[in_world(one) for one in FUNCTIONS]).stream_plan(source) as running:
            return await running.result()

    made = [event for event in run(main()).events if isinstance(event, Started) and event.tool not in confidential]
    return sorted((event.tool, repr(dict(event.arguments))) for event in made)


# --------------------------------------------------------------------------------------- ways on which a model stands


def telltale(request: Request) -> str:
    """A planner that tells others all that it was shown, in words of its own."""
    shown = crc32("\n".join(f"{message.role} {message.text}" for message in request.messages).encode())
    return "".join(
        [
            f'x = search("{shown}")\n',
            f'y = send("bob@home.example", "{shown}")\n',
            f'if {shown} % 2:\n    z = post("a bit")\n',
            f'm = send("{ANN}", "{shown}")\n',
            "join(m)\n",
        ]
    )


READS = "a = diary()\nb = [locate(c) for c in ['p', '7', 'q']]\njoin(a, b)\n"


def _agent(said: str | None, *replies: Any, **options: Any) -> LLMCompiler:
    given: dict[str, Any] = {"replan": "any", **options}
    return LLMCompiler(ScriptedModel(*replies), tools=tools(said), **given)


def over_rounds(said: str | None, **options: Any) -> Calls:
    """A planner goes on in view of what was read, twice."""
    agent = _agent(said, READS, "REPLAN: more", telltale, f"REPLAN: {said}", telltale, "done", **options)
    return seen_by_others(run(agent.run("What is new?")).events)


def over_rounds_in_text(said: str | None, **options: Any) -> Calls:
    """It is shown all of it."""
    return over_rounds(said, replanner_sees="text", **options)


STATUSES = (
    "e = diary()\n"
    + "".join(f'if e[{i}] == "{c}":\n    n{i}{c} = send("{ANN}", "x")\n' for i in range(4, 8) for c in "0127")
    + 'a = default(locate("7"), 0)\nb = locate("z")\nc = first(1, [locate("7"), clean("x"), own("x")])\n'
    + 'd = [own(c) for c in e]\nf = clean("x") if e[4] == "7" else e\njoin(a, b, c, d, f)\n'
)


def over_rounds_by_statuses(said: str | None, **options: Any) -> Calls:
    """It is told what became of each task, and most were or were not run because of what was read."""
    agent = _agent(said, STATUSES, "REPLAN: more", telltale, "REPLAN: more", telltale, "done", **options)
    return seen_by_others(run(agent.run("What is new?")).events)


def through_a_condition_of_an_earlier_round(said: str | None, **options: Any) -> Calls:
    """All that the second round tells is what it did not do."""
    flags = 'e = diary()\nf = "7" in e\njoin(f)\n'
    done = f'if f:\n    n = send("{ANN}", "x")\nk = own("a")\njoin(k)\n'
    agent = _agent(said, flags, "REPLAN: more", done, "REPLAN: more", telltale, "done", **options)
    return seen_by_others(run(agent.run("What is new?")).events)


def through_a_failure(said: str | None, **options: Any) -> Calls:
    """All that there is is the text of a failure."""
    agent = _agent(
        said, 'a = locate("@")\njoin(a)\n', "REPLAN: more", telltale, "done", replanner_sees="text", **options
    )
    return seen_by_others(run(agent.run("What is new?")).events)


def through_the_history(said: str | None, **options: Any) -> Calls:
    """The answer to one question is there when the next one is planned."""
    first = run(_agent(said, READS, f"It says {said}.", **options).run("What is new?"))
    agent = _agent(said, telltale, "done", **options)
    return seen_by_others(run(agent.run("Send it to bob@home.example.", history=first.messages)).events)


def through_a_history_that_was_kept(said: str | None, **options: Any) -> Calls:
    """The same by way of a store that keeps turns as data."""
    first = run(_agent(said, READS, f"It says {said}.", **options).run("What is new?"))
    kept = [{"role": m.role, "content": m.text, "readers": m.readers} for m in first.messages]
    agent = _agent(said, telltale, "done", **options)
    return seen_by_others(run(agent.run("Tell it.", history=kept, history_trusted=True)).events)


def through_a_history_to_other_tools(said: str | None, **options: Any) -> Calls:
    """None of the tools of the next agent says who may read what."""
    first = run(_agent(said, READS, f"It says {said}.", **options).run("What is new?"))
    others = [one for one in tools(said) if one.readers is None]
    agent = LLMCompiler(ScriptedModel(telltale, "done"), tools=others, **options)
    return seen_by_others(run(agent.run("Tell it.", history=first.messages)).events)


def through_repairs(said: str | None, **options: Any) -> Calls:
    """A later round is written wrongly first, and the planner is asked to mend it."""
    broken = "x = serch(1)\njoin(x)\n"
    agent = _agent(said, READS, "REPLAN: more", broken, telltale, "done", replanner_sees="text", **options)
    return seen_by_others(run(agent.run("What is new?")).events)


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": name, "input": arguments}


def _by_itself(said: str | None, seen: Callable[[Any], dict[str, Any]], options: dict[str, Any]) -> Calls:
    async def main() -> Calls:
        agent = LLMCompiler(tools=tools(said), **options)
        first = await agent.execute_calls([_call("diary"), _call("locate", c="7")], saw_untrusted=False)
        text = crc32(repr(first.messages).encode())
        turn = [_call("search", query=text), _call("post", query=text), _call("send", to="bob@home.example", text=text)]
        second = await agent.execute_calls(turn, **seen(first))
        return seen_by_others([*first.run.events, *second.run.events])

    return run(main())


def through_native_calls(said: str | None, **options: Any) -> Calls:
    """A model calls tools by itself, in view of what they returned before."""
    return _by_itself(said, lambda _: {}, options)


def through_native_calls_with_labels(said: str | None, **options: Any) -> Calls:
    """The same where the client keeps the labels of the results."""
    return _by_itself(said, lambda first: {"seen": first.label}, options)


def through_approvals(said: str | None, **options: Any) -> Calls:
    """A person is asked who says yes to what goes to Ann, and looks at nothing else."""
    agent = _agent(
        said,
        READS,
        "REPLAN: more",
        telltale,
        "done",
        policy="ask",
        approve=lambda question: question.arguments.get("to") == ANN,
        replanner_sees="text",
        **options,
    )
    return seen_by_others(run(agent.run("What is new?")).events)


class Wish(BaseModel):
    """What is asked for."""

    kind: Literal["one", "other"]
    number: int


def through_extraction(said: str | None, **options: Any) -> Calls:
    """A model that reads makes a value of it."""
    number = crc32(str(said).encode()) % 1000
    reply = f'{{"value": {{"kind": "{("one", "other")[number % 2]}", "number": {number}}}}}'
    agent = LLMCompiler(tools=tools(said), extractor=ScriptedModel(reply), schemas={"Wish": Wish}, **options)
    plan = (
        'w = extract(diary(), "Wish", "what she wants")\n'
        "x = search(w.number)\n"
        'if w.kind == "one":\n    y = search("one")\n'
        "z = post([i for i in range(w.number)])\n"
        "join()\n"
    )

    async def main() -> RunResult:
        async with agent.stream_plan(plan) as running:
            return await running.result()

    return seen_by_others(run(main()).events)


def over_processes(said: str | None, **options: Any) -> Calls:
    """The process dies while the plan of a later round is being written, and another one goes on."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"replan": "any", "replanner_sees": "text", **options}
        whole = Journal(Path(folder) / "whole.db")
        agent = LLMCompiler(
            ScriptedModel(READS, "REPLAN: more", telltale, "done"), tools=tools(said), journal=whole, **given
        )
        events = run(agent.run("What is new?", run_id="run")).events
        begun = [i for i, event in enumerate(events) if isinstance(event, RoundStarted)][-1]
        begun = next(i for i, event in enumerate(events) if i > begun and isinstance(event, Planned))
        cut = Journal(Path(folder) / "cut.db")
        log = cut.begin("run", whole.about("run"))
        for event in events[: begun + 1]:
            log.append(event)
        log.flush()
        log.close()
        again = LLMCompiler(ScriptedModel(telltale, "done"), tools=tools(said), journal=cut, **given)
        return seen_by_others(run(again.resume("run")).events)


WAYS: tuple[Callable[..., Calls], ...] = (
    over_rounds,
    over_rounds_in_text,
    over_rounds_by_statuses,
    through_a_condition_of_an_earlier_round,
    through_a_failure,
    through_the_history,
    through_a_history_that_was_kept,
    through_a_history_to_other_tools,
    through_repairs,
    through_native_calls,
    through_native_calls_with_labels,
    through_approvals,
    through_extraction,
    over_processes,
)
