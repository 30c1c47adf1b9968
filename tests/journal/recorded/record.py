"""Makes `vN.sql` and `vN.json` beside it: a journal with every kind of event and value, and what its runs came to.

Run once per format of events or of the file, by the release that introduces it, and never again for that format:

    PYTHONPATH=src:tests:. python tests/journal/recorded/record.py

The journals of old releases must be read by every later one; `test_recorded` reads all that are here.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sqlite3
import tempfile
import uuid
import zoneinfo
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, SecretStr

from superscalar import Limit, LLMCompiler, NotDone, RateLimited, ToolContext, tool
from superscalar.codec import VERSION
from superscalar.events import Event
from superscalar.journal import Journal
from superscalar.testing import ScriptedModel, run
from superscalar.values import Failure, Observation, OrderedSet, Skipped
from support.random_events import ONE_OF_EACH

HERE = Path(__file__).parent


class Point(NamedTuple):
    """A record that is a tuple."""

    x: float
    y: float


@dataclass
class Quote:
    """A record."""

    ticker: str
    at: Point


class Account(BaseModel):
    """A record with a secret."""

    user: str
    password: SecretStr


VALUES: dict[str, Any] = {
    "constants": [None, True, False, 0, -1, 1 << 70, 1 << 5000, 1.5, -0.0, 1e300],
    "odd numbers": [float("inf"), float("-inf"), float("nan"), Decimal("1.10"), Decimal("NaN")],
    "text": ["", "plain", "Grüße", "\x00\x1b", "\ud800", "🙂", "_"],
    "bytes": b"\x00\xff",
    "times": [
        dt.date(2024, 2, 29),
        dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
        dt.time(1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
        dt.timedelta(days=-1, microseconds=3),
    ],
    "collections": [(1, (2,)), {1, 2}, frozenset({3}), OrderedSet(["b", "a"]), {"_": 1}, {1: "x", (2, None): "y"}],
    "records": [Quote("IBM", Point(1.0, 2.0)), Account(user="ann", password=SecretStr("hunter2"))],
    "identities": [uuid.UUID(int=7), PurePosixPath("/a/b"), PureWindowsPath("C:/a"), Path("c")],
    "outcomes": [Observation(1), Failure("timeout", "late", in_doubt=True), Skipped("x", by_guard=True)],
}


@tool(effect="read", limit="quotes", retry=3)
async def price(ticker: str, run: ToolContext[Any]) -> float:
    """A price; refused at first, and slow for long names."""
    run.progress("asking", 0.5)
    await asyncio.sleep(len(ticker))
    if ticker == "IBM" and run.attempt == 1:
        raise RateLimited(retry_after=1.0)
    if ticker == "XXX":
        raise LookupError("no such ticker")
    return len(ticker) * 10.5


@tool(effect="pure")
async def values(name: str) -> Any:
    """Values of every kind."""
    return VALUES[name]


@tool(effect="write", resource=lambda to: f"box:{to}")
async def send(to: str, text: str) -> str:
    """Send a message; one is refused, and of one nobody knows."""
    await asyncio.sleep(1)
    if to == "nobody":
        raise NotDone("there is no such box")
    if to == "somebody":
        raise TimeoutError("no answer")
    return f"sent to {to}"


@tool(effect="read")
async def name_of(number: int) -> str:
    """The name of a number."""
    return f"n{number}"


@name_of.batch
async def names_of(numbers: list[int]) -> list[str]:
    """Their names."""
    await asyncio.sleep(1)
    return [f"n{number}" for number in numbers]


BROKEN = """\
# what do they cost
prices = [price(t) for t in ["IBM", "AAPL", "XXX"]]
total = sum(ok(prices), nothing)
join(total)
"""
REPAIR = """\
total = sum(ok(prices))
if total > 10:
    note = send("me", f"total {total:.2f}")
else:
    note = send("you", "nothing")
join(total, note)
"""
AGAIN = """\
best = first(2, [price(t) for t in ["A", "AAAAAAAAA", "BB"]])
names = [name_of(n) for n in range(3)]
kinds = [values(k) for k in ["text", "text", "collections"]]
unused = price("ZZZZZZZZZZ")
lost = send("nobody", "x")
doubt = send("somebody", "y")
after = send("somebody", "z")
acc = 0
for n in names:
    acc += len(n)
join(best=best, names=names, kinds=kinds, lost=lost, doubt=doubt, after=after, acc=acc)
"""


def record(path: Path) -> None:
    """The runs `question`, `values`, `deadline` and `cut`, made in virtual time, and `each`, written by hand."""
    journal = Journal(path)
    tools: list[Any] = [price, values, send, name_of]
    limits = {"quotes": Limit(concurrency=2)}

    async def main() -> None:
        model = ScriptedModel(BROKEN, REPAIR, "REPLAN: and the best two?", AGAIN, "It is done.", chunk=7, delay=0.01)
        agent = LLMCompiler(model, tools, limits=limits, journal=journal)
        await agent.run("What are they worth?", run_id="question")
        plan = "".join(f"v{i} = values({name!r})\n" for i, name in enumerate(VALUES))
        await agent.execute(f"{plan}join()\n", run_id="values")
        await agent.execute(
            'a = price("AA")\nb = price("AAAAAAAAAAAAAAAA")\njoin(a, b)\n', run_id="deadline", deadline=5
        )
        log = journal.begin("cut", {"kind": "execute"})
        for recorded in journal.read("question")[:60]:
            log.append(recorded.event)
        log.close()

    run(main())
    log = journal.begin("each", {"kind": "answer", "question": "?", "history": [{"role": "user", "text": "!"}]})
    for event in ONE_OF_EACH:
        log.append(event)
    log.close()
    journal.keep_durations({"price": 2.5})
    missing = set(get_args(Event)) - {type(r.event) for s in journal.runs() for r in journal.read(s.id)}
    assert not missing, missing


def main() -> None:
    """Write both files."""
    from support.recorded_runs import told  # beside this one, one folder up

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        record(path)
        with closing(sqlite3.connect(path)) as connection:
            application, format = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            lines = [*connection.iterdump(), f"PRAGMA application_id={application};", f"PRAGMA user_version={format};"]
        (HERE / f"v{VERSION}.sql").write_text("\n".join(lines) + "\n")
        (HERE / f"v{VERSION}.json").write_text(json.dumps(told(Journal(path)), indent=1) + "\n")


if __name__ == "__main__":
    main()
