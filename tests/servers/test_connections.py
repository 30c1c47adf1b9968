"""The connection to a server: made when it is needed, made anew after it has ended, and not sooner than a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from superscalar import LLMCompiler, NotDone, ToolsetError
from superscalar.mcp.config import read_servers
from superscalar.mcp.connection import Connection, Unreachable
from superscalar.testing import run

SERVER = read_servers({"mcpServers": {"shop": {"command": "shop"}}}).servers[0]


class Wire:
    """Clients of a server that a test has in its hands. `there`: it can be connected; `opened`, `closed`: how many."""

    def __init__(self) -> None:
        self.there = True
        self.opened = self.closed = 0
        self.ended: Callable[[], None] = lambda: None
        self.waits = asyncio.Event()
        self.pages = [["a"], ["b", "c"]]
        self.told = False

    def __call__(self, _: Any, *, ended: Callable[[], None], changed: Callable[[], None]) -> Any:
        self.ended, self.changed = ended, changed
        return Line(self)


class Line:
    """One client."""

    instructions = ""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        tools = SimpleNamespace(list_changed=True) if wire.told else None
        self.server_capabilities = SimpleNamespace(tools=tools)
        self.session = SimpleNamespace(initialize_result=object())

    async def __aenter__(self) -> Line:
        await asyncio.sleep(0.1)
        if not self.wire.there:
            raise OSError("no such program")
        self.wire.opened += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.wire.closed += 1

    async def call_tool(self, tool: str, arguments: Any, *, progress_callback: Any) -> Any:
        match tool:
            case "ends":
                self.wire.ended()
                raise MCPError(-32000, "Connection closed")
            case "status":
                raise MCPError(arguments["code"], "no", {"headers": {"retry-after": "7"}})
            case "waits":
                await self.wire.waits.wait()
        return tool

    async def list_tools(self, *, cursor: str | None, cache_mode: str) -> Any:
        page, pages = int(cursor or 0), self.wire.pages
        following = str(page + 1) if page + 1 < len(pages) else None
        await asyncio.sleep(0.1)
        return SimpleNamespace(tools=pages[page], next_cursor=following)


async def called(connection: Connection, tool: str = "echo", **arguments: Any) -> Any:
    try:
        return await connection.call(tool, arguments, None, None)
    except Exception as error:  # noqa: BLE001 -- which one it is, is what is tested
        return type(error).__name__


def test_many_calls_share_one_client_which_is_left_at_the_end() -> None:
    async def main() -> None:
        wire = Wire()
        connection = Connection(SERVER, wire)
        assert await asyncio.gather(*(called(connection) for _ in range(20))) == ["echo"] * 20
        await connection.aclose()
        assert (wire.opened, wire.closed) == (1, 1)

    run(main())


def test_a_server_that_ends_fails_its_calls_and_is_connected_again_by_a_new_client() -> None:
    async def main() -> None:
        wire = Wire()
        connection = Connection(SERVER, wire)
        assert await called(connection) == "echo"
        assert await called(connection, "ends") == "ConnectionEnded"
        assert await called(connection) == "echo"
        assert (wire.opened, wire.closed) == (2, 1)
        await connection.aclose()

    run(main())


def test_a_client_that_serves_no_more_is_left_when_its_calls_have_ended() -> None:
    async def main() -> None:
        wire = Wire()
        connection = Connection(SERVER, wire)
        slow = asyncio.create_task(called(connection, "waits"))
        await asyncio.sleep(1)
        assert await called(connection) == "echo"
        assert await called(connection, "status", code=404) == "Unreachable"
        assert await called(connection) == "echo"
        assert (wire.opened, wire.closed) == (2, 0)
        wire.waits.set()
        assert await slow == "waits"
        await asyncio.sleep(1)
        assert (wire.opened, wire.closed) == (2, 1)
        await connection.aclose()

    run(main())


def test_a_server_that_is_not_there_is_tried_again_after_pauses_that_grow() -> None:
    async def main() -> list[float]:
        wire = Wire()
        wire.there = False
        connection = Connection(SERVER, wire)
        clock = asyncio.get_running_loop().time
        tried: list[float] = []
        begun = clock()
        while clock() - begun < 100:
            before = clock()
            with pytest.raises(NotDone):  # nothing was sent: a write is in no doubt
                await connection.call("echo", {}, None, None)
            if clock() > before:  # else it was not tried
                tried.append(before)
            await asyncio.sleep(0.1)
        wire.there = True
        await asyncio.sleep(30)
        assert await called(connection) == "echo"
        await connection.aclose()
        return [later - sooner for sooner, later in pairwise(tried)]

    pauses = run(main())
    assert [round(pause) for pause in pauses] == [1, 1, 2, 4, 8, 16, 30, 30][: len(pauses)]


def test_a_list_is_read_to_its_end_and_kept_where_changes_are_told() -> None:
    async def main() -> None:
        wire = Wire()
        wire.told = True
        connection = Connection(SERVER, wire)
        first = await connection.tools()
        assert first == ["a", "b", "c"]
        wire.pages = [["d"]]
        assert await connection.tools() is first
        wire.changed()
        assert await connection.tools() == ["d"]
        await connection.aclose()

    run(main())


def test_who_asks_while_a_changed_list_is_read_gets_the_new_one_too() -> None:
    async def main() -> None:
        wire = Wire()
        wire.told = True
        connection = Connection(SERVER, wire)
        await connection.tools()
        wire.pages = [["d"]]
        wire.changed()
        assert list(await asyncio.gather(connection.tools(), connection.tools())) == [["d"], ["d"]]
        wire.changed()
        reads = asyncio.create_task(connection.tools())
        await asyncio.sleep(0.05)
        wire.pages = [["e"]]
        wire.changed()  # once it was read, or as good as
        assert (await reads, await connection.tools()) == (["d"], ["e"])
        await connection.aclose()

    run(main())


def test_without_news_of_changes_a_list_is_read_each_time_and_is_the_same_if_nothing_changed() -> None:
    async def main() -> None:
        wire = Wire()
        connection = Connection(SERVER, wire)
        first = await connection.tools()
        assert await connection.tools() is first
        wire.pages = [["d"]]
        assert await connection.tools() == ["d"]
        wire.ended()
        wire.there = False
        assert await connection.tools() == ["d"]  # of before, since it is not there now
        await connection.aclose()

    run(main())


def test_a_list_without_end_is_refused() -> None:
    async def main() -> None:
        wire = Wire()
        wire.pages = [["a"] * 6_000] * 3
        with pytest.raises(ToolsetError, match="has no end: 12,000 of them so far"):
            await Connection(SERVER, wire).tools()

    run(main())


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (-32000, "ConnectionEnded"),
        (-32602, "NotDone"),
        (-32601, "NotDone"),
        (-32603, "ToolError"),
        (7, "ToolError"),
        (429, "RefusedByHttp"),
        (401, "NotDone"),
        (503, "RefusedByHttp"),
    ],
)
def test_what_an_error_says_of_a_call(code: int, error: str) -> None:
    async def main() -> str:
        connection = Connection(SERVER, Wire())
        try:
            return str(await called(connection, "status", code=code))
        finally:
            await connection.aclose()

    assert run(main()) == error


def test_what_cannot_be_opened_is_told_by_name(tmp_path: Path) -> None:
    from superscalar import Toolset

    config = {"mcpServers": {"shop": {"command": str(tmp_path / "nothing")}, "no": {"command": str(tmp_path / "none")}}}
    with pytest.raises(ToolsetError, match=r"shop cannot be reached: FileNotFoundError.*; no cannot be reached"):
        asyncio.run(LLMCompiler(tools=Toolset.from_mcp(config)).execute("join(1)"))


def test_being_unreachable_is_something_that_was_not_done() -> None:
    assert issubclass(Unreachable, NotDone)
