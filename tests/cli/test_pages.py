"""docs/cli.md lacks nothing that commands have: options, exit codes, variables, fields of documents."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar.cli import codes
from superscalar.cli.app import app
from superscalar.cli.codes import ENVIRONMENT, EXIT_CODES
from support.folders import standing_in
from support.reference.commands import COMMANDS, DOCUMENTS, PAGES

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "cli.md"
SHOP = """
from superscalar import LLMCompiler, tool
from superscalar.testing import ScriptedModel

@tool(effect="write", policy="ask", sink="to")
def send(to: str) -> str:
    return to

@tool(effect="read", trust="trusted")
def look(x: int) -> int:
    return x

READS, WRITES = "join(look(1))\\n", "join(send('a'))\\n"
agent = LLMCompiler(ScriptedModel(WRITES, READS, "One.", READS, "Sent."), [send, look], journal="runs.db")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(
        tmp_path,
        monkeypatch,
        {
            "shop.py": SHOP,
            "p": "join(look(1))",
            "w": "join(send('a'))",
            "mcp.json": '{"mcpServers": {}}',
            "q": '{"question": "?"}',
        },
    ) as place:
        yield place


def test_the_page_has_every_option_and_code() -> None:
    written = FILE.read_text()
    spelled = {word for command in PAGES.values() for one in command.params for word in one.opts if word[0] == "-"}
    assert {word for word in spelled - {"-h", "--help"} if f"`{word}" not in written} == set()
    assert {code for code in vars(codes).values() if isinstance(code, int)} | {0} == set(EXIT_CODES)
    help = " ".join(CliRunner().invoke(app, ["--help"], env={"COLUMNS": "1000"}).output.split())
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in written
        assert f"{code} {meaning.replace('`', '')}" in help.replace("`", "")


def test_every_variable_that_is_read_is_told_of() -> None:
    ours = ("SUPERSCALAR_", "OPENAI_", "XDG_")
    named = {
        node.value
        for file in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(ours) and node.value.isidentifier()
    }
    assert named == set(ENVIRONMENT) - {"NO_COLOR", "FORCE_COLOR"}  # these are rich's


def test_documents_have_the_fields_that_the_page_names(place: Path) -> None:
    def printed(*arguments: str) -> dict[str, object]:
        name, *more = arguments
        document = json.loads(CliRunner().invoke(app, [*name.split(), *more, "--json"]).stdout)
        assert isinstance(document, dict)
        return document

    def waiting(*arguments: str) -> str:
        error = printed(*arguments, "--agent", "shop.py:agent")["error"]
        assert isinstance(error, dict)
        assert sorted(error) == ["diagnostics", "message", "questions", "run_id", "type"]
        return str(error["run_id"])

    plan, question = waiting("exec", "w"), waiting("run", "?")
    saved = ("--agent", "shop.py", "--plans", "plans")
    digest = printed("plans save", "brief", "p", *saved)["digest"]
    called = [
        ("plans save", "brief", "p", *saved),
        ("plans list", *saved),
        ("plans show", "brief", *saved),
        ("plans check", *saved),
        ("plans approve", "brief", "--by", "me", "--digest", str(digest), *saved),
        ("plans run", "brief", *saved),
        ("stubs", "briefs.pyi", *saved),
        ("run", "?", "--agent", "shop.py"),
        ("plan", "?", "--agent", "shop.py"),
        ("exec", "p", "--agent", "shop.py"),
        ("check", "p", "--agent", "shop.py"),
        ("tools", "--agent", "shop.py"),
        ("models",),
        ("models", "--try", "local:/no/such.gguf"),
        ("warm", "--agent", "shop.py"),
        ("init", "first"),
        ("runs",),
        ("show", plan),
        ("approve", plan),
        ("approve", plan, "--all"),
        ("resume", plan),
        ("approve", question, "--all"),
        ("resume", question),
        ("prune", "--older-than", "1d"),
        ("rotate",),
        ("mcp accept", "mcp.json"),
        ("compare", "q", "--agent", "shop.py", "--against", "", "--allow-writes", "--quiet"),
    ]
    fields: dict[str, dict[str, None]] = {}
    for name, *arguments in called:
        fields.setdefault(name, {})[" ".join(printed(name, *arguments))] = None
    assert {name: " | ".join(found) for name, found in fields.items()} == DOCUMENTS
    assert set(DOCUMENTS) == set(COMMANDS)
