"""One of each event, and random ones with random values in them."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

from hypothesis import strategies as st

from superscalar import events
from superscalar.attachments import Attachment
from superscalar.events import Event
from superscalar.labels import Label, Source
from superscalar.plan.ir import (
    Access,
    Call,
    Compute,
    Display,
    Each,
    Field,
    First,
    Guard,
    Join,
    Map,
    Need,
    Ref,
    Select,
    Span,
    Task,
    Work,
)
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.values import (
    WITHHELD,
    Failure,
    Handle,
    Holder,
    Observation,
    OrderedSet,
    Record,
    Skipped,
    Usage,
)
from support.random_expressions import expressions
from support.random_values import FILES, VALUES

_IDS = st.sampled_from(["x", "x.2", "xs[]", "xs[]:t", "notify()"])

_SOME_IDS = st.lists(_IDS, max_size=2).map(tuple)

_SPANS = st.builds(Span, *[st.integers(0, 99)] * 4)

_WORK: st.SearchStrategy[Work] = st.deferred(
    lambda: st.one_of(
        st.builds(
            Call,
            _IDS,
            st.lists(st.tuples(_IDS, expressions(2)), max_size=2).map(tuple),
            st.just("write"),
            st.none() | st.builds(Access, _IDS, st.none() | st.text(max_size=3), st.booleans()),
        ),
        st.builds(Compute, expressions(3)),
        st.builds(
            Map, _IDS, _IDS, st.lists(_TASKS, max_size=2).map(tuple), _IDS, keep=_SOME_IDS, flatten=st.booleans()
        ),
        st.builds(
            Display, st.sampled_from(["list", "dict"]), _SOME_IDS, st.lists(expressions(1), max_size=2).map(tuple)
        ),
        st.builds(First, expressions(1), _IDS),
        st.builds(Select, _IDS, st.none() | _IDS, st.none() | _IDS),
        st.builds(Each, _IDS, _SOME_IDS, _SOME_IDS, st.booleans(), st.none() | _IDS),
        st.builds(Join, st.lists(st.tuples(st.none() | _IDS, _IDS), max_size=2).map(tuple), st.booleans()),
    )
)

_NEEDS = st.builds(Need, _IDS, st.sampled_from(["value", "item"]), st.integers(0, 3))

_TASKS: st.SearchStrategy[Task] = st.builds(
    Task,
    _IDS,
    _WORK,
    st.lists(_NEEDS, max_size=2).map(tuple),
    st.lists(st.builds(Guard, _IDS, st.booleans()), max_size=2).map(tuple),
    _SOME_IDS,
    st.text(max_size=3),
    st.lists(st.text(max_size=3), max_size=1).map(tuple),
    _SPANS,
)

_TEXTS = st.text(max_size=5)

_BY_ANNOTATION: dict[str, st.SearchStrategy[Any]] = {
    "float": st.floats().map(lambda number: number + 0.0),  # no -0.0, which is a default 0.0 to whoever reads it
    "float | None": st.none() | st.floats(allow_nan=False),
    "int": st.integers(),
    "int | None": st.none() | st.integers(),
    "bool": st.booleans(),
    "bool | None": st.none() | st.booleans(),
    "str": _TEXTS,
    "TaskId": _IDS,
    "tuple[TaskId, ...]": _SOME_IDS,
    "tuple[int, ...]": st.lists(st.integers(0, 9), max_size=2).map(tuple),
    "tuple[str, ...]": st.lists(_TEXTS, max_size=2).map(tuple),
    "tuple[str, ...] | None": st.none() | st.lists(_TEXTS, max_size=2).map(tuple),
    "tuple[Source, ...]": st.lists(
        st.builds(Source, st.sampled_from(["plan", "tool"]), _TEXTS, st.booleans(), _TEXTS), max_size=2
    ).map(tuple),
    "Label | None": st.none()
    | st.builds(
        Label,
        st.lists(st.builds(Source, st.sampled_from(["plan", "tool"]), _TEXTS, st.booleans(), _TEXTS), max_size=2),
        st.none() | st.lists(_TEXTS, max_size=2),
    ),
    "tuple[Attachment, ...]": st.lists(FILES, max_size=2).map(tuple),
    "Any": VALUES,
    "Mapping[str, Any]": st.dictionaries(_TEXTS, VALUES, max_size=2),
    "Mapping[str, Any] | None": st.none() | st.dictionaries(_TEXTS, VALUES, max_size=2),
    "Usage": st.builds(Usage, *[st.integers(0)] * 4, reasoning_tokens=st.integers(0), kept_tokens=st.integers(0)),
    "Diagnostic": st.builds(Diagnostic, _TEXTS, _TEXTS, _SPANS, help=_TEXTS),
    "Failure": st.builds(Failure, st.just("timeout"), _TEXTS, _TEXTS, st.booleans()),
    "Task": _TASKS,
    "tuple[Outcome, ...] | None": st.none()
    | st.lists(st.builds(Observation, VALUES) | st.builds(Skipped, _IDS, st.booleans()), max_size=2).map(tuple),
    "Holder": st.builds(
        Holder,
        st.sampled_from(["list", "tuple", "set", "dict"]),
        st.lists(_TEXTS | st.integers(), max_size=2).map(tuple),
        st.lists(st.integers(0, 9), max_size=2).map(tuple),
    ),
}


def random_events() -> st.SearchStrategy[Event]:
    made = [
        st.builds(kind, **{field.name: _BY_ANNOTATION[str(field.type)] for field in dataclasses.fields(kind)})
        for kind in get_args(Event)
    ]
    return st.one_of(made)


_BODY = (Task("xs[]", Call("price", (("ticker", Field(Ref("xs[]:t"), "name")),))),)

_TASK = Task(
    "xs",
    Map("tickers", "xs[]:t", _BODY, "xs[]", keep=("xs[]:t",)),
    needs=(Need("tickers"), Need("rate", "item", 1)),
    guards=(Guard("if", True),),
    after=("notify()",),
    thought="nine prices",
    span=Span(2, 0, 2, 41),
)

_VALUE = {"prices": [1, 2.5, float("nan")], "pair": (None, True), 3: {b"\x00"}, "set": OrderedSet(["a"])}

_WRITE = Task("put()", Call("put", (("key", Ref("k")),), "write", Access("shop", known=False)), (Need("k"),))

ONE_OF_EACH: tuple[Event, ...] = (
    events.RunStarted(0.0, "r1", "What is it worth?"),
    events.RoundStarted(0.25, 0),
    events.ToolsShown(0.25, ("price", "name"), 1_000, ("price: cut description",)),
    events.PlanWritten(0.5, "x = price('IBM')\n"),
    events.Diagnosed(0.5, Diagnostic("E102", "`y` is not defined yet", Span(3, 8, 3, 9), "join(y)", help="assign it")),
    events.Repairing(0.75, 1),
    events.Planned(1.0, _TASK),
    events.Sealed(1.0),
    events.Expanded(1.0, "xs", 9),
    events.Planned(1.0, _WRITE),
    events.Resolved(1.25, "put()", "key:a"),
    events.Shared(1.25, "xs[4]", "xs[0]"),
    events.Wanted(1.0, "best", 2),
    events.Won(1.0, "best", (0, 2)),
    events.Unneeded(1.0, ("xs[1]", "xs[].tool")),
    events.Cancelled(1.25, "xs[1]"),
    events.Revived(1.25, ("xs[1]",)),
    events.Waiting(1.25, "xs[5]", ("quotes",)),
    events.Started(1.25, "xs[0]", "price", {"ticker": "IBM", "exact": True}, 2),
    events.Started(1.25, "xs[1]", "price", {"ticker": "AAPL"}, batch=3),
    events.Progressed(1.5, "xs[0]", "half of it", 0.5),
    events.Charged(1.5, "xs[0]", 0.25, 40),
    events.Retrying(1.5, "xs[0]", 1, Failure("error", "too many", "RateLimited"), 2.0),
    events.Succeeded(3.0, "xs[0]", _VALUE),
    events.Failed(3.0, "xs", Failure("items", "1 failed", items=(Observation(1.5), Skipped("y", by_guard=True)))),
    events.Skipped(3.0, "total", "xs"),
    events.DeadlinePassed(4.0),
    events.BudgetSpent(4.0, "max_cost", 0.75, 0.5),
    events.JoinStarted(4.0, last=True),
    events.AnswerWritten(4.5, "It is "),
    events.AnswerRejected(4.5, 1, "it is empty"),
    events.AnswerCut(4.5, 'it ended with the word "length"'),
    events.Joined(5.0, Record("brief.Answer", {"total": 12.5})),
    events.Replanned(5.0, "one price is missing"),
    events.ModelPreparing(5.0, "planner", "reading the prompt", 0.5),
    events.ModelAsked(5.0, "planner", 2, "openai:gpt-5-mini"),
    events.ModelUsed(5.0, "planner", Usage(10, 0, 20, 1)),
    events.RunEnded(6.0),
    events.Resumed(6.0),
    events.Judged(6.0, "pay()", 1, "again"),
    events.Throttled(1.5, "quotes", 2.0, 5, 47.5),
    events.RoundStarted(1.0, 1, "more", True),
    events.Decided(
        6.0,
        "pay()",
        "deny",
        "destinations",
        "it is not trusted",
        (Source("plan"), Source("tool", "search", False, "int")),
        ("finance", "legal"),
    ),
    events.Decided(6.0, "pay()", "allow", "destinations", sources=(Source("user"),)),
    events.Approved(7.0, "pay()", True, "ann"),
    events.PlanAsked(7.0, ('send(to="ann")',)),
    events.PlanApproved(8.0, False, "ann"),
    events.Retired(1.0, ("pay", "ys"), "the planner wrote the plan anew", ("pay = send(1)",)),
    events.Thought(7.25, "planner", "It wants a price."),
    events.Withdrawn(7.25, "planner"),
    events.Ordered(1.0, ("ys", "pay")),
    events.Decided(
        6.0,
        "pay()",
        "ask",
        "policy",
        "look",
        arguments={"to": "ann", "key": WITHHELD, "over": Handle("Connection: <open>"), "tags": {"a"}},
        digest="0123456789abcdef0123456789abcdef",
    ),
    events.Approved(7.0, "pay()", True, "ann", "0123456789abcdef0123456789abcdef"),
    events.ModelWaiting(5.0, "planner", "openai:gpt-5-mini", ("openai:gpt-5-mini",), "slow down"),
    events.ModelFailed(5.0, "planner", "openai:gpt-5-mini", "HTTP 500: no room"),
    events.RunStarted(0.0, "r2", "What is it?", files=(Attachment("image/png", b"\x89PNG", name="a.png"),)),
    events.ModelAsked(5.0, "planner", 1, "local", ("withheld: image/png, 4 bytes: local takes no images",)),
    events.Succeeded(3.0, "x", [Attachment("text/plain", b"", uri="https://a.example/b")]),
    events.FellBack(2.5, "native", "the plan still has errors"),
)
