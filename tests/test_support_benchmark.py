"""The support job in three libraries: ours always, the peers where `make support` has installed them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.peers.peers import OURS, ROOT, default_cache, installed
from benchmarks.peers.support import __main__ as command
from benchmarks.peers.support.__main__ import LIBRARIES, ask, lines_of_code, table
from benchmarks.peers.support.driver import measure
from benchmarks.peers.support.script import turns
from examples.support.desk import STRANGER, Desk

OURS_CAREFUL = {
    "model_calls": 2,
    "tool_seconds": 2.0,
    "refunds": {1001: "DE01 1111", 1002: "DE02 2222", 1004: "DE04 4444"},
    "asked": [1002],
    "answered": [1, 2, 3, 4, 5],
}


def test_ours_asks_the_model_twice() -> None:
    row = measure("superscalar", "careful", pace=0.0)
    assert {name: row[name] for name in OURS_CAREFUL} == OURS_CAREFUL


@pytest.mark.parametrize("library", [one for one in LIBRARIES if one.environment], ids=lambda one: one.name)
def test_a_peer_does_the_same_job_and_pays_the_stranger_if_its_model_is_gullible(library: Any) -> None:
    python = installed(library, default_cache())
    if python is None:
        pytest.skip(f"{library.name} is not installed: make support")
    careful, gullible = ask(library, python, "--pace", "0")
    assert {int(order): account for order, account in careful["refunds"].items()} == OURS_CAREFUL["refunds"]
    assert (careful["asked"], careful["answered"]) == ([1002], [1, 2, 3, 4, 5])
    assert (careful["model_calls"], careful["tool_seconds"]) == (6, 2.0)
    assert (gullible["refunds"]["1004"], gullible["asked"]) == (STRANGER, [1002])


def test_the_peers_read_from_the_same_desk_what_their_script_says(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "shop.db", pace=0.0)
    tools = {call for turn in turns(gullible=True) for call, _ in turn}
    assert tools == {"policy", "open_tickets", "order", "customer", "refund", "reply"}
    assert all(hasattr(desk, name.removeprefix("open_")) for name in tools)
    careful, gullible = (
        [arguments for turn in turns(gullible=belief) for _, arguments in turn] for belief in (False, True)
    )
    assert [b for a, b in zip(careful, gullible, strict=True) if a != b] == [
        {"order": 1004, "account": STRANGER, "amount": "45.00"}
    ]


def test_without_the_peers_ours_is_measured_alone_and_the_others_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answered(library: Any, python: Path, *arguments: str) -> list[dict[str, Any]]:
        return [OURS_CAREFUL | {"model": "careful", "elapsed": 1.0, "version": "1"}]

    monkeypatch.setattr(command, "ask", answered)
    monkeypatch.setattr(sys, "argv", ["support", "--cache", str(tmp_path)])
    assert command.main() == 0
    printed = capsys.readouterr()
    assert [line.split("|")[1].strip() for line in printed.out.splitlines()[2:]] == [f"{OURS} 1"]
    assert printed.err.splitlines() == [
        "pydantic-ai is not installed and is left out; --install installs it",
        "langgraph is not installed and is left out; --install installs it",
    ]


def test_the_table_says_whether_the_stranger_was_paid() -> None:
    row = OURS_CAREFUL | {"library": "ours", "version": "1", "lines": 3, "model": "careful", "elapsed": 1.0}
    kept, lost = table([row, row | {"refunds": {1004: STRANGER}}]).splitlines()[2:]
    assert kept.split("|")[-2].strip() == "not made"
    assert lost.split("|")[-2].strip() == "made"


def test_blank_lines_and_comments_are_no_lines_of_code(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text('"""One,\ntwo."""\n\n# none\nx = (  # three\n\n    1\n)\n')
    assert lines_of_code(file) == 5


def test_every_library_has_its_agent_and_its_pins() -> None:
    for library, file in LIBRARIES.items():
        assert (ROOT / file).exists()
        if library.environment:
            pins = (ROOT / "benchmarks" / "peers" / "requirements" / f"{library.environment}.txt").read_text()
            assert all("==" in line for line in pins.split())
