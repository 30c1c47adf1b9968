"""The state of a run on bare events: no event loop, no tools. Every test ends with a recount of the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from superscalar.errors import IllegalEvent
from superscalar.events import (
    Event,
    Planned,
    Resolved,
    Retrying,
    RoundStarted,
    Shared,
    Started,
    Waiting,
)
from superscalar.plan import compile_plan
from superscalar.plan.evaluate.holders import HeldRow
from superscalar.plan.ir import (
    Access,
    Call,
    Compute,
    Display,
    Guard,
    Literal,
    Map,
    Ref,
    Select,
    Task,
    Unary,
)
from superscalar.schedule.commands import Issue, Repeat, Skip
from superscalar.schedule.items import gathered_rows
from superscalar.schedule.lookup import outcomes_for
from superscalar.schedule.state import Schedule
from superscalar.values import Failure, Observation
from superscalar.values import Skipped as Skip_
from support.bare_state import (
    SEALED,
    SIGNATURES,
    add,
    doubtful,
    down,
    expanded,
    failed,
    happen,
    ok,
    plan,
    skipped,
    task,
)


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    made = Schedule()
    yield made
    made.check()


WHOLE, STORE = Access("test"), Access("test", "store")


def write(id: str, *after: str, access: Access = WHOLE, value: str | None = None) -> Task:
    arguments = () if value is None else (("value", Ref(value)),)
    return task(id, Call("put", arguments, "write", access), after=after)


# ----------------------------------------------------------------------------------------------------------- counting


def test_a_task_without_inputs_is_issued_when_it_is_planned(schedule: Schedule) -> None:
    assert plan(schedule, "a = search('a')", "b = 1 + 1") == [Issue("a"), Issue("b")]


def test_a_task_is_issued_when_its_last_input_comes_in(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('b')", "c = merge(a, b)")
    assert schedule.apply(ok("b")) == []
    assert schedule.apply(ok("a")) == [Issue("c")]


def test_an_input_that_is_used_twice_counts_once(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "c = merge(a, a)")
    assert schedule.apply(ok("a")) == [Issue("c")]


def test_a_task_planned_after_its_inputs_settled_is_issued_at_once(schedule: Schedule) -> None:
    add(schedule, task("a", Call("search")))
    schedule.apply(ok("a"))
    assert add(schedule, task("b", Compute(Ref("a")))) == [Issue("b")]


def test_users_are_issued_in_program_order(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)", "c = search(a)", "d = search(a)")
    assert schedule.apply(ok("a")) == [Issue("b"), Issue("c"), Issue("d")]


def test_starting_waiting_and_retrying_change_nothing_that_others_see(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)")
    first, second = Started(0.0, "a", "search", {}), Started(0.0, "a", "search", {}, 2)
    assert happen(schedule, Waiting(0.0, "a", ()), first, Retrying(0.0, "a", 1, down, 1.0), second) == []
    assert schedule.apply(ok("a")) == [Issue("b")]


def test_unsettled_counts_what_is_open(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)")
    assert schedule.unsettled == 2
    schedule.apply(ok("a"))
    assert schedule.unsettled == 1
    assert [cell.id for cell in schedule.open_cells()] == ["b"]


def test_applying_the_same_events_again_rebuilds_the_same_state(schedule: Schedule) -> None:
    tasks = compile_plan("xs = [search(i) for i in [1, 2]]\ny = search(xs)", SIGNATURES).tasks
    story: list[Event] = [*(Planned(0.0, t) for t in tasks), ok("xs.over", [1, 2]), expanded("xs", 2)]
    story += [failed("xs[1]"), ok("xs[0]"), failed("xs", Failure("items", "one failed")), skipped("y", "xs")]
    again = Schedule()
    assert [schedule.apply(event) for event in story] == [again.apply(event) for event in story]
    assert repr(schedule.in_program_order()) == repr(again.in_program_order())


# --------------------------------------------------------------------------------------------------- skips by cause


def test_a_failure_skips_only_what_refers_to_it(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('b')", "c = merge(a, b)", "d = merge(b, b)")
    assert schedule.apply(failed("a")) == [Skip("c", because="a")]
    assert schedule.apply(ok("b")) == [Issue("d")]
    schedule.apply(skipped("c", "a"))


def test_a_skip_names_the_root_cause_however_far_away(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)", "c = search(b)", "d = search(c)")
    assert schedule.apply(failed("a")) == [Skip("b", because="a")]
    assert schedule.apply(skipped("b", "a")) == [Skip("c", because="a")]
    assert schedule.apply(skipped("c", "a")) == [Skip("d", because="a")]


def test_of_two_causes_the_first_to_happen_is_named_once(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('b')", "c = merge(a, b)")
    assert schedule.apply(failed("b")) == [Skip("c", because="b")]
    assert schedule.apply(failed("a")) == []
    schedule.apply(skipped("c", "b"))


def test_a_task_planned_after_its_input_failed_is_skipped_at_once(schedule: Schedule) -> None:
    add(schedule, task("a", Call("search")))
    schedule.apply(failed("a"))
    assert add(schedule, task("b", Compute(Unary("not", Ref("a"))))) == [Skip("b", because="a")]


def test_who_looks_at_outcomes_is_issued_whatever_they_are(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('b')", "c = default(a, b)", "join(a, b)")
    assert schedule.apply(failed("a")) == []
    assert schedule.apply(failed("b")) == [Issue("c"), Issue("join()")]


# ------------------------------------------------------------------------------------------------------------ guards


def test_a_true_guard_lets_a_task_run(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = a and search('b')")
    assert schedule.apply(ok("a")) == [Issue("b.if")]
    assert schedule.apply(ok("b.if", True)) == [Issue("b.search")]


def test_a_false_guard_skips_silently_and_what_needs_the_value_too(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(search(2) if a else 0)")
    schedule.apply(ok("a", 0))
    assert schedule.apply(ok("b.if", False)) == [Skip("b.search", because="b.if", by_guard=True)]
    assert schedule.apply(skipped("b.search", "b.if", by_guard=True)) == [Issue("b")]  # it chooses the other side


def test_a_skip_by_guard_propagates_as_one(schedule: Schedule) -> None:
    a, b = task("a", Compute(Literal(False))), task("b", Call("search"), guards=(Guard("a", True),))
    add(schedule, a, b, task("c", Compute(Unary("not", Ref("b")))))
    assert schedule.apply(ok("a", False)) == [Skip("b", "a", by_guard=True)]
    assert schedule.apply(skipped("b", "a", by_guard=True)) == [Issue("c")]  # which is skipped when it is evaluated


def test_a_guard_may_expect_false(schedule: Schedule) -> None:
    a, b = task("a", Compute(Literal(False))), task("b", Call("search"), guards=(Guard("a", False),))
    add(schedule, a, b)
    assert schedule.apply(ok("a", False)) == [Issue("b")]


def test_a_guard_that_fails_skips_both_arms_with_that_cause(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(1) if a else search(2)")
    assert schedule.apply(failed("a")) == [Skip("b.if", "a"), Skip("b", "a")]
    assert schedule.apply(skipped("b.if", "a")) == [Skip("b.search", "a"), Skip("b.search.2", "a")]


def guarded_by_two(schedule: Schedule) -> None:
    """A task with an input and two guards."""
    add(schedule, task("input", Call("search")), task("one", Call("search")), task("two", Call("search")))
    add(schedule, task("x", Compute(Unary("not", Ref("input"))), guards=(Guard("one", True), Guard("two", True))))


def test_a_failed_input_waits_for_the_guards_before_it_counts(schedule: Schedule) -> None:
    guarded_by_two(schedule)
    assert happen(schedule, failed("input"), ok("one")) == []
    assert schedule.apply(ok("two")) == [Skip("x", because="input")]


def test_by_guard_beats_by_cause(schedule: Schedule) -> None:
    guarded_by_two(schedule)
    assert schedule.apply(failed("input")) == []
    assert schedule.apply(ok("one", False)) == [Skip("x", because="one", by_guard=True)]


def test_by_guard_beats_even_a_guard_that_failed(schedule: Schedule) -> None:
    guarded_by_two(schedule)
    assert schedule.apply(failed("one")) == []
    assert schedule.apply(ok("two", False)) == [Skip("x", because="two", by_guard=True)]


def test_a_guards_no_needs_no_other_guard(schedule: Schedule) -> None:
    guarded_by_two(schedule)
    assert schedule.apply(ok("two", 0)) == [Skip("x", because="two", by_guard=True)]
    assert happen(schedule, skipped("x", "two", by_guard=True), failed("one"), failed("input")) == []


def test_a_select_is_issued_when_every_version_has_settled(schedule: Schedule) -> None:
    add(schedule, task("c", Call("search")), task("x", Call("search"), guards=(Guard("c", True),)))
    add(schedule, task("x.2", Call("search"), guards=(Guard("c", False),)), task("x.3", Select("c", "x", "x.2")))
    assert schedule.apply(ok("c", True)) == [Issue("x"), Skip("x.2", "c", by_guard=True)]
    assert schedule.apply(ok("x")) == []
    assert schedule.apply(skipped("x.2", "c", by_guard=True)) == [Issue("x.3")]


# -------------------------------------------------------------------------------------------------------------- maps

MAP = ("urls = search('urls')", "pages = [search(u) for u in urls]")


def test_a_map_is_issued_to_be_expanded_and_again_to_be_gathered(schedule: Schedule) -> None:
    plan(schedule, *MAP)
    assert schedule.apply(ok("urls", ["x", "y"])) == [Issue("pages")]
    assert schedule.apply(expanded("pages", 2)) == [Issue("pages[0]"), Issue("pages[1]")]
    assert schedule.apply(ok("pages[1]", "Y")) == []
    assert schedule.apply(ok("pages[0]", "X")) == [Issue("pages")]
    assert gathered_rows(schedule.cell("pages")) == [HeldRow(Observation("X")), HeldRow(Observation("Y"))]


def test_an_empty_map_is_gathered_at_once(schedule: Schedule) -> None:
    plan(schedule, *MAP)
    schedule.apply(ok("urls", []))
    assert schedule.apply(expanded("pages", 0)) == [Issue("pages")]


def test_a_map_whose_items_fail_is_gathered_all_the_same(schedule: Schedule) -> None:
    plan(schedule, *MAP)
    happen(schedule, ok("urls", "xy"), expanded("pages", 2), ok("pages[0]"))
    assert schedule.apply(failed("pages[1]")) == [Issue("pages")]
    assert gathered_rows(schedule.cell("pages")) == [HeldRow(Observation(1)), HeldRow(down)]


def test_a_map_over_what_failed_is_skipped(schedule: Schedule) -> None:
    plan(schedule, *MAP)
    assert schedule.apply(failed("urls")) == [Skip("pages", because="urls")]


def test_a_map_over_a_map_begins_its_items_before_the_first_is_complete(schedule: Schedule) -> None:
    plan(schedule, *MAP, "briefs = [merge(p, p) for p in pages]")
    schedule.apply(ok("urls", "xyz"))
    assert schedule.apply(expanded("pages", 3))[-1] == Issue("briefs")
    assert schedule.apply(expanded("briefs", 3)) == []
    assert schedule.apply(ok("pages[1]")) == [Issue("briefs[1]")]
    assert schedule.apply(ok("briefs[1]")) == []
    assert schedule.apply(failed("pages[0]")) == [Skip("briefs[0]", because="pages[0]")]


def test_a_map_over_a_map_that_failed_in_part_goes_through_the_rest(schedule: Schedule) -> None:
    plan(schedule, *MAP)
    happen(schedule, ok("urls", "xy"), expanded("pages", 2), ok("pages[0]"), failed("pages[1]"))
    schedule.apply(failed("pages", Failure("items", "one", items=(Observation(1), down))))
    item, body = "briefs[]:p", task("briefs[]", Compute(Unary("not", Ref("briefs[]:p"))))
    assert add(schedule, task("briefs", Map("pages", item, (body,), "briefs[]"))) == [Issue("briefs")]
    assert schedule.apply(expanded("briefs", 2)) == [Issue("briefs[0]"), Skip("briefs[1]", because="pages[1]")]


def test_items_have_the_same_numbers_whether_or_not_the_first_map_is_complete(schedule: Schedule) -> None:
    plan(schedule, "xs = [search(i) for i in [1, 2] if i > 1]")
    happen(schedule, ok("xs.over", [1, 2]), expanded("xs", 2), ok("xs[0].if", False), ok("xs[1].if", True))
    happen(schedule, skipped("xs[0]", "xs[0].if", by_guard=True), failed("xs[1]"))
    happen(schedule, failed("xs", Failure("items", "one", items=(down,))))
    body = task("ys[]", Compute(Unary("not", Ref("ys[]:x"))))
    add(schedule, task("ys", Map("xs", "ys[]:x", (body,), "ys[]")))
    skips = [Skip("ys[0]", "xs[0].if", by_guard=True), Skip("ys[1]", because="xs[1]")]
    assert schedule.apply(expanded("ys", 2)) == skips


def test_an_item_of_what_has_no_items_by_name_is_skipped_because_of_the_whole(schedule: Schedule) -> None:
    plan(schedule, "xs = search(1)", "ys = [search(x) for x in xs]")
    schedule.apply(failed("xs", Failure("items", "one", items=(down, Observation(2)))))
    assert schedule.apply(expanded("ys", 2)) == [Skip("ys[0]", because="xs"), Issue("ys[1]")]


def test_what_a_partly_failed_list_lacks_is_gone_through_like_the_rest(schedule: Schedule) -> None:
    add(schedule, task("xs", Call("search")))
    schedule.apply(failed("xs", Failure("items", "", items=(Skip_("c", by_guard=True), down, Observation(2)))))
    body = task("ys[]", Compute(Unary("not", Ref("ys[]:x"))))
    add(schedule, task("ys", Map("xs", "ys[]:x", (body,), "ys[]")))
    ordered = [Issue("ys[0]"), Skip("ys[1]", because="xs"), Issue("ys[2]")]
    assert schedule.apply(expanded("ys", 3)) == ordered


def test_a_map_that_only_passes_items_on_waits_for_the_filters_of_the_map_before(schedule: Schedule) -> None:
    plan(schedule, "zs = [search(1)]", "xs = [z for z in zs if search(z)]", "ys = [x for x in xs]")
    happen(schedule, expanded("xs", 1), expanded("ys", 1))
    assert Issue("ys") not in schedule.apply(ok("zs[0]"))
    assert schedule.apply(ok("xs[0].if", False)) == [Issue("xs"), Issue("ys")]
    assert gathered_rows(schedule.cell("ys")) == []


def test_an_item_whose_filter_was_skipped_names_the_root_cause(schedule: Schedule) -> None:
    plan(schedule, "a = search(0)", "xs = [search(i) for i in [1] if not a]")
    happen(schedule, ok("xs.over", [1]), expanded("xs", 1))
    assert Skip("xs[0].if", because="a") in schedule.apply(failed("a"))
    happen(schedule, skipped("xs[0].if", "a"))
    assert schedule.apply(skipped("xs[0]", "a")) == [Issue("xs")]
    assert gathered_rows(schedule.cell("xs")) == [HeldRow(Skip_("a"), adrift=True)]


def test_tasks_of_one_item_wait_for_each_other_only(schedule: Schedule) -> None:
    plan(schedule, "xs = [merge(search(i), i) for i in [1, 2]]")
    schedule.apply(ok("xs.over", [1, 2]))
    assert schedule.apply(expanded("xs", 2)) == [Issue("xs[0].search"), Issue("xs[1].search")]
    assert schedule.apply(ok("xs[1].search")) == [Issue("xs[1]")]
    assert schedule.apply(failed("xs[0].search")) == [Skip("xs[0]", because="xs[0].search")]


def test_a_filter_is_a_guard_of_its_item(schedule: Schedule) -> None:
    plan(schedule, "xs = [search(i) for i in [1, 2] if i > 1]")
    schedule.apply(ok("xs.over", [1, 2]))
    assert schedule.apply(expanded("xs", 2)) == [Issue("xs[0].if"), Issue("xs[1].if")]
    assert schedule.apply(ok("xs[0].if", False)) == [Skip("xs[0]", "xs[0].if", by_guard=True)]
    assert happen(schedule, ok("xs[1].if", True), skipped("xs[0]", "xs[0].if", by_guard=True)) == [Issue("xs[1]")]
    assert schedule.apply(ok("xs[1]", "two")) == [Issue("xs")]
    assert gathered_rows(schedule.cell("xs")) == [HeldRow(Observation("two"))]


def test_what_a_filter_dropped_is_not_gone_through_by_the_next_map(schedule: Schedule) -> None:
    plan(schedule, "xs = [search(i) for i in [1, 2] if i > 1]", "ys = [search(x) for x in xs]")
    happen(schedule, ok("xs.over", [1, 2]), expanded("xs", 2), expanded("ys", 2))
    assert Skip("ys[0]", "xs[0].if", by_guard=True) in happen(schedule, ok("xs[0].if", False))
    happen(schedule, ok("xs[1].if", True), skipped("xs[0]", "xs[0].if", by_guard=True))
    happen(schedule, skipped("ys[0]", "xs[0].if", by_guard=True))
    assert happen(schedule, ok("xs[1]", 2)) == [Issue("ys[1]"), Issue("xs")]
    assert schedule.apply(ok("ys[1]", 3)) == [Issue("ys")]
    assert gathered_rows(schedule.cell("ys")) == [HeldRow(Observation(3))]


def test_a_second_for_is_a_map_in_a_map_whose_items_are_spliced(schedule: Schedule) -> None:
    plan(schedule, "xs = [search((i, j)) for i in [1, 2] for j in [i + 0]]")
    schedule.apply(ok("xs.over", [1, 2]))
    assert schedule.apply(expanded("xs", 2)) == [Issue("xs[0].for.over"), Issue("xs[1].for.over")]
    assert schedule.apply(ok("xs[0].for.over", [1])) == [Issue("xs[0].for")]
    happen(schedule, expanded("xs[0].for", 1), ok("xs[0].for[0]", "a"), ok("xs[0].for", ["a"]))
    happen(schedule, ok("xs[1].for.over", [2]), expanded("xs[1].for", 1))
    assert schedule.apply(ok("xs[1].for[0]", "b")) == [Issue("xs[1].for")]
    assert schedule.apply(ok("xs[1].for", ["b"])) == [Issue("xs")]
    assert gathered_rows(schedule.cell("xs")) == [HeldRow(Observation("a")), HeldRow(Observation("b"))]


def test_a_dict_is_gathered_with_its_keys(schedule: Schedule) -> None:
    plan(schedule, "xs = {i + 1: search(i) for i in [1]}")
    happen(schedule, ok("xs.over", [1]), expanded("xs", 1), ok("xs[0].key", 2), ok("xs[0]", "one"))
    assert gathered_rows(schedule.cell("xs")) == [HeldRow(Observation("one"), Observation(2))]


def test_items_are_in_program_order_between_their_neighbours(schedule: Schedule) -> None:
    plan(schedule, *MAP, "z = search(1)")
    happen(schedule, ok("urls", ["x"] * 11), expanded("pages", 11))
    ids = [cell.id for cell in schedule.in_program_order()]
    assert ids == ["urls", "pages", *(f"pages[{i}]" for i in range(11)), "z"]


# ----------------------------------------------------------------------------------------------- displays and items


def test_a_display_holds_one_outcome_per_item(schedule: Schedule) -> None:
    plan(schedule, "xs = [search(1), search(2)]")
    assert schedule.apply(failed("xs[0]")) == []
    assert schedule.apply(ok("xs[1]", 2)) == [Issue("xs")]
    assert gathered_rows(schedule.cell("xs")) == [HeldRow(down), HeldRow(Observation(2))]


def test_an_item_of_a_display_is_looked_at_while_the_others_are_open(schedule: Schedule) -> None:
    plan(schedule, "xs = [search(1), search(2)]", "y = xs[1]")
    assert schedule.apply(ok("xs[1]", 2)) == [Issue("y")]
    found = outcomes_for(schedule.cell("y"))("xs")
    assert isinstance(found, Failure)
    assert found.items is not None
    assert found.items[1] == Observation(2)


def test_an_item_of_a_map_is_looked_at_as_soon_as_it_has_settled(schedule: Schedule) -> None:
    plan(schedule, *MAP, "y = pages[1]")
    happen(schedule, ok("urls", "xyz"), expanded("pages", 3))
    assert schedule.apply(ok("pages[0]")) == []
    assert schedule.apply(failed("pages[1]")) == [Issue("y")]


def test_an_item_beyond_the_last_is_found_out_as_soon_as_their_number_is_known(schedule: Schedule) -> None:
    plan(schedule, *MAP, "y = pages[7]")
    schedule.apply(ok("urls", "xyz"))
    assert Issue("y") in schedule.apply(expanded("pages", 3))


def test_an_item_of_a_filtered_map_waits_for_the_whole_since_positions_count_after_the_filter(
    schedule: Schedule,
) -> None:
    plan(schedule, "xs = [search(i) for i in [1, 2] if i]", "y = xs[0]")
    happen(schedule, ok("xs.over", [1, 2]), expanded("xs", 2), ok("xs[0].if"), ok("xs[0]"))
    assert happen(schedule, ok("xs[1].if"), ok("xs[1]")) == [Issue("xs[1]"), Issue("xs")]
    assert schedule.apply(ok("xs", [1, 1])) == [Issue("y")]


def test_an_item_of_what_failed_as_a_whole_is_issued_to_say_so(schedule: Schedule) -> None:
    plan(schedule, *MAP, "y = pages[0]")
    assert schedule.apply(failed("urls")) == [Skip("pages", because="urls")]
    assert schedule.apply(skipped("pages", "urls")) == [Issue("y")]


def test_an_item_of_a_plain_list_waits_for_the_list(schedule: Schedule) -> None:
    plan(schedule, "urls = search('urls')", "y = urls[0]")
    assert schedule.apply(ok("urls", [1])) == [Issue("y")]


def test_a_last_item_waits_for_the_whole(schedule: Schedule) -> None:
    plan(schedule, "xs = [search(1), search(2)]", "y = xs[-1]")
    assert happen(schedule, ok("xs[1]"), ok("xs[0]")) == [Issue("xs")]
    assert schedule.apply(ok("xs", [1, 1])) == [Issue("y")]


# ----------------------------------------------------------------------------------------------- order of accesses


def test_a_write_waits_for_the_reads_before_it_and_a_read_for_the_write(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    assert plan(schedule, "a = get(1)", "b = get(2)", "put(3)", "c = get(4)") == [Issue("a"), Issue("b")]
    assert schedule.apply(ok("b")) == []
    assert schedule.apply(ok("a")) == [Issue("put()")]
    assert schedule.apply(ok("put()")) == [Issue("c")]


def test_a_failed_read_holds_nothing_up(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    plan(schedule, "a = get(1)", "put(3)")
    assert schedule.apply(failed("a")) == [Issue("put()")]


def test_a_failed_write_without_a_declared_resource_lets_later_accesses_run(schedule: Schedule) -> None:
    """Nor does one that is skipped by cause hold anything up (L19)."""
    schedule.apply(SEALED)
    add(schedule, write("w1"), write("w2", "w1"), write("w3", "w2", value="w1"), write("w4", "w3", access=STORE))
    assert schedule.apply(failed("w1")) == [Skip("w3", because="w1"), Issue("w2")]
    assert happen(schedule, skipped("w3", "w1"), ok("w2")) == [Issue("w4")]


def test_a_failed_write_skips_later_accesses_of_the_resource_that_both_declare(schedule: Schedule) -> None:
    """A write that is skipped by cause likewise, and the root cause is named; others that it meets go on (L19)."""
    schedule.apply(SEALED)
    add(schedule, write("w1", access=STORE), write("w2", "w1", access=STORE), write("w3", "w2"))
    assert schedule.apply(failed("w1")) == [Skip("w2", because="w1")]
    assert schedule.apply(skipped("w2", "w1")) == [Issue("w3")]
    assert add(schedule, task("r", Call("get", access=STORE), after=("w2",))) == [Skip("r", because="w1")]
    assert add(schedule, task("o", Call("get", access=Access("test", "other")), after=("w1",))) == [Issue("o")]


def test_a_write_skipped_by_cause_skips_later_accesses_of_its_declared_resource(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    add(schedule, task("bad", Call("search")), write("w1", access=STORE, value="bad"), write("w2", "w1", access=STORE))
    assert schedule.apply(failed("bad")) == [Skip("w1", because="bad")]
    assert schedule.apply(skipped("w1", "bad")) == [Skip("w2", because="bad")]


def test_a_write_skipped_by_its_guard_skips_nothing(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    guarded = task("w1", Call("put", effect="write", access=STORE), guards=(Guard("c", True),))
    add(schedule, task("c", Call("search")), guarded, write("w2", "w1", access=STORE))
    assert schedule.apply(ok("c", False)) == [Skip("w1", because="c", by_guard=True)]
    assert schedule.apply(skipped("w1", "c", by_guard=True)) == [Issue("w2")]


def test_a_guards_no_beats_a_write_in_the_way(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    guarded = task("r", Call("get", access=STORE), guards=(Guard("c", True),), after=("w1",))
    add(schedule, task("c", Call("search")), write("w1", access=STORE), guarded)
    assert schedule.apply(failed("w1", doubtful)) == []
    assert schedule.apply(ok("c", False)) == [Skip("r", because="c", by_guard=True)]


def test_a_later_round_may_try_what_failed_and_not_what_is_in_doubt(schedule: Schedule) -> None:
    """It was planned in the knowledge of the failure; nobody knows about the doubt (L19)."""
    other = Access("test", "other")
    happen(schedule, SEALED)
    add(schedule, write("w1", access=STORE), write("w2", access=other))
    happen(schedule, failed("w1"), failed("w2", doubtful), RoundStarted(0.0, 1), SEALED)
    assert add(schedule, write("w3", "w1", access=STORE)) == [Issue("w3")]
    assert add(schedule, write("w4", "w2", access=other)) == [Skip("w4", because="w2")]


def test_doubt_on_one_resource_does_not_reach_another_over_the_whole(schedule: Schedule) -> None:
    """The access of the whole provider is skipped, and what follows it goes by its own resource."""
    schedule.apply(SEALED)
    add(schedule, write("w1", access=STORE), write("w2", "w1"), write("w3", "w2", access=Access("test", "other")))
    add(schedule, write("w4", "w2", access=STORE))
    assert schedule.apply(failed("w1", doubtful)) == [Skip("w2", because="w1")]
    assert schedule.apply(skipped("w2", "w1")) == [Issue("w3"), Skip("w4", because="w1")]


def test_what_became_of_a_later_write_is_nothing_to_an_earlier_access(schedule: Schedule) -> None:
    """A write that is skipped by cause settles before its turn."""
    schedule.apply(SEALED)
    add(schedule, task("bad", Call("search")), write("w1", access=STORE))
    add(schedule, task("r", Call("get", access=STORE), after=("w1",)), write("w2", "r", access=STORE, value="bad"))
    assert happen(schedule, failed("bad"), skipped("w2", "bad")) == [Skip("w2", because="bad")]
    assert schedule.apply(ok("w1")) == [Issue("r")]


# ------------------------------------------------------------------------------------------------ computed resources

UNKNOWN = Access("test", known=False)


def test_a_resource_counts_from_when_it_is_known(schedule: Schedule) -> None:
    """Until then the access is held back by all of the provider; what is in its way is decided by its name (L17)."""
    schedule.apply(SEALED)
    add(schedule, write("w1", access=UNKNOWN), write("w2", "w1", access=UNKNOWN), write("w3", "w2", access=STORE))
    assert schedule.apply(Resolved(0.0, "w1", "store")) == []
    assert schedule.apply(failed("w1", doubtful)) == [Issue("w2")]
    assert schedule.apply(Resolved(0.0, "w2", "other")) == [Skip("w3", "w1")]
    assert schedule.apply(ok("w2")) == []


def test_an_access_is_skipped_when_its_resource_turns_out_to_be_one_in_doubt(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    add(schedule, write("w1", access=STORE), write("w2", "w1", access=UNKNOWN))
    assert schedule.apply(failed("w1", doubtful)) == [Issue("w2")]
    assert schedule.apply(Resolved(0.0, "w2", "store")) == [Skip("w2", because="w1")]
    assert schedule.apply(skipped("w2", "w1")) == []


# ---------------------------------------------------------------------------------------------------- identical calls


def test_a_call_that_shares_another_settles_after_it(schedule: Schedule) -> None:
    plan(schedule, "a = search(1)", "b = search(1)", "c = search(b)")
    assert happen(schedule, Started(0.0, "a", "search", {}), Shared(0.0, "b", "a")) == []
    assert (schedule.cell("a").is_shared, schedule.cell("b").is_shared) == (True, False)
    assert schedule.apply(ok("a", 7)) == [Repeat("b", "a")]
    assert schedule.apply(ok("b", 7)) == [Issue("c")]


def test_a_call_that_shares_one_that_is_over_settles_at_once(schedule: Schedule) -> None:
    plan(schedule, "a = search(1)", "b = search(1)")
    schedule.apply(failed("a"))
    assert schedule.apply(Shared(0.0, "b", "a")) == [Repeat("b", "a")]


def test_a_call_that_was_stopped_is_not_repeated(schedule: Schedule) -> None:
    plan(schedule, "a = search(1)", "b = search(1)")
    happen(schedule, Shared(0.0, "b", "a"), failed("b"))
    assert schedule.apply(ok("a")) == []


def test_the_writes_before_an_access_are_those_that_happened(schedule: Schedule) -> None:
    """In program order, of what it may meet, whatever was planned behind it (L21)."""
    schedule.apply(SEALED)
    add(schedule, write("w1", access=STORE), write("w2", access=Access("test", "other")), write("w3", "w1", "w2"))
    add(schedule, *(task(f"r{i}", Call("get", access=STORE), after=("w3",)) for i in range(2)), write("w4", "r1"))
    happen(schedule, ok("w1"), ok("w2"), failed("w3"))
    counted = [schedule.writes_before(schedule.cell(id)) for id in ("w1", "r0", "r1", "w4")]
    assert counted == [0, 1, 1, 2]
    happen(schedule, ok("r0"), ok("r1"), ok("w4"))
    assert [schedule.writes_before(schedule.cell(id)) for id in ("r0", "w4")] == [1, 2]


def test_a_write_in_doubt_skips_every_later_access(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    plan(schedule, "put(1)", "a = get(2)", "put(3)", "b = search(4)")
    assert schedule.apply(failed("put()", doubtful)) == [Skip("a", because="put()")]
    assert schedule.apply(skipped("a", "put()")) == [Skip("put().2", because="put()")]


def test_doubt_passes_through_an_access_that_was_skipped_for_another_reason(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    add(schedule, write("w1"), task("bad", Call("search")))
    add(schedule, write("w2", "w1", value="bad"), write("w3", "w2"))
    assert schedule.apply(failed("bad")) == [Skip("w2", because="bad")]
    assert schedule.apply(skipped("w2", "bad")) == []
    assert schedule.apply(failed("w1", doubtful)) == [Skip("w3", because="w1")]


def test_doubt_that_passes_through_an_access_skipped_by_guard_is_a_cause_and_no_guard(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    add(schedule, write("w1"), task("c", Call("search")))
    add(
        schedule,
        task("w2", Call("put", effect="write", access=STORE), guards=(Guard("c", True),), after=("w1",)),
        write("w3", "w2"),
    )
    assert schedule.apply(ok("c", False)) == [Skip("w2", because="c", by_guard=True)]
    assert schedule.apply(skipped("w2", "c", by_guard=True)) == []
    assert schedule.apply(failed("w1", doubtful)) == [Skip("w3", because="w1")]


def test_order_passes_through_an_access_that_was_skipped(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    add(schedule, write("w1"), task("bad", Call("search")))
    add(schedule, write("w2", "w1", value="bad"), write("w3", "w2"))
    assert happen(schedule, failed("bad"), skipped("w2", "bad")) == [Skip("w2", because="bad")]
    assert schedule.cell("w3").status == "pending"  # w1 still runs
    assert schedule.apply(ok("w1")) == [Issue("w3")]


def test_an_access_planned_after_a_skipped_one_still_waits_for_the_one_before(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    add(schedule, write("w1"), task("bad", Call("search")))
    add(schedule, write("w2", "w1", value="bad"))
    happen(schedule, failed("bad"), skipped("w2", "bad"))
    assert add(schedule, write("w3", "w2")) == []
    assert schedule.apply(ok("w1")) == [Issue("w3")]


def test_a_chain_of_skipped_accesses_of_any_length_opens_at_once(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    count = 5_000
    add(schedule, task("bad", Call("search")), write("w0"))
    for i in range(1, count):
        add(schedule, write(f"w{i}", f"w{i - 1}", value="bad"))
    add(schedule, write("last", f"w{count - 1}"))
    happen(schedule, failed("bad"), *(skipped(f"w{i}", "bad") for i in range(1, count)))
    assert schedule.apply(ok("w0")) == [Issue("last")]


def test_writes_in_a_map_go_item_by_item(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    plan(schedule, "xs = [put(i) for i in [1, 2, 3]]")
    schedule.apply(ok("xs.over", [1, 2, 3]))
    assert schedule.apply(expanded("xs", 3)) == [Issue("xs[0]")]
    assert schedule.apply(ok("xs[0]")) == [Issue("xs[1]")]
    assert schedule.apply(failed("xs[1]", doubtful)) == [Skip("xs[2]", because="xs[1]")]


IN_MAPS: dict[str, tuple[str, list[Event]]] = {
    "xs = [put(i) for i in [1]]": ("xs[0]", [failed("xs[0]", doubtful)]),
    "xs = [search(put(i)) for i in [1]]": (
        "xs[0].put",
        [failed("xs[0].put", doubtful), skipped("xs[0]", "xs[0].put")],
    ),
    "xs = [default(put(i), 0) for i in [1]]": ("xs[0].put", [failed("xs[0].put", doubtful), ok("xs[0]", 0)]),
    "xs = [put(i + j) for i in [1] for j in [2]]": (
        "xs[0].for[0]",
        [
            *(ok("xs[0].for.over", [2]), expanded("xs[0].for", 1), failed("xs[0].for[0]", doubtful)),
            failed("xs[0].for", Failure("items", "", items=(doubtful,))),
        ],
    ),
}


@pytest.mark.parametrize("line", IN_MAPS)
def test_a_map_with_a_write_in_doubt_skips_later_accesses(schedule: Schedule, line: str) -> None:
    doubt, story = IN_MAPS[line]
    schedule.apply(SEALED)
    plan(schedule, line, "put(9)", "a = get(1)")
    happen(schedule, ok("xs.over", [1]), expanded("xs", 1), *story)
    commands = schedule.apply(failed("xs", Failure("items", "one failed")))
    assert commands == [Skip("put()", because=doubt)]
    assert schedule.apply(skipped("put()", doubt)) == [Skip("a", because=doubt)]


# ------------------------------------------------------------------------------------------------------------ the seal


def test_a_write_is_held_until_the_seal(schedule: Schedule) -> None:
    assert plan(schedule, "put(1)", "a = search(2)") == [Issue("a")]
    assert schedule.apply(SEALED) == [Issue("put()")]


def test_a_write_whose_inputs_come_after_the_seal_waits_for_them(schedule: Schedule) -> None:
    plan(schedule, "a = search(2)", "put(a)")
    assert schedule.apply(SEALED) == []
    assert schedule.apply(ok("a")) == [Issue("put()")]


def test_a_write_in_a_map_is_held_too(schedule: Schedule) -> None:
    plan(schedule, "xs = [put(i) for i in [1]]")
    assert happen(schedule, ok("xs.over", [1]), expanded("xs", 1)) == [Issue("xs")]
    assert schedule.apply(SEALED) == [Issue("xs[0]")]


def test_a_read_that_follows_a_held_write_is_held_with_it(schedule: Schedule) -> None:
    assert plan(schedule, "put(1)", "a = get(2)") == []
    assert schedule.apply(SEALED) == [Issue("put()")]
    assert schedule.apply(ok("put()")) == [Issue("a")]


def test_after_the_seal_writes_are_not_held(schedule: Schedule) -> None:
    schedule.apply(SEALED)
    assert plan(schedule, "put(1)") == [Issue("put()")]


def test_a_new_round_holds_its_writes_until_its_own_seal(schedule: Schedule) -> None:
    happen(schedule, SEALED, RoundStarted(0.0, 1))
    assert plan(schedule, "put(1)") == []
    assert schedule.apply(SEALED) == [Issue("put()")]


def test_a_held_write_may_be_failed_before_the_seal(schedule: Schedule) -> None:
    plan(schedule, "a = put(1)", "b = search(a)")
    assert schedule.apply(failed("a")) == [Skip("b", because="a")]
    assert schedule.apply(SEALED) == []
    schedule.apply(skipped("b", "a"))


# ------------------------------------------------------------------------------------------- events that contradict


def running(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)", "xs = [search(i) for i in [1]]")


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ((), ok("b")),
        ((), ok("unknown")),
        ((), Started(0.0, "b", "search", {})),
        ((), Started(0.0, "unknown", "search", {})),
        ((), skipped("b", "a")),
        ((), expanded("a", 1)),
        ((), expanded("xs", 1)),
        ((ok("a"),), ok("a")),
        ((ok("a"),), failed("a")),
        ((failed("a"),), failed("a")),
        ((failed("a"),), skipped("a", "a")),
        ((ok("a"),), Started(0.0, "a", "search", {})),
        ((ok("xs.over", [1]),), expanded("xs", 2)),
        ((ok("xs.over", [1]), expanded("xs", 1)), expanded("xs", 1)),
        ((ok("xs.over", [1]), expanded("xs", 1)), ok("xs", [])),
        ((failed("a"),), ok("b")),
        ((failed("a"),), Started(0.0, "b", "search", {})),
        ((), Planned(0.0, task("a", Compute(Literal(1))))),
        ((), Planned(0.0, task("z", Compute(Ref("unknown"))))),
        ((), Planned(0.0, write("z", "unknown"))),
    ],
)
def test_an_event_that_contradicts_an_earlier_one_is_illegal(before: tuple[Event, ...], event: Event) -> None:
    schedule = Schedule()
    running(schedule)
    happen(schedule, *before)
    with pytest.raises(IllegalEvent, match="This is a bug in superscalar"):
        schedule.apply(event)


def test_looking_up_what_has_not_settled_is_illegal(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)")
    look = outcomes_for(schedule.cell("b"))
    with pytest.raises(IllegalEvent, match="was issued before `a` settled"):
        look("a")
    with pytest.raises(IllegalEvent, match="does not exist"):
        look("unknown")


def spoil_missing(schedule: Schedule) -> None:
    schedule.cell("b").missing = 0


def spoil_unsettled(schedule: Schedule) -> None:
    schedule.unsettled -= 1


def spoil_outcome(schedule: Schedule) -> None:
    schedule.cell("b").outcome = Observation(1)


def spoil_status(schedule: Schedule) -> None:
    schedule.cell("b").status = "ready"


@pytest.mark.parametrize("spoil", [spoil_missing, spoil_unsettled, spoil_outcome, spoil_status])
def test_the_recount_finds_what_is_wrong(spoil: Callable[[Schedule], None]) -> None:
    schedule = Schedule()
    plan(schedule, "a = search('a')", "b = search(a)")
    schedule.check()
    spoil(schedule)
    with pytest.raises(IllegalEvent):
        schedule.check()


# ---------------------------------------------------------------------------------------------------------- size


def test_a_long_chain_of_skips_is_no_recursion(schedule: Schedule) -> None:
    add(
        schedule,
        task("x0", Call("search")),
        *(task(f"x{i}", Compute(Unary("not", Ref(f"x{i - 1}")))) for i in range(1, 5_000)),
    )
    commands = schedule.apply(failed("x0"))
    seen = 0
    while commands:
        (command,) = commands
        assert isinstance(command, Skip)
        seen += 1
        commands = schedule.apply(skipped(command.id, "x0"))
    assert seen == 4_999


def test_a_display_may_hold_the_same_task_twice(schedule: Schedule) -> None:
    add(schedule, task("a", Call("search")), task("xs", Display("list", ("a", "a"))))
    assert schedule.apply(ok("a", 1)) == [Issue("xs")]
    assert gathered_rows(schedule.cell("xs")) == [HeldRow(Observation(1))] * 2


def test_a_skip_by_guard_is_silent_in_a_display(schedule: Schedule) -> None:
    add(schedule, task("c", Call("search")), task("a", Call("search"), guards=(Guard("c", True),)))
    add(schedule, task("xs", Display("list", ("a", "c"))))
    happen(schedule, ok("c", 0))
    assert schedule.apply(skipped("a", "c", by_guard=True)) == [Issue("xs")]
    assert gathered_rows(schedule.cell("xs")) == [HeldRow(Skip_("c", by_guard=True)), HeldRow(Observation(0))]


def two_inputs_one_by_guard(schedule: Schedule) -> None:
    """`x` uses `arm`, which its guard is about to skip, and `other`."""
    add(schedule, task("c", Call("search")), task("arm", Call("search"), guards=(Guard("c", True),)))
    add(
        schedule,
        task("other", Call("search")),
        task("x", Call("merge", (("one", Ref("arm")), ("other", Ref("other"))))),
    )


def test_a_failed_input_is_a_cause_whenever_another_one_is_skipped_by_guard(schedule: Schedule) -> None:
    two_inputs_one_by_guard(schedule)
    assert happen(schedule, ok("c", False), skipped("arm", "c", by_guard=True)) == [Skip("arm", "c", by_guard=True)]
    assert schedule.apply(failed("other")) == [Skip("x", because="other")]


def test_a_failed_input_is_a_cause_before_another_one_is_skipped_by_guard(schedule: Schedule) -> None:
    two_inputs_one_by_guard(schedule)
    assert schedule.apply(failed("other")) == [Skip("x", because="other")]
    happen(schedule, ok("c", False), skipped("arm", "c", by_guard=True), skipped("x", "other"))


def test_an_input_skipped_by_guard_is_silent_once_the_others_have_come_in(schedule: Schedule) -> None:
    two_inputs_one_by_guard(schedule)
    happen(schedule, ok("c", False), skipped("arm", "c", by_guard=True))
    assert schedule.apply(ok("other")) == [Issue("x")]  # which is skipped when it is evaluated
