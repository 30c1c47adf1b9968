"""The ways of having jobs done: each is open while it is measured, and asked for one job at a time."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from benchmarks.gateway.environments import ROOT, python_of
from benchmarks.gateway.jobs import Job

HERE: Final = Path(__file__).parent
MODULES: Final = ROOT / "build" / "mcp" / "node_modules"
_TOO_LONG: Final = 240.0  # seconds
_TOOLS: Final = ("read_text_file", "read_txt_file", "write_file", "look_up")


@dataclass(frozen=True, slots=True)
class Ran:
    """What one job took: round trips, bytes of replies, seconds; and what the last reply said."""

    trips: int
    came: int
    seconds: float
    said: str


class Contender(Protocol):
    """A way of having jobs done. `learned`: bytes of what it says of itself before it is asked anything."""

    learned: int
    protocol: str

    async def run(self, job: Job, gathered: bool) -> Ran:
        """Have one job done."""
        ...


class _PythonClient:
    """The official client, in front of a server."""

    def __init__(self, client: Client, learned: int) -> None:
        self._client = client
        self.learned = learned
        self.protocol = str(client.protocol_version)

    async def asked(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> Ran:
        """Make calls, each after the one before."""
        came, said = 0, ""
        begun = time.perf_counter()
        for name, given in calls:
            reply: Any = await self._client.call_tool(name, given, read_timeout_seconds=_TOO_LONG)
            came += len(reply.model_dump_json(by_alias=True, exclude_none=True).encode())
            said = "\n".join(getattr(one, "text", "") for one in reply.content)
        return Ran(len(calls), came, time.perf_counter() - begun, said)


@asynccontextmanager
async def _python_client(command: Sequence[str], mode: str) -> AsyncIterator[_PythonClient]:
    parameters = StdioServerParameters(command=command[0], args=list(command[1:]))
    unheard: Any = subprocess.DEVNULL
    async with Client(stdio_client(parameters, errlog=unheard), mode=mode) as client:
        listed = await client.list_tools()
        learned = len((client.instructions or "").encode()) + sum(
            len(one.model_dump_json(by_alias=True, exclude_none=True).encode()) for one in listed.tools
        )
        yield _PythonClient(client, learned)


class OneByOne:
    """The servers themselves, and a call for each step."""

    def __init__(self, files: _PythonClient, slow: _PythonClient) -> None:
        self._files, self._slow = files, slow
        self.learned = files.learned + slow.learned
        self.protocol = f"{files.protocol}, {slow.protocol}"

    async def run(self, job: Job, gathered: bool) -> Ran:
        """Make the calls of a job."""
        return await (self._slow if job.calls[0][0] == "look_up" else self._files).asked(job.calls)


class OfGateway:
    """A gateway, by either client: what tools there are, then the plan."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.learned: int = client.learned
        self.protocol: str = client.protocol

    async def run(self, job: Job, gathered: bool) -> Ran:
        """Have a plan run."""
        ran: Ran = await self._client.asked([("list_tools", {"query": job.query}), ("run_plan", {"plan": job.plan})])
        return ran


class OfFastMcp:
    """CodeMode of FastMCP: a search with parameters, then the code."""

    def __init__(self, client: _PythonClient, prefixed: bool) -> None:
        self._client = client
        self._prefixed = prefixed
        self.learned = client.learned
        self.protocol = client.protocol

    async def run(self, job: Job, gathered: bool) -> Ran:
        """Have code run."""
        code = by_call_tool(job.gathered if gathered else job.code, self._prefixed)
        search = {"query": job.query, "detail": "detailed"}
        return await self._client.asked([("search", search), ("execute", {"code": code})])


class _Lines:
    """A program that answers each line of JSON with one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, request: dict[str, Any] | None) -> dict[str, Any]:
        """Ask, or with None hear what it says first.

        Raises:
            ConnectionError: it has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if request is not None:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), _TOO_LONG)
        if not line:
            raise ConnectionError("the program has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def _lines(command: Sequence[str]) -> AsyncIterator[_Lines]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, limit=2**24
    )
    try:
        yield _Lines(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


class _NpmClient:
    """The client of npm, in a process of its own."""

    def __init__(self, lines: _Lines, first: dict[str, Any]) -> None:
        self._lines = lines
        self.learned: int = first["learned"]
        self.protocol = str(first.get("protocol"))

    async def asked(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> Ran:
        """Make calls, each after the one before."""
        answer = await self._lines.ask({"calls": calls})
        return Ran(len(calls), answer["came"], answer["seconds"], answer["replies"][-1])


class OfHarness:
    """CodeMode of pydantic-ai-harness; a round trip is a request of its model after the first."""

    learned = 0
    protocol = "-"

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines

    async def run(self, job: Job, gathered: bool) -> Ran:
        """Have code run."""
        answer = await self._lines.ask({"code": job.gathered if gathered else job.code})
        replies = answer["replies"]
        self.learned = answer["learned"]
        return Ran(len(replies), sum(len(one.encode()) for one in replies), answer["seconds"], "\n".join(replies))


def by_call_tool(code: str, prefixed: bool) -> str:
    """The code with calls as FastMCP wants them, with the names of servers or not, and the last line returned."""

    class Calls(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            if not (isinstance(node.func, ast.Name) and node.func.id in _TOOLS):
                return node
            keys: list[ast.expr | None] = [ast.Constant(one.arg) for one in node.keywords]
            given = ast.Dict(keys, [one.value for one in node.keywords])
            server = "" if not prefixed else "slow_" if node.func.id == "look_up" else "files_"
            return ast.Call(ast.Name("call_tool"), [ast.Constant(server + node.func.id), given], [])

    tree = Calls().visit(ast.parse(code, mode="exec"))
    assert isinstance(tree, ast.Module)
    last = tree.body[-1]
    assert isinstance(last, ast.Expr)
    tree.body[-1] = ast.Return(last.value)
    return ast.unparse(ast.fix_missing_locations(tree))


# ------------------------------------------------------------------------------------------------------------- opened


@asynccontextmanager
async def one_by_one(folder: Path) -> AsyncIterator[Contender]:
    """The servers, by the official client."""
    servers = json.loads((folder / "mcp.json").read_text())["mcpServers"]
    files, slow = ([one["command"], *one["args"]] for one in (servers["files"], servers["slow"]))
    async with _python_client(files, "auto") as first, _python_client(slow, "auto") as second:
        yield OneByOne(first, second)


def _gateway(folder: Path, name: str) -> list[str]:
    given = ["--mcp", str(folder / "mcp.json"), "--journal", str(folder / f"{name}.db")]
    return [sys.executable, "-m", "superscalar", "mcp", *given]


@asynccontextmanager
async def gateway_python(folder: Path) -> AsyncIterator[Contender]:
    """A gateway, by the official client, which speaks 2026-07-28."""
    async with _python_client(_gateway(folder, "python"), "auto") as client:
        yield OfGateway(client)


@asynccontextmanager
async def gateway_npm(folder: Path) -> AsyncIterator[Contender]:
    """A gateway, by the client of npm, which speaks 2025-11-25."""
    command = ["node", str(HERE / "npm_client.mjs"), str(MODULES), *_gateway(folder, "npm")]
    async with _lines(command) as lines:
        yield OfGateway(_NpmClient(lines, await lines.ask(None)))


@asynccontextmanager
async def _fastmcp(folder: Path, how: str) -> AsyncIterator[Contender]:
    command = [python_of("fastmcp"), str(HERE / "fastmcp_server.py"), str(folder / "mcp.json"), how]
    async with _python_client(command, "legacy") as client:
        yield OfFastMcp(client, prefixed=how == "each")


@asynccontextmanager
async def fastmcp_each(folder: Path) -> AsyncIterator[Contender]:
    """FastMCP's CodeMode with a session for each call."""
    async with _fastmcp(folder, "each") as contender:
        yield contender


@asynccontextmanager
async def fastmcp_connected(folder: Path) -> AsyncIterator[Contender]:
    """FastMCP's CodeMode with clients that are connected."""
    async with _fastmcp(folder, "connected") as contender:
        yield contender


@asynccontextmanager
async def harness(folder: Path) -> AsyncIterator[Contender]:
    """CodeMode of pydantic-ai-harness."""
    command = [python_of("harness"), str(HERE / "harness_driver.py"), str(folder / "mcp.json")]
    async with _lines(command) as lines:
        await lines.ask(None)
        yield OfHarness(lines)
