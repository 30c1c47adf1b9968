"""Three servers of npm in one plan, and what a file may choose of a write; skipped where they are not installed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, Question, Toolset
from support.npm_servers import configured, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

BELIEVED = {"trust_annotations": True}


def test_three_servers_in_one_plan_with_a_map_and_what_an_injected_file_may_choose(tmp_path: Path) -> None:
    """One test, since each server takes most of a second to be there."""
    root = tmp_path.resolve()
    (root / "a.txt").write_text("one")
    (root / "b.txt").write_text("two")
    (root / "evil.txt").write_text(str(root / "chosen.txt"))
    asked: list[Question] = []

    async def person(question: Question) -> bool:
        asked.append(question)
        return False

    together = f"""
texts = [read_text_file(path="{root}/" + name).content for name in ["a.txt", "b.txt"]]
total = get_sum(a=len(texts), b=40)
weather = get_structured_content(location="Chicago")
made = create_entities(entities=[{{"name": text, "entityType": "word", "observations": []}} for text in texts])
graph = read_graph()
image = get_tiny_image()
outside = read_text_file(path="/etc/hostname")
join(texts, total, weather.temperature, [e.name for e in graph.entities], image[0], default(outside, "refused"))
"""
    chosen = f"""
said = read_text_file(path="{root}/evil.txt")
a = write_file(path=said.content, content="pwn")
join(a)
"""
    honest = f"""
said = read_text_file(path="{root}/evil.txt")
a = write_file(path="{root}/honest.txt", content=said.content)
join(a)
"""

    async def main() -> list[Any]:
        config = configured(
            root,
            filesystem=BELIEVED,
            everything={"tools": {"get-sum": {"effect": "read"}, "get-tiny-image": {"effect": "read"}}},
        )
        tools = Toolset.from_mcp(config, lock=root / "mcp.lock", tell=lambda _: None)
        async with tools:
            await tools.accept()
            agent = LLMCompiler(tools=tools, policy="enforce")
            asks = LLMCompiler(tools=tools, policy="enforce", approve=person)
            return [
                (await agent.execute(together)).joined,
                (await agent.execute(chosen))["a"],
                (await asks.execute(chosen))["a"],
                (await agent.execute(honest))["a"],
            ]

    joined, denied, refused, done = asyncio.run(main())
    assert joined == [
        ["one", "two"],
        "The sum of 2 and 40 is 42.",
        36,
        ["one", "two"],
        "Here's the image you requested:",
        "refused",
    ]
    assert (denied.kind, refused.kind) == ("denied", "denied")
    assert [question.tool for question in asked] == ["write_file"]
    assert not (root / "chosen.txt").exists()
    assert "Successfully wrote" in done.value["content"]
    assert (root / "honest.txt").read_text() == str(root / "chosen.txt")
