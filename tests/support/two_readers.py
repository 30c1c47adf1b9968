"""The same run twice: what only Ann may read says one thing in one world, and another in the other.

Whoever may not read it is called in both worlds alike, whatever way it takes: a plan that looks at it, a planner that
is shown it and writes it down, an earlier answer, a chat model that calls tools by itself, a process that goes on.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable
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
        """Ann's diary."""
        await asyncio.sleep(1)
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

    return [diary, pages, locate, search, look, post, send]


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
