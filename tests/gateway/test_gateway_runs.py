"""Runs that belong to a gateway: what a client gets, what is kept, what goes on, and for whom."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, Policy, UsageError, tool
from superscalar.gateway import Gateway, GatewayClient, GatewayReply, Principal
from superscalar.testing import run

SENT: list[str] = []
TWO = [Principal("ann", approves=True), Principal("bob")]


@pytest.fixture(autouse=True)
def _forget() -> None:
    SENT.clear()


@tool(effect="read", trust="trusted")
async def price(of: str) -> float:
    """Price of a share."""
    await asyncio.sleep(1.0)
    return {"IBM": 1.5, "AAPL": 2.5}[of]


@tool(effect="read")
async def page(address: str) -> str:
    """A page of somebody."""
    return f"words of {address} " * 2_000


@tool(effect="write", sink="to", resource="mail")
async def send(to: str, text: str) -> str:
    """Send a message."""
    SENT.append(to)
    return f"sent to {to}"


@tool(effect="read", timeout=None, resource="clock")
async def wait(seconds: float) -> float:
    """Take a while."""
    await asyncio.sleep(seconds)
    return seconds


def agent(folder: Path, **options: Any) -> LLMCompiler:
    given: dict[str, Any] = {"policy": "ask", "journal": folder / "runs.db", "plans": folder / "plans", **options}
    return LLMCompiler(tools=[price, page, send, wait], **given)


def served(folder: Path, main: Callable[[Gateway], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    async def within() -> Any:
        async with Gateway(agent(folder), principals=TWO, **options) as gateway:
            return await main(gateway)

    return run(within())


def asked(folder: Path, *plans: str, name: str = "bob", **options: Any) -> list[GatewayReply]:
    async def main(gateway: Gateway) -> list[GatewayReply]:
        client = gateway.client(name)
        return [await client.run_plan(plan) for plan in plans]

    made: list[GatewayReply] = served(folder, main, **options)
    return made


# ---------------------------------------------------------------------------------------------------- one run


def test_a_reply_has_what_is_joined_and_what_failed(tmp_path: Path) -> None:
    (reply,) = asked(tmp_path, "xs = [price(of=s) for s in ['IBM', 'no', 'AAPL']]\njoin(xs, best=max(ok(xs)))")
    assert reply.text == '{"0": [1.5, {"error": "KeyError: \'no\'"}, 2.5], "best": 2.5}' or "2.5" in reply.text
    assert reply.notes == ("failed: xs[1]: KeyError: 'no'",)
    assert (reply.state, reply.failed) == ("done", False)


def test_without_a_join_it_is_what_the_names_stand_for(tmp_path: Path) -> None:
    (reply,) = asked(tmp_path, "x = price(of='IBM')\ny = x * 2\n")
    assert reply.text == '{"x": 1.5, "y": 3.0}'


def test_a_plan_with_a_mistake_makes_no_run(tmp_path: Path) -> None:
    wrong = "s = send(to='a', text='b')\nx = prise(of='IBM')\njoin(s, x)"
    (reply,) = asked(tmp_path, wrong)
    assert reply.state == "refused"
    assert "there is no tool `prise`" in reply.text
    assert "did you mean `price`?" in reply.text
    assert (SENT, reply.run) == ([], "")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "give one of plan=, name= and resume="),
        ({"plan": "join()", "resume": "x"}, "give one of"),
        ({"resume": "nothing"}, "you have no run 'nothing'"),
        ({"resume": "x", "inputs": {"a": 1}}, "give one of"),
        ({"plan": "  "}, "give the text of a plan"),
        ({"plan": "join(a)", "inputs": {"a": 1}}, "# input a: str"),
        ({"plan": "join(1)", "inputs": [1]}, "inputs= is an object"),
        ({"plan": "# input a: str\njoin(a)"}, "`a`"),
        ({"plan": "# input a: str\njoin(a)", "inputs": {"a": "x" * 1_000_001}}, "more than 1,000,000 bytes"),
        ({"name": "none"}, "there is no saved plan 'none'"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, given: dict[str, Any], why: str) -> None:
    reply: GatewayReply = served(tmp_path, lambda gateway: gateway.client("bob").run_plan(**given))
    assert reply.state == "refused"
    assert why in reply.text


def test_check_plan_says_what_a_plan_would_do_and_does_nothing(tmp_path: Path) -> None:
    plan = "# input who: str\nx = price(of='IBM')\ns = send(to=who, text='hi')\njoin(x, s)"
    reply: GatewayReply = served(tmp_path, lambda gateway: gateway.client("bob").check_plan(plan))
    assert reply.text == "the plan is right"
    assert reply.notes[:2] == ("2 calls in the text; writes: send", "inputs: who: str")
    assert SENT == []


def test_progress_is_told_at_most_five_times_a_second(tmp_path: Path) -> None:
    heard: list[tuple[float, str]] = []

    async def main(gateway: Gateway) -> None:
        loop = asyncio.get_running_loop()
        plan = "xs = [wait(seconds=n / 50) for n in range(1, 100)]\njoin(sum(xs))"
        await gateway.client("bob").run_plan(plan, told=lambda made: heard.append((loop.time(), made.text)))

    served(tmp_path, main)
    times = [at for at, _ in heard]
    assert len(times) > 5
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.2 - 1e-9
    assert any("wait for the limit" in text for _, text in heard)
    assert any(text.startswith("running wait x") for _, text in heard)


# ---------------------------------------------------------------------------------------------------- values that stay


def test_what_is_too_long_is_cut_kept_and_has_a_handle(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        client = gateway.client("bob")
        long = await client.run_plan("p = page(address='x')\njoin(p)", told=None)
        assert len(long.text.encode()) <= 20_000
        (link,) = long.links
        assert link.uri == f"superscalar://{long.run}/join"
        assert f'result("{long.run}", "join")' in long.notes[0]
        assert len(await client.read(long.run, "join")) == link.size
        part = await client.run_plan(f'p = result("{long.run}", "p")\njoin(p[:8], len(p))')
        assert part.text == f'["words of", {link.size}]'

    served(tmp_path, main)


def test_a_list_is_cut_on_the_bounds_of_its_items(tmp_path: Path) -> None:
    (reply,) = asked(tmp_path, "join([f'item {n} \u00e9' for n in range(9000)])")
    assert len(reply.text.encode()) <= 20_000
    assert reply.text.endswith("more of 9,000 items]")


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ('join(result("RUN", "y"))', "it has no 'y'; it has join, x"),
        ('join(result("none", "x"))', "you have no run 'none'"),
        ('r = "RUN"\njoin(result(r + "", "x"))', "wants both as constants"),
        ('join([result("RUN", "x") + n for n in range(2)])', "stands in a loop or a condition"),
        ('y = 0\nif price(of="IBM") > 1:\n    y = result("RUN", "x")\njoin(y)', "stands in a loop or a condition"),
        ('join(result("RUN", "bad"))', "bad has no value"),
    ],
)
def test_a_value_that_is_not_there_is_a_mistake_of_the_plan(tmp_path: Path, plan: str, why: str) -> None:
    async def main(gateway: Gateway) -> GatewayReply:
        client = gateway.client("bob")
        first = await client.run_plan("x = price(of='IBM')\nbad = price(of='no')\njoin(x)")
        return await client.run_plan(plan.replace("RUN", first.run))

    reply = served(tmp_path, main)
    if reply.state == "done":  # a constant that is computed is one, too, where the compiler sees that
        pytest.fail(f"{reply}")
    assert why in reply.text


def test_values_and_runs_are_of_one_client_alone(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        ann, bob = gateway.client("ann"), gateway.client("bob")
        reply = await ann.run_plan("x = price(of='IBM')\njoin(x)")
        assert "you have no run" in (await bob.run_plan(f'join(result("{reply.run}", "x"))')).text
        assert "you have no run" in (await bob.run_plan(resume=reply.run)).text
        with pytest.raises(UsageError, match="you have no run"):
            await bob.read(reply.run, "x")
        assert (await ann.run_plan(resume=reply.run)).text == "1.5"
        assert await ann.read(reply.run, "join") == "1.5"
        with pytest.raises(UsageError, match="no client is called 'eve'"):
            gateway.client("eve")

    served(tmp_path, main)


def test_a_run_of_a_command_in_the_same_journal_is_nobodys(tmp_path: Path) -> None:
    run(agent(tmp_path).execute("join(price(of='IBM'))", run_id="mine"))

    async def main(gateway: Gateway) -> None:
        for name in ("ann", "bob"):
            assert "you have no run 'mine'" in (await gateway.client(name).run_plan(resume="mine")).text

    served(tmp_path, main)


# ---------------------------------------------------------------------------------------------------- who waits


def test_a_run_that_takes_longer_than_a_client_waits_goes_on(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        client = gateway.client("bob")
        reply = await client.run_plan("x = wait(seconds=120)\njoin(x)")
        assert reply.state == "running"
        assert reply.text.endswith("running wait")
        again = await client.run_plan(resume=reply.run)
        assert again.state == "running"
        assert (await client.run_plan(resume=reply.run)).text == "120.0"

    served(tmp_path, main)


def test_who_takes_back_a_request_stops_the_run_that_nobody_else_waits_for(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        client = gateway.client("bob")
        asking = asyncio.create_task(client.run_plan("x = wait(seconds=5)\njoin(x)"))
        await asyncio.sleep(1.0)
        assert gateway.under_way == 1
        (run_id,) = [id for id, _ in gateway.memory.open_runs()]
        other = asyncio.create_task(client.run_plan(resume=run_id))
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.sleep(0.5)
        assert gateway.under_way == 1
        other.cancel()
        await asyncio.wait([asking, other])
        assert gateway.under_way == 0
        assert gateway.memory.open_runs() == []
        assert "cancelled" in (await client.run_plan(resume=run_id)).text

    served(tmp_path, main)


def test_there_are_so_many_runs_at_once_and_half_of_them_for_one(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        ann, bob = gateway.client("ann"), gateway.client("bob")
        slow = "x = wait(seconds=5)\njoin(x)"
        asking = [asyncio.create_task(one.run_plan(slow)) for one in (bob, bob, ann)]
        await asyncio.sleep(1.0)
        refused = await bob.run_plan(slow)
        assert refused.state == "refused"
        assert "2 runs of yours are under way, and 3 in all; there may be 2 and 4" in refused.text
        asking.append(asyncio.create_task(ann.run_plan(slow)))
        await asyncio.sleep(0.1)
        assert (await ann.run_plan(slow)).state == "refused"
        assert [reply.text for reply in await asyncio.gather(*asking)] == ["5.0"] * 4
        assert (await bob.run_plan(slow)).text == "5.0"

    served(tmp_path, main, max_runs=4)


# ---------------------------------------------------------------------------------------------------- approvals


WRITE = "s = send(to='a@b', text='hi')\nxs = [wait(seconds=n) for n in range(10)]\njoin(s, sum(xs))"


def test_a_write_waits_while_its_siblings_go_on_and_nothing_is_done_twice(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        ann = gateway.client("ann")
        waiting = await ann.run_plan(WRITE)
        assert waiting.state == "waiting"
        assert "1 call to approve" in waiting.text
        assert "to = 'a@b'" in waiting.text
        assert waiting.notes == (
            f"a person answers: superscalar approve {waiting.run} --journal {tmp_path / 'runs.db'}",
            f'then: run_plan(resume="{waiting.run}")',
        )
        made = sum("Succeeded" in type(one.event).__name__ for one in gateway.journal.read(waiting.run))
        assert made >= 10
        (question,) = waiting.questions
        assert (await ann.run_plan(resume=waiting.run)).state == "waiting"
        await ann.answer(waiting.run, {question.answered_by: True})
        done = await ann.run_plan(resume=waiting.run)
        assert done.text == '["sent to a@b", 45.0]'
        assert SENT == ["a@b"]
        for again in (True, False):
            with pytest.raises(UsageError, match="does not ask"):
                await ann.answer(waiting.run, {question.answered_by: again})
        assert (await ann.run_plan(resume=waiting.run)).text == done.text
        assert SENT == ["a@b"]

    served(tmp_path, main)


def test_an_answer_through_a_client_that_asks_nobody_does_not_count(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        bob, ann = gateway.client("bob"), gateway.client("ann")
        waiting = await bob.run_plan(WRITE)
        (question,) = waiting.questions
        with pytest.raises(UsageError, match="answers that come through bob do not count"):
            await bob.answer(waiting.run, {question.answered_by: True})
        with pytest.raises(UsageError, match="you have no run"):
            await ann.answer(waiting.run, {question.answered_by: True})
        assert SENT == []
        gateway.journal.approve(waiting.run, question, approved=False, by="a person")
        denied = await bob.run_plan(resume=waiting.run)
        assert "not approved by a person" in denied.text
        assert SENT == []

    served(tmp_path, main)


def test_whoever_is_trusted_is_asked_once_they_have_read_what_is_not(tmp_path: Path) -> None:
    plan = "s = send(to='a@b', text='hi')\njoin(1)"  # what it returns is not trusted, either

    async def main() -> list[str]:
        async with Gateway(agent(tmp_path), principals=[Principal("ann", trusted=True)]) as gateway:
            ann = gateway.client("ann")
            states: list[str] = [(await ann.run_plan(one)).state for one in (plan, "join(price(of='IBM'))", plan)]
            states += [(await ann.run_plan(one)).state for one in ("p = page(address='x')\njoin(1 + 1)", plan)]
            states += [(await ann.run_plan(one)).state for one in ("join(page(address='x')[:9])", plan)]
        async with Gateway(agent(tmp_path), principals=[Principal("ann", trusted=True)]) as gateway:
            states.append((await gateway.client("ann").run_plan(plan)).state)
        forgiven = Principal("ann", trusted=True, forgiven=True)
        async with Gateway(agent(tmp_path), principals=[forgiven]) as gateway:
            states.append((await gateway.client("ann").run_plan(plan)).state)
        return states

    *before, after_page, after_restart, after_trust = run(main())
    assert before == ["done"] * 6
    assert (after_page, after_restart, after_trust) == ("waiting", "waiting", "done")


def test_a_value_has_its_label_wherever_it_is_used(tmp_path: Path) -> None:
    async def main() -> list[str]:
        async with Gateway(agent(tmp_path, policy="ask"), principals=[Principal("ann", trusted=True)]) as gateway:
            ann = gateway.client("ann")
            states: list[str] = []
            for tool_of, text in (("price(of='IBM')", "f'{x}@b'"), ("page(address='x')", "x[:5]")):
                first = await ann.run_plan(f"x = {tool_of}\njoin(len(str(x)))")
                states.append(
                    (await ann.run_plan(f'x = result("{first.run}", "x")\ns = send(to={text}, text="")\njoin(1)')).state
                )
            return states

    assert run(main()) == ["done", "waiting"]


def test_inputs_of_a_client_are_as_trusted_as_what_it_writes(tmp_path: Path) -> None:
    async def main() -> list[str]:
        plan = "# input to: str\ns = send(to=to, text='hi')\njoin(1)"
        principals = [Principal("ann", trusted=True), Principal("bob")]
        async with Gateway(agent(tmp_path), principals=principals) as gateway:
            agent_of = gateway.agent
            agent_of.save("mail", plan)
            agent_of.plans.approve("mail", digest=agent_of.plans.get("mail").digest, by="me")
            found: list[str] = []
            for name in ("ann", "bob"):
                client = gateway.client(name)
                found.append((await client.run_plan(plan, inputs={"to": "a@b"})).state)
                found.append((await client.run_plan(name="mail", inputs={"to": "a@b"})).state)
            return found

    assert run(main()) == ["done", "done", "waiting", "waiting"]


# ---------------------------------------------------------------------------------------------------- plans that stay


def test_a_saved_plan_runs_once_a_person_approved_it(tmp_path: Path) -> None:
    plan = "# input of: str\nx = price(of=of)\njoin(x)"

    async def main(gateway: Gateway) -> None:
        bob = gateway.client("bob")
        saved = await bob.save_plan("quote", plan, "The price of a share.")
        assert "superscalar plans approve quote" in saved.notes[0]
        assert "nobody has approved it" in (await bob.run_plan(name="quote", inputs={"of": "IBM"})).text
        assert list(await bob.saved_plans()) == []
        assert (await bob.save_plan("quote", plan)).state == "refused"
        gateway.agent.plans.approve("quote", digest=gateway.agent.plans.get("quote").digest, by="me")
        assert [one.name for one in await bob.saved_plans()] == ["quote"]
        assert (await bob.run_plan(name="quote", inputs={"of": "AAPL"})).text == "2.5"
        first = await bob.run_plan("x = price(of='IBM')\njoin(x)")
        kept = await bob.save_plan("other", f'join(result("{first.run}", "x"))')
        assert "give a saved plan an input" in kept.text
        assert "there is no tool" in (await bob.save_plan("wrong", "join(prise(1))")).text

    served(tmp_path, main)


# ---------------------------------------------------------------------------------------------------- handles


def test_no_text_of_strangers_reaches_a_client_that_shall_read_none(tmp_path: Path) -> None:
    async def main(gateway: GatewayClient) -> list[GatewayReply]:
        plans = [
            "p = page(address='x')\njoin(p, len(p), price(of='IBM'), p[:5] == 'words')",
            "p = page(address='x')\njoin(by={p[:5]: 1}, rows=[[p[:3], 2]], own={'key': p})",
            "p = page(address='x')\nx = price(of=p)\njoin(x)",
            "p = page(address='x')\ns = send(to=p[:5], text=p)\njoin(s)",
        ]
        return [await gateway.run_plan(plan) for plan in plans]

    replies = served(tmp_path, lambda gateway: main(gateway.client("bob")), untrusted="handles")
    for reply in replies:
        assert "words" not in str(reply).replace("words of strangers", "")
    assert replies[0].text == '[{"withheld": "text", "characters": 22000}, 22000, 1.5, true]'
    assert replies[1].text.count("withheld") == 3
    assert '"key": {"withheld": "text"' in replies[1].text
    assert replies[2].text == '{"error": "error"}'
    assert replies[3].state == "waiting"


def test_and_it_may_read_none_as_a_whole_but_plans_may(tmp_path: Path) -> None:
    async def main(gateway: Gateway) -> None:
        bob = gateway.client("bob")
        reply = await bob.run_plan("p = page(address='x')\nn = price(of='IBM')\njoin(p, n)")
        with pytest.raises(UsageError, match="text of strangers stays here"):
            await bob.read(reply.run, "p")
        assert await bob.read(reply.run, "n") == "1.5"
        assert gateway.memory.label("bob").trusted
        assert (await bob.run_plan(f'join(len(result("{reply.run}", "p")))')).text == "22000"
        assert not gateway.memory.label("bob").trusted  # a stranger chose that number

    served(tmp_path, main, untrusted="handles")


# ---------------------------------------------------------------------------------------------------- going on


def test_a_gateway_goes_on_with_the_runs_of_the_one_before(tmp_path: Path) -> None:
    async def main() -> None:
        asking: asyncio.Task[GatewayReply]
        async with Gateway(agent(tmp_path), principals=TWO) as gateway:
            asking = asyncio.create_task(gateway.client("bob").run_plan("x = wait(seconds=9)\njoin(x)"))
            await asyncio.sleep(2.0)
            (run_id,) = [id for id, _ in gateway.memory.open_runs()]
        left = await asking
        assert left.state == "running"
        assert "goes on when the gateway starts again" in left.text
        async with Gateway(agent(tmp_path), principals=[Principal("ann")]) as gateway:
            assert gateway.under_way == 0  # nobody could ask for it
        async with Gateway(agent(tmp_path), principals=TWO) as gateway:
            assert gateway.under_way == 1
            assert "you have no run" in (await gateway.client("ann").run_plan(resume=run_id)).text
            assert (await gateway.client("bob").run_plan(resume=run_id)).text == "9.0"
            assert gateway.memory.open_runs() == []

    run(main())


def test_what_waits_for_a_person_waits_across_gateways(tmp_path: Path) -> None:
    async def main() -> None:
        async with Gateway(agent(tmp_path), principals=TWO) as gateway:
            waiting = await gateway.client("ann").run_plan(WRITE)
        async with Gateway(agent(tmp_path), principals=TWO) as gateway:
            assert gateway.under_way == 0
            ann = gateway.client("ann")
            (question,) = (await ann.run_plan(resume=waiting.run)).questions
            await ann.answer(waiting.run, {question.answered_by: True})
            assert (await ann.run_plan(resume=waiting.run)).text == '["sent to a@b", 45.0]'
        assert SENT == ["a@b"]

    run(main())


def test_two_gateways_on_one_journal_do_not_take_each_others_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with Gateway(agent(tmp_path), principals=TWO) as first:
            asking = asyncio.create_task(first.client("bob").run_plan("x = wait(seconds=9)\njoin(x)"))
            await asyncio.sleep(1.0)
            async with Gateway(agent(tmp_path), principals=TWO) as second:
                assert second.under_way == 0
                (run_id,) = [id for id, _ in second.memory.open_runs()]
                assert (await second.client("bob").run_plan(resume=run_id)).state == "running"
                assert (await asking).text == "9.0"
                assert (await second.client("bob").run_plan(resume=run_id)).text == "9.0"

    run(main())


# ------------------------------------------------------------------------------------------ what it is made of


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"untrusted": "some"}, 'write "text" or "handles"'),
        ({"max_runs": 0}, "max_runs is at least 1"),
        ({"answer_within": 0}, "above 0 or None"),
        ({"principals": []}, "at least one"),
        ({"principals": [Principal("a"), Principal("a")]}, "a name of its own"),
    ],
)
def test_what_a_gateway_is_told(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Gateway(agent(tmp_path), **options)


def test_it_wants_a_journal_and_the_name_of_kept_values(tmp_path: Path) -> None:
    @tool(effect="read")
    async def result(of: str) -> str:
        """Another result."""
        return of

    with pytest.raises(UsageError, match="keeps its runs in a journal"):
        Gateway(LLMCompiler(tools=[price]))
    with pytest.raises(UsageError, match="a tool is called 'result'"):
        Gateway(LLMCompiler(tools=[result], journal=tmp_path / "runs.db"))
    with pytest.raises(UsageError, match="no name of a client"):
        Principal("a b")


def test_a_rule_of_the_agent_holds_in_a_gateway(tmp_path: Path) -> None:
    async def main() -> GatewayReply:
        made = agent(tmp_path, policy=Policy(max_writes=1, mode="off"))
        async with Gateway(made, principals=TWO) as gateway:
            return await gateway.client("bob").run_plan("join([send(to=t, text='') for t in ['a', 'b']])")

    assert "max_writes=1" in run(main()).text
    assert len(SENT) == 1
