"""What only some may read decides no call that others see: the same run in two worlds, where that says something else.

Told from outside, by the calls of those who may not read it, and not by labels: so it holds for whatever makes these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from superscalar import Failure, Label, LLMCompiler, Policy, compiler, results
from superscalar.compiler import calls as native
from superscalar.compiler import history, run, sight
from superscalar.errors import PlanError
from superscalar.labels import NOTHING, USER
from superscalar.policy.rules import Confidentiality
from superscalar.schedule import lineage as derived
from superscalar.schedule.permission import Permission
from superscalar.schedule.whether import Whether
from superscalar.testing import run as run_in_virtual_time
from support import two_readers
from support.depth import examples
from support.random_programs import Writer
from support.two_readers import WAYS, Calls, Mixed, in_random_world, of_a_plan

SAID = ("pin 7781", "pin 1772", "zzz 0000", None)
"""What the diary says, world by world; in the last one it cannot be read."""

SAME = SAID[:2]  # of one length, and the same fails: what a summary tells is the same

PLANS = {
    "a condition": 'e = diary()\nif e[4] == "7":\n    search("seven")\njoin()\n',
    "the other side of it": 'e = diary()\nif e[4] == "7":\n    n = 1\nelse:\n    search("no seven")\njoin()\n',
    "conditions in loops": (
        'e = diary()\nfor i in range(4, 8):\n    for c in "0123456789":\n        if e[i] == c:\n'
        '            search(f"{i}{c}")\njoin()\n'
    ),
    "one side of a choice": 'e = diary()\nx = look("a") if e[4] == "7" else look("b")\njoin(x)\n',
    "an operand": 'e = diary()\nx = e[4] == "7" and search("a")\njoin(x)\n',
    "a filter": 'e = diary()\nx = [post(c) for c in ["7", "1", "z"] if c in e]\njoin(x)\n',
    "the items of a list": 'x = [search("again") for page in pages()]\njoin(x)\n',
    "a list under a condition": 'e = diary()\nif e[4] == "7":\n    x = [search(q) for q in ["a", "b"]]\njoin()\n',
    "a call once for all items": 'x = [look("once") for page in pages()]\njoin(x)\n',
    "a number": 'e = diary()\nx = [post(i) for i in range(e.count("7"))]\njoin(x)\n',
    "an assertion": 'e = diary()\nassert e[4] == "7", "no"\nx = search("a")\njoin(x)\n',
    "a handler": (
        'e = diary()\ntry:\n    n = e.index("7")\nexcept:\n    n = 0\nx = search("a" if n else "b")\njoin(x)\n'
    ),
    "whether it is there": 'x = search("none" if default(locate("7"), -1) < 0 else "some")\njoin(x)\n',
    "how many are there": 'x = [search("some") for i in ok([locate("7"), locate("1")])]\njoin(x)\n',
    "a name that may have no value": 'e = diary()\nif e[4] == "7":\n    a = 1\nx = search(default(a, 5))\njoin(x)\n',
    "a total": 'e = diary()\nn = 0\nfor c in e:\n    if c == "7":\n        n += 1\nx = search(n > 1)\njoin(x)\n',
    "keys that it has": "e = diary()\nd = {}\nfor c in e:\n    d.setdefault(c, []).append(1)\n"
    'x = [search("k") for k in d]\njoin(x)\n',
    "what is written between two calls that are one": (
        f'e = diary()\na = look("a")\nif e[4] == "7":\n    send("{two_readers.ANN}")\nb = look("a")\njoin(a, b)\n'
    ),
    "a write that was not needed": (
        f'e = diary()\na = look("a")\nif e[4] == "7":\n    send("{two_readers.ANN}")\nb = look("a")\nx = search(b)\n'
        "join(a, b, x)\n"
    ),
    "whether it is the same call still": (
        f'e = diary()\na = look("a")\nif e[4] == "7":\n    send("{two_readers.ANN}")\nb = look("a")\n'
        'x = search(default(b, "none"))\njoin(a, x)\n'
    ),
    "writes of a loop between two calls": (
        f'e = diary()\na = look("a")\nfor c in pages():\n    send("{two_readers.ANN}", c)\nb = look("a")\n'
        "x = search(b)\njoin(a, x)\n"
    ),
    "a write that fails between two calls": (
        f'e = diary()\na = look("a")\nsend("{two_readers.ANN}", e.index("81"))\nb = look("a")\nx = search(b)\n'
        "join(a, x)\n"
    ),
    "a call that is late and shares": (
        f'e = diary()\nb = look(search("a"))\nif e[4] == "7":\n    send("{two_readers.ANN}")\n'
        'a = look("all about a")\nx = search(a)\njoin(b, x)\n'
    ),
    "a call of a loop that is shared": (
        f'e = diary()\nfor c in ["a", "a"]:\n    x = search(look(c))\n    if e[4] == "7":\n'
        f'        send("{two_readers.ANN}", c)\njoin(e, x)\n'
    ),
    "what shares a call that fails together": (
        'e = diary()\nif "7" in e:\n    a = clean("a")\nc = clean(e[4:])\nlate = search(search("x"))\n'
        'x = search(clean("a" + late[:0]))\njoin(default(a, 0), c, x)\n'
    ),
    "what comes first": 'e = diary()\nx = first(1, [e.index("7"), search(search("warm"))])\njoin(x)\n',
    "what comes first of many": (
        "e = diary()\n"
        + "".join(f'x{c} = first(1, [e.index("{c}"), search(search("w{c}"))])\n' for c in "0178")
        + "join()\n"
    ),
    "what is first there": 'x = first(1, [diary(), search(search("warm"))])\njoin(x)\n',
    "what is first of a list": ('x = first(1, [[locate(c) for c in ["7", "8"]], search(search("warm"))])\njoin(x)\n'),
    "what is first but for a condition": (
        'e = diary()\na = 1 if "7" in e else e[99]\nx = first(1, [a, search(search(search("warm")))])\njoin(x)\n'
    ),
    "how many are first": (
        'e = diary()\nx = first(e.count("7"), [clean("a"), search("b"), search(search("c"))])\njoin(x)\n'
    ),
    "what a second one waits for": (
        'e = diary()\nw = search("warm")\na = first(1, [e.index("7"), search(w)])\n'
        'b = first(1, [e.index("81"), post(w)])\njoin(a, b)\n'
    ),
    "what a list of calls goes on with": (
        'e = diary()\nx = first(1, [e.index("7"), [search(q) for q in [search(search("a")), "b"]]])\njoin(x)\n'
    ),
    "what is sent together": (
        'n = locate("7")\nxs = [clean(t) for t in [n, "weather"]]\nx = search(xs[1])\njoin(xs, x)\n'
    ),
    "what fails together": (
        'e = diary()\nd = clean(e)\nw = clean(search("a"))\nx = search(default(w, "none"))\njoin(d, x)\n'
    ),
    "what is sent together by a condition": (
        'e = diary()\nxs = [clean(t) for t in ["1" if "81" in e else e[0], "a"]]\nx = search(xs[1])\njoin(xs, x)\n'
    ),
    "what is sent together of a loop": (
        'e = diary()\nx = []\nfor q in [e, "a", "b"]:\n    w = clean(q)\n    x.append(search(w))\njoin(x)\n'
    ),
    "a fallback": 'x = send("bob@home.example", default(locate("7"), "none"))\njoin(x)\n',
    "who it goes to": 'e = diary()\nx = send("bob@home.example" if "7" in e else "eve@home.example", "hi")\njoin(x)\n',
}

BESIDE = {
    "in a list": 'e = diary()\nxs = [1, e.index("7")]\nx = search(xs[0])\njoin(x)\n',
    "in a dict": 'e = diary()\nd = {"a": 1, "b": e.index("7")}\nx = search(d["a"])\njoin(x)\n',
    "in its length": 'e = diary()\nx = search(len([1, e.index("7")]))\njoin(x)\n',
    "in each item": (
        'xs = [{"q": q, "n": locate(q)} for q in ["7", "1", "z"]]\nx = [search(a["q"]) for a in xs]\njoin(x)\n'
    ),
    "in a pair that is made anew": (
        'e = diary()\nxs = [(q, e.index(q)) for q in ["7", "1"]]\nx = [post(a) for a, n in xs]\njoin(x)\n'
    ),
    "in a list of lists": (
        'e = diary()\nxs = [[1, 2], [3, e.index("7")]]\nx = search(xs[0][0])\ny = post(xs[1][0])\njoin(x, y)\n'
    ),
    "in a call": 'e = diary()\nx = search([1, e.index("7")][0])\njoin(x)\n',
}
"""Plans that take what is nobody's secret from beside what fails where something is not in the diary."""


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_what_a_plan_finds_in_a_confidential_text_decides_no_call_that_others_see(plan: str) -> None:
    here, *there = [of_a_plan(plan, said) for said in SAID]
    assert there == [here] * 3
    found = [of_a_plan(plan, said, policy="off") for said in SAID]
    assert any(calls != found[0] for calls in found)  # there was something to find


@pytest.mark.parametrize("plan", BESIDE.values(), ids=BESIDE)
def test_nor_does_what_fails_there(plan: str) -> None:
    here, *there = [of_a_plan(plan, said) for said in SAID]
    assert there == [here] * 3


@pytest.mark.parametrize(
    ("plan", "made"),
    [
        ('e = diary()\nx = search("weather")\njoin(e, x)\n', [("search", "{'query': 'weather'}")]),
        ('xs = [diary(), search("a")]\nx = post(xs[1])\njoin(x)\n', [("post", "{'query': 'all about a'}")]),
        (
            'xs = [(q, diary(q)) for q in ["a", "b"]]\nx = [post(a) for a, text in xs]\njoin(x)\n',
            [("post", "{'query': 'a'}"), ("post", "{'query': 'b'}")],
        ),
        ('e = diary()\na = look("a")\nb = look("b")\nz = a if "7" in e else b\njoin(z)\n', ["a", "b"]),
        ('x = look("a")\ne = diary()\nif "7" in e:\n    y = look("a")\njoin(x)\n', ["a"]),
    ],
)
def test_what_depends_on_nothing_confidential_is_called_in_all_worlds(plan: str, made: list[Any]) -> None:
    expected = [("look", f"{{'query': {one!r}}}") if isinstance(one, str) else one for one in made]
    for said in SAID:
        found = of_a_plan(plan, said)
        assert [call for call in found if call in expected] == expected
        if said is not None:
            assert [call for call in found if call[0] != "search"] == [c for c in expected if c[0] != "search"]


def test_what_goes_to_a_reader_may_depend_on_it() -> None:
    agent = LLMCompiler(tools=two_readers.tools("pin 7781"))
    plan = f'e = diary()\nif "7" in e:\n    x = send("{two_readers.ANN}", "it has a seven")\njoin(x)\n'
    found = run_in_virtual_time(agent.execute(plan))
    assert found["x"].value == f"sent to {two_readers.ANN}"  # type: ignore[union-attr]


def test_whoever_finds_it_too_strict_lets_conditions_be() -> None:
    loose = Policy(confidential_control="allow")
    plan = PLANS["a condition"]
    assert [of_a_plan(plan, said, policy=loose) for said in SAME] == [[("search", "{'query': 'seven'}")], []]
    for said in SAID:
        assert of_a_plan("x = search(diary())\njoin(x)\n", said, policy=loose) == []


def test_the_message_says_what_decided_and_who_would_know() -> None:
    found = run_in_virtual_time(LLMCompiler(tools=two_readers.tools("pin 7781")).execute(PLANS["a condition"]))
    failure = next(outcome for outcome in found.values() if isinstance(outcome, Failure))
    assert failure == Failure(
        "denied",
        "that search is called here was decided by what is only for ann@home.example, but search would know of it",
    )


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_it_does_not_by_way_of_a_model_either(way: Callable[..., Calls]) -> None:
    here, there = [way(said) for said in SAME]
    assert here == there


SUMMED_UP = (
    two_readers.over_rounds,
    two_readers.over_rounds_by_statuses,
    two_readers.through_a_condition_of_an_earlier_round,
)


@pytest.mark.parametrize("way", SUMMED_UP, ids=lambda way: way.__name__)
def test_what_is_summed_up_tells_no_size_and_no_status_either(way: Callable[..., Calls]) -> None:
    here, *there = [way(said) for said in SAID]
    assert there == [here] * 3


TELLING = [way for way in WAYS if way not in (*SUMMED_UP, two_readers.through_approvals)]


@pytest.mark.parametrize("way", TELLING, ids=lambda way: way.__name__)
def test_without_a_policy_it_does(way: Callable[..., Calls]) -> None:
    """So there is something to find; what is summed up is not even shown."""
    here, there = [way(said, policy="off") for said in SAME]
    assert here != there


@st.composite
def programs(draw: st.DrawFn) -> str:
    return Writer(lambda choices: draw(st.sampled_from(list(choices)))).program(8)


@settings(max_examples=examples(6, 120), deadline=None)
@given(programs(), st.sampled_from([("word",), ("flag",), ("flag", "page"), ("listing",)]), st.sampled_from("bcd"))
@example("a = [1, num(word(1))]\nb = num(a[0])\njoin(b)\n", ("word",), "b")
@example("b = [num(3) for i in listing(3)]\njoin(b)\n", ("listing",), "b")
def test_nor_in_programs_of_any_kind(source: str, confidential: tuple[str, ...], salt: str) -> None:
    try:
        here, there = [in_random_world(source, confidential, world) for world in ("", salt * 3)]
    except PlanError:
        return
    assert here == there


@st.composite
def mixed_plans(draw: st.DrawFn) -> str:
    return Mixed(lambda choices: draw(st.sampled_from(list(choices)))).plan(6)


@settings(max_examples=examples(10, 250), deadline=None)
@given(mixed_plans(), st.sampled_from(SAID[1:]))
def test_nor_where_calls_are_shared_sent_together_or_let_go(plan: str, said: str | None) -> None:
    """Also where what is confidential comes sooner or later."""
    assert of_a_plan(plan, SAID[0]) == of_a_plan(plan, said)


# ---------------------------------------------------------------------------------- the property can fail: what forgets

Patch = pytest.MonkeyPatch


def _unread(label: Label) -> Label:
    return Label(label.sources)


def conditions_are_forgotten(patch: Patch) -> None:
    patch.setattr(derived.Labels, "control", lambda labels, cell: labels._round(cell))


def lists_and_filters_are_forgotten(patch: Patch) -> None:
    patch.setattr(derived.Labels, "_scope_control", lambda *_: NOTHING)


def control_is_not_weighed_at_a_glance(patch: Patch) -> None:
    patch.setattr(Confidentiality, "weighs_control", lambda *_: False)


def what_fails_beside_it_is_forgotten(patch: Patch) -> None:
    patch.setattr(derived, "looked_at", lambda *_: iter(()))


def what_is_written_between_two_calls_is_forgotten(patch: Patch) -> None:
    patch.setattr(Whether, "_writes_before", lambda whether, cell: whether._schedule.writes_before(cell))


def what_goes_out_together_is_forgotten(patch: Patch) -> None:
    patch.setattr(Whether, "company", lambda *_: None)


def what_comes_first_is_forgotten(patch: Patch) -> None:
    patch.setattr(Whether, "stays", lambda *_: lambda _: False)


def statuses_are_told(patch: Patch) -> None:
    before = results.show_results
    patch.setattr(results, "show_results", lambda *given: before(*given[:5]))


def rounds_keep_no_readers(patch: Patch) -> None:
    before = derived.in_view_of
    for module in (sight, run):
        patch.setattr(module, "in_view_of", lambda shown: _unread(before(shown)))


def failures_have_no_readers(patch: Patch) -> None:
    before = Permission._origin

    def origin(rules: Permission, cell: Any, call: Any) -> Label:
        label = before(rules, cell, call)
        return _unread(label) if isinstance(cell.outcome, Failure) else label

    patch.setattr(Permission, "_origin", origin)


def answers_have_no_readers(patch: Patch) -> None:
    patch.setattr(sight.Sight, "label", lambda *_, **__: USER)


def turns_that_were_kept_have_no_readers(patch: Patch) -> None:
    patch.setattr(history, "_readers", lambda *_: None)


def tools_without_readers_need_no_rule(patch: Patch) -> None:
    before = Confidentiality.under
    patch.setattr(Confidentiality, "under", lambda rule, policy, _shown: before(rule, policy, NOTHING))


def a_chat_model_has_seen_nothing(patch: Patch) -> None:
    patch.setattr(compiler, "anything_of", lambda _tools: derived.SHOWN)


def results_of_its_calls_have_no_label(patch: Patch) -> None:
    patch.setattr(native.CallResults, "label", NOTHING)


def a_new_process_does_not_read_what_was_shown(patch: Patch) -> None:
    patch.setattr(derived.Labels, "of_round", lambda *_: NOTHING)


def _plans(*names: str) -> Callable[[], list[list[Calls]]]:
    return lambda: [[of_a_plan(PLANS[name], said) for said in SAID] for name in names]


def _beside(name: str) -> Callable[[], list[list[Calls]]]:
    return lambda: [[of_a_plan(BESIDE[name], said) for said in SAID]]


def _ways(*ways: Callable[..., Calls]) -> Callable[[], list[list[Calls]]]:
    return lambda: [[way(said) for said in SAME] for way in ways]


FAULTS: list[tuple[Callable[[Patch], None], Callable[[], list[list[Calls]]]]] = [
    (conditions_are_forgotten, _plans("a condition")),
    (lists_and_filters_are_forgotten, _plans("the items of a list")),
    (control_is_not_weighed_at_a_glance, _plans("a condition")),
    (what_fails_beside_it_is_forgotten, _beside("in a dict")),
    (what_is_written_between_two_calls_is_forgotten, _plans("what is written between two calls that are one")),
    (what_goes_out_together_is_forgotten, _plans("what is sent together")),
    (what_goes_out_together_is_forgotten, _plans("what fails together")),
    (what_goes_out_together_is_forgotten, _plans("what shares a call that fails together")),
    (what_comes_first_is_forgotten, _plans("what comes first")),
    (statuses_are_told, _ways(two_readers.over_rounds_by_statuses)),
    (rounds_keep_no_readers, _ways(two_readers.over_rounds_in_text)),
    (failures_have_no_readers, _ways(two_readers.through_a_failure)),
    (answers_have_no_readers, _ways(two_readers.through_the_history)),
    (turns_that_were_kept_have_no_readers, _ways(two_readers.through_a_history_that_was_kept)),
    (tools_without_readers_need_no_rule, _ways(two_readers.through_a_history_to_other_tools)),
    (a_chat_model_has_seen_nothing, _ways(two_readers.through_native_calls)),
    (results_of_its_calls_have_no_label, _ways(two_readers.through_native_calls_with_labels)),
    (a_new_process_does_not_read_what_was_shown, _ways(two_readers.over_processes)),
]


@pytest.mark.parametrize(("fault", "tried"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_an_engine_that_forgets_who_may_read_is_found_out(
    fault: Callable[[Patch], None], tried: Callable[[], list[list[Calls]]], monkeypatch: Patch
) -> None:
    fault(monkeypatch)
    assert any(calls != worlds[0] for worlds in tried() for calls in worlds)
