"""`show --provenance`: where a value of a recorded run came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar.cli.app import app
from support.folders import standing_in

TOOLS = """
from superscalar import tool

@tool(effect="read", trust="trusted")
def contact(name: str) -> str:
    return f"{name}@home"

@tool(effect="read")
def page(url: str) -> str:
    return "a \\x1b[31mpage"

@tool(effect="read", trust="trusted", readers=("ann",))
def diary(day: str) -> str:
    return "dear diary"

@tool(effect="write", sink="to", trust="trusted")
def send(to: str, text: str) -> str:
    return f"sent to {to}"
"""
PLAN = """\
to = contact("ann")
p = page("http://x")
if len(p) > 3:
    to = contact("bob")
brief = f"see {p}"
sent = send("ann@home", brief)
secret = [diary(d) for d in ["monday"]]
join(sent, to, secret)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"letters.py": TOOLS, "plan.txt": PLAN}) as place:
        made = CliRunner().invoke(app, ["exec", "plan.txt", "--tools", "letters.py", "--journal", "runs.db", "--quiet"])
        assert made.exit_code == 0, made.output
        yield place


def shown(*arguments: str) -> Any:
    listed = json.loads(CliRunner().invoke(app, ["runs", "--json"]).stdout)
    return CliRunner().invoke(app, ["show", listed["runs"][0]["id"], *arguments])


def test_a_tree_goes_back_to_calls_and_constants() -> None:
    assert shown("--provenance", "sent").stdout.splitlines() == [
        "sent = send(to='ann@home', text=brief)  not trusted  -> 'sent to ann@home'",
        "└── brief = f'see {p}'  not trusted  -> 'see a \\x1b[31mpage'",
        "    └── p = page(url='http://x')  not trusted  -> 'a \\x1b[31mpage'",
        "",
        "from the plan, `send`; not trusted: `page`",
    ]


def test_what_decided_is_told_apart() -> None:
    assert shown("--provenance", "to").stdout.splitlines() == [
        "to.3 = one of several versions  not trusted  -> 'bob@home'",
        "├── to.2 = contact(name='bob')  not trusted  -> 'bob@home'",
        "│   └── because if = len(p) > 3  not trusted  -> True",
        "│       └── p = page(url='http://x')  not trusted  -> 'a \\x1b[31mpage'",
        "├── to = contact(name='ann')  -> 'ann@home'",
        "└── because if = len(p) > 3  not trusted  (above)",
        "",
        "from the plan, `contact`; not trusted: `page` (as bool)",
    ]


def test_an_item_and_who_may_read_it() -> None:
    found = shown("--provenance", "secret[0]").stdout.splitlines()
    assert found[0] == "secret[0] = diary(day=d)  only for ann  -> 'dear diary'"
    assert found[-1] == "from the plan, `diary`; only for ann"


def test_as_json() -> None:
    made = json.loads(shown("--provenance", "sent", "--json").stdout)
    assert (made["id"], made["tool"], made["trusted"], made["readers"]) == ("sent", "send", False, None)
    assert [source["name"] for source in made["sources"] if not source["trusted"]] == ["page"]
    assert made["inputs"][0]["inputs"][0]["tool"] == "page"


def test_a_name_that_there_is_not_says_which_there_are() -> None:
    found = shown("--provenance", "breif")
    assert found.exit_code != 0
    assert "this run has no `breif`; it has brief" in found.output
