"""What the embedded model itself keeps of prompts, for each role, and where processes are killed or come together."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from superscalar import LLMCompiler, tool
from superscalar.models import LocalModel, Message, Request, cache
from superscalar.plan import grammar
from superscalar.testing import ScriptedModel
from superscalar.testing import run as in_virtual_time
from support import depth

pytest.importorskip("xllamacpp", reason="needs the extra: pip install 'superscalar[local]'")
if cache.cached() is None:
    pytest.skip(f"the weights are neither in the cache nor named by {cache.VARIABLE}", allow_module_level=True)

pytestmark = [
    pytest.mark.search,
    pytest.mark.skipif(not depth.searching(), reason="the embedded model takes minutes: make search asks it"),
]

ROLES = ["planner", "extractor", "joiner"]
PLAN = 'said = letter("Eve")\nday = extract(said, "date", "the day on which we meet")\njoin(day)'
TOWNS = "You are shown a list of facts. Answer in one word. " + " ".join(f"Town {n} is in land {n}." for n in range(9))
ASKING = f"""
import asyncio, os, signal, sys, threading
sys.path[:] = {sys.path!r}
from pathlib import Path
from superscalar.models import LocalModel, Message, Request

states = Path(sys.argv[2])
part = "Facts: those above. "
first = Message("system", {TOWNS!r})
model = LocalModel(threads=1, context=1024, states=states)


async def ask():
    last = Message("user", part + "Question: where is Town 7?").steady_for(len(part))
    print("".join([chunk.text async for chunk in model.stream(Request((first, last), 12))]), end="")
    async for _ in model.warm((first, last)):
        pass
    await model.aclose()


def kill():
    while True:
        for path in states.glob("partial-*"):
            try:
                if path.stat().st_size:
                    os.kill(os.getpid(), signal.SIGKILL)
            except FileNotFoundError:
                pass


async def read_one_after_another():
    threading.Thread(target=kill, daemon=True).start()
    for number in range(100):
        begun = part * (number > 0) + "And. " * number
        last = Message("user", (begun or part) + "Question: none").steady_for(len(begun or part))
        async for _ in model.warm((first, last)):
            pass


asyncio.run(globals()[sys.argv[1]]())
"""


@tool(effect="read")
def letter(sender: str) -> str:
    """The last letter of somebody."""
    return f"Dear Ann, we meet on 3 May 2025. {sender}"


def begun(what: str, states: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ASKING, what, str(states)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    text, complaints = process.communicate(timeout=300)
    assert (process.returncode, complaints) == (0, "")
    return text


@pytest.fixture(scope="module")
def plain() -> str:
    """What is answered where nothing was kept, and nothing is to be."""
    messages = Message("system", TOWNS), Message("user", "Facts: those above. Question: where is Town 7?")

    async def test() -> str:
        model = LocalModel(threads=1, context=1024)
        text = "".join([chunk.text async for chunk in model.stream(Request(messages, 12))])
        await model.aclose()
        return text

    return asyncio.run(test())


@pytest.fixture(scope="module")
def requests() -> dict[str, Request]:
    """What each role is asked in one run."""
    model = ScriptedModel(PLAN, '{"value": "2025-05-03"}', "On 3 May.")
    agent = LLMCompiler(model, [letter], extractor=model)
    in_virtual_time(agent.run("When do I meet Eve?"))
    planner, *others = (replace(request, max_tokens=32) for request in model.requests)
    held = replace(planner, grammar=grammar(agent.tools))
    return dict(zip(ROLES, (held, *others), strict=True))


@pytest.mark.parametrize("role", ROLES)
def test_the_same_is_written_with_a_saved_state(role: str, requests: dict[str, Request], tmp_path: Path) -> None:
    """Another process has read what the role's prompt begins with, and reads the rest alone."""

    async def asked(warm: Sequence[Message]) -> tuple[str, int, int]:
        model = LocalModel(threads=1, context=2048, states=tmp_path)
        chunks = [chunk async for chunk in model.stream(requests[role])]
        async for _ in model.warm(warm):
            pass
        await model.aclose()
        usage = chunks[-1].usage
        assert usage is not None
        return "".join(chunk.text for chunk in chunks), usage.input_tokens, usage.cached_tokens

    text, read, cached = asyncio.run(asked(requests[role].messages))
    assert cached == 0
    assert len(list(tmp_path.iterdir())) == 1
    again, _, cached = asyncio.run(asked(()))
    assert again == text
    assert cached > read / 2


def test_a_process_that_is_killed_while_it_writes_a_state(plain: str, tmp_path: Path) -> None:
    """It leaves a part of a file, which nobody takes for a state: the next ones answer the same."""
    process = begun("read_one_after_another", tmp_path)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert [path.suffix for path in tmp_path.glob("partial-*")] == [""]
    assert said(begun("ask", tmp_path)) == plain
    assert said(begun("ask", tmp_path)) == plain


def test_two_processes_at_once(plain: str, tmp_path: Path) -> None:
    """Both answer, one file stays, and the next process has it."""
    both = [begun("ask", tmp_path) for _ in range(2)]
    assert [said(process) for process in both] == [plain, plain]
    (state,) = tmp_path.iterdir()
    assert state.suffix == ".state"
    assert said(begun("ask", tmp_path)) == plain
    assert list(tmp_path.iterdir()) == [state]


def test_what_one_role_reads_stays_while_others_are_asked(requests: dict[str, Request], tmp_path: Path) -> None:
    """One process asks them in turns: none of them reads again what it begins with."""

    async def test() -> list[tuple[int, int]]:
        model = LocalModel(threads=1, context=4096, states=tmp_path)
        usages = []
        for role in ROLES * 2:
            async for chunk in model.stream(replace(requests[role], max_tokens=1)):
                usages += [(chunk.usage.input_tokens, chunk.usage.cached_tokens)] if chunk.usage else []
        await model.aclose()
        return usages

    usages = asyncio.run(test())
    assert len(usages) == 2 * len(ROLES)
    assert all(cached > read / 2 for read, cached in usages[len(ROLES) :])
