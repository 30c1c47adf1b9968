"""`superscalar mcp` as processes: pipes and sockets, the clients of Python and of npm, a gateway that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, InputRequiredResult

NODE = Path(__file__).parent / "node" / "drive.mjs"
MODULES = Path(__file__).parents[2] / "build" / "mcp" / "node_modules"
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])
no_npm = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "@modelcontextprotocol" / "client").exists(),
    reason="the clients of npm are not installed: `make mcp` does that",
)

pytestmark = pytest.mark.skipif(
    not os.environ.get("SUPERSCALAR_MCP"), reason="the processes of gateways take a minute: `make mcp` starts them"
)

TOOLS = '''
import asyncio
from pathlib import Path
from superscalar import tool

LOG = Path(__file__).with_name("log")

def note(text: str) -> None:
    with LOG.open("a") as log:
        log.write(text + "\\n")

@tool(effect="read", trust="trusted")
async def look(n: int) -> int:
    """Look something up."""
    print("no message")
    await asyncio.sleep(0.1)
    note(f"look {n}")
    return n

@tool(effect="read", trust="trusted")
async def slow(seconds: float) -> float:
    """Take a while."""
    note("slow begins")
    await asyncio.sleep(seconds)
    note("slow ends")
    return seconds

@tool(effect="write", sink="to")
async def send(to: str, text: str) -> str:
    """Send a message."""
    note(f"send {to}")
    return f"sent to {to}"

tools = [look, slow, send]
'''
CLIENT = {"name": "x", "version": "1"}
PLAN = "ns = [look(n=n) for n in range(10)]\ns = send(to='a', text='hi')\njoin(sum(ns), s)"


def command(folder: Path, *more: str) -> list[str]:
    (folder / "tools_of_it.py").write_text(TOOLS)
    own = ["-m", "superscalar", "mcp", "--tools", str(folder / "tools_of_it.py"), "--journal", str(folder / "runs.db")]
    return [*own, *more]


def log(folder: Path) -> list[str]:
    file = folder / "log"
    return file.read_text().splitlines() if file.exists() else []


def over_pipes(folder: Path, *more: str) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=command(folder, *more), env=dict(os.environ))


def text_of(result: Any) -> str:
    assert isinstance(result, CallToolResult), result
    return "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))


class Person:
    """Says yes to whatever it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params.message)
        return types.ElicitResult(action="accept", content={"approve": True})


def superscalar(*words: str) -> str:
    """What a command prints that a person types."""
    done = subprocess.run(
        [sys.executable, "-m", "superscalar", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@asynccontextmanager
async def listening(folder: Path, *more: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A gateway that listens, and its address."""
    for name in ("ann", "bob"):
        path = folder / f"{name}.token"
        path.write_text(f"{name}-0123456789abcdef")
        path.chmod(0o600)
    given = [f"--token={name}={folder / name}.token" for name in ("ann", "bob")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command(folder, "--http", "0", *given, *more), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        yield process, (await asyncio.wait_for(process.stderr.readline(), 90)).decode().strip()
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)


@asynccontextmanager
async def client_of(address: str, name: str, mode: str, **more: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {name}-0123456789abcdef"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(address, http_client=http), mode=mode, **more) as client,
    ):
        yield client


@MODES
def test_an_approval_by_the_client_while_ten_siblings_end(tmp_path: Path, mode: str) -> None:
    person = Person()

    async def main() -> str:
        server = over_pipes(tmp_path, "--client-approves", "stdio")
        async with Client(server, mode=mode, elicitation_callback=person) as client:
            return text_of(await client.call_tool("run_plan", {"plan": PLAN}))

    assert asyncio.run(main()).startswith('[45, "sent to a"]')
    assert len(person.asked) == 1
    assert sorted(log(tmp_path)) == sorted([*(f"look {n}" for n in range(10)), "send a"])


@MODES
def test_a_gateway_that_is_killed_while_a_person_thinks_makes_nothing_twice(tmp_path: Path, mode: str) -> None:
    """The run is approved at the terminal while no gateway is there, and gone on with by the next."""

    async def killed(calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
        """What is answered; the gateway is killed then."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command(tmp_path, "--http", "0", *tokens), stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        address = (await asyncio.wait_for(process.stderr.readline(), 90)).decode().strip()
        try:
            async with client_of(address, "ann", mode) as client:
                return [text_of(await client.call_tool(name, given)) for name, given in calls]
        finally:
            process.kill()
            await process.wait()

    token = tmp_path / "ann.token"
    token.write_text("ann-0123456789abcdef")
    token.chmod(0o600)
    tokens = [f"--token=ann={token}"]
    (waiting,) = asyncio.run(killed([("run_plan", {"plan": PLAN})]))
    id = waiting.split()[1]
    assert f"superscalar approve {id}" in waiting
    listed = superscalar("approve", id, "--journal", str(tmp_path / "runs.db"))
    assert "to = 'a'" in listed
    question = next(word for word in listed.split() if word.startswith("s@"))
    superscalar("approve", id, question, "--journal", str(tmp_path / "runs.db"))
    done, again = asyncio.run(killed([("run_plan", {"resume": id})] * 2))
    assert done.startswith('[45, "sent to a"]')
    assert again == done
    assert sorted(log(tmp_path)) == sorted([*(f"look {n}" for n in range(10)), "send a"])


def test_a_state_outlives_a_gateway_that_is_killed(tmp_path: Path) -> None:
    async def main() -> None:
        more = ("--client-approves", "ann", "--client-approves", "bob")
        given = {"plan": PLAN}
        async with listening(tmp_path, *more) as (process, address):
            async with client_of(address, "ann", "auto", elicitation_callback=Person()) as client:
                asked = await client.session.call_tool("run_plan", given, allow_input_required=True)
            process.kill()
            await process.wait()
        assert isinstance(asked, InputRequiredResult)
        said = types.ElicitResult(action="accept", content={"approve": True})
        brought: dict[str, Any] = {
            "input_responses": dict.fromkeys(asked.input_requests or {}, said),
            "request_state": asked.request_state,
            "allow_input_required": True,
        }
        async with listening(tmp_path, *more) as (_, address):
            async with client_of(address, "bob", "auto") as client:
                with pytest.raises(Exception, match="Invalid or expired requestState"):
                    await client.session.call_tool("run_plan", given, **brought)
            assert "send a" not in log(tmp_path)
            async with client_of(address, "ann", "auto") as client:
                assert text_of(await client.session.call_tool("run_plan", given, **brought)).startswith('[45, "sent')
                assert "does not ask" in text_of(await client.session.call_tool("run_plan", given, **brought))

    asyncio.run(main())
    assert log(tmp_path).count("send a") == 1


def test_a_run_goes_on_after_its_gateway_was_killed(tmp_path: Path) -> None:
    """What it had done is not done again; the client asks for it by its id."""
    plan = "a = look(n=7)\nb = slow(seconds=a / 7 + 1)\nc = look(n=int(b))\njoin(a, b, c)"

    async def main() -> str:
        async with listening(tmp_path, "--answer-within", "0.5") as (process, address):
            async with client_of(address, "ann", "auto") as client:
                id = text_of(await client.call_tool("run_plan", {"plan": plan})).split()[1]
            process.kill()
            await process.wait()
        assert log(tmp_path) == ["look 7", "slow begins"]
        async with listening(tmp_path) as (_, address):
            async with client_of(address, "bob", "auto") as client:
                assert "you have no run" in text_of(await client.call_tool("run_plan", {"resume": id}))
            async with client_of(address, "ann", "auto") as client:
                return text_of(await client.call_tool("run_plan", {"resume": id}))

    assert asyncio.run(main()).startswith("[7, 2.0, 2]")
    assert log(tmp_path) == ["look 7", "slow begins", "slow begins", "slow ends", "look 2"]


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("over", ["pipes", "http"])
def test_a_signal_ends_it_and_leaves_its_runs(tmp_path: Path, over: str, with_signal: signal.Signals) -> None:
    plan = {"plan": "a = slow(seconds=30)\njoin(a)"}

    async def main() -> tuple[int, str]:
        if over == "http":
            headers = {
                "Authorization": "Bearer ann-0123456789abcdef",
                "Accept": "application/json, text/event-stream",
            }
            async with listening(tmp_path) as (process, address), httpx.AsyncClient(headers=headers) as http:
                about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}
                hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
                session = (await http.post(address, json=hello, timeout=60)).headers["mcp-session-id"]
                call = {
                    "jsonrpc": "2.0",
                    "id": 2,
                    "method": "tools/call",
                    "params": {"name": "run_plan", "arguments": plan},
                }
                asking = http.post(address, json=call, headers={"mcp-session-id": session}, timeout=60)
                return await ended(process, asyncio.create_task(asking))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command(tmp_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}
        for message in (
            {"id": 1, "method": "initialize", "params": about},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": "run_plan", "arguments": plan}},
        ):
            process.stdin.write((json.dumps({"jsonrpc": "2.0", **message}) + "\n").encode())
        return await ended(process, None)

    async def ended(process: asyncio.subprocess.Process, asking: Any) -> tuple[int, str]:
        async with asyncio.timeout(90):
            while not log(tmp_path):  # noqa: ASYNC110 -- a file of another process
                await asyncio.sleep(0.05)
        process.send_signal(with_signal)
        assert process.stderr is not None
        said = (await asyncio.wait_for(process.stderr.read(), 20)).decode()
        code = await asyncio.wait_for(process.wait(), 60)
        if asking is not None:
            await asyncio.wait([asking])
            asking.exception()  # its connection ends
        return code, said

    code, said = asyncio.run(main())
    assert "Traceback" not in said
    assert code in (0, 130, 143, -with_signal)
    assert log(tmp_path) == ["slow begins"]
    states = superscalar("runs", "--journal", str(tmp_path / "runs.db"))
    assert "interrupted" in states


def test_requests_of_strangers_are_refused_before_anything_is_read_of_them(tmp_path: Path) -> None:
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
    listed = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}

    async def main() -> None:
        async with listening(tmp_path) as (_, address), httpx.AsyncClient(timeout=20) as http:

            async def told(name: str, content: Any = first, **headers: str) -> Any:
                token = {"Authorization": f"Bearer {name}-0123456789abcdef"} if name else {}
                accepts = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
                given = {key.replace("_", "-"): value for key, value in headers.items()}
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                return await http.post(address, content=body, headers={**accepts, **token, **given})

            for name, headers, statuses in (
                ("", {}, {401}),
                ("eve", {}, {401}),
                ("", {"Authorization": "Bearer x"}, {401}),
                ("", {"Authorization": "Basic ann-0123456789abcdef"}, {401}),
                ("ann", {"Host": "evil.example"}, {421}),
                ("ann", {"Origin": "https://evil.example"}, {403}),
                ("ann", {"Origin": "null"}, {403}),
            ):
                assert (await told(name, **headers)).status_code in statuses, (name, headers)
            assert (await told("ann", b" " * (2 * 1024 * 1024 + 1))).status_code == 413
            assert (await told("ann", b"{")).status_code == 400
            begun = await told("ann")
            assert begun.status_code == 200
            session = begun.headers["mcp-session-id"]
            assert (await told("ann", listed, Mcp_Session_Id=session)).status_code == 200
            assert (await told("bob", listed, Mcp_Session_Id=session)).status_code in (401, 403, 404)
            assert (await told("ann", listed, Mcp_Session_Id="0" * 32)).status_code in (400, 404)

    asyncio.run(main())


@no_npm
@pytest.mark.parametrize("release", ["v1", "v2"])
@pytest.mark.parametrize("over", ["stdio", "http"])
def test_the_clients_of_npm_run_a_plan_and_approve(tmp_path: Path, release: str, over: str) -> None:
    calls = [["list_tools", {}], ["run_plan", {"plan": "join(look(n=3))"}], ["run_plan", {"plan": PLAN}]]
    said: dict[str, Any] = {"modules": str(MODULES.parent), "calls": calls, "approve": True}

    async def driven() -> Any:
        process = await asyncio.create_subprocess_exec(
            "node", str(NODE), release, over, json.dumps(said), stdout=subprocess.PIPE
        )
        told, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        return json.loads(told)

    async def main() -> Any:
        if over == "stdio":
            said.update(command=sys.executable, args=command(tmp_path, "--client-approves", "stdio"))
            return await driven()
        async with listening(tmp_path, "--client-approves", "ann") as (_, address):
            said.update(url=address, token="ann-0123456789abcdef")
            return await driven()

    told = asyncio.run(main())
    tools, one, both = (reply["text"] for reply in told["replies"])
    assert told["tools"] == ["list_tools", "check_plan", "run_plan"]
    assert "look(n: int)" in tools
    assert one.startswith("3\n")
    assert both.startswith('[45, "sent to a"]')
    assert len(told["asked"]) == 1
    assert told["progress"] > 0
    assert told["version"] == ("2026-07-28" if release == "v2" else "2025-11-25")
    assert log(tmp_path).count("send a") == 1
