"""The CodeMode of pydantic-ai-harness, in its own environment: `python harness_driver.py CONFIG`.

Its model is a function that writes the code it was given: one line of JSON in, one out. It is no server but part of an
agent, so what it costs are requests of a model and what stands in them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, RetryPromptPart, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai_harness import CodeMode


def text_of(part: RetryPromptPart | ToolReturnPart) -> str:
    """What a model reads of the return of a tool."""
    return str(part.model_response() if isinstance(part, RetryPromptPart) else part.model_response_str())


async def main(config: dict[str, Any]) -> None:
    """Answer each line until there are no more."""
    code = ""
    replies: list[str] = []
    learned = 0

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        nonlocal learned
        learned = len((info.instructions or "").encode()) + sum(
            len(json.dumps([one.name, one.description, one.parameters_json_schema]).encode())
            for one in info.function_tools
        )
        back = [part for part in messages[-1].parts if isinstance(part, RetryPromptPart | ToolReturnPart)]
        if back:
            replies.extend(text_of(part) for part in back)
            return ModelResponse(parts=[TextPart("That is all.")])
        return ModelResponse(parts=[ToolCallPart("run_code", {"code": code})])

    toolsets = [
        MCPToolset(
            StdioTransport(command=one["command"], args=one["args"], env=one.get("env")), id=name, init_timeout=60
        )
        for name, one in config["mcpServers"].items()
    ]
    agent: Any = Agent(FunctionModel(model), toolsets=toolsets, capabilities=[CodeMode()])
    async with agent:
        print(json.dumps({"ready": True}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            code = json.loads(line)["code"]
            replies.clear()
            begun = time.perf_counter()
            try:
                await agent.run("Do it.")
            except Exception as error:  # noqa: BLE001 -- how it ends is what is asked
                replies.append(f"{type(error).__name__}: {error}")
            seconds = time.perf_counter() - begun
            print(json.dumps({"seconds": seconds, "replies": replies, "learned": learned}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
