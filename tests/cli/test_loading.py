"""Where tools come from, and what is said when they do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from superscalar.cli.failures import CommandError
from superscalar.cli.loading import load_tools
from superscalar.tools import Limit
from support.folders import standing_in

MONEY = '''
from superscalar.tools import Limit, Toolset, tool

LIMITS = {"quotes": Limit(concurrency=2)}

@tool(limit="quotes")
def price(ticker: str) -> float:
    """Latest price."""
    return 1.0

@tool(effect="pure")
def double(x: int) -> int:
    """Twice x."""
    return 2 * x

def helper(x: int) -> int:
    """Not a tool by itself."""
    return x

ALL = [price, helper]
SET = Toolset([double], limits={"cpu": Limit(concurrency=1)})
NUMBER = 5
EMPTY = []
'''


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"money.py": MONEY}) as place:
        yield place


def names(*specs: str) -> list[str]:
    return [tool.name for tool in load_tools(specs)]


def refused(spec: str) -> str:
    with pytest.raises(CommandError) as raised:
        load_tools([spec])
    assert raised.value.code == 2
    return str(raised.value)


def test_a_file_and_a_module_offer_their_tools_in_order_with_their_limits() -> None:
    assert names("money.py") == names("money") == ["price", "double"]
    assert load_tools(["money"]).limits == {"quotes": Limit(concurrency=2)}


def test_a_module_in_a_package_is_found_from_the_current_directory(place: Path) -> None:
    (place / "shop").mkdir()
    (place / "shop" / "__init__.py").write_text("")
    (place / "shop" / "tools.py").write_text(MONEY)
    assert names("shop.tools:double") == ["double"]


@pytest.mark.parametrize(
    ("name", "tools"),
    [("price", ["price"]), ("helper", ["helper"]), ("ALL", ["price", "helper"]), ("SET", ["double"])],
)
def test_a_name_picks_a_tool_a_function_a_list_or_a_toolset(name: str, tools: list[str]) -> None:
    loaded = load_tools([f"money.py:{name}"])
    assert [tool.name for tool in loaded] == tools
    assert loaded.limits["quotes"] == Limit(concurrency=2)


def test_a_toolset_brings_its_own_limits() -> None:
    assert load_tools(["money:SET"]).limits["cpu"] == Limit(concurrency=1)


def test_several_sources_are_one_set(place: Path) -> None:
    (place / "other.py").write_text("from superscalar.tools import tool\n@tool\ndef other() -> int: return 1\n")
    assert names("money.py", "other.py") == ["price", "double", "other"]


def test_a_file_named_like_a_module_replaces_nothing(place: Path) -> None:
    import json

    (place / "json.py").write_text(MONEY)
    assert names("json.py") == ["price", "double"]
    assert sys.modules["json"] is json


def test_a_file_that_is_named_twice_is_run_once(place: Path) -> None:
    (place / "once.py").write_text(f"{MONEY}\nwith open('ran', 'a') as f: f.write('x')\n")
    assert names("once.py:price", "once.py:double") == ["price", "double"]
    assert (place / "ran").read_text() == "x"


def test_a_file_may_import_its_neighbours(place: Path) -> None:
    (place / "sub").mkdir()
    (place / "sub" / "beside.py").write_text("VALUE = 1\n")
    (place / "sub" / "mine.py").write_text(f"import beside\n{MONEY}")
    assert names("sub/mine.py") == ["price", "double"]


def test_a_missing_file_is_said_to_be_missing(place: Path) -> None:
    assert refused("nowhere.py") == f"--tools nowhere.py: there is no such file in {place}"


def test_a_missing_module_is_said_to_be_missing(place: Path) -> None:
    assert refused("nowhere.tools").startswith("--tools nowhere.tools: there is no module 'nowhere'; looked in")


def test_a_path_written_like_a_module_gets_a_hint(place: Path) -> None:
    (place / "folder-with").mkdir()
    (place / "deep").mkdir()
    (place / "deep" / "tools.py").write_text(MONEY)
    assert names("deep.tools") == ["price", "double"]
    assert "neither a module" in refused("folder-with.tools")


@pytest.mark.parametrize("where", [".", "folder"])
def test_a_directory_is_no_file(place: Path, where: str) -> None:
    (place / "folder").mkdir()
    assert "is a directory; name a file in it" in refused(where)


def test_a_file_that_is_not_python_is_refused(place: Path) -> None:
    (place / "notes.txt").write_text("hello")
    assert "ends in .py" in refused("notes.txt")


def test_a_name_that_is_not_there_gets_the_closest_one() -> None:
    assert refused("money.py:prise") == "--tools money.py:prise: money.py has no 'prise'; did you mean :price?"
    assert refused("money.py:zzz").endswith("it has price, double, helper, ALL, SET")


@pytest.mark.parametrize(("name", "kind"), [("NUMBER", "an int"), ("EMPTY", "a list"), ("LIMITS", "a dict")])
def test_a_name_that_holds_no_tools_says_what_it_holds(name: str, kind: str) -> None:
    assert refused(f"money.py:{name}").startswith(f"--tools money.py:{name} is {kind}; name a tool")


def test_a_module_without_tools_says_how_to_make_one(place: Path) -> None:
    (place / "plain.py").write_text("def f(x): return x\n")
    assert refused("plain.py") == (
        "--tools plain.py: plain has no tools; put @tool above the functions that plans may call"
    )


def test_limits_that_are_none_are_refused(place: Path) -> None:
    (place / "wrong.py").write_text(f'{MONEY}\nLIMITS = {{"quotes": 5}}\n')
    assert "LIMITS in wrong must look like" in refused("wrong.py")
    assert "LIMITS in wrong must look like" in refused("wrong.py:price")


def test_two_sources_that_disagree_about_a_limit_are_refused(place: Path) -> None:
    (place / "other.py").write_text(MONEY.replace("concurrency=2", "concurrency=3").replace("price", "other"))
    with pytest.raises(CommandError, match="two modules give the limit 'quotes' different values"):
        load_tools(["money.py", "other.py:other"])


def test_two_tools_of_one_name_are_refused(place: Path) -> None:
    (place / "other.py").write_text(MONEY)
    with pytest.raises(CommandError, match="two tools are called 'price'"):
        load_tools(["money.py", "other.py"])


def test_an_error_in_their_code_shows_their_line(place: Path) -> None:
    file = place / "broken.py"
    file.write_text("import json\n\ndef f():\n    return json.loads('{')\n\nx = f()\n")
    assert refused("broken.py").splitlines() == [
        f"--tools {file} cannot be loaded",
        f"{file}:4: JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "    return json.loads('{')",
    ]


def test_a_syntax_error_shows_their_line(place: Path) -> None:
    file = place / "broken.py"
    file.write_text("x = 1\ndef f(:\n")
    assert refused("broken.py").splitlines()[1:] == [f"{file}:2: SyntaxError: invalid syntax", "    def f(:"]


def test_a_package_that_is_not_installed_is_named(place: Path) -> None:
    (place / "needy.py").write_text("import no_such_package_here\n")
    for spec in ("needy.py", "needy"):
        assert refused(spec).splitlines()[-1] == ("help: install no_such_package_here where superscalar is installed")


def test_a_script_that_exits_is_told_where_to_put_that(place: Path) -> None:
    (place / "script.py").write_text("import sys\nsys.exit(3)\n")
    assert "script.py:2: it called sys.exit(3) while being imported" in refused("script.py")


def test_a_tool_that_cannot_be_described_shows_the_line_of_its_decorator(place: Path) -> None:
    file = place / "odd.py"
    file.write_text("from superscalar.tools import tool\n\n@tool\ndef f(*xs): ...\n")
    assert f"{file}:3: UsageError: tool f: parameter *xs" in refused("odd.py")


def test_a_module_brings_its_schemas(place: Path) -> None:
    (place / "post.py").write_text(
        f"{MONEY}\nfrom typing import Literal\nSCHEMAS = {{'Mood': Literal['good', 'bad']}}\n"
    )
    assert list(load_tools(["post.py"]).named) == list(load_tools(["post.py:price"]).named) == ["Mood"]


def test_schemas_that_are_none_are_refused(place: Path) -> None:
    (place / "odd.py").write_text(f"{MONEY}\nSCHEMAS = [int]\n")
    assert 'must look like SCHEMAS = {"Invoice": Invoice}' in refused("odd.py")


def test_two_sources_with_different_schemas_of_one_name_are_refused(place: Path) -> None:
    (place / "one.py").write_text(f"{MONEY}\nSCHEMAS = {{'Mood': int}}\n")
    (place / "two.py").write_text(
        "from superscalar.tools import tool\n@tool\ndef other() -> int: return 1\nSCHEMAS = {'Mood': float}\n"
    )
    with pytest.raises(CommandError, match="two modules have different SCHEMAS called 'Mood'"):
        load_tools(["one.py", "two.py"])


# --------------------------------------------------------------------------------------- a file that is a program too

PROGRAM = '''
import asyncio
from superscalar import Limit, LLMCompiler, tool

@tool(effect="read", limit="quotes")
def price(ticker: str) -> float:
    """Latest price."""
    return 1.0

LIMITS = {"quotes": Limit(concurrency=2)}
agent = LLMCompiler("local", [price], limits=LIMITS)

async def main():
    result = await agent.run("Which is dearest?")
    print(result.answer)

'''


@pytest.mark.parametrize("runs", ["asyncio.run(main())", "agent.run_sync('Which?')", "agent.resume_sync('r')"])
def test_a_file_that_runs_its_agent_when_it_is_imported_is_told_where_to_put_that(place: Path, runs: str) -> None:
    file = place / "program.py"
    file.write_text(PROGRAM + runs)
    assert refused("program.py").splitlines() == [
        f"--tools {file} cannot be loaded",
        f"{file}:17: it runs an agent while being imported; put that under `if __name__ == '__main__':`",
        f"    {runs}",
    ]


def test_a_program_lends_its_tools_and_needs_no_key_for_that(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    pytest.importorskip("openai", reason="needs the extra: pip install 'superscalar[openai]'")
    program = PROGRAM.replace('"local"', '"openai:gpt-5-mini"')
    (place / "program.py").write_text(f"{program}if __name__ == '__main__':\n    asyncio.run(main())\n")
    assert (names("program.py"), load_tools(["program.py"]).limits) == (["price"], {"quotes": Limit(concurrency=2)})
