"""Servers that are processes: they are there when they are needed, end as a whole, and tell the log what goes on."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, Observation, Toolset
from superscalar.mcp import process
from superscalar.mcp.config import read_servers

SERVER = Path(__file__).parent.parent / "support" / "stdio_server.py"
TOKEN = "tok-0123456789"


def configuration(*names: str, **said: Any) -> dict[str, Any]:
    one = {"command": sys.executable, "args": ["-S", "-E", str(SERVER), *names], "env": {"TOKEN": TOKEN}, **said}
    return {"mcpServers": {"own": one}}


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def open_files() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


TELLS = """echo '{"jsonrpc": "2.0", "method": "x", "params": {"begun": '$!'}}'"""


async def begun_by(script: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Which process a server of that script says that it has begun; the server is left then."""
    monkeypatch.setattr(process, "GRACE", 0.05)
    server = read_servers({"mcpServers": {"s": {"command": "sh", "args": ["-c", script]}}}).servers[0]
    async with process.process_streams(server, 1_000) as (told, _):
        begun: int = (await told.receive()).message.params["begun"]
        return begun


def ends(number: int) -> bool:
    """Whether it has ended, or does within some seconds."""
    try:
        told = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([told], [], [], 6)[0])
    finally:
        os.close(told)


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc to look for processes in")


@linux
def test_a_server_killed_in_a_plan_fails_its_calls_and_these_alone_and_comes_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="superscalar.mcp")
    config = configuration(trust_annotations=True)
    config["mcpServers"]["other"] = configuration("echo", trust_annotations=True)["mcpServers"]["own"]
    plan = """
pid = parse_json(child())
before = own_echo(text="a")
dead = die()
after = other_echo(text="b")
join(pid, before, after, default(dead, "dead"))
"""

    async def main() -> tuple[Any, Any, bool, int]:
        agent = LLMCompiler(tools=Toolset.from_mcp(config), policy="off")
        async with agent.opened():
            outcomes = await agent.execute(plan)
            again = await agent.execute("join(own_echo(text='c'), other_echo(text='d'), child())")
            alive = is_alive(int(again.joined[2]))
        return outcomes, again.joined[:2], alive, int(again.joined[2])

    outcomes, again, was_alive, child = asyncio.run(main())
    dead = outcomes["dead"]
    assert isinstance(dead, Failure)
    assert (dead.error, dead.in_doubt, outcomes.joined[1:]) == ("ConnectionEnded", True, ["a", "b", "dead"])
    assert outcomes["after"] == Observation("b")
    assert (again, was_alive) == (["c", "d"], True)
    assert ends(child)
    assert ends(outcomes.joined[0])  # whole groups have ended
    said = [record.getMessage() for record in caplog.records if "ready" in record.getMessage()]
    assert sorted(said) == [f"{name}: ready, with the token **********" for name in ("other", "own", "own")]
    assert TOKEN not in caplog.text


@linux
def test_servers_end_with_their_children_where_the_program_fails() -> None:
    seen: list[int] = []

    async def main() -> None:
        agent = LLMCompiler(tools=Toolset.from_mcp(configuration("child")), policy="off")
        async with agent.opened():
            seen.append(int((await agent.execute("join(child())")).joined))
            assert is_alive(seen[0])
            raise KeyError("the program")

    with pytest.raises(KeyError):
        asyncio.run(main())
    assert ends(seen[0])


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_end_of_a_forked_child_ends_no_server_of_its_parent() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as server:
        process._alive.add(server.pid)
        child = os.fork()
        if child == 0:
            process._end_all()  # as at its exit
            os._exit(0)
        os.waitpid(child, 0)
        try:
            assert is_alive(server.pid)
        finally:
            process._end_all()
            process._alive.discard(server.pid)
    assert server.returncode == -signal.SIGKILL


@linux
def test_a_line_that_is_no_message_is_passed_over_and_who_does_not_end_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its children, which heed no signal either."""
    script = f"trap '' TERM; sleep 60 & echo hello; {TELLS}; while :; do sleep 9; done"
    assert ends(asyncio.run(begun_by(script, monkeypatch)))


@linux
def test_pipes_that_are_held_by_what_left_the_group_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        before = open_files()
        left = await begun_by(f"setsid sleep 60 & {TELLS}; cat", monkeypatch)
        try:
            for _ in range(9):
                await asyncio.sleep(0)
            assert open_files() == before
        finally:
            os.kill(left, signal.SIGKILL)

    asyncio.run(main())


def test_a_call_that_is_given_up_leaves_the_session_as_it_is_and_a_write_in_doubt() -> None:
    async def main() -> Any:
        tools = {"wait": {"timeout": 0.2}}
        agent = LLMCompiler(tools=Toolset.from_mcp(configuration("wait", "echo", tools=tools)), policy="off")
        outcomes = await agent.execute("a = wait()\nb = echo(text='b')\njoin(default(a, 'late'), b)")
        return outcomes["a"]

    failure = asyncio.run(main())
    assert (failure.kind, failure.in_doubt) == ("timeout", True)
