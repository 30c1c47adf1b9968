"""No plan, in any syntax, reaches an attribute, a builtin or an object that is not in the language (rules L3 to L5)."""

from __future__ import annotations

import builtins
import dataclasses
import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from pydantic import BaseModel, PrivateAttr, computed_field

from corpus.hostile import ESCAPES
from superscalar import Failure, LLMCompiler, Observation, Plan, PlanError, Skipped, Tool, tool
from superscalar.plan import AnySyntax
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.testing import run

ESCAPE_LINES = ESCAPES.strip().splitlines()


@tool(effect="pure")
async def echo(x: Any) -> Any:
    """What it was given."""
    return x


def outcomes(plan: str, tools: list[Tool[..., Any]], syntax: AnySyntax = "python") -> Mapping[str, Any] | PlanError:
    agent = LLMCompiler(tools=tools)
    try:
        compiled: Plan = agent.compile(plan, syntax=syntax)
    except PlanError as error:
        return error
    return run(agent.execute(compiled))


# ---------------------------------------------------------------------------------------------- the other syntaxes

FRONTS: dict[AnySyntax, str] = {
    "numbered": "1. echo(1)\n2. echo({})\n3. join($2)<END_OF_PLAN>\n",
    "rewoo": "Plan: so\n#E1 = echo[1]\nPlan: so\n#E2 = echo[{}]\n",
}


@pytest.mark.parametrize("syntax", FRONTS)
@pytest.mark.parametrize("escape", ESCAPE_LINES)
def test_an_escape_is_refused_or_is_text_in_the_syntaxes_of_the_papers(escape: str, syntax: AnySyntax) -> None:
    """There, an argument without quotes may be meant as text: then it arrives as it was written."""
    found = outcomes(FRONTS[syntax].replace("{}", escape), [echo], syntax)
    if not isinstance(found, PlanError):
        assert all(_is_data(outcome) for outcome in found.values()), found


def _is_data(value: Any) -> bool:
    """Whether there is nothing in it but texts, numbers and what failed: no class, function, module or frame."""
    match value:
        case Observation(inner):
            return _is_data(inner)
        case Failure(kind=kind):
            return kind in ("evaluation", "bounds", "arguments")
        case list() | tuple():
            return all(map(_is_data, value))
        case dict():
            return all(map(_is_data, value)) and all(map(_is_data, value.values()))
    return isinstance(value, Skipped) or type(value) in (str, int, float, bool, bytes, type(None))


HOSTILE_JSON: dict[str, Any] = {
    "a class": {"x": {"$ref": "a", "path": ["__class__"]}},
    "a class of a part": {"x": {"$ref": "a", "path": ["title", "__class__", "__base__"]}},
    "a class in full width": {"x": {"$ref": "a", "path": ["＿＿class＿＿"]}},
    "a dict of a record": {"x": {"$ref": "a", "path": ["__dict__"]}},
    "a method of a record": {"x": {"$ref": "a", "path": ["model_dump"]}},
    "a method of a text": {"x": {"$ref": "a", "path": ["title", "upper"]}},
    "a call in a path": {"x": {"$ref": "a", "path": ["title.upper()"]}},
    "an expression as a reference": {"x": {"$ref": "a.__class__"}},
    "an expression as an id": {"x": {"$ref": "().__class__"}},
    "an expression in a path": {"x": {"$ref": "a", "path": ["title'] + open('/etc/passwd') + ['"]}},
    "a tool as a reference": {"x": {"$ref": "echo"}},
    "a function as a reference": {"x": {"$ref": "len"}},
    "a class in a text": {"x": {"$text": [{"$ref": "a", "path": ["__class__"]}]}},
    "a text as a path": {"x": {"$ref": "a", "path": "__class__"}},
    "an object as a path": {"x": {"$ref": "a", "path": [{"$ref": "a"}]}},
    "a key of another kind": {"x": {"$eval": "1"}},
    "a parameter with underscores": {"__class__": 1},
    "a parameter that is none": {"x": 1, "**": {"y": 1}},
}


@pytest.mark.parametrize("arguments", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
def test_a_plan_in_json_reaches_no_attribute(arguments: dict[str, Any]) -> None:
    plan = {
        "steps": [{"id": "a", "tool": "page", "arguments": {}}, {"id": "b", "tool": "echo", "arguments": arguments}]
    }
    found = outcomes(json.dumps(plan), [echo, _page_tool(Model())], "json")
    if not isinstance(found, PlanError):
        assert isinstance(found["b"], Failure | Skipped), found["b"]


@pytest.mark.parametrize(
    "name", ["eval", "__import__", "echo.function", "open", "len", "join", "echo()", "a; echo", ""]
)
def test_a_plan_in_json_calls_tools_only(name: str) -> None:
    plan = {"steps": [{"id": "a", "tool": name, "arguments": {"x": "1"}}]}
    assert isinstance(outcomes(json.dumps(plan), [echo], "json"), PlanError)


@pytest.mark.parametrize("text", ["{0.__class__}", "{x.__class__}", "$1", "%s", "${a}", "{a}", "().__class__"])
def test_text_in_json_is_text(text: str) -> None:
    plan = {"steps": [{"id": "a", "tool": "echo", "arguments": {"x": text}}], "join": {"$text": [text, {"$ref": "a"}]}}
    found = outcomes(json.dumps(plan), [echo], "json")
    assert not isinstance(found, PlanError)
    assert found["a"] == Observation(text)
    assert found["join()"] == Observation(text + text)


# ---------------------------------------------------------------------------------------- objects that tools return


class Touched(Exception):
    """Something ran that only Python may run."""


class Model(BaseModel):
    """A record of pydantic, with more to it than its fields."""

    title: str = "t"
    _private: str = PrivateAttr("private")
    shared: ClassVar[str] = "shared"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def computed(self) -> str:
        raise Touched

    @property
    def plain(self) -> str:
        raise Touched

    def method(self) -> str:
        raise Touched


@dataclasses.dataclass
class Data:
    """A dataclass, likewise."""

    title: str = "t"
    _private: str = "private"
    shared: ClassVar[str] = "shared"

    @property
    def plain(self) -> str:
        raise Touched

    @classmethod
    def method(cls) -> str:
        raise Touched

    def __getattr__(self, name: str) -> str:
        raise Touched if name in ATTRIBUTES else AttributeError(name)


class Named(NamedTuple):
    """A named tuple, likewise."""

    title: str = "t"

    @property
    def plain(self) -> str:
        raise Touched

    def method(self) -> str:
        raise Touched


class Handle:
    """What is no data at all. It says which of its attributes anybody wanted."""

    wanted: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        Handle.wanted.add(name)
        return object.__getattribute__(self, name)

    def title(self) -> str:
        raise Touched

    def __call__(self) -> str:
        raise Touched


ATTRIBUTES = """
_private shared computed plain method __class__ __dict__ __init__ __doc__ __module__ __slots__ __annotations__
__fields__ model_dump model_dump_json model_fields model_config model_extra model_copy copy dict json construct
model_construct _asdict _fields _replace _make count index __getitem__ __dataclass_fields__ __pydantic_fields__
__record_fields__ __record_type__ __reduce__ __reduce_ex__ __subclasshook__ __sizeof__ __wrapped__ anything real
args __cause__ gi_frame f_globals
""".split()


def _page_tool(thing: Any) -> Tool[..., Any]:
    @tool(effect="read")
    async def page() -> Any:
        """Whatever it is."""
        return thing

    return page


@pytest.fixture(autouse=True)
def _nothing_wanted() -> None:
    Handle.wanted.clear()


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("thing", [Model(), Data(), Named(), Handle()], ids=lambda thing: type(thing).__name__)
def test_of_what_a_tool_returns_nothing_is_reached_but_declared_fields(thing: Any, attribute: str) -> None:
    page = _page_tool(thing)
    for look in (f"x.{attribute}", f"x.{attribute}()", f'f"{{x.{attribute}}}"', f"[y.{attribute} for y in [x]]"):
        found = outcomes(f"x = page()\nv = {look}\njoin(v)\n", [page])
        if not isinstance(found, PlanError):
            assert isinstance(found["v"], Failure), look
            assert "Touched" not in str(found["v"])
    for sought in ("max([x], key=lambda q: q.{})", "sorted([x, x], key=lambda q: q.{})", "x[{!r}]", '{{"a": x}}.a.{}'):
        found = outcomes(f"x = page()\nv = {sought.format(attribute)}\njoin(v)\n", [page])
        if not isinstance(found, PlanError):
            assert isinstance(found["v"], Failure), sought
    assert Handle.wanted <= {"__class__"}  # `isinstance` asks for it


@pytest.mark.parametrize("thing", [Model(), Data(), Named()], ids=lambda thing: type(thing).__name__)
def test_declared_fields_are_reached(thing: Any) -> None:
    found = outcomes("x = page()\nv = x.title\njoin(v)\n", [_page_tool(thing)])
    assert not isinstance(found, PlanError)
    assert found["v"] == Observation("t")


@pytest.mark.parametrize(
    "look",
    [
        'd["f"](1)',
        "d.f(1)",
        "d.f()",
        'd.get("f")(1)',
        "[f(1) for f in d.values()]",
        "sorted([1], key=d.f)",
        'max([1], key=d["f"])',
        "max([1, 2], key=lambda q: d.f(q))",
        "d.items()[0][1](1)",
        'f"{d.f(1)}"',
        "int(d.f)",
        "d.f + 1",
        "len(d.f)",
        "[y for y in d.f]",
        "d.f.__globals__",
        "d.f.func_globals",
    ],
)
@pytest.mark.parametrize("function", [eval, print, Handle(), Data.method, lambda *_: [].__class__])
def test_a_function_in_the_data_is_never_called(look: str, function: Any) -> None:
    found = outcomes(f"d = page()\nv = {look}\njoin(v)\n", [_page_tool({"f": function})])
    if not isinstance(found, PlanError):
        assert isinstance(found["v"], Failure), look
        assert "Touched" not in str(found["v"])


def test_keys_with_the_names_of_attributes_are_keys() -> None:
    """Data may be called anything: it hides no method, and brings none."""
    data = {"get": "data", "items": "data", "__class__": "data", "keys": 1}
    plan = 'd = page()\na = d.get("get")\nb = d["__class__"]\nc = len(d.keys())\ne = d["items"]\nf = d.items\njoin()\n'
    found = outcomes(plan, [_page_tool(data)])
    assert not isinstance(found, PlanError)
    assert [found[name] for name in "abcef"] == [Observation(v) for v in ("data", "data", 4, "data", "data")]
    assert isinstance(outcomes("d = page()\na = d.__class__\n", [_page_tool(data)]), PlanError)


# -------------------------------------------------------------------------------------------------- names of tools


def _tool_named(name: str) -> Tool[..., Any]:
    @tool(name=name, effect="pure")
    async def named(x: Any = 0) -> str:
        return "the tool"

    return named


@pytest.mark.filterwarnings("ignore:the tool .* is called .* in plans")
@pytest.mark.parametrize("name", sorted({*(name for name in FUNCTIONS if "." not in name), "join"}))
def test_a_tool_with_the_name_of_a_function_gets_another_and_hides_nothing(name: str) -> None:
    """Whoever makes the agent is told of it."""
    found = _tool_named(name)
    assert found.alias == (name.replace(".", "_") if "." in name else f"{name}_")
    told = f"the tool {name} is called {found.alias} in plans"
    with pytest.warns(UserWarning, match=told) if name in FUNCTIONS else nullcontext():
        results = outcomes(f"a = {found.alias}(1)\nb = len([1, 2])\njoin(a, b)\n", [found])
    assert not isinstance(results, PlanError)
    assert results["a"] == Observation("the tool")
    assert results["b"] == Observation(2)


@pytest.mark.parametrize("name", sorted(dir(builtins)))
def test_a_name_of_python_is_a_tool_or_a_function_of_the_language_or_nothing(name: str) -> None:
    if name in FUNCTIONS or name.startswith("_") or name in ("True", "False", "None"):
        return
    assert isinstance(outcomes(f"a = {name}('1')\n", [echo]), PlanError)
    assert isinstance(outcomes(f"a = {name}\n", [echo]), PlanError)
    own = _tool_named(name)
    results = outcomes(f"a = {own.alias}('1')\n", [own])
    assert not isinstance(results, PlanError)
    assert results["a"] == Observation("the tool")


@pytest.mark.parametrize("text", ["ｓｅｎｄ('a')", "𝓼𝓮𝓷𝓭('a')", "ſend('a')"])
def test_a_name_in_letters_that_python_takes_for_the_same_calls_that_tool_and_no_other(text: str) -> None:
    """Python's own rule for identifiers (NFKC): the tool that is meant is the one that is checked and named."""
    results = outcomes(f"a = {text}\n", [_tool_named("send"), echo])
    assert not isinstance(results, PlanError)
    assert results["a"] == Observation("the tool")


@pytest.mark.parametrize("text", ["ѕend('a')", "sеnd('a')", "sen\u200bd('a')", "send\u202e('a')", "ѕеnd('a')"])
def test_a_name_that_only_looks_like_a_tools_is_no_tool(text: str) -> None:
    assert isinstance(outcomes(f"a = {text}\n", [_tool_named("send")]), PlanError)


def test_tools_whose_names_come_to_the_same_alias_keep_apart() -> None:
    """None takes over the name of another, wherever it comes in the list: plans that say it mean that one."""
    own, others = _tool_named("send_mail"), [_tool_named("send mail"), _tool_named("send.mail")]
    for tools in ([own, *others], [*others, own]):
        found = LLMCompiler(tools=tools).tools
        assert len(set(found.by_alias)) == 3
        assert found.get("send_mail") is own


def test_nothing_is_read_or_written_by_a_plan_that_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every escape at once, with what they would reach watched."""
    reached: list[str] = []
    for name in ("eval", "exec", "open", "__import__", "getattr", "compile", "print", "input", "breakpoint"):
        whole = getattr(builtins, name)
        ours = _watched(name, whole, reached)
        monkeypatch.setattr(builtins, name, ours)
    source = "".join(f"v{number} = {escape}\n" for number, escape in enumerate(ESCAPE_LINES))
    found = LLMCompiler(tools=[echo]).check(source)
    assert {error.span.line for error in found if error.severity == "error"}
    assert not [name for name in reached if name in ("eval", "exec", "open", "input", "print", "breakpoint")]


def _watched(name: str, whole: Any, reached: list[str]) -> Any:
    def watched(*arguments: Any, **named: Any) -> Any:
        reached.append(name)
        return whole(*arguments, **named)

    return watched
