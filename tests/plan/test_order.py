"""Ordering edges between accesses of one resource: RAW, WAR and WAW, as memory hazards in a processor (L17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar.plan import ir
from superscalar.plan.ir.signatures import ResourceFunction, Signatures
from superscalar.plan.passes.order import OrderAccesses
from support.depth import examples
from support.reading import read, signature

TOOLS = Signatures(
    [
        signature("pure", "x?", effect="pure", provider="shop"),
        signature("list_all", "x?", provider="shop"),
        signature("clear", "x?", effect="write", provider="shop"),
        signature("stock", "x?", provider="shop", resource="stock"),
        signature("restock", "x?", effect="write", provider="shop", resource="stock"),
        signature("orders", "x?", provider="shop", resource="orders"),
        signature("order", "x?", effect="write", provider="shop", resource="orders"),
        signature("web", "x?", provider="web"),
        signature("post", "x?", effect="write", provider="web"),
    ]
)


def after(*tools: str) -> list[list[int]]:
    """For calls of these tools in a row: which of the earlier ones each comes after, by position."""
    tasks = read("".join(f"a{i} = {tool}()\n" for i, tool in enumerate(tools)), TOOLS).tasks[:-1]
    return [sorted(int(before[1:]) for before in task.after) for task in tasks]


def test_reads_are_not_ordered_among_themselves() -> None:
    """Nor are pure calls ordered against anything."""
    assert after("list_all", "stock", "orders", "web") == [[], [], [], []]
    assert after("clear", "pure", "post", "pure") == [[], [], [], []]


def test_a_read_comes_after_the_write_before_it() -> None:
    """RAW: the last write stands for what it came after."""
    assert after("restock", "stock", "stock") == [[], [0], [0]]
    assert after("restock", "restock", "stock") == [[], [0], [1]]


def test_a_write_comes_after_the_reads_before_it() -> None:
    """WAR: every read since the last write."""
    assert after("stock", "stock", "restock") == [[], [], [0, 1]]
    assert after("stock", "restock", "stock", "restock") == [[], [0], [1], [1, 2]]


def test_a_write_comes_after_the_write_before_it() -> None:
    """WAW."""
    assert after("restock", "restock", "restock") == [[], [0], [1]]


def test_two_resources_do_not_meet() -> None:
    """Nor do two providers."""
    assert after("restock", "orders", "order", "stock") == [[], [], [1], [0]]
    assert after("clear", "web", "post", "list_all") == [[], [], [1], [0]]


def test_without_a_resource_an_access_touches_the_whole_provider() -> None:
    """It meets every resource of it, and they meet it."""
    assert after("restock", "order", "list_all", "clear", "stock") == [[], [], [0, 1], [0, 1, 2], [3]]
    assert after("list_all", "stock", "order", "clear") == [[], [], [0], [0, 1, 2]]
    assert after("clear", "restock", "orders", "list_all") == [[], [0], [0], [0, 1]]


def test_reads_of_the_whole_are_passed_once_per_resource() -> None:
    """Edges stay few: a later write of the resource comes after the one that came after them."""
    assert after("list_all", "list_all", "restock", "restock", "list_all", "restock") == [
        [],
        [],
        [0, 1],
        [2],
        [3],
        [3, 4],
    ]
    rows = after(*["list_all"] * 50, *["restock", "order"] * 50)
    assert sum(map(len, rows)) <= 50 * 2 + 100


def test_calls_inside_a_call_are_ordered_as_they_are_made() -> None:
    """From left to right, inner before outer (L10)."""
    assert read("a = post(web(1)) == post(web(2))\n", TOOLS).shown[:4] == [
        "a.post.web = web(x=1)",
        "a.post = post(x=<a.post.web>)! (after <a.post.web>)",
        "a.post.2.web = web(x=2) (after <a.post>)",
        "a.post.2 = post(x=<a.post.2.web>)! (after <a.post.2.web>, after <a.post>)",
    ]


def test_a_guarded_write_holds_its_place() -> None:
    """What follows comes after it, whatever its guard says (L17)."""
    assert "c = web() (after <b.post>)" in read("a = web()\nb = post() if a else 1\nc = web()\n", TOOLS).shown


def test_a_map_is_ordered_as_a_whole_and_chained_inside() -> None:
    """Its body in the order of the text, its items one after the other; tasks that meet no write are free."""
    assert read("a = web()\nb = [post(web(stock(x))) for x in [1, 2]]\nc = web()\nd = stock()\n", TOOLS).shown[
        1:-1
    ] == [
        "b.over = [1, 2]",
        "b = list of <b[]> for <b[]:x> in <b.over>, chained <b[].web>, chained <b[]> (after <a>)",
        "  b[].web.stock = stock(x=<b[]:x>)",
        "  b[].web = web(x=<b[].web.stock>)",
        "  b[] = post(x=<b[].web>)! (after <b[].web>)",
        "c = web() (after <b>)",
        "d = stock()",
    ]


def test_a_map_that_only_reads_is_not_chained() -> None:
    """Its items are read side by side, after the write before them."""
    assert read("post()\nb = [web(x) for x in [1, 2]]\npost()\n", TOOLS).shown[2:5] == [
        "b = list of <b[]> for <b[]:x> in <b.over> (after <post()>)",
        "  b[] = web(x=<b[]:x>)",
        "post().2 = post()! (after <b>, after <post()>)",
    ]


def test_a_map_in_a_map_is_chained_with_it() -> None:
    """The inner one's last item comes before the outer one's next."""
    assert read("b = [[post(x) for x in xs] for xs in web()]\n", TOOLS).shown[1:4] == [
        "b = list of <b[]> for <b[]:xs> in <b.web>, chained <b[]> (after <b.web>)",
        "  b[] = list of <b[][]> for <b[][]:x> in <b[]:xs>, chained <b[][]>",
        "    b[][] = post(x=<b[][]:x>)!",
    ]


CALLS = st.lists(st.sampled_from([s.alias for s in TOOLS]), max_size=14)


@settings(max_examples=examples(150, 3_000), deadline=None)
@given(CALLS)
def test_every_conflict_is_ordered_and_nothing_else(tools: list[str]) -> None:
    """Directly or over others; and each edge orders two that conflict."""
    rows = after(*tools)
    closure: list[set[int]] = []
    for row in rows:
        closure.append(set(row).union(*(closure[before] for before in row)))
    for later, tool in enumerate(tools):
        for earlier in range(later):
            if _conflict(tools[earlier], tool):
                assert earlier in closure[later]
            else:
                assert earlier not in rows[later]


def _conflict(one: str, other: str) -> bool:
    a, b = TOOLS.get(one), TOOLS.get(other)
    assert a is not None
    assert b is not None
    same = a.provider == b.provider and (a.resource is None or b.resource is None or a.resource == b.resource)
    return same and "pure" not in (a.effect, b.effect) and "write" in (a.effect, b.effect)


def test_edges_grow_with_the_plan() -> None:
    """Ten times as many calls have ten times as many edges, whatever they touch."""
    for tools in (["list_all", "restock"], ["stock", "order", "list_all"], ["restock", "order", "list_all", "clear"]):
        few, many = (sum(len(row) for row in after(*(tools * times))) for times in (20, 200))
        assert many < 12 * few, tools


def test_a_tool_that_nobody_declared_is_left_alone() -> None:
    """Tasks of another table, in a run that has no write at all, get no edges."""
    task = ir.Task("a", ir.Call("gone"))
    assert OrderAccesses(Signatures([signature("web")]))(task) is task


# ------------------------------------------------------------------------------------------------ computed resources


def _file(arguments: Mapping[str, Any]) -> str:
    return f"file:{arguments['path'].strip()}"


FILE = ResourceFunction(("path",), _file)
FILES = Signatures(
    [
        signature("load", "path", provider="disk", resource=FILE),
        signature("save", "path", "text?", effect="write", provider="disk", resource=FILE),
        signature("sync", "x?", effect="write", provider="disk"),
        signature("web", "x?", provider="web"),
    ]
)


def touched(text: str) -> list[str | None]:
    """The resource of every call; `?` where it is not known, nothing where nothing can write it."""
    works = (task.work for task in read(text, FILES).tasks)
    accesses = (work.access for work in works if isinstance(work, ir.Call) and work.access is not None)
    return [access.resource if access.known else "?" for access in accesses]


def test_a_resource_is_known_where_its_arguments_are_constants() -> None:
    """Or made of constants: names, texts, what they come to, whether or not it is computed on all paths (L17)."""
    assert touched("load('a')\nsave(path='b ')\nsync()\nweb('a')") == ["file:a", "file:b", None]
    assert touched("p = 'a'\nq = p + '/' + str(1)\nload(q)\nload(f'{q}.txt')\nload(q[:2])") == [
        "file:a/1",
        "file:a/1.txt",
        "file:a/",
    ]


def test_a_resource_is_not_known_where_its_arguments_are_not() -> None:
    """Nor where they make no sense; then the call touches all of its provider."""
    assert touched("p = web()\nload(p)\nsave('a', p)\nload(f'{p}')\nload(1)\nload('a'[7])") == ["?", "file:a", *"???"]
    assert read("save('a')\nsave(web())\nsave('b')\nload('a')", FILES).shown[:-1] == [
        "save() = save(path='a')!",
        "save().2.web = web()",
        "save().2 = save(path=<save().2.web>)! (after <save()>)",
        "save().3 = save(path='b')! (after <save().2>)",
        "load() = load(path='a') (after <save().2>)",
    ]


def test_a_resource_in_a_map_is_known_if_it_does_not_depend_on_the_item() -> None:
    """Then its items are still written in order, and other files are free."""
    shown = read("p = 'a'\nxs = [save(p, load('b')) for x in web()]\ny = load('b')\nz = load('a')", FILES).shown[2:-1]
    assert shown == [
        "xs = list of <xs[]> for <xs[]:x> in <xs.web>, chained <xs[]>",
        "  xs[].load = load(path='b')",
        "  xs[] = save(path=<p>, text=<xs[].load>)!",
        "y = load(path='b')",
        "z = load(path='a') (after <xs>)",
    ]


def test_a_long_computation_is_not_done_to_know_a_resource() -> None:
    assert touched("p = str(sum(range(10_000)))\nload(p)") == ["?"]


def test_a_plan_is_ordered_in_linear_time_whatever_its_resources_are_made_of() -> None:
    """A constant that is made of the one before, a thousand times, is computed once each."""
    lines = [
        "p0 = 0",
        *(f"p{i + 1} = p{i} + 1" for i in range(1_000)),
        *(f"load(str(p{i}) + '')" for i in range(1_000)),
    ]
    assert touched("\n".join(lines)) == [f"file:{i}" for i in range(1_000)]
