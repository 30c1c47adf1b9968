"""Runs of plans with inputs in a journal: what it has of them, and what goes on without their being given again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from superscalar import Input, Journal, LLMCompiler, RunResult, UsageError, labelled, tool
from superscalar import events as ev
from superscalar.labels import Label, Source
from superscalar.observe.provenance import Provenance
from superscalar.plan.ir import Supplied
from superscalar.testing import run

SECRET = "s3cret-of-mine"


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> float:
    """The price of a ticker."""
    return float(len(ticker))


@tool(effect="read", trust="trusted")
async def login(token: str) -> str:
    """Log in."""
    return f"hello {len(token)}"


@tool(effect="write", resource="mail", sink="to", idempotent=True)
async def send(to: str, text: str) -> str:
    """Send a text."""
    return f"to {to}: {text}"


@tool(effect="read", trust="trusted", secret="key")
async def enter(key: str) -> int:
    """Enter."""
    return len(key)


TYPES = {"tickers": list[str], "to": str, "note": Input(str | None, default=None)}
PLAN = "ps = [price(t) for t in tickers]\nr = send(to, f'{sum(ps)} {note}')\njoin(ps, r)"
GIVEN = {"tickers": ["A", "BB"], "to": "ann", "note": labelled("from afar", readers=["ann"])}


def agent(path: Path | None = None) -> LLMCompiler:
    return LLMCompiler(tools=[price, login, send], journal=path)


def executed(path: Path, source: str, types: Any, given: Any) -> RunResult:
    async def main() -> RunResult:
        compiler = agent(path)
        plan = compiler.compile(source, inputs=types)
        async with compiler.stream_plan(plan, inputs=given, run_id="run") as running:
            return await running.result()

    return run(main())


def left(path: Path, events: Sequence[ev.Event], about: Any) -> None:
    """A journal with a run of which these events survived."""

    async def main() -> None:
        log = Journal(path).begin("run", about)
        for event in events:
            log.append(event)
        log.close()

    run(main())


def test_every_beginning_of_a_run_goes_on_without_its_inputs_being_given_again(tmp_path: Path) -> None:
    whole = executed(tmp_path / "whole.db", PLAN, TYPES, GIVEN)
    recorded = [one.event for one in Journal(tmp_path / "whole.db").read("run")]
    about = Journal(tmp_path / "whole.db").about("run")
    sealed = next(place for place, event in enumerate(recorded) if isinstance(event, ev.Sealed))
    for count in range(sealed + 1, len(recorded) - 1):
        path = tmp_path / f"{count}.db"
        left(path, recorded[:count], about)
        result = run(agent(path).resume("run"))
        assert (result.answer, result.plan, dict(result.outcomes)) == (whole.answer, whole.plan, dict(whole.outcomes))


def test_a_journal_has_what_was_given_and_its_label(tmp_path: Path) -> None:
    result = executed(tmp_path / "j.db", PLAN, TYPES, GIVEN)
    recorded = [one.event for one in Journal(tmp_path / "j.db").read("run")]
    works = [event.task.work for event in recorded if isinstance(event, ev.Planned)]
    given = {work.input.name: (work.value, work.label) for work in works if isinstance(work, Supplied)}
    assert given == {
        "tickers": (["A", "BB"], Label([Source("user", "tickers")])),
        "to": ("ann", Label([Source("user", "to")])),
        "note": ("from afar", Label([Source("user", "note", trusted=False)], ["ann"])),
    }
    assert Provenance(recorded, result.declared).label("r") == result.provenance("r").label


@pytest.fixture
def secretive(tmp_path: Path) -> tuple[Path, list[ev.Event], Any]:
    """A run whose token is secret, as its journal has it."""
    types = {"token": Input(str, secret=True), "n": int}
    executed(tmp_path / "j.db", "ok = login(token)\njoin(ok, n)", types, {"token": SECRET, "n": 1})
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    journal = Journal(tmp_path / "j.db")
    return tmp_path, [one.event for one in journal.read("run")], journal.about("run")


def beginnings(events: Sequence[ev.Event]) -> list[int]:
    """How many events there are where the plan was whole and the call that needs the secret was not over."""
    sealed = next(place for place, event in enumerate(events) if isinstance(event, ev.Sealed))
    over = next(place for place, event in enumerate(events) if isinstance(event, ev.Succeeded) and event.id == "ok")
    return [*range(sealed + 1, over + 1)]


def test_a_secret_input_is_given_again(secretive: tuple[Path, list[ev.Event], Any]) -> None:
    folder, events, about = secretive
    for count in beginnings(events):
        path = folder / f"{count}.db"
        left(path, events[:count], about)
        result = run(agent(path).resume("run", inputs={"token": SECRET}))
        assert result.answer == [f"hello {len(SECRET)}", 1]
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_without_a_secret_input_what_needs_it_fails_and_the_rest_goes_on(
    secretive: tuple[Path, list[ev.Event], Any],
) -> None:
    folder, events, about = secretive
    for count in beginnings(events):
        path = folder / f"{count}.db"
        left(path, events[:count], about)
        result = run(agent(path).resume("run"))
        failed = [str(failure) for failure in result.outcomes.failures.values()]
        assert any("`token` is a secret, which no journal has: give it again" in text for text in failed), failed
        assert result.answer[1] == 1


def test_what_a_run_has_is_not_given_again(secretive: tuple[Path, list[ev.Event], Any]) -> None:
    folder, events, about = secretive
    left(folder / "k.db", events[: beginnings(events)[0]], about)
    with pytest.raises(UsageError, match="inputs= of a run that goes on are the secret ones alone, and 'n' is none"):
        run(agent(folder / "k.db").resume("run", inputs={"n": 2}))
    with pytest.raises(UsageError, match="`token`: it is secret, and a text of fewer than 8"):
        run(agent(folder / "k.db").resume("run", inputs={"token": "short"}))


def test_what_an_input_gives_a_secret_parameter_is_in_no_journal(tmp_path: Path) -> None:
    async def main() -> RunResult:
        compiler = LLMCompiler(tools=[enter], journal=tmp_path / "j.db")
        plan = compiler.compile("k = key.strip()\njoin(enter(k))", inputs={"key": str})
        async with compiler.stream_plan(plan, inputs={"key": f"{SECRET} "}) as running:
            return await running.result()

    assert run(main()).answer == len(SECRET)
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("given", [{}, {"key": "another-secret"}])
def test_nor_is_what_its_default_would_give(tmp_path: Path, given: dict[str, str]) -> None:
    async def main() -> RunResult:
        compiler = LLMCompiler(tools=[enter], journal=tmp_path / "j.db")
        plan = compiler.compile("join(enter(key))", inputs={"key": Input(str, SECRET, f"such as {SECRET}")})
        async with compiler.stream_plan(plan, inputs=given, run_id="run") as running:
            return await running.result()

    assert run(main()).answer == len(given.get("key", SECRET))
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(list(Journal(tmp_path / "j.db").read("run"))) > 5
