"""The agent over the shop's server, here in this process: what it orders, and what a review cannot have it do."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from examples.mcp import demo
from examples.mcp.shop import shop

from superscalar.testing import ScriptedModel, run


def test_it_orders_what_has_run_out_and_nothing_for_whom_a_review_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads(demo.CONFIG.read_text())
    said = config["mcpServers"]["shop"]
    del said["command"], said["args"], said["cwd"]
    handlers = logging.getLogger().handlers[:]
    said["server"] = shop()
    logging.getLogger().handlers[:] = handlers  # the SDK sets up a log of its own
    model = ScriptedModel(demo.PLAN, demo.ANSWER)
    result, misled = run(demo.orders(config, tmp_path / "mcp.lock", model))
    assert (result.answer, result.outcomes.joined) == (demo.ANSWER, ["5 x nut for ada@home.example"])
    assert (misled.kind, "reviews" in misled.message) == ("denied", True)
    assert capsys.readouterr().err == ""
