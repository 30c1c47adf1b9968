"""The view of a run, folded from events."""

from __future__ import annotations

from superscalar import events as ev
from superscalar.observe.rows import Counts, Items, More, Row
from superscalar.observe.view import RunView
from superscalar.plan.ir import (
    Apply,
    Binary,
    Call,
    Compute,
    Display,
    Expr,
    Guard,
    Join,
    Literal,
    Map,
    Need,
    Ref,
    Span,
    Task,
)
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.values import Failure, Usage


def viewed(*happened: ev.Event) -> RunView:
    view = RunView()
    for event in happened:
        view.apply(event)
    return view


def call(task: str, tool: str = "t", *needs: str, effect: str = "read") -> Task:
    arguments: tuple[tuple[str, Expr], ...] = tuple((f"x{n}", Ref(need)) for n, need in enumerate(needs))
    work = Call(tool, arguments, "write" if effect == "write" else "read")
    return Task(task, work, tuple(Need(need) for need in needs))


def planned(*tasks: Task) -> list[ev.Event]:
    return [ev.Planned(0.0, task) for task in tasks]


def test_a_call_that_a_person_is_asked_about() -> None:
    begun = [*planned(call("a", effect="write"), call("b")), ev.Sealed(0.0), ev.Decided(1.0, "a", "ask", "rule", "why")]
    view = viewed(*begun)
    row = view.row("a")
    assert (row.state, row.message, row.started) == ("asked", "why", None)
    assert view.counts == Counts(asked=1, waiting=1)
    assert view.counts.total == 2
    answered = viewed(*begun, ev.Approved(2.0, "a", True, "ann")).row("a")
    assert (answered.state, answered.message) == ("waiting", "approved by ann")
    running = viewed(*begun, ev.Approved(2.0, "a", True), ev.Started(2.0, "a", "t", {})).row("a")
    assert (running.state, running.message, running.started) == ("running", "", 2.0)
    allowed = viewed(*planned(call("a")), ev.Decided(1.0, "a", "allow", "rule"), ev.Decided(1.0, "a", "warn", "rule"))
    assert allowed.row("a").state == "waiting"
    assert viewed(*begun, ev.Unneeded(2.0, ("a",))).row("a").state == "skipped"


def test_a_plan_that_waits_for_approval() -> None:
    asked = viewed(*planned(call("a")), ev.PlanAsked(1.0))
    assert asked.plan_asked
    assert [task.id for task in asked.tasks] == ["a"]
    assert not viewed(ev.PlanAsked(1.0), ev.PlanApproved(2.0, True)).plan_asked


PRICES = Task(
    "prices",
    Map(
        source="tickers",
        item="prices[]:t",
        body=(
            Task("prices[].if", Compute(Ref("prices[]:t"))),
            Task("prices[]", Call("price", (("ticker", Ref("prices[]:t")),)), guards=(Guard("prices[].if", True),)),
        ),
        result="prices[]",
    ),
    (Need("tickers", "shape"),),
)


def prices(count: int, *happened: ev.Event) -> RunView:
    return viewed(*planned(call("tickers"), PRICES), ev.Expanded(1.0, "prices", count), *happened)


def ids(view: RunView, limit: int) -> list[str]:
    return [row.id if isinstance(row, Row) else "more" for row in view.shown(limit)]


def test_a_planned_call_shows_its_expressions_and_what_it_waits_for() -> None:
    view = viewed(*planned(call("a"), call("b", "merge", "a", "a")))
    assert list(view.rows()) == [
        Row("a", "call", "waiting", tool="t"),
        Row("b", "call", "waiting", tool="merge", arguments="x0=a, x1=a", waits_for=("a",)),
    ]


def test_a_call_goes_from_its_limit_over_running_to_done() -> None:
    view = viewed(*planned(call("a")), ev.Waiting(1.0, "a", ("quotes",)))
    assert view.row("a") == Row("a", "call", "ready", tool="t", waits_for=("quotes",))
    view.apply(ev.Started(2.0, "a", "t", {"ticker": "IBM"}))
    view.apply(ev.Progressed(2.5, "a", "halfway", 0.5))
    running = Row("a", "call", "running", tool="t", arguments="'IBM'", started=2.0, seconds=3.0, attempts=1)
    assert view.row("a", now=5.0) == Row(
        **{**{f: getattr(running, f) for f in Row.__slots__}, "message": "halfway", "fraction": 0.5}
    )
    view.apply(ev.Succeeded(6.0, "a", [1, 2]))
    done = view.row("a", now=9.0)
    assert (done.state, done.seconds, done.value, done.same_as) == ("done", 4.0, "[1, 2]", "")


def test_a_limit_whose_provider_refused_a_call_pauses_until_its_time_is_over() -> None:
    happened = [*planned(call("a")), ev.Throttled(1.0, "quotes", 5.0, 2, None)]
    assert viewed(*happened).pausing == ("quotes",)
    assert viewed(*happened, ev.Sealed(7.0)).pausing == ()


def test_a_retry_keeps_the_first_start_and_says_why() -> None:
    failure = Failure("error", "busy", "RateLimited")
    view = viewed(*planned(call("a")), ev.Started(1.0, "a", "t", {}), ev.Retrying(2.0, "a", 1, failure, delay=1.0))
    assert (view.row("a", 2.5).state, view.row("a", 2.5).failure, view.row("a", 2.5).seconds) == (
        "retrying",
        failure,
        1.5,
    )
    view.apply(ev.Started(3.0, "a", "t", {}, attempt=2))
    view.apply(ev.Succeeded(4.0, "a", 1))
    row = view.row("a")
    assert (row.attempts, row.seconds, row.failure) == (2, 3.0, None)


def test_a_call_that_is_not_made_waits_for_the_identical_one_and_says_which() -> None:
    view = viewed(*planned(call("a"), call("b")), ev.Started(0.0, "a", "t", {}), ev.Shared(0.0, "b", "a"))
    row = view.row("b")
    assert (row.state, row.waits_for, row.same_as) == ("waiting", ("a",), "a")
    view.apply(ev.Succeeded(1.0, "b", 1))
    assert (view.row("b").state, view.row("b").same_as, view.row("b").attempts) == ("done", "a", 0)


def test_the_calls_of_a_batch_say_how_many_went_together() -> None:
    """A retry that goes out alone is a request for one."""
    view = viewed(*planned(call("a"), call("b")), *(ev.Started(1.0, id, "t", {}, batch=1) for id in "ab"))
    assert [view.row(id).together for id in "ab"] == [2, 2]
    view.apply(ev.Retrying(2.0, "a", 1, Failure("error", "busy"), delay=0.0))
    view.apply(ev.Started(2.0, "a", "t", {}, attempt=2, batch=2))
    assert [view.row(id).together for id in "ab"] == [1, 2]


def test_a_skipped_task_names_its_cause() -> None:
    view = viewed(*planned(call("a")), ev.Skipped(1.0, "a", "b", by_guard=True))
    row = view.row("a")
    assert (row.state, row.because, row.by_guard) == ("skipped", "b", True)


def test_what_the_end_of_a_run_kept_from_starting_did_not_fail() -> None:
    stopped = Failure("cancelled", "the run was cancelled before it started")
    view = prices(
        3, ev.Started(2.0, "prices[0]", "price", {}), *(ev.Failed(3.0, f"prices[{n}]", stopped) for n in range(3))
    )
    assert [view.row(f"prices[{n}]").state for n in range(3)] == ["failed", "skipped", "skipped"]
    assert view.row("prices[1]").failure == stopped
    assert view.row("prices").items == Items(count=3, cancelled=1)


def test_an_item_whose_input_failed_counts_as_failed() -> None:
    view = prices(1, ev.Skipped(2.0, "prices[0]", "prices[0].fetch"))
    assert view.row("prices").items == Items(count=1, failed=1)


def test_a_task_waits_for_values_conditions_and_order_until_they_settle() -> None:
    last = Task("d", Call("t"), (Need("a"),), (Guard("b", True),), after=("c",))
    view = viewed(*planned(call("a"), call("b"), call("c"), last))
    assert view.row("d").waits_for == ("a", "b", "c")
    view.apply(ev.Succeeded(1.0, "a", 1))
    view.apply(ev.Failed(1.0, "c", Failure("error", "no")))
    assert view.row("d").waits_for == ("b",)


def test_one_item_of_a_map_is_enough_for_who_needs_only_that() -> None:
    first = Task("first", Compute(Ref("prices")), (Need("prices", "item", 1),))
    length = Task("length", Compute(Ref("prices")), (Need("prices", "shape"),))
    view = viewed(*planned(call("tickers"), PRICES, first, length))
    assert view.row("length").waits_for == ("prices",)
    view.apply(ev.Expanded(1.0, "prices", 3))
    view.apply(ev.Succeeded(2.0, "prices[1]", 1))
    assert (view.row("first").waits_for, view.row("length").waits_for) == ((), ())


def test_a_write_waits_for_the_seal() -> None:
    view = viewed(*planned(call("a", effect="write")))
    assert view.row("a").for_seal
    view.apply(ev.Sealed(1.0))
    assert not view.row("a").for_seal


def test_the_items_of_a_map_stand_after_it_in_input_order() -> None:
    started = [ev.Started(2.0, f"prices[{n}]", "price", {"ticker": n}) for n in (10, 2, 0)]
    view = prices(11, *started)
    assert [row.id for row in view.rows()] == ["tickers", "prices", "prices[0]", "prices[2]", "prices[10]"]
    assert view.row("prices[2]").within == "prices"
    assert view.row("prices").items == Items(count=11, running=3)


def test_a_map_counts_what_became_of_its_items() -> None:
    view = prices(
        4,
        ev.Succeeded(2.0, "prices[0].if", True),
        ev.Started(2.0, "prices[0]", "price", {}),
        ev.Succeeded(3.0, "prices[0]", 1),
        ev.Failed(3.0, "prices[1]", Failure("error", "no")),
        ev.Skipped(3.0, "prices[2]", "prices[2].if", by_guard=True),
        ev.Started(3.0, "prices[3]", "price", {}),
    )
    assert view.row("prices").items == Items(count=4, done=1, failed=1, skipped=1, running=1)


def test_what_a_body_computes_has_no_row_unless_it_fails() -> None:
    view = prices(2, ev.Succeeded(2.0, "prices[0].if", True), ev.Failed(2.0, "prices[1].if", Failure("error", "no")))
    assert [row.id for row in view.rows()] == ["tickers", "prices", "prices[1].if"]


def test_an_item_of_a_display_inside_a_map_finds_its_template() -> None:
    body = (
        Task("m[][0]", Call("left")),
        Task("m[][1]", Call("right")),
        Task("m[]", Display("list", ("m[][0]", "m[][1]"))),
    )
    view = viewed(
        *planned(Task("m", Map("xs", "m[]:x", body, "m[]"))),
        ev.Expanded(1.0, "m", 9),
        ev.Waiting(1.0, "m[7][1]", ("l",)),
    )
    assert view.row("m[7][1]").tool == "right"


def test_a_map_in_a_map_shows_its_calls_under_the_outer_one() -> None:
    inner = Map("m[]:x", "m[][]:y", (Task("m[][]", Call("deep")),), "m[][]")
    view = viewed(
        *planned(Task("m", Map("xs", "m[]:x", (Task("m[]", inner),), "m[]"))),
        ev.Expanded(1.0, "m", 2),
        ev.Expanded(1.0, "m[1]", 3),
        ev.Started(1.0, "m[1][2]", "deep", {}),
        ev.Succeeded(2.0, "m[1]", []),
    )
    assert [(row.id, row.tool) for row in view.rows()] == [("m", ""), ("m[1][2]", "deep")]
    assert view.row("m").items == Items(count=2, done=1, running=1)


def test_a_call_that_was_never_planned_is_shown_all_the_same() -> None:
    view = viewed(ev.Started(1.0, "lost", "t", {"x": 1}))
    assert [(row.id, row.tool, row.state) for row in view.rows()] == [("lost", "t", "running")]


def test_everything_is_shown_where_there_is_room() -> None:
    view = prices(2, ev.Started(2.0, "prices[0]", "price", {}))
    assert ids(view, 3) == ["tickers", "prices", "prices[0]"]


def test_bookkeeping_gives_way_first() -> None:
    total = Task("total", Compute(Apply("sum", (Binary("+", Ref("a"), Literal(1)),))))
    view = viewed(*planned(call("a"), total, call("b"), Task("join", Join(((None, "total"),)))))
    assert ids(view, 4) == ["a", "total", "b", "join"]
    assert ids(view, 3) == ["a", "b"]


def test_a_map_of_ten_thousand_shows_what_runs_then_what_failed_then_what_was_done_last() -> None:
    happened: list[ev.Event] = [ev.Waiting(2.0, f"prices[{n}]", ("max_concurrency",)) for n in range(10_000)]
    for n in range(5_000):
        happened.append(ev.Started(3.0, f"prices[{n}]", "price", {}))
        if n < 4_998:
            fails = n in (17, 4_000)
            no = Failure("error", "no")
            happened.append(ev.Failed(4.0, f"prices[{n}]", no) if fails else ev.Succeeded(4.0, f"prices[{n}]", n))
    view = prices(10_000, *happened)
    assert ids(view, 8) == [
        "tickers",
        "prices",
        "prices[17]",
        "prices[4000]",
        "prices[4996]",
        "prices[4997]",
        "prices[4998]",
        "prices[4999]",
    ]
    assert ids(view, 4) == ["tickers", "prices", "prices[4998]", "prices[4999]"]
    assert view.row("prices").items == Items(count=10_000, done=4_996, failed=2, running=2)
    assert view.counts == Counts(ready=5_000, running=2, done=4_996, failed=2, waiting=1)


def test_a_plan_with_more_tasks_than_room_keeps_what_runs_and_failed_and_comes_next() -> None:
    view = viewed(
        *planned(*(call(f"c{n}") for n in range(20))),
        *(ev.Succeeded(1.0, f"c{n}", n) for n in range(10)),
        ev.Failed(1.0, "c3", Failure("error", "no")),
        ev.Started(1.0, "c12", "t", {}),
    )
    assert ids(view, 5) == ["c3", "c10", "c11", "c12", "more"]
    assert view.shown(5)[-1] == More((("waiting", 7), ("done", 9)))


def test_one_row_of_room_is_enough() -> None:
    view = viewed(*planned(call("a"), call("b")))
    assert view.shown(1) == (More((("waiting", 2),)),)
    assert view.shown(0) == (More((("waiting", 2),)),)


def test_the_plan_is_what_was_written_over_all_rounds() -> None:
    view = viewed(
        ev.RoundStarted(0.0, 0),
        ev.PlanWritten(0.0, "a = "),
        ev.PlanWritten(0.0, "t()"),
        ev.Replanned(1.0, "more"),
        ev.RoundStarted(1.0, 1),
        ev.PlanWritten(1.0, "b = t()\n"),
    )
    assert (view.plan_text, view.round, view.replans) == ("a = t()\nb = t()\n", 1, ("more",))


def test_the_answer_begins_anew_after_a_replan() -> None:
    view = viewed(ev.JoinStarted(0.0), ev.AnswerWritten(0.0, "I need"), ev.Replanned(0.0, "more"))
    assert view.answer_text == ""
    for event in (ev.JoinStarted(1.0), ev.AnswerWritten(1.0, "It "), ev.AnswerWritten(1.0, "is 4.")):
        view.apply(event)
    assert view.joining
    view.apply(ev.Joined(2.0, "It is 4."))
    assert (view.answer_text, view.answer, view.joining) == ("It is 4.", "It is 4.", False)


def test_the_answer_begins_anew_after_an_attempt_that_is_no_answer() -> None:
    view = viewed(ev.JoinStarted(0.0), ev.AnswerWritten(0.0, "four"), ev.AnswerRejected(1.0, 1, "no number"))
    assert view.answer_text == ""
    view.apply(ev.AnswerWritten(2.0, "4", attempt=2))
    assert view.answer_text == "4"


def test_diagnostics_that_went_back_to_the_planner_are_gone() -> None:
    wrong = Diagnostic("E102", "`x` is not defined", Span(1, 0, 1, 1))
    view = viewed(ev.RoundStarted(0.0, 0), ev.Diagnosed(0.0, wrong))
    assert view.diagnostics == (wrong,)
    view.apply(ev.Repairing(1.0, 1))
    assert not view.diagnostics
    assert view.repairs == 1


def test_usage_adds_up_by_role() -> None:
    view = viewed(
        ev.ModelUsed(0.0, "planner", Usage(10, 0, 5, 1)),
        ev.ModelUsed(0.0, "joiner", Usage(1, 0, 1, 1)),
        ev.ModelUsed(0.0, "planner", Usage(20, 10, 5, 1)),
    )
    assert dict(view.usage) == {"planner": Usage(30, 10, 10, 2), "joiner": Usage(1, 0, 1, 1)}


def test_time_passes_until_the_run_ends() -> None:
    view = viewed(ev.RunStarted(10.0, "r", "why"), ev.Started(11.0, "a", "t", {}))
    assert view.elapsed(12.5) == 2.5
    view.apply(ev.RunEnded(13.0, "cancelled"))
    assert (view.elapsed(99.0), view.error, view.row("a", 99.0).seconds) == (3.0, "cancelled", 2.0)
    assert RunView().elapsed(5.0) == 0.0
