"""What a client is told in two worlds that differ in strangers' texts alone: where texts are kept from it, the same."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from security.equivariant import Equivariant
from superscalar import LLMCompiler, Tool, UsageError, tool
from superscalar.gateway import Gateway, GatewayClient, GatewayReply, Principal
from superscalar.labels import Label
from superscalar.testing import run
from support.depth import examples
from support.two_worlds import Answers, back, inert, moved

ANN = Principal("ann", trusted=True, approves=True)


def everything(reply: GatewayReply) -> str:
    """All that a reply hands on; runs have ids of their own."""
    return repr((reply.text, reply.state, reply.notes, reply.questions, reply.links, reply.files)).replace(
        reply.run or "no run", "RUN"
    )


async def refused(client: GatewayClient, run_id: str, name: str) -> str:
    try:
        return await client.read(run_id, name)
    except UsageError as error:
        return str(error).replace(run_id, "RUN")


class Strangers(Answers):
    """The same answers, none of which is computed of what its call is given."""

    def _tool(self, name: str, number: int) -> Tool[..., Any]:
        @tool(name=name, effect="read", resource=name)
        async def asked(x: Any, y: Any = 1) -> Any:
            await asyncio.sleep(number % 3)
            return self._result(name, repr(moved((x, y), back)))

        return asked


@st.composite
def programs(draw: DrawFn) -> str:
    """A plan that hands texts on without looking at their characters, with or without a join of some."""
    lines = Equivariant(lambda choices: draw(st.sampled_from(choices))).program().splitlines()
    joined = draw(st.sampled_from([None, "join(a, b, c, last0, last1, last2)", "join(first=a, all=[a, b, *c], c=c)"]))
    return "\n".join([*lines[:-1], *([joined] if joined else []), ""])


def told(world: Strangers, plan: str) -> tuple[list[str], Label]:
    """All that a client is told by one plan, and by those that ask for what it came to."""

    async def main() -> tuple[list[str], Label]:
        with tempfile.TemporaryDirectory() as folder:
            made = LLMCompiler(tools=world.tools(), journal=Path(folder) / "runs.db", policy="ask")
            async with Gateway(made, principals=[ANN], untrusted="handles", max_result_bytes=400) as gateway:
                ann = gateway.client("ann")
                first = await ann.run_plan(plan)
                if not first.run:
                    return [first.text], gateway.memory.label("ann")
                replies = [first, await ann.run_plan(resume=first.run)]
                names = ("last0", "all", "none")
                plans = [f'x = result("{first.run}", "{name}")\njoin(x, k=[x])' for name in names]
                replies += [await ann.run_plan(one) for one in plans]
                texts = [everything(one).replace(first.run, "RUN") for one in replies]
                texts += [await refused(ann, first.run, name) for name in ("c", "last1")]
                return texts, gateway.memory.label("ann")

    return run(main())


@settings(max_examples=examples(5, 300))
@given(programs(), st.integers(0, 2**32))
def test_a_client_that_reads_handles_is_told_the_same_whatever_texts_say(plan: str, seed: int) -> None:
    assert told(Strangers(seed), plan) == told(Strangers(seed, inert), plan)


# ---------------------------------------------------------------------------------------------------- what parts are


class Mail(TypedDict):
    id: int
    sender: str
    text: str


WORDS = ["hostile words"]


@tool(effect="read", trusted_fields=["id"])
async def mail(number: int) -> Mail:
    """A mail of somebody."""
    return {"id": number, "sender": WORDS[0], "text": WORDS[0] * 2}


@tool(effect="read", trusted_fields=["id"])
async def anything(number: int) -> dict[str, Any]:
    """What somebody sent, with an id of ours."""
    return {"id": number, WORDS[0]: 1, "n": {WORDS[0]: WORDS[0]}}


@tool(effect="read")
async def lists() -> list[Any]:
    """Lists in lists."""
    return [1, None, True, 1 << 70, b"hostile", [WORDS[0], [2.5, (WORDS[0],)]], {WORDS[0]}, {WORDS[0]: {1: WORDS[0]}}]


@pytest.mark.parametrize(
    ("plan", "shown"),
    [
        ("join(mail(number=3))", '"id": 3'),
        ("join(anything(number=3))", '"id": 3'),
        (
            "join([mail(number=n) for n in [1, 2]], x=anything(number=4))",
            '"x": {"id": 4, "withheld": "object", "keys": 2}',
        ),
        ("d = anything(number=3)\njoin({k: v for k, v in d.items()})", "withheld"),
        ("d = anything(number=3)\njoin({**d, 'own': d}, keys=list(d.keys()))", "withheld"),
        ("d = anything(number=3)\njoin(first(1, [lists(), d]))", "withheld"),
        ("x = lists()\njoin(x, x[5], x[0], [y for y in x])", "[1, null, true, "),
        ("x = lists()\njoin(x if x else 1, sorted(x[5][:1]), {str(x[5]): 1}, set(x[:1]))", "withheld"),
        ("x = lists()\njoin(f'{x[0]}', str(x[2]), x[0] * 2)", "withheld"),
    ],
)
def test_of_what_a_stranger_sent_only_what_is_no_text_is_shown(tmp_path: Path, plan: str, shown: str) -> None:
    async def main() -> list[GatewayReply]:
        agent = LLMCompiler(tools=[mail, anything, lists], journal=tmp_path / "runs.db")
        async with Gateway(agent, principals=[ANN], untrusted="handles") as gateway:
            ann = gateway.client("ann")
            reply = await ann.run_plan(plan)
            names = "x" if "x =" in plan else "d" if "d =" in plan else "join"
            return [reply, await ann.run_plan(f'join(result("{reply.run}", "{names}"))')]

    first, again = run(main())
    assert "hostile" not in everything(first) + everything(again), first
    assert shown in first.text, first
    assert not first.failed


# ---------------------------------------------------------------------------------------------------- at any time

PLAN = """\
p = fetch(n=1)
qs = [fetch(n=k) for k in range(3)]
s = note(text=p)
t = note(text=qs[2])
join(s, t, sum([len(q) for q in qs]))
"""


def test_whenever_a_gateway_ends_the_next_one_does_the_rest_once(tmp_path: Path) -> None:
    written: list[str] = []

    @tool(effect="read", resource="web")
    async def fetch(n: int) -> str:
        """Fetch something."""
        await asyncio.sleep(1.0 + n)
        return "x" * n

    @tool(effect="write", resource="notes", sink="text")
    async def note(text: str) -> str:
        """Write a note."""
        await asyncio.sleep(0.75)
        written.append(text)
        return f"noted {text}"

    async def main(path: Path, ends: float) -> None:
        reply = GatewayReply("")
        for stays in (ends, ends, 30.0, 30.0, 30.0):
            agent = LLMCompiler(tools=[fetch, note], journal=path, policy="ask", grace=5.0)
            async with Gateway(agent, principals=[ANN]) as gateway:
                ann = gateway.client("ann")
                request = ann.run_plan(resume=reply.run) if reply.run else ann.run_plan(PLAN)
                asking = asyncio.create_task(request)
                await asyncio.sleep(stays)
                if asking.done() and asking.result().state == "waiting":
                    answers = {one.answered_by: True for one in asking.result().questions}
                    await ann.answer(asking.result().run, answers)
            reply = await asking
            assert reply.state in ("running", "waiting", "done"), reply
            if reply.state == "done":
                break
        assert reply.text == '["noted x", "noted xx", 3]'
        assert sorted(written) == ["x", "xx"]

    for number in range(5):
        written.clear()
        run(main(tmp_path / f"{number}.db", 0.6 + number * 0.8))
