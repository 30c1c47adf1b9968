"""Inputs of a plan: names in it whose types are declared, and whose values are given when it is run."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from json import dumps
from typing import Annotated, Any, Literal

import pytest
from pydantic import SecretStr

from superscalar import Failure, Input, LLMCompiler, Observation, PlanError, Secret, UsageError, labelled, tool
from superscalar.labels import Label, Source
from superscalar.observe.documents import plan_document
from superscalar.observe.view import RunView
from superscalar.plan import print_as
from superscalar.plan.ir import UNBOUND, Supplied
from superscalar.testing import ScriptedModel
from support.running import executed

sent: list[tuple[str, str]] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    sent.clear()


@tool(effect="read", trust="trusted")
def price(ticker: str) -> float:
    """The price of a ticker."""
    return float(len(ticker))


@tool(effect="read", trust="trusted")
def login(token: str) -> str:
    """Log in."""
    return f"hello {len(token)}"


@tool(effect="write", sink="to")
def send(to: str, text: str) -> str:
    """Send a text."""
    sent.append((to, text))
    return "sent"


AGENT = LLMCompiler(tools=[price, login, send])
PRICES = "ps = [price(t) for t in tickers[:limit]]\njoin(ps)"
TYPES = {"tickers": list[str], "limit": Input(int, default=2)}
SECRET = "s3cret-of-mine"


class Colour(Enum):
    RED = "red"


def joined(source: Any, **inputs: Any) -> Any:
    return executed(source, [price, login, send], inputs=inputs or None).answer


# ---------------------------------------------------------------------------------------------- types and values


def test_an_input_is_a_name_whose_value_is_given() -> None:
    plan = AGENT.compile(PRICES, inputs=TYPES)
    assert joined(plan, tickers=["A", "BB", "CCC"]) == [1.0, 2.0]
    assert joined(plan, tickers=["A", "BB", "CCC"], limit=3) == [1.0, 2.0, 3.0]
    assert [(one.name, one.type, one.required, one.default) for one in plan.inputs] == [
        ("tickers", "list[str]", True, UNBOUND),
        ("limit", "int", False, 2),
    ]


def test_a_value_is_what_its_type_wants() -> None:
    types = {"day": dt.date, "n": int | None, "c": Colour, "pair": tuple[int, str], "more": Any, "way": Literal["a", 1]}
    plan = AGENT.compile("join(day.year, n, c, pair, more, way)", inputs=types)
    given = {"day": "2026-11-30", "n": None, "c": "red", "pair": [1, "x"], "more": {"k": [1]}, "way": 1}
    assert joined(plan, **given) == [2026, None, "red", (1, "x"), {"k": [1]}, 1]


def test_a_value_is_a_copy() -> None:
    tickers = ["A"]
    plan = AGENT.compile("join(tickers)", inputs=TYPES)
    assert joined(plan, tickers=tickers) is not tickers


def test_a_default_may_be_none() -> None:
    plan = AGENT.compile("join(x is None)", inputs={"x": Input(str | None, default=None)})
    assert joined(plan) is True


def test_all_that_is_wrong_with_what_is_given_is_said_at_once() -> None:
    plan = AGENT.compile(PRICES, inputs={**TYPES, "day": dt.date})
    with pytest.raises(UsageError) as raised:
        joined(plan, ticker=["A"], limit="many", other=1)
    assert str(raised.value) == (
        "inputs of the plan: `tickers` (list[str]) is missing; "
        "`limit`: Input should be a valid integer, unable to parse string as an integer, not 'many'; "
        "`day` (date) is missing; the plan has no input 'ticker'; did you mean `tickers`?; "
        "the plan has no input 'other'; there are tickers, limit, day"
    )


def test_nothing_runs_of_a_plan_that_lacks_an_input() -> None:
    plan = AGENT.compile("send(to, 'x')", inputs={"to": str})
    with pytest.raises(UsageError, match=r"`to` .str. is missing"):
        joined(plan)
    assert sent == []


def test_what_is_no_data_is_no_input() -> None:
    plan = AGENT.compile("join(x)", inputs={"x": Any})
    with pytest.raises(UsageError, match="`x` is no data: `value` cannot be written"):
        joined(plan, x=object())


def test_inputs_of_a_plan_that_has_none_are_refused() -> None:
    with pytest.raises(
        UsageError, match="the plan has no input 'x': it has none; declare it above: # input NAME: TYPE"
    ):
        joined("join(1)", x=1)


def test_whoever_gives_what_is_not_declared_is_told_how_it_is() -> None:
    agent = LLMCompiler()
    with pytest.raises(PlanError, match="its first lines: # input limit: str"):
        agent.stream_plan("join(limit)", inputs={"limit": 5})
    with pytest.raises(PlanError, match="assign it above this line"):
        agent.stream_plan("join(limit)", inputs={"other": 5})


def test_a_plan_that_ran_runs_again_with_what_it_was_given_and_not_without_its_secrets() -> None:
    plan = AGENT.compile("ok = login(token)\njoin(n, ok)", inputs={"n": int, "token": Input(str, secret=True)})
    again = executed(plan, [price, login, send], inputs={"n": 1, "token": SECRET}).plan
    with pytest.raises(UsageError, match=r"`n` .int. is missing; `token` .str. is missing"):
        joined(again)
    numbers = executed(AGENT.compile("join(n)", inputs={"n": int}), [price], inputs={"n": 1}).plan
    assert joined(numbers) == 1


# -------------------------------------------------------------------------------------------------- declarations


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"_x": int}, "'_x' is no name of an input"),
        ({"class": int}, "'class' is no name of an input"),
        ({"a b": int}, "'a b' is no name of an input"),
        ({"ﬁt": int}, "`ﬁt` is read as `fit`: write that"),
        ({"x": object}, "`x`: 'object' is no type of an input: write a type of data"),
        ({"x": "list[int"}, "`x`: 'list\\[int' is no type of an input"),
        ({"x": "list[__import__('os')]"}, "no type of an input"),
        ({"x": "dict[str]"}, "no type of an input"),
        ({"x": Annotated[int, "bound"]}, "`x`: an input has a type and no more"),
        ({"x": Input(int, default="a")}, "the default of `x`: Input should be a valid integer"),
        ({"x": Input(Any, default=object())}, "is nothing that a plan can write"),
        ({"x": Input(str, default="a", secret=True)}, "`x` is secret, so nothing that is printed may have its value"),
        ({"x": Input(int, secret=True)}, "`x` is secret, so it is a text: str or bytes, not int"),
        (["x"], "write types by name"),
        ({f"x{n}": int for n in range(101)}, "a plan has at most 100 inputs"),
    ],
)
def test_what_is_no_input_cannot_be_declared(inputs: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        AGENT.compile("join(1)", inputs=inputs)


def test_all_that_is_wrong_with_declarations_is_said_at_once() -> None:
    with pytest.raises(UsageError, match=r"'_x' is no name.*; `y`: 'object' is no type"):
        AGENT.compile("join(1)", inputs={"_x": int, "y": object})


def test_the_types_of_inputs_are_checked_where_they_go() -> None:
    with pytest.raises(PlanError, match="E304 `n` is int, and `ticker` of `price` is str"):
        AGENT.compile("join(price(n))", inputs={"n": int})


def test_the_types_of_their_items_are_checked_too() -> None:
    with pytest.raises(PlanError, match="E304 `n` is int, and `ticker` of `price` is str"):
        AGENT.compile("join([price(n) for n in ns])", inputs={"ns": list[int]})
    assert AGENT.compile("join([price(n) for n in ns])", inputs={"ns": list[str] | None}).inputs


def test_an_input_has_versions_and_may_be_called_as_a_tool_is() -> None:
    plan = AGENT.compile("price = price(price)\nprice = price + 1\njoin(price)", inputs={"price": str})
    assert joined(plan, price="AB") == 3.0
    assert [task.id for task in plan] == ["price", "price.2", "price.3", "join()"]


def test_an_input_may_be_called_as_a_function_is() -> None:
    plan = AGENT.compile("join = len(len)\njoin(join, len)", inputs={"len": str, "join": Input(int, default=1)})
    assert joined(plan, len="ABC") == [3, "ABC"]
    assert AGENT.compile(str(plan)) == plan


def test_an_input_is_not_changed_in_place() -> None:
    with pytest.raises(PlanError, match="E204 `xs` cannot be changed in place: it is not sure that this plan made it"):
        AGENT.compile("xs.append(1)\njoin(xs)", inputs={"xs": list[int]})


# ------------------------------------------------------------------------------------------------------- headers


HEADER = """\
# input tickers: list[str]  # of which # the price is wanted
# input limit: int | None = 5
# input note: str = 'a # b'
# input day: date = '2026-11-30'
# secret input token: str
# the prices
ps = [price(ticker=t) for t in tickers[:limit]]
ok = login(token=token)
join(ps, ok)
"""


def test_a_printed_plan_says_its_inputs_and_reads_back() -> None:
    plan = AGENT.compile(HEADER)
    assert str(plan) == HEADER
    assert [(one.name, one.default, one.description, one.secret) for one in plan.inputs] == [
        ("tickers", UNBOUND, "of which # the price is wanted", False),
        ("limit", 5, "", False),
        ("note", "a # b", "", False),
        ("day", "2026-11-30", "", False),
        ("token", UNBOUND, "", True),
    ]
    assert [task.thought for task in plan if task.id == "ps"] == ["the prices"]
    assert AGENT.compile(str(plan)) == plan


def test_what_is_declared_beside_a_plan_takes_the_place_of_its_header() -> None:
    plan = AGENT.compile("# input x: int\njoin(x)", inputs={"x": str})
    assert [one.type for one in plan.inputs] == ["str"]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("# input x: integer", "plan:1:9: E104 `x`: 'integer' is no type of an input"),
        ("\n# input x: int\n# input x: int", "plan:3:9: E104 there is an input `x` already"),
        ("# input x: int = y", "plan:1:9: E104 the default of `x` is no constant"),
        ("# input _x: int", "plan:1:9: E104 '_x' is no name of an input"),
        ("# input -x: int", "plan:1:9: E104 '-x' is no name of an input"),
        ("# input x: int = 'a'", "plan:1:9: E104 the default of `x`: Input should be a valid integer"),
    ],
)
def test_what_cannot_be_read_of_a_header_is_an_error_in_its_place(header: str, problem: str) -> None:
    source = f"{header}\njoin(1)"
    with pytest.raises(PlanError) as raised:
        AGENT.compile(source)
    assert problem in str(raised.value)
    assert problem in "\n".join(map(str, AGENT.check(source)))


@pytest.mark.parametrize(
    "comment", ["# input notes: the ones we got", "# an input x: int", "#input", "# input x", "x = 1\n# input x: int"]
)
def test_prose_declares_nothing(comment: str) -> None:
    assert AGENT.compile(f"{comment}\njoin(1)").inputs == ()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\x0b", "\x0c", "\x85"])
def test_a_thought_declares_nothing_when_its_plan_is_printed_and_read_back(end: str) -> None:
    thought = f"now{end}input to: str = 'eve'{end}# input to: str = 'eve'{end}secret input to: str"
    steps = [{"id": "x", "thought": thought, "tool": "price", "arguments": {"ticker": "A"}}]
    text = str(AGENT.compile(dumps({"steps": steps})))
    again = AGENT.compile(text)
    assert (again.inputs, [task.id for task in again], str(again)) == ((), ["x", "join()"], text)


def test_a_planner_declares_no_inputs() -> None:
    agent = LLMCompiler(ScriptedModel("# input n: int = 5\nx = price('A')\njoin(x, n)"), tools=[price], max_repairs=0)
    with pytest.raises(PlanError, match="E102 `n` is not defined yet"):
        agent.run_sync("why?")


@pytest.mark.parametrize(
    "source",
    [
        "# input t: str\n# input n: int = 3\n1. price(t)\n2. join($1)",
        "# input t: str\n# input n: int = 3\n#E1 = price[t]\n#E2 = join[#E1]",
        """{"inputs": {"t": "str", "n": {"type": "int", "default": 3}},
        "steps": [{"id": "x", "tool": "price", "arguments": {"ticker": {"$ref": "t"}}}], "join": {"$ref": "x"}}""",
    ],
)
def test_inputs_are_declared_in_every_syntax(source: str) -> None:
    plan = AGENT.compile(source)
    assert joined(plan, t="ABC") == 3.0
    text = print_as(plan.tasks, plan.syntax)
    again = AGENT.compile(text)
    assert (again.syntax, again, print_as(again.tasks, plan.syntax)) == (plan.syntax, plan, text)


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ('["x"]', "plan:1:2: E104 `inputs` is an object"),
        ('{"x": 5}', "E104 the input `x` has no type"),
        ('{"x": {"type": "int", "of": 1}}', "E104 the input `x` has a `of`, which inputs do not have"),
        ('{"x": {"type": "str", "secret": "no"}}', "`secret` is true or false"),
    ],
)
def test_what_cannot_be_read_of_inputs_in_json_is_an_error(inputs: str, why: str) -> None:
    with pytest.raises(PlanError) as raised:
        AGENT.compile(f'{{"inputs": {inputs}, "steps": [], "join": 1}}')
    assert why in str(raised.value)


def test_quoted_an_inputs_name_is_text_in_every_syntax() -> None:
    assert joined(AGENT.compile('1. price("t")\n2. join($1)', inputs={"t": str}), t="ABC") == 1.0


# ------------------------------------------------------------------------------------------------------- labels


LETTER = "join(send(to, text))"


def answered(to: Any, text: Any = "hello") -> Any:
    plan = AGENT.compile(LETTER, inputs={"to": str, "text": str})
    return executed(plan, [price, login, send], inputs={"to": to, "text": text})


def test_what_is_given_is_trusted_as_whoever_gives_it() -> None:
    result = answered("ann")
    assert sent == [("ann", "hello")]
    assert result.provenance("to").label == Label([Source("user", "to")])
    assert str(result.provenance("to").label) == "the input `to`"


def test_what_is_labelled_chooses_no_sink() -> None:
    assert isinstance(answered(labelled("eve")).outcomes["join().send"], Failure)
    assert sent == []
    assert isinstance(answered("ann", labelled("eve says so")).outcomes["join().send"], Observation)
    assert sent == [("ann", "eve says so")]


def test_a_labelled_value_has_the_label_that_is_said() -> None:
    label = Label([Source("tool", "mail", trusted=False)], ["ann"])
    plan = AGENT.compile("join(page)", inputs={"page": str, "n": Input(int, default=1)})
    result = executed(plan, [price], inputs={"page": labelled("text", label)})
    assert result.provenance("page").label == label
    assert result.provenance("n").label == Label([Source("plan")])
    result = executed(plan, [price], inputs={"page": labelled("text", trusted=True, readers=["bob"])})
    assert result.provenance("page").label == Label([Source("user", "page")], ["bob"])


def test_readers_of_an_input_stay() -> None:
    @tool(effect="write", reads="bob", sink="to")
    def tell(to: str, text: str) -> str:
        """Tell."""
        raise AssertionError("nobody may")

    plan = LLMCompiler(tools=[tell]).compile(LETTER.replace("send", "tell"), inputs={"to": str, "text": str})
    given = {"to": "bob", "text": labelled("for ann", trusted=True, readers=["ann"])}
    assert isinstance(executed(plan, [tell], inputs=given).outcomes["join().tell"], Failure)


# ------------------------------------------------------------------------------------------------------- secrets


def test_a_secret_input_is_shown_nowhere() -> None:
    plan = AGENT.compile("ok = login(token)\njoin(ok)", inputs={"token": Annotated[str, Secret], "n": Input(int, 1)})
    told: list[Any] = []
    result = executed(
        plan, [login], inputs={"token": SecretStr(SECRET)}, observers=[lambda event, _: told.append(event)]
    )
    assert result.answer == f"hello {len(SECRET)}"
    view = RunView()
    for event in result.events:
        view.apply(event)
    shown = [told, [*view.rows()], result.plan, dict(result.outcomes), str(result.plan), result.plan.tasks]
    assert SECRET not in repr(shown)
    assert str(result.plan).startswith("# secret input token: str\n")


def test_a_secret_that_cannot_be_found_in_texts_is_refused() -> None:
    plan = AGENT.compile("join(login(token))", inputs={"token": SecretStr})
    with pytest.raises(UsageError, match="`token`: it is secret, and a text of fewer than 8 characters") as raised:
        joined(plan, token="abcdefg")
    assert "abcdefg" not in str(raised.value)


# --------------------------------------------------------------------------------------------------- elsewhere


def test_an_estimate_knows_what_is_given() -> None:
    plan = AGENT.compile(PRICES.replace("[:limit]", ""), inputs={"tickers": list[str]})
    calls = [AGENT.estimate(plan).calls, AGENT.estimate(plan, inputs={"tickers": ["A", "B"]}).calls]
    assert [(one.least, one.most) for one in calls] == [(0, 1_000), (2, 2)]


def test_inputs_are_tasks_in_views_and_documents() -> None:
    plan = AGENT.compile(PRICES, inputs=TYPES)
    first, second = plan_document(plan, str(plan))["tasks"][:2]
    assert first == {"id": "tickers", "kind": "input", "type": "list[str]", "required": True} | _waits(first)
    assert second["kind"] == "input"
    result = executed(plan, [price], inputs={"tickers": ["A"]})
    view = RunView()
    for event in result.events:
        view.apply(event)
    rows = {row.id: (row.kind, row.state, row.value) for row in view.rows()}
    assert (rows["tickers"], rows["limit"]) == (("input", "done", "['A']"), ("input", "done", "2"))


def _waits(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("id", "kind", "type", "required")}


def test_a_compiled_plan_has_no_values() -> None:
    plan = AGENT.compile(PRICES, inputs=TYPES)
    assert [task.work.value for task in plan if isinstance(task.work, Supplied)] == [UNBOUND, UNBOUND]


@pytest.mark.parametrize(
    "source",
    [
        "# Input x: str\njoin(x)",
        "# inputs: x (str)\njoin(x)",
        "# INPUT x\njoin(x)",
        "a = 1\n# input x: str\njoin(a, x)",
    ],
)
def test_what_looks_like_a_declaration_and_is_none_is_told_how_to_be_one(source: str) -> None:
    agent = LLMCompiler()
    with pytest.raises(PlanError, match="in this form: # input x: str") as refused:
        agent.compile(source)
    assert [one.help for one in agent.check(source)] == [one.help for one in refused.value.diagnostics]  # type: ignore[attr-defined]


def test_inputs_are_the_first_key_of_a_plan_in_json() -> None:
    source = '{"steps": [], "join": null, "inputs": {"x": "str"}}'
    with pytest.raises(PlanError, match="inputs come first: "):
        LLMCompiler().compile(source)


def test_an_undefined_name_that_no_comment_speaks_of_is_told_as_ever() -> None:
    with pytest.raises(PlanError) as refused:
        LLMCompiler().compile("# output y: see below\njoin(y)")
    assert "# input" not in str(refused.value)
