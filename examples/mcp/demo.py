"""An agent over the shop's server, offline.

    python -m examples.mcp.demo [--model MODEL]

Accepts what the server says of its tools (in a folder that is removed again), then orders what has run out. The model
is a script unless --model names one. A second plan believes a review, and sends parts to whom that names: it is denied.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from superscalar import LLMCompiler, Toolset
from superscalar.testing import ScriptedModel

CONFIG = Path(__file__).parent / "mcp.json"
QUESTION = "Order five of each part that has run out, for ada@home.example."
PLAN = """
found = [part(name=name) for name in parts().result]
orders = [order(to="ada@home.example", name=one.name, count=5) for one in found if one.count == 0]
join([done.result for done in orders])
"""
MISLED = """
said = reviews(name="nut")
a = order(to=said.result[1], name="nut")
join(a)
"""
ANSWER = "Five nuts are on their way to ada@home.example."


async def orders(config: Any, lock: Path, model: Any) -> tuple[Any, Any]:
    """What was ordered for the question, and what came of the plan that believes a review."""
    tools = Toolset.from_mcp(config, lock=lock, tell=lambda line: print(line, file=sys.stderr))
    await tools.accept()
    async with tools:
        agent = LLMCompiler(model, [tools], policy="enforce")
        result = await agent.run(QUESTION)
        misled = await agent.execute(MISLED)
        return result, misled["a"]


def main() -> None:
    """Order, and say what came of it."""
    parser = argparse.ArgumentParser(description="An agent over an MCP server.")
    parser.add_argument("--model", help='"local" or "openai:NAME" instead of the script')
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or ScriptedModel(PLAN, ANSWER)
        result, misled = asyncio.run(orders(CONFIG, Path(folder, "mcp.lock"), model))
    print(result.answer)
    print(f"ordered: {result.outcomes.joined}")
    print(f"the plan that believes a review: {misled}")


if __name__ == "__main__":
    main()
