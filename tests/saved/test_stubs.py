"""Saved plans as functions of a module that type checkers know."""

from __future__ import annotations

import ast
import importlib
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar.cli.app import app
from superscalar.saved.stubs import type_hint
from superscalar.testing import run
from support.folders import standing_in

TYPED = Path(__file__).parent.parent / "typing" / "saved_briefs.pyi"
SHOP = '''
from superscalar import LLMCompiler, tool

@tool(effect="read")
async def price(ticker: str) -> float:
    """Latest price."""
    return float(len(ticker))

agent = LLMCompiler(tools=[price], plans="plans")
'''
DAILY = """
# input tickers: list[str]  # which shares
# input least: float = 2.5
# input by: Literal['name', 'price'] = 'name'
# input day: date | None = None
# input since: date = '2026-01-01'
prices = [price(t) for t in tickers]
join([p for p in prices if p >= least], by, day, since)
"""
PLANS = {
    "daily": ('The daily brief.\n\nIt says "how\\it" stands.', DAILY),
    "one": ("", "# input limit: int = 5\n# input ticker: str\njoin(price(ticker), limit)"),
    "still": ("", "join(1)"),
}


def command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), prog_name="superscalar")
    return result.exit_code, result.stderr


def test_a_module_of_approved_plans_is_written_and_its_functions_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stub is the one that mypy and pyright read in tests/typing."""
    with standing_in(tmp_path, monkeypatch, {"shop_of_briefs.py": SHOP}) as place:
        monkeypatch.syspath_prepend(place)
        agent = importlib.import_module("shop_of_briefs").agent
        for name, (description, source) in PLANS.items():
            saved = agent.save(name, source, description=description)
            agent.plans.approve(name, digest=saved.digest, by="ann")
        agent.save("waits", "join(2)")
        code, said = command("stubs", "briefs.pyi", "--agent", "shop_of_briefs:agent")
        assert (code, said.splitlines()) == (
            0,
            ["left out: waits (not approved): nobody has approved it", "written: briefs.pyi, briefs.py"],
        )
        assert (place / "briefs.pyi").read_text() == TYPED.read_text()
        briefs = importlib.import_module("briefs")
        assert run(briefs.daily(["IBM", "AA"])) == [[3.0], "name", None, date(2026, 1, 1)]
        assert not hasattr(briefs, "__path__")
        assert not hasattr(briefs, "gone")
        agent.plans.approve("agent", digest=agent.save("agent", "join(2)").digest, by="ann")
        assert run(briefs.agent()) == 2  # and not the agent of that name
        (place / "briefs.py").write_text("mine = 1\n")
        assert command("stubs", "briefs.pyi", "--agent", "shop_of_briefs:agent")[0] == 0
        assert (place / "briefs.py").read_text() == "mine = 1\n"


def test_a_stub_is_called_as_a_module_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with standing_in(tmp_path, monkeypatch, {"shop_of_briefs.py": SHOP}):
        assert command("stubs", "--agent", "shop_of_briefs.py:agent") == (
            0,
            "written: saved_plans.pyi, saved_plans.py\n",
        )
        for name in ("briefs.py", "my-briefs.pyi", ".pyi"):
            code, said = command("stubs", name, "--agent", "shop_of_briefs.py:agent")
            assert (code, "a stub is called as a module is" in said) == (2, True)


def test_a_stub_takes_nothing_away_that_was_written_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with standing_in(tmp_path, monkeypatch, {"shop_of_briefs.py": SHOP, "mine.pyi": "x: int\n"}) as place:
        for name, why in (("mine.pyi", "has not written it"), ("shop_of_briefs.pyi", "would hide from type checkers")):
            code, said = command("stubs", name, "--agent", "shop_of_briefs.py:agent")
            assert (code, why in said) == (2, True)
        assert ((place / "mine.pyi").read_text(), (place / "shop_of_briefs.pyi").exists()) == ("x: int\n", False)


@pytest.mark.parametrize(
    ("named", "imported"),
    [
        ("./shop_of_briefs.py", "from shop_of_briefs import agent as _agent"),
        ("{place}/shop_of_briefs.py", "from shop_of_briefs import agent as _agent"),
        ("my-shop.py", None),
        ("../shop.py", None),
    ],
)
def test_a_module_of_plans_imports_the_agent_by_the_name_that_python_has_for_it(
    named: str, imported: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "shop.py").write_text(SHOP)
    files = {"shop_of_briefs.py": SHOP, "my-shop.py": SHOP}
    with standing_in(tmp_path / "inner", monkeypatch, files) as place:
        code, said = command("stubs", "briefs.pyi", "--agent", f"{named.format(place=place)}:agent")
        assert (code, (place / "briefs.pyi").exists()) == (0, True)
        module = place / "briefs.py"
        if imported is None:
            assert ("briefs.py is not written" in said, module.exists()) == (True, False)
        else:
            assert imported in module.read_text().split("\n")


@pytest.mark.parametrize(
    ("type", "hint"),
    [
        ("list[str] | None", "list[str] | None"),
        ("dict[str, Quote]", "dict[str, Any]"),
        ("dict", "dict[str, Any]"),
        ("list | None", "list[Any] | None"),
        ("Quote", "Any"),
        ("list[shop.Quote]", "list[Any]"),
        ("tuple[int, ...]", "tuple[int, ...]"),
        ("Literal['a', -1]", 'Literal["a", -1]'),
        ("Iterable[int]", "Any"),
        ("what is it?", "Any"),
        ("Decimal", "Decimal"),
    ],
)
def test_a_type_that_a_stub_cannot_import_is_any(type: str, hint: str) -> None:
    assert type_hint(type) == hint
    ast.parse(hint)
