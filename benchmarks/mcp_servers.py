"""What holds of MCP servers, with real ones in both revisions of the protocol: run by `make mcp`.

    python -m benchmarks.mcp_servers --check

Those of npm speak the revision with a handshake (2025-11-25). The SDK's own (`examples/mcp/shop.py`) speaks that and
the new one (2026-07-28), on standard streams and at an address. Without Node.js the first are left out, which is said.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # it may be run as a script, too

from superscalar import Failure, LLMCompiler, Observation, Outcomes, Toolset  # noqa: E402
from superscalar.events import Progressed  # noqa: E402
from superscalar.mcp import Elicitation  # noqa: E402
from support.npm_servers import configured, missing  # noqa: E402

SHOP: Final = [sys.executable, "-m", "examples.mcp.shop"]
AT_ONCE: Final = 500

Check: TypeAlias = Callable[[Path], Coroutine[Any, Any, str]]


def shop(protocol: str, **more: Any) -> dict[str, Any]:
    """What a configuration says of the shop on standard streams."""
    said = {"command": SHOP[0], "args": SHOP[1:], "protocol": protocol, "trust_annotations": True, "cwd": str(ROOT)}
    return {"mcpServers": {"shop": {**said, **more}}}


async def person(asked: Elicitation) -> Mapping[str, Any]:
    """Somebody who wants everything wrapped."""
    return {field.name: True for field in asked.fields}


def tools_of(config: Mapping[str, Any], folder: Path, elicit: Any = None) -> Any:
    """The tools of servers, with a lock of their own."""
    return Toolset.from_mcp(config, lock=folder / "mcp.lock", elicit=elicit, tell=lambda _: None)


async def came_of(config: Mapping[str, Any], plan: str, folder: Path, elicit: Any = None) -> tuple[Outcomes, float]:
    """What a plan leaves behind under `enforce`, and how many seconds it took once the servers were there."""
    tools = tools_of(config, folder, elicit)
    async with tools:
        await tools.accept()
        agent = LLMCompiler(tools=tools, policy="enforce")
        begun = time.perf_counter()
        outcomes = await agent.execute(plan)
        return outcomes, time.perf_counter() - begun


def need(*expected: tuple[Any, Any]) -> None:
    """Make sure that things are as they should be."""
    for found, wanted in expected:
        if found != wanted:
            raise AssertionError(f"{found!r} is not {wanted!r}")


# --------------------------------------------------------------------------------------------------- what must hold


async def together(folder: Path) -> str:
    """Three servers of npm and the SDK's own in one plan with a map."""
    (folder / "a.txt").write_text("one")
    (folder / "b.txt").write_text("three")
    config = configured(folder, filesystem={"trust_annotations": True})
    config["mcpServers"] |= shop("2026-07-28")["mcpServers"]
    plan = f"""
texts = [read_text_file(path=f"{folder}/{{name}}").content for name in ["a.txt", "b.txt"]]
made = create_entities(entities=[{{"name": text, "entityType": "word", "observations": []}} for text in texts])
graph = read_graph()
bolts = part(name="bolt")
sum = get_sum(a=bolts.count, b=len(graph.entities))
join(texts, [one.name for one in graph.entities], sum)
"""
    outcomes, seconds = await came_of(config, plan, folder)
    need((outcomes.joined, [["one", "three"], ["one", "three"], "The sum of 40 and 2 is 42."]))
    return f"four servers, two revisions, {seconds:.2f} s"


def at_once(protocol: str) -> Check:
    """Many calls at once over one session of the SDK's server."""

    async def check(folder: Path) -> str:
        plan = f'join([part(name="bolt").count for n in range({AT_ONCE})])'
        outcomes, seconds = await came_of(shop(protocol), plan, folder)
        need((outcomes.joined, [40] * AT_ONCE))
        return f"{AT_ONCE} calls in {seconds:.2f} s"

    return check


async def at_once_npm(folder: Path) -> str:
    """The same over one of npm."""
    config = configured(folder)
    config["mcpServers"] = {"everything": config["mcpServers"]["everything"] | {"tools": {"echo": {"effect": "read"}}}}
    plan = f'join([echo(message=f"{{n}}") for n in range({AT_ONCE})])'
    outcomes, seconds = await came_of(config, plan, folder)
    need((outcomes.joined, [f"Echo: {n}" for n in range(AT_ONCE)]))
    return f"{AT_ONCE} calls in {seconds:.2f} s"


def killed(protocol: str) -> Check:
    """A server killed in the middle of a plan: its calls fail, those of the other do not, and it comes back."""

    async def check(folder: Path) -> str:
        config = shop(protocol)
        config["mcpServers"]["other"] = {**config["mcpServers"]["shop"], "prefix": "other"}
        config["mcpServers"]["shop"] |= {
            "prefix": "own",
            "tools": {"audit": {"effect": "write"}},
        }  # else it is made again
        tools = tools_of(config, folder)
        await tools.accept()
        async with tools:
            agent = LLMCompiler(tools=tools, policy="enforce")
            before = set(children())
            assert len(before) == 2, before
            plan = 'a = own_audit(seconds=5)\nb = other_audit(seconds=0.5)\njoin(default(a, "dead"), b.result)'
            running = asyncio.create_task(agent.execute(plan))
            await asyncio.sleep(0.3)
            os.killpg(min(before), signal.SIGKILL)
            begun = time.perf_counter()
            outcomes = await running
            seconds = time.perf_counter() - begun
            back = await agent.execute('join(own_part(name="bolt").count, other_part(name="nut").count)')
        failure = outcomes["a"]
        assert isinstance(failure, Failure)
        need((failure.error, "ConnectionEnded"), (outcomes.joined, ["dead", "all there"]), (back.joined, [40, 0]))
        need((set(children()), set()))
        return f"known after {seconds:.2f} s, back in the next run"

    return check


def heard(protocol: str) -> Check:
    """Progress, a question to the person, a call that is given up, and failures."""

    async def check(folder: Path) -> str:
        tools = tools_of(shop(protocol, tools={"audit": {"timeout": 1}}), folder, person)
        await tools.accept()
        plan = """
a = audit(seconds=0.5)
g = gift(to="ada", name="nut")
b = part(name="bolts")
late = audit(seconds=9)
join(a.result, g.result, default(b, "none"), default(late, "late"))
"""
        async with tools:
            agent = LLMCompiler(tools=tools, policy="enforce", approve=lambda _: True)
            async with agent.stream_plan(plan) as running:
                steps = [e.message async for e in running if isinstance(e, Progressed) and e.id == "a"]
                outcomes = (await running.result()).outcomes
            after = await agent.execute('join(part(name="washer").count)')
        need((outcomes.joined, ["all there", "nut for ada, wrapped", "none", "late"]), (after.joined, 7))
        need((str(outcomes["b"]).endswith("there is no part 'bolts'"), True))
        assert steps, "no progress was told"
        return f"{len(steps)} reports of progress; {outcomes['b']}"

    return check


def at_an_address(protocol: str) -> Check:
    """The SDK's server over HTTP."""

    async def check(folder: Path) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        served = await asyncio.create_subprocess_exec(
            *SHOP, "--address", str(port), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            for _ in range(500):
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.02)
            one = {"url": f"http://127.0.0.1:{port}/mcp", "protocol": protocol, "trust_annotations": True}
            plan = f'join([part(name="bolt").count for n in range({AT_ONCE // 5})])'
            outcomes, seconds = await came_of({"mcpServers": {"shop": one}}, plan, folder)
            need((outcomes.joined, [40] * (AT_ONCE // 5)))
            return f"{AT_ONCE // 5} calls in {seconds:.2f} s"
        finally:
            served.terminate()
            await served.wait()

    return check


async def injected(folder: Path) -> str:
    """A file whose content tries to choose the path of a write: denied. The same with an honest plan: done."""
    (folder / "evil.txt").write_text(str(folder / "chosen.txt"))
    config = configured(folder, filesystem={"trust_annotations": True})
    config["mcpServers"] = {"filesystem": config["mcpServers"]["filesystem"]}
    read = f'said = read_text_file(path="{folder}/evil.txt").content\n'
    outcomes, _ = await came_of(config, f'{read}a = write_file(path=said, content="pwn")\njoin(a)', folder)
    failure = outcomes["a"]
    assert isinstance(failure, Failure)
    honest, _ = await came_of(config, f'{read}a = write_file(path="{folder}/ok.txt", content=said)\njoin(a)', folder)
    need((failure.kind, "denied"), ((folder / "chosen.txt").exists(), False), ((folder / "ok.txt").exists(), True))
    assert isinstance(honest["a"], Observation)
    return "denied; the honest plan wrote"


async def orphaned(folder: Path) -> str:
    """A program that is killed leaves no server behind."""
    program = f"""
import asyncio, signal
from superscalar import Toolset
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began this may ignore it
async def main():
    async with Toolset.from_mcp({shop("auto")!r}, lock={str(folder / "mcp.lock")!r}):
        print("open", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert running.stdout is not None
        await running.stdout.readline()
        servers = list(children(running.pid))
        left = servers
        running.send_signal(how)
        await running.wait()
        for _ in range(300):
            left = [server for server in servers if not has_ended(server)]
            if not left:
                break
            await asyncio.sleep(0.02)
        need((len(servers), 1), (left, []))
    return "after SIGTERM, SIGKILL and SIGINT"


def has_ended(process: int) -> bool:
    """Whether a process has ended, and nobody has asked how, or is not there at all."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def children(of: int | None = None) -> Iterator[int]:
    """The processes that one has begun, and that have not ended."""
    found = Path(f"/proc/{of or os.getpid()}/task")
    for task in found.iterdir():
        for child in (task / "children").read_text().split():
            if not has_ended(int(child)):
                yield int(child)


# ------------------------------------------------------------------------------------------------------- the table


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder of its own, without links in its path: servers compare paths."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made).resolve()


def checks(npm: bool) -> dict[str, Check]:
    """What is looked at, by what it is called in the table."""
    found: dict[str, Check] = {}
    if npm:
        found |= {"one plan, four servers": together, "500 at once, npm": at_once_npm, "an injected file": injected}
    for revision, protocol in (("2026-07-28", "2026-07-28"), ("2025-11-25", "legacy")):
        found |= {
            f"500 at once, {revision}": at_once(protocol),
            f"one killed, {revision}": killed(protocol),
            f"progress, question, timeout, {revision}": heard(protocol),
            f"over HTTP, {revision}": at_an_address(protocol),
        }
    if Path("/proc/self/task").exists():
        found["nothing left behind"] = orphaned
    return found


def main() -> int:
    """Print the table; with `--check` fail where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit with 1 if something does not hold")
    given = parser.parse_args()
    if why := missing():
        print(f"left out: {why}")
    wrong = 0
    for name, check in checks(not why).items():
        begun = time.perf_counter()
        with a_folder() as folder:
            try:
                said = asyncio.run(check(folder))
            except Exception as error:  # noqa: BLE001 -- it is what the table is for
                said, wrong = f"FAILED: {type(error).__name__}: {error}", wrong + 1
        print(f"{name:<42} {time.perf_counter() - begun:4.1f} s  {said}", flush=True)
    print(f"{len(checks(not why)) - wrong} passed, {wrong} failed")
    return 1 if wrong and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
