"""What a gateway holds against: data that is hostile, clients that ask for what is not theirs, and ends at any time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from superscalar import JournalError, LLMCompiler, UsageError, tool
from superscalar.gateway import Gateway, GatewayReply, Principal
from superscalar.gateway.memory import ClientMemory
from superscalar.labels import NOTHING, Label, Source
from superscalar.testing import run

MADE: list[str] = []
ANN, BOB = Principal("ann", trusted=True, approves=True), Principal("bob")


@pytest.fixture(autouse=True)
def _forget() -> None:
    MADE.clear()


@tool(effect="read")
async def page(address: str) -> str:
    """A page of somebody."""
    return f"hostile {address}"


@tool(effect="read")
async def table(address: str) -> dict[str, Any]:
    """A table of somebody."""
    return {"hostile key": 1, "n": None, "deep": {"hostile too": [1, "hostile", {"hostile": 2.5}]}}


@tool(effect="read")
async def broken(address: str) -> str:
    """Fail with words of somebody."""
    raise ValueError(f"hostile {address}")


@tool(effect="read")
async def halves(address: str) -> str:
    """Half a character."""
    return "a\ud800b"


@tool(effect="read", trust="trusted")
async def price(of: str) -> float:
    """Price of a share."""
    await asyncio.sleep(1.0)
    return 1.5


@tool(effect="read", resource="time")
async def wait(seconds: float) -> float:
    """Take a while."""
    await asyncio.sleep(seconds)
    MADE.append(f"waited {seconds:g}")
    return seconds


@tool(effect="write", sink="to", resource="letters")
async def post(to: str, text: str) -> str:
    """Post a letter."""
    await asyncio.sleep(1.0)
    MADE.append(f"posted to {to}")
    return f"posted to {to}"


@tool(effect="write", sink="to", resource="mail")
async def send(to: str, text: str) -> str:
    """Send a message."""
    await asyncio.sleep(1.0)
    MADE.append(f"sent to {to}")
    return f"sent to {to}"


def agent(folder: Path, **options: Any) -> LLMCompiler:
    folder.mkdir(exist_ok=True)
    given: dict[str, Any] = {"policy": "ask", "journal": folder / "runs.db", **options}
    return LLMCompiler(tools=[page, table, broken, halves, price, wait, send, post], **given)


def served(
    folder: Path, main: Callable[[Gateway], Coroutine[Any, Any, Any]], *, options: Any = None, **given: Any
) -> Any:
    async def within() -> Any:
        async with Gateway(agent(folder, **options or {}), principals=[ANN, BOB], **given) as gateway:
            return await main(gateway)

    return run(within())


def replies(folder: Path, name: str, plans: Sequence[str], **given: Any) -> list[GatewayReply]:
    """The replies to plans one after the other; `{run}` in one is the run of the first."""

    async def main(gateway: Gateway) -> list[GatewayReply]:
        client = gateway.client(name)
        made: list[GatewayReply] = []
        for plan in plans:
            made.append(await client.run_plan(plan.replace("{run}", made[0].run if made else "")))
        return made

    found: list[GatewayReply] = served(folder, main, **given)
    return found


def everything(reply: GatewayReply) -> str:
    """All that a reply hands on, what a client is asked included."""
    return repr((reply.text, reply.notes, reply.questions, reply.links, reply.files))


# ---------------------------------------------------------------------------------------------------- what comes out


def test_which_names_there_are_and_why_one_has_no_value_is_said_in_words_of_ours(tmp_path: Path) -> None:
    plans = [
        "d = table(address='x')\nb = broken(address='y')\nq = price(of='IBM')\njoin(d if d else b)",
        'join(result("{run}", "nope"))',
        'join(result("{run}", "hostile key"))',
        "b = broken(address='y')\njoin(b)",
    ]
    first, nope, key, last = replies(tmp_path, "bob", plans, untrusted="handles")
    assert "hostile" not in everything(first) + everything(nope) + everything(last)
    assert "it has no 'nope'; it has join, d, b, q" in nope.text
    assert (key.state, key.text) == ("done", "1")
    (again,) = replies(tmp_path, "bob", [f'join(result("{last.run}", "b"))'], untrusted="handles")
    assert "b has no value: it failed (error); the reply of its run says how" in again.text


def test_a_question_is_not_handed_to_a_client_that_may_read_no_text_of_strangers(tmp_path: Path) -> None:
    plan = "p = page(address='x')\ns = send(to=p, text='hi')\njoin(s)"
    (veiled,) = replies(tmp_path / "a", "ann", [plan], untrusted="handles")
    assert "hostile" not in everything(veiled)
    assert "s: send: what it would be given is shown where it is answered" in veiled.text
    assert veiled.state == "waiting"
    assert "superscalar approve" in veiled.notes[0]
    (shown,) = replies(tmp_path / "b", "ann", [plan])
    assert "hostile" in everything(shown)


def test_half_a_character_can_be_told_and_is_kept(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        bob = gateway.client("bob")
        reply = await bob.run_plan("x = halves(address='y')\njoin(x)")
        assert reply.text == "a\ufffdb"
        assert await bob.read(reply.run, "x") == "a\ufffdb"
        assert (await bob.run_plan(f'join(len(result("{reply.run}", "x")))')).text == "3"

    served(tmp_path, main)


def test_why_a_run_ended_is_told_as_what_it_may_hold(tmp_path: Path) -> None:
    """What was failing in a journal may have been written by anybody."""

    async def main(gateway: Gateway, *, veiled: bool) -> None:
        ann = gateway.client("ann")
        asking = asyncio.create_task(ann.run_plan("p = page(address='x')\nw = wait(seconds=9)\njoin(p, w)"))
        await asyncio.sleep(1.0)
        ((run_id, _),) = gateway.memory.open_runs()
        asking.cancel()
        await asyncio.wait([asking])
        reply = await ann.run_plan(resume=run_id)
        assert "ended: it was stopped" in reply.notes
        assert ("hostile" in everything(reply)) is not veiled

    served(tmp_path / "a", lambda gateway: main(gateway, veiled=False))
    served(tmp_path / "b", lambda gateway: main(gateway, veiled=True), untrusted="handles")


# ---------------------------------------------------------------------------------------------------- what comes in


def test_inputs_stand_beside_values_of_earlier_runs(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        bob = gateway.client("bob")
        first = await bob.run_plan("x = price(of='IBM')\njoin(x)")
        plan = f'# input n: float = 2\nx = result("{first.run}", "x")\njoin(x * n)'
        assert (await bob.run_plan(plan)).text == "3.0"
        assert (await bob.run_plan(plan, inputs={"n": 4})).text == "6.0"
        assert (await bob.check_plan(plan)).notes[0] == "0 calls in the text; no writes"
        over = await bob.run_plan(plan, inputs={"x": 4})
        assert (over.state, "no input 'x'" in over.text) == ("refused", True)

    served(tmp_path, main)


def test_runs_of_others_are_nobodys(tmp_path: Path) -> None:
    async def main() -> None:
        await agent(tmp_path).execute("x = price(of='IBM')\njoin(x)", run_id="of-a-person")
        async with Gateway(agent(tmp_path), principals=[ANN, BOB]) as gateway:
            bob = gateway.client("bob")
            other = await gateway.client("ann").run_plan("x = price(of='IBM')\njoin(x)")
            for run_id in ("of-a-person", other.run, "", "nothing", "%", "' OR 1=1 --", "x" * 10_000):
                assert "you have no run" in (await bob.run_plan(resume=run_id)).text
                assert "you have no run" in (await bob.check_plan(f"join(result({run_id!r}, 'x'))")).text
                with pytest.raises(UsageError, match="you have no run"):
                    await bob.read(run_id, "x")

    run(main())


def test_no_crowd_comes_in_while_plans_are_read(tmp_path: Path) -> None:
    """To look up a value takes a while, in which others ask as well."""

    async def main(gateway: Gateway) -> list[str]:
        bob = gateway.client("bob")
        first = await bob.run_plan("x = price(of='IBM')\njoin(x)")
        plan = f'x = result("{first.run}", "x")\ny = wait(seconds=5)\njoin(x)'
        made = await asyncio.gather(*(bob.run_plan(plan) for _ in range(12)))
        return [one.state for one in made]

    states = served(tmp_path, main, max_runs=4)
    assert sorted(states) == ["done"] * 2 + ["refused"] * 10


# ---------------------------------------------------------------------------------------------------- what was told


def told(folder: Path, plans: Sequence[str], **given: Any) -> Label:
    """What is remembered of a trusted client after these plans."""

    async def main(gateway: Gateway) -> Label:
        first = ""
        for plan in plans:
            reply = await gateway.client("ann").run_plan(plan.replace("{run}", first))
            first = first or reply.run
        return gateway.memory.label("ann")

    label: Label = served(folder, main, **given)
    return label


@pytest.mark.parametrize(
    ("plan", "as_text", "as_handles"),
    [
        ("join(price(of='IBM'))", True, True),
        ("p = page(address='x')\njoin(1)", True, True),
        ("join(page(address='x'))", False, True),
        ("join(table(address='x'))", False, True),
        ("join(broken(address='x'))", False, True),
        ("b = broken(address='x')\ns = price(of='IBM')\njoin(s, ok(b))", False, True),
        ("join(len(page(address='x')))", False, False),
        ("join(['hostile' in page(address='x')])", False, False),
        ("p = page(address='x')\njoin('yes' if 'hostile' in p else 'no')", False, True),
        ("s = send(to=page(address='x'), text='')\njoin(s)", False, True),
    ],
)
def test_what_a_reply_holds_is_remembered(tmp_path: Path, plan: str, as_text: bool, as_handles: bool) -> None:
    assert told(tmp_path / "a", [plan]).trusted is as_text
    assert told(tmp_path / "b", [plan], untrusted="handles").trusted is as_handles


def test_a_number_that_a_stranger_chose_is_no_way_around_the_rules(tmp_path: Path) -> None:
    """What a client reads in one reply it may write as a constant of its next plan."""

    async def main(gateway: Gateway) -> list[str]:
        ann = gateway.client("ann")
        found = await ann.run_plan("join(len(page(address='x')))")
        return [(await ann.run_plan(f"s = send(to='{found.text}@b', text='')\njoin(s)")).state]

    assert served(tmp_path / "a", main, untrusted="handles") == ["waiting"]
    assert served(tmp_path / "b", main) == ["waiting"]
    assert MADE == []


def test_what_is_remembered_is_written_before_it_is_told_and_a_damaged_file_tells_nothing(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        ann = gateway.client("ann")
        first = await ann.run_plan("p = page(address='x')\njoin(p)")
        with closing(sqlite3.connect(gateway.memory.path)) as file, file:
            file.execute("UPDATE told SET label = '{}'")
        for again in (await ann.run_plan("join(1)"), await ann.run_plan(resume=first.run)):
            assert again.failed
            assert "is damaged" in again.text
            assert "hostile" not in everything(again)
        with pytest.raises(JournalError, match="damaged"):
            await ann.read(first.run, "p")
        assert (await gateway.client("bob").run_plan("join(1)")).text == "1"

    served(tmp_path, main)


def test_another_programs_file_is_not_taken_for_what_clients_were_told(tmp_path: Path) -> None:
    for text, why in (("CREATE TABLE runs (id TEXT)", "another program"), ("PRAGMA user_version = 9", "")):
        path = tmp_path / f"file-{len(why)}"
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(text)
        if why:
            with pytest.raises(JournalError, match=why):
                ClientMemory(path)
    (tmp_path / "no-database").write_bytes(b"x" * 5_000)
    with pytest.raises(JournalError, match="cannot be kept"):
        ClientMemory(tmp_path / "no-database")


def test_a_label_comes_back_as_it_was(tmp_path: Path) -> None:
    label = Label([Source("tool", "page", False, "int"), Source("model", "a model", False)], ["ann", "b"])
    memory = ClientMemory(tmp_path / "file")
    memory.tell("ann", label)
    memory.tell("ann", NOTHING)
    memory.close()
    again = ClientMemory(tmp_path / "file")
    assert again.label("ann") is label
    assert again.label("bob") is NOTHING
    again.tell("ann", Label([], ["b"]))
    assert again.label("ann").readers == frozenset({"b"})
    again.close()


# ---------------------------------------------------------------------------------------------------- ends

HALF_ASKED = "s = send(to='a@b', text='hi')\nxs = [wait(seconds=n) for n in range(8)]\njoin(s, sum(xs))"


def test_a_run_that_asks_and_was_cut_off_goes_on_with_the_rest(tmp_path: Path) -> None:
    async def main() -> None:
        async with Gateway(agent(tmp_path), principals=[ANN, BOB]) as gateway:
            asking = asyncio.create_task(gateway.client("bob").run_plan(HALF_ASKED))
            await asyncio.sleep(3.5)
        run_id = (await asking).run
        before = len(MADE)
        assert 0 < before < 8
        async with Gateway(agent(tmp_path), principals=[ANN, BOB]) as gateway:
            assert gateway.under_way == 1
            await asyncio.sleep(20.0)
            assert gateway.under_way == 0
            assert sorted(MADE) == [f"waited {n}" for n in range(8)]
            assert (await gateway.client("bob").run_plan(resume=run_id)).state == "waiting"
            assert gateway.memory.open_runs() == []
        async with Gateway(agent(tmp_path), principals=[ANN, BOB]) as gateway:
            assert gateway.under_way == 0

    run(main())


def test_what_was_approved_is_done_while_the_rest_waits(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        bob = gateway.client("bob")
        waiting = await bob.run_plan("a = send(to='a', text='')\nb = post(to='b', text='')\njoin(a, b)")
        first, second = waiting.questions
        gateway.journal.approve(waiting.run, first, by="a person")
        again = await bob.run_plan(resume=waiting.run)
        assert (again.state, len(again.questions), MADE) == ("waiting", 1, ["sent to a"])
        length = len(gateway.journal.read(waiting.run))
        assert (await bob.run_plan(resume=waiting.run)).state == "waiting"
        assert len(gateway.journal.read(waiting.run)) == length
        gateway.journal.approve(waiting.run, second, by="a person")
        assert (await bob.run_plan(resume=waiting.run)).text == '["sent to a", "posted to b"]'
        assert MADE == ["sent to a", "posted to b"]

    served(tmp_path, main)


def test_a_crowd_that_resumes_one_run_does_it_once(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        ann = gateway.client("ann")
        waiting = await ann.run_plan("s = send(to=page(address='x'), text='')\njoin(s)")
        (question,) = waiting.questions
        await ann.answer(waiting.run, {question.answered_by: True})
        crowd = [asyncio.create_task(ann.run_plan(resume=waiting.run)) for _ in range(6)]
        await asyncio.sleep(0.9)
        crowd += [asyncio.create_task(ann.run_plan(resume=waiting.run)) for _ in range(3)]
        assert {one.text for one in await asyncio.gather(*crowd)} == {"sent to hostile x"}
        assert MADE == ["sent to hostile x"]

    served(tmp_path, main)


def test_no_more_runs_are_gone_on_with_at_once_than_there_may_be(tmp_path: Path) -> None:
    async def main() -> None:
        async with Gateway(agent(tmp_path), principals=[ANN, BOB], max_runs=20) as gateway:
            bob = gateway.client("bob")
            asking = [asyncio.create_task(bob.run_plan(f"join(wait(seconds={n}))")) for n in range(5, 11)]
            await asyncio.sleep(2.0)
        await asyncio.wait(asking)
        MADE.clear()
        async with Gateway(agent(tmp_path), principals=[ANN, BOB], max_runs=2) as gateway:
            most = 0
            for _ in range(60):
                most = max(most, gateway.under_way)
                await asyncio.sleep(1.0)
            assert (most, gateway.under_way, gateway.memory.open_runs()) == (2, 0, [])
        assert sorted(MADE) == sorted(f"waited {n}" for n in range(5, 11))

    run(main())


def test_a_run_that_another_gateway_is_about_to_begin_is_left_to_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with Gateway(agent(tmp_path), principals=[ANN, BOB]) as first:
            first.memory.begin("new", "bob")
            async with Gateway(agent(tmp_path), principals=[ANN, BOB]) as second:
                assert second.memory.open_runs() == [("new", "bob")]
            with closing(sqlite3.connect(first.memory.path)) as file, file:
                file.execute("UPDATE runs SET began = 0")
            async with Gateway(agent(tmp_path), principals=[ANN, BOB]) as second:
                assert second.memory.open_runs() == []

    run(main())


def test_a_write_that_was_cut_off_is_not_repeated_and_its_client_is_told_who_decides(tmp_path: Path) -> None:
    async def main(*, untrusted: Any, folder: Path) -> None:
        options = {"policy": "off", "grace": 0.1}
        async with Gateway(agent(folder, **options), principals=[ANN, BOB], untrusted=untrusted) as gateway:
            plan = "p = page(address='x')\ns = send(to=p, text=p)\njoin(s)"
            asking = asyncio.create_task(gateway.client("ann").run_plan(plan))
            await asyncio.sleep(0.5)
        run_id = (await asking).run
        MADE.clear()
        for _ in range(2):
            async with Gateway(agent(folder, **options), principals=[ANN, BOB], untrusted=untrusted) as gateway:
                ann = gateway.client("ann")
                assert gateway.memory.label("ann") is NOTHING or untrusted == "text"
                reply = await ann.run_plan(resume=run_id)
                assert reply.state == "refused"
                assert f"superscalar resume {run_id}" in reply.notes[0]
                assert ("hostile" in everything(reply)) is (untrusted == "text")
                assert gateway.memory.label("ann").trusted is (untrusted == "handles")
        assert MADE == []

    run(main(untrusted="text", folder=tmp_path / "a"))
    run(main(untrusted="handles", folder=tmp_path / "b"))
