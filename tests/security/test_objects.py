"""What a tool returns may be an object with a will of its own: it is shown and handed on, nothing else (rule L24)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, Observation, RunResult, Skipped, Tool, tool
from superscalar.testing import ScriptedModel, run
from support.depth import share

METHODS = """
__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __bool__ __len__ __iter__ __getitem__ __contains__ __format__
__str__ __repr__ __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __mod__ __rmod__ __or__ __ror__ __and__ __rand__
__xor__ __neg__ __pos__ __invert__ __abs__ __int__ __float__ __index__ __round__ __call__ __getattr__ __reversed__
__floordiv__ __truediv__ __pow__ __getattribute__ keys items values get split join lower strip
""".split()

# `x` is the object; every way in which an expression may look at a value.
EXPRESSIONS = """
x == 1; 1 == x; x == x; x != x; [x] == [1]; [x] == [x]; (x,) == (1,); {"a": x} == {"a": 1}; [[x]] == [[1]]; x in [1]
1 in [x]; x in [x]; x in (x,); x in {1: 2}; x in {1, 2}; "a" in x; x in x; "a" in {"a": x}.values(); x not in [x]
x < 1; [x] < [1]; x < x < x; min([x, 1]); max(x, 1); min(x); sorted([x, x]); sorted([[x], [1]]); sorted(x)
max([1], key=lambda q: x); sorted([1, 2], key=lambda q: [x]); x is x; x is None; {x}; {x, x}; {x: 1}; set([x]); set(x)
dict(x); dict([x]); dict(a=x); dict([[x, 1]]); not x; x and 1; x or 1; 1 if x else 2; bool(x); any([x]); all([x])
any(x); [y for y in [1, 2] if x]; len(x); len([x]); list(x); tuple(x); [y for y in x]; [y for y in [x]]; reversed(x)
enumerate(x); zip(x, x); range(x); sum(x); sum([x]); sum([1, x]); x[0]; x["a"]; x[x]; x[:1]; [1, 2][x]; [1, 2][x:]
{"a": 1}[x]; {"a": 1}.get(x); {"a": x}.get("a"); x.a; x.real; x.keys; x.f; x.keys(); x.get("a"); x.lower()
x.split(","); x.join(["a"]); ",".join(x); ",".join([x]); "a".split(x); "a".find(x); "a".count(x); "a".replace(x, "b")
"a".startswith(x); "a".strip(x); f"{x}"; f"{x!r}"; f"{x!s}"; f"{x!a}"; f"{x:>10}"; f"{[x]}"; f"{'a':{x}}"; str(x)
str([x]); str({"a": x}); str(x, "utf-8"); x + 1; 1 + x; x + x; "a" + x; [1] + x; x - x; x * 2; 2 * x; "a" * x; [1] * x
x % 2; x / 2; x // 2; x ** 2; x | x; {1: 2} | x; {1} | x; x & x; x ^ x; x << 1; -x; +x; ~x; abs(x); int(x)
int("1", x); float(x); round(x); round(1.5, x); default(x, 1); ok(x); ok([x]); first(1, [x]); first(x, [1])
first(1, x); [echo(y) for y in x]; [echo(y) for y in [1] if x]; [y for y in [echo(x)] if x]; echo(x); echo([x])
echo({"a": x}); echo(1) if x else echo(2); echo(1) and x and echo(3); {echo(x): 1}; {echo(1), echo(2)}
[z for y in [x] for z in y]
"""
LOOKS = [look.strip() for line in EXPRESSIONS.strip().splitlines() for look in line.split(";")]
PLAN = "".join(
    [
        'x = get("it")\nfine = echo("fine")\n',
        *(f"v{number} = {look}\n" for number, look in enumerate(LOOKS)),
        "if x:\n    taken = echo('taken')\nelse:\n    taken = echo('not taken')\n",
        "for y in x:\n    looped = echo(y)\n",
        "join()\n",
    ]
)


def raising(called: set[str], method: str) -> Callable[..., Any]:
    def method_of_a_tool(self: object, *_arguments: object) -> Any:
        called.add(method)
        raise RuntimeError(method)

    return method_of_a_tool


def lying(called: set[str], method: str) -> Callable[..., Any]:
    def method_of_a_tool(self: object, *_arguments: object) -> Any:
        called.add(method)
        return True

    return method_of_a_tool


BASES: dict[type, tuple[Any, ...]] = {
    str: ("abc",),
    int: (3,),
    float: (1.5,),
    bytes: (b"ab",),
    list: ([1, 2],),
    dict: ({"a": 1},),
    tuple: ((1, 2),),
    set: ([1],),
    Mapping: (),
    Set: (),
}


def tools_with(thing: object) -> list[Tool[..., Any]]:
    @tool(effect="read")
    async def get(name: str) -> Any:
        return thing

    @tool(effect="pure")
    async def echo(x: Any) -> Any:
        return x

    return [get, echo]


def ran(thing: object, plan: str = PLAN) -> RunResult:
    """The plan's run, joined by a model, which is shown everything."""
    agent = LLMCompiler(ScriptedModel(plan, "Done."), tools=tools_with(thing))
    return run(agent.run("?"))


def check_that_only_tasks_failed(result: RunResult) -> None:
    """Whatever the object did, each task settled, and what has nothing to do with it succeeded."""
    assert result.answer == "Done."
    assert result.outcomes["fine"] == Observation("fine")
    for number, look in enumerate(LOOKS):
        assert isinstance(result.outcomes[f"v{number}"], Observation | Failure | Skipped), look


@pytest.mark.search
@pytest.mark.parametrize(("method", "make"), share(product(METHODS, [raising, lying]), 5))
def test_of_an_opaque_object_nothing_is_called_but_its_repr(method: str, make: Callable[..., Any]) -> None:
    called: set[str] = set()
    result = ran(type("Thing", (), {method: make(called, method)})())
    check_that_only_tasks_failed(result)
    assert called <= {"__repr__", "__getattribute__"}  # `isinstance` asks for its `__class__`


@pytest.mark.search
@pytest.mark.parametrize(("method", "base"), share(product(METHODS, BASES), 11))
def test_data_whose_class_has_methods_of_its_own_fails_no_more_than_the_task_that_looks_at_it(
    method: str, base: type
) -> None:
    called: set[str] = set()
    own: dict[str, Any] = {}
    if base in (Mapping, Set):
        own = {"__getitem__": lambda self, key: {"a": 1}[key], "__len__": lambda self: 1}
        own |= {"__iter__": lambda self: iter(["a"]), "__contains__": lambda self, key: key == "a"}
    own[method] = raising(called, method)
    check_that_only_tasks_failed(ran(type("Thing", (base,), own)(*BASES[base])))


@pytest.mark.parametrize("claimed", [str, int, list, dict, tuple, set, bytes, float, bool, type(None), RuntimeError])
def test_an_object_that_lies_about_its_class_fails_no_more_than_the_task_that_looks_at_it(claimed: type) -> None:
    def says(self: object) -> type:
        if claimed is RuntimeError:
            raise RuntimeError("no class")
        return claimed

    check_that_only_tasks_failed(ran(type("Thing", (), {"__class__": property(says)})()))


JOURNALED = "__class__ __getattribute__ __sub__ __repr__ __eq__ __len__ __iter__ bit_length items isoformat".split()


@pytest.mark.parametrize("method", JOURNALED)
@pytest.mark.parametrize("base", [object, *BASES], ids=lambda base: base.__name__)
def test_what_a_journal_cannot_keep_of_an_object_fails_its_task_alone(method: str, base: type, tmp_path: Path) -> None:
    def says(self: object) -> Any:
        raise RuntimeError(method)

    own: dict[str, Any] = {method: property(says) if method == "__class__" else raising(set(), method)}
    if base in (Mapping, Set):
        own = {"__getitem__": says, "__len__": says, "__iter__": says, "__contains__": says} | own
    thing = type("Thing", (base,), own)(*BASES.get(base, ()))
    agent = LLMCompiler(tools=tools_with(thing), journal=tmp_path / "runs.db")
    found = run(agent.execute('x = get("it")\ny = echo(x)\nfine = echo("fine")\njoin()\n'))
    assert found["fine"] == Observation("fine")
    assert isinstance(found["x"], Observation | Failure)
